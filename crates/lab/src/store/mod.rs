//! One small door to two databases, so that a system of the lab has one set of SQL for SQLite and PostgreSQL.
//!
//! Parameters are written `$1`, `$2` …, in the order of their first use (SQLite numbers them so). Values come back by column index.

mod postgres;
mod sqlite;

use std::{fmt, path::PathBuf, str::FromStr};

/// Where a system keeps its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// In memory, gone when the system stops; nobody else can read it.
    SqliteMemory,
    /// A file in WAL mode, which other processes may read and write at the same time.
    Sqlite(PathBuf),
    /// A PostgreSQL database by its URL, `postgres://user:password@host:port/name`.
    Postgres(String),
}

/// A database was named in a way that the lab does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown database: expected sqlite::memory:, sqlite:PATH or postgres://…")]
pub struct UnknownDatabase;

impl FromStr for Database {
    type Err = UnknownDatabase;

    fn from_str(text: &str) -> Result<Self, UnknownDatabase> {
        if text == "sqlite::memory:" {
            return Ok(Self::SqliteMemory);
        }
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err(UnknownDatabase)
            } else {
                Ok(Self::Sqlite(path.into()))
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        Err(UnknownDatabase)
    }
}

/// The form that a plan's `dsn` would have, password and all.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SqliteMemory => f.write_str("sqlite::memory:"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(url),
        }
    }
}

/// A value that goes into or comes out of the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Text(String),
    Int(i64),
    Bool(bool),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

/// One row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row(Vec<Value>);

impl Row {
    /// The text in a column; empty when it holds something else.
    pub(crate) fn text(&self, column: usize) -> String {
        match self.0.get(column) {
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        }
    }

    /// The number in a column; 0 when it holds something else (such as the sum over nothing).
    pub(crate) fn int(&self, column: usize) -> i64 {
        match self.0.get(column) {
            Some(Value::Int(number)) => *number,
            _ => 0,
        }
    }

    /// The truth value in a column; SQLite keeps it as 0 or 1.
    pub(crate) fn bool(&self, column: usize) -> bool {
        matches!(self.0.get(column), Some(Value::Bool(true) | Value::Int(1)))
    }
}

/// What went wrong with a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// A unique index refused a row.
    #[error("a unique index refused the row")]
    Unique,
    /// Anything else, in the database's words.
    #[error("{0}")]
    Other(String),
}

/// A statement with its parameters.
pub(crate) type Statement<'a> = (&'a str, Vec<Value>);

/// An open database.
pub(crate) enum Store {
    Sqlite(sqlite::Sqlite),
    Postgres(Box<postgres::Postgres>),
}

/// The pieces of SQL in which the two databases differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The name that health reports.
    pub(crate) fn engine(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }

    /// An expression for a fresh UUID as text.
    pub(crate) fn fresh_id(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || \
                 substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
            }
            Self::Postgres => "gen_random_uuid()::text",
        }
    }

    /// An expression for the present instant, in the type of the time columns.
    pub(crate) fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
            Self::Postgres => "now()",
        }
    }

    /// The type of time columns.
    pub(crate) fn instant_type(self) -> &'static str {
        match self {
            Self::Sqlite => "text",
            Self::Postgres => "timestamptz",
        }
    }

    /// An expression that reads a time column as RFC 3339 text with milliseconds.
    pub(crate) fn read_instant(self, column: &str) -> String {
        match self {
            Self::Sqlite => column.to_owned(),
            Self::Postgres => {
                format!("to_char({column} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")
            }
        }
    }
}

impl Store {
    /// Opens the database; the file of SQLite is made when it is not there.
    pub(crate) async fn open(database: &Database) -> Result<Self, StoreError> {
        match database {
            Database::SqliteMemory => sqlite::Sqlite::open(None).map(Self::Sqlite),
            Database::Sqlite(path) => sqlite::Sqlite::open(Some(path)).map(Self::Sqlite),
            Database::Postgres(url) => postgres::Postgres::open(url)
                .await
                .map(|store| Self::Postgres(Box::new(store))),
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Asks one question.
    pub(crate) async fn read(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(store) => store.read(sql, params).await,
            Self::Postgres(store) => store.read(sql, &params).await,
        }
    }

    /// Runs the statements in one transaction, all or none, and gives the rows that each returned.
    pub(crate) async fn write(
        &self,
        statements: Vec<Statement<'_>>,
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        match self {
            Self::Sqlite(store) => store.write(statements).await,
            Self::Postgres(store) => store.write(statements).await,
        }
    }

    /// Runs several statements without parameters, given as one text, in one transaction.
    pub(crate) async fn batch(&self, sql: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.batch(sql).await,
            Self::Postgres(store) => store.batch(sql).await,
        }
    }

    /// A fresh UUID, so that rows which belong together can be written in one transaction.
    pub(crate) async fn fresh_id(&self) -> Result<String, StoreError> {
        let rows = self
            .read(&format!("select {}", self.dialect().fresh_id()), Vec::new())
            .await?;
        rows.first()
            .map(|row| row.text(0))
            .ok_or_else(|| StoreError::Other("no identifier came back".into()))
    }
}

#[cfg(test)]
mod tests;
