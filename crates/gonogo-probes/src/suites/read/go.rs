//! `go test -json`: one event to a line (`go doc test2json`, Go 1.24). Subtests are counted, what holds them is not.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::suites::tally::{End, Reading, Suite};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    time: Option<DateTime<Utc>>,
    action: String,
    package: Option<String>,
    import_path: Option<String>,
    test: Option<String>,
    output: Option<String>,
}

#[derive(Default)]
struct Package {
    end: Option<String>,
    has_begun: bool,
    has_no_files: bool,
    tests: BTreeMap<String, Option<End>>,
}

/// Reads the lines.
pub(super) fn read(text: &str, reading: &mut Reading) {
    let mut packages: BTreeMap<String, Package> = BTreeMap::new();
    let mut unbuilt: BTreeSet<String> = BTreeSet::new();
    let mut last = 0;
    for (i, text) in text.lines().enumerate() {
        last = i + 1;
        if text.trim().is_empty() {
            continue;
        }
        let event: Event = match serde_json::from_str(text) {
            Ok(event) => event,
            Err(error) => {
                // `FAIL example.org/shop [build failed]` is what Go before 1.24 prints between the events.
                if let Some(rest) = text.strip_prefix("FAIL\t").or(text.strip_prefix("FAIL ")) {
                    unbuilt.insert(rest.split_whitespace().next().unwrap_or(rest).to_owned());
                    continue;
                }
                if text.starts_with("# ") || !text.starts_with('{') {
                    continue;
                }
                return reading.wrong(
                    "garbled",
                    last,
                    format!("this is no event of Go's: {error}"),
                );
            }
        };
        if let Some(at) = event.time {
            reading.seen_at(at);
        }
        note(event, &mut packages, &mut unbuilt);
    }
    if packages.is_empty() && unbuilt.is_empty() {
        reading.wrong("no-count", last, "there is no package in it");
    }
    for (name, package) in packages {
        of_package(&name, package, last, reading);
    }
    for name in unbuilt {
        if !reading
            .suites
            .iter()
            .any(|s| s.name == name && s.counts.bad() > 0)
        {
            let mut suite = Suite::named(&name);
            suite.add(&format!("{name}: the build failed"), End::Error);
            reading.suites.push(suite);
        }
    }
}

fn note(event: Event, packages: &mut BTreeMap<String, Package>, unbuilt: &mut BTreeSet<String>) {
    let Some(name) = event.package else {
        if event.action == "build-fail" {
            // `example.org/shop [example.org/shop.test]`
            let path = event.import_path.unwrap_or_default();
            unbuilt.insert(path.split(' ').next().unwrap_or_default().to_owned());
        }
        return;
    };
    let package = packages.entry(name).or_default();
    package.has_begun = true;
    let Some(test) = event.test else {
        match event.action.as_str() {
            "pass" | "fail" | "skip" => package.end = Some(event.action),
            "output" => {
                package.has_no_files |= event.output.is_some_and(|o| o.contains("[no test files]"));
            }
            _ => {}
        }
        return;
    };
    let end = match event.action.as_str() {
        "pass" => Some(End::Passed),
        "fail" => Some(End::Failed),
        "skip" => Some(End::Skipped),
        "run" => None,
        _ => return,
    };
    let known = package.tests.entry(test).or_default();
    if end.is_some() {
        *known = end;
    }
}

fn of_package(name: &str, package: Package, last: usize, reading: &mut Reading) {
    let Some(end) = package.end else {
        let message = format!("the package `{name}` has no end");
        reading.wrong("breaks-off", last, message);
        return;
    };
    if package.tests.is_empty() && (end == "skip" || package.has_no_files) {
        return reading.untested.push(name);
    }
    let mut suite = Suite::named(name);
    let names: Vec<&String> = package.tests.keys().collect();
    for (test, ended) in &package.tests {
        let below = format!("{test}/");
        let mut subtests = names.iter().filter(|n| n.starts_with(&below)).peekable();
        let holds = subtests.peek().is_some();
        let bad_below =
            subtests.any(|n| !matches!(package.tests[*n], Some(End::Passed | End::Skipped)));
        // A test that did not end: its program died in it.
        let ended = ended.unwrap_or(End::Error);
        let is_bad = matches!(ended, End::Failed | End::Error);
        if holds && !(is_bad && !bad_below) {
            continue;
        }
        suite.add(test, ended);
    }
    if end == "fail" && suite.counts.bad() == 0 {
        suite.add(
            &format!("{name}: the package failed outside of its tests"),
            End::Error,
        );
    }
    if end != "fail" && suite.counts.bad() > 0 {
        let message = format!("the package `{name}` passed, and tests of it failed");
        reading.wrong("counters", last, message);
    }
    reading.suites.push(suite);
}
