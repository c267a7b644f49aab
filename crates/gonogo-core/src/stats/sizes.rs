//! How many requests a limit needs before it can be decided.

use serde::Serialize;

use super::binomial::{at_most, first_true, proves_at_most};
use super::limit::{Assumptions, Claim};
use super::sequential;

/// Chance to pass that a recommended size gives.
const POWER: f64 = 0.9;

/// A number of requests, and how many of them may exceed the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Requests.
    pub n: u64,
    /// The most that may be over (or fail) with the limit still proven.
    pub allowed: u64,
}

/// What a claim needs, in requests, the burst factor included.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Required {
    /// The least number that can ever pass, with none over.
    pub zero_over: u64,
    /// With this many it passes in 90 % of runs if the true share over is a quarter of what is allowed.
    pub recommended_flawless: Size,
    /// With this many it passes in 90 % of runs if the true share over is half of what is allowed.
    pub recommended_realistic: Size,
    /// The least number after which `until: decided` can stop with a pass, with none over.
    pub sequential: u64,
    /// What each figure was multiplied by.
    pub burst_factor: u64,
}

impl Required {
    /// The least number that can ever pass in the mode of `assumptions`.
    pub fn least(&self, assumptions: &Assumptions) -> u64 {
        if assumptions.sequential {
            self.sequential
        } else {
            self.zero_over
        }
    }
}

/// The least n that proves "at most `share`" with `over` failures (Wilks 1941). `None` if out of reach or nonsense.
pub fn flawless_size(over: u64, share: f64, alpha: f64) -> Option<u64> {
    if !(share > 0.0 && share < 1.0 && alpha > 0.0 && alpha < 1.0) {
        return None;
    }
    first_true(over + 1, |n| {
        proves_at_most(over as f64, n as f64, share, alpha)
    })
}

/// The least n that passes with 90 % probability if the true share is `fraction` of the allowed one, and how many
/// failures it then allows. `None` if out of reach or nonsense.
pub fn recommended_size(share: f64, alpha: f64, fraction: f64) -> Option<Size> {
    // At half the allowance 17 suffice at 95 %; a bound keeps absurd fractions from searching for ever.
    (0..10_000u64).find_map(|allowed| {
        let n = flawless_size(allowed, share, alpha)?;
        let power = at_most(allowed as f64, n as f64, share * fraction)?;
        (power >= POWER).then_some(Size { n, allowed })
    })
}

/// What `claim` needs under `assumptions`, each figure times `burst_factor` (from [`super::burst_factor`]).
///
/// `None` for a claim that no number of requests can decide: a limit that is no proper share (an error rate of 0 or
/// 100 %), or one on the achieved rate, which is a matter of time and not of a count.
pub fn required_requests(
    claim: &Claim,
    assumptions: &Assumptions,
    burst_factor: u64,
) -> Option<Required> {
    let share = claim.allowance()?;
    let alpha = assumptions.alpha()?;
    let times = |size: Size| {
        Some(Size {
            n: size.n.checked_mul(burst_factor)?,
            allowed: size.allowed,
        })
    };
    Some(Required {
        zero_over: flawless_size(0, share, alpha)?.checked_mul(burst_factor)?,
        recommended_flawless: times(recommended_size(share, alpha, 0.25)?)?,
        recommended_realistic: times(recommended_size(share, alpha, 0.5)?)?,
        sequential: sequential::least_n(0, 1, share, alpha)?.checked_mul(burst_factor)?,
        burst_factor,
    })
}
