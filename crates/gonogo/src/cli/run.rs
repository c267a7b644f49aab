//! `gonogo run`: the job.

use std::path::Path;
use std::sync::Arc;

use gonogo_core::decide::Policy;
use gonogo_core::judged::Judged;
use gonogo_core::record::Power;

use super::args::{PowerArg, RunArgs};
use super::exit::Exit;
use super::progress::Live;
use super::{Ended, github, output, prepare};
use crate::bundle::{self, Outcome as RunOutcome};
use crate::engine::{Asked, Progress, Setup, Silent};
use crate::world::World;

pub(super) fn run(args: &RunArgs) -> Ended {
    let loaded = prepare::load(&args.plan)?;
    if !args.json {
        prepare::warn(&loaded.warnings);
    }
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let asked = Asked {
        environment: args.env.environment.clone(),
        allow: powers(&args.env.allow),
        only: args.only.clone(),
    };
    let places = github::places(&args.plan, &loaded.plan);
    let setup = prepare::setup(loaded, policy, &args.env.inputs, asked)?;
    let outcome = start(setup, &args.out, args.json)?;
    github::tell(&outcome.judged, places.as_ref());
    finish(&outcome, args.json)
}

pub(super) fn powers(allow: &[PowerArg]) -> Vec<Power> {
    allow
        .iter()
        .map(|power| match power {
            PowerArg::Write => Power::Write,
            PowerArg::Load => Power::Load,
            PowerArg::Exec => Power::Exec,
        })
        .collect()
}

fn read_policy(path: &Path) -> Result<(Policy, Vec<u8>), Exit> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default();
    let files = bundle::DiskFiles::new(folder);
    let policy = gonogo_core::plan::load_policy(&files, name).map_err(Exit::Wrong)?;
    let bytes = std::fs::read(path).map_err(|e| {
        Exit::wrong(
            "policy-file",
            format!("{} cannot be read: {e}", path.display()),
        )
    })?;
    Ok((policy, bytes))
}

/// Runs a setup in a new folder under `out`.
pub(super) fn start(setup: Setup, out: &Path, json: bool) -> Result<RunOutcome, Exit> {
    let progress: Arc<dyn Progress> = if json {
        Arc::new(Silent)
    } else {
        Arc::new(Live::new())
    };
    let runtime = prepare::runtime()?;
    let outcome = runtime.block_on(bundle::run_new(
        setup,
        &World::real(),
        out,
        progress,
        stop_on_signals(),
    ));
    runtime.shutdown_background();
    outcome.map_err(Exit::from)
}

/// Becomes true on SIGINT or SIGTERM; a second one ends the program at once.
pub(super) fn stop_on_signals() -> impl FnOnce() -> tokio::sync::watch::Receiver<bool> + Send {
    || {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            let mut terminate =
                tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
            loop {
                let terminated = async {
                    match &mut terminate {
                        Some(signal) => signal.recv().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    _ = terminated => {}
                }
                if stop.send_replace(true) {
                    crate::world::end_at_once(130);
                }
            }
        });
        stopped
    }
}

/// Prints the result and gives the exit code.
pub(super) fn finish(outcome: &RunOutcome, json: bool) -> Ended {
    print(&outcome.judged, &outcome.folder.display().to_string(), json);
    Ok(outcome.judged.verdict.exit_code())
}

pub(super) fn print(judged: &Judged, folder: &str, json: bool) {
    if json {
        output::json(&gonogo_report::json::document(judged, Some(folder)));
    } else {
        output::result_text(&gonogo_report::terminal::render(
            judged,
            &gonogo_report::terminal::Look {
                colour: output::colour(),
                width: output::width(),
                folder: Some(folder.to_owned()),
            },
        ));
    }
}
