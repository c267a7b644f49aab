use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gonogo_core::record::Cause;
use gonogo_core::{Map, Value};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::probe::ResolvedTarget;

/// A target that gives the same bytes to every request and keeps what it was asked.
struct Target {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Target {
    async fn answering(answer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&asked), answer.to_owned());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (kept, answer) = (Arc::clone(&kept), answer.clone());
                tokio::spawn(async move {
                    let mut buffer = [0u8; 8192];
                    while let Ok(count) = stream.read(&mut buffer).await {
                        if count == 0 {
                            break;
                        }
                        let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                        kept.lock().unwrap().push(text);
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            break;
                        }
                        if !answer.contains("Content-Length") {
                            break;
                        }
                    }
                });
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn options(&self) -> Json {
        json!({"http": format!("http://127.0.0.1:{}", self.port), "bearer": "target-token"})
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

fn door(ports: &[u16]) -> Ctx {
    let (_keep, cancelled) = tokio::sync::watch::channel(false);
    let hosts = ports.iter().map(|p| ("127.0.0.1".to_owned(), *p));
    let limit = Duration::from_secs(10);
    Ctx::new(hosts.collect(), PathBuf::from("."), limit, cancelled)
}

async fn through(ctx: &Ctx, target: &Target, options: Json) -> Result<Seen, NotObserved> {
    let target = ResolvedTarget {
        name: "api".to_owned(),
        kind: "http".to_owned(),
        options: target.options(),
    };
    let scope = GateScope::new(false);
    Http.observe(Call {
        options,
        target: Some(&target),
        limits: &[],
        statistics: &gonogo_core::plan::StatisticsOptions::default(),
        earlier_samplings: Some(0),
        reads: false,
        scope: &scope,
        ctx,
    })
    .await
}

async fn observe(target: &Target, options: Json) -> Result<Seen, NotObserved> {
    through(&door(&[target.port]), target, options).await
}

fn text(facts: &Map, name: &str) -> String {
    facts[name].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_answer_is_recorded_with_status_headers_body_and_where_the_time_went() {
    let target = Target::answering(&answer(
        "201 Created",
        "Content-Type: application/json\r\nX-Twice: a\r\nX-Twice: b\r\n",
        r#"{"n": 1}"#,
    ))
    .await;
    let seen = observe(&target, json!({"http": "GET /a"})).await.unwrap();
    assert_eq!(seen.facts["status"], 201i64.into());
    assert_eq!(seen.facts["body"].get("n"), Some(&Value::Int(1)));
    assert_eq!(seen.facts["headers"].get("x-twice"), Some(&"a, b".into()));
    for phase in ["dns", "connect", "tls", "first_byte", "total"] {
        let found = seen.facts["phases"].get(phase);
        assert!(matches!(found, Some(Value::Duration(_))), "{phase}");
    }
}

#[tokio::test]
async fn values_are_encoded_and_the_targets_bearer_is_sent_unless_taken_off() {
    let target = Target::answering(&answer("200 OK", "", "")).await;
    let options = json!({"http": "GET /a", "query": {"q": "a b&c", "n": [1, 2]}});
    observe(&target, options).await.unwrap();
    observe(&target, json!({"http": "GET /b", "bearer": "none"}))
        .await
        .unwrap();
    observe(&target, json!({"http": "POST /c", "json": {"a": 1}}))
        .await
        .unwrap();
    observe(&target, json!({"http": "POST /d", "form": {"a": "x y"}}))
        .await
        .unwrap();
    let asked = target.asked();
    assert!(
        asked[0].starts_with("GET /a?n=1&n=2&q=a%20b%26c HTTP/1.1"),
        "{}",
        asked[0]
    );
    assert!(asked[0].contains("authorization: Bearer target-token"));
    assert!(!asked[1].contains("authorization"));
    assert!(asked[2].ends_with("{\"a\":1}") && asked[2].contains("application/json"));
    assert!(asked[3].ends_with("a=x%20y"));
}

#[tokio::test]
async fn redirects_are_not_followed_unless_asked_and_never_with_credentials_to_another_origin() {
    let last = Target::answering(&answer("200 OK", "", "there")).await;
    let location = format!("Location: http://127.0.0.1:{}/x\r\n", last.port);
    let first = Target::answering(&answer("302 Found", &location, "")).await;
    let seen = observe(&first, json!({"http": "GET /"})).await.unwrap();
    assert_eq!(seen.facts["status"], 302i64.into());
    let ctx = door(&[first.port, last.port]);
    let seen = through(&ctx, &first, json!({"http": "GET /", "redirects": 2}))
        .await
        .unwrap();
    assert_eq!(text(&seen.facts, "body"), "there");
    assert!(
        !last.asked()[0].contains("authorization"),
        "{}",
        last.asked()[0]
    );
    // Without being a target of its own, the other host is not asked at all.
    let gap = observe(&first, json!({"http": "GET /", "redirects": 2}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Forbidden);
}

#[tokio::test]
async fn a_redirect_loop_is_no_answer_but_one_redirect_is_where_none_are_followed() {
    let target = Target::answering(&answer("302 Found", "Location: /again\r\n", "")).await;
    let gap = observe(&target, json!({"http": "GET /", "redirects": 3}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Protocol);
    assert!(gap.message.contains("after 3 redirects"), "{gap:?}");
    let seen = observe(&target, json!({"http": "GET /"})).await.unwrap();
    assert_eq!(seen.facts["status"], 302i64.into());
}

#[tokio::test]
async fn a_body_over_the_cap_is_cut_and_said_to_be() {
    let target = Target::answering(&answer("200 OK", "", &"x".repeat(100))).await;
    let seen = observe(&target, json!({"http": "GET /", "max_body": 10}))
        .await
        .unwrap();
    assert_eq!(text(&seen.facts, "text").len(), 10);
    assert!(seen.cut.iter().any(|cut| cut.fact == "body"));
}

#[tokio::test]
async fn a_truncated_answer_and_one_that_is_no_http_are_not_observed() {
    let short =
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc".replace("Content-L", "content-l");
    let target = Target::answering(&short).await;
    let gap = observe(&target, json!({"http": "GET /"}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Truncated, "{gap:?}");
    let target = Target::answering("SSH-2.0-OpenSSH_9\r\n").await;
    let gap = observe(&target, json!({"http": "GET /"}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Protocol, "{gap:?}");
}

#[tokio::test]
async fn a_bearer_token_is_described_and_not_recorded() {
    let target = Target::answering(&answer("401 Unauthorized", "", "")).await;
    // {"alg":"HS256"} and {"sub":"ops","exp":1}, with a signature that is none.
    let token = [
        "eyJhbGciOiJIUzI1NiJ9",
        "eyJzdWIiOiJvcHMiLCJleHAiOjF9",
        "AAAA",
    ]
    .join(".");
    let seen = observe(&target, json!({"http": "GET /", "bearer": token}))
        .await
        .unwrap();
    let described = seen.facts["request"].get("token").unwrap();
    assert_eq!(described.get("alg"), Some(&"HS256".into()));
    assert!(matches!(described.get("expires_in"), Some(Value::Duration(left)) if *left < 0));
    assert!(!format!("{seen:?}").contains(&token));
}

#[tokio::test]
async fn a_kept_connection_serves_reads_and_never_a_write() {
    let target = Target::answering(&answer("200 OK", "", "")).await;
    let ctx = door(&[target.port]);
    let remote = |seen: Seen| text(&seen.facts, "http_version");
    for line in ["GET /1", "GET /2", "POST /3"] {
        let seen = through(&ctx, &target, json!({"http": line})).await.unwrap();
        assert_eq!(remote(seen), "1.1");
    }
    assert_eq!(target.asked().len(), 3);
}

#[test]
fn request_lines_and_addresses_that_mean_nothing_are_refused() {
    for line in ["/health", "get /x", "GET health", "GET /a b", "FETCH /x"] {
        assert!(request_line(line).is_err(), "{line}");
    }
    for address in [
        "localhost",
        "ftp://x",
        "http://user:pw@x",
        "http://x?q=1",
        "http://",
    ] {
        assert!(BaseUrl::parse(address).is_err(), "{address}");
    }
    let base = BaseUrl::parse("https://[::1]:8443/base/").unwrap();
    assert_eq!(
        (base.host.as_str(), base.port, base.path.as_str()),
        ("[::1]", 8443, "/base")
    );
}
