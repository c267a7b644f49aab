//! The load generator: asks one address the same thing many times and writes down what became of each request.
//!
//! It observes and judges nothing. In the open model arrivals are fixed in advance and latency counts from when a
//! request was *due*, so that a target that stalls is seen to stall; in the closed model users wait for their answers.
//! Every request that was scheduled gives one [`Sample`], also those that were never sent.
//!
//! Own code, because this is what gonogo exists for: one epoll loop per thread, a request built once, answers parsed
//! in place, nothing allocated per request. Memory is constant: a queue of any length is two cursors, bodies are
//! counted and not kept, and answers are read up to caps.
//!
//! Sources: Tene, "How NOT to measure latency" (coordinated omission); RFC 9112 (HTTP/1.1 framing).

mod clock;
mod config;
mod connection;
mod lane;
mod pool;
mod response;
mod sample;
mod schedule;
mod spin;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use config::{
    Arrivals, CONNECTIONS_CAP, Caps, Config, ConfigError, Expected, Model, RATE_CAP, REQUESTS_CAP,
    Request, ServerErrors, StopOn, Tls,
};
pub use sample::{End, Ended, Lag, Proceed, Progress, Sample, Sink, Summary};

use clock::Clock;
use lane::{Lane, Shared};
use sample::Tally;
use schedule::Share;

/// The threads get so long to be ready when the load begins.
const HEAD_START: Duration = Duration::from_millis(2);

/// Why there is no load. What the target does is never an error here: it is in the samples.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The description cannot mean anything; nothing was sent.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system gave no thread.
    #[error("a thread for the load could not be started: {0}")]
    Thread(std::io::Error),
    /// The system gave no epoll instance, or refused to wait on it.
    #[error("the load could not watch its connections: {0}")]
    Watch(std::io::Error),
    /// A thread of the load panicked: a bug in the engine or in the sink.
    #[error("a thread of the load panicked; this is a bug")]
    Panicked,
}

/// Runs a load to its end, on threads of its own, and returns when nothing of it is left: no thread, no connection.
///
/// `cancel` may be set from anywhere and is obeyed within about 20 ms. With an error samples may already have been
/// handed over; they are no account of a whole load.
pub fn run<S: Sink + ?Sized>(
    config: &Config,
    sink: &mut S,
    cancel: &AtomicBool,
) -> Result<Summary, EngineError> {
    config.validate()?;
    let lanes = match config.model {
        Model::Open { .. } => config.threads,
        Model::Closed { users, .. } => config.threads.min(users),
    };
    let lanes = lanes.min(config.connections);
    let shared = Shared::new(config, sink, cancel, Clock::beginning_in(HEAD_START));
    let tallies = std::thread::scope(|scope| {
        let mut running = Vec::new();
        let mut refused = None;
        for lane in 0..lanes {
            let shared = &shared;
            let carry = move || {
                let carried = Lane::new(shared, Share { lane, lanes }).and_then(Lane::run);
                if carried.is_err() {
                    shared.give_up();
                }
                carried
            };
            match std::thread::Builder::new()
                .name(format!("load-{lane}"))
                .spawn_scoped(scope, carry)
            {
                Ok(thread) => running.push(thread),
                Err(error) => {
                    shared.give_up();
                    refused = Some(EngineError::Thread(error));
                    break;
                }
            }
        }
        let carried: Vec<_> = running
            .into_iter()
            .map(|thread| {
                let Ok(carried) = thread.join() else {
                    shared.give_up();
                    return Err(EngineError::Panicked);
                };
                carried.map_err(|errno| EngineError::Watch(errno.into()))
            })
            .collect();
        match refused {
            Some(error) => Err(error),
            None => carried.into_iter().collect::<Result<Vec<Tally>, _>>(),
        }
    })?;
    let mut total = Tally::new();
    for tally in &tallies {
        total.merge(tally);
    }
    Ok(total.summary(shared.ended(), planned_gap_ns(config)))
}

/// The mean distance between two requests of the plan, where it has one.
fn planned_gap_ns(config: &Config) -> Option<f64> {
    match config.model {
        Model::Open { rate, .. } => Some(1e9 / rate),
        Model::Closed { pace, .. } => pace.map(sample::gap_ns),
    }
}

#[cfg(test)]
mod tests;
