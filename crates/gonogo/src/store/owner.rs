//! Who owns a run folder.
//!
//! Two guards, for two dangers. The kernel's lock on the folder keeps a second process out for as long as the first one lives, and
//! falls with it. Where locks fail (a network file system after a partition), an owner that was paused may wake when another has
//! taken over: so each owner writes a token of its own before it reads the journal, and nothing is acknowledged before the token
//! was seen to be still there *after* the sync. The journal itself is replaced by a new file at each takeover: what a former
//! owner appends goes to a file that has no name any more.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::files::write_file_atomically;
use super::{StoreError, chain, failed};
use crate::world::{Disk, Lock, World};

/// The owner's note in its run folder; gone once the run is released.
pub const OWNER_FILE: &str = ".owner";
const AT_MOST: u64 = 4096;

/// Whether a name at the top of a run folder is the owner's note, which is no part of the bundle.
pub fn is_owner_note(name: &str) -> bool {
    name == OWNER_FILE
}

/// What stands in the note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    pid: u32,
    epoch: u64,
    token: String,
    since: DateTime<Utc>,
}

/// Sole ownership of a run folder, until dropped.
pub(super) struct Owner {
    world: World,
    folder: PathBuf,
    note: Vec<u8>,
    epoch: u64,
    suspect: OnceLock<String>,
    // Held, never read.
    _lock: Box<dyn Lock>,
}

impl Owner {
    /// Takes a folder that nobody else holds.
    pub(super) fn take(world: &World, folder: &Path) -> Result<Self, StoreError> {
        let disk = world.disk.as_ref();
        let lock = disk
            .try_lock(folder)
            .map_err(|error| failed("lock", folder, error))?;
        let former = former_owner(disk, folder)?;
        let Some(lock) = lock else {
            return Err(StoreError::Owned {
                path: folder.to_owned(),
                pid: former.as_ref().map(|note| note.pid),
                since: former.as_ref().map(|note| note.since),
            });
        };
        let token = world
            .entropy
            .draw()
            .map_err(|error| failed("draw a token for", folder, error))?;
        let epoch = former.map_or(1, |note| note.epoch.saturating_add(1));
        let note = serde_json::to_vec(&Note {
            pid: world.pid,
            epoch,
            token: chain::hex(&token),
            since: world.clock.now(),
        })
        .expect("a note of numbers and texts is JSON");
        write_file_atomically(disk, &folder.join(OWNER_FILE), &note, || Ok(()))?;
        Ok(Self {
            world: world.clone(),
            folder: folder.to_owned(),
            note,
            epoch,
            suspect: OnceLock::new(),
            _lock: lock,
        })
    }

    /// How many owners the folder had since it was last released, this one included.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Remembers that the disk failed to confirm something: from then on [`Self::check`] fails for every part of the folder.
    pub(super) fn note_failure(&self, error: &StoreError) {
        if matches!(error, StoreError::Suspect { .. }) {
            // The first failure is the one to tell of.
            drop(self.suspect.set(error.to_string()));
        }
    }

    /// Fails once another process has taken the folder, or the disk is suspect.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if let Some(why) = self.suspect.get() {
            return Err(StoreError::Stopped {
                path: self.folder.clone(),
                why: why.clone(),
            });
        }
        let found = self.world.disk.read(&self.note_path(), AT_MOST);
        match found {
            Ok(bytes) if bytes == self.note => Ok(()),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(failed("read", &self.note_path(), error))
            }
            Ok(_) | Err(_) => Err(StoreError::Fenced {
                path: self.folder.clone(),
            }),
        }
    }

    /// Takes the note away; the lock goes with the value.
    pub(super) fn leave(&self) -> Result<(), StoreError> {
        self.check()?;
        let path = self.note_path();
        let disk = self.world.disk.as_ref();
        disk.remove(&path)
            .map_err(|error| failed("remove", &path, error))?;
        super::files::sync_folder(disk, &self.folder)
    }

    fn note_path(&self) -> PathBuf {
        self.folder.join(OWNER_FILE)
    }
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owner")
            .field("folder", &self.folder)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

/// The note of the present or former owner. One that cannot be understood counts as none: it guards nothing.
fn former_owner(disk: &dyn Disk, folder: &Path) -> Result<Option<Note>, StoreError> {
    let path = folder.join(OWNER_FILE);
    match disk.read(&path, AT_MOST) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", &path, error)),
    }
}
