//! The row of `openapi`.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails, Healthy};
use super::target::{self, NO_SUCH_HOST, Target};
use super::{Cell, Fault, Kind, NO_CLOCK, PANIC, hold};
use crate::rig::{answer, refusing};

const ALL: &str = "all_valid";
const EACH: &str = "calls.all(c, c.valid)";
const NONE_GONE: &str = "size(operations) >= 0";
const NONE_LEFT: &str = "size(not_called) == 0";

fn asking<E>(case: Case<E>, url: &str, options: Json, expect: &str) -> Case<E> {
    case.target(format!("api: {{ http: '{url}' }}")).check(
        "openapi",
        json!("/openapi.json"),
        options,
        &[expect],
    )
}

/// A document with one operation, `GET /value`.
fn document() -> Json {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {"/value": {"get": {"responses": {"200": {
            "description": "", "content": {"application/json": {"schema": {
                "type": "object", "required": ["value"], "properties": {"value": {"type": "number"}},
            }}},
        }}}}},
    })
}

/// A service with that document and that answer to `GET /value`.
fn service(document: &str, value: Vec<u8>) -> Target {
    let document = target::json(200, document);
    Target::routes(move |path| match path {
        "/openapi.json" => document.clone(),
        _ => value.clone(),
    })
}

/// The document is fine, and that is the answer.
fn value(name: &'static str, ends: &'static str, bytes: Vec<u8>, expect: &str) -> Case<Fails> {
    let target = service(&document().to_string(), bytes);
    asking(Case::new(name, ends), &target.url(), json!({}), expect)
}

fn body(name: &'static str, text: &str) -> Case<Fails> {
    value(name, "fail", target::json(200, text), ALL)
}

/// That is the document.
fn described(name: &'static str, ends: &'static str, text: &str, expect: &str) -> Case<Fails> {
    let target = service(text, target::json(200, r#"{"value": 1}"#));
    asking(Case::new(name, ends), &target.url(), json!({}), expect)
}

/// The document comes as these bytes.
fn answered(name: &'static str, bytes: Vec<u8>) -> Case<Fails> {
    let target = Target::always(bytes);
    asking(
        Case::new(name, "error"),
        &target.url(),
        json!({}),
        NONE_LEFT,
    )
}

fn healthy() -> Case<Healthy> {
    let fine = target::json(200, r#"{"value": 1.5}"#);
    let target = service(&document().to_string(), fine);
    asking(Case::healthy(), &target.url(), json!({}), ALL)
}

fn without_operations(paths: Json) -> String {
    let mut document = document();
    document["paths"] = paths;
    document.to_string()
}

fn no_data() -> Vec<Case<Fails>> {
    let none = without_operations(json!({}));
    let mut cases = vec![answered("closed without a byte", Vec::new())];
    for expect in [
        ALL,
        EACH,
        NONE_GONE,
        NONE_LEFT,
        "counts.operations < 9",
        "called < 9",
    ] {
        cases.push(described("no operation", "inconclusive", &none, expect));
    }
    let with_value = json!({"/value/{id}": {"get": {
        "parameters": [{"name": "id", "in": "path", "required": true}],
        "responses": {"200": {"description": ""}},
    }}});
    let with_value = without_operations(with_value);
    cases.push(described(
        "no value to call with",
        "inconclusive",
        &with_value,
        EACH,
    ));
    cases.push(described("not called", "fail", &with_value, NONE_LEFT));
    let bodies = json!({"bodies": true, "calls": false});
    let target = service(&document().to_string(), Vec::new());
    let taken = "empty_bodies.all(b, b.status == 422)";
    cases.push(asking(
        Case::new("no body to send", "inconclusive"),
        &target.url(),
        bodies,
        taken,
    ));
    cases
}

fn cell(fault: Fault) -> Cell {
    Cell::Runs(match fault {
        Fault::NoData => no_data(),
        Fault::NotANumber => vec![
            body("a literal", r#"{"value": NaN}"#),
            body("a text", r#"{"value": "NaN"}"#),
        ],
        Fault::Infinite => vec![
            body("a literal", r#"{"value": -Infinity}"#),
            body("a text", r#"{"value": "-inf"}"#),
        ],
        Fault::Empty => vec![
            answered("an empty document", target::json(200, "")),
            body("an empty body", ""),
            body("an empty object", "{}"),
            described(
                "an empty list of paths",
                "error",
                &without_operations(json!([])),
                ALL,
            ),
        ],
        Fault::Timeout => {
            let stuck = |name, bytes| {
                let target = Target::stuck_after(bytes);
                let options = json!({"timeout": "1s"});
                asking(Case::new(name, "error"), &target.url(), options, ALL)
            };
            vec![
                stuck("no answer", b""),
                stuck("half a head", b"HTTP/1.1 200 OK\r\nX-A: b"),
                stuck(
                    "half a document",
                    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
                ),
            ]
        }
        Fault::Refused => vec![asking(
            Case::new("nobody listens", "error"),
            &refusing(),
            json!({}),
            ALL,
        )],
        Fault::Dns => vec![asking(
            Case::new("no such name", "error"),
            &format!("http://{NO_SUCH_HOST}"),
            json!({"timeout": "3s"}),
            ALL,
        )],
        Fault::Tls => super::http::tls(|case, url| asking(case, url, json!({}), ALL)),
        Fault::RedirectLoop => {
            let head = "HTTP/1.1 302 Found\r\nLocation: /openapi.json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            vec![
                answered("the document", head.as_bytes().to_vec()),
                value("an answer", "fail", head.as_bytes().to_vec(), ALL),
            ]
        }
        Fault::Truncated => {
            let half = document().to_string();
            let half = &half[..half.len() / 2];
            let short = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"value\": 1.5}";
            vec![
                answered("half a document", target::json(200, half)),
                answered("a document shorter than announced", short.to_vec()),
                value(
                    "an answer shorter than announced",
                    "fail",
                    short.to_vec(),
                    ALL,
                ),
                body("half an answer", r#"{"value": 1"#),
                value("closed without a byte", "fail", Vec::new(), EACH),
            ]
        }
        Fault::WrongType => vec![
            answered(
                "a page",
                answer(200, "text/html", b"<html>maintenance</html>"),
            ),
            answered("other JSON", target::json(200, r#"{"status": "ok"}"#)),
            answered(
                "Swagger 2",
                target::json(200, r#"{"swagger": "2.0", "paths": {}}"#),
            ),
            value(
                "a page for an answer",
                "fail",
                answer(200, "text/html", b"<html>maintenance</html>"),
                ALL,
            ),
            body("a text for a number", r#"{"value": "12"}"#),
            body("a list for a map", "[1, 2]"),
        ],
        Fault::Overflow => {
            let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
            let item = json!({"get": {"responses": {"200": {"description": "", "content": {
                "application/json": {"schema": {"$ref": "#/paths/~1value/get/responses/200/content/application~1json/schema"}},
            }}}}});
            vec![
                answered("ten thousand levels", target::json(200, &deep)),
                body("ten thousand levels in an answer", &deep),
                described(
                    "a schema without an end",
                    "fail",
                    &without_operations(json!({"/value": item})),
                    ALL,
                ),
            ]
        }
        Fault::ToolAbsent => return Cell::Cannot("the client is built in, it needs no tool"),
        Fault::Denied => vec![
            answered("the document", target::json(401, r#"{"error": "no"}"#)),
            value(
                "an answer",
                "fail",
                target::json(403, r#"{"error": "no"}"#),
                ALL,
            ),
        ],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => return NO_CLOCK,
    })
}

#[test]
fn no_fault_of_a_described_service_is_a_pass() {
    hold(Kind::Openapi, healthy(), cell);
}
