//! Case S3, its database: nineteen tables at version nine, and drift that is seen.

use std::collections::BTreeSet;

use lab::planted::PlantedFault;
use lab::signal_harvester;

use crate::copies::{Copies, each, wait_for};
use crate::rig::{folder, gonogo, repository};

/// Checks that fail with a fault though it is another's work to name it: what they look at depends on what is broken.
fn dependants(fault: &str) -> &'static [&'static str] {
    match fault {
        // The version is what identifies the subject.
        "version-8" => &["subject/start", "subject/end"],
        // A table that is not there is a difference, too.
        "table-missing" => &["schema/no-drift"],
        _ => &[],
    }
}

fn ends_as_it_must(databases: &Copies, fault: Option<&PlantedFault>) -> Vec<String> {
    let name = fault.map_or("flawless", |fault| fault.name);
    let copied = databases.empty(&format!("s3-{name}"));
    let installed = wait_for(signal_harvester::install(
        &copied.dsn,
        false,
        fault.as_slice(),
    ));
    installed.expect("installed");
    let before = databases.dump(&copied);
    let folder = folder();
    let plan = repository().join("cases/signal-harvester/plan.yaml");
    let plan = plan.to_str().expect("a path");
    let dsn = format!("dsn={}", copied.dsn);
    let ended = gonogo(
        folder.path(),
        &["run", plan, "--env", "local", "--json", "-i", &dsn],
    );
    let document = ended.json();
    let mut wrong = Vec::new();
    let verdict = fault.map_or("GO", |fault| fault.verdict);
    let code = i32::from(fault.is_some());
    if document["verdict"] != verdict || ended.code != code {
        wrong.push(format!("{name}: {} ({})", document["verdict"], ended.code));
    }
    let findings = document["findings"].as_array().expect("findings");
    let found: BTreeSet<&str> = findings
        .iter()
        .filter_map(|finding| finding["check"].as_str())
        .collect();
    let expected: BTreeSet<&str> = fault
        .iter()
        .map(|fault| fault.check)
        .chain(dependants(name).iter().copied())
        .collect();
    if found != expected {
        wrong.push(format!("{name}: {found:?} instead of {expected:?}"));
    }
    if databases.dump(&copied) != before {
        wrong.push(format!("{name}: the run changed the database"));
    }
    wrong
}

#[test]
fn the_database_of_signal_harvester_is_go_and_every_drift_from_it_is_not() {
    let databases = Copies::of("nothing", |_| async { Ok(()) });
    let all: Vec<Option<&PlantedFault>> = std::iter::once(None)
        .chain(signal_harvester::faults().iter().map(Some))
        .collect();
    let wrong = each(&all, |fault| ends_as_it_must(&databases, *fault));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
