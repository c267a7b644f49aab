//! Case S1 whole: clean, with every fault, on PostgreSQL, against the lab as a process of its own.

use std::collections::BTreeSet;
use std::io::BufRead as _;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use gonogo_probes::testing::{PASSWORD_IN_URL, PostgresServer};
use lab::metasheet2::{self, FaultInfo};
use serde_json::Value as Json;

use crate::rig::{Ended, GONOGO, RELEASE, SECRET, folder, gonogo, repository};

/// So many demos side by side: each mostly waits for its load's rhythm.
const SIDE_BY_SIDE: usize = 6;

/// Checks that fail with a fault though it is another's work to name it: what they look at depends on what is broken.
fn dependants(fault: &str) -> &'static [&'static str] {
    match fault {
        "no-429" => &["rate-limit/retry-after", "metrics/rate-limited"],
        // What is not the release at the start is not at the end.
        "wrong-release" => &["subject/end"],
        // The list that leaks is read there too, and a leak fails wherever it is seen.
        "token-leaked" => &["api/list-rules"],
        _ => &[],
    }
}

fn demo(faults: &[&str]) -> (Ended, tempfile::TempDir) {
    let folder = folder();
    let mut arguments = vec!["demo", "--json"];
    for fault in faults {
        arguments.extend(["--fault", fault]);
    }
    let ended = gonogo(folder.path(), &arguments);
    (ended, folder)
}

/// Does something for each of a list, several side by side; gives what was wrong.
fn each<T: Sync>(list: &[T], deed: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let next = Mutex::new(0usize);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let index = {
                        let mut next = next.lock().expect("no panic holds it");
                        *next += 1;
                        *next - 1
                    };
                    let Some(one) = list.get(index) else { return };
                    let found = deed(one);
                    wrong.lock().expect("no panic holds it").extend(found);
                }
            });
        }
    });
    wrong.into_inner().expect("no panic holds it")
}

fn not_good(document: &Json) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for gate in document["gates"].as_array().expect("gates") {
        for check in gate["checks"].as_array().expect("checks") {
            if !["pass", "warn"].contains(&check["outcome"].as_str().expect("an outcome")) {
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

fn fault_is_caught(fault: &FaultInfo) -> Vec<String> {
    let (ended, _folder) = demo(&[fault.name]);
    let document = ended.json();
    let mut wrong = Vec::new();
    if document["verdict"] == "GO" || ended.code == 0 {
        wrong.push(format!("{}: the verdict is GO", fault.name));
    }
    let findings = document["findings"].as_array().expect("findings");
    if findings.iter().all(|f| f["check"] != fault.check) {
        let named: Vec<&Json> = findings.iter().map(|f| &f["check"]).collect();
        wrong.push(format!(
            "{}: no finding names {}, only {named:?}",
            fault.name, fault.check
        ));
    }
    // Without a token that is accepted nothing else can pass.
    if fault.name == "wrong-jwt-secret" {
        return wrong;
    }
    let mut expected: BTreeSet<String> = [fault.check.to_owned()].into();
    expected.extend(dependants(fault.name).iter().map(|d| (*d).to_owned()));
    for check in not_good(&document) {
        if !expected.contains(&check) {
            wrong.push(format!("{}: {check} did not pass either", fault.name));
        }
    }
    wrong
}

#[test]
fn every_planted_fault_is_caught_by_the_check_whose_work_it_is_and_by_no_other() {
    let faults: Vec<&FaultInfo> = metasheet2::faults().iter().filter(|f| f.blocking).collect();
    assert!(faults.len() >= 15);
    let wrong = each(&faults, |fault| fault_is_caught(fault));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn twenty_clean_demos_raise_no_alarm() {
    let runs: Vec<u32> = (0..20).collect();
    let wrong = each(&runs, |number| {
        let (ended, _folder) = demo(&[]);
        let document = ended.json();
        let mut wrong: Vec<String> = not_good(&document)
            .into_iter()
            .map(|check| format!("run {number}: {check}: {}", document["because"]))
            .collect();
        if ended.code != 0 || document["verdict"] != "GO" || document["rehearsal"] != true {
            wrong.push(format!(
                "run {number}: exit {}, {}",
                ended.code, document["because"]
            ));
        }
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_advisory_fault_leaves_a_go_with_a_condition() {
    let (ended, _folder) = demo(&["plugins-inactive"]);
    let document = ended.json();
    assert_eq!(ended.code, 0, "{}", document["because"]);
    assert!(
        document["conditions"].to_string().contains("plugins"),
        "{}",
        document["conditions"]
    );
}

#[test]
fn the_list_names_every_case_and_fault_with_its_check() {
    let folder = folder();
    let document = gonogo(folder.path(), &["demo", "--list", "--json"]).json();
    let faults = document["cases"][0]["faults"].as_array().expect("faults");
    assert!(faults.len() >= 15);
    for fault in faults {
        assert!(fault["name"].is_string());
        assert!(fault["check"].as_str().expect("a check").contains('/'));
    }
    let ended = gonogo(folder.path(), &["demo", "--fault", "no-such-fault"]);
    assert_eq!(ended.code, 64);
}

/// The lab in a process of its own, killed when dropped.
struct LabProcess {
    child: Child,
    url: String,
}

impl LabProcess {
    fn start(database: &str) -> Self {
        let program = std::path::Path::new(GONOGO).with_file_name("lab");
        let mut child = Command::new(&program)
            .args(["metasheet2", "--port", "0", "--database", database])
            .args(["--jwt-secret", SECRET, "--release", RELEASE])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| {
                panic!(
                    "{}: {e}; build it with `cargo build --workspace`",
                    program.display()
                )
            });
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        std::io::BufReader::new(stdout)
            .read_line(&mut line)
            .expect("a line");
        let url = line
            .trim()
            .rsplit(' ')
            .next()
            .expect("an address")
            .to_owned();
        Self { child, url }
    }
}

impl Drop for LabProcess {
    fn drop(&mut self) {
        let _gone = self.child.kill().is_err();
        let _reaped = self.child.wait().is_err();
    }
}

#[test]
fn the_same_plan_is_go_on_postgresql_and_the_lab_as_a_process_of_its_own() {
    let server = PostgresServer::start();
    let dsn = server.url();
    let lab = LabProcess::start(&dsn);
    let folder = folder();
    for (path, bytes) in metasheet2::case_files(&metasheet2::Faults::new()) {
        let path = folder.path().join("source").join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, bytes).expect("written");
    }
    let plan = repository()
        .join("cases/metasheet2/plan.yaml")
        .display()
        .to_string();
    let source = folder.path().join("source").display().to_string();
    let input = |name: &str, value: &str| format!("{name}={value}");
    let arguments = [
        "run".to_owned(),
        plan,
        "--env".to_owned(),
        "staging".to_owned(),
        "--json".to_owned(),
        "-i".to_owned(),
        input("base_url", &lab.url),
        "-i".to_owned(),
        input("release", RELEASE),
        "-i".to_owned(),
        input("jwt_secret", SECRET),
        "-i".to_owned(),
        input("database", &dsn),
        "-i".to_owned(),
        input("source", &source),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = gonogo(folder.path(), &arguments);
    let document = ended.json();
    assert_eq!(ended.code, 0, "{}", document["because"]);
    assert_eq!(document["rehearsal"], false);
    let run = folder.path().join(ended.run()).display().to_string();
    let journal = std::fs::read_to_string(format!("{run}/journal.ndjson")).expect("a journal");
    assert!(
        journal.contains("PostgreSQL"),
        "the evidence says on which engine it was taken"
    );
    assert!(!journal.contains(PASSWORD_IN_URL) && !journal.contains(SECRET));
    let verified = gonogo(
        folder.path(),
        &[
            "verify",
            &run,
            "--env",
            "staging",
            "--subject",
            RELEASE,
            "--max-age",
            "4h",
        ],
    );
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
}
