//! From observations to outcomes: a pure function of the plan and the record, the same live as in `gonogo verify`.
//!
//! Rules that hold everywhere here: an outcome is `pass` only where something was seen that proves it; what is
//! missing, cut, unreadable or of the wrong type has an outcome of its own; of several attempts without `retry` the
//! worst counts, so that a recorded `fail` stays.

mod attempt;
mod check;
pub(crate) mod expectation;
mod known;
mod left_behind;
mod limits;
mod run;
mod secrets;
mod words;

use std::borrow::Cow;

pub use attempt::{AttemptJudged, Judging, judge_attempt};
pub use check::{earlier_samplings, judge_check};
pub use known::{Known, save_value, saves};
pub use run::{RunJudged, belongs, judge_gate, judge_run, judge_subject};

#[cfg(test)]
pub(crate) use limits::sha256_hex;
pub use run::SUBJECT;
pub use secrets::leaked;
pub use words::{cause_words, skip_words};

pub(crate) use words::{in_short, shorten};

/// Where the bytes of blobs come from. The judge checks them against their hash, so an implementation need not.
pub trait Blobs {
    /// The bytes of the blob with this SHA-256, in lower-case hex, where they are there.
    fn bytes(&self, sha256: &str) -> Option<Cow<'_, [u8]>>;
}

impl Blobs for std::collections::BTreeMap<String, Vec<u8>> {
    fn bytes(&self, sha256: &str) -> Option<Cow<'_, [u8]>> {
        self.get(sha256)
            .map(|bytes| Cow::Borrowed(bytes.as_slice()))
    }
}

/// Why a run cannot be judged at all: the record is damaged, or does not belong to the plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// A blob that an outcome rests on is not there.
    #[error("{check}: the blob {sha256} ({role}) is missing")]
    BlobMissing {
        /// `gate/check`.
        check: String,
        /// What it is to the observation.
        role: String,
        /// Its name.
        sha256: String,
    },
    /// A blob does not have the bytes that were recorded.
    #[error("{check}: the blob {sha256} ({role}) is not what was recorded: {reason}")]
    BlobChanged {
        /// `gate/check`.
        check: String,
        /// What it is to the observation.
        role: String,
        /// Its name.
        sha256: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The record speaks of a check that the plan does not have, or that does not apply in the environment.
    #[error("the record speaks of {check}, which this plan does not run in `{environment}`")]
    NotInPlan {
        /// `gate/check`.
        check: String,
        /// The environment.
        environment: String,
    },
    /// Something was observed by a check that acts, without the intent that must be on disk before.
    #[error("{check} acted without having recorded that it was about to")]
    NotIntended {
        /// `gate/check`.
        check: String,
    },
    /// The plan does not have the environment of the run.
    #[error("the plan has no environment `{environment}`")]
    NoEnvironment {
        /// The environment.
        environment: String,
    },
}

#[cfg(test)]
mod tests;
