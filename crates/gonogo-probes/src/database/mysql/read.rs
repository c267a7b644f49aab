//! A session that only reads.

use std::sync::Arc;

use gonogo_core::Map;
use gonogo_core::record::{Cause, NotObserved};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Error, Params, QueryResult};
use serde_json::Value as Json;

use super::{Session, Told, open, parameter, told, value};
use crate::database::Asking;
use crate::database::dsn::Dsn;

/// The most bytes of one answer to a question of our own: beyond, something is not what it seems.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;
/// Names are quoted and texts put together as in standard SQL and on the other databases.
const LANGUAGE: &str = "set session sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_ALL_TABLES'";
const LEVEL: &str = "set session transaction isolation level repeatable read";
const BEGIN: &str = "start transaction with consistent snapshot, read only";

/// An open transaction that only reads.
pub(crate) struct Reading {
    session: Session,
    address: String,
    /// An earlier question was left in the middle of its answer.
    broken: bool,
}

impl Reading {
    /// Connects and begins.
    pub(crate) async fn open(asking: &Asking<'_>, dsn: &Arc<Dsn>) -> Result<Self, NotObserved> {
        let mut session = open(asking, dsn).await?;
        if !session.engine().starts_with("MariaDB") {
            // MySQL's sizes are of yesterday otherwise; older ones than 8 do not know the setting, nor keep any.
            let fresh = "set session information_schema_stats_expiry = 0";
            if session.engine() >= "MySQL 8" {
                session.say(asking, fresh).await?;
            }
        }
        for sql in [LANGUAGE, LEVEL, BEGIN] {
            session.say(asking, sql).await?;
        }
        Ok(Self {
            session,
            address: dsn.shown(),
            broken: false,
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
        if self.broken {
            return Err(asking.failed(Cause::Closed, "an earlier question was left unanswered"));
        }
        // Given back once there is an answer, whole or refused.
        self.broken = true;
        let begun = asking.ctx.now();
        let left = self.session.leave_none(asking);
        let asked = rows(&mut self.session, sql, bind);
        match tokio::time::timeout(asking.ctx.remaining(), asked).await {
            Err(_) => {
                Err(asking.timed_out("the server did not answer within the check's time limit"))
            }
            Ok(Ok(Some(rows))) => {
                left.done();
                self.broken = false;
                Ok(rows)
            }
            Ok(Ok(None)) => Err(asking.failed_with_help(
                Cause::TooLarge,
                "the answer is larger than 256 MiB and is not read",
                "ask for fewer schemas at a time",
            )),
            Ok(Err(error)) => {
                left.done();
                self.broken = !matches!(error, Error::Server(_));
                let by_limit = self.session.is_limit(begun.elapsed());
                Err(match told(asking, &error, by_limit) {
                    Told::Nothing(failed) => *failed,
                    Told::Refusal(refusal) => {
                        let denied = refusal.sqlstate == "42501";
                        let cause = if denied {
                            Cause::Denied
                        } else {
                            Cause::Protocol
                        };
                        let detail = refusal.detail.unwrap_or_default();
                        asking.failed(cause, format!("{}: {detail}", refusal.message))
                    }
                })
            }
        }
    }

    /// Ends the transaction and keeps nothing.
    pub(crate) async fn close(self) {
        if !self.broken {
            self.session.close().await;
        }
    }
}

/// Nothing where the answer is too large. What needs no values is not prepared: not all that tells can be.
async fn rows(session: &mut Session, sql: &str, bind: &[Json]) -> Result<Option<Vec<Map>>, Error> {
    if bind.is_empty() && sql.starts_with("show ") {
        return all(session.conn.query_iter(sql).await?).await;
    }
    let prepared = session.conn.prep(sql).await?;
    let params = match bind {
        [] => Params::Empty,
        bind => Params::Positional(bind.iter().map(parameter).collect()),
    };
    all(session.conn.exec_iter(&prepared, params).await?).await
}

async fn all<P>(mut result: QueryResult<'_, 'static, P>) -> Result<Option<Vec<Map>>, Error>
where
    P: mysql_async::prelude::Protocol,
{
    let columns = result.columns().unwrap_or_default();
    let mut all = Vec::new();
    let mut bytes = 0_usize;
    while let Some(row) = result.next().await? {
        let values = row.unwrap();
        let of_row = values.iter().map(|value| value.bin_len() as usize);
        bytes = bytes.saturating_add(of_row.sum());
        if bytes > MAX_ANSWER_BYTES {
            return Ok(None);
        }
        let named = columns.iter().zip(values);
        all.push(
            named
                .map(|(column, raw)| (column.name_str().into_owned(), value(raw, column)))
                .collect(),
        );
    }
    Ok(Some(all))
}
