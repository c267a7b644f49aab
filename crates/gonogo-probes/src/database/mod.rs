//! What every probe of a database shares: the targets, the way there, and a session that only reads.

pub(crate) mod dsn;
pub(crate) mod mysql;
pub(crate) mod postgres;
pub(crate) mod sqlite;
pub(crate) mod sqlstate;
pub(crate) mod ssh;
mod targets;

use std::sync::Arc;
use std::time::Duration;

use gonogo_core::Map;
use gonogo_core::plan::TargetSyntax;
use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use serde_json::Value as Json;

pub(crate) use targets::sqlite_path;
pub use targets::{MySqlTarget, PostgresTarget, SqliteTarget, TargetSslMode};

use crate::ctx::Ctx;
use crate::probe::{Call, ResolvedTarget};

/// A PostgreSQL database.
pub const POSTGRES: TargetSyntax = TargetSyntax {
    key: "postgres",
    schema: || schemars::schema_for!(PostgresTarget),
    host: targets::postgres_host,
};

/// A SQLite database.
pub const SQLITE: TargetSyntax = TargetSyntax {
    key: "sqlite",
    schema: || schemars::schema_for!(SqliteTarget),
    host: targets::sqlite_host,
};

/// A MySQL or MariaDB database.
pub const MYSQL: TargetSyntax = TargetSyntax {
    key: "mysql",
    schema: || schemars::schema_for!(MySqlTarget),
    host: targets::mysql_host,
};

/// Who asks a database, and for how long: what every message and every time limit is made of.
#[derive(Clone)]
pub(crate) struct Asking<'a> {
    /// The only door outside.
    pub(crate) ctx: &'a Ctx,
    /// The target's name.
    pub(crate) target: &'a str,
    /// What is tried, in one line for a person.
    pub(crate) tried: String,
    /// Whether something may have changed for good when no answer comes.
    pub(crate) writes: bool,
}

impl Asking<'_> {
    /// Why nothing was seen.
    pub(crate) fn failed(&self, cause: Cause, message: impl Into<String>) -> NotObserved {
        self.ctx.not_observed(self.tried.clone(), cause, message)
    }

    /// The same, with what to do.
    pub(crate) fn failed_with_help(
        &self,
        cause: Cause,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> NotObserved {
        let mut failed = self.failed(cause, message);
        failed.help = Some(help.into());
        failed
    }

    /// The check's time is over.
    pub(crate) fn timed_out(&self, message: &str) -> NotObserved {
        let unknown = if self.writes {
            "; whether it took effect is not known"
        } else {
            ""
        };
        self.failed(Cause::Timeout, format!("{message}{unknown}"))
    }

    /// How long the server may work and wait for locks: a little less than the check may last, so that its own
    /// refusal still arrives.
    pub(crate) fn server_timeout(&self) -> Duration {
        let left = self.ctx.remaining();
        let margin = (left / 4).min(Duration::from_secs(1));
        left.saturating_sub(margin).max(Duration::from_millis(1))
    }
}

/// Where something was asked.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The target's name.
    pub(crate) target: String,
    /// Its address, without credentials.
    pub(crate) address: String,
    /// `PostgreSQL 15.18`, `SQLite 3.51.3`.
    pub(crate) engine: String,
}

impl Place {
    /// The target as it was reached.
    pub(crate) fn seen(&self) -> TargetSeen {
        TargetSeen {
            name: self.target.clone(),
            address: self.address.clone(),
            engine: Some(self.engine.clone()),
        }
    }
}

/// An error that the server answered with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Refusal {
    /// Five characters.
    pub(crate) sqlstate: String,
    /// The server's words.
    pub(crate) message: String,
    /// More of its words.
    pub(crate) detail: Option<String>,
    /// What it suggests.
    pub(crate) hint: Option<String>,
    /// The constraint that was violated.
    pub(crate) constraint: Option<String>,
    /// The table at fault.
    pub(crate) table: Option<String>,
    /// The column at fault.
    pub(crate) column: Option<String>,
    /// The schema of the table or type at fault.
    pub(crate) schema: Option<String>,
    /// The type at fault.
    pub(crate) datatype: Option<String>,
    /// The character of the statement, from one, at which it stands.
    pub(crate) position: Option<usize>,
}

/// What a server said beside its answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notice {
    /// `NOTICE`, `WARNING`, …
    pub(crate) severity: String,
    /// Five characters.
    pub(crate) sqlstate: String,
    /// Its words.
    pub(crate) message: String,
}

/// Notices, as many as are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    /// The first ones.
    pub(crate) kept: Vec<Notice>,
    /// How many more there were.
    pub(crate) more: usize,
}

impl Heard {
    /// So many are kept.
    pub(crate) const MOST: usize = 100;

    /// Adds those of another.
    pub(crate) fn append(&mut self, other: &mut Self) {
        let room = Self::MOST - self.kept.len().min(Self::MOST);
        let taken = other.kept.len().min(room);
        self.more += other.more + other.kept.len() - taken;
        self.kept.extend(other.kept.drain(..taken));
    }
}

/// Which kind of database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
    /// MySQL or MariaDB.
    MySql,
}

impl Kind {
    /// The kind of a target; why it is none, otherwise.
    pub(crate) fn of(target: &ResolvedTarget) -> Result<Self, String> {
        match target.kind.as_str() {
            "postgres" => Ok(Self::Postgres),
            "sqlite" => Ok(Self::Sqlite),
            "mysql" => Ok(Self::MySql),
            other => Err(format!("a target of kind `{other}` is no database")),
        }
    }
}

/// An open session that only reads, for the probes that look around. One snapshot from its first question to its
/// last, on PostgreSQL and of InnoDB's tables: what they see belongs together.
pub(crate) struct Database<'a> {
    asking: Asking<'a>,
    inner: Inner,
}

enum Inner {
    Postgres(postgres::Reading),
    Sqlite(sqlite::Reading),
    MySql(mysql::Reading),
}

impl<'a> Database<'a> {
    /// Connects to the call's target. `tried` is one line for messages, such as `schema public`.
    pub(crate) async fn open(call: &Call<'a>, tried: &str) -> Result<Self, NotObserved> {
        let bad = |message: String| call.ctx.not_observed(tried, Cause::BadOptions, message);
        let target = call
            .target
            .ok_or_else(|| bad("the environment has no database target".to_owned()))?;
        let asking = Asking {
            ctx: call.ctx,
            target: &target.name,
            tried: tried.to_owned(),
            writes: false,
        };
        let inner = match Kind::of(target).map_err(bad)? {
            Kind::Postgres => {
                let dsn = postgres_dsn(target).map_err(bad)?;
                Inner::Postgres(postgres::Reading::open(&asking, &dsn).await?)
            }
            Kind::Sqlite => {
                let file = sqlite_file(target, call.ctx).map_err(bad)?;
                Inner::Sqlite(sqlite::Reading::open(&asking, file).await?)
            }
            Kind::MySql => {
                let dsn = mysql_dsn(target).map_err(bad)?;
                Inner::MySql(mysql::Reading::open(&asking, &dsn).await?)
            }
        };
        Ok(Self { asking, inner })
    }

    /// Which kind it is.
    pub(crate) fn kind(&self) -> Kind {
        match self.inner {
            Inner::Postgres(_) => Kind::Postgres,
            Inner::Sqlite(_) => Kind::Sqlite,
            Inner::MySql(_) => Kind::MySql,
        }
    }

    /// Where it is, and which engine answers.
    pub(crate) fn place(&self) -> Place {
        let (address, engine) = match &self.inner {
            Inner::Postgres(reading) => reading.address_and_engine(),
            Inner::Sqlite(reading) => reading.address_and_engine(),
            Inner::MySql(reading) => reading.address_and_engine(),
        };
        Place {
            target: self.asking.target.to_owned(),
            address,
            engine,
        }
    }

    /// The rows of one statement, all of them; `$1`, `$2`, … are bound, on MySQL each `?` in its order. A refusal of
    /// the server is no observation here: the statements are ours.
    pub(crate) async fn rows(&mut self, sql: &str, bind: &[Json]) -> Result<Vec<Map>, NotObserved> {
        match &mut self.inner {
            Inner::Postgres(reading) => reading.rows(&self.asking, sql, bind).await,
            Inner::Sqlite(reading) => reading.rows(&self.asking, sql, bind).await,
            Inner::MySql(reading) => reading.rows(&self.asking, sql, bind).await,
        }
    }

    /// Ends the session.
    pub(crate) async fn close(self) {
        match self.inner {
            Inner::Postgres(reading) => reading.close(&self.asking).await,
            Inner::Sqlite(_) => {}
            Inner::MySql(reading) => reading.close().await,
        }
    }
}

/// The address of a `postgres` target.
pub(crate) fn postgres_dsn(target: &ResolvedTarget) -> Result<Arc<dsn::Dsn>, String> {
    let target: PostgresTarget =
        serde_json::from_value(target.options.clone()).map_err(|e| e.to_string())?;
    target.dsn().map(Arc::new)
}

/// The address of a `mysql` target.
pub(crate) fn mysql_dsn(target: &ResolvedTarget) -> Result<Arc<dsn::Dsn>, String> {
    let target: MySqlTarget =
        serde_json::from_value(target.options.clone()).map_err(|e| e.to_string())?;
    target.dsn().map(Arc::new)
}

/// Whether packets to a host leave no machine.
fn is_this_machine(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost"
        || host.ends_with(".localhost")
        || address.is_ok_and(|address| address.is_loopback())
}

/// The file of a `sqlite` target.
pub(crate) fn sqlite_file(target: &ResolvedTarget, ctx: &Ctx) -> Result<sqlite::File, String> {
    let target: SqliteTarget =
        serde_json::from_value(target.options.clone()).map_err(|e| e.to_string())?;
    sqlite::File::of(&target, ctx)
}

#[cfg(test)]
mod tests;
