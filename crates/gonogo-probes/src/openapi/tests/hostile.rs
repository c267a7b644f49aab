//! Documents that are meant to do harm: none makes the probe hang, grow, panic, or say that something is valid.

use super::*;

async fn observed_with(paths: Json, schemas: Json, body: &'static str) -> Seen {
    let mut root = document(paths);
    root["components"] = json!({"schemas": schemas});
    let service = Service::start(root.to_string(), move |_, _, _| {
        (StatusCode::OK, [("content-type", "application/json")], body).into_response()
    })
    .await;
    service.observe(json!({})).await.unwrap()
}

/// What is told of the one answer, which is not valid.
async fn told(schemas: Json, body: &'static str) -> String {
    let paths = json!({"/a": {"get": answers(json!({"$ref": "#/components/schemas/A"}))}});
    let seen = observed_with(paths, schemas, body).await;
    let call = the_call(&seen, "GET /a");
    assert_eq!(call["valid"], json!(false));
    assert_eq!(fact(&seen, "all_valid"), json!(false));
    call["problems"].to_string()
}

#[tokio::test]
async fn schemas_that_refer_to_themselves_without_end_are_told() {
    let this = json!({"A": {"$ref": "#/components/schemas/A"}});
    assert!(told(this, "{}").await.contains("without an end"));
    let pair = json!({"A": {"allOf": [{"$ref": "#/components/schemas/B"}]}, "B": {"anyOf": [{"$ref": "#/components/schemas/A"}]}});
    assert!(told(pair, "{}").await.contains("without an end"));
}

#[tokio::test]
async fn a_tree_that_refers_to_itself_is_a_schema_like_any_other() {
    let paths = json!({"/a": {"get": answers(json!({"$ref": "#/components/schemas/Tree"}))}});
    let tree = json!({"Tree": {"type": "object", "required": ["n"], "properties": {
        "n": {"type": "integer"}, "next": {"$ref": "#/components/schemas/Tree"},
    }}});
    let seen = observed_with(
        paths.clone(),
        tree.clone(),
        r#"{"n":1,"next":{"n":2,"next":{"n":3}}}"#,
    )
    .await;
    assert_eq!(
        fact(&seen, "all_valid"),
        json!(true),
        "{}",
        fact(&seen, "calls")
    );
    let seen = observed_with(paths, tree, r#"{"n":1,"next":{"n":2,"next":{}}}"#).await;
    assert!(
        the_call(&seen, "GET /a")["problems"]
            .to_string()
            .contains("/next/next")
    );
}

#[tokio::test]
async fn schemas_that_double_at_each_step_are_told_before_any_work() {
    let mut schemas = serde_json::Map::new();
    for n in 0..40 {
        let next = json!({"$ref": format!("#/components/schemas/S{}", n + 1)});
        schemas.insert(format!("S{n}"), json!({"allOf": [next, next]}));
    }
    schemas.insert("S40".to_owned(), json!({}));
    schemas.insert("A".to_owned(), json!({"$ref": "#/components/schemas/S0"}));
    assert!(told(Json::Object(schemas), "{}").await.contains("steps"));
}

#[tokio::test]
async fn a_chain_of_references_without_measure_is_told_on_a_small_stack() {
    let mut schemas = serde_json::Map::new();
    for n in 0..5000 {
        let next = json!({"$ref": format!("#/components/schemas/S{}", n + 1), "description": "x"});
        schemas.insert(format!("S{n}"), next);
    }
    schemas.insert("S5000".to_owned(), json!({}));
    schemas.insert("A".to_owned(), json!({"$ref": "#/components/schemas/S0"}));
    assert!(told(Json::Object(schemas), "{}").await.contains("levels"));
}

#[tokio::test]
async fn schemas_and_values_as_deep_as_is_taken_do_not_need_a_larger_stack() {
    let tree = json!({"A": {"type": "array", "items": {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]}}});
    let paths = json!({"/a": {"get": answers(json!({"$ref": "#/components/schemas/A"}))}});
    let deep: &'static str = String::leak(format!("{}{}", "[".repeat(30), "]".repeat(30)));
    let seen = observed_with(paths, tree.clone(), deep).await;
    assert_eq!(
        fact(&seen, "all_valid"),
        json!(true),
        "{}",
        fact(&seen, "calls")
    );
    let deeper: &'static str = String::leak(format!("{}{}", "[".repeat(120), "]".repeat(120)));
    assert!(told(tree, deeper).await.contains("levels"));
}

#[tokio::test]
async fn patterns_without_measure_are_told_and_others_take_no_time() {
    for pattern in [
        "(a{1000}){1000}",
        "((a{99}){99}){99}",
        &"a".repeat(501),
        "\\p{L}{9999}{9999}",
    ] {
        let schema = json!({"A": {"type": "string", "pattern": pattern}});
        assert!(
            told(schema, "\"aaaa\"")
                .await
                .contains("a pattern has more than"),
            "{pattern}"
        );
    }
    // What makes a backtracking engine hang; the body does not match.
    let schema = json!({"A": {"type": "string", "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"}});
    let body: &'static str = String::leak(format!("\"{}\"", "a".repeat(50_000)));
    assert!(told(schema, body).await.contains("pattern"));
    let unreadable = json!({"A": {"type": "string", "pattern": "(?<=a)b"}});
    assert!(
        told(unreadable, "\"b\"")
            .await
            .contains("could not be held against")
    );
}

#[tokio::test]
async fn keywords_that_reach_elsewhere_are_told_and_nothing_is_fetched() {
    for schema in [
        json!({"$id": "https://elsewhere.example/a"}),
        json!({"$dynamicRef": "#x"}),
        json!({"$ref": "#anchor"}),
        json!({"$ref": 5}),
        json!("text"),
        json!({"allOf": {}}),
    ] {
        told(json!({"A": schema}), "{}").await;
    }
    // A schema that is none by its own rules.
    for schema in [
        json!({"type": "strange"}),
        json!({"minLength": -1}),
        json!({"required": "a"}),
        json!({"properties": 5}),
    ] {
        told(json!({"A": schema}), "{}").await;
    }
}

#[tokio::test]
async fn an_answer_beyond_the_cap_or_that_breaks_off_is_never_valid() {
    let any = json!({"A": {}});
    let long: &'static str = String::leak(format!("\"{}\"", "a".repeat(5 << 20)));
    assert!(told(any.clone(), long).await.contains("not whole"));
    assert!(told(any.clone(), "{\"a\":").await.contains("not JSON"));
    let deep: &'static str = String::leak(format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)));
    assert!(told(any, deep).await.contains("not JSON"));
}

#[tokio::test]
async fn documents_that_name_each_other_without_end_are_read_up_to_the_limit() {
    let root = document(json!({"/a": {"get": answers(json!({"$ref": "/n/0.json"}))}}));
    let next = |_: &str, target: &str, _: &Json| {
        let n: usize = target
            .trim_start_matches("/n/")
            .trim_end_matches(".json")
            .parse()
            .unwrap_or(0);
        answer(
            200,
            json!({"allOf": [{"$ref": format!("{}.json", n + 1)}, {"$ref": "0.json"}]}),
        )
    };
    let service = Service::start(root.to_string(), next).await;
    let seen = service.observe(json!({"calls": false})).await.unwrap();
    assert_eq!(service.asked().len(), 64);
    assert!(
        fact(&seen, "problems")
            .to_string()
            .contains("more than 64 documents")
    );
}

#[tokio::test]
async fn a_document_that_is_much_out_of_little_is_refused() {
    // Each of many paths refers to one item with many parameters.
    let mut paths = serde_json::Map::new();
    for n in 0..3000 {
        paths.insert(format!("/{n}"), json!({"$ref": "#/components/pathItems/x"}));
    }
    let parameters: Vec<Json> = (0..200)
        .map(|n| json!({"name": format!("p{n}"), "in": "query"}))
        .collect();
    let mut root = document(Json::Object(paths));
    root["components"] =
        json!({"pathItems": {"x": {"parameters": parameters, "get": {}, "put": {}}}});
    let failed = Service::of(&root)
        .await
        .observe(json!({}))
        .await
        .unwrap_err();
    assert!(
        failed.message.contains("parameters and answers"),
        "{}",
        failed.message
    );
    // A bomb of YAML, and JSON of nothing but values.
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]\n";
    let zeros = format!("[{}0]", "0,".repeat(2_000_000));
    for (text, told) in [(bomb, "more than 200000 values"), (&*zeros, "values, and")] {
        let service = Service::start(text, |_, _, _| answer(404, json!({}))).await;
        let failed = service.observe(json!({})).await.unwrap_err();
        assert!(failed.message.contains(told), "{}", failed.message);
    }
}

#[tokio::test]
async fn more_operations_than_are_called_make_no_claim_of_all() {
    let mut paths = serde_json::Map::new();
    for n in 0..1005 {
        paths.insert(
            format!("/{n}"),
            json!({"head": {"responses": {"200": {"description": ""}}}}),
        );
    }
    let service = Service::start(document(Json::Object(paths)).to_string(), |_, _, _| {
        StatusCode::OK.into_response()
    })
    .await;
    let seen = service.observe(json!({})).await.unwrap();
    assert_eq!(fact(&seen, "called"), json!(1000));
    assert_eq!(service.asked().len(), 1001);
    for fact in ["calls", "called", "not_called", "all_valid"] {
        assert!(seen.cut.iter().any(|c| c.fact == fact), "{fact}");
    }
}

#[tokio::test]
async fn a_path_of_a_document_leads_to_no_other_host() {
    let paths = json!({
        "//elsewhere.example/a": {"get": {"responses": {"200": {"description": ""}}}},
        "/@elsewhere.example/{x}": {"get": {
            "parameters": [{"name": "x", "in": "path", "required": true, "example": "../../secret"}],
            "responses": {"200": {"description": ""}},
        }},
        "/y{z": {"get": {"responses": {"200": {"description": ""}}}},
        "/{p}": {"get": {
            "parameters": [{"name": "p", "in": "path", "required": true, "example": ".."}],
            "responses": {"200": {"description": ""}},
        }},
    });
    let service = Service::of(&document(paths)).await;
    let seen = service.observe(json!({})).await.unwrap();
    let asked = [
        "GET /openapi.json",
        "GET //elsewhere.example/a",
        "GET /@elsewhere.example/..%2F..%2Fsecret",
        "GET /y%7Bz",
    ];
    assert_eq!(service.asked(), asked);
    assert_eq!(fact(&seen, "not_called")[0]["operation"], "GET /{p}");
}
