//! The JSON lines of Rust's libtest (`--format json`, unstable) and of cargo-nextest (`--message-format libtest-json`).
//! nextest writes no line for the end of an ignored test and repeats suites, so tests are counted by their names.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::suites::tally::{End, Reading, Suite};

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    event: String,
    name: Option<String>,
    ignored: Option<u64>,
    filtered_out: Option<u64>,
}

#[derive(Default)]
struct Seen {
    end: Option<End>,
    attempts: u64,
    has_failed: bool,
}

/// Reads the lines.
pub(super) fn read(text: &str, reading: &mut Reading) {
    let mut tests: BTreeMap<String, Seen> = BTreeMap::new();
    let (mut started, mut ended, mut ignored) = (0u64, 0u64, 0u64);
    let mut last = 0;
    for (i, text) in text.lines().enumerate() {
        last = i + 1;
        if text.trim().is_empty() {
            continue;
        }
        let line: Line = match serde_json::from_str(text) {
            Ok(line) => line,
            Err(error) => {
                return reading.wrong(
                    "garbled",
                    last,
                    format!("this is no line of libtest's JSON: {error}"),
                );
            }
        };
        match (line.kind.as_str(), line.event.as_str()) {
            ("suite", "started") => started += 1,
            ("suite", _) => {
                ended += 1;
                ignored = ignored.saturating_add(line.ignored.unwrap_or(0));
                reading.filtered = reading
                    .filtered
                    .saturating_add(line.filtered_out.unwrap_or(0));
            }
            ("test" | "bench", event) => test(event, line.name, &mut tests),
            _ => {}
        }
    }
    if started == 0 || started != ended {
        let message = format!("{started} suites began and {ended} ended");
        reading.wrong("breaks-off", last, message);
    }
    let unended = tests.values().filter(|t| t.end.is_none()).count() as u64;
    if unended > ignored {
        let message = format!("{unended} tests have no end, and {ignored} are said to be ignored");
        reading.wrong("breaks-off", last, message);
    }
    reading.suites.extend(suites(&tests));
}

fn test(event: &str, name: Option<String>, tests: &mut BTreeMap<String, Seen>) {
    let Some(name) = name else {
        return;
    };
    // nextest's later attempts: `orders$late#2`.
    let (name, attempt) = match name.rsplit_once('#') {
        Some((name, n)) if n.parse::<u64>().is_ok() => (name.to_owned(), n.parse().unwrap_or(1)),
        _ => (name, 1),
    };
    let seen = tests.entry(name).or_default();
    seen.attempts = seen.attempts.max(attempt);
    seen.end = match event {
        "ok" => Some(End::Passed),
        "failed" => Some(End::Failed),
        "timeout" => Some(End::Error),
        "ignored" => Some(End::Skipped),
        _ => seen.end,
    };
    seen.has_failed |= matches!(seen.end, Some(End::Failed | End::Error));
}

/// By the program that nextest names before the `$`.
fn suites(tests: &BTreeMap<String, Seen>) -> Vec<Suite> {
    let mut suites: BTreeMap<&str, Suite> = BTreeMap::new();
    for (name, seen) in tests {
        let (of, test) = name.split_once('$').unwrap_or(("libtest", name));
        let suite = suites.entry(of).or_insert_with(|| Suite::named(of));
        let end = seen.end.unwrap_or(End::Skipped);
        suite.add(test, end);
        if end == End::Passed && (seen.attempts > 1 || seen.has_failed) {
            suite.flaky.push(test);
        }
    }
    suites.into_values().collect()
}
