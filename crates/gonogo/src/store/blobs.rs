//! Large parts of observations, named by the hash of their bytes.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::files::{sync_folder, write_temporary};
use super::owner::Owner;
use super::{RedactedBytes, StoreError, chain, failed};
use crate::world::Disk;

/// A blob's name: the SHA-256 of its bytes, 64 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobName(String);

impl BlobName {
    /// The name that bytes have.
    pub fn of(bytes: &[u8]) -> Self {
        Self(chain::hex(&chain::sha256(bytes)))
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BlobName {
    type Err = StoreError;

    /// Takes nothing but 64 lower-case hex digits, so that a name from a journal cannot lead out of the folder.
    fn from_str(name: &str) -> Result<Self, StoreError> {
        match chain::unhex(name) {
            Some(_) => Ok(Self(name.to_owned())),
            None => Err(StoreError::BadName {
                name: name.escape_debug().take(80).collect(),
            }),
        }
    }
}

/// The blobs of a run folder, for its owner.
#[derive(Debug)]
pub struct Blobs {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    owner: Arc<Owner>,
    at_most: u64,
    durable: BTreeSet<BlobName>,
    stopped: Option<String>,
}

impl Blobs {
    pub(super) fn new(
        disk: &Arc<dyn Disk>,
        folder: PathBuf,
        owner: &Arc<Owner>,
        at_most: u64,
    ) -> Self {
        Self {
            disk: Arc::clone(disk),
            folder,
            owner: Arc::clone(owner),
            at_most,
            durable: BTreeSet::new(),
            stopped: None,
        }
    }

    /// Keeps bytes: durable under their name when this returns, so that an event may name them.
    pub fn put(&mut self, bytes: &RedactedBytes) -> Result<BlobName, StoreError> {
        let names = self.put_all(std::slice::from_ref(bytes))?;
        Ok(names.into_iter().next().expect("one blob, one name"))
    }

    /// Keeps several at once, with one sync of the folder.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] keeps none of them; any other error stops these blobs for good, as a journal is stopped.
    pub fn put_all(&mut self, blobs: &[RedactedBytes]) -> Result<Vec<BlobName>, StoreError> {
        if let Some(why) = &self.stopped {
            return Err(StoreError::Stopped {
                path: self.folder.clone(),
                why: why.clone(),
            });
        }
        for blob in blobs {
            let len = blob.as_bytes().len() as u64;
            if len > self.at_most {
                return Err(StoreError::TooLarge {
                    what: "a blob".into(),
                    len,
                    at_most: self.at_most,
                });
            }
        }
        let kept = self.place(blobs);
        if let Err(error) = &kept {
            self.stopped = Some(error.to_string());
            self.owner.note_failure(error);
        }
        kept
    }

    fn place(&mut self, blobs: &[RedactedBytes]) -> Result<Vec<BlobName>, StoreError> {
        let mut names = Vec::with_capacity(blobs.len());
        let mut fresh = BTreeSet::new();
        for blob in blobs {
            let name = BlobName::of(blob.as_bytes());
            // One that an earlier process left is written again: nobody knows whether it was ever synced.
            if !self.durable.contains(&name) && fresh.insert(name.clone()) {
                let path = self.folder.join(name.as_str());
                let (_, temporary) = write_temporary(self.disk.as_ref(), &path, blob.as_bytes())?;
                self.owner.check()?;
                self.disk
                    .rename(&temporary, &path)
                    .map_err(|error| failed("rename", &path, error))?;
            }
            names.push(name);
        }
        if !fresh.is_empty() {
            sync_folder(self.disk.as_ref(), &self.folder)?;
            self.durable.append(&mut fresh);
        }
        Ok(names)
    }

    /// Reads a blob and verifies it.
    pub fn get(&self, name: &BlobName) -> Result<Vec<u8>, StoreError> {
        read_blob(self.disk.as_ref(), &self.folder, name, self.at_most)
    }
}

/// Reads a blob of at most `at_most` bytes from a folder of blobs; fails unless its bytes have the hash that is its name.
pub fn read_blob(
    disk: &dyn Disk,
    folder: &Path,
    name: &BlobName,
    at_most: u64,
) -> Result<Vec<u8>, StoreError> {
    let path = folder.join(name.as_str());
    let bytes = disk
        .read(&path, at_most)
        .map_err(|error| failed("read", &path, error))?;
    let found = BlobName::of(&bytes);
    if found == *name {
        Ok(bytes)
    } else {
        Err(StoreError::BlobDamaged {
            name: name.to_string(),
            found: found.to_string(),
        })
    }
}
