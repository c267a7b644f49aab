//! The sign-off: criteria follow from gates, and an approval counts for the subject that was observed only.

use std::collections::BTreeSet;

use super::shown;
use crate::decide::Deciding;
use crate::judged::{
    ApprovalJudged, CheckJudged, CriterionJudged, GateJudged, SignOffJudged, SubjectJudged,
};
use crate::outcome::Verdict;
use crate::plan::{Approval, ApprovalState, SignOff};
use crate::record::EnvironmentKind;

/// So many targets are named; the evidence has them all.
const MOST_OBSERVED: usize = 20;

pub(super) fn judge(
    deciding: &Deciding<'_>,
    sign_off: &SignOff,
    subject: &SubjectJudged,
    gates: &[GateJudged],
) -> SignOffJudged {
    let criteria = sign_off.criteria.iter().map(|criterion| {
        let (state, why, shown_by) = shown::by(&criterion.shown_by, gates);
        CriterionJudged {
            text: criterion.text.clone(),
            state,
            why,
            shown_by,
        }
    });
    let identity = identity(subject);
    let mut refused = Vec::new();
    let mut approvals = Vec::new();
    for person in &sign_off.decides {
        let theirs = sign_off.approvals.iter().filter(|a| a.person == *person);
        let mut counting: Option<&Approval> = None;
        for approval in theirs {
            match counts(deciding, approval, identity.as_deref()) {
                // A decision for this environment goes before one for any.
                Ok(()) if counting.is_none_or(|c| c.environment.is_none()) => {
                    counting = Some(approval);
                }
                Ok(()) => {}
                Err(why) => refused.push(why),
            }
        }
        approvals.push(ApprovalJudged {
            person: person.clone(),
            state: counting.map_or(ApprovalState::Pending, |a| a.state),
            on: counting.map(|a| a.on),
            conditions: counting.map_or_else(Vec::new, |a| a.conditions.clone()),
            comment: counting.and_then(|a| a.comment.clone()),
        });
    }
    let state = approvals.iter().map(|a| a.state).min();
    let state = state.unwrap_or(ApprovalState::Pending);
    SignOffJudged {
        state,
        message: message(state, &approvals),
        contradiction: None,
        approvals,
        refused,
        criteria: criteria.collect(),
        environment: sign_off.environment.clone(),
        observed: observed(deciding, subject, gates),
    }
}

/// What the deployment is, where that was observed from start to end.
fn identity(subject: &SubjectJudged) -> Option<String> {
    let looks = [subject.start.as_ref()?, subject.end.as_ref()?];
    if looks.iter().any(|look| !look.outcome.is_good()) {
        return None;
    }
    let observed = subject.observed.as_ref()?;
    let text = observed.as_str().map(str::to_owned);
    Some(text.unwrap_or_else(|| observed.to_string()))
}

/// Whether an approval is about what was observed, or why not.
fn counts(
    deciding: &Deciding<'_>,
    approval: &Approval,
    identity: Option<&str>,
) -> Result<(), String> {
    let refused = |why: String| {
        let Approval {
            person, state, on, ..
        } = approval;
        Err(format!(
            "what {person} stated on {on} ({}) does not count: {why}",
            state.word()
        ))
    };
    let environment = &deciding.run.started.environment;
    match (&approval.environment, identity) {
        (Some(only), _) if only != environment => refused(format!("it is for `{only}`")),
        _ if approval.on > deciding.as_of.date_naive() => {
            refused("it is dated after the instant of decision".to_owned())
        }
        (_, None) => refused("what runs there was not observed from start to end".to_owned()),
        (_, Some(runs)) if runs != approval.subject => refused(format!(
            "it is about `{}`, and `{runs}` runs there",
            approval.subject
        )),
        (_, Some(_)) => Ok(()),
    }
}

fn message(state: ApprovalState, approvals: &[ApprovalJudged]) -> String {
    let such = approvals.iter().filter(|a| a.state == state);
    let who: Vec<&str> = such.map(|a| a.person.as_str()).collect();
    format!("{} ({})", state.word(), who.join(", "))
}

/// An approval of what the verdict is against.
pub(in crate::decide) fn contradicted(sign_off: &mut SignOffJudged, verdict: Verdict) {
    if verdict == Verdict::Go {
        return;
    }
    let approves = |a: &&ApprovalJudged| match a.state {
        ApprovalState::Approved | ApprovalState::Conditional => true,
        ApprovalState::Pending | ApprovalState::Rejected => false,
    };
    let who: Vec<String> = sign_off
        .approvals
        .iter()
        .filter(approves)
        .map(|a| {
            let on = a.on.map_or_else(String::new, |on| format!(" on {on}"));
            format!("{} ({}{on})", a.person, a.state.word())
        })
        .collect();
    if !who.is_empty() {
        sign_off.contradiction = Some(format!(
            "contradiction: {}, and the verdict is {}; an approval lifts no verdict",
            who.join(", "),
            verdict.word()
        ));
    }
}

/// An address without what was asked there.
fn origin(address: &str) -> &str {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() {
        return address;
    }
    &address[..scheme.len() + 3 + host.len()]
}

/// The environment and each target as it was reached.
fn observed(deciding: &Deciding<'_>, subject: &SubjectJudged, gates: &[GateJudged]) -> Vec<String> {
    let started = &deciding.run.started;
    let kind = match started.kind {
        EnvironmentKind::Local => "local",
        EnvironmentKind::Staging => "staging",
        EnvironmentKind::Production => "production",
    };
    let mut out = vec![format!("{} ({kind})", started.environment)];
    let looks = [&subject.start, &subject.end].into_iter().flatten();
    let checks = looks.chain(gates.iter().flat_map(|g| &g.checks));
    let mut seen = BTreeSet::new();
    let targets = checks.filter_map(|check: &CheckJudged| check.evidence.as_ref()?.target.as_ref());
    for target in targets {
        let engine = target.engine.as_ref();
        let engine = engine.map_or_else(String::new, |engine| format!(", {engine}"));
        let line = format!("{} at {}{engine}", target.name, origin(&target.address));
        if seen.insert(line.clone()) {
            out.push(line);
        }
    }
    let more = out.len().saturating_sub(MOST_OBSERVED);
    if more > 0 {
        out.truncate(MOST_OBSERVED);
        out.push(format!("and {more} more"));
    }
    out
}
