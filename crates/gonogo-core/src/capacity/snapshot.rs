//! What a database's sizes were at one moment.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::distinct::{self, Named};
use crate::snapshot::{FORMAT, Kind, Unreadable};
use crate::value::{Map, Value};

/// The sizes of a database at one moment: the document that `gonogo snapshot capacity` writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Version of the document.
    pub gonogo_snapshot: u32,
    /// What it is a snapshot of: `capacity`.
    pub kind: Kind,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// What answered: `PostgreSQL 15.18`.
    pub engine: String,
    /// The server's own identity, where it has one: two databases of one name on two servers are two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The database's name.
    pub database: String,
    /// All of it on disk.
    #[serde(deserialize_with = "distinct::size")]
    pub bytes: u64,
    /// The tables, by name.
    #[serde(deserialize_with = "distinct::list")]
    pub tables: Vec<TableSize>,
    /// The indexes, by name.
    #[serde(deserialize_with = "distinct::list")]
    pub indexes: Vec<IndexSize>,
    /// Connections, where the database has such.
    pub connections: Option<Connections>,
    /// The share of reads that memory answered since the statistics began; null where nothing was read.
    #[serde(deserialize_with = "distinct::maybe_share")]
    pub cache_hit_ratio: Option<f64>,
}

/// The sizes of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSize {
    /// Its name, with its schema where there are such.
    pub name: String,
    /// The table with its indexes and what it stores out of line.
    #[serde(deserialize_with = "distinct::size")]
    pub bytes: u64,
    /// The table alone.
    #[serde(deserialize_with = "distinct::size")]
    pub table_bytes: u64,
    /// Its indexes.
    #[serde(deserialize_with = "distinct::size")]
    pub index_bytes: u64,
    /// What it stores out of line.
    #[serde(deserialize_with = "distinct::size")]
    pub toast_bytes: u64,
    /// How many rows the server's statistics guess; null where it was never analysed.
    #[serde(deserialize_with = "distinct::maybe_size")]
    pub rows_estimate: Option<u64>,
    /// How many rows there are, where they were counted.
    #[serde(deserialize_with = "distinct::maybe_size")]
    pub rows: Option<u64>,
}

/// The size of one index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexSize {
    /// Its name, with its schema where there are such.
    pub name: String,
    /// Its table.
    pub table: String,
    /// Its size.
    #[serde(deserialize_with = "distinct::size")]
    pub bytes: u64,
    /// How often it was used since the statistics began; null where nobody counts.
    #[serde(deserialize_with = "distinct::maybe_size")]
    pub scans: Option<u64>,
}

/// Connections of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connections {
    /// In use, gonogo's own among them.
    #[serde(deserialize_with = "distinct::size")]
    pub used: u64,
    /// What ordinary roles may use: all but the reserved ones.
    #[serde(deserialize_with = "distinct::size")]
    pub allowed: u64,
    /// Kept for superusers and for roles with that right.
    #[serde(deserialize_with = "distinct::size")]
    pub reserved: u64,
    /// Used of allowed; above 1 where reserved ones are in use.
    #[serde(deserialize_with = "distinct::maybe_share")]
    pub share: Option<f64>,
}

impl Connections {
    /// So many used, of so many in all, of which some are reserved.
    pub fn of(used: u64, all: u64, reserved: u64) -> Self {
        let allowed = all.saturating_sub(reserved);
        Self {
            used,
            allowed,
            reserved,
            share: (allowed > 0).then(|| used as f64 / allowed as f64),
        }
    }
}

impl Named for TableSize {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for IndexSize {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Snapshot {
    /// Reads the document; for a person, what is wrong with it and where.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        Kind::Capacity.expect_of(bytes)?;
        serde_json::from_slice(bytes).map_err(|e| Unreadable::json(&e))
    }

    /// The document's text, as it is written to a file.
    pub fn text(&self) -> String {
        // Names, whole numbers and finite doubles always have a JSON form.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The facts of a `capacity` observation.
    pub fn facts(&self) -> Map {
        let named = |value: &Self| serde_json::to_value(value).unwrap_or_default();
        let Value::Map(mut all) = Value::from_json(&named(self)) else {
            return Map::new();
        };
        let database = Map::from([
            ("name".to_owned(), self.database.as_str().into()),
            ("bytes".to_owned(), self.bytes.into()),
        ]);
        all.insert("database".to_owned(), Value::Map(database));
        all.insert("taken_at".to_owned(), Value::Timestamp(self.taken_at));
        for key in ["gonogo_snapshot", "kind", "bytes"] {
            all.remove(key);
        }
        all
    }

    /// The document of what a `capacity` check observed; nothing where the facts are not those.
    pub fn of_facts(facts: &Map) -> Option<Self> {
        let database = facts.get("database")?;
        let mut all = serde_json::Map::new();
        for key in [
            "taken_at",
            "engine",
            "server",
            "tables",
            "indexes",
            "connections",
            "cache_hit_ratio",
        ] {
            if let Some(value) = facts.get(key) {
                all.insert(key.to_owned(), value.to_json());
            }
        }
        all.insert("gonogo_snapshot".to_owned(), FORMAT.into());
        all.insert("kind".to_owned(), Kind::Capacity.word().into());
        all.insert("database".to_owned(), database.get("name")?.to_json());
        all.insert("bytes".to_owned(), database.get("bytes")?.to_json());
        serde_json::from_value(serde_json::Value::Object(all)).ok()
    }

    /// The engine without its version: `PostgreSQL`.
    pub fn engine_kind(&self) -> &str {
        self.engine.split(' ').next().unwrap_or_default()
    }
}
