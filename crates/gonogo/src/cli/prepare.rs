//! What the commands that run or read runs share: loading a plan, finding inputs, opening a run.

use std::path::{Path, PathBuf};

use gonogo_core::decide::Policy;
use gonogo_core::diag::{Diagnostic, Level};
use gonogo_core::plan::{self, LoadedWaivers, Plan, Registry};

use super::exit::Exit;
use super::output;
use crate::bundle::DiskFiles;
use crate::engine::{self, Asked, Inputs, Setup, Sources};

/// A plan with its waivers, read from disk.
pub(super) struct Loaded {
    pub(super) plan: Plan,
    pub(super) waivers: LoadedWaivers,
    /// Warnings.
    pub(super) warnings: Vec<Diagnostic>,
    /// The plan's folder.
    pub(super) base_dir: PathBuf,
}

/// Loads a plan; every problem at once.
pub(super) fn load(path: &Path) -> Result<Loaded, Exit> {
    load_by(path, &registry())
}

/// Loads a plan by what a registry knows.
pub(super) fn load_by(path: &Path, registry: &Registry<'_>) -> Result<Loaded, Exit> {
    let base_dir = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let name = path
        .file_name()
        .and_then(|n| n.to_str())
        .ok_or_else(|| Exit::wrong("not-a-plan", format!("{} is not a file", path.display())))?;
    let base_dir = base_dir.canonicalize().unwrap_or(base_dir);
    let files = DiskFiles::new(&base_dir);
    let loaded = plan::load(&files, name, registry);
    let mut diagnostics = loaded.diagnostics;
    let mut waivers = LoadedWaivers::default();
    if let Some(found) = &loaded.plan {
        waivers = plan::load_waivers(&files, name, &loaded.waivers, found);
        diagnostics.append(&mut waivers.diagnostics);
    }
    let (errors, warnings): (Vec<_>, Vec<_>) = diagnostics
        .into_iter()
        .map(|d| shown_from(d, path, name))
        .partition(|d| d.level == Level::Error);
    match loaded.plan {
        Some(loaded_plan) if errors.is_empty() => Ok(Loaded {
            plan: loaded_plan,
            waivers,
            warnings,
            base_dir,
        }),
        _ => Err(Exit::Wrong(errors.into_iter().chain(warnings).collect())),
    }
}

/// A diagnostic names the plan as the user did.
fn shown_from(mut diagnostic: Diagnostic, path: &Path, name: &str) -> Diagnostic {
    if let Some(place) = &mut diagnostic.place {
        place.file = if place.file == name {
            path.display().to_string()
        } else {
            path.with_file_name(&place.file).display().to_string()
        };
    }
    diagnostic
}

/// Finds the inputs of a plan from the command line, the environment, files and defaults.
pub(super) fn inputs(
    plan: &Plan,
    given: &[(String, String)],
    base_dir: &Path,
) -> Result<Inputs, Exit> {
    let read = |path: &str| read_input_file(&base_dir.join(path), path);
    let sources = Sources {
        given,
        variable: &crate::world::variable,
        file: &read,
    };
    engine::find_inputs(plan, &sources).map_err(Exit::Wrong)
}

/// At most 64 KiB: a secret, not a database.
fn read_input_file(path: &Path, shown: &str) -> Result<Option<String>, String> {
    const MAX: u64 = 64 * 1024;
    match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("{shown} cannot be read: {e}")),
        Ok(m) if m.len() > MAX => return Err(format!("{shown} has more than 64 KiB")),
        Ok(_) => {}
    }
    let bytes = std::fs::read(path).map_err(|e| format!("{shown} cannot be read: {e}"))?;
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| format!("{shown} is not UTF-8 text"))
}

/// Loads, finds inputs and fills targets: everything that can be wrong before the first packet.
pub(super) fn setup(
    loaded: Loaded,
    policy: Option<(Policy, Vec<u8>)>,
    given: &[(String, String)],
    asked: Asked,
) -> Result<Setup, Exit> {
    let found = inputs(&loaded.plan, given, &loaded.base_dir)?;
    engine::prepare(
        loaded.plan,
        loaded.waivers,
        policy,
        found,
        asked,
        loaded.base_dir,
    )
    .map_err(Exit::Wrong)
}

/// Prints warnings to stderr.
pub(super) fn warn(warnings: &[Diagnostic]) {
    if !warnings.is_empty() {
        output::error_text(&gonogo_core::diag::render(warnings));
    }
}

/// A single-purpose runtime: the checks wait on the network far more than they compute.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Exit::Failed(format!("the runtime could not be started: {e}")))
}

/// The probes' registry, for commands that only read plans.
pub(super) fn registry() -> Registry<'static> {
    gonogo_probes::registry()
}

/// The plan and waivers that a run's folder keeps; secret files are found where the user stands.
pub(super) fn load_recorded(
    world: &crate::world::World,
    opened: &crate::bundle::Opened,
) -> Result<Loaded, Exit> {
    let run = gonogo_core::record::fold(opened.events.clone())
        .map_err(|e| Exit::wrong("bundle-damaged", e.to_string()))?;
    let (plan, waivers) = crate::bundle::load_recorded(world, opened.folder.path(), &run)?;
    Ok(Loaded {
        plan,
        waivers,
        warnings: Vec::new(),
        base_dir: PathBuf::from("."),
    })
}
