//! One run, one folder, one owner.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::blobs::Blobs;
use super::chain::Journal;
use super::files::{remove_temporaries, sync_folder, write_file_atomically};
use super::journal::JournalWriter;
use super::owner::Owner;
use super::{RedactedBytes, StoreError, failed};
use crate::world::{Kind, World};

/// The journal's name in a run folder.
pub const JOURNAL: &str = "journal.ndjson";
/// The blobs' folder in a run folder.
pub const BLOBS: &str = "blobs";

/// Names are drawn again this often when they are taken.
const NAME_DRAWS: usize = 16;
/// Longest part of a folder's name that comes from a plan.
const NAME_PART: usize = 40;

/// A run folder that this process owns. Dropping it lets others take it; [`RunFolder::release`] also removes the owner's note.
#[derive(Debug)]
pub struct RunFolder {
    world: World,
    path: PathBuf,
    owner: Arc<Owner>,
}

impl RunFolder {
    /// The name of a run that starts now: `2026-11-21T1004Z-metasheet2-staging-7f3a`.
    pub fn name(world: &World, plan: &str, environment: &str) -> Result<String, StoreError> {
        let drawn = world
            .entropy
            .draw()
            .map_err(|error| failed("draw a name for", Path::new(plan), error))?;
        Ok(folder_name(
            world.clock.now(),
            plan,
            environment,
            [drawn[0], drawn[1]],
        ))
    }

    /// Makes the folder of a new run under `runs`, which exists. Record the run in the [`super::Registry`] before.
    pub fn create(world: &World, runs: &Path, name: &str) -> Result<Self, StoreError> {
        let path = runs.join(plain(name)?);
        let disk = world.disk.as_ref();
        for folder in [path.clone(), path.join(BLOBS)] {
            disk.create_folder(&folder)
                .map_err(|error| failed("create", &folder, error))?;
        }
        sync_folder(disk, runs)?;
        let owner = Arc::new(Owner::take(world, &path)?);
        Ok(Self {
            world: world.clone(),
            path,
            owner,
        })
    }

    /// A name under `runs` that is not taken.
    pub fn free_name(
        world: &World,
        runs: &Path,
        plan: &str,
        environment: &str,
    ) -> Result<String, StoreError> {
        for _ in 0..NAME_DRAWS {
            let name = Self::name(world, plan, environment)?;
            match world.disk.metadata(&runs.join(&name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(name),
                Ok(_) => {}
                Err(error) => return Err(failed("look at", &runs.join(&name), error)),
            }
        }
        let taken = io::ErrorKind::AlreadyExists.into();
        Err(failed("find a free name in", runs, taken))
    }

    /// Takes over the folder of a run that nobody owns, and clears away what a crash left half-written.
    ///
    /// A finished run is not to be taken: [`super::read`] its journal first and look for the end, which needs no ownership.
    ///
    /// # Errors
    /// [`StoreError::Owned`] with the owner's process id (exit 64); [`StoreError::NotARun`] if there is no journal.
    pub fn take(world: &World, path: &Path) -> Result<Self, StoreError> {
        let disk = world.disk.as_ref();
        match disk.metadata(&path.join(JOURNAL)) {
            Ok(found) if found.kind == Kind::File => {}
            Ok(_) => return Err(StoreError::NotARun { path: path.into() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NotARun { path: path.into() });
            }
            Err(error) => return Err(failed("look at", path, error)),
        }
        let owner = Arc::new(Owner::take(world, path)?);
        remove_temporaries(disk, path)?;
        Ok(Self {
            world: world.clone(),
            path: path.to_owned(),
            owner,
        })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many owners it had since it was last released, this one included: above 1, a crash or a takeover came before.
    pub fn epoch(&self) -> u64 {
        self.owner.epoch()
    }

    /// Starts the journal; `about` (a JSON object: run, plan digest, …) starts its chain.
    pub fn start_journal(&self, about: &RedactedBytes) -> Result<JournalWriter, StoreError> {
        let owner = Some(Arc::clone(&self.owner));
        let path = self.path.join(JOURNAL);
        JournalWriter::create(&self.world.disk, &path, "journal", about, owner)
    }

    /// Verifies the journal and continues it. A torn tail is dropped; the caller appends the event that says so.
    pub fn resume_journal(&self) -> Result<(JournalWriter, Journal), StoreError> {
        let owner = Some(Arc::clone(&self.owner));
        let path = self.path.join(JOURNAL);
        JournalWriter::continue_in_new_file(&self.world.disk, &path, owner)
    }

    /// The blobs, of at most `at_most` bytes each.
    pub fn blobs(&self, at_most: u64) -> Blobs {
        let folder = self.path.join(BLOBS);
        Blobs::new(&self.world.disk, folder, &self.owner, at_most)
    }

    /// Writes `verdict.json`, a report, or a file below (`plan/auth.yaml`): whole and durable, or not there.
    pub fn write_file(&self, name: &str, content: &RedactedBytes) -> Result<(), StoreError> {
        let disk = self.world.disk.as_ref();
        let name = plain_path(name)?;
        let mut folder = self.path.clone();
        for part in name.parent().into_iter().flat_map(Path::components) {
            let below = folder.join(part);
            match disk.create_folder(&below) {
                Ok(()) => sync_folder(disk, &folder)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed("create", &below, error)),
            }
            folder = below;
        }
        let path = self.path.join(name);
        let owner = &self.owner;
        let written = write_file_atomically(disk, &path, content.as_bytes(), || owner.check())
            .and_then(|_| owner.check());
        if let Err(error) = &written {
            owner.note_failure(error);
        }
        written
    }

    /// Gives the folder up: the owner's note is gone, nothing but the bundle is left. Others can take it once this owner's
    /// journal and blobs are dropped as well.
    pub fn release(self) -> Result<(), StoreError> {
        self.owner.leave()
    }
}

fn folder_name(at: DateTime<Utc>, plan: &str, environment: &str, drawn: [u8; 2]) -> String {
    format!(
        "{}-{}-{}-{:02x}{:02x}",
        at.format("%Y-%m-%dT%H%MZ"),
        slug(plan),
        slug(environment),
        drawn[0],
        drawn[1]
    )
}

/// What of a title can stand in a folder's name: lower-case ASCII letters and digits, runs of others as one `-`.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars().map(|letter| letter.to_ascii_lowercase()) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == NAME_PART {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "run" } else { slug }.to_owned()
}

fn plain(name: &str) -> Result<&str, StoreError> {
    let path = plain_path(name)?;
    if path.components().count() == 1 {
        Ok(name)
    } else {
        Err(bad_name(name))
    }
}

/// A relative path of ordinary, visible names. The journal and the blobs have writers of their own.
fn plain_path(name: &str) -> Result<&Path, StoreError> {
    let path = Path::new(name);
    let ordinary = path.components().all(|part| match part {
        Component::Normal(part) => part.to_str().is_some_and(|part| !part.starts_with('.')),
        _ => false,
    });
    let reserved = path.starts_with(JOURNAL) || path.starts_with(BLOBS);
    if name.is_empty() || !ordinary || reserved || name.contains(char::is_control) {
        return Err(bad_name(name));
    }
    Ok(path)
}

fn bad_name(name: &str) -> StoreError {
    StoreError::BadName {
        name: name.escape_debug().take(80).collect(),
    }
}
