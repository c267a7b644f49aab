//! The lab: small staging systems to try gonogo on. They keep state, enforce their rules, check tokens and count metrics, and each has
//! named faults that can be planted. Nothing of gonogo is imported here: a system under test must not share the tester's mistakes.
//!
//! A system is started with its `start` function and lives in this process without global state, so that many can run at once.
//! The contract of each system's endpoints is in this crate's `README.md`.

pub mod metasheet2;

mod answer;
mod metrics;
mod store;

pub use store::{Database, UnknownDatabase};

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
    /// The database cannot be opened, migrated or seeded.
    #[error("cannot {what}: {why}")]
    Database {
        /// What was being done, as a verb: `open the database`, `apply migration 3`.
        what: String,
        /// What the database said.
        why: String,
    },
}
