//! Each format, from what the real programs wrote (see `fixtures/README.md`).

use crate::suites::read::{Format, detect, read};
use crate::suites::tally::Reading;

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../fixtures/", $name))
    };
}

fn reading(format: Format, text: &str) -> Reading {
    assert_eq!(
        detect(text),
        Some(format),
        "{}",
        &text[..text.len().min(80)]
    );
    read(format, text, "", "/build/jest")
}

/// Passed, failed, errors, skipped of all suites.
fn counts(reading: &Reading) -> [u64; 4] {
    let all = reading.suites.iter().map(|s| s.counts);
    all.fold([0; 4], |sum, c| {
        [
            sum[0] + c.passed,
            sum[1] + c.failed,
            sum[2] + c.errors,
            sum[3] + c.skipped,
        ]
    })
}

fn rules(reading: &Reading) -> Vec<&'static str> {
    reading.wrong.iter().map(|w| w.rule).collect()
}

fn names(reading: &Reading) -> Vec<&str> {
    reading.suites.iter().map(|s| s.name.as_str()).collect()
}

fn failed(reading: &Reading) -> Vec<&str> {
    reading
        .suites
        .iter()
        .flat_map(|s| &s.failed.kept)
        .map(String::as_str)
        .collect()
}

fn skipped(reading: &Reading) -> Vec<&str> {
    reading
        .suites
        .iter()
        .flat_map(|s| &s.skipped.kept)
        .map(String::as_str)
        .collect()
}

fn fine(reading: &Reading) {
    assert_eq!(reading.wrong, Vec::new());
}

#[test]
fn cargo_test_is_counted_by_its_programs_and_doc_tests() {
    let seen = reading(Format::Cargo, recorded!("cargo-merged.txt"));
    fine(&seen);
    assert_eq!(counts(&seen), [4, 0, 0, 1]);
    assert_eq!(
        names(&seen),
        [
            "unittests src/lib.rs",
            "tests/orders.rs",
            "doc tests of shop"
        ]
    );
    assert_eq!(seen.untested.kept, ["unittests src/main.rs"]);
    assert_eq!(skipped(&seen), ["tests::the_warehouse_answers"]);
}

#[test]
fn cargos_output_and_its_names_are_put_together_where_they_come_apart() {
    let text = recorded!("cargo-passed.txt");
    let seen = read(
        Format::Cargo,
        text,
        recorded!("cargo-passed-stderr.txt"),
        "",
    );
    fine(&seen);
    assert_eq!(
        names(&seen),
        [
            "unittests src/lib.rs",
            "tests/orders.rs",
            "doc tests of shop"
        ]
    );
    // A program that was started and printed no count.
    let beside = format!(
        "{}     Running tests/more.rs (target/more)\n",
        recorded!("cargo-passed-stderr.txt")
    );
    assert_eq!(rules(&read(Format::Cargo, text, &beside, "")), ["no-count"]);
}

#[test]
fn a_failure_of_cargo_test_has_its_name_and_a_filter_is_told() {
    let seen = reading(Format::Cargo, recorded!("cargo-failed.txt"));
    fine(&seen);
    assert_eq!(counts(&seen), [3, 1, 0, 1]);
    assert_eq!(failed(&seen), ["prices_are_summed"]);
    let seen = reading(Format::Cargo, recorded!("cargo-filtered.txt"));
    assert_eq!((counts(&seen), seen.filtered), ([1, 0, 0, 0], 1));
}

#[test]
fn a_filter_that_fits_nothing_leaves_suites_that_ran_nothing() {
    let seen = reading(Format::Cargo, recorded!("cargo-nothing.txt"));
    fine(&seen);
    assert_eq!((counts(&seen), seen.filtered), ([0; 4], 4));
    assert_eq!(names(&seen), ["unittests src/lib.rs", "tests/orders.rs"]);
}

#[test]
fn a_program_of_cargo_test_that_died_is_told() {
    let seen = reading(Format::Cargo, recorded!("cargo-aborted.txt"));
    assert_eq!(rules(&seen), ["breaks-off"]);
    assert!(
        seen.wrong[0].message.contains("announced 2 tests"),
        "{:?}",
        seen.wrong
    );
}

#[test]
fn a_count_of_cargo_test_that_does_not_add_up_is_told() {
    let text = recorded!("cargo-merged.txt").replace("ok. 2 passed", "ok. 20 passed");
    assert_eq!(rules(&reading(Format::Cargo, &text)), ["counters"]);
    let text = recorded!("cargo-failed.txt").replace("FAILED. 1 passed", "ok. 1 passed");
    assert_eq!(rules(&reading(Format::Cargo, &text)), ["counters"]);
}

#[test]
fn nextests_junit_is_read_with_its_retries() {
    let seen = reading(Format::Junit, recorded!("nextest-passed.xml"));
    fine(&seen);
    assert_eq!(counts(&seen), [3, 0, 0, 0]);
    assert!(seen.made_at.is_some());
    let seen = reading(Format::Junit, recorded!("nextest-failed.xml"));
    fine(&seen);
    assert_eq!(
        (counts(&seen), failed(&seen)),
        ([2, 1, 0, 0], vec!["shop::orders prices_are_summed"])
    );
    let seen = reading(Format::Junit, recorded!("nextest-flaky.xml"));
    fine(&seen);
    assert_eq!(counts(&seen), [4, 0, 0, 0]);
    assert_eq!(
        seen.suites[0].flaky.kept,
        ["shop::orders it_is_sometimes_late"]
    );
}

#[test]
fn libtests_json_of_nextest_counts_each_test_once() {
    let seen = reading(Format::Libtest, recorded!("nextest-libtest.jsonl"));
    fine(&seen);
    assert_eq!(
        (counts(&seen), names(&seen)),
        ([3, 0, 0, 1], vec!["shop::orders", "shop::shop"])
    );
    let seen = reading(Format::Libtest, recorded!("nextest-libtest-failed.jsonl"));
    fine(&seen);
    assert_eq!(
        (counts(&seen), failed(&seen)),
        ([2, 1, 0, 1], vec!["prices_are_summed"])
    );
    let text = recorded!("nextest-libtest.jsonl");
    let cut = &text[..text.trim_end().rfind('\n').unwrap()];
    assert!(rules(&read(Format::Libtest, cut, "", "")).contains(&"breaks-off"));
}

#[test]
fn pytests_junit_tells_skips_expected_failures_and_broken_fixtures() {
    let seen = reading(Format::Junit, recorded!("pytest-passed.xml"));
    fine(&seen);
    assert_eq!(counts(&seen), [5, 0, 0, 2]);
    let seen = reading(Format::Junit, recorded!("pytest-failed.xml"));
    fine(&seen);
    assert_eq!(counts(&seen), [5, 1, 2, 2]);
    let seen = reading(Format::Junit, recorded!("pytest-collection.xml"));
    fine(&seen);
    assert_eq!(counts(&seen), [0, 0, 1, 0]);
    let seen = reading(Format::Junit, recorded!("pytest-nothing.xml"));
    fine(&seen);
    assert_eq!((counts(&seen), seen.suites.len()), ([0; 4], 1));
}

#[test]
fn what_pytest_prints_is_counted_by_its_last_line() {
    for (text, due) in [
        (recorded!("pytest-passed.txt"), [5, 0, 0, 2]),
        (recorded!("pytest-quiet.txt"), [5, 0, 0, 2]),
        (recorded!("pytest-failed.txt"), [6, 1, 2, 2]),
        (recorded!("pytest-collection.txt"), [0, 0, 1, 0]),
        (recorded!("pytest-nothing.txt"), [0; 4]),
    ] {
        let seen = reading(Format::Pytest, text);
        fine(&seen);
        assert_eq!(counts(&seen), due, "{text}");
    }
    let seen = reading(Format::Pytest, recorded!("pytest-failed.txt"));
    let due = [
        "test_bad.py::test_fails",
        "test_bad.py::test_errors",
        "test_bad.py::test_teardown",
    ];
    assert_eq!(failed(&seen), due);
    let seen = reading(Format::Pytest, recorded!("pytest-deselected.txt"));
    assert_eq!((counts(&seen), seen.filtered), ([1, 0, 0, 0], 6));
}

#[test]
fn output_of_pytest_without_its_last_line_breaks_off() {
    let text = recorded!("pytest-passed.txt");
    let cut = &text[..text.rfind("====").unwrap() - 90];
    assert_eq!(rules(&reading(Format::Pytest, cut)), ["breaks-off"]);
    // A line that a test prints is no last line.
    let told = format!("{cut}\n99 passed in 0.01s\n");
    let seen = reading(Format::Pytest, &told);
    assert_eq!((rules(&seen), counts(&seen)), (vec!["breaks-off"], [0; 4]));
}

#[test]
fn jests_json_tells_skips_todos_and_files_that_do_not_load() {
    let seen = reading(Format::Jest, recorded!("jest-passed.json"));
    fine(&seen);
    assert_eq!(
        (counts(&seen), names(&seen)),
        ([2, 0, 0, 2], vec!["good/shop.test.js"])
    );
    assert_eq!(
        skipped(&seen),
        ["orders reach the warehouse", "orders are paid"]
    );
    let seen = reading(Format::Jest, recorded!("jest-failed.json"));
    fine(&seen);
    assert_eq!(counts(&seen), [1, 1, 1, 0]);
    let seen = reading(Format::Jest, recorded!("jest-empty.json"));
    fine(&seen);
    assert_eq!(counts(&seen), [0, 0, 1, 0]);
    // A filter that fits nothing: all are pending.
    let seen = reading(Format::Jest, recorded!("jest-filtered.json"));
    fine(&seen);
    assert_eq!(counts(&seen), [0, 0, 0, 4]);
    let seen = reading(Format::Jest, recorded!("jest-nothing.json"));
    assert_eq!((counts(&seen), seen.suites.len()), ([0; 4], 1));
}

#[test]
fn jests_count_must_be_that_of_its_tests() {
    let text =
        recorded!("jest-passed.json").replace("\"numPassedTests\": 2", "\"numPassedTests\": 27");
    assert_eq!(rules(&reading(Format::Jest, &text)), ["counters"]);
    let text = recorded!("jest-failed.json").replace("\"success\": false", "\"success\": true");
    assert_eq!(rules(&reading(Format::Jest, &text)), ["counters"]);
}

#[test]
fn jest_junit_shows_a_todo_as_a_passed_case_and_does_not_count_it_which_is_told() {
    let seen = reading(Format::Junit, recorded!("jest-junit-passed.xml"));
    assert_eq!(rules(&seen), ["counters", "counters"]);
    let seen = reading(Format::Junit, recorded!("jest-junit-failed.xml"));
    assert_eq!(counts(&seen), [1, 2, 1, 0]);
}

#[test]
fn nodes_tap_counts_leaves_and_takes_a_todo_for_no_failure() {
    let seen = reading(Format::Tap, recorded!("node-passed.tap"));
    fine(&seen);
    assert_eq!(
        (counts(&seen), skipped(&seen)),
        ([3, 0, 0, 2], vec!["reach the warehouse", "are paid"])
    );
    let seen = reading(Format::Tap, recorded!("node-failed.tap"));
    fine(&seen);
    assert_eq!(
        (counts(&seen), failed(&seen)),
        ([3, 1, 0, 2], vec!["a bad leaf"])
    );
    let seen = reading(Format::Junit, recorded!("node-passed.xml"));
    fine(&seen);
    assert_eq!(counts(&seen), [3, 0, 0, 2]);
}

#[test]
fn perls_tap_is_held_against_its_plan() {
    let seen = reading(Format::Tap, recorded!("perl-passed.tap"));
    fine(&seen);
    assert_eq!(counts(&seen), [1, 0, 0, 2]);
    let seen = reading(Format::Tap, recorded!("perl-short.tap"));
    assert_eq!(
        (rules(&seen), counts(&seen)),
        (vec!["breaks-off"], [1, 1, 0, 0])
    );
    let seen = reading(Format::Tap, recorded!("perl-skipall.tap"));
    fine(&seen);
    assert_eq!(
        (counts(&seen), skipped(&seen)),
        ([0; 4], vec!["SKIP no warehouse"])
    );
    let seen = reading(Format::Tap, recorded!("perl-bail.tap"));
    assert_eq!(rules(&seen), ["bailed-out", "no-plan"]);
}

#[test]
fn a_group_of_tap_without_a_test_is_skipped_and_one_that_fails_by_itself_is_a_failure() {
    let seen = reading(
        Format::Tap,
        "TAP version 14\n    1..0\nok 1 - nothing in it\n1..1\n",
    );
    fine(&seen);
    assert_eq!(counts(&seen), [0, 0, 0, 1]);
    let seen = reading(
        Format::Tap,
        "TAP version 14\n    ok 1 - a\n    1..1\nnot ok 1 - its hook broke\n1..1\n",
    );
    fine(&seen);
    assert_eq!(
        (counts(&seen), failed(&seen)),
        ([1, 1, 0, 0], vec!["its hook broke"])
    );
}

#[test]
fn eslints_sarif_is_counted_by_level_and_what_was_disabled_is_named() {
    let seen = reading(Format::Sarif, recorded!("eslint-found.sarif"));
    fine(&seen);
    let [scan] = &seen.scans[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(scan.tool, "ESLint");
    assert_eq!(scan.error + scan.warning, scan.found.kept.len() as u64);
    assert!(
        scan.found
            .kept
            .iter()
            .any(|f| f.starts_with("no-debugger ")),
        "{scan:?}"
    );
    assert_eq!(scan.suppressed.kept.len(), 1, "{scan:?}");
    // A scan that found nothing is a whole one.
    let seen = reading(Format::Sarif, recorded!("eslint-clean.sarif"));
    fine(&seen);
    assert_eq!((seen.scans.len(), seen.scans[0].error), (1, 0));
}

fn sarif(run: &str) -> Reading {
    let text = format!("{{\"version\": \"2.1.0\", \"runs\": [{run}]}}");
    reading(Format::Sarif, &text)
}

#[test]
fn a_scanner_that_did_not_get_as_far_as_scanning_found_nothing_and_proves_nothing() {
    let tool = "\"tool\": {\"driver\": {\"name\": \"s\"}}";
    assert_eq!(rules(&sarif(&format!("{{{tool}}}"))), ["no-count"]);
    assert_eq!(
        rules(&sarif(&format!("{{{tool}, \"results\": null}}"))),
        ["no-count"]
    );
    let failed = format!(
        "{{{tool}, \"results\": [], \"invocations\": [{{\"executionSuccessful\": false}}]}}"
    );
    assert_eq!(rules(&sarif(&failed)), ["interrupted"]);
    assert_eq!(
        rules(&reading(
            Format::Sarif,
            "{\"version\": \"2.1.0\", \"runs\": []}"
        )),
        ["no-count"]
    );
    assert_eq!(
        rules(&reading(
            Format::Sarif,
            "{\"version\": \"1.0.0\", \"runs\": []}"
        )),
        ["version"]
    );
}

#[test]
fn a_finding_has_the_level_of_its_rule_where_it_has_none_and_is_suppressed_only_if_nobody_objects()
{
    let run = r#"{"tool": {"driver": {"name": "s", "rules": [
        {"id": "a", "defaultConfiguration": {"level": "error"}}, {"id": "b"}]}},
      "results": [
        {"ruleId": "a"}, {"ruleIndex": 1}, {"ruleId": "a", "kind": "pass"}, {"ruleId": "a", "level": "note"},
        {"ruleId": "a", "baselineState": "absent"},
        {"ruleId": "a", "suppressions": [{"kind": "inSource"}]},
        {"ruleId": "a", "suppressions": [{"kind": "external", "status": "accepted"}, {"kind": "external", "status": "underReview"}]}
      ]}"#;
    let seen = sarif(run);
    fine(&seen);
    let scan = &seen.scans[0];
    assert_eq!(
        [scan.error, scan.warning, scan.note, scan.none],
        [2, 1, 1, 1]
    );
    assert_eq!(
        (&scan.found.kept[..], &scan.suppressed.kept[..]),
        (
            &["a", "b", "a"].map(str::to_owned)[..],
            &["a".to_owned()][..]
        )
    );
}

#[test]
fn gos_events_written_after_its_documentation_are_counted_by_package() {
    let text = r#"{"Time":"2026-11-26T06:00:00Z","Action":"start","Package":"example.org/shop"}
{"Time":"2026-11-26T06:00:00Z","Action":"run","Package":"example.org/shop","Test":"TestPrices"}
{"Time":"2026-11-26T06:00:00Z","Action":"run","Package":"example.org/shop","Test":"TestPrices/summed"}
{"Time":"2026-11-26T06:00:00Z","Action":"output","Package":"example.org/shop","Test":"TestPrices/summed","Output":"    --- FAIL: TestPrices/summed\n"}
{"Time":"2026-11-26T06:00:00Z","Action":"fail","Package":"example.org/shop","Test":"TestPrices/summed","Elapsed":0}
{"Time":"2026-11-26T06:00:00Z","Action":"fail","Package":"example.org/shop","Test":"TestPrices","Elapsed":0}
{"Time":"2026-11-26T06:00:00Z","Action":"run","Package":"example.org/shop","Test":"TestOrders"}
{"Time":"2026-11-26T06:00:00Z","Action":"pass","Package":"example.org/shop","Test":"TestOrders","Elapsed":0.1}
{"Time":"2026-11-26T06:00:00Z","Action":"run","Package":"example.org/shop","Test":"TestLive"}
{"Time":"2026-11-26T06:00:00Z","Action":"skip","Package":"example.org/shop","Test":"TestLive","Elapsed":0}
{"Time":"2026-11-26T06:00:01Z","Action":"fail","Package":"example.org/shop","Elapsed":0.2}
{"Action":"output","Package":"example.org/shop/cmd","Output":"?   \texample.org/shop/cmd\t[no test files]\n"}
{"Action":"skip","Package":"example.org/shop/cmd","Elapsed":0}
{"ImportPath":"example.org/shop/db [example.org/shop/db.test]","Action":"build-output","Output":"undefined: x\n"}
{"ImportPath":"example.org/shop/db [example.org/shop/db.test]","Action":"build-fail"}
{"Action":"start","Package":"example.org/shop/db"}
{"Action":"fail","Package":"example.org/shop/db","Elapsed":0,"FailedBuild":"example.org/shop/db [example.org/shop/db.test]"}
{"Action":"output","Package":"example.org/shop/idle","Output":"testing: warning: no tests to run\n"}
{"Action":"pass","Package":"example.org/shop/idle","Elapsed":0}
"#;
    let seen = reading(Format::Go, text);
    fine(&seen);
    assert_eq!(counts(&seen), [1, 1, 1, 1]);
    assert_eq!(
        names(&seen),
        [
            "example.org/shop",
            "example.org/shop/db",
            "example.org/shop/idle"
        ]
    );
    assert_eq!(seen.untested.kept, ["example.org/shop/cmd"]);
    assert_eq!(failed(&seen)[0], "TestPrices/summed");
    assert_eq!(seen.suites[2].counts.total(), 0);
    // A package whose end is missing, and a test in which its program died.
    let cut = text.lines().take(8).collect::<Vec<_>>().join("\n");
    assert_eq!(rules(&reading(Format::Go, &cut)), ["breaks-off"]);
    let died = "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"T\"}\n{\"Action\":\"fail\",\"Package\":\"p\"}\n";
    assert_eq!(counts(&reading(Format::Go, died)), [0, 0, 1, 0]);
}

#[test]
fn k6s_two_summaries_written_after_its_documentation_mean_the_opposite_by_true() {
    let check = r#"{"name": "status is 200", "path": "::status is 200", "id": "1", "passes": 10, "fails": 0}"#;
    let export = |crossed: bool| {
        format!(
            r#"{{"metrics": {{"http_req_duration": {{"avg": 1.0, "thresholds": {{"p(95)<500": {crossed}}}}}}},
            "root_group": {{"name": "", "groups": {{"login": {{"name": "login", "groups": {{}}, "checks": {{}}}}}},
            "checks": {{"status is 200": {check}}}}}}}"#
        )
    };
    let seen = reading(Format::K6, &export(false));
    fine(&seen);
    assert_eq!(
        (counts(&seen), names(&seen)),
        ([2, 0, 0, 0], vec!["checks", "thresholds"])
    );
    let seen = reading(Format::K6, &export(true));
    assert_eq!(failed(&seen), ["http_req_duration: p(95)<500"]);
    let handled = format!(
        r#"{{"root_group": {{"name": "", "groups": [{{"name": "login", "groups": [], "checks": [
            {{"name": "has a token", "passes": 9, "fails": 1}}]}}], "checks": [{check}]}}, "options": {{}}, "state": {{}},
            "metrics": {{"http_req_duration": {{"type": "trend", "values": {{}}, "thresholds": {{"p(95)<500": {{"ok": true}}}}}}}}}}"#
    );
    let seen = reading(Format::K6, &handled);
    fine(&seen);
    assert_eq!(
        (counts(&seen), failed(&seen)),
        ([2, 1, 0, 0], vec!["login / has a token"])
    );
    let nothing = r#"{"metrics": {}, "root_group": {"name": "", "groups": {}, "checks": {}}}"#;
    assert_eq!(counts(&reading(Format::K6, nothing)), [0; 4]);
}

#[test]
fn surefires_xml_written_after_its_schema_tells_reruns_and_nested_suites() {
    let text = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="org.example.ShopTest" time="0.1" tests="4" errors="1" skipped="1" failures="0" flakes="1">
  <properties><property name="a" value="b"/></properties>
  <testcase name="prices" classname="org.example.ShopTest" time="0.1"/>
  <testcase name="late" classname="org.example.ShopTest"><flakyFailure message="late" type="x">at</flakyFailure></testcase>
  <testcase name="live" classname="org.example.ShopTest"><skipped message="no warehouse"/></testcase>
  <testcase name="dies" classname="org.example.ShopTest"><error type="x"><![CDATA[<no database>]]></error></testcase>
</testsuite>"#;
    let seen = reading(Format::Junit, text);
    fine(&seen);
    assert_eq!(counts(&seen), [2, 0, 1, 1]);
    assert_eq!(seen.suites[0].flaky.kept, ["org.example.ShopTest late"]);
    let nested = r#"<testsuites tests="2"><testsuite name="outer" tests="2"><testsuite name="a" tests="1"><testcase name="x"/></testsuite>
        <testsuite name="b" tests="1"><testcase name="y"/></testsuite></testsuite></testsuites>"#;
    let seen = reading(Format::Junit, nested);
    fine(&seen);
    assert_eq!(names(&seen), ["a", "b"]);
}

#[test]
fn colours_of_a_terminal_are_no_obstacle() {
    let text = "\u{1b}[1m============ \u{1b}[32m3 passed\u{1b}[0m in 0.02s\u{1b}[0m ============\n";
    assert_eq!(counts(&reading(Format::Pytest, text)), [3, 0, 0, 0]);
}
