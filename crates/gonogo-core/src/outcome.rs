//! The words of a result: outcome, severity, verdict. See "Outcomes and the verdict" in the guide.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a check, and by its worst check a gate, ended. There is deliberately no `Default` and no `bool`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// What was observed satisfies every expectation and limit.
    Pass,
    /// Passed, but a person should see something: only on retry, close to a limit, absent where that is fine.
    Warn,
    /// Waiting for credentials or an approval.
    Pending,
    /// Not attempted, with the reason.
    Skipped,
    /// Not enough evidence for a limit, or nothing to look at.
    Inconclusive,
    /// No observation could be made, or an expression met a wrong type.
    Error,
    /// The observation contradicts an expectation.
    Fail,
}

impl Outcome {
    /// All outcomes, worst first: the order in which reports list them.
    pub const WORST_FIRST: [Self; 7] = [
        Self::Fail,
        Self::Error,
        Self::Inconclusive,
        Self::Skipped,
        Self::Pending,
        Self::Warn,
        Self::Pass,
    ];

    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Pending => "pending",
            Self::Skipped => "skipped",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
            Self::Fail => "fail",
        }
    }

    /// The word as a count reads it: "9 passed, 1 failed".
    pub fn counted(self) -> &'static str {
        match self {
            Self::Pass => "passed",
            Self::Warn => "warned",
            Self::Pending => "pending",
            Self::Skipped => "skipped",
            Self::Inconclusive => "inconclusive",
            Self::Error => "in error",
            Self::Fail => "failed",
        }
    }

    /// Whether a gate that `needs` this one may run, and the default policy may say GO over it.
    pub fn is_good(self) -> bool {
        match self {
            Self::Pass | Self::Warn => true,
            Self::Pending | Self::Skipped | Self::Inconclusive | Self::Error | Self::Fail => false,
        }
    }

    /// Whether the check was decided at all, by what was observed.
    pub fn is_evaluated(self) -> bool {
        match self {
            Self::Pass | Self::Warn | Self::Fail => true,
            Self::Pending | Self::Skipped | Self::Inconclusive | Self::Error => false,
        }
    }
}

/// What a failure of a gate means for the verdict.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Its failure is NO-GO. The default.
    Critical,
    /// Its failure is HOLD.
    Important,
    /// Reported, never blocks.
    Advisory,
}

impl Severity {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Important => "important",
            Self::Advisory => "advisory",
        }
    }
}

/// Whether the release may go to production. Ordered: `NoGo < Hold < Go`, and doubt only moves it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// Change the artifact.
    #[serde(rename = "NO-GO")]
    NoGo,
    /// Get evidence or a signature.
    #[serde(rename = "HOLD")]
    Hold,
    /// Release, under the conditions listed.
    #[serde(rename = "GO")]
    Go,
}

impl Verdict {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoGo => "NO-GO",
            Self::Hold => "HOLD",
            Self::Go => "GO",
        }
    }

    /// The exit code of a program that ends with this verdict.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Go => 0,
            Self::NoGo => 1,
            Self::Hold => 2,
        }
    }

    /// The action that the verdict asks for.
    pub fn action(self) -> &'static str {
        match self {
            Self::NoGo => "change the artifact",
            Self::Hold => "get evidence or a signature",
            Self::Go => "release",
        }
    }
}

/// How many checks, or gates, ended in each way. Every output prints all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Ended in `pass`.
    pub pass: u32,
    /// Ended in `warn`.
    pub warn: u32,
    /// Ended in `fail`.
    pub fail: u32,
    /// Ended in `error`.
    pub error: u32,
    /// Ended in `inconclusive`.
    pub inconclusive: u32,
    /// Ended in `skipped`.
    pub skipped: u32,
    /// Ended in `pending`.
    pub pending: u32,
    /// Limited by the plan itself to other environments.
    pub out_of_scope: u32,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, outcome: Outcome) {
        *self.slot(outcome) += 1;
    }

    fn slot(&mut self, outcome: Outcome) -> &mut u32 {
        match outcome {
            Outcome::Pass => &mut self.pass,
            Outcome::Warn => &mut self.warn,
            Outcome::Fail => &mut self.fail,
            Outcome::Error => &mut self.error,
            Outcome::Inconclusive => &mut self.inconclusive,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Pending => &mut self.pending,
        }
    }

    /// How many ended in the outcome.
    pub fn of(mut self, outcome: Outcome) -> u32 {
        *self.slot(outcome)
    }

    /// "9 passed, 1 failed, 2 skipped, 3 out of scope": all that are not zero, passes always.
    pub fn sentence(self) -> String {
        let mut parts = vec![format!("{} passed", self.pass)];
        for outcome in Outcome::WORST_FIRST {
            let n = self.of(outcome);
            if outcome != Outcome::Pass && n > 0 {
                parts.push(format!("{n} {}", outcome.counted()));
            }
        }
        if self.out_of_scope > 0 {
            parts.push(format!("{} out of scope", self.out_of_scope));
        }
        parts.join(", ")
    }
}
