//! What is recorded of the way back.

use std::time::Duration;

use gonogo_core::duration::humanize_duration_ns;
use gonogo_core::record::{Absence, Cut, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};
use serde_json::Value as Json;

use super::drill::{Drill, Health, Ran};
use super::syntax::is_live;
use crate::exec::Output;
use crate::git::{
    Changed, Span, changed_type, files_table, of_changed, of_commit, type_of_commits,
};
use crate::migrations::{Between, Passed, WayBack};
use crate::probe::Seen;

/// The most entries of a list that are kept.
const MOST: usize = 2_000;

/// What the repository tells of the way back.
pub(super) struct Way {
    /// The commit that is left.
    pub(super) from: String,
    /// The commit that is gone back to.
    pub(super) to: String,
    pub(super) span: Span,
    pub(super) files: Vec<Changed>,
    pub(super) passed: Between,
}

/// The way back as it is recorded, gone or not.
pub(super) struct Told {
    /// The revision as the plan names it.
    pub(super) target: String,
    pub(super) way: Way,
    pub(super) commands: Vec<String>,
    pub(super) estimate: Option<Duration>,
    pub(super) measured: Option<Duration>,
    pub(super) objective: Option<Duration>,
    pub(super) has_migrations: bool,
}

/// The facts.
pub(super) fn shape(options: &Json) -> Shape {
    let strings = || Type::list(Type::String);
    let things = || Type::list(Type::Dyn);
    let has = |key: &str| options.get(key).is_some();
    let mut fields = vec![
        (
            "target",
            Field::new(
                Type::String,
                "the revision to go back to, as the plan names it",
            ),
        ),
        ("to", Field::new(Type::String, "its commit")),
        ("from", Field::new(Type::String, "the commit that is left")),
        (
            "taken_back",
            Field::new(Type::Int, "how many commits are taken back"),
        ),
        (
            "is_ancestor",
            Field::new(
                Type::Bool,
                "whether the way only takes back: false where `to` has commits that `from` lacks",
            ),
        ),
        (
            "commits",
            Field::new(
                type_of_commits(),
                "the commits that are taken back, newest first",
            ),
        ),
        (
            "files",
            Field::new(
                changed_type(),
                "the files that the way back changes; `removed` where the release brought them",
            ),
        ),
    ];
    if has("migrations") {
        fields.extend([
            ("migrations", Field::new(things(), "the migrations in between, in the order in which they ran: name, tool, path, way_back (`down`: it has a way down; `compatible`: it has none, and the version before runs on what it leaves; `none`; `not-understood`), has_down, adds_only, drops_nothing, backward_compatible, statements")),
            ("without_way_down", Field::new(strings(), "the names of those that have no way down")),
            ("one_way", Field::new(strings(), "the names of those after which the version before may not run and that have no way down, or of which that cannot be told")),
            ("findings", Field::new(things(), "what stands in the way, as the `migrations` probe tells it: rules `not-understood`, `no-way-down`, `edited-migration`, `removed-migration`, `not-recognised`")),
        ]);
    }
    if has("commands") {
        fields.push((
            "commands",
            Field::new(strings(), "the commands of the way back, in their order"),
        ));
    }
    if has("objective") {
        fields.push((
            "objective",
            Field::new(Type::Duration, "how long it may take"),
        ));
    }
    fields.extend([
        ("estimated", Field::optional(Type::Duration, "how long it is thought to take; absent where neither the plan nor an earlier live drill of the run says")),
        ("estimated_by", Field::optional(Type::String, "`plan` or `drill`")),
    ]);
    if is_live(options) {
        fields.extend(live());
    }
    Shape {
        fields: fields
            .into_iter()
            .map(|(name, field)| (name.to_owned(), field))
            .collect(),
    }
}

fn live() -> [(&'static str, Field); 6] {
    [
        (
            "ran",
            Field::new(
                Type::list(Type::Dyn),
                "the commands that ran: command, exit_code or signal or problem, took, stdout, stderr, left_behind (children that it left running and that were ended)",
            ),
        ),
        (
            "stopped_at",
            Field::optional(
                Type::String,
                "the command that failed, after which none ran; absent where none failed",
            ),
        ),
        (
            "healthy",
            Field::new(Type::Bool, "whether the service was healthy at the end"),
        ),
        (
            "health",
            Field::optional(
                Type::Dyn,
                "what it said last: status, body, problem, asked (how often); absent where it was not asked",
            ),
        ),
        (
            "took",
            Field::optional(
                Type::Duration,
                "from the first command until the service was healthy; absent where the way did not lead back",
            ),
        ),
        (
            "within_objective",
            Field::new(Type::Bool, "whether it led back, and within the objective"),
        ),
    ]
}

/// Facts and tables.
pub(super) fn seen(told: &Told, drill: Option<&Drill>) -> Seen {
    let mut seen = Seen::default();
    let way = &told.way;
    for (name, value) in [
        ("target", Value::from(told.target.as_str())),
        ("to", way.to.as_str().into()),
        ("from", way.from.as_str().into()),
        ("taken_back", way.span.ahead.into()),
        ("is_ancestor", (way.span.behind == 0).into()),
    ] {
        fact(&mut seen, name, value);
    }
    let commits = way.span.commits.iter().map(|c| of_commit(c).into());
    list(&mut seen, "commits", commits, way.span.ahead);
    list(
        &mut seen,
        "files",
        way.files.iter().map(of_changed),
        way.files.len(),
    );
    if told.has_migrations {
        migrations(&mut seen, &way.passed);
    }
    if !told.commands.is_empty() {
        let commands: Vec<Value> = told
            .commands
            .iter()
            .map(|line| line.as_str().into())
            .collect();
        fact(&mut seen, "commands", commands.into());
    }
    if let Some(objective) = told.objective {
        fact(&mut seen, "objective", objective.into());
    }
    let estimated = told
        .estimate
        .map(|e| (e, "plan"))
        .or(told.measured.map(|m| (m, "drill")));
    if let Some((estimated, by)) = estimated {
        fact(&mut seen, "estimated", estimated.into());
        fact(&mut seen, "estimated_by", by.into());
    }
    seen.shown
        .extend(files_table("Files that the way back changes", &way.files));
    if let Some(drill) = drill {
        gone(&mut seen, drill, told.objective);
    }
    if way.from == way.to {
        // Whatever the lists say: there was no way to look at.
        seen.absent.push(Absence {
            fact: "way".to_owned(),
            why: format!(
                "`{}` is the revision that is left: there is no way back to look at",
                told.target
            ),
        });
    }
    seen
}

fn fact(seen: &mut Seen, name: &str, value: Value) {
    seen.facts.insert(name.to_owned(), value);
}

/// A list as a fact; where not all of it is kept, what is expected of it is an error.
fn list(seen: &mut Seen, name: &str, entries: impl Iterator<Item = Value>, all: usize) {
    let kept: Vec<Value> = entries.take(MOST).collect();
    if kept.len() < all {
        seen.cut.push(Cut {
            fact: name.to_owned(),
            why: format!("there are {all}; the first {} were kept", kept.len()),
        });
    }
    fact(seen, name, kept.into());
}

fn migrations(seen: &mut Seen, passed: &Between) {
    let named = |which: &dyn Fn(&Passed) -> bool| {
        let names = passed.migrations.iter().filter(|m| which(m));
        names
            .map(|m| Value::from(m.name.as_str()))
            .collect::<Vec<Value>>()
    };
    let without = named(&|m| m.way_back != WayBack::Down);
    let one_way = named(&|m| matches!(m.way_back, WayBack::None | WayBack::NotUnderstood));
    let told = passed.migrations.iter().map(|migration| {
        let mut map = match &migration.told {
            Value::Map(map) => map.clone(),
            _ => Map::new(),
        };
        map.insert("way_back".to_owned(), migration.way_back.name().into());
        Value::Map(map)
    });
    list(seen, "migrations", told, passed.migrations.len());
    let (all_without, all_one_way) = (without.len(), one_way.len());
    list(seen, "without_way_down", without.into_iter(), all_without);
    list(seen, "one_way", one_way.into_iter(), all_one_way);
    list(
        seen,
        "findings",
        passed.findings.iter().cloned(),
        passed.findings.len(),
    );
    if !passed.migrations.is_empty() {
        let rows = passed.migrations.iter().take(50);
        let row = |m: &Passed| {
            vec![
                m.name.clone(),
                m.tool.to_owned(),
                said(m.way_back).to_owned(),
                m.path.clone(),
            ]
        };
        seen.shown.push(Shown::Table {
            title: "Migrations in between".to_owned(),
            head: ["migration", "tool", "way back", "file"]
                .map(str::to_owned)
                .to_vec(),
            rows: rows.map(row).collect(),
        });
    }
}

fn said(way_back: WayBack) -> &'static str {
    match way_back {
        WayBack::Down => "has a way down",
        WayBack::Compatible => "no way down; the version before runs on it",
        WayBack::None => "none",
        WayBack::NotUnderstood => "cannot be told",
    }
}

fn gone(seen: &mut Seen, drill: &Drill, objective: Option<Duration>) {
    let took = drill.took();
    let within = took
        .zip(objective)
        .is_some_and(|(took, objective)| took <= objective);
    fact(
        seen,
        "ran",
        drill.ran.iter().map(of_ran).collect::<Vec<Value>>().into(),
    );
    fact(seen, "healthy", drill.is_healthy().into());
    fact(seen, "within_objective", within.into());
    if let Some(took) = took {
        fact(seen, "took", took.into());
    }
    if let Some(command) = &drill.stopped_at {
        fact(seen, "stopped_at", command.as_str().into());
    }
    if let Some(health) = &drill.health {
        fact(seen, "health", of_health(health, drill.asked));
    }
    if drill.ran.iter().any(|ran| ran.stdout.cut || ran.stderr.cut) {
        seen.cut.push(Cut {
            fact: "ran".to_owned(),
            why: "a command printed more than the 64 KiB that are kept of it".to_owned(),
        });
    }
    let row = |ran: &Ran| {
        let ended = match (&ran.problem, ran.exit_code, ran.signal) {
            (Some(problem), _, _) => problem.clone(),
            (None, Some(code), _) => format!("exit code {code}"),
            (None, None, Some(signal)) => format!("signal {signal}"),
            (None, None, None) => "its end is not known".to_owned(),
        };
        let took = i64::try_from(ran.took.as_nanos()).unwrap_or(i64::MAX);
        vec![ran.command.clone(), ended, humanize_duration_ns(took)]
    };
    seen.shown.push(Shown::Table {
        title: "Commands of the way back".to_owned(),
        head: ["command", "ended", "took"].map(str::to_owned).to_vec(),
        rows: drill.ran.iter().map(row).collect(),
    });
}

fn of_ran(ran: &Ran) -> Value {
    let text = |output: &Output| Value::from(String::from_utf8_lossy(&output.bytes).into_owned());
    let mut map = Map::from([
        ("command".to_owned(), ran.command.as_str().into()),
        ("took".to_owned(), ran.took.into()),
        ("stdout".to_owned(), text(&ran.stdout)),
        ("stderr".to_owned(), text(&ran.stderr)),
        ("left_behind".to_owned(), ran.left_behind.into()),
    ]);
    if let Some(code) = ran.exit_code {
        map.insert("exit_code".to_owned(), code.into());
    }
    if let Some(signal) = ran.signal {
        map.insert("signal".to_owned(), signal.into());
    }
    if let Some(problem) = &ran.problem {
        map.insert("problem".to_owned(), problem.as_str().into());
    }
    Value::Map(map)
}

fn of_health(health: &Health, asked: usize) -> Value {
    let mut map = Map::from([("asked".to_owned(), asked.into())]);
    if let Some(status) = health.status {
        map.insert("status".to_owned(), status.into());
    }
    if let Some(body) = &health.body {
        map.insert("body".to_owned(), body.clone());
    }
    if let Some(problem) = &health.problem {
        map.insert("problem".to_owned(), problem.as_str().into());
    }
    Value::Map(map)
}
