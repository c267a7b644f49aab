//! The events of a run, in the order in which they happened. The journal holds them, one a line, chained by hash.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::observation::Attempt;
use super::rollback::RollbackProof;
use crate::outcome::Verdict;
use crate::value::Value;

/// One attempt's address: which check, which item of its `for_each`, which try.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The gate's id; `subject` for the subject.
    pub gate: String,
    /// The check's id; `start` or `end` for the subject.
    pub check: String,
    /// Which item of the check's `for_each`, from zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
    /// Which attempt, from one. A gate in a rolled-back transaction is repeated whole, as a new attempt.
    pub attempt: u32,
}

/// What kind of place an environment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentKind {
    /// One's own machine: its verdicts are rehearsals.
    Local,
    /// A staging deployment.
    Staging,
    /// Production: every power needs `--allow` too.
    Production,
}

/// What a check may do beyond reading.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// Change the target's state.
    Write,
    /// Send many requests.
    Load,
    /// Run a program on this machine.
    Exec,
}

impl Power {
    /// The word used in plans and flags.
    pub fn word(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Load => "load",
            Self::Exec => "exec",
        }
    }
}

/// An earlier run of the same subject, environment and plan, from the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlierRun {
    /// The run's id.
    pub run: String,
    /// Its verdict; absent where it did not finish.
    pub verdict: Option<Verdict>,
    /// The checks, as `gate/check`, that took samples.
    pub sampled: Vec<String>,
}

/// How a run came to its inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSeen {
    /// The value; `[secret NAME]` for a secret; absent where it was not given.
    pub value: Option<Value>,
    /// `-i`, `environment variable`, `file`, `default`.
    pub source: String,
    /// Whether it is secret.
    pub secret: bool,
}

/// The first event of a run: everything the judge must know besides the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStarted {
    /// Version of the journal's format; the rules of that version judge it.
    pub format: u32,
    /// The version of gonogo that ran.
    pub gonogo: String,
    /// The run's id: its folder's name.
    pub run: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// The plan's file name, for commands that name it.
    pub plan_file: String,
    /// SHA-256 over the plan and all it includes.
    pub plan_sha256: String,
    /// SHA-256 of the waiver file, where there is one.
    pub waivers_sha256: Option<String>,
    /// SHA-256 of the policy file, where one was given.
    pub policy_sha256: Option<String>,
    /// The environment's name.
    pub environment: String,
    /// Its kind.
    pub kind: EnvironmentKind,
    /// The inputs as they were found.
    pub inputs: BTreeMap<String, InputSeen>,
    /// The powers that the run has: the environment's and those allowed on the command line.
    pub powers: Vec<Power>,
    /// `--only` as given: gates or gate/check; empty for all.
    pub only: Vec<String>,
    /// Earlier runs of the same subject, environment and plan; `None` where no registry tells.
    pub earlier: Option<Vec<EarlierRun>>,
}

/// Why a check was not attempted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SkipReason {
    /// A needed gate did not pass.
    Needs {
        /// The gate.
        gate: String,
    },
    /// `when` was not true.
    When {
        /// The expression.
        expression: String,
    },
    /// Filtered out on the command line.
    Filtered,
    /// A power is missing.
    Power {
        /// Which.
        power: Power,
    },
    /// A value that the check uses is missing: an input, or a capture whose check did not pass.
    Missing {
        /// Its name: `inputs.dsn`, `saved.token`.
        name: String,
        /// Why it is missing.
        why: String,
    },
    /// The run was stopped before.
    Interrupted,
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The run began.
    RunStarted(Box<RunStarted>),
    /// A check is about to act. For one that may write, this is on disk before a packet leaves.
    Intended {
        /// Which attempt.
        at: Address,
        /// What it may do.
        power: Option<Power>,
        /// What is asked, for a person, masked: `POST /api/rules`.
        ask: String,
    },
    /// An attempt ended.
    Observed {
        /// Which attempt.
        at: Address,
        /// What came of it.
        attempt: Box<Attempt>,
    },
    /// A `for_each` was expanded; the items are recorded, so that the judge knows how many there are.
    Expanded {
        /// The gate's id.
        gate: String,
        /// The check's id.
        check: String,
        /// The items.
        items: Vec<Value>,
    },
    /// A check was not attempted.
    Skipped {
        /// The gate's id.
        gate: String,
        /// The check's id.
        check: String,
        /// Why.
        reason: SkipReason,
    },
    /// The transaction of a gate was rolled back, or was lost with its connection.
    RolledBack {
        /// The gate's id.
        gate: String,
        /// Whether the server confirmed it.
        confirmed: bool,
        /// What was compared before and after, where it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proof: Option<Box<RollbackProof>>,
    },
    /// The run was stopped by a signal; it can be resumed.
    Interrupted {
        /// When.
        interrupted_at: DateTime<Utc>,
        /// By what: `SIGINT`.
        by: String,
    },
    /// A run that had been stopped or killed goes on.
    Resumed {
        /// When.
        resumed_at: DateTime<Utc>,
        /// How many bytes of a torn last line were cut off.
        torn_bytes: u64,
    },
    /// Every check of the plan has ended, one way or another. Only such a run is sealed.
    RunFinished {
        /// When.
        finished_at: DateTime<Utc>,
    },
}
