//! `jest --json`, which vitest's JSON reporter follows (jest 30, `FormattedTestResults`).

use chrono::DateTime;
use serde::Deserialize;

use crate::suites::tally::{End, Reading, Suite};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Results {
    num_total_tests: u64,
    num_passed_tests: u64,
    num_failed_tests: u64,
    num_pending_tests: u64,
    num_todo_tests: Option<u64>,
    num_runtime_error_test_suites: Option<u64>,
    success: bool,
    #[serde(default)]
    was_interrupted: bool,
    start_time: Option<f64>,
    test_results: Vec<File>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    name: String,
    status: String,
    #[serde(default)]
    message: String,
    assertion_results: Vec<Assertion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assertion {
    full_name: Option<String>,
    title: Option<String>,
    status: String,
    /// How often it was tried; more than once under `jest.retryTimes`.
    invocations: Option<u64>,
}

/// Reads the document. `within` is the folder that names of files are told from.
pub(super) fn read(text: &str, within: &str, reading: &mut Reading) {
    let results: Results = match serde_json::from_str(text) {
        Ok(results) => results,
        Err(error) => return super::not_json(&error, reading),
    };
    if let Some(at) = results.start_time.and_then(millis) {
        reading.seen_at(at);
    }
    if results.was_interrupted {
        reading.wrong("interrupted", 0, "the run was interrupted");
    }
    for file in &results.test_results {
        let suite = of_file(file, within, reading);
        reading.suites.push(suite);
    }
    counters(&results, reading);
}

fn millis(ms: f64) -> Option<DateTime<chrono::Utc>> {
    (ms.is_finite() && ms.abs() < 1e15)
        .then(|| DateTime::from_timestamp_millis(ms as i64))
        .flatten()
}

fn of_file(file: &File, within: &str, reading: &mut Reading) -> Suite {
    let name = file.name.strip_prefix(within).unwrap_or(&file.name);
    let mut suite = Suite::named(name.trim_start_matches('/'));
    for test in &file.assertion_results {
        let name = test.full_name.as_deref().or(test.title.as_deref());
        let name = name.unwrap_or_default();
        let end = match test.status.as_str() {
            "passed" => End::Passed,
            "failed" => End::Failed,
            "pending" | "skipped" | "todo" | "disabled" => End::Skipped,
            other => {
                let message = format!("`{name}` ended as `{other}`, which is not known here");
                reading.wrong("garbled", 0, message);
                End::Error
            }
        };
        suite.add(name, end);
        if end == End::Passed && test.invocations.is_some_and(|n| n > 1) {
            suite.flaky.push(name);
        }
    }
    if file.status == "failed" && suite.counts.bad() == 0 {
        // The file itself could not be run: a missing module, a wrong syntax, no test in it.
        let why = file
            .message
            .lines()
            .map(str::trim)
            .find(|l| !l.is_empty() && !l.starts_with('●'));
        suite.add(
            &format!("{}: {}", suite.name, why.unwrap_or("could not be run")),
            End::Error,
        );
    }
    suite
}

/// The document's own count must be that of its tests.
fn counters(results: &Results, reading: &mut Reading) {
    let statuses = || {
        results
            .test_results
            .iter()
            .flat_map(|f| &f.assertion_results)
            .map(|t| t.status.as_str())
    };
    let count = |of: &[&str]| statuses().filter(|s| of.contains(s)).count() as u64;
    let all = statuses().count() as u64;
    let due = [
        ("numTotalTests", results.num_total_tests, all),
        (
            "numPassedTests",
            results.num_passed_tests,
            count(&["passed"]),
        ),
        (
            "numFailedTests",
            results.num_failed_tests,
            count(&["failed"]),
        ),
        (
            "numPendingTests",
            results.num_pending_tests,
            count(&["pending", "skipped", "disabled"]),
        ),
        (
            "numTodoTests",
            results.num_todo_tests.unwrap_or_else(|| count(&["todo"])),
            count(&["todo"]),
        ),
    ];
    for (name, said, counted) in due {
        if said != counted {
            let message = format!("`{name}` says {said}, and {counted} are there");
            reading.wrong("counters", 0, message);
        }
    }
    let bad: u64 = reading.suites.iter().map(|s| s.counts.bad()).sum();
    let broken = results.num_runtime_error_test_suites.unwrap_or(0);
    if results.success && (bad > 0 || broken > 0) {
        reading.wrong("counters", 0, "`success` is true, and there are failures");
    }
    if !results.success && bad == 0 && !results.was_interrupted {
        reading.wrong("counters", 0, "`success` is false, and no failure is there");
    }
}
