//! Attempts are counted, or said to be unknown.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::harness::*;
use crate::store::*;
use crate::world::Disk;
use crate::world::sim::SimDisk;

const KEY: (&str, &str, &str) = ("commit 4f2a", "staging", "p1");

fn registry_on(disk: &SimDisk) -> Registry {
    Registry::open(&world_on(Arc::new(disk.clone()), 1), Path::new(RUNS)).unwrap()
}

fn next(registry: &Registry) -> Option<u64> {
    registry.attempts(KEY.0, KEY.1, KEY.2).next_number()
}

fn file() -> PathBuf {
    Path::new(RUNS).join("registry.ndjson")
}

#[test]
fn attempts_are_counted_per_subject_environment_and_plan() {
    let registry = registry_on(&SimDisk::new());
    for (index, run) in ["a", "b", "c"].into_iter().enumerate() {
        let before = registry.record_start(&start(run)).unwrap();
        assert_eq!(before.next_number(), Some(index as u64 + 1));
    }
    registry.record_end(&end("b", "NO-GO")).unwrap();
    let attempts = registry.attempts(KEY.0, KEY.1, KEY.2);
    assert_eq!(attempts.next_number(), Some(4));
    assert_eq!(attempts.found()[0].ends, []);
    assert_eq!(attempts.found()[1].ends[0].verdict, "NO-GO");
    assert_eq!(attempts.found()[1].ends[0].sampled, ["latency/snapstats"]);
    for other in [
        ("x", KEY.1, KEY.2),
        (KEY.0, "x", KEY.2),
        (KEY.0, KEY.1, "x"),
    ] {
        let attempts = registry.attempts(other.0, other.1, other.2);
        assert_eq!(attempts, Attempts::Known(Vec::new()));
    }
}

#[test]
fn a_run_that_is_registered_or_ended_twice_counts_once() {
    let registry = registry_on(&SimDisk::new());
    registry.record_start(&start("a")).unwrap();
    registry.record_start(&start("b")).unwrap();
    let again = registry.record_start(&start("a")).unwrap();
    assert_eq!(again.next_number(), Some(1));
    for verdict in ["HOLD", "HOLD", "GO"] {
        registry.record_end(&end("a", verdict)).unwrap();
    }
    let attempts = registry.attempts(KEY.0, KEY.1, KEY.2);
    assert_eq!(attempts.found().len(), 2);
    let verdicts: Vec<_> = attempts.found()[0]
        .ends
        .iter()
        .map(|e| &e.verdict)
        .collect();
    assert_eq!(verdicts, ["HOLD", "GO"]);
}

#[test]
fn a_missing_registry_is_never_a_first_attempt() {
    let disk = SimDisk::new();
    let registry = registry_on(&disk);
    assert_eq!(next(&registry), None);
    registry.record_start(&start(RUN)).unwrap();
    let world = world_on(Arc::new(disk.clone()), 1);
    let folder = RunFolder::create(&world, Path::new(RUNS), RUN).unwrap();
    drop(folder.start_journal(&json("{}")).unwrap());
    assert_eq!(next(&registry), Some(2));
    disk.remove(&file()).unwrap();
    assert_eq!(next(&registry), None);
    // A new one is begun, and remembers that it is not the first.
    let before = registry.record_start(&start("b")).unwrap();
    assert_eq!(before.next_number(), None);
    assert_eq!(
        registry.record_start(&start("c")).unwrap().next_number(),
        None
    );
    assert_eq!(registry.attempts(KEY.0, KEY.1, KEY.2).found().len(), 2);
}

#[test]
fn a_damaged_registry_is_unknown_and_left_as_it_is() {
    let disk = SimDisk::new();
    let registry = registry_on(&disk);
    for run in ["a", "b", "c"] {
        registry.record_start(&start(run)).unwrap();
    }
    let whole = disk.read(&file(), 1 << 20).unwrap();
    for at in (0..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        disk.tamper(&file(), &bytes).unwrap();
        assert_eq!(next(&registry), None, "byte {at}");
        assert!(registry.record_start(&start("d")).is_err());
        assert_eq!(disk.read(&file(), 1 << 20).unwrap(), bytes);
    }
}

#[test]
fn a_run_cut_out_of_the_registry_is_missed_while_its_folder_is_there() {
    let disk = SimDisk::new();
    let registry = registry_on(&disk);
    registry.record_start(&start("a")).unwrap();
    let before = disk.read(&file(), 1 << 20).unwrap();
    registry.record_start(&start(RUN)).unwrap();
    let world = world_on(Arc::new(disk.clone()), 1);
    let folder = RunFolder::create(&world, Path::new(RUNS), RUN).unwrap();
    drop(folder.start_journal(&json("{}")).unwrap());
    disk.tamper(&file(), &before).unwrap();
    let attempts = registry.attempts(KEY.0, KEY.1, KEY.2);
    let Attempts::Unknown { reason, found } = attempts else {
        panic!("{attempts:?}");
    };
    assert_eq!(reason, format!("the run {RUN} is not in the registry"));
    assert_eq!(found.len(), 1);
}

#[test]
fn a_torn_end_of_the_registry_is_repaired() {
    let disk = SimDisk::new();
    let registry = registry_on(&disk);
    registry.record_start(&start("a")).unwrap();
    let mut bytes = disk.read(&file(), 1 << 20).unwrap();
    bytes.extend_from_slice(br#"{"seq":2,"prev":"#);
    disk.tamper(&file(), &bytes).unwrap();
    assert_eq!(
        registry.record_start(&start("b")).unwrap().next_number(),
        Some(2)
    );
    assert_eq!(next(&registry), Some(3));
}

#[test]
fn a_registry_that_another_process_holds_is_waited_for_and_then_unknown() {
    let disk = SimDisk::new();
    let registry = registry_on(&disk);
    registry.record_start(&start("a")).unwrap();
    let held = disk.try_lock(Path::new(RUNS)).unwrap();
    assert!(held.is_some());
    assert_eq!(next(&registry), None);
    assert!(matches!(
        registry.record_start(&start("b")),
        Err(StoreError::RegistryBusy { .. })
    ));
    drop(held);
    assert_eq!(next(&registry), Some(2));
}

#[test]
fn what_is_not_a_start_is_not_registered() {
    let registry = registry_on(&SimDisk::new());
    for bad in [
        "{}",
        r#"{"run":"a"}"#,
        "null",
        "",
        r#"{"run":"a","subject":"s","environment":"e","plan":"p","more":1}"#,
    ] {
        assert!(registry.record_start(&json(bad)).is_err(), "{bad}");
    }
}
