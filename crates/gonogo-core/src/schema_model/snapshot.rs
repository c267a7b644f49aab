//! A schema as it was at a moment, in a file.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::types::Model;
use crate::snapshot::{FORMAT, Kind, Unreadable};

/// What `gonogo snapshot schema` writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaSnapshot {
    /// The version of the form.
    pub gonogo_snapshot: u32,
    /// `schema`.
    pub kind: Kind,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// What answered: `PostgreSQL 15.18`.
    pub engine: String,
    /// Where: host, port and database, or the file, without credentials.
    pub database: String,
    /// The namespaces that it covers.
    pub schemas: Vec<String>,
    /// The model's fingerprint: guards against a slip of the hand. A change that is meant takes this line out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The schema.
    pub model: Model,
}

impl SchemaSnapshot {
    /// A snapshot of a model.
    pub fn new(
        taken_at: DateTime<Utc>,
        engine: String,
        database: String,
        schemas: Vec<String>,
        model: Model,
    ) -> Self {
        let model = model.normalised();
        Self {
            gonogo_snapshot: FORMAT,
            kind: Kind::Schema,
            taken_at,
            engine,
            database,
            schemas,
            fingerprint: Some(model.fingerprint()),
            model,
        }
    }

    /// Reads one; for a person, what is wrong with it and where.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        Kind::Schema.expect_of(bytes)?;
        let snapshot: Self = serde_json::from_slice(bytes).map_err(|e| Unreadable::json(&e))?;
        let fingerprint = snapshot.model.fingerprint();
        match &snapshot.fingerprint {
            Some(written) if *written != fingerprint => Err(Unreadable::at_key(
                bytes,
                "fingerprint",
                format!(
                    "the snapshot was changed after it was taken: its schema has the fingerprint {fingerprint}"
                ),
                "take it anew with `gonogo snapshot schema`; where the change is meant, take this line out",
            )),
            _ => Ok(snapshot),
        }
    }

    /// The kind of database: `PostgreSQL`, `SQLite`.
    pub fn product(&self) -> &str {
        product(&self.engine)
    }

    /// The tables and what they have, for a person.
    pub fn to_markdown(&self) -> String {
        let cell = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
        let counts = self.model.counts();
        let mut out = format!(
            "# Schema of {}\n\n{}, {}, {}: {} tables, {} columns, {} foreign keys, {} CHECK constraints, {} indexes, {} views, {} functions.\n\nFingerprint `{}`.\n\n",
            cell(&self.database),
            cell(&self.engine),
            cell(&self.schemas.join(", ")),
            self.taken_at.format("%Y-%m-%d %H:%M:%S UTC"),
            counts.tables,
            counts.columns,
            counts.foreign_keys,
            counts.checks,
            counts.indexes,
            counts.views,
            counts.functions,
            self.model.fingerprint(),
        );
        out.push_str("| table | columns | primary key | foreign keys | checks | indexes |\n|---|--:|---|--:|--:|--:|\n");
        for (name, table) in &self.model.tables {
            let key = table.primary_key.as_ref();
            let row = format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                cell(name),
                table.columns.len(),
                cell(&key.map_or_else(String::new, |key| key.columns.join(", "))),
                table.foreign_keys.len(),
                table.checks.len(),
                table.indexes.len()
            );
            out.push_str(&row);
        }
        out
    }

    /// Its file's text, one column or constraint a line, so that versions of it can be compared line by line.
    pub fn to_text(&self) -> String {
        crate::snapshot::laid_out(self)
    }
}

/// An engine's name without its version.
pub fn product(engine: &str) -> &str {
    engine
        .split(|c: char| c.is_ascii_digit())
        .next()
        .unwrap_or_default()
        .trim()
}
