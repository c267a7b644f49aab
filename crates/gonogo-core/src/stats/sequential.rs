//! A bound that may be looked at after every sample: the beta-binomial mixture.
//!
//! Robbins (1970) with Ville's inequality: for the true share π, the ratio
//! `B(a+K, b+n−K) / (B(a,b)·π^K·(1−π)^{n−K})` is a martingale that starts at 1, so it ever reaches 1/α with probability
//! α at most. The shares for which it is below 1/α are a confidence set for all n at once (see also Johari et al.;
//! Howard & Ramdas; Lindon et al. 2022). a = 1, b = 100 puts its weight near the shares that limits speak of.

use super::beta::ln_beta;
use super::binomial::{Bounds, first_true};

const A: f64 = 1.0;
const B: f64 = 100.0;

/// The counts under a burst factor: ⌈K/b⌉ of ⌊n/b⌋ for passing, ⌊K/b⌋ of ⌈n/b⌉ for failing, so that neither answer
/// comes from a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discounted {
    /// ⌈K/b⌉ of ⌊n/b⌋; K never above n.
    pub pessimist: (u64, u64),
    /// ⌊K/b⌋ of ⌈n/b⌉.
    pub optimist: (u64, u64),
}

/// Discounts K of n by the burst factor `burst` (at least 1).
pub fn discount(k: u64, n: u64, burst: u64) -> Discounted {
    let burst = burst.max(1);
    let few = n / burst;
    Discounted {
        pessimist: (k.div_ceil(burst).min(few), few),
        optimist: (k / burst, n.div_ceil(burst)),
    }
}

/// Natural logarithm of the mixture ratio at `share` after k of n: how strongly the data speak against that share.
/// `None` unless k ≤ n and share is in (0, 1).
pub fn ln_evidence_against(share: f64, k: u64, n: u64) -> Option<f64> {
    let sound = share > 0.0 && share < 1.0 && k <= n;
    let (k, rest) = (k as f64, n.wrapping_sub(k) as f64);
    sound.then(|| {
        ln_beta(A + k, B + rest) - ln_beta(A, B) - k * share.ln() - rest * (-share).ln_1p()
    })
}

/// Whether k of n prove, whenever looked at, that the true share is at most `share`.
pub fn always_proves_at_most(k: u64, n: u64, share: f64, alpha: f64) -> bool {
    alpha > 0.0 && (k as f64) < share * n as f64 && refuted(share, k, n, alpha)
}

/// Whether k of n prove, whenever looked at, that the true share is above `share`.
pub fn always_proves_above(k: u64, n: u64, share: f64, alpha: f64) -> bool {
    alpha > 0.0 && (k as f64) > share * n as f64 && refuted(share, k, n, alpha)
}

/// The always-valid bounds on the share after k of n; (0, 1) where nothing is known. `None` on k > n or a bad alpha.
pub fn always_valid_bounds(k: u64, n: u64, alpha: f64) -> Option<Bounds> {
    if k > n || !(alpha > 0.0 && alpha < 1.0) {
        return None;
    }
    if n == 0 {
        return Some(Bounds {
            lower: 0.0,
            upper: 1.0,
        });
    }
    let middle = k as f64 / n as f64;
    let upper = if k == n {
        1.0
    } else {
        // Outside is refuted, inside is not: halve towards the edge, keeping the outside.
        edge(middle, 1.0, |share| refuted(share, k, n, alpha))
    };
    let lower = if k == 0 {
        0.0
    } else {
        edge(middle, 0.0, |share| refuted(share, k, n, alpha))
    };
    Some(Bounds { lower, upper })
}

/// The least n from `from` on at which k of n prove "at most `share`"; `None` if out of reach.
pub fn least_n(k: u64, from: u64, share: f64, alpha: f64) -> Option<u64> {
    if !(share > 0.0 && share < 1.0 && alpha > 0.0 && alpha < 1.0) {
        return None;
    }
    first_true(from.max(k).max(1), |n| {
        always_proves_at_most(k, n, share, alpha)
    })
}

fn refuted(share: f64, k: u64, n: u64, alpha: f64) -> bool {
    ln_evidence_against(share, k, n).is_some_and(|evidence| evidence >= -alpha.ln())
}

fn edge(inside: f64, outside: f64, refuted: impl Fn(f64) -> bool) -> f64 {
    let (mut inside, mut outside) = (inside, outside);
    for _ in 0..80 {
        let middle = f64::midpoint(inside, outside);
        if refuted(middle) {
            outside = middle;
        } else {
            inside = middle;
        }
    }
    outside
}
