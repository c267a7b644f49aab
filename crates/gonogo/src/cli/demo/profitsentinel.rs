//! The case of the sidecar: served inside this process with a load balancer in front, its image on a container engine of its own, and the
//! repository that it was built from.

use std::path::Path;
use std::str::FromStr as _;

use lab::profitsentinel::{self, Config, Fault, Faults, Running};
use lab::{ContainerEngine, LabError};

use super::databases::{given_on, refused};
use super::{Listed, planted, run_case_in, write};
use crate::cli::args::DemoArgs;
use crate::cli::exit::Exit;
use crate::cli::{Ended, output, prepare};
use crate::world::{Clock as _, SystemClock};

const PLAN: &str = include_str!("../../../../../cases/profitsentinel/plan.yaml");
const OPENAPI: &str = include_str!("../../../../../cases/profitsentinel/openapi.json");
/// The compose project of the container.
const PROJECT: &str = "profitsentinel-staging";

pub(super) fn faults() -> Vec<Listed> {
    profitsentinel::faults()
        .iter()
        .map(|fault| Listed {
            name: fault.name,
            check: fault.check,
            what: fault.what,
            blocking: true,
        })
        .collect()
}

pub(super) fn demo(args: &DemoArgs, place: &Path) -> Ended {
    let faults: Faults = args
        .fault
        .iter()
        .filter_map(|name| Fault::from_str(name).ok())
        .collect();
    // A limitation that somebody has accepted ends by itself; a demonstration is to show some that hold.
    let today = SystemClock::new().now().date_naive();
    write(&place.join("plan.yaml"), given_on(PLAN, today).as_bytes())?;
    write(&place.join("openapi.json"), OPENAPI.as_bytes())?;
    let engine = ContainerEngine::start().map_err(refused)?;
    // The lab has a runtime of its own: its work must not be done by the threads that measure it.
    let lab_runtime = prepare::runtime()?;
    let system = lab_runtime
        .block_on(profitsentinel::start(Config {
            faults: faults.clone(),
            ..Config::new(place)
        }))
        .map_err(not_started)?;
    let delivered = place.join("delivered");
    profitsentinel::deliver(&delivered, &faults)
        .and_then(|_commit| profitsentinel::deploy(&engine, PROJECT, system.addr().port(), &faults))
        .map_err(not_started)?;
    let ended = run(args, place, &system, &engine);
    lab_runtime.block_on(system.stop());
    ended
}

fn run(args: &DemoArgs, place: &Path, system: &Running, engine: &ContainerEngine) -> Ended {
    let url = system.base_url();
    if !args.json {
        output::error_text(&format!(
            "the lab's profitsentinel runs at {url}, its container on a Podman of its own{};\nthe four known limitations are accepted anew as of today, and the whole validation takes about 10 seconds\n\n",
            planted(&args.fault)
        ));
    }
    let (front, engine) = (system.front_url(), engine.url());
    let inputs = [
        ("base_url", url.as_str()),
        ("front_url", &front),
        ("ca", "ca.pem"),
        ("source", "delivered"),
        ("engine", &engine),
        ("project", PROJECT),
    ];
    run_case_in("rehearsal", args, place, &inputs)
}

fn not_started(why: LabError) -> Exit {
    Exit::Failed(format!("the lab did not start: {why}"))
}
