//! What changed between two documents, and whether it is rated as published.

use proptest::prelude::*;

use super::super::compare::{Changes, Side, compared};
use super::super::document::Documents;
use super::super::model;
use super::super::schemas::Schemas;
use super::*;

fn changes(before: &Json, after: &Json) -> Changes {
    let (old, new) = (
        Documents::alone(before.clone()),
        Documents::alone(after.clone()),
    );
    let (before, after) = (model::read(&old).unwrap(), model::read(&new).unwrap());
    let mut old = Schemas::new(&old, before.version);
    let mut new = Schemas::new(&new, after.version);
    let before = Side {
        api: &before,
        schemas: &mut old,
    };
    let after = Side {
        api: &after,
        schemas: &mut new,
    };
    compared(before, after)
}

/// A document in which there is something to change of every kind.
fn rich() -> Json {
    let mut rich = document(json!({
        "/orders": {
            "get": {
                "security": [{"bearer": ["read"]}],
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                    {"name": "sort", "in": "query", "schema": {"enum": ["up", "down"]}},
                ],
                "responses": {
                    "200": {"description": "", "content": {
                        "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}}},
                        "text/csv": {},
                    }},
                    "401": {"description": ""},
                },
            },
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewOrder"}}}},
                "responses": {"201": {"description": ""}},
            },
        },
        "/orders/{id}": {"delete": {
            "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
            "responses": {"204": {"description": ""}},
        }},
    }));
    rich["components"] = json!({"schemas": {
        "Order": {
            "type": "object", "required": ["id", "state"],
            "properties": {
                "id": {"type": "integer"},
                "state": {"enum": ["open", "paid"]},
                "note": {"type": ["string", "null"], "maxLength": 80},
                "parent": {"$ref": "#/components/schemas/Order"},
            },
        },
        "NewOrder": {
            "type": "object", "required": ["items"],
            "properties": {
                "items": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "kind": {"enum": ["gift", "own"]},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
        },
    }});
    rich
}

/// A change of one kind: its name, how the document is changed, whether it breaks.
type Mutation = (&'static str, fn(&mut Json), bool);

fn at<'j>(document: &'j mut Json, pointer: &str) -> &'j mut Json {
    document
        .pointer_mut(pointer)
        .unwrap_or_else(|| panic!("{pointer}"))
}

fn remove(document: &mut Json, pointer: &str, key: &str) {
    let gone = at(document, pointer).as_object_mut().unwrap().remove(key);
    assert!(gone.is_some(), "{pointer} {key}");
}

const GET: &str = "/paths/~1orders/get";
const POST: &str = "/paths/~1orders/post";
const ORDER: &str = "/components/schemas/Order";
const NEW: &str = "/components/schemas/NewOrder";

/// Every kind of change that is listed in the guide.
const MUTATIONS: &[Mutation] = &[
    (
        "an operation gone",
        |d| remove(d, "/paths/~1orders", "post"),
        true,
    ),
    (
        "an operation more",
        |d| at(d, "/paths/~1orders")["put"] = json!({"responses": {"200": {}}}),
        false,
    ),
    (
        "a required parameter more",
        |d| {
            let new = json!({"name": "tenant", "in": "header", "required": true});
            at(d, &format!("{GET}/parameters"))
                .as_array_mut()
                .unwrap()
                .push(new);
        },
        true,
    ),
    (
        "an optional parameter more",
        |d| {
            let new = json!({"name": "page", "in": "query"});
            at(d, &format!("{GET}/parameters"))
                .as_array_mut()
                .unwrap()
                .push(new);
        },
        false,
    ),
    (
        "a parameter required",
        |d| at(d, &format!("{GET}/parameters/0"))["required"] = json!(true),
        true,
    ),
    (
        "a parameter gone",
        |d| {
            drop(
                at(d, &format!("{GET}/parameters"))
                    .as_array_mut()
                    .unwrap()
                    .pop(),
            )
        },
        false,
    ),
    (
        "a parameter's bound tighter",
        |d| *at(d, &format!("{GET}/parameters/0/schema/maximum")) = json!(50),
        true,
    ),
    (
        "a parameter's bound wider",
        |d| *at(d, &format!("{GET}/parameters/0/schema/maximum")) = json!(500),
        false,
    ),
    (
        "a parameter's value gone",
        |d| *at(d, &format!("{GET}/parameters/1/schema/enum")) = json!(["up"]),
        true,
    ),
    (
        "a parameter's type other",
        |d| *at(d, &format!("{GET}/parameters/0/schema/type")) = json!("string"),
        true,
    ),
    (
        "a body required",
        |d| at(d, &format!("{POST}/requestBody"))["required"] = json!(true),
        true,
    ),
    ("a body gone", |d| remove(d, POST, "requestBody"), true),
    (
        "a required field more",
        |d| at(d, NEW)["required"] = json!(["items", "kind"]),
        true,
    ),
    (
        "a new required field",
        |d| {
            at(d, NEW)["required"] = json!(["items", "address"]);
            at(d, &format!("{NEW}/properties"))["address"] = json!({"type": "string"});
        },
        true,
    ),
    (
        "a new optional field",
        |d| at(d, &format!("{NEW}/properties"))["address"] = json!({}),
        false,
    ),
    (
        "a field required no more",
        |d| at(d, NEW)["required"] = json!([]),
        false,
    ),
    (
        "a request's value gone",
        |d| *at(d, &format!("{NEW}/properties/kind/enum")) = json!(["gift"]),
        true,
    ),
    (
        "a request's value more",
        |d| *at(d, &format!("{NEW}/properties/kind/enum")) = json!(["gift", "own", "x"]),
        false,
    ),
    (
        "a request's type narrower",
        |d| *at(d, &format!("{NEW}/properties/note")) = json!({"type": "string"}),
        true,
    ),
    (
        "a request's bound tighter",
        |d| *at(d, &format!("{NEW}/properties/items/minItems")) = json!(2),
        true,
    ),
    (
        "a request's bound wider",
        |d| *at(d, &format!("{NEW}/properties/items/minItems")) = json!(0),
        false,
    ),
    (
        "a request's pattern",
        |d| at(d, &format!("{NEW}/properties/items/items"))["pattern"] = json!("^a"),
        true,
    ),
    (
        "a request's format",
        |d| at(d, &format!("{NEW}/properties/items/items"))["format"] = json!("uuid"),
        true,
    ),
    (
        "a request closed",
        |d| at(d, NEW)["additionalProperties"] = json!(false),
        true,
    ),
    (
        "an answer's field gone",
        |d| remove(d, &format!("{ORDER}/properties"), "note"),
        true,
    ),
    (
        "an answer's field required no more",
        |d| at(d, ORDER)["required"] = json!(["id"]),
        true,
    ),
    (
        "an answer's field more",
        |d| at(d, &format!("{ORDER}/properties"))["more"] = json!({}),
        false,
    ),
    (
        "an answer's field required",
        |d| at(d, ORDER)["required"] = json!(["id", "state", "note"]),
        false,
    ),
    (
        "an answer's null more",
        |d| *at(d, &format!("{ORDER}/properties/id/type")) = json!(["integer", "null"]),
        true,
    ),
    (
        "an answer's type wider",
        |d| *at(d, &format!("{ORDER}/properties/id/type")) = json!("number"),
        true,
    ),
    (
        "an answer's type narrower",
        |d| *at(d, &format!("{ORDER}/properties/note/type")) = json!("string"),
        false,
    ),
    (
        "an answer's value more",
        |d| *at(d, &format!("{ORDER}/properties/state/enum")) = json!(["open", "paid", "x"]),
        true,
    ),
    (
        "an answer's value gone",
        |d| *at(d, &format!("{ORDER}/properties/state/enum")) = json!(["open"]),
        false,
    ),
    (
        "an answer's bound gone",
        |d| remove(d, &format!("{ORDER}/properties/note"), "maxLength"),
        true,
    ),
    (
        "an answer's status gone",
        |d| remove(d, &format!("{GET}/responses"), "401"),
        true,
    ),
    (
        "an answer's status more",
        |d| at(d, &format!("{GET}/responses"))["404"] = json!({}),
        false,
    ),
    (
        "an answer's content gone",
        |d| remove(d, &format!("{GET}/responses/200/content"), "text/csv"),
        true,
    ),
    (
        "an answer's content more",
        |d| at(d, &format!("{GET}/responses/200/content"))["text/html"] = json!({}),
        false,
    ),
    (
        "a scope more",
        |d| *at(d, &format!("{GET}/security")) = json!([{"bearer": ["read", "admin"]}]),
        true,
    ),
    (
        "no way in",
        |d| *at(d, &format!("{GET}/security")) = json!([]),
        true,
    ),
    (
        "deprecated",
        |d| at(d, POST)["deprecated"] = json!(true),
        false,
    ),
    (
        "a schema that cannot be told",
        |d| at(d, ORDER)["not"] = json!({"required": ["x"]}),
        true,
    ),
];

#[test]
fn every_kind_of_change_is_found_and_rated() {
    let before = rich();
    for (name, mutate, is_breaking) in MUTATIONS {
        let mut after = before.clone();
        mutate(&mut after);
        let changes = changes(&before, &after);
        let changed = changes.changed.as_ref().unwrap();
        let all = changes.added.len() + changes.removed.len() + changed.len();
        assert!(all > 0, "{name} is not found");
        assert_eq!(
            !changes.breaking().is_empty(),
            *is_breaking,
            "{name}: {changes:?}"
        );
        assert_eq!(changes.partial, None, "{name}");
    }
}

#[test]
fn a_schema_that_changed_behind_a_reference_is_told_in_each_operation() {
    let before = document(json!({
        "/a": {"get": answers(json!({"$ref": "#/components/schemas/X"}))},
        "/b": {"get": answers(json!({"type": "object", "properties": {"x": {"$ref": "#/components/schemas/X"}}}))},
    }));
    let with = |schema: Json| {
        let mut document = before.clone();
        document["components"] = json!({"schemas": {"X": schema}});
        document
    };
    let told = changes(
        &with(json!({"type": "string"})),
        &with(json!({"type": "integer"})),
    );
    let places: Vec<_> = told
        .changed
        .unwrap()
        .into_iter()
        .map(|c| (c.operation, c.place))
        .collect();
    let expected = [("GET /a", "answer 200"), ("GET /b", "answer 200 /x")];
    assert_eq!(places, expected.map(|(o, p)| (o.to_owned(), p.to_owned())));
}

#[test]
fn another_name_of_a_paths_parameter_is_no_change() {
    let with = |name: &str| {
        document(json!({format!("/a/{{{name}}}"): {"get": {
            "parameters": [{"name": name, "in": "path", "required": true, "schema": {"type": "string"}}],
            "responses": {"200": {}},
        }}}))
    };
    let told = changes(&with("id"), &with("order_id"));
    assert_eq!(
        told,
        Changes {
            changed: Some(Vec::new()),
            ..Changes::default()
        }
    );
}

#[test]
fn the_same_said_in_3_0_and_in_3_1_is_no_change() {
    let schema_30 = json!({"type": "object", "properties": {
        "a": {"type": "string", "nullable": true},
        "b": {"type": "integer", "minimum": 1, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false},
        "c": {"nullable": true, "allOf": [{"type": "object"}]},
    }});
    let schema_31 = json!({"type": "object", "properties": {
        "a": {"type": ["string", "null"]},
        "b": {"type": "integer", "exclusiveMinimum": 1, "maximum": 9},
        "c": {"anyOf": [{"type": "null"}, {"allOf": [{"type": "object"}]}]},
    }});
    let mut old = document(json!({"/a": {"get": answers(schema_30)}}));
    old["openapi"] = json!("3.0.3");
    let new = document(json!({"/a": {"get": answers(schema_31)}}));
    assert_eq!(changes(&old, &new).changed, Some(Vec::new()));
}

#[tokio::test]
async fn a_list_and_a_saved_document_are_compared_with() {
    let service = Service::of(&rich()).await;
    let listed = json!({"calls": false, "expected": ["GET /orders", "PATCH /orders", "DELETE /orders/{order}"]});
    let seen = service.observe(listed).await.unwrap();
    let expected = json!({
        "added": ["POST /orders"], "removed": ["PATCH /orders"], "breaking": ["PATCH /orders: removed"],
    });
    assert_eq!(fact(&seen, "changes"), expected);
    let mut saved = rich();
    remove(&mut saved, GET, "security");
    let file = PlanFile {
        path: "released.json".to_owned(),
        bytes: saved.to_string().into_bytes(),
    };
    let options = json!({"calls": false, "expected": "released.json"});
    let seen = service.observe_with(options, vec![file]).await.unwrap();
    let changes = fact(&seen, "changes");
    assert_eq!(changes["changed"][0]["place"], "security");
    assert_eq!(changes["changed"][0]["breaking"], true);
    assert_eq!(changes["removed"], json!([]));
}

fn schema() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!({"type": "string", "maxLength": 5, "pattern": "^a"})),
        Just(json!({"type": ["integer", "null"], "minimum": 1})),
        Just(json!({"enum": ["a", 1, null]})),
        Just(json!({"$ref": "#/components/schemas/Tree"})),
        Just(json!(true)),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::btree_map("[a-d]", inner.clone(), 0..4).prop_map(|p| {
                let required: Vec<_> = p.keys().take(1).cloned().collect();
                json!({"type": "object", "properties": p, "required": required})
            }),
            inner
                .clone()
                .prop_map(|i| json!({"type": "array", "items": i})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|a| json!({"anyOf": a})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|a| json!({"allOf": a})),
            inner.prop_map(|n| json!({"not": n, "additionalProperties": n})),
        ]
    })
}

fn described(request: &Json, answer: &Json) -> Json {
    let mut document = document(json!({"/a": {"post": {
        "requestBody": {"content": {"application/json": {"schema": request}}},
        "responses": answers(answer.clone())["responses"],
    }}}));
    document["components"] = json!({"schemas": {"Tree": {"type": "object", "properties": {
        "left": {"$ref": "#/components/schemas/Tree"},
        "right": {"oneOf": [{"$ref": "#/components/schemas/Tree"}, {"type": "null"}]},
    }}}});
    document
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_document_against_itself_has_no_changes(request in schema(), answer in schema()) {
        let document = described(&request, &answer);
        let told = changes(&document, &document);
        prop_assert_eq!(told, Changes { changed: Some(Vec::new()), ..Changes::default() });
    }

    #[test]
    fn two_documents_that_differ_in_a_type_are_never_the_same(request in schema()) {
        // Whatever stands around it: a text that becomes a number is told, and breaks.
        let around = |leaf: &str| json!({"type": "object", "properties": {
            "around": request, "leaf": {"type": leaf},
        }});
        let told = changes(&described(&around("string"), &json!({})), &described(&around("integer"), &json!({})));
        prop_assert!(!told.breaking().is_empty());
    }

    #[test]
    fn what_breaks_one_way_in_a_request_breaks_the_other_way_in_an_answer(before in schema(), after in schema()) {
        let request = changes(&described(&before, &json!({})), &described(&after, &json!({})));
        let answer = changes(&described(&json!({}), &after), &described(&json!({}), &before));
        // A change is found on both sides or on none.
        prop_assert_eq!(
            request.changed.unwrap().is_empty(),
            answer.changed.unwrap().is_empty()
        );
    }
}
