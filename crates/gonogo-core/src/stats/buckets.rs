//! Claims on histograms that others kept: a bucket that straddles the limit counts against the claim.

use super::judging::Case;
use super::limit::{Assumptions, Claim, LimitOutcome};

/// How many of n are over a limit, as far as buckets tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverRange {
    /// All counted.
    pub n: u64,
    /// Surely over: only buckets wholly above the limit. For contradicting.
    pub at_least: u64,
    /// Possibly over: the straddling bucket with them. For proving.
    pub at_most: u64,
}

/// Judges a claim on counts that others kept: what is possibly over must prove it, what is surely over refute it.
///
/// Buckets tell nothing of when requests came, so `burst` neighbours ([`super::burst_factor`]) count as one, with
/// failures and without. Counts that contradict themselves, or a claim on the rate, prove nothing.
pub fn judge_over(
    claim: &Claim,
    over: OverRange,
    burst: u64,
    assumptions: &Assumptions,
) -> LimitOutcome {
    let sound = over.n > 0 && over.at_least <= over.at_most && over.at_most <= over.n;
    let (Some(share), Some(alpha), true) = (claim.allowance(), assumptions.alpha(), sound) else {
        return LimitOutcome::NotProven;
    };
    let case = |k| Case {
        k,
        n: over.n,
        share,
        alpha,
        burst: burst.max(1),
        dispersion: None,
        bursts_seen: 0,
        sequential: assumptions.sequential,
    };
    if case(over.at_most).outcome() == LimitOutcome::Met {
        LimitOutcome::Met
    } else if case(over.at_least).outcome() == LimitOutcome::NotMet {
        LimitOutcome::NotMet
    } else {
        LimitOutcome::NotProven
    }
}

/// Counts over `limit` in cumulative buckets `(upper bound, count at or below it)` as Prometheus keeps them, the last
/// one with bound +∞.
///
/// Nothing is interpolated. `None` if that is no histogram: bounds that are NaN or do not rise, counts that fall, no
/// infinite bucket; or if the limit is not a number.
pub fn over_of_cumulative(buckets: &[(f64, u64)], limit: f64) -> Option<OverRange> {
    let rising = buckets
        .windows(2)
        .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
    let (last_bound, n) = *buckets.last()?;
    let sound = rising && last_bound == f64::INFINITY && limit.is_finite();
    if !sound {
        return None;
    }
    let surely_within = buckets
        .iter()
        .rev()
        .find(|(bound, _)| *bound <= limit)
        .map_or(0, |(_, count)| *count);
    let perhaps_within = buckets
        .iter()
        .find(|(bound, _)| *bound >= limit)
        .map_or(n, |(_, count)| *count);
    Some(OverRange {
        n,
        at_least: n - perhaps_within,
        at_most: n - surely_within,
    })
}

/// Counts over `limit_ns` in buckets `(lowest value, highest value, count)`, as an HDR histogram yields them
/// ([`crate::series::LatencyHistogram::buckets`]). `None` if a bucket is upside down or the counts overflow.
pub fn over_of_buckets(
    buckets: impl IntoIterator<Item = (u64, u64, u64)>,
    limit_ns: u64,
) -> Option<OverRange> {
    let mut range = OverRange {
        n: 0,
        at_least: 0,
        at_most: 0,
    };
    for (low, high, count) in buckets {
        if low > high {
            return None;
        }
        range.n = range.n.checked_add(count)?;
        if low > limit_ns {
            range.at_least += count;
        }
        if high > limit_ns {
            range.at_most += count;
        }
    }
    Some(range)
}
