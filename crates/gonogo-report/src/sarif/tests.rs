use gonogo_core::outcome::{Outcome, Severity, Verdict};

use super::*;
use crate::fixtures::{self, HOSTILE};

fn places() -> Places {
    Places::called("ops/release plan.yaml")
}

fn read(judged: &Judged) -> Json {
    serde_json::from_str(&render(judged, &places())).unwrap()
}

#[test]
fn the_sarif_log_of_a_no_go_reads_as_before() {
    insta::assert_snapshot!("no_go", render(&fixtures::no_go(), &places()));
}

#[test]
fn only_a_go_without_anything_to_tell_has_no_results() {
    for (name, judged) in fixtures::all() {
        let log = read(&judged);
        let run = &log["runs"][0];
        let results = run["results"].as_array().unwrap();
        assert_eq!(
            run["invocations"][0]["exitCode"],
            judged.verdict.exit_code(),
            "{name}"
        );
        if judged.verdict == Verdict::Go {
            assert!(results.iter().all(|r| r["level"] != "error"), "{name}");
        } else {
            assert_eq!(results[0]["ruleId"], "verdict", "{name}");
            assert_eq!(results[0]["level"], "error", "{name}");
        }
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(
                run["tool"]["driver"]["rules"][index]["id"], result["ruleId"],
                "{name}"
            );
        }
    }
}

#[test]
fn every_check_that_did_not_pass_is_a_result_and_none_that_passed() {
    for (name, judged) in fixtures::all() {
        let log = read(&judged);
        let results = log["runs"][0]["results"].as_array().unwrap();
        for gate in &judged.gates {
            for check in &gate.checks {
                let id = format!("{}/{}", gate.id, check.id);
                let found = results.iter().filter(|r| r["ruleId"] == id.as_str());
                let wanted = usize::from(check.outcome != Outcome::Pass);
                assert_eq!(found.count(), wanted, "{name}: {id}");
            }
        }
    }
}

#[test]
fn an_undecided_required_check_is_an_error_and_an_advisory_failure_is_not() {
    for (severity, outcome, level) in [
        (Severity::Critical, Outcome::Inconclusive, "error"),
        (Severity::Important, Outcome::Skipped, "error"),
        (Severity::Advisory, Outcome::Fail, "warning"),
        (Severity::Critical, Outcome::Warn, "warning"),
    ] {
        let check = fixtures::check("one", "GET /", outcome, "what was seen");
        let gate = fixtures::gate("gate", "It holds", severity, vec![check]);
        let log = read(&fixtures::empty(vec![gate]));
        let results = log["runs"][0]["results"].as_array().unwrap();
        let result = results.iter().find(|r| r["ruleId"] == "gate/one").unwrap();
        assert_eq!(result["level"], level, "{severity:?} {outcome:?}");
    }
}

#[test]
fn what_was_waived_is_suppressed_by_name_and_still_there() {
    let mut check = fixtures::check("one", "GET /", Outcome::Fail, "500");
    check.waived_by = Some("Ada until 2026-12-01".to_owned());
    let gate = fixtures::gate("gate", "It holds", Severity::Critical, vec![check]);
    let log = read(&fixtures::empty(vec![gate]));
    let results = log["runs"][0]["results"].as_array().unwrap();
    let result = results.iter().find(|r| r["ruleId"] == "gate/one").unwrap();
    let suppression = &result["suppressions"][0];
    assert_eq!(suppression["status"], "accepted");
    assert_eq!(
        suppression["justification"],
        "waived by Ada until 2026-12-01"
    );
    assert_eq!(result["properties"]["outcome"], "fail");
}

#[test]
fn nothing_that_a_target_sends_becomes_a_link_a_placeholder_or_a_hidden_character() {
    for hostile in [HOSTILE, "[ok](https://x.example) {0} \\[1](2)"] {
        let written = text(hostile);
        assert!(!written.chars().any(crate::escape::is_hidden), "{written}");
        let mut escaped = false;
        for c in written.chars() {
            assert!(escaped || !matches!(c, '[' | ']'), "{written}");
            escaped = c == '\\' && !escaped;
        }
        let braces = written.replace("{{", "").replace("}}", "");
        assert!(!braces.contains(['{', '}']), "{written}");
    }
}

#[test]
fn a_place_is_a_reference_that_a_page_can_follow() {
    let log = read(&fixtures::no_go());
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "ops/release%20plan.yaml");
    assert_eq!(place["region"]["startLine"], 1);
}
