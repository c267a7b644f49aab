//! `gonogo snapshot`: a database as it is now, in a file that others are compared with.

use std::path::Path;
use std::time::Duration;

use gonogo_core::capacity::{Snapshot, size_text};
use gonogo_core::diag::nearest;
use gonogo_core::plan::{Registry, StatisticsOptions};
use gonogo_core::record::NotObserved;
use gonogo_core::redact::Redactor;
use gonogo_core::schema_model::{Model, SchemaSnapshot};
use gonogo_core::shapes::{RULES, Scanner};
use gonogo_core::{Map, Value};
use gonogo_probes::capacity::SNAPSHOT_ROLE;
use gonogo_probes::ctx::{Ctx, GateScope};
use gonogo_probes::probe::{Call, ResolvedTarget, Seen};
use gonogo_probes::schema::{MODEL_BLOB, usual_namespace};
use serde_json::{Value as Json, json};

use super::args::{SnapshotArgs, SnapshotFormat, SnapshotKind};
use super::exit::Exit;
use super::run::stop_on_signals;
use super::{Ended, output, prepare};
use crate::engine::{Asked, Setup};
use crate::world::World;

/// Nothing was observed: neither a wrong command line nor a failure of gonogo.
const NOT_OBSERVED: u8 = 2;

pub(super) fn snapshot(args: &SnapshotArgs) -> Ended {
    // A plan may already name the file that is only now about to be made.
    let registry = Registry {
        check_files: false,
        ..prepare::registry()
    };
    let loaded = prepare::load_by(&args.plan, &registry)?;
    prepare::warn(&loaded.warnings);
    let asked = Asked {
        environment: args.environment.clone(),
        allow: Vec::new(),
        only: Vec::new(),
    };
    let setup = prepare::setup(loaded, None, &args.inputs, asked)?;
    let taken = match args.kind {
        SnapshotKind::Schema => schema(&setup, args)?,
        SnapshotKind::Capacity => capacity(&setup, args)?,
    };
    let Some(written) = taken else {
        return Ok(NOT_OBSERVED);
    };
    match &args.out {
        None => output::result_text(&written.text),
        Some(path) => {
            write(path, &written.text)?;
            output::error_text(&format!("{}: {}\n", path.display(), written.about));
        }
    }
    Ok(0)
}

/// A snapshot, rendered.
struct Written {
    text: String,
    /// What it holds, in one line.
    about: String,
}

/// The namespaces asked for, else the one that everybody has.
fn namespaces(target: &ResolvedTarget, asked: &[String]) -> Result<Vec<String>, Exit> {
    if !asked.is_empty() {
        return Ok(asked.to_vec());
    }
    let usual = usual_namespace(target).ok_or_else(|| {
        Exit::wrong_help(
            "no-namespace",
            format!(
                "the address of the target `{}` names no database",
                target.name
            ),
            "name one with `--schema NAME`",
        )
    })?;
    Ok(vec![usual])
}

/// The target of a name, else the first that the probe can observe.
fn target<'a>(
    setup: &'a Setup,
    probe: &str,
    name: Option<&str>,
) -> Result<&'a ResolvedTarget, Exit> {
    let registry = prepare::registry();
    let kinds = registry.probe(probe).map_or(&[][..], |p| p.targets());
    let fitting: Vec<&str> = setup
        .env()
        .targets
        .iter()
        .filter(|t| kinds.contains(&t.kind.as_str()))
        .map(|t| t.name.as_str())
        .collect();
    let there = if fitting.is_empty() {
        format!("a target of kind {}", kinds.join(", "))
    } else {
        fitting.join(", ")
    };
    let chosen = match name {
        None => fitting.first().copied(),
        Some(name) => fitting.iter().copied().find(|known| *known == name),
    };
    let Some(chosen) = chosen else {
        let message = match name {
            Some(name) => format!("the environment has no database target `{name}`"),
            None => format!(
                "the environment `{}` has no database target",
                setup.environment
            ),
        };
        let help = match name.and_then(|name| nearest(name, fitting.iter().copied())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there must be: {there}"),
        };
        return Err(Exit::wrong_help("unknown-target", message, help));
    };
    match setup.targets.get(chosen) {
        Some(Ok(target)) => Ok(target),
        Some(Err(missing)) => Err(Exit::wrong_help(
            "missing-input",
            format!(
                "the target `{chosen}` needs `{}`: {}",
                missing.name, missing.why
            ),
            "give it with `-i KEY=VALUE`",
        )),
        None => Err(Exit::Failed(format!(
            "the target `{chosen}` was not prepared"
        ))),
    }
}

/// Looks once, outside of any run.
fn observe(
    setup: &Setup,
    probe: &str,
    target: &ResolvedTarget,
    options: Json,
) -> Result<Result<Seen, NotObserved>, Exit> {
    const TIME: Duration = Duration::from_mins(2);
    let probe = gonogo_probes::probe(probe)
        .ok_or_else(|| Exit::Failed(format!("this program has no probe `{probe}`")))?;
    let runtime = prepare::runtime()?;
    let seen = runtime.block_on(async {
        let stopped = stop_on_signals()();
        let ctx = Ctx::new(setup.hosts.clone(), setup.base_dir.clone(), TIME, stopped);
        let scope = GateScope::new(false);
        let statistics = StatisticsOptions::default();
        let call = Call {
            options,
            target: Some(target),
            limits: &[],
            statistics: &statistics,
            earlier_samplings: None,
            reads: true,
            scope: &scope,
            ctx: &ctx,
        };
        tokio::select! {
            seen = probe.observe(call) => seen,
            () = ctx.cancelled() => Err(ctx.not_observed(
                "the snapshot", gonogo_core::record::Cause::Interrupted, "it was stopped",
            )),
        }
    });
    runtime.shutdown_background();
    Ok(seen)
}

fn tell(redactor: &Redactor, reason: &NotObserved) {
    use gonogo_report::escape::terminal as escape;
    let masked = |text: &str| escape(&redactor.redact_str(text));
    let mut text = format!(
        "not observed: {}: {}\n",
        masked(&reason.tried),
        masked(&reason.message)
    );
    if let Some(help) = &reason.help {
        text.push_str(&format_args!("  help: {}\n", masked(help)).to_string());
    }
    output::error_text(&text);
}

/// The schema; nothing where it could not be observed, which has been told.
fn schema(setup: &Setup, args: &SnapshotArgs) -> Result<Option<Written>, Exit> {
    let target = target(setup, "schema", args.target.as_deref())?;
    let schemas = namespaces(target, &args.schema)?;
    let options = json!({ "schema": schemas });
    let (mut redactor, _) = setup.redactor();
    let seen = match observe(setup, "schema", target, options)? {
        Ok(seen) => seen,
        Err(reason) => {
            tell(&redactor, &reason);
            return Ok(None);
        }
    };
    let blob = seen.blobs.iter().find(|blob| blob.role == MODEL_BLOB);
    let whole: Json = blob
        .and_then(|blob| serde_json::from_slice(&blob.bytes).ok())
        .ok_or_else(|| Exit::Failed("the schema was not kept".to_owned()))?;
    let model = masked(&mut redactor, &whole)?;
    let counts = model.counts();
    let (engine, database) = seen.target.map_or_else(Default::default, |target| {
        let engine = target.engine.unwrap_or_default();
        (engine, redactor.redact_str(&target.address).into_owned())
    });
    let taken_at = World::real().clock.now();
    let snapshot = SchemaSnapshot::new(taken_at, engine, database, schemas, model);
    let about = format!(
        "{} tables, {} columns, {} foreign keys, {} indexes of {} ({})",
        counts.tables,
        counts.columns,
        counts.foreign_keys,
        counts.indexes,
        snapshot.database,
        snapshot.engine
    );
    Ok(Some(Written {
        text: match args.format {
            SnapshotFormat::Json => snapshot.to_text(),
            SnapshotFormat::Md => snapshot.to_markdown(),
        },
        about,
    }))
}

/// The sizes; nothing where they could not be observed, which has been told.
fn capacity(setup: &Setup, args: &SnapshotArgs) -> Result<Option<Written>, Exit> {
    let target = target(setup, "capacity", args.target.as_deref())?;
    let options = json!({ "capacity": "database", "count": args.count });
    let (mut redactor, _) = setup.redactor();
    let seen = match observe(setup, "capacity", target, options)? {
        Ok(seen) => seen,
        Err(reason) => {
            tell(&redactor, &reason);
            return Ok(None);
        }
    };
    for absence in &seen.absent {
        output::error_text(&format!("warning: no {}: {}\n", absence.fact, absence.why));
    }
    let blob = seen.blobs.iter().find(|blob| blob.role == SNAPSHOT_ROLE);
    let whole: Json = blob
        .and_then(|blob| serde_json::from_slice(&blob.bytes).ok())
        .ok_or_else(|| Exit::Failed("the sizes were not kept".to_owned()))?;
    let whole = masked_json(&mut redactor, &whole, "sizes");
    let snapshot = Snapshot::read(whole.to_string().as_bytes())
        .map_err(|e| Exit::Failed(format!("the sizes could not be kept: {e}")))?;
    let about = format!(
        "{}, {} tables and {} indexes of {} ({})",
        size_text(snapshot.bytes),
        snapshot.tables.len(),
        snapshot.indexes.len(),
        snapshot.database,
        snapshot.engine
    );
    Ok(Some(Written {
        text: match args.format {
            SnapshotFormat::Json => snapshot.text(),
            SnapshotFormat::Md => gonogo_report::capacity::snapshot_markdown(&snapshot),
        },
        about,
    }))
}

/// The model without secrets: those of the inputs, and what has the shape of one.
fn masked(redactor: &mut Redactor, whole: &Json) -> Result<Model, Exit> {
    serde_json::from_value(masked_json(redactor, whole, "schema"))
        .map_err(|e| Exit::Failed(format!("the schema could not be kept: {e}")))
}

fn masked_json(redactor: &mut Redactor, whole: &Json, what: &str) -> Json {
    let mut value = Value::from_json(whole);
    let facts = Map::from([(what.to_owned(), value.clone())]);
    redactor.register_shapes(&Scanner::new(RULES, Vec::new()), &facts);
    let mut found = Vec::new();
    redactor.redact_value(&mut value, what, &mut found);
    if !found.is_empty() {
        output::error_text(&format!(
            "warning: what looks like a secret stands in the {what} and is masked in the snapshot: \
             a comparison will tell it as a difference\n"
        ));
    }
    value.to_json()
}

/// Puts the file in its place whole, or leaves what was there.
fn write(path: &Path, text: &str) -> Result<(), Exit> {
    placed(path, text.as_bytes()).map_err(|e| {
        Exit::wrong_help(
            "not-written",
            format!("{} cannot be written: {e}", path.display()),
            "name a file in a folder that is there with `--out`",
        )
    })
}

fn placed(path: &Path, mut bytes: &[u8]) -> std::io::Result<()> {
    let disk = World::real().disk;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    let mut file = match disk.create_new(&temporary) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            disk.remove(&temporary)?;
            disk.create_new(&temporary)?
        }
        made => made?,
    };
    while !bytes.is_empty() {
        let written = file.write(bytes)?;
        bytes = &bytes[written..];
    }
    file.sync()?;
    disk.rename(&temporary, path)
}
