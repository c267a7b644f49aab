//! profitsentinel, the system of the fifth case study: a sidecar in front of a pipeline, a load balancer in front of both, the image that it is
//! delivered in, and the repository that it was built from.

mod answers;
mod container;
mod delivered;
mod fault;
mod pipeline;
mod routes;
mod state;
mod work;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::serve::{Listener, ListenerExt as _};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use container::deploy;
pub use delivered::{TAG, deliver, files};
pub use fault::{Fault, FaultInfo, Faults, faults};

use crate::{LabError, front};
use state::Sidecar;

/// The version that `/health` reports unless another is configured.
pub const VERSION: &str = "0.13.0";
/// The version of what was deployed before.
const BEFORE: &str = "0.12.4";

/// The host for which the load balancer's certificate is.
const HOST: &str = "localhost";
/// How long its certificate lasts, and how long the one that is about to expire.
const LASTS: Duration = Duration::from_hours(24 * 80);
const EXPIRES: Duration = Duration::from_hours(24 * 3);

/// How long [`Running::stop`] waits for requests that are being answered.
const STOPPING: Duration = Duration::from_secs(2);

/// How a system is started.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the sidecar listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the load balancer listens, with TLS.
    pub listen_front: SocketAddr,
    /// The version that `/health` reports.
    pub version: String,
    /// Whether it runs in dev mode, as on a developer's own machine.
    pub dev_mode: bool,
    /// A folder of its own: the pipeline's program and the load balancer's CA are put there.
    pub folder: PathBuf,
    /// What is wrong with it on purpose.
    pub faults: Faults,
}

impl Config {
    /// A flawless system on free ports of this machine.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            listen: free,
            listen_front: free,
            version: VERSION.to_owned(),
            dev_mode: false,
            folder: folder.into(),
            faults: Faults::new(),
        }
    }
}

/// A system that answers. Dropping it stops it, too, without waiting.
pub struct Running {
    addr: SocketAddr,
    front: SocketAddr,
    ca: PathBuf,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
}

/// Puts its files into the folder, listens and serves until it is stopped.
pub async fn start(config: Config) -> Result<Running, LabError> {
    let binary = config.folder.join("app/sentinel-server");
    if !config.faults.contains(&Fault::BinaryMissing) {
        delivered::write(&binary, b"#!/bin/sh\nexec sleep infinity\n")?;
    }
    let shown = certificate(&config.faults)?;
    let ca = config.folder.join("ca.pem");
    delivered::write(&ca, shown.ca_pem.as_bytes())?;
    let version = if config.faults.contains(&Fault::OtherVersion) {
        BEFORE.to_owned()
    } else {
        config.version
    };
    let sidecar = Arc::new(Sidecar::new(
        version,
        config.dev_mode,
        binary,
        config.faults,
    ));
    let listen = |addr| move |source| LabError::Listen { addr, source };
    let plain = TcpListener::bind(config.listen)
        .await
        .map_err(listen(config.listen))?;
    let addr = plain.local_addr().map_err(listen(config.listen))?;
    let tls = front::Front::listen(config.listen_front, &shown)
        .await
        .map_err(listen(config.listen_front))?;
    let front = tls.local_addr().map_err(listen(config.listen_front))?;
    let (stop, stopped) = watch::channel(false);
    // Small answers must not wait for a full packet. A socket that refuses is merely slower.
    let plain = plain.tap_io(|socket| drop(socket.set_nodelay(true)));
    let servers = vec![
        serve(plain, &sidecar, stopped.clone()),
        serve(tls, &sidecar, stopped),
    ];
    Ok(Running {
        addr,
        front,
        ca,
        stop,
        servers,
    })
}

fn certificate(faults: &Faults) -> Result<front::Shown, LabError> {
    let host = if faults.contains(&Fault::CertificateOfAnotherHost) {
        "profitsentinel-dev.localhost"
    } else {
        HOST
    };
    let lasts = if faults.contains(&Fault::CertificateExpiring) {
        EXPIRES
    } else {
        LASTS
    };
    front::make("Profit Sentinel staging CA", host, lasts).map_err(|why| LabError::Delivered {
        what: "make a certificate".to_owned(),
        why,
    })
}

fn serve<L: Listener<Addr = SocketAddr>>(
    listener: L,
    sidecar: &Arc<Sidecar>,
    mut stopped: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let router = routes::router(Arc::clone(sidecar));
    tokio::spawn(async move {
        let until = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
        // It ends without an error; what clients do wrong ends their own connections.
        drop(
            axum::serve(listener, router)
                .with_graceful_shutdown(until)
                .await,
        );
    })
}

impl Running {
    /// Where the sidecar listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The sidecar's address.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The load balancer's address, by the name that its certificate is for.
    pub fn front_url(&self) -> String {
        format!("https://{}:{}", HOST, self.front.port())
    }

    /// The CA of the load balancer's certificate: a PEM file.
    pub fn ca(&self) -> &std::path::Path {
        &self.ca
    }

    /// Stops listening, lets requests that are being answered finish (for two seconds) and closes the rest.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let servers = std::mem::take(&mut self.servers);
        let ended = async {
            for mut server in servers {
                if tokio::time::timeout(STOPPING, &mut server).await.is_err() {
                    server.abort();
                }
            }
        };
        ended.await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

#[cfg(test)]
mod tests;
