//! What a probe saw.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::value::Map;

/// What a probe saw, typed, with secrets masked: the only thing that is ever judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// The probe's name: `http`, `sql`, …
    pub probe: String,
    /// The target's name in the plan and where it was reached, without credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetSeen>,
    /// The bare names that expectations speak of: `status`, `body`, `rows`, `latency`, …
    pub facts: Map,
    /// Why there was nothing to look at, where that is so: a gap, never a pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Absence>,
    /// Facts that were cut short at a cap: an expectation that uses one is an `error`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<Cut>,
    /// Large parts, kept in the bundle beside the journal and named by their hash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blobs: Vec<BlobRef>,
    /// Parts for a person to look at that are not facts: tables, excerpts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<Shown>,
    /// Secrets that the redactor found and masked in what the target sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets_seen: Vec<SecretSeen>,
}

/// A target as it was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSeen {
    /// Its name in the plan.
    pub name: String,
    /// Host and port, path or URL without credentials.
    pub address: String,
    /// What answered, where it says so: `PostgreSQL 15.18`, `SQLite 3.51.3` (S3.13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
}

/// Nothing was there to look at under a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// The fact that is empty, such as `rows` or `samples`.
    pub fact: String,
    /// What was looked for and not found.
    pub why: String,
}

/// A fact of which only the beginning was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// The fact.
    pub fact: String,
    /// Why and where it was cut, such as `stopped reading after 1 MiB`.
    pub why: String,
}

/// A blob of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobRef {
    /// What it is to the observation: `samples`, `histogram`, `samples-csv`, `body`, `exposition`, …
    pub role: String,
    /// SHA-256 of its bytes, lower-case hex: also its file name.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Its media type.
    pub media_type: String,
}

/// Something for a person to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Shown {
    /// Rows of cells under a head.
    Table {
        /// What the table shows.
        title: String,
        /// Column heads.
        head: Vec<String>,
        /// Cells, as text.
        rows: Vec<Vec<String>>,
    },
    /// Text as it came, shortened.
    Text {
        /// What the text is.
        title: String,
        /// The text.
        text: String,
    },
}

/// A secret that came back from where it should not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSeen {
    /// The secret's name.
    pub name: String,
    /// Where it stood: `body.token`, `headers.x-echo`.
    #[serde(rename = "where")]
    pub location: String,
}

/// Why no observation could be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotObserved {
    /// What was tried, to what: `GET http://127.0.0.1:9/health`.
    pub tried: String,
    /// The kind of cause.
    pub cause: Cause,
    /// What happened, for a person; masked.
    pub message: String,
    /// What to try next, where the probe knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Until it was given up, in nanoseconds.
    pub elapsed_ns: i64,
}

/// Kinds of causes why nothing was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The name could not be resolved.
    Dns,
    /// The connection was refused.
    Refused,
    /// The connection was reset or closed before the answer was whole.
    Closed,
    /// The network gave another error.
    Network,
    /// The TLS handshake or the certificate's verification failed.
    Tls,
    /// The deadline passed.
    Timeout,
    /// The answer was not the protocol's.
    Protocol,
    /// The answer broke off.
    Truncated,
    /// A limit on what is kept or read was hit where a part is useless.
    TooLarge,
    /// The target refused the credentials or the permission.
    Denied,
    /// A program or file that the check needs is not there.
    Missing,
    /// The host is none of the environment's targets, or the power was not granted.
    Forbidden,
    /// The check's options made no sense once captures were filled in.
    BadOptions,
    /// The run was stopped while the check was under way.
    Interrupted,
    /// A crash left the intent open: whether the effect happened is unknown.
    Unknown,
    /// A bug in gonogo; caught at the engine's edge.
    Bug,
}

/// One attempt's end: an observation or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// The probe saw this.
    Observation(Box<Observation>),
    /// The probe saw nothing.
    NotObserved(NotObserved),
}

/// One attempt at a check, as recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took, in nanoseconds.
    pub elapsed_ns: i64,
    /// What came of it.
    pub observed: Observed,
}
