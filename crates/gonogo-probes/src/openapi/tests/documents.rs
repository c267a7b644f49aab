//! Documents: JSON, YAML, several of them, and what is none.

use super::super::document::{Leads, parse, resolve};
use super::super::model::server_path;
use super::*;

#[tokio::test]
async fn yaml_and_json_of_the_same_document_are_the_same() {
    let yaml = r#"
openapi: 3.0.3
info: {title: T, version: "1.0"}
paths:
  /a:
    get:
      responses:
        200: {description: fine}
        default: {description: "200"}
"#;
    let service = Service::start(yaml, |_, _, _| StatusCode::OK.into_response()).await;
    let seen = service.observe(json!({})).await.unwrap();
    assert_eq!(fact(&seen, "operations"), json!(["GET /a"]));
    assert_eq!(
        fact(&seen, "all_valid"),
        json!(true),
        "{}",
        fact(&seen, "calls")
    );
    assert_eq!(fact(&seen, "version"), "1.0");
    let types = "a: 1\nb: '1'\nc: true\nd: 'true'\ne: 1.5e3\nf: 0x10\ng: ~\nh: 1_000\ni: .inf\nj: -0\nk: +7\n";
    let expected = json!({
        "a": 1, "b": "1", "c": true, "d": "true", "e": 1500.0, "f": 16, "g": null, "h": "1_000", "i": ".inf",
        "j": 0, "k": 7,
    });
    assert_eq!(parse(types.as_bytes()), Ok(expected));
}

#[test]
fn what_is_no_document_is_told() {
    let told = |text: &str| parse(text.as_bytes()).unwrap_err();
    assert_eq!(told(" \n"), "it is empty");
    assert!(told("<!doctype html>").contains("a page"));
    assert!(told("{\"openapi\": ").contains("not JSON"));
    assert!(told("- a\n- b\n").contains("a list, not a mapping"));
    assert!(parse(&[0xff, 0xfe]).unwrap_err().contains("UTF-8"));
}

#[tokio::test]
async fn swagger_2_other_versions_and_other_json_are_refused_with_what_to_do() {
    for (document, told) in [
        (json!({"swagger": "2.0", "paths": {}}), "Swagger 2.0"),
        (
            json!({"openapi": "4.0.0", "paths": {}}),
            "OpenAPI 4.0.0, and 3.0 and 3.1 are read",
        ),
        (json!({"openapi": 3.1, "paths": {}}), "a text such as"),
        (json!({"status": "ok"}), "no `openapi`"),
        (json!({"openapi": "3.1.0", "paths": []}), "no mapping"),
    ] {
        let service = Service::of(&document).await;
        let failed = service.observe(json!({})).await.unwrap_err();
        assert_eq!(failed.cause, Cause::Protocol, "{document}");
        assert!(failed.message.contains(told), "{}", failed.message);
    }
}

#[tokio::test]
async fn a_document_that_is_not_there_is_told_by_its_cause() {
    for (status, cause) in [
        (404, Cause::Missing),
        (401, Cause::Denied),
        (500, Cause::Protocol),
        (302, Cause::Protocol),
    ] {
        let service = Service::start("", move |_, _, _| answer(status, json!({}))).await;
        let failed = service
            .observe(json!({"openapi": "/elsewhere"}))
            .await
            .unwrap_err();
        assert_eq!(failed.cause, cause);
        assert!(failed.help.is_some());
    }
}

#[tokio::test]
async fn documents_on_the_same_host_are_read_and_those_of_others_refused_by_name() {
    let paths = json!({
        "/a": {"get": {"responses": {"200": {"$ref": "parts/answers.yaml#/Fine"}}}},
        "/b": {"$ref": "parts/b.json"},
        "/c": {"get": answers(json!({"$ref": "https://elsewhere.example/c.json#/C"}))},
        "/d": {"get": answers(json!({"$ref": "parts/gone.json"}))},
    });
    let root = document(paths);
    let parts = |_: &str, target: &str, _: &Json| {
        match target {
        "/parts/answers.yaml" => "Fine:\n  description: x\n  content:\n    application/json:\n      schema: {$ref: 'more.json#/A~1%41'}\n".into_response(),
        "/parts/more.json" => answer(200, json!({"A/A": {"type": "object", "required": ["x"]}})),
        "/parts/b.json" => answer(200, json!({"get": answers(json!({"$ref": "more.json#/A~1A"}))})),
        "/a" => answer(200, json!({"x": 1})),
        "/b" => answer(200, json!({"y": 1})),
        "/c" | "/d" => answer(200, json!({})),
        _ => answer(404, json!({})),
    }
    };
    let service = Service::start(root.to_string(), parts).await;
    let seen = service.observe(json!({})).await.unwrap();
    let read = [
        "/openapi.json",
        "/parts/answers.yaml",
        "/parts/b.json",
        "/parts/more.json",
    ];
    assert_eq!(fact(&seen, "documents"), json!(read));
    let valid = |operation| the_call(&seen, operation)["valid"].as_bool().unwrap();
    assert!(valid("GET /a"));
    // What cannot be read is never taken for fine.
    assert!(!valid("GET /b") && !valid("GET /c") && !valid("GET /d"));
    let problems = fact(&seen, "problems").to_string();
    assert!(
        problems.contains("elsewhere.example/c.json` stands on another host"),
        "{problems}"
    );
    assert!(
        problems.contains("/parts/gone.json` could not be read: the answer is 404"),
        "{problems}"
    );
    assert_eq!(fact(&seen, "valid"), json!(false));
}

#[tokio::test]
async fn a_path_that_cannot_be_read_makes_no_claim_of_the_whole() {
    let paths = json!({"/a": {"get": {"responses": {"200": {"description": ""}}}}, "/b": {"$ref": "//elsewhere.example/b"}});
    let service = Service::of(&document(paths)).await;
    let seen = service.observe(json!({"calls": false})).await.unwrap();
    for fact in ["operations", "counts"] {
        assert!(seen.cut.iter().any(|c| c.fact == fact), "{fact}");
    }
}

#[test]
fn a_reference_leads_to_a_path_on_the_host_or_nowhere() {
    let origin = "https://shop.example:8443";
    let to = |reference: &str| resolve("/api/v1/openapi.json", origin, reference);
    for (reference, path) in [
        ("a.json", "/api/v1/a.json"),
        ("./a.json", "/api/v1/a.json"),
        ("../a.json", "/api/a.json"),
        ("../../../../a.json", "/a.json"),
        ("/a.json?x=1", "/a.json?x=1"),
        ("https://shop.example:8443/a", "/a"),
        ("HTTPS://Shop.Example:8443/a", "/a"),
        ("https://shop.example:8443", "/"),
    ] {
        assert_eq!(to(reference), Leads::To(path.to_owned()), "{reference}");
    }
    for reference in [
        "https://shop.example/a",
        "http://shop.example:8443/a",
        "https://shop.example:8443.evil.example/a",
        "https://shop.example:8443@evil.example/a",
        "//shop.example:8443/a",
        "file:///etc/passwd",
        "a b",
        "a\r\nHost: x",
    ] {
        assert!(matches!(to(reference), Leads::Refused(_)), "{reference}");
    }
}

#[test]
fn a_server_gives_its_path() {
    for (server, path) in [
        ("", ""),
        ("/", ""),
        ("/v1/", "/v1"),
        ("https://a.example", ""),
        ("https://a.example/", ""),
        ("https://a.example:8443/v1/x?y#z", "/v1/x"),
        ("//a.example/v1", "/v1"),
        ("v1", "/v1"),
        (".", ""),
    ] {
        assert_eq!(server_path(server), path, "{server}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_document_is_told() {
    let fine = json!({"200": {"description": ""}});
    let paths = json!({
        "/a/{x}": {"get": {"responses": fine}},
        "/a/{y}": {"get": {"parameters": [{"name": "y", "in": "path", "required": true}], "responses": {}}},
        "b": {"get": {"responses": fine}},
        "/c": {"get": {"parameters": [{"in": "body"}], "responses": {"200": {"$ref": "#/nowhere"}}}},
    });
    let service = Service::of(&document(paths)).await;
    let seen = service.observe(json!({"calls": false})).await.unwrap();
    let told = fact(&seen, "problems").to_string();
    for part in [
        "the parameter `x` of the path is not described",
        "is the same path as",
        "documents no answer",
        "a path begins with `/`",
        "an unknown `in`",
        "`#/nowhere` leads to nothing",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn options_that_mean_nothing_are_told_before_anything_is_sent() {
    let lint = |options: Json| Openapi.lint(&options).len();
    assert_eq!(
        lint(json!({"openapi": "/openapi.json", "base": "", "skip": ["GET /a/{b}"]})),
        0
    );
    assert_eq!(
        lint(json!({"openapi": "/o", "examples": {"id": 7, "GET /a": {"id": 8}}})),
        0
    );
    for wrong in [
        json!({"openapi": "openapi.json"}),
        json!({"openapi": "https://elsewhere.example/openapi.json"}),
        json!({"openapi": "/a b"}),
        json!({"openapi": "/o", "base": "v1"}),
        json!({"openapi": "/o", "expected": ["get /a"]}),
        json!({"openapi": "/o", "expected": ["GET a"]}),
        json!({"openapi": "/o", "expected": ["PURGE /a"]}),
        json!({"openapi": "/o", "skip": ["/a"]}),
        json!({"openapi": "/o", "examples": {"id": {"a": 1}}}),
        json!({"openapi": "/o", "examples": {"GET /a": 7}}),
        json!({"openapi": "/o", "examples": {"id": null}}),
    ] {
        assert_eq!(lint(wrong.clone()), 1, "{wrong}");
    }
}

#[test]
fn a_saved_document_that_cannot_be_compared_with_is_told_when_the_plan_is_read() {
    let lint = |text: &str| Openapi.lint_file("expected", &json!({}), text.as_bytes());
    let fine = document(json!({"/a": {"get": {"responses": {"200": {"description": ""}}}}}));
    assert!(lint(&fine.to_string()).is_empty());
    for (text, told) in [
        ("{}", "no `openapi`"),
        (&*document(json!({})).to_string(), "no operation"),
        (
            &*document(json!({"/a": {"$ref": "b.json"}})).to_string(),
            "must be whole",
        ),
        (
            &*document(json!({"/a": {"get": {}}})).to_string(),
            "documents no answer",
        ),
    ] {
        let problems = lint(text);
        assert!(
            problems[0].message.contains(told),
            "{}",
            problems[0].message
        );
    }
}

#[test]
fn sending_bodies_needs_a_power_and_looking_needs_none() {
    let power = |options: Json, reads| Openapi.power(&options, false, reads);
    assert_eq!(power(json!({"openapi": "/o"}), false), None);
    assert_eq!(
        power(json!({"openapi": "/o", "bodies": true}), false),
        Some(Power::Write)
    );
    assert_eq!(power(json!({"openapi": "/o", "bodies": true}), true), None);
}
