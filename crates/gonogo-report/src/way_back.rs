//! Part 7 of the first screen: the way back, from what `rollback` checks observed.

use gonogo_core::Value;
use gonogo_core::judged::{CheckJudged, GateOutcome, Judged};
use gonogo_core::value::Map;

use crate::wording::{counted, sign};

/// At most so many checks, commands and names are shown; the others are in the evidence.
const MOST_CHECKS: usize = 3;
const MOST_NAMES: usize = 6;

/// What is said where no check of the run is about the way back.
pub(crate) const NONE: &str = "Not evaluated: this run holds no evidence about a rollback, its command, migrations without a way down or the last drill.";

/// One line each: a name and a text.
pub(crate) type Lines = Vec<(&'static str, String)>;

/// What each `rollback` check says, in plan order; empty where there is none. And how many more there are.
pub(crate) fn way_back(judged: &Judged) -> (Vec<Lines>, usize) {
    let mut all: Vec<Lines> = judged
        .gates
        .iter()
        .flat_map(|gate| gate.checks.iter().map(move |check| (gate, check)))
        .filter(|(_, check)| check.probe == "rollback")
        .map(|(gate, check)| of_check(&format!("{}/{}", gate.id, check.id), check))
        .collect();
    let more = all.len().saturating_sub(MOST_CHECKS);
    all.truncate(MOST_CHECKS);
    (all, more)
}

fn of_check(name: &str, check: &CheckJudged) -> Lines {
    let outcome = GateOutcome::from(check.outcome);
    let head = format!("{} {name} {}", sign(outcome), outcome.word());
    let Some(evidence) = &check.evidence else {
        let why = check.message.trim();
        let head = if why.is_empty() {
            head
        } else {
            format!("{head}: {why}")
        };
        return vec![
            ("check", head),
            ("target", format!("{}: not observed", check.ask)),
        ];
    };
    let facts = &evidence.facts;
    vec![
        ("check", head),
        ("target", target(facts)),
        ("commands", commands(facts)),
        ("migrations", migrations(facts)),
        ("time", time(facts)),
        ("last drill", drill(facts)),
    ]
}

fn text<'a>(facts: &'a Map, name: &str) -> Option<&'a str> {
    facts.get(name).and_then(Value::as_str)
}

fn count(facts: &Map, name: &str) -> Option<usize> {
    facts.get(name).and_then(Value::as_list).map(<[Value]>::len)
}

/// A duration, for a person.
fn span(facts: &Map, name: &str) -> Option<String> {
    match facts.get(name) {
        Some(Value::Duration(ns)) => Some(gonogo_core::duration::humanize_duration_ns(*ns)),
        _ => None,
    }
}

fn target(facts: &Map) -> String {
    let commit = text(facts, "to").unwrap_or("");
    let mut line = match text(facts, "target") {
        Some(name) if !commit.is_empty() && !commit.starts_with(name) => {
            format!("{name} ({})", commit.get(..12).unwrap_or(commit))
        }
        Some(name) => name.to_owned(),
        None => "not observed".to_owned(),
    };
    if let (Some(Value::Int(commits)), Some(files)) =
        (facts.get("taken_back"), count(facts, "files"))
    {
        let commits = counted(usize::try_from(*commits).unwrap_or(0), "commit");
        line.push_str(&format!(
            ": takes back {commits}, changes {}",
            counted(files, "file")
        ));
    }
    if facts.get("is_ancestor") == Some(&Value::Bool(false)) {
        line.push_str("; it has commits of its own, so that the way does not only take back");
    }
    line
}

/// The first few of a list of texts, each between these.
fn named(facts: &Map, name: &str, around: &str) -> Option<String> {
    let all: Vec<&str> = facts
        .get(name)?
        .as_list()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let shown = all.iter().take(MOST_NAMES);
    let shown: Vec<String> = shown.map(|one| format!("{around}{one}{around}")).collect();
    let mut line = shown.join(if around.is_empty() { ", " } else { "; " });
    if all.len() > MOST_NAMES {
        line.push_str(&format!(
            " and {}",
            counted(all.len() - MOST_NAMES, "other")
        ));
    }
    Some(line)
}

fn commands(facts: &Map) -> String {
    named(facts, "commands", "`").unwrap_or_else(|| "none are named in the plan".to_owned())
}

fn migrations(facts: &Map) -> String {
    let Some(passed) = count(facts, "migrations") else {
        return "not looked at: the plan names no folder of them".to_owned();
    };
    let mut line = match (passed, count(facts, "without_way_down").unwrap_or(0)) {
        (0, _) => "none in between".to_owned(),
        (_, 0) => format!(
            "{} in between, each with a way down",
            counted(passed, "migration")
        ),
        (_, without) => format!(
            "{without} of {passed} without a way down: {}",
            named(facts, "without_way_down", "").unwrap_or_default()
        ),
    };
    match named(facts, "one_way", "") {
        Some(names) if !names.is_empty() => {
            line.push_str(&format!("; the version before may not run after {names}"));
        }
        _ if count(facts, "without_way_down").unwrap_or(0) > 0 => {
            line.push_str("; the version before runs on what they leave");
        }
        _ => {}
    }
    if let Some(findings) = count(facts, "findings").filter(|n| *n > 0) {
        line.push_str(&format!(
            " ({} in the evidence)",
            counted(findings, "finding")
        ));
    }
    line
}

fn time(facts: &Map) -> String {
    let objective = span(facts, "objective");
    let objective = objective.map_or_else(
        || "no objective is named".to_owned(),
        |objective| format!("the objective is {objective}"),
    );
    match (span(facts, "estimated"), text(facts, "estimated_by")) {
        (Some(estimated), Some("drill")) => {
            format!("{estimated} measured by a drill of this run; {objective}")
        }
        (Some(estimated), _) => format!("estimated at {estimated}; {objective}"),
        (None, _) => format!("no estimate; {objective}"),
    }
}

fn drill(facts: &Map) -> String {
    let Some(Value::Bool(within)) = facts.get("within_objective") else {
        return "no live drill in this check (`mode: dry`)".to_owned();
    };
    let objective = span(facts, "objective").unwrap_or_default();
    match (span(facts, "took"), text(facts, "stopped_at")) {
        (Some(took), _) if *within => {
            format!("live drill: back in {took}, within the objective of {objective}")
        }
        (Some(took), _) => {
            format!("live drill: back in {took}, beyond the objective of {objective}")
        }
        (None, Some(command)) => {
            format!("live drill: stopped, `{command}` failed{}", problem(facts))
        }
        (None, None) => {
            let said = facts.get("health").and_then(|health| health.get("problem"));
            let said = said.and_then(Value::as_str).unwrap_or("it was not asked");
            format!("live drill: did not lead back within {objective}: {said}")
        }
    }
}

/// How the last command ended.
fn problem(facts: &Map) -> String {
    let ran = facts.get("ran").and_then(Value::as_list);
    let Some(last) = ran.and_then(<[Value]>::last) else {
        return String::new();
    };
    match (
        last.get("problem"),
        last.get("exit_code"),
        last.get("signal"),
    ) {
        (Some(Value::String(problem)), _, _) => format!(": {problem}"),
        (_, Some(Value::Int(code)), _) => format!(" with exit code {code}"),
        (_, _, Some(Value::Int(signal))) => format!(" by signal {signal}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
