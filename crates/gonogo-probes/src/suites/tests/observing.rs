//! The probe over real files and programs.

use std::path::Path;
use std::time::{Duration, SystemTime};

use gonogo_core::Value;
use gonogo_core::plan::Syntax as _;
use gonogo_core::record::{Cause, NotObserved, Power};
use serde_json::{Value as Json, json};

use crate::bench::look_in;
use crate::probe::Seen;
use crate::suites::Suites;

const PASSED: &str = include_str!("../fixtures/nextest-passed.xml");
const FAILED: &str = include_str!("../fixtures/nextest-failed.xml");

/// Children of one process are looked at as a whole, so tests that run programs take turns.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// One text or a list of them is always a list once a plan is decoded.
fn decoded(mut tests: Json) -> Json {
    for key in ["collect", "may_be_empty"] {
        if let Some(one) = tests.get(key).filter(|v| v.is_string()).cloned() {
            tests[key] = json!([one]);
        }
    }
    tests
}

async fn observe(folder: &Path, tests: Json) -> Result<Seen, NotObserved> {
    let tests = decoded(tests);
    let options = json!({"tests": tests});
    look_in(folder, &Suites, options, Duration::from_secs(20)).await
}

fn int(seen: &Seen, fact: &str) -> i64 {
    match &seen.facts[fact] {
        Value::Int(n) => *n,
        other => panic!("{fact} is {other:?}"),
    }
}

fn texts(seen: &Seen, fact: &str) -> Vec<String> {
    let Value::List(items) = &seen.facts[fact] else {
        panic!("{fact} is no list")
    };
    items
        .iter()
        .map(|i| i.as_str().unwrap().to_owned())
        .collect()
}

fn rules(seen: &Seen) -> Vec<String> {
    let Value::List(problems) = &seen.facts["problems"] else {
        panic!("no list")
    };
    problems
        .iter()
        .map(|p| p.get("rule").unwrap().as_str().unwrap().to_owned())
        .collect()
}

fn is_cut(seen: &Seen, fact: &str) -> bool {
    seen.cut.iter().any(|c| c.fact == fact)
}

#[tokio::test]
async fn documents_of_three_ecosystems_are_one_count() {
    let folder = folder(&[
        ("target/junit.xml", PASSED),
        (
            "api/pytest.xml",
            include_str!("../fixtures/pytest-passed.xml"),
        ),
        (
            "web/jest.json",
            include_str!("../fixtures/jest-passed.json"),
        ),
    ]);
    let seen = observe(
        folder.path(),
        json!({"collect": ["**/*.xml", "web/jest.json"]}),
    )
    .await
    .unwrap();
    assert_eq!(rules(&seen), [""; 0]);
    assert_eq!(
        ["total", "passed", "failed", "skipped"].map(|f| int(&seen, f)),
        [14, 10, 0, 4]
    );
    assert_eq!(seen.facts["valid"], true.into());
    assert!(
        seen.absent.is_empty() && seen.cut.is_empty(),
        "{:?} {:?}",
        seen.absent,
        seen.cut
    );
    assert!(!seen.facts.contains_key("findings"));
    assert!(seen.facts.contains_key("age"));
}

#[tokio::test]
async fn a_suite_that_ran_nothing_is_named_and_proves_nothing() {
    let empty = include_str!("../fixtures/pytest-nothing.xml");
    let folder = folder(&[("a.xml", PASSED), ("b.xml", empty)]);
    let seen = observe(folder.path(), json!({"collect": "*.xml"}))
        .await
        .unwrap();
    assert_eq!(texts(&seen, "empty"), ["pytest"]);
    assert_eq!(seen.absent[0].fact, "empty");
    let seen = observe(
        folder.path(),
        json!({"collect": "*.xml", "may_be_empty": "py*"}),
    )
    .await
    .unwrap();
    assert!(texts(&seen, "empty").is_empty() && seen.absent.is_empty());
}

#[tokio::test]
async fn a_file_that_is_not_there_is_no_observation() {
    let folder = folder(&[("a.xml", PASSED)]);
    for collect in [json!("b.xml"), json!(["a.xml", "**/*.json"])] {
        let gap = observe(folder.path(), json!({"collect": collect}))
            .await
            .unwrap_err();
        assert_eq!(gap.cause, Cause::Missing, "{}", gap.message);
        assert!(gap.help.is_some());
    }
    let gap = observe(folder.path(), json!({"collect": "../a.xml"}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Forbidden);
}

#[tokio::test]
async fn what_breaks_off_makes_every_count_doubtful_and_a_failure_in_it_stays() {
    let folder = folder(&[
        ("cut.xml", &PASSED[..PASSED.len() - 40]),
        ("bad.xml", &FAILED[..FAILED.len() - 40]),
    ]);
    let seen = observe(folder.path(), json!({"collect": "cut.xml"}))
        .await
        .unwrap();
    assert_eq!(rules(&seen), ["breaks-off"]);
    assert!(
        ["total", "failed", "errors", "suites"]
            .iter()
            .all(|f| is_cut(&seen, f)),
        "{:?}",
        seen.cut
    );
    assert_eq!(seen.absent[0].fact, "problems");
    let seen = observe(folder.path(), json!({"collect": "bad.xml"}))
        .await
        .unwrap();
    assert!(is_cut(&seen, "total") && !is_cut(&seen, "failed"));
    assert_eq!(int(&seen, "failed"), 1);
}

#[tokio::test]
async fn an_old_document_and_one_from_the_future_are_told() {
    let folder = folder(&[("a.xml", PASSED)]);
    // By its own time, though the file was written just now.
    let seen = observe(
        folder.path(),
        json!({"collect": "a.xml", "fresh_for": "1ms"}),
    )
    .await
    .unwrap();
    assert_eq!(rules(&seen), ["stale"]);
    let old = include_str!("../fixtures/pytest-passed.xml");
    std::fs::write(folder.path().join("b.xml"), old).unwrap();
    let at = |path: &str, time: SystemTime| {
        let file = std::fs::File::options()
            .write(true)
            .open(folder.path().join(path))
            .unwrap();
        file.set_modified(time).unwrap();
    };
    let day = Duration::from_hours(24);
    let seen = observe(
        folder.path(),
        json!({"collect": "b.xml", "fresh_for": "1h"}),
    )
    .await
    .unwrap();
    assert_eq!(rules(&seen), [""; 0]);
    at("b.xml", SystemTime::now() - day);
    let seen = observe(
        folder.path(),
        json!({"collect": "b.xml", "fresh_for": "1h"}),
    )
    .await
    .unwrap();
    assert_eq!(rules(&seen), ["stale"]);
    at("b.xml", SystemTime::now() + day);
    let seen = observe(
        folder.path(),
        json!({"collect": "b.xml", "fresh_for": "1h"}),
    )
    .await
    .unwrap();
    assert_eq!(rules(&seen), ["future"]);
    assert!(!seen.facts.contains_key("age") && is_cut(&seen, "failed"));
}

#[tokio::test]
async fn a_program_that_is_run_is_counted_by_what_it_prints() {
    let _turn = ALONE.lock().await;
    let folder = folder(&[(
        "out.tap",
        "TAP version 13\nok 1 - a\nok 2 - b # SKIP no\n1..2\n",
    )]);
    let seen = observe(folder.path(), json!({"run": ["cat", "out.tap"]}))
        .await
        .unwrap();
    assert_eq!(
        ["total", "passed", "skipped", "exit_code"].map(|f| int(&seen, f)),
        [2, 1, 1, 0]
    );
    assert_eq!(rules(&seen), [""; 0]);
    assert!(seen.facts.contains_key("latency") && !seen.facts.contains_key("age"));
}

#[tokio::test]
async fn an_end_that_contradicts_the_count_is_told() {
    let _turn = ALONE.lock().await;
    let folder = folder(&[
        ("good.tap", "1..1\nok 1\n"),
        ("bad.tap", "1..1\nnot ok 1\n"),
    ]);
    let told = |script: &str| json!({"run": ["sh", "-c", script]});
    let seen = observe(folder.path(), told("cat good.tap; exit 3"))
        .await
        .unwrap();
    assert_eq!(rules(&seen), ["exit-code"]);
    assert!(is_cut(&seen, "failed"));
    let seen = observe(folder.path(), told("cat bad.tap; exit 0"))
        .await
        .unwrap();
    assert_eq!(
        (rules(&seen), int(&seen, "failed")),
        (vec!["exit-code".to_owned()], 1)
    );
    assert!(!is_cut(&seen, "failed"));
    let seen = observe(folder.path(), told("cat bad.tap; exit 1"))
        .await
        .unwrap();
    assert_eq!((rules(&seen), int(&seen, "failed")), (Vec::new(), 1));
    let seen = observe(folder.path(), told("cat good.tap; kill -9 $$"))
        .await
        .unwrap();
    assert_eq!(rules(&seen), ["killed"]);
    assert_eq!(int(&seen, "signal"), 9);
    assert!(is_cut(&seen, "failed"));
    let seen = observe(folder.path(), told("echo no tests here >&2"))
        .await
        .unwrap();
    assert_eq!(rules(&seen), ["no-format"]);
}

#[tokio::test]
async fn documents_beside_a_run_must_be_written_by_it() {
    let _turn = ALONE.lock().await;
    let folder = folder(&[("new.xml", PASSED), ("old.xml", PASSED)]);
    let seen = observe(
        folder.path(),
        json!({"run": ["cp", "new.xml", "out.xml"], "collect": "out.xml"}),
    )
    .await
    .unwrap();
    assert_eq!((rules(&seen), int(&seen, "passed")), (Vec::new(), 3));
    let seen = observe(
        folder.path(),
        json!({"run": ["true"], "collect": "old.xml"}),
    )
    .await
    .unwrap();
    assert_eq!(rules(&seen), ["stale"]);
    assert!(is_cut(&seen, "failed"));
    let gap = observe(
        folder.path(),
        json!({"run": ["true"], "collect": "never.xml"}),
    )
    .await
    .unwrap_err();
    assert_eq!(gap.cause, Cause::Missing);
}

#[tokio::test]
async fn a_scan_is_counted_apart_and_is_no_suite() {
    let folder = folder(&[(
        "clean.sarif",
        include_str!("../fixtures/eslint-clean.sarif"),
    )]);
    let seen = observe(folder.path(), json!({"collect": "clean.sarif"}))
        .await
        .unwrap();
    assert!(!seen.facts.contains_key("total") && seen.absent.is_empty());
    assert_eq!(seen.facts["findings"].get("error"), Some(&0i64.into()));
}

#[test]
fn only_a_run_needs_the_power_to_execute_and_options_that_say_nothing_are_told() {
    let power = |tests: Json| Suites.power(&json!({"tests": tests}), false, false);
    assert_eq!(power(json!({"collect": ["a"]})), None);
    assert_eq!(
        power(json!({"run": ["a"], "collect": []})),
        Some(Power::Exec)
    );
    let problems = |tests: Json| Suites.lint(&json!({"tests": tests})).len();
    assert_eq!(problems(json!({"collect": ["a.xml"]})), 0);
    assert_eq!(problems(json!({})), 1);
    assert_eq!(problems(json!({"collect": ["../a.xml"]})), 1);
    assert_eq!(problems(json!({"collect": ["a.xml"], "cwd": "x"})), 1);
    assert_eq!(
        problems(json!({"run": ["a"], "cwd": "/x", "fresh_for": "1d"})),
        2
    );
}
