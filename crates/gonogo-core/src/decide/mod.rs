//! From outcomes to the verdict: a pure function of the plan, its waivers, the policy, the judged run and the instant
//! of decision.
//!
//! The verdict starts at GO and every rule can only lower it. What the plan may replace are the expressions for
//! NO-GO and HOLD; that a required gate must be pass, warn or waived for a GO it may not.

mod conditions;
mod confidence;
mod findings;
mod policy;
mod rules;
mod statements;
mod waivers;
mod words;

use chrono::{DateTime, TimeDelta, Utc};

use crate::judge::RunJudged;
use crate::judged::{About, GateOutcome, Judged, NotEvaluated, PolicyShown, StatementsJudged};
use crate::outcome::{Counts, Outcome, Verdict};
use crate::plan::{Plan, Waiver};
use crate::record::{EnvironmentKind, Run};

pub use policy::{Policy, tallies};
pub use waivers::{Standing, WaiverUsed, waive_gate};

/// The version of the document that holds the verdict.
pub const JUDGED_FORMAT: u32 = 1;

/// What is decided upon.
#[derive(Clone, Copy)]
pub struct Deciding<'a> {
    /// The plan by which the run was judged.
    pub plan: &'a Plan,
    /// The waiver file's entries.
    pub waivers: &'a [Waiver],
    /// What `--policy` adds.
    pub policy: &'a Policy,
    /// What was recorded.
    pub run: &'a Run,
    /// The instant of decision: waivers end and evidence ages against it.
    pub as_of: DateTime<Utc>,
}

/// Decides a judged run.
pub fn decide(deciding: &Deciding<'_>, judged: RunJudged) -> Judged {
    let RunJudged {
        subject,
        mut gates,
        known,
    } = judged;
    let mut standing = Standing::default();
    for gate in &mut gates {
        standing.add(waive_gate(deciding, gate, &known));
    }
    standing.unknown_subjects(deciding);

    let mut statements = statements::judge(deciding, &subject, &gates);
    let rules = rules::apply(deciding, &subject, &gates, &known, &statements);
    let verdict = rules.iter().map(|r| r.verdict).min().unwrap_or(Verdict::Go);
    if let Some(sign_off) = &mut statements.sign_off {
        statements::contradicted(sign_off, verdict);
    }
    let findings = findings::find(deciding, &subject, &gates, &statements);
    let conditions = conditions::list(deciding, &subject, &gates, &standing, &statements);
    let mut check_counts = Counts::default();
    let mut gate_counts = Counts::default();
    for (gate, planned) in gates.iter().zip(&deciding.plan.gates) {
        if let Some(outcome) = gate.outcome.in_scope() {
            gate_counts.add(outcome);
            gate.checks.iter().for_each(|c| check_counts.add(c.outcome));
        } else {
            gate_counts.out_of_scope += 1;
            check_counts.out_of_scope += u32::try_from(planned.checks.len()).unwrap_or(u32::MAX);
        }
    }
    let confidence = confidence::compute(deciding, &subject, &gates);
    let rehearsal = deciding.run.started.kind == EnvironmentKind::Local;
    Judged {
        format: JUDGED_FORMAT,
        verdict,
        rehearsal,
        action: verdict.action().to_owned(),
        because: words::because(verdict, &rules, &gates),
        run: deciding.run.started.run.clone(),
        about: about(deciding, verdict, &gates, &standing, &statements),
        reasons: rules.into_iter().map(|r| r.reason).collect(),
        conditions,
        counts: check_counts,
        gate_counts,
        not_evaluated: not_evaluated(&subject, &gates),
        subject,
        gates,
        findings,
        confidence,
        policy: shown(deciding),
        statements,
    }
}

fn about(
    deciding: &Deciding<'_>,
    verdict: Verdict,
    gates: &[crate::judged::GateJudged],
    standing: &Standing,
    statements: &StatementsJudged,
) -> About {
    let started = &deciding.run.started;
    let earlier = started.earlier.clone();
    let attempt = earlier
        .as_ref()
        .map(|e| u32::try_from(e.len()).unwrap_or(u32::MAX).saturating_add(1));
    let ends = rules::ends(deciding, gates)
        .chain(standing.used.iter().map(|w| w.until))
        .chain(statements::ends(statements));
    About {
        plan: deciding.plan.name.clone(),
        plan_sha256: started.plan_sha256.clone(),
        waivers_sha256: started.waivers_sha256.clone(),
        policy_sha256: started.policy_sha256.clone(),
        environment: started.environment.clone(),
        environment_kind: started.kind,
        started_at: started.started_at,
        ended_at: deciding.run.finished_at,
        as_of: deciding.as_of,
        valid_until: (verdict == Verdict::Go).then(|| ends.min()).flatten(),
        finished: deciding.run.finished_at.is_some(),
        gonogo: started.gonogo.clone(),
        attempt,
        earlier: earlier.unwrap_or_default(),
        inputs: started
            .inputs
            .iter()
            .map(|(name, seen)| {
                let value = match &seen.value {
                    Some(value) => value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned),
                    None => "not given".to_owned(),
                };
                (name.clone(), value, seen.source.clone())
            })
            .collect(),
        only: started.only.clone(),
    }
}

/// What was not evaluated and why, in plan order.
fn not_evaluated(
    subject: &crate::judged::SubjectJudged,
    gates: &[crate::judged::GateJudged],
) -> Vec<NotEvaluated> {
    let mut out = Vec::new();
    let mut add = |gate: &str, check: &crate::judged::CheckJudged| {
        if !check.outcome.is_evaluated() {
            out.push(NotEvaluated {
                check: format!("{gate}/{}", check.id),
                outcome: check.outcome.word().to_owned(),
                why: check.message.clone(),
            });
        }
    };
    if let Some(check) = &subject.start {
        add(crate::judge::SUBJECT, check);
    }
    let mut out_of_scope = Vec::new();
    for gate in gates {
        if gate.outcome == GateOutcome::OutOfScope {
            out_of_scope.push(NotEvaluated {
                check: gate.id.clone(),
                outcome: gate.outcome.word().to_owned(),
                why: gate.result.clone(),
            });
        }
        for check in &gate.checks {
            add(&gate.id, check);
        }
    }
    if let Some(check) = &subject.end {
        add(crate::judge::SUBJECT, check);
    }
    out.extend(out_of_scope);
    out
}

fn shown(deciding: &Deciding<'_>) -> PolicyShown {
    let show = |own: &Option<crate::expr::Expr>, added: &[crate::expr::Expr]| {
        let mut text = own
            .as_ref()
            .map_or_else(|| "default".to_owned(), |e| e.source().to_owned());
        for extra in added {
            text.push_str(" · and by --policy: ");
            text.push_str(extra.source());
        }
        text
    };
    PolicyShown {
        no_go: show(&deciding.plan.decide.no_go, &deciding.policy.no_go),
        hold: show(&deciding.plan.decide.hold, &deciding.policy.hold),
    }
}

/// An instant so many nanoseconds later; the last one there is, where that is beyond the calendar.
fn later(at: DateTime<Utc>, ns: i64) -> DateTime<Utc> {
    at.checked_add_signed(TimeDelta::nanoseconds(ns.max(0)))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Whether a gate counts for a GO: out of scope ones and advisory ones do not.
fn is_required(gate: &crate::judged::GateJudged) -> bool {
    use crate::outcome::Severity;
    let severe = match gate.severity {
        Severity::Critical | Severity::Important => true,
        Severity::Advisory => false,
    };
    severe && gate.outcome.in_scope().is_some()
}

/// Whether the default policy may say GO over the gate.
fn is_satisfied(gate: &crate::judged::GateJudged) -> bool {
    gate.waived_by.is_some() || gate.outcome.in_scope().is_none_or(Outcome::is_good)
}

#[cfg(test)]
mod tests;
