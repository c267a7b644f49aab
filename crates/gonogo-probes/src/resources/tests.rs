use std::path::PathBuf;
use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::record::Cause;
use proptest::prelude::*;
use serde_json::json;

use super::host::{Memory, Ticks};
use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::probe::ResolvedTarget;
use crate::testing::PodmanEngine;

async fn observe(target: Option<(&str, String)>, options: Json) -> Result<Seen, NotObserved> {
    let (keep, cancelled) = tokio::sync::watch::channel(false);
    // The run is never stopped here; a dropped sender says so too.
    drop(keep);
    let host = target.as_ref().and_then(|(_, url)| {
        let (host, port) = url.strip_prefix("http://")?.rsplit_once(':')?;
        Some((host.to_owned(), port.parse().ok()?))
    });
    let ctx = Ctx::new(
        host.into_iter().collect(),
        PathBuf::from("."),
        Duration::from_mins(1),
        cancelled,
    );
    let target = target.map(|(kind, address)| ResolvedTarget {
        name: "t".to_owned(),
        kind: kind.to_owned(),
        options: json!({ kind: address }),
    });
    let scope = GateScope::new(false);
    Resources
        .observe(Call {
            options,
            target: target.as_ref(),
            limits: &[],
            statistics: &gonogo_core::plan::StatisticsOptions::default(),
            earlier_samplings: Some(0),
            reads: false,
            scope: &scope,
            ctx: &ctx,
        })
        .await
}

fn share(seen: &Seen, fact: &str) -> f64 {
    match seen.facts.get(fact) {
        Some(Value::Double(share)) => *share,
        other => panic!("{fact} is {other:?}"),
    }
}

#[tokio::test]
async fn this_machine_has_shares_between_nothing_and_all() {
    let seen = observe(None, json!({"resources": "host", "over": "50ms"}))
        .await
        .unwrap();
    for fact in ["memory", "disk"] {
        assert!(
            (0.0..=1.0).contains(&share(&seen, fact)),
            "{fact}: {seen:?}"
        );
        assert!(share(&seen, fact) > 0.0, "{fact}: {seen:?}");
    }
    assert!((0.0..=1.0).contains(&share(&seen, "cpu")), "{seen:?}");
    assert!(seen.absent.is_empty());
    let total = seen.facts["disks"]
        .get("/")
        .and_then(|d| d.get("total")?.as_int());
    assert!(total > Some(0));
}

#[tokio::test]
async fn a_disk_without_a_size_is_not_known_and_one_that_is_not_there_no_observation() {
    let ask = |disk: &str| json!({"resources": "host", "over": "50ms", "disks": ["/", disk]});
    let seen = observe(None, ask("/proc")).await.unwrap();
    assert!(!seen.facts.contains_key("disk"));
    assert_eq!(seen.absent[0].fact, "disk");
    let failed = observe(None, ask("/no/such/folder")).await.unwrap_err();
    assert_eq!(failed.cause, Cause::Missing);
    let failed = observe(None, json!({"resources": "host", "over": "1ms"}))
        .await
        .unwrap_err();
    assert_eq!(failed.cause, Cause::BadOptions);
    let failed = observe(None, json!({"resources": "host", "over": "2m"}))
        .await
        .unwrap_err();
    assert!(failed.message.contains("timeout"), "{failed:?}");
}

#[tokio::test]
async fn a_real_engine_tells_what_its_containers_use() {
    let engine = PodmanEngine::start();
    let url = || Some(("docker", format!("unix://{}", engine.socket())));
    engine.run(
        "shop",
        "busy",
        &["--memory", "64m"],
        &["/bin/sh", "-c", "while :; do :; done"],
    );
    engine.run("shop", "idle", &[], &[]);
    let gone = engine.run("shop", "gone", &[], &["/bin/sh", "-c", "exit 0"]);
    engine.podman(&["wait", &gone]);
    let ask = json!({"resources": "containers", "project": "shop", "over": "1s"});
    let seen = observe(url(), ask).await.unwrap();
    let all = seen.facts["containers"].as_list().unwrap();
    let figure = |n: usize, key: &str| match all[n].get(key) {
        Some(Value::Double(figure)) => *figure,
        other => panic!("{key}: {other:?}"),
    };
    assert_eq!(all.len(), 2, "{all:?}");
    // By the engine's own clock and count, so another load on the machine makes it less, never more.
    assert!(figure(0, "processors") > figure(1, "processors"), "{all:?}");
    assert!(figure(1, "processors") < 0.5, "{all:?}");
    assert!((figure(0, "cpu") - share(&seen, "cpu")).abs() < 1e-9);
    let limited = |n: usize| all[n].get("memory").and_then(|m| m.get("limited")).cloned();
    assert_eq!(
        (limited(0), limited(1)),
        (Some(Value::Bool(true)), Some(Value::Bool(false)))
    );
    let limit = all[0].get("memory").and_then(|m| m.get("limit")?.as_int());
    assert_eq!(limit, Some(64 * 1024 * 1024));
    assert!(share(&seen, "memory") > 0.0);

    let none = observe(
        url(),
        json!({"resources": "containers", "project": "nobody"}),
    )
    .await
    .unwrap();
    assert_eq!(none.absent[0].fact, "containers");
    assert!(!none.facts.contains_key("cpu"));
}

/// A Prometheus that answers by what the query holds.
async fn prometheus(
    answers: &'static [(&'static str, &'static str)],
) -> (String, tokio::task::JoinHandle<()>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let line = head.lines().next().unwrap_or("");
            let found = answers.iter().find(|(key, _)| line.contains(key));
            let data = found.map_or(r#"{"resultType":"vector","result":[]}"#, |(_, data)| data);
            let body = format!(r#"{{"status":"success","data":{data}}}"#);
            let text = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            drop(stream.write_all(text.as_bytes()).await);
        }
    });
    (url, serving)
}

#[tokio::test]
async fn of_several_series_the_largest_counts_and_what_is_not_there_is_not_known() {
    let (url, serving) = prometheus(&[
        ("busy", r#"{"resultType":"vector","result":[{"metric":{"i":"a"},"value":[1,"0.25"]},{"metric":{"i":"b"},"value":[1,"0.75"]}]}"#),
        ("used", r#"{"resultType":"scalar","result":[1,"0.5"]}"#),
        ("broken", r#"{"resultType":"vector","result":[{"metric":{},"value":[1,"0.1"]},{"metric":{},"value":[1,"NaN"]}]}"#),
        ("over_time", r#"{"resultType":"matrix","result":[]}"#),
    ])
    .await;
    let ask = |queries: Json| {
        observe(
            Some(("prometheus", url.clone())),
            json!({"resources": "prometheus", "queries": queries}),
        )
    };
    let seen = ask(json!({"cpu": "busy", "memory": "used", "queue": "busy"}))
        .await
        .unwrap();
    assert_eq!((share(&seen, "cpu"), share(&seen, "memory")), (0.75, 0.5));
    assert_eq!(
        seen.facts["values"].get("queue"),
        Some(&Value::Double(0.75))
    );
    assert!(!seen.facts.contains_key("queue") && seen.absent.is_empty());
    assert_eq!(seen.facts["samples"].as_list().unwrap().len(), 5);

    let seen = ask(json!({"pool": "nothing", "cpu": "busy"}))
        .await
        .unwrap();
    assert!(!seen.facts.contains_key("pool"));
    assert_eq!(seen.absent[0].fact, "pool");
    // What is no number hides nothing behind a number.
    let seen = ask(json!({"disk": "broken"})).await.unwrap();
    assert!(share(&seen, "disk").is_nan());
    let failed = ask(json!({"cpu": "over_time"})).await.unwrap_err();
    assert!(failed.message.contains("values over time"), "{failed:?}");
    serving.abort();
}

#[test]
fn options_of_another_source_are_found_before_anything_runs() {
    let keys = |options: Json| -> Vec<String> {
        Resources
            .lint(&options)
            .into_iter()
            .map(|p| p.key)
            .collect()
    };
    assert_eq!(
        keys(json!({"resources": "host", "queries": {"cpu": "x"}})),
        ["queries"]
    );
    assert_eq!(keys(json!({"resources": "prometheus"})), ["queries"]);
    assert_eq!(
        keys(json!({"resources": "prometheus", "queries": {"cpu": " "}})),
        ["queries.cpu"]
    );
    assert_eq!(
        keys(json!({"resources": "containers", "disks": ["/"], "project": "A b"})),
        ["disks", "project"]
    );
    assert_eq!(keys(json!({"resources": "host", "over": "1s"})), [""; 0]);
    let facts = |options: Json| -> Vec<String> {
        Resources
            .shape(&options)
            .fields
            .into_iter()
            .map(|f| f.0)
            .collect()
    };
    assert!(!facts(json!({"resources": "host"})).contains(&"pool".to_owned()));
    assert!(
        !facts(json!({"resources": "prometheus", "queries": {"cpu": "x"}}))
            .contains(&"disk".to_owned())
    );
}

#[test]
fn processor_time_and_memory_are_read_as_linux_tells_them() {
    let before = Ticks::of("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2 3\n").unwrap();
    let after = Ticks::of("cpu  150 0 150 850 100 0 0 0 90 0\n").unwrap();
    assert_eq!(after.busy_since(&before), Some(0.4));
    assert_eq!(before.busy_since(&before), None);
    assert_eq!(before.busy_since(&after), None);
    assert_eq!(Ticks::of("cpu 1 2 x 4 5\n"), None);
    assert_eq!(Ticks::of(""), None);
    let memory = Memory::of("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  250 kB\n").unwrap();
    assert!((memory.share() - 0.75).abs() < f64::EPSILON);
    assert_eq!(Memory::of("MemTotal: 1000 kB\n"), None);
    assert_eq!(Memory::of("MemTotal: 1 kB\nMemAvailable: 2 kB\n"), None);
}

proptest! {
    #[test]
    fn no_text_makes_the_readers_panic(text in "(cpu |MemTotal:|MemAvailable:)?[ -~\n]{0,60}") {
        let _read = (Ticks::of(&text), Memory::of(&text).map(|m| m.share()));
    }

    #[test]
    fn a_share_of_processors_is_between_nothing_and_all(a in prop::collection::vec(0u64..1_000_000, 10), more in prop::collection::vec(0u64..1_000_000, 10)) {
        let line = |ticks: Vec<u64>| format!("cpu  {}\n", ticks.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
        let after = a.iter().zip(&more).map(|(a, b)| a + b).collect();
        let (before, after) = (Ticks::of(&line(a)).unwrap(), Ticks::of(&line(after)).unwrap());
        if let Some(share) = after.busy_since(&before) {
            prop_assert!((0.0..=1.0).contains(&share));
        }
    }
}
