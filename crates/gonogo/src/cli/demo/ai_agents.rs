//! The case of the agents' platform: served inside this process, on a PostgreSQL, a Redis, a Prometheus and a container engine of its own.

use std::path::Path;
use std::str::FromStr as _;

use lab::ai_agents::{self, AS_DOCUMENTED, Fault, Faults, Machine, Secrets, Staged, Used};
use lab::{LabError, NoServer};

use super::{Listed, databases, planted, random_hex, run_case, write};
use crate::cli::args::DemoArgs;
use crate::cli::exit::Exit;
use crate::cli::{Ended, output, prepare};

/// What lies beside the plan, and the plan.
const FILES: [(&str, &str); 7] = [
    (
        "plan.yaml",
        include_str!("../../../../../cases/ai-agents/plan.yaml"),
    ),
    (
        "checklist.yaml",
        include_str!("../../../../../cases/ai-agents/checklist.yaml"),
    ),
    (
        "openapi.json",
        include_str!("../../../../../cases/ai-agents/openapi.json"),
    ),
    (
        "evidence/owasp-review.md",
        include_str!("../../../../../cases/ai-agents/evidence/owasp-review.md"),
    ),
    (
        "evidence/load-test.md",
        include_str!("../../../../../cases/ai-agents/evidence/load-test.md"),
    ),
    (
        "evidence/restore-drill.md",
        include_str!("../../../../../cases/ai-agents/evidence/restore-drill.md"),
    ),
    (
        "evidence/disaster-recovery.md",
        include_str!("../../../../../cases/ai-agents/evidence/disaster-recovery.md"),
    ),
];

pub(super) fn faults() -> Vec<Listed> {
    ai_agents::faults()
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
    let mut faults: Faults = args
        .fault
        .iter()
        .filter_map(|name| Fault::from_str(name).ok())
        .collect();
    if args.as_documented {
        faults.extend(AS_DOCUMENTED);
    }
    for (name, text) in FILES {
        let text = ai_agents::changed(name, text, &faults);
        write(&place.join(name), text.as_bytes())?;
    }
    if !args.json {
        output::error_text(
            "starting PostgreSQL, Redis, Prometheus, a container engine and eleven containers\n",
        );
    }
    let secrets = Secrets::made(|| random_hex(16))?;
    // The lab has a runtime of its own: its work must not be done by the threads that measure it.
    let lab_runtime = prepare::runtime()?;
    let machine = Machine::start(&random_hex(16)?).map_err(databases::refused)?;
    let used = Used::default();
    let staged = lab_runtime
        .block_on(Staged::start(
            &machine,
            place,
            "ai_agents",
            secrets,
            &faults,
            used.clone(),
        ))
        .map_err(refused)?;
    let containers = staged
        .contained(&machine, used, &faults)
        .map_err(databases::refused)?;
    lab_runtime.block_on(staged.running().measured());
    if !args.json {
        let (how, without) = if args.as_documented {
            (
                ", as its document describes it",
                ";\nthe credentials of its administrator are not given, as they were not to the document's tests",
            )
        } else {
            ("", "")
        };
        output::error_text(&format!(
            "the lab's ai-agents runs at {}{how}{}{without}\n\n",
            staged.running().base_url(),
            planted(&args.fault)
        ));
    }
    let inputs = if args.as_documented {
        staged.inputs_as_documented()
    } else {
        staged.inputs()
    };
    let inputs: Vec<(&str, &str)> = inputs
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let ended = run_case(args, place, &inputs);
    // They end in this order, whatever came of the run: the containers ask the service.
    drop(containers);
    lab_runtime.block_on(async move { drop(staged) });
    ended
}

fn refused(why: LabError) -> Exit {
    match why {
        LabError::Server(why @ (NoServer::NotInstalled { .. } | NoServer::NoUser)) => {
            databases::refused(why)
        }
        other => Exit::Failed(format!("the lab did not start: {other}")),
    }
}
