//! Making statements in a session and reading what they give.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Instant;

use futures_util::StreamExt as _;
use gonogo_core::record::{Cause, NotObserved};
use serde_json::Value as Json;
use tokio_postgres::{Error, Statement as Prepared};

use crate::database::Refusal;
use crate::database::postgres::{Session, Text, blockers, kept, not_observed, parameter, refusal};
use crate::sql::names::{self, Unknown, first_unknown};
use crate::sql::observed::{Answer, Failed, Keeper, Said, Step, twice_named};
use crate::sql::run::Ask;
use crate::sql::script::{Part, Rendered};
use crate::sql::statement::Mode;

/// After this share of the time limit it is asked who stands in the way.
const LOOKED_AROUND_AFTER: f64 = 0.6;

/// Makes the statements; whatever happens, nothing of them goes on when the check's time is over or nobody waits.
pub(super) async fn within_time(session: &mut Session, ask: &Ask<'_>) -> Result<Said, NotObserved> {
    // Several statements are one change: all of it, or nothing.
    let is_one_change = ask.script.many && ask.mode == Mode::Write;
    if is_one_change {
        session.say(ask, "begin").await?;
    }
    drop(session.notices());
    let said = all(session, ask).await?;
    if !is_one_change {
        return Ok(said);
    }
    match said {
        Said::Refusal(failed) => {
            session.say(ask, "rollback").await?;
            Ok(Said::Refusal(failed))
        }
        Said::Answer(_) => match asked(session, ask, "commit").await? {
            None => Ok(said),
            Some(refusal) => Ok(said.refused(refusal)),
        },
    }
}

async fn all(session: &mut Session, ask: &Ask<'_>) -> Result<Said, NotObserved> {
    let mut keeper = Keeper::new(ask.max_rows());
    let many = ask.script.many;
    let mut steps = Vec::new();
    for (index, part) in ask.script.parts.iter().enumerate() {
        let is_last = index + 1 == ask.script.parts.len();
        match one(session, ask, part, &mut keeper, is_last).await? {
            Ok(step) => steps.push(step),
            Err(mut failed) => {
                failed.statement = many.then(|| (index + 1, part.line, part.shortened()));
                failed.before = Answer { steps, many };
                return Ok(Said::Refusal(failed));
            }
        }
    }
    Ok(Said::Answer(Answer { steps, many }))
}

/// One statement: what it gave, or its refusal.
async fn one(
    session: &mut Session,
    ask: &Ask<'_>,
    part: &Part,
    keeper: &mut Keeper,
    is_last: bool,
) -> Result<Result<Step, Box<Failed>>, NotObserved> {
    let begun = ask.ctx.now();
    let left = session.leave_none(ask);
    let mut in_the_way = None;
    let made = {
        let made = pin!(statement(session, ask, part, keeper, is_last));
        let watched = watched(session, ask, made, &mut in_the_way);
        tokio::time::timeout(ask.ctx.remaining(), watched).await
    };
    match made {
        Err(_) => {
            session.break_off();
            Err(too_late(ask, in_the_way))
        }
        Ok(Ok(done)) => {
            if done.goes_on {
                // Enough rows are kept; the rest is not waited for. Dropping the guard cancels it.
                session.break_off();
            } else {
                left.done();
            }
            Ok(Ok(done.step))
        }
        Ok(Err(Stopped::Before(failed))) => {
            left.done();
            Err(*failed)
        }
        Ok(Err(Stopped::By(error, sent))) => {
            left.done();
            let said = told(session, ask, &error, begun, in_the_way);
            if refusal(&error).is_none() {
                session.break_off();
            }
            said.map(|refusal| {
                let place = sent.zip(refusal.position);
                Err(Box::new(Failed {
                    at: place.and_then(|(sent, position)| part.at(&sent, position)),
                    notices: session.notices(),
                    refusal,
                    ..Failed::default()
                }))
            })
        }
    }
}

/// Carries a statement on, and when most of its time is over asks on another connection whether it waits for somebody.
async fn watched<T>(
    session: &Session,
    ask: &Ask<'_>,
    mut made: std::pin::Pin<&mut impl Future<Output = T>>,
    in_the_way: &mut Option<String>,
) -> T {
    let looking = async {
        tokio::time::sleep(session.limit().mul_f64(LOOKED_AROUND_AFTER)).await;
        blockers(ask, session).await
    };
    tokio::select! {
        biased;
        made = &mut made => return made,
        seen = looking => *in_the_way = seen,
    }
    made.await
}

/// Asks for deferred constraints now; the refusal where one is violated.
pub(super) async fn deferred_constraints(
    session: &mut Session,
    ask: &Ask<'_>,
) -> Result<Option<Refusal>, NotObserved> {
    asked(session, ask, "set constraints all immediate").await
}

/// Says something of gonogo's own that the server may refuse for what the check did.
async fn asked(
    session: &mut Session,
    ask: &Ask<'_>,
    sql: &str,
) -> Result<Option<Refusal>, NotObserved> {
    let begun = ask.ctx.now();
    let left = session.leave_none(ask);
    let asked = session.client().batch_execute(sql);
    match tokio::time::timeout(ask.ctx.remaining(), asked).await {
        Err(_) => {
            session.break_off();
            Err(ask.timed_out("the deferred constraints were not checked in time"))
        }
        Ok(said) => {
            left.done();
            match said {
                Ok(()) => Ok(None),
                Err(e) => told(session, ask, &e, begun, None).map(Some),
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
    in_the_way: Option<String>,
) -> Result<Refusal, NotObserved> {
    let Some(refusal) = refusal(error) else {
        return Err(not_observed(ask, session, error));
    };
    // Within the limit it was somebody else who cancelled it, or a `NOWAIT`: that is the server's answer.
    let by_limit = session.is_limit(begun.elapsed());
    match refusal.sqlstate.as_str() {
        // The server said so itself, and undid it.
        "57014" | "55P03" if by_limit && in_the_way.is_some() => Err(blocked(ask, in_the_way)),
        "57014" if by_limit => Err(ask.failed(
            Cause::Timeout,
            "the statement did not end within the check's time limit",
        )),
        "55P03" if by_limit => Err(blocked(ask, None)),
        _ => Ok(refusal),
    }
}

fn blocked(ask: &Ask<'_>, by: Option<String>) -> NotObserved {
    let mut message = "a lock was not given within the check's time limit".to_owned();
    let help = match by {
        Some(by) => {
            message.push_str(": it was held by ");
            message.push_str(&by);
            "end that transaction, or ask its owner to; `select pg_cancel_backend(PROCESS)` ends what it runs"
        }
        None => "`select * from pg_locks where not granted` shows who waits",
    };
    ask.failed_with_help(Cause::Timeout, message, help)
}

fn too_late(ask: &Ask<'_>, in_the_way: Option<String>) -> NotObserved {
    let mut failed = ask.timed_out("the statement did not end within the check's time limit");
    if let Some(by) = in_the_way {
        failed.message = format!("{}: it waited for a lock held by {by}", failed.message);
    }
    failed
}

/// Why a statement was not done.
enum Stopped {
    /// Before it was sent.
    Before(Box<NotObserved>),
    /// By the server, or by its absence; the text that was sent.
    By(Error, Option<Rendered>),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::By(error, None)
    }
}

struct Done {
    step: Step,
    /// The server was left in the middle of the rows.
    goes_on: bool,
}

async fn statement(
    session: &Session,
    ask: &Ask<'_>,
    part: &Part,
    keeper: &mut Keeper,
    is_last: bool,
) -> Result<Done, Stopped> {
    let sent = named(session, ask, part).await?;
    match carried_out(session, ask, part, &sent, keeper, is_last).await {
        Err(Stopped::By(error, _)) => Err(Stopped::By(error, Some(sent))),
        other => other,
    }
}

/// Looks the names of the statement up, puts them in, and looks at what it has become.
async fn named(session: &Session, ask: &Ask<'_>, part: &Part) -> Result<Rendered, Stopped> {
    let mut wanted = BTreeMap::new();
    for key in part.names() {
        let Some(name) = ask.options.identifiers.get(key) else {
            let message = format!("`:\"{key}\"` has no name under `identifiers:`");
            return Err(before(ask, Cause::BadOptions, message, "declare it there"));
        };
        wanted.insert(key, name.as_str());
    }
    if wanted.is_empty() {
        return Ok(part.rendered(|_| None));
    }
    let list = wanted.values().map(|name| Json::from(*name)).collect();
    let found = listed(session, names::POSTGRES_ASKED, vec![Json::Array(list)]).await?;
    if let Some((key, name)) = first_unknown(&wanted, &found) {
        let others = listed(session, names::POSTGRES_OTHERS, Vec::new()).await?;
        let unknown = Unknown::new(key, name, others.iter().map(String::as_str));
        return Err(before(ask, Unknown::CAUSE, unknown.message, unknown.help));
    }
    let sent = part.rendered(|key| wanted.get(key).copied());
    match ask.permitted(&sent.sql, part.line) {
        Ok(_) => Ok(sent),
        Err(failed) => Err(Stopped::Before(Box::new(failed))),
    }
}

async fn listed(session: &Session, which: &str, bind: Vec<Json>) -> Result<Vec<String>, Error> {
    let sql = format!("{} {which}", names::POSTGRES);
    let prepared = session.client().prepare(&sql).await?;
    session.row_taken();
    let values = bind.iter().zip(prepared.params());
    // A list of texts is a value of `text[]`.
    let values = values.filter_map(|(json, ty)| parameter(json, ty).ok());
    let mut rows = pin!(session.query(&prepared, values.collect()).await?);
    let mut names = Vec::new();
    while let Some(row) = rows.next().await {
        let row = row?;
        session.row_taken();
        names.push(row.try_get(0)?);
    }
    Ok(names)
}

fn before(ask: &Ask<'_>, cause: Cause, message: String, help: impl Into<String>) -> Stopped {
    Stopped::Before(Box::new(ask.failed_with_help(cause, message, help)))
}

async fn carried_out(
    session: &Session,
    ask: &Ask<'_>,
    part: &Part,
    text: &Rendered,
    keeper: &mut Keeper,
    is_last: bool,
) -> Result<Done, Stopped> {
    let prepared = session.client().prepare(&text.sql).await?;
    session.row_taken();
    let columns = columns(ask, &prepared)?;
    let parameters = parameters(ask, part, &prepared)?;
    let sent = ask.ctx.now();
    let rows = session.query(&prepared, parameters).await?;
    let mut rows = pin!(rows);
    let mut goes_on = false;
    while let Some(row) = rows.next().await {
        let row = row?;
        session.row_taken();
        if keeper.takes(row.raw_size_bytes()) {
            keeper.rows.push(kept(&row)?);
        } else if ask.mode == Mode::Read && is_last {
            goes_on = true;
            break;
        }
    }
    let latency = sent.elapsed();
    let affected = if part.statement.changes_rows() {
        rows.rows_affected().unwrap_or(0)
    } else {
        0
    };
    let (rows, count, cut) = keeper.taken();
    let step = Step {
        sql: part.shortened(),
        line: part.line,
        columns,
        row_count: (!goes_on).then_some(count),
        rows,
        cut,
        affected,
        latency,
        notices: session.notices(),
    };
    Ok(Done { step, goes_on })
}

fn columns(ask: &Ask<'_>, prepared: &Prepared) -> Result<Vec<(String, String)>, Stopped> {
    let columns: Vec<(String, String)> = prepared
        .columns()
        .iter()
        .map(|c| (c.name().to_owned(), c.type_().name().to_owned()))
        .collect();
    match twice_named(&columns) {
        Some(name) => Err(before(
            ask,
            Cause::BadOptions,
            format!("two columns are called `{name}`"),
            "name them apart with `as`",
        )),
        None => Ok(columns),
    }
}

fn parameters(ask: &Ask<'_>, part: &Part, prepared: &Prepared) -> Result<Vec<Text>, Stopped> {
    let bad = |message: String| Stopped::Before(Box::new(ask.failed(Cause::BadOptions, message)));
    let types = prepared.params();
    let values = &ask.options.bind;
    let wanted = if ask.script.many {
        ask.script.highest_parameter()
    } else {
        types.len()
    };
    if wanted != values.len() || types.len() != part.parameters.len() {
        return Err(bad(crate::sql::syntax::bind_message(values.len(), wanted)));
    }
    let mut out = Vec::with_capacity(types.len());
    for (number, ty) in part.parameters.iter().zip(types) {
        let json = number.checked_sub(1).and_then(|n| values.get(n));
        let value = parameter(json.unwrap_or(&Json::Null), ty);
        out.push(value.map_err(|why| bad(format!("the value of ${number} {why}")))?);
    }
    Ok(out)
}
