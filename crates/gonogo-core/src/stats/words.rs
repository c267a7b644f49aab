//! Judgements in sentences for a person.

use super::judging::Case;
use super::limit::{Assumptions, Attempts, Claim, LimitJudgement, LimitOutcome};
use super::rate::Measured;
use super::tally::Tally;
use crate::duration::humanize_duration_ns;
use crate::series::Model;

pub(super) const NO_SAMPLES: &str = "no samples";
pub(super) const NO_CONFIDENCE: &str = "the confidence asked for is not between 0 and 1";

/// `P95`, `P99.9`.
fn percentile(p: f64) -> String {
    format!("P{}", (p * 1e11).round() / 1e9)
}

fn nanos(ns: u64) -> String {
    humanize_duration_ns(i64::try_from(ns).unwrap_or(i64::MAX))
}

/// A share in percent, with three significant digits below 10 %.
fn percent(share: f64) -> String {
    let value = share * 100.0;
    let decimals = if value >= 10.0 {
        1
    } else if value >= 1.0 || value == 0.0 {
        2
    } else {
        3
    };
    let text = format!("{value:.decimals$}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    format!("{short} %")
}

/// Why no sample decides this claim.
pub(super) fn undecidable(claim: &Claim) -> String {
    match claim {
        Claim::Percentile { p, .. } => {
            format!(
                "a percentile of {p} is not between 0 and 1, so no number of requests decides it"
            )
        }
        Claim::ErrorRate { max } => {
            format!(
                "an error rate below {max} can never be proven: the limit must lie between 0 and 1"
            )
        }
        Claim::Rate { min } => format!("a rate of {min}/s is not a positive number"),
    }
}

/// The claim, short: `P99 ≤ 250 ms`, `error rate < 1 %`.
fn claimed(claim: &Claim) -> String {
    match claim {
        Claim::Percentile { p, max_ns } => format!("{} ≤ {}", percentile(*p), nanos(*max_ns)),
        Claim::ErrorRate { max } => format!("error rate < {}", percent(*max)),
        Claim::Rate { min } => format!("rate ≥ {min}/s"),
    }
}

/// What such a claim is called as a kind.
fn kind(claim: &Claim) -> String {
    match claim {
        Claim::Percentile { p, .. } => format!("a {}", percentile(*p)),
        Claim::ErrorRate { max } => format!("an error rate under {}", percent(*max)),
        Claim::Rate { .. } => "a rate".to_owned(),
    }
}

/// The sentence for a judged share.
pub(super) fn reason(judgement: &LimitJudgement, case: &Case, tally: &Tally) -> String {
    let counted = counted(judgement, tally);
    let reached = confidence(
        judgement.confidence_reached.unwrap_or(0.0),
        judgement.outcome,
    );
    match judgement.outcome {
        LimitOutcome::Met => {
            format!(
                "{counted}: {} is met at {reached} confidence",
                claimed(&judgement.claim)
            )
        }
        LimitOutcome::NotMet => {
            let bound = judgement.exceedance.map_or(0.0, |bounds| bounds.lower);
            format!(
                "{counted}: at least {} of all requests are, and {} allows {}",
                percent(bound),
                claimed(&judgement.claim),
                percent(case.share),
            )
        }
        LimitOutcome::NotProven => format!("{counted}; {}", open(judgement, case, &reached)),
    }
}

/// A confidence in percent; 94.96 % that prove nothing are not rounded up to the 95 % that would.
fn confidence(share: f64, outcome: LimitOutcome) -> String {
    let tenths = share * 1000.0;
    let near = outcome != LimitOutcome::Met && share >= 0.9;
    let tenths = if near { tenths.floor() } else { tenths.round() };
    format!("{:.1} %", tenths / 10.0)
}

fn counted(judgement: &LimitJudgement, tally: &Tally) -> String {
    let LimitJudgement { n, over, .. } = judgement;
    match judgement.claim {
        Claim::Percentile { max_ns, .. } if tally.failed() > 0 => format!(
            "{over} of {n} over {} ({} of them failed)",
            nanos(max_ns),
            tally.failed()
        ),
        Claim::Percentile { max_ns, .. } => format!("{over} of {n} over {}", nanos(max_ns)),
        Claim::ErrorRate { .. } | Claim::Rate { .. } => format!("{over} of {n} failed"),
    }
}

/// Why it is open, and what would decide it.
fn open(judgement: &LimitJudgement, case: &Case, reached: &str) -> String {
    let LimitJudgement { n, claim, .. } = judgement;
    let more = judgement.needs.map_or_else(
        || "no number of further requests would prove it".to_owned(),
        |needs| {
            let time = needs.seconds_at_rate.map_or_else(String::new, |seconds| {
                format!(" ({} at this rate)", nanos((seconds * 1e9) as u64))
            });
            let another = if case.k == 0 { "a" } else { "another" };
            format!(
                "{} more without {another} failure would{time}",
                needs.more_requests
            )
        },
    );
    let because = if case.k == 0 && case.burst > 1 {
        format!(
            "at this rate {} neighbours may share one fate, so these {n} requests cannot prove {}",
            case.burst,
            kind(claim)
        )
    } else if case.k == 0 {
        format!("{n} requests can never prove {}", kind(claim))
    } else if judgement.deff >= 1.5 && !case.sequential {
        format!(
            "they came in bursts (worth {:.1} of {:.0} independent requests), which neither proves nor contradicts {}",
            judgement.effective_over,
            judgement.effective_n,
            kind(claim)
        )
    } else {
        format!("that neither proves nor contradicts {}", kind(claim))
    };
    format!("{because} (confidence {reached}): {more}")
}

pub(super) fn rate(min: f64, measured: &Measured, bound_word: &str) -> String {
    let bound = if bound_word == "at the least" {
        measured.lower
    } else {
        measured.upper
    };
    format!(
        "{:.1} requests per second were answered, {bound:.1} {bound_word}; claimed are {min}",
        measured.mean
    )
}

pub(super) fn rate_open(min: f64, measured: &Measured) -> String {
    format!(
        "{:.1} requests per second were answered, between {:.1} and {:.1}: that neither proves nor contradicts {min}/s",
        measured.mean, measured.lower, measured.upper
    )
}

pub(super) fn rate_not_offered(min: f64, planned: f64, measured: &Measured) -> String {
    format!(
        "{:.1} requests per second were answered of {planned} offered; to prove {min}/s, offer at least {:.1}/s",
        measured.mean,
        (min / super::tally::HELD * 10.0).ceil() / 10.0
    )
}

/// What was assumed, as sentences to be printed.
pub(super) fn assumed(tally: &Tally, assumptions: &Assumptions) -> Vec<String> {
    let mut said = vec![format!(
        "{} confidence, one-sided{}",
        percent(assumptions.confidence),
        match assumptions.attempts {
            Attempts::One => String::new(),
            Attempts::Unknown =>
                "; attempt unknown: earlier ones, if any, are not accounted for".to_owned(),
            Attempts::Rerun(k) => format!(
                "; attempt {k} of declared re-runs, at {} error",
                percent(assumptions.alpha().unwrap_or(0.0))
            ),
            Attempts::Alpha(alpha) => format!("; at {} error", percent(alpha)),
        }
    )];
    let tau = nanos(assumptions.correlation_time_ns);
    let burst = tally
        .rate()
        .and_then(|rate| super::burst_factor(rate, assumptions.correlation_time_ns));
    said.push(match burst {
        Some(b) if b > 1 => format!(
            "requests more than {tau} apart are independent: {b} neighbours may share one fate"
        ),
        _ => format!("requests {tau} apart are independent"),
    });
    let gap_ns = tally.rate().map_or(0.0, |rate| 1e9 / rate) as u64;
    let length = if tally.n == 0 {
        0
    } else {
        tally.span_ns().saturating_add(gap_ns)
    };
    if length < assumptions.min_duration_ns {
        said.push(format!(
            "the load lasted {}, less than {}: what is slower than that to change was not seen",
            nanos(length),
            nanos(assumptions.min_duration_ns)
        ));
    }
    match tally.header().model {
        Model::Open { .. } => said.push("latency counts from when a request was due".to_owned()),
        Model::Closed { users } => said.push(format!(
            "closed model: percentiles are service times with {users} {}",
            if users == 1 { "user" } else { "users" }
        )),
    }
    if assumptions.sequential {
        said.push("judged by a bound that stays valid however often it is looked at".to_owned());
    }
    said
}
