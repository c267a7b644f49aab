//! The evidence bundle: how a run becomes one, is sealed, read back and verified.
//!
//! ```text
//! plan.yaml          the plan, byte for byte          verdict.json   what verify recomputes
//! files/…            all it includes and refers to    report.md · report.html · junit.xml
//! journal.ndjson     the events, chained by hash      samples.csv …  raw samples of loads, for people
//! blobs/SHA256       large parts of observations      manifest.json  every file with its hash; written last: the seal
//! ```

mod files;
mod manifest;
mod reopen;
mod running;
mod verify;

pub use files::{BundleFiles, DiskFiles};
pub use manifest::{Head, MANIFEST, Manifest};
pub use reopen::{Opened, open_to_resume};
pub use running::{Outcome, run_again, run_new};
pub use verify::{Demands, Verified, judge_by, load_recorded, read_judged, verify};

/// The plan's name in a bundle.
pub const PLAN: &str = "plan.yaml";
/// The folder of everything that the plan includes.
pub const FILES: &str = "files";
/// Largest file of a bundle: as large as the largest blob that is kept.
const MAX_FILE: u64 = 256 * 1024 * 1024;
/// The policy that tightened the decision, where one was given.
pub const POLICY: &str = "policy.yaml";

/// Why a bundle cannot be taken as evidence.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The store cannot read it.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The run did not end, so it was never sealed.
    #[error("{folder} is incomplete: {why}")]
    Incomplete {
        /// The run's folder.
        folder: String,
        /// What is missing.
        why: String,
    },
    /// A file is not what was sealed.
    #[error("{file} was changed after the bundle was sealed: {why}")]
    Changed {
        /// The file.
        file: String,
        /// How it shows.
        why: String,
    },
    /// The run was stopped before its first event: nothing was sent, and there is nothing to go on with.
    #[error("{folder} never began: nothing was recorded, so nothing was sent")]
    NeverBegan {
        /// The run's folder.
        folder: String,
    },
    /// The run is sealed and cannot go on.
    #[error("{folder} is finished and sealed: there is nothing to resume")]
    Sealed {
        /// The run's folder.
        folder: String,
    },
    /// A report or the verdict is not what the evidence gives.
    #[error("{file} does not follow from the evidence: {why}")]
    Different {
        /// The file.
        file: String,
        /// How.
        why: String,
        /// What the evidence gives.
        judged: Box<gonogo_core::judged::Judged>,
    },
    /// The plan in the bundle does not load.
    #[error("the plan in the bundle does not load: {0}")]
    Plan(String),
    /// The journal's events are in no legal order, or not of this format.
    #[error("the journal cannot be read: {0}")]
    Journal(String),
    /// The verdict cannot be recomputed.
    #[error("the run cannot be judged: {0}")]
    Judge(String),
    /// The program could not run it.
    #[error(transparent)]
    Engine(#[from] crate::engine::EngineError),
}
