//! A session that only reads.

use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use gonogo_core::Map;
use gonogo_core::record::{Cause, NotObserved};
use serde_json::Value as Json;
use tokio_postgres::{Error, Row};

use super::connect::{Route, Session};
use super::{bind, connect, decode, idle, trouble};
use crate::database::Asking;
use crate::database::dsn::Dsn;

/// The most bytes of one answer to a question of our own: beyond, something is not what it seems.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// Connects and signs in, to change something.
pub(crate) async fn open(asking: &Asking<'_>, dsn: &Arc<Dsn>) -> Result<Session, NotObserved> {
    let route = Arc::new(Route::of(asking, dsn)?);
    connect::connect(asking, &route).await
}

/// Connects and signs in, only to read.
pub(crate) async fn open_reading(
    asking: &Asking<'_>,
    dsn: &Arc<Dsn>,
) -> Result<Session, NotObserved> {
    let route = Arc::new(Route::of(asking, dsn)?.reading());
    connect::connect(asking, &route).await
}

/// A connection of an earlier check, ready to read. The server may have closed it meanwhile; nothing was asked on it
/// yet, so it can be asked anew on another.
pub(crate) async fn reused(asking: &Asking<'_>, key: &str) -> Option<Session> {
    let mut session = idle::take(asking.ctx.kept(), key)?;
    let begun = begin_reading(&mut session, asking).await;
    begun.is_ok().then_some(session)
}

/// The first statement takes the snapshot, after which PostgreSQL lets nobody turn the transaction into a writing one.
pub(crate) async fn begin_reading(
    session: &mut Session,
    asking: &Asking<'_>,
) -> Result<(), NotObserved> {
    begin(session, asking, "begin read only").await
}

async fn begin(session: &mut Session, asking: &Asking<'_>, begin: &str) -> Result<(), NotObserved> {
    let ms = session.limit_ms(asking);
    let begin = format!(
        "{begin}; select set_config('statement_timeout', '{ms}', true), set_config('lock_timeout', '{ms}', true)"
    );
    session.say(asking, &begin).await
}

/// Leaves the session as it was found: settings go with the transaction, only advisory locks outlive it.
pub(crate) async fn end_reading(session: &Session, asking: &Asking<'_>) -> bool {
    let end = "rollback; select pg_advisory_unlock_all()";
    session.say(asking, end).await.is_ok()
}

/// A row as a map from column to value.
pub(crate) fn kept(row: &Row) -> Result<Map, Error> {
    let mut kept = Map::new();
    for (index, column) in row.columns().iter().enumerate() {
        let value = if decode::is_decoded(column.type_()) {
            let decode::Decoded(value) = row.try_get(index)?;
            value
        } else {
            let decode::Worded(value) = row.try_get(index)?;
            value
        };
        kept.insert(column.name().to_owned(), value);
    }
    Ok(kept)
}

/// An open transaction that only reads, of one snapshot.
pub(crate) struct Reading {
    session: Session,
    address: String,
}

impl Reading {
    /// Connects and begins.
    pub(crate) async fn open(asking: &Asking<'_>, dsn: &Arc<Dsn>) -> Result<Self, NotObserved> {
        let mut session = open_reading(asking, dsn).await?;
        let snapshot = "begin isolation level repeatable read read only";
        begin(&mut session, asking, snapshot).await?;
        Ok(Self {
            session,
            address: dsn.shown(),
        })
    }

    /// For a record.
    pub(crate) fn address_and_engine(&self) -> (String, String) {
        (self.address.clone(), self.session.engine().to_owned())
    }

    /// All rows of one statement of our own.
    pub(crate) async fn rows(
        &mut self,
        asking: &Asking<'_>,
        sql: &str,
        bind: &[Json],
    ) -> Result<Vec<Map>, NotObserved> {
        let left = self.session.leave_none(asking);
        let asked = tokio::time::timeout(asking.ctx.remaining(), rows(&self.session, sql, bind));
        match asked.await {
            Err(_) => {
                self.session.break_off();
                Err(asking.timed_out("the server did not answer within the check's time limit"))
            }
            Ok(Ok(rows)) => {
                left.done();
                Ok(rows)
            }
            Ok(Err(stopped)) => {
                left.done();
                Err(self.told(asking, stopped))
            }
        }
    }

    fn told(&self, asking: &Asking<'_>, stopped: Stopped) -> NotObserved {
        match stopped {
            Stopped::Said(message) => asking.failed(Cause::Bug, message),
            Stopped::TooLarge => asking.failed_with_help(
                Cause::TooLarge,
                "the answer is larger than 256 MiB and is not read",
                "ask for fewer schemas at a time",
            ),
            Stopped::By(error) => match trouble::refusal(&error) {
                Some(refusal) if refusal.sqlstate == "57014" => {
                    asking.timed_out("the server did not answer within the check's time limit")
                }
                Some(refusal) if refusal.sqlstate == "55P03" => asking.failed_with_help(
                    Cause::Timeout,
                    "a lock was not given within the check's time limit",
                    "`select * from pg_locks where not granted` shows who waits",
                ),
                _ => trouble::not_observed(asking, &self.session, &error),
            },
        }
    }

    /// Ends the transaction and keeps nothing.
    pub(crate) async fn close(self, asking: &Asking<'_>) {
        if self.session.is_whole() {
            end_reading(&self.session, asking).await;
        }
    }
}

enum Stopped {
    By(Error),
    Said(String),
    TooLarge,
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::By(error)
    }
}

async fn rows(session: &Session, sql: &str, values: &[Json]) -> Result<Vec<Map>, Stopped> {
    let prepared = session.client().prepare(sql).await?;
    session.row_taken();
    let mut parameters = Vec::with_capacity(values.len());
    for (json, ty) in values.iter().zip(prepared.params()) {
        parameters.push(bind::parameter(json, ty).map_err(Stopped::Said)?);
    }
    let rows = session.query(&prepared, parameters).await?;
    let mut rows = pin!(rows);
    let mut all = Vec::new();
    let mut bytes = 0_usize;
    while let Some(row) = rows.next().await {
        let row = row?;
        session.row_taken();
        bytes = bytes.saturating_add(row.raw_size_bytes());
        if bytes > MAX_ANSWER_BYTES {
            return Err(Stopped::TooLarge);
        }
        all.push(kept(&row)?);
    }
    Ok(all)
}
