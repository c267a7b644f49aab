//! `gonogo resume`: continues a run that was stopped or killed.

use std::sync::Arc;

use super::args::ResumeArgs;
use super::exit::Exit;
use super::progress::Live;
use super::run::{finish, stop_on_signals};
use super::{Ended, github, prepare};
use crate::bundle;
use crate::engine::{Asked, Progress, Silent};
use crate::world::World;

pub(super) fn resume(args: &ResumeArgs) -> Ended {
    let world = World::real();
    let opened = bundle::open_to_resume(&world, &args.run)?;
    let loaded = prepare::load_recorded(&world, &opened)?;
    let asked = Asked {
        environment: opened.started.environment.clone(),
        allow: opened.started.powers.clone(),
        only: opened.started.only.clone(),
    };
    let given = opened.inputs_again(&args.inputs);
    let setup = prepare::setup(loaded, opened.policy.clone(), &given, asked)?;
    if let Some(changed) = opened.changed_input(&setup) {
        return Err(Exit::wrong_help(
            "input-changed",
            format!("input `{changed}` has another value than when the run started"),
            "give the same value, or start a new run",
        ));
    }
    let progress: Arc<dyn Progress> = if args.json {
        Arc::new(Silent)
    } else {
        Arc::new(Live::new())
    };
    let runtime = prepare::runtime()?;
    let outcome = runtime.block_on(bundle::run_again(
        opened,
        setup,
        &world,
        progress,
        stop_on_signals(),
    ));
    runtime.shutdown_background();
    let outcome = outcome?;
    github::tell(&outcome.judged, None);
    finish(&outcome, args.json)
}
