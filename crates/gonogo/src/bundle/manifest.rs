//! The list of a bundle's files with their hashes: the seal, written last.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{BundleError, MAX_FILE};
use crate::store::StoreError;
use crate::world::{Disk, Kind};

/// The manifest's name in a bundle.
pub const MANIFEST: &str = "manifest.json";

/// What a sealed bundle holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the bundle's layout.
    pub format: u32,
    /// The hash function of every digest here.
    pub hash: String,
    /// Number of the journal's events and the hash of its last line: a bundle that lost its tail is found out.
    pub journal: Head,
    /// Every file but this one, by its path with `/`, with its digest and size.
    pub files: BTreeMap<String, Entry>,
}

/// The journal's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// How many events.
    pub events: u64,
    /// Hash of the last line.
    pub sha256: String,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

impl Manifest {
    /// The manifest of a folder as it is.
    pub fn of(disk: &dyn Disk, folder: &Path, journal: Head) -> Result<Self, BundleError> {
        let mut files = BTreeMap::new();
        collect(disk, folder, "", &mut files)?;
        files.remove(MANIFEST);
        Ok(Self {
            format: 1,
            hash: "sha256".to_owned(),
            journal,
            files,
        })
    }

    /// The only bytes that stand for it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// SHA-256, lower-case hex.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(bytes);
    let mut text = String::with_capacity(64);
    for byte in digest {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

fn collect(
    disk: &dyn Disk,
    folder: &Path,
    below: &str,
    files: &mut BTreeMap<String, Entry>,
) -> Result<(), BundleError> {
    let shown = |name: &str| {
        if below.is_empty() {
            name.to_owned()
        } else {
            format!("{below}/{name}")
        }
    };
    let entries = disk
        .list(folder)
        .map_err(|e| unreadable("list", folder, e))?;
    for entry in entries {
        if below.is_empty() && crate::store::is_owner_note(&entry.name) {
            continue;
        }
        let path = shown(&entry.name);
        let place = folder.join(&entry.name);
        match entry.kind {
            Kind::Folder => collect(disk, &place, &path, files)?,
            Kind::File => {
                let read = disk.read(&place, MAX_FILE);
                let bytes = read.map_err(|e| unreadable("read", &place, e))?;
                let found = Entry {
                    sha256: sha256_hex(&bytes),
                    bytes: bytes.len() as u64,
                };
                files.insert(path, found);
            }
            Kind::Other => {
                return Err(BundleError::Changed {
                    file: path,
                    why: "a bundle holds files only, no links".to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// A disk that fails is no forgery: whoever seals stops, whoever verifies has no evidence.
fn unreadable(operation: &'static str, path: &Path, error: std::io::Error) -> BundleError {
    BundleError::Store(StoreError::Io {
        operation,
        path: path.to_owned(),
        source: Arc::new(error),
    })
}
