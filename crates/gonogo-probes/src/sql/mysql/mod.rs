//! MySQL and MariaDB: reading in a read-only transaction, writing for good, and a gate's transaction that is rolled back.

mod statement;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gonogo_core::Map;
use gonogo_core::record::{Cause, NotObserved};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Error, Params};

use super::observed::{Answer, Failed, Keeper, Said, Step, observed, twice_named};
use super::run::Held;
use super::statement::{Mode, shortened};
use super::syntax::{SqlOptions, SqlText, bind_message};
use crate::ctx::GateScope;
use crate::database::dsn::Dsn;
use crate::database::mysql::{Session, Told, open, parameter, told, type_name, value};
use crate::database::{self, Asking, Place};
use crate::probe::{Call, ResolvedTarget, Seen};

use statement::Statement;

/// How long the end of a gate waits for the server.
const END_WITHIN: Duration = Duration::from_secs(10);

struct Ask<'a> {
    asking: Asking<'a>,
    options: &'a SqlOptions,
    statement: Statement,
    mode: Mode,
}

impl<'a> std::ops::Deref for Ask<'a> {
    type Target = Asking<'a>;

    fn deref(&self) -> &Asking<'a> {
        &self.asking
    }
}

/// Looks once.
pub(super) async fn observe(
    call: &Call<'_>,
    options: &SqlOptions,
    target: &ResolvedTarget,
    mode: Mode,
) -> Result<Seen, NotObserved> {
    let text = match &options.sql {
        SqlText::Text(text) => text.as_str(),
        SqlText::File(named) => named.file.as_str(),
    };
    let tried = shortened(text);
    let refused = |(why, help): (String, &str)| {
        let mut failed = call.ctx.not_observed(tried.clone(), Cause::BadOptions, why);
        failed.help = Some(help.to_owned());
        failed
    };
    if options.script || matches!(options.sql, SqlText::File(_)) || !options.identifiers.is_empty()
    {
        return Err(refused((
            "scripts and `identifiers` are not known on MySQL and MariaDB".to_owned(),
            "write a check for each statement, with the names in it",
        )));
    }
    let statement = Statement::read(text).map_err(refused)?;
    statement.permit(mode).map_err(refused)?;
    let ask = Ask {
        asking: Asking {
            ctx: call.ctx,
            target: &target.name,
            tried: tried.clone(),
            writes: mode == Mode::Write,
        },
        options,
        statement,
        mode,
    };
    let (bound, wanted) = (options.bind.len(), ask.statement.wanted());
    if bound != wanted {
        return Err(ask.failed(Cause::BadOptions, bind_message(bound, wanted)));
    }
    let dsn = database::mysql_dsn(target).map_err(|e| ask.failed(Cause::BadOptions, e))?;
    if ask.mode == Mode::Gate {
        let shared = super::run::shared::<Session>(call.scope, "mysql", ask.target);
        let mut held = super::run::lock(&ask.asking, &shared).await?;
        return in_gate(&ask, &dsn, &mut held).await;
    }
    once(&ask, &dsn).await
}

async fn once(ask: &Ask<'_>, dsn: &Arc<Dsn>) -> Result<Seen, NotObserved> {
    let mut session = open(ask, dsn).await?;
    if ask.mode == Mode::Read {
        session.say(ask, "start transaction read only").await?;
    }
    let place = place(ask, dsn, &session);
    let said = within_time(&mut session, ask).await?;
    session.close().await;
    Ok(observed(place, said))
}

async fn in_gate(
    ask: &Ask<'_>,
    dsn: &Arc<Dsn>,
    held: &mut Held<Session>,
) -> Result<Seen, NotObserved> {
    let mut session = match held.take() {
        Held::Open(session) => session,
        Held::Lost => {
            return Err(ask.failed(
                Cause::Closed,
                "the gate's transaction was lost in an earlier check, and what it had done is gone",
            ));
        }
        Held::Unopened => {
            // Until it is open nothing was done, so the next check may try again.
            *held = Held::Unopened;
            let mut session = open(ask, dsn).await?;
            session.say(ask, "start transaction read write").await?;
            *held = Held::Lost;
            session
        }
    };
    session.limit(ask).await?;
    session.say(ask, "savepoint gonogo").await?;
    let place = place(ask, dsn, &session);
    let said = within_time(&mut session, ask).await?;
    let end = match &said {
        Said::Answer(_) => "release savepoint gonogo",
        Said::Refusal(_) => "rollback to savepoint gonogo",
    };
    // A savepoint that is not there any more means that the transaction is not either: a deadlock ends it.
    session.say(ask, end).await?;
    *held = Held::Open(session);
    Ok(observed(place, said))
}

/// Rolls the gate's transaction back; whether the server says that nothing of it stayed.
pub(super) async fn end(held: Held<Session>) -> Option<bool> {
    match held {
        Held::Unopened => None,
        Held::Lost => Some(false),
        Held::Open(session) => Some(session.rolled_back(END_WITHIN).await),
    }
}

/// The gate's sessions on MySQL under a key of its scope.
pub(super) async fn end_of(scope: &GateScope, key: &str) -> Option<bool> {
    let shared = scope.take::<super::run::Shared<Session>>(key)?;
    let held = shared.lock().await.take();
    end(held).await
}

fn place(ask: &Ask<'_>, dsn: &Dsn, session: &Session) -> Place {
    Place {
        target: ask.target.to_owned(),
        address: dsn.shown(),
        engine: session.engine().to_owned(),
    }
}

/// Makes the statement; whatever happens, nothing of it goes on when the check's time is over or nobody waits.
async fn within_time(session: &mut Session, ask: &Ask<'_>) -> Result<Said, NotObserved> {
    let begun = ask.ctx.now();
    let left = session.leave_none(ask);
    let made = tokio::time::timeout(ask.ctx.remaining(), make(session, ask, begun)).await;
    let Ok(made) = made else {
        return Err(ask.timed_out("the statement did not end within the check's time limit"));
    };
    match made {
        Ok(Done { answer, goes_on }) => {
            if !goes_on {
                left.done();
            }
            Ok(Said::Answer(answer))
        }
        Err(Stopped::Before(failed)) => {
            left.done();
            Err(*failed)
        }
        Err(Stopped::By(error)) => {
            left.done();
            match told(ask, &error, session.is_limit(begun.elapsed())) {
                Told::Refusal(refusal) => Ok(Said::Refusal(Box::new(Failed {
                    refusal: *refusal,
                    ..Failed::default()
                }))),
                Told::Nothing(failed) => Err(*failed),
            }
        }
    }
}

struct Done {
    answer: Answer,
    /// The server was left in the middle of the rows; the session is not used again.
    goes_on: bool,
}

enum Stopped {
    Before(Box<NotObserved>),
    By(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::By(error)
    }
}

async fn make(session: &mut Session, ask: &Ask<'_>, sent: Instant) -> Result<Done, Stopped> {
    let bad = |message: String, help: &str| {
        Stopped::Before(Box::new(ask.failed_with_help(
            Cause::BadOptions,
            message,
            help,
        )))
    };
    let prepared = session.conn.prep(ask.statement.sql.as_str()).await?;
    let values: Vec<_> = ask
        .statement
        .order
        .iter()
        .filter_map(|index| ask.options.bind.get(*index))
        .map(parameter)
        .collect();
    if usize::from(prepared.num_params()) != values.len() {
        return Err(bad(
            "the server counts other parameters than are written".to_owned(),
            "write each value as `$1`, `$2`, …",
        ));
    }
    let params = if values.is_empty() {
        Params::Empty
    } else {
        Params::Positional(values)
    };
    let mut result = session.conn.exec_iter(&prepared, params).await?;
    let columns = result.columns().unwrap_or_default();
    let named: Vec<(String, String)> = columns
        .iter()
        .map(|column| (column.name_str().into_owned(), type_name(column)))
        .collect();
    let twice = twice_named(&named).map(str::to_owned);
    let max_rows = ask.options.max_rows.map_or(1000, |n| n as usize);
    let mut keeper = Keeper::new(max_rows);
    let mut goes_on = false;
    while let Some(row) = result.next().await? {
        let values = row.unwrap();
        if twice.is_some() {
            continue;
        }
        let bytes = values.iter().map(|value| value.bin_len() as usize).sum();
        if keeper.takes(bytes) {
            let row: Map = columns
                .iter()
                .zip(values)
                .map(|(column, raw)| (column.name_str().into_owned(), value(raw, column)))
                .collect();
            keeper.rows.push(row);
        } else if ask.mode == Mode::Read {
            goes_on = true;
            break;
        }
    }
    let affected = if ask.statement.changes_rows() {
        result.affected_rows()
    } else {
        0
    };
    drop(result);
    if let Some(name) = twice {
        return Err(bad(
            format!("two columns are called `{name}`"),
            "name them apart with `as`",
        ));
    }
    let step = Step {
        sql: ask.tried.clone(),
        line: 1,
        columns: named,
        row_count: (!goes_on).then_some(keeper.count),
        rows: keeper.rows,
        cut: keeper.cut,
        affected,
        latency: sent.elapsed(),
        ..Step::default()
    };
    let answer = Answer {
        steps: vec![step],
        many: false,
    };
    Ok(Done { answer, goes_on })
}

#[cfg(test)]
mod tests;
