//! A confidence figure that is computed and explained, not felt (S1.13).
//!
//! It says how much of what a GO would claim was really shown: 100 less a deduction for each thing that was not. It
//! decides nothing.

use super::{Deciding, is_required, is_satisfied};
use crate::duration::humanize_duration_ns;
use crate::judged::{CheckJudged, Confidence, GateJudged, SubjectJudged};
use crate::outcome::{Outcome, Severity};
use crate::record::EnvironmentKind;

/// What missing evidence of every required check would cost.
const ALL_EVIDENCE: u32 = 60;
const FAILED_CRITICAL: u32 = 30;
const FAILED_IMPORTANT: u32 = 15;
const FAILED_ADVISORY: u32 = 3;
const WAIVED: u32 = 5;
const WARNED: u32 = 1;
const WARNED_MOST: u32 = 5;
const REHEARSAL: u32 = 20;
const OTHER_ENGINE: u32 = 10;
const NO_SUBJECT: u32 = 10;
const OTHER_SUBJECT: u32 = 15;
const ATTEMPT_UNKNOWN: u32 = 3;
const EACH_ATTEMPT: u32 = 2;
const ATTEMPTS_MOST: u32 = 10;
const INCOMPLETE: u32 = 20;
const RESUMED: u32 = 2;
const SHORT_LOAD: u32 = 3;

/// Computes the figure and names each deduction, the largest first.
pub(super) fn compute(
    deciding: &Deciding<'_>,
    subject: &SubjectJudged,
    gates: &[GateJudged],
) -> Confidence {
    let mut deductions: Vec<(u32, String)> = Vec::new();
    evidence(gates, &mut deductions);
    failures(gates, &mut deductions);
    of_the_run(deciding, subject, &mut deductions);
    of_loads(deciding, gates, &mut deductions);
    engines(deciding, gates, &mut deductions);
    deductions.retain(|(points, _)| *points > 0);
    deductions.sort_by_key(|(points, _)| std::cmp::Reverse(*points));
    let lost: u32 = deductions.iter().map(|(points, _)| *points).sum();
    Confidence {
        percent: 100u32.saturating_sub(lost),
        deductions,
    }
}

fn count_of(items: impl Iterator) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

fn evidence(gates: &[GateJudged], deductions: &mut Vec<(u32, String)>) {
    let required = || {
        gates
            .iter()
            .filter(|g| is_required(g))
            .flat_map(|g| &g.checks)
    };
    let all = count_of(required());
    let missing = |o: Outcome| count_of(required().filter(move |c| c.outcome == o));
    for outcome in Outcome::WORST_FIRST {
        let n = missing(outcome);
        if !outcome.is_evaluated() && n > 0 {
            let points = (ALL_EVIDENCE * n).div_ceil(all.max(1));
            let why = format!("{n} of {all} required checks {}", ended(outcome, n));
            deductions.push((points, why));
        }
    }
    let advisory = gates
        .iter()
        .filter(|g| g.severity == Severity::Advisory)
        .flat_map(|g| &g.checks)
        .filter(|c| !c.outcome.is_evaluated());
    let n = count_of(advisory);
    if n > 0 {
        let s = if n == 1 { "" } else { "s" };
        let why = format!("{n} advisory check{s} not evaluated");
        deductions.push((n.min(WARNED_MOST), why));
    }
}

fn ended(outcome: Outcome, n: u32) -> String {
    let verb = if n == 1 { "is" } else { "are" };
    format!("{verb} {}", outcome.counted())
}

fn failures(gates: &[GateJudged], deductions: &mut Vec<(u32, String)>) {
    for gate in gates {
        if gate.waived_by.is_some() {
            deductions.push((WAIVED, format!("`{}` is waived", gate.id)));
        } else if gate.outcome.in_scope() == Some(Outcome::Fail) {
            let points = match gate.severity {
                Severity::Critical => FAILED_CRITICAL,
                Severity::Important => FAILED_IMPORTANT,
                Severity::Advisory => FAILED_ADVISORY,
            };
            deductions.push((points, format!("`{}` failed", gate.id)));
        } else if is_required(gate) && is_satisfied(gate) {
            let warned = count_of(gate.checks.iter().filter(|c| c.outcome == Outcome::Warn));
            let points = (WARNED * warned).min(WARNED_MOST);
            deductions.push((points, format!("`{}` passed with a warning", gate.id)));
        }
    }
}

fn of_the_run(
    deciding: &Deciding<'_>,
    subject: &SubjectJudged,
    deductions: &mut Vec<(u32, String)>,
) {
    let run = deciding.run;
    if run.started.kind == EnvironmentKind::Local {
        let why = "a rehearsal on one's own machine shows little about the deployment";
        deductions.push((REHEARSAL, why.to_owned()));
    }
    let looks = [&subject.start, &subject.end];
    let good = |look: &Option<CheckJudged>| look.as_ref().is_some_and(|c| c.outcome.is_good());
    if !subject.declared {
        deductions.push((NO_SUBJECT, "the plan declares no subject".to_owned()));
    } else if !looks.into_iter().all(good) {
        let why = "the subject was not the expected one from start to end, or not observed";
        deductions.push((OTHER_SUBJECT, why.to_owned()));
    }
    match &run.started.earlier {
        None => {
            let why = "attempt unknown: earlier runs may have been left out";
            deductions.push((ATTEMPT_UNKNOWN, why.to_owned()));
        }
        Some(earlier) => {
            let n = u32::try_from(earlier.len()).unwrap_or(u32::MAX);
            let why = format!("attempt {} at this subject", n.saturating_add(1));
            deductions.push((n.saturating_mul(EACH_ATTEMPT).min(ATTEMPTS_MOST), why));
        }
    }
    if run.finished_at.is_none() {
        deductions.push((INCOMPLETE, "the run did not come to its end".to_owned()));
    }
    if !run.resumed_at.is_empty() {
        let why = "the run was stopped or killed, and resumed";
        deductions.push((RESUMED, why.to_owned()));
    }
}

fn of_loads(deciding: &Deciding<'_>, gates: &[GateJudged], deductions: &mut Vec<(u32, String)>) {
    let least_ns = deciding.plan.statistics.min_duration_ns;
    for gate in gates {
        for check in gate.checks.iter().filter(|c| !c.limits.is_empty()) {
            let Some(drawn) = &check.distribution else {
                continue;
            };
            let took_ns = (drawn.seconds * 1e9) as i64;
            if took_ns < least_ns && check.outcome.is_evaluated() {
                let why = format!(
                    "the load of {}/{} lasted {}, less than {}",
                    gate.id,
                    check.id,
                    humanize_duration_ns(took_ns),
                    humanize_duration_ns(least_ns)
                );
                deductions.push((SHORT_LOAD, why));
            }
        }
    }
}

/// Evidence from another database engine than the one meant: SQLite standing in for PostgreSQL (S3.13).
fn engines(deciding: &Deciding<'_>, gates: &[GateJudged], deductions: &mut Vec<(u32, String)>) {
    let mut told: Vec<&str> = Vec::new();
    let seen = gates
        .iter()
        .flat_map(|g| &g.checks)
        .filter_map(|c| c.evidence.as_ref()?.target.as_ref());
    for target in seen {
        let Some(engine) = &target.engine else {
            continue;
        };
        let stands_in =
            engine.starts_with("SQLite") && is_elsewhere_postgres(deciding, &target.name);
        if stands_in && !told.contains(&target.name.as_str()) {
            told.push(&target.name);
            let why = format!(
                "`{}` was {engine}, which stands in for PostgreSQL: no evidence about PostgreSQL",
                target.name
            );
            deductions.push((OTHER_ENGINE, why));
        }
    }
}

fn is_elsewhere_postgres(deciding: &Deciding<'_>, target: &str) -> bool {
    let mut targets = deciding.plan.environments.values().flat_map(|e| &e.targets);
    targets.any(|t| t.name == target && t.kind == "postgres")
}
