//! The system as it is staged: its sources and files in a folder, the service and who watches it, and the containers.

use std::path::Path;
use std::sync::Arc;

use super::{Config, Containers, Faults, Running, Used, repository, start};
use crate::watched::write;
use crate::{ContainerEngine, LabError, NoServer, PostgresServer};

/// What several systems can stand on at once.
pub struct Machine {
    postgres: PostgresServer,
    engine: Arc<ContainerEngine>,
}

impl Machine {
    /// Starts PostgreSQL, whose password this is, and the container engine.
    pub fn start(password: &str) -> Result<Self, NoServer> {
        Ok(Self {
            engine: Arc::new(ContainerEngine::start()?),
            postgres: PostgresServer::start(password)?,
        })
    }
}

/// What nobody but the system and its operators knows. Each is one word.
#[derive(Clone)]
pub struct Secrets {
    /// What the administrator logs in with.
    pub admin_password: String,
    /// What events are signed with.
    pub webhook_secret: String,
    /// What Redis asks for.
    pub redis_password: String,
    /// What tokens are signed with.
    pub jwt_secret: String,
}

impl Secrets {
    /// Four words, made one after the other.
    pub fn made<E>(mut word: impl FnMut() -> Result<String, E>) -> Result<Self, E> {
        Ok(Self {
            admin_password: word()?,
            webhook_secret: word()?,
            redis_password: word()?,
            jwt_secret: word()?,
        })
    }
}

/// The name of the administrator.
pub const ADMIN: &str = "ops-admin";

/// A system that is staged. Everything of it ends when it is dropped.
pub struct Staged {
    running: Running,
    inputs: Vec<(&'static str, String)>,
    postgres_port: u16,
}

impl Staged {
    /// Makes the release's sources in `source` below the folder, writes `ca.pem` into it, and starts the service on a database of
    /// its own.
    pub async fn start(
        machine: &Machine,
        folder: &Path,
        database: &str,
        secrets: Secrets,
        faults: &Faults,
        used: Used,
    ) -> Result<Self, LabError> {
        let release = repository::make(&folder.join("source"), faults)?;
        make_database(&machine.postgres.url("postgres"), database).await?;
        let config = Config {
            database: machine.postgres.url(database),
            release: release.clone(),
            admin_username: ADMIN.to_owned(),
            admin_password: secrets.admin_password.clone(),
            webhook_secret: secrets.webhook_secret.clone(),
            redis_password: secrets.redis_password.clone(),
            jwt_secret: secrets.jwt_secret,
            faults: faults.clone(),
        };
        let dsn = config.database.clone();
        let running = start(config, used).await?;
        write(folder, "ca.pem", running.ca_pem())?;
        let inputs = vec![
            ("base_url", running.base_url()),
            ("release", release),
            ("source", "source".to_owned()),
            ("webhook_secret", secrets.webhook_secret),
            ("database", dsn),
            ("redis_url", running.redis_url().to_owned()),
            ("redis_password", secrets.redis_password),
            ("prometheus_url", running.prometheus_url()),
            ("grafana_url", running.grafana_url()),
            ("jaeger_url", running.jaeger_url()),
            ("engine", machine.engine.url()),
            ("admin_username", ADMIN.to_owned()),
            ("admin_password", secrets.admin_password),
        ];
        Ok(Self {
            running,
            inputs,
            postgres_port: machine.postgres.port(),
        })
    }

    /// Starts the containers. It waits for Podman, and the service must be able to answer meanwhile.
    pub fn contained(
        &self,
        machine: &Machine,
        used: Used,
        faults: &Faults,
    ) -> Result<Containers, NoServer> {
        let ports = self.running.ports(self.postgres_port);
        Containers::start(&machine.engine, ports, used, faults)
    }

    /// What runs.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The inputs of the case's plan; the two of the administrator come last.
    pub fn inputs(&self) -> &[(&'static str, String)] {
        &self.inputs
    }

    /// The same without the administrator's, which the document's tests were not given.
    pub fn inputs_as_documented(&self) -> &[(&'static str, String)] {
        &self.inputs[..self.inputs.len() - 2]
    }
}

async fn make_database(url: &str, name: &str) -> Result<(), LabError> {
    let failed = |error: tokio_postgres::Error| LabError::Database {
        what: format!("make the database {name}"),
        why: error
            .as_db_error()
            .map_or_else(|| error.to_string(), ToString::to_string),
    };
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .map_err(failed)?;
    let spoken = tokio::spawn(connection);
    let made = client
        .batch_execute(&format!("create database \"{name}\""))
        .await
        .map_err(failed);
    drop(client);
    // What it could still say was said by the command.
    drop(spoken.await);
    made
}
