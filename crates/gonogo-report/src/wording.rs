//! Words, signs and figures that every report shares.

use chrono::{DateTime, Utc};
use gonogo_core::duration::humanize_duration_ns;
use gonogo_core::judged::GateOutcome;
use gonogo_core::outcome::{Outcome, Verdict};
use gonogo_core::stats::{LimitJudgement, LimitOutcome, Unit};

/// The sign before a verdict's word: it carries the meaning where colour does not.
pub(crate) fn verdict_sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => "✓",
        Verdict::Hold => "‖",
        Verdict::NoGo => "✗",
    }
}

/// The sign before an outcome's word.
pub(crate) fn sign(outcome: GateOutcome) -> &'static str {
    match outcome {
        GateOutcome::Pass => "✓",
        GateOutcome::Warn => "▲",
        GateOutcome::Pending => "…",
        GateOutcome::Skipped => "–",
        GateOutcome::Inconclusive => "?",
        GateOutcome::Error => "!",
        GateOutcome::Fail => "✗",
        GateOutcome::OutOfScope => "○",
    }
}

/// How grave an outcome is to look at: 0 needs a person first.
pub(crate) fn rank(outcome: GateOutcome) -> usize {
    match outcome.in_scope() {
        Some(outcome) => Outcome::WORST_FIRST
            .iter()
            .position(|o| *o == outcome)
            .unwrap_or(0),
        None => Outcome::WORST_FIRST.len(),
    }
}

/// `2026-11-21 10:04:12 UTC`.
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `2026-11-21 10:04 UTC`.
pub(crate) fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// `1 check`, `3 checks`.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// Three significant digits, without trailing zeros.
pub(crate) fn figure(number: f64) -> String {
    if !number.is_finite() {
        return "none".to_owned();
    }
    let decimals = match number.abs() {
        x if x >= 100.0 || x == 0.0 => 0,
        x if x >= 10.0 => 1,
        x if x >= 1.0 => 2,
        _ => 3,
    };
    trimmed(format!("{number:.decimals$}"))
}

fn trimmed(text: String) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Bytes: `312 B`, `4.2 KiB`.
pub(crate) fn bytes(n: u64) -> String {
    let value = n as f64;
    match n {
        0..1024 => format!("{n} B"),
        1024..1_048_576 => format!("{} KiB", figure(value / 1024.0)),
        _ => format!("{} MiB", figure(value / 1_048_576.0)),
    }
}

/// To which side a shortened figure may err: a report never flatters the target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Err {
    Up,
    Down,
}

/// A share in percent, never rounded in favour of a claim.
pub(crate) fn percent(share: f64, to: Err) -> String {
    let value = share * 100.0;
    if !value.is_finite() {
        return "none".to_owned();
    }
    let scale = if value >= 10.0 { 10.0 } else { 1000.0 };
    // What floating point adds or loses at the twelfth digit is not a reason to move a digit.
    let (scaled, dust) = (value * scale, 1e-6);
    let moved = match to {
        Err::Up => (scaled - dust).ceil(),
        Err::Down => (scaled + dust).floor(),
    };
    // No share is below nothing, and zero has no sign.
    let text = format!("{:.3}", if moved > 0.0 { moved / scale } else { 0.0 });
    format!("{} %", trimmed(text))
}

/// A figure of a judgement in its unit; `none` where the samples give none.
pub(crate) fn in_unit(value: Option<f64>, unit: Unit, to: Err) -> String {
    let Some(value) = value.filter(|v| v.is_finite()) else {
        return "none".to_owned();
    };
    match unit {
        Unit::Nanoseconds => nanos_toward(value as i64, to),
        Unit::Share => percent(value, to),
        Unit::PerSecond => {
            let tenths = match to {
                Err::Up => (value * 10.0 - 1e-6).ceil(),
                Err::Down => (value * 10.0 + 1e-6).floor(),
            };
            format!("{}/s", trimmed(format!("{:.1}", tenths / 10.0)))
        }
    }
}

/// A latency with three digits, whose rounding never makes it faster than it was seen (or slower, for lower bounds).
pub(crate) fn nanos_toward(ns: i64, to: Err) -> String {
    // In steps of what `humanize_duration_ns` shows, so that it has nothing left to round.
    let step = match ns.unsigned_abs() {
        0..60_000_000_000 => {
            let digits = ns.unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
            10i64.pow(digits.saturating_sub(3))
        }
        60_000_000_000..3_600_000_000_000 => 1_000_000_000,
        3_600_000_000_000..86_400_000_000_000 => 60_000_000_000,
        _ => 3_600_000_000_000,
    };
    let moved = match to {
        Err::Up => (ns / step).saturating_add(i64::from(ns % step > 0)),
        Err::Down => ns / step,
    };
    humanize_duration_ns(moved.saturating_mul(step))
}

/// `P95`, `P99.9`.
pub(crate) fn percentile(p: f64) -> String {
    format!("P{}", written(p * 100.0))
}

/// A number as it was written in the plan: nothing rounded away but floating-point dust.
fn written(number: f64) -> String {
    trimmed(format!("{number:.9}"))
}

/// The point estimate, erring against the target.
pub(crate) fn estimate(judgement: &LimitJudgement) -> String {
    match judgement.unit {
        Unit::Nanoseconds if judgement.estimate.is_none() && judgement.n > 0 => {
            "no answer".to_owned()
        }
        Unit::Nanoseconds | Unit::Share => in_unit(judgement.estimate, judgement.unit, Err::Up),
        Unit::PerSecond => in_unit(judgement.estimate, judgement.unit, Err::Down),
    }
}

/// The bound that a claim is judged by: the upper one, for rates the lower.
pub(crate) fn bound(judgement: &LimitJudgement) -> String {
    match judgement.unit {
        Unit::Nanoseconds | Unit::Share => in_unit(judgement.upper, judgement.unit, Err::Up),
        Unit::PerSecond => in_unit(judgement.lower, judgement.unit, Err::Down),
    }
}

/// The confidence that the samples give a claim, as the judgement's own sentence rounds it: 94.96 % that prove nothing
/// are not shown as the 95 % that would, and no number of samples makes it certain.
pub(crate) fn confidence(judgement: &LimitJudgement) -> String {
    let Some(share) = judgement.confidence_reached else {
        return "–".to_owned();
    };
    let tenths = share * 1000.0;
    let tenths = if judgement.outcome != LimitOutcome::Met && share >= 0.9 {
        tenths.floor()
    } else {
        tenths.round()
    };
    if tenths >= 1000.0 {
        return "> 99.9 %".to_owned();
    }
    format!("{:.1} %", tenths / 10.0)
}

/// A next step, apart: what to do in words, and the line for a shell that follows or is all of it.
pub(crate) fn step(next: &str) -> (Option<&str>, Option<&str>) {
    if is_command(next) {
        return (None, Some(next));
    }
    for lead in ["then ", ": "] {
        for (at, _) in next.match_indices(lead) {
            let (words, command) = next.split_at(at + lead.len());
            if is_command(command) {
                return (Some(words.trim_end()), Some(command));
            }
        }
    }
    (Some(next), None)
}

fn is_command(text: &str) -> bool {
    let is_known = text.starts_with("gonogo ") || text.starts_with("curl ");
    is_known && !text.contains("; ") && !text.contains(", and ")
}

/// Text cut at its backticks: every second part is code. A backtick without a partner is text, and where two stand side
/// by side they are not ours, so all of it is.
pub(crate) fn code_spans(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let paired = if text.contains("``") {
        0
    } else {
        text.matches('`').count() / 2 * 2
    };
    let mut rest = Some(text);
    (0..=paired).filter_map(move |index| {
        let whole = rest?;
        let part = match whole.split_once('`') {
            Some((part, after)) if index < paired => {
                rest = Some(after);
                part
            }
            _ => {
                rest = None;
                whole
            }
        };
        (!part.is_empty()).then_some((part, index % 2 == 1))
    })
}

#[cfg(test)]
mod tests;
