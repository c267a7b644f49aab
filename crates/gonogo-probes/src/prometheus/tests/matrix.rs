//! Invariant 4 of `trust.md` for this probe: whatever goes wrong, there is neither a value nor a sample to judge.

use super::scripted::{ok, reply, scalar, vector};
use super::*;

const SCRAPE: &str = "scrape /metrics";
const QUERY: &str = "query up";
const RANGE: &str = "range up";

fn options(deed: &str) -> Json {
    if deed == RANGE {
        json!({"prometheus": deed, "last": "1m"})
    } else if deed == SCRAPE {
        json!({"prometheus": deed, "select": "up"})
    } else {
        json!({"prometheus": deed})
    }
}

async fn not_observed(deed: &str, reply: Vec<u8>) -> NotObserved {
    let server = Scripted::start(deed != SCRAPE, move |_| reply.clone()).await;
    match observe(&server, options(deed)).await {
        Ok(seen) => panic!("{deed} observed {seen:?}"),
        Err(error) => error,
    }
}

fn told(error_type: &str, error: &str) -> Vec<u8> {
    format!(r#"{{"status":"error","errorType":"{error_type}","error":"{error}"}}"#).into_bytes()
}

#[tokio::test]
async fn an_http_refusal_is_never_an_observation() {
    for (status, cause) in [
        ("401 Unauthorized", Cause::Denied),
        ("403 Forbidden", Cause::Denied),
        ("404 Not Found", Cause::Missing),
        ("302 Found", Cause::Protocol),
        ("429 Too Many Requests", Cause::Protocol),
        ("500 Internal Server Error", Cause::Protocol),
        ("503 Service Unavailable", Cause::Protocol),
        ("504 Gateway Timeout", Cause::Timeout),
    ] {
        for deed in [SCRAPE, QUERY, RANGE] {
            // A body that would be fine with 200.
            let body = if deed == SCRAPE {
                "up 1\n".to_owned()
            } else {
                vector("")
            };
            let error = not_observed(deed, reply(status, "text/plain", body.as_bytes())).await;
            assert_eq!(error.cause, cause, "{deed} {status}: {error:?}");
            assert!(error.message.contains(&status[..3]), "{error:?}");
        }
    }
}

#[tokio::test]
async fn what_is_no_exposition_is_never_an_observation() {
    let huge = "up 1\n".repeat(10);
    let cases: [(&str, Vec<u8>, Cause, &str); 9] = [
        (
            "a web page",
            ok("text/html", b"<html>"),
            Cause::Protocol,
            "a web page",
        ),
        (
            "a page in disguise",
            ok("text/plain", b"<html>\n"),
            Cause::Protocol,
            "a web page",
        ),
        (
            "json",
            ok("application/json", b"{\"up\":1}\n"),
            Cause::Protocol,
            "line 1, column 1",
        ),
        (
            "no line end",
            ok("text/plain", b"up 1"),
            Cause::Truncated,
            "line 1",
        ),
        (
            "a cut label",
            ok("text/plain", b"up{a=\"b"),
            Cause::Truncated,
            "within a label",
        ),
        (
            "no `# EOF`",
            ok("application/openmetrics-text", b"up 1\n"),
            Cause::Truncated,
            "# EOF",
        ),
        (
            "bytes",
            ok("text/plain", b"up \xff\n"),
            Cause::Protocol,
            "UTF-8",
        ),
        (
            "too great a number",
            ok("text/plain", b"up 1e999\n"),
            Cause::Protocol,
            "not a value",
        ),
        (
            "a line twice",
            ok("text/plain", huge.as_bytes()),
            Cause::Protocol,
            "second sample",
        ),
    ];
    for (what, reply, cause, says) in cases {
        let error = not_observed(SCRAPE, reply).await;
        assert_eq!(error.cause, cause, "{what}: {error:?}");
        assert!(error.message.contains(says), "{what}: {error:?}");
    }
}

#[tokio::test]
async fn what_is_no_answer_of_the_api_is_never_an_observation() {
    let native = r#"{"metric":{"__name__":"up"},"histogram":[1,{"count":"1"}]}"#;
    let word = r#"{"metric":{"__name__":"up"},"value":[1,"many"]}"#;
    let json = |body: &str| ok("application/json", body.as_bytes());
    let text = r#"{"status":"success","data":{"resultType":"string","result":[1,"x"]}}"#;
    let cases = [
        ("empty", json(""), Cause::Protocol, "empty"),
        (
            "a web page",
            ok("text/html", b"<html>"),
            Cause::Protocol,
            "not Prometheus' JSON",
        ),
        (
            "other json",
            json("[1]"),
            Cause::Protocol,
            "not Prometheus' JSON",
        ),
        (
            "no status",
            json("{}"),
            Cause::Protocol,
            "not Prometheus' JSON",
        ),
        (
            "another status",
            json("{\"status\":\"fine\"}"),
            Cause::Protocol,
            "200",
        ),
        (
            "no data",
            json("{\"status\":\"success\"}"),
            Cause::Protocol,
            "promises",
        ),
        (
            "a cut answer",
            json("{\"status\":\"success\",\"da"),
            Cause::Truncated,
            "breaks off",
        ),
        (
            "a native histogram",
            json(&vector(native)),
            Cause::Protocol,
            "",
        ),
        ("a word", json(&vector(word)), Cause::Protocol, ""),
    ];
    for (what, reply, cause, says) in cases {
        for deed in [QUERY, RANGE] {
            let error = not_observed(deed, reply.clone()).await;
            assert_eq!(error.cause, cause, "{deed} {what}: {error:?}");
            assert!(error.message.contains(says), "{deed} {what}: {error:?}");
        }
    }
    let error = not_observed(QUERY, json(text)).await;
    assert_eq!(error.cause, Cause::BadOptions);
    assert!(error.message.contains("gives a text"), "{error:?}");
    // A range whose values come back as one instant.
    let error = not_observed(RANGE, json(&scalar(1.0, "1"))).await;
    assert_eq!(error.cause, Cause::Protocol);
}

#[tokio::test]
async fn the_error_that_prometheus_tells_is_passed_on() {
    for (status, kind, cause) in [
        ("400 Bad Request", "bad_data", Cause::BadOptions),
        ("422 Unprocessable Entity", "execution", Cause::Protocol),
        ("503 Service Unavailable", "timeout", Cause::Timeout),
        ("500 Internal Server Error", "internal", Cause::Protocol),
        ("401 Unauthorized", "unauthorized", Cause::Denied),
        // An error is one whatever the status says.
        ("200 OK", "execution", Cause::Protocol),
    ] {
        let body = told(kind, "what it says");
        for deed in [QUERY, RANGE] {
            let error = not_observed(deed, reply(status, "application/json", &body)).await;
            assert_eq!(error.cause, cause, "{status}: {error:?}");
            let says = format!("{kind}: what it says");
            assert!(error.message.contains(&says), "{error:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_an_observation() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nup 1\n".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nup 1\n\r\n".to_vec();
    for reply in [cut, chunked] {
        for deed in [SCRAPE, QUERY, RANGE] {
            let error = not_observed(deed, reply.clone()).await;
            assert_eq!(error.cause, Cause::Truncated, "{deed}: {error:?}");
        }
    }
    let error = not_observed(SCRAPE, b"up 1\n".to_vec()).await;
    assert_eq!(error.cause, Cause::Protocol, "{error:?}");
}

#[tokio::test]
async fn more_than_is_read_is_never_half_an_observation() {
    let text = "up 1\nother 1\n";
    for deed in [SCRAPE, QUERY] {
        let mut options = options(deed);
        options["max_body"] = json!(5);
        let server = Scripted::exposing(text).await;
        let error = observe(&server, options).await.unwrap_err();
        assert_eq!(error.cause, Cause::TooLarge, "{error:?}");
    }
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_never_an_observation() {
    let silent = Scripted::start(false, |_| Vec::new()).await;
    let plain = Scripted::exposing("up 1\n").await;
    let free = {
        let bound = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        bound.local_addr().unwrap().port()
    };
    let local = "127.0.0.1";
    for deed in [SCRAPE, QUERY, RANGE] {
        for (scheme, host, port, within, cause) in [
            ("http", local, silent.port, 200, Cause::Timeout),
            ("http", local, free, 5_000, Cause::Refused),
            ("http", "nowhere.invalid", 80, 10_000, Cause::Dns),
            ("https", local, plain.port, 5_000, Cause::Tls),
        ] {
            let kind = if deed == SCRAPE { "http" } else { "prometheus" };
            let within = Duration::from_millis(within);
            let seen = observe_at(kind, scheme, host, port, within, options(deed)).await;
            let error = seen.expect_err("nothing to observe");
            assert_eq!(error.cause, cause, "{deed}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_host_that_is_no_target_is_not_asked() {
    let server = Scripted::exposing("up 1\n").await;
    let ctx = ctx_to("127.0.0.1", 1, Duration::from_secs(5));
    let target = target("http", &format!("http://127.0.0.1:{}", server.port));
    let scope = GateScope::new(false);
    let call = Call {
        options: options(SCRAPE),
        target: Some(&target),
        limits: &[],
        statistics: &gonogo_core::plan::StatisticsOptions::default(),
        earlier_samplings: Some(0),
        reads: false,
        scope: &scope,
        ctx: &ctx,
    };
    let error = Prometheus.observe(call).await.unwrap_err();
    assert_eq!(error.cause, Cause::Forbidden);
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn options_that_make_no_sense_are_never_an_observation() {
    let server = Scripted::exposing("up 1\n").await;
    for options in [
        json!({"prometheus": "look at it"}),
        json!({"prometheus": "scrape metrics"}),
        json!({"prometheus": SCRAPE, "select": "rate(up[5m])"}),
        json!({"prometheus": SCRAPE, "select": "up{a=$b}"}),
        json!({"prometheus": SCRAPE, "max_age": "soon"}),
        json!({"prometheus": RANGE}),
        json!({"prometheus": RANGE, "last": "1d", "step": "1s"}),
        json!({"prometheus": SCRAPE, "unknown": 1}),
    ] {
        let error = observe(&server, options.clone()).await.unwrap_err();
        assert_eq!(error.cause, Cause::BadOptions, "{options}");
    }
    assert!(server.asked().is_empty());
}
