//! The lab: small staging systems to try gonogo on. They keep state, enforce their rules, check tokens and count metrics, and each has
//! named faults that can be planted. Nothing of gonogo is imported here: a system under test must not share the tester's mistakes.
//!
//! A system that serves is started with its `start` function and lives in this process without global state, so that many can run at once;
//! one that is a database and nothing else is put into a given one by its `install` function.
//! The contract of each system's endpoints is in this crate's `README.md`.

pub mod ai_agents;
pub mod apms;
pub mod metasheet2;
pub mod planted;
pub mod profitsentinel;
pub mod signal_harvester;

mod answer;
mod container_engine;
mod front;
mod metrics;
mod postgres_server;
mod prometheus_server;
mod redis_server;
mod store;
mod watched;

pub use container_engine::{ContainerEngine, health};
pub use postgres_server::PostgresServer;
pub use prometheus_server::PrometheusServer;
pub use redis_server::RedisServer;
pub use store::{Database, UnknownDatabase};
pub use watched::NoServer;

/// Why a system of the lab could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address that was asked for.
        addr: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A server that the system stands on is not there.
    #[error(transparent)]
    Server(#[from] NoServer),
    /// The database cannot be opened, migrated or seeded.
    #[error("cannot {what}: {why}")]
    Database {
        /// What was being done, as a verb: `open the database`, `apply migration 3`.
        what: String,
        /// What the database said.
        why: String,
    },
    /// What is delivered – a repository, a certificate, an image – cannot be made.
    #[error("cannot {what}: {why}")]
    Delivered {
        /// What was being done, as a verb.
        what: String,
        /// What was said.
        why: String,
    },
}
