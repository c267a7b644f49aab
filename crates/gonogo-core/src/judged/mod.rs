//! The judged run: everything that a report shows, and what `verdict.json` holds. Made by `judge` and `decide`,
//! rendered by `gonogo-report`.

mod statements;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::outcome::{Counts, Outcome, Severity, Verdict};
use crate::plan::FindingText;
use crate::record::{BlobRef, EarlierRun, EnvironmentKind, SecretSeen, Shown, TargetSeen};
use crate::stats::LimitJudgement;
use crate::value::{Map, Value};

pub use statements::*;

/// A run, judged and decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// Version of this document.
    pub format: u32,
    /// GO, HOLD or NO-GO.
    pub verdict: Verdict,
    /// A local environment: never a release.
    pub rehearsal: bool,
    /// The action that the verdict asks for.
    pub action: String,
    /// One sentence: because of what, and what would change it.
    pub because: String,
    /// The run's folder name.
    pub run: String,
    /// What was run, where and when.
    pub about: About,
    /// Whether what runs there is what was to be released.
    pub subject: SubjectJudged,
    /// Each rule that led to the verdict, as a sentence; empty for an unconditional GO.
    pub reasons: Vec<String>,
    /// What a GO rests on: waivers, warnings, failed advisory gates, new ones first.
    pub conditions: Vec<Condition>,
    /// Checks by outcome.
    pub counts: Counts,
    /// Gates by outcome.
    pub gate_counts: Counts,
    /// Gates in plan order.
    pub gates: Vec<GateJudged>,
    /// What a person should act on, gravest first.
    pub findings: Vec<Finding>,
    /// What was not evaluated and why, in plan order.
    pub not_evaluated: Vec<NotEvaluated>,
    /// A computed figure with each deduction named.
    pub confidence: Confidence,
    /// The policy as applied.
    pub policy: PolicyShown,
    /// What people stated, held against what was measured.
    #[serde(skip_serializing_if = "StatementsJudged::is_empty")]
    pub statements: StatementsJudged,
}

/// What was run, where and when.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct About {
    /// The plan's name.
    pub plan: String,
    /// SHA-256 of the plan and all it includes.
    pub plan_sha256: String,
    /// SHA-256 of the waiver file.
    pub waivers_sha256: Option<String>,
    /// SHA-256 of the policy file.
    pub policy_sha256: Option<String>,
    /// The environment.
    pub environment: String,
    /// Its kind.
    pub environment_kind: EnvironmentKind,
    /// When the run started.
    pub started_at: DateTime<Utc>,
    /// When it ended; absent where it did not.
    pub ended_at: Option<DateTime<Utc>>,
    /// The instant at which it was decided.
    pub as_of: DateTime<Utc>,
    /// Until when a GO is valid.
    pub valid_until: Option<DateTime<Utc>>,
    /// Whether every check of the plan has ended.
    pub finished: bool,
    /// The version of gonogo that ran.
    pub gonogo: String,
    /// Which attempt at this subject, environment and plan it is; absent where no registry tells.
    pub attempt: Option<u32>,
    /// The earlier ones.
    pub earlier: Vec<EarlierRun>,
    /// Inputs as found, secrets masked.
    pub inputs: Vec<(String, String, String)>,
    /// `--only` as given.
    pub only: Vec<String>,
}

/// The subject, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubjectJudged {
    /// Whether the plan declares one.
    pub declared: bool,
    /// What was expected: the expressions.
    pub expected: Vec<String>,
    /// What identifies it, as observed at the start.
    pub observed: Option<Value>,
    /// At the start; absent where none is declared.
    pub start: Option<CheckJudged>,
    /// At the end.
    pub end: Option<CheckJudged>,
    /// One sentence.
    pub message: String,
}

/// A gate, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateJudged {
    /// Its id.
    pub id: String,
    /// What it claims.
    pub title: String,
    /// What its failure means.
    pub severity: Severity,
    /// The worst of its checks, or out of scope.
    pub outcome: GateOutcome,
    /// Who waived it and until when; its outcome stays.
    pub waived_by: Option<String>,
    /// The target, as the gate table shows it.
    pub target: String,
    /// The result, as the gate table shows it.
    pub result: String,
    /// Who acts when it fails.
    pub owner: Option<String>,
    /// Its checks in plan order.
    pub checks: Vec<CheckJudged>,
    /// What its `transaction: rollback` left behind, where it has one that was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_behind: Option<LeftBehind>,
}

/// What a rolled-back transaction left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftBehind {
    /// `pass` where that is nothing.
    pub outcome: Outcome,
    /// One line: `nothing left behind: 3 tables, 412 rows, schema, 2 sequences as before`.
    pub message: String,
    /// What a person should know of the comparison.
    pub notes: Vec<String>,
}

/// An outcome, or decided from the plan alone not to apply here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    /// Ended in `pass`.
    Pass,
    /// Ended in `warn`.
    Warn,
    /// Ended in `pending`.
    Pending,
    /// Ended in `skipped`.
    Skipped,
    /// Ended in `inconclusive`.
    Inconclusive,
    /// Ended in `error`.
    Error,
    /// Ended in `fail`.
    Fail,
    /// The plan limits it to other environments.
    OutOfScope,
}

impl GateOutcome {
    /// The outcome, where the gate was in scope.
    pub fn in_scope(self) -> Option<Outcome> {
        Some(match self {
            Self::Pass => Outcome::Pass,
            Self::Warn => Outcome::Warn,
            Self::Pending => Outcome::Pending,
            Self::Skipped => Outcome::Skipped,
            Self::Inconclusive => Outcome::Inconclusive,
            Self::Error => Outcome::Error,
            Self::Fail => Outcome::Fail,
            Self::OutOfScope => return None,
        })
    }

    /// The word used in every output.
    pub fn word(self) -> &'static str {
        self.in_scope().map_or("out of scope", Outcome::word)
    }
}

impl From<Outcome> for GateOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Pass,
            Outcome::Warn => Self::Warn,
            Outcome::Pending => Self::Pending,
            Outcome::Skipped => Self::Skipped,
            Outcome::Inconclusive => Self::Inconclusive,
            Outcome::Error => Self::Error,
            Outcome::Fail => Self::Fail,
        }
    }
}

/// A check, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckJudged {
    /// Its id.
    pub id: String,
    /// The probe.
    pub probe: String,
    /// What was asked, for a person: `GET /health`.
    pub ask: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in one line; for a pass, what was seen.
    pub message: String,
    /// Each expectation, in order; those held too.
    pub expectations: Vec<ExpectationJudged>,
    /// Each limit, in order.
    pub limits: Vec<LimitJudged>,
    /// The drawn distribution of its samples, where it took some.
    pub distribution: Option<Distribution>,
    /// Items of its `for_each`; empty where it has none.
    pub items: Vec<ItemJudged>,
    /// How many attempts were made.
    pub attempts: u32,
    /// When the last one began.
    pub started_at: Option<DateTime<Utc>>,
    /// How long the last one took, in nanoseconds.
    pub elapsed_ns: Option<i64>,
    /// What was observed: facts for the evidence section.
    pub evidence: Option<Evidence>,
    /// Likely cause, where one is known.
    pub cause: Option<String>,
    /// The next command to try, where one is known.
    pub next: Option<String>,
    /// Who waived it and until when.
    pub waived_by: Option<String>,
}

/// One item of a `for_each`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ItemJudged {
    /// The item.
    pub item: Value,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub message: String,
}

/// One expectation, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExpectationJudged {
    /// The expression.
    pub text: String,
    /// How it came out.
    pub outcome: Outcome,
    /// For what is not a pass: `body.status is "degraded"`.
    pub message: String,
}

/// One limit, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LimitJudged {
    /// As written: `p95: 150ms`.
    pub text: String,
    /// `pass`, `fail` or `inconclusive`.
    pub outcome: Outcome,
    /// The figures and the sentence.
    pub judgement: LimitJudgement,
}

/// What was observed, for the evidence section.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// The target as it was reached.
    pub target: Option<TargetSeen>,
    /// The facts.
    pub facts: Map,
    /// Tables and excerpts.
    pub shown: Vec<Shown>,
    /// Blobs in the bundle.
    pub blobs: Vec<BlobRef>,
    /// Secrets that came back.
    pub secrets_seen: Vec<SecretSeen>,
}

/// A latency distribution for drawing, recomputed from the samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// Requests scheduled after the warm-up.
    pub scheduled: u64,
    /// Those that failed, timed out or were never sent.
    pub unanswered: u64,
    /// Smallest, p50, p90, p95, p99, p99.9 by nearest rank and largest, each in nanoseconds where it exists.
    pub points: Vec<(String, Option<i64>)>,
    /// Upper edge in nanoseconds (exclusive) and count, in rising order, empty buckets between included.
    pub buckets: Vec<(i64, u64)>,
    /// Requests offered and achieved per second.
    pub offered_rate: Option<f64>,
    /// Achieved.
    pub achieved_rate: Option<f64>,
    /// Seconds from the first due time to the last.
    pub seconds: f64,
    /// `open` or `closed`, with its parameters.
    pub model: String,
}

/// What a person should act on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The gate's id.
    pub gate: String,
    /// `gate/check`.
    pub check: String,
    /// The gate's severity.
    pub severity: Severity,
    /// How the check ended.
    pub outcome: Outcome,
    /// One line.
    pub title: String,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// What was seen, line by line, where it was made for reading: a diff.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// The likely cause.
    pub cause: Option<String>,
    /// The next command to try.
    pub next: Option<String>,
    /// Who acts.
    pub owner: Option<String>,
    /// How many observations it stands for.
    pub count: u32,
    /// Other checks, as `gate/check`, that it explains.
    pub also: Vec<String>,
    /// Who waived it and until when.
    pub waived_by: Option<String>,
    /// What its author says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated: Option<FindingText>,
}

/// A check that was not evaluated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotEvaluated {
    /// `gate/check`, or the gate where all of it is out of scope.
    pub check: String,
    /// `skipped`, `pending`, `inconclusive`, `error` or `out of scope`.
    pub outcome: String,
    /// Why.
    pub why: String,
}

/// Something that a GO rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Condition {
    /// `waiver`, `warning`, `advisory`, `no-subject`, `unsigned`, `attempt`, `limitation`, `finding`, `sign-off`.
    pub kind: String,
    /// One sentence.
    pub text: String,
}

/// A figure that is computed and explained, not felt (S1.13).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confidence {
    /// 100 less the deductions, at least 0.
    pub percent: u32,
    /// Points and why.
    pub deductions: Vec<(u32, String)>,
}

/// The policy as applied.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyShown {
    /// `default`, or the expression.
    pub no_go: String,
    /// `default`, or the expression.
    pub hold: String,
}
