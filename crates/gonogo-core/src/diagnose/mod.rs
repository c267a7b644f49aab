//! Likely causes: a table of rules over what was observed, each with the next command to try (S1.15).
//!
//! A cause explains, it decides nothing. Its text holds nothing that differs from check to check, so that checks with
//! one cause become one finding; commands hold nothing that a target sent.

mod delivered;
mod facts;
mod gaps;
mod rules;
mod web;

use std::sync::OnceLock;

use crate::expr::{self, DEFAULT_BUDGET, Expr, Scope, Template};
use crate::judge::SUBJECT;
use crate::judged::{CheckJudged, GateJudged, SubjectJudged};
use crate::outcome::Outcome;
use crate::plan::{Check, Plan};
use crate::record::{Cause, NotObserved, Observed, Run};
use crate::value::{Map, Value};

pub use rules::Rule;

/// A rule that applies to a check.
struct Applied {
    rule: &'static Rule,
    cause: String,
    next: String,
}

/// Adds likely cause and next command to every check that is not good and that a rule explains.
///
/// Where a rule can only say what kind of trouble it is (a load met 401) and another check of the run has the same kind
/// with a cause that is known, that cause is taken.
pub(crate) fn add_causes(
    plan: &Plan,
    run: &Run,
    subject: &mut SubjectJudged,
    gates: &mut [GateJudged],
) {
    let mut found: Vec<(usize, usize, Applied)> = Vec::new();
    for (g, (gate, planned)) in gates.iter().zip(&plan.gates).enumerate() {
        for (c, (check, written)) in gate.checks.iter().zip(&planned.checks).enumerate() {
            if let Some(applied) = diagnose(plan, run, &gate.id, written, check) {
                found.push((g, c, applied));
            }
        }
    }
    for gate in gates.iter_mut() {
        for check in gate.checks.iter_mut().filter(|c| is_puzzling(c.outcome)) {
            check.next = Some(facts::try_it(plan, run, &gate.id, &check.id));
        }
    }
    let known: Vec<(&str, String, String)> = found
        .iter()
        .filter(|(.., a)| !a.rule.vague && !a.rule.group.is_empty())
        .map(|(.., a)| (a.rule.group, a.cause.clone(), a.next.clone()))
        .collect();
    for (g, c, applied) in found {
        let same = known
            .iter()
            .find(|(group, ..)| applied.rule.vague && *group == applied.rule.group);
        let (cause, next) = match same {
            Some((_, cause, next)) => (cause.clone(), next.clone()),
            None => (applied.cause, applied.next),
        };
        let check = &mut gates[g].checks[c];
        check.cause = Some(cause);
        check.next = Some(next);
    }
    if let Some(planned) = &plan.subject {
        let looks = [&mut subject.start, &mut subject.end].into_iter().flatten();
        for look in looks {
            if is_puzzling(look.outcome) {
                look.next = Some(facts::try_it(plan, run, SUBJECT, &look.id));
            }
            if let Some(applied) = diagnose(plan, run, SUBJECT, &planned.check, look) {
                look.cause = Some(applied.cause);
                look.next = Some(applied.next);
            }
        }
    }
}

/// How many observations a check that is not good stands for: requests of a load, items of a list, else one.
pub(crate) fn stands_for(check: &CheckJudged) -> u32 {
    let items = check.items.iter().filter(|i| i.outcome == check.outcome);
    let by_items = u32::try_from(items.count()).unwrap_or(u32::MAX).max(1);
    let errors = check
        .evidence
        .as_ref()
        .and_then(|e| e.facts.get("errors")?.as_int())
        .and_then(|n| u32::try_from(n).ok());
    match (errors, check.distribution.is_some()) {
        (Some(n), true) => n.max(1),
        (Some(_) | None, _) => by_items,
    }
}

fn diagnose(
    plan: &Plan,
    run: &Run,
    gate: &str,
    written: &Check,
    check: &CheckJudged,
) -> Option<Applied> {
    if check.outcome == Outcome::Skipped {
        return skipped(plan, run, gate, check);
    }
    if !is_puzzling(check.outcome) {
        return None;
    }
    let gap = last_gap(run, gate, check);
    let facts = facts::gather(plan, run, gate, written, check, gap.as_ref());
    let empty = Map::new();
    let seen = check.evidence.as_ref().map_or(&empty, |e| &e.facts);
    // What is computed here wins over a fact of the same name.
    let scope = Scope::new().with(&facts).with(seen);
    let applied = first_rule(&scope, gap.is_some());
    match (applied, gap.and_then(|g| g.help)) {
        (Some(applied), Some(help)) => Some(Applied {
            next: help,
            ..applied
        }),
        (applied, _) => applied,
    }
}

/// Whether something was tried and did not come out well.
fn is_puzzling(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Fail | Outcome::Error | Outcome::Inconclusive => true,
        Outcome::Pass | Outcome::Warn | Outcome::Pending | Outcome::Skipped => false,
    }
}

/// A check that was left out for want of something which the command line can give.
fn skipped(plan: &Plan, run: &Run, gate: &str, check: &CheckJudged) -> Option<Applied> {
    let id = (gate.to_owned(), check.id.clone());
    let reason = run.skipped.get(&id)?;
    let facts = facts::of_skip(plan, run, gate, &check.id, reason);
    first_rule(&Scope::new().with(&facts), false)
}

fn first_rule(scope: &Scope<'_>, not_observed: bool) -> Option<Applied> {
    table()
        .iter()
        .filter(|ready| ready.rule.not_observed == not_observed)
        .find(|ready| expr::evaluate_condition(&ready.when, scope, DEFAULT_BUDGET).is_true())
        .and_then(|ready| {
            Some(Applied {
                rule: ready.rule,
                cause: text(&ready.cause, scope)?,
                next: text(&ready.next, scope)?,
            })
        })
}

fn text(template: &Template, scope: &Scope<'_>) -> Option<String> {
    match template.evaluate(scope, DEFAULT_BUDGET).into_value() {
        Ok(Value::String(text)) => Some(text),
        Ok(other) => Some(other.to_string()),
        Err(_) => None,
    }
}

/// Why nothing was observed, where that is so.
fn last_gap(run: &Run, gate: &str, check: &CheckJudged) -> Option<NotObserved> {
    if check.evidence.is_some() || check.outcome != Outcome::Error {
        return None;
    }
    let open = run
        .open_intents_of(gate, &check.id)
        .next()
        .map(|(_, intent)| NotObserved {
            tried: intent.ask.clone(),
            cause: Cause::Unknown,
            message: String::new(),
            help: None,
            elapsed_ns: 0,
        });
    let last = run.attempts_of(gate, &check.id).rev();
    let mut gaps = last.filter_map(|(_, attempt)| match &attempt.observed {
        Observed::NotObserved(gap) => Some(gap.clone()),
        Observed::Observation(_) => None,
    });
    open.or_else(|| gaps.next())
}

/// A rule, parsed.
struct Ready {
    rule: &'static Rule,
    when: Expr,
    cause: Template,
    next: Template,
}

/// Every rule there is, for the documents and for the table.
pub fn all_rules() -> impl Iterator<Item = &'static Rule> {
    [
        web::WEB,
        rules::OBSERVED,
        delivered::DELIVERED,
        rules::NOTHING,
        gaps::GAPS,
        gaps::SKIPS,
    ]
    .into_iter()
    .flatten()
}

/// The table, parsed once. That every rule parses is a test.
fn table() -> &'static [Ready] {
    static TABLE: OnceLock<Vec<Ready>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let ready = |rule: &'static Rule| {
            Some(Ready {
                rule,
                when: expr::parse(rule.when).ok()?,
                cause: expr::parse_template(rule.cause).ok()?,
                next: expr::parse_template(rule.next).ok()?,
            })
        };
        all_rules().filter_map(ready).collect()
    })
}

#[cfg(test)]
mod tests;
