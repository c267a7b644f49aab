//! AI Agents, the system of the second case study: a service with a database and a cache, who watches it, and what was delivered.
//!
//! PostgreSQL, Redis, Prometheus, the container engine and git are the real ones; the service, and the answers of Grafana and Jaeger, are
//! this crate's.

mod answer;
mod app;
mod auth;
mod containers;
mod database;
mod fault;
mod files;
mod headers;
mod monitoring;
mod openapi;
mod redis;
pub mod repository;
mod staging;
mod webhook;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, serve::Listener as _};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use containers::{Containers, PROJECT, Ports, SERVICES, Used};
pub use database::SCHEMA_VERSION;
pub use fault::{AS_DOCUMENTED, Fault, FaultInfo, Faults, Part, faults};
pub use files::changed;
pub use headers::ORIGIN;
pub use openapi::document;
pub use staging::{ADMIN, Machine, Secrets, Staged};

use crate::{
    LabError, NoServer, PrometheusServer, RedisServer,
    front::{self, Front, Shown},
};
use app::App;
use database::Pool;
use monitoring::Exporter;

/// The name that the service has, and for how long its certificate is good.
const HOST: &str = "localhost";
const CERTIFIED_FOR: Duration = Duration::from_hours(24 * 80);

/// How a system is started.
#[derive(Clone)]
pub struct Config {
    /// Its PostgreSQL database, which is empty or that of this system.
    pub database: String,
    /// The commit that `/health` reports.
    pub release: String,
    /// Who may log in.
    pub admin_username: String,
    /// With what.
    pub admin_password: String,
    /// What events are signed with.
    pub webhook_secret: String,
    /// What Redis asks for.
    pub redis_password: String,
    /// What tokens are signed with (HS256).
    pub jwt_secret: String,
    /// What is wrong with it on purpose.
    pub faults: Faults,
}

/// Without the secrets.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("release", &self.release)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// A system that answers, without its containers. Everything ends when it is dropped.
pub struct Running {
    service: SocketAddr,
    front: SocketAddr,
    ca_pem: String,
    grafana: SocketAddr,
    jaeger: SocketAddr,
    redis_url: String,
    redis_port: u16,
    _redis: Option<RedisServer>,
    prometheus: PrometheusServer,
    /// How often Prometheus asked the service and the exporter, where it does.
    scrapes: Vec<watch::Receiver<u64>>,
    servers: Vec<JoinHandle<()>>,
}

/// Starts Redis, the service, who watches it, and Prometheus. What the containers use is read from `used`.
pub async fn start(config: Config, used: Used) -> Result<Running, LabError> {
    let password = config.redis_password.clone();
    let redis = started(move || RedisServer::start(&password)).await?;
    let pool = Pool::open(&config).await?;
    let app = Arc::new(App::new(
        &config,
        pool,
        redis::Redis::new(redis.port(), redis.password()),
    ));
    let (sender, of_exporter) = watch::channel(0);
    let mut scrapes = Vec::new();
    if !config.faults.contains(&Fault::ScrapeTargetDown) {
        scrapes.push(app.scrapes.subscribe());
    }
    if !config.faults.contains(&Fault::ResourcesNotCaptured) {
        scrapes.push(of_exporter);
    }
    let exporter = Exporter {
        app: Arc::clone(&app),
        used,
        scrapes: sender,
    };
    let mut servers = Vec::new();
    let router = app::router(app);
    let service = serve(router.clone(), &mut servers).await?;
    let shown = front::make("AI Agents staging CA", HOST, CERTIFIED_FOR).map_err(certified)?;
    let front = front_of(router, &shown, &mut servers).await?;
    let grafana = serve(monitoring::grafana(&config.faults), &mut servers).await?;
    let jaeger = serve(monitoring::jaeger(), &mut servers).await?;
    let exporter = serve(monitoring::exporter(exporter), &mut servers).await?;
    let prometheus = monitoring::prometheus(service, exporter, &config.faults).await?;
    let (redis_url, redis_port) = (redis.url(), redis.port());
    let kept = !config.faults.contains(&Fault::RedisDownUnnoticed);
    Ok(Running {
        service,
        front,
        ca_pem: shown.ca_pem,
        grafana,
        jaeger,
        redis_url,
        redis_port,
        _redis: kept.then_some(redis),
        prometheus,
        scrapes,
        servers,
    })
}

impl Running {
    /// The service's address, over TLS.
    pub fn base_url(&self) -> String {
        format!("https://{HOST}:{}", self.front.port())
    }

    /// The CA of its certificate.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Grafana's.
    pub fn grafana_url(&self) -> String {
        format!("http://{}", self.grafana)
    }

    /// Jaeger's.
    pub fn jaeger_url(&self) -> String {
        format!("http://{}", self.jaeger)
    }

    /// Prometheus's.
    pub fn prometheus_url(&self) -> String {
        self.prometheus.url()
    }

    /// Redis's, without its password.
    pub fn redis_url(&self) -> &str {
        &self.redis_url
    }

    /// Where all of them listen, and PostgreSQL.
    pub fn ports(&self, postgres: u16) -> Ports {
        Ports {
            api: self.service.port(),
            postgres,
            redis: self.redis_port,
            prometheus: self.prometheus.port(),
            grafana: self.grafana.port(),
            jaeger: self.jaeger.port(),
        }
    }

    /// Waits until Prometheus has asked often enough for a rate, from now on, all whom it asks.
    pub async fn measured(&self) {
        for scrapes in &self.scrapes {
            let mut scrapes = scrapes.clone();
            let until = *scrapes.borrow_and_update() + monitoring::ENOUGH_SCRAPES;
            // It fails only where who is asked is gone, and then nothing is measured.
            drop(scrapes.wait_for(|count| *count >= until).await);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

/// Serves on a free port of the loopback.
async fn serve(router: Router, servers: &mut Vec<JoinHandle<()>>) -> Result<SocketAddr, LabError> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listen = |source| LabError::Listen { addr: any, source };
    let listener = TcpListener::bind(any).await.map_err(listen)?;
    let at = listener.local_addr().map_err(listen)?;
    servers.push(tokio::spawn(async move {
        // It ends without an error; what clients do wrong ends their own connections.
        drop(axum::serve(listener, router).await);
    }));
    Ok(at)
}

/// The same over TLS.
async fn front_of(
    router: Router,
    shown: &Shown,
    servers: &mut Vec<JoinHandle<()>>,
) -> Result<SocketAddr, LabError> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listen = |source| LabError::Listen { addr: any, source };
    let front = Front::listen(any, shown).await.map_err(listen)?;
    let at = front.local_addr().map_err(listen)?;
    servers.push(tokio::spawn(async move {
        drop(axum::serve(front, router).await);
    }));
    Ok(at)
}

fn certified(why: String) -> LabError {
    NoServer::not_started("TLS", why).into()
}

/// Starts a server, which takes its time, beside what else is to be done.
async fn started<T: Send + 'static>(
    start: impl FnOnce() -> Result<T, NoServer> + Send + 'static,
) -> Result<T, LabError> {
    match tokio::task::spawn_blocking(start).await {
        Ok(started) => Ok(started?),
        Err(error) => Err(NoServer::not_started("the lab", error).into()),
    }
}

#[cfg(test)]
mod tests;
