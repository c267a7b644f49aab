//! Appending to a log: lines gather in memory, one write and one fsync make many of them durable.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::chain::{self, Hash, Head, Journal, Place};
use super::files::{still_names, write_all, write_file_atomically};
use super::owner::Owner;
use super::{RedactedBytes, StoreError, failed, unconfirmed};
use crate::world::{Disk, DiskFile, FileId};

/// Bytes that gather before they are handed to the kernel without a sync.
const FLUSH_AT: usize = 1 << 20;

/// When an append counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On disk before the call returns: intents, verdicts, everything that an effect follows.
    Synced,
    /// On disk with the next sync, whoever asks for it; not acknowledged before.
    Grouped,
}

/// The one writer of a log.
///
/// After the first failed write or sync it takes nothing more: what is on the disk is unknown, and trying again could
/// acknowledge what is not there.
pub struct JournalWriter {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    id: FileId,
    owner: Option<Arc<Owner>>,
    count: u64,
    last: Hash,
    synced: u64,
    /// Encoded lines that were not handed to the kernel yet.
    gathered: Vec<u8>,
    stopped: Option<String>,
}

impl JournalWriter {
    /// Starts a log that is not there yet: its header is durable when this returns.
    pub(super) fn create(
        disk: &Arc<dyn Disk>,
        path: &Path,
        kind: &str,
        about: &RedactedBytes,
        owner: Option<Arc<Owner>>,
    ) -> Result<Self, StoreError> {
        let (header, hash) = chain::encode_header(kind, about)?;
        Self::install(disk, path, &header, (0, hash), owner)
    }

    /// Continues a log, under a new file of the same name.
    ///
    /// Copying drops a torn tail in one step, leaves a former owner with a file that has no name, and writes anew what an earlier
    /// failed fsync may have left in memory only.
    pub(super) fn continue_in_new_file(
        disk: &Arc<dyn Disk>,
        path: &Path,
        owner: Option<Arc<Owner>>,
    ) -> Result<(Self, Journal), StoreError> {
        let bytes = chain::read_bytes(disk.as_ref(), path)?;
        let journal = chain::parse(&bytes, path)?;
        let whole = match &journal.torn_tail {
            Some(torn) => &bytes[..torn.offset as usize],
            None => &bytes[..],
        };
        let writer = Self::install(disk, path, whole, end_of(&journal), owner)?;
        Ok((writer, journal))
    }

    /// Continues a log in place. Only for one that was read under the lock that still holds, and has no torn tail.
    pub(super) fn continue_in_place(
        disk: &Arc<dyn Disk>,
        path: &Path,
        journal: &Journal,
    ) -> Result<Self, StoreError> {
        let file = disk
            .open_append(path)
            .map_err(|error| failed("open", path, error))?;
        Self::around(disk, path, file, end_of(journal), None)
    }

    fn install(
        disk: &Arc<dyn Disk>,
        path: &Path,
        content: &[u8],
        end: (u64, Hash),
        owner: Option<Arc<Owner>>,
    ) -> Result<Self, StoreError> {
        let permitted = || owner.as_ref().map_or(Ok(()), |owner| owner.check());
        let file = write_file_atomically(disk.as_ref(), path, content, permitted)?;
        Self::around(disk, path, file, end, owner)
    }

    fn around(
        disk: &Arc<dyn Disk>,
        path: &Path,
        file: Box<dyn DiskFile>,
        (count, last): (u64, Hash),
        owner: Option<Arc<Owner>>,
    ) -> Result<Self, StoreError> {
        let id = file.id().map_err(|error| failed("open", path, error))?;
        Ok(Self {
            disk: Arc::clone(disk),
            path: path.to_owned(),
            file,
            id,
            owner,
            count,
            last,
            synced: count,
            gathered: Vec::new(),
            stopped: None,
        })
    }

    /// Adds an event; `at` is the wall time it is recorded under. Gives its number, from 1.
    ///
    /// With [`Durability::Grouped`] the event is *not* acknowledged yet: it is once [`Self::synced`] reaches its number.
    ///
    /// # Errors
    /// [`StoreError::BadEvent`] and [`StoreError::TooLarge`] concern this event alone; after any other error the writer is stopped.
    pub fn append(
        &mut self,
        event: &RedactedBytes,
        at: DateTime<Utc>,
        durability: Durability,
    ) -> Result<u64, StoreError> {
        self.refuse_if_stopped()?;
        let place = Place {
            seq: self.count + 1,
            prev: self.last,
            synced: self.synced,
            at,
        };
        self.last = chain::encode_line(&mut self.gathered, &place, event)?;
        self.count = place.seq;
        match durability {
            Durability::Synced => {
                self.sync()?;
            }
            Durability::Grouped if self.gathered.len() >= FLUSH_AT => self.flush()?,
            Durability::Grouped => {}
        }
        Ok(place.seq)
    }

    /// Makes all appended events durable and gives their number.
    pub fn sync(&mut self) -> Result<u64, StoreError> {
        self.refuse_if_stopped()?;
        if self.synced == self.count {
            return Ok(self.synced);
        }
        self.flush()?;
        let confirmed = self
            .file
            .sync()
            .map_err(|error| unconfirmed(&self.path, error));
        self.or_stop(confirmed)?;
        // After the sync: an owner that took over before this moment reads what we wrote, one that did so earlier fences us here.
        let still_ours = self.still_ours();
        self.or_stop(still_ours)?;
        self.synced = self.count;
        Ok(self.synced)
    }

    /// How many events are durable: these, and only these, are acknowledged.
    pub fn synced(&self) -> u64 {
        self.synced
    }

    /// The durable end of the log.
    pub fn head(&mut self) -> Result<Head, StoreError> {
        let count = self.sync()?;
        Ok(Head {
            count,
            hash: chain::hex(&self.last),
        })
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let written = write_all(self.file.as_mut(), &self.gathered, &self.path);
        self.gathered.clear();
        self.or_stop(written)
    }

    fn still_ours(&self) -> Result<(), StoreError> {
        if let Some(owner) = &self.owner {
            owner.check()?;
        }
        if still_names(self.disk.as_ref(), &self.path, self.id) {
            Ok(())
        } else {
            Err(StoreError::Fenced {
                path: self.path.clone(),
            })
        }
    }

    fn or_stop<T>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &outcome {
            self.stopped = Some(error.to_string());
            if let Some(owner) = &self.owner {
                owner.note_failure(error);
            }
        }
        outcome
    }

    fn refuse_if_stopped(&self) -> Result<(), StoreError> {
        match &self.stopped {
            None => Ok(()),
            Some(why) => Err(StoreError::Stopped {
                path: self.path.clone(),
                why: why.clone(),
            }),
        }
    }
}

impl std::fmt::Debug for JournalWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JournalWriter")
            .field("path", &self.path)
            .field("count", &self.count)
            .field("synced", &self.synced)
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}

fn end_of(journal: &Journal) -> (u64, Hash) {
    let head = journal.head();
    let last = chain::unhex(&head.hash).expect("a parsed log's hashes are hex");
    (head.count, last)
}
