//! What is recorded of a backup.

use std::time::Duration;

use gonogo_core::capacity::size_text;
use gonogo_core::record::{Absence, Shown, TargetSeen};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use super::format::Format;
use super::portrait::Comparison;
use crate::probe::Seen;

/// As many tables and differences are shown to a person.
const MAX_SHOWN: usize = 30;
/// As many tables are facts.
const MAX_TABLES: usize = 10_000;

/// The facts of a backup observation.
pub(super) fn shape() -> Shape {
    let text = |doc: &str| Field::optional(Type::String, doc);
    let truth = |doc: &str| Field::optional(Type::Bool, doc);
    let span = |doc: &str| Field::optional(Type::Duration, doc);
    let tables = Type::list(Type::fields([
        ("name", Field::new(Type::String, "its name")),
        (
            "rows",
            Field::new(
                Type::Dyn,
                "its rows in the database; null where that was not asked or it is not there",
            ),
        ),
        (
            "restored",
            Field::new(
                Type::Dyn,
                "its rows in the restored backup; null where there are none",
            ),
        ),
    ]));
    let differences = Type::list(Type::fields([
        ("kind", Field::new(Type::String, "rows or schema")),
        ("text", Field::new(Type::String, "what differs")),
    ]));
    let fields = [
        (
            "exists",
            Field::new(Type::Bool, "whether there is a backup"),
        ),
        (
            "complete",
            truth("whether it could be read from its beginning to its end"),
        ),
        (
            "problem",
            text("why it is not complete, or could not be restored"),
        ),
        ("size", Field::optional(Type::Int, "its size in bytes")),
        (
            "age",
            span(
                "since it was written; where the archive itself says that it is older, since then",
            ),
        ),
        ("format", text("custom, directory, tar, plain or sqlite")),
        (
            "engine",
            text("the database that it was taken from: `PostgreSQL 15.18`"),
        ),
        ("took", span("how long taking it lasted")),
        (
            "restored",
            truth("whether it could be restored; with `restore: true`"),
        ),
        ("restore_took", span("how long restoring it lasted")),
        (
            "rows_agree",
            truth("whether every table has as many rows in the restored backup as in the database"),
        ),
        (
            "schema_agrees",
            truth("whether the restored backup has the schema of the database"),
        ),
        (
            "differences",
            Field::optional(
                differences,
                "what differs between database and restored backup",
            ),
        ),
        (
            "tables",
            Field::optional(tables, "the tables with rows in it"),
        ),
        ("fingerprint", text("SHA-256 of the database's schema")),
        (
            "leftovers",
            Field::optional(
                Type::list(Type::String),
                "scratch databases of runs that were killed, which this one dropped",
            ),
        ),
    ];
    Shape {
        fields: fields
            .into_iter()
            .map(|(name, field)| (name.to_owned(), field))
            .collect(),
    }
}

/// A backup that was looked at or taken.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Its size.
    pub(super) size: u64,
    /// Since it was written.
    pub(super) age: Duration,
    /// Its form, where it has a known one.
    pub(super) format: Option<Format>,
    /// What it was taken from.
    pub(super) engine: Option<String>,
    /// How long taking it lasted.
    pub(super) took: Option<Duration>,
    /// Why it is not complete.
    pub(super) problem: Option<String>,
    /// The tables that it names.
    pub(super) tables: Vec<String>,
    /// What became of restoring it, where that was asked.
    pub(super) proof: Option<Proof>,
}

/// What became of restoring a backup.
#[derive(Debug)]
pub(super) struct Proof {
    /// How long it lasted.
    pub(super) took: Duration,
    /// The comparison; or why it could not be restored.
    pub(super) outcome: Result<Comparison, String>,
    /// What earlier runs had left.
    pub(super) leftovers: Vec<String>,
}

/// Turns what was found into an observation; `None`: there is no backup.
pub(super) fn seen(target: TargetSeen, found: Option<Found>) -> Seen {
    let mut seen = Seen {
        target: Some(target),
        ..Seen::default()
    };
    fact(&mut seen, "exists", found.is_some());
    let Some(found) = found else {
        return seen;
    };
    fact(&mut seen, "complete", found.problem.is_none());
    fact(&mut seen, "size", found.size);
    fact(&mut seen, "age", found.age);
    let texts = [
        ("format", found.format.map(|f| f.word().to_owned())),
        ("engine", found.engine.clone()),
        ("problem", found.problem.clone()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            fact(&mut seen, name, text);
        }
    }
    if let Some(took) = found.took {
        fact(&mut seen, "took", took);
    }
    seen.shown.push(summary(&found));
    match (&found.problem, &found.proof) {
        // What is cut short holds nothing that could be relied on, whatever else is expected of it.
        (Some(problem), _) => absent(&mut seen, "tables", problem),
        (None, Some(proof)) => proven(&mut seen, proof),
        (None, None) => {
            let named = found.tables.iter().map(|name| (name.clone(), None, None));
            tables(&mut seen, named.collect());
        }
    }
    seen
}

fn proven(seen: &mut Seen, proof: &Proof) {
    fact(seen, "restored", proof.outcome.is_ok());
    fact(seen, "restore_took", proof.took);
    let leftovers = proof.leftovers.iter().map(|name| name.as_str().into());
    fact(seen, "leftovers", Value::List(leftovers.collect()));
    match &proof.outcome {
        Err(why) => {
            fact(seen, "problem", why.as_str());
            absent(seen, "rows_agree", why);
        }
        Ok(compared) => {
            fact(seen, "rows_agree", compared.rows_agree);
            fact(seen, "schema_agrees", compared.schema_agrees);
            fact(seen, "fingerprint", compared.fingerprint.as_str());
            let list = compared
                .differences
                .iter()
                .map(super::portrait::Difference::value);
            fact(seen, "differences", Value::List(list.collect()));
            seen.shown.push(comparison(compared));
            tables(seen, compared.tables.clone());
        }
    }
}

fn tables(seen: &mut Seen, mut list: Vec<(String, Option<u64>, Option<u64>)>) {
    if list.is_empty() {
        absent(seen, "tables", "the backup holds no table");
    }
    if list.len() > MAX_TABLES {
        seen.cut.push(gonogo_core::record::Cut {
            fact: "tables".to_owned(),
            why: format!("kept the first {MAX_TABLES} of {}", list.len()),
        });
        list.truncate(MAX_TABLES);
    }
    let number = |n: Option<u64>| n.map_or(Value::Null, Value::from);
    let list = list.into_iter().map(|(name, rows, restored)| {
        Value::Map(Map::from([
            ("name".to_owned(), name.into()),
            ("rows".to_owned(), number(rows)),
            ("restored".to_owned(), number(restored)),
        ]))
    });
    fact(seen, "tables", Value::List(list.collect()));
}

fn fact(seen: &mut Seen, name: &str, value: impl Into<Value>) {
    seen.facts.insert(name.to_owned(), value.into());
}

fn absent(seen: &mut Seen, name: &str, why: &str) {
    seen.absent.push(Absence {
        fact: name.to_owned(),
        why: why.to_owned(),
    });
}

fn summary(found: &Found) -> Shown {
    let span = |d: Duration| {
        gonogo_core::duration::humanize_duration_ns(i64::try_from(d.as_nanos()).unwrap_or(i64::MAX))
    };
    let mut rows = vec![
        ("size", size_text(found.size)),
        ("age", span(found.age)),
        (
            "format",
            found.format.map_or("not known", Format::word).to_owned(),
        ),
    ];
    if let Some(engine) = &found.engine {
        rows.push(("taken from", engine.clone()));
    }
    if let Some(took) = found.took {
        rows.push(("taken in", span(took)));
    }
    if let Some(problem) = &found.problem {
        rows.push(("not complete", problem.clone()));
    }
    if let Some(proof) = &found.proof {
        let text = match &proof.outcome {
            Ok(_) => format!("in {}", span(proof.took)),
            Err(why) => format!("no: {why}"),
        };
        rows.push(("restored", text));
        if !proof.leftovers.is_empty() {
            rows.push(("dropped of killed runs", proof.leftovers.join(", ")));
        }
    }
    Shown::Table {
        title: "Backup".to_owned(),
        head: vec![String::new(), String::new()],
        rows: rows
            .into_iter()
            .map(|(name, text)| vec![name.to_owned(), text])
            .collect(),
    }
}

fn comparison(compared: &Comparison) -> Shown {
    if compared.differences.is_empty() {
        let rows: u64 = compared
            .tables
            .iter()
            .filter_map(|(_, rows, _)| *rows)
            .sum();
        return Shown::Text {
            title: "Restored and compared".to_owned(),
            text: format!(
                "{} tables with {rows} rows agree, and so does the schema ({})",
                compared.tables.len(),
                compared.fingerprint
            ),
        };
    }
    let more = compared.differences.len().saturating_sub(MAX_SHOWN) + compared.left_out;
    let mut lines: Vec<String> = compared
        .differences
        .iter()
        .take(MAX_SHOWN)
        .map(|d| d.text.clone())
        .collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    if !compared.schema_agrees {
        lines.push(format!(
            "fingerprint of the schema {}, restored {}",
            compared.fingerprint, compared.restored_fingerprint
        ));
    }
    Shown::Text {
        title: "The restored backup differs".to_owned(),
        text: lines.join("\n"),
    }
}
