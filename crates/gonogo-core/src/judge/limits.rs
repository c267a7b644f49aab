//! Limits: every figure is counted again from the bytes of the sample series.

use sha2::{Digest, Sha256};

use super::{Blobs, JudgeError};
use crate::duration::humanize_duration_ns;
use crate::judged::{Distribution, ExpectationJudged, LimitJudged};
use crate::outcome::Outcome;
use crate::plan::{Check, StatisticsOptions};
use crate::record::{BlobRef, Observation, SAMPLES_ROLE};
use crate::series::{Arrivals, End, Model, Sample, Series};
use crate::stats::{self, Assumptions, Attempts, Claim, LimitJudgement, LimitOutcome};

/// At most so many bars are drawn of a distribution.
const BUCKETS: u64 = 48;

/// How a load that is whole says that it ended.
const WHOLE: [&str; 2] = ["completed", "decided"];

/// Reads the samples of an observation, where it took some.
pub(super) fn series_of(
    at: &str,
    observation: &Observation,
    blobs: &dyn Blobs,
) -> Result<Option<Series>, JudgeError> {
    let Some(blob) = observation.blobs.iter().find(|b| b.role == SAMPLES_ROLE) else {
        return Ok(None);
    };
    let bytes = verified(at, blob, blobs)?;
    let series = Series::read(bytes).map_err(|e| JudgeError::BlobChanged {
        check: at.to_owned(),
        role: blob.role.clone(),
        sha256: blob.sha256.clone(),
        reason: e.to_string(),
    })?;
    Ok(Some(series))
}

fn verified(at: &str, blob: &BlobRef, blobs: &dyn Blobs) -> Result<Vec<u8>, JudgeError> {
    let Some(bytes) = blobs.bytes(&blob.sha256) else {
        return Err(JudgeError::BlobMissing {
            check: at.to_owned(),
            role: blob.role.clone(),
            sha256: blob.sha256.clone(),
        });
    };
    let found = sha256_hex(&bytes);
    if found != blob.sha256 || bytes.len() as u64 != blob.bytes {
        return Err(JudgeError::BlobChanged {
            check: at.to_owned(),
            role: blob.role.clone(),
            sha256: blob.sha256.clone(),
            reason: format!("it has {} bytes with the hash {found}", bytes.len()),
        });
    }
    Ok(bytes.into_owned())
}

/// The SHA-256 of bytes in lower-case hex: a blob's name.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    Sha256::digest(bytes)
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

/// What is assumed in judging a check's limits. `earlier` counts the attempts before this one in which the check took
/// samples of the same subject: the first spends α, the k-th α/2^k. `None` where nobody counted.
pub(super) fn assumptions(
    check: &Check,
    options: &StatisticsOptions,
    earlier: Option<u32>,
) -> Assumptions {
    let until_decided = check.options.get("until").and_then(|u| u.as_str()) == Some("decided");
    Assumptions {
        confidence: options.confidence,
        correlation_time_ns: u64::try_from(options.correlation_time_ns).unwrap_or(0),
        min_duration_ns: u64::try_from(options.min_duration_ns).unwrap_or(0),
        sequential: until_decided,
        attempts: match earlier {
            None => Attempts::Unknown,
            Some(0) => Attempts::One,
            Some(before) => Attempts::Rerun(before.saturating_add(1)),
        },
        ..Assumptions::default()
    }
}

/// A load that was stopped before all it planned was due proves nothing: what it would have met is not known.
pub(super) fn stopped_early(
    check: &Check,
    seen: &Observation,
    series: &Series,
) -> Option<ExpectationJudged> {
    let planned = ["requests", "rounds"]
        .iter()
        .find_map(|key| check.options.get(key)?.as_u64());
    let ended = seen.facts.get("ended").and_then(|e| e.as_str());
    let scheduled = series.count();
    let why = match (planned, ended) {
        (_, Some(ended)) if !WHOLE.contains(&ended) => format!("it ended early: {ended}"),
        (Some(planned), _) if scheduled < planned && ended != Some("decided") => {
            format!("only {scheduled} of {planned} requests were scheduled")
        }
        (Some(_) | None, _) => return None,
    };
    Some(ExpectationJudged {
        text: "the load runs to its end".to_owned(),
        outcome: Outcome::Inconclusive,
        message: format!("the load is not whole: {why}"),
    })
}

/// Judges all limits of a check against its samples.
pub(super) fn judge(check: &Check, series: &Series, assumptions: &Assumptions) -> Vec<LimitJudged> {
    check
        .limits
        .iter()
        .map(|limit| {
            let judgement = stats::judge_limit(limit.claim, series, assumptions);
            LimitJudged {
                text: limit.text.clone(),
                outcome: match judgement.outcome {
                    LimitOutcome::Met => Outcome::Pass,
                    LimitOutcome::NotMet => Outcome::Fail,
                    LimitOutcome::NotProven => Outcome::Inconclusive,
                },
                judgement,
            }
        })
        .collect()
}

/// The figure of one limit as the gate table shows it.
pub(super) fn figure(judgement: &LimitJudgement) -> String {
    match judgement.claim {
        Claim::Percentile { p, .. } => {
            let seen = judgement.estimate.map_or("endless".to_owned(), nanos);
            let bound = judgement.upper.map_or("none".to_owned(), nanos);
            format!("{} {seen} (bound {bound})", percentile(p))
        }
        Claim::ErrorRate { .. } => {
            let s = if judgement.failed == 1 { "" } else { "s" };
            format!("{} of {} error{s}", judgement.failed, judgement.n)
        }
        Claim::Rate { .. } => match judgement.estimate {
            Some(rate) => format!("{}/s", short(rate)),
            None => "no rate".to_owned(),
        },
    }
}

/// A limit as the target column shows it.
pub(super) fn as_target(claim: &Claim) -> String {
    match *claim {
        Claim::Percentile { p, max_ns } => {
            format!("{} ≤ {}", percentile(p), nanos(max_ns as f64))
        }
        Claim::ErrorRate { max } => format!("errors < {} %", short(max * 100.0)),
        Claim::Rate { min } => format!("rate ≥ {}/s", short(min)),
    }
}

fn percentile(p: f64) -> String {
    format!("p{}", short(p * 100.0))
}

fn nanos(ns: f64) -> String {
    humanize_duration_ns(ns as i64)
}

/// At most three decimals, none of them a trailing zero.
fn short(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The distribution as it is drawn, and the figures shown beside it.
pub(super) fn distribution(series: &Series) -> Distribution {
    let about = stats::describe(series);
    let model = series.header().model;
    let mut values: Vec<u64> = series
        .judged()
        .filter(|sample| sample.end() == End::Ok)
        .filter_map(|sample| measured_ns(&sample, model))
        .collect();
    values.sort_unstable();
    let answered = about
        .ends
        .iter()
        .find(|(end, _)| *end == End::Ok)
        .map_or(0, |(_, n)| *n);
    let point = |name: &str, at: Option<u64>| {
        let at = at.and_then(|ns| i64::try_from(ns).ok());
        (name.to_owned(), at)
    };
    Distribution {
        scheduled: about.n,
        unanswered: about.n - answered,
        points: vec![
            point("min", values.first().copied()),
            point("p50", about.p50_ns),
            point("p90", about.p90_ns),
            point("p95", about.p95_ns),
            point("p99", about.p99_ns),
            point("p99.9", about.p999_ns),
            point("max", about.max_ns),
        ],
        buckets: buckets(&values),
        offered_rate: about.planned_rate,
        achieved_rate: about.sent_rate,
        seconds: about.span_ns as f64 / 1e9,
        model: model_words(model),
    }
}

fn measured_ns(sample: &Sample, model: Model) -> Option<u64> {
    match model {
        Model::Open { .. } => sample.latency_ns(),
        Model::Closed { .. } => sample.service_ns(),
    }
}

fn model_words(model: Model) -> String {
    match model {
        Model::Open {
            arrivals: Arrivals::Constant,
        } => "open, constant arrivals".to_owned(),
        Model::Open {
            arrivals: Arrivals::Poisson { seed },
        } => format!("open, Poisson arrivals (seed {seed})"),
        Model::Closed { users: 1 } => "closed, 1 user".to_owned(),
        Model::Closed { users } => format!("closed, {users} users"),
    }
}

/// Logarithmic bars, their edges whole numbers so that every machine draws the same.
fn buckets(sorted: &[u64]) -> Vec<(i64, u64)> {
    let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else {
        return Vec::new();
    };
    let parts = [16, 8, 4, 2, 1]
        .into_iter()
        .find(|parts| bar_of(high, *parts) - bar_of(low, *parts) < BUCKETS)
        .unwrap_or(1);
    let first = bar_of(low, parts);
    let mut counts = vec![0u64; (bar_of(high, parts) - first + 1) as usize];
    for value in sorted {
        counts[(bar_of(*value, parts) - first) as usize] += 1;
    }
    let edge = |bar: u64| i64::try_from(start_of(bar + 1, parts)).unwrap_or(i64::MAX);
    (first..)
        .zip(counts)
        .map(|(bar, count)| (edge(bar), count))
        .collect()
}

/// Which bar a value falls in: its power of two, split in `parts` equal ones.
fn bar_of(value: u64, parts: u64) -> u64 {
    let value = value.max(1);
    let octave = u64::from(value.ilog2());
    let within = (u128::from(value - (1 << octave)) * u128::from(parts)) >> octave;
    octave * parts + within as u64
}

/// The least value in a bar.
fn start_of(bar: u64, parts: u64) -> u128 {
    let base = 1u128 << (bar / parts).min(64);
    base + (base * u128::from(bar % parts)).div_ceil(u128::from(parts))
}
