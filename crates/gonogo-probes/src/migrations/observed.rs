//! What is recorded of migrations that were read.

use gonogo_core::record::{Absence, Cut, Shown, TargetSeen};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use super::review::{Finding, Migration, Review};
use super::rules::Level;
use super::source::Source;
use crate::probe::Seen;

/// The most findings that are kept; with more, what is expected of them is an error.
const MOST_FINDINGS: usize = 2_000;
/// The most rows of the table for a person.
const MOST_SHOWN: usize = 100;

/// The facts.
pub(super) fn shape() -> Shape {
    let list = || Type::List(Box::new(Type::Dyn));
    let fields = [
        (
            "findings",
            list(),
            false,
            "what the rules say, blocking ones first: rule, link, level (`blocking`, `warning`), file, line, statement, reason, safer, lock, rewrites (`yes`, `no`, `depends`)",
        ),
        (
            "blocking",
            list(),
            false,
            "the findings that stop a running system, break the version before, or cannot be taken back",
        ),
        ("warnings", list(), false, "the other findings"),
        ("allowed", list(), false, "findings that the plan allows"),
        (
            "migrations",
            list(),
            false,
            "the migrations that were judged, in their order: name, tool, path, statements, has_down, adds_only, drops_nothing, backward_compatible (the version before runs on what it leaves, or it has a way down)",
        ),
        (
            "files",
            list(),
            false,
            "their files: path, statements, down (whether there is a way down), findings (how many)",
        ),
        (
            "without_down",
            list(),
            false,
            "the names of those that have no way down",
        ),
        ("count", Type::Int, false, "how many were judged"),
        (
            "known",
            Type::Int,
            false,
            "how many there are, the ones of before included",
        ),
        ("from", Type::String, true, "the commit of `from`"),
        ("to", Type::String, true, "the commit that was read"),
    ];
    Shape {
        fields: fields
            .into_iter()
            .map(|(name, ty, optional, doc)| {
                let field = Field {
                    ty,
                    doc: doc.to_owned(),
                    optional,
                };
                (name.to_owned(), field)
            })
            .collect(),
    }
}

/// Facts and a table of the findings.
pub(super) fn seen(
    source: &Source,
    known: usize,
    review: &Review,
    allow: &[String],
    target: Option<TargetSeen>,
) -> Seen {
    let (allowed, findings): (Vec<&Finding>, Vec<&Finding>) = review
        .findings
        .iter()
        .partition(|f| allow.contains(&f.rule));
    let of = |level: Level| {
        findings
            .iter()
            .copied()
            .filter(|f| f.level == level)
            .collect()
    };
    let (blocking, warnings): (Vec<&Finding>, Vec<&Finding>) =
        (of(Level::Blocking), of(Level::Warning));
    let migrations = &review.migrations;
    let without: Vec<Value> = migrations
        .iter()
        .filter(|m| !m.has_down)
        .map(|m| m.name.as_str().into())
        .collect();
    let mut cut = Vec::new();
    let mut kept = |fact: &str, all: &[&Finding]| {
        if all.len() > MOST_FINDINGS {
            cut.push(Cut {
                fact: fact.to_owned(),
                why: format!(
                    "there are {}; the first {MOST_FINDINGS} were kept",
                    all.len()
                ),
            });
        }
        Value::List(all.iter().take(MOST_FINDINGS).map(|f| value(f)).collect())
    };
    let mut facts = Map::from([
        ("findings".to_owned(), kept("findings", &findings)),
        ("blocking".to_owned(), kept("blocking", &blocking)),
        ("warnings".to_owned(), kept("warnings", &warnings)),
        ("allowed".to_owned(), kept("allowed", &allowed)),
        (
            "migrations".to_owned(),
            Value::List(migrations.iter().map(migration).collect()),
        ),
        (
            "files".to_owned(),
            Value::List(migrations.iter().map(file).collect()),
        ),
        ("without_down".to_owned(), Value::List(without)),
        ("count".to_owned(), migrations.len().into()),
        ("known".to_owned(), known.into()),
    ]);
    for (name, commit) in [("from", &source.from), ("to", &source.to)] {
        if let Some(commit) = commit {
            facts.insert(name.to_owned(), commit.as_str().into());
        }
    }
    Seen {
        facts,
        target,
        absent: absences(source, known, review),
        cut,
        shown: table(&findings).into_iter().collect(),
        ..Seen::default()
    }
}

/// Where no migration was read nothing is proven, unless something else was found.
fn absences(source: &Source, known: usize, review: &Review) -> Vec<Absence> {
    if !review.migrations.is_empty() || !review.findings.is_empty() {
        return Vec::new();
    }
    let why = match (known, &source.from) {
        (0, _) => "there is no migration in the folder".to_owned(),
        (_, Some(from)) => {
            let from = from.get(..12).unwrap_or(from);
            format!("none of the {known} migrations is newer than {from}")
        }
        (_, None) => "there is no migration to judge".to_owned(),
    };
    [
        "count",
        "findings",
        "blocking",
        "warnings",
        "migrations",
        "files",
        "without_down",
    ]
    .map(|fact| Absence {
        fact: fact.to_owned(),
        why: why.clone(),
    })
    .to_vec()
}

pub(super) fn value(finding: &Finding) -> Value {
    Value::Map(Map::from([
        ("rule".to_owned(), finding.rule.as_str().into()),
        ("link".to_owned(), finding.link.as_str().into()),
        ("level".to_owned(), finding.level.name().into()),
        ("file".to_owned(), finding.file.as_str().into()),
        ("line".to_owned(), finding.line.into()),
        ("statement".to_owned(), finding.statement.as_str().into()),
        ("reason".to_owned(), finding.reason.as_str().into()),
        ("safer".to_owned(), finding.safer.as_str().into()),
        ("lock".to_owned(), finding.lock.into()),
        ("rewrites".to_owned(), finding.rewrites.name().into()),
    ]))
}

pub(super) fn migration(migration: &Migration) -> Value {
    let compatible = migration.has_down || migration.is_compatible();
    Value::Map(Map::from([
        ("name".to_owned(), migration.name.as_str().into()),
        ("tool".to_owned(), migration.tool.name().into()),
        ("path".to_owned(), migration.path.as_str().into()),
        ("statements".to_owned(), migration.statements.into()),
        ("has_down".to_owned(), migration.has_down.into()),
        ("adds_only".to_owned(), migration.effect.adds_only.into()),
        (
            "drops_nothing".to_owned(),
            migration.effect.drops_nothing.into(),
        ),
        ("backward_compatible".to_owned(), compatible.into()),
    ]))
}

fn file(migration: &Migration) -> Value {
    Value::Map(Map::from([
        ("path".to_owned(), migration.path.as_str().into()),
        ("statements".to_owned(), migration.statements.into()),
        ("down".to_owned(), migration.has_down.into()),
        ("findings".to_owned(), migration.findings.into()),
    ]))
}

fn table(findings: &[&Finding]) -> Option<Shown> {
    if findings.is_empty() {
        return None;
    }
    let head = ["rule", "place and statement", "why", "safer"];
    let more = findings.len().saturating_sub(MOST_SHOWN);
    let title = if more > 0 {
        format!(
            "Migrations: the first {MOST_SHOWN} of {} findings",
            findings.len()
        )
    } else {
        "Migrations: what the rules say".to_owned()
    };
    Some(Shown::Table {
        title,
        head: head.map(str::to_owned).to_vec(),
        rows: findings
            .iter()
            .take(MOST_SHOWN)
            .map(|f| {
                let mut why = f.reason.clone();
                if !f.lock.is_empty() {
                    why = format!("{why} Lock: {}.", f.lock);
                }
                if f.rewrites.name() == "yes" {
                    why.push_str(" Rewrites the table.");
                }
                vec![
                    format!("{} ({})", f.rule, f.level.name()),
                    format!("{}:{} {}", f.file, f.line, f.statement),
                    why,
                    format!("{} See {}", f.safer, f.link),
                ]
            })
            .collect(),
    })
}
