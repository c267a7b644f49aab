//! The service's tables, and its pool of connections to them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_postgres::{Client, NoTls, Row, types::ToSql};

use super::{Config, Fault, auth};
use crate::LabError;

/// How many connections there are.
pub(crate) const POOL: usize = 5;

/// How long a request waits for one.
const WAIT: Duration = Duration::from_secs(2);

/// The room that the database's volume has been given, and where the fault leaves hardly any.
const VOLUME: i64 = 64 << 20;
const SMALL_VOLUME: i64 = 8 << 20;

/// The last migration of each release, as Alembic names it.
pub const SCHEMA_VERSION: &str = "f031ea488d6d";
pub(super) const VERSION_BEFORE: &str = "6e13ea30c0a3";

const TABLES: &str = "
create table alembic_version (version_num varchar(32) primary key);
create table users (
  id integer primary key generated always as identity,
  username text not null unique,
  password_hash text not null,
  role text not null check (role in ('super_admin', 'operator', 'viewer'))
);
create table agents (
  id integer primary key generated always as identity,
  name text not null unique,
  status text not null default 'draft' check (status in ('draft', 'active', 'suspended'))
);
create table webhook_events (
  id integer primary key generated always as identity,
  body jsonb not null,
  received_at timestamptz not null default now()
);
insert into agents (name, status) values ('Ticket enhancement', 'active'), ('Knowledge search', 'active'), ('Escalation', 'draft');
";

/// What the migration of the release adds.
const LAST_MIGRATION: &str = "alter table agents add column mcp_tools jsonb;";

/// Its connections: free ones, and those that somebody keeps.
pub(crate) struct Pool {
    permits: Semaphore,
    free: Mutex<Vec<Client>>,
    _kept: Vec<Client>,
    volume: i64,
}

impl Pool {
    /// Makes the tables, where they are not there, and connects.
    pub(crate) async fn open(config: &Config) -> Result<Self, LabError> {
        let faults = &config.faults;
        install(config).await?;
        let mut free = Vec::new();
        for _ in 0..POOL {
            free.push(connect(&config.database).await?);
        }
        let mut kept = Vec::new();
        if faults.contains(&Fault::PoolNearlyFull) {
            for client in free.drain(1..) {
                client.batch_execute("begin").await.map_err(asked)?;
                kept.push(client);
            }
        }
        let volume = if faults.contains(&Fault::VolumeNearlyFull) {
            SMALL_VOLUME
        } else {
            VOLUME
        };
        Ok(Self {
            permits: Semaphore::new(free.len()),
            free: Mutex::new(free),
            _kept: kept,
            volume,
        })
    }

    /// Asks on a connection of the pool.
    pub(crate) async fn rows(
        &self,
        sql: &str,
        bound: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, String> {
        let permit = tokio::time::timeout(WAIT, self.permits.acquire())
            .await
            .map_err(|_| "no connection became free".to_owned())?
            .map_err(|error| error.to_string())?;
        let client = self.free().pop();
        let Some(client) = client else {
            return Err("no connection is free".to_owned());
        };
        let rows = client.query(sql, bound).await;
        self.free().push(client);
        drop(permit);
        rows.map_err(|error| error.to_string())
    }

    /// How many connections are in use just now.
    pub(crate) fn in_use(&self) -> usize {
        POOL - self.permits.available_permits()
    }

    /// The bytes that the database takes, and those that its volume has.
    pub(crate) async fn volume(&self) -> Result<(i64, i64), String> {
        let rows = self
            .rows("select pg_database_size(current_database())", &[])
            .await?;
        Ok((rows.first().map_or(0, |row| row.get(0)), self.volume))
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Client>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn install(config: &Config) -> Result<(), LabError> {
    let client = connect(&config.database).await?;
    let there = client
        .query_one("select to_regclass('alembic_version') is not null", &[])
        .await
        .map_err(asked)?;
    if there.get(0) {
        return Ok(());
    }
    client.batch_execute(TABLES).await.map_err(asked)?;
    let version = if config.faults.contains(&Fault::MigrationNotApplied) {
        VERSION_BEFORE
    } else {
        client.batch_execute(LAST_MIGRATION).await.map_err(asked)?;
        SCHEMA_VERSION
    };
    let hash = auth::hash(&config.admin_password);
    for (sql, bound) in [
        ("insert into alembic_version values ($1)", vec![version]),
        (
            "insert into users (username, password_hash, role) values ($1, $2, 'super_admin')",
            vec![config.admin_username.as_str(), hash.as_str()],
        ),
    ] {
        let bound: Vec<&(dyn ToSql + Sync)> = bound
            .iter()
            .map(|value| value as &(dyn ToSql + Sync))
            .collect();
        client.execute(sql, &bound).await.map_err(asked)?;
    }
    Ok(())
}

async fn connect(url: &str) -> Result<Client, LabError> {
    let failed = |error: tokio_postgres::Error| LabError::Database {
        what: "connect to the database".to_owned(),
        why: error.to_string(),
    };
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(failed)?;
    // It ends with its client; what went wrong is told to who asked.
    drop(tokio::spawn(async move { drop(connection.await) }));
    Ok(client)
}

fn asked(error: tokio_postgres::Error) -> LabError {
    LabError::Database {
        what: "make the tables".to_owned(),
        why: error
            .as_db_error()
            .map_or_else(|| error.to_string(), ToString::to_string),
    }
}
