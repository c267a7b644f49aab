//! Connections between two checks. A run makes many small reads, and a new connection for each would be most of their
//! cost; but a connection that stays for long stands in the way of whoever wants to drop or restore the database.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::connect::Session;
use crate::ctx::GateScope;

/// How long a connection waits for the next check.
const IDLE: Duration = Duration::from_secs(2);

type Slot = Arc<Mutex<Option<Session>>>;

/// Keeps a session for the next check, for a while.
pub(crate) fn keep(kept: &GateScope, key: &str, session: Session) {
    let slot: Slot = Arc::new(Mutex::new(Some(session)));
    let weak = Arc::downgrade(&slot);
    drop(tokio::spawn(async move {
        tokio::time::sleep(IDLE).await;
        if let Some(slot) = weak.upgrade() {
            drop(out_of(&slot));
        }
    }));
    kept.keep_one_more(key, slot);
}

/// A session that is still connected.
pub(crate) fn take(kept: &GateScope, key: &str) -> Option<Session> {
    while let Some(slot) = kept.take::<Slot>(key) {
        if let Some(session) = out_of(&slot).filter(Session::is_connected) {
            return Some(session);
        }
    }
    None
}

fn out_of(slot: &Slot) -> Option<Session> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}
