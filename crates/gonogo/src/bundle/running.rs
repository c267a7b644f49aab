//! A run from its folder's making to its seal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gonogo_core::judged::Judged;
use gonogo_core::plan::Plan;
use gonogo_core::record::{Event, RunStarted, fold};
use tokio::sync::watch;

use super::manifest::{Head, MANIFEST, Manifest};
use super::verify::judge_events;
use super::{BundleError, BundleFiles, Opened};
use crate::engine::{self, Beginning, Ended, Progress, Setup};
use crate::store::{Appender, Registry, RedactedBytes, RunFolder, Start, Writer};
use crate::world::World;

/// Version of the journal's format that this program writes.
pub const FORMAT: u32 = 1;
/// Largest blob that is kept.
const MAX_BLOB: u64 = 256 * 1024 * 1024;

/// A run that ended, or was stopped.
pub struct Outcome {
    /// The judged run.
    pub judged: Judged,
    /// Its folder.
    pub folder: PathBuf,
    /// Whether it is sealed.
    pub sealed: bool,
}

/// Runs a setup in a new folder under `out`.
pub async fn run_new(
    setup: Setup,
    world: &World,
    out: &Path,
    progress: Arc<dyn Progress>,
    stop: impl FnOnce() -> watch::Receiver<bool> + Send,
) -> Result<Outcome, BundleError> {
    world
        .disk
        .create_folders(out)
        .map_err(|e| crate::store::StoreError::at("create", out, e))?;
    let name = RunFolder::free_name(world, out, &setup.plan.name, &setup.environment)?;
    let registry = Registry::of(world, out);
    let digest = setup.plan.sha256();
    let attempt = registry.record_start(&Start {
        run: name.clone(),
        subject: subject_key(&setup),
        environment: setup.environment.clone(),
        plan: digest.clone(),
    });
    let folder = RunFolder::create(world, out, &name)?;
    write_plan(&folder, &setup.plan)?;
    let about = serde_json::json!({ "run": name, "plan": digest, "environment": setup.environment });
    let journal = folder.start_journal(&RedactedBytes::vouched(about.to_string().into_bytes()))?;
    let started = RunStarted {
        format: FORMAT,
        gonogo: env!("CARGO_PKG_VERSION").to_owned(),
        run: name,
        started_at: world.clock.now(),
        plan_sha256: digest,
        waivers_sha256: setup.plan.waivers_sha256(),
        policy_sha256: setup.policy_sha256(),
        environment: setup.environment.clone(),
        kind: setup.env().kind,
        inputs: setup.inputs.seen.clone(),
        powers: setup.powers.clone(),
        only: setup.only.clone(),
        earlier: attempt.map(earlier),
    };
    let (writer, appender) = spawn_writer(journal, world)?;
    let running = Running {
        folder,
        writer,
        appender,
        registry,
    };
    running
        .to_end(setup, world, progress, Beginning::New(Box::new(started)), stop)
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
    let registry = Registry::of(world, runs);
    let beginning = Beginning::Resumed {
        events: opened.events,
        run: Box::new(opened.run),
        resumed_at: world.clock.now(),
        torn_bytes: opened.torn_bytes,
    };
    let (writer, appender) = spawn_writer(opened.journal, world)?;
    let running = Running {
        folder: opened.folder,
        writer,
        appender,
        registry,
    };
    running.to_end(setup, world, progress, beginning, stop).await
}

struct Running {
    folder: RunFolder,
    writer: Writer,
    appender: Appender,
    registry: Registry,
}
