//! The case of the rule service: served inside this process, on SQLite.

use std::path::Path;
use std::str::FromStr as _;

use lab::metasheet2::{self, Config, Fault, Faults};

use super::{Listed, planted, random_hex, run_case, write};
use crate::cli::args::DemoArgs;
use crate::cli::exit::Exit;
use crate::cli::{Ended, output, prepare};

const PLAN: &str = include_str!("../../../../../cases/metasheet2/plan.yaml");

pub(super) fn faults() -> Vec<Listed> {
    metasheet2::faults()
        .iter()
        .map(|fault| Listed {
            name: fault.name,
            check: fault.check,
            what: fault.what,
            blocking: fault.blocking,
        })
        .collect()
}

pub(super) fn demo(args: &DemoArgs, place: &Path) -> Ended {
    let faults: Faults = args
        .fault
        .iter()
        .filter_map(|name| Fault::from_str(name).ok())
        .collect();
    let secret = random_hex(32)?;
    // A release of its own for each demo: attempts are counted by subject, and this is not another try at the last one.
    let release = random_hex(20)?;
    // The lab has a runtime of its own: its work must not be done by the threads that measure it.
    let lab_runtime = prepare::runtime()?;
    let system = lab_runtime
        .block_on(metasheet2::start(Config {
            database: lab::Database::Sqlite(place.join("metasheet2.sqlite")),
            faults: faults.clone(),
            ..Config::new(secret.clone(), release.clone())
        }))
        .map_err(|e| Exit::Failed(format!("the lab did not start: {e}")))?;
    let url = system.base_url();
    if !args.json {
        output::error_text(&format!(
            "the lab's metasheet2 runs at {url}{}; the whole validation takes about 40 seconds\n\n",
            planted(&args.fault)
        ));
    }
    let ended = files(place, &faults).and_then(|()| {
        let inputs = [
            ("base_url", url.as_str()),
            ("release", &release),
            ("jwt_secret", &secret),
            ("database", "metasheet2.sqlite"),
            ("source", "source"),
        ];
        run_case(args, place, &inputs)
    });
    lab_runtime.block_on(system.stop());
    ended
}

fn files(place: &Path, faults: &Faults) -> Result<(), Exit> {
    write(&place.join("plan.yaml"), PLAN.as_bytes())?;
    for (path, bytes) in metasheet2::case_files(faults) {
        write(&place.join("source").join(path), &bytes)?;
    }
    Ok(())
}
