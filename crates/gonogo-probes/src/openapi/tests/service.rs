//! A service and whether it keeps to its document.

use super::*;

/// As FastAPI writes it, by hand: not recorded from a program.
fn shop() -> Json {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "12.1.0"},
        "paths": {
            "/health": {"get": answers(json!({
                "type": "object", "required": ["status"],
                "properties": {"status": {"const": "ok"}},
            }))},
            "/orders": {
                "get": {
                    "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "default": 10}}],
                    "responses": {"200": {"description": "", "content": {"application/json": {"schema": {
                        "type": "array", "items": {"$ref": "#/components/schemas/Order"},
                    }}}}},
                },
                "post": {
                    "requestBody": {"required": true, "content": {"application/json": {
                        "schema": {"$ref": "#/components/schemas/NewOrder"},
                    }}},
                    "responses": {
                        "201": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
                        "422": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}}},
                    },
                },
            },
            "/orders/{id}": {"get": {
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}],
                "responses": {
                    "200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
                    "404": {"description": "", "content": {"application/problem+json": {"schema": {"type": "object"}}}},
                },
            }},
        },
        "components": {"schemas": {
            "Order": {
                "type": "object", "required": ["id", "items"],
                "properties": {
                    "id": {"type": "integer"},
                    "items": {"type": "array", "items": {"type": "string"}},
                    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                },
            },
            "NewOrder": {
                "type": "object", "required": ["items"],
                "properties": {"items": {"type": "array", "items": {"type": "string"}}},
            },
            "HTTPValidationError": {
                "type": "object",
                "properties": {"detail": {"type": "array", "items": {
                    "type": "object", "required": ["loc", "msg", "type"],
                }}},
            },
        }},
    })
}

fn keeps_to_it(method: &str, target: &str, body: &Json) -> Response {
    let order = json!({"id": 7, "items": ["tea"], "note": null});
    match (method, target) {
        ("GET", "/health") => answer(200, json!({"status": "ok"})),
        ("GET", "/orders") => answer(200, json!([order])),
        ("GET", "/orders/7") => answer(200, order),
        ("POST", "/orders") if body["items"].is_array() => answer(201, order),
        ("POST", "/orders") => {
            let (kind, message) = match body.get("items") {
                None => ("missing", "Field required"),
                Some(_) => ("list_type", "Input should be a valid list"),
            };
            answer(
                422,
                json!({"detail": [
                    {"type": kind, "loc": ["body", "items"], "msg": message, "input": body},
                ]}),
            )
        }
        _ => answer(404, json!({"detail": "Not Found"})),
    }
}

#[tokio::test]
async fn operations_and_paths_are_counted_both() {
    let service = Service::start(shop().to_string(), keeps_to_it).await;
    let seen = service.observe(json!({"calls": false})).await.unwrap();
    let counts = json!({"operations": 4, "paths": 3, "by_method": {"GET": 3, "POST": 1}});
    assert_eq!(fact(&seen, "counts"), counts);
    let all = [
        "GET /health",
        "GET /orders",
        "POST /orders",
        "GET /orders/{id}",
    ];
    assert_eq!(fact(&seen, "operations"), json!(all));
    assert_eq!(
        fact(&seen, "valid"),
        json!(true),
        "{}",
        fact(&seen, "problems")
    );
    assert_eq!(fact(&seen, "unsecured"), json!(all));
    // Nothing but the document was asked for.
    assert_eq!(service.asked(), ["GET /openapi.json"]);
    assert!(!seen.facts.contains_key("calls"));
}

#[tokio::test]
async fn each_operation_that_reads_is_called_and_its_answer_held_against_the_document() {
    let service = Service::start(shop().to_string(), keeps_to_it).await;
    let seen = service
        .observe(json!({"examples": {"id": 7}}))
        .await
        .unwrap();
    assert_eq!(
        fact(&seen, "all_valid"),
        json!(true),
        "{}",
        fact(&seen, "calls")
    );
    assert_eq!(fact(&seen, "called"), json!(3));
    assert_eq!(fact(&seen, "not_called"), json!([]));
    let asked = [
        "GET /openapi.json",
        "GET /health",
        "GET /orders",
        "GET /orders/7",
    ];
    assert_eq!(service.asked(), asked);
}

#[tokio::test]
async fn an_operation_without_a_value_is_named_and_not_passed_over() {
    let service = Service::start(shop().to_string(), keeps_to_it).await;
    let seen = service.observe(json!({})).await.unwrap();
    let left = fact(&seen, "not_called");
    assert_eq!(left[0]["operation"], "GET /orders/{id}");
    assert!(left[0]["why"].as_str().unwrap().contains("`id`"), "{left}");
    assert_eq!(fact(&seen, "all_valid"), json!(false));
    // What the plan skips is its own word.
    let skip = json!({"skip": ["GET /orders/{id}"]});
    let seen = service.observe(skip).await.unwrap();
    assert_eq!(fact(&seen, "all_valid"), json!(true));
    assert_eq!(fact(&seen, "not_called")[0]["why"], "the plan skips it");
}

#[tokio::test]
async fn an_answer_that_is_not_as_documented_is_told_with_its_place() {
    let wrong = |method: &str, target: &str, body: &Json| match target {
        "/health" => answer(200, json!({"status": "degraded"})),
        "/orders" => answer(200, json!([{"id": "seven", "items": []}, {"items": []}])),
        "/orders/7" => answer(404, json!({})),
        _ => keeps_to_it(method, target, body),
    };
    let service = Service::start(shop().to_string(), wrong).await;
    let seen = service
        .observe(json!({"examples": {"id": 7}}))
        .await
        .unwrap();
    for operation in ["GET /health", "GET /orders", "GET /orders/{id}"] {
        assert_eq!(
            the_call(&seen, operation)["valid"],
            json!(false),
            "{operation}"
        );
    }
    let told = the_call(&seen, "GET /orders")["problems"].to_string();
    assert!(told.contains("/0/id") && told.contains("/1"), "{told}");
    // A documented 404 is documented, and no success; its content type is another.
    let gone = the_call(&seen, "GET /orders/{id}");
    assert_eq!(gone["documented"], json!(true));
    let told = gone["problems"].to_string();
    assert!(
        told.contains("no success") && told.contains("application/problem+json"),
        "{told}"
    );
    assert_eq!(fact(&seen, "all_valid"), json!(false));
}

#[tokio::test]
async fn an_undocumented_status_an_empty_body_and_a_page_are_told() {
    let wrong = |_: &str, target: &str, _: &Json| match target {
        "/health" => answer(500, json!({"error": "boom"})),
        "/orders" => (StatusCode::OK, "").into_response(),
        _ => axum::response::Html("<html>").into_response(),
    };
    let service = Service::start(shop().to_string(), wrong).await;
    let seen = service
        .observe(json!({"examples": {"id": 7}}))
        .await
        .unwrap();
    let told = |operation| the_call(&seen, operation)["problems"].to_string();
    assert!(
        told("GET /health").contains("500 Internal Server Error, which is not documented (200)")
    );
    assert!(
        told("GET /orders").contains("the body is empty"),
        "{}",
        told("GET /orders")
    );
    assert!(told("GET /orders/{id}").contains("text/html"));
}

#[tokio::test]
async fn an_empty_body_and_one_of_the_wrong_type_are_refused_with_the_field_named() {
    let service = Service::start(shop().to_string(), keeps_to_it).await;
    let seen = service
        .observe(json!({"calls": false, "bodies": true}))
        .await
        .unwrap();
    let sent = fact(&seen, "empty_bodies");
    let sent = sent.as_array().unwrap();
    assert_eq!(sent.len(), 2, "{sent:?}");
    for (one, kind) in sent.iter().zip(["empty", "wrong_type"]) {
        assert_eq!(one["body"], kind);
        assert_eq!(one["status"], 422);
        assert_eq!(one["documented"], true);
        assert_eq!(one["names_field"], true, "{one}");
        assert_eq!(one["field"], "items");
        assert_eq!(one["problems"], json!([]));
    }
    assert_eq!(fact(&seen, "not_sent"), json!([]));
}

#[tokio::test]
async fn a_body_that_is_taken_is_a_fact_and_a_refusal_that_names_nothing_is_too() {
    let taken = |_: &str, _: &str, _: &Json| answer(200, json!({"items": []}));
    let service = Service::start(shop().to_string(), taken).await;
    let seen = service
        .observe(json!({"calls": false, "bodies": true}))
        .await
        .unwrap();
    let sent = fact(&seen, "empty_bodies");
    assert_eq!(sent[0]["status"], 200);
    assert_eq!(sent[0]["documented"], false);
    // The answer holds the word, but it is no refusal.
    assert_eq!(sent[0]["names_field"], false);
    let vague = |_: &str, _: &str, _: &Json| answer(422, json!({"detail": []}));
    let service = Service::start(shop().to_string(), vague).await;
    let seen = service
        .observe(json!({"calls": false, "bodies": true}))
        .await
        .unwrap();
    assert_eq!(fact(&seen, "empty_bodies")[0]["names_field"], false);
}

#[tokio::test]
async fn a_problem_document_names_the_field_by_a_pointer() {
    // RFC 9457, 3, with its example's `errors`.
    let problem = |_: &str, _: &str, _: &Json| {
        let body = json!({
            "type": "https://example.net/validation-error", "title": "Your request is not valid.",
            "errors": [{"detail": "must be there", "pointer": "#/items"}],
        });
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            [("content-type", "application/problem+json")],
            body.to_string(),
        )
            .into_response()
    };
    let service = Service::start(shop().to_string(), problem).await;
    let seen = service
        .observe(json!({"calls": false, "bodies": true}))
        .await
        .unwrap();
    let sent = fact(&seen, "empty_bodies");
    assert_eq!(sent[0]["names_field"], true);
    // The document promises another content type.
    assert!(
        sent[0]["problems"]
            .to_string()
            .contains("application/problem+json"),
        "{sent}"
    );
}

#[tokio::test]
async fn a_body_that_the_document_allows_is_never_sent() {
    let body = |schema: Json| {
        json!({
            "requestBody": {"required": true, "content": {"application/json": {"schema": schema}}},
            "responses": {"200": {"description": ""}},
        })
    };
    let paths = json!({
        "/all-optional": {"post": body(json!({"type": "object", "properties": {"a": {"type": "string"}}}))},
        "/list": {"post": body(json!({"type": "array"}))},
        "/form": {"post": {
            "requestBody": {"required": true, "content": {"multipart/form-data": {"schema": {}}}},
            "responses": {"200": {"description": ""}},
        }},
    });
    let service = Service::of(&document(paths)).await;
    let seen = service
        .observe(json!({"calls": false, "bodies": true}))
        .await
        .unwrap();
    assert_eq!(service.asked(), ["GET /openapi.json"]);
    let left = fact(&seen, "not_sent");
    let why = |n: usize| left[n]["why"].as_str().unwrap().to_owned();
    assert_eq!(left.as_array().unwrap().len(), 3);
    assert_eq!(why(0), "an empty object is a valid body");
    assert_eq!(why(1), "the body is not JSON");
    assert_eq!(why(2), "no field is required by its name");
    assert_eq!(seen.absent[0].fact, "empty_bodies");
}

#[tokio::test]
async fn values_come_from_the_plan_then_from_the_document() {
    let with = |name: &str, place: &str, more: Json| {
        let mut parameter = json!({"name": name, "in": place, "required": true});
        for (key, value) in more.as_object().unwrap() {
            parameter[key] = value.clone();
        }
        parameter
    };
    let ok = json!({"200": {"description": ""}});
    let paths = json!({
        "/a/{x}": {"get": {"parameters": [with("x", "path", json!({"example": "a b/ü"}))], "responses": ok}},
        "/b": {"get": {"parameters": [
            with("one", "query", json!({"schema": {"enum": ["first", "second"]}})),
            with("two", "query", json!({"schema": {"type": "array", "default": [1, 2]}})),
            with("three", "query", json!({"explode": false, "examples": {"e": {"value": [3, 4]}}})),
            with("X-Four", "header", json!({"schema": {"const": 4}})),
            {"name": "optional", "in": "query", "schema": {"default": 5}},
        ], "responses": ok}},
        "/c/{x}": {"get": {"parameters": [with("x", "path", json!({"example": "document"}))], "responses": ok}},
        "/d": {"get": {"parameters": [with("x", "query", json!({"style": "deepObject", "example": {"a": 1}}))], "responses": ok}},
    });
    let service = Service::start(document(paths).to_string(), |_, _, _| {
        StatusCode::OK.into_response()
    })
    .await;
    let own = json!({"examples": {"GET /c/{x}": {"x": "plan"}}});
    let seen = service.observe(own).await.unwrap();
    let asked = [
        "GET /openapi.json",
        "GET /a/a%20b%2F%C3%BC",
        "GET /b?one=first&three=3%2C4&two=1&two=2",
        "GET /c/plan",
    ];
    assert_eq!(service.asked(), asked);
    let left = fact(&seen, "not_called");
    assert!(
        left[0]["why"]
            .as_str()
            .unwrap()
            .contains("cannot be written"),
        "{left}"
    );
}

#[tokio::test]
async fn the_servers_path_goes_before_and_its_host_is_never_asked() {
    let mut shop =
        document(json!({"/health": {"get": {"responses": {"200": {"description": ""}}}}}));
    shop["servers"] = json!([{
        "url": "https://production.example/{stage}/v1/",
        "variables": {"stage": {"default": "api"}},
    }]);
    let service = Service::start(shop.to_string(), |_, _, _| StatusCode::OK.into_response()).await;
    let seen = service.observe(json!({})).await.unwrap();
    assert_eq!(fact(&seen, "all_valid"), json!(true));
    let seen = service.observe(json!({"base": "/other"})).await.unwrap();
    assert_eq!(fact(&seen, "all_valid"), json!(true));
    let asked = service.asked();
    assert_eq!(
        [&asked[1], &asked[3]],
        ["GET /api/v1/health", "GET /other/health"]
    );
}

#[tokio::test]
async fn a_document_without_operations_proves_nothing() {
    let service = Service::of(&document(json!({}))).await;
    let seen = service.observe(json!({"bodies": true})).await.unwrap();
    let absent: Vec<&str> = seen.absent.iter().map(|a| a.fact.as_str()).collect();
    for fact in [
        "operations",
        "counts",
        "calls",
        "all_valid",
        "not_called",
        "empty_bodies",
        "not_sent",
    ] {
        assert!(absent.contains(&fact), "{fact}");
    }
    assert_eq!(fact(&seen, "all_valid"), json!(false));
}
