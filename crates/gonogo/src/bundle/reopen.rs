//! Opening a run that was stopped or killed, to go on with it.

use std::path::Path;

use gonogo_core::decide::Policy;
use gonogo_core::record::{Event, RunStarted};

use super::BundleError;
use super::manifest::MANIFEST;
use super::verify::{events_of, folded, read_policy};
use crate::engine::Setup;
use crate::store::{JournalWriter, RunFolder};
use crate::world::World;

/// A run that this process now owns.
pub struct Opened {
    /// Its folder.
    pub folder: RunFolder,
    /// Its journal, ready to go on.
    pub journal: JournalWriter,
    /// Its first event.
    pub started: RunStarted,
    /// Its events.
    pub events: Vec<Event>,
    /// Bytes of a torn last line that were cut off.
    pub torn_bytes: u64,
    /// Whether its last event was recorded: all that is missing is the seal.
    pub finished: bool,
    /// The policy it began with.
    pub policy: Option<(Policy, Vec<u8>)>,
}

/// Takes over a run's folder.
///
/// # Errors
/// The run is owned by another process, was sealed, or its journal is damaged.
pub fn open_to_resume(world: &World, path: &Path) -> Result<Opened, BundleError> {
    if world.disk.metadata(&path.join(MANIFEST)).is_ok() {
        return Err(BundleError::Sealed {
            folder: path.display().to_string(),
        });
    }
    let folder = RunFolder::take(world, path)?;
    let (journal, read) = folder.resume_journal()?;
    let events = events_of(&read)?;
    if events.is_empty() {
        return Err(BundleError::NeverBegan {
            folder: path.display().to_string(),
        });
    }
    let run = folded(events.clone())?;
    let policy = read_policy(world, path, &run.started)?;
    Ok(Opened {
        torn_bytes: read.torn_tail.as_ref().map_or(0, |t| t.len),
        finished: run.finished_at.is_some(),
        started: run.started,
        folder,
        journal,
        events,
        policy,
    })
}

impl Opened {
    /// Inputs for going on: those given now, and those that the journal has, for all that are not secret.
    pub fn inputs_again(&self, given: &[(String, String)]) -> Vec<(String, String)> {
        let recorded = self.started.inputs.iter().filter_map(|(name, seen)| {
            let value = seen.value.as_ref().filter(|_| !seen.secret)?;
            (seen.source == "-i" || seen.source == "environment variable" || seen.source == "file")
                .then(|| {
                    let text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    (name.clone(), text)
                })
        });
        recorded.chain(given.iter().cloned()).collect()
    }

    /// An input that is not secret and has another value than when the run started.
    pub fn changed_input(&self, setup: &Setup) -> Option<String> {
        self.started
            .inputs
            .iter()
            .find(|(name, seen)| {
                !seen.secret
                    && setup.inputs.seen.get(*name).map(|now| &now.value) != Some(&seen.value)
            })
            .map(|(name, _)| name.clone())
    }
}
