//! A run from its folder's making to its seal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gonogo_core::decide::Policy;
use gonogo_core::judged::Judged;
use gonogo_core::plan::{Plan, Waiver};
use gonogo_core::record::{EarlierRun, JOURNAL_FORMAT, Run, RunStarted};
use tokio::sync::watch;

use super::manifest::{Head, MANIFEST, Manifest, sha256_hex};
use super::verify::{Owned, folded, judge_recorded};
use super::{BundleError, BundleFiles, MAX_FILE, Opened, POLICY};
use crate::engine::{self, Beginning, Ended, Progress, Setup};
use crate::store::{
    Appender, Attempts, End, RedactedBytes, Registry, RunFolder, Start, StoreError, Writer,
};
use crate::world::World;

/// A run that ended, or was stopped.
pub struct Outcome {
    /// The judged run.
    pub judged: Judged,
    /// Its folder.
    pub folder: PathBuf,
    /// Whether it is sealed.
    pub sealed: bool,
}

/// Runs a setup in a new folder under `out`. `stop` is asked once, inside the runtime.
pub async fn run_new(
    setup: Setup,
    world: &World,
    out: &Path,
    progress: Arc<dyn Progress>,
    stop: impl FnOnce() -> watch::Receiver<bool> + Send,
) -> Result<Outcome, BundleError> {
    let registry = Registry::open(world, out)?;
    let name = RunFolder::free_name(world, out, &setup.plan.name, &setup.environment)?;
    let digest = setup.plan.sha256();
    let start = Start {
        run: name.clone(),
        subject: setup.subject_key(),
        environment: setup.environment.clone(),
        plan: digest.clone(),
    };
    // A registry that cannot be read leaves the attempt's number unknown; it does not stop the run (decisions, 8).
    let attempts = match registry.record_start(&vouched(&start)) {
        Ok(attempts) => earlier(&attempts),
        Err(StoreError::Damaged { .. } | StoreError::RegistryBusy { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let folder = RunFolder::create(world, out, &name)?;
    write_plan(&folder, &setup)?;
    let about =
        serde_json::json!({ "run": name, "plan": digest, "environment": setup.environment });
    let journal = folder.start_journal(&vouched(&about))?;
    let started = RunStarted {
        format: JOURNAL_FORMAT,
        gonogo: env!("CARGO_PKG_VERSION").to_owned(),
        run: name,
        started_at: world.clock.now(),
        plan_file: setup
            .plan
            .files
            .first()
            .map_or_else(String::new, |f| f.path.clone()),
        plan_sha256: digest,
        waivers_sha256: setup.waiver_file.as_ref().map(|f| sha256_hex(&f.bytes)),
        policy_sha256: setup.policy_bytes.as_deref().map(sha256_hex),
        environment: setup.environment.clone(),
        kind: setup.env().kind,
        inputs: setup.inputs.seen.clone(),
        powers: setup.powers.clone(),
        only: setup.only.clone(),
        earlier: attempts,
    };
    let (writer, appender) = spawn_writer(journal, world)?;
    let running = Running {
        folder,
        writer,
        registry,
    };
    let beginning = Beginning::New(Box::new(started));
    running
        .carry_through(setup, world, progress, appender, beginning, stop)
        .await
}

/// Continues a run that was opened.
pub async fn run_again(
    opened: Opened,
    setup: Setup,
    world: &World,
    progress: Arc<dyn Progress>,
    stop: impl FnOnce() -> watch::Receiver<bool> + Send,
) -> Result<Outcome, BundleError> {
    let runs = opened.folder.path().parent().unwrap_or(Path::new("."));
    let registry = Registry::open(world, runs)?;
    if opened.finished {
        // It broke off between its last event and its seal: nothing is left to observe.
        let mut journal = opened.journal;
        let run = folded(opened.events)?;
        let sealing = Sealing {
            folder: opened.folder,
            registry,
            head: journal.head()?,
        };
        return sealing.conclude(world, &Judging::of(&setup), Ended::Finished, &run);
    }
    let beginning = Beginning::Resumed {
        events: opened.events,
        started: Box::new(opened.started),
        resumed_at: world.clock.now(),
        torn_bytes: opened.torn_bytes,
    };
    let (writer, appender) = spawn_writer(opened.journal, world)?;
    let running = Running {
        folder: opened.folder,
        writer,
        registry,
    };
    running
        .carry_through(setup, world, progress, appender, beginning, stop)
        .await
}

struct Running {
    folder: RunFolder,
    writer: Writer,
    registry: Registry,
}

impl Running {
    async fn carry_through(
        self,
        setup: Setup,
        world: &World,
        progress: Arc<dyn Progress>,
        appender: Appender,
        beginning: Beginning,
        stop: impl FnOnce() -> watch::Receiver<bool> + Send,
    ) -> Result<Outcome, BundleError> {
        let judging = Judging::of(&setup);
        let blobs = self.folder.blobs(MAX_FILE);
        let ran = engine::run(
            setup,
            world.clone(),
            progress,
            appender,
            blobs,
            beginning,
            stop(),
        )
        .await;
        let journal = self.writer.finish();
        let (ended, run) = ran?;
        let sealing = Sealing {
            folder: self.folder,
            registry: self.registry,
            head: journal?.head()?,
        };
        sealing.conclude(world, &judging, ended, &run)
    }
}

/// What a record is judged by.
struct Judging {
    plan: Arc<Plan>,
    waivers: Vec<Waiver>,
    policy: Policy,
}

impl Judging {
    fn of(setup: &Setup) -> Self {
        Self {
            plan: Arc::clone(&setup.plan),
            waivers: setup.waivers.clone(),
            policy: setup.policy.clone(),
        }
    }
}

/// A run of which everything is recorded.
struct Sealing {
    folder: RunFolder,
    registry: Registry,
    head: crate::store::Head,
}

impl Sealing {
    /// Judges, reports, registers the end, and, where the run has finished, seals. The seal comes last: whatever fails before
    /// leaves a run that can be resumed, and none of this happens twice when it is.
    fn conclude(
        self,
        world: &World,
        by: &Judging,
        ended: Ended,
        run: &Run,
    ) -> Result<Outcome, BundleError> {
        let blobs = self.folder.blobs(MAX_FILE);
        let blobs = Owned::new(&blobs);
        let judged = judge_recorded(&by.plan, &by.waivers, &by.policy, run, &blobs)?;
        if let Some(error) = blobs.failure() {
            return Err(error.into());
        }
        for (name, text) in gonogo_report::render_all(&judged) {
            self.folder
                .write_file(name, &RedactedBytes::vouched(text.into_bytes()))?;
        }
        let end = End {
            run: judged.run.clone(),
            verdict: judged.verdict.word().to_owned(),
            sampled: run.sampled(),
        };
        match self.registry.record_end(&vouched(&end)) {
            Ok(()) | Err(StoreError::Damaged { .. } | StoreError::RegistryBusy { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if ended == Ended::Finished {
            let head = Head {
                events: self.head.count,
                sha256: self.head.hash,
            };
            let manifest = Manifest::of(world.disk.as_ref(), self.folder.path(), head)?;
            self.folder
                .write_file(MANIFEST, &RedactedBytes::vouched(manifest.to_bytes()))?;
        }
        let folder = self.folder.path().to_owned();
        // Only tidiness: the owner's note is no part of the bundle, and the lock falls with this process.
        drop(self.folder.release());
        Ok(Outcome {
            judged,
            folder,
            sealed: ended == Ended::Finished,
        })
    }
}

/// Gonogo's own words: ids, digests and counts, none of which can hold a secret.
fn vouched(value: &impl serde::Serialize) -> RedactedBytes {
    RedactedBytes::vouched(serde_json::to_vec(value).unwrap_or_default())
}

fn spawn_writer(
    journal: crate::store::JournalWriter,
    world: &World,
) -> Result<(Writer, Appender), BundleError> {
    Writer::spawn(journal, Arc::clone(&world.clock)).map_err(|e| {
        BundleError::Engine(engine::EngineError::Start(format!(
            "the journal's thread could not be started: {e}"
        )))
    })
}

fn earlier(attempts: &Attempts) -> Option<Vec<EarlierRun>> {
    attempts.next_number()?;
    let runs = attempts.found().iter().map(|attempt| {
        let last = attempt.ends.last();
        EarlierRun {
            run: attempt.run.clone(),
            verdict: last.and_then(|end| {
                [
                    gonogo_core::outcome::Verdict::Go,
                    gonogo_core::outcome::Verdict::Hold,
                    gonogo_core::outcome::Verdict::NoGo,
                ]
                .into_iter()
                .find(|v| v.word() == end.verdict)
            }),
            sampled: attempt
                .ends
                .iter()
                .flat_map(|end| end.sampled.iter().cloned())
                .collect(),
        }
    });
    Some(runs.collect())
}

/// Keeps the plan and all it includes, byte for byte.
fn write_plan(folder: &RunFolder, setup: &Setup) -> Result<(), BundleError> {
    let plan: &Plan = &setup.plan;
    let main = plan.files.first().map_or("plan.yaml", |f| &f.path);
    for file in &plan.files {
        let place = BundleFiles::place(main, &file.path);
        folder.write_file(&place, &RedactedBytes::vouched(file.bytes.clone()))?;
    }
    if let Some(file) = &setup.waiver_file {
        let place = BundleFiles::place(main, &file.path);
        folder.write_file(&place, &RedactedBytes::vouched(file.bytes.clone()))?;
    }
    if let Some(bytes) = &setup.policy_bytes {
        folder.write_file(POLICY, &RedactedBytes::vouched(bytes.clone()))?;
    }
    Ok(())
}
