//! What a workflow of GitHub Actions shows of a run, and the same as SARIF.

use std::path::Path;

use serde_json::Value as Json;

use crate::rig::{self, Ended, Scripted};

/// A plan of two files, in a folder of a repository.
fn repository(url: &str) -> tempfile::TempDir {
    let folder = rig::folder();
    let ops = folder.path().join("ops");
    std::fs::create_dir(&ops).unwrap();
    let plan = format!(
        "gonogo: 1\nname: shop\nenvironments:\n  local:\n    targets:\n      api: {{ http: '{url}' }}\ninclude: [more.yaml]\ngates:\n  health:\n    title: It is up\n    checks:\n      - id: up\n        http: GET /health\n        expect: status == 200\n"
    );
    std::fs::write(ops.join("plan.yaml"), plan).unwrap();
    let more = "gates:\n  orders:\n    title: Orders are taken\n    checks:\n      - id: list\n        http: GET /orders\n        expect: body.size == 3\n";
    std::fs::write(ops.join("more.yaml"), more).unwrap();
    folder
}

fn run(repository: &Path, in_workflow: &[(&str, &Path)]) -> Ended {
    let mut command = rig::command(
        repository,
        &["run", "ops/plan.yaml", "--env", "local", "--json"],
    );
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", repository);
    for (name, value) in in_workflow {
        command.env(name, value);
    }
    Ended::of(command.output().unwrap())
}

#[test]
fn a_workflow_sees_each_failure_at_its_line_of_the_plan_and_the_report_as_its_summary() {
    let api = Scripted::json(200, r#"{"size": "::error::x"}"#);
    let repository = repository(&api.url());
    let summary = repository.path().join("summary.md");
    std::fs::write(&summary, "before\n").unwrap();
    let ended = run(repository.path(), &[("GITHUB_STEP_SUMMARY", &summary)]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    ended.json();
    let commands: Vec<&str> = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("::"))
        .collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert!(
        commands[0].starts_with("::error file=ops/plan.yaml,line=1,title=gonogo%3A verdict::NO-GO"),
        "{commands:?}"
    );
    assert!(
        commands[1]
            .starts_with("::error file=ops/more.yaml,line=5,title=gonogo%3A orders/list::fail: "),
        "{commands:?}"
    );
    let summary = std::fs::read_to_string(summary).unwrap();
    assert!(summary.starts_with("before\n"), "{summary}");
    assert!(summary.contains("NO-GO"), "{summary}");
    assert_eq!(
        summary["before\n".len()..],
        std::fs::read_to_string(repository.path().join(ended.run()).join("report.md")).unwrap()
    );
}

#[test]
fn outside_of_a_workflow_nothing_of_it_is_written() {
    let api = Scripted::json(200, r#"{"size": 4}"#);
    let repository = repository(&api.url());
    let summary = repository.path().join("summary.md");
    let mut command = rig::command(
        repository.path(),
        &["run", "ops/plan.yaml", "--env", "local"],
    );
    command.env("GITHUB_STEP_SUMMARY", &summary);
    let ended = Ended::of(command.output().unwrap());
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(!ended.stderr.contains("::error"), "{}", ended.stderr);
    assert!(!summary.exists());
}

#[test]
fn a_summary_that_cannot_be_written_is_said_and_the_verdict_stays() {
    let api = Scripted::json(200, r#"{"size": 3}"#);
    let repository = repository(&api.url());
    let ended = run(
        repository.path(),
        &[("GITHUB_STEP_SUMMARY", repository.path())],
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("summary cannot be written"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("::notice file=ops/plan.yaml"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_recorded_run_is_shown_as_sarif_with_the_lines_of_its_plan() {
    let api = Scripted::json(200, r#"{"size": 4}"#);
    let repository = repository(&api.url());
    let ended = run(repository.path(), &[]);
    let folder = ended.run();
    let arguments = [
        "report",
        folder.to_str().unwrap(),
        "--format",
        "sarif",
        "--plan-path",
        "ops/plan.yaml",
    ];
    let log: Json = rig::gonogo(repository.path(), &arguments).json();
    assert_eq!(log["version"], "2.1.0");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let place = |index: usize| &results[index]["locations"][0]["physicalLocation"];
    assert_eq!(results.len(), 2, "{results:?}");
    assert_eq!(results[0]["ruleId"], "verdict");
    assert_eq!(results[1]["ruleId"], "orders/list");
    assert_eq!(place(1)["artifactLocation"]["uri"], "ops/more.yaml");
    assert_eq!(place(1)["region"]["startLine"], 5);
    let without = rig::gonogo(repository.path(), &arguments[..4]).json();
    let place = &without["runs"][0]["results"][1]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "more.yaml");
}
