//! Short sentences about outcomes, for people. No rule looks at them.

use crate::duration::humanize_duration_ns;
use crate::judged::{CheckJudged, LimitJudged};
use crate::outcome::{Counts, Outcome};
use crate::plan::{Check, Gate};
use crate::record::{Cause, Observation, SkipReason};
use crate::value::{Map, Value};

/// Why a check was not attempted, in words.
pub fn skip_words(reason: &SkipReason) -> String {
    match reason {
        SkipReason::Needs { gate } => format!("the gate `{gate}`, which it needs, did not pass"),
        SkipReason::When { expression } => format!("its `when` is not true: {expression}"),
        SkipReason::Filtered => "left out on the command line (--only)".to_owned(),
        SkipReason::Power { power } => format!(
            "the run does not have the power `{0}`; grant it with `allow: [{0}]` or --allow {0}",
            power.word()
        ),
        SkipReason::Missing { name, why } => format!("`{name}` is missing: {why}"),
        SkipReason::Interrupted => "the run was stopped before it".to_owned(),
    }
}

/// Why nothing was observed, in words.
pub fn cause_words(cause: Cause) -> &'static str {
    match cause {
        Cause::Dns => "the name could not be resolved",
        Cause::Refused => "the connection was refused",
        Cause::Closed => "the connection was closed before the answer was whole",
        Cause::Network => "the network failed",
        Cause::Tls => "the TLS handshake failed",
        Cause::Timeout => "there was no answer in time",
        Cause::Protocol => "the answer was not of the protocol",
        Cause::Truncated => "the answer broke off",
        Cause::TooLarge => "the answer was too large",
        Cause::Denied => "access was denied",
        Cause::Missing => "something that the check needs on this machine is missing",
        Cause::Forbidden => "the check may not do this here",
        Cause::BadOptions => "the check's options make no sense with the values filled in",
        Cause::Interrupted => "the run was stopped while it was under way",
        Cause::Unknown => "whether the effect happened is unknown",
        Cause::Bug => "gonogo itself failed; please report it",
    }
}

/// What is asked, from the plan alone: the text under the probe's key, else the probe and the id.
pub(crate) fn plain_ask(check: &Check) -> String {
    match check.options.get(&check.probe) {
        Some(serde_json::Value::String(text)) => shorten(&format!("{} {text}", verb(check)), 160),
        Some(_) | None => format!("{} {}", check.probe, check.id),
    }
}

/// The probes whose key already reads as a request need no word before it.
fn verb(check: &Check) -> &str {
    match check.probe.as_str() {
        "http" => "",
        other => other,
    }
}

/// One line of at most `max` characters.
pub(crate) fn shorten(text: &str, max: usize) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > max {
        line = line.chars().take(max - 1).collect();
        line.push('…');
    }
    line
}

/// What a passing check saw: `201 in 43 ms`, `3 rows in 2 ms`.
pub(super) fn seen_in_short(observation: &Observation) -> Option<String> {
    in_short(&observation.facts)
}

/// An answer in a few words.
pub(crate) fn in_short(facts: &Map) -> Option<String> {
    let mut words = Vec::new();
    if let Some(status @ Value::Int(_)) = facts.get("status") {
        words.push(status.to_string());
    } else if let Some(Value::List(rows)) = facts.get("rows") {
        let s = if rows.len() == 1 { "" } else { "s" };
        words.push(format!("{} row{s}", rows.len()));
    } else if let Some(value @ (Value::Int(_) | Value::Double(_))) = facts.get("value") {
        words.push(value.to_string());
    }
    if let Some(Value::Duration(ns)) = facts.get("latency") {
        words.push(format!("in {}", humanize_duration_ns(*ns)));
    }
    (!words.is_empty()).then(|| words.join(" "))
}

/// The figures of limits: `p95 43 ms (bound 51 ms), 0 of 60 errors`.
pub(super) fn limits_in_short<'l>(limits: impl IntoIterator<Item = &'l LimitJudged>) -> String {
    let figures: Vec<String> = limits
        .into_iter()
        .map(|l| super::limits::figure(&l.judgement))
        .collect();
    figures.join(", ")
}

/// The target column of the gate table.
pub(super) fn target(gate: &Gate) -> String {
    if let Some(written) = &gate.target {
        return written.clone();
    }
    let limits: Vec<String> = gate
        .checks
        .iter()
        .flat_map(|check| &check.limits)
        .map(|limit| super::limits::as_target(&limit.claim))
        .collect();
    let others = gate.checks.iter().filter(|c| c.limits.is_empty()).count();
    if limits.is_empty() {
        return match gate.checks.as_slice() {
            [only] if only.for_each.is_none() && (1..=2).contains(&only.expect.len()) => {
                let texts: Vec<&str> = only.expect.iter().map(|e| e.source().trim()).collect();
                shorten(&texts.join(" and "), 80)
            }
            [_] => "1 check".to_owned(),
            checks => format!("{} checks", checks.len()),
        };
    }
    let mut words = limits.join(", ");
    if others > 0 {
        let s = if others == 1 { "" } else { "s" };
        words.push_str(&format_args!(", {others} other check{s}").to_string());
    }
    words
}

/// The result column of the gate table.
pub(super) fn result(checks: &[CheckJudged]) -> String {
    let limits: Vec<&LimitJudged> = checks.iter().flat_map(|c| &c.limits).collect();
    let others: Vec<Outcome> = checks
        .iter()
        .filter(|c| c.limits.is_empty())
        .map(|c| c.outcome)
        .collect();
    if limits.is_empty() {
        return match checks {
            // A long expression that holds is for the check's own page; the gate's target says what it means.
            [only] if only.outcome == Outcome::Pass && only.message.len() > 60 => {
                let (words, _) = only.message.split_once(": ").unwrap_or((&only.message, ""));
                shorten(words, 120)
            }
            [only] => shorten(&only.message, 120),
            _ => tally(&others),
        };
    }
    let mut words = limits_in_short(limits);
    if !others.is_empty() {
        words.push_str(&format_args!(", {}", tally(&others)).to_string());
    }
    words
}

/// `9 of 9 passed`, or `7 of 9 passed, 1 failed, 1 skipped`.
fn tally(outcomes: &[Outcome]) -> String {
    let mut counts = Counts::default();
    for outcome in outcomes {
        counts.add(*outcome);
    }
    let sentence = counts.sentence();
    let all = outcomes.len();
    match sentence.split_once(' ') {
        Some((passed, rest)) => format!("{passed} of {all} {rest}"),
        None => sentence,
    }
}
