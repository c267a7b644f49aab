//! Case S5 whole: clean in three environments, with every fault, its recordings against the programs that made them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use lab::ContainerEngine;
use lab::profitsentinel::{self, Config, Fault, FaultInfo, Faults, Running};
use serde_json::Value as Json;

use crate::rig::{Ended, folder, gonogo, outcome, repository};

/// So many systems side by side: each mostly waits for its load's rhythm.
const SIDE_BY_SIDE: usize = 5;

fn case() -> PathBuf {
    repository().join("cases/profitsentinel")
}

/// The system with its faults, deployed on an engine that others share.
struct Deployed<'a> {
    runtime: Option<tokio::runtime::Runtime>,
    system: Option<Running>,
    folder: tempfile::TempDir,
    engine: &'a ContainerEngine,
    project: String,
    has_container: bool,
}

impl<'a> Deployed<'a> {
    /// With a container of its own.
    fn new(engine: &'a ContainerEngine, project: &str, dev_mode: bool, faults: &[Fault]) -> Self {
        Self::start(engine, project, dev_mode, faults, true)
    }

    /// Beside the container of another system: for what is not about the container, since each costs an image.
    fn beside(other: &Deployed<'a>, dev_mode: bool, faults: &[Fault]) -> Self {
        Self::start(other.engine, &other.project, dev_mode, faults, false)
    }

    fn start(
        engine: &'a ContainerEngine,
        project: &str,
        dev_mode: bool,
        faults: &[Fault],
        has_container: bool,
    ) -> Self {
        let folder = folder();
        let faults: Faults = faults.iter().copied().collect();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let config = Config {
            dev_mode,
            faults: faults.clone(),
            ..Config::new(folder.path())
        };
        let system = runtime
            .block_on(profitsentinel::start(config))
            .expect("the lab starts");
        let delivered = folder.path().join("delivered");
        profitsentinel::deliver(&delivered, &faults).expect("delivered");
        let port = system.addr().port();
        if has_container {
            profitsentinel::deploy(engine, project, port, &faults).expect("deployed");
        }
        let text = std::fs::read_to_string(case().join("plan.yaml")).expect("a plan");
        let until = chrono::Utc::now().date_naive() + chrono::Days::new(30);
        std::fs::write(folder.path().join("plan.yaml"), accepted(&text, until)).expect("written");
        let document = folder.path().join("openapi.json");
        std::fs::copy(case().join("openapi.json"), document).expect("copied");
        Self {
            runtime: Some(runtime),
            system: Some(system),
            folder,
            engine,
            project: project.to_owned(),
            has_container,
        }
    }

    fn run(&self, environment: &str) -> Ended {
        self.run_only(environment, &[])
    }

    /// The run with more on its command line.
    fn run_only(&self, environment: &str, more: &[&str]) -> Ended {
        let system = self.system.as_ref().expect("running");
        let inputs = [
            format!("base_url={}", system.base_url()),
            format!("front_url={}", system.front_url()),
            "ca=ca.pem".to_owned(),
            "source=delivered".to_owned(),
            format!("engine={}", self.engine.url()),
            format!("project={}", self.project),
        ];
        let mut arguments = vec!["run", "plan.yaml", "--env", environment, "--json"];
        for input in &inputs {
            arguments.extend(["-i", input]);
        }
        arguments.extend(more);
        gonogo(self.folder.path(), &arguments)
    }
}

impl Drop for Deployed<'_> {
    fn drop(&mut self) {
        if let (Some(runtime), Some(system)) = (self.runtime.take(), self.system.take()) {
            runtime.block_on(system.stop());
            runtime.shutdown_background();
        }
        if self.has_container {
            drop(self.engine.remove(&format!("{}-api-1", self.project)));
        }
    }
}

/// The plan with its limitations accepted until that day.
fn accepted(plan: &str, until: chrono::NaiveDate) -> String {
    let line = |line: &str| match line.trim_start().strip_prefix("until: ") {
        Some(_) => format!("    until: {until}\n"),
        None => format!("{line}\n"),
    };
    plan.lines().map(line).collect()
}

/// Does something for each of a list, several side by side; gives what was wrong.
fn each<T: Sync>(list: &[T], deed: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let next = Mutex::new(list.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let one = next.lock().expect("no panic holds it").next();
                    let Some(one) = one else { return };
                    let found = deed(one);
                    wrong.lock().expect("no panic holds it").extend(found);
                }
            });
        }
    });
    wrong.into_inner().expect("no panic holds it")
}

/// What did not pass; what was skipped because a gate before it did not pass is left out.
fn not_good(document: &Json) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for gate in document["gates"].as_array().expect("gates") {
        for check in gate["checks"].as_array().expect("checks") {
            if !["pass", "warn", "skipped"]
                .contains(&check["outcome"].as_str().expect("an outcome"))
            {
                let id = check["id"].as_str().expect("an id");
                found.insert(format!("{}/{id}", gate["id"].as_str().expect("an id")));
            }
        }
    }
    for moment in ["start", "end"] {
        let seen = &document["subject"][moment]["outcome"];
        if seen.is_string() && seen != "pass" {
            found.insert(format!("subject/{moment}"));
        }
    }
    found
}

/// Checks that fail with a fault though it is another's work to name it: what they look at depends on what is broken.
fn dependants(fault: Fault) -> &'static [&'static str] {
    match fault {
        // What is not the release at the start is not at the end, nor behind the load balancer.
        Fault::OtherVersion => &["subject/end", "front/same-sidecar"],
        // Without the tag there is nothing to go back to.
        Fault::LegacyTagMissing => &["way-back/to-legacy"],
        // One count over all three.
        Fault::SuiteRanNothing | Fault::SuiteFailed | Fault::SuiteSkipped => &["suites/all"],
        // The same body is among all those that must be refused.
        Fault::EmptyBodyAccepted => &["validation/every-body"],
        // Who does not trust the certificate asks nothing.
        Fault::CertificateOfAnotherHost => &["front/same-sidecar"],
        _ => &[],
    }
}

fn is_caught(clean: &Deployed<'_>, info: &FaultInfo) -> Vec<String> {
    let deployed = if info.check.starts_with("image/") {
        Deployed::new(clean.engine, info.name, false, &[info.fault])
    } else {
        Deployed::beside(clean, false, &[info.fault])
    };
    let ended = deployed.run("rehearsal");
    let mut wrong = Vec::new();
    let mut complain = |what: String| wrong.push(format!("{}: {what}", info.name));
    if ![1, 2].contains(&ended.code) {
        complain(format!("exit {}: {}", ended.code, ended.stderr));
    }
    let document = ended.json();
    if document["verdict"] == "GO" {
        complain("the verdict is GO".to_owned());
    }
    let findings = document["findings"].as_array().expect("findings");
    if findings
        .iter()
        .all(|finding| finding["check"] != info.check)
    {
        complain(format!("no finding names {}", info.check));
    }
    let mut expected: BTreeSet<String> = [info.check.to_owned()].into();
    expected.extend(dependants(info.fault).iter().map(|d| (*d).to_owned()));
    let found = not_good(&document);
    if found != expected {
        complain(format!(
            "{found:?} did not pass, and that was expected of {expected:?}"
        ));
    }
    wrong
}

#[test]
fn every_fault_of_the_sidecar_and_its_delivery_is_caught_by_its_check_and_by_no_other() {
    let engine = ContainerEngine::start().expect("podman and runc are installed");
    let faults = profitsentinel::faults();
    assert!(faults.len() >= 20);
    let clean = Deployed::new(&engine, "clean", false, &[]);
    let wrong = each(faults, |info| is_caught(&clean, info));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn clean_runs_raise_no_alarm_in_any_environment_and_staging_alone_is_no_rehearsal() {
    let engine = ContainerEngine::start().expect("podman and runc are installed");
    let runs = [
        ("rehearsal", false),
        ("staging", false),
        // A developer's own machine may run it in dev mode.
        ("local", true),
        ("rehearsal", false),
        ("local", false),
        ("staging", false),
        ("rehearsal", false),
        ("staging", false),
    ];
    let first = Deployed::new(&engine, "clean", false, &[]);
    let wrong = each(&runs, |(environment, dev_mode)| {
        let ended = Deployed::beside(&first, *dev_mode, &[]).run(environment);
        let document = ended.json();
        let bad = not_good(&document);
        let is_rehearsal = *environment != "staging";
        if ended.code == 0 && bad.is_empty() && document["rehearsal"] == is_rehearsal {
            return Vec::new();
        }
        let (code, because) = (ended.code, &document["because"]);
        vec![format!("{environment}: exit {code}, {bad:?}, {because}")]
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn dev_mode_is_fine_on_ones_own_machine_and_nowhere_else() {
    let engine = ContainerEngine::start().expect("podman and runc are installed");
    let deployed = Deployed::new(&engine, "dev-mode", true, &[]);
    for (environment, ended) in [
        ("local", "pass"),
        ("rehearsal", "fail"),
        ("staging", "fail"),
    ] {
        let document = deployed.run_only(environment, &["--only", "health"]).json();
        assert_eq!(
            outcome(&document, "health/dev-mode"),
            ended,
            "{environment}"
        );
    }
}

#[test]
fn a_limitation_that_nobody_accepts_any_more_is_hold_and_all_four_are_conditions_of_a_go() {
    let engine = ContainerEngine::start().expect("podman and runc are installed");
    let deployed = Deployed::new(&engine, "limitations", false, &[]);
    let document = deployed.run("staging").json();
    assert_eq!(document["verdict"], "GO", "{}", document["because"]);
    let conditions = document["conditions"].to_string();
    for known in [
        "no-dns-alias",
        "no-database-of-its-own",
        "two-processors",
        "legacy-deployment",
    ] {
        assert!(conditions.contains(known), "{known}: {conditions}");
    }
    let plan = deployed.folder.path().join("plan.yaml");
    let text = std::fs::read_to_string(&plan).expect("a plan");
    let yesterday = chrono::Utc::now().date_naive() - chrono::Days::new(1);
    std::fs::write(&plan, accepted(&text, yesterday)).expect("written");
    let ended = deployed.run("staging");
    let document = ended.json();
    assert_eq!(
        (ended.code, document["verdict"].as_str()),
        (2, Some("HOLD"))
    );
    let because = document["because"].to_string();
    assert!(because.contains("limitation"), "{because}");
    assert!(not_good(&document).is_empty());
}

/// A copy of the release's sources in which programs may run.
fn sources() -> tempfile::TempDir {
    let folder = folder();
    for (path, bytes) in profitsentinel::files(&Faults::new()) {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, bytes).expect("written");
    }
    folder
}

/// What a suite gives when it is run now, against what is recorded of it.
fn run_now(folder: &Path, suite: &str, collected: &str) -> Ended {
    let plan = format!(
        "gonogo: 1\nname: suites\nenvironments:\n  local:\n    allow: [exec]\n    targets:\n      release: {{ repository: . }}\ngates:\n  suites:\n    title: They pass\n    checks:\n      - id: now\n        tests: {suite}\n        timeout: 5m\n        expect: [valid, empty == [], passed == total]\n        save: {{ now: total }}\n      - id: recorded\n        tests: {{ collect: {collected} }}\n        expect: [valid, total == saved.now]\n"
    );
    std::fs::write(folder.join("suites.yaml"), block_lists(&plan)).expect("written");
    gonogo(
        folder,
        &[
            "run",
            "suites.yaml",
            "--env",
            "local",
            "--allow",
            "exec",
            "--json",
        ],
    )
}

/// Expressions stand one per line.
fn block_lists(plan: &str) -> String {
    let line = |line: &str| match line.split_once("expect: [") {
        Some((indent, list)) => {
            let list = list.trim_end_matches(']').split(", ");
            let items: String = list.map(|e| format!("{indent}  - {e}\n")).collect();
            format!("{indent}expect:\n{items}")
        }
        None => format!("{line}\n"),
    };
    plan.lines().map(line).collect()
}

#[test]
fn the_recorded_count_of_the_pipeline_is_what_cargo_gives_now() {
    let sources = sources();
    let home = std::env::var("CARGO_HOME").unwrap_or_default();
    let toolchains = std::env::var("RUSTUP_HOME").unwrap_or_default();
    let suite = format!(
        "{{ run: [cargo, test, --offline], cwd: pipeline, variables: {{ CARGO_HOME: '{home}', RUSTUP_HOME: '{toolchains}', CARGO_TARGET_DIR: target }} }}"
    );
    let suite = suite
        .replace("CARGO_HOME: '', ", "")
        .replace("RUSTUP_HOME: '', ", "");
    let ended = run_now(sources.path(), &suite, "results/cargo.txt");
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn the_recorded_count_of_the_agent_is_what_pytest_gives_now() {
    let sources = sources();
    let suite = "{ run: [pytest-3, -q, -p, 'no:cacheprovider', '--junit-xml=now.xml'], cwd: agent, collect: agent/now.xml }";
    let ended = run_now(sources.path(), suite, "results/pytest.xml");
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}

/// The recorded plan is what the real program says of the configuration. Where Terraform is not installed nothing is claimed but that the
/// recording names its version.
#[test]
fn the_recorded_plan_is_what_terraform_says_now_where_it_is_installed() {
    let sources = sources();
    let recorded = std::fs::read(sources.path().join("results/terraform-plan.json")).expect("read");
    let recorded: Json = serde_json::from_slice(&recorded).expect("JSON");
    assert!(recorded["terraform_version"].is_string());
    let staging = sources.path().join("infrastructure/environments/staging");
    let terraform = |arguments: &[&str]| {
        Command::new("terraform")
            .args(arguments)
            .current_dir(&staging)
            .env("CHECKPOINT_DISABLE", "1")
            .output()
    };
    if terraform(&["version"]).is_err() {
        eprintln!("terraform is not installed: the recording was not compared");
        return;
    }
    for arguments in [&["init"][..], &["plan", "-out=made.tfplan"]] {
        let ended = terraform(arguments).expect("started");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{arguments:?}: {said}");
    }
    let ended = terraform(&["show", "-json", "made.tfplan"]).expect("started");
    let made: Json = serde_json::from_slice(&ended.stdout).expect("JSON");
    let changes = |plan: &Json| -> BTreeSet<String> {
        let all = plan["resource_changes"].as_array().expect("a list");
        all.iter()
            .map(|one| format!("{} {}", one["address"], one["change"]["actions"]))
            .collect()
    };
    assert_eq!(changes(&made), changes(&recorded));
    assert_eq!(changes(&made).len(), 35);
}

/// A demo starts everything that it needs and takes it away again.
#[test]
fn the_demo_of_the_sidecar_needs_nothing_but_podman_and_git() {
    let folder = folder();
    let demo = |more: &[&str]| {
        let mut arguments = vec!["demo", "--case", "profitsentinel", "--json"];
        arguments.extend(more);
        gonogo(folder.path(), &arguments)
    };
    let ended = demo(&[]);
    let document = ended.json();
    assert_eq!(ended.code, 0, "{}", document["because"]);
    assert_eq!(document["verdict"], "GO");
    assert_eq!(document["rehearsal"], true);
    let run = folder.path().join(ended.run()).display().to_string();
    let verified = gonogo(folder.path(), &["verify", &run]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);

    let ended = demo(&["--fault", "suite-ran-nothing"]);
    assert_ne!(ended.code, 0);
    assert_eq!(ended.json()["findings"][0]["check"], "suites/pipeline");
    let ended = demo(&["--fault", "wrong-release"]);
    assert_eq!(ended.code, 64);
}
