//! Changes of the infrastructure as a user has them: a recorded plan of the real program, and the program itself.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::rig::{self, Ended};

fn fixtures() -> std::path::PathBuf {
    rig::repository().join("crates/gonogo-probes/src/terraform/fixtures")
}

fn plan(document: &str) -> String {
    format!(
        r#"gonogo: 1
name: Changes of the infrastructure
environments:
  local:
    allow: [exec]
    targets:
      release: {{ repository: . }}
gates:
  infrastructure:
    title: Nothing is destroyed
    checks:
      - id: plan
        terraform: {document}
        timeout: 2m
        expect:
          - destroyed == []
          - replaced == []
          - drift == []
          - unset == []
          - failed_checks == []
          - size(created) == 5
"#
    )
}

fn of_recorded(name: &str) -> Ended {
    let folder = rig::folder();
    let recorded = fixtures().join(format!("{name}.json"));
    std::fs::copy(recorded, folder.path().join("plan.json")).unwrap();
    rig::run_plan(folder.path(), &plan("plan.json"), &[])
}

fn message(ended: &Ended) -> String {
    ended.json()["gates"][0]["checks"][0]["message"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_plan_that_only_creates_is_go() {
    let ended = of_recorded("create");
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn what_is_destroyed_or_replaced_is_no_go_by_its_address() {
    for (name, told) in [
        ("removed", "terraform_data.queue"),
        ("replace", "terraform_data.worker[0]"),
        ("destroy", "module.web.terraform_data.server[0]"),
        ("checked", "check.region"),
    ] {
        let ended = of_recorded(name);
        assert_eq!(ended.json()["verdict"], "NO-GO", "{name}: {}", ended.stdout);
        assert!(ended.stdout.contains(told), "{name}: {}", message(&ended));
    }
}

#[test]
fn a_plan_that_ended_in_an_error_or_has_nothing_in_it_is_never_go() {
    for name in ["errored", "bare", "no-resources", "empty-state", "state"] {
        let ended = of_recorded(name);
        assert_ne!(ended.json()["verdict"], "GO", "{name}: {}", ended.stdout);
        assert_ne!(ended.outcome("infrastructure/plan"), "pass", "{name}");
    }
}

#[test]
fn no_sensitive_value_of_a_plan_reaches_the_run() {
    let ended = of_recorded("create");
    let grep = Command::new("grep")
        .args(["-r", "-l", "q7Xz2mKp9vRt4wLs"])
        .arg(ended.run())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(grep.stdout).unwrap(), "");
}

fn terraform(folder: &Path, arguments: &[&str]) -> Option<std::process::Output> {
    let mut command = Command::new("terraform");
    command
        .args(arguments)
        .current_dir(folder)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_IN_AUTOMATION", "1")
        .stdin(Stdio::null());
    match command.output() {
        Ok(output) => Some(output),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => panic!("terraform: {e}"),
    }
}

/// Depends on this machine and says so: where Terraform is installed it is asked, from an empty folder to a planned
/// destruction; where it is not, the check must say that it is not.
#[test]
fn terraform_itself_is_asked_where_it_is_installed_and_missed_where_it_is_not() {
    let folder = rig::folder();
    let below = folder.path().join("infrastructure");
    std::fs::create_dir_all(below.join("web")).unwrap();
    for file in ["main.tf", "web/main.tf"] {
        std::fs::copy(
            fixtures().join("configuration").join(file),
            below.join(file),
        )
        .unwrap();
    }
    let asked = plan("{ run: plan, cwd: infrastructure, variables: { TF_VAR_release: '1' } }");
    let allowed = ["--allow", "exec"];
    let Some(output) = terraform(&below, &["init", "-input=false"]) else {
        let ended = rig::run_plan(folder.path(), &asked, &allowed);
        assert_eq!(ended.outcome("infrastructure/plan"), "error");
        assert!(
            message(&ended).contains("could not be started"),
            "{}",
            message(&ended)
        );
        return;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let ended = rig::run_plan(folder.path(), &asked, &allowed);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    // Without the value that it needs there is no plan.
    let without = asked.replace(", variables: { TF_VAR_release: '1' }", "");
    let ended = rig::run_plan(folder.path(), &without, &allowed);
    assert_eq!(ended.outcome("infrastructure/plan"), "error");
    assert!(
        message(&ended).contains("No value for required variable"),
        "{}",
        message(&ended)
    );
    let output = terraform(
        &below,
        &[
            "apply",
            "-input=false",
            "-auto-approve",
            "-var",
            "release=1",
        ],
    );
    assert!(output.is_some_and(|o| o.status.success()));
    let main = below.join("main.tf");
    let text = std::fs::read_to_string(&main).unwrap();
    std::fs::write(
        &main,
        text.replace("terraform_data\" \"queue\"", "terraform_data\" \"jobs\""),
    )
    .unwrap();
    let ended = rig::run_plan(folder.path(), &asked, &allowed);
    assert_eq!(ended.json()["verdict"], "NO-GO", "{}", ended.stdout);
    assert!(ended.stdout.contains("terraform_data.queue"));
    let state = plan("{ run: state, cwd: infrastructure }");
    let expects = state.find("          - destroyed").unwrap();
    let state = format!(
        "{}          - size(resources) == 5\n          - tainted == []\n",
        &state[..expects]
    );
    let ended = rig::run_plan(folder.path(), &state, &allowed);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}
