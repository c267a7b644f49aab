//! Two loads against each other: is the new one proven not to be worse, by more than a margin?
//!
//! Never "no significant difference", which few samples always give. Both loads must have followed the same schedule,
//! best interleaved; that the environments were equal is for the caller to see.

use serde::Serialize;

use super::beta::normal_quantile;
use super::binomial::Bounds;
use super::describe::{ENDLESS, nearest_rank, sorted_values};
use super::judging::weighed_case;
use super::limit::{Assumptions, Claim};
use super::tally::Tally;
use crate::duration::humanize_duration_ns;
use crate::series::{Model, Series};

mod shift;

pub use shift::{MannWhitney, Shift, bulk_shift, mann_whitney, shift};

/// The three answers of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Proven: worse by the margin at the most.
    NotWorse,
    /// Proven: worse by more than the margin.
    Worse,
    /// Neither.
    NotProven,
}

/// A comparison with its figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// What was proven.
    pub answer: Comparison,
    /// One sentence for a person.
    pub reason: String,
    /// What is compared, in the old load: the figure, if there is one.
    pub old: Option<f64>,
    /// The same in the new load.
    pub new: Option<f64>,
    /// Bounds on new − old; `None` where the samples give none.
    pub difference: Option<Bounds>,
}

/// Compares a percentile `p` of two loads with a margin in nanoseconds.
///
/// Not worse ⇔ U(new) − L(old) ≤ margin, worse ⇔ L(new) − U(old) > margin, with the order-statistic bounds of either
/// load at α/2 each, weighed for bursts as a limit's are.
pub fn compare_tails(
    old: &Series,
    new: &Series,
    p: f64,
    margin_ns: u64,
    assumptions: &Assumptions,
) -> Compared {
    let sides = comparable(old, new).and_then(|()| {
        Ok((
            quantile(old, p, assumptions).map_err(|reason| format!("old load: {reason}"))?,
            quantile(new, p, assumptions).map_err(|reason| format!("new load: {reason}"))?,
        ))
    });
    match sides {
        Err(reason) => not_proven(reason),
        Ok((old, new)) => judge_tails(&old, &new, margin_ns),
    }
}

/// Compares the error rates of two loads with a margin (0.01 for one percentage point), by Newcombe's interval on
/// effective counts at 1 − α, two-sided.
pub fn compare_error_rates(
    old: &Series,
    new: &Series,
    margin: f64,
    assumptions: &Assumptions,
) -> Compared {
    let sides = comparable(old, new).and_then(|()| {
        Ok((
            errors(old, assumptions).map_err(|reason| format!("old load: {reason}"))?,
            errors(new, assumptions).map_err(|reason| format!("new load: {reason}"))?,
        ))
    });
    let ((old_k, old_n), (new_k, new_n)) = match sides {
        Err(reason) => return not_proven(reason),
        Ok(sides) => sides,
    };
    let difference = assumptions
        .alpha()
        .and_then(|alpha| newcombe((new_k, new_n), (old_k, old_n), alpha));
    let Some(bounds) = difference.filter(|_| (0.0..1.0).contains(&margin)) else {
        return not_proven("the margin or the confidence is not a proper share".to_owned());
    };
    let answer = if bounds.upper <= margin {
        Comparison::NotWorse
    } else if bounds.lower > margin {
        Comparison::Worse
    } else {
        Comparison::NotProven
    };
    Compared {
        answer,
        reason: format!(
            "the error rate changed by {:+.3} to {:+.3} percentage points; the margin is {:.3}",
            bounds.lower * 100.0,
            bounds.upper * 100.0,
            margin * 100.0
        ),
        old: Some(old_k / old_n),
        new: Some(new_k / new_n),
        difference: Some(bounds),
    }
}

/// The hybrid-score interval for k₁/n₁ − k₂/n₂ at confidence 1 − `alpha`, two-sided (Newcombe 1998, method 10, without
/// continuity correction). Counts may be effective ones. `None` unless 0 ≤ k ≤ n, n > 0 and alpha is in (0, 1).
pub fn newcombe(first: (f64, f64), second: (f64, f64), alpha: f64) -> Option<Bounds> {
    let z = normal_quantile(1.0 - alpha / 2.0)?;
    let one = wilson(first.0, first.1, z)?;
    let two = wilson(second.0, second.1, z)?;
    let (p1, p2) = (first.0 / first.1, second.0 / second.1);
    let difference = p1 - p2;
    Some(Bounds {
        lower: difference - (p1 - one.lower).hypot(two.upper - p2),
        upper: difference + (one.upper - p1).hypot(p2 - two.lower),
    })
}

/// Half the width of the band around an empirical distribution function that holds it whole with confidence
/// 1 − `alpha`: √(ln(2/α)/2n) (Dvoretzky, Kiefer & Wolfowitz, with Massart's constant, 1990).
pub fn dkw_band(n: u64, alpha: f64) -> Option<f64> {
    let sound = n > 0 && alpha > 0.0 && alpha < 1.0;
    sound.then(|| ((2.0 / alpha).ln() / (2.0 * n as f64)).sqrt())
}

/// The least n for which [`dkw_band`] is at most `half_width`.
pub fn dkw_size(half_width: f64, alpha: f64) -> Option<u64> {
    let sound = half_width > 0.0 && half_width < 1.0 && alpha > 0.0 && alpha < 1.0;
    sound.then(|| ((2.0 / alpha).ln() / (2.0 * half_width * half_width)).ceil() as u64)
}

/// Wilson's score interval (1927).
fn wilson(k: f64, n: f64, z: f64) -> Option<Bounds> {
    if !(n > 0.0 && k >= 0.0 && k <= n) {
        return None;
    }
    let centre = 2.0 * k + z * z;
    let reach = z * (z * z + 4.0 * k * (1.0 - k / n)).sqrt();
    let scale = 2.0 * (n + z * z);
    Some(Bounds {
        lower: ((centre - reach) / scale).max(0.0),
        upper: ((centre + reach) / scale).min(1.0),
    })
}

/// A percentile with its bounds; [`ENDLESS`] is a value here, `None` means that there is no bound.
struct Quantile {
    lower: Option<u64>,
    estimate: u64,
    upper: Option<u64>,
}

fn quantile(series: &Series, p: f64, assumptions: &Assumptions) -> Result<Quantile, String> {
    let sorted = sorted_values(series);
    let estimate = nearest_rank(&sorted, p).ok_or("no samples, or no percentile")?;
    // Dispersion is measured where the percentile lies.
    let claim = Claim::Percentile {
        p,
        max_ns: estimate.min(ENDLESS - 1),
    };
    let halved = Assumptions {
        attempts: super::Attempts::Alpha(assumptions.alpha().unwrap_or(f64::NAN) / 2.0),
        ..*assumptions
    };
    let tally = Tally::of(series, &[claim]);
    let case = weighed_case(&tally, 0, series, &halved)?;
    let (lower, upper) = case.ranks();
    let value = |rank: Option<u64>| {
        let at = usize::try_from(rank?).ok()?.checked_sub(1)?;
        sorted.get(at).copied()
    };
    Ok(Quantile {
        lower: value(lower),
        estimate,
        upper: value(upper),
    })
}

fn judge_tails(old: &Quantile, new: &Quantile, margin_ns: u64) -> Compared {
    let finite = |ns: Option<u64>| ns.filter(|ns| *ns != ENDLESS).map(i128::from);
    let margin = i128::from(margin_ns);
    // An endless upper bound bounds nothing; an endless lower bound is worse than anything finite.
    let most = finite(new.upper)
        .zip(finite(old.lower))
        .map(|(new, old)| new - old);
    let least = new
        .lower
        .map(i128::from)
        .zip(finite(old.upper))
        .map(|(new, old)| new - old);
    let answer = if most.is_some_and(|most| most <= margin) {
        Comparison::NotWorse
    } else if least.is_some_and(|least| least > margin) {
        Comparison::Worse
    } else {
        Comparison::NotProven
    };
    let told = |ns: Option<i128>| {
        ns.and_then(|ns| i64::try_from(ns).ok())
            .map_or("no bound".to_owned(), humanize_duration_ns)
    };
    let margin_told = told(Some(margin));
    Compared {
        answer,
        reason: format!(
            "new − old is at least {} and at most {}; the margin is {margin_told}",
            told(least),
            told(most)
        ),
        old: finite(Some(old.estimate)).map(|ns| ns as f64),
        new: finite(Some(new.estimate)).map(|ns| ns as f64),
        difference: least.zip(most).map(|(lower, upper)| Bounds {
            lower: lower as f64,
            upper: upper as f64,
        }),
    }
}

/// Effective failures and requests.
fn errors(series: &Series, assumptions: &Assumptions) -> Result<(f64, f64), String> {
    // Any proper limit will do: what counts as an error does not depend on it.
    let claim = Claim::ErrorRate { max: 0.5 };
    let tally = Tally::of(series, &[claim]);
    let case = weighed_case(&tally, 0, series, assumptions)?;
    let weight = case.proving_weight(case.n);
    Ok((case.k as f64 * weight, case.n as f64 * weight))
}

fn comparable(old: &Series, new: &Series) -> Result<(), String> {
    let (old, new) = (old.header(), new.header());
    let same_model = match (old.model, new.model) {
        (Model::Open { arrivals: a }, Model::Open { arrivals: b }) => {
            std::mem::discriminant(&a) == std::mem::discriminant(&b)
        }
        (Model::Closed { users: a }, Model::Closed { users: b }) => a == b,
        (Model::Open { .. }, Model::Closed { .. }) | (Model::Closed { .. }, Model::Open { .. }) => {
            false
        }
    };
    let same_rate = old.planned_rate.map(f64::to_bits) == new.planned_rate.map(f64::to_bits);
    if same_model && same_rate && old.timeout_ns == new.timeout_ns {
        Ok(())
    } else {
        Err("not comparable: the two loads differ in model, rate or timeout".to_owned())
    }
}

fn not_proven(reason: String) -> Compared {
    Compared {
        answer: Comparison::NotProven,
        reason,
        old: None,
        new: None,
        difference: None,
    }
}
