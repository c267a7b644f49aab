//! Known limitations and stated findings: conditions of a GO while somebody accepts them, and a reason against one
//! otherwise.

use chrono::{DateTime, Utc};

use crate::decide::Deciding;
use crate::decide::rules::Applied;
use crate::judged::{
    AcceptanceState, Condition, Finding, LimitationJudged, SignOffJudged, StatedFindingJudged,
    StatementsJudged,
};
use crate::outcome::{Outcome, Severity, Verdict};
use crate::plan::{ApprovalState, FindingSeverity};
use crate::value::{Map, Value};

/// The pseudo-gate of stated findings.
const FINDINGS: &str = "findings";

fn standing(
    deciding: &Deciding<'_>,
    by: Option<&String>,
    until: Option<DateTime<Utc>>,
) -> AcceptanceState {
    match (by, until) {
        (_, Some(until)) if until < deciding.as_of => AcceptanceState::Expired,
        (Some(_), Some(_)) => AcceptanceState::Accepted,
        _ => AcceptanceState::Open,
    }
}

/// The limitations as they stand.
pub(super) fn limitations(deciding: &Deciding<'_>) -> Vec<LimitationJudged> {
    let all = deciding.plan.statements.limitations.iter();
    all.map(|known| LimitationJudged {
        id: known.id.clone(),
        text: known.text.clone(),
        owner: known.owner.clone(),
        accepted_by: known.accepted_by.clone(),
        until: known.until,
        ticket: known.ticket.clone(),
        state: standing(deciding, known.accepted_by.as_ref(), Some(known.until)),
    })
    .collect()
}

/// The stated findings as they stand. A critical one nobody can accept.
pub(super) fn stated(deciding: &Deciding<'_>) -> Vec<StatedFindingJudged> {
    let all = deciding.plan.statements.findings.iter();
    all.map(|known| {
        let (by, until) = known.accepted.clone().unzip();
        let state = match standing(deciding, by.as_ref(), until) {
            AcceptanceState::Accepted if known.severity == FindingSeverity::Critical => {
                AcceptanceState::Open
            }
            state => state,
        };
        StatedFindingJudged {
            id: known.id.clone(),
            title: known.title.clone(),
            severity: known.severity,
            accepted_by: by,
            until,
            state,
        }
    })
    .collect()
}

/// What policy expressions speak of as `findings`: open ones by severity, accepted ones, all.
pub(in crate::decide) fn tally(statements: &StatementsJudged) -> Value {
    let open = |f: &&StatedFindingJudged| f.state != AcceptanceState::Accepted;
    let of = |severity: FindingSeverity| {
        let all = statements.findings.iter().filter(open);
        all.filter(|f| f.severity == severity).count()
    };
    let mut counts: Map = FindingSeverity::ALL
        .iter()
        .map(|severity| (severity.word().to_owned(), of(*severity).into()))
        .collect();
    let all = statements.findings.len();
    let open = statements.findings.iter().filter(open).count();
    counts.insert("accepted".to_owned(), (all - open).into());
    counts.insert("total".to_owned(), all.into());
    Value::Map(counts)
}

/// What lowers the verdict.
pub(in crate::decide) fn rules(
    deciding: &Deciding<'_>,
    statements: &StatementsJudged,
) -> Vec<Applied> {
    let mut out = Vec::new();
    let mut add = |verdict, reason: String, lifted_by: String| {
        out.push(Applied {
            verdict,
            reason,
            lifted_by,
        });
    };
    let default_no_go = deciding.plan.decide.no_go.is_none();
    for known in &statements.findings {
        let verdict = match known.severity {
            _ if known.state == AcceptanceState::Accepted => continue,
            FindingSeverity::Critical if default_no_go => Verdict::NoGo,
            FindingSeverity::Critical | FindingSeverity::High => Verdict::Hold,
            FindingSeverity::Medium | FindingSeverity::Low => continue,
        };
        let reason = format!(
            "the known finding `{}` is {} and {}: {}",
            known.id,
            known.severity.word(),
            open_since(known),
            known.title
        );
        let lifted_by = match known.severity {
            FindingSeverity::Critical => format!("a release without the finding `{}`", known.id),
            _ => format!(
                "a release without the finding `{}`, or somebody who accepts it",
                known.id
            ),
        };
        add(verdict, reason, lifted_by);
    }
    for known in &statements.limitations {
        let why = match known.state {
            AcceptanceState::Accepted => continue,
            AcceptanceState::Open => "is accepted by nobody".to_owned(),
            AcceptanceState::Expired => format!("was accepted until {} only", day(known.until)),
        };
        let reason = format!("the known limitation `{}` {why}: {}", known.id, known.text);
        let lifted_by = format!("somebody who accepts the limitation `{}` anew", known.id);
        add(Verdict::Hold, reason, lifted_by);
    }
    let sign_off = statements.sign_off.iter().flat_map(|s| &s.approvals);
    for approval in sign_off.filter(|a| a.state == ApprovalState::Rejected) {
        let comment = approval.comment.as_ref();
        let comment = comment.map_or_else(String::new, |comment| format!(": {comment}"));
        let on = approval
            .on
            .map_or_else(String::new, |on| format!(" on {on}"));
        add(
            Verdict::Hold,
            format!("{} rejected this subject{on}{comment}", approval.person),
            format!("another decision by {}", approval.person),
        );
    }
    out
}

fn open_since(known: &StatedFindingJudged) -> String {
    match (known.state, known.until) {
        (AcceptanceState::Expired, Some(until)) => {
            format!("was accepted until {} only", day(until))
        }
        _ => "open".to_owned(),
    }
}

/// What a GO rests on.
pub(in crate::decide) fn conditions(statements: &StatementsJudged) -> Vec<Condition> {
    let mut out = Vec::new();
    let mut add = |kind: &str, text: String| {
        out.push(Condition {
            kind: kind.to_owned(),
            text,
        });
    };
    if let Some(sign_off) = &statements.sign_off {
        of_sign_off(sign_off, &mut add);
    }
    for known in &statements.findings {
        let accepted = match (&known.accepted_by, known.until, known.state) {
            (Some(by), Some(until), AcceptanceState::Accepted) => {
                format!(", accepted by {by} until {}", day(until))
            }
            _ if known.severity >= FindingSeverity::Medium => String::new(),
            // Those stand among the reasons.
            _ => continue,
        };
        let text = format!(
            "`{}` ({}){accepted}: {}",
            known.id,
            known.severity.word(),
            known.title
        );
        add("finding", text);
    }
    for known in &statements.limitations {
        let by = match (&known.accepted_by, known.state) {
            (Some(by), AcceptanceState::Accepted) => {
                format!("accepted by {by} until {}", day(known.until))
            }
            (_, AcceptanceState::Expired) => format!("expired on {}", day(known.until)),
            _ => "accepted by nobody".to_owned(),
        };
        let owner = known
            .owner
            .as_ref()
            .map_or_else(String::new, |o| format!("; owner: {o}"));
        let ticket = known
            .ticket
            .as_ref()
            .map_or_else(String::new, |t| format!("; {t}"));
        add(
            "limitation",
            format!("`{}`: {} ({by}{owner}{ticket})", known.id, known.text),
        );
    }
    out
}

/// What is not signed off, or only on conditions.
fn of_sign_off(sign_off: &SignOffJudged, add: &mut dyn FnMut(&str, String)) {
    if let Some(text) = &sign_off.contradiction {
        add("sign-off", text.clone());
    }
    for approval in &sign_off.approvals {
        match approval.state {
            ApprovalState::Pending => {
                add(
                    "sign-off",
                    format!("{} has not decided about this subject", approval.person),
                );
            }
            ApprovalState::Conditional => {
                for condition in &approval.conditions {
                    add(
                        "sign-off",
                        format!("{} approved on the condition: {condition}", approval.person),
                    );
                }
            }
            ApprovalState::Approved | ApprovalState::Rejected => {}
        }
    }
    for text in &sign_off.refused {
        add("sign-off", text.clone());
    }
}

/// Instants at which a GO ends since something is accepted no longer.
pub(in crate::decide) fn ends(
    statements: &StatementsJudged,
) -> impl Iterator<Item = DateTime<Utc>> + '_ {
    let accepted = |state| state == AcceptanceState::Accepted;
    let limitations = statements.limitations.iter();
    let limitations = limitations
        .filter(move |l| accepted(l.state))
        .map(|l| l.until);
    let findings = statements.findings.iter();
    let findings = findings
        .filter(move |f| accepted(f.state))
        .filter_map(|f| f.until);
    limitations.chain(findings)
}

/// The stated findings as findings of the run, each with how much it blocks: less is more.
pub(in crate::decide) fn findings(
    deciding: &Deciding<'_>,
    statements: &StatementsJudged,
) -> Vec<(Finding, u8)> {
    let written = &deciding.plan.statements.findings;
    let pairs = statements.findings.iter().zip(written);
    pairs
        .map(|(known, written)| {
            let (severity, outcome, weight) = match known.severity {
                FindingSeverity::Critical => (Severity::Critical, Outcome::Fail, 0),
                FindingSeverity::High => (Severity::Important, Outcome::Fail, 3),
                FindingSeverity::Medium | FindingSeverity::Low => {
                    (Severity::Advisory, Outcome::Warn, 4)
                }
            };
            let accepted = known.accepted_by.as_ref().zip(known.until);
            let accepted = accepted.filter(|_| known.state == AcceptanceState::Accepted);
            let finding = Finding {
                gate: FINDINGS.to_owned(),
                check: format!("{FINDINGS}/{}", known.id),
                severity,
                outcome,
                title: format!("stated by hand: {}", known.title),
                expected: format!("no open finding of severity {}", known.severity.word()),
                seen: known.title.clone(),
                lines: Vec::new(),
                cause: None,
                next: None,
                owner: written.text.owner.clone(),
                count: 1,
                also: Vec::new(),
                waived_by: accepted.map(|(by, until)| format!("{by} until {}", day(until))),
                stated: Some(written.text.clone()),
            };
            (finding, weight)
        })
        .collect()
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}
