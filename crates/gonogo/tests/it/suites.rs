//! Test suites as a user has them: what three ecosystems wrote is one count, a suite that ran nothing is no pass, and a
//! real `cargo test` is run.

use std::path::Path;

use crate::rig::{self, Ended};

fn recorded(name: &str) -> String {
    let folder = rig::repository().join("crates/gonogo-probes/src/suites/fixtures");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

const PLAN: &str = r#"gonogo: 1
name: The suites of a release
environments:
  local:
    targets:
      release: { repository: . }
gates:
  tested:
    title: All suites ran, and none failed
    checks:
      - id: suites
        tests:
          collect: [cargo.xml, pytest.xml, jest.json]
          fresh_for: 36500d
        expect:
          - failed == 0 && errors == 0
          - total >= 14
          - skipped <= 4
          - flaky == []
"#;

/// The documents of cargo, pytest and jest.
fn release() -> tempfile::TempDir {
    let folder = rig::folder();
    for (path, name) in [
        ("cargo.xml", "nextest-passed.xml"),
        ("pytest.xml", "pytest-passed.xml"),
        ("jest.json", "jest-passed.json"),
    ] {
        std::fs::write(folder.path().join(path), recorded(name)).unwrap();
    }
    folder
}

fn message(ended: &Ended) -> String {
    ended.json()["gates"][0]["checks"][0]["message"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn the_suites_of_three_ecosystems_are_one_count_and_go() {
    let folder = release();
    let ended = rig::run_plan(folder.path(), PLAN, &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.json()["verdict"], "GO");
}

#[test]
fn each_fault_of_a_suite_is_seen_and_none_is_go() {
    let half = |name: &str| {
        let text = recorded(name);
        text[..text.len() / 2].to_owned()
    };
    let none_failed = recorded("nextest-failed.xml").replace("failures=\"1\"", "failures=\"0\"");
    for (path, text, verdict, told) in [
        (
            "cargo.xml",
            recorded("nextest-failed.xml"),
            "NO-GO",
            "failed == 0",
        ),
        ("cargo.xml", none_failed, "NO-GO", "failed == 0"),
        (
            "cargo.xml",
            recorded("nextest-flaky.xml"),
            "NO-GO",
            "it_is_sometimes_late",
        ),
        (
            "pytest.xml",
            recorded("pytest-nothing.xml"),
            "NO-GO",
            "total >= 14",
        ),
        (
            "pytest.xml",
            recorded("pytest-collection.xml"),
            "NO-GO",
            "errors == 0",
        ),
        (
            "pytest.xml",
            half("pytest-passed.xml"),
            "HOLD",
            "breaks off",
        ),
        ("jest.json", half("jest-passed.json"), "HOLD", "breaks off"),
        (
            "jest.json",
            recorded("jest-failed.json"),
            "NO-GO",
            "failed == 0",
        ),
        ("jest.json", String::new(), "HOLD", "it is empty"),
    ] {
        let folder = release();
        std::fs::write(folder.path().join(path), text).unwrap();
        let ended = rig::run_plan(folder.path(), PLAN, &[]);
        assert_eq!(
            ended.json()["verdict"],
            verdict,
            "{path} {told}: {}",
            ended.stdout
        );
        assert!(
            message(&ended).contains(told),
            "{told}: {}",
            message(&ended)
        );
    }
}

#[test]
fn a_suite_that_ran_nothing_holds_though_no_expectation_speaks_of_it() {
    let folder = release();
    std::fs::write(
        folder.path().join("pytest.xml"),
        recorded("pytest-nothing.xml"),
    )
    .unwrap();
    let plan = PLAN.replace("          - total >= 14\n", "");
    let ended = rig::run_plan(folder.path(), &plan, &[]);
    assert_eq!(
        (&ended.json()["verdict"], ended.outcome("tested/suites")),
        (&"HOLD".into(), "inconclusive".to_owned())
    );
    assert!(
        message(&ended).contains("the suite `pytest` ran no test"),
        "{}",
        message(&ended)
    );
}

fn crate_of(folder: &Path, sum: &str) {
    std::fs::create_dir_all(folder.join("shop/src")).unwrap();
    std::fs::write(
        folder.join("shop/Cargo.toml"),
        "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n",
    )
    .unwrap();
    let source = format!("#[test]\nfn prices_are_summed() {{\n    assert_eq!(2 + 2, {sum});\n}}\n");
    std::fs::write(folder.join("shop/src/lib.rs"), source).unwrap();
}

#[test]
fn a_real_cargo_test_is_run_and_counted() {
    let plan = r#"gonogo: 1
name: A crate
environments: { local: { allow: [exec] } }
gates:
  tested:
    title: Its tests pass
    checks:
      - id: suites
        tests: { run: [cargo, test, --offline], cwd: shop }
        timeout: 5m
        expect:
          - failed == 0
          - total == 1
          - untested == ['doc tests of shop']
"#;
    let folder = rig::folder();
    crate_of(folder.path(), "4");
    let allowed = ["--allow", "exec"];
    let ended = rig::run_plan(folder.path(), plan, &allowed);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    crate_of(folder.path(), "5");
    let ended = rig::run_plan(folder.path(), plan, &allowed);
    assert_eq!(ended.json()["verdict"], "NO-GO", "{}", ended.stdout);
    // One that does not build has no tests that could have passed.
    crate_of(folder.path(), "\"four\"");
    let ended = rig::run_plan(folder.path(), plan, &allowed);
    assert_ne!(ended.outcome("tested/suites"), "pass", "{}", ended.stdout);
    let ended = rig::run_plan(folder.path(), plan, &[]);
    assert_eq!(
        ended.outcome("tested/suites"),
        "skipped",
        "{}",
        ended.stdout
    );
}

#[test]
fn a_path_outside_and_a_source_without_anything_are_refused_before_anything_runs() {
    let folder = release();
    for (collect, told) in [
        ("../cargo.xml", "leaves the repository"),
        ("/etc/passwd", "leaves the repository"),
    ] {
        let plan = PLAN.replace("[cargo.xml, pytest.xml, jest.json]", collect);
        let ended = rig::run_plan(folder.path(), &plan, &[]);
        assert_eq!(ended.code, 64, "{}", ended.stdout);
        assert!(format!("{}{}", ended.stdout, ended.stderr).contains(told));
    }
    let plan = PLAN.replace(
        "          collect: [cargo.xml, pytest.xml, jest.json]\n",
        "",
    );
    assert_eq!(rig::run_plan(folder.path(), &plan, &[]).code, 64);
}
