use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gonogo_core::Value;
use gonogo_core::plan::PlanFile;
use gonogo_core::record::Cause;
use serde_json::json;

use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::probe::ResolvedTarget;

mod changes;
mod documents;
mod hostile;
mod service;

type Answer = Arc<dyn Fn(&str, &str, &Json) -> Response + Send + Sync>;

/// A service on loopback: its document at `/openapi.json`, its answers by a function, and what it was asked.
struct Service {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Known {
    document: Arc<Vec<u8>>,
    answer: Answer,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn served(State(known): State<Known>, request: Request) -> Response {
    let target = request.uri().path_and_query().map_or("/", |p| p.as_str());
    let (method, target) = (request.method().to_string(), target.to_owned());
    known
        .asked
        .lock()
        .unwrap()
        .push(format!("{method} {target}"));
    if target == "/openapi.json" {
        return known.document.to_vec().into_response();
    }
    let body = axum::body::to_bytes(request.into_body(), 1 << 20)
        .await
        .unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Json::Null);
    (known.answer)(&method, &target, &body)
}

impl Service {
    async fn start(
        document: impl AsRef<[u8]>,
        answer: impl Fn(&str, &str, &Json) -> Response + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let known = Known {
            document: Arc::new(document.as_ref().to_vec()),
            answer: Arc::new(answer),
            asked: Arc::clone(&asked),
        };
        let router = Router::new().fallback(served).with_state(known);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, asked }
    }

    /// One that has nothing but its document.
    async fn of(document: &Json) -> Self {
        Self::start(document.to_string(), |_, _, _| answer(404, json!({}))).await
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn observe(&self, options: Json) -> Result<Seen, NotObserved> {
        self.observe_with(options, Vec::new()).await
    }

    async fn observe_with(&self, options: Json, files: Vec<PlanFile>) -> Result<Seen, NotObserved> {
        let (_keep, cancelled) = tokio::sync::watch::channel(false);
        let hosts = vec![("127.0.0.1".to_owned(), self.port)];
        let ctx = Ctx::new(
            hosts,
            PathBuf::from("."),
            Duration::from_secs(60),
            cancelled,
        );
        let ctx = ctx.with_files(files);
        let target = ResolvedTarget {
            name: "api".to_owned(),
            kind: "http".to_owned(),
            options: json!({"http": format!("http://127.0.0.1:{}", self.port)}),
        };
        let mut all = json!({"openapi": "/openapi.json"});
        for (name, value) in options.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        let scope = GateScope::new(false);
        Openapi
            .observe(Call {
                options: all,
                target: Some(&target),
                limits: &[],
                statistics: &gonogo_core::plan::StatisticsOptions::default(),
                earlier_samplings: Some(0),
                reads: false,
                scope: &scope,
                ctx: &ctx,
            })
            .await
    }
}

/// An answer with JSON.
fn answer(status: u16, body: Json) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (
        status,
        [("content-type", "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// A document with these paths.
fn document(paths: Json) -> Json {
    json!({"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": paths})
}

/// An operation whose answer 200 has that schema.
fn answers(schema: Json) -> Json {
    json!({"responses": {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}})
}

fn fact(seen: &Seen, name: &str) -> Json {
    seen.facts.get(name).map_or(Json::Null, Value::to_json)
}

fn the_call(seen: &Seen, operation: &str) -> Json {
    let calls = fact(seen, "calls");
    let mut all = calls.as_array().unwrap().iter();
    let found = all.find(|c| c["operation"] == operation);
    found
        .unwrap_or_else(|| panic!("{operation} was not called: {calls}"))
        .clone()
}
