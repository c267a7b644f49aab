//! Case S4 whole: the database that lives with two waivers, every fault, the waivers' end, and that nothing is left behind.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gonogo_probes::testing::{PASSWORD, PASSWORD_IN_URL};
use lab::apms::{self, Variant};
use lab::planted::{self, PlantedFault};
use serde_json::Value as Json;

use crate::copies::{Copied, Copies, each, wait_for};
use crate::rig::{Ended, folder, gonogo, repository};

fn databases() -> Copies {
    Copies::of("apms_clean", |dsn| async move {
        apms::install(&dsn, Variant::default(), &[]).await
    })
}

fn copied(databases: &Copies, name: &str, faults: &[&PlantedFault]) -> Copied {
    let copied = databases.copied(name);
    let planted = wait_for(apms::plant(&copied.dsn, faults));
    planted.expect("planted");
    copied
}

/// The case's folder with its waivers given today, and changed.
fn case_folder(waivers: impl Fn(&str) -> String) -> (tempfile::TempDir, PathBuf) {
    let folder = folder();
    let from = repository().join("cases/apms");
    std::fs::copy(from.join("plan.yaml"), folder.path().join("plan.yaml")).expect("copied");
    let text = std::fs::read_to_string(from.join("waivers.yaml")).expect("read");
    let today = chrono::Utc::now().date_naive();
    let fresh = dated(&text, today, today + chrono::Days::new(30));
    std::fs::write(folder.path().join("waivers.yaml"), waivers(&fresh)).expect("written");
    let plan = folder.path().join("plan.yaml");
    (folder, plan)
}

fn dated(waivers: &str, given: chrono::NaiveDate, until: chrono::NaiveDate) -> String {
    let lines = waivers
        .lines()
        .map(|line| match line.trim_start().split_once(": ") {
            Some(("given", _)) => format!("    given: {given}\n"),
            Some(("until", _)) => format!("    until: {until}\n"),
            _ => format!("{line}\n"),
        });
    lines.collect()
}

fn run_in(folder: &Path, plan: &Path, dsn: &str) -> Ended {
    let (plan, dsn) = (plan.display().to_string(), format!("dsn={dsn}"));
    gonogo(
        folder,
        &["run", &plan, "--env", "local", "--json", "-i", &dsn],
    )
}

fn run(copied: &Copied) -> Json {
    let (folder, plan) = case_folder(str::to_owned);
    let ended = run_in(folder.path(), &plan, &copied.dsn);
    assert!([0, 1, 2].contains(&ended.code), "{}", ended.stderr);
    ended.json()
}

/// What did not pass and nobody waived; what was skipped because a gate before it did not pass stands apart.
fn not_good(document: &Json) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut bad, mut skipped) = (BTreeSet::new(), BTreeSet::new());
    for gate in document["gates"].as_array().expect("gates") {
        for check in gate["checks"].as_array().expect("checks") {
            let name = format!(
                "{}/{}",
                gate["id"].as_str().expect("an id"),
                check["id"].as_str().expect("an id")
            );
            match check["outcome"].as_str().expect("an outcome") {
                "pass" | "warn" => {}
                "skipped" => drop(skipped.insert(name)),
                _ if check["waived_by"].is_string() => {}
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
fn dependants(fault: &str) -> &'static [&'static str] {
    match fault {
        // What did not finish has not finished at the end of the run either.
        "migration-not-finished" => &["subject/end"],
        // Where nothing becomes ACTIVE, a second one does not either, and not for the reason that was expected.
        "draft-cannot-activate" => &["config-lifecycle/second-active-refused"],
        // A decision that was thrown away opens nothing, and the stage can still be decided.
        "approval-not-recorded" => &[
            "runtime/next-stage-pending",
            "runtime/decided-stage-refused",
        ],
        _ => &[],
    }
}

fn is_caught(databases: &Copies, fault: &PlantedFault) -> Vec<String> {
    let copied = copied(databases, &format!("f-{}", fault.name), &[fault]);
    let before = databases.dump(&copied);
    let document = run(&copied);
    let mut wrong = Vec::new();
    let mut complain = |what: String| wrong.push(format!("{}: {what}", fault.name));
    if databases.dump(&copied) != before {
        complain("the run changed the database".to_owned());
    }
    if document["verdict"] != fault.verdict {
        complain(format!(
            "the verdict is {}, not {}: {}",
            document["verdict"], fault.verdict, document["because"]
        ));
    }
    let findings = document["findings"].as_array().expect("findings");
    if findings
        .iter()
        .all(|finding| finding["check"] != fault.check)
    {
        complain(format!("no finding names {}", fault.check));
    }
    let mut expected: BTreeSet<String> = [fault.check.to_owned()].into();
    expected.extend(
        dependants(fault.name)
            .iter()
            .map(|check| (*check).to_owned()),
    );
    let because = document["because"].as_str().expect("a reason");
    let gate = fault.check.split('/').next().expect("gate/check");
    if !because.contains(gate) {
        complain(format!(
            "the first sentence does not name {gate}: {because}"
        ));
    }
    let (bad, skipped) = not_good(&document);
    if bad != expected {
        complain(format!(
            "{bad:?} did not pass, and that was expected of {expected:?}"
        ));
    }
    let why = document["not_evaluated"].to_string();
    if !skipped.is_empty() && !why.contains("did not pass") {
        complain(format!("it is not said why checks were skipped: {why}"));
    }
    wrong
}

#[test]
fn every_fault_of_the_database_is_caught_and_ends_as_the_matrix_rules() {
    let databases = databases();
    assert!(apms::faults().len() >= 18);
    let wrong = each(apms::faults(), |fault| is_caught(&databases, fault));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn two_important_failures_are_hold_and_three_are_no_go() {
    let databases = databases();
    let planted = |names: &[&str]| -> Vec<&'static PlantedFault> {
        let found = names.iter().map(|name| planted::find(apms::faults(), name));
        found.map(|fault| fault.expect("a fault")).collect()
    };
    let two = planted(&["performance-index-missing", "comment-missing"]);
    let three = planted(&[
        "performance-index-missing",
        "comment-missing",
        "audit-row-missing",
    ]);
    assert_eq!(run(&copied(&databases, "two", &two))["verdict"], "HOLD");
    let document = run(&copied(&databases, "three", &three));
    assert_eq!(document["verdict"], "NO-GO");
    assert!(
        document["because"].to_string().contains("important.fail"),
        "{}",
        document["because"]
    );
}

#[test]
fn the_clean_database_is_go_with_both_waivers_by_name_and_end_and_hold_without_either() {
    let databases = databases();
    let copied = copied(&databases, "waived", &[]);
    let (folder, plan) = case_folder(str::to_owned);
    let ended = run_in(folder.path(), &plan, &copied.dsn);
    let document = ended.json();
    assert_eq!(ended.code, 0, "{}", document["because"]);
    assert_eq!(document["verdict"], "GO");
    assert_eq!(document["rehearsal"], true);
    let end = (chrono::Utc::now().date_naive() + chrono::Days::new(30)).to_string();
    let waived = document["conditions"].as_array().expect("conditions");
    for gate in ["all-checks/checks", "all-foreign-keys/foreign-keys"] {
        let text = format!("`{gate}` is waived by Dewi Data until {end}");
        assert!(
            waived.iter().any(|condition| condition["text"]
                .as_str()
                .is_some_and(|t| t.contains(&text))),
            "{waived:?}"
        );
    }
    let plain = gonogo(
        folder.path(),
        &[
            "report",
            ended.run().to_str().expect("a path"),
            "--format",
            "md",
        ],
    );
    assert!(
        plain.stdout.contains(&format!("Dewi Data until {end}")),
        "{}",
        plain.stdout
    );

    let yesterday = chrono::Utc::now().date_naive() - chrono::Days::new(1);
    let changes: [(&str, Box<dyn Fn(&str) -> String + Sync>); 5] = [
        ("none", Box::new(|_| "waivers: []\n".to_owned())),
        ("only the first", Box::new(|text| nth_entry(text, 0))),
        ("only the second", Box::new(|text| nth_entry(text, 1))),
        (
            "expired",
            Box::new(move |text| dated(text, yesterday - chrono::Days::new(29), yesterday)),
        ),
        (
            "another failure",
            Box::new(|text| text.replace("counts.checks == 21", "counts.checks == 20")),
        ),
    ];
    let wrong = each(&changes, |(what, change)| {
        let copied = databases.copied(&format!("w_{}", what.replace(' ', "_")));
        let (folder, plan) = case_folder(change);
        let ended = run_in(folder.path(), &plan, &copied.dsn);
        let document = ended.json();
        let mut wrong = Vec::new();
        if (ended.code, document["verdict"].as_str()) != (2, Some("HOLD")) {
            wrong.push(format!("{what}: {}{}", ended.stdout, ended.stderr));
        }
        let said = document["conditions"].to_string() + &document["reasons"].to_string();
        if *what == "expired" && !said.contains(&format!("it ended on {yesterday}")) {
            wrong.push(format!("{what}: {said}"));
        }
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The head of a waiver file and one of its entries.
fn nth_entry(text: &str, number: usize) -> String {
    let mut parts = text.split("  - check: ");
    let head = parts.next().expect("a head");
    let entry = parts.nth(number).expect("an entry");
    format!("{head}  - check: {entry}")
}

#[test]
fn a_run_leaves_the_database_as_it_was_whatever_the_names_of_its_columns() {
    let databases = databases();
    let copied = copied(&databases, "as_it_was", &[]);
    let before = databases.dump(&copied);
    assert_eq!(run(&copied)["verdict"], "GO");
    assert!(before.contains("XLSMART-AVIAT"), "the dump holds the rows");
    assert_eq!(databases.dump(&copied), before);

    let older = databases.empty("older");
    let variant = Variant {
        older_names: true,
        every_check: true,
        ..Variant::default()
    };
    let installed = wait_for(apms::install(&older.dsn, variant, &[]));
    installed.expect("installed");
    let before = databases.dump(&older);
    let document = run(&older);
    assert_eq!(document["verdict"], "GO", "{}", document["because"]);
    assert_eq!(
        crate::rig::outcome(&document, "all-checks/checks"),
        "pass",
        "with all 22 CHECKs nothing has to be waived"
    );
    assert_eq!(databases.dump(&older), before);
}

#[test]
fn the_evidence_names_the_engine_and_never_the_password() {
    let databases = databases();
    let copied = copied(&databases, "evidence", &[]);
    let (folder, plan) = case_folder(str::to_owned);
    let ended = run_in(folder.path(), &plan, &copied.dsn);
    let run = folder.path().join(ended.run());
    for name in ["journal.ndjson", "report.md", "report.html", "verdict.json"] {
        let text = std::fs::read_to_string(run.join(name)).expect(name);
        assert!(
            !text.contains(PASSWORD_IN_URL) && !text.contains(PASSWORD),
            "{name}"
        );
    }
    let journal = std::fs::read_to_string(run.join("journal.ndjson")).expect("a journal");
    assert!(journal.contains("PostgreSQL "));
    let verified = gonogo(folder.path(), &["verify", run.to_str().expect("a path")]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn the_execution_log_is_filled_in() {
    let databases = databases();
    let copied = databases.copied("log");
    let (folder, plan) = case_folder(str::to_owned);
    let (plan, dsn) = (plan.display().to_string(), format!("dsn={}", copied.dsn));
    let ended = gonogo(
        folder.path(),
        &[
            "run",
            &plan,
            "--env",
            "local",
            "--json",
            "-i",
            &dsn,
            "-i",
            "tester=Tilda Tester",
        ],
    );
    let document = ended.json();
    let run = folder.path().join(ended.run());
    let log = std::fs::read_to_string(run.join("report.html")).expect("a report");
    let today = chrono::Utc::now().date_naive().to_string();
    let because = document["because"].as_str().expect("a reason");
    // Date, tester, environment, decision, justification, and who signed for what is missing.
    for entry in [&today, "Tilda Tester", "local", "GO", because, "Dewi Data"] {
        assert!(log.contains(entry), "{entry}");
    }
    for gate in document["gates"].as_array().expect("gates") {
        let id = gate["id"].as_str().expect("an id");
        assert!(log.contains(id), "{id} with its result");
    }
}

/// A demo starts a server of its own and takes it away again.
#[test]
fn the_demo_needs_nothing_but_the_servers_programs() {
    let folder = folder();
    let ended = gonogo(folder.path(), &["demo", "--case", "apms", "--json"]);
    let document = ended.json();
    assert_eq!(ended.code, 0, "{}", document["because"]);
    assert_eq!(document["verdict"], "GO");
    let ended = gonogo(
        folder.path(),
        &[
            "demo",
            "--case",
            "apms",
            "--json",
            "--fault",
            "second-active-allowed",
        ],
    );
    let document = ended.json();
    assert_eq!(ended.code, 1, "{}", document["because"]);
    assert_eq!(
        document["findings"][0]["check"],
        "config-lifecycle/second-active-refused"
    );
    let ended = gonogo(
        folder.path(),
        &["demo", "--case", "apms", "--fault", "wrong-release"],
    );
    assert_eq!(ended.code, 64);
    assert!(
        ended.stderr.contains("`--case metasheet2`"),
        "{}",
        ended.stderr
    );
}

#[test]
fn every_case_and_fault_is_listed_with_its_check() {
    let folder = folder();
    let listed = gonogo(folder.path(), &["demo", "--list", "--json"]).json();
    let cases = listed["cases"].as_array().expect("cases");
    let names: Vec<&Json> = cases.iter().map(|case| &case["name"]).collect();
    assert_eq!(
        names,
        [
            "metasheet2",
            "apms",
            "signal-harvester",
            "ai-agents",
            "profitsentinel"
        ]
    );
    for case in cases {
        for fault in case["faults"].as_array().expect("faults") {
            let check = fault["check"].as_str().expect("a check");
            assert_eq!(check.split('/').count(), 2, "{fault}");
        }
    }
}
