//! The report's first screen, in its one order, for every format: what is said is decided here, how it looks there.

use gonogo_core::judged::{CheckJudged, Finding, GateJudged, GateOutcome, Judged, LimitJudged};
use gonogo_core::outcome::{Outcome, Severity, Verdict};
use gonogo_core::record::EnvironmentKind;

use crate::wording::{self, counted, instant, minute, rank};

/// At most so many blockers stand on the first screen.
pub(crate) const BLOCKERS: usize = 5;

/// One line for each gate that was rolled back: what it left behind, and what to know of it.
pub(crate) fn left_behind(judged: &Judged) -> Vec<String> {
    const NOTES: usize = 3;
    let mut lines = Vec::new();
    for gate in &judged.gates {
        let Some(left) = &gate.left_behind else {
            continue;
        };
        let mut line = format!("{}: {}", gate.id, left.message);
        for note in left.notes.iter().take(NOTES) {
            line.push_str("; ");
            line.push_str(note);
        }
        if left.notes.len() > NOTES {
            line.push_str("; and more in verdict.json");
        }
        lines.push(line);
    }
    lines
}

/// Titles of the parts after the verdict and its reason, in order.
pub(crate) mod title {
    pub(crate) const BLOCKERS: &str = "What blocks";
    pub(crate) const NOT_EVALUATED: &str = "Not evaluated";
    pub(crate) const SINCE: &str = "Since the last GO";
    pub(crate) const CONDITIONS: &str = "Conditions and waivers";
    pub(crate) const WAY_BACK: &str = "The way back";
    pub(crate) const GATES: &str = "Gates";
}

/// Part 1: the verdict's word, marked where it is a rehearsal, and the action it asks for.
pub(crate) fn verdict(judged: &Judged) -> (String, &str) {
    let word = judged.verdict.word();
    if !judged.rehearsal {
        return (word.to_owned(), &judged.action);
    }
    let action = match judged.verdict {
        // A rehearsal asks for no release, whatever it found.
        Verdict::Go => "no release follows from a rehearsal",
        Verdict::Hold | Verdict::NoGo => &judged.action,
    };
    (format!("{word} (rehearsal)"), action)
}

/// Part 1 beside the verdict: what, where, when. Name and text.
pub(crate) fn facts(judged: &Judged) -> Vec<(&'static str, String)> {
    let about = &judged.about;
    let kind = match about.environment_kind {
        EnvironmentKind::Local => "local",
        EnvironmentKind::Staging => "staging",
        EnvironmentKind::Production => "production",
    };
    let environment = if about.environment == kind {
        about.environment.clone()
    } else {
        format!("{} ({kind})", about.environment)
    };
    let mut facts = vec![
        ("service", about.plan.clone()),
        ("environment", environment),
        ("subject", judged.subject.message.clone()),
        ("when", when(judged)),
    ];
    if judged.verdict == Verdict::Go {
        let until = about.valid_until.map_or_else(
            || "no end is given: ask for a new run before a release".to_owned(),
            minute,
        );
        facts.push(("valid until", until));
    }
    facts.push(("checks", judged.counts.sentence()));
    if !about.only.is_empty() {
        facts.push(("only", about.only.join(", ")));
    }
    facts
}

fn when(judged: &Judged) -> String {
    let about = &judged.about;
    let started = instant(about.started_at);
    match about.ended_at {
        Some(end) => {
            let took = (end - about.started_at)
                .num_nanoseconds()
                .unwrap_or(i64::MAX);
            let took = gonogo_core::duration::humanize_duration_ns(took);
            format!("{started}, took {took}")
        }
        None => format!("{started}, not finished"),
    }
}

/// Marks that stand beside the verdict and change what it means.
pub(crate) fn marks(judged: &Judged) -> Vec<(&'static str, &'static str)> {
    let mut marks = Vec::new();
    if judged.rehearsal {
        marks.push(("REHEARSAL", "a local environment: never a release"));
    }
    if !judged.about.finished {
        marks.push(("INCOMPLETE", "not every check of the plan has ended"));
    }
    marks
}

/// Part 3: findings that stand between this run and a GO, and how many more there are than fit.
pub(crate) fn blockers(judged: &Judged) -> (Vec<&Finding>, usize) {
    let mut all: Vec<&Finding> = judged.findings.iter().filter(|f| blocks(f)).collect();
    let more = all.len().saturating_sub(BLOCKERS);
    all.truncate(BLOCKERS);
    (all, more)
}

fn blocks(finding: &Finding) -> bool {
    finding.waived_by.is_none() && finding.severity != Severity::Advisory
}

/// What is said where nothing blocks by a finding of its own.
pub(crate) fn no_blockers(judged: &Judged) -> String {
    if judged.verdict == Verdict::Go {
        return "Nothing blocks.".to_owned();
    }
    let mut text = "No single finding".to_owned();
    if judged.reasons.is_empty() {
        text.push('.');
    } else {
        text.push_str(": ");
        text.push_str(&judged.reasons.join("; "));
    }
    text
}

/// One line for blockers that did not fit.
pub(crate) fn more_blockers(more: usize) -> String {
    format!("and {} more below", counted(more, "finding"))
}

/// Part 4: checks that ended alike for one reason.
pub(crate) struct Gap<'a> {
    pub(crate) outcome: &'a str,
    pub(crate) why: &'a str,
    pub(crate) checks: Vec<&'a str>,
}

impl Gap<'_> {
    /// `3 skipped`, `1 inconclusive`.
    pub(crate) fn count(&self) -> String {
        format!("{} {}", self.checks.len(), self.outcome)
    }

    /// The checks by name, the first few at least.
    pub(crate) fn named(&self, most: usize) -> String {
        let mut text = self
            .checks
            .iter()
            .take(most)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        if self.checks.len() > most {
            text.push_str(" and ");
            text.push_str(&counted(self.checks.len() - most, "other"));
        }
        text
    }
}

/// Part 4, grouped by outcome and reason, in plan order of the first of each group.
pub(crate) fn gaps(judged: &Judged) -> Vec<Gap<'_>> {
    let mut gaps: Vec<Gap<'_>> = Vec::new();
    let mut at = std::collections::BTreeMap::new();
    for one in &judged.not_evaluated {
        let index = *at
            .entry((one.outcome.as_str(), one.why.as_str()))
            .or_insert_with(|| {
                gaps.push(Gap {
                    outcome: &one.outcome,
                    why: &one.why,
                    checks: Vec::new(),
                });
                gaps.len() - 1
            });
        gaps[index].checks.push(&one.check);
    }
    gaps
}

/// What is said where part 4 is empty. The counts have the last word: a gap that nobody named is still a gap.
pub(crate) fn no_gaps(judged: &Judged) -> String {
    let counts = judged.counts;
    let open: u32 = Outcome::WORST_FIRST
        .into_iter()
        .filter(|outcome| !outcome.is_evaluated())
        .map(|outcome| counts.of(outcome))
        .sum();
    match open + counts.out_of_scope {
        0 if judged.about.finished => "Nothing: every check of the plan was evaluated.".to_owned(),
        0 => "Not known: the run did not come to its end.".to_owned(),
        _ => format!("No reasons are recorded: {}.", counts.sentence()),
    }
}

/// Part 5: what changed since the last GO, as far as this run knows.
pub(crate) fn since(judged: &Judged) -> Vec<String> {
    let about = &judged.about;
    let mut lines = Vec::new();
    let last_go = about
        .earlier
        .iter()
        .rev()
        .find(|run| run.verdict == Some(Verdict::Go));
    lines.push(match (last_go, about.attempt) {
        (Some(run), _) => format!(
            "The last GO for this subject, environment and plan was {}; the two runs were not compared.",
            run.run
        ),
        (None, Some(_)) => {
            "No earlier GO is known for this subject, environment and plan, so nothing was compared."
                .to_owned()
        }
        (None, None) => "Not compared: no registry of earlier runs was at hand.".to_owned(),
    });
    lines.push(match about.attempt {
        None => "Attempt unknown.".to_owned(),
        Some(attempt) if about.earlier.is_empty() => format!("Attempt {attempt}."),
        Some(attempt) => format!("Attempt {attempt}; before it: {}.", earlier(judged)),
    });
    lines
}

fn earlier(judged: &Judged) -> String {
    let runs: Vec<String> = judged
        .about
        .earlier
        .iter()
        .rev()
        .take(5)
        .map(|run| {
            let verdict = run.verdict.map_or("not finished", Verdict::word);
            format!("{verdict} ({})", run.run)
        })
        .collect();
    let more = judged.about.earlier.len().saturating_sub(runs.len());
    let mut text = runs.join(", ");
    if more > 0 {
        let more = format!(" and {more} more");
        text.push_str(&more);
    }
    text
}

/// What is said where part 6 is empty.
pub(crate) const NO_CONDITIONS: &str = "None.";

/// Part 7: one line for checks of the way back that did not fit.
pub(crate) fn more_ways(more: usize) -> String {
    format!("and {} of the way back below", counted(more, "more check"))
}

/// Part 8: gates, failures first, those decided well last, plan order within.
pub(crate) fn gates(judged: &Judged) -> Vec<&GateJudged> {
    let mut gates: Vec<&GateJudged> = judged.gates.iter().collect();
    gates.sort_by_key(|gate| (rank(gate.outcome), gate.severity));
    gates
}

/// The result column; never blank (S1.8).
pub(crate) fn result(gate: &GateJudged) -> String {
    let result = if gate.result.trim().is_empty() {
        match gate.outcome {
            GateOutcome::OutOfScope => "the plan limits it to other environments".to_owned(),
            other => other.word().to_owned(),
        }
    } else {
        gate.result.clone()
    };
    match &gate.waived_by {
        Some(by) => format!("{result}; waived by {by}"),
        None => result,
    }
}

/// The target column; never blank (S1.8).
pub(crate) fn target(gate: &GateJudged) -> String {
    if gate.target.trim().is_empty() {
        counted(gate.checks.len(), "check")
    } else {
        gate.target.clone()
    }
}

/// All limits in plan order, with gate and check.
pub(crate) fn limits(
    judged: &Judged,
) -> impl Iterator<Item = (&GateJudged, &CheckJudged, &LimitJudged)> {
    judged.gates.iter().flat_map(|gate| {
        gate.checks
            .iter()
            .flat_map(move |check| check.limits.iter().map(move |limit| (gate, check, limit)))
    })
}

/// The computed confidence as a sentence and its deductions.
pub(crate) fn confidence(judged: &Judged) -> (String, Vec<String>) {
    let deductions = judged
        .confidence
        .deductions
        .iter()
        .map(|(points, why)| format!("− {points}: {why}"))
        .collect();
    (format!("{} of 100", judged.confidence.percent), deductions)
}

/// The command by which another person recomputes the verdict.
pub(crate) fn verify_command(folder: &str) -> String {
    format!("gonogo verify {}", quoted(folder))
}

/// The line that a deploy demands of this run.
pub(crate) fn deploy_command(judged: &Judged) -> String {
    let mut line = verify_command(&judged.run);
    for (flag, value) in [
        ("--env", judged.about.environment.as_str()),
        ("--plan", judged.about.plan_sha256.as_str()),
        ("--max-age", "4h"),
    ] {
        line.push(' ');
        line.push_str(flag);
        line.push(' ');
        line.push_str(&quoted(value));
    }
    line
}

/// One word of a POSIX shell line.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// What to try next, gravest first: `command` and what it is for.
pub(crate) fn next(judged: &Judged, folder: &str) -> Vec<(String, &'static str)> {
    let mut next = Vec::new();
    let (blockers, _) = blockers(judged);
    if let Some(text) = blockers.iter().find_map(|f| f.next.as_deref()) {
        next.push((text.to_owned(), "the first thing to try"));
    }
    if !judged.about.finished {
        next.push((
            format!("gonogo resume {}", quoted(folder)),
            "continues this run",
        ));
    }
    next.push((
        verify_command(folder),
        "recomputes the verdict from the evidence",
    ));
    if judged.verdict == Verdict::Go {
        next.push((
            format!("gonogo report {} --format md", quoted(folder)),
            "the same for the pull request",
        ));
    }
    next
}

/// `fail` for gates, with the sign before it.
pub(crate) fn outcome_text(outcome: GateOutcome) -> String {
    format!("{} {}", wording::sign(outcome), outcome.word())
}

#[cfg(test)]
mod tests;
