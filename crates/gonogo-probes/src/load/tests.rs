use std::path::PathBuf;
use std::time::Duration;

use gonogo_core::plan::Limit;
use gonogo_core::series::Series;
use gonogo_core::stats::{Claim, LimitOutcome, judge_limit};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::probe::ResolvedTarget;

/// Answers every request with the status that the counter is given.
async fn server(status: fn(u64) -> u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = std::sync::Arc::clone(&count);
            tokio::spawn(async move {
                let mut buffer = [0u8; 4096];
                while let Ok(n) = stream.read(&mut buffer).await {
                    if n == 0 {
                        break;
                    }
                    let asked = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let answer =
                        format!("HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", status(asked));
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

/// Requests a millisecond apart are taken as independent here, so that small samples decide.
fn spread() -> StatisticsOptions {
    StatisticsOptions {
        correlation_time_ns: 1_000_000,
        ..StatisticsOptions::default()
    }
}

fn assumptions(sequential: bool) -> gonogo_core::stats::Assumptions {
    gonogo_core::stats::Assumptions {
        sequential,
        correlation_time_ns: 1_000_000,
        ..Default::default()
    }
}

async fn observe(port: u16, options: Json, limits: &[Limit]) -> Result<Seen, NotObserved> {
    let (_keep, cancelled) = tokio::sync::watch::channel(false);
    let hosts = vec![("127.0.0.1".to_owned(), port)];
    let ctx = Ctx::new(hosts, PathBuf::from("."), Duration::from_mins(1), cancelled);
    let target = ResolvedTarget {
        name: "api".to_owned(),
        kind: "http".to_owned(),
        options: json!({ "http": format!("http://127.0.0.1:{port}") }),
    };
    let scope = GateScope::new(false);
    Load.observe(Call {
        options,
        target: Some(&target),
        limits,
        statistics: &spread(),
        earlier_samplings: Some(0),
        reads: false,
        scope: &scope,
        ctx: &ctx,
    })
    .await
}

fn series(seen: &Seen) -> Series {
    let blob = seen.blobs.iter().find(|b| b.role == "samples").unwrap();
    Series::read(blob.bytes.clone()).unwrap()
}

fn errors(max: f64) -> Limit {
    Limit {
        text: format!("errors: {max}"),
        claim: Claim::ErrorRate { max },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scheduled_request_is_in_the_series() {
    let port = server(|n| if n % 10 == 0 { 500 } else { 200 }).await;
    let options = json!({"load": "GET /x", "rate": "2000/s", "requests": 400});
    let seen = observe(port, options, &[]).await.unwrap();
    assert_eq!(seen.facts["samples_count"], 400i64.into());
    assert_eq!(seen.facts["errors"], 40i64.into());
    assert_eq!(series(&seen).count(), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_refuses_gives_errors_and_no_silence() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let options = json!({"load": "GET /x", "rate": "1000/s", "requests": 200});
    let seen = observe(port, options, &[]).await.unwrap();
    assert_eq!(seen.facts["errors"], 200i64.into());
    let series = series(&seen);
    let judged = judge_limit(Claim::ErrorRate { max: 0.5 }, &series, &assumptions(false));
    assert_ne!(judged.outcome, LimitOutcome::Met, "{}", judged.reason);
}

/// A sample that was due, sent and answered without any lateness.
fn prompt(index: u64, end: engine::End) -> engine::Sample {
    let due_ns = index * 2_000_000;
    engine::Sample {
        index,
        due_ns,
        sent_ns: Some(due_ns),
        done_ns: Some(due_ns + 500_000),
        status: if end == engine::End::Ok { 200 } else { 503 },
        end,
        bytes: 100,
    }
}

fn header(rate: Option<f64>) -> gonogo_core::series::SeriesHeader {
    gonogo_core::series::SeriesHeader {
        model: gonogo_core::series::Model::Open {
            arrivals: gonogo_core::series::Arrivals::Constant,
        },
        planned_rate: rate,
        started_at_ms: 0,
        warm_up: 0,
        timeout_ns: 1_000_000_000,
    }
}

#[test]
fn until_decided_stops_when_the_answer_stands_whatever_becomes_of_what_is_under_way() {
    use engine::{End, Proceed, Progress, Sink as _};
    let limits = [errors(0.1)];
    let options = json!({"load": "GET /x", "rate": "500/s", "until": "decided", "at_most": 50_000});
    let rhythm = rhythm(&options, &limits, &spread()).unwrap();
    for (every, outcome) in [(u64::MAX, LimitOutcome::Met), (3, LimitOutcome::NotMet)] {
        let claims = [limits[0].claim];
        let header = header(rhythm.rate);
        let mut collector =
            run::Collector::new(&header, &claims, &rhythm, &assumptions(true), 0).unwrap();
        let stopped = (0..5_000u64).find(|index| {
            let failed = index % every == every - 1;
            let end = if failed { End::BadStatus } else { End::Ok };
            collector.sample(&prompt(*index, end));
            let progress = |under_way: u64| Progress {
                elapsed: Duration::from_nanos(index * 2_000_000),
                due: index + 1 + under_way,
                done: index + 1,
            };
            // With many more under way than answered nothing stands yet.
            assert_eq!(collector.proceed(&progress(20_000)), Proceed::Continue);
            collector.proceed(&progress(0)) == Proceed::Stop
        });
        assert!(stopped.is_some(), "it is decided long before");
        let series = collector.into_series().unwrap();
        let judged = judge_limit(claims[0], &series, &assumptions(true));
        assert_eq!(judged.outcome, outcome, "{}", judged.reason);
    }
}

#[test]
fn a_rhythm_without_a_number_takes_what_its_limits_need() {
    let statistics = StatisticsOptions::default();
    let of = |options: Json, limits: &[Limit]| rhythm(&options, limits, &statistics).unwrap();
    let open = of(json!({"load": "GET /"}), &[errors(0.05)]);
    // 20/s and τ = 0.1 s: bursts of two, so twice the recommended 181.
    assert_eq!((open.rate, open.requests), (Some(20.0), Some(362)));
    let rounds = of(json!({"load": "GET /", "rounds": 60}), &[]);
    assert_eq!(
        (rounds.rate, rounds.requests, rounds.users),
        (Some(10.0), Some(60), Some(1))
    );
}

#[test]
fn a_rhythm_that_means_nothing_is_refused_before_anything_is_sent() {
    for options in [
        json!({"load": "GET /", "rate": "fast"}),
        json!({"load": "GET /", "rate": "NaN/s"}),
        json!({"load": "GET /", "rate": "10/s", "users": 3}),
        json!({"load": "GET /", "until": "decided"}),
        json!({"load": "GET /", "at_most": 10}),
        json!({"load": "health"}),
    ] {
        assert!(!Load.lint(&options).is_empty(), "{options}");
    }
}
