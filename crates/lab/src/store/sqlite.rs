//! SQLite: one connection that writes and, for a file, another that reads, so that a write that waits for a lock delays no reader.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, types};

use super::{Row, Statement, StoreError, Value};

/// How long a statement waits for another process's lock.
const BUSY: Duration = Duration::from_secs(5);

pub(crate) struct Sqlite {
    writer: Arc<Mutex<Connection>>,
    reader: Arc<Mutex<Connection>>,
}

impl Sqlite {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, StoreError> {
        let connect = || -> Result<Connection, rusqlite::Error> {
            let connection = match path {
                Some(path) => Connection::open(path)?,
                None => Connection::open_in_memory()?,
            };
            connection.busy_timeout(BUSY)?;
            if path.is_some() {
                connection.pragma_update(None, "journal_mode", "wal")?;
                connection.pragma_update(None, "synchronous", "normal")?;
            }
            connection.pragma_update(None, "foreign_keys", true)?;
            Ok(connection)
        };
        let writer = Arc::new(Mutex::new(connect().map_err(|error| refused(&error))?));
        let reader = match path {
            Some(_) => Arc::new(Mutex::new(connect().map_err(|error| refused(&error))?)),
            None => Arc::clone(&writer),
        };
        Ok(Self { writer, reader })
    }

    pub(super) async fn read(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let sql = sql.to_owned();
        on(&self.reader, move |connection| {
            rows(connection, &sql, params)
        })
        .await
    }

    pub(super) async fn write(
        &self,
        statements: Vec<Statement<'_>>,
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        let statements: Vec<(String, Vec<Value>)> = statements
            .into_iter()
            .map(|(sql, params)| (sql.to_owned(), params))
            .collect();
        on(&self.writer, move |connection| {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let answers = statements
                .into_iter()
                .map(|(sql, params)| rows(&transaction, &sql, params))
                .collect::<Result<_, _>>()?;
            transaction.commit()?;
            Ok(answers)
        })
        .await
    }

    pub(super) async fn batch(&self, sql: &str) -> Result<(), StoreError> {
        let sql = sql.to_owned();
        on(&self.writer, move |connection| {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            transaction.execute_batch(&sql)?;
            transaction.commit()
        })
        .await
    }
}

/// Uses a connection on a thread that may wait.
async fn on<T: Send + 'static>(
    connection: &Arc<Mutex<Connection>>,
    work: impl FnOnce(&mut Connection) -> Result<T, rusqlite::Error> + Send + 'static,
) -> Result<T, StoreError> {
    let connection = Arc::clone(connection);
    tokio::task::spawn_blocking(move || {
        // A panic while it was held cannot leave a transaction open: dropping one rolls it back.
        let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(|error| refused(&error))
    })
    .await
    .unwrap_or_else(|stopped| Err(StoreError::Other(stopped.to_string())))
}

fn rows(
    connection: &Connection,
    sql: &str,
    params: Vec<Value>,
) -> Result<Vec<Row>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(params.into_iter().map(bound)))?;
    let mut answer = Vec::new();
    while let Some(row) = rows.next()? {
        answer.push(Row((0..columns)
            .map(|column| row.get(column).map(read))
            .collect::<Result<_, _>>()?));
    }
    Ok(answer)
}

fn bound(value: Value) -> types::Value {
    match value {
        Value::Null => types::Value::Null,
        Value::Text(text) => types::Value::Text(text),
        Value::Int(number) => types::Value::Integer(number),
        Value::Bool(truth) => types::Value::Integer(truth.into()),
    }
}

fn read(value: types::Value) -> Value {
    match value {
        types::Value::Text(text) => Value::Text(text),
        types::Value::Integer(number) => Value::Int(number),
        types::Value::Null | types::Value::Real(_) | types::Value::Blob(_) => Value::Null,
    }
}

fn refused(error: &rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(code, _)
            if code.code == ErrorCode::ConstraintViolation
                && matches!(
                    code.extended_code,
                    rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
                        | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                ) =>
        {
            StoreError::Unique
        }
        _ => StoreError::Other(error.to_string()),
    }
}
