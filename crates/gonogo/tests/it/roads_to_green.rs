//! Each known road from "nothing measured" to green, as a plan. None of them is GO.

use crate::rig::{Scripted, folder, gonogo, refusing, run_plan, small_plan};

/// Runs a plan and says how it ended: the verdict, or `64` where it was refused before anything was sent.
fn verdict(plan: &str, more: &[&str]) -> String {
    let folder = folder();
    let ended = run_plan(folder.path(), plan, more);
    if ended.code == 64 {
        return "64".to_owned();
    }
    let verdict = ended.json()["verdict"]
        .as_str()
        .expect("a verdict")
        .to_owned();
    let codes = [("GO", 0), ("NO-GO", 1), ("HOLD", 2)];
    let code = codes
        .iter()
        .find(|(word, _)| *word == verdict)
        .expect("a known word")
        .1;
    assert_eq!(ended.code, code, "the exit code is the verdict's");
    verdict
}

fn asked(url: &str, check: &str) -> String {
    verdict(&small_plan(url, check), &[])
}

#[test]
fn the_same_plan_is_go_when_what_it_expects_is_there() {
    let target = Scripted::json(200, r#"{"items": [{"ok": true}]}"#);
    let check = "      - http: GET /\n        expect:\n          - status == 200\n          - body.items.all(i, i.ok)\n";
    assert_eq!(asked(&target.url(), check), "GO");
}

#[test]
fn all_over_an_empty_list_is_hold() {
    let target = Scripted::json(200, r#"{"items": []}"#);
    let check = "      - http: GET /\n        expect: body.items.all(i, i.ok)\n";
    assert_eq!(asked(&target.url(), check), "HOLD");
}

#[test]
fn an_absent_key_behind_an_or_is_no_go() {
    let target = Scripted::json(200, "{}");
    let check = "      - http: GET /\n        expect: body.errors == 0 || true\n";
    assert_eq!(asked(&target.url(), check), "NO-GO");
}

#[test]
fn a_check_without_an_expectation_does_not_load() {
    let target = Scripted::json(200, "{}");
    assert_eq!(asked(&target.url(), "      - http: GET /\n"), "64");
    assert_eq!(target.asked(), 0, "nothing was sent");
}

#[test]
fn an_expectation_that_uses_nothing_observed_does_not_load() {
    for expectation in ["1 == 1", "env.name == 'local'", "'true' == 'true'"] {
        let check = format!("      - http: GET /\n        expect: {expectation}\n");
        assert_eq!(asked("http://127.0.0.1:1", &check), "64", "{expectation}");
    }
}

#[test]
fn a_target_that_refuses_is_hold_and_not_passed() {
    let check = "      - http: GET /\n        expect: status < 500\n";
    assert_eq!(asked(&refusing(), check), "HOLD");
}

#[test]
fn html_where_json_is_due_is_no_go() {
    let page = crate::rig::answer(200, "text/html", b"<html>maintenance</html>");
    let target = Scripted::start(vec![page]);
    let check = "      - http: GET /\n        expect: body.count < 100\n";
    assert_eq!(asked(&target.url(), check), "NO-GO");
}

#[test]
fn a_missing_number_is_not_below_a_limit() {
    let target = Scripted::json(200, r#"{"other": 1}"#);
    let check = "      - http: GET /\n        expect: body.response_time < 100\n";
    assert_eq!(asked(&target.url(), check), "NO-GO");
}

#[test]
fn a_check_filtered_out_on_the_command_line_is_hold() {
    let target = Scripted::json(200, r#"{"ok": true}"#);
    let checks = "      - id: one\n        http: GET /a\n        expect: body.ok\n      - id: two\n        http: GET /b\n        expect: body.ok\n";
    let plan = small_plan(&target.url(), checks);
    assert_eq!(verdict(&plan, &[]), "GO");
    assert_eq!(verdict(&plan, &["--only", "g/one"]), "HOLD");
}

#[test]
fn a_when_that_is_false_is_hold() {
    let target = Scripted::json(200, r#"{"ok": true}"#);
    let check =
        "      - http: GET /\n        when: env.name == 'staging'\n        expect: body.ok\n";
    assert_eq!(asked(&target.url(), check), "HOLD");
}

#[test]
fn a_for_each_over_nothing_is_no_go() {
    let target = Scripted::json(200, r#"{"ids": [], "ok": true}"#);
    let checks = "      - id: list\n        http: GET /\n        expect: status == 200\n        save: { ids: body.ids }\n      - id: each\n        http: GET /${item}\n        for_each: saved.ids\n        expect: body.ok\n";
    assert_eq!(asked(&target.url(), checks), "NO-GO");
}

#[test]
fn a_power_that_was_not_granted_is_hold() {
    let target = Scripted::json(200, r#"{"ok": true}"#);
    let plan = small_plan(
        &target.url(),
        "      - http: POST /\n        expect: body.ok\n",
    )
    .replace("allow: [write, load]", "allow: []");
    assert_eq!(verdict(&plan, &[]), "HOLD");
    assert_eq!(target.asked(), 0, "nothing was written");
}

#[test]
fn an_input_that_is_missing_is_hold() {
    let plan = small_plan(
        "${inputs.url}",
        "      - http: GET /\n        expect: status == 200\n",
    )
    .replace("environments:", "inputs:\n  url: {}\nenvironments:");
    assert_eq!(verdict(&plan, &[]), "HOLD");
}

#[test]
fn a_plan_of_advisory_gates_alone_does_not_load() {
    let target = Scripted::json(200, "{}");
    let plan = small_plan(
        &target.url(),
        "      - http: GET /\n        expect: status == 200\n",
    )
    .replace("title: It works", "title: It works\n    severity: advisory");
    assert_eq!(verdict(&plan, &[]), "64");
}

#[test]
fn a_plan_without_gates_and_a_gate_without_checks_do_not_load() {
    let target = Scripted::json(200, "{}");
    let plan = small_plan(&target.url(), "");
    assert_eq!(verdict(&plan, &[]), "64");
    let plan = plan.split("gates:").next().expect("a head").to_owned();
    assert_eq!(verdict(&plan, &[]), "64");
}

#[test]
fn a_load_that_was_stopped_early_is_not_go() {
    let target = Scripted::json(503, "{}");
    let check = "      - load: GET /\n        rate: 400/s\n        requests: 2000\n        limits: { p95: 10s }\n";
    assert_ne!(asked(&target.url(), check), "GO");
}

#[test]
fn files_that_match_nothing_are_hold() {
    let check = "      - files: reports/*.xml\n        expect: files.all(f, f.size > 0)\n";
    assert_eq!(asked("http://127.0.0.1:1", check), "HOLD");
}

#[test]
fn a_subject_that_was_not_observed_is_hold() {
    let target = Scripted::json(200, r#"{"ok": true}"#);
    let plan = small_plan(
        &target.url(),
        "      - http: GET /\n        expect: body.ok\n",
    )
    .replace(
        "environments:",
        "subject:\n  http: GET /version\n  expect: body.commit == 'abc'\n  wait: 1s\nenvironments:",
    );
    assert_eq!(verdict(&plan, &[]), "HOLD");
}

#[test]
fn an_expired_waiver_does_not_count_and_a_standing_one_is_named() {
    let target = Scripted::json(503, r#"{"ok": false}"#);
    let plan = small_plan(
        &target.url(),
        "      - id: up\n        http: GET /\n        expect: status == 200\n",
    );
    let today = chrono::Utc::now().date_naive();
    let waivers = |given: i64, until: i64| {
        format!(
            "waivers:\n  - gate: g\n    person: Jane Doe\n    reason: known outage of the test system\n    given: {}\n    until: {}\n    accepts: status == 503\n",
            today + chrono::Duration::days(given),
            today + chrono::Duration::days(until),
        )
    };
    let folder = folder();
    std::fs::write(folder.path().join("waivers.yaml"), waivers(-20, -10)).unwrap();
    assert_eq!(run_plan(folder.path(), &plan, &[]).code, 1);
    std::fs::write(folder.path().join("waivers.yaml"), waivers(-1, 5)).unwrap();
    let ended = run_plan(folder.path(), &plan, &[]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    let document = ended.json();
    assert!(
        document["gates"][0]["waived_by"]
            .as_str()
            .unwrap()
            .contains("Jane Doe")
    );
    assert!(document["conditions"].to_string().contains("Jane Doe"));
    let verified = gonogo(
        folder.path(),
        &["verify", &ended.run().display().to_string()],
    );
    assert_eq!(verified.code, 0, "{}", verified.stderr);
}
