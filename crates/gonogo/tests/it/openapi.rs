//! A service that describes itself, as a user has it: plan in, verdict and report out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::rig::{folder, gonogo, run_plan};

/// What is wrong with the service.
#[derive(Default)]
struct Faults {
    is_order_unregistered: AtomicBool,
    takes_empty: AtomicBool,
    has_text_for_id: AtomicBool,
    has_trace: AtomicBool,
}

/// A shop that answers as FastAPI does: its document, orders, and 422 with the place of what is missing.
struct Shop {
    address: SocketAddr,
    faults: Arc<Faults>,
    _runtime: tokio::runtime::Runtime,
}

fn document(is_order_unregistered: bool) -> Value {
    let json = |schema: Value| json!({"description": "", "content": {"application/json": {"schema": schema}}});
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "12.1.0"},
        "paths": {
            "/health": {"get": {"responses": {"200": json(json!({"type": "object", "required": ["status"]}))}}},
            "/orders": {
                "get": {"responses": {"200": json(json!({"type": "array", "items": reference("Order")}))}},
                "post": {
                    "requestBody": {"required": true, "content": {"application/json": {"schema": reference("NewOrder")}}},
                    "responses": {"201": json(reference("Order")), "422": json(reference("Refusal"))},
                },
            },
            "/orders/{id}": {"get": {
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}],
                "responses": {"200": json(reference("Order")), "404": json(json!({"type": "object"}))},
            }},
        },
        "components": {"schemas": {
            "Order": {"type": "object", "required": ["id", "items"], "properties": {
                "id": {"type": "integer"}, "items": {"type": "array", "items": {"type": "string"}},
            }},
            "NewOrder": {"type": "object", "required": ["items"], "properties": {
                "items": {"type": "array", "items": {"type": "string"}},
            }},
            "Refusal": {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "array"}}},
        }},
    });
    if is_order_unregistered {
        let paths = document["paths"].as_object_mut().expect("paths");
        paths.remove("/orders/{id}");
    }
    document
}

type Known = State<Arc<Faults>>;

async fn described(State(faults): Known) -> Json<Value> {
    Json(document(
        faults.is_order_unregistered.load(Ordering::SeqCst),
    ))
}

fn order(faults: &Faults) -> Value {
    if faults.has_text_for_id.load(Ordering::SeqCst) {
        return json!({"id": "seven", "items": ["tea"]});
    }
    json!({"id": 7, "items": ["tea"]})
}

async fn orders(State(faults): Known) -> Json<Value> {
    Json(json!([order(&faults)]))
}

async fn one_order(State(faults): Known) -> (StatusCode, Json<Value>) {
    if faults.has_trace.load(Ordering::SeqCst) {
        let trace = json!({"error": "Traceback (most recent call last)"});
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(trace));
    }
    (StatusCode::OK, Json(order(&faults)))
}

async fn new_order(State(faults): Known, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    let is_fine = body["items"].is_array();
    if is_fine || faults.takes_empty.load(Ordering::SeqCst) {
        return (StatusCode::CREATED, Json(order(&faults)));
    }
    let kind = if body.get("items").is_some() {
        "list_type"
    } else {
        "missing"
    };
    let refusal =
        json!({"detail": [{"type": kind, "loc": ["body", "items"], "msg": "Field required"}]});
    (StatusCode::UNPROCESSABLE_ENTITY, Json(refusal))
}

impl Shop {
    fn start() -> Self {
        let faults = Arc::new(Faults::default());
        let router = Router::new()
            .route("/openapi.json", get(described))
            .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
            .route("/orders", get(orders).post(new_order))
            .route("/orders/{id}", get(one_order))
            .with_state(Arc::clone(&faults));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            faults,
            _runtime: runtime,
        }
    }

    fn plan(&self) -> String {
        format!(
            r"gonogo: 1
name: shop
environments:
  local:
    allow: [write]
    targets:
      shop: {{ http: 'http://{}' }}
gates:
  api:
    title: The API is what its users know
    checks:
      - id: registered
        openapi: /openapi.json
        calls: false
        expected: released.json
        expect:
          - size(operations) == 4
          - counts.paths == 3
          - changes.breaking == []
          - changes.removed == []
          - valid
      - id: kept
        openapi: /openapi.json
        examples: {{ id: 7 }}
        expect:
          - all_valid
          - calls.all(c, c.valid)
          - called == 3
      - id: refuses
        openapi: /openapi.json
        calls: false
        bodies: true
        expect:
          - empty_bodies.all(b, b.status == 422 && b.names_field)
",
            self.address
        )
    }

    fn ended(&self) -> (i32, Value, String) {
        let folder = folder();
        let released = document(false).to_string();
        std::fs::write(folder.path().join("released.json"), released).expect("the document");
        let ended = run_plan(folder.path(), &self.plan(), &[]);
        let run = ended.run();
        let page = std::fs::read_to_string(folder.path().join(run).join("report.html"));
        (ended.code, ended.json(), page.unwrap_or_default())
    }
}

fn outcomes(document: &Value) -> [String; 3] {
    ["registered", "kept", "refuses"].map(|c| crate::rig::outcome(document, &format!("api/{c}")))
}

#[test]
fn a_service_that_keeps_to_its_document_is_go() {
    let shop = Shop::start();
    let (code, document, page) = shop.ended();
    assert_eq!(code, 0, "{document}");
    assert_eq!(document["verdict"], "GO");
    assert!(
        page.contains("GET /orders/{id}"),
        "the report shows what was called"
    );
}

#[test]
fn each_fault_of_it_is_caught_by_its_check_and_by_no_other() {
    let shop = Shop::start();
    let faults: [(&AtomicBool, usize); 4] = [
        (&shop.faults.is_order_unregistered, 0),
        (&shop.faults.has_text_for_id, 1),
        (&shop.faults.has_trace, 1),
        (&shop.faults.takes_empty, 2),
    ];
    for (number, (fault, caught_by)) in faults.into_iter().enumerate() {
        fault.store(true, Ordering::SeqCst);
        let (code, document, _) = shop.ended();
        fault.store(false, Ordering::SeqCst);
        assert_eq!(code, 1, "fault {number}: {document}");
        let mut expected = ["pass", "pass", "pass"];
        expected[caught_by] = "fail";
        // A route that is not registered is not called either, so three are not.
        if number == 0 {
            expected[1] = "fail";
        }
        assert_eq!(outcomes(&document), expected, "fault {number}");
    }
}

#[test]
fn a_saved_document_that_is_none_is_told_before_anything_is_sent() {
    let shop = Shop::start();
    let folder = folder();
    std::fs::write(folder.path().join("released.json"), r#"{"swagger": "2.0"}"#).expect("a file");
    std::fs::write(folder.path().join("plan.yaml"), shop.plan()).expect("the plan");
    let lint = gonogo(folder.path(), &["lint", "plan.yaml"]);
    assert_eq!(lint.code, 64);
    assert!(
        lint.stderr.contains("Swagger 2.0") || lint.stdout.contains("Swagger 2.0"),
        "{}{}",
        lint.stdout,
        lint.stderr
    );
}

#[test]
fn sending_bodies_without_the_power_is_refused() {
    let shop = Shop::start();
    let folder = folder();
    std::fs::write(
        folder.path().join("released.json"),
        document(false).to_string(),
    )
    .expect("a file");
    let plan = shop.plan().replace("    allow: [write]\n", "");
    let ended = run_plan(folder.path(), &plan, &[]);
    assert_ne!(ended.code, 0, "{}", ended.stdout);
    assert_ne!(ended.outcome("api/refuses"), "pass");
}
