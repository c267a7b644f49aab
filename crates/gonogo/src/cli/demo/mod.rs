//! `gonogo demo`: the whole job on the lab that ships with gonogo. Nothing else is needed, but the programs of the servers that a case is
//! about: PostgreSQL, for `ai-agents` also Redis, Prometheus, Podman and git, for `profitsentinel` Podman and git.

mod ai_agents;
mod databases;
mod metasheet2;
mod profitsentinel;

use std::path::Path;

use serde_json::json;

use super::args::DemoArgs;
use super::exit::Exit;
use super::run::{finish, start};
use super::{Ended, output, prepare};
use crate::engine::Asked;

/// A case study, as it stands in the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Metasheet2,
    Apms,
    SignalHarvester,
    AiAgents,
    Profitsentinel,
}

/// A fault as it is listed.
struct Listed {
    name: &'static str,
    check: &'static str,
    what: &'static str,
    /// Whether the verdict is lowered by it: not where only an advisory gate sees it, so that it is not on the list of those that are caught.
    blocking: bool,
}

impl Case {
    const ALL: [Self; 5] = [
        Self::Metasheet2,
        Self::Apms,
        Self::SignalHarvester,
        Self::AiAgents,
        Self::Profitsentinel,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Metasheet2 => "metasheet2",
            Self::Apms => "apms",
            Self::SignalHarvester => "signal-harvester",
            Self::AiAgents => "ai-agents",
            Self::Profitsentinel => "profitsentinel",
        }
    }

    fn named(name: &str) -> Result<Self, Exit> {
        let found = Self::ALL.into_iter().find(|case| case.name() == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            Exit::wrong_help(
                "unknown-case",
                format!("there is no case `{name}`"),
                format!("the cases are: {}", names.join(", ")),
            )
        })
    }

    fn faults(self) -> Vec<Listed> {
        match self {
            Self::Metasheet2 => metasheet2::faults(),
            Self::Apms => databases::faults(lab::apms::faults()),
            Self::SignalHarvester => databases::faults(lab::signal_harvester::faults()),
            Self::AiAgents => ai_agents::faults(),
            Self::Profitsentinel => profitsentinel::faults(),
        }
    }

    /// A name that this case does not have is a mistake of the command line.
    fn refuse_unknown(self, faults: &[String]) -> Result<(), Exit> {
        let known: Vec<&str> = self.faults().iter().map(|fault| fault.name).collect();
        let Some(unknown) = faults.iter().find(|name| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        let elsewhere = Self::ALL
            .into_iter()
            .find(|case| case.faults().iter().any(|fault| fault.name == unknown));
        let help = match (
            elsewhere,
            gonogo_core::diag::nearest(unknown, known.iter().copied()),
        ) {
            (Some(case), _) => format!("it is one of `--case {}`", case.name()),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => "`gonogo demo --list` names them".to_owned(),
        };
        Err(Exit::wrong_help(
            "unknown-fault",
            format!("there is no fault `{unknown}`"),
            help,
        ))
    }
}

pub(super) fn demo(args: &DemoArgs) -> Ended {
    if args.list {
        list(args.json);
        return Ok(0);
    }
    let case = Case::named(&args.case)?;
    case.refuse_unknown(&args.fault)?;
    if args.as_documented && case != Case::AiAgents {
        return Err(Exit::wrong_help(
            "not-documented",
            format!("the case `{}` has no `--as-documented`", case.name()),
            "`--case ai-agents` has",
        ));
    }
    let place = tempfile::Builder::new()
        .prefix("gonogo-demo-")
        .tempdir()
        .map_err(|e| Exit::Failed(format!("no folder for the lab: {e}")))?;
    let code = match case {
        Case::Metasheet2 => metasheet2::demo(args, place.path()),
        Case::Apms | Case::SignalHarvester => databases::demo(case, args, place.path()),
        Case::AiAgents => ai_agents::demo(args, place.path()),
        Case::Profitsentinel => profitsentinel::demo(args, place.path()),
    }?;
    if !args.json {
        output::result_text(&hint(args));
    }
    Ok(code)
}

/// Runs the plan in a folder, on its environment `local`.
fn run_case(args: &DemoArgs, place: &Path, inputs: &[(&str, &str)]) -> Ended {
    run_case_in("local", args, place, inputs)
}

fn run_case_in(environment: &str, args: &DemoArgs, place: &Path, inputs: &[(&str, &str)]) -> Ended {
    let loaded = prepare::load(&place.join("plan.yaml"))?;
    let given: Vec<(String, String)> = inputs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let asked = Asked {
        environment: environment.to_owned(),
        allow: Vec::new(),
        only: Vec::new(),
    };
    let setup = prepare::setup(loaded, None, &given, asked)?;
    let outcome = start(setup, &args.out, args.json)?;
    finish(&outcome, args.json)
}

/// What was planted, as the end of a sentence.
fn planted(faults: &[String]) -> String {
    match faults {
        [] => String::new(),
        [one] => format!(", with the fault {one} planted"),
        many => format!(", with the faults {} planted", many.join(", ")),
    }
}

/// What to try next, in the words in which this program was called.
fn hint(args: &DemoArgs) -> String {
    let under_cargo = crate::world::variable("CARGO_MANIFEST_DIR").is_some();
    let program = if under_cargo {
        "cargo run --release --"
    } else {
        "gonogo"
    };
    let (case, fault) = match args.case.as_str() {
        "apms" => (" --case apms", "second-active-allowed"),
        "signal-harvester" => (" --case signal-harvester", "column-extra"),
        "ai-agents" => (" --case ai-agents", "webhook-500"),
        "profitsentinel" => (" --case profitsentinel", "suite-ran-nothing"),
        _ => ("", "effect-block-not-enforced"),
    };
    if args.fault.is_empty() && !args.as_documented {
        format!(
            "\nTry next\n  {program} demo{case} --fault {fault}\n    shows a fault being caught\n  \
             {program} demo --list\n    names all of them\n"
        )
    } else {
        format!("\nTry next\n  {program} demo{case}\n    the same without what is wrong\n")
    }
}

/// Fresh random bytes as hex.
fn random_hex(count: usize) -> Result<String, Exit> {
    use ring::rand::SecureRandom as _;
    let mut bytes = vec![0u8; count];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Exit::Failed("the operating system gave no random bytes".to_owned()))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Exit> {
    let failed =
        |e: std::io::Error| Exit::Failed(format!("{} cannot be written: {e}", path.display()));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the lab's own scratch files, not a run's"
    )]
    std::fs::write(path, bytes).map_err(failed)
}

fn list(json: bool) {
    if json {
        let cases: Vec<_> = Case::ALL
            .into_iter()
            .map(|case| {
                let faults: Vec<_> = case
                    .faults()
                    .iter()
                    .filter(|fault| fault.blocking)
                    .map(|f| json!({ "name": f.name, "check": f.check, "what": f.what }))
                    .collect();
                json!({ "name": case.name(), "faults": faults })
            })
            .collect();
        output::json(&json!({ "cases": cases }));
        return;
    }
    let mut text = String::new();
    for case in Case::ALL {
        output::add(&mut text, format_args!("{}\n", case.name()));
        for fault in case.faults().iter().filter(|fault| fault.blocking) {
            output::add(
                &mut text,
                format_args!("  {:<35} {}\n", fault.name, fault.what),
            );
        }
    }
    output::result_text(&text);
}
