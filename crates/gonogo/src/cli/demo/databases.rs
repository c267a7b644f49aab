//! The cases that are about a database: a PostgreSQL of their own for as long as the demo lasts, from the machine's programs.

use std::path::Path;

use chrono::{Days, NaiveDate};
use lab::planted::PlantedFault;
use lab::{LabError, NoServer, PostgresServer, apms, signal_harvester};

use super::{Case, Listed, planted, random_hex, run_case, write};
use crate::cli::args::DemoArgs;
use crate::cli::exit::Exit;
use crate::cli::{Ended, output, prepare};
use crate::world::{Clock as _, SystemClock};

const APMS_PLAN: &str = include_str!("../../../../../cases/apms/plan.yaml");
const APMS_WAIVERS: &str = include_str!("../../../../../cases/apms/waivers.yaml");
const SIGNAL_HARVESTER_SCHEMA: &str =
    include_str!("../../../../../cases/signal-harvester/schema.json");
const SIGNAL_HARVESTER_PLAN: &str = include_str!("../../../../../cases/signal-harvester/plan.yaml");

/// For how long the demo's waivers are given, as long as any may be.
const WAIVED_FOR: Days = Days::new(30);

pub(super) fn faults(faults: &'static [PlantedFault]) -> Vec<Listed> {
    faults
        .iter()
        .map(|fault| Listed {
            name: fault.name,
            check: fault.check,
            what: fault.what,
            blocking: true,
        })
        .collect()
}

pub(super) fn demo(case: Case, args: &DemoArgs, place: &Path) -> Ended {
    let today = SystemClock::new().now().date_naive();
    for (name, text) in files(case, today) {
        write(&place.join(name), text.as_bytes())?;
    }
    let server = PostgresServer::start(&random_hex(16)?).map_err(refused)?;
    let dsn = server.url("postgres");
    prepare::runtime()?
        .block_on(install(case, &dsn, &args.fault))
        .map_err(|e| Exit::Failed(format!("the lab could not be installed: {e}")))?;
    if !args.json {
        let port = server.port();
        output::error_text(&format!(
            "the lab's {} is a PostgreSQL database on 127.0.0.1:{port} for the time of this demo{}{}\n\n",
            case.name(),
            planted(&args.fault),
            renewed(case)
        ));
    }
    // The server ends with this scope, whatever came of the run.
    run_case(args, place, &[("dsn", &dsn)])
}

/// What lies beside the plan, and the plan.
fn files(case: Case, today: NaiveDate) -> Vec<(&'static str, String)> {
    match case {
        Case::Apms => vec![
            ("plan.yaml", APMS_PLAN.to_owned()),
            ("waivers.yaml", given_on(APMS_WAIVERS, today)),
        ],
        Case::SignalHarvester => vec![
            ("plan.yaml", SIGNAL_HARVESTER_PLAN.to_owned()),
            ("schema.json", SIGNAL_HARVESTER_SCHEMA.to_owned()),
        ],
        Case::Metasheet2 | Case::AiAgents | Case::Profitsentinel => Vec::new(),
    }
}

fn renewed(case: Case) -> &'static str {
    match case {
        Case::Apms => {
            ";\nits two waivers are given anew as of today, since a waiver ends after 30 days at the latest"
        }
        Case::SignalHarvester | Case::Metasheet2 | Case::AiAgents | Case::Profitsentinel => "",
    }
}

/// The same waivers, given today. A waiver in a repository ends by itself; a demonstration is to show one that holds.
pub(super) fn given_on(waivers: &str, today: NaiveDate) -> String {
    let until = today.checked_add_days(WAIVED_FOR).unwrap_or(today);
    let mut text = String::with_capacity(waivers.len());
    for line in waivers.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        match line.trim_start() {
            rest if rest.starts_with("given:") => {
                output::add(&mut text, format_args!("{indent}given: {today}\n"));
            }
            rest if rest.starts_with("until:") => {
                output::add(&mut text, format_args!("{indent}until: {until}\n"));
            }
            _ => output::add(&mut text, format_args!("{line}\n")),
        }
    }
    text
}

async fn install(case: Case, dsn: &str, faults: &[String]) -> Result<(), LabError> {
    let chosen = |known: &'static [PlantedFault]| -> Vec<&'static PlantedFault> {
        known
            .iter()
            .filter(|fault| faults.iter().any(|name| name == fault.name))
            .collect()
    };
    match case {
        Case::Apms => apms::install(dsn, apms::Variant::default(), &chosen(apms::faults())).await,
        Case::SignalHarvester => {
            signal_harvester::install(dsn, false, &chosen(signal_harvester::faults())).await
        }
        Case::Metasheet2 | Case::AiAgents | Case::Profitsentinel => Ok(()),
    }
}

pub(super) fn refused(why: NoServer) -> Exit {
    match why {
        NoServer::NotInstalled { packages, .. } => Exit::wrong_help(
            "no-server",
            why.to_string(),
            format!(
                "install it, such as with `apt-get install {packages}`; or install the case with `lab` and `gonogo run` its plan"
            ),
        ),
        NoServer::NoUser => Exit::wrong_help(
            "no-server",
            why.to_string(),
            "run the demo as an ordinary user",
        ),
        NoServer::Failed { .. } => Exit::Failed(why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waivers_of_a_demo_are_given_today_and_end_as_late_as_any() {
        let today = NaiveDate::from_ymd_opt(2031, 3, 4).expect("a day");
        let text = given_on(APMS_WAIVERS, today);
        assert_eq!(text.matches("given: 2031-03-04\n").count(), 2, "{text}");
        assert_eq!(text.matches("until: 2031-04-03\n").count(), 2, "{text}");
        assert_eq!(text.lines().count(), APMS_WAIVERS.lines().count());
        let others = |text: &str| {
            text.lines()
                .filter(|line| !line.contains("given: ") && !line.contains("until: "))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(others(&text), others(APMS_WAIVERS));
    }
}
