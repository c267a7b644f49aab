//! How far the bulk of a distribution moved: Hodges & Lehmann's estimate with the interval of Mann & Whitney's test.
//!
//! Deterministic, ties and all. It speaks of the bulk only, never of a P99, and takes samples as independent.

use serde::Serialize;

use crate::series::Series;
use crate::stats::beta::{normal_quantile, normal_tail};
use crate::stats::describe::{ENDLESS, sorted_values};

/// From this many on either side, the normal approximation stands for the exact distribution (as in R).
const EXACT_BELOW: usize = 50;
/// Endless values, far from everything and from overflow.
const FAR: i64 = i64::MAX / 4;

/// The shift of `new` against `old`, in the unit of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shift {
    /// The median of all pairwise differences new − old (Hodges & Lehmann 1963).
    pub estimate: f64,
    /// The lower bound at confidence 1 − α, two-sided.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
}

/// Mann & Whitney's test (1947) of x against y.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MannWhitney {
    /// Pairs with x > y, ties counted half (R's W).
    pub statistic: f64,
    /// Two-sided p-value: exact below fifty without ties, else normal with corrections for ties and continuity.
    pub two_sided: f64,
    /// The p-value against "x is not greater than y".
    pub greater: f64,
}

/// The shift of the measured times of two loads in nanoseconds, warm-up excluded; `None` if there are too few samples
/// for an interval, or the estimate or a bound is endless.
pub fn bulk_shift(old: &Series, new: &Series, alpha: f64) -> Option<Shift> {
    let values = |series: &Series| -> Vec<i64> {
        sorted_values(series)
            .into_iter()
            .map(|value| {
                if value == ENDLESS {
                    FAR
                } else {
                    i64::try_from(value).map_or(FAR, |value| value.min(FAR))
                }
            })
            .collect()
    };
    let shift = shift(&values(old), &values(new), alpha)?;
    let near = (FAR / 2) as f64;
    [shift.estimate, shift.lower, shift.upper]
        .iter()
        .all(|value| value.abs() < near)
        .then_some(shift)
}

/// The shift of `new` against `old`, with the interval that inverts Mann & Whitney's test (Hollander & Wolfe, ch. 4).
///
/// `None` if alpha is not in (0, 1), a value is too large to subtract, or there are too few samples for any interval
/// at that confidence (R would give a narrower one than asked for, with a warning).
pub fn shift(old: &[i64], new: &[i64], alpha: f64) -> Option<Shift> {
    let sound = alpha > 0.0
        && alpha < 1.0
        && !old.is_empty()
        && !new.is_empty()
        && old.iter().chain(new).all(|value| value.abs() <= FAR);
    if !sound {
        return None;
    }
    let (mut old, mut new) = (old.to_vec(), new.to_vec());
    old.sort_unstable();
    new.sort_unstable();
    let pairs = old.len() as u64 * new.len() as u64;
    let rank = critical_rank(old.len(), new.len(), alpha)?;
    let at = |rank| nth_difference(&old, &new, rank) as f64;
    Some(Shift {
        estimate: f64::midpoint(at(pairs.div_ceil(2)), at(pairs / 2 + 1)),
        lower: at(rank),
        upper: at(pairs - rank + 1),
    })
}

/// Tests x against y. `None` if either is empty.
pub fn mann_whitney(x: &[i64], y: &[i64]) -> Option<MannWhitney> {
    if x.is_empty() || y.is_empty() {
        return None;
    }
    let mut all: Vec<(i64, bool)> = x.iter().map(|value| (*value, true)).collect();
    all.extend(y.iter().map(|value| (*value, false)));
    all.sort_unstable();
    let (m, n) = (x.len() as f64, y.len() as f64);
    let mut rank_sum = 0.0;
    let mut ties = 0.0;
    let mut seen = 0.0;
    for group in all.chunk_by(|a, b| a.0 == b.0) {
        let size = group.len() as f64;
        let mid_rank = seen + f64::midpoint(size, 1.0);
        rank_sum += mid_rank * group.iter().filter(|(_, is_x)| *is_x).count() as f64;
        ties += size.powi(3) - size;
        seen += size;
    }
    let statistic = rank_sum - m * (m + 1.0) / 2.0;
    if ties == 0.0 && x.len() < EXACT_BELOW && y.len() < EXACT_BELOW {
        let chances = exact(x.len(), y.len());
        let greater: f64 = chances.iter().skip(statistic.round() as usize).sum();
        let less: f64 = chances.iter().take(statistic.round() as usize + 1).sum();
        return Some(MannWhitney {
            statistic,
            two_sided: (2.0 * greater.min(less)).min(1.0),
            greater: greater.min(1.0),
        });
    }
    let total = m + n;
    let sigma = (m * n / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)))).sqrt();
    let centred = statistic - m * n / 2.0;
    let two_sided = if sigma > 0.0 {
        2.0 * normal_tail((centred.abs() - 0.5).max(0.0) / sigma)
    } else {
        1.0
    };
    Some(MannWhitney {
        statistic,
        two_sided: two_sided.min(1.0),
        greater: if sigma > 0.0 {
            normal_tail((centred - 0.5) / sigma)
        } else {
            1.0
        },
    })
}

/// Which of the ordered differences is the lower bound: the least q with P[U ≤ q] ≥ α/2, as R counts.
fn critical_rank(m: usize, n: usize, alpha: f64) -> Option<u64> {
    if m < EXACT_BELOW && n < EXACT_BELOW {
        let mut below = 0.0;
        for (u, chance) in exact(m, n).into_iter().enumerate() {
            below += chance;
            if below >= alpha / 2.0 {
                return (u > 0).then_some(u as u64);
            }
        }
        return None;
    }
    let (m, n) = (m as f64, n as f64);
    let z = normal_quantile(1.0 - alpha / 2.0)?;
    let rank = (m * n / 2.0 - z * (m * n * (m + n + 1.0) / 12.0).sqrt()).floor();
    (rank >= 1.0).then_some(rank as u64)
}

/// The exact distribution of U under no difference, `P[U = u]` for u = 0 … mn, by the recurrence of Mann & Whitney:
/// the generating function is the Gaussian binomial coefficient.
fn exact(m: usize, n: usize) -> Vec<f64> {
    let size = m * n + 1;
    let mut chances = vec![0.0f64; size];
    chances[0] = 1.0;
    for i in 1..=m {
        // Times (1 − q^{n+i}), divided by (1 − q^i); scaled by i/(n+i), so that the whole stays 1.
        for u in (n + i..size).rev() {
            chances[u] -= chances[u - n - i];
        }
        for u in i..size {
            chances[u] += chances[u - i];
        }
        let scale = i as f64 / (n + i) as f64;
        for chance in &mut chances {
            *chance *= scale;
        }
    }
    chances
}

/// The rank-th (from 1) of all differences new − old, without writing them down: halving over their values.
fn nth_difference(old: &[i64], new: &[i64], rank: u64) -> i64 {
    let (mut low, mut high) = (new[0] - old[old.len() - 1], new[new.len() - 1] - old[0]);
    while low < high {
        let middle = low + (high - low) / 2;
        if differences_up_to(old, new, middle) >= rank {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

fn differences_up_to(old: &[i64], new: &[i64], most: i64) -> u64 {
    // For rising new values, the first old value with new − old ≤ most only moves up.
    let mut first = 0;
    let mut count = 0u64;
    for value in new {
        while first < old.len() && value - old[first] > most {
            first += 1;
        }
        count += (old.len() - first) as u64;
    }
    count
}
