//! MySQL and MariaDB: one connection, what goes over it, and how it is ended.

mod bridge;
mod grants;
mod read;
mod trouble;
mod values;

use std::sync::Arc;
use std::time::Duration;

use gonogo_core::record::{Cause, NotObserved};
use mysql_async::consts::StatusFlags;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error, Opts, OptsBuilder, SslOpts};

pub(crate) use grants::visible;
pub(crate) use read::Reading;
pub(crate) use trouble::{Told, told};
pub(crate) use values::{parameter, type_name, value};

use bridge::Bridge;

use crate::ctx::Ctx;
use crate::database::Asking;
use crate::database::dsn::{Dsn, Place, SslMode};

/// What is read of one row at most.
const MAX_ROW_BYTES: usize = 64 * 1024 * 1024;
/// How long the end of what was left may take.
const LINGER: Duration = Duration::from_secs(2);
/// The longest time a transaction of a gate may be idle, in seconds.
const IDLE_SECONDS: u64 = 3600;

/// A connection with a session of the server's.
pub(crate) struct Session {
    /// The driver's connection.
    pub(crate) conn: Conn,
    dsn: Arc<Dsn>,
    engine: String,
    limit: Duration,
    _bridge: Option<Bridge>,
}

/// Connects, signs in, and limits what a statement and a lock may take.
pub(crate) async fn open(ask: &Asking<'_>, dsn: &Arc<Dsn>) -> Result<Session, NotObserved> {
    let limit = ask.server_timeout();
    let (mut conn, bridge) = connect(ask, dsn).await?;
    let setting = async {
        let version: Option<String> = conn.query_first("select version()").await?;
        let version = version.unwrap_or_default();
        let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
        conn.query_drop(limits(limit, is_mariadb)).await?;
        let number = version.split('-').next().unwrap_or_default();
        let product = if is_mariadb { "MariaDB" } else { "MySQL" };
        Ok::<_, Error>(format!("{product} {number}"))
    };
    match tokio::time::timeout(ask.ctx.remaining(), setting).await {
        Err(_) => Err(ask.timed_out("the server did not answer")),
        Ok(Err(e)) => Err(trouble::not_connected(ask, dsn, &e)),
        Ok(Ok(engine)) => Ok(Session {
            conn,
            dsn: Arc::clone(dsn),
            engine,
            limit,
            _bridge: bridge,
        }),
    }
}

async fn connect(ask: &Asking<'_>, dsn: &Arc<Dsn>) -> Result<(Conn, Option<Bridge>), NotObserved> {
    let by_socket = dsn.ssh.is_none() && matches!(dsn.place, Place::Socket(_) | Place::UsualSocket);
    let bridge = if by_socket {
        None
    } else {
        Some(Bridge::to(ask.ctx, dsn).await?)
    };
    let opts = options(ask, dsn, bridge.as_ref())?;
    match tokio::time::timeout(ask.ctx.remaining(), Conn::new(opts)).await {
        Err(_) => Err(ask.failed_with_help(
            Cause::Timeout,
            format!("{} did not finish the sign-in in time", dsn.shown()),
            "does something else than MySQL or MariaDB listen there?",
        )),
        Ok(Ok(conn)) => Ok((conn, bridge)),
        Ok(Err(e)) => {
            let way = bridge.as_ref().and_then(|bridge| bridge.way.as_ref());
            if let (Some(way), false) = (way, matches!(e, Error::Server(_)))
                && let Some(why) = way.why_closed(ask.ctx).await
            {
                return Err(why);
            }
            Err(trouble::not_connected(ask, dsn, &e))
        }
    }
}

fn options(ask: &Asking<'_>, dsn: &Dsn, bridge: Option<&Bridge>) -> Result<Opts, NotObserved> {
    let mut opts = OptsBuilder::default()
        .user(dsn.user.clone())
        .pass(dsn.password.clone())
        .db_name(dsn.database.clone())
        .prefer_socket(false)
        .stmt_cache_size(0)
        .max_allowed_packet(Some(MAX_ROW_BYTES))
        .init(vec!["set names utf8mb4", "set time_zone = '+00:00'"]);
    match (bridge, &dsn.place) {
        (Some(bridge), _) => {
            opts = opts.ip_or_hostname("127.0.0.1").tcp_port(bridge.port);
        }
        (None, Place::Socket(path)) => opts = opts.socket(path.to_str()),
        (None, _) => opts = opts.socket(Some("/run/mysqld/mysqld.sock")),
    }
    if let Place::Host(host) = &dsn.place {
        opts = opts.ssl_opts(secured(ask, dsn, host)?);
    }
    Ok(opts.into())
}

/// As with PostgreSQL: on this machine not, anywhere else always, unless the target says otherwise.
fn secured(ask: &Asking<'_>, dsn: &Dsn, host: &str) -> Result<Option<SslOpts>, NotObserved> {
    let wanted = match (dsn.sslmode, &dsn.ca) {
        (Some(SslMode::Disable), _) => false,
        (Some(SslMode::Require | SslMode::VerifyCa), _) | (_, Some(_)) => true,
        (Some(SslMode::Prefer) | None, None) => !super::is_this_machine(host),
    };
    if !wanted {
        return Ok(None);
    }
    let roots = match &dsn.ca {
        Some(ca) => vec![ask.ctx.path(ca).into()],
        None => rustls_native_certs::load_native_certs()
            .certs
            .into_iter()
            .map(|certificate| certificate.to_vec().into())
            .collect(),
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let opts = SslOpts::default()
        .with_disable_built_in_roots(true)
        .with_root_certs(roots)
        .with_danger_tls_hostname_override(Some(bare.to_owned()))
        // The targets' reading sees to it that the CA is one that was given.
        .with_danger_skip_domain_validation(dsn.sslmode == Some(SslMode::VerifyCa));
    Ok(Some(opts))
}

fn limits(limit: Duration, is_mariadb: bool) -> String {
    let locks = limit.as_secs().max(1);
    let common =
        format!("set session lock_wait_timeout = {locks}, innodb_lock_wait_timeout = {locks}");
    let ms = limit.as_millis().max(1);
    if is_mariadb {
        let seconds = limit.as_secs_f64().max(0.001);
        format!(
            "{common}, max_statement_time = {seconds:.3}, idle_transaction_timeout = {IDLE_SECONDS}"
        )
    } else {
        format!("{common}, max_execution_time = {ms}")
    }
}

impl Session {
    /// `MariaDB 10.11.6`.
    pub(crate) fn engine(&self) -> &str {
        &self.engine
    }

    /// The same limits for the check that comes now.
    pub(crate) async fn limit(&mut self, ask: &Asking<'_>) -> Result<(), NotObserved> {
        self.limit = ask.server_timeout();
        let sql = limits(self.limit, self.engine.starts_with("MariaDB"));
        self.say(ask, &sql).await
    }

    /// Whether what took so long was given up for our limit: a lock's is counted in whole seconds.
    pub(crate) fn is_limit(&self, took: Duration) -> bool {
        took >= self
            .limit
            .mul_f64(0.95)
            .min(Duration::from_secs(self.limit.as_secs().max(1)))
    }

    /// Says something of gonogo's own.
    pub(crate) async fn say(&mut self, ask: &Asking<'_>, sql: &str) -> Result<(), NotObserved> {
        let said = tokio::time::timeout(ask.ctx.remaining(), self.conn.query_drop(sql)).await;
        match said {
            Err(_) => Err(ask.timed_out("the server did not answer")),
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => match told(ask, &e, false) {
                Told::Nothing(failed) => Err(*failed),
                Told::Refusal(refusal) => Err(ask.failed(Cause::Denied, refusal.message)),
            },
        }
    }

    /// Rolls back; whether the server says that no transaction is open and that all of it was undone.
    pub(crate) async fn rolled_back(mut self, within: Duration) -> bool {
        let ending = async {
            self.conn.query_drop("rollback").await?;
            let warnings = self.conn.get_warnings();
            let open = self.conn.last_ok_packet().is_none_or(|ok| {
                ok.status_flags()
                    .contains(StatusFlags::SERVER_STATUS_IN_TRANS)
            });
            Ok::<bool, Error>(warnings == 0 && !open)
        };
        let undone = tokio::time::timeout(within, ending).await;
        let undone = matches!(undone, Ok(Ok(true)));
        self.close().await;
        undone
    }

    /// Says good-bye.
    pub(crate) async fn close(self) {
        // The server ends a session whose connection is gone in any case.
        drop(tokio::time::timeout(LINGER, self.conn.disconnect()).await);
    }

    /// A guard that ends what the server works on, unless it is told that it is done.
    pub(crate) fn leave_none(&self, ask: &Asking<'_>) -> InFlight {
        InFlight {
            dsn: Arc::clone(&self.dsn),
            id: self.conn.id(),
            ctx: ask.ctx.clone(),
            target: ask.target.to_owned(),
            armed: true,
        }
    }
}

/// A statement that the server works on.
pub(crate) struct InFlight {
    dsn: Arc<Dsn>,
    id: u32,
    ctx: Ctx,
    target: String,
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
        // Without a runtime nothing can be sent; the server's own time limit then ends the statement.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (dsn, id) = (Arc::clone(&self.dsn), self.id);
            let (ctx, target) = (self.ctx.again(LINGER), self.target.clone());
            drop(runtime.spawn(async move {
                let ask = Asking {
                    ctx: &ctx,
                    target: &target,
                    tried: "kill".to_owned(),
                    writes: false,
                };
                if let Ok((mut conn, _bridge)) = connect(&ask, &dsn).await {
                    // Whether it worked is seen by nobody: the session is given up either way.
                    let kill = conn.query_drop(format!("kill connection {id}"));
                    drop(tokio::time::timeout(LINGER, kill).await);
                }
            }));
        }
    }
}
