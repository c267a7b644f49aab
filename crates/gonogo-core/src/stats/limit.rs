//! Claims, what is assumed in judging them, and what comes out.

use serde::{Deserialize, Serialize};

/// One limit of a plan, as a claim about all requests the target would ever get under this load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Claim {
    /// A share `p` of the requests takes at most `max_ns` nanoseconds.
    Percentile {
        /// 0.95 for the P95.
        p: f64,
        /// The limit.
        max_ns: u64,
    },
    /// A share of less than `max` of the requests fails.
    ErrorRate {
        /// 0.01 for 1 %.
        max: f64,
    },
    /// At least `min` requests per second are answered well.
    Rate {
        /// Requests per second.
        min: f64,
    },
}

impl Claim {
    /// The share of requests that may be over, or fail. `None` for a claim on the rate, or one that no sample decides:
    /// NaN, or not strictly between 0 and 1.
    pub fn allowance(&self) -> Option<f64> {
        let share = match *self {
            Claim::Percentile { p, .. } => tidy(1.0 - p),
            Claim::ErrorRate { max } => max,
            Claim::Rate { .. } => return None,
        };
        (share > 0.0 && share < 1.0).then_some(share)
    }
}

/// How the error probability α is spent when a plan is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Attempts {
    /// One attempt per subject, environment and plan, at α.
    One,
    /// Nobody counted: α as for one, and said so.
    Unknown,
    /// Re-runs are declared, and this is the k-th, from 1: α/2^k, so that all together stay below α.
    Rerun(u32),
    /// A given α instead.
    Alpha(f64),
}

/// What is assumed in judging.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumptions {
    /// 0.95 for 95 %, one-sided.
    pub confidence: f64,
    /// Requests further apart are taken as independent.
    pub correlation_time_ns: u64,
    /// A load that is shorter is told so; it does not fail for it.
    pub min_duration_ns: u64,
    /// Equal time windows in which bursts are looked for.
    pub windows: u32,
    /// Whether the samples were looked at while they came (`until: decided`): then only a bound holds that stays valid.
    pub sequential: bool,
    /// How α is spent over attempts.
    pub attempts: Attempts,
}

impl Default for Assumptions {
    /// 95 %, 0.1 s, 60 s, 30 windows, a fixed number of requests, one attempt.
    fn default() -> Self {
        Assumptions {
            confidence: 0.95,
            correlation_time_ns: 100_000_000,
            min_duration_ns: 60_000_000_000,
            windows: 30,
            sequential: false,
            attempts: Attempts::One,
        }
    }
}

impl Assumptions {
    /// The probability with which a limit may pass falsely in this attempt. `None` if what is given is no probability,
    /// or an attempt is numbered 0.
    pub fn alpha(&self) -> Option<f64> {
        let whole = tidy(1.0 - self.confidence);
        let alpha = match self.attempts {
            Attempts::One | Attempts::Unknown => whole,
            Attempts::Rerun(0) => return None,
            Attempts::Rerun(k) => whole * 0.5f64.powi(i32::try_from(k).ok()?),
            Attempts::Alpha(alpha) => alpha,
        };
        (alpha > 0.0 && alpha < 1.0).then_some(alpha)
    }
}

/// 1 − 0.95 as it was meant: 0.05.
fn tidy(share: f64) -> f64 {
    (share * 1e12).round() / 1e12
}

/// The three answers to a claim: pass, fail, inconclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitOutcome {
    /// The samples support the claim at the stated confidence.
    Met,
    /// They contradict it.
    NotMet,
    /// Neither.
    NotProven,
}

/// What would decide an open claim, if nothing else goes over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Needs {
    /// Requests beyond those at hand.
    pub more_requests: u64,
    /// Requests in all.
    pub total: u64,
    /// How long the further ones take at the planned (else the measured) rate.
    pub seconds_at_rate: Option<f64>,
}

/// In what a judgement's estimate and bounds are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Percentiles.
    Nanoseconds,
    /// Error rates: 0.01 is 1 %.
    Share,
    /// Achieved rates.
    PerSecond,
}

/// The share of requests over the limit (or failed): seen, and bounded one-sidedly at the judged confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exceedance {
    /// K/n.
    pub estimate: f64,
    /// No smaller share is supported.
    pub lower: f64,
    /// No larger share is supported.
    pub upper: f64,
}

/// A claim, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitJudgement {
    /// What was claimed.
    pub claim: Claim,
    /// Met, not met, or not proven.
    pub outcome: LimitOutcome,
    /// One sentence for a person.
    pub reason: String,
    /// Requests scheduled after the warm-up.
    pub n: u64,
    /// K: how many were over the limit (percentiles; failed ones are) or failed (error rate).
    pub over: u64,
    /// How many failed, timed out or were never sent.
    pub failed: u64,
    /// In what the next three are told.
    pub unit: Unit,
    /// The point estimate: by nearest rank for percentiles (`None` if that request failed, so is endless).
    pub estimate: Option<f64>,
    /// The one-sided lower confidence bound; `None` if the samples give none.
    pub lower: Option<f64>,
    /// The one-sided upper confidence bound; `None` if the samples give none.
    pub upper: Option<f64>,
    /// For percentiles and error rates.
    pub exceedance: Option<Exceedance>,
    /// At which confidence the samples support the claim: 1 − P[Bin(n, 1−p) ≤ K] with effective counts.
    pub confidence_reached: Option<f64>,
    /// What would decide it, if more requests would.
    pub needs: Option<Needs>,
    /// How many times the variance of independent samples was seen.
    pub deff: f64,
    /// What n is worth in the test that could pass it.
    pub effective_n: f64,
    /// What K is worth in it.
    pub effective_over: f64,
    /// How many neighbours may share one fate.
    pub burst_factor: u64,
    /// What was assumed, as sentences to be printed.
    pub assumptions: Vec<String>,
}
