//! The only door outside: clock, network, files and programs of a probe pass here, so that deadlines, the list of
//! hosts and the clean-up of children hold for all of them.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the door that the banned calls point to"
)]

use std::any::Any;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use gonogo_core::plan::{PlanFile, file_path};
use gonogo_core::record::{Cause, NotObserved};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;

use crate::probe::ResolvedTarget;

/// The door of one attempt.
#[derive(Clone)]
pub struct Ctx {
    shared: Arc<Shared>,
    files: Arc<[PlanFile]>,
    deadline: Instant,
    started: Instant,
    run_started_at: DateTime<Utc>,
}

struct Shared {
    hosts: Vec<(String, u16)>,
    base_dir: PathBuf,
    cancelled: watch::Receiver<bool>,
    kept: GateScope,
    run: Option<String>,
    ssh_config: Option<PathBuf>,
    targets: Vec<ResolvedTarget>,
}

/// A connection and how long its parts took.
pub struct Connected {
    /// The socket, `TCP_NODELAY` set.
    pub stream: TcpStream,
    /// The address that answered.
    pub address: SocketAddr,
    /// Resolving the name; zero for an address.
    pub dns: Duration,
    /// Connecting.
    pub connect: Duration,
}

impl Ctx {
    /// A door that lets through to these hosts only, until the deadline.
    pub fn new(
        hosts: Vec<(String, u16)>,
        base_dir: PathBuf,
        timeout: Duration,
        cancelled: watch::Receiver<bool>,
    ) -> Self {
        let started = Instant::now();
        Self {
            shared: Arc::new(Shared {
                hosts,
                base_dir,
                cancelled,
                kept: GateScope::new(false),
                run: None,
                ssh_config: None,
                targets: Vec::new(),
            }),
            files: Arc::new([]),
            deadline: started + timeout,
            started,
            run_started_at: DateTime::<Utc>::from(std::time::SystemTime::now()),
        }
    }

    /// The same door for a run that began earlier than this process: one that is resumed.
    #[must_use]
    pub fn of_run(self, run_started_at: DateTime<Utc>) -> Self {
        Self {
            run_started_at,
            ..self
        }
    }

    /// The same door for a run of that name, and with an `ssh` configuration in place of the user's own. The machine's
    /// user says which, never a plan: such a file can name programs to run.
    #[must_use]
    pub fn for_run(mut self, run: Option<String>, ssh_config: Option<PathBuf>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.run = run;
            shared.ssh_config = ssh_config;
        }
        self
    }

    /// The same door with the environment's targets behind it, in the plan's order: for what observes a second one.
    #[must_use]
    pub fn with_targets(mut self, targets: Vec<ResolvedTarget>) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.targets = targets;
        }
        self
    }

    /// The target of a name, or the first of the kind.
    pub fn target(&self, kind: &str, name: Option<&str>) -> Option<&ResolvedTarget> {
        let mut all = self.shared.targets.iter();
        all.find(|t| t.kind == kind && name.is_none_or(|name| t.name == name))
    }

    /// The run's name, where there is a run.
    pub fn run(&self) -> Option<&str> {
        self.shared.run.as_deref()
    }

    /// The `ssh` configuration to use in place of the user's own.
    pub fn ssh_config(&self) -> Option<&Path> {
        self.shared.ssh_config.as_deref()
    }

    /// What `ssh` must know of its user beyond what every program gets.
    pub(crate) fn ssh_environment() -> Vec<(&'static str, std::ffi::OsString)> {
        let own = ["SSH_AUTH_SOCK", "USER", "LOGNAME"];
        let own = own
            .iter()
            .filter_map(|name| Some((*name, std::env::var_os(name)?)));
        // Its messages are read by us, in English.
        own.chain([("LC_ALL", "C".into())]).collect()
    }

    /// The same door with the plan's own files behind it.
    #[must_use]
    pub fn with_files(mut self, files: Vec<PlanFile>) -> Self {
        self.files = files.into();
        self
    }

    /// A file of the plan, as it was when the plan was loaded: the one that the bundle holds.
    pub fn plan_file(&self, path: &str) -> Option<&[u8]> {
        let path = file_path(path).ok()?;
        let file = self.files.iter().find(|f| f.path == path)?;
        Some(&file.bytes)
    }

    /// The same door for the next attempt, with a deadline of its own.
    #[must_use]
    pub fn again(&self, timeout: Duration) -> Self {
        let started = Instant::now();
        Self {
            shared: Arc::clone(&self.shared),
            files: Arc::clone(&self.files),
            deadline: started + timeout,
            started,
            run_started_at: self.run_started_at,
        }
    }

    /// The wall clock: for what is recorded (token ages, certificate ends), never for measuring.
    pub fn wall_now(&self) -> DateTime<Utc> {
        DateTime::<Utc>::from(std::time::SystemTime::now())
    }

    /// When the run began, by the wall clock: for what is counted since then.
    pub fn run_started_at(&self) -> DateTime<Utc> {
        self.run_started_at
    }

    /// The monotonic clock.
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    /// When the attempt began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// When the attempt must have ended.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What is left until the deadline; zero when it has passed.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether the run is being stopped. A blocking probe looks here between two pieces of work.
    pub fn is_cancelled(&self) -> bool {
        *self.shared.cancelled.borrow()
    }

    /// Ends when the run is being stopped.
    pub async fn cancelled(&self) {
        let mut cancelled = self.shared.cancelled.clone();
        if cancelled.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The plan's folder, against which its paths are read.
    pub fn base_dir(&self) -> &Path {
        &self.shared.base_dir
    }

    /// What probes keep for the whole run, such as connections that can be used again.
    pub fn kept(&self) -> &GateScope {
        &self.shared.kept
    }

    /// A path of the plan as this machine has it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.shared.base_dir.join(path)
    }

    /// Says why nothing was observed, with the time it took.
    pub fn not_observed(
        &self,
        tried: impl Into<String>,
        cause: Cause,
        message: impl Into<String>,
    ) -> NotObserved {
        NotObserved {
            tried: tried.into(),
            cause,
            message: message.into(),
            help: None,
            elapsed_ns: i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX),
        }
    }

    /// Refuses a host that is none of the environment's targets, before anything leaves.
    pub fn admit(&self, host: &str, port: u16) -> Result<(), NotObserved> {
        let tried = format!("{host}:{port}");
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let known = |(h, p): &(String, u16)| {
            h.trim_start_matches('[')
                .trim_end_matches(']')
                .eq_ignore_ascii_case(bare)
                && *p == port
        };
        if !self.shared.hosts.iter().any(known) {
            let mut refused = self.not_observed(
                &tried,
                Cause::Forbidden,
                format!("{tried} is not a target of this environment; nothing was sent"),
            );
            refused.help = Some("name it under `targets:` of the environment".to_owned());
            return Err(refused);
        }
        Ok(())
    }

    /// The addresses of a host, refused before anything leaves where it is none of the environment's targets.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, NotObserved> {
        self.admit(host, port)?;
        let tried = format!("{host}:{port}");
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        // RFC 6761, 6.3: `localhost` and names under it are loopback, whatever a resolver says.
        let lower = bare.to_ascii_lowercase();
        if lower == "localhost" || lower.ends_with(".localhost") {
            return Ok(vec![
                SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port),
                SocketAddr::new(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), port),
            ]);
        }
        let lookup = tokio::time::timeout(self.remaining(), tokio::net::lookup_host((bare, port)));
        match lookup.await {
            Err(_) => {
                Err(self.not_observed(tried, Cause::Timeout, "the name lookup took too long"))
            }
            Ok(Err(e)) => Err(self.not_observed(
                tried,
                Cause::Dns,
                format!("the name `{bare}` could not be resolved: {e}"),
            )),
            Ok(Ok(found)) => {
                let found: Vec<_> = found.collect();
                if found.is_empty() {
                    return Err(self.not_observed(
                        tried,
                        Cause::Dns,
                        format!("the name `{bare}` has no address"),
                    ));
                }
                Ok(found)
            }
        }
    }

    /// Connects to a target's host.
    pub async fn connect(&self, host: &str, port: u16) -> Result<Connected, NotObserved> {
        let before = Instant::now();
        let addresses = self.resolve(host, port).await?;
        let dns = before.elapsed();
        let tried = format!("{host}:{port}");
        let mut last = None;
        for address in addresses {
            let before = Instant::now();
            match tokio::time::timeout(self.remaining(), TcpStream::connect(address)).await {
                Err(_) => {
                    return Err(self.not_observed(
                        tried,
                        Cause::Timeout,
                        format!("{address} did not accept a connection in time"),
                    ));
                }
                Ok(Ok(stream)) => {
                    // A refusal to set the option costs latency, not correctness.
                    let _ignored = stream.set_nodelay(true);
                    return Ok(Connected {
                        stream,
                        address,
                        dns,
                        connect: before.elapsed(),
                    });
                }
                Ok(Err(e)) => last = Some((address, e)),
            }
        }
        let Some((address, error)) = last else {
            return Err(self.not_observed(tried, Cause::Dns, "the name has no address"));
        };
        let cause = match error.kind() {
            std::io::ErrorKind::ConnectionRefused => Cause::Refused,
            std::io::ErrorKind::TimedOut => Cause::Timeout,
            _ => Cause::Network,
        };
        Err(self.not_observed(
            tried,
            cause,
            format!("could not connect to {address}: {error}"),
        ))
    }

    /// Connects to a Unix socket of this machine; a relative path is read from the plan's folder.
    pub async fn connect_unix(&self, path: &str) -> Result<UnixStream, NotObserved> {
        let tried = format!("unix://{path}");
        let connecting = UnixStream::connect(self.path(path));
        let error = match tokio::time::timeout(self.remaining(), connecting).await {
            Err(_) => {
                return Err(self.not_observed(
                    tried,
                    Cause::Timeout,
                    format!("the socket {path} did not accept a connection in time"),
                ));
            }
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
        };
        let (cause, help) = match error.kind() {
            std::io::ErrorKind::NotFound => (
                Cause::Missing,
                "does the service run on this machine, and is this its socket?",
            ),
            std::io::ErrorKind::ConnectionRefused => (
                Cause::Refused,
                "the socket is there but nobody listens: start the service",
            ),
            std::io::ErrorKind::PermissionDenied => (
                Cause::Denied,
                "run gonogo as a user who may open the socket",
            ),
            _ => (Cause::Network, "is the path that of a socket?"),
        };
        let message = format!("could not connect to the socket {path}: {error}");
        let mut failed = self.not_observed(tried, cause, message);
        failed.help = Some(help.to_owned());
        Err(failed)
    }

    /// A file without a name, for what must not outlive the look: not even a kill leaves it behind.
    pub fn nameless_file(&self) -> std::io::Result<std::fs::File> {
        tempfile::tempfile()
    }

    /// A program to be run: the environment cleared but for `PATH`, `HOME`, `LANG` and what the plan gives, no
    /// standard input, a process group of its own, killed when dropped.
    pub fn program(&self, name: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(name);
        command
            .env_clear()
            .stdin(std::process::Stdio::null())
            .current_dir(&self.shared.base_dir)
            .process_group(0)
            .kill_on_drop(true);
        for key in ["PATH", "HOME", "LANG", "TMPDIR"] {
            if let Some(value) = std::env::var_os(key) {
                command.env(key, value);
            }
        }
        command
    }
}

/// The certificates to trust: the given CA file alone where there is one, else the system's.
pub fn trusted_roots(ca: Option<&Path>) -> Result<Arc<RootCertStore>, String> {
    let Some(path) = ca else {
        static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
        let roots = SYSTEM.get_or_init(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            Arc::new(roots)
        });
        return Ok(Arc::clone(roots));
    };
    let mut roots = RootCertStore::empty();
    let shown = path.display();
    let found = CertificateDer::pem_file_iter(path)
        .map_err(|e| format!("the CA file {shown} cannot be read: {e}"))?;
    for certificate in found {
        let certificate =
            certificate.map_err(|e| format!("the CA file {shown} is not valid PEM: {e}"))?;
        roots
            .add(certificate)
            .map_err(|e| format!("a certificate in the CA file {shown} is not usable: {e}"))?;
    }
    if roots.is_empty() {
        return Err(format!("the CA file {shown} holds no certificate"));
    }
    Ok(Arc::new(roots))
}

type Kept = BTreeMap<String, Vec<Box<dyn Any + Send>>>;

/// What the checks of one gate share: the open transaction of `transaction: rollback`, or nothing.
pub struct GateScope {
    rollback: bool,
    sessions: bool,
    kept: Mutex<Kept>,
}

impl GateScope {
    /// A fresh scope.
    pub fn new(rollback: bool) -> Self {
        Self {
            rollback,
            sessions: false,
            kept: Mutex::new(BTreeMap::new()),
        }
    }

    /// Says whether some check of the gate names a session of its own.
    #[must_use]
    pub fn with_sessions(mut self, sessions: bool) -> Self {
        self.sessions = sessions;
        self
    }

    /// Whether some check of the gate names a session of its own.
    pub fn has_sessions(&self) -> bool {
        self.sessions
    }

    /// Whether the gate says `transaction: rollback`.
    pub fn rollback(&self) -> bool {
        self.rollback
    }

    /// Takes what a probe kept under a key; the caller puts it back with `keep`.
    pub fn take<T: Any + Send>(&self, key: &str) -> Option<T> {
        let mut kept = self.lock();
        let places = kept.get_mut(key)?;
        match places.pop()?.downcast::<T>() {
            Ok(found) => Some(*found),
            Err(other) => {
                places.push(other);
                None
            }
        }
    }

    /// Keeps a value for later, in place of what was kept under the key.
    pub fn keep<T: Any + Send>(&self, key: &str, value: T) {
        self.lock().insert(key.to_owned(), vec![Box::new(value)]);
    }

    /// Changes what is kept under a key, made first where there is none: as one act, whoever else is at it.
    pub fn change<T: Any + Send, R>(
        &self,
        key: &str,
        make: impl FnOnce() -> T,
        change: impl FnOnce(&mut T) -> R,
    ) -> R {
        let mut kept = self.lock();
        let places = kept.entry(key.to_owned()).or_default();
        let kept = places.pop().and_then(|any| any.downcast::<T>().ok());
        let mut value = kept.unwrap_or_else(|| Box::new(make()));
        let changed = change(&mut value);
        places.push(value);
        changed
    }

    /// Keeps one more value under the key, at most 64.
    pub fn keep_one_more<T: Any + Send>(&self, key: &str, value: T) {
        let mut kept = self.lock();
        let places = kept.entry(key.to_owned()).or_default();
        if places.len() < 64 {
            places.push(Box::new(value));
        }
    }

    /// What all that ask under the key share, made by the first of them.
    pub fn shared<T: Any + Default + Send + Sync>(&self, key: &str) -> Arc<T> {
        let mut kept = self.lock();
        let places = kept.entry(key.to_owned()).or_default();
        let found = places
            .iter()
            .find_map(|place| place.downcast_ref::<Arc<T>>());
        if let Some(found) = found {
            return Arc::clone(found);
        }
        let made = Arc::<T>::default();
        places.push(Box::new(Arc::clone(&made)));
        made
    }

    /// The keys under which something is kept.
    pub fn keys(&self) -> Vec<String> {
        self.lock()
            .iter()
            .filter(|(_, places)| !places.is_empty())
            .map(|(key, _)| key.clone())
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
