//! Binomial tails and the bounds on a share that follow from them.

use super::beta::{beta_quantile, beta_tails};

/// A lower and an upper bound, in the unit of whatever is bounded.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Bounds {
    /// Nothing below it is supported by the data.
    pub lower: f64,
    /// Nothing above it is supported by the data.
    pub upper: f64,
}

/// `P[Bin(n, share) ≤ k]`. `None` unless n > 0, k ≤ n and share is in [0, 1].
///
/// k and n may be fractions (effective counts), by the identity with the beta distribution
/// `P[Bin(n, q) ≤ k] = I_{1−q}(n − k, k + 1)` (Clopper & Pearson 1934; DLMF 8.17.5).
pub fn at_most(k: f64, n: f64, share: f64) -> Option<f64> {
    if !sound(k, n, share) {
        return None;
    }
    if k >= n {
        return Some(1.0);
    }
    beta_tails(k + 1.0, n - k, share).map(|(_, upper)| upper)
}

/// `P[Bin(n, share) ≥ k]`. `None` unless n > 0, k ≤ n and share is in [0, 1].
pub fn at_least(k: f64, n: f64, share: f64) -> Option<f64> {
    if !sound(k, n, share) {
        return None;
    }
    if k <= 0.0 {
        return Some(1.0);
    }
    beta_tails(k, n - k + 1.0, share).map(|(lower, _)| lower)
}

/// The exact upper bound on a share after k of n, one-sided at confidence 1 − `alpha` (Clopper & Pearson 1934).
pub fn upper_bound(k: f64, n: f64, alpha: f64) -> Option<f64> {
    if !(sound(k, n, 0.0) && proper(alpha)) {
        return None;
    }
    if k >= n {
        return Some(1.0);
    }
    beta_quantile(1.0 - alpha, k + 1.0, n - k)
}

/// The exact lower bound on a share after k of n, one-sided at confidence 1 − `alpha` (Clopper & Pearson 1934).
pub fn lower_bound(k: f64, n: f64, alpha: f64) -> Option<f64> {
    if !(sound(k, n, 0.0) && proper(alpha)) {
        return None;
    }
    if k <= 0.0 {
        return Some(0.0);
    }
    beta_quantile(alpha, k, n - k + 1.0)
}

/// The two-sided exact interval at confidence 1 − `alpha`: both one-sided bounds at `alpha`/2.
pub fn clopper_pearson(k: f64, n: f64, alpha: f64) -> Option<Bounds> {
    Some(Bounds {
        lower: lower_bound(k, n, alpha / 2.0)?,
        upper: upper_bound(k, n, alpha / 2.0)?,
    })
}

/// Whether after k of n it is proven that the true share is at most `share`: `P[Bin(n, share) ≤ k] ≤ alpha`.
///
/// The one question that lets a limit pass; anything that is not a number proves nothing.
pub fn proves_at_most(k: f64, n: f64, share: f64, alpha: f64) -> bool {
    proper(alpha) && at_most(k, n, share).is_some_and(|chance| chance <= alpha)
}

/// Whether after k of n it is proven that the true share is at least `share`: `P[Bin(n, share) ≥ k] ≤ alpha`.
pub fn proves_at_least(k: f64, n: f64, share: f64, alpha: f64) -> bool {
    proper(alpha) && at_least(k, n, share).is_some_and(|chance| chance <= alpha)
}

/// The most failures of n with which it is still proven that the true share is at most `share`; `None` if not even
/// none of n proves it.
pub fn most_allowed(n: u64, share: f64, alpha: f64, weight: f64) -> Option<u64> {
    let proven = |k: u64| proves_at_most(k as f64 * weight, n as f64 * weight, share, alpha);
    if !proven(0) {
        return None;
    }
    Some(last_true(0, n, proven))
}

/// The fewest failures of n with which it is proven that the true share is at least `share`; `None` if not even n do.
pub fn fewest_refuting(n: u64, share: f64, alpha: f64, weight: f64) -> Option<u64> {
    let proven = |k: u64| proves_at_least(k as f64 * weight, n as f64 * weight, share, alpha);
    if n == 0 || !proven(n) {
        return None;
    }
    if proven(0) {
        return Some(0);
    }
    Some(last_true(0, n, |k| !proven(k)) + 1)
}

/// The last number in [from, to) for which `holds`, which is true at `from` and changes once at most.
pub(super) fn last_true(from: u64, to: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut yes, mut no) = (from, to);
    while no - yes > 1 {
        let middle = yes + (no - yes) / 2;
        if holds(middle) {
            yes = middle;
        } else {
            no = middle;
        }
    }
    yes
}

/// The least number from `from` on for which `holds`, which changes once at most; `None` beyond 2⁵².
pub(super) fn first_true(from: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    if holds(from) {
        return Some(from);
    }
    let mut step = 1u64;
    let mut no = from;
    while step < 1 << 52 {
        let probe = from + step;
        if holds(probe) {
            return Some(last_true(no, probe, |n| !holds(n)) + 1);
        }
        no = probe;
        step *= 2;
    }
    None
}

fn proper(alpha: f64) -> bool {
    alpha > 0.0 && alpha < 1.0
}

fn sound(k: f64, n: f64, share: f64) -> bool {
    n > 0.0 && n.is_finite() && k >= 0.0 && k <= n && (0.0..=1.0).contains(&share)
}
