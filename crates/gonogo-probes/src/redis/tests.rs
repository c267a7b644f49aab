use std::path::PathBuf;
use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::record::Cause;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::probe::ResolvedTarget;
use crate::testing::RedisServer;

async fn observe(target: Json, options: Json) -> Result<Seen, NotObserved> {
    let (keep, cancelled) = tokio::sync::watch::channel(false);
    // The run is never stopped here; a dropped sender says so too.
    drop(keep);
    let hosts = syntax::host(&target).unwrap();
    let hosts = hosts.iter().map(|h| {
        let (host, port) = h.rsplit_once(':').unwrap();
        (host.to_owned(), port.parse().unwrap())
    });
    let ctx = Ctx::new(
        hosts.collect(),
        PathBuf::from("."),
        Duration::from_secs(20),
        cancelled,
    );
    let target = ResolvedTarget {
        name: "cache".to_owned(),
        kind: "redis".to_owned(),
        options: target,
    };
    let scope = GateScope::new(false);
    Redis
        .observe(Call {
            options,
            target: Some(&target),
            limits: &[],
            statistics: &gonogo_core::plan::StatisticsOptions::default(),
            earlier_samplings: Some(0),
            reads: false,
            scope: &scope,
            ctx: &ctx,
        })
        .await
}

fn ping() -> Json {
    json!({"redis": "ping"})
}

fn there() -> Json {
    json!({"redis": "ping", "round_trip": true})
}

fn under<'s>(seen: &'s Seen, fact: &str, key: &str) -> Option<&'s Value> {
    seen.facts[fact].get(key)
}

#[tokio::test]
async fn a_real_redis_is_observed_and_left_as_it_was() {
    let server = RedisServer::start(&["maxmemory 64mb", "maxclients 100"]);
    server.cli(&["set", "mine", "1"]);
    let before = server.cli(&["keys", "*"]);
    let seen = observe(json!({"redis": server.url()}), there())
        .await
        .unwrap();

    let version = server.cli(&["info", "server"]);
    let version = version
        .lines()
        .find_map(|l| l.strip_prefix("redis_version:"))
        .unwrap();
    assert_eq!(seen.facts["version"], version.trim().into());
    assert_eq!(seen.facts["role"], "master".into());
    assert_eq!(seen.facts["open"], Value::Bool(true));
    assert_eq!(seen.facts["keys"], Value::Int(1));
    assert_eq!(
        under(&seen, "memory", "max"),
        Some(&Value::Int(64 * 1024 * 1024))
    );
    assert!(
        matches!(under(&seen, "memory", "share"), Some(Value::Double(s)) if (0.0..1.0).contains(s))
    );
    assert_eq!(under(&seen, "clients", "max"), Some(&Value::Int(100)));
    assert_eq!(
        under(&seen, "persistence", "last_save_ok"),
        Some(&Value::Bool(true))
    );
    assert_eq!(
        under(&seen, "persistence", "aof"),
        Some(&Value::Bool(false))
    );
    for fact in ["written", "read_back", "removed"] {
        assert_eq!(
            under(&seen, "round_trip", fact),
            Some(&Value::Bool(true)),
            "{fact}"
        );
    }
    assert_eq!(server.cli(&["keys", "*"]), before);
    assert_eq!(
        seen.target.unwrap().engine.unwrap(),
        format!("redis {}", version.trim())
    );

    // By its socket too, and without the round trip nothing is written.
    let changes = |server: &RedisServer| {
        let text = server.cli(&["info", "persistence"]);
        text.lines().find_map(|l| {
            l.strip_prefix("rdb_changes_since_last_save:")
                .map(str::to_owned)
        })
    };
    let unchanged = changes(&server);
    let by_socket = json!({"redis": format!("unix://{}", server.socket())});
    let seen = observe(by_socket, ping()).await.unwrap();
    assert!(!seen.facts.contains_key("round_trip"));
    assert_eq!(changes(&server), unchanged);
}

#[tokio::test]
async fn a_password_is_given_and_who_answers_strangers_is_open() {
    let server = RedisServer::start(&[
        "requirepass Tr0ub4dor&3",
        "user reader on >letmein ~* -@all +ping +info",
    ]);
    let with = |more: Json| {
        let mut target = json!({"redis": server.url()});
        for (key, value) in more.as_object().unwrap() {
            target[key] = value.clone();
        }
        target
    };
    let seen = observe(with(json!({"password": "Tr0ub4dor&3"})), ping())
        .await
        .unwrap();
    assert_eq!(seen.facts["open"], Value::Bool(false));
    let failed = observe(with(json!({})), ping()).await.unwrap_err();
    assert_eq!(failed.cause, Cause::Denied);
    assert!(failed.help.unwrap().contains("password"));
    let failed = observe(with(json!({"password": "wr0ng-wr0ng"})), ping())
        .await
        .unwrap_err();
    assert_eq!(failed.cause, Cause::Denied);
    assert!(!failed.message.contains("wr0ng"), "{}", failed.message);
    let reader = with(json!({"user": "reader", "password": "letmein"}));
    observe(reader.clone(), ping()).await.unwrap();
    // Who may not write is told so; that is what was seen.
    let seen = observe(reader, there()).await.unwrap();
    assert_eq!(
        under(&seen, "round_trip", "written"),
        Some(&Value::Bool(false))
    );
    assert!(
        under(&seen, "round_trip", "error")
            .unwrap()
            .as_str()
            .unwrap()
            .contains("NOPERM")
    );

    // A password for a server that has none.
    let open = RedisServer::start(&[]);
    let failed = observe(json!({"redis": open.url(), "password": "any"}), ping())
        .await
        .unwrap_err();
    assert_eq!(failed.cause, Cause::Denied);
    assert!(failed.help.unwrap().contains("asks for no password"));
}

#[tokio::test]
async fn a_replica_says_so_and_cannot_be_written() {
    let main = RedisServer::start(&[]);
    let replica = RedisServer::start(&[&format!("replicaof 127.0.0.1 {}", main.port())]);
    // WAIT ends when the replica has taken over what was written.
    main.cli(&["set", "a", "1"]);
    main.cli(&["wait", "1", "20000"]);
    let seen = observe(json!({"redis": replica.url()}), there())
        .await
        .unwrap();
    assert_eq!(seen.facts["role"], "slave".into());
    assert_eq!(seen.facts["link"], "up".into());
    assert_eq!(
        under(&seen, "round_trip", "written"),
        Some(&Value::Bool(false))
    );
    assert!(
        under(&seen, "round_trip", "error")
            .unwrap()
            .as_str()
            .unwrap()
            .contains("READONLY")
    );
    let seen = observe(json!({"redis": main.url()}), ping()).await.unwrap();
    assert_eq!(seen.facts["replicas"], Value::Int(1));
}

#[tokio::test]
async fn a_full_redis_that_refuses_writes_is_seen() {
    let server = RedisServer::start(&["maxmemory 1", "maxmemory-policy noeviction"]);
    let seen = observe(json!({"redis": server.url()}), there())
        .await
        .unwrap();
    assert_eq!(
        under(&seen, "round_trip", "written"),
        Some(&Value::Bool(false))
    );
    assert!(
        under(&seen, "round_trip", "error")
            .unwrap()
            .as_str()
            .unwrap()
            .contains("OOM")
    );
    assert!(matches!(under(&seen, "memory", "share"), Some(Value::Double(s)) if *s > 1.0));
}

#[test]
fn an_address_is_read_whole_or_refused_with_what_to_write() {
    let host = |text: &str| syntax::host(&json!({ "redis": text }));
    assert_eq!(host("redis://cache"), Ok(Some("cache:6379".to_owned())));
    assert_eq!(
        host("rediss://cache:6380/2"),
        Ok(Some("cache:6380".to_owned()))
    );
    assert_eq!(host("redis://[::1]:7/0"), Ok(Some("[::1]:7".to_owned())));
    assert_eq!(host("unix:///run/redis.sock"), Ok(None));
    for (bad, told) in [
        ("cache:6379", "redis://"),
        ("http://cache", "not redis"),
        ("redis://:hunter2@cache", "`password:`"),
        ("redis://cache/x", "number of a database"),
        ("unix://", "no socket"),
    ] {
        let why = host(bad).unwrap_err();
        assert!(
            why.contains(told) && !why.contains("hunter2"),
            "{bad}: {why}"
        );
    }
}

#[test]
fn only_a_round_trip_writes() {
    assert_eq!(Redis.power(&ping(), false, false), None);
    assert_eq!(
        Redis.power(&json!({"redis": "ping", "round_trip": false}), false, false),
        None
    );
    assert_eq!(Redis.power(&there(), false, false), Some(Power::Write));
    // What a template will say is not known yet.
    let template = json!({"redis": "ping", "round_trip": "${inputs.deep}"});
    assert_eq!(Redis.power(&template, false, false), Some(Power::Write));
}

/// A server that says these bytes and no more.
async fn said(bytes: Vec<u8>) -> Result<wire::Reply, wire::Broken> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(async move {
        let mut asked = [0u8; 14];
        drop(theirs.read_exact(&mut asked).await);
        drop(theirs.write_all(&bytes).await);
    });
    let mut wire = wire::Wire::new(ours);
    let reply = wire.ask(&["PING"]).await;
    drop(serving.await);
    reply
}

#[tokio::test]
async fn an_answer_that_is_none_is_refused_and_a_huge_one_not_read() {
    use wire::{Broken, Reply};
    assert!(matches!(said(b"+PONG\r\n".to_vec()).await, Ok(Reply::Text(t)) if t == "PONG"));
    assert!(matches!(
        said(b"$-1\r\n".to_vec()).await,
        Ok(Reply::Nothing)
    ));
    assert!(matches!(
        said(b"HTTP/1.1 400 Bad Request\r\n".to_vec()).await,
        Err(Broken::NotRedis(_))
    ));
    assert!(matches!(
        said(b"$99999999999\r\n".to_vec()).await,
        Err(Broken::TooLong)
    ));
    assert!(matches!(
        said(b"$-7\r\n".to_vec()).await,
        Err(Broken::NotRedis(_))
    ));
    assert!(matches!(
        said(b"$5\r\nPO".to_vec()).await,
        Err(Broken::Io(_))
    ));
    assert!(matches!(said(Vec::new()).await, Err(Broken::Io(_))));
}

proptest! {
    #[test]
    fn no_value_becomes_another_command(parts in prop::collection::vec("[\\PC\r\n]{0,20}", 1..5)) {
        let words: Vec<&str> = parts.iter().map(String::as_str).collect();
        let bytes = wire::encoded(&words);
        // Read back by lengths, as a server does.
        let mut rest = &bytes[..];
        let line = |rest: &mut &[u8]| {
            let end = rest.windows(2).position(|w| w == b"\r\n").unwrap();
            let line = std::str::from_utf8(&rest[1..end]).unwrap().parse::<usize>().unwrap();
            *rest = &rest[end + 2..];
            line
        };
        let count = line(&mut rest);
        prop_assert_eq!(count, parts.len());
        for part in &parts {
            let length = line(&mut rest);
            prop_assert_eq!(&rest[..length], part.as_bytes());
            rest = &rest[length + 2..];
        }
        prop_assert!(rest.is_empty());
    }
}
