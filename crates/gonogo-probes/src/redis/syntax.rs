//! What a plan may write of the `redis` probe and of a `redis` target.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// `redis:` asks a Redis, or what speaks its protocol, how it is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisOptions {
    /// `ping`: whether it answers, and what it says of itself.
    #[schemars(extend("enum" = ["ping"]))]
    pub redis: String,
    /// Also writes a key of its own, reads it back and removes it: needs the power `write`. The key has a random name
    /// and a life of a minute, so that nothing stays even where the run is killed in between.
    #[serde(default)]
    pub round_trip: bool,
}

/// A Redis, or what speaks its protocol: Valkey, KeyDB.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisTarget {
    /// Its address: `redis://host:6379/0`, with TLS `rediss://host:6380/0`, or `unix:///run/redis/redis.sock`.
    pub redis: String,
    /// The user of its access list, where it is not the default one.
    pub user: Option<String>,
    /// The password; best an input that is secret.
    pub password: Option<String>,
    /// A PEM file with the CA to trust instead of the system's, for `rediss://`.
    pub ca: Option<String>,
}

/// The parts of a target's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) way: Way,
    pub(super) database: u32,
}

/// How it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Tcp { host: String, port: u16, tls: bool },
    Unix(String),
}

impl Place {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix://") {
            let (path, database) = match path.split_once("?db=") {
                Some((path, number)) => (path, number),
                None => (path, ""),
            };
            if path.is_empty() {
                return Err("the address names no socket".to_owned());
            }
            return Ok(Self {
                way: Way::Unix(path.to_owned()),
                database: database_number(database)?,
            });
        }
        let (tls, rest) = match text.split_once("://") {
            Some(("redis" | "valkey", rest)) => (false, rest),
            Some(("rediss" | "valkeys", rest)) => (true, rest),
            Some((other, _)) => {
                return Err(format!(
                    "`{}` is not redis, rediss or unix",
                    other.chars().take(20).collect::<String>()
                ));
            }
            None => return Err("the address has no scheme; write `redis://HOST:PORT`".to_owned()),
        };
        if rest.contains('@') {
            return Err(
                "credentials in an address end up in logs; use `user:` and `password:` beside it"
                    .to_owned(),
            );
        }
        if rest.contains(['?', '#']) {
            return Err(
                "the address may hold host, port and the database's number only".to_owned(),
            );
        }
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let authority: http::uri::Authority = authority
            .parse()
            .map_err(|e| format!("the address names no host: {e}"))?;
        Ok(Self {
            way: Way::Tcp {
                host: authority.host().to_owned(),
                port: authority.port_u16().unwrap_or(6379),
                tls,
            },
            database: database_number(database)?,
        })
    }

    /// The address without credentials.
    pub(super) fn shown(&self) -> String {
        match &self.way {
            Way::Unix(path) => format!("unix://{path}"),
            Way::Tcp { host, port, tls } => {
                let scheme = if *tls { "rediss" } else { "redis" };
                format!("{scheme}://{host}:{port}/{}", self.database)
            }
        }
    }
}

fn database_number(text: &str) -> Result<u32, String> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse()
        .map_err(|_| format!("`{text}` is not the number of a database"))
}

/// The host that a target reaches.
pub(super) fn host(options: &Json) -> Result<Option<String>, String> {
    let target: RedisTarget = serde_json::from_value(options.clone()).map_err(|e| e.to_string())?;
    Ok(match Place::parse(&target.redis)?.way {
        Way::Unix(_) => None,
        Way::Tcp { host, port, .. } => Some(format!("{host}:{port}")),
    })
}
