//! `gonogo try`: shows what a check observes and which fields it offers. No run, no verdict.

use std::sync::Arc;

use gonogo_core::judged::CheckJudged;

use super::args::TryArgs;
use super::exit::Exit;
use super::run::{powers, stop_on_signals};
use super::{Ended, job, output};
use crate::bundle;
use crate::engine::{Asked, Silent};
use crate::world::World;

pub(super) fn try_check(args: &TryArgs) -> Ended {
    let loaded = job::load(&args.plan)?;
    let asked = Asked {
        environment: args.env.environment.clone(),
        allow: powers(&args.env.allow),
        only: vec![args.check.clone()],
    };
    let mut setup = job::setup(loaded, None, &args.env.inputs, asked)?;
    // The subject is not looked at: this is about one check.
    let mut plan = setup.plan.as_ref().clone();
    plan.subject = None;
    setup.plan = Arc::new(plan);
    let folder = tempfile::Builder::new()
        .prefix("gonogo-try-")
        .tempdir()
        .map_err(|e| Exit::Failed(format!("no folder for what is observed: {e}")))?;
    let runtime = job::runtime()?;
    let outcome = runtime.block_on(bundle::run_new(
        setup,
        &World::real(),
        folder.path(),
        Arc::new(Silent),
        stop_on_signals(),
    ));
    runtime.shutdown_background();
    let judged = outcome?.judged;
    let (gate, check) = args
        .check
        .split_once('/')
        .map_or((args.check.as_str(), None), |(g, c)| (g, Some(c)));
    let checks: Vec<&CheckJudged> = judged
        .gates
        .iter()
        .filter(|g| g.id == gate)
        .flat_map(|g| &g.checks)
        .filter(|c| check.is_none_or(|id| c.id == id))
        .collect();
    if args.json {
        output::json(&serde_json::json!({ "checks": checks }));
        return Ok(0);
    }
    for check in checks {
        output::result_text(&gonogo_report::terminal::check(gate, check, output::width()));
    }
    Ok(0)
}
