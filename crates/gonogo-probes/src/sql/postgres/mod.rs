//! PostgreSQL: reading in a read-only transaction, writing for good, and a gate's transaction that is rolled back.

mod make;

use std::sync::Arc;
use std::time::Duration;

use gonogo_core::record::{Cause, NotObserved};
use tokio_postgres::SimpleQueryMessage;

use super::observed::{Said, observed};
use super::run::{Ask, Held};
use crate::database::Place;
use crate::database::dsn::Dsn;
use crate::database::postgres::{
    Session, begin_reading, end_reading, keep_idle, open, open_reading, reused,
};
use crate::probe::Seen;

/// How long the end of a gate waits for the server.
const END_WITHIN: Duration = Duration::from_secs(10);

/// Reads, on a connection that was used before where there is one.
pub(super) async fn read(ask: &Ask<'_>, dsn: &Arc<Dsn>) -> Result<Seen, NotObserved> {
    let key = format!("sql postgres {} {}", ask.target, dsn.shown());
    let mut session = if let Some(session) = reused(ask, &key).await {
        session
    } else {
        let mut session = open_reading(ask, dsn).await?;
        begin_reading(&mut session, ask).await?;
        session
    };
    let said = make::within_time(&mut session, ask).await;
    let seen = said.map(|said| observed(place(ask, dsn, &session), said));
    if session.is_whole() && end_reading(&session, ask).await {
        keep_idle(ask.ctx.kept(), &key, session);
    }
    seen
}

/// Writes for good, on a connection of its own.
pub(super) async fn write(ask: &Ask<'_>, dsn: &Arc<Dsn>) -> Result<Seen, NotObserved> {
    let mut session = open(ask, dsn).await?;
    let said = make::within_time(&mut session, ask).await?;
    Ok(observed(place(ask, dsn, &session), said))
}

/// Makes a statement in the gate's transaction, which the first one opens.
pub(super) async fn in_gate(
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
            let session = open(ask, dsn).await?;
            session.say(ask, "begin read write").await?;
            *held = Held::Lost;
            session
        }
    };
    let said = in_savepoint(&mut session, ask).await;
    let place = place(ask, dsn, &session);
    if session.is_whole() {
        *held = Held::Open(session);
    }
    said.map(|said| observed(place, said))
}

/// Makes the statement so that an error undoes it alone. Deferred constraints are asked for at once: they would
/// fire at a commit, and none comes.
async fn in_savepoint(session: &mut Session, ask: &Ask<'_>) -> Result<Said, NotObserved> {
    let ms = session.limit_ms(ask);
    // Between two checks of a gate the transaction is idle; that must not end it soon, but at last it must.
    let begin = format!(
        "savepoint gonogo; set local statement_timeout = {ms}; set local lock_timeout = {ms}; \
         set local idle_in_transaction_session_timeout = '1h'"
    );
    session.say_or_break(ask, &begin).await?;
    let mut said = make::within_time(session, ask).await;
    if !session.is_whole() {
        return said;
    }
    if matches!(said, Ok(Said::Answer(_))) {
        match make::deferred_constraints(session, ask).await {
            Ok(None) => {}
            Ok(Some(refusal)) => said = said.map(|said| said.refused(refusal)),
            Err(failed) => said = Err(failed),
        }
    }
    let end = match &said {
        Ok(Said::Answer(_)) => "release savepoint gonogo",
        _ => "rollback to savepoint gonogo; release savepoint gonogo",
    };
    // A savepoint that is not there any more means that the transaction is not either.
    session.say_or_break(ask, end).await?;
    said
}

/// Rolls the gate's transaction back and asks the server whether none is left.
pub(super) async fn end(held: Held<Session>) -> Option<bool> {
    let session = match held {
        Held::Unopened => return None,
        Held::Lost => return Some(false),
        Held::Open(session) => session,
    };
    let asked = async {
        session.client().batch_execute("rollback").await?;
        // Outside a transaction nothing has a number, unless this very statement took one.
        session
            .client()
            .simple_query("select txid_current_if_assigned() is null")
            .await
    };
    let nothing_left = |messages: &[SimpleQueryMessage]| {
        messages
            .iter()
            .any(|m| matches!(m, SimpleQueryMessage::Row(row) if row.get(0) == Some("t")))
    };
    match tokio::time::timeout(END_WITHIN, asked).await {
        Ok(Ok(messages)) => Some(nothing_left(&messages)),
        Ok(Err(_)) | Err(_) => Some(false),
    }
}

fn place(ask: &Ask<'_>, dsn: &Dsn, session: &Session) -> Place {
    Place {
        target: ask.target.to_owned(),
        address: dsn.shown(),
        engine: session.engine().to_owned(),
    }
}
