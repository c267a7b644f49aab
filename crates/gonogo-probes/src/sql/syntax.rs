//! What a plan may write of the `sql` probe and of its targets.

use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::dsn::{Dsn, SslMode};
use super::statement::{Dialect, Mode, Statement};

/// `sql:` one statement to a database, and the options beside it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlOptions {
    /// The statement, exactly one. Values stand in `bind`, never in the text.
    pub sql: String,
    /// The values of `$1`, `$2`, …, bound as data. They take the type that the server expects: text becomes a UUID, a
    /// date or JSON, a list an array.
    #[serde(default)]
    pub bind: Vec<Json>,
    /// The statement changes something for good. Without it, and outside a gate with `transaction: rollback`, it runs
    /// in a read-only transaction.
    #[serde(default)]
    pub writes: bool,
    /// How many rows are kept, 1000 by default; an expectation about more is an error.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_rows: Option<u32>,
}

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
    /// Whether TLS is used; `prefer` by default. Where it is used, certificate and name are always verified.
    pub sslmode: Option<TargetSslMode>,
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
    /// Always; the same as `require`, which verifies here too.
    VerifyFull,
}

/// A SQLite database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqliteTarget {
    /// Its file, from the plan's folder; `sqlite:PATH` and `file:PATH` are read too. A file that is not there is
    /// never made.
    pub sqlite: String,
}

impl PostgresTarget {
    /// The address with what stands beside it.
    pub(super) fn dsn(&self) -> Result<Dsn, String> {
        let mut dsn = Dsn::parse(&self.postgres)?;
        if self.user.is_some() {
            dsn.user.clone_from(&self.user);
        }
        if self.password.is_some() {
            dsn.password.clone_from(&self.password);
        }
        if self.ca.is_some() {
            dsn.ca.clone_from(&self.ca);
        }
        match self.sslmode {
            Some(TargetSslMode::Disable) => dsn.sslmode = Some(SslMode::Disable),
            Some(TargetSslMode::Prefer) => dsn.sslmode = Some(SslMode::Prefer),
            Some(TargetSslMode::Require | TargetSslMode::VerifyFull) => {
                dsn.sslmode = Some(SslMode::Require);
            }
            None => {}
        }
        if dsn.user.is_none() {
            return Err(
                "the address names no user; write `postgres://user@host/database`".to_owned(),
            );
        }
        Ok(dsn)
    }
}

/// The host that a `postgres` target reaches.
pub(super) fn postgres_host(options: &Json) -> Result<Option<String>, String> {
    let target: PostgresTarget =
        serde_json::from_value(options.clone()).map_err(|e| e.to_string())?;
    Ok(target.dsn()?.host_and_port())
}

/// A `sqlite` target is a file: it reaches no host.
pub(super) fn sqlite_host(options: &Json) -> Result<Option<String>, String> {
    let target: SqliteTarget =
        serde_json::from_value(options.clone()).map_err(|e| e.to_string())?;
    sqlite_path(&target.sqlite).map(|_| None)
}

/// The path in a `sqlite` target's address.
pub(super) fn sqlite_path(text: &str) -> Result<String, String> {
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

/// What the schema cannot say.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let Some(sql) = options.get("sql").and_then(Json::as_str) else {
        return Vec::new();
    };
    let problem = |code, key: &str, message: String, help: &str| {
        vec![OptionProblem {
            code,
            key: key.to_owned(),
            warning: false,
            message,
            help: Some(help.to_owned()),
        }]
    };
    // `$${` is a literal `${`.
    if sql.replace("$${", "").contains("${") {
        return problem(
            "sql-template",
            "sql",
            "a value is pasted into the statement".to_owned(),
            "write `$1` in its place and the value under `bind:`, where it stays data",
        );
    }
    let statement = match Statement::read(sql, Dialect::Postgres) {
        Ok(statement) => statement,
        Err(message) => {
            return problem("sql-statement", "sql", message, "such as `sql: select 1`");
        }
    };
    // Whether the gate is rolled back is not known here; what no mode allows is wrong in any.
    if let Err(refused) = statement.permit(Mode::Write) {
        return problem("sql-statement", "sql", refused.why, refused.help);
    }
    let bound = options
        .get("bind")
        .map_or(Some(0), |b| b.as_array().map(Vec::len));
    match bound {
        Some(bound) if bound != statement.highest_parameter => problem(
            "sql-bind",
            "bind",
            bind_message(bound, statement.highest_parameter),
            "one value for each of `$1`, `$2`, …",
        ),
        _ => Vec::new(),
    }
}

/// How many values are there and how many are due.
pub(super) fn bind_message(bound: usize, wanted: usize) -> String {
    let due = match wanted {
        0 => "the statement has no parameter".to_owned(),
        1 => "the statement has the parameter $1".to_owned(),
        n => format!("the statement has the parameters $1 to ${n}"),
    };
    let values = if bound == 1 { "value is" } else { "values are" };
    format!("{due}, and {bound} {values} bound")
}
