//! The parts of a schema. Maps are sorted and nothing depends on where a database keeps its objects (no oids, no
//! sizes), so that two databases with the same schema have equal models.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// The schema of a database, or of the namespaces of it that were asked for. With one namespace names are bare; with
/// several they are `namespace.name`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Tables by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, Table>,
    /// Views by name, materialised ones too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub views: BTreeMap<String, View>,
    /// Sequences by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sequences: BTreeMap<String, Sequence>,
    /// Enumerations by name, with their values in order.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub enums: BTreeMap<String, Vec<String>>,
    /// Domains by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub domains: BTreeMap<String, Domain>,
    /// Functions and procedures by name and argument types.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<String, Function>,
    /// Installed extensions with their versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, String>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// `table`, `partitioned table`, `foreign table`, `virtual table`.
    pub kind: String,
    /// Columns by name.
    #[serde(default)]
    pub columns: BTreeMap<String, Column>,
    /// The primary key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<Key>,
    /// Foreign keys by the constraint's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub foreign_keys: BTreeMap<String, ForeignKey>,
    /// Unique constraints by name; unique indexes that are no constraint stand among the indexes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unique: BTreeMap<String, Key>,
    /// CHECK constraints by name. NOT NULL belongs to the column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, Check>,
    /// Exclusion constraints by name, as their definition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exclusions: BTreeMap<String, String>,
    /// Indexes by name, those of constraints too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub indexes: BTreeMap<String, Index>,
    /// Triggers by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers: BTreeMap<String, Trigger>,
    /// Whether row-level security is enabled.
    #[serde(default, skip_serializing_if = "is_false")]
    pub rls: bool,
    /// Policies of row-level security by name, as their definition.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, String>,
    /// What else it is: `unlogged`, `partition by range (at)`, `without rowid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its place in the table, from one, dropped columns not counted.
    pub position: u32,
    /// Its type as the database writes it, length and precision included.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether it may be null.
    pub nullable: bool,
    /// The default's expression, or that of a generated column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// `stored`, `virtual`, `identity always`, `identity by default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<String>,
    /// The collation, where it is not the type's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
}

/// A primary or unique key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its columns in order.
    pub columns: Vec<String>,
    /// What else is said of it: `deferrable`, `nulls not distinct`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A foreign key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// The referencing columns in order.
    pub columns: Vec<String>,
    /// The referenced table.
    pub table: String,
    /// The referenced columns in order.
    pub references: Vec<String>,
    /// `no action`, `restrict`, `cascade`, `set null`, `set default`.
    pub on_delete: String,
    /// The same for an update of the referenced key.
    pub on_update: String,
    /// Whether the rows that were there when it was added were checked.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub validated: bool,
    /// What else is said of it: `deferrable initially deferred`, `match full`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A CHECK constraint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What must hold.
    pub expression: String,
    /// Whether the rows that were there when it was added were checked.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub validated: bool,
    /// What else is said of it: `no inherit`, `not enforced`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// An index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Its columns or expressions in order.
    pub columns: Vec<String>,
    /// Whether it is unique.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// Which rows it covers, where not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// Whether it may be used: an index whose building broke off may not.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub valid: bool,
    /// `btree`, `gin`, `hash`.
    pub method: String,
    /// Whether it belongs to a primary key or another constraint.
    #[serde(default, skip_serializing_if = "is_false")]
    pub constraint: bool,
    /// All that is said of it, as the database writes it, without names.
    pub definition: String,
}

/// A trigger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// `before`, `after`, `instead of`.
    pub timing: String,
    /// `insert`, `update`, `delete`, `truncate`.
    pub events: Vec<String>,
    /// The function that it calls; its own text where the database has no functions.
    pub function: String,
    /// Whether it fires.
    pub enabled: bool,
    /// All that is said of it, as the database writes it.
    pub definition: String,
}

/// A view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// `view` or `materialized view`.
    pub kind: String,
    /// Columns by name.
    #[serde(default)]
    pub columns: BTreeMap<String, Column>,
    /// The query.
    pub definition: String,
    /// Indexes by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub indexes: BTreeMap<String, Index>,
    /// Triggers by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers: BTreeMap<String, Trigger>,
}

/// A sequence, without where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// The type of its values.
    #[serde(rename = "type")]
    pub ty: String,
    /// All that is said of it: start, step, bounds.
    pub definition: String,
    /// The column that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<String>,
}

/// A domain: a type with rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// The type below it.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether it may be null.
    pub nullable: bool,
    /// The default's expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What must hold, by the constraint's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, String>,
}

/// A function or procedure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// `function`, `procedure`, `aggregate`, `window function`.
    pub kind: String,
    /// The type that it gives.
    pub returns: String,
    /// The language.
    pub language: String,
    /// Its whole text.
    pub definition: String,
}

/// How many of each there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Tables.
    pub tables: usize,
    /// Columns of tables.
    pub columns: usize,
    /// Foreign keys.
    pub foreign_keys: usize,
    /// CHECK constraints; NOT NULL is none.
    pub checks: usize,
    /// Indexes, those of constraints too.
    pub indexes: usize,
    /// Unique constraints; a unique index that is no constraint is counted as an index alone.
    pub unique: usize,
    /// Triggers.
    pub triggers: usize,
    /// Views.
    pub views: usize,
    /// Functions.
    pub functions: usize,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_true(truth: &bool) -> bool {
    *truth
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_false(truth: &bool) -> bool {
    !*truth
}

impl Model {
    /// The model without what means nothing: gaps between positions, the ends of lines, the order of unordered lists.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        for table in self.tables.values_mut() {
            number(&mut table.columns);
            table.options.sort();
            table.options.dedup();
            for trigger in table.triggers.values_mut() {
                tidy_trigger(trigger);
            }
        }
        for view in self.views.values_mut() {
            number(&mut view.columns);
            view.definition = tidied(&view.definition);
            for trigger in view.triggers.values_mut() {
                tidy_trigger(trigger);
            }
        }
        for function in self.functions.values_mut() {
            function.definition = tidied(&function.definition);
        }
        self
    }

    /// SHA-256 of the normalised model in lower-case hex: equal for two databases with the same schema.
    pub fn fingerprint(&self) -> String {
        let bytes = serde_json::to_vec(&self.clone().normalised()).unwrap_or_default();
        sha2::Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// How many of each there are.
    pub fn counts(&self) -> Counts {
        let sum = |of: fn(&Table) -> usize| self.tables.values().map(of).sum();
        Counts {
            tables: self.tables.len(),
            columns: sum(|t| t.columns.len()),
            foreign_keys: sum(|t| t.foreign_keys.len()),
            checks: sum(|t| t.checks.len()),
            indexes: sum(|t| t.indexes.len()),
            unique: sum(|t| t.unique.len()),
            triggers: sum(|t| t.triggers.len()),
            views: self.views.len(),
            functions: self.functions.len(),
        }
    }
}

/// Columns in their order.
pub(super) fn in_order(columns: &BTreeMap<String, Column>) -> Vec<(&String, &Column)> {
    let mut ordered: Vec<_> = columns.iter().collect();
    ordered.sort_by_key(|(_, column)| column.position);
    ordered
}

fn number(columns: &mut BTreeMap<String, Column>) {
    let mut ordered: Vec<&mut Column> = columns.values_mut().collect();
    ordered.sort_by_key(|column| column.position);
    for (index, column) in (1..).zip(ordered) {
        column.position = index;
    }
}

fn tidy_trigger(trigger: &mut Trigger) {
    trigger.events.sort();
    trigger.events.dedup();
    trigger.definition = tidied(&trigger.definition);
}

/// A text whose lines end alike, without blanks at its ends.
fn tidied(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    lines.join("\n")
}
