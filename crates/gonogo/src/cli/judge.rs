//! `gonogo judge`: what a recorded run would have given by another plan.

use super::args::JudgeArgs;
use super::run::print;
use super::{Ended, prepare};
use crate::bundle;
use crate::world::World;

pub(super) fn judge(args: &JudgeArgs) -> Ended {
    let loaded = prepare::load(&args.plan)?;
    if !args.json {
        prepare::warn(&loaded.warnings);
    }
    let judged = bundle::judge_by(
        &World::real(),
        &args.run,
        &loaded.plan,
        &loaded.waivers.waivers,
    )?;
    print(&judged, &args.run.display().to_string(), args.json);
    Ok(judged.verdict.exit_code())
}
