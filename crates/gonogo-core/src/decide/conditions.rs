//! What a GO rests on, new things first, carried waivers with their age last.

use super::waivers::{Standing, WaiverUsed};
use super::{Deciding, rules};
use crate::judged::{Condition, GateJudged, StatementsJudged, SubjectJudged};
use crate::outcome::{Outcome, Severity};

/// All conditions. They are listed under every verdict, since a waiver must never be out of sight.
pub(super) fn list(
    deciding: &Deciding<'_>,
    subject: &SubjectJudged,
    gates: &[GateJudged],
    standing: &Standing,
    statements: &StatementsJudged,
) -> Vec<Condition> {
    let condition = |kind: &str, text: String| Condition {
        kind: kind.to_owned(),
        text,
    };
    let mut out = Vec::new();
    let refused = standing.refused.iter().cloned();
    out.extend(refused.map(|text| condition("waiver", text)));
    if !subject.declared {
        out.push(condition("no-subject", subject.message.clone()));
    }
    for gate in gates {
        if let Some(text) = advisory(gate) {
            out.push(condition("advisory", text));
        }
    }
    for gate in gates {
        let warned = gate.checks.iter().filter(|c| c.outcome == Outcome::Warn);
        out.extend(
            warned.map(|c| condition("warning", format!("{}/{}: {}", gate.id, c.id, c.message))),
        );
    }
    for (gate, check, _, end) in rules::fresh(deciding, gates) {
        if end < deciding.as_of && gate.severity == Severity::Advisory {
            let text = format!(
                "the evidence of {}/{} is no longer fresh",
                gate.id, check.id
            );
            out.push(condition("advisory", text));
        }
    }
    out.extend(super::statements::conditions(statements));
    if let Some(text) = attempts(deciding) {
        out.push(condition("attempt", text));
    }
    let mut used: Vec<&WaiverUsed> = standing.used.iter().collect();
    // Youngest first; one without a date cannot be called old.
    used.sort_by_key(|w| std::cmp::Reverse(w.given.unwrap_or(deciding.as_of)));
    out.extend(
        used.into_iter()
            .map(|w| condition("waiver", waived(deciding, w))),
    );
    out
}

fn advisory(gate: &GateJudged) -> Option<String> {
    let outcome = gate.outcome.in_scope()?;
    if gate.severity != Severity::Advisory || outcome.is_good() || gate.waived_by.is_some() {
        return None;
    }
    let why = rules::worst_check(gate).map_or("", |c| c.message.as_str());
    Some(format!(
        "the advisory gate `{}` ({}) {}: {why}",
        gate.id,
        gate.title,
        rules::ended(outcome)
    ))
}

fn waived(deciding: &Deciding<'_>, waiver: &WaiverUsed) -> String {
    let ticket = waiver
        .ticket
        .as_ref()
        .map(|t| format!(" ({t})"))
        .unwrap_or_default();
    let age = waiver.given.map(|given| {
        let days = (deciding.as_of.date_naive() - given.date_naive()).num_days();
        match days {
            0 => ", given today".to_owned(),
            1 => ", carried for 1 day".to_owned(),
            n => format!(", carried for {n} days"),
        }
    });
    format!(
        "`{}` is waived by {}: {}{ticket}{}",
        waiver.subject,
        waiver.by(),
        waiver.reason,
        age.unwrap_or_default()
    )
}

fn attempts(deciding: &Deciding<'_>) -> Option<String> {
    let Some(earlier) = &deciding.run.started.earlier else {
        return Some(
            "attempt unknown: no registry tells of earlier runs of this subject, so limits were judged as in a first one"
                .to_owned(),
        );
    };
    if earlier.is_empty() {
        return None;
    }
    let verdicts: Vec<&str> = earlier
        .iter()
        .map(|run| run.verdict.map_or("unfinished", |v| v.word()))
        .collect();
    Some(format!(
        "attempt {} at this subject; before: {}",
        earlier.len() + 1,
        verdicts.join(", ")
    ))
}
