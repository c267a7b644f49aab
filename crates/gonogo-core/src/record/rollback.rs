//! The proof that a gate whose transaction was rolled back left nothing behind.

use serde::{Deserialize, Serialize};

/// What was compared before the gate and after its rollback.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackProof {
    /// The tables that the gate's statements could change.
    pub tables: Vec<TableCompared>,
    /// Whether the schema is as before.
    pub schema: bool,
    /// How many sequences that the statements could move stand as before.
    pub sequences: u32,
    /// Sequences that were moved and that a rollback does not restore.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<String>,
    /// What a person should know: what was not compared, what somebody else changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What is not as before, or could not be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
}

/// One table before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableCompared {
    /// Its name with its schema.
    pub table: String,
    /// Its rows before.
    pub rows_before: u64,
    /// Its rows after.
    pub rows_after: u64,
    /// Whether the rows themselves were compared, and not only counted.
    pub by_content: bool,
}

/// How a gate's transaction ended, as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolledBack {
    /// Whether the server confirmed it.
    pub confirmed: bool,
    /// What was compared.
    pub proof: Option<RollbackProof>,
}

impl RollbackProof {
    /// The proofs of two databases as one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.tables.extend(other.tables);
        self.schema &= other.schema;
        self.sequences += other.sequences;
        self.moved.extend(other.moved);
        self.notes.extend(other.notes);
        self.differences.extend(other.differences);
        self
    }
}
