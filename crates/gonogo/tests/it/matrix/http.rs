//! The row of `http`.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails, Healthy};
use super::target::{self, NO_SUCH_HOST, Target, with_headers};
use super::{Cell, Fault, Kind, PANIC, hold};
use crate::rig::{answer, refusing};

const UP: &str = "status < 500";
const BELOW: &str = "body.value < 100.0";
const ALL: &str = "body.items.all(i, i.ok)";

fn asking<E>(case: Case<E>, url: &str, options: Json, expect: &str) -> Case<E> {
    case.target(format!("api: {{ http: '{url}' }}")).check(
        "http",
        json!("GET /"),
        options,
        &[expect],
    )
}

/// The target answers with these bytes.
fn answered(name: &'static str, bytes: Vec<u8>, expect: &str, ends: &'static str) -> Case<Fails> {
    let target = Target::always(bytes);
    asking(Case::new(name, ends), &target.url(), json!({}), expect)
}

fn body(name: &'static str, json: &str, expect: &str, ends: &'static str) -> Case<Fails> {
    answered(name, target::json(200, json), expect, ends)
}

/// The target never finishes.
fn stuck(name: &'static str, bytes: &'static [u8]) -> Case<Fails> {
    let target = Target::stuck_after(bytes);
    let options = json!({"timeout": "1s"});
    asking(Case::new(name, "error"), &target.url(), options, UP)
}

fn healthy() -> Case<Healthy> {
    let good = r#"{"value": 1.5, "items": [{"ok": true}]}"#;
    let target = Target::always(target::json(200, good));
    Case::healthy()
        .target(format!("api: {{ http: '{}' }}", target.url()))
        .check("http", json!("GET /"), json!({}), &[UP, BELOW, ALL])
}

fn cell(fault: Fault) -> Cell {
    Cell::Runs(match fault {
        Fault::NoData => vec![
            answered("closed without a byte", Vec::new(), UP, "error"),
            answered(
                "204",
                b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
                BELOW,
                "fail",
            ),
            body("a null", r#"{"value": null}"#, BELOW, "fail"),
            body("no such key", r#"{"other": 1}"#, BELOW, "fail"),
        ],
        Fault::NotANumber => not_a_number(),
        Fault::Infinite => infinite(),
        Fault::Empty => vec![
            answered("an empty body", target::json(200, ""), BELOW, "fail"),
            body("an empty object", "{}", ALL, "fail"),
            body("an empty list", r#"{"items": []}"#, ALL, "inconclusive"),
            body("lists without anything", r#"{"items": [{}]}"#, ALL, "fail"),
        ],
        Fault::Timeout => vec![
            stuck("no answer", b""),
            stuck("half a head", b"HTTP/1.1 200 OK\r\nX-A: b"),
            stuck(
                "half a body",
                b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
            ),
        ],
        Fault::Refused => vec![asking(
            Case::new("nobody listens", "error"),
            &refusing(),
            json!({}),
            UP,
        )],
        Fault::Dns => vec![asking(
            Case::new("no such name", "error"),
            &format!("http://{NO_SUCH_HOST}"),
            json!({"timeout": "3s"}),
            UP,
        )],
        Fault::Tls => super::http::tls(|case, url| asking(case, url, json!({}), UP)),
        Fault::RedirectLoop => redirect_loop(),
        Fault::Truncated => truncated(),
        Fault::WrongType => wrong_type(),
        Fault::Overflow => overflow(),
        Fault::ToolAbsent => return Cell::Cannot("the client is built in, it needs no tool"),
        Fault::Denied => vec![
            answered(
                "401",
                target::json(401, r#"{"error": "no"}"#),
                "status == 200",
                "fail",
            ),
            answered("403", target::json(403, r#"{"error": "no"}"#), ALL, "fail"),
        ],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => clock_skew(),
    })
}

fn not_a_number() -> Vec<Case<Fails>> {
    vec![
        body("a literal", r#"{"value": NaN}"#, BELOW, "fail"),
        body(
            "a literal, negated",
            r#"{"value": NaN}"#,
            "!(body.value > 100.0)",
            "fail",
        ),
        body("a text", r#"{"value": "NaN"}"#, BELOW, "fail"),
        body(
            "a text made a number",
            r#"{"value": "NaN"}"#,
            "double(body.value) < 100.0",
            "error",
        ),
        body(
            "the same, negated",
            r#"{"value": "NaN"}"#,
            "!(double(body.value) > 100.0)",
            "error",
        ),
    ]
}

fn infinite() -> Vec<Case<Fails>> {
    let double = "double(body.value) < 100.0";
    vec![
        body("a literal", r#"{"value": -Infinity}"#, BELOW, "fail"),
        body(
            "a text made a number",
            r#"{"value": "-Infinity"}"#,
            double,
            "error",
        ),
        body("its short form", r#"{"value": "-inf"}"#, double, "error"),
        body(
            "above a floor",
            r#"{"value": "inf"}"#,
            "double(body.value) > 1.0",
            "error",
        ),
    ]
}

/// Connections that cannot be made safe, for each kind of check that speaks TLS.
pub(super) fn tls(asking: impl Fn(Case<Fails>, &str) -> Case<Fails>) -> Vec<Case<Fails>> {
    const LATER: (i32, u8, u8) = (2100, 1, 1);
    let case = |name, names: &[&str], until, host: &str, with_ca: bool| {
        let case = Case::new(name, "error");
        let target = Target::tls(case.folder(), names, until);
        let port = target.address().port();
        let ca = if with_ca { "', ca: 'ca.pem" } else { "" };
        asking(case, &format!("https://{host}:{port}{ca}"))
    };
    let plain = Target::always(target::json(200, "{}"));
    let plain = plain.url().replace("http:", "https:");
    vec![
        case(
            "nobody known signed it",
            &["localhost"],
            LATER,
            "localhost",
            false,
        ),
        case(
            "it has expired",
            &["localhost"],
            (2001, 1, 1),
            "localhost",
            true,
        ),
        case(
            "it is for another",
            &["other.example"],
            LATER,
            "localhost",
            true,
        ),
        asking(Case::new("no TLS there", "error"), &plain),
    ]
}

fn redirect_loop() -> Vec<Case<Fails>> {
    let to = |location: &'static str| {
        let head = format!(
            "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        Target::always(head.into_bytes())
    };
    let follow = json!({"redirects": 5});
    let itself = to("/");
    let elsewhere = to("http://169.254.169.254/latest/meta-data/");
    let nonsense = to("ftp://[::");
    vec![
        asking(
            Case::new("to itself", "error"),
            &itself.url(),
            follow.clone(),
            UP,
        ),
        asking(
            Case::new("off, and found moved", "fail"),
            &itself.url(),
            json!({}),
            "status == 200",
        ),
        asking(
            Case::new("to a host that is no target", "error"),
            &elsewhere.url(),
            follow.clone(),
            UP,
        ),
        asking(
            Case::new("to nonsense", "error"),
            &nonsense.url(),
            follow,
            UP,
        ),
    ]
}

fn truncated() -> Vec<Case<Fails>> {
    let short = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"value\": 1.5}";
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{\"value\": 1.5}\r\n";
    let whole = r#"{"value": 1.5, "items": [{"ok": true}]}"#;
    let gzip = gzip(whole.as_bytes());
    let half = with_headers(
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
        &gzip[..gzip.len() / 2],
    );
    let capped = Target::always(target::json(200, whole));
    let capped = asking(
        Case::new("cut at our own cap", "error"),
        &capped.url(),
        json!({"max_body": 10}),
        "!text.contains('error')",
    );
    vec![
        answered("shorter than announced", short.to_vec(), BELOW, "error"),
        answered("a chunk is missing", chunked.to_vec(), BELOW, "error"),
        answered(
            "half a head",
            b"HTTP/1.1 200 OK\r\nConte".to_vec(),
            UP,
            "error",
        ),
        answered(
            "half a compression",
            half,
            "!text.contains('error')",
            "error",
        ),
        body(
            "half a JSON",
            r#"{"value": 1.5, "items": [{"ok"#,
            BELOW,
            "fail",
        ),
        capped,
    ]
}

/// What gzip makes of bytes.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).expect("memory takes all");
    packer.finish().expect("memory takes all")
}

fn wrong_type() -> Vec<Case<Fails>> {
    let page = answer(200, "text/html", b"<html>maintenance</html>");
    vec![
        answered("a page", page.clone(), BELOW, "fail"),
        answered("a page, and a list is meant", page, ALL, "fail"),
        answered("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), UP, "error"),
        body("a text for a number", r#"{"value": "12"}"#, BELOW, "fail"),
        body("a list for a map", "[1, 2]", BELOW, "fail"),
        body("a number for a list", r#"{"items": 3}"#, ALL, "fail"),
        body(
            "a text for a truth",
            r#"{"items": [{"ok": "yes"}]}"#,
            ALL,
            "fail",
        ),
    ]
}

fn overflow() -> Vec<Case<Fails>> {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep = format!(r#"{{"value": 1.5, "deep": {deep}}}"#);
    let endless = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}".to_vec();
    let chunk =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}".to_vec();
    vec![
        body("beyond a double", r#"{"value": -1e999}"#, BELOW, "fail"),
        body(
            "a sum beyond an integer",
            r#"{"a": 9223372036854775807}"#,
            "body.a + 1 > 0",
            "error",
        ),
        body("ten thousand levels", &deep, BELOW, "fail"),
        answered(
            "a status of five digits",
            b"HTTP/1.1 20000 OK\r\n\r\n".to_vec(),
            UP,
            "error",
        ),
        answered("a length beyond all", endless, UP, "error"),
        answered("a chunk beyond all", chunk, UP, "error"),
    ]
}

fn clock_skew() -> Vec<Case<Fails>> {
    let dated = |name, date: &str, ends| {
        let bytes = with_headers(&format!("Date: {date}\r\n"), b"{}");
        answered(name, bytes, "clock_skew < duration('5m')", ends)
    };
    vec![
        dated("it is ahead", "Tue, 01 Jan 2097 00:00:00 GMT", "fail"),
        dated("it is behind", "Mon, 01 Jan 2001 00:00:00 GMT", "fail"),
        dated("no date", "yesterday", "fail"),
    ]
}

#[test]
fn no_fault_of_an_http_service_is_a_pass() {
    hold(Kind::Http, healthy(), cell);
}
