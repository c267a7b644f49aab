//! A look at a SQLite file that only reads.

use gonogo_core::Map;
use gonogo_core::record::{Cause, NotObserved};
use rusqlite::Connection;
use serde_json::Value as Json;

use super::{Failure, File, Watch, bound, limit_time, open, value};
use crate::database::Asking;

/// An open file in a transaction that only reads.
pub(crate) struct Reading {
    file: File,
    /// Away while a blocking thread works with it; lost where that thread was left behind.
    connection: Option<Connection>,
}

impl Reading {
    /// Opens the file and begins.
    pub(crate) async fn open(asking: &Asking<'_>, file: File) -> Result<Self, NotObserved> {
        let place = file.clone();
        let connection = blocking(&of(asking, &file), move |watch| {
            let connection = open(&place, watch, true)?;
            let begun = connection.execute_batch("begin");
            begun.map_err(|e| Failure::new(Cause::Protocol, e.to_string()))?;
            Ok(connection)
        })
        .await?;
        Ok(Self {
            file,
            connection: Some(connection),
        })
    }

    /// For a record.
    pub(crate) fn address_and_engine(&self) -> (String, String) {
        let engine = format!("SQLite {}", rusqlite::version());
        (self.file.shown.clone(), engine)
    }

    /// All rows of one statement of our own.
    pub(crate) async fn rows(
        &mut self,
        asking: &Asking<'_>,
        sql: &str,
        bind: &[Json],
    ) -> Result<Vec<Map>, NotObserved> {
        let connection = self.connection.take().ok_or_else(|| {
            asking.failed(Cause::Closed, "an earlier question was left unanswered")
        })?;
        let (sql, bind) = (sql.to_owned(), bind.to_vec());
        let (connection, rows) = blocking(&of(asking, &self.file), move |watch| {
            let connection = limit_time(connection, watch)
                .map_err(|e| Failure::new(Cause::Protocol, e.to_string()))?;
            let rows = all(&connection, &sql, &bind).map_err(|e| {
                let over = watch.is_over();
                let cause = if over {
                    Cause::Timeout
                } else {
                    Cause::Protocol
                };
                Failure::new(cause, e.to_string())
            })?;
            Ok((connection, rows))
        })
        .await?;
        self.connection = Some(connection);
        Ok(rows)
    }
}

/// `$n` is the n-th value wherever it stands.
fn all(connection: &Connection, sql: &str, bind: &[Json]) -> rusqlite::Result<Vec<Map>> {
    let mut statement = connection.prepare(sql)?;
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or("$0");
        let number: usize = name[1..].parse().unwrap_or(0);
        let json = number.checked_sub(1).and_then(|n| bind.get(n));
        let json = json.unwrap_or(&Json::Null).clone();
        statement.raw_bind_parameter(index, bound(&json))?;
    }
    let columns: Vec<(String, String)> = statement
        .columns()
        .map(|c| {
            let ty = c.decl_type().unwrap_or("any").to_ascii_lowercase();
            (c.name().to_owned(), ty)
        })
        .collect();
    let mut rows = statement.raw_query();
    let mut kept = Vec::new();
    while let Some(row) = rows.next()? {
        let mut map = Map::new();
        for (index, (name, ty)) in columns.iter().enumerate() {
            map.insert(name.clone(), value(row.get_ref(index)?, ty));
        }
        kept.push(map);
    }
    Ok(kept)
}

/// The same question, with the file's name in its messages.
fn of<'a>(asking: &Asking<'a>, file: &File) -> Asking<'a> {
    let tried = format!("{} on {}", asking.tried, file.shown);
    Asking {
        tried,
        ..asking.clone()
    }
}

/// Works with a file on a thread that may wait, until it is done or nobody waits for it any more.
pub(crate) async fn blocking<T: Send + 'static>(
    asking: &Asking<'_>,
    look: impl FnOnce(&Watch) -> Result<T, Failure> + Send + 'static,
) -> Result<T, NotObserved> {
    let (watch, _stop) = Watch::new(asking.ctx, asking.server_timeout());
    let looked = match tokio::task::spawn_blocking(move || look(&watch)).await {
        Ok(looked) => looked,
        // Panics go on to the engine's edge; nobody aborts this thread.
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    };
    looked.map_err(|failure| {
        let mut failed = asking.failed(failure.cause, failure.message);
        failed.help = failure.help;
        failed
    })
}
