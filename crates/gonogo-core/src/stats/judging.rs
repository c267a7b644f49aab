//! Judging claims against a series: exact binomial bounds (Clopper & Pearson 1934) on effective counts.

use super::binomial::{
    at_most, fewest_refuting, first_true, lower_bound, most_allowed, proves_at_least,
    proves_at_most, upper_bound,
};
use super::describe::{ENDLESS, measured_ns, nearest_rank, sorted_values};
use super::effective::{Dispersion, burst_factor, bursts_seen, dispersion};
use super::limit::{Assumptions, Claim, Exceedance, LimitJudgement, LimitOutcome, Needs, Unit};
use super::sequential::{self, Discounted, discount};
use super::sizes::flawless_size;
use super::tally::{Tally, is_over};
use super::{rate, words};
use crate::series::Series;

/// Fewer windows than this show no dispersion worth the name; then the burst factor weighs instead.
const WINDOWS_LEAST: u64 = 5;

/// Judges one claim. See [`judge_all`].
pub fn judge_limit(claim: Claim, series: &Series, assumptions: &Assumptions) -> LimitJudgement {
    let sorted = sorted_values(series);
    let tally = Tally::of(series, &[claim]);
    judge_one(&tally, 0, series, &sorted, assumptions)
}

/// Judges every claim against the samples of a load, from nothing but their bytes.
///
/// Failed, timed-out and never-sent requests are endless for percentiles and errors for the error rate; the warm-up is
/// left out. Each claim is judged at the full α: a GO needs all of them, so no correction is due (intersection–union
/// test, Berger 1982). No samples, numbers that are none, a saturated generator or a rate limiter in the way prove
/// nothing.
pub fn judge_all(
    claims: &[Claim],
    series: &Series,
    assumptions: &Assumptions,
) -> Vec<LimitJudgement> {
    let sorted = sorted_values(series);
    let tally = Tally::of(series, claims);
    (0..claims.len())
        .map(|index| judge_one(&tally, index, series, &sorted, assumptions))
        .collect()
}

/// Counts and weights of one claim on a share, ready to be judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) k: u64,
    pub(super) n: u64,
    pub(super) share: f64,
    pub(super) alpha: f64,
    pub(super) burst: u64,
    /// As measured, for refuting; `None` if none could show.
    pub(super) dispersion: Option<Dispersion>,
    /// In how many bursts the failures came.
    pub(super) bursts_seen: u64,
    pub(super) sequential: bool,
}

impl Case {
    /// Effective over actual size for refuting.
    pub(super) fn refuting_weight(&self) -> f64 {
        self.dispersion
            .map_or(1.0 / self.burst as f64, |seen| seen.weight())
    }

    /// Effective over actual size for proving, had there been n samples.
    ///
    /// Without failures no dispersion can show, and b neighbours count as one sample, whole ones only. With failures the measured
    /// dispersion weighs, drawn towards b while few bursts were seen; but below b times the least n that can ever
    /// pass, b weighs whole, or else one failure more could turn "not proven" into "met".
    pub(super) fn proving_weight(&self, n: u64) -> f64 {
        let by_burst = (n / self.burst) as f64 / n as f64;
        let Some(seen) = self.dispersion.filter(|_| self.k > 0) else {
            return by_burst;
        };
        let measured = seen.with_declared(self.burst, self.bursts_seen).weight();
        let floor = flawless_size(0, self.share, self.alpha)
            .and_then(|least| least.checked_mul(self.burst));
        if floor.is_some_and(|floor| n >= floor) {
            measured
        } else {
            measured.min(by_burst)
        }
    }

    fn discounted(&self) -> Discounted {
        discount(self.k, self.n, self.burst)
    }

    /// Met, not met or not proven: the whole rule.
    pub(super) fn outcome(&self) -> LimitOutcome {
        let (proven, refuted) = if self.sequential {
            let Discounted {
                pessimist,
                optimist,
            } = self.discounted();
            (
                sequential::always_proves_at_most(pessimist.0, pessimist.1, self.share, self.alpha),
                sequential::always_proves_above(optimist.0, optimist.1, self.share, self.alpha),
            )
        } else {
            let weight = self.refuting_weight();
            (
                self.proven_with(self.n),
                self.k > 0
                    && proves_at_least(
                        self.k as f64 * weight,
                        self.n as f64 * weight,
                        self.share,
                        self.alpha,
                    ),
            )
        };
        match (proven, refuted) {
            (true, false) => LimitOutcome::Met,
            (false, true) => LimitOutcome::NotMet,
            (false, false) | (true, true) => LimitOutcome::NotProven,
        }
    }

    fn proven_with(&self, n: u64) -> bool {
        let weight = self.proving_weight(n);
        let (k, n) = (self.k as f64 * weight, n as f64 * weight);
        proves_at_most(k, n, self.share, self.alpha)
    }

    /// How many more requests would prove it, if none of them is over.
    fn needs(&self, rate: Option<f64>) -> Option<Needs> {
        let total = if self.sequential {
            let k = self.discounted().pessimist.0;
            // The count of pessimism is capped by n; what lies ahead is reckoned with the uncapped one.
            let k = k.max(self.k.div_ceil(self.burst));
            sequential::least_n(k, 1, self.share, self.alpha)?.checked_mul(self.burst)?
        } else {
            first_true(self.n.max(1), |n| self.proven_with(n))?
        };
        let more_requests = total.checked_sub(self.n).filter(|more| *more > 0)?;
        Some(Needs {
            more_requests,
            total,
            seconds_at_rate: rate
                .filter(|rate| *rate > 0.0)
                .map(|rate| more_requests as f64 / rate),
        })
    }

    fn exceedance(&self) -> Option<Exceedance> {
        let estimate = self.k as f64 / self.n as f64;
        let (lower, upper) = if self.sequential {
            let Discounted {
                pessimist,
                optimist,
            } = self.discounted();
            (
                sequential::always_valid_bounds(optimist.0, optimist.1, self.alpha)?.lower,
                sequential::always_valid_bounds(pessimist.0, pessimist.1, self.alpha)?.upper,
            )
        } else {
            let (k, n) = (self.k as f64, self.n as f64);
            let (down, up) = (self.refuting_weight(), self.proving_weight(self.n));
            (
                lower_bound(k * down, n * down, self.alpha)?,
                upper_bound(k * up, n * up, self.alpha)?,
            )
        };
        Some(Exceedance {
            estimate,
            lower,
            upper,
        })
    }

    fn confidence_reached(&self) -> Option<f64> {
        if self.sequential {
            let (k, n) = self.discounted().pessimist;
            let evidence = sequential::ln_evidence_against(self.share, k, n)?;
            let below = (k as f64) < self.share * n as f64;
            return Some(if below {
                (1.0 - (-evidence).exp()).max(0.0)
            } else {
                0.0
            });
        }
        let weight = self.proving_weight(self.n);
        at_most(self.k as f64 * weight, self.n as f64 * weight, self.share)
            .map(|chance| 1.0 - chance)
    }

    /// The ranks in the ordered samples that bound the percentile: x_(s) below, x_(r) above.
    ///
    /// They are the values at which the claim would just be refuted, or proven (Wilks 1941; Conover; Le Boudec).
    pub(super) fn ranks(&self) -> (Option<u64>, Option<u64>) {
        let (refuting, allowed) = if self.sequential {
            self.sequential_ranks()
        } else {
            (
                fewest_refuting(self.n, self.share, self.alpha, self.refuting_weight()),
                most_allowed(self.n, self.share, self.alpha, self.proving_weight(self.n)),
            )
        };
        let lower = refuting.filter(|k| *k > 0).map(|k| self.n - k + 1);
        let upper = allowed.map(|k| self.n - k);
        (lower, upper)
    }

    fn sequential_ranks(&self) -> (Option<u64>, Option<u64>) {
        let with = |k: u64| Case { k, ..*self }.outcome();
        let allowed = (with(0) == LimitOutcome::Met)
            .then(|| super::binomial::last_true(0, self.n, |k| with(k) == LimitOutcome::Met));
        let refuting = (self.n > 0 && with(self.n) == LimitOutcome::NotMet).then(|| {
            super::binomial::last_true(0, self.n, |k| with(k) != LimitOutcome::NotMet) + 1
        });
        (refuting, allowed)
    }
}

/// The case of a claim on a share in fixed or sequential mode, from counts alone (dispersion not yet measured). `Err`
/// is the reason why nothing can be proven.
pub(super) fn case_of(
    tally: &Tally,
    index: usize,
    claim: &Claim,
    assumptions: &Assumptions,
) -> Result<Case, String> {
    let share = claim.allowance().ok_or_else(|| words::undecidable(claim))?;
    let alpha = assumptions
        .alpha()
        .ok_or_else(|| words::NO_CONFIDENCE.to_owned())?;
    if tally.n == 0 {
        return Err(words::NO_SAMPLES.to_owned());
    }
    if let Some(defect) = tally.defect() {
        return Err(defect);
    }
    // Requests all due at once share one fate as far as anybody can tell.
    let burst = match tally.rate() {
        Some(rate) => burst_factor(rate, assumptions.correlation_time_ns)
            .ok_or_else(|| "the rate of this load is not a number".to_owned())?,
        None => tally.n,
    };
    Ok(Case {
        k: tally.over(index),
        n: tally.n,
        share,
        alpha,
        burst,
        dispersion: None,
        bursts_seen: 0,
        sequential: assumptions.sequential,
    })
}

/// A claim's case with the dispersion measured. `Err` is the reason why nothing can be proven.
pub(super) fn weighed_case(
    tally: &Tally,
    index: usize,
    series: &Series,
    assumptions: &Assumptions,
) -> Result<Case, String> {
    let claim = tally
        .claims()
        .get(index)
        .copied()
        .ok_or(words::NO_SAMPLES)?;
    let mut case = case_of(tally, index, &claim, assumptions)?;
    if !assumptions.sequential {
        measure_dispersion(&mut case, tally, &claim, series, assumptions);
    }
    Ok(case)
}

fn judge_one(
    tally: &Tally,
    index: usize,
    series: &Series,
    sorted: &[u64],
    assumptions: &Assumptions,
) -> LimitJudgement {
    let claim = tally.claims()[index];
    if let Claim::Rate { min } = claim {
        return rate::judge_rate(min, tally, index, series, assumptions);
    }
    let mut judgement = blank(claim, tally, index, assumptions);
    judgement.estimate = match claim {
        Claim::Percentile { p, .. } => nearest_rank(sorted, p)
            .filter(|value| *value != ENDLESS)
            .map(|value| value as f64),
        Claim::ErrorRate { .. } | Claim::Rate { .. } => {
            (tally.n > 0).then(|| tally.over(index) as f64 / tally.n as f64)
        }
    };
    let case = match weighed_case(tally, index, series, assumptions) {
        Ok(case) => case,
        Err(reason) => {
            judgement.reason = reason;
            return judgement;
        }
    };
    fill(&mut judgement, &case, tally, sorted);
    judgement.reason = words::reason(&judgement, &case, tally);
    if let Some(lag) = tally.lag(index) {
        let left = lag.weaken(judgement.outcome);
        if left == judgement.outcome {
            judgement.assumptions.push(format!(
                "the generator was late itself ({}), which only made the limit harder to meet",
                lag.reason
            ));
        } else {
            judgement.outcome = left;
            judgement.reason = format!("generator saturated: {}", lag.reason);
            judgement.needs = None;
        }
    }
    judgement
}

/// A judgement that proves nothing yet.
pub(super) fn blank(
    claim: Claim,
    tally: &Tally,
    index: usize,
    assumptions: &Assumptions,
) -> LimitJudgement {
    LimitJudgement {
        claim,
        outcome: LimitOutcome::NotProven,
        reason: String::new(),
        n: tally.n,
        over: tally.over(index),
        failed: tally.failed(),
        unit: match claim {
            Claim::Percentile { .. } => Unit::Nanoseconds,
            Claim::ErrorRate { .. } => Unit::Share,
            Claim::Rate { .. } => Unit::PerSecond,
        },
        estimate: None,
        lower: None,
        upper: None,
        exceedance: None,
        confidence_reached: None,
        needs: None,
        deff: 1.0,
        effective_n: tally.n as f64,
        effective_over: tally.over(index) as f64,
        burst_factor: 1,
        assumptions: words::assumed(tally, assumptions),
    }
}

fn fill(judgement: &mut LimitJudgement, case: &Case, tally: &Tally, sorted: &[u64]) {
    judgement.outcome = case.outcome();
    judgement.exceedance = case.exceedance();
    judgement.confidence_reached = case.confidence_reached();
    judgement.deff = case.dispersion.map_or(1.0, |seen| seen.deff);
    judgement.burst_factor = case.burst;
    (judgement.effective_n, judgement.effective_over) = if case.sequential {
        let (k, n) = case.discounted().pessimist;
        (n as f64, k as f64)
    } else {
        let weight = case.proving_weight(case.n);
        (case.n as f64 * weight, case.k as f64 * weight)
    };
    if judgement.outcome == LimitOutcome::NotProven {
        judgement.needs = case.needs(tally.rate());
    }
    match judgement.claim {
        Claim::Percentile { .. } => {
            let (lower, upper) = case.ranks();
            let value = |rank: Option<u64>| {
                let at = usize::try_from(rank?).ok()?.checked_sub(1)?;
                sorted
                    .get(at)
                    .filter(|value| **value != ENDLESS)
                    .map(|value| *value as f64)
            };
            (judgement.lower, judgement.upper) = (value(lower), value(upper));
        }
        Claim::ErrorRate { .. } | Claim::Rate { .. } => {
            judgement.lower = judgement.exceedance.map(|bounds| bounds.lower);
            judgement.upper = judgement.exceedance.map(|bounds| bounds.upper);
        }
    }
}

/// Counts failures per equal time window, no window shorter than the correlation time, and weighs by what they show.
fn measure_dispersion(
    case: &mut Case,
    tally: &Tally,
    claim: &Claim,
    series: &Series,
    assumptions: &Assumptions,
) {
    let gap_ns = tally.rate().map_or(0.0, |rate| 1e9 / rate);
    let length_ns = tally.span_ns() as f64 + gap_ns;
    let fitting = if assumptions.correlation_time_ns == 0 {
        u64::from(assumptions.windows)
    } else {
        (length_ns / assumptions.correlation_time_ns as f64 + 1e-6) as u64
    };
    let count = u64::from(assumptions.windows).min(fitting).min(case.n);
    let over_due = over_due(claim, series);
    if count >= WINDOWS_LEAST {
        let windows = windows(count, length_ns, tally, &over_due, series);
        case.dispersion = dispersion(&windows, case.alpha);
    }
    case.bursts_seen = bursts_seen(over_due, assumptions.correlation_time_ns);
}

/// When the requests that miss the claim were due.
fn over_due(claim: &Claim, series: &Series) -> Vec<u64> {
    let model = series.header().model;
    series
        .judged()
        .filter(|sample| is_over(claim, measured_ns(sample, model), sample.end()))
        .map(|sample| sample.due_ns())
        .collect()
}

/// Scheduled and missed requests per window of equal length.
fn windows(
    count: u64,
    length_ns: f64,
    tally: &Tally,
    over_due: &[u64],
    series: &Series,
) -> Vec<(u64, u64)> {
    let mut windows = vec![(0u64, 0u64); count as usize];
    let last = windows.len() - 1;
    let at = |due_ns: u64| {
        let offset = due_ns.saturating_sub(tally.first_due_ns()) as f64;
        ((offset / length_ns * count as f64) as usize).min(last)
    };
    for sample in series.judged() {
        windows[at(sample.due_ns())].0 += 1;
    }
    for due_ns in over_due {
        windows[at(*due_ns)].1 += 1;
    }
    windows
}
