//! The engine: runs a plan's checks in their order, records what they saw, and stops safely.

mod attempt;
mod caught;
mod desk;
mod inputs;
mod masking;
mod names;
mod progress;
mod setup;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use gonogo_core::judge;
use gonogo_core::plan::{Check, Subject};
use gonogo_core::record::{Event, Run, RunStarted};
use gonogo_core::schedule::{Move, Schedule, Scope};
use gonogo_probes::ctx::GateScope;
use tokio::sync::watch;
use tokio::task::JoinSet;

use attempt::{run_check, run_subject};
use desk::Desk;
pub use inputs::{Inputs, Sources, find as find_inputs};
pub use progress::{Progress, Silent, Told};
pub use setup::{Asked, MissingValue, Setup, prepare};

use crate::store::{Appender, Blobs, StoreError};
use crate::world::World;

/// How many reading checks run side by side.
const WIDTH: usize = 16;

/// Why gonogo cannot go on. The run stops; its verdict is never GO.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event has no JSON form: a bug.
    #[error("an event could not be written as JSON: {0}")]
    Encode(serde_json::Error),
    /// Events came in an order that no run can have: a bug.
    #[error(transparent)]
    Order(#[from] gonogo_core::record::IllegalOrder),
    /// What was recorded cannot be judged.
    #[error(transparent)]
    Judge(#[from] judge::JudgeError),
    /// The run could not be started.
    #[error("{0}")]
    Start(String),
    /// Something was to be recorded after the journal was closed: a bug.
    #[error("the journal was closed while a check was under way")]
    Closed,
}

/// How a run begins.
pub enum Beginning {
    /// A new run.
    New(Box<RunStarted>),
    /// One that was stopped or killed: its events, folded, and the bytes of its torn tail.
    Resumed {
        /// The events as recorded.
        events: Vec<Event>,
        /// The first of them.
        started: Box<RunStarted>,
        /// When it goes on.
        resumed_at: DateTime<Utc>,
        /// Bytes cut off its end.
        torn_bytes: u64,
    },
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every check has ended: it can be sealed.
    Finished,
    /// Stopped by a signal: it can be resumed.
    Stopped,
}

/// Runs a plan to its end, or until `stop` says so. Gives what was recorded.
pub async fn run(
    setup: Setup,
    world: World,
    progress: Arc<dyn Progress>,
    appender: Appender,
    blobs: Blobs,
    beginning: Beginning,
    stop: watch::Receiver<bool>,
) -> Result<(Ended, Run), EngineError> {
    let started = match &beginning {
        Beginning::New(started) | Beginning::Resumed { started, .. } => started,
    };
    let desk = Desk::new(setup, started, world, progress, appender, blobs);
    let desk = Arc::new(desk);
    let stopper = tokio::spawn(forward_stop(stop, Arc::clone(&desk)));
    let ended = from_beginning_to_end(&desk, beginning).await;
    stopper.abort();
    // Whatever happened: as long as anything could still append, the journal's thread would not end.
    let run = desk.close();
    Ok((ended?, run.ok_or(EngineError::Closed)?))
}

async fn from_beginning_to_end(
    desk: &Arc<Desk>,
    beginning: Beginning,
) -> Result<Ended, EngineError> {
    match beginning {
        Beginning::New(started) => {
            desk.record_synced(Event::RunStarted(started)).await?;
        }
        Beginning::Resumed {
            events,
            resumed_at,
            torn_bytes,
            ..
        } => {
            desk.take_over(events)?;
            desk.record_synced(Event::Resumed {
                resumed_at,
                torn_bytes,
            })
            .await?;
        }
    }
    let ended = drive(desk).await?;
    let last = match ended {
        Ended::Finished => Event::RunFinished {
            finished_at: desk.now(),
        },
        Ended::Stopped => Event::Interrupted {
            interrupted_at: desk.now(),
            by: "a signal".to_owned(),
        },
    };
    desk.record_synced(last).await?;
    desk.settle_receipts().await?;
    Ok(ended)
}

async fn forward_stop(mut stop: watch::Receiver<bool>, desk: Arc<Desk>) {
    if stop.wait_for(|stop| *stop).await.is_ok() {
        desk.tell(Told::Stopping);
        desk.stop();
    } else {
        // Nobody can stop the run any more.
        std::future::pending::<()>().await;
    }
}

async fn drive(desk: &Arc<Desk>) -> Result<Ended, EngineError> {
    let plan = Arc::clone(&desk.setup.plan);
    if let Some(subject) = &plan.subject {
        observe_subject(desk, subject, "start").await?;
    }
    let scope = Scope {
        environment: desk.setup.environment.clone(),
        only: desk.setup.only.clone(),
        powers: desk.setup.powers.clone(),
        width: WIDTH,
    };
    let mut schedule = Schedule::new(&plan, scope);
    let mut running = JoinSet::new();
    let mut gate_scope = Arc::new(GateScope::new(false));
    loop {
        if desk.is_stopped() {
            schedule.stop();
        }
        let moves = schedule.moves();
        let idle = moves.is_empty();
        for next in moves {
            match next {
                Move::OpenGate(gate) => {
                    gate_scope = open_gate(desk, gate);
                }
                Move::Start(gate, check) => {
                    running.spawn(run_check(
                        Arc::clone(desk),
                        gate,
                        check,
                        Arc::clone(&gate_scope),
                    ));
                }
                Move::Skip(gate, check, reason) => {
                    let of = &plan.gates[gate];
                    if desk.skip(&of.id, &of.checks[check].id, reason)? {
                        desk.tell_end(gate, check)?;
                    }
                }
                Move::CloseGate(gate) => {
                    let good = close_gate(desk, gate, &gate_scope).await?;
                    schedule.gate_closed(gate, good);
                }
            }
        }
        if !idle {
            continue;
        }
        match running.join_next().await {
            None => break,
            Some(Ok(end)) => {
                schedule.ended(end.gate, end.check);
                end.result?;
            }
            Some(Err(failed)) => std::panic::resume_unwind(failed.into_panic()),
        }
    }
    if desk.is_stopped() {
        return Ok(Ended::Stopped);
    }
    if let Some(subject) = &plan.subject {
        observe_subject(desk, subject, "end").await?;
    }
    Ok(if desk.is_stopped() {
        Ended::Stopped
    } else {
        Ended::Finished
    })
}

/// Looks at the subject; at the start, waits for the rollout as the plan says.
async fn observe_subject(
    desk: &Arc<Desk>,
    subject: &Subject,
    id: &'static str,
) -> Result<(), EngineError> {
    if desk.is_settled("subject", id, None) {
        return Ok(());
    }
    let mut check = subject.check.clone();
    id.clone_into(&mut check.id);
    if id == "start" {
        check.retry = waiting(subject);
    }
    run_subject(desk, &check, id).await
}

/// How the first look at the subject waits for the rollout, where the plan says so.
fn waiting(subject: &Subject) -> Option<gonogo_core::plan::Retry> {
    (subject.wait_ns > 0).then(|| gonogo_core::plan::Retry {
        for_ns: subject.wait_ns,
        every_ns: nanos_between(subject.wait_ns),
        eventually: true,
    })
}

/// Looks again after a hundredth of the wait, at least a quarter of a second and at most ten.
fn nanos_between(wait_ns: i64) -> i64 {
    let second = i64::try_from(Duration::from_secs(1).as_nanos()).unwrap_or(i64::MAX);
    (wait_ns / 100).clamp(second / 4, 10 * second)
}

fn open_gate(desk: &Arc<Desk>, gate: usize) -> Arc<GateScope> {
    let gate = &desk.setup.plan.gates[gate];
    desk.tell(Told::GateOpened {
        gate: gate.id.clone(),
        title: gate.title.clone(),
    });
    let names_session = |check: &Check| check.options.get("session").is_some();
    let sessions = gate.checks.iter().any(names_session);
    Arc::new(GateScope::new(gate.rollback).with_sessions(sessions))
}

/// Ends the gate's transaction and says whether gates that need this one may run.
async fn close_gate(desk: &Arc<Desk>, gate: usize, scope: &GateScope) -> Result<bool, EngineError> {
    let planned = &desk.setup.plan.gates[gate];
    if planned.rollback {
        for probe in gonogo_probes::probes() {
            if let Some(end) = probe.end_gate(scope).await {
                desk.record(Event::RolledBack {
                    gate: planned.id.clone(),
                    confirmed: end.confirmed,
                    proof: end.proof.map(Box::new),
                })?;
            }
        }
    }
    desk.settle_receipts().await?;
    let Some(judged) = desk.judge_gate(gate)? else {
        return Ok(false);
    };
    let outcome = judged.outcome.in_scope();
    if let Some(outcome) = outcome {
        desk.tell(Told::GateClosed {
            gate: planned.id.clone(),
            outcome,
        });
    }
    let waived = judged.waived_by.is_some();
    Ok(waived || outcome.is_some_and(gonogo_core::outcome::Outcome::is_good))
}
