//! One connection to a PostgreSQL server: through the door, secured where it must be, and cancelled when it is left.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, ready};
use std::time::Duration;

use gonogo_core::record::{Cause, NotObserved};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode as ServerSslMode;
use tokio_postgres::tls::TlsStream;
use tokio_postgres::types::ToSql;
use tokio_postgres::{
    AsyncMessage, CancelToken, Client, Config, Connection, NoTls, RowStream, SimpleQueryMessage,
    Statement,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::notices::Notices;
use super::tls::{self, tls_for};
use super::wire::{Budget, MAX_ROW_BYTES, Metered, Wire};
use super::wording::{Forms, Worded, WordedTls};
use super::{decode, trouble};
use crate::ctx::Ctx;
use crate::database::dsn::{Dsn, Place, SslMode};
use crate::database::ssh::{self, Far, Way};
use crate::database::{Asking, Heard, is_this_machine};

/// How long what is left of a connection may take to end.
const LINGER: Duration = Duration::from_secs(2);
/// How long a transaction may be idle beyond the check's time limit.
const IDLE_MS: u64 = 60_000;
/// PostgreSQL cuts a longer name.
const LONGEST_NAME: usize = 63;
/// Where a server's socket usually is: Debian's folder and PostgreSQL's own.
const USUAL_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// What a session is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Only to read: no transaction of it writes by default.
    Read,
    /// To change something, for good or until a rollback.
    Change,
}

/// The way to a server. Holds a password, so it cannot be printed.
pub(crate) struct Route {
    dsn: Arc<Dsn>,
    tls: Option<MakeRustlsConnect>,
    access: Access,
}

/// A connection with a session of the server's.
pub(crate) struct Session {
    client: Client,
    connection: Option<JoinHandle<()>>,
    route: Arc<Route>,
    budget: Budget,
    forms: Forms,
    notices: Notices,
    pid: Option<u32>,
    engine: String,
    whole: bool,
    limit: Duration,
}

impl Route {
    /// The way to the target's server.
    pub(crate) fn of(ask: &Asking<'_>, dsn: &Arc<Dsn>) -> Result<Self, NotObserved> {
        let tls = is_secured(dsn).then(|| tls::of(ask, dsn)).transpose()?;
        Ok(Self {
            dsn: Arc::clone(dsn),
            tls,
            access: Access::Change,
        })
    }

    /// The same, only to read.
    pub(crate) fn reading(mut self) -> Self {
        self.access = Access::Read;
        self
    }

    /// `settings` are the session's own from its beginning: a later `SET` would go, by way of a pooler, to whoever uses
    /// the connection next.
    fn config(&self, ctx: &Ctx, settings: Option<&str>) -> Config {
        let mut config = Config::new();
        config
            .application_name(application_name(ctx))
            .user(self.dsn.user.as_deref().unwrap_or_default())
            .ssl_mode(if self.tls.is_some() {
                ServerSslMode::Require
            } else {
                ServerSslMode::Disable
            });
        if let Some(password) = &self.dsn.password {
            config.password(password);
        }
        if let Some(database) = &self.dsn.database {
            config.dbname(database);
        }
        // The last one of a kind holds: what the address says cannot undo the session's own.
        let own = self.dsn.options.as_deref();
        let options: Vec<&str> = own.into_iter().chain(settings).collect();
        if !options.is_empty() {
            config.options(options.join(" "));
        }
        config
    }

    /// Limits that hold for whatever is asked, also where a check sets none: for a statement, for a lock, for a
    /// transaction that nobody goes on with, and for a client that is gone without a word.
    fn settings(&self, limit_ms: u64) -> String {
        let idle_ms = limit_ms.saturating_add(IDLE_MS);
        let mut settings = format!(
            "-c statement_timeout={limit_ms} -c lock_timeout={limit_ms} -c idle_in_transaction_session_timeout={idle_ms} \
             -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
        );
        if self.access == Access::Read {
            settings.push_str(" -c default_transaction_read_only=on");
        }
        settings
    }

    fn host(&self) -> &str {
        match &self.dsn.place {
            Place::Host(host) => host,
            Place::Socket(_) | Place::UsualSocket => "",
        }
    }

    /// What is connected to from the ssh host.
    pub(crate) fn far(&self) -> Far {
        let socket =
            |folder: &Path| Far::Socket(folder.join(format!(".s.PGSQL.{}", self.dsn.port)));
        match &self.dsn.place {
            Place::Host(host) => Far::Port(host.clone(), self.dsn.port),
            Place::Socket(folder) => socket(folder),
            Place::UsualSocket => socket(Path::new(USUAL_FOLDERS[0])),
        }
    }

    async fn wire(&self, ctx: &Ctx) -> Result<(Wire, Option<Way>), NotObserved> {
        if let Some(host) = &self.dsn.ssh {
            let (stream, way) = ssh::through(ctx, host, &self.far()).await?;
            return Ok((Wire::Unix(stream), Some(way)));
        }
        Ok((self.direct(ctx).await?, None))
    }

    async fn direct(&self, ctx: &Ctx) -> Result<Wire, NotObserved> {
        let folders: Vec<PathBuf> = match &self.dsn.place {
            Place::Host(host) => {
                let connected = ctx.connect(host, self.dsn.port).await?;
                return Ok(Wire::Tcp(connected.stream));
            }
            Place::Socket(folder) => vec![folder.clone()],
            Place::UsualSocket => USUAL_FOLDERS.map(PathBuf::from).to_vec(),
        };
        let mut last = None;
        for folder in &folders {
            let path = folder.join(format!(".s.PGSQL.{}", self.dsn.port));
            match tokio::time::timeout(ctx.remaining(), UnixStream::connect(&path)).await {
                Ok(Ok(stream)) => return Ok(Wire::Unix(stream)),
                Ok(Err(e)) => last = Some(e),
                Err(_) => last = Some(io::ErrorKind::TimedOut.into()),
            }
        }
        let error = last.unwrap_or_else(|| io::ErrorKind::NotFound.into());
        Err(socket_failed(ctx, &self.dsn, &error))
    }
}

fn socket_failed(ctx: &Ctx, dsn: &Dsn, error: &io::Error) -> NotObserved {
    let cause = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Cause::Refused,
        io::ErrorKind::PermissionDenied => Cause::Denied,
        io::ErrorKind::TimedOut => Cause::Timeout,
        _ => Cause::Network,
    };
    let message = format!(
        "no server answers on the local socket of port {}: {error}",
        dsn.port
    );
    let mut failed = ctx.not_observed(dsn.shown(), cause, message);
    failed.help = Some("is PostgreSQL running here? `pg_lsclusters` shows its port".to_owned());
    failed
}

/// Whether the connection is secured by TLS.
pub(crate) fn is_secured(dsn: &Dsn) -> bool {
    let host = match &dsn.place {
        Place::Host(host) => host,
        // PostgreSQL speaks no TLS on a socket of the file system.
        Place::Socket(_) | Place::UsualSocket => return false,
    };
    match (dsn.sslmode, &dsn.ca) {
        (Some(SslMode::Disable), _) => false,
        (Some(SslMode::Require | SslMode::VerifyCa), _) | (_, Some(_)) => true,
        (Some(SslMode::Prefer) | None, None) => !is_this_machine(host),
    }
}

/// `gonogo RUN`, as `pg_stat_activity` shows it.
pub(crate) fn application_name(ctx: &Ctx) -> String {
    let mut name = match ctx.run() {
        Some(run) => format!("gonogo {run}"),
        None => "gonogo".to_owned(),
    };
    name.truncate(name.floor_char_boundary(LONGEST_NAME));
    name
}

/// Connects and signs in.
pub(crate) async fn connect(ask: &Asking<'_>, route: &Arc<Route>) -> Result<Session, NotObserved> {
    let limit = limit_ms(ask);
    let settings = route.settings(limit);
    match attempt(ask, route, Some(&settings)).await? {
        Ok(mut session) => {
            session.limit = Duration::from_millis(limit);
            Ok(session)
        }
        // PgBouncer knows no such settings; each transaction then sets its own.
        Err(error) if trouble::knows_no_settings(&error) => {
            match attempt(ask, route, None).await? {
                Ok(session) => Ok(session),
                Err(error) => Err(trouble::not_connected(ask, &route.dsn, &error)),
            }
        }
        Err(error) => Err(trouble::not_connected(ask, &route.dsn, &error)),
    }
}

async fn attempt(
    ask: &Asking<'_>,
    route: &Arc<Route>,
    settings: Option<&str>,
) -> Result<Result<Session, tokio_postgres::Error>, NotObserved> {
    let (wire, way) = route.wire(ask.ctx).await?;
    let budget = Budget::default();
    let metered = Metered {
        wire,
        budget: budget.clone(),
        begun: false,
        secured: route.tls.is_some(),
    };
    let heard = Listening {
        forms: Forms::default(),
        notices: Notices::default(),
        budget: budget.clone(),
    };
    let signing_in = sign_in(route, route.config(ask.ctx, settings), metered, &heard);
    let signed_in = tokio::time::timeout(ask.ctx.remaining(), signing_in).await;
    match signed_in {
        Err(_) => Err(ask.failed_with_help(
            Cause::Timeout,
            format!("{} did not finish the sign-in in time", route.dsn.shown()),
            "does something else than PostgreSQL listen there?",
        )),
        Ok(Err(e)) => {
            // What `ssh` could not reach it takes and closes at once.
            if let Some(way) = way.filter(|_| e.as_db_error().is_none())
                && let Some(why) = way.why_closed(ask.ctx).await
            {
                return Err(why);
            }
            Ok(Err(e))
        }
        Ok(Ok(signed_in)) => Ok(Ok(Session {
            client: signed_in.client,
            connection: Some(signed_in.running),
            route: Arc::clone(route),
            budget,
            forms: heard.forms,
            notices: heard.notices,
            pid: signed_in.pid,
            engine: format!("PostgreSQL {}", signed_in.version),
            whole: true,
            limit: Duration::MAX,
        })),
    }
}

/// What is heard and said on a connection beside questions and answers.
struct Listening {
    forms: Forms,
    notices: Notices,
    budget: Budget,
}

struct SignedIn {
    client: Client,
    running: JoinHandle<()>,
    version: String,
    pid: Option<u32>,
}

async fn sign_in(
    route: &Route,
    config: Config,
    wire: Metered,
    heard: &Listening,
) -> Result<SignedIn, tokio_postgres::Error> {
    let (client, running, version) = if let Some(mut tls) = route.tls.clone() {
        let tls = WordedTls::new(
            tls_for::<Metered>(&mut tls, route.host()),
            heard.forms.clone(),
        );
        let (client, connection) = config.connect_raw(wire, tls).await?;
        let version = version(connection.parameter("server_version"));
        (client, carried_on(connection, heard), version)
    } else {
        let wire = Worded::new(wire, heard.forms.clone());
        let (client, connection) = config.connect_raw(wire, NoTls).await?;
        let version = version(connection.parameter("server_version"));
        (client, carried_on(connection, heard), version)
    };
    let said = client.simple_query("select pg_catalog.pg_backend_pid()");
    let pid = said.await?.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).and_then(|pid| pid.parse().ok()),
        _ => None,
    });
    Ok(SignedIn {
        client,
        running,
        version,
        pid,
    })
}

/// Keeps the connection going. What it ends in shows at the next question.
fn carried_on<S, T>(mut connection: Connection<S, T>, heard: &Listening) -> JoinHandle<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsStream + Unpin + Send + 'static,
{
    let (notices, budget) = (heard.notices.clone(), heard.budget.clone());
    tokio::spawn(std::future::poll_fn(move |cx| {
        loop {
            match ready!(connection.poll_message(cx)) {
                Some(Ok(AsyncMessage::Notice(said))) => {
                    notices.add(&said);
                    budget.0.store(MAX_ROW_BYTES, Ordering::Relaxed);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(()),
            }
        }
    }))
}

/// The milliseconds after which the server is to give up a statement.
fn limit_ms(ask: &Asking<'_>) -> u64 {
    let ms = u64::try_from(ask.server_timeout().as_millis()).unwrap_or(u64::MAX);
    // The server counts in an `int`.
    ms.clamp(1, i32::MAX as u64 - IDLE_MS)
}

/// `15.18` of `15.18 (Debian 15.18-0+deb12u1)`.
fn version(text: Option<&str>) -> String {
    let text = text.unwrap_or("of unknown version");
    text.split(" (").next().unwrap_or(text).to_owned()
}

impl Session {
    /// The client.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The way that it came.
    pub(super) fn route(&self) -> &Arc<Route> {
        &self.route
    }

    /// The number of the server's process.
    pub(super) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// The notices since they were last taken.
    pub(crate) fn notices(&self) -> Heard {
        self.notices.take()
    }

    /// Makes a prepared statement. Columns of types that are not decoded here come as the server's text.
    pub(crate) async fn query<P>(
        &self,
        prepared: &Statement,
        parameters: Vec<P>,
    ) -> Result<RowStream, tokio_postgres::Error>
    where
        P: ToSql + Sync,
    {
        let columns = prepared.columns().iter();
        let text: Vec<bool> = columns.map(|c| !decode::is_decoded(c.type_())).collect();
        if text.contains(&true) {
            self.forms.want(text);
        }
        let rows = self.client.query_raw(prepared, parameters).await;
        // Where it could not be sent, the next one must not be taken for it.
        self.forms.take();
        rows
    }

    /// How long the server may work at a statement.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// `PostgreSQL 15.18`.
    pub(crate) fn engine(&self) -> &str {
        &self.engine
    }

    /// Whether the server is still at the other end.
    pub(crate) fn is_connected(&self) -> bool {
        !self.client.is_closed()
    }

    /// Whether its state is known, so that it may be used again.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole && self.is_connected()
    }

    /// Gives it up: its state is not known any more.
    pub(crate) fn break_off(&mut self) {
        self.whole = false;
    }

    /// The milliseconds after which the server is to give up the check's statement.
    pub(crate) fn limit_ms(&mut self, ask: &Asking<'_>) -> u64 {
        let ms = limit_ms(ask);
        self.limit = Duration::from_millis(ms);
        ms
    }

    /// Whether a statement that took so long was given up for that limit, and not by somebody else. The server's
    /// clock is another one, so a little less is taken for it too.
    pub(crate) fn is_limit(&self, took: Duration) -> bool {
        took >= self.limit.mul_f64(0.95)
    }

    /// Whether more arrived than is read.
    pub(crate) fn is_over_budget(&self) -> bool {
        self.budget.0.load(Ordering::Relaxed) == 0
    }

    /// A row was taken off: the next may be as large.
    pub(crate) fn row_taken(&self) {
        self.budget.0.store(MAX_ROW_BYTES, Ordering::Relaxed);
    }

    /// Says something of gonogo's own, to which no rows are wanted.
    pub(crate) async fn say(&self, ask: &Asking<'_>, sql: &str) -> Result<(), NotObserved> {
        let left = self.leave_none(ask);
        match tokio::time::timeout(ask.ctx.remaining(), self.client.batch_execute(sql)).await {
            Err(_) => Err(ask.timed_out("the server did not answer")),
            Ok(said) => {
                left.done();
                said.map_err(|e| trouble::not_observed(ask, self, &e))
            }
        }
    }

    /// The same; a failure leaves the session in a state that nobody knows.
    pub(crate) async fn say_or_break(
        &mut self,
        ask: &Asking<'_>,
        sql: &str,
    ) -> Result<(), NotObserved> {
        let said = self.say(ask, sql).await;
        if said.is_err() {
            self.break_off();
        }
        said
    }

    /// A guard that cancels what the server works on, unless it is told that it is done.
    pub(crate) fn leave_none(&self, ask: &Asking<'_>) -> InFlight {
        InFlight {
            route: Arc::clone(&self.route),
            token: self.client.cancel_token(),
            ctx: ask.ctx.clone(),
            armed: true,
        }
    }
}

/// The client's end lets the connection say good-bye; where the server does not listen, it is cut.
impl Drop for Session {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        match tokio::runtime::Handle::try_current() {
            Err(_) => connection.abort(),
            Ok(runtime) => drop(runtime.spawn(async move {
                if tokio::time::timeout(LINGER, &mut connection).await.is_err() {
                    connection.abort();
                }
            })),
        }
    }
}

/// A statement that the server works on.
pub(crate) struct InFlight {
    route: Arc<Route>,
    token: CancelToken,
    ctx: Ctx,
    armed: bool,
}

impl InFlight {
    /// The server has answered.
    pub(crate) fn done(mut self) {
        self.armed = false;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        // Without a runtime nothing can be sent; the server's own time limit, set before, then ends the statement.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let route = Arc::clone(&self.route);
            let (token, ctx) = (self.token.clone(), self.ctx.again(LINGER));
            drop(runtime.spawn(async move {
                drop(tokio::time::timeout(LINGER, cancel(&route, token, &ctx)).await);
            }));
        }
    }
}

async fn cancel(route: &Route, token: CancelToken, ctx: &Ctx) {
    let Ok((wire, _way)) = route.wire(ctx).await else {
        return;
    };
    let wire = Metered {
        wire,
        budget: Budget::default(),
        begun: false,
        secured: route.tls.is_some(),
    };
    // Whether it worked is seen by nobody: the session is given up either way.
    match route.tls.clone() {
        Some(mut tls) => {
            let tls = tls_for::<Metered>(&mut tls, route.host());
            drop(token.cancel_query_raw(wire, tls).await);
        }
        None => drop(token.cancel_query_raw(wire, NoTls).await),
    }
}
