//! The figures that are shown beside limits. Nothing is judged by them.

use serde::Serialize;

use crate::series::{End, Model, Sample, Series};

/// A latency that never came, so that failed requests sort behind all others.
pub(super) const ENDLESS: u64 = u64::MAX;

/// The value at rank ⌈p·n⌉ of sorted values: the nearest-rank definition, which always names a value that was seen.
/// `None` if there are none, or p is not in (0, 1].
pub fn nearest_rank(sorted: &[u64], p: f64) -> Option<u64> {
    if !(p > 0.0 && p <= 1.0) {
        return None;
    }
    let exact = p * sorted.len() as f64;
    // 0.95 · 60 is 57, not the next float above it.
    let rank = (exact - 1e-9 * exact).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// What a load saw, warm-up excluded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Requests scheduled.
    pub n: u64,
    /// Requests excluded as warm-up.
    pub warm_up: u64,
    /// How the percentiles are defined.
    pub percentiles_by: &'static str,
    /// What they are of: `latency from due time`, or `service time with N users` for a closed model.
    pub measured: String,
    /// Percentiles in nanoseconds, failed requests counted as endless; `None` is endless, or nothing was measured.
    pub p50_ns: Option<u64>,
    /// See `p50_ns`.
    pub p90_ns: Option<u64>,
    /// See `p50_ns`.
    pub p95_ns: Option<u64>,
    /// See `p50_ns`.
    pub p99_ns: Option<u64>,
    /// See `p50_ns`.
    pub p999_ns: Option<u64>,
    /// The longest request that was answered well.
    pub max_ns: Option<u64>,
    /// How many ended in each way; ways that did not occur are left out.
    pub ends: Vec<(End, u64)>,
    /// Requests per second as planned.
    pub planned_rate: Option<f64>,
    /// Requests per second as sent.
    pub sent_rate: Option<f64>,
    /// P99 of the generator's own lag: sent − due.
    pub lag_p99_ns: Option<u64>,
    /// From the first due time to the last, in nanoseconds.
    pub span_ns: u64,
}

/// Describes the judged samples of a series.
pub fn describe(series: &Series) -> Description {
    let values = sorted_values(series);
    let seen = |p: f64| nearest_rank(&values, p).filter(|value| *value != ENDLESS);
    let tally = super::tally::Tally::of(series, &[]);
    let mut lags: Vec<u64> = series.judged().filter_map(|s| s.lag_ns()).collect();
    lags.sort_unstable();
    Description {
        n: tally.n,
        warm_up: series.warm_up_count(),
        percentiles_by: "nearest rank",
        measured: match series.header().model {
            Model::Open { .. } => "latency from due time".to_owned(),
            Model::Closed { users } => format!("service time with {users} users"),
        },
        p50_ns: seen(0.5),
        p90_ns: seen(0.9),
        p95_ns: seen(0.95),
        p99_ns: seen(0.99),
        p999_ns: seen(0.999),
        max_ns: values
            .iter()
            .rev()
            .find(|value| **value != ENDLESS)
            .copied(),
        ends: End::all()
            .iter()
            .map(|end| (*end, tally.ended(*end)))
            .filter(|(_, count)| *count > 0)
            .collect(),
        planned_rate: series.header().planned_rate,
        sent_rate: tally.sent_rate(),
        lag_p99_ns: nearest_rank(&lags, 0.99),
        span_ns: tally.span_ns(),
    }
}

/// What a percentile is of: from due time in an open model, from sending in a closed one; endless if it failed.
pub(super) fn measured_ns(sample: &Sample, model: Model) -> u64 {
    let time = match model {
        Model::Open { .. } => sample.latency_ns(),
        Model::Closed { .. } => sample.service_ns(),
    };
    match sample.end() {
        End::Ok => time.unwrap_or(ENDLESS),
        End::BadStatus
        | End::TimedOut
        | End::NeverSent
        | End::Dns
        | End::Connect
        | End::Tls
        | End::Broken
        | End::Protocol
        | End::Other => ENDLESS,
    }
}

/// All judged values in order.
pub(super) fn sorted_values(series: &Series) -> Vec<u64> {
    let model = series.header().model;
    let mut values: Vec<u64> = series.judged().map(|s| measured_ns(&s, model)).collect();
    values.sort_unstable();
    values
}
