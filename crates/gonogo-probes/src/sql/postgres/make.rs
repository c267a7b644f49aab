//! Making a statement in a session and reading what it gives.

use std::pin::pin;
use std::time::Instant;

use futures_util::StreamExt as _;
use gonogo_core::record::{Cause, NotObserved};
use tokio_postgres::{Error, Statement};

use crate::database::Refusal;
use crate::database::postgres::{Session, Text, is_read, kept, not_observed, parameter, refusal};
use crate::sql::observed::{Answer, Keeper, Said, twice_named};
use crate::sql::run::Ask;
use crate::sql::statement::Mode;

/// Makes the statement; whatever happens, nothing of it goes on when the check's time is over or nobody waits.
pub(super) async fn within_time(session: &mut Session, ask: &Ask<'_>) -> Result<Said, NotObserved> {
    let begun = ask.ctx.now();
    let left = session.leave_none(ask);
    match tokio::time::timeout(ask.ctx.remaining(), statement(session, ask)).await {
        Err(_) => {
            session.break_off();
            Err(ask.timed_out("the statement did not end within the check's time limit"))
        }
        Ok(Ok(done)) => {
            if done.goes_on {
                // Enough rows are kept; the rest is not waited for. Dropping the guard cancels it.
                session.break_off();
            } else {
                left.done();
            }
            Ok(Said::Answer(done.answer))
        }
        Ok(Err(Stopped::Before(failed))) => {
            left.done();
            Err(*failed)
        }
        Ok(Err(Stopped::By(error))) => {
            left.done();
            let said = told(session, ask, &error, begun);
            if refusal(&error).is_none() {
                session.break_off();
            }
            said.map(|refusal| Said::Refusal(Box::new(refusal)))
        }
    }
}

/// Asks for deferred constraints now; the refusal where one is violated.
pub(super) async fn deferred_constraints(
    session: &mut Session,
    ask: &Ask<'_>,
) -> Result<Option<Box<Refusal>>, NotObserved> {
    let begun = ask.ctx.now();
    let left = session.leave_none(ask);
    let asked = session
        .client()
        .batch_execute("set constraints all immediate");
    match tokio::time::timeout(ask.ctx.remaining(), asked).await {
        Err(_) => {
            session.break_off();
            Err(ask.timed_out("the deferred constraints were not checked in time"))
        }
        Ok(said) => {
            left.done();
            match said {
                Ok(()) => Ok(None),
                Err(e) => told(session, ask, &e, begun).map(|r| Some(Box::new(r))),
            }
        }
    }
}

/// An error of the statement: an answer of the server, or that there was none.
fn told(
    session: &Session,
    ask: &Ask<'_>,
    error: &Error,
    begun: Instant,
) -> Result<Refusal, NotObserved> {
    let Some(refusal) = refusal(error) else {
        return Err(not_observed(ask, session, error));
    };
    // Within the limit it was somebody else who cancelled it, or a `NOWAIT`: that is the server's answer.
    let by_limit = session.is_limit(begun.elapsed());
    match refusal.sqlstate.as_str() {
        // The server said so itself, and undid it.
        "57014" if by_limit => Err(ask.failed(
            Cause::Timeout,
            "the statement did not end within the check's time limit",
        )),
        "55P03" if by_limit => Err(ask.failed_with_help(
            Cause::Timeout,
            "a lock was not given within the check's time limit",
            "`select * from pg_locks where not granted` shows who waits",
        )),
        _ => Ok(refusal),
    }
}

/// Why a statement was not done.
enum Stopped {
    /// Before it was sent.
    Before(Box<NotObserved>),
    /// By the server, or by its absence.
    By(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::By(error)
    }
}

struct Done {
    answer: Answer,
    /// The server was left in the middle of the rows.
    goes_on: bool,
}

async fn statement(session: &Session, ask: &Ask<'_>) -> Result<Done, Stopped> {
    let client = session.client();
    let prepared = client.prepare(&ask.options.sql).await?;
    session.row_taken();
    let columns = columns(ask, &prepared)?;
    let parameters = parameters(ask, &prepared)?;
    let sent = ask.ctx.now();
    let rows = client.query_raw(&prepared, parameters).await?;
    let mut rows = pin!(rows);
    let mut keeper = Keeper::new(ask.max_rows());
    let mut goes_on = false;
    while let Some(row) = rows.next().await {
        let row = row?;
        session.row_taken();
        if keeper.takes(row.raw_size_bytes()) {
            keeper.rows.push(kept(&row)?);
        } else if ask.mode == Mode::Read {
            goes_on = true;
            break;
        }
    }
    let latency = sent.elapsed();
    let affected = if ask.statement.changes_rows() {
        rows.rows_affected().unwrap_or(0)
    } else {
        0
    };
    let answer = Answer {
        columns,
        row_count: (!goes_on).then_some(keeper.count),
        rows: keeper.rows,
        cut: keeper.cut,
        affected,
        latency,
    };
    Ok(Done { answer, goes_on })
}

fn columns(ask: &Ask<'_>, prepared: &Statement) -> Result<Vec<(String, String)>, Stopped> {
    let bad = |message: String, help: String| {
        Stopped::Before(Box::new(ask.failed_with_help(
            Cause::BadOptions,
            message,
            help,
        )))
    };
    if let Some(column) = prepared.columns().iter().find(|c| !is_read(c.type_())) {
        let (name, ty) = (column.name(), column.type_().name());
        return Err(bad(
            format!("the column `{name}` is of type {ty}, which is not read"),
            format!("write `{name}::text as {name}`"),
        ));
    }
    let columns: Vec<(String, String)> = prepared
        .columns()
        .iter()
        .map(|c| (c.name().to_owned(), c.type_().name().to_owned()))
        .collect();
    match twice_named(&columns) {
        Some(name) => Err(bad(
            format!("two columns are called `{name}`"),
            "name them apart with `as`".to_owned(),
        )),
        None => Ok(columns),
    }
}

fn parameters(ask: &Ask<'_>, prepared: &Statement) -> Result<Vec<Text>, Stopped> {
    let bad = |message: String| Stopped::Before(Box::new(ask.failed(Cause::BadOptions, message)));
    let types = prepared.params();
    if types.len() != ask.options.bind.len() {
        return Err(bad(crate::sql::syntax::bind_message(
            ask.options.bind.len(),
            types.len(),
        )));
    }
    let mut out = Vec::with_capacity(types.len());
    for (index, (json, ty)) in ask.options.bind.iter().zip(types).enumerate() {
        let number = index + 1;
        out.push(parameter(json, ty).map_err(|why| bad(format!("the value of ${number} {why}")))?);
    }
    Ok(out)
}
