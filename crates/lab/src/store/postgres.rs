//! PostgreSQL: one connection for reading, whose questions are pipelined, and one for transactions, which come one after the other.

use std::error::Error;

use tokio::sync::Mutex;
use tokio_postgres::{
    Client, GenericClient, NoTls,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{Row, Statement, StoreError, Value};

pub(crate) struct Postgres {
    reader: Client,
    writer: Mutex<Client>,
}

impl Postgres {
    pub(super) async fn open(url: &str) -> Result<Self, StoreError> {
        Ok(Self {
            reader: connect(url).await?,
            writer: Mutex::new(connect(url).await?),
        })
    }

    pub(super) async fn read(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        rows(&self.reader, sql, params).await
    }

    pub(super) async fn write(
        &self,
        statements: Vec<Statement<'_>>,
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        let mut writer = self.writer.lock().await;
        // Dropped without a commit, the transaction is rolled back: also when the request is cancelled in the middle.
        let transaction = writer
            .transaction()
            .await
            .map_err(|error| refused(&error))?;
        let mut answers = Vec::with_capacity(statements.len());
        for (sql, params) in statements {
            answers.push(rows(&transaction, sql, &params).await?);
        }
        transaction
            .commit()
            .await
            .map_err(|error| refused(&error))?;
        Ok(answers)
    }

    pub(super) async fn batch(&self, sql: &str) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let transaction = writer
            .transaction()
            .await
            .map_err(|error| refused(&error))?;
        transaction
            .batch_execute(sql)
            .await
            .map_err(|error| refused(&error))?;
        transaction.commit().await.map_err(|error| refused(&error))
    }
}

async fn connect(url: &str) -> Result<Client, StoreError> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .map_err(|error| refused(&error))?;
    // Ends by itself when the client is dropped or the server goes; either shows in the next question.
    tokio::spawn(connection);
    Ok(client)
}

async fn rows(
    client: &impl GenericClient,
    sql: &str,
    params: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let params: Vec<(&(dyn ToSql + Sync), Type)> = params
        .iter()
        .map(|value| match value {
            Value::Null => (&None::<&str> as &(dyn ToSql + Sync), Type::TEXT),
            Value::Text(text) => (text as _, Type::TEXT),
            Value::Int(number) => (number as _, Type::INT8),
            Value::Bool(truth) => (truth as _, Type::BOOL),
        })
        .collect();
    let rows = client
        .query_typed(sql, &params)
        .await
        .map_err(|error| refused(&error))?;
    rows.iter()
        .map(|row| {
            (0..row.len())
                .map(|column| read(row, column))
                .collect::<Result<_, _>>()
                .map(Row)
        })
        .collect()
}

fn read(row: &tokio_postgres::Row, column: usize) -> Result<Value, StoreError> {
    let kind = row.columns()[column].type_();
    let value = match *kind {
        Type::INT8 => row
            .try_get::<_, Option<i64>>(column)
            .map(|number| number.map(Value::Int)),
        Type::INT4 => row
            .try_get::<_, Option<i32>>(column)
            .map(|number| number.map(|number| Value::Int(number.into()))),
        Type::BOOL => row
            .try_get::<_, Option<bool>>(column)
            .map(|truth| truth.map(Value::Bool)),
        _ => row
            .try_get::<_, Option<String>>(column)
            .map(|text| text.map(Value::Text)),
    };
    value
        .map(|value| value.unwrap_or(Value::Null))
        .map_err(|error| refused(&error))
}

fn refused(error: &tokio_postgres::Error) -> StoreError {
    if error.code() == Some(&SqlState::UNIQUE_VIOLATION) {
        return StoreError::Unique;
    }
    // The error's own text is only "db error"; what the server said is its source.
    StoreError::Other(
        error
            .source()
            .map_or_else(|| error.to_string(), ToString::to_string),
    )
}
