//! SQLite. Each look opens the file anew: a kept connection would go on reading a file that was replaced meanwhile,
//! and opening one costs next to nothing.

mod door;
mod make;
mod proof;

use std::collections::BTreeMap;
use std::time::Duration;

use gonogo_core::record::{Cause, NotObserved, RollbackProof};
use rusqlite::Connection;

use self::proof::Content;
use super::observed::{Said, observed};
use super::run::{Ask, Held};
use super::script::Script;
use super::statement::Mode;
use crate::ctx::Ctx;
use crate::database::Place;
use crate::database::sqlite::{self, Failure, File, Watch};
use crate::probe::{GateEnd, Seen};

/// A gate's open transaction, and what was there before. SQLite rolls it back when the connection is closed.
pub(super) struct Open {
    connection: Connection,
    before: Box<Content>,
    /// The file's version for this connection: another one when somebody else has written.
    version: i64,
    file: File,
    ctx: Ctx,
}

/// How long the proof may take.
const PROVE_WITHIN: Duration = Duration::from_secs(30);

/// All that a blocking thread needs of a check.
struct Work {
    file: File,
    script: Script,
    identifiers: BTreeMap<String, String>,
    bind: Vec<serde_json::Value>,
    max_rows: usize,
    mode: Mode,
    watch: Watch,
}

/// Makes one statement on a connection of its own.
pub(super) async fn once(ask: &Ask<'_>, file: &File) -> Result<Seen, NotObserved> {
    let said = blocking(ask, file, |work| {
        let mut connection = sqlite::open(&work.file, &work.watch, work.mode == Mode::Read)?;
        make::make(&mut connection, work)
    })
    .await;
    seen(ask, file, said)
}

/// Makes one statement in the gate's transaction, which the first one opens.
pub(super) async fn in_gate(
    ask: &Ask<'_>,
    file: &File,
    held: &mut Held<Open>,
) -> Result<Seen, NotObserved> {
    let taken = held.take();
    let (left, said) = match taken {
        Held::Lost => {
            return Err(ask.failed(
                Cause::Closed,
                "an earlier check ended the gate's transaction, and what it had done is gone",
            ));
        }
        Held::Unopened => blocking(ask, file, begin_and_make).await,
        Held::Open(open) => blocking(ask, file, |work| make::in_savepoint(open, work)).await,
    };
    *held = left;
    seen(ask, file, said)
}

fn begin_and_make(work: &Work) -> (Held<Open>, Result<Said, Failure>) {
    match sqlite::open(&work.file, &work.watch, work.mode == Mode::Read)
        .and_then(|connection| make::begin(connection, work))
    {
        // Nothing was done yet, so the next check may try again.
        Err(failure) => (Held::Unopened, Err(failure)),
        Ok(connection) => make::in_savepoint(connection, work),
    }
}

/// Rolls the gate's transaction back and proves that nothing of it is left.
pub(super) async fn end(held: Held<Open>) -> Option<GateEnd> {
    let open = match held {
        Held::Unopened => return None,
        Held::Lost => return Some(GateEnd::lost()),
        Held::Open(open) => open,
    };
    let ctx = open.ctx.again(PROVE_WITHIN);
    let (watch, _stop) = Watch::new(&ctx, PROVE_WITHIN);
    let ended = tokio::task::spawn_blocking(move || open.end(&watch));
    Some(ended.await.unwrap_or_else(|_| GateEnd::lost()))
}

impl Open {
    fn end(self, watch: &Watch) -> GateEnd {
        let Ok(connection) = sqlite::limit_time(self.connection, watch) else {
            return GateEnd::lost();
        };
        if connection.execute_batch("rollback").is_err() || !connection.is_autocommit() {
            return GateEnd::lost();
        }
        let compared = || {
            let again = sqlite::open(&self.file, watch, true).map_err(|e| e.message)?;
            let read = || {
                again.execute_batch("begin")?;
                Content::read(&again)
            };
            let after = read().map_err(|e| e.to_string())?;
            // Asked after the reading: whoever wrote before it has changed this number by now.
            let version = proof::version(&connection).map_err(|e| e.to_string())?;
            Ok(self.before.compared_with(&after, version != self.version))
        };
        let proof = compared().unwrap_or_else(|why: String| RollbackProof {
            differences: vec![format!(
                "what is there now could not be compared with what was there before: {why}"
            )],
            ..RollbackProof::default()
        });
        GateEnd {
            confirmed: true,
            proof: Some(proof),
        }
    }
}

async fn blocking<T: Send + 'static>(
    ask: &Ask<'_>,
    file: &File,
    work_on: impl FnOnce(&Work) -> T + Send + 'static,
) -> T {
    let (watch, _stop) = Watch::new(ask.ctx, ask.server_timeout());
    let work = Work {
        file: file.clone(),
        script: ask.script.clone(),
        identifiers: ask.options.identifiers.clone(),
        bind: ask.options.bind.clone(),
        max_rows: ask.max_rows(),
        mode: ask.mode,
        watch,
    };
    match tokio::task::spawn_blocking(move || work_on(&work)).await {
        Ok(done) => done,
        // Panics go on to the engine's edge; nobody aborts this thread.
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

fn seen(ask: &Ask<'_>, file: &File, said: Result<Said, Failure>) -> Result<Seen, NotObserved> {
    let place = Place {
        target: ask.target.to_owned(),
        address: file.shown.clone(),
        engine: format!("SQLite {}", rusqlite::version()),
    };
    match said {
        Ok(said) => Ok(observed(place, said)),
        Err(failure) => {
            let tried = format!("{} on {}", ask.tried, file.shown);
            let mut failed = ask.ctx.not_observed(tried, failure.cause, failure.message);
            failed.help = failure.help;
            Err(failed)
        }
    }
}
