//! Blobs, files, names, and one fsync for many.

use std::path::Path;
use std::sync::Arc;

use super::harness::*;
use crate::store::*;
use crate::world::sim::{Call, EIO, Fault, SimDisk};
use crate::world::{Disk, World};

fn folder_on(disk: &SimDisk) -> (World, RunFolder) {
    disk.create_folder(Path::new(RUNS)).unwrap();
    let world = world_on(Arc::new(disk.clone()), 1);
    let folder = RunFolder::create(&world, Path::new(RUNS), RUN).unwrap();
    (world, folder)
}

#[test]
fn a_folder_is_named_after_its_minute_plan_and_environment() {
    let world = world_on(Arc::new(SimDisk::new()), 0x7f3a_0000);
    let named = |plan, environment| RunFolder::name(&world, plan, environment).unwrap();
    assert_eq!(
        named("MetaSheet2", "staging"),
        "2026-11-21T1004Z-metasheet2-staging-7f3a"
    );
    assert_eq!(
        named("../Größe  &/ Co.", "..."),
        "2026-11-21T1004Z-gr-e-co-run-7f3a"
    );
    assert!(named(&"long ".repeat(100), "s").len() < 80);
}

#[test]
fn a_name_that_is_taken_is_drawn_again() {
    let disk = SimDisk::new();
    disk.create_folder(Path::new(RUNS)).unwrap();
    let world = world_on(Arc::new(disk.clone()), 1);
    let name = RunFolder::free_name(&world, Path::new(RUNS), "p", "e").unwrap();
    drop(RunFolder::create(&world, Path::new(RUNS), &name).unwrap());
    // This world's draws share their first bytes, so that each name is the same.
    let error = RunFolder::free_name(&world, Path::new(RUNS), "p", "e").unwrap_err();
    assert!(error.to_string().contains("free name"), "{error}");
    assert!(RunFolder::create(&world, Path::new(RUNS), &name).is_err());
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let (_, folder) = folder_on(&SimDisk::new());
    for bad in [
        "",
        ".",
        "..",
        "../x",
        "/x",
        "a/../../x",
        ".hidden",
        "a/.tmp-b",
        "journal.ndjson",
        "blobs/x",
        "a\nb",
        "a\0b",
        "blobs",
    ] {
        let error = folder.write_file(bad, &json("x")).unwrap_err();
        assert!(
            matches!(error, StoreError::BadName { .. }),
            "{bad}: {error}"
        );
    }
    for bad in [
        "",
        "..",
        "../../etc/passwd",
        &"A".repeat(64),
        &"0".repeat(63),
    ] {
        assert!(bad.parse::<BlobName>().is_err(), "{bad}");
    }
}

#[test]
fn a_file_is_replaced_whole() {
    let disk = SimDisk::new();
    let (_, folder) = folder_on(&disk);
    for content in ["first, and longer", "second"] {
        folder
            .write_file("reports/a/report.md", &json(content))
            .unwrap();
    }
    let path = folder.path().join("reports/a/report.md");
    assert_eq!(disk.read(&path, 100).unwrap(), b"second");
}

#[test]
fn a_blob_is_what_its_name_says_or_an_error() {
    let disk = SimDisk::new();
    let (_, folder) = folder_on(&disk);
    let mut blobs = folder.blobs(10);
    let name = blobs.put(&json("bytes")).unwrap();
    assert_eq!(name.as_str(), BlobName::of(b"bytes").as_str());
    assert_eq!(blobs.get(&name).unwrap(), b"bytes");
    let path = folder.path().join(BLOBS).join(name.as_str());
    disk.tamper(&path, b"Bytes").unwrap();
    assert!(matches!(
        blobs.get(&name),
        Err(StoreError::BlobDamaged { .. })
    ));
    disk.tamper(&path, b"more bytes than ten").unwrap();
    assert!(blobs.get(&name).is_err());
}

#[test]
fn a_blob_over_the_cap_is_refused_and_the_next_one_kept() {
    let (_, folder) = folder_on(&SimDisk::new());
    let mut blobs = folder.blobs(4);
    let error = blobs.put_all(&[json("ok"), json("too long")]).unwrap_err();
    assert!(matches!(
        error,
        StoreError::TooLarge {
            len: 8,
            at_most: 4,
            ..
        }
    ));
    blobs.put(&json("ok")).unwrap();
}

#[test]
fn equal_blobs_are_written_once_and_many_share_one_folder_sync() {
    let disk = SimDisk::new();
    let (_, folder) = folder_on(&disk);
    let mut blobs = folder.blobs(100);
    let before = disk.call_count();
    let names = blobs.put_all(&[json("a"), json("b"), json("a")]).unwrap();
    assert_eq!(names[0], names[2]);
    blobs.put(&json("b")).unwrap();
    let calls = &disk.calls()[before..];
    let count = |wanted| calls.iter().filter(|call| **call == wanted).count();
    assert_eq!(
        (
            count(Call::Sync),
            count(Call::Rename),
            count(Call::SyncFolder)
        ),
        (2, 2, 1)
    );
}

#[test]
fn a_failed_sync_anywhere_stops_the_whole_run_folder() {
    let disk = SimDisk::new();
    let (world, folder) = folder_on(&disk);
    let mut journal = folder.start_journal(&json("{}")).unwrap();
    let mut blobs = folder.blobs(100);
    let sync = disk.call_count() + 2;
    disk.fail_at(sync, Fault::Errno(EIO), false);
    let error = blobs.put(&json("a")).unwrap_err();
    assert!(matches!(error, StoreError::Suspect { .. }), "{error}");
    let at = world.clock.now();
    let stopped = [
        blobs.put(&json("b")).map(drop),
        journal
            .append(&json("{}"), at, Durability::Synced)
            .map(drop),
        folder.write_file("verdict.json", &json("{}")),
    ];
    for outcome in stopped {
        assert!(
            matches!(outcome, Err(StoreError::Stopped { .. })),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_bad_event_is_refused_alone() {
    let (world, folder) = folder_on(&SimDisk::new());
    let mut journal = folder.start_journal(&json("{}")).unwrap();
    let at = world.clock.now();
    let bad = json("{\"a\":1,\"a\":2}");
    assert!(matches!(
        journal.append(&bad, at, Durability::Synced),
        Err(StoreError::BadEvent(_))
    ));
    let huge = json(format!("\"{}\"", "x".repeat(chain::MAX_LINE)));
    assert!(matches!(
        journal.append(&huge, at, Durability::Synced),
        Err(StoreError::TooLarge { .. })
    ));
    assert_eq!(
        journal.append(&json("{}"), at, Durability::Synced).unwrap(),
        1
    );
    drop(journal);
    let (_, back) = folder.resume_journal().unwrap();
    assert_eq!(back.entries.len(), 1);
}

#[test]
fn grouped_events_are_not_acknowledged_before_a_sync() {
    let (world, folder) = folder_on(&SimDisk::new());
    let mut journal = folder.start_journal(&json("{}")).unwrap();
    let at = world.clock.now();
    journal.append(&json("1"), at, Durability::Grouped).unwrap();
    assert_eq!(journal.synced(), 0);
    journal.append(&json("2"), at, Durability::Synced).unwrap();
    assert_eq!(journal.synced(), 2);
}

#[test]
fn events_of_many_appenders_are_all_there_each_in_its_order() {
    let disk = SimDisk::new();
    let (world, folder) = folder_on(&disk);
    let journal = folder.start_journal(&json("{}")).unwrap();
    let (writer, appender) = Writer::spawn(journal, Arc::clone(&world.clock)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let appender = appender.clone();
            scope.spawn(move || {
                let receipts: Vec<_> = (0..200)
                    .map(|index| {
                        let durability = match index % 50 {
                            0 => Durability::Synced,
                            _ => Durability::Grouped,
                        };
                        appender.append(json(format!("[{thread},{index}]")), durability)
                    })
                    .collect();
                let numbers: Vec<u64> = receipts
                    .into_iter()
                    .map(|receipt| receipt.wait().unwrap())
                    .collect();
                assert!(numbers.is_sorted());
            });
        }
    });
    drop(appender);
    let head = writer.finish().unwrap().head().unwrap();
    assert_eq!(head.count, 1600);
    let back = read(&disk, &run_path().join(JOURNAL)).unwrap();
    assert_eq!(back.entries.len(), 1600);
    assert_eq!(back.head(), head);
}

#[test]
fn events_that_wait_together_share_one_fsync() {
    let disk = SimDisk::new();
    let (world, folder) = folder_on(&disk);
    let journal = folder.start_journal(&json("{}")).unwrap();
    let (appender, queue) = group::queue();
    let receipts: Vec<_> = (0..300)
        .map(|index| appender.append(json(index.to_string()), Durability::Synced))
        .collect();
    drop(appender);
    let before = disk.call_count();
    let mut journal = group::write_all_groups(journal, &queue, world.clock.as_ref());
    let calls = &disk.calls()[before..];
    assert_eq!(calls.iter().filter(|call| **call == Call::Sync).count(), 1);
    for (index, receipt) in receipts.into_iter().enumerate() {
        assert_eq!(receipt.wait().unwrap(), index as u64 + 1);
    }
    assert_eq!(journal.head().unwrap().count, 300);
}

#[test]
fn everyone_in_a_group_hears_of_a_failed_sync() {
    let disk = SimDisk::new();
    let (world, folder) = folder_on(&disk);
    let journal = folder.start_journal(&json("{}")).unwrap();
    disk.fail_at(disk.call_count() + 1, Fault::Errno(EIO), false);
    let (writer, appender) = Writer::spawn(journal, Arc::clone(&world.clock)).unwrap();
    let receipts: Vec<_> = (0..10)
        .map(|index| appender.append(json(index.to_string()), Durability::Synced))
        .collect();
    for receipt in receipts {
        assert!(receipt.wait().is_err());
    }
    drop(appender);
    assert!(writer.finish().is_err());
}

#[tokio::test]
async fn a_receipt_can_be_awaited() {
    let (world, folder) = folder_on(&SimDisk::new());
    let journal = folder.start_journal(&json("{}")).unwrap();
    let (writer, appender) = Writer::spawn(journal, Arc::clone(&world.clock)).unwrap();
    let receipt = appender.append(json("{}"), Durability::Synced);
    assert_eq!(receipt.await.unwrap(), 1);
    drop(appender);
    writer.finish().unwrap();
}
