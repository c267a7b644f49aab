//! What is recorded of a schema. The journal holds what expectations speak of, up to a size; the whole model is a blob
//! beside it.

use std::collections::BTreeMap;

use gonogo_core::record::{Absence, Cut, Shown};
use gonogo_core::schema_model::{
    Difference, Model, SchemaSnapshot, UnindexedForeignKey, diff_text, unindexed_foreign_keys,
};
use gonogo_core::{Map, Value};

use super::MODEL_BLOB;
use super::data::RelationSeen;
use super::facts::{self, mapped, named, texts};
use super::migrations::Recorded;
use super::syntax::SchemaOptions;
use crate::database::Place;
use crate::probe::{RawBlob, Seen};

/// How many bytes of one fact are recorded: several checks of a large schema must fit one run's journal and report.
const MAX_FACT: usize = 2 * 1024 * 1024;
/// How many differences are recorded.
const MAX_DRIFT: usize = 2000;
/// How many characters of each side of a difference.
const MAX_SIDE: usize = 400;
/// How many lines of a diff a person is shown.
const MAX_LINES: usize = 300;
/// How many rows of a table a person is shown.
const MAX_ROWS: usize = 40;

/// What was seen.
pub(super) struct Looked {
    pub(super) place: Place,
    pub(super) namespaces: Vec<String>,
    pub(super) model: Model,
    pub(super) drift: Option<Drift>,
    pub(super) relations: Vec<RelationSeen>,
    pub(super) duplicates: BTreeMap<String, i64>,
    pub(super) migrations: BTreeMap<String, Recorded>,
    /// Tables of migration tools that the role may not read.
    pub(super) migrations_unread: Vec<String>,
}

/// What differs from a snapshot.
pub(super) struct Drift {
    pub(super) file: String,
    pub(super) snapshot: SchemaSnapshot,
    pub(super) found: Vec<Difference>,
}

/// Turns a look into facts.
pub(super) fn seen(options: &SchemaOptions, looked: Looked) -> Seen {
    let mut seen = Seen {
        target: Some(looked.place.seen()),
        ..Seen::default()
    };
    let unindexed = unindexed_foreign_keys(&looked.model);
    catalogue(&mut seen, options, &looked.model);
    keep(&mut seen, "engine", looked.place.engine.as_str());
    keep(
        &mut seen,
        "unindexed_foreign_keys",
        unindexed_value(&unindexed),
    );
    migrations(&mut seen, &looked);
    if let Some(drift) = &looked.drift {
        drifted(&mut seen, drift);
    }
    relations(&mut seen, &looked.relations);
    if !looked.duplicates.is_empty() {
        keep(
            &mut seen,
            "duplicates",
            mapped(&looked.duplicates, |n| (*n).into()),
        );
        shown(
            &mut seen,
            "Duplicates",
            ["of", "groups"],
            looked
                .duplicates
                .iter()
                .map(|(key, n)| [key.clone(), n.to_string()]),
        );
    }
    shown(
        &mut seen,
        "Foreign keys without an index",
        ["table", "columns", "references"],
        unindexed.iter().map(|key| {
            [
                key.table.clone(),
                key.columns.join(", "),
                key.references.clone(),
            ]
        }),
    );
    counted(&mut seen, &looked);
    seen.blobs.push(RawBlob {
        role: MODEL_BLOB.to_owned(),
        media_type: "application/json".to_owned(),
        bytes: serde_json::to_vec(&looked.model).unwrap_or_default(),
        redact: true,
    });
    seen
}

fn keep(seen: &mut Seen, name: &str, value: impl Into<Value>) {
    seen.facts.insert(name.to_owned(), value.into());
}

/// Keeps a fact that grows with the schema, or says that it is too large to be recorded.
fn keep_bounded(seen: &mut Seen, name: &str, value: Value, instead: &str) {
    let bytes = serde_json::to_vec(&value).map_or(usize::MAX, |json| json.len());
    if bytes <= MAX_FACT {
        keep(seen, name, value);
        return;
    }
    seen.cut.push(Cut {
        fact: name.to_owned(),
        why: format!(
            "it has {} KiB, and at most {} KiB are recorded; {instead}",
            bytes / 1024,
            MAX_FACT / 1024
        ),
    });
}

fn catalogue(seen: &mut Seen, options: &SchemaOptions, model: &Model) {
    let wanted = |name: &String| {
        options
            .tables
            .as_ref()
            .is_none_or(|only| only.contains(name))
    };
    let tables: Map = model
        .tables
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, table)| (name.clone(), facts::table(table)))
        .collect();
    if model.tables.is_empty() {
        for fact in ["tables", "table_names"] {
            seen.absent.push(Absence {
                fact: fact.to_owned(),
                why: "the schema has no table".to_owned(),
            });
        }
    }
    let name_them = "name those of interest under `tables:` of the check";
    keep_bounded(seen, "tables", Value::Map(tables), name_them);
    keep_bounded(
        seen,
        "table_names",
        texts(model.tables.keys()),
        "look at fewer namespaces",
    );
    let sequences = mapped(&model.sequences, |it| {
        let owner = it.owned_by.as_deref();
        named([
            ("type", it.ty.as_str().into()),
            ("owned_by", owner.map_or(Value::Null, Value::from)),
        ])
    });
    let growing = [
        ("views", mapped(&model.views, facts::view)),
        ("functions", mapped(&model.functions, facts::function)),
        ("sequences", sequences),
        (
            "extensions",
            mapped(&model.extensions, |it| it.as_str().into()),
        ),
        (
            "enums",
            mapped(&facts::enums(model), |values| texts(values)),
        ),
        (
            "domains",
            mapped(&model.domains, |it| it.ty.as_str().into()),
        ),
    ];
    for (name, value) in growing {
        keep_bounded(
            seen,
            name,
            value,
            "compare it with a snapshot (`expected:`)",
        );
    }
    keep(seen, "counts", counts(model));
    keep(seen, "fingerprint", model.fingerprint());
}

fn counts(model: &Model) -> Value {
    let json = serde_json::to_value(model.counts()).unwrap_or_default();
    Value::from_json(&json)
}

fn unindexed_value(unindexed: &[UnindexedForeignKey]) -> Value {
    let each = unindexed.iter().map(|key| {
        named([
            ("table", key.table.as_str().into()),
            ("name", key.name.as_str().into()),
            ("columns", texts(&key.columns)),
            ("references", key.references.as_str().into()),
        ])
    });
    Value::List(each.collect())
}

fn migrations(seen: &mut Seen, looked: &Looked) {
    let recorded = mapped(&looked.migrations, |tool| {
        named([
            ("table", tool.table.as_str().into()),
            ("version", tool.version.clone()),
            ("applied", tool.applied.into()),
            (
                "failed",
                i64::try_from(tool.failed.len()).unwrap_or(i64::MAX).into(),
            ),
            ("failed_names", texts(&tool.failed)),
        ])
    });
    keep(seen, "migrations", recorded);
    for table in &looked.migrations_unread {
        seen.cut.push(Cut {
            fact: "migrations".to_owned(),
            why: format!("the role may not read `{table}`"),
        });
    }
    let rows = looked.migrations.iter().map(|(tool, it)| {
        let version = match &it.version {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        [
            tool.clone(),
            version,
            it.applied.to_string(),
            it.failed.join(", "),
        ]
    });
    shown(
        seen,
        "Migrations",
        ["tool", "version", "applied", "failed"],
        rows,
    );
}

fn drifted(seen: &mut Seen, drift: &Drift) {
    let count = drift.found.len();
    let short = |text: &str| shortened(text, MAX_SIDE);
    let list = drift.found.iter().take(MAX_DRIFT).map(|it| {
        named([
            ("kind", it.kind.word().into()),
            ("what", it.what.as_str().into()),
            ("expected", short(&it.expected).into()),
            ("seen", short(&it.seen).into()),
            ("text", short(&it.text).into()),
        ])
    });
    keep(seen, "drift", Value::List(list.collect()));
    keep(
        seen,
        "drift_count",
        i64::try_from(count).unwrap_or(i64::MAX),
    );
    if count > MAX_DRIFT {
        seen.cut.push(Cut {
            fact: "drift".to_owned(),
            why: format!("the first {MAX_DRIFT} of {count} differences are recorded; `drift_count` counts them all"),
        });
    }
    let whole = diff_text(&drift.found);
    let mut text: String = whole
        .lines()
        .take(MAX_LINES)
        .flat_map(|line| [line, "\n"])
        .collect();
    let more = whole.lines().count().saturating_sub(MAX_LINES);
    if more > 0 {
        text.push_str(&format_args!("… and {more} lines more\n").to_string());
    }
    keep(seen, "drift_text", text.as_str());
    let snapshot = &drift.snapshot;
    let of = format!(
        "{} ({}, {}, {})",
        drift.file,
        snapshot.database,
        snapshot.engine,
        snapshot.taken_at.format("%Y-%m-%d %H:%M UTC")
    );
    seen.shown.push(Shown::Text {
        title: match count {
            0 => format!("No drift from {of}"),
            1 => format!("1 thing drifted from {of}"),
            n => format!("{n} things drifted from {of}"),
        },
        text: if count == 0 {
            format!("the same schema: {}", snapshot.model.fingerprint())
        } else {
            text
        },
    });
}

/// A text of at most so many characters.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

fn relations(seen: &mut Seen, relations: &[RelationSeen]) {
    if relations.is_empty() {
        return;
    }
    let facts: Map = relations
        .iter()
        .map(|it| {
            let facts = named([
                ("orphans", it.orphans.into()),
                ("types_agree", it.facts.types_agree.into()),
                ("child_type", it.facts.child_types.join(", ").into()),
                ("parent_type", it.facts.parent_types.join(", ").into()),
                ("constraint", it.facts.constraint.into()),
                ("indexed", it.facts.indexed.into()),
            ]);
            (it.text.clone(), facts)
        })
        .collect();
    keep(seen, "relations", Value::Map(facts));
    let word = |truth: bool| if truth { "yes" } else { "no" }.to_owned();
    let rows = relations.iter().map(|it| {
        let types = if it.facts.types_agree {
            it.facts.child_types.join(", ")
        } else {
            format!(
                "{} against {}",
                it.facts.child_types.join(", "),
                it.facts.parent_types.join(", ")
            )
        };
        [
            it.text.clone(),
            it.orphans.to_string(),
            types,
            word(it.facts.constraint),
            word(it.facts.indexed),
        ]
    });
    shown(
        seen,
        "Relations",
        ["relation", "orphans", "type", "foreign key", "index"],
        rows,
    );
}

fn counted(seen: &mut Seen, looked: &Looked) {
    let counts = looked.model.counts();
    let rows = [
        ("namespaces", looked.namespaces.join(", ")),
        ("tables", counts.tables.to_string()),
        ("columns", counts.columns.to_string()),
        ("foreign keys", counts.foreign_keys.to_string()),
        ("CHECK constraints", counts.checks.to_string()),
        ("unique constraints", counts.unique.to_string()),
        ("indexes", counts.indexes.to_string()),
        ("triggers", counts.triggers.to_string()),
        ("views", counts.views.to_string()),
        ("functions", counts.functions.to_string()),
    ];
    let rows = rows.map(|(what, count)| [what.to_owned(), count]);
    shown(seen, "Schema", ["what", "count"], rows.into_iter());
}

/// A table for a person, where it has rows.
fn shown<const N: usize>(
    seen: &mut Seen,
    title: &str,
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    let mut rows: Vec<Vec<String>> = rows.map(Vec::from).collect();
    if rows.is_empty() {
        return;
    }
    let all = rows.len();
    rows.truncate(MAX_ROWS);
    let title = if all > MAX_ROWS {
        format!("{title}: the first {MAX_ROWS} of {all}")
    } else {
        title.to_owned()
    };
    seen.shown.push(Shown::Table {
        title,
        head: head.map(str::to_owned).to_vec(),
        rows,
    });
}
