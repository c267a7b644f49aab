//! Wall time for what people read and store, monotonic time for what is measured.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// Two clocks that are never derived from each other.
pub trait Clock: Send + Sync {
    /// Wall time. May step in either direction.
    fn now(&self) -> DateTime<Utc>;
    /// Time since some fixed moment of this process. Never steps back; stands still while the machine sleeps.
    fn monotonic(&self) -> Duration;
    /// Lets the calling thread wait.
    fn sleep(&self, time: Duration);
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the door that the lint points to"
    )]
    /// A clock whose monotonic zero is now.
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// A clock that only moves when it is told to; sleeping on it moves it at once.
#[derive(Debug)]
pub struct SimClock {
    times: Mutex<(DateTime<Utc>, Duration)>,
}

impl SimClock {
    /// Starts at `now`, with monotonic time zero.
    pub fn starting_at(now: DateTime<Utc>) -> Self {
        Self {
            times: Mutex::new((now, Duration::ZERO)),
        }
    }

    /// Lets time pass: both clocks move.
    pub fn advance(&self, time: Duration) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.0 += TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
        times.1 += time;
    }

    /// Someone sets the wall clock: only that one moves.
    pub fn step_wall(&self, by: TimeDelta) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.0 += by;
    }
}

impl Clock for SimClock {
    fn now(&self) -> DateTime<Utc> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn monotonic(&self) -> Duration {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn sleep(&self, time: Duration) {
        self.advance(time);
    }
}
