//! metasheet2, the system of the first case study: protection rules over snapshots.

mod app;
mod auth;
mod fault;
mod files;
mod limiter;
mod migrations;
mod routes;
mod rules;
mod seen;
mod snapshots;

use std::{collections::BTreeMap, fmt, net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::ListenerExt as _;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub use fault::{Fault, FaultInfo, Faults, faults};
pub use files::case_files;

use crate::{Database, LabError, store::Store};
use app::App;

/// The version that `/health` reports unless another is configured.
pub const VERSION: &str = "2.2.0";

/// How long [`Running::stop`] waits for requests that are being answered.
const STOPPING: Duration = Duration::from_secs(2);

/// How a system is started.
#[derive(Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the state is kept.
    pub database: Database,
    /// Drop the system's tables first, whatever is in them.
    pub reset: bool,
    /// The secret that tokens are signed with (HS256).
    pub jwt_secret: String,
    /// The commit that `/health` reports.
    pub release: String,
    /// The version that `/health` reports.
    pub version: String,
    /// What is wrong with it on purpose.
    pub faults: Faults,
}

impl Config {
    /// A flawless system on a free port of this machine, in memory.
    pub fn new(jwt_secret: impl Into<String>, release: impl Into<String>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database: Database::SqliteMemory,
            reset: false,
            jwt_secret: jwt_secret.into(),
            release: release.into(),
            version: VERSION.to_owned(),
            faults: Faults::new(),
        }
    }
}

/// Without the secret and the database's password.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("release", &self.release)
            .field("version", &self.version)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// A system that answers. Dropping it stops it, too, without waiting.
pub struct Running {
    addr: SocketAddr,
    database: Database,
    app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

/// Opens and migrates the database, seeds it, listens and serves until it is stopped.
pub async fn start(config: Config) -> Result<Running, LabError> {
    let store = Store::open(&config.database)
        .await
        .map_err(|error| LabError::Database {
            what: "open the database".into(),
            why: error.to_string(),
        })?;
    migrations::prepare(&store, config.reset, &config.faults).await?;
    let listen = |source| LabError::Listen {
        addr: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
    let addr = listener.local_addr().map_err(listen)?;
    let app = Arc::new(App::new(&config, store));
    let router = routes::router(Arc::clone(&app));
    let (stop, stopped) = oneshot::channel::<()>();
    // Small answers must not wait for a full packet. A socket that refuses is merely slower.
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    let server = tokio::spawn(async move {
        let until = async move { drop(stopped.await) };
        // It ends without an error; what clients do wrong ends their own connections.
        drop(
            axum::serve(listener, router)
                .with_graceful_shutdown(until)
                .await,
        );
    });
    Ok(Running {
        addr,
        database: config.database,
        app,
        stop: Some(stop),
        server: Some(server),
    })
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://ADDRESS:PORT`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What a plan's `dsn` would be: `sqlite:PATH` or `postgres://…`, password and all.
    pub fn database_url(&self) -> String {
        self.database.to_string()
    }

    /// How many state-changing requests were received, whatever they were answered.
    pub fn write_count(&self) -> u64 {
        self.app.seen.writes().values().sum()
    }

    /// The same, by method, path and the body's name: `POST /api/snapshots nightly`.
    pub fn writes(&self) -> BTreeMap<String, u64> {
        self.app.seen.writes()
    }

    /// Stops listening, lets requests that are being answered finish (for two seconds) and closes the rest.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(mut server) = self.server.take()
            && tokio::time::timeout(STOPPING, &mut server).await.is_err()
        {
            server.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

#[cfg(test)]
mod tests;
