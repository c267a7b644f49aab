//! The same promises on the machine's own disk.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Barrier;

use super::harness::{json, noon, start};
use crate::store::*;
use crate::world::{RealDisk, World};

const BEGUN: &str = r#"{"begun":true}"#;

fn new_run(runs: &Path) -> (RunFolder, JournalWriter) {
    let world = World::real();
    let name = RunFolder::free_name(&world, runs, "a plan", "staging").unwrap();
    let folder = RunFolder::create(&world, runs, &name).unwrap();
    let mut journal = folder.start_journal(&json("{}")).unwrap();
    journal
        .append(&json(BEGUN), noon(), Durability::Synced)
        .unwrap();
    (folder, journal)
}

#[test]
fn a_run_is_kept_on_a_real_disk() {
    let at = tempfile::tempdir().unwrap();
    let runs = at.path().join("deep/runs");
    let world = World::real();
    let registry = Registry::open(&world, &runs).unwrap();
    assert_eq!(
        registry.record_start(&start("x")).unwrap().next_number(),
        Some(1)
    );
    let (folder, mut journal) = new_run(&runs);
    let blob = folder.blobs(100).put(&json("bytes")).unwrap();
    folder
        .write_file("plan/auth.yaml", &json("gonogo: 1"))
        .unwrap();
    let head = journal.head().unwrap();
    drop(journal);
    let path = folder.path().to_owned();
    folder.release().unwrap();
    let back = read(&RealDisk, &path.join(JOURNAL)).unwrap();
    assert_eq!(back.head(), head);
    assert_eq!(
        read_blob(&RealDisk, &path.join(BLOBS), &blob, 100).unwrap(),
        b"bytes"
    );
    let mut names: Vec<_> = std::fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["blobs", "journal.ndjson", "plan"]);
}

#[test]
fn of_a_hundred_pairs_of_starters_one_each_gets_the_run() {
    let at = tempfile::tempdir().unwrap();
    let (folder, journal) = new_run(at.path());
    let path = folder.path().to_owned();
    drop((folder, journal));
    for _ in 0..100 {
        let (together, both_tried) = (Barrier::new(2), Barrier::new(2));
        let take = || {
            together.wait();
            let taken = RunFolder::take(&World::real(), &path);
            both_tried.wait();
            match taken {
                Ok(_) => true,
                Err(StoreError::Owned { .. }) => false,
                Err(error) => panic!("{error}"),
            }
        };
        let owners = std::thread::scope(|scope| {
            let (one, other) = (scope.spawn(take), scope.spawn(take));
            usize::from(one.join().unwrap()) + usize::from(other.join().unwrap())
        });
        assert_eq!(owners, 1);
    }
}

const HOLD: &str = "GONOGO_TEST_HOLDS_RUN";
const OWNED: &str = "the run is owned";

/// Runs twice: as itself, and in a second process that takes the run and is killed.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a lock that the kernel releases needs a process that dies"
)]
fn a_killed_owner_leaves_no_lock_and_all_it_acknowledged() {
    if let Some(path) = std::env::var_os(HOLD) {
        let folder = RunFolder::take(&World::real(), Path::new(&path)).unwrap();
        let (mut journal, _) = folder.resume_journal().unwrap();
        journal
            .append(&json(r#"{"child":true}"#), noon(), Durability::Synced)
            .unwrap();
        println!("\n{OWNED}");
        // Until the parent kills this process, or is itself gone.
        std::io::stdin().read_line(&mut String::new()).unwrap();
        panic!("nobody killed the owner");
    }
    let at = tempfile::tempdir().unwrap();
    let (folder, journal) = new_run(at.path());
    let path = folder.path().to_owned();
    drop((folder, journal));

    let name = "store::tests::real::a_killed_owner_leaves_no_lock_and_all_it_acknowledged";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(HOLD, &path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let owned = output
        .lines()
        .map_while(Result::ok)
        .any(|line| line == OWNED);
    assert!(owned, "the child did not get the run");
    let error = RunFolder::take(&World::real(), &path).unwrap_err();
    let StoreError::Owned { pid, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(pid, Some(child.id()));

    child.kill().unwrap();
    child.wait().unwrap();
    let folder = RunFolder::take(&World::real(), &path).unwrap();
    let (_, journal) = folder.resume_journal().unwrap();
    let events: Vec<_> = journal.entries.iter().map(|e| e.event.as_str()).collect();
    assert_eq!(events, [BEGUN, r#"{"child":true}"#]);
}

#[test]
fn links_and_pipes_are_not_followed() {
    let at = tempfile::tempdir().unwrap();
    let (folder, journal) = new_run(at.path());
    let path = folder.path().to_owned();
    drop((folder, journal));
    let elsewhere = at.path().join("elsewhere");
    std::fs::rename(path.join(JOURNAL), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, path.join(JOURNAL)).unwrap();
    assert!(read(&RealDisk, &path.join(JOURNAL)).is_err());
    assert!(matches!(
        RunFolder::take(&World::real(), &path),
        Err(StoreError::NotARun { .. })
    ));
    std::fs::remove_file(path.join(JOURNAL)).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path.join(JOURNAL),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert!(read(&RealDisk, &path.join(JOURNAL)).is_err());
}
