//! Every rule that can lower a verdict, in the order in which reports name them.

use chrono::{DateTime, Utc};

use super::policy::{Ruled, rule, tallies};
use super::{Deciding, is_required, is_satisfied, later};
use crate::duration::humanize_duration_ns;
use crate::expr::Expr;
use crate::judge::Known;
use crate::judged::{CheckJudged, GateJudged, StatementsJudged, SubjectJudged};
use crate::outcome::{Outcome, Severity, Verdict};
use crate::plan::Gate;
use crate::value::Map;

/// So much may the instant of decision lie before the last evidence, as when it is cut to whole seconds.
const CLOCK_SLACK_NS: i64 = 1_000_000_000;

/// A rule that applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    /// What it leaves at best.
    pub(super) verdict: Verdict,
    /// One sentence naming what it rests on.
    pub(super) reason: String,
    /// What would lift it.
    pub(super) lifted_by: String,
}

/// All rules that apply, those for NO-GO first.
pub(super) fn apply(
    deciding: &Deciding<'_>,
    subject: &SubjectJudged,
    gates: &[GateJudged],
    known: &Known,
    statements: &StatementsJudged,
) -> Vec<Applied> {
    let mut applied = Vec::new();
    let mut tallies = tallies(gates);
    tallies.insert("findings".to_owned(), super::statements::tally(statements));
    expressions(deciding, gates, known, &tallies, &mut applied);
    let default_no_go = deciding.plan.decide.no_go.is_none();
    applied.extend(gates.iter().filter_map(|g| gate(g, default_no_go)));
    if !gates.iter().any(is_required) {
        applied.push(hold(
            "no critical or important gate applies in this environment, so nothing was decided",
            "a plan with a required gate here",
        ));
    }
    applied.extend(of_subject(subject));
    applied.extend(of_completeness(deciding));
    applied.extend(of_age(deciding, gates));
    applied.extend(super::statements::rules(deciding, statements));
    applied.sort_by_key(|a| a.verdict);
    applied
}

fn hold(reason: impl Into<String>, lifted_by: impl Into<String>) -> Applied {
    Applied {
        verdict: Verdict::Hold,
        reason: reason.into(),
        lifted_by: lifted_by.into(),
    }
}

fn expressions(
    deciding: &Deciding<'_>,
    gates: &[GateJudged],
    known: &Known,
    tallies: &Map,
    applied: &mut Vec<Applied>,
) {
    let decide = &deciding.plan.decide;
    let own = |e: &Option<Expr>, verdict| e.clone().map(|e| (e, verdict, "the plan's"));
    let added = |all: &[Expr], verdict| -> Vec<(Expr, Verdict, &'static str)> {
        let tag = |e: &Expr| (e.clone(), verdict, "the policy file's");
        all.iter().map(tag).collect()
    };
    let all = own(&decide.no_go, Verdict::NoGo)
        .into_iter()
        .chain(added(&deciding.policy.no_go, Verdict::NoGo))
        .chain(own(&decide.hold, Verdict::Hold))
        .chain(added(&deciding.policy.hold, Verdict::Hold));
    for (expr, verdict, whose) in all {
        let rule_name = format!("{whose} rule for {}, `{}`,", verdict.word(), expr.source());
        match rule(&expr, tallies, known) {
            Ruled::No => {}
            Ruled::Yes(why) => applied.push(Applied {
                verdict,
                reason: format!("{rule_name} applies: {why}{}", counted(&expr, gates)),
                lifted_by: "a run to which that rule does not apply".to_owned(),
            }),
            Ruled::Unclear(why) => applied.push(hold(
                format!("{rule_name} cannot be decided: {why}"),
                "a rule that can be decided",
            )),
        }
    }
}

/// A required gate that is anything but pass, warn or waived. No expression of the plan replaces this.
fn gate(gate: &GateJudged, default_no_go: bool) -> Option<Applied> {
    if !is_required(gate) || is_satisfied(gate) {
        return None;
    }
    let outcome = gate.outcome.in_scope()?;
    let no_go = default_no_go && outcome == Outcome::Fail && gate.severity == Severity::Critical;
    let (why, more) = why(gate);
    Some(Applied {
        verdict: if no_go { Verdict::NoGo } else { Verdict::Hold },
        reason: format!(
            "the {} gate `{}` ({}) {}{why}{more}",
            gate.severity.word(),
            gate.id,
            gate.title,
            ended(outcome)
        ),
        lifted_by: format!("a run in which `{}` passes, or a waiver of it", gate.id),
    })
}

/// Why a gate ended as it did, and how much more there is: its worst check, or what its rollback left where that is worse.
fn why(gate: &GateJudged) -> (String, String) {
    let worst = worst_check(gate);
    let left = gate.left_behind.as_ref().filter(|left| {
        !left.outcome.is_good() && worst.is_none_or(|check| left.outcome > check.outcome)
    });
    if let Some(left) = left {
        return (format!(": its rollback: {}", left.message), String::new());
    }
    let why = worst.map_or_else(String::new, |c| {
        format!(": {}/{}: {}", gate.id, c.id, c.message)
    });
    let others = gate.checks.iter().filter(|c| !c.outcome.is_good()).count();
    let more = match others {
        0 | 1 => String::new(),
        n => format!(" (and {} more of its checks)", n - 1),
    };
    (why, more)
}

/// The gates that the tallies named in an expression count, where it names any: `critical.fail` those critical ones that failed.
fn counted(expr: &Expr, gates: &[GateJudged]) -> String {
    let is_counted = |gate: &&GateJudged| {
        let tally = format!("{}.{}", gate.severity.word(), gate.outcome.word());
        let rests_on_it = expr.source().contains(&tally);
        gate.waived_by.is_none()
            && !gate.outcome.in_scope().is_some_and(Outcome::is_good)
            && rests_on_it
    };
    let names: Vec<String> = gates
        .iter()
        .filter(is_counted)
        .map(|gate| format!("`{}`", gate.id))
        .collect();
    if names.is_empty() {
        return String::new();
    }
    format!(" ({})", names.join(", "))
}

/// The outcome as the end of a sentence.
pub(super) fn ended(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "passed",
        Outcome::Warn => "passed with a warning",
        Outcome::Pending => "is pending",
        Outcome::Skipped => "was skipped",
        Outcome::Inconclusive => "is inconclusive",
        Outcome::Error => "ended in an error",
        Outcome::Fail => "failed",
    }
}

/// The first of the gate's worst checks that nobody waived.
pub(super) fn worst_check(gate: &GateJudged) -> Option<&CheckJudged> {
    let open = || gate.checks.iter().filter(|c| c.waived_by.is_none());
    let worst = open().map(|c| c.outcome).max()?;
    open().find(|c| c.outcome == worst)
}

fn of_subject(subject: &SubjectJudged) -> Option<Applied> {
    if !subject.declared {
        return None;
    }
    let looks = [
        (&subject.start, "at the start"),
        (&subject.end, "at the end"),
    ];
    for (look, when) in looks {
        let reason = match look {
            Some(check) if check.outcome.is_good() => continue,
            Some(check) if check.outcome == Outcome::Fail => {
                format!(
                    "the subject {when} is not the expected one: {}",
                    check.message
                )
            }
            Some(check) => format!("the subject was not observed {when}: {}", check.message),
            None => format!("the subject was not observed {when}"),
        };
        return Some(hold(
            reason,
            "a run in which the expected subject is there from start to end",
        ));
    }
    None
}

fn of_completeness(deciding: &Deciding<'_>) -> Option<Applied> {
    let run = deciding.run;
    let resume = || format!("the rest of the run (gonogo resume {})", run.started.run);
    if let Some((at, by)) = &run.interrupted {
        let at = at.format("%Y-%m-%d %H:%M:%S UTC");
        let reason = format!("the run is incomplete: it was stopped by {by} at {at}");
        return Some(hold(reason, resume()));
    }
    if run.finished_at.is_none() {
        let reason = "the run is incomplete: it broke off before every check had ended";
        return Some(hold(reason, resume()));
    }
    None
}

/// Evidence that is too old, or from after the instant of decision.
fn of_age(deciding: &Deciding<'_>, gates: &[GateJudged]) -> Vec<Applied> {
    let mut applied = Vec::new();
    let as_of = deciding.as_of;
    let run = deciding.run;
    if run.last_seen_at() > later(as_of, CLOCK_SLACK_NS) {
        applied.push(hold(
            "the record holds evidence from after the instant of decision: a clock was wrong",
            "a run with right clocks",
        ));
    }
    if let Some(finished_at) = run.finished_at
        && later(finished_at, deciding.plan.valid_for_ns) < as_of
    {
        applied.push(hold(
            format!(
                "the run ended more than {} ago, which is how long a verdict is valid",
                humanize_duration_ns(deciding.plan.valid_for_ns)
            ),
            "a new run",
        ));
    }
    for (gate, check, fresh_for_ns, end) in fresh(deciding, gates) {
        if end < as_of && is_required(gate) && gate.waived_by.is_none() {
            applied.push(hold(
                format!(
                    "the evidence of {}/{} is older than {}",
                    gate.id,
                    check.id,
                    humanize_duration_ns(fresh_for_ns)
                ),
                format!("a run with fresh evidence of `{}`", gate.id),
            ));
        }
    }
    applied
}

/// Each check that is good and whose evidence ages: until when it is fresh.
pub(super) fn fresh<'a>(
    deciding: &Deciding<'a>,
    gates: &'a [GateJudged],
) -> Vec<(&'a GateJudged, &'a CheckJudged, i64, DateTime<Utc>)> {
    let mut out = Vec::new();
    let plan: &'a [Gate] = &deciding.plan.gates;
    for (gate, planned) in gates.iter().zip(plan) {
        for (check, written) in gate.checks.iter().zip(&planned.checks) {
            let limits = [written.fresh_for_ns, planned.fresh_for_ns];
            let Some(fresh_for_ns) = limits.into_iter().flatten().min() else {
                continue;
            };
            if let (true, Some(at)) = (check.outcome.is_good(), check.started_at) {
                let ended = later(at, check.elapsed_ns.unwrap_or(0));
                out.push((gate, check, fresh_for_ns, later(ended, fresh_for_ns)));
            }
        }
    }
    out
}

/// Instants at which a GO ends at the latest.
pub(super) fn ends<'a>(
    deciding: &'a Deciding<'a>,
    gates: &'a [GateJudged],
) -> impl Iterator<Item = DateTime<Utc>> + 'a {
    let valid = deciding
        .run
        .finished_at
        .map(|at| later(at, deciding.plan.valid_for_ns));
    let fresh = fresh(deciding, gates)
        .into_iter()
        .filter(|(gate, ..)| is_required(gate))
        .map(|(.., end)| end);
    valid.into_iter().chain(fresh)
}
