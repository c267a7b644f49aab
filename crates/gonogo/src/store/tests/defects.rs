//! T7: the harness is worth something only if it catches a store that is wrong.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::harness::*;
use crate::world::sim::{EIO, Fault, SimDisk};
use crate::world::{Disk, DiskFile, Entry, FileId, Lock, Metadata};

/// What stands between the store and its disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Defect {
    NoSync,
    NoFolderSync,
    SyncRetried,
    FullSwallowed,
    RenamedBeforeSync,
}

struct Defective {
    inner: SimDisk,
    defect: Defect,
    /// Files whose sync was put off until after the rename.
    put_off: Mutex<BTreeMap<PathBuf, Shared>>,
}

type Shared = Arc<Mutex<Box<dyn DiskFile>>>;

struct DefectiveFile {
    inner: Shared,
    defect: Defect,
    temporary: bool,
}

fn with(defect: Defect, inner: SimDisk) -> Arc<dyn Disk> {
    Arc::new(Defective {
        inner,
        defect,
        put_off: Mutex::default(),
    })
}

impl Defective {
    fn file(&self, path: &Path, inner: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        let inner = Arc::new(Mutex::new(inner));
        let temporary = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(".tmp-"));
        if temporary && self.defect == Defect::RenamedBeforeSync {
            let mut put_off = self.put_off.lock().unwrap();
            put_off.insert(path.to_owned(), Arc::clone(&inner));
        }
        Box::new(DefectiveFile {
            inner,
            defect: self.defect,
            temporary,
        })
    }
}

impl DiskFile for DefectiveFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.inner.lock().unwrap().write(bytes) {
            Err(error)
                if self.defect == Defect::FullSwallowed
                    && error.kind() == io::ErrorKind::StorageFull =>
            {
                Ok(bytes.len())
            }
            written => written,
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.inner.lock().unwrap();
        match self.defect {
            Defect::NoSync => Ok(()),
            Defect::SyncRetried => inner.sync().or_else(|_| inner.sync()),
            Defect::RenamedBeforeSync if self.temporary => {
                // Only the first time: the journal stays open under its new name.
                self.temporary = false;
                Ok(())
            }
            _ => inner.sync(),
        }
    }

    fn id(&self) -> io::Result<FileId> {
        self.inner.lock().unwrap().id()
    }
}

impl Disk for Defective {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.inner.create_folder(path)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.file(path, self.inner.create_new(path)?))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.file(path, self.inner.open_append(path)?))
    }

    fn read(&self, path: &Path, at_most: u64) -> io::Result<Vec<u8>> {
        self.inner.read(path, at_most)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        self.inner.list(folder)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.inner.metadata(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)?;
        match self.put_off.lock().unwrap().remove(from) {
            Some(file) => file.lock().unwrap().sync(),
            None => Ok(()),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if self.defect == Defect::NoFolderSync {
            return Ok(());
        }
        self.inner.sync_folder(folder)
    }

    fn try_lock(&self, folder: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        self.inner.try_lock(folder)
    }
}

/// Each word is part of a promise that the defect must be seen to break.
fn is_caught(broken: &[String], words: &[&str]) {
    for word in words {
        assert!(
            broken.iter().any(|promise| promise.contains(word)),
            "no broken promise speaks of `{word}`: {:?}",
            broken.first()
        );
    }
}

#[test]
fn a_missing_fsync_is_caught() {
    let variant = Variant {
        wrap: |disk| with(Defect::NoSync, disk),
        ..SOUND
    };
    is_caught(
        &every_crash(variant),
        &[
            "were acknowledged",
            "verdict's file is not whole",
            "registry",
        ],
    );
}

#[test]
fn a_missing_folder_sync_is_caught() {
    let variant = Variant {
        wrap: |disk| with(Defect::NoFolderSync, disk),
        ..SOUND
    };
    is_caught(
        &every_crash(variant),
        &[
            "not a run any more",
            "acknowledged file is gone",
            "names a blob",
            "registry",
        ],
    );
}

#[test]
fn a_file_renamed_before_its_sync_is_caught() {
    let variant = Variant {
        wrap: |disk| with(Defect::RenamedBeforeSync, disk),
        ..SOUND
    };
    is_caught(
        &every_crash(variant),
        &[
            "cannot be resumed",
            "verdict's file is not whole",
            "registry",
        ],
    );
}

#[test]
fn an_fsync_that_is_tried_again_is_caught() {
    let variant = Variant {
        wrap: |disk| with(Defect::SyncRetried, disk),
        ..SOUND
    };
    is_caught(
        &every_fault(variant, &[Fault::Errno(EIO)]),
        &[
            "were acknowledged",
            "verdict's file is not whole",
            "names a blob",
            "registry",
        ],
    );
}

#[test]
fn a_swallowed_full_disk_is_caught() {
    let variant = Variant {
        wrap: |disk| with(Defect::FullSwallowed, disk),
        ..SOUND
    };
    is_caught(
        &every_fault(variant, &[Fault::Full]),
        &[
            "were acknowledged",
            "verdict's file is not whole",
            "names a blob",
            "registry",
        ],
    );
}

#[test]
fn an_acknowledgement_before_the_sync_is_caught() {
    let variant = Variant {
        mistake: Some(Mistake::AckBeforeSync),
        ..SOUND
    };
    is_caught(&every_crash(variant), &["were acknowledged"]);
}

#[test]
fn an_event_dropped_on_replay_is_caught() {
    let variant = Variant {
        mistake: Some(Mistake::DropLastOnReplay),
        ..SOUND
    };
    is_caught(&every_crash(variant), &["were acknowledged"]);
}

#[test]
fn an_effect_before_its_intent_is_caught() {
    let variant = Variant {
        mistake: Some(Mistake::EffectBeforeIntent),
        ..SOUND
    };
    is_caught(&every_crash(variant), &["its intent is lost"]);
}

#[test]
fn a_verdict_file_before_its_event_is_caught() {
    let variant = Variant {
        mistake: Some(Mistake::VerdictBeforeEvent),
        ..SOUND
    };
    is_caught(&every_crash(variant), &["looks finished"]);
}

#[test]
fn an_event_before_its_blob_is_caught() {
    let variant = Variant {
        mistake: Some(Mistake::EventBeforeBlob),
        ..SOUND
    };
    is_caught(&every_crash(variant), &["names a blob"]);
}
