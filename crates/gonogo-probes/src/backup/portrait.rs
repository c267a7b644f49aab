//! What a database holds, as far as a restored backup must agree with it: rows and schema. Pure.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_core::{Map, Value};
use sha2::{Digest as _, Sha256};

/// As many differences are recorded.
const MAX_DIFFERENCES: usize = 200;

/// The rows of each table, and one line for each thing of the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Portrait {
    /// How many rows each table has.
    pub(super) rows: BTreeMap<String, u64>,
    /// What there is, one line each.
    pub(super) schema: BTreeSet<String>,
}

impl Portrait {
    /// SHA-256 of the schema's lines.
    pub(super) fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        for line in &self.schema {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
        }
        let digest = hasher.finalize();
        digest.iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// A restored backup held against the database.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comparison {
    /// Every table is in both, with as many rows.
    pub(super) rows_agree: bool,
    /// Both have the same schema.
    pub(super) schema_agrees: bool,
    /// What differs.
    pub(super) differences: Vec<Difference>,
    /// Differences beyond those that are kept.
    pub(super) left_out: usize,
    /// Each table with its rows in the database and in the backup.
    pub(super) tables: Vec<(String, Option<u64>, Option<u64>)>,
    /// Of the database's schema.
    pub(super) fingerprint: String,
    /// Of the restored one.
    pub(super) restored_fingerprint: String,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// `rows` or `schema`.
    pub(super) kind: &'static str,
    /// In one sentence.
    pub(super) text: String,
}

/// Holds what was restored against what is there.
pub(super) fn compare(there: &Portrait, restored: &Portrait) -> Comparison {
    let mut differences = Vec::new();
    let mut tables = Vec::new();
    let names: BTreeSet<&String> = there.rows.keys().chain(restored.rows.keys()).collect();
    for name in names {
        let (now, then) = (there.rows.get(name), restored.rows.get(name));
        tables.push((name.clone(), now.copied(), then.copied()));
        let text = match (now, then) {
            (Some(now), Some(then)) if now == then => continue,
            (Some(now), Some(then)) => {
                format!("table {name} has {now} rows, and {then} in the backup")
            }
            (Some(now), None) => format!("table {name} ({now} rows) is not in the backup"),
            (None, then) => {
                let then = then.copied().unwrap_or(0);
                format!("table {name} ({then} rows) is in the backup only")
            }
        };
        differences.push(Difference { kind: "rows", text });
    }
    let rows_agree = differences.is_empty();
    let missing = there.schema.difference(&restored.schema);
    let more = restored.schema.difference(&there.schema);
    let schema = missing
        .map(|line| format!("not in the backup: {line}"))
        .chain(more.map(|line| format!("in the backup only: {line}")));
    differences.extend(schema.map(|text| Difference {
        kind: "schema",
        text,
    }));
    let left_out = differences.len().saturating_sub(MAX_DIFFERENCES);
    differences.truncate(MAX_DIFFERENCES);
    Comparison {
        rows_agree,
        schema_agrees: there.schema == restored.schema,
        differences,
        left_out,
        tables,
        fingerprint: there.fingerprint(),
        restored_fingerprint: restored.fingerprint(),
    }
}

impl Difference {
    /// As a fact.
    pub(super) fn value(&self) -> Value {
        Value::Map(Map::from([
            ("kind".to_owned(), self.kind.into()),
            ("text".to_owned(), self.text.as_str().into()),
        ]))
    }
}
