//! L1, L2, L5, L7: no crash and no failing call breaks a promise.

use super::harness::*;
use crate::store::StoreError;
use crate::world::sim::{Call, Cut, EIO, ENOSPC, Fault, Survives};

#[test]
fn an_undisturbed_run_leaves_a_whole_bundle_and_nothing_else() {
    let (disk, seen) = undisturbed(SOUND);
    let names: Vec<String> = crate::world::Disk::list(&disk, &run_path())
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    assert_eq!(names, ["blobs", "journal.ndjson", "verdict.json"]);
    assert_eq!(seen.acknowledged, seen.appended.len());
    recover_and_check(&disk.restart(Survives::Nothing), SOUND, &seen).unwrap();
}

#[test]
fn a_power_cut_at_any_call_loses_nothing_that_was_acknowledged() {
    assert_eq!(every_crash(SOUND), Vec::<String>::new());
}

#[test]
fn a_failing_call_never_breaks_a_promise() {
    let faults = [
        Fault::Errno(EIO),
        Fault::Errno(ENOSPC),
        Fault::Full,
        Fault::ShortWrite,
    ];
    assert_eq!(every_fault(SOUND, &faults), Vec::<String>::new());
}

#[test]
fn a_short_write_is_continued() {
    let calls = undisturbed(SOUND).0.calls();
    for call in 0..calls.len() {
        let (_, seen, ended) = run_with(SOUND, call, Fault::ShortWrite, true);
        ended.unwrap();
        assert!(seen.ended);
    }
}

#[test]
fn a_full_disk_is_named_as_such() {
    let calls = undisturbed(SOUND).0.calls();
    for (call, kind) in calls.iter().enumerate() {
        if *kind == Call::Write {
            let (_, _, ended) = run_with(SOUND, call, Fault::Full, true);
            let error = ended.unwrap_err();
            assert!(matches!(error, StoreError::Full { .. }), "{call}: {error}");
            assert!(error.to_string().contains("free some space"));
        }
    }
}

#[test]
fn a_failed_sync_stops_the_store_and_is_not_repeated() {
    let calls = undisturbed(SOUND).0.calls();
    for (call, kind) in calls.iter().enumerate() {
        if matches!(kind, Call::Sync | Call::SyncFolder) {
            let (disk, _, ended) = run_with(SOUND, call, Fault::Errno(EIO), false);
            let error = ended.unwrap_err();
            assert!(
                matches!(error, StoreError::Suspect { .. }),
                "{call}: {error}"
            );
            let after = &disk.calls()[call + 1..];
            assert!(
                !after.contains(&Call::Sync) && !after.contains(&Call::SyncFolder),
                "{call}: {after:?}"
            );
        }
    }
}

#[test]
fn a_second_crash_during_recovery_changes_nothing() {
    let calls = undisturbed(SOUND).0.calls();
    for call in (20..calls.len()).step_by(7) {
        let (dead, seen) = run_until(SOUND, call, Cut::Within(600));
        for survives in [Survives::Everything, Survives::Chance(call as u64)] {
            let probe = dead.restart(survives);
            // The check's own later calls count too: it resumes, appends and releases.
            recover_and_check(&probe, SOUND, &seen).unwrap();
            for again in 0..probe.call_count() {
                crash_in_recovery((call, again), &dead.restart(survives), &seen);
            }
        }
    }
}

fn crash_in_recovery(place: (usize, usize), disk: &crate::world::sim::SimDisk, seen: &Seen) {
    let cut = [Cut::Before, Cut::Within(500), Cut::After][place.1 % 3];
    disk.cut_at(place.1, cut);
    // Its error is the second crash.
    drop(recover_and_check(disk, SOUND, seen));
    for survives in [Survives::Nothing, Survives::Names, Survives::Chance(7)] {
        let mut seen = seen.clone();
        // The first recovery may have got as far as appending an event of its own.
        seen.appended.push(r#"{"resumed":true}"#.into());
        let left = disk.restart(survives);
        let checked = recover_and_check_leniently(&left, &seen);
        assert!(checked.is_ok(), "{place:?} {survives:?}: {checked:?}");
    }
}

/// As [`recover_and_check`], where an earlier recovery may have appended after a shorter beginning.
fn recover_and_check_leniently(
    disk: &crate::world::sim::SimDisk,
    seen: &Seen,
) -> Result<(), String> {
    let path = run_path().join(crate::store::JOURNAL);
    let Ok(journal) = crate::store::read(disk, &path) else {
        return recover_and_check(disk, SOUND, seen);
    };
    let resumed = |event: &str| event == r#"{"resumed":true}"#;
    let mut seen = seen.clone();
    if let Some(at) = journal
        .entries
        .iter()
        .position(|entry| resumed(&entry.event))
    {
        if at < seen.acknowledged {
            return Err("a recovery dropped acknowledged events".into());
        }
        seen.appended.truncate(at);
        seen.appended.push(r#"{"resumed":true}"#.into());
    }
    recover_and_check(disk, SOUND, &seen)
}

#[test]
fn random_crashes_of_runs_and_recoveries_lose_nothing() {
    let calls = undisturbed(SOUND).0.call_count() as u64;
    for seed in 0..400_u64 {
        let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        let call = (mixed % calls) as usize;
        let cut = Cut::Within((mixed / calls % 1001) as u16);
        let (dead, seen) = run_until(SOUND, call, cut);
        let left = dead.restart(Survives::Chance(mixed));
        let checked = recover_and_check(&left, SOUND, &seen);
        assert!(checked.is_ok(), "seed {seed}: {checked:?}");
    }
}
