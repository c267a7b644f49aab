//! `docs/coverage.md`: requirement → checks → faults → tests, from the cases. What a case claims and is not there is an
//! error.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde_json::Value as Json;

use super::{HEAD, cell, yaml};
use crate::tidy::{House, test_names};

/// One case, as its files say.
struct Case<'a> {
    name: &'a str,
    title: String,
    requirements: Vec<Requirement>,
    /// `gate/check`, in the plan's order.
    checks: Vec<String>,
    /// Fault names by the check whose work it is to notice.
    faults: BTreeMap<String, Vec<String>>,
}

struct Requirement {
    id: String,
    text: String,
    /// `gate/check`, or `gate` for all of a gate's checks.
    checks: Vec<String>,
    tests: Vec<String>,
}

pub(super) fn page(house: &House) -> Result<String> {
    let tests = test_names(house);
    let mut text = format!(
        "{HEAD}# Coverage\n\n\
         Which checks of a case's plan carry out a requirement, which planted faults show that they notice, and which tests hold it. \
         Made from `coverage.yaml`, `plan.yaml` and `faults.yaml` of each case; a check or test that is named there and does not exist \
         stops `cargo xtask gen`.\n"
    );
    for (path, source) in house.files() {
        let Some(name) = path
            .strip_prefix("cases/")
            .and_then(|p| p.strip_suffix("/coverage.yaml"))
        else {
            continue;
        };
        let case = case(house, name, source)?;
        let wrong = wrong(&case, &tests);
        if !wrong.is_empty() {
            bail!("{path}:\n  {}", wrong.join("\n  "));
        }
        text.push_str(&section(&case));
    }
    Ok(text)
}

fn case<'a>(house: &House, name: &'a str, coverage: &str) -> Result<Case<'a>> {
    let coverage = yaml::read(coverage)?;
    let file = |file: &str| {
        yaml::read(
            house
                .text(&format!("cases/{name}/{file}"))
                .unwrap_or_default(),
        )
    };
    let plan = file("plan.yaml")?;
    let mut checks = Vec::new();
    // `serde_json` may keep the order of keys or sort them; the page does not depend on it.
    for (gate, body) in plan["gates"].as_object().into_iter().flatten() {
        for check in list(&body["checks"]) {
            if let Some(id) = check["id"].as_str() {
                checks.push(format!("{gate}/{id}"));
            }
        }
    }
    if plan["subject"].is_object() {
        checks.extend(["subject/start".to_owned(), "subject/end".to_owned()]);
    }
    let mut faults: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for fault in list(&file("faults.yaml")?["faults"]) {
        let of = faults.entry(text(&fault["check"])).or_default();
        of.push(text(&fault["name"]));
    }
    let requirements = list(&coverage["requirements"]);
    Ok(Case {
        name,
        title: text(&coverage["title"]),
        requirements: requirements
            .iter()
            .map(|r| Requirement {
                id: text(&r["id"]),
                text: text(&r["text"]),
                checks: list(&r["checks"]).iter().map(text).collect(),
                tests: list(&r["tests"]).iter().map(text).collect(),
            })
            .collect(),
        checks,
        faults,
    })
}

fn list(value: &Json) -> &[Json] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().trim().to_owned()
}

/// Whether a claim means a check: the check itself, or its whole gate.
fn means(claim: &str, check: &str) -> bool {
    claim == check || check.split('/').next() == Some(claim)
}

/// What a case claims and is not there.
fn wrong(case: &Case<'_>, tests: &BTreeSet<&str>) -> Vec<String> {
    let mut found = Vec::new();
    let mut ids = BTreeSet::new();
    for requirement in &case.requirements {
        let id = &requirement.id;
        if !ids.insert(id) {
            found.push(format!("{id} stands there twice"));
        }
        for claim in &requirement.checks {
            if !case.checks.iter().any(|check| means(claim, check)) {
                found.push(format!("{id}: the plan has no gate or check {claim}"));
            }
        }
        for test in requirement
            .tests
            .iter()
            .filter(|t| !tests.contains(t.as_str()))
        {
            found.push(format!("{id}: no test is called {test}"));
        }
    }
    for (check, faults) in case
        .faults
        .iter()
        .filter(|(check, _)| !case.checks.contains(check))
    {
        found.push(format!(
            "the plan has no check {check}, which is to notice {}",
            faults.join(", ")
        ));
    }
    found
}

fn section(case: &Case<'_>) -> String {
    let mut text = format!("\n## {} (`cases/{}`)\n\n", case.title, case.name);
    let (covered, open): (Vec<_>, Vec<_>) = case
        .requirements
        .iter()
        .partition(|r| !r.checks.is_empty() || !r.tests.is_empty());
    text.push_str("| requirement | gate/check | caught fault | test |\n|---|---|---|---|\n");
    for requirement in &covered {
        let faults = case
            .faults
            .iter()
            .filter(|(check, _)| requirement.checks.iter().any(|claim| means(claim, check)));
        let faults: Vec<String> = faults
            .flat_map(|(_, names)| names)
            .map(|n| format!("`{n}`"))
            .collect();
        let row = format!(
            "| **{}** {} | {} | {} | {} |\n",
            requirement.id,
            cell(&requirement.text),
            quoted(&requirement.checks),
            faults.join("<br>"),
            quoted(&requirement.tests),
        );
        text.push_str(&row);
    }
    if !open.is_empty() {
        text.push_str("\nNot covered:\n\n");
        for requirement in open {
            text.push_str(&format!("- **{}** {}\n", requirement.id, requirement.text));
        }
    }
    let claimed = |check: &&String| {
        case.requirements
            .iter()
            .any(|r| r.checks.iter().any(|claim| means(claim, check)))
    };
    let beyond: Vec<String> = case
        .checks
        .iter()
        .filter(|c| !claimed(c))
        .map(|c| format!("`{c}`"))
        .collect();
    if !beyond.is_empty() {
        text.push_str(&format!(
            "\nChecks beyond the requirements: {}.\n",
            beyond.join(", ")
        ));
    }
    text
}

fn quoted(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    words.join("<br>")
}
