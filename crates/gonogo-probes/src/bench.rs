//! A check's surroundings, for the tests of probes: a target, the gate in which it is asked, and the door.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use gonogo_core::record::NotObserved;
use serde_json::{Value as Json, json};
use tokio::sync::watch;

use crate::ctx::{Ctx, GateScope};
use crate::probe::{Call, Probe, ResolvedTarget, Seen};
use crate::testing::{MariaDbServer, PostgresServer};

/// A target and the gate in which it is asked.
pub(crate) struct Bench {
    pub(crate) ctx: Ctx,
    pub(crate) scope: GateScope,
    pub(crate) target: ResolvedTarget,
    timeout: Duration,
    _running: watch::Sender<bool>,
}

impl Bench {
    /// A target of the kind; its own host is the only one that may be reached.
    pub(crate) fn new(kind: &str, options: Json) -> Self {
        let (running, cancelled) = watch::channel(false);
        let syntax = crate::TARGETS.iter().find(|t| t.key == kind).unwrap();
        let reached = (syntax.host)(&options).unwrap_or(None);
        let hosts = reached.iter().map(|at| {
            let (host, port) = at.rsplit_once(':').unwrap();
            (host.to_owned(), port.parse().unwrap())
        });
        let timeout = Duration::from_secs(20);
        Self {
            ctx: Ctx::new(hosts.collect(), "/".into(), timeout, cancelled),
            scope: GateScope::new(false),
            target: ResolvedTarget {
                name: "db".to_owned(),
                kind: kind.to_owned(),
                options,
            },
            timeout,
            _running: running,
        }
    }

    pub(crate) fn sqlite(path: &Path) -> Self {
        Self::new("sqlite", json!({"sqlite": path.to_str().unwrap()}))
    }

    pub(crate) fn postgres(url: &str) -> Self {
        Self::new("postgres", json!({"postgres": url}))
    }

    pub(crate) fn mysql(url: &str) -> Self {
        Self::new("mysql", json!({"mysql": url}))
    }

    /// Over SSH, by the aliases of a configuration.
    pub(crate) fn by_ssh(mut self, config: std::path::PathBuf) -> Self {
        self.ctx = self.ctx.for_run(None, Some(config));
        self
    }

    /// In a gate with `transaction: rollback`.
    pub(crate) fn rolled_back(mut self) -> Self {
        self.scope = GateScope::new(true);
        self
    }

    /// With another time limit.
    pub(crate) fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// With files of the plan.
    pub(crate) fn with_files(mut self, files: Vec<gonogo_core::plan::PlanFile>) -> Self {
        self.ctx = self.ctx.with_files(files);
        self
    }

    /// Looks once.
    pub(crate) async fn observe(
        &self,
        probe: &dyn Probe,
        options: Json,
    ) -> Result<Seen, NotObserved> {
        let ctx = self.ctx.again(self.timeout);
        let call = Call {
            options,
            target: Some(&self.target),
            limits: &[],
            statistics: &gonogo_core::plan::StatisticsOptions::default(),
            earlier_samplings: Some(0),
            reads: false,
            scope: &self.scope,
            ctx: &ctx,
        };
        probe.observe(call).await
    }
}

/// One look of a probe that needs no target, with the plan in this folder, within this time.
pub(crate) async fn look_in(
    folder: &Path,
    probe: &dyn Probe,
    options: Json,
    limit: Duration,
) -> Result<Seen, NotObserved> {
    let (_keep, cancelled) = tokio::sync::watch::channel(false);
    let ctx = Ctx::new(Vec::new(), folder.to_owned(), limit, cancelled);
    let scope = GateScope::new(false);
    let call = Call {
        options,
        target: None,
        limits: &[],
        statistics: &gonogo_core::plan::StatisticsOptions::default(),
        earlier_samplings: Some(0),
        reads: false,
        scope: &scope,
        ctx: &ctx,
    };
    probe.observe(call).await
}

/// One server for all tests that run at the same time; the last one stops it.
pub(crate) fn postgres_server() -> Arc<PostgresServer> {
    static RUNNING: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let server = Arc::new(PostgresServer::start());
        *running = Arc::downgrade(&server);
        server
    })
}

/// The same of MariaDB.
pub(crate) fn mariadb_server() -> Arc<MariaDbServer> {
    static RUNNING: Mutex<Weak<MariaDbServer>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let server = Arc::new(MariaDbServer::start());
        *running = Arc::downgrade(&server);
        server
    })
}

/// A server that speaks TLS under that name, and a folder with the CA of its certificate: `ca.pem`.
pub(crate) fn secured_server(name: &str) -> (PostgresServer, tempfile::TempDir) {
    let server = PostgresServer::start();
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    server.write("data/server.crt", &certificate.pem());
    server.write("data/server.key", &key.serialize_pem());
    server.append("data/postgresql.conf", "ssl = on");
    server.kill();
    server.begin();
    let folder = tempfile::tempdir().unwrap();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(folder.path().join("ca.pem"))
        .unwrap();
    std::io::Write::write_all(&mut file, ca_pem.as_bytes()).unwrap();
    (server, folder)
}
