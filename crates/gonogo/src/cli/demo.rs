//! `gonogo demo`: the whole job on the lab that ships with gonogo. Nothing else is needed.

use std::path::Path;
use std::str::FromStr as _;

use lab::metasheet2::{self, Config, Fault, Faults};
use serde_json::json;

use super::args::DemoArgs;
use super::exit::Exit;
use super::run::{finish, start};
use super::{Ended, output, prepare};
use crate::engine::Asked;

/// The case study, as it stands in the repository.
const PLAN: &str = include_str!("../../../../cases/metasheet2/plan.yaml");
const CASE: &str = "metasheet2";
pub(super) fn demo(args: &DemoArgs) -> Ended {
    if args.list {
        list(args.json);
        return Ok(0);
    }
    if args.case != CASE {
        return Err(Exit::wrong_help(
            "unknown-case",
            format!("there is no case `{}`", args.case),
            format!("the cases are: {CASE}"),
        ));
    }
    let faults = faults(&args.fault)?;
    let place = tempfile::Builder::new()
        .prefix("gonogo-demo-")
        .tempdir()
        .map_err(|e| Exit::Failed(format!("no folder for the lab: {e}")))?;
    let secret = random_hex(32)?;
    // A release of its own for each demo: attempts are counted by subject, and this is not another try at the last one.
    let release = random_hex(20)?;
    // The lab has a runtime of its own: its work must not be done by the threads that measure it.
    let lab_runtime = prepare::runtime()?;
    let system = lab_runtime
        .block_on(metasheet2::start(Config {
            database: lab::Database::Sqlite(place.path().join("metasheet2.sqlite")),
            faults: faults.clone(),
            ..Config::new(secret.clone(), release.clone())
        }))
        .map_err(|e| Exit::Failed(format!("the lab did not start: {e}")))?;
    if !args.json {
        output::error_text(&told(&system.base_url(), &args.fault));
    }
    let deployment = Deployment {
        url: system.base_url(),
        release,
        secret,
    };
    let ended = run_case(args, place.path(), &faults, &deployment);
    lab_runtime.block_on(system.stop());
    let (code, hint) = ended?;
    if !args.json {
        output::result_text(&hint);
    }
    Ok(code)
}

fn told(url: &str, faults: &[String]) -> String {
    let planted = if faults.is_empty() {
        String::new()
    } else {
        format!(", with the fault {} planted", faults.join(", "))
    };
    format!(
        "the lab's {CASE} runs at {url}{planted}; the whole validation takes about 40 seconds\n\n"
    )
}

/// What a team would know of its staging deployment.
struct Deployment {
    url: String,
    release: String,
    secret: String,
}

fn run_case(
    args: &DemoArgs,
    place: &Path,
    faults: &Faults,
    deployment: &Deployment,
) -> Result<(u8, String), Exit> {
    let plan = place.join("plan.yaml");
    write(&plan, PLAN.as_bytes())?;
    for (path, bytes) in metasheet2::case_files(faults) {
        write(&place.join("source").join(path), &bytes)?;
    }
    let loaded = prepare::load(&plan)?;
    let given = [
        ("base_url", deployment.url.as_str()),
        ("release", &deployment.release),
        ("jwt_secret", &deployment.secret),
        ("database", "metasheet2.sqlite"),
        ("source", "source"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()));
    let asked = Asked {
        environment: "local".to_owned(),
        allow: Vec::new(),
        only: Vec::new(),
    };
    let setup = prepare::setup(loaded, None, &given, asked)?;
    let outcome = start(setup, &args.out, args.json)?;
    let code = finish(&outcome, args.json)?;
    Ok((code, hint(args)))
}

/// What to try next, in the words in which this program was called.
fn hint(args: &DemoArgs) -> String {
    let under_cargo = crate::world::variable("CARGO_MANIFEST_DIR").is_some();
    let program = if under_cargo {
        "cargo run --release --"
    } else {
        "gonogo"
    };
    if args.fault.is_empty() {
        format!(
            "\nTry next\n  {program} demo --fault effect-block-not-enforced\n    shows a fault being caught\n  \
             {program} demo --list\n    names all of them\n"
        )
    } else {
        format!("\nTry next\n  {program} demo\n    the same without the fault\n")
    }
}

fn faults(names: &[String]) -> Result<Faults, Exit> {
    names
        .iter()
        .map(|name| {
            Fault::from_str(name).map_err(|_| {
                let known: Vec<&str> = metasheet2::faults().iter().map(|f| f.name).collect();
                let help = gonogo_core::diag::nearest(name, known).map_or_else(
                    || "`gonogo demo --list` names them".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                Exit::wrong_help("unknown-fault", format!("there is no fault `{name}`"), help)
            })
        })
        .collect()
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

/// Faults that only an advisory gate sees leave the verdict at GO, so they are not on the list of those that are caught.
fn list(json: bool) {
    let faults: Vec<_> = metasheet2::faults().iter().filter(|f| f.blocking).collect();
    if json {
        let faults: Vec<_> = faults
            .iter()
            .map(|f| json!({ "name": f.name, "check": f.check, "what": f.what }))
            .collect();
        output::json(&json!({ "cases": [{ "name": CASE, "faults": faults }] }));
        return;
    }
    let mut text = format!("{CASE}\n");
    for fault in faults {
        output::add(
            &mut text,
            format_args!("  {:<30} {}\n", fault.name, fault.what),
        );
    }
    output::result_text(&text);
}
