//! A scripted run on a simulated disk, and what must hold after whatever happened to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};

use crate::store::*;
use crate::world::sim::{Call, Cut, Fault, SimDisk, Survives};
use crate::world::{Disk, Entropy, SimClock, World};

pub(super) const RUNS: &str = "/runs";
pub(super) const RUN: &str = "2026-11-21T1004Z-metasheet2-staging-7f3a";
pub(super) const BLOB_CAP: u64 = 1 << 20;

/// Numbers that count up: different each time, the same in each test.
#[derive(Debug, Default)]
pub(super) struct Counting(AtomicU64);

impl Counting {
    pub(super) fn from(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }
}

impl Entropy for Counting {
    fn draw(&self) -> std::io::Result<[u8; 8]> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes())
    }
}

pub(super) fn noon() -> DateTime<Utc> {
    "2026-11-21T10:04:05.123456Z".parse().unwrap()
}

/// A world around a disk; `pid` also makes its tokens its own.
pub(super) fn world_on(disk: Arc<dyn Disk>, pid: u32) -> World {
    World {
        clock: Arc::new(SimClock::starting_at(noon())),
        disk,
        entropy: Arc::new(Counting::from(u64::from(pid) << 32)),
        pid,
    }
}

pub(super) fn json(text: impl Into<String>) -> RedactedBytes {
    RedactedBytes::vouched(text.into().into_bytes())
}

pub(super) fn run_path() -> PathBuf {
    Path::new(RUNS).join(RUN)
}

/// A way in which whoever uses the store could be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// Counts a grouped event as safe before it is synced.
    AckBeforeSync,
    /// Forgets the last event when a run is resumed.
    DropLastOnReplay,
    /// Acts before the intent is recorded.
    EffectBeforeIntent,
    /// Makes the verdict's file before its event.
    VerdictBeforeEvent,
    /// Records an event before the blob that it names.
    EventBeforeBlob,
}

/// The store as it is, or with a planted defect.
#[derive(Clone, Copy)]
pub(super) struct Variant {
    /// Puts a defect between the store and its disk.
    pub(super) wrap: fn(SimDisk) -> Arc<dyn Disk>,
    /// Puts one between the store and its user.
    pub(super) mistake: Option<Mistake>,
}

impl Variant {
    fn makes(self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }
}

pub(super) const SOUND: Variant = Variant {
    wrap: |disk| Arc::new(disk),
    mistake: None,
};

/// What the world outside saw of a run: this outlives any crash.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Every event handed to the store, in order.
    pub(super) appended: Vec<String>,
    /// How many of them were acknowledged.
    pub(super) acknowledged: usize,
    /// Which effects took place.
    pub(super) effects: Vec<usize>,
    pub(super) registered: bool,
    pub(super) file_acknowledged: bool,
    pub(super) ended: bool,
}

pub(super) const VERDICT_FILE: &str = "verdict.json";
const VERDICT: &str = r#"{"verdict":"HOLD","rehearsal":true}"#;

/// The intent of effect `index`.
pub(super) fn intent(index: usize) -> String {
    format!(r#"{{"intent":{index}}}"#)
}

fn blob(index: usize) -> RedactedBytes {
    json(format!("body {index} ").repeat(30 * (index + 1)))
}

struct Script<'a> {
    variant: Variant,
    seen: &'a mut Seen,
    world: &'a World,
}

impl Script<'_> {
    fn append(
        &mut self,
        journal: &mut JournalWriter,
        event: String,
        durability: Durability,
    ) -> Result<(), StoreError> {
        self.seen.appended.push(event.clone());
        let seq = journal.append(&json(event), self.world.clock.now(), durability)?;
        let safe = if self.variant.makes(Mistake::AckBeforeSync) {
            seq
        } else {
            journal.synced()
        };
        self.seen.acknowledged = self.seen.acknowledged.max(safe as usize);
        Ok(())
    }

    fn observe(
        &mut self,
        journal: &mut JournalWriter,
        blobs: &mut Blobs,
        index: usize,
    ) -> Result<(), StoreError> {
        let bytes = blob(index);
        let name = BlobName::of(bytes.as_bytes());
        let event = format!(r#"{{"saw":{index},"blob":"{name}"}}"#);
        if self.variant.makes(Mistake::EventBeforeBlob) {
            self.append(journal, event, Durability::Synced)?;
            blobs.put(&bytes).map(drop)
        } else {
            blobs.put(&bytes)?;
            self.append(journal, event, Durability::Grouped)
        }
    }
}

/// A whole run: registry, folder, intents with effects, blobs, grouped events, verdict, seal.
pub(super) fn run_script(
    world: &World,
    variant: Variant,
    seen: &mut Seen,
) -> Result<(), StoreError> {
    let registry = Registry::open(world, Path::new(RUNS))?;
    registry.record_start(&start(RUN))?;
    seen.registered = true;
    let folder = RunFolder::create(world, Path::new(RUNS), RUN)?;
    let mut journal = folder.start_journal(&json(format!(r#"{{"run":"{RUN}"}}"#)))?;
    let mut blobs = folder.blobs(BLOB_CAP);
    let mut script = Script {
        variant,
        seen,
        world,
    };
    script.append(&mut journal, r#"{"begun":true}"#.into(), Durability::Synced)?;
    for index in 0..3 {
        if variant.makes(Mistake::EffectBeforeIntent) {
            script.seen.effects.push(index);
        }
        script.append(&mut journal, intent(index), Durability::Synced)?;
        if !variant.makes(Mistake::EffectBeforeIntent) {
            script.seen.effects.push(index);
        }
        script.observe(&mut journal, &mut blobs, index)?;
        let note = format!(r#"{{"note":{index},"text":"{}"}}"#, "x".repeat(200 * index));
        script.append(&mut journal, note, Durability::Grouped)?;
    }
    script.seen.acknowledged = journal.sync()? as usize;
    if variant.makes(Mistake::VerdictBeforeEvent) {
        folder.write_file(VERDICT_FILE, &json(VERDICT))?;
    }
    script.append(
        &mut journal,
        r#"{"verdict":"HOLD"}"#.into(),
        Durability::Synced,
    )?;
    folder.write_file(VERDICT_FILE, &json(VERDICT))?;
    seen.file_acknowledged = true;
    registry.record_end(&end(RUN, "HOLD"))?;
    seen.ended = true;
    drop(journal);
    folder.release()
}

pub(super) fn start(run: &str) -> RedactedBytes {
    let start = Start {
        run: run.into(),
        subject: "commit 4f2a".into(),
        environment: "staging".into(),
        plan: "p1".into(),
    };
    RedactedBytes::vouched(serde_json::to_vec(&start).unwrap())
}

pub(super) fn end(run: &str, verdict: &str) -> RedactedBytes {
    let end = End {
        run: run.into(),
        verdict: verdict.into(),
        sampled: vec!["latency/snapstats".into()],
    };
    RedactedBytes::vouched(serde_json::to_vec(&end).unwrap())
}

/// Starts anew on what a restart left: resume, verify, append, release. `Err` holds the broken promises.
pub(super) fn recover_and_check(
    disk: &SimDisk,
    variant: Variant,
    seen: &Seen,
) -> Result<(), String> {
    let world = world_on((variant.wrap)(disk.clone()), 2);
    let broken: Vec<String> = [
        check_journal(&world, variant, seen),
        check_file(disk, seen),
        check_registry(&world, seen),
        no_temporaries(disk, Path::new(RUNS)),
    ]
    .into_iter()
    .filter_map(Result::err)
    .collect();
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken.join("; "))
    }
}

fn check_journal(world: &World, variant: Variant, seen: &Seen) -> Result<(), String> {
    match resume(world) {
        Ok(Some(mut entries)) => {
            if variant.makes(Mistake::DropLastOnReplay) {
                entries.pop();
            }
            check_entries(world, &entries, seen)?;
            append_once_more(world, &entries)
        }
        Ok(None) if seen.acknowledged > 0 => {
            Err("a run with acknowledged events is not a run any more".into())
        }
        Ok(None) => Ok(()),
        Err(error) => Err(format!("cannot be resumed: {error}")),
    }
}

/// `None`: the run never began.
fn resume(world: &World) -> Result<Option<Vec<Entry>>, StoreError> {
    let folder = match RunFolder::take(world, &run_path()) {
        Err(StoreError::NotARun { .. }) => return Ok(None),
        taken => taken?,
    };
    let (_, journal) = folder.resume_journal()?;
    Ok(Some(journal.entries))
}

fn check_entries(world: &World, entries: &[Entry], seen: &Seen) -> Result<(), String> {
    let events: Vec<&str> = entries.iter().map(|entry| entry.event.as_str()).collect();
    if events.len() < seen.acknowledged {
        return Err(format!(
            "{} events were acknowledged, {} are left",
            seen.acknowledged,
            events.len()
        ));
    }
    if events.len() > seen.appended.len() || events != seen.appended[..events.len()] {
        return Err(format!(
            "{events:?} is not the beginning of what was appended"
        ));
    }
    for index in &seen.effects {
        if !events.contains(&intent(*index).as_str()) {
            return Err(format!("effect {index} took place, its intent is lost"));
        }
    }
    for event in &events {
        let event: serde_json::Value = serde_json::from_str(event).map_err(|e| e.to_string())?;
        if let Some(name) = event["blob"].as_str() {
            let name: BlobName = name.parse().map_err(|e: StoreError| e.to_string())?;
            read_blob(
                world.disk.as_ref(),
                &run_path().join(BLOBS),
                &name,
                BLOB_CAP,
            )
            .map_err(|error| format!("an event names a blob that is not there: {error}"))?;
        }
    }
    Ok(())
}

fn append_once_more(world: &World, before: &[Entry]) -> Result<(), String> {
    let appended = (|| {
        let folder = RunFolder::take(world, &run_path())?;
        let (mut journal, found) = folder.resume_journal()?;
        journal.append(
            &json(r#"{"resumed":true}"#),
            world.clock.now(),
            Durability::Synced,
        )?;
        drop(journal);
        folder.release()?;
        Ok::<_, StoreError>(found)
    })();
    let found = appended.map_err(|error| format!("cannot go on: {error}"))?;
    let after = read(world.disk.as_ref(), &run_path().join(JOURNAL))
        .map_err(|error| format!("does not verify after going on: {error}"))?;
    if found.torn_tail.is_some() || after.torn_tail.is_some() {
        return Err("a repaired journal has a torn tail again".into());
    }
    if after.entries.len() < before.len() + 1 {
        return Err("an appended event is missing".into());
    }
    if world.disk.metadata(&run_path().join(OWNER_FILE)).is_ok() {
        return Err("a released run has an owner's note".into());
    }
    Ok(())
}

/// A finished-looking run is a finished one.
fn check_file(disk: &SimDisk, seen: &Seen) -> Result<(), String> {
    let path = run_path();
    match disk.read(&path.join(VERDICT_FILE), 1 << 20) {
        Ok(bytes) if bytes != VERDICT.as_bytes() => Err("a verdict's file is not whole".into()),
        Ok(_) => {
            let journal = read(disk, &path.join(JOURNAL)).map_err(|error| error.to_string())?;
            let terminal = |entry: &Entry| entry.event.contains("verdict");
            if journal.entries.iter().any(terminal) {
                Ok(())
            } else {
                Err("looks finished, and its journal does not say so".into())
            }
        }
        Err(_) if seen.file_acknowledged => Err("an acknowledged file is gone".into()),
        Err(_) => Ok(()),
    }
}

fn check_registry(world: &World, seen: &Seen) -> Result<(), String> {
    let registry = Registry::open(world, Path::new(RUNS)).map_err(|error| error.to_string())?;
    let attempts = registry.attempts("commit 4f2a", "staging", "p1");
    let found = attempts.found();
    let ours = found.iter().filter(|attempt| attempt.run == RUN);
    if seen.registered && ours.clone().count() != 1 {
        return Err(format!(
            "a registered run is not in the registry: {attempts:?}"
        ));
    }
    if seen.ended && ours.clone().any(|attempt| attempt.ends.is_empty()) {
        return Err("a registered end is not in the registry".into());
    }
    if world.disk.metadata(&run_path().join(JOURNAL)).is_ok() && attempts.next_number() == Some(1) {
        return Err("a run is there and the next one is told to be the first".into());
    }
    let again = registry
        .record_start(&start("the-next"))
        .map_err(|error| format!("the registry takes nothing more: {error}"))?;
    if again.found().len() < usize::from(seen.registered) {
        return Err("the registry forgot a run when the next began".into());
    }
    Ok(())
}

fn no_temporaries(disk: &SimDisk, folder: &Path) -> Result<(), String> {
    for entry in disk.list(folder).map_err(|error| error.to_string())? {
        if entry.name.starts_with(".tmp-") {
            return Err(format!("{} was left behind", entry.name));
        }
        // A folder without a journal never was a run; nobody takes it, so nobody cleans it.
        let below = folder.join(&entry.name);
        let began = disk.metadata(&below.join(JOURNAL)).is_ok();
        if began {
            no_temporaries(disk, &below)?;
            no_temporaries(disk, &below.join(BLOBS))?;
        }
    }
    Ok(())
}

/// An undisturbed run, for its number of calls.
pub(super) fn undisturbed(variant: Variant) -> (SimDisk, Seen) {
    let disk = SimDisk::new();
    let mut seen = Seen::default();
    let world = world_on((variant.wrap)(disk.clone()), 1);
    run_script(&world, variant, &mut seen).expect("nothing disturbs this run");
    (disk, seen)
}

pub(super) const SURVIVALS: [Survives; 9] = [
    Survives::Everything,
    Survives::Nothing,
    Survives::Contents,
    Survives::Names,
    Survives::NamesAndLengths,
    Survives::LastWrites,
    Survives::FirstWrites,
    Survives::Chance(1),
    Survives::Chance(2),
];

/// Every place in a write at which it may be torn: nothing, in the head, in the hashes, in the body, at the line break, all.
pub(super) const CUTS: [Cut; 9] = [
    Cut::Before,
    Cut::Within(10),
    Cut::Within(250),
    Cut::Within(500),
    Cut::AllBut(90),
    Cut::AllBut(40),
    Cut::AllBut(2),
    Cut::AllBut(1),
    Cut::After,
];

/// Cuts the power at one call; gives the dead disk and what was seen until then.
pub(super) fn run_until(variant: Variant, call: usize, cut: Cut) -> (SimDisk, Seen) {
    let disk = SimDisk::new();
    disk.cut_at(call, cut);
    let mut seen = Seen::default();
    let world = world_on((variant.wrap)(disk.clone()), 1);
    // The error is the power cut.
    drop(run_script(&world, variant, &mut seen));
    (disk, seen)
}

/// Plants a fault at one call; gives the disk, healthy again, what was seen, and how it ended.
pub(super) fn run_with(
    variant: Variant,
    call: usize,
    fault: Fault,
    forever: bool,
) -> (SimDisk, Seen, Result<(), StoreError>) {
    let disk = SimDisk::new();
    disk.fail_at(call, fault, forever);
    let mut seen = Seen::default();
    let world = world_on((variant.wrap)(disk.clone()), 1);
    let ended = run_script(&world, variant, &mut seen);
    disk.heal();
    (disk, seen, ended)
}

/// Says where promises were broken.
fn at(
    place: impl std::fmt::Debug,
    survives: Survives,
    checked: Result<(), String>,
) -> Option<String> {
    let broken = checked.err()?;
    Some(format!("{place:?}, {survives:?}: {broken}"))
}

/// Every crash point, every way of tearing: all broken promises.
pub(super) fn every_crash(variant: Variant) -> Vec<String> {
    let mut broken = Vec::new();
    let calls = undisturbed(variant).0.calls();
    for (call, kind) in calls.iter().enumerate() {
        let write = *kind == Call::Write;
        for cut in CUTS {
            if !write && !matches!(cut, Cut::Before | Cut::After) {
                continue;
            }
            let (dead, seen) = run_until(variant, call, cut);
            for survives in SURVIVALS {
                let left = dead.restart(survives);
                let checked = recover_and_check(&left, variant, &seen);
                broken.extend(at((call, kind, cut), survives, checked));
            }
        }
    }
    broken
}

/// `faults` at every call, once and for ever, then a restart of the process, or of the machine: all broken promises.
pub(super) fn every_fault(variant: Variant, faults: &[Fault]) -> Vec<String> {
    let mut broken = Vec::new();
    let calls = undisturbed(variant).0.calls();
    for (call, kind) in calls.iter().enumerate() {
        for fault in faults {
            for forever in [false, true] {
                let (disk, seen, ended) = run_with(variant, call, *fault, forever);
                if ended.is_ok() && !seen.ended {
                    broken.push(format!("{call}: ended well and did not do its work"));
                }
                for survives in SURVIVALS {
                    let left = disk.restart(survives);
                    let checked = recover_and_check(&left, variant, &seen);
                    let place = (call, kind, fault, forever);
                    broken.extend(at(place, survives, checked));
                }
            }
        }
    }
    broken
}
