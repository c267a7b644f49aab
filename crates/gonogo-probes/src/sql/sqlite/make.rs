//! Making a statement on an open SQLite connection.

use gonogo_core::Map;
use gonogo_core::record::Cause;
use rusqlite::{Connection, ffi};

use super::door::guarded;
use super::{Open, Work};
use crate::database::sqlite::{Failure, bound, limit_time, value, width};
use crate::database::{Refusal, sqlstate};
use crate::sql::observed::{Answer, Keeper, Said, twice_named};
use crate::sql::run::Held;
use crate::sql::statement::Mode;

/// Opens a gate's transaction. It takes the right to write at once: a transaction that begins by reading may find, at
/// its first write, that another wrote meanwhile, and would then fail for no fault of the system. Readers go on
/// beside it; writers wait until the gate ends.
pub(super) fn begin(connection: Connection, work: &Work) -> Result<Connection, Failure> {
    match connection.execute_batch("begin immediate") {
        Ok(()) => Ok(connection),
        Err(e) => Err(match refusal(&e, work) {
            Err(failure) => failure,
            Ok(refusal) => Failure::new(
                Cause::Denied,
                format!(
                    "the gate's transaction could not begin: {}",
                    refusal.message
                ),
            ),
        }),
    }
}

/// Makes the statement so that an error undoes it alone, and says what is left of the transaction.
pub(super) fn in_savepoint(
    connection: Connection,
    work: &Work,
) -> (Held<Open>, Result<Said, Failure>) {
    let set = |e: rusqlite::Error| {
        Failure::new(
            Cause::Protocol,
            format!("the check's savepoint failed: {e}"),
        )
    };
    let mut connection = match limit_time(connection, &work.watch) {
        Ok(connection) => connection,
        Err(e) => return (Held::Lost, Err(set(e))),
    };
    if let Err(e) = connection.execute_batch("savepoint gonogo") {
        return (Held::Lost, Err(set(e)));
    }
    let said = make(&mut connection, work);
    if connection.is_autocommit() {
        // `OR ROLLBACK`, `RAISE(ROLLBACK)` and an interrupted change end the whole transaction: all of it is undone.
        return (Held::Lost, said);
    }
    let end = match &said {
        Ok(Said::Answer(_)) => "release gonogo",
        Ok(Said::Refusal(_)) | Err(_) => "rollback to gonogo; release gonogo",
    };
    match connection.execute_batch(end) {
        Ok(()) => (Held::Open(Open(connection)), said),
        Err(e) => (Held::Lost, said.and_then(|_| Err(set(e)))),
    }
}

/// Makes the statement and reads what it gives.
pub(super) fn make(connection: &mut Connection, work: &Work) -> Result<Said, Failure> {
    if work.watch.is_over() {
        return Err(over(work));
    }
    let prepared = guarded(connection, work.mode, |connection| {
        connection.prepare(&work.sql).map(drop)
    })?;
    if let Err(e) = prepared {
        return refusal(&e, work).map(refused);
    }
    match answer(connection, work) {
        Ok(answered) => answered.map(Said::Answer),
        Err(e) => refusal(&e, work).map(refused),
    }
}

fn refused(refusal: Refusal) -> Said {
    Said::Refusal(Box::new(refusal))
}

fn answer(connection: &Connection, work: &Work) -> rusqlite::Result<Result<Answer, Failure>> {
    // Looked at a moment ago and allowed; SQLite itself prepares it anew where the schema changes.
    let mut statement = connection.prepare(&work.sql)?;
    if let Err(failure) = bind(&mut statement, work)? {
        return Ok(Err(failure));
    }
    let columns: Vec<(String, String)> = statement
        .columns()
        .map(|c| {
            let ty = c.decl_type().unwrap_or("any").to_ascii_lowercase();
            (c.name().to_owned(), ty)
        })
        .collect();
    if let Some(name) = twice_named(&columns) {
        let message = format!("two columns are called `{name}`; name them apart with `as`");
        return Ok(Err(Failure::new(Cause::BadOptions, message)));
    }
    let sent = work.watch.ctx.now();
    let mut keeper = Keeper::new(work.max_rows);
    let mut whole = true;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let mut size = 0;
        for index in 0..columns.len() {
            size += width(row.get_ref(index)?);
        }
        if keeper.takes(size) {
            let mut kept = Map::new();
            for (index, (name, ty)) in columns.iter().enumerate() {
                kept.insert(name.clone(), value(row.get_ref(index)?, ty));
            }
            keeper.rows.push(kept);
        } else if work.mode == Mode::Read {
            whole = false;
            break;
        }
    }
    drop(rows);
    let latency = sent.elapsed();
    drop(statement);
    let affected = if work.changes_rows {
        connection.changes()
    } else {
        0
    };
    Ok(Ok(Answer {
        columns,
        row_count: whole.then_some(keeper.count),
        rows: keeper.rows,
        cut: keeper.cut,
        affected,
        latency,
    }))
}

/// Binds `$n` to the n-th value; SQLite numbers its parameters by their first use.
fn bind(
    statement: &mut rusqlite::Statement<'_>,
    work: &Work,
) -> rusqlite::Result<Result<(), Failure>> {
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or("?").to_owned();
        let number: Option<usize> = name.strip_prefix('$').and_then(|n| n.parse().ok());
        let Some(json) = number.and_then(|n| work.bind.get(n.checked_sub(1)?)) else {
            let message =
                format!("`{name}` is no parameter; write `$1`, `$2`, … for the values of `bind`");
            return Ok(Err(Failure::new(Cause::BadOptions, message).help(
                "SQLite takes `$1::type` for a name: write `cast($1 as type)`",
            )));
        };
        statement.raw_bind_parameter(index, bound(json))?;
    }
    Ok(Ok(()))
}

fn over(work: &Work) -> Failure {
    let unknown = if work.mode == Mode::Write {
        "; nothing of it was kept"
    } else {
        ""
    };
    Failure::new(
        Cause::Timeout,
        format!("the statement did not end within the check's time limit{unknown}"),
    )
}

/// What an error of SQLite is: an answer of the database, or that there was none.
fn refusal(error: &rusqlite::Error, work: &Work) -> Result<Refusal, Failure> {
    let (extended, message) = match error {
        rusqlite::Error::SqliteFailure(code, text) => (
            code.extended_code,
            text.clone().unwrap_or_else(|| code.to_string()),
        ),
        rusqlite::Error::SqlInputError { error, msg, .. } => (error.extended_code, msg.clone()),
        other => return Err(Failure::new(Cause::BadOptions, other.to_string())),
    };
    let shown = &work.file.shown;
    match extended & 0xff {
        ffi::SQLITE_INTERRUPT => return Err(over(work)),
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED if work.watch.ctx.now() >= work.watch.until => {
            return Err(Failure::new(
                Cause::Timeout,
                format!("`{shown}` stayed locked by another for all of the check's time"),
            )
            .help(
                "who writes there? A writer that keeps its transaction open locks all others out",
            ));
        }
        ffi::SQLITE_NOTADB => {
            return Err(Failure::new(
                Cause::Protocol,
                format!("`{shown}` is no SQLite database, or an encrypted one"),
            ));
        }
        ffi::SQLITE_CORRUPT => {
            return Err(
                Failure::new(Cause::Protocol, format!("`{shown}` is damaged: {message}"))
                    .help("`sqlite3 FILE 'pragma integrity_check'` names the damage"),
            );
        }
        ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN | ffi::SQLITE_PROTOCOL | ffi::SQLITE_NOMEM => {
            return Err(Failure::new(
                Cause::Network,
                format!("`{shown}` could not be read: {message}"),
            ));
        }
        _ => {}
    }
    Ok(named(extended, message))
}

fn named(extended: i32, message: String) -> Refusal {
    let condition = sqlstate::of_sqlite(extended, &message);
    let mut refusal = Refusal {
        sqlstate: sqlstate::code(condition).unwrap_or("XX000").to_owned(),
        ..Refusal::default()
    };
    // `UNIQUE constraint failed: t.a, t.b`, `CHECK constraint failed: name`, `… failed: index 'name'`
    if let Some((_, at)) = message.split_once(" constraint failed: ") {
        let index = at
            .strip_prefix("index '")
            .and_then(|rest| rest.strip_suffix('\''));
        if condition == "check_violation" || index.is_some() {
            refusal.constraint = Some(index.unwrap_or(at).to_owned());
        } else if let Some((table, column)) = at.split_once('.') {
            refusal.table = Some(table.to_owned());
            refusal.column = (!column.contains(',')).then(|| column.to_owned());
        }
    } else if condition == "undefined_table" {
        refusal.table = message.split_once(": ").map(|(_, name)| name.to_owned());
    } else if condition == "undefined_column" {
        refusal.column = message.split_once(": ").map(|(_, name)| name.to_owned());
    }
    refusal.message = message;
    refusal
}
