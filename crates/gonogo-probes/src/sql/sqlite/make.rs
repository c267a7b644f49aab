//! Making a statement on an open SQLite connection.

use std::collections::BTreeMap;

use gonogo_core::Map;
use gonogo_core::record::Cause;
use rusqlite::{Connection, ffi};

use super::door::guarded;
use super::proof::{Content, version};
use super::{Open, Work};
use crate::database::sqlite::{Failure, bound, limit_time, value, width};
use crate::database::{Heard, Refusal, sqlstate};
use crate::sql::names::{self, Unknown, first_unknown};
use crate::sql::observed::{Answer, Failed, Keeper, Said, Step, twice_named};
use crate::sql::run::Held;
use crate::sql::script::{Part, Rendered};
use crate::sql::statement::{Dialect, Mode, Statement};

/// Opens a gate's transaction. It takes the right to write at once: a transaction that begins by reading may find, at
/// its first write, that another wrote meanwhile, and would then fail for no fault of the system. Readers go on
/// beside it; writers wait until the gate ends.
pub(super) fn begin(connection: Connection, work: &Work) -> Result<Open, Failure> {
    match connection.execute_batch("begin immediate") {
        Ok(()) => looked_at(connection, work),
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

/// Keeps what is in the file, to compare with. Nobody else writes from now on.
fn looked_at(connection: Connection, work: &Work) -> Result<Open, Failure> {
    let read = Content::read(&connection).and_then(|content| Ok((content, version(&connection)?)));
    let (before, version) = match read {
        Ok(read) => read,
        Err(_) if work.watch.is_over() => {
            return Err(Failure::new(
                Cause::Timeout,
                "the file could not be read within the check's time limit, to compare it with what the gate leaves",
            ));
        }
        Err(e) => {
            let message = format!("what is in the file before the gate could not be read: {e}");
            return Err(Failure::new(Cause::Protocol, message));
        }
    };
    Ok(Open {
        connection,
        before: Box::new(before),
        version,
        file: work.file.clone(),
        ctx: work.watch.ctx.clone(),
    })
}

/// Makes the statement so that an error undoes it alone, and says what is left of the transaction.
pub(super) fn in_savepoint(open: Open, work: &Work) -> (Held<Open>, Result<Said, Failure>) {
    let Open {
        connection,
        before,
        version,
        file,
        ctx,
    } = open;
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
        Ok(()) => {
            let open = Open {
                connection,
                before,
                version,
                file,
                ctx,
            };
            (Held::Open(open), said)
        }
        Err(e) => (Held::Lost, said.and_then(|_| Err(set(e)))),
    }
}

/// Makes the statements and reads what they give.
pub(super) fn make(connection: &mut Connection, work: &Work) -> Result<Said, Failure> {
    if work.watch.is_over() {
        return Err(over(work));
    }
    // Several statements are one change: all of it, or nothing.
    let is_one_change = work.script.many && work.mode == Mode::Write;
    let say = |connection: &Connection, sql: &str| match connection.execute_batch(sql) {
        Ok(()) => Ok(None),
        Err(e) => refusal(&e, work).map(Some),
    };
    if is_one_change && let Some(refusal) = say(connection, "begin immediate")? {
        return Ok(Said::Answer(Answer::default()).refused(refusal));
    }
    let said = all(connection, work);
    if !is_one_change || connection.is_autocommit() {
        return said;
    }
    match said? {
        Said::Answer(answer) => match say(connection, "commit")? {
            None => Ok(Said::Answer(answer)),
            // Closing the connection undoes it.
            Some(refusal) => Ok(Said::Answer(answer).refused(refusal)),
        },
        refused @ Said::Refusal(_) => Ok(refused),
    }
}

fn all(connection: &mut Connection, work: &Work) -> Result<Said, Failure> {
    let many = work.script.many;
    let mut keeper = Keeper::new(work.max_rows);
    let mut steps = Vec::new();
    for (index, part) in work.script.parts.iter().enumerate() {
        let is_last = index + 1 == work.script.parts.len();
        let sent = named(connection, work, part)?;
        match one(connection, work, (part, &sent.sql), &mut keeper, is_last)? {
            Ok(step) => steps.push(step),
            Err(refusal) => {
                let at = refusal.position.and_then(|p| part.at(&sent, p));
                return Ok(Said::Refusal(Box::new(Failed {
                    at,
                    refusal,
                    statement: many.then(|| (index + 1, part.line, part.shortened())),
                    before: Answer { steps, many },
                    ..Failed::default()
                })));
            }
        }
    }
    Ok(Said::Answer(Answer { steps, many }))
}

/// Looks the names of the statement up, puts them in, and looks at what it has become.
fn named(connection: &Connection, work: &Work, part: &Part) -> Result<Rendered, Failure> {
    let mut wanted = BTreeMap::new();
    for key in part.names() {
        let name = work.identifiers.get(key).ok_or_else(|| {
            let message = format!("`:\"{key}\"` has no name under `identifiers:`");
            Failure::new(Cause::BadOptions, message)
        })?;
        wanted.insert(key, name.as_str());
    }
    if wanted.is_empty() {
        return Ok(part.rendered(|_| None));
    }
    let list = |connection: &Connection| -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(names::SQLITE)?;
        let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0))?;
        rows.filter_map(Result::transpose).collect()
    };
    let found = match list(connection) {
        Ok(found) => found,
        Err(e) => {
            let why = refusal(&e, work)?.message;
            let message = format!("the database's names could not be read: {why}");
            return Err(Failure::new(Cause::Protocol, message));
        }
    };
    if let Some((key, name)) = first_unknown(&wanted, &found) {
        let unknown = Unknown::new(key, name, found.iter().map(String::as_str));
        return Err(Failure::new(Unknown::CAUSE, unknown.message).help(unknown.help));
    }
    let sent = part.rendered(|key| wanted.get(key).copied());
    let permitted = Statement::read(&sent.sql, Dialect::Sqlite)
        .and_then(|statement| statement.permit(work.mode).map_err(|no| no.why));
    match permitted {
        Ok(()) => Ok(sent),
        Err(why) => Err(Failure::new(Cause::BadOptions, why)),
    }
}

/// One statement: what it gave, or its refusal.
fn one(
    connection: &mut Connection,
    work: &Work,
    (part, sql): (&Part, &str),
    keeper: &mut Keeper,
    is_last: bool,
) -> Result<Result<Step, Refusal>, Failure> {
    let prepared = guarded(connection, work.mode, |connection| {
        connection.prepare(sql).map(drop)
    })?;
    if let Err(e) = prepared {
        return refusal(&e, work).map(Err);
    }
    match answer(connection, work, (part, sql), keeper, is_last) {
        Ok(answered) => answered.map(Ok),
        Err(e) => refusal(&e, work).map(Err),
    }
}

fn answer(
    connection: &Connection,
    work: &Work,
    (part, sql): (&Part, &str),
    keeper: &mut Keeper,
    is_last: bool,
) -> rusqlite::Result<Result<Step, Failure>> {
    // Looked at a moment ago and allowed; SQLite itself prepares it anew where the schema changes.
    let mut statement = connection.prepare(sql)?;
    if let Err(failure) = bind(&mut statement, work, part)? {
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
        } else if work.mode == Mode::Read && is_last {
            whole = false;
            break;
        }
    }
    drop(rows);
    let latency = sent.elapsed();
    drop(statement);
    let affected = if part.statement.changes_rows() {
        connection.changes()
    } else {
        0
    };
    let (rows, count, cut) = keeper.taken();
    Ok(Ok(Step {
        sql: part.shortened(),
        line: part.line,
        columns,
        row_count: whole.then_some(count),
        rows,
        cut,
        affected,
        latency,
        notices: Heard::default(),
    }))
}

/// Binds `$n` to the n-th value; SQLite numbers its parameters by their first use.
fn bind(
    statement: &mut rusqlite::Statement<'_>,
    work: &Work,
    part: &Part,
) -> rusqlite::Result<Result<(), Failure>> {
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or("?").to_owned();
        let number: Option<usize> = name.strip_prefix('$').and_then(|n| n.parse().ok());
        let number = number.and_then(|n| part.parameters.get(n.checked_sub(1)?));
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
    let mut position = None;
    let (extended, message) = match error {
        rusqlite::Error::SqliteFailure(code, text) => (
            code.extended_code,
            text.clone().unwrap_or_else(|| code.to_string()),
        ),
        rusqlite::Error::SqlInputError {
            error,
            msg,
            sql,
            offset,
        } => {
            // The place is counted in bytes, and below zero where none is known.
            let before = usize::try_from(*offset).ok().and_then(|at| sql.get(..at));
            position = before.map(|before| before.chars().count() + 1);
            (error.extended_code, msg.clone())
        }
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
    let mut refusal = condition(extended, message);
    refusal.position = position;
    Ok(refusal)
}

fn condition(extended: i32, message: String) -> Refusal {
    let name = sqlstate::of_sqlite(extended, &message);
    let mut refusal = Refusal {
        sqlstate: sqlstate::code(name).unwrap_or("XX000").to_owned(),
        ..Refusal::default()
    };
    // `UNIQUE constraint failed: t.a, t.b`, `CHECK constraint failed: name`, `… failed: index 'name'`
    if let Some((_, at)) = message.split_once(" constraint failed: ") {
        let index = at
            .strip_prefix("index '")
            .and_then(|rest| rest.strip_suffix('\''));
        if name == "check_violation" || index.is_some() {
            refusal.constraint = Some(index.unwrap_or(at).to_owned());
        } else if let Some((table, column)) = at.split_once('.') {
            refusal.table = Some(table.to_owned());
            refusal.column = (!column.contains(',')).then(|| column.to_owned());
        }
    } else if name == "undefined_table" {
        refusal.table = message.split_once(": ").map(|(_, name)| name.to_owned());
    } else if name == "undefined_column" {
        refusal.column = message.split_once(": ").map(|(_, name)| name.to_owned());
    }
    refusal.message = message;
    refusal
}
