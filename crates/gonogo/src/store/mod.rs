//! The one writer: run folders, their journals and blobs, and the registry of all runs.
//!
//! What holds here, whatever the disk does (`trust.md`, L1–L7):
//! - what was acknowledged is there after a restart, in order, its hash chain intact;
//! - nothing that is half-written looks finished: files appear whole under their name or not at all;
//! - one owner per run folder; one that lost it cannot write to it any more;
//! - a failed write or sync stops the store. It is never tried again: after a failed fsync nobody knows what is on the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

mod blobs;
mod chain;
mod event;
mod files;
mod folder;
mod group;
mod journal;
mod owner;
mod redacted;
mod registry;

pub use blobs::{BlobName, Blobs, read_blob};
pub use chain::{Entry, Head, Header, Journal, TornTail, parse, read};
pub use event::BadEvent;
pub use folder::{BLOBS, JOURNAL, RunFolder};
pub use group::{Appender, Receipt, Writer};
pub use journal::{Durability, JournalWriter};
pub use owner::{OWNER_FILE, is_owner_note};
pub use redacted::RedactedBytes;
pub use registry::{Attempt, Attempts, End, Registry, Start};

/// Why the store cannot do its work. The run stops safely; its verdict cannot be GO.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk refused a call.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was to be done.
        operation: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// No space left.
    #[error("no space left to {operation} {}\n  help: free some space, then `gonogo resume` continues the run", path.display())]
    Full {
        /// What was to be done.
        operation: &'static str,
        /// To what.
        path: PathBuf,
    },
    /// An fsync failed, so that nobody knows what the disk kept.
    #[error("the disk could not confirm {}: {source}\n  help: the disk is suspect; look at the kernel log before resuming", path.display())]
    Suspect {
        /// What was to be made durable.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Something failed before, and nothing was written since.
    #[error("{} takes no more events since an earlier failure: {why}", path.display())]
    Stopped {
        /// The journal.
        path: PathBuf,
        /// The first failure.
        why: String,
    },
    /// Another process has the run (exit 64).
    #[error("{} belongs to {}", path.display(), owner_in_words(*pid, *since))]
    Owned {
        /// The run folder.
        path: PathBuf,
        /// The owner's process id, where it left one.
        pid: Option<u32>,
        /// When it took the folder.
        since: Option<DateTime<Utc>>,
    },
    /// This process had the run and another one has taken it over.
    #[error("another process has taken over {}; nothing more is written by this one", path.display())]
    Fenced {
        /// The run folder.
        path: PathBuf,
    },
    /// There is no journal, so the run never began.
    #[error("{} has no journal: the run never began", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// A stored log is not what was written.
    #[error("{} line {line} is damaged: expected {expected}, found {found}", path.display())]
    Damaged {
        /// The log.
        path: PathBuf,
        /// From 1; the header is line 1.
        line: u64,
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A blob's bytes are not the ones its name promises.
    #[error("blob {name} is damaged: its bytes hash to {found}")]
    BlobDamaged {
        /// The name, the hash of what was written.
        name: String,
        /// The hash of what is there.
        found: String,
    },
    /// More bytes than a cap allows.
    #[error("{what} has {len} bytes, more than the {at_most} that are kept")]
    TooLarge {
        /// What is too large.
        what: String,
        /// Its size.
        len: u64,
        /// The cap.
        at_most: u64,
    },
    /// An event that could not be read back.
    #[error("an event cannot be recorded: {0}")]
    BadEvent(#[from] BadEvent),
    /// A name that must not become a path.
    #[error("`{name}` cannot be a file's name in a run folder")]
    BadName {
        /// The name.
        name: String,
    },
    /// Another process holds the registry for too long.
    #[error("the registry of {} is held by another process", path.display())]
    RegistryBusy {
        /// The runs folder.
        path: PathBuf,
    },
}

fn owner_in_words(pid: Option<u32>, since: Option<DateTime<Utc>>) -> String {
    let who = pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    );
    match since {
        Some(since) => format!("{who} since {}", since.format("%Y-%m-%d %H:%M:%S UTC")),
        None => who,
    }
}

/// Names the operation and the object of a failed call.
fn failed(operation: &'static str, path: &Path, source: io::Error) -> StoreError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            StoreError::Full { operation, path }
        }
        _ => StoreError::Io {
            operation,
            path,
            source: Arc::new(source),
        },
    }
}

/// A sync that failed. Even `ENOSPC` (delayed allocation) leaves the content unknown.
fn unconfirmed(path: &Path, source: io::Error) -> StoreError {
    StoreError::Suspect {
        path: path.to_owned(),
        source: Arc::new(source),
    }
}

#[cfg(test)]
mod tests;
