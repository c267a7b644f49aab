//! The typed plan: what loading yields when there is no problem left.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::statements::{FindingText, Statements};
use crate::diag::Place;
use crate::expr::Expr;
use crate::outcome::Severity;
use crate::record::{EnvironmentKind, Power};

/// A plan, whole: includes read, templates expanded, expressions parsed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is validated, for the report's head.
    pub name: String,
    /// Declared inputs by name.
    pub inputs: BTreeMap<String, Input>,
    /// What runs there and must be what was to be released.
    pub subject: Option<Subject>,
    /// Environments by name.
    pub environments: BTreeMap<String, Environment>,
    /// Gates in file order, includes in their place.
    pub gates: Vec<Gate>,
    /// Replaced policy expressions; the default rule where absent.
    pub decide: Decide,
    /// How long a GO is valid, in nanoseconds.
    pub valid_for_ns: i64,
    /// Statistical assumptions of the whole plan.
    pub statistics: StatisticsOptions,
    /// What people state beside what is measured.
    pub statements: Statements,
    /// The files it was made of, the plan itself first.
    pub files: Vec<PlanFile>,
}

/// One file of the plan, as it is put into the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFile {
    /// Path relative to the plan's folder.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Plan {
    /// SHA-256 of the plan in lower-case hex. Of a plan in one file it is that file's, so that `sha256sum` shows it; of
    /// several files it is that of the lines `sha256  path` of all of them, as `sha256sum` prints them, sorted by path
    /// with the plan itself first.
    pub fn sha256(&self) -> String {
        let of = |bytes: &[u8]| -> String {
            use sha2::Digest as _;
            sha2::Sha256::digest(bytes)
                .iter()
                .fold(String::new(), |mut hex, byte| {
                    // Writing to a String cannot fail.
                    let _ = std::fmt::Write::write_fmt(&mut hex, format_args!("{byte:02x}"));
                    hex
                })
        };
        match &self.files[..] {
            [only] => of(&only.bytes),
            [first, rest @ ..] => {
                let mut rest: Vec<&PlanFile> = rest.iter().collect();
                rest.sort_by(|a, b| a.path.cmp(&b.path));
                let mut lines = format!("{}  {}\n", of(&first.bytes), "plan.yaml");
                for file in rest {
                    lines.push_str(&of(&file.bytes));
                    lines.push_str("  ");
                    lines.push_str(&file.path);
                    lines.push('\n');
                }
                of(lines.as_bytes())
            }
            [] => of(b""),
        }
    }
}

/// A declared input.
#[derive(Clone, Debug)]
pub struct Input {
    /// Whether its value is secret.
    pub secret: bool,
    /// A file to read it from (relative to the plan) where neither `-i` nor the environment variable has it.
    pub file: Option<String>,
    /// The value where nothing else gives one; never for a secret.
    pub default: Option<Json>,
    /// What it is, for messages about a missing one.
    pub description: Option<String>,
}

/// What is being validated, as observed on the deployment.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The observation with its expectation; gate id `subject`.
    pub check: Check,
    /// How long to wait for the rollout before it counts as another subject, in nanoseconds.
    pub wait_ns: i64,
    /// The fact that identifies the subject, such as `body.commit`; compared between start and end.
    pub identity: Option<Expr>,
}

/// A named set of targets and values.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Its kind; from its own name where that is one.
    pub kind: EnvironmentKind,
    /// Powers beyond reading.
    pub allow: Vec<Power>,
    /// Targets in file order: the first of a kind is the one meant.
    pub targets: Vec<Target>,
    /// Free values, reachable as `env.NAME`.
    pub values: BTreeMap<String, Json>,
}

/// One thing that can be observed.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Its kind: the key that holds its address (`http`, `postgres`, …).
    pub kind: String,
    /// Its options, templates unfilled, the kind's key included.
    pub options: Json,
    /// Where it stands.
    pub place: Place,
}

/// One criterion.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Its key in the plan.
    pub id: String,
    /// What it claims.
    pub title: String,
    /// What its failure means.
    pub severity: Severity,
    /// Gates that must have passed before.
    pub needs: Vec<String>,
    /// Environments it is limited to; empty for all.
    pub only: Vec<String>,
    /// Runs whatever happened before.
    pub always: bool,
    /// Its SQL runs in one transaction that is rolled back.
    pub rollback: bool,
    /// Who acts when it fails.
    pub owner: Option<String>,
    /// How old its evidence may be when the verdict is given, in nanoseconds.
    pub fresh_for_ns: Option<i64>,
    /// A figure for the gate table, as people would write it (`< 150 ms`); made from the checks where absent.
    pub target: Option<String>,
    /// What its author says of it when it does not pass.
    pub finding: Option<FindingText>,
    /// Its checks, at least one.
    pub checks: Vec<Check>,
    /// Where it stands.
    pub place: Place,
}

/// One observation with its expectations.
#[derive(Clone, Debug)]
pub struct Check {
    /// Unique in its gate.
    pub id: String,
    /// The probe's key.
    pub probe: String,
    /// The probe's own key and options as written, templates unfilled.
    pub options: Json,
    /// The target's name where the plan names one.
    pub target: Option<String>,
    /// Must all be true.
    pub expect: Vec<Expr>,
    /// True expressions here make a pass a `warn`.
    pub warn: Vec<Expr>,
    /// Claims about a distribution or rate.
    pub limits: Vec<Limit>,
    /// Values kept for later checks.
    pub save: Vec<Save>,
    /// Skips the check where not true.
    pub when: Option<Expr>,
    /// Repeats the check over a list.
    pub for_each: Option<ForEach>,
    /// Tries again.
    pub retry: Option<Retry>,
    /// Deadline of one attempt, in nanoseconds.
    pub timeout_ns: i64,
    /// Says of a request that may write by its form that it only reads.
    pub reads: bool,
    /// Says of a write that it may be repeated after a crash.
    pub repeatable: bool,
    /// Absence is a `warn` instead of `inconclusive`.
    pub absent_is_warn: bool,
    /// How old its evidence may be, in nanoseconds.
    pub fresh_for_ns: Option<i64>,
    /// What its author says of it when it does not pass.
    pub finding: Option<FindingText>,
    /// What the check needs: nothing, or a power.
    pub power: Option<Power>,
    /// Where it stands.
    pub place: Place,
}

/// A value kept under a name.
#[derive(Clone, Debug)]
pub struct Save {
    /// The name, set once in a plan.
    pub name: String,
    /// What is kept.
    pub from: Expr,
    /// Masked from here on.
    pub secret: bool,
}

/// What a check is repeated over.
#[derive(Clone, Debug)]
pub enum ForEach {
    /// A list written in the plan; its texts may hold templates.
    List(Vec<Json>),
    /// An expression that yields a list.
    Expr(Expr),
}

/// Trying again until it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// For how long, in nanoseconds.
    pub for_ns: i64,
    /// How long between attempts, in nanoseconds.
    pub every_ns: i64,
    /// Waiting is the point: a pass on retry is a `pass`.
    pub eventually: bool,
}

/// A claim about a distribution or a rate. Percentages are fractions here: 1 % is 0.01.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// As written: `p95: 150ms`.
    pub text: String,
    /// The claim.
    pub claim: crate::stats::Claim,
}

/// Assumptions that the judge prints beside each limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatisticsOptions {
    /// One-sided confidence, 0.95 by default.
    pub confidence: f64,
    /// Correlation time τ of bursts, in nanoseconds; 0.1 s by default.
    pub correlation_time_ns: i64,
    /// Minimum duration of a load, in nanoseconds; 60 s by default.
    pub min_duration_ns: i64,
    /// Re-runs of the same subject are declared: the k-th attempt spends α/2^k instead of the first having all of α.
    pub reruns_declared: bool,
}

impl Default for StatisticsOptions {
    fn default() -> Self {
        Self {
            confidence: 0.95,
            correlation_time_ns: 100_000_000,
            min_duration_ns: 60_000_000_000,
            reruns_declared: false,
        }
    }
}

/// Policy expressions of the plan, where it replaces the default.
#[derive(Clone, Debug, Default)]
pub struct Decide {
    /// NO-GO where true.
    pub no_go: Option<Expr>,
    /// HOLD where true.
    pub hold: Option<Expr>,
}

/// One accepted failure, from the waiver file.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// The gate's id, or `gate/check`.
    pub subject: String,
    /// Who accepts it.
    pub person: String,
    /// Why.
    pub reason: String,
    /// The ticket.
    pub ticket: Option<String>,
    /// The last day, as an instant (its end, UTC).
    pub until: chrono::DateTime<chrono::Utc>,
    /// When it was given; its end may be at most 30 days after (7 for missing evidence).
    pub given: Option<chrono::DateTime<chrono::Utc>>,
    /// Pins the failure as it was seen.
    pub accepts: Expr,
    /// Where it stands.
    pub place: Place,
}
