//! What a plan may write of the `schema` probe.

use std::borrow::Cow;
use std::collections::BTreeSet;

use gonogo_core::plan::OptionProblem;
use gonogo_core::schema_model::{Relation, SchemaSnapshot};
use gonogo_core::snapshot::Unreadable;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value as Json;

use super::condition;

/// `schema:` reads a database's catalogue.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SchemaOptions {
    /// The namespace to look at, or a list of them: `public` on PostgreSQL, `main` on SQLite, a database's name
    /// on MySQL and MariaDB. With one, names are bare; with several they are `namespace.name`.
    pub schema: Namespaces,
    /// A snapshot made by `gonogo snapshot schema`, beside the plan: `drift` is what differs from it.
    pub expected: Option<String>,
    /// The tables that are kept in the fact `tables`; all by default. A schema that is too large to be recorded whole
    /// needs it; drift, counts and all else are of the whole schema anyway.
    pub tables: Option<Vec<String>>,
    /// Relations that must hold whether a constraint says so or not: `child.column -> parent.column`, or
    /// `child(a, b) -> parent(c, d)`. Counts rows of the child whose parent is not there; a null refers to nothing.
    #[serde(default)]
    pub relations: Vec<String>,
    /// Columns whose values may occur once among the rows of a condition.
    #[serde(default)]
    pub duplicates: Vec<DuplicatesEntry>,
}

/// Where to look for duplicates.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DuplicatesEntry {
    /// The table.
    pub table: String,
    /// The columns that are unique together.
    pub columns: Vec<String>,
    /// Among which rows: one boolean expression, as in the WHERE of a partial unique index. All by default.
    #[serde(rename = "where")]
    pub condition: Option<String>,
    /// Two nulls count as the same value; by default a row with a null is no duplicate, as in a unique index.
    #[serde(default)]
    pub nulls_equal: bool,
    /// The name of its count under `duplicates`; `table(columns)` by default.
    pub name: Option<String>,
}

impl DuplicatesEntry {
    /// The key of its count.
    pub(super) fn key(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| format!("{}({})", self.table, self.columns.join(", ")))
    }
}

/// One namespace or several.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Namespaces(pub Vec<String>);

impl JsonSchema for Namespaces {
    fn schema_name() -> Cow<'static, str> {
        "Namespaces".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-gonogo-one-or-many": true,
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
        })
    }
}

fn is_template(text: &str) -> bool {
    text.contains("${")
}

/// What the schema cannot say.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let Ok(options) = serde_json::from_value::<SchemaOptions>(options.clone()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut say = |code: &'static str, key: &str, message: String, help: &str| {
        found.push(OptionProblem {
            code,
            key: key.to_owned(),
            warning: false,
            message,
            help: Some(help.to_owned()),
        });
    };
    let names = &options.schema.0;
    let unique: BTreeSet<&String> = names.iter().collect();
    if unique.len() != names.len() || names.is_empty() || names.iter().any(String::is_empty) {
        let message = "`schema` names each namespace once, and at least one".to_owned();
        say(
            "schema-namespaces",
            "schema",
            message,
            "such as `schema: public`",
        );
    }
    for text in options.relations.iter().filter(|t| !is_template(t)) {
        if let Err(message) = Relation::parse(text) {
            let help = "such as `orders.customer_id -> customers.id`";
            say("schema-relation", "relations", message, help);
        }
    }
    duplicates(&options.duplicates, &mut say);
    found
}

fn duplicates(entries: &[DuplicatesEntry], say: &mut dyn FnMut(&'static str, &str, String, &str)) {
    let mut keys = BTreeSet::new();
    for entry in entries {
        if entry.columns.is_empty() {
            let message = format!("`duplicates` of `{}` names no column", entry.table);
            say(
                "schema-duplicates",
                "duplicates",
                message,
                "name those that are unique together",
            );
        }
        if !keys.insert(entry.key()) {
            let message = format!("two entries of `duplicates` are called `{}`", entry.key());
            say(
                "schema-duplicates",
                "duplicates",
                message,
                "give one of them another `name:`",
            );
        }
        if let Some(text) = &entry.condition {
            if is_template(text) {
                let message = "a value is pasted into the condition of `duplicates`".to_owned();
                say(
                    "sql-template",
                    "duplicates",
                    message,
                    "write the value itself",
                );
            } else if let Err(message) = condition::one_expression(text) {
                let message = format!("`where` of `duplicates` is not one condition: {message}");
                say(
                    "schema-duplicates",
                    "duplicates",
                    message,
                    "such as `status = 'ACTIVE'`",
                );
            }
        }
    }
}

/// Reads the expected snapshot; for a person, why it cannot be compared with what these options look at.
pub(super) fn expected(options: &Json, bytes: &[u8]) -> Result<SchemaSnapshot, Unreadable> {
    let snapshot = SchemaSnapshot::read(bytes)?;
    if snapshot.model.tables.is_empty() {
        return Err(Unreadable::at_key(
            bytes,
            "model",
            "the snapshot holds no table, so nothing would be expected",
            "take it of the database as it should be",
        ));
    }
    let Ok(options) = serde_json::from_value::<SchemaOptions>(options.clone()) else {
        return Ok(snapshot);
    };
    let mut asked = options.schema.0.clone();
    asked.sort();
    let mut covered = snapshot.schemas.clone();
    covered.sort();
    // One namespace may be called otherwise elsewhere; of several, names have the namespace in them.
    let comparable = asked == covered || asked.len() == 1 && covered.len() == 1;
    if comparable {
        return Ok(snapshot);
    }
    Err(Unreadable::at_key(
        bytes,
        "schemas",
        format!(
            "the snapshot covers {}, and the check looks at {}",
            covered.join(", "),
            asked.join(", ")
        ),
        "look at the same namespaces, or take the snapshot anew with `--schema`",
    ))
}
