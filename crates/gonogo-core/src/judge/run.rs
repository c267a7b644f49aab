//! A whole run: the subject, then every gate in plan order, each value saved before it is used.

use std::collections::BTreeSet;

use super::check::{Place, judge_at};
use super::expectation::{self, Gap};
use super::{Blobs, JudgeError, Known, words};
use crate::judged::{CheckJudged, GateJudged, GateOutcome, SubjectJudged};
use crate::outcome::Outcome;
use crate::plan::{Check, Gate, Plan, Retry, Subject};
use crate::record::{Address, Run};
use crate::value::{Map, Value};

/// The gate id under which the subject is recorded.
pub const SUBJECT: &str = "subject";

/// A run, judged and not yet decided.
#[derive(Clone, Debug, PartialEq)]
pub struct RunJudged {
    /// Whether what runs there is what was to be released.
    pub subject: SubjectJudged,
    /// Gates in plan order.
    pub gates: Vec<GateJudged>,
    /// What was known when the run ended.
    pub known: Known,
}

/// Judges everything that a run recorded, by replay. Likely causes are added to what is not good.
///
/// # Errors
/// The record is damaged or is of another plan's environment; see [`JudgeError`].
pub fn judge_run(plan: &Plan, run: &Run, blobs: &dyn Blobs) -> Result<RunJudged, JudgeError> {
    let environment = &run.started.environment;
    if !plan.environments.contains_key(environment) {
        return Err(JudgeError::NoEnvironment {
            environment: environment.clone(),
        });
    }
    let mut known = Known::at_start(plan, &run.started);
    let start = known.clone();
    let mut subject = judge_subject(plan, run, &mut known, blobs)?;
    let mut gates = Vec::with_capacity(plan.gates.len());
    for gate in 0..plan.gates.len() {
        gates.push(judge_gate(plan, gate, run, &mut known, blobs)?);
    }
    judge_subject_end(plan, run, &start, blobs, &mut subject)?;
    crate::diagnose::add_causes(plan, run, &mut subject, &mut gates);
    Ok(RunJudged {
        subject,
        gates,
        known,
    })
}

/// Judges one gate by what the run recorded so far, and adds what its checks saved to what is known. The engine asks
/// this when a gate closes.
///
/// # Errors
/// The record is damaged; see [`JudgeError`].
pub fn judge_gate(
    plan: &Plan,
    index: usize,
    run: &Run,
    known: &mut Known,
    blobs: &dyn Blobs,
) -> Result<GateJudged, JudgeError> {
    let gate = &plan.gates[index];
    if out_of_scope(gate, &run.started.environment) {
        return Ok(GateJudged {
            outcome: GateOutcome::OutOfScope,
            result: format!("only in {}", gate.only.join(", ")),
            ..empty(gate)
        });
    }
    let mut checks = Vec::with_capacity(gate.checks.len());
    for check in 0..gate.checks.len() {
        checks.push(super::judge_check(plan, index, check, run, known, blobs)?);
    }
    // The loader refuses a gate without checks; here it would at best be a gap.
    let worst = checks.iter().map(|c| c.outcome).max();
    let worst = worst.unwrap_or(Outcome::Inconclusive);
    let left_behind = super::left_behind::judge(gate, run);
    let of_rollback = left_behind.as_ref().map(|left| left.outcome);
    let not_undone = left_behind.as_ref().filter(|left| !left.outcome.is_good());
    Ok(GateJudged {
        outcome: worst.max(of_rollback.unwrap_or(worst)).into(),
        result: not_undone.map_or_else(
            || words::result(&checks),
            |left| words::shorten(&left.message, 120),
        ),
        checks,
        left_behind,
        ..empty(gate)
    })
}

fn empty(gate: &Gate) -> GateJudged {
    GateJudged {
        id: gate.id.clone(),
        title: gate.title.clone(),
        severity: gate.severity,
        outcome: GateOutcome::Inconclusive,
        waived_by: None,
        target: words::target(gate),
        result: String::new(),
        owner: gate.owner.clone(),
        checks: Vec::new(),
        left_behind: None,
    }
}

/// Whether the plan itself leaves the gate out in this environment.
fn out_of_scope(gate: &Gate, environment: &str) -> bool {
    !gate.only.is_empty() && !gate.only.iter().any(|only| only == environment)
}

/// Refuses a record that speaks of checks which the plan does not run in the run's environment. For `verify`; when
/// observations are judged by another plan, what it does not ask for is left aside.
///
/// # Errors
/// The first such check.
pub fn belongs(plan: &Plan, run: &Run) -> Result<(), JudgeError> {
    let environment = &run.started.environment;
    let mut known: BTreeSet<(&str, &str)> = BTreeSet::new();
    if plan.subject.is_some() {
        known.extend([(SUBJECT, "start"), (SUBJECT, "end")]);
    }
    let gates = plan.gates.iter();
    for gate in gates.filter(|g| !out_of_scope(g, environment)) {
        known.extend(
            gate.checks
                .iter()
                .map(|c| (gate.id.as_str(), c.id.as_str())),
        );
    }
    let addresses = run.intents.keys().chain(run.attempts.keys());
    let of_address = addresses.map(|at: &Address| (&at.gate, &at.check));
    let of_checks = run.skipped.keys().chain(run.expanded.keys());
    let all = of_address.chain(of_checks.map(|(gate, check)| (gate, check)));
    for (gate, check) in all {
        if !known.contains(&(gate.as_str(), check.as_str())) {
            return Err(JudgeError::NotInPlan {
                check: format!("{gate}/{check}"),
                environment: environment.clone(),
            });
        }
    }
    Ok(())
}

/// Judges the subject as it was observed at the start, and adds what it saved to what is known.
///
/// # Errors
/// The record is damaged; see [`JudgeError`].
pub fn judge_subject(
    plan: &Plan,
    run: &Run,
    known: &mut Known,
    blobs: &dyn Blobs,
) -> Result<SubjectJudged, JudgeError> {
    let Some(subject) = &plan.subject else {
        return Ok(SubjectJudged {
            declared: false,
            expected: Vec::new(),
            observed: None,
            start: None,
            end: None,
            message: "the plan declares no subject, so what was validated is not known".to_owned(),
        });
    };
    let before = known.clone();
    let waiting = waiting(subject);
    let mut start = judge_at(plan, &place("start"), &waiting, run, known, blobs)?;
    let observed = match identity(subject, &start, &before) {
        Some(Ok(value)) => Some(value),
        Some(Err(why)) => {
            start.outcome = start.outcome.max(Outcome::Error);
            start.message = format!("cannot tell what runs there: {why}");
            None
        }
        None => None,
    };
    let message = match (start.outcome.is_good(), &observed) {
        (true, Some(value)) => format!("{value} runs there, as expected"),
        (true, None) => "what runs there is as expected".to_owned(),
        (false, Some(value)) => format!("{value} runs there: {}", start.message),
        (false, None) => start.message.clone(),
    };
    Ok(SubjectJudged {
        declared: true,
        expected: subject
            .check
            .expect
            .iter()
            .map(|e| e.source().to_owned())
            .collect(),
        observed,
        start: Some(start),
        end: None,
        message,
    })
}

/// Judges the subject as it was observed at the end: the same one, and still the expected one.
fn judge_subject_end(
    plan: &Plan,
    run: &Run,
    start: &Known,
    blobs: &dyn Blobs,
    judged: &mut SubjectJudged,
) -> Result<(), JudgeError> {
    let Some(subject) = &plan.subject else {
        return Ok(());
    };
    let mut saved_apart = start.clone();
    let place = place("end");
    let mut end = judge_at(plan, &place, &subject.check, run, &mut saved_apart, blobs)?;
    match (identity(subject, &end, start), &judged.observed) {
        (Some(Ok(now)), Some(then)) if now != *then => {
            end.outcome = Outcome::Fail;
            end.message = format!("the subject changed during the run: {then} became {now}");
        }
        (Some(Err(why)), _) => {
            end.outcome = end.outcome.max(Outcome::Error);
            end.message = format!("cannot tell what runs there: {why}");
        }
        (Some(Ok(_)) | None, _) => {}
    }
    let start_is_good = judged.start.as_ref().is_some_and(|s| s.outcome.is_good());
    if start_is_good && !end.outcome.is_good() {
        judged.message = format!("at the end of the run: {}", end.message);
    }
    judged.end = Some(end);
    Ok(())
}

fn place(id: &'static str) -> Place<'static> {
    Place {
        gate: SUBJECT,
        id,
        rollback: false,
    }
}

/// The subject's check as it is made at the start: the rollout is waited for, so the last look counts.
fn waiting(subject: &Subject) -> Check {
    let mut check = subject.check.clone();
    if check.retry.is_none() && subject.wait_ns > 0 {
        check.retry = Some(Retry {
            for_ns: i64::MAX,
            every_ns: 0,
            eventually: true,
        });
    }
    check
}

/// What identifies the subject, where it was observed and the plan says what does.
fn identity(
    subject: &Subject,
    judged: &CheckJudged,
    known: &Known,
) -> Option<Result<Value, String>> {
    let identity = subject.identity.as_ref()?;
    let facts: &Map = &judged.evidence.as_ref()?.facts;
    let value = expectation::value(identity, &known.scope(facts, None));
    Some(match value {
        Ok(Value::Null) => Err(format!("`{}` is null", identity.source())),
        Ok(value) => Ok(value),
        Err(Gap::Absent(why) | Gap::Clash(why) | Gap::Error(why) | Gap::Empty(why)) => Err(why),
    })
}
