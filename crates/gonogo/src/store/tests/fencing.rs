//! T6: two owners, and one that wakes up too late.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::harness::*;
use crate::store::*;
use crate::world::sim::SimDisk;
use crate::world::{Disk, DiskFile, Entry as Name, FileId, Lock, Metadata};

type Interruption = Box<dyn FnOnce() + Send>;

/// Lets something happen between two calls of a process.
struct Interrupted {
    inner: SimDisk,
    state: Arc<Mutex<(usize, Option<Interruption>)>>,
    /// A defect: answers questions about ownership from memory.
    trusts_memory: bool,
    remembered: Mutex<Vec<(PathBuf, Vec<u8>)>>,
}

impl Interrupted {
    fn tick(&self) {
        tick(&self.state);
    }
}

fn tick(state: &Mutex<(usize, Option<Interruption>)>) {
    let due = {
        let mut state = state.lock().unwrap();
        let due = if state.0 == 0 { state.1.take() } else { None };
        state.0 = state.0.saturating_sub(1);
        due
    };
    if let Some(happens) = due {
        happens();
    }
}

struct InterruptedFile {
    inner: Box<dyn DiskFile>,
    state: Arc<Mutex<(usize, Option<Interruption>)>>,
}

impl DiskFile for InterruptedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        tick(&self.state);
        self.inner.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        tick(&self.state);
        self.inner.sync()
    }

    fn id(&self) -> io::Result<FileId> {
        self.inner.id()
    }
}

impl Disk for Interrupted {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.tick();
        self.inner.create_folder(path)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.tick();
        let inner = self.inner.create_new(path)?;
        let state = Arc::clone(&self.state);
        Ok(Box::new(InterruptedFile { inner, state }))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.tick();
        let inner = self.inner.open_append(path)?;
        let state = Arc::clone(&self.state);
        Ok(Box::new(InterruptedFile { inner, state }))
    }

    fn read(&self, path: &Path, at_most: u64) -> io::Result<Vec<u8>> {
        self.tick();
        let mut remembered = self.remembered.lock().unwrap();
        let known = remembered.iter().find(|(name, _)| name == path);
        if let Some((_, bytes)) = known.filter(|_| self.trusts_memory) {
            return Ok(bytes.clone());
        }
        let bytes = self.inner.read(path, at_most)?;
        if path.ends_with(OWNER_FILE) {
            remembered.push((path.to_owned(), bytes.clone()));
        }
        Ok(bytes)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Name>> {
        self.tick();
        self.inner.list(folder)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.tick();
        self.inner.metadata(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.tick();
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.tick();
        self.inner.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.tick();
        self.inner.sync_folder(folder)
    }

    fn try_lock(&self, folder: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        self.tick();
        self.inner.try_lock(folder)
    }
}

fn interrupted(
    inner: &SimDisk,
    call: usize,
    trusts_memory: bool,
    happens: Interruption,
) -> Arc<dyn Disk> {
    Arc::new(Interrupted {
        inner: inner.clone(),
        state: Arc::new(Mutex::new((call, Some(happens)))),
        trusts_memory,
        remembered: Mutex::default(),
    })
}

fn events(disk: &SimDisk) -> Vec<String> {
    let journal = read(disk, &run_path().join(JOURNAL)).unwrap();
    assert_eq!(journal.torn_tail, None);
    journal
        .entries
        .into_iter()
        .map(|entry| entry.event)
        .collect()
}

/// The first owner is paused before its `call`-th call, loses its lock, and another process takes over and appends; then the
/// first one goes on. Gives what it had seen, how it ended, and what the journal holds.
fn takeover_at(
    call: usize,
    trusts_memory: bool,
) -> (Seen, Result<(), StoreError>, Option<Vec<String>>) {
    let disk = SimDisk::new();
    let taken = Arc::new(Mutex::new(false));
    let happens: Interruption = {
        let (disk, taken) = (disk.clone(), Arc::clone(&taken));
        Box::new(move || {
            disk.lose_locks();
            let world = world_on(Arc::new(disk.clone()), 2);
            let Ok(folder) = RunFolder::take(&world, &run_path()) else {
                return;
            };
            let (mut journal, _) = folder.resume_journal().unwrap();
            journal
                .append(&json(r#"{"second":1}"#), noon(), Durability::Synced)
                .unwrap();
            *taken.lock().unwrap() = true;
            // The second owner stays: it neither releases the folder nor ends.
            std::mem::forget(folder);
        })
    };
    let world = world_on(interrupted(&disk, call, trusts_memory, happens), 1);
    let mut seen = Seen::default();
    let ended = run_script(&world, SOUND, &mut seen);
    let after = (*taken.lock().unwrap()).then(|| events(&disk));
    (seen, ended, after)
}

#[test]
fn an_owner_that_wakes_after_a_takeover_can_neither_append_nor_lose_what_it_acknowledged() {
    let calls = undisturbed(SOUND).0.call_count();
    let mut takeovers = 0;
    for call in 0..calls {
        let (seen, ended, after) = takeover_at(call, false);
        let Some(events) = after else { continue };
        takeovers += 1;
        let (second, first) = events.split_last().unwrap();
        assert_eq!(second, r#"{"second":1}"#, "call {call}");
        assert_eq!(first, &seen.appended[..first.len()], "call {call}");
        assert!(first.len() >= seen.acknowledged, "call {call}");
        let Err(error) = ended else {
            // Overtaken in the very act of releasing, all work done: nothing of it is lost.
            assert!(seen.ended && first.len() == seen.appended.len());
            continue;
        };
        assert!(
            matches!(error, StoreError::Fenced { .. } | StoreError::Io { .. }),
            "call {call}: {error}"
        );
    }
    assert!(takeovers > 50, "{takeovers}");
}

#[test]
fn an_owner_that_does_not_look_whether_it_still_owns_is_caught() {
    let calls = undisturbed(SOUND).0.call_count();
    let unnoticed = (0..calls).any(|call| {
        let (seen, _, after) = takeover_at(call, true);
        after.is_some_and(|events| events.len() - 1 < seen.acknowledged) || seen.file_acknowledged
    });
    assert!(unnoticed);
}

#[test]
fn an_event_acknowledged_in_the_middle_of_a_takeover_is_kept() {
    let calls = {
        let (disk, _) = first_owner();
        let before = disk.call_count();
        disk.lose_locks();
        take_over(&world_on(Arc::new(disk.clone()), 2)).unwrap();
        disk.call_count() - before
    };
    for call in 0..calls {
        let (disk, mut journal) = first_owner();
        disk.lose_locks();
        let acknowledged = Arc::new(Mutex::new(false));
        let happens: Interruption = {
            let acknowledged = Arc::clone(&acknowledged);
            Box::new(move || {
                let event = json(r#"{"late":true}"#);
                let appended = journal.append(&event, noon(), Durability::Synced);
                *acknowledged.lock().unwrap() = appended.is_ok();
            })
        };
        take_over(&world_on(interrupted(&disk, call, false, happens), 2)).unwrap();
        let kept = events(&disk).contains(&r#"{"late":true}"#.to_owned());
        assert!(kept || !*acknowledged.lock().unwrap(), "call {call}");
    }
}

fn first_owner() -> (SimDisk, JournalWriter) {
    let disk = SimDisk::new();
    disk.create_folder(Path::new(RUNS)).unwrap();
    let world = world_on(Arc::new(disk.clone()), 1);
    let folder = RunFolder::create(&world, Path::new(RUNS), RUN).unwrap();
    let mut journal = folder.start_journal(&json("{}")).unwrap();
    journal
        .append(&json(r#"{"begun":true}"#), noon(), Durability::Synced)
        .unwrap();
    (disk, journal)
}

fn take_over(world: &crate::world::World) -> Result<(), StoreError> {
    let folder = RunFolder::take(world, &run_path())?;
    let (mut journal, _) = folder.resume_journal()?;
    let event = json(r#"{"second":1}"#);
    journal.append(&event, noon(), Durability::Synced).map(drop)
}

#[test]
fn a_second_starter_is_told_who_owns_the_run() {
    let (disk, journal) = first_owner();
    let second = world_on(Arc::new(disk.clone()), 2);
    let error = RunFolder::take(&second, &run_path()).unwrap_err();
    assert!(matches!(error, StoreError::Owned { pid: Some(1), .. }));
    assert_eq!(
        error.to_string(),
        format!("{RUNS}/{RUN} belongs to process 1 since 2026-11-21 10:04:05 UTC")
    );
    drop(journal);
    let taken = RunFolder::take(&second, &run_path()).unwrap();
    assert_eq!(taken.epoch(), 2);
}

#[test]
fn an_owner_whose_journal_was_removed_acknowledges_nothing_more() {
    let (disk, mut journal) = first_owner();
    disk.remove(&run_path().join(JOURNAL)).unwrap();
    let error = journal
        .append(&json("{}"), noon(), Durability::Synced)
        .unwrap_err();
    assert!(matches!(error, StoreError::Fenced { .. }));
    let error = journal
        .append(&json("{}"), noon(), Durability::Grouped)
        .unwrap_err();
    assert!(matches!(error, StoreError::Stopped { .. }));
}
