//! What a plan may write of a database target.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::dsn::{Dsn, Language, SslMode};
use super::ssh::SshHost;

/// A PostgreSQL server's database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresTarget {
    /// Its address: `postgres://user:password@host:5432/database` or `host=… dbname=… user=…`; a host that begins
    /// with `/` is the folder of a Unix socket.
    pub postgres: String,
    /// The role, where the address does not name it.
    pub user: Option<String>,
    /// The password, where the address does not hold it: nothing in it needs escaping here.
    pub password: Option<String>,
    /// A PEM file with the CA to trust instead of the system's; TLS is then required.
    pub ca: Option<String>,
    /// Whether TLS is used; `prefer` by default. Where it is used, certificate and name are verified (the name not with
    /// `verify-ca`).
    pub sslmode: Option<TargetSslMode>,
    /// The SSH host through which the server is reached: `user@host`, `user@host:22` or a `Host` of ~/.ssh/config. The
    /// machine's `ssh` makes the tunnel, with the user's own keys, agent, known hosts and jump hosts; it never asks. Host
    /// and port of the address are then those that the SSH host sees.
    pub ssh: Option<String>,
}

/// Whether TLS is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TargetSslMode {
    /// Never.
    Disable,
    /// On this machine not, anywhere else always: a password never crosses a network in the clear by accident.
    Prefer,
    /// Always.
    Require,
    /// Always; the certificate must come from `ca`, which must be given, but may be for another name.
    VerifyCa,
    /// Always; the same as `require`, which verifies here too.
    VerifyFull,
}

/// A MySQL or MariaDB server's database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MySqlTarget {
    /// Its address: `mysql://user:password@host:3306/database`, `mariadb://` too; `?socket=PATH` for a Unix socket.
    pub mysql: String,
    /// The user, where the address does not name it.
    pub user: Option<String>,
    /// The password, where the address does not hold it: nothing in it needs escaping here.
    pub password: Option<String>,
    /// A PEM file with the CA to trust instead of the system's; TLS is then required.
    pub ca: Option<String>,
    /// Whether TLS is used; `prefer` by default. Where it is used, certificate and name are verified (the name not with
    /// `verify-ca`).
    pub sslmode: Option<TargetSslMode>,
    /// The SSH host through which the server is reached: `user@host`, `user@host:22` or a `Host` of ~/.ssh/config. The
    /// machine's `ssh` makes the tunnel, with the user's own keys, agent, known hosts and jump hosts; it never asks. Host
    /// and port of the address are then those that the SSH host sees.
    pub ssh: Option<String>,
}

/// A SQLite database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqliteTarget {
    /// Its file, from the plan's folder; `sqlite:PATH` and `file:PATH` are read too. A file that is not there is
    /// never made.
    pub sqlite: String,
}

/// What stands beside an address.
struct Beside<'a> {
    user: &'a Option<String>,
    password: &'a Option<String>,
    ca: &'a Option<String>,
    sslmode: Option<TargetSslMode>,
    ssh: &'a Option<String>,
}

impl Beside<'_> {
    fn added_to(&self, mut dsn: Dsn) -> Result<Dsn, String> {
        if self.user.is_some() {
            dsn.user.clone_from(self.user);
        }
        if self.password.is_some() {
            dsn.password.clone_from(self.password);
            dsn.doubtful = None;
        }
        if self.ca.is_some() {
            dsn.ca.clone_from(self.ca);
        }
        if let Some(mode) = self.sslmode {
            dsn.sslmode = Some(mode.into());
        }
        if let Some(ssh) = self.ssh {
            dsn.ssh = Some(SshHost::parse(ssh)?);
        }
        if dsn.sslmode == Some(SslMode::VerifyCa) && dsn.ca.is_none() {
            return Err(
                "`verify-ca` accepts any name that its CA has signed, so it needs a CA of your own: `ca: FILE`; with \
                 the system's CAs write `verify-full`"
                    .to_owned(),
            );
        }
        if dsn.user.is_none() {
            let scheme = dsn.language.scheme();
            return Err(format!(
                "the address names no user; write `{scheme}://user@host/database`"
            ));
        }
        Ok(dsn)
    }
}

impl PostgresTarget {
    /// The address with what stands beside it.
    pub(crate) fn dsn(&self) -> Result<Dsn, String> {
        let beside = Beside {
            user: &self.user,
            password: &self.password,
            ca: &self.ca,
            sslmode: self.sslmode,
            ssh: &self.ssh,
        };
        beside.added_to(Dsn::parse(&self.postgres, Language::Postgres)?)
    }
}

impl MySqlTarget {
    /// The address with what stands beside it.
    pub(crate) fn dsn(&self) -> Result<Dsn, String> {
        let beside = Beside {
            user: &self.user,
            password: &self.password,
            ca: &self.ca,
            sslmode: self.sslmode,
            ssh: &self.ssh,
        };
        beside.added_to(Dsn::parse(&self.mysql, Language::MySql)?)
    }
}

impl From<TargetSslMode> for SslMode {
    fn from(mode: TargetSslMode) -> Self {
        match mode {
            TargetSslMode::Disable => Self::Disable,
            TargetSslMode::Prefer => Self::Prefer,
            TargetSslMode::Require | TargetSslMode::VerifyFull => Self::Require,
            TargetSslMode::VerifyCa => Self::VerifyCa,
        }
    }
}

/// The host that a `postgres` target reaches: the SSH host, where packets go to one.
pub(crate) fn postgres_host(options: &Json) -> Result<Option<String>, String> {
    let target: PostgresTarget =
        serde_json::from_value(options.clone()).map_err(|e| e.to_string())?;
    Ok(reached(&target.dsn()?))
}

/// The host that a `mysql` target reaches: the SSH host, where packets go to one.
pub(crate) fn mysql_host(options: &Json) -> Result<Option<String>, String> {
    let target: MySqlTarget = serde_json::from_value(options.clone()).map_err(|e| e.to_string())?;
    Ok(reached(&target.dsn()?))
}

fn reached(dsn: &Dsn) -> Option<String> {
    match &dsn.ssh {
        Some(ssh) => Some(ssh.host_and_port()),
        None => dsn.host_and_port(),
    }
}

/// A `sqlite` target is a file: it reaches no host.
pub(crate) fn sqlite_host(options: &Json) -> Result<Option<String>, String> {
    let target: SqliteTarget =
        serde_json::from_value(options.clone()).map_err(|e| e.to_string())?;
    sqlite_path(&target.sqlite).map(|_| None)
}

/// The path in a `sqlite` target's address.
pub(crate) fn sqlite_path(text: &str) -> Result<String, String> {
    let text = text.trim();
    let url = text
        .strip_prefix("sqlite:")
        .or_else(|| text.strip_prefix("file:"));
    let path = match url {
        None => text.to_owned(),
        Some(rest) => {
            let rest = rest.split(['?', '#']).next().unwrap_or("");
            decoded(rest.strip_prefix("//").unwrap_or(rest))
        }
    };
    match path.as_str() {
        "" => Err("the address names no file".to_owned()),
        ":memory:" => Err(
            "a database in memory belongs to the process that made it and cannot be observed; name its file"
                .to_owned(),
        ),
        _ => Ok(path),
    }
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if bytes[at] == b'%' => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
