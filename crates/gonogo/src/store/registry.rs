//! All runs of a runs folder, in order: which attempt a run is, and what the earlier ones gave.
//!
//! Whoever runs until it is green leaves the other runs here (`decisions.md`, 8). What cannot be known is said to be unknown: a
//! registry that is missing, damaged or lacks a run that lies beside it never says "first attempt".
//! It guards against forgetting, not against someone who empties the whole runs folder; that takes a witness elsewhere.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::chain::{self, Journal};
use super::files::{remove_temporaries_here, sync_folder};
use super::folder::JOURNAL;
use super::journal::{Durability, JournalWriter};
use super::{RedactedBytes, StoreError, failed};
use crate::world::{Kind, Lock, World};

const REGISTRY: &str = "registry.ndjson";
/// How long another process may hold the registry before we give up: this often, this long.
const TRIES: u32 = 250;
const PAUSE: Duration = Duration::from_millis(20);

/// A run begins. Its JSON passes the redactor before [`Registry::record_start`] takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The run: its folder's name.
    pub run: String,
    /// What is to be validated, in one text (commit, digest, version as they were to be released).
    pub subject: String,
    /// The environment's name.
    pub environment: String,
    /// The plan's digest.
    pub plan: String,
}

/// A run ends, or stops for now: a resumed one ends again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// The run.
    pub run: String,
    /// Its verdict, as every output spells it.
    pub verdict: String,
    /// The checks, as `gate/check`, in which samples were taken: these have spent some α.
    pub sampled: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Record {
    Start(Start),
    End(End),
}

/// A run of the same subject, environment and plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The run.
    pub run: String,
    /// When it was registered.
    pub started_at: DateTime<Utc>,
    /// Its ends in order; none for one that crashed or still runs, of which nobody knows what it sampled.
    pub ends: Vec<End>,
}

/// What is known of the runs of one subject, environment and plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempts {
    /// All of them, in order.
    Known(Vec<Attempt>),
    /// There may be more than were found.
    Unknown {
        /// Why nobody can tell.
        reason: String,
        /// Those that were found.
        found: Vec<Attempt>,
    },
}

impl Attempts {
    /// The number of the run that begins after these; `None` where it is unknown.
    pub fn next_number(&self) -> Option<u64> {
        match self {
            Self::Known(earlier) => Some(earlier.len() as u64 + 1),
            Self::Unknown { .. } => None,
        }
    }

    /// Those that were found, whether or not that is all.
    pub fn found(&self) -> &[Attempt] {
        match self {
            Self::Known(found) | Self::Unknown { found, .. } => found,
        }
    }
}

/// The registry of a runs folder. Each call takes the folder's lock for its own time only.
#[derive(Clone, Debug)]
pub struct Registry {
    world: World,
    runs: PathBuf,
}

impl Registry {
    /// The registry of `runs`; the folder is made if it is not there.
    pub fn open(world: &World, runs: &Path) -> Result<Self, StoreError> {
        make_folders(world, runs)?;
        Ok(Self {
            world: world.clone(),
            runs: runs.to_owned(),
        })
    }

    /// All known runs of this subject, environment and plan. Never fails: what cannot be read is unknown.
    pub fn attempts(&self, subject: &str, environment: &str, plan: &str) -> Attempts {
        let loaded = self.lock().and_then(|_lock| self.load());
        let key = (subject, environment, plan);
        match loaded {
            Ok(Some(loaded)) => loaded.attempts(key, None),
            Ok(None) => unknown("there is no registry"),
            Err(error) => unknown(&error.to_string()),
        }
    }

    /// Registers a run *before* its folder is made; durable when this returns. Gives the attempts before it.
    ///
    /// `start` is the JSON of a [`Start`], redacted. Doing it twice for one run registers it once.
    pub fn record_start(&self, start: &RedactedBytes) -> Result<Attempts, StoreError> {
        let start: Start = decode(start)?;
        let _lock = self.lock()?;
        let (mut writer, loaded) = self.open_log()?;
        let key = (
            start.subject.as_str(),
            start.environment.as_str(),
            start.plan.as_str(),
        );
        let before = loaded.attempts(key, Some(&start.run));
        if !loaded.runs().contains(start.run.as_str()) {
            self.append(&mut writer, &Record::Start(start))?;
        }
        Ok(before)
    }

    /// Registers how a run ended; durable when this returns. `end` is the JSON of an [`End`], redacted.
    pub fn record_end(&self, end: &RedactedBytes) -> Result<(), StoreError> {
        let end: End = decode(end)?;
        let _lock = self.lock()?;
        let (mut writer, loaded) = self.open_log()?;
        let repeated = loaded
            .records
            .iter()
            .rev()
            .find_map(|(_, record)| match record {
                Record::End(known) if known.run == end.run => Some(*known == end),
                _ => None,
            });
        if repeated == Some(true) {
            return Ok(());
        }
        self.append(&mut writer, &Record::End(end))
    }

    fn append(&self, writer: &mut JournalWriter, record: &Record) -> Result<(), StoreError> {
        // Built from redacted JSON only.
        let event = serde_json::to_vec(record).expect("a record of texts is JSON");
        let event = RedactedBytes::vouched(event);
        writer
            .append(&event, self.world.clock.now(), Durability::Synced)
            .map(drop)
    }

    fn path(&self) -> PathBuf {
        self.runs.join(REGISTRY)
    }

    fn lock(&self) -> Result<Box<dyn Lock>, StoreError> {
        for _ in 0..TRIES {
            match self.world.disk.try_lock(&self.runs) {
                Ok(Some(lock)) => return Ok(lock),
                Ok(None) => self.world.clock.sleep(PAUSE),
                Err(error) => return Err(failed("lock", &self.runs, error)),
            }
        }
        Err(StoreError::RegistryBusy {
            path: self.runs.clone(),
        })
    }

    /// The log ready for one more record. A missing one is begun, and remembers for ever whether runs came before it.
    fn open_log(&self) -> Result<(JournalWriter, Loaded), StoreError> {
        remove_temporaries_here(self.world.disk.as_ref(), &self.runs)?;
        let disk = &self.world.disk;
        let path = self.path();
        match self.load()? {
            Some(loaded) if loaded.log.torn_tail.is_some() => {
                let (writer, _) = JournalWriter::continue_in_new_file(disk, &path, None)?;
                Ok((writer, loaded))
            }
            Some(loaded) => {
                let writer = JournalWriter::continue_in_place(disk, &path, &loaded.log)?;
                Ok((writer, loaded))
            }
            None => {
                let complete = self.run_folders()?.is_empty();
                let about = format!("{{\"complete\":{complete}}}").into_bytes();
                let about = RedactedBytes::vouched(about);
                let writer = JournalWriter::create(disk, &path, "registry", &about, None)?;
                let loaded = self.load()?.ok_or_else(|| {
                    failed("read", &path, io::Error::from(io::ErrorKind::NotFound))
                })?;
                Ok((writer, loaded))
            }
        }
    }

    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        let path = self.path();
        let log = match chain::read(self.world.disk.as_ref(), &path) {
            Ok(log) => log,
            Err(StoreError::NotARun { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let complete = log.header.kind == "registry" && log.header.about == "{\"complete\":true}";
        let mut records = Vec::with_capacity(log.entries.len());
        for entry in &log.entries {
            let record =
                serde_json::from_str(&entry.event).map_err(|error| StoreError::Damaged {
                    path: path.clone(),
                    line: entry.seq + 1,
                    expected: "a run's start or end".into(),
                    found: error.to_string(),
                })?;
            records.push((entry.at, record));
        }
        let mut loaded = Loaded {
            log,
            records,
            gap: None,
        };
        loaded.gap = if complete {
            let known = loaded.runs();
            self.run_folders()?
                .into_iter()
                .find(|folder| !known.contains(folder.as_str()))
                .map(|folder| format!("the run {folder} is not in the registry"))
        } else {
            Some("the registry was begun when there were runs already".into())
        };
        Ok(Some(loaded))
    }

    /// The folders that hold a journal.
    fn run_folders(&self) -> Result<Vec<String>, StoreError> {
        let disk = self.world.disk.as_ref();
        let entries = disk
            .list(&self.runs)
            .map_err(|error| failed("list", &self.runs, error))?;
        Ok(entries
            .into_iter()
            .filter(|entry| entry.kind == Kind::Folder)
            .map(|entry| entry.name)
            .filter(|name| disk.metadata(&self.runs.join(name).join(JOURNAL)).is_ok())
            .collect())
    }
}

struct Loaded {
    log: Journal,
    records: Vec<(DateTime<Utc>, Record)>,
    /// Why runs may be missing here.
    gap: Option<String>,
}

impl Loaded {
    fn runs(&self) -> BTreeSet<&str> {
        self.records
            .iter()
            .filter_map(|(_, record)| match record {
                Record::Start(start) => Some(start.run.as_str()),
                Record::End(_) => None,
            })
            .collect()
    }

    /// The attempts under a key, those registered after the run `before` left out, and itself.
    fn attempts(&self, key: (&str, &str, &str), before: Option<&str>) -> Attempts {
        let mut found: Vec<Attempt> = Vec::new();
        let mut open = true;
        for (at, record) in &self.records {
            match record {
                Record::Start(start) => {
                    open &= before != Some(start.run.as_str());
                    let same = (
                        start.subject.as_str(),
                        start.environment.as_str(),
                        start.plan.as_str(),
                    ) == key;
                    if open && same {
                        found.push(Attempt {
                            run: start.run.clone(),
                            started_at: *at,
                            ends: Vec::new(),
                        });
                    }
                }
                Record::End(end) => {
                    if let Some(attempt) = found.iter_mut().find(|known| known.run == end.run) {
                        attempt.ends.push(end.clone());
                    }
                }
            }
        }
        match &self.gap {
            None => Attempts::Known(found),
            Some(reason) => Attempts::Unknown {
                reason: reason.clone(),
                found,
            },
        }
    }
}

fn unknown(reason: &str) -> Attempts {
    Attempts::Unknown {
        reason: reason.to_owned(),
        found: Vec::new(),
    }
}

fn decode<T: for<'de> Deserialize<'de>>(json: &RedactedBytes) -> Result<T, StoreError> {
    serde_json::from_slice(json.as_bytes())
        .map_err(|error| super::BadEvent::NotStrict(error.to_string()).into())
}

fn make_folders(world: &World, folder: &Path) -> Result<(), StoreError> {
    let disk = world.disk.as_ref();
    match disk.create_folder(folder) {
        Ok(()) => match folder.parent() {
            Some(parent) => sync_folder(disk, or_here(parent)),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = folder
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty())
                .ok_or_else(|| failed("create", folder, error))?;
            make_folders(world, parent)?;
            make_folders(world, folder)
        }
        Err(error) => Err(failed("create", folder, error)),
    }
}

/// The folder that a bare name lies in.
fn or_here(parent: &Path) -> &Path {
    if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    }
}
