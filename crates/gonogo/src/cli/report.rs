//! `gonogo report`: renders a recorded run again.

use super::args::{Format, ReportArgs};
use super::{Ended, output};
use crate::bundle;
use crate::world::World;

pub(super) fn report(args: &ReportArgs) -> Ended {
    let world = World::real();
    let (run, judged) = bundle::read_judged(&world, &args.run)?;
    let text = match args.format {
        Format::Text => {
            let look = gonogo_report::terminal::Look {
                colour: output::colour(),
                width: output::width(),
                folder: Some(args.run.display().to_string()),
            };
            gonogo_report::terminal::render(&judged, &look)
        }
        Format::Md => gonogo_report::markdown::render(&judged),
        Format::Html => gonogo_report::html::render(&judged),
        Format::Junit => gonogo_report::junit::render(&judged),
        Format::Json => gonogo_report::json::render(&judged),
        Format::Sarif => {
            let (plan, _) = bundle::load_recorded(&world, &args.run, &run)?;
            let called = args.plan_path.as_ref().unwrap_or(&run.started.plan_file);
            gonogo_report::sarif::render(&judged, &gonogo_report::Places::new(&plan, called))
        }
    };
    output::result_text(&text);
    Ok(0)
}
