//! Case S2 whole: the platform as its document describes it, every fault, and clean runs. PostgreSQL, Redis, Prometheus, the container
//! engine and git are the real ones.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::RwLock;

use lab::ai_agents::{
    self, AS_DOCUMENTED, Containers, Fault, FaultInfo, Faults, Machine, Part, Secrets, Staged, Used,
};
use serde_json::Value as Json;

use crate::copies::each;
use crate::rig::{Ended, folder, gonogo, repository};

const FILES: [&str; 7] = [
    "plan.yaml",
    "checklist.yaml",
    "openapi.json",
    "evidence/owasp-review.md",
    "evidence/load-test.md",
    "evidence/restore-drill.md",
    "evidence/disaster-recovery.md",
];

fn secrets() -> Secrets {
    let mut words = [
        "q7Xz2mKp9vRt4wLs",
        "w8Bd3hJfT6yUc1Ez",
        "m4Nk7pQs2vXa9LgR",
        "e5Hj8tYw3bZo6CiD",
    ]
    .into_iter();
    Secrets::made(|| words.next().map(str::to_owned).ok_or(())).expect("four words")
}

/// What all systems of a test stand on: the servers, and a set of containers that are well but where a test plants a fault in them.
struct Platform {
    runtime: tokio::runtime::Runtime,
    machine: Machine,
    used: Used,
    containers: RwLock<Option<Containers>>,
    /// The system whose health the containers ask.
    base: Option<Staged>,
    _folder: tempfile::TempDir,
}

impl Platform {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let (machine, used) = (
            Machine::start("p0stgres-of-the-lab").expect("servers"),
            Used::default(),
        );
        let folder = folder();
        let none = Faults::new();
        let base = runtime
            .block_on(Staged::start(
                &machine,
                folder.path(),
                "base",
                secrets(),
                &none,
                used.clone(),
            ))
            .expect("staged");
        let containers = base
            .contained(&machine, used.clone(), &none)
            .expect("contained");
        Self {
            runtime,
            machine,
            used,
            containers: RwLock::new(Some(containers)),
            base: Some(base),
            _folder: folder,
        }
    }

    /// Stages a system with these faults and runs the case on it.
    fn run(&self, name: &str, faults: &Faults, as_documented: bool) -> Json {
        let concerns_containers = faults.iter().any(|f| f.info().part == Part::Containers);
        let name = name.replace('-', "_");
        let folder = folder();
        case_files(folder.path(), faults);
        let staged = self
            .runtime
            .block_on(Staged::start(
                &self.machine,
                folder.path(),
                &name,
                secrets(),
                faults,
                self.used.clone(),
            ))
            .expect("staged");
        let inputs = if as_documented {
            staged.inputs_as_documented()
        } else {
            staged.inputs()
        };
        let run = || {
            self.runtime.block_on(staged.running().measured());
            run_in(folder.path(), inputs)
        };
        let ended = if concerns_containers {
            let containers = self.containers.write().expect("no panic holds it");
            let containers = containers.as_ref().expect("there until the end");
            for fault in faults {
                containers.replace(*fault, faults).expect("planted");
            }
            let ended = run();
            for fault in faults {
                containers.replace(*fault, &Faults::new()).expect("healed");
            }
            ended
        } else {
            let containers = self.containers.read().expect("no panic holds it");
            let ended = run();
            drop(containers);
            ended
        };
        // What it serves ends in the runtime that serves it.
        self.runtime.block_on(async move { drop(staged) });
        assert!(
            [0, 1, 2].contains(&ended.code),
            "{}\n{}",
            ended.stdout,
            ended.stderr
        );
        ended.json()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        if let Ok(mut containers) = self.containers.write() {
            drop(containers.take());
        }
        let base = self.base.take();
        self.runtime.block_on(async move { drop(base) });
    }
}

fn case_files(folder: &Path, faults: &Faults) {
    let from = repository().join("cases/ai-agents");
    std::fs::create_dir(folder.join("evidence")).expect("made");
    for name in FILES {
        let text = std::fs::read_to_string(from.join(name)).expect("read");
        std::fs::write(folder.join(name), ai_agents::changed(name, &text, faults))
            .expect("written");
    }
}

fn run_in(folder: &Path, inputs: &[(&str, String)]) -> Ended {
    let given: Vec<String> = inputs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut arguments = vec!["run", "plan.yaml", "--env", "local", "--json"];
    for input in &given {
        arguments.extend(["-i", input]);
    }
    gonogo(folder, &arguments)
}

/// What did not pass; what was skipped because of it stands apart.
fn not_good(document: &Json) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut bad, mut skipped) = (BTreeSet::new(), BTreeSet::new());
    for gate in document["gates"].as_array().expect("gates") {
        for check in gate["checks"].as_array().expect("checks") {
            let name = |of: &Json| of["id"].as_str().expect("an id").to_owned();
            let name = format!("{}/{}", name(gate), name(check));
            match check["outcome"].as_str().expect("an outcome") {
                "pass" => {}
                "skipped" => drop(skipped.insert(name)),
                _ => drop(bad.insert(name)),
            }
        }
    }
    for moment in ["start", "end"] {
        if document["subject"][moment]["outcome"] != "pass" {
            bad.insert(format!("subject/{moment}"));
        }
    }
    (bad, skipped)
}

/// Checks that fail with a fault though it is another's work to name it: what they look at depends on what is broken.
fn dependants(fault: Fault) -> &'static [&'static str] {
    match fault {
        // What Prometheus cannot read is a target that is down.
        Fault::MetricsGarbled => &["performance/metrics", "monitoring/targets"],
        // The events that were taken are remembered there.
        Fault::RedisDownUnnoticed => &["webhook/rightly-signed"],
        // It also says that nothing but the rightly signed one is taken.
        Fault::WebhookUnsignedAccepted | Fault::WebhookReplayAccepted => {
            &["webhook/rightly-signed"]
        }
        // A secret that comes back is a failure wherever it does.
        Fault::TokenInAnswer => &["auth/agents"],
        Fault::ResourcesNotCaptured => &["resources/memory", "resources/disk", "resources/pool"],
        _ => &[],
    }
}

fn is_caught(platform: &Platform, info: &FaultInfo) -> Vec<String> {
    let document = platform.run(info.name, &[info.fault].into(), false);
    let mut wrong = Vec::new();
    let mut complain = |what: String| wrong.push(format!("{}: {what}", info.name));
    if document["verdict"] != info.verdict {
        complain(format!(
            "the verdict is {}, not {}: {}",
            document["verdict"], info.verdict, document["because"]
        ));
    }
    let findings = document["findings"].as_array().expect("findings");
    if findings
        .iter()
        .all(|finding| finding["check"] != info.check)
    {
        complain(format!("no finding names {}", info.check));
    }
    let mut expected: BTreeSet<String> = [info.check.to_owned()].into();
    expected.extend(
        dependants(info.fault)
            .iter()
            .map(|check| (*check).to_owned()),
    );
    let (bad, skipped) = not_good(&document);
    if bad != expected || !skipped.is_empty() {
        complain(format!(
            "{bad:?} did not pass and {skipped:?} were skipped, and that was expected of {expected:?}"
        ));
    }
    wrong
}

fn is_clean(platform: &Platform, name: &str) -> Vec<String> {
    let document = platform.run(name, &Faults::new(), false);
    let (bad, skipped) = not_good(&document);
    if document["verdict"] == "GO"
        && document["rehearsal"] == true
        && bad.is_empty()
        && skipped.is_empty()
    {
        return Vec::new();
    }
    vec![format!(
        "{name}: {} although nothing is wrong: {bad:?} {skipped:?} {}",
        document["verdict"], document["because"]
    )]
}

#[test]
fn every_fault_of_the_platform_is_caught_by_its_check_and_clean_runs_raise_no_alarm() {
    let platform = Platform::start();
    assert!(ai_agents::faults().len() >= 20);
    let clean = ["clean-1", "clean-2", "clean-3"];
    let mut all: Vec<Option<&FaultInfo>> = ai_agents::faults().iter().map(Some).collect();
    all.extend(clean.map(|_| None));
    let number = std::sync::atomic::AtomicUsize::new(0);
    let wrong = each(&all, |one| {
        if let Some(info) = one {
            return is_caught(&platform, info);
        }
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        is_clean(&platform, clean[number])
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_platform_as_its_document_describes_it_does_not_pass_and_is_go_once_it_is_repaired() {
    let platform = Platform::start();
    let document = platform.run("as-documented", &AS_DOCUMENTED.into(), true);
    assert_eq!(document["verdict"], "NO-GO", "{}", document["because"]);
    let findings = document["findings"].as_array().expect("findings");
    let named: BTreeSet<&str> = findings
        .iter()
        .filter_map(|finding| finding["check"].as_str())
        .collect();
    for fault in AS_DOCUMENTED {
        assert!(named.contains(fault.info().check), "{fault}: {named:?}");
    }
    // Both containers by name, and what was not asked is no pass.
    let text = document["findings"].to_string();
    for container in ["ai-agents-worker-1", "ai-agents-alertmanager-1"] {
        assert!(text.contains(container), "{text}");
    }
    let (_, skipped) = not_good(&document);
    for check in ["auth/login", "auth/agents"] {
        assert!(skipped.contains(check), "{skipped:?}");
        assert!(
            document["not_evaluated"].to_string().contains("admin_"),
            "{}",
            document["not_evaluated"]
        );
    }
    let wrong = is_clean(&platform, "repaired");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
