//! Findings: what a person should act on, gravest first, at most one per cause.

use super::{Deciding, is_required};
use crate::judge::SUBJECT;
use crate::judged::{
    CheckJudged, ExpectationJudged, Finding, GateJudged, StatementsJudged, SubjectJudged,
};
use crate::outcome::{Outcome, Severity};
use crate::plan::{Check, FindingText, Gate};
use crate::record::SkipReason;

/// A finding with what it is sorted by: waived ones last, then what blocks most.
struct Ranked {
    rank: (bool, u8, std::cmp::Reverse<Outcome>, usize),
    finding: Finding,
}

pub(super) fn find(
    deciding: &Deciding<'_>,
    subject: &SubjectJudged,
    gates: &[GateJudged],
    statements: &StatementsJudged,
) -> Vec<Finding> {
    let mut ranked: Vec<Ranked> = Vec::new();
    let mut order = 0usize;
    let mut add = |finding: Finding, weight: u8| {
        order += 1;
        ranked.push(Ranked {
            rank: (
                finding.waived_by.is_some(),
                weight,
                std::cmp::Reverse(finding.outcome),
                order,
            ),
            finding,
        });
    };
    if let Some(planned) = &deciding.plan.subject {
        for look in [&subject.start, &subject.end].into_iter().flatten() {
            if !look.outcome.is_good() {
                let finding = Finding {
                    gate: SUBJECT.to_owned(),
                    check: format!("{SUBJECT}/{}", look.id),
                    severity: Severity::Important,
                    owner: None,
                    ..of_check(&planned.check, look)
                };
                add(finding, 1);
            }
        }
    }
    for (gate, planned) in gates.iter().zip(&deciding.plan.gates) {
        for (check, written) in gate.checks.iter().zip(&planned.checks) {
            if is_told(deciding, gate, check) {
                add(of_gate(gate, planned, written, check), weight(gate, check));
            }
        }
        if let Some(finding) = of_rollback(gate, planned) {
            add(
                finding,
                if gate.severity == Severity::Critical {
                    2
                } else {
                    4
                },
            );
        }
    }
    for (finding, weight) in super::statements::findings(deciding, statements) {
        add(finding, weight);
    }
    ranked.sort_by_key(|r| r.rank);
    one_per_cause(ranked.into_iter().map(|r| r.finding))
}

/// Whether a check is a finding of its own: what merely follows from another gate's failure is not.
fn is_told(deciding: &Deciding<'_>, gate: &GateJudged, check: &CheckJudged) -> bool {
    match check.outcome {
        Outcome::Fail | Outcome::Error | Outcome::Inconclusive => true,
        Outcome::Pass | Outcome::Warn => false,
        Outcome::Skipped | Outcome::Pending => {
            let id = (gate.id.clone(), check.id.clone());
            !matches!(
                deciding.run.skipped.get(&id),
                Some(SkipReason::Needs { .. } | SkipReason::Interrupted)
            )
        }
    }
}

/// What blocks most comes first: failed critical gates, then what holds, then the rest.
fn weight(gate: &GateJudged, check: &CheckJudged) -> u8 {
    match (gate.severity, check.outcome) {
        (Severity::Critical, Outcome::Fail) => 0,
        (Severity::Critical, _) => 2,
        (Severity::Important, _) if is_required(gate) => 3,
        (Severity::Important | Severity::Advisory, _) => 4,
    }
}

fn of_gate(gate: &GateJudged, planned: &Gate, written: &Check, check: &CheckJudged) -> Finding {
    Finding {
        gate: gate.id.clone(),
        check: format!("{}/{}", gate.id, check.id),
        severity: gate.severity,
        owner: owner(planned, Some(written)),
        stated: stated(planned, Some(written)),
        ..of_check(written, check)
    }
}

/// Who acts: whom the check's author names, else the gate's, else the gate's owner.
fn owner(planned: &Gate, written: Option<&Check>) -> Option<String> {
    let of_check = written.and_then(|check| check.finding.as_ref());
    let said = [of_check, planned.finding.as_ref()];
    let said = said.into_iter().flatten();
    said.filter_map(|text| text.owner.clone())
        .next()
        .or_else(|| planned.owner.clone())
}

/// What the author says of a finding: the check's word before the gate's.
fn stated(planned: &Gate, written: Option<&Check>) -> Option<FindingText> {
    let of_check = written.and_then(|check| check.finding.clone());
    let Some(of_gate) = planned.finding.clone() else {
        return of_check;
    };
    let Some(own) = of_check else {
        return Some(of_gate);
    };
    Some(FindingText {
        severity: own.severity.or(of_gate.severity),
        impact: own.impact.or(of_gate.impact),
        root_cause: own.root_cause.or(of_gate.root_cause),
        recommendation: own.recommendation.or(of_gate.recommendation),
        workaround: own.workaround.or(of_gate.workaround),
        owner: own.owner.or(of_gate.owner),
    })
}

/// What a rolled-back gate left behind.
fn of_rollback(gate: &GateJudged, planned: &Gate) -> Option<Finding> {
    let left = gate
        .left_behind
        .as_ref()
        .filter(|left| !left.outcome.is_good())?;
    Some(Finding {
        gate: gate.id.clone(),
        check: format!("{}/rollback", gate.id),
        severity: gate.severity,
        outcome: left.outcome,
        title: format!("`transaction: rollback`: {}", left.message),
        expected: "nothing is left behind".to_owned(),
        seen: left.message.clone(),
        cause: None,
        next: Some("compare a `pg_dump` of before and after; a quiet database, or a role that is no superuser, leaves no doubt".to_owned()),
        owner: owner(planned, None),
        stated: stated(planned, None),
        count: 1,
        also: Vec::new(),
        waived_by: gate.waived_by.clone(),
        lines: Vec::new(),
    })
}

/// All of a finding that does not depend on the gate.
fn of_check(written: &Check, check: &CheckJudged) -> Finding {
    Finding {
        gate: String::new(),
        check: String::new(),
        severity: Severity::Critical,
        outcome: check.outcome,
        title: title(check),
        expected: expected(written, check),
        seen: seen(check),
        lines: lines(written, check),
        cause: check.cause.clone(),
        next: check.next.clone(),
        owner: None,
        count: crate::diagnose::stands_for(check),
        also: Vec::new(),
        waived_by: check.waived_by.clone(),
        stated: None,
    }
}

/// One line. Where nothing was observed the message itself names what was tried.
fn title(check: &CheckJudged) -> String {
    if check.outcome == Outcome::Error && check.evidence.is_none() {
        return check.message.clone();
    }
    format!("{}: {}", check.ask, check.message)
}

/// What was expected: the expectations and limits that did not come out well, else all that were written.
fn expected(written: &Check, check: &CheckJudged) -> String {
    let open = |e: &&ExpectationJudged| e.outcome == check.outcome;
    let mut texts: Vec<String> = check
        .expectations
        .iter()
        .filter(open)
        .map(|e| e.text.clone())
        .chain(
            check
                .limits
                .iter()
                .filter(|l| l.outcome == check.outcome)
                .map(|l| l.text.clone()),
        )
        .collect();
    if texts.is_empty() {
        texts.extend(written.expect.iter().map(|e| e.source().to_owned()));
        texts.extend(written.limits.iter().map(|l| l.text.clone()));
        texts.extend(written.save.iter().map(|s| format!("save {}", s.name)));
    }
    let more = texts.len().saturating_sub(3);
    texts.truncate(3);
    let mut out = texts.join("; ");
    if more > 0 {
        out.push_str(&format_args!(" (and {more} more)").to_string());
    }
    out
}

/// What was seen, without repeating what was expected.
fn seen(check: &CheckJudged) -> String {
    let told = check
        .expectations
        .iter()
        .find(|e| e.outcome == check.outcome && !e.message.is_empty());
    match told {
        Some(one) if check.items.is_empty() && check.outcome != Outcome::Error => {
            let head = format!("expected `{}`: ", crate::judge::shorten(&one.text, 120));
            let seen = one.message.strip_prefix(&head).unwrap_or(&one.message);
            instead(seen, check)
        }
        Some(_) | None => check.message.clone(),
    }
}

/// Where a fact is absent: what was there instead, rather than the names of all that was.
fn instead(seen: &str, check: &CheckJudged) -> String {
    let (absent, names) = seen.split_once("; there are: ").unwrap_or((seen, ""));
    let facts = check.evidence.as_ref().map(|evidence| &evidence.facts);
    match facts.and_then(crate::judge::in_short) {
        Some(short) if !names.is_empty() && absent.ends_with("` is absent") => {
            format!("{absent}; the answer was {short}")
        }
        _ => seen.to_owned(),
    }
}

/// The lines of a fact that is there for reading: where an expectation about `drift` failed, those of `drift_text`.
fn lines(written: &Check, check: &CheckJudged) -> Vec<String> {
    const MOST: usize = 60;
    let Some(evidence) = check
        .evidence
        .as_ref()
        .filter(|_| check.outcome == Outcome::Fail)
    else {
        return Vec::new();
    };
    let failed = written.expect.iter().filter(|expr| {
        let mut judged = check.expectations.iter();
        judged.any(|e| e.outcome == Outcome::Fail && e.text == expr.source())
    });
    let text = failed
        .flat_map(crate::judge::expectation::roots)
        .find_map(|root| {
            let bare = root.strip_suffix("_count").or(root.strip_suffix("_text"));
            let readable = format!("{}_text", bare.unwrap_or(&root));
            evidence.facts.get(&readable)?.as_str()
        });
    let all: Vec<&str> = text.unwrap_or_default().lines().collect();
    let mut lines: Vec<String> = all
        .iter()
        .take(MOST)
        .map(|line| (*line).to_owned())
        .collect();
    if all.len() > MOST {
        lines.push(format!("… and {} lines more", all.len() - MOST));
    }
    lines
}

/// Findings of one cause are one finding: the first, which is the gravest, stands for the rest.
fn one_per_cause(findings: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for finding in findings {
        let same = |other: &&mut Finding| {
            finding.cause.is_some()
                && other.cause == finding.cause
                && other.waived_by.is_some() == finding.waived_by.is_some()
        };
        match out.iter_mut().find(same) {
            Some(first) => {
                first.count = first.count.saturating_add(finding.count);
                first.also.push(finding.check);
            }
            None => out.push(finding),
        }
    }
    out
}
