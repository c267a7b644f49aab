//! What is recorded of a Redis, as facts.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeZone as _, Utc};
use gonogo_core::record::TargetSeen;
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use crate::probe::Seen;

/// What came of the asking.
pub(super) struct Answered<'a> {
    pub(super) info: &'a str,
    pub(super) latency: Duration,
    pub(super) is_open: bool,
    pub(super) round_trip: Option<RoundTrip>,
}

/// A key there and back.
#[derive(Default)]
pub(super) struct RoundTrip {
    pub(super) key: String,
    pub(super) written: bool,
    pub(super) read_back: bool,
    pub(super) removed: bool,
    pub(super) error: Option<String>,
}

/// The facts of the probe.
pub(super) fn shape(has_round_trip: bool) -> Shape {
    let mut fields = vec![
        ("version", Field::new(Type::String, "the server's version")),
        ("engine", Field::new(Type::String, "`redis`, `valkey`, …")),
        (
            "mode",
            Field::optional(Type::String, "`standalone`, `sentinel` or `cluster`"),
        ),
        (
            "uptime",
            Field::optional(Type::Duration, "since it was started"),
        ),
        (
            "latency",
            Field::new(Type::Duration, "from sending PING to PONG"),
        ),
        (
            "open",
            Field::new(
                Type::Bool,
                "whether it answers somebody who gives no password",
            ),
        ),
        ("role", Field::optional(Type::String, "`master` or `slave`")),
        (
            "replicas",
            Field::optional(Type::Int, "how many replicas are connected"),
        ),
        (
            "link",
            Field::optional(
                Type::String,
                "of a replica: `up` where it is connected to its master",
            ),
        ),
        ("memory", Field::new(memory(), "the memory of its data")),
        (
            "persistence",
            Field::new(persistence(), "whether its data is on disk"),
        ),
        ("clients", Field::new(clients(), "its connections")),
        (
            "keys",
            Field::new(Type::Int, "how many keys all its databases have"),
        ),
        (
            "databases",
            Field::new(
                Type::map(Type::Int),
                "how many keys each database has: `db0`, …",
            ),
        ),
        (
            "evicted",
            Field::optional(
                Type::Int,
                "keys that were given up for lack of memory, since its start",
            ),
        ),
        (
            "rejected",
            Field::optional(
                Type::Int,
                "connections that were refused for lack of room, since its start",
            ),
        ),
        (
            "info",
            Field::new(Type::map(Type::String), "all that INFO says, by its names"),
        ),
    ];
    if has_round_trip {
        fields.push((
            "round_trip",
            Field::new(round_trip(), "a key of gonogo's own, there and back"),
        ));
    }
    Shape {
        fields: fields.into_iter().map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

fn memory() -> Type {
    Type::fields([
        ("used", Field::optional(Type::Int, "bytes in use")),
        (
            "peak",
            Field::optional(Type::Int, "the most that was in use"),
        ),
        (
            "max",
            Field::optional(
                Type::Int,
                "the most it may use; absent where it is not limited",
            ),
        ),
        (
            "share",
            Field::optional(Type::Double, "used of max; absent where it is not limited"),
        ),
        (
            "policy",
            Field::optional(
                Type::String,
                "what it gives up at the limit: `noeviction`, `allkeys-lru`, …",
            ),
        ),
        (
            "fragmentation",
            Field::optional(Type::Double, "memory taken from the system, of that in use"),
        ),
    ])
}

fn persistence() -> Type {
    Type::fields([
        (
            "loading",
            Field::optional(Type::Bool, "whether it is still reading its data"),
        ),
        (
            "last_save",
            Field::optional(
                Type::Timestamp,
                "when the last snapshot was written, or the server started",
            ),
        ),
        (
            "since_last_save",
            Field::optional(
                Type::Duration,
                "how long ago that was, by the server's own clock",
            ),
        ),
        (
            "last_save_ok",
            Field::optional(Type::Bool, "whether the last snapshot succeeded"),
        ),
        (
            "changes_since_save",
            Field::optional(Type::Int, "changes that no snapshot has yet"),
        ),
        (
            "aof",
            Field::optional(Type::Bool, "whether each change is appended to a file"),
        ),
        (
            "aof_ok",
            Field::optional(
                Type::Bool,
                "whether the last write and rewrite of that file succeeded",
            ),
        ),
    ])
}

fn clients() -> Type {
    Type::fields([
        (
            "connected",
            Field::optional(Type::Int, "how many are connected"),
        ),
        (
            "blocked",
            Field::optional(Type::Int, "how many wait for something"),
        ),
        ("max", Field::optional(Type::Int, "the most there may be")),
        ("share", Field::optional(Type::Double, "connected of max")),
    ])
}

fn round_trip() -> Type {
    Type::fields([
        ("key", Field::new(Type::String, "the key")),
        (
            "written",
            Field::new(Type::Bool, "whether it could be written"),
        ),
        (
            "read_back",
            Field::new(Type::Bool, "whether the same value came back"),
        ),
        (
            "removed",
            Field::new(Type::Bool, "whether it is gone again"),
        ),
        (
            "error",
            Field::optional(
                Type::String,
                "why it could not be written, in the server's words",
            ),
        ),
    ])
}

/// The facts, and the engine in `target`; nothing where INFO is none.
pub(super) fn seen(answered: &Answered<'_>) -> Option<Seen> {
    let info = Info::read(answered.info);
    let (engine, version) = info.engine()?;
    let mut facts = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), value);
        }
    };
    put("version", Some(version.into()));
    put("engine", Some(engine.into()));
    put("mode", info.text("redis_mode").or(info.text("server_mode")));
    put("uptime", info.seconds("uptime_in_seconds"));
    put("latency", Some(answered.latency.into()));
    put("open", Some(answered.is_open.into()));
    put("role", info.text("role"));
    put("replicas", info.int("connected_slaves"));
    put("link", info.text("master_link_status"));
    put("memory", Some(info.memory()));
    put("persistence", Some(info.persistence()));
    put("clients", Some(info.clients()));
    let databases = info.databases();
    let keys = databases.values().filter_map(Value::as_int);
    put("keys", Some(keys.fold(0i64, i64::saturating_add).into()));
    put("databases", Some(Value::Map(databases)));
    put("evicted", info.int("evicted_keys"));
    put("rejected", info.int("rejected_connections"));
    put(
        "round_trip",
        answered.round_trip.as_ref().map(RoundTrip::facts),
    );
    put("info", Some(Value::Map(info.all())));
    Some(Seen {
        facts,
        target: Some(TargetSeen {
            name: String::new(),
            address: String::new(),
            engine: Some(format!("{engine} {version}")),
        }),
        ..Seen::default()
    })
}

impl RoundTrip {
    fn facts(&self) -> Value {
        let mut facts: Map = [
            ("key", Value::from(self.key.as_str())),
            ("written", self.written.into()),
            ("read_back", self.read_back.into()),
            ("removed", self.removed.into()),
        ]
        .into_iter()
        .map(|(n, v)| (n.to_owned(), v))
        .collect();
        if let Some(error) = &self.error {
            facts.insert("error".to_owned(), error.as_str().into());
        }
        Value::Map(facts)
    }
}

/// The lines of INFO.
struct Info<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Info<'a> {
    fn read(text: &'a str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(
            lines
                .filter_map(|line| line.trim().split_once(':'))
                .collect(),
        )
    }

    /// Valkey keeps `redis_version` for old clients and says its own beside it.
    fn engine(&self) -> Option<(&'a str, &'a str)> {
        if let Some(version) = self.0.get("valkey_version") {
            return Some(("valkey", version));
        }
        Some(("redis", *self.0.get("redis_version")?))
    }

    fn all(&self) -> Map {
        let all = self.0.iter();
        all.map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect()
    }

    fn text(&self, name: &str) -> Option<Value> {
        Some((*self.0.get(name)?).into())
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.parse().ok()
    }

    fn int(&self, name: &str) -> Option<Value> {
        self.number(name).map(Value::Int)
    }

    fn seconds(&self, name: &str) -> Option<Value> {
        let seconds = self.number(name)?;
        Some(Value::Duration(seconds.checked_mul(1_000_000_000)?))
    }

    fn flag(&self, name: &str) -> Option<Value> {
        self.number(name).map(|n| (n == 1).into())
    }

    fn is_ok(&self, name: &str) -> Option<bool> {
        self.0.get(name).map(|word| *word == "ok")
    }

    fn share(&self, used: &str, max: &str) -> Option<Value> {
        let (used, max) = (self.number(used)?, self.number(max)?);
        (max > 0).then(|| Value::Double(used as f64 / max as f64))
    }

    fn memory(&self) -> Value {
        let limited = self.number("maxmemory").filter(|max| *max > 0);
        let ratio = self.0.get("mem_fragmentation_ratio");
        map([
            ("used", self.int("used_memory")),
            ("peak", self.int("used_memory_peak")),
            ("max", limited.map(Value::Int)),
            ("share", self.share("used_memory", "maxmemory")),
            ("policy", self.text("maxmemory_policy")),
            (
                "fragmentation",
                ratio.and_then(|r| r.parse().ok()).map(Value::Double),
            ),
        ])
    }

    fn persistence(&self) -> Value {
        let last = self
            .number("rdb_last_save_time")
            .and_then(|at| Utc.timestamp_opt(at, 0).single());
        // Both by the server; where its clock was set back, how long ago is not known.
        let now = self
            .number("server_time_usec")
            .and_then(DateTime::<Utc>::from_timestamp_micros);
        let since = now
            .zip(last)
            .and_then(|(now, at)| (now - at).num_nanoseconds());
        let since = since.filter(|ns| *ns >= 0);
        let aof_ok = self
            .is_ok("aof_last_write_status")
            .map(|write| write && self.is_ok("aof_last_bgrewrite_status").unwrap_or(true));
        map([
            ("loading", self.flag("loading")),
            ("last_save", last.map(Value::Timestamp)),
            ("since_last_save", since.map(Value::Duration)),
            (
                "last_save_ok",
                self.is_ok("rdb_last_bgsave_status").map(Value::Bool),
            ),
            (
                "changes_since_save",
                self.int("rdb_changes_since_last_save"),
            ),
            ("aof", self.flag("aof_enabled")),
            ("aof_ok", aof_ok.map(Value::Bool)),
        ])
    }

    fn clients(&self) -> Value {
        map([
            ("connected", self.int("connected_clients")),
            ("blocked", self.int("blocked_clients")),
            ("max", self.int("maxclients")),
            ("share", self.share("connected_clients", "maxclients")),
        ])
    }

    /// `db0:keys=12,expires=0,avg_ttl=0`.
    fn databases(&self) -> Map {
        let databases = self.0.iter().filter(|(name, _)| {
            name.strip_prefix("db")
                .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        });
        databases
            .filter_map(|(name, value)| {
                let keys = value
                    .split(',')
                    .find_map(|part| part.strip_prefix("keys="))?;
                Some(((*name).to_owned(), Value::Int(keys.parse().ok()?)))
            })
            .collect()
    }
}

fn map<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let there = fields
        .into_iter()
        .filter_map(|(n, v)| Some((n.to_owned(), v?)));
    Value::Map(there.collect())
}
