//! The claim that a rate was achieved: batch means over equal time windows.

use super::beta::student_quantile;
use super::judging::blank;
use super::limit::{Assumptions, Claim, LimitJudgement, LimitOutcome};
use super::tally::{HELD, Tally};
use super::words;
use crate::series::{End, Series};

/// Judges "at least `min` requests per second are answered well".
///
/// Answers are counted in equal windows from the first due time to the last due time or answer, whichever is later
/// (so that neither a slow start nor a backlog is left out); the mean of the windows is bounded by Student's t (batch
/// means; Le Boudec 2010, ch. 2 and 6). A load offers no more than it plans, so nothing above 99 % of the planned
/// rate – from where a rate counts as held – is ever proven by it.
pub(super) fn judge_rate(
    min: f64,
    tally: &Tally,
    index: usize,
    series: &Series,
    assumptions: &Assumptions,
) -> LimitJudgement {
    let mut judgement = blank(Claim::Rate { min }, tally, index, assumptions);
    match measure(min, tally, series, assumptions) {
        Err(reason) => judgement.reason = reason,
        Ok(measured) => {
            judgement.estimate = Some(measured.mean);
            judgement.lower = Some(measured.lower);
            judgement.upper = Some(measured.upper);
            let ceiling = series.header().planned_rate;
            let offered = ceiling.is_none_or(|planned| min <= HELD * planned);
            if !offered {
                judgement.reason = words::rate_not_offered(min, ceiling.unwrap_or(0.0), &measured);
            } else if measured.lower >= min {
                judgement.outcome = LimitOutcome::Met;
                judgement.reason = words::rate(min, &measured, "at the least");
            } else if measured.upper < min {
                judgement.outcome = LimitOutcome::NotMet;
                judgement.reason = words::rate(min, &measured, "at the most");
            } else {
                judgement.reason = words::rate_open(min, &measured);
            }
        }
    }
    judgement
}

/// Answers per second: mean and one-sided bounds.
pub(super) struct Measured {
    pub(super) mean: f64,
    pub(super) lower: f64,
    pub(super) upper: f64,
}

fn measure(
    min: f64,
    tally: &Tally,
    series: &Series,
    assumptions: &Assumptions,
) -> Result<Measured, String> {
    if !(min > 0.0 && min.is_finite()) {
        return Err(words::undecidable(&Claim::Rate { min }));
    }
    let alpha = assumptions
        .alpha()
        .ok_or_else(|| words::NO_CONFIDENCE.to_owned())?;
    if tally.n == 0 {
        return Err(words::NO_SAMPLES.to_owned());
    }
    if let Some(defect) = tally.defect() {
        return Err(defect);
    }
    let answers: Vec<u64> = series
        .judged()
        .filter(|sample| sample.end() == End::Ok)
        .filter_map(|sample| sample.ended_ns())
        .collect();
    let start = tally.first_due_ns();
    let last = answers.iter().max().copied().unwrap_or(0);
    let length = last.max(tally.last_due_ns()) - start;
    let count = u64::from(assumptions.windows).max(2);
    if tally.n < 2 * count || length == 0 {
        return Err(format!(
            "{} requests are too few to measure a rate: at least {} are needed",
            tally.n,
            2 * count
        ));
    }
    let mut windows = vec![0u64; count as usize];
    for answer in &answers {
        let share = (answer - start) as f64 / length as f64;
        let at = ((share * count as f64) as usize).min(windows.len() - 1);
        windows[at] += 1;
    }
    bounds(&windows, length as f64 / 1e9 / count as f64, alpha)
        .ok_or_else(|| words::NO_CONFIDENCE.to_owned())
}

fn bounds(windows: &[u64], window_seconds: f64, alpha: f64) -> Option<Measured> {
    let count = windows.len() as f64;
    let mean = windows.iter().sum::<u64>() as f64 / count;
    let squares: f64 = windows.iter().map(|k| (*k as f64 - mean).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    let reach = student_quantile(1.0 - alpha, count - 1.0)? * error;
    Some(Measured {
        mean: mean / window_seconds,
        lower: (mean - reach).max(0.0) / window_seconds,
        upper: (mean + reach) / window_seconds,
    })
}
