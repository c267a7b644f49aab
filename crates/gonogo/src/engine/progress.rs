//! What a run tells while it goes on; the terminal, plain lines and tests read the same.

use gonogo_core::outcome::Outcome;

/// Something worth telling at once.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A gate began.
    GateOpened {
        /// Its id.
        gate: String,
        /// Its title.
        title: String,
    },
    /// A check began.
    CheckStarted {
        /// `gate/check`.
        check: String,
        /// What is asked.
        ask: String,
    },
    /// A check goes on after an attempt that did not pass.
    Retrying {
        /// `gate/check`.
        check: String,
        /// What was seen.
        message: String,
    },
    /// A check ended.
    CheckEnded {
        /// `gate/check`.
        check: String,
        /// How.
        outcome: Outcome,
        /// Why.
        message: String,
    },
    /// A gate ended.
    GateClosed {
        /// Its id.
        gate: String,
        /// How.
        outcome: Outcome,
    },
    /// The run is being stopped.
    Stopping,
}

/// Hears what a run tells.
pub trait Progress: Send + Sync {
    /// Hears one thing.
    fn tell(&self, told: Told);
}

/// Hears nothing.
pub struct Silent;

impl Progress for Silent {
    fn tell(&self, _told: Told) {}
}
