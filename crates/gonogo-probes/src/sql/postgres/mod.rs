//! PostgreSQL: reading in a read-only transaction, writing for good, and a gate's transaction that is rolled back.

mod gate;
mod make;

pub(super) use gate::{Gate, end, make_in_gate};

use std::sync::Arc;

use gonogo_core::record::NotObserved;

use super::observed::observed;
use super::run::Ask;
use crate::database::Place;
use crate::database::dsn::Dsn;
use crate::database::postgres::{
    Session, begin_reading, end_reading, keep_idle, open, open_reading, reused,
};
use crate::probe::Seen;

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

fn place(ask: &Ask<'_>, dsn: &Dsn, session: &Session) -> Place {
    Place {
        target: ask.target.to_owned(),
        address: dsn.shown(),
        engine: session.engine().to_owned(),
    }
}
