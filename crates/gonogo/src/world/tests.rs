use std::path::Path;
use std::time::Duration;

use super::sim::{Cut, EIO, ENOSPC, Fault, SimDisk, Survives};
use super::*;

const FOLDER: &str = "/f";

fn written(disk: &dyn Disk, sync: bool) -> Box<dyn DiskFile> {
    disk.create_folder(Path::new(FOLDER)).unwrap();
    let mut file = disk.create_new(&Path::new(FOLDER).join("a")).unwrap();
    assert_eq!(file.write(b"abcdef").unwrap(), 6);
    if sync {
        file.sync().unwrap();
    }
    file
}

fn content(disk: &dyn Disk) -> Option<Vec<u8>> {
    disk.read(&Path::new(FOLDER).join("a"), 100).ok()
}

#[test]
fn what_was_not_synced_is_gone_after_a_power_cut() {
    let disk = SimDisk::new();
    let _file = written(&disk, false);
    assert_eq!(content(&disk).unwrap(), b"abcdef");
    assert_eq!(content(&disk.restart(Survives::Nothing)), None);
    assert_eq!(content(&disk.restart(Survives::Names)).unwrap(), b"");
    assert_eq!(
        content(&disk.restart(Survives::NamesAndLengths)).unwrap(),
        [0; 6]
    );
    assert_eq!(
        content(&disk.restart(Survives::Everything)).unwrap(),
        b"abcdef"
    );
}

#[test]
fn a_synced_file_needs_its_folder_synced_to_keep_its_name() {
    let disk = SimDisk::new();
    let _file = written(&disk, true);
    disk.sync_folder(Path::new("/")).unwrap();
    assert_eq!(content(&disk.restart(Survives::Nothing)), None);
    let disk = SimDisk::new();
    let _file = written(&disk, true);
    disk.sync_folder(Path::new("/")).unwrap();
    disk.sync_folder(Path::new(FOLDER)).unwrap();
    assert_eq!(
        content(&disk.restart(Survives::Nothing)).unwrap(),
        b"abcdef"
    );
}

#[test]
fn after_a_failed_sync_a_second_one_saves_nothing() {
    let disk = SimDisk::new();
    let mut file = written(&disk, false);
    for folder in ["/", FOLDER] {
        disk.sync_folder(Path::new(folder)).unwrap();
    }
    disk.fail_at(disk.call_count(), Fault::Errno(EIO), false);
    assert_eq!(file.sync().unwrap_err().raw_os_error(), Some(EIO));
    file.sync().unwrap();
    assert_eq!(content(&disk).unwrap(), b"abcdef");
    assert_eq!(content(&disk.restart(Survives::Nothing)).unwrap(), b"");
}

#[test]
fn a_write_is_cut_where_the_power_goes_and_nothing_works_after() {
    let disk = SimDisk::new();
    disk.cut_at(2, Cut::AllBut(2));
    disk.create_folder(Path::new(FOLDER)).unwrap();
    let mut file = disk.create_new(&Path::new(FOLDER).join("a")).unwrap();
    assert!(file.write(b"abcdef").is_err());
    assert!(disk.is_off() && disk.list(Path::new("/")).is_err());
    assert_eq!(
        content(&disk.restart(Survives::Everything)).unwrap(),
        b"abcd"
    );
}

#[test]
fn a_full_disk_still_reads_and_removes() {
    let disk = SimDisk::new();
    let mut file = written(&disk, true);
    disk.fail_at(disk.call_count(), Fault::Full, true);
    let error = file.write(b"gh").unwrap_err();
    assert_eq!(error.raw_os_error(), Some(ENOSPC));
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(content(&disk).unwrap(), b"abcdefg");
    disk.remove(&Path::new(FOLDER).join("a")).unwrap();
}

#[test]
fn a_lock_is_held_by_one_until_it_is_dropped_or_lost() {
    let disk = SimDisk::new();
    let root = Path::new("/");
    let first = disk.try_lock(root).unwrap();
    assert!(first.is_some() && disk.try_lock(root).unwrap().is_none());
    disk.lose_locks();
    let second = disk.try_lock(root).unwrap();
    assert!(second.is_some());
    drop(first);
    assert!(disk.try_lock(root).unwrap().is_none());
    drop(second);
    assert!(disk.try_lock(root).unwrap().is_some());
}

#[test]
fn a_wall_clock_that_steps_back_leaves_monotonic_time_alone() {
    let clock = SimClock::starting_at("2026-11-21T10:04:05Z".parse().unwrap());
    clock.sleep(Duration::from_secs(5));
    clock.step_wall(chrono::TimeDelta::hours(-1));
    assert_eq!(clock.monotonic(), Duration::from_secs(5));
    assert_eq!(clock.now().to_rfc3339(), "2026-11-21T09:04:10+00:00");
}

#[test]
fn the_real_disk_keeps_the_same_contract() {
    let at = tempfile::tempdir().unwrap();
    let disk = RealDisk::new();
    let (old, new) = (at.path().join("old"), at.path().join("new"));
    let mut file = disk.create_new(&old).unwrap();
    file.write(b"abc").unwrap();
    file.sync().unwrap();
    assert_eq!(
        disk.create_new(&old).err().unwrap().kind(),
        std::io::ErrorKind::AlreadyExists
    );
    assert_eq!(
        disk.read(&old, 2).unwrap_err().kind(),
        std::io::ErrorKind::FileTooLarge
    );
    disk.rename(&old, &new).unwrap();
    disk.sync_folder(at.path()).unwrap();
    assert_eq!(disk.metadata(&new).unwrap().id, file.id().unwrap());
    disk.open_append(&new).unwrap().write(b"d").unwrap();
    assert_eq!(disk.read(&new, 4).unwrap(), b"abcd");
    assert_eq!(disk.list(at.path()).unwrap().len(), 1);
    let lock = disk.try_lock(at.path()).unwrap();
    assert!(lock.is_some() && disk.try_lock(at.path()).unwrap().is_none());
    drop(lock);
    assert!(disk.try_lock(at.path()).unwrap().is_some());
    disk.remove(&new).unwrap();
    assert!(disk.read(&new, 4).is_err());
}
