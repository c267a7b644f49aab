//! A whole run – registry, folder, journal, blobs, reports, seal – on a simulated disk whose power is cut, or which fails, at every
//! call (T1, T3): what the real engine leaves resumes to no better verdict, and no write comes twice.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gonogo::bundle::{self, BundleError, Demands, DiskFiles, Outcome};
use gonogo::engine::{self, Asked, Setup, Silent, Sources};
use gonogo::store::StoreError;
use gonogo::world::sim::{Call, Cut, EIO, Fault, SimDisk, Survives};
use gonogo::world::{Disk, Entropy, Kind, SimClock, World};
use gonogo_core::outcome::Verdict;
use gonogo_core::plan::{self as plans, LoadedWaivers};
use gonogo_core::record::fold;

use crate::crash_rig::{Stage, Went, every, no_write_twice, plan};
use crate::rig::SECRET;

const RUNS: &str = "/runs";

/// Numbers that count up: different each time, the same in each test.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn draw(&self) -> std::io::Result<[u8; 8]> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes())
    }
}

fn world_on(disk: &SimDisk, pid: u32) -> World {
    World {
        clock: Arc::new(SimClock::starting_at(chrono::Utc::now())),
        disk: Arc::new(disk.clone()),
        entropy: Arc::new(Counting(AtomicU64::new(u64::from(pid) << 32))),
        pid,
    }
}

fn setup(stage: &Stage, plan: plans::Plan, waivers: LoadedWaivers) -> Setup {
    let given = [
        ("base_url".to_owned(), stage.target.url()),
        (
            "database".to_owned(),
            stage.path().join("db.sqlite").display().to_string(),
        ),
        ("key".to_owned(), SECRET.to_owned()),
    ];
    let sources = Sources {
        given: &given,
        variable: &|_| None,
        file: &|_| Ok(None),
    };
    let inputs = engine::find_inputs(&plan, &sources).expect("all inputs are there");
    let asked = Asked {
        environment: "local".to_owned(),
        allow: Vec::new(),
        only: Vec::new(),
    };
    let prepared = engine::prepare(plan, waivers, None, inputs, asked, stage.path().to_owned());
    prepared.unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

fn never_stopped() -> tokio::sync::watch::Receiver<bool> {
    tokio::sync::watch::channel(false).1
}

fn run(stage: &Stage, disk: &SimDisk) -> Result<Outcome, BundleError> {
    let files = DiskFiles::new(stage.path());
    let loaded = plans::load(&files, "plan.yaml", &gonogo_probes::registry());
    let setup = setup(
        stage,
        loaded.plan.expect("the plan loads"),
        LoadedWaivers::default(),
    );
    let world = world_on(disk, 1);
    block_on(bundle::run_new(
        setup,
        &world,
        Path::new(RUNS),
        Arc::new(Silent),
        never_stopped,
    ))
}

fn resume(stage: &Stage, disk: &SimDisk, path: &Path) -> Result<Outcome, BundleError> {
    let world = world_on(disk, 2);
    let opened = bundle::open_to_resume(&world, path)?;
    let run = fold(opened.events.clone()).expect("it was folded before");
    let (plan, waivers) = bundle::load_recorded(&world, path, &run)?;
    let setup = setup(stage, plan, waivers);
    assert_eq!(opened.changed_input(&setup), None);
    block_on(bundle::run_again(
        opened,
        setup,
        &world,
        Arc::new(Silent),
        never_stopped,
    ))
}

fn verify(disk: &SimDisk, path: &Path) -> Result<Verdict, BundleError> {
    let world = world_on(disk, 3);
    let verified = bundle::verify(&world, path, &Demands::default(), chrono::Utc::now())?;
    Ok(verified.judged.verdict)
}

/// All files of the disk with their bytes.
fn files(disk: &SimDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("/")];
    while let Some(folder) = folders.pop() {
        for entry in disk.list(&folder).expect("a folder") {
            let path = folder.join(&entry.name);
            if entry.kind == Kind::Folder {
                folders.push(path);
            } else {
                let bytes = disk.read(&path, u64::MAX).expect("a file");
                found.push((path, bytes));
            }
        }
    }
    found
}

fn no_secret_on(disk: &SimDisk, stage: &Stage, trial: &str) {
    let mut secrets = stage.target.signatures();
    secrets.push(SECRET.to_owned());
    for (path, bytes) in files(disk) {
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{trial}: {} holds a secret", path.display());
        }
    }
}

/// The one folder of a run, whether or not it has a journal.
fn folder_on(disk: &SimDisk) -> Option<PathBuf> {
    let runs = disk.list(Path::new(RUNS)).ok()?;
    let run = runs.into_iter().find(|e| e.kind == Kind::Folder)?;
    Some(Path::new(RUNS).join(run.name))
}

/// Everything that must hold of what a restart finds.
fn left_behind(stage: &Stage, disk: &SimDisk, trial: &str, undisturbed: Verdict) {
    no_secret_on(disk, stage, trial);
    let Some(path) = folder_on(disk) else {
        assert!(
            stage.target.writes().is_empty(),
            "{trial}: wrote, and there is no run"
        );
        return;
    };
    let before = verify(disk, &path);
    match resume(stage, disk, &path) {
        Ok(outcome) => {
            assert!(before.is_err(), "{trial}: looked finished and was not");
            let verdict = outcome.judged.verdict;
            assert!(outcome.sealed, "{trial}");
            assert!(
                verdict != Verdict::Go || undisturbed == Verdict::Go,
                "{trial}: GO"
            );
            let again = verify(disk, &path).unwrap_or_else(|e| panic!("{trial}: {e}"));
            assert_eq!(again, verdict, "{trial}: verify says another thing");
        }
        Err(BundleError::Sealed { .. }) => {
            let sealed = before.unwrap_or_else(|e| panic!("{trial}: sealed, and damaged: {e}"));
            assert_eq!(sealed, undisturbed, "{trial}");
        }
        Err(BundleError::NeverBegan { .. } | BundleError::Store(StoreError::NotARun { .. })) => {
            assert!(
                stage.target.writes().is_empty(),
                "{trial}: wrote before its first event"
            );
            return;
        }
        Err(error) => panic!("{trial}: cannot be resumed: {error}"),
    }
    assert!(
        matches!(resume(stage, disk, &path), Err(BundleError::Sealed { .. })),
        "{trial}"
    );
    no_write_twice(&stage.target, trial);
    no_secret_on(disk, stage, trial);
    let hidden = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|n| n.to_string_lossy().starts_with(".tmp-"))
    };
    let left: Vec<PathBuf> = files(disk)
        .into_iter()
        .map(|f| f.0)
        .filter(hidden)
        .collect();
    assert_eq!(left, Vec::<PathBuf>::new(), "{trial}: left behind");
}

/// What a power cut may leave, one after the other.
const SURVIVALS: [Survives; 7] = [
    Survives::Nothing,
    Survives::Names,
    Survives::NamesAndLengths,
    Survives::Contents,
    Survives::LastWrites,
    Survives::FirstWrites,
    Survives::Chance(7),
];

/// Checks what is left if the process died, and what is left if the machine did.
fn after_both(stage: &Stage, disk: &SimDisk, number: usize, trial: &str, undisturbed: Verdict) {
    let sent = stage.target.snapshot();
    for survives in [Survives::Everything, SURVIVALS[number % SURVIVALS.len()]] {
        stage.target.restore(sent.clone());
        let left = disk.restart(survives);
        left_behind(stage, &left, &format!("{trial}, {survives:?}"), undisturbed);
    }
}

/// The last call at which something may still happen, generously.
const MOST: usize = 2_000;

fn every_cut(broken: bool, undisturbed: Verdict, step: usize) {
    let went = every(&plan(broken), MOST, |stage, number| {
        let call = (number - 1) * step;
        for cut in [Cut::Before, Cut::Within(500)] {
            stage.target.reset();
            let disk = SimDisk::new();
            disk.cut_at(call, cut);
            let ended = run(stage, &disk);
            if !disk.is_off() {
                assert_eq!(
                    ended.expect("nothing disturbs it").judged.verdict,
                    undisturbed
                );
                return Went::Undisturbed;
            }
            let kind = disk.calls().get(call).copied();
            let trial = format!("{cut:?} call {call}, {kind:?}");
            after_both(stage, &disk, number, &trial, undisturbed);
            // Only a write can be torn.
            if kind != Some(Call::Write) {
                break;
            }
        }
        Went::Resumed(0)
    });
    assert!(went.len() > 100 / step, "only {} calls", went.len());
}

#[test]
fn a_power_cut_at_any_call_of_a_whole_run_leaves_one_that_resumes() {
    every_cut(false, Verdict::Go, 1);
}

#[test]
fn a_power_cut_makes_no_go_of_a_run_that_must_not_be_go() {
    every_cut(true, Verdict::NoGo, 3);
}

#[test]
fn a_call_that_fails_stops_a_whole_run_and_leaves_one_that_resumes() {
    let went = every(&plan(false), MOST, |stage, number| {
        let call = number - 1;
        let (fault, forever) = if call % 2 == 0 {
            (Fault::Errno(EIO), false)
        } else {
            (Fault::Full, true)
        };
        let trial = format!("{fault:?} at call {call}, forever: {forever}");
        stage.target.reset();
        let disk = SimDisk::new();
        disk.fail_at(call, fault, forever);
        let ended = run(stage, &disk);
        if disk.call_count() <= call {
            assert_eq!(
                ended.expect("nothing disturbs it").judged.verdict,
                Verdict::Go
            );
            return Went::Undisturbed;
        }
        disk.heal();
        after_both(stage, &disk, number, &trial, Verdict::Go);
        Went::Resumed(0)
    });
    assert!(went.len() > 100, "only {} calls", went.len());
}
