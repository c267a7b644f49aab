use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use gonogo_core::Value;
use proptest::prelude::*;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::fields::{Quota, read, retry_after};
use super::observed::{Answered, disagreements, seen};
use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::http::Fetched;
use crate::probe::ResolvedTarget;

fn answer(headers: &[(&str, &str)]) -> Fetched {
    Fetched {
        tried: String::new(),
        status: 200,
        reason: String::new(),
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned()))
            .collect(),
        body: Vec::new(),
        cut: None,
        latency: Duration::ZERO,
        url: "http://api.example/".to_owned(),
        redirects: Vec::new(),
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

type Told = (Option<i64>, Option<i64>, Option<i64>);

fn told(headers: &[(&str, &str)]) -> Option<(&'static str, Told, usize)> {
    let quota = read(&answer(headers), now())?;
    let numbers = (quota.limit, quota.remaining, quota.reset);
    Some((quota.field, numbers, quota.problems.len()))
}

#[test]
fn each_form_of_the_fields_is_read() {
    let epoch = now().timestamp() + 30;
    let (seconds, milliseconds) = (epoch.to_string(), (epoch * 1000).to_string());
    let all = (Some(100), Some(50), Some(30));
    // Draft 11.
    let policy = ("RateLimit-Policy", "\"default\";q=100;w=60");
    assert_eq!(
        told(&[policy, ("RateLimit", "\"default\";r=50;t=30")]),
        Some(("RateLimit", all, 0))
    );
    // The policy with the least left, its limit by its name.
    let two = (
        "RateLimit-Policy",
        "\"day\";q=1000;w=86400, \"burst\";q=100;w=60",
    );
    assert_eq!(
        told(&[
            two,
            ("RateLimit", "\"day\";r=900;t=3600"),
            ("RateLimit", "\"burst\";r=50;t=30")
        ]),
        Some(("RateLimit", all, 0))
    );
    // Draft 07.
    assert_eq!(
        told(&[("RateLimit", "limit=100, remaining=50, reset=30")]),
        Some(("RateLimit", all, 0))
    );
    // Drafts up to 06.
    let old = |limit| {
        told(&[
            ("RateLimit-Limit", limit),
            ("RateLimit-Remaining", "50"),
            ("RateLimit-Reset", "30"),
        ])
    };
    assert_eq!(old("100"), Some(("RateLimit-Limit", all, 0)));
    assert_eq!(
        old("100, 100;w=60, 1000;w=3600"),
        Some(("RateLimit-Limit", all, 0))
    );
    // Before them: seconds, or an instant in seconds or milliseconds.
    for reset in ["30", "30.5", &seconds, &milliseconds] {
        let found = told(&[
            ("X-RateLimit-Limit", "100"),
            ("X-RateLimit-Remaining", "50"),
            ("X-RateLimit-Reset", reset),
        ]);
        assert_eq!(found, Some(("X-RateLimit-Limit", all, 0)), "{reset}");
    }
    // An instant is one of the service's clock.
    let early = ("Date", "Sat, 21 Nov 2026 09:59:00 GMT");
    let found = told(&[
        early,
        ("X-RateLimit-Remaining", "1"),
        ("X-RateLimit-Reset", &seconds),
    ]);
    assert_eq!(
        found,
        Some(("X-RateLimit-Limit", (None, Some(1), Some(90)), 0))
    );
    assert_eq!(
        told(&[policy]),
        Some(("RateLimit-Policy", (Some(100), None, None), 0))
    );
    assert_eq!(told(&[("Retry-After", "3")]), None);
}

#[test]
fn what_cannot_be_read_is_a_problem_and_no_number() {
    for headers in [
        [("RateLimit", "")],
        [("RateLimit", "50 of 100")],
        [("RateLimit", "\"default\"")],
        [("RateLimit", "\"default\";r=many")],
        [("RateLimit", "\"default\";r=-1")],
        [("RateLimit", "(\"a\" \"b\")")],
        [("RateLimit-Policy", "\"default\";w=60")],
        [("X-RateLimit-Limit", "a lot")],
        [("X-RateLimit-Limit", "-5")],
    ] {
        let quota = read(&answer(&headers), now()).unwrap();
        assert!(!quota.problems.is_empty(), "{headers:?}: {quota:?}");
        assert_eq!((quota.limit, quota.remaining), (None, None), "{headers:?}");
    }
}

#[test]
fn a_wait_is_a_number_of_seconds_or_a_date() {
    let wait = |value: &str| retry_after(&answer(&[("Retry-After", value)]), now());
    assert_eq!(wait("120"), Some(Ok(120)));
    assert_eq!(wait("Sat, 21 Nov 2026 10:01:00 GMT"), Some(Ok(60)));
    assert_eq!(wait("Sat, 21 Nov 2020 10:01:00 GMT"), Some(Ok(0)));
    for bad in ["", "-1", "1.5", "soon", "NaN"] {
        assert!(matches!(wait(bad), Some(Err(_))), "{bad}");
    }
    assert_eq!(retry_after(&answer(&[]), now()), None);
}

/// An answer after so many milliseconds: limit, remaining, reset.
fn said(at: u64, status: u16, quota: Option<(i64, i64, i64)>) -> Answered {
    Answered {
        at: Duration::from_millis(at),
        status,
        quota: quota.map(|(limit, remaining, reset)| Quota {
            field: "RateLimit-Limit",
            limit: Some(limit),
            remaining: Some(remaining),
            reset: Some(reset),
            ..Quota::default()
        }),
        retry_after: None,
    }
}

#[test]
fn a_limiter_that_counts_right_agrees_with_itself() {
    let counting = [
        said(10, 200, Some((3, 2, 60))),
        said(20, 200, Some((3, 1, 60))),
        said(30, 200, Some((3, 0, 60))),
        said(40, 429, Some((3, 0, 60))),
    ];
    assert_eq!(disagreements(&counting), [""; 0]);
    // Others use it too.
    let shared = [
        said(0, 200, Some((9, 8, 60))),
        said(9, 200, Some((9, 3, 60))),
    ];
    assert_eq!(disagreements(&shared), [""; 0]);
    // A new window.
    let renewed = [
        said(0, 200, Some((9, 0, 2))),
        said(2500, 200, Some((9, 8, 60))),
    ];
    assert_eq!(disagreements(&renewed), [""; 0]);
    // The limiter in front answers without the fields.
    let front = [said(0, 200, Some((9, 0, 60))), said(1, 429, None)];
    assert_eq!(disagreements(&front), [""; 0]);
}

#[test]
fn each_way_of_counting_wrong_is_told() {
    let cases: [(&[Answered], &str); 9] = [
        (
            &[said(0, 200, Some((5, 9, 60)))],
            "answer 1 says that 9 of 5 are left",
        ),
        (
            &[
                said(0, 200, Some((5, 4, 60))),
                said(9, 200, Some((6, 3, 60))),
            ],
            "the limit is 5, then 6 at answer 2",
        ),
        (
            &[
                said(0, 200, Some((5, 3, 60))),
                said(9, 200, Some((5, 4, 59))),
            ],
            "3 are left, then 4 at answer 2, in the same window",
        ),
        (
            &[
                said(0, 200, Some((5, 4, 60))),
                said(9, 200, Some((5, 4, 60))),
            ],
            "4 are left after each of 2 requests",
        ),
        (
            &[
                said(0, 200, Some((5, 3, 60))),
                said(9, 429, Some((5, 0, 60))),
            ],
            "request 2 got the 429 although 3 were left",
        ),
        (
            &[
                said(0, 200, Some((5, 0, 60))),
                said(9, 200, Some((5, 0, 60))),
            ],
            "request 2 was answered 200 although nothing was left",
        ),
        (
            &[said(0, 429, Some((5, 2, 60)))],
            "the 429 at request 1 says that 2 are left",
        ),
        (
            &[said(0, 200, Some((5, 4, 60))), said(9, 200, None)],
            "answer 2 no longer has RateLimit-Limit",
        ),
        (
            &[
                said(0, 200, Some((1, 1, 60))),
                said(9, 200, Some((1, 0, 60))),
            ],
            "2 requests were answered in one window of 1",
        ),
    ];
    for (answers, why) in cases {
        let found = disagreements(answers);
        assert!(found.contains(&why.to_owned()), "{why}: {found:?}");
    }
}

#[test]
fn nothing_said_of_a_limit_is_neither_agreement_nor_a_limit() {
    let silent = seen(&[said(0, 200, None), said(9, 200, None)], 2);
    for absent in [
        "consistent",
        "disagreements",
        "limit",
        "limited_at",
        "retry_after",
    ] {
        assert!(!silent.facts.contains_key(absent), "{absent}");
    }
    assert_eq!(silent.facts["announced"], Value::Bool(false));
    assert_eq!(silent.facts["stopped"], Value::from("all sent"));
}

/// A server that answers this until it has answered so often, and that then; it counts what it was asked.
async fn limiter(then: &'static str, after: usize) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0u8; 4096];
            while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let line = if number > after { then } else { "200 OK" };
                let answer = format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n");
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    (port, asked)
}

async fn ask(port: u16, options: Json) -> Result<Seen, NotObserved> {
    let (_keep, cancelled) = tokio::sync::watch::channel(false);
    let hosts = vec![("127.0.0.1".to_owned(), port)];
    let ctx = Ctx::new(
        hosts,
        PathBuf::from("."),
        Duration::from_secs(30),
        cancelled,
    );
    let target = ResolvedTarget {
        name: "api".to_owned(),
        kind: "http".to_owned(),
        options: json!({"http": format!("http://127.0.0.1:{port}")}),
    };
    let scope = GateScope::new(false);
    RateLimit
        .observe(Call {
            options,
            target: Some(&target),
            limits: &[],
            statistics: &gonogo_core::plan::StatisticsOptions::default(),
            earlier_samplings: None,
            reads: false,
            scope: &scope,
            ctx: &ctx,
        })
        .await
}

#[tokio::test]
async fn never_more_is_sent_than_the_bound_and_nothing_after_the_limiter_spoke() {
    for (then, after, bound, sent, stopped) in [
        ("429 Too Many Requests", 7, 20, 8, "limited"),
        ("503 Service Unavailable", 7, 20, 8, "server error"),
        ("200 OK", 0, 20, 20, "all sent"),
        ("404 Not Found", 0, 5, 5, "all sent"),
    ] {
        let (port, asked) = limiter(then, after).await;
        let options = json!({"rate-limit": "GET /orders", "requests": bound});
        let seen = ask(port, options).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), sent, "{then}");
        assert_eq!(seen.facts["requests"], Value::from(sent), "{then}");
        assert_eq!(seen.facts["stopped"], Value::from(stopped), "{then}");
        let limited = (stopped == "limited").then(|| Value::from(8));
        assert_eq!(seen.facts.get("limited_at").cloned(), limited, "{then}");
    }
}

#[tokio::test]
async fn a_bound_that_a_template_made_too_large_sends_nothing() {
    let (port, asked) = limiter("200 OK", 0).await;
    for bound in [0, 1, 501] {
        let options = json!({"rate-limit": "GET /", "requests": bound});
        assert!(ask(port, options).await.is_err());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn more_than_a_few_requests_are_a_load_and_writes_are_writes() {
    let power = |options: Json, reads| RateLimit.power(&options, false, reads);
    let few = |line: &str| json!({"rate-limit": line, "requests": 5});
    assert_eq!(power(few("GET /"), false), None);
    assert_eq!(power(few("POST /"), false), Some(Power::Write));
    assert_eq!(power(few("POST /"), true), None);
    assert_eq!(
        power(json!({"rate-limit": "GET /"}), true),
        Some(Power::Load)
    );
    let template = json!({"rate-limit": "GET /", "requests": "${inputs.n}"});
    assert_eq!(power(template, true), Some(Power::Load));
}

proptest! {
    #[test]
    fn no_value_of_a_field_stops_the_reading(
        value in "[ -~]{0,60}",
        name in prop::sample::select(vec![
            "RateLimit", "RateLimit-Policy", "RateLimit-Limit", "X-RateLimit-Remaining",
            "X-RateLimit-Reset", "Retry-After",
        ]),
    ) {
        let answer = answer(&[("X-RateLimit-Limit", "7"), (name, &value)]);
        let quota = read(&answer, now());
        let wait = retry_after(&answer, now());
        let one = Answered { at: Duration::ZERO, status: 429, quota: quota.clone(), retry_after: wait };
        let _facts = seen(&[one.clone(), one], 5);
        let numbers = quota.into_iter().flat_map(|q| [q.limit, q.remaining, q.reset]).flatten();
        for number in numbers {
            prop_assert!(number >= 0);
        }
    }
}
