//! Recomputing a verdict from its evidence, offline.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::Path;

use chrono::{DateTime, Utc};
use gonogo_core::decide::{self, Deciding, Policy};
use gonogo_core::judge;
use gonogo_core::judged::Judged;
use gonogo_core::outcome::Verdict;
use gonogo_core::plan::{self, LoadedWaivers, Plan, Waiver};
use gonogo_core::record::{Event, Run, RunStarted, fold};

use super::manifest::{MANIFEST, Manifest, sha256_hex};
use super::{BundleError, BundleFiles, MAX_FILE, POLICY};
use crate::store::{self, BlobName, Blobs, Journal, StoreError};
use crate::world::{Disk, World};

/// What a deploy job demands of a bundle besides that it is consistent.
#[derive(Clone, Debug, Default)]
pub struct Demands {
    /// This subject was observed.
    pub subject: Option<String>,
    /// In this environment.
    pub environment: Option<String>,
    /// By the plan of this SHA-256.
    pub plan: Option<String>,
    /// Ended at most so long ago, in nanoseconds.
    pub max_age_ns: Option<i64>,
}

/// A bundle that is what was sealed.
#[derive(Debug)]
pub struct Verified {
    /// The verdict, recomputed.
    pub judged: Judged,
    /// Demands that are not met, as sentences.
    pub unmet: Vec<String>,
}

/// Verifies a bundle: every file is what was sealed, and the verdict and the reports follow from plan, journal and
/// blobs, byte for byte.
///
/// # Errors
/// What does not fit, with the file.
pub fn verify(
    world: &World,
    folder: &Path,
    demands: &Demands,
    now: DateTime<Utc>,
) -> Result<Verified, BundleError> {
    let disk = world.disk.as_ref();
    let sealed = read_manifest(disk, folder)?;
    let found = Manifest::of(disk, folder, sealed.1.journal.clone())?;
    compare_manifest(&found, &sealed)?;
    let journal = store::read(disk, &folder.join(store::JOURNAL))?;
    if let Some(torn) = &journal.torn_tail {
        let why = format!("it ends in {} bytes that are no event", torn.len);
        return Err(changed(store::JOURNAL, why));
    }
    let head = journal.head();
    if (head.count, &head.hash) != (sealed.1.journal.events, &sealed.1.journal.sha256) {
        return Err(changed(
            store::JOURNAL,
            "its end is not the one that was sealed",
        ));
    }
    let (run, judged) = rejudge(world, folder, &journal)?;
    if run.finished_at.is_none() {
        return Err(BundleError::Incomplete {
            folder: folder.display().to_string(),
            why: "its journal has no end".to_owned(),
        });
    }
    // Reports are rendered anew only by the version that wrote them: another one may word them better.
    let same_version = judged.about.gonogo == env!("CARGO_PKG_VERSION");
    for (name, text) in gonogo_report::render_all(&judged) {
        if name != "verdict.json" && !same_version {
            continue;
        }
        let stored = disk
            .read(&folder.join(name), MAX_FILE)
            .map_err(|e| changed(name, format!("it cannot be read: {e}")))?;
        if stored != text.as_bytes() {
            let why = if name == "verdict.json" {
                different_verdict(&stored, &judged)
            } else {
                "it is not what the evidence renders to".to_owned()
            };
            return Err(BundleError::Different {
                file: name.to_owned(),
                why,
                judged: Box::new(judged),
            });
        }
    }
    no_blob_without_event(&found, &run)?;
    let unmet = unmet(&judged, demands, now);
    Ok(Verified { judged, unmet })
}

fn different_verdict(stored: &[u8], judged: &Judged) -> String {
    let stored: Option<String> = serde_json::from_slice::<serde_json::Value>(stored)
        .ok()
        .and_then(|v| v.get("verdict")?.as_str().map(str::to_owned));
    match stored {
        Some(word) if word != judged.verdict.word() => format!(
            "it says {word}, and the evidence gives {}",
            judged.verdict.word()
        ),
        _ => format!(
            "it is not what the evidence gives, which is {}",
            judged.verdict.word()
        ),
    }
}

fn changed(file: &str, why: impl Into<String>) -> BundleError {
    BundleError::Changed {
        file: file.to_owned(),
        why: why.into(),
    }
}

fn read_manifest(disk: &dyn Disk, folder: &Path) -> Result<(Vec<u8>, Manifest), BundleError> {
    let bytes = match disk.read(&folder.join(MANIFEST), MAX_FILE) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            if disk.metadata(&folder.join(store::JOURNAL)).is_err() {
                let path = folder.to_owned();
                return Err(StoreError::NotARun { path }.into());
            }
            return Err(BundleError::Incomplete {
                folder: folder.display().to_string(),
                why: "it has no manifest, so the run was not finished and sealed".to_owned(),
            });
        }
        Err(e) => return Err(changed(MANIFEST, format!("it cannot be read: {e}"))),
    };
    let manifest = serde_json::from_slice(&bytes)
        .map_err(|e| changed(MANIFEST, format!("it is not a manifest: {e}")))?;
    Ok((bytes, manifest))
}

/// Says which file differs, is missing or is too many; the manifest's own bytes count too.
fn compare_manifest(found: &Manifest, sealed: &(Vec<u8>, Manifest)) -> Result<(), BundleError> {
    let (bytes, manifest) = sealed;
    for (name, entry) in &manifest.files {
        match found.files.get(name) {
            None => return Err(changed(name, "it is missing")),
            Some(now) if now != entry => {
                return Err(changed(
                    name,
                    format!("its SHA-256 is {}, sealed was {}", now.sha256, entry.sha256),
                ));
            }
            Some(_) => {}
        }
    }
    if let Some(extra) = found
        .files
        .keys()
        .find(|n| !manifest.files.contains_key(*n))
    {
        return Err(changed(
            extra,
            "it was not there when the bundle was sealed",
        ));
    }
    if *bytes != found.to_bytes() {
        return Err(changed(
            MANIFEST,
            "its bytes are not the ones that were sealed",
        ));
    }
    Ok(())
}

fn no_blob_without_event(manifest: &Manifest, run: &Run) -> Result<(), BundleError> {
    let named: std::collections::BTreeSet<String> = run
        .attempts
        .values()
        .flat_map(|a| match &a.observed {
            gonogo_core::record::Observed::Observation(seen) => seen.blobs.clone(),
            gonogo_core::record::Observed::NotObserved(_) => Vec::new(),
        })
        .map(|b| format!("{}/{}", store::BLOBS, b.sha256))
        .collect();
    // A blob is on disk before the event that names it: a crash between the two leaves one that nothing names.
    let extra = manifest
        .files
        .keys()
        .filter(|n| n.starts_with(store::BLOBS))
        .find(|n| !named.contains(*n) && run.resumed_at.is_empty());
    match extra {
        Some(name) => Err(changed(name, "no event names it")),
        None => Ok(()),
    }
}

fn unmet(judged: &Judged, demands: &Demands, now: DateTime<Utc>) -> Vec<String> {
    let mut unmet = Vec::new();
    if let Some(wanted) = &demands.subject {
        let seen = judged.subject.observed.as_ref().map(|v| match v.as_str() {
            Some(text) => text.to_owned(),
            None => v.to_string(),
        });
        if seen.as_deref() != Some(wanted) {
            let seen = seen.unwrap_or_else(|| "none".to_owned());
            unmet.push(format!("the subject is {seen}, demanded is {wanted}"));
        }
    }
    if let Some(wanted) = &demands.environment
        && *wanted != judged.about.environment
    {
        let seen = &judged.about.environment;
        unmet.push(format!("the environment is {seen}, demanded is {wanted}"));
    }
    if let Some(wanted) = &demands.plan
        && !wanted
            .trim_start_matches("sha256:")
            .eq_ignore_ascii_case(&judged.about.plan_sha256)
    {
        let seen = &judged.about.plan_sha256;
        unmet.push(format!("the plan is {seen}, demanded is {wanted}"));
    }
    if let Some(max_age) = demands.max_age_ns {
        let age = (now - judged.about.as_of)
            .num_nanoseconds()
            .unwrap_or(i64::MAX);
        // Proven young is good enough; a run from the future is not.
        if !(0..=max_age).contains(&age) {
            unmet.push(format!(
                "it ended {} ago, demanded is at most {}",
                gonogo_core::duration::humanize_duration_ns(age),
                gonogo_core::duration::humanize_duration_ns(max_age)
            ));
        }
    }
    if judged.verdict == Verdict::Go && judged.about.valid_until.is_some_and(|until| now > until) {
        unmet.push("its GO is no longer valid".to_owned());
    }
    unmet
}

/// Judges what a folder recorded by the plan in it. The run may be unfinished.
///
/// # Errors
/// What does not fit.
pub fn read_judged(world: &World, folder: &Path) -> Result<(Run, Judged), BundleError> {
    let journal = store::read(world.disk.as_ref(), &folder.join(store::JOURNAL))?;
    rejudge(world, folder, &journal)
}

/// Judges what a folder recorded by another plan; what that plan does not ask for is left aside.
///
/// # Errors
/// What does not fit.
pub fn judge_by(
    world: &World,
    folder: &Path,
    plan: &Plan,
    waivers: &[Waiver],
) -> Result<Judged, BundleError> {
    let journal = store::read(world.disk.as_ref(), &folder.join(store::JOURNAL))?;
    let run = folded(events_of(&journal)?)?;
    let blobs = Reading { world, folder };
    judge_recorded(plan, waivers, &Policy::default(), &run, &blobs)
}

fn rejudge(world: &World, folder: &Path, journal: &Journal) -> Result<(Run, Judged), BundleError> {
    let run = folded(events_of(journal)?)?;
    let (plan, waivers) = load_recorded(world, folder, &run)?;
    let policy = read_policy(world, folder, &run.started)?
        .map(|(policy, _)| policy)
        .unwrap_or_default();
    judge::belongs(&plan, &run).map_err(|e| BundleError::Judge(e.to_string()))?;
    let blobs = Reading { world, folder };
    let judged = judge_recorded(&plan, &waivers.waivers, &policy, &run, &blobs)?;
    Ok((run, judged))
}

/// The plan and waivers as a run's folder keeps them; their digests are those that the run began with.
///
/// # Errors
/// They are not there, do not load, or are others.
pub fn load_recorded(
    world: &World,
    folder: &Path,
    run: &Run,
) -> Result<(Plan, LoadedWaivers), BundleError> {
    let files = BundleFiles::new(&world.disk, folder, super::PLAN);
    let registry = gonogo_probes::registry();
    let loaded = plan::load(&files, super::PLAN, &registry);
    let Some(mut found) = loaded.plan else {
        return Err(BundleError::Plan(gonogo_core::diag::render(
            &loaded.diagnostics,
        )));
    };
    if found.sha256() != run.started.plan_sha256 {
        return Err(changed(
            super::PLAN,
            "its digest is not the one that the run began with",
        ));
    }
    if let Some(file) = found.files.first_mut() {
        // The plan is `plan.yaml` here, and is called as the user knows it.
        file.path.clone_from(&run.started.plan_file);
    }
    let waivers = match &run.started.waivers_sha256 {
        None => LoadedWaivers::default(),
        Some(sealed) => {
            let waivers = plan::load_waivers(&files, super::PLAN, &loaded.waivers, &found);
            let digest = waivers.file.as_ref().map(|f| sha256_hex(&f.bytes));
            if digest.as_ref() != Some(sealed) {
                let name = BundleFiles::place(super::PLAN, &loaded.waivers.path);
                return Err(changed(&name, "it is not the one that the run began with"));
            }
            waivers
        }
    };
    Ok((found, waivers))
}

/// The policy that a run began with; its digest is the one that the journal has.
pub(super) fn read_policy(
    world: &World,
    folder: &Path,
    started: &RunStarted,
) -> Result<Option<(Policy, Vec<u8>)>, BundleError> {
    let bytes = match world.disk.read(&folder.join(POLICY), MAX_FILE) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(changed(POLICY, format!("it cannot be read: {e}"))),
        Ok(bytes) => Some(bytes),
    };
    if bytes.as_deref().map(sha256_hex) != started.policy_sha256 {
        return Err(changed(POLICY, "it is not the one that the run began with"));
    }
    let Some(bytes) = bytes else { return Ok(None) };
    plan::load_policy(&Only(&bytes), POLICY)
        .map(|policy| Some((policy, bytes.clone())))
        .map_err(|d| BundleError::Plan(gonogo_core::diag::render(&d)))
}

/// One file that was read already.
struct Only<'a>(&'a [u8]);

impl plan::Files for Only<'_> {
    fn read(&self, _path: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.to_vec())
    }
}

/// The typed events of a journal.
pub(super) fn events_of(journal: &Journal) -> Result<Vec<Event>, BundleError> {
    journal
        .entries
        .iter()
        .map(|entry| {
            serde_json::from_str(&entry.event)
                .map_err(|e| BundleError::Journal(format!("event {}: {e}", entry.seq)))
        })
        .collect()
}

/// The events, folded.
pub(super) fn folded(events: Vec<Event>) -> Result<Run, BundleError> {
    fold(events).map_err(|e| BundleError::Journal(e.to_string()))
}

struct Reading<'a> {
    world: &'a World,
    folder: &'a Path,
}

impl judge::Blobs for Reading<'_> {
    fn bytes(&self, sha256: &str) -> Option<Cow<'_, [u8]>> {
        let name: BlobName = sha256.parse().ok()?;
        let folder = self.folder.join(store::BLOBS);
        store::read_blob(self.world.disk.as_ref(), &folder, &name, MAX_FILE)
            .ok()
            .map(Cow::Owned)
    }
}

/// The blobs of a run that this process owns.
pub(super) struct Owned<'a> {
    blobs: &'a Blobs,
    failed: RefCell<Option<StoreError>>,
}

impl<'a> Owned<'a> {
    pub(super) fn new(blobs: &'a Blobs) -> Self {
        Self {
            blobs,
            failed: RefCell::new(None),
        }
    }

    /// The first blob that was there and could not be read. What was judged without it is not what the evidence gives.
    pub(super) fn failure(self) -> Option<StoreError> {
        self.failed.into_inner()
    }
}

impl judge::Blobs for Owned<'_> {
    fn bytes(&self, sha256: &str) -> Option<Cow<'_, [u8]>> {
        let name: BlobName = sha256.parse().ok()?;
        match self.blobs.get(&name) {
            Ok(bytes) => Some(Cow::Owned(bytes)),
            Err(error) => {
                self.failed.borrow_mut().get_or_insert(error);
                None
            }
        }
    }
}

/// Judges and decides what was recorded, as of the last instant that the record knows.
pub(super) fn judge_recorded(
    plan: &Plan,
    waivers: &[Waiver],
    policy: &Policy,
    run: &Run,
    blobs: &dyn judge::Blobs,
) -> Result<Judged, BundleError> {
    let judged =
        judge::judge_run(plan, run, blobs).map_err(|e| BundleError::Judge(e.to_string()))?;
    let deciding = Deciding {
        plan,
        waivers,
        policy,
        run,
        as_of: run.last_seen_at(),
    };
    Ok(decide::decide(&deciding, judged))
}
