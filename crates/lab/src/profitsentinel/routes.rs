//! The routes of the document `cases/profitsentinel/openapi.json`, the document itself and the page that shows it.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Fault,
    answers::{Refused, ok},
    pipeline::{Found, Issue, STORES},
    state::Sidecar,
    work,
};
use crate::answer::answer;

/// The document, as it is delivered.
const DOCUMENT: &str = include_str!("../../../../cases/profitsentinel/openapi.json");
const PAGE: &str = "<!doctype html><title>Profit Sentinel sidecar</title><p>The document is <a href=\"/openapi.json\">/openapi.json</a>.</p>";
/// What a service that is badly set up shows to everybody.
const TRACE: &str = "Traceback (most recent call last):\n  File \"/app/sidecar/main.py\", line 88, in app\n    raise HTTPException(404)\nfastapi.exceptions.HTTPException: 404";

/// So many issues the digest of all stores lists.
const LISTED: usize = 10;

type Answer = Result<Response, Refused>;

pub(super) fn router(sidecar: Arc<Sidecar>) -> Router {
    let mut router = Router::new()
        .merge(work::routes())
        .route("/health", get(health))
        .route("/openapi.json", get(document))
        .route("/api/v1/digest", get(digest))
        .route("/api/v1/digest/{store_id}", get(store_digest))
        .route("/api/v1/coop/{store_id}", get(coop))
        .route("/api/v1/explain/{issue_id}", get(explain));
    if !sidecar.has(Fault::DocsMissing) {
        router = router.route("/docs", get(docs));
    }
    if !sidecar.has(Fault::DocumentedRouteMissing) {
        router = router.route("/api/v1/vendor-call/{issue_id}", get(vendor_call));
    }
    router
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn(named))
        .with_state(sidecar)
}

/// What every answer says of the server.
async fn named(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(
        header::SERVER,
        header::HeaderValue::from_static("profitsentinel"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    response
}

async fn unknown(State(sidecar): State<Arc<Sidecar>>) -> Response {
    let detail = if sidecar.has(Fault::StackTraceShown) {
        TRACE
    } else {
        "Not Found"
    };
    answer(StatusCode::NOT_FOUND, &json!({ "detail": detail }))
}

async fn not_allowed() -> Response {
    answer(
        StatusCode::METHOD_NOT_ALLOWED,
        &json!({ "detail": "Method Not Allowed" }),
    )
}

async fn health(State(sidecar): State<Arc<Sidecar>>) -> Response {
    let found = sidecar.binary.is_file();
    ok(&json!({
        "status": if found { "ok" } else { "degraded" },
        "version": sidecar.version,
        "binary_found": found,
        "binary_path": found.then(|| sidecar.binary.display().to_string()),
        "dev_mode": sidecar.dev_mode || sidecar.has(Fault::DevModeOn),
    }))
}

async fn docs() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PAGE).into_response()
}

async fn document(State(sidecar): State<Arc<Sidecar>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    if !sidecar.has(Fault::RouteNotDocumented) {
        return (kind, DOCUMENT).into_response();
    }
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    if let Some(paths) = document["paths"].as_object_mut() {
        paths.remove("/api/v1/coop/{store_id}");
    }
    (kind, document.to_string()).into_response()
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    fresh: bool,
}

async fn digest(State(sidecar): State<Arc<Sidecar>>, Query(wanted): Query<Wanted>) -> Response {
    let (found, cold) = sidecar.run(wanted.fresh).await;
    let dearest = found.issues.len().min(LISTED);
    ok(&digest_of(None, &found, &found.issues[..dearest], cold))
}

async fn store_digest(
    State(sidecar): State<Arc<Sidecar>>,
    Path(store): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Answer {
    let number = store_number(&store)?;
    let (found, cold) = sidecar.run(wanted.fresh).await;
    let issues: Vec<Issue> = found
        .issues
        .iter()
        .filter(|issue| issue.store == number)
        .copied()
        .collect();
    Ok(ok(&digest_of(Some(&store), &found, &issues, cold)))
}

fn store_number(store: &str) -> Result<u32, Refused> {
    let number = store
        .strip_prefix("store-")
        .and_then(|number| number.parse().ok())
        .filter(|number| (1..=STORES).contains(number));
    number.ok_or_else(|| Refused::unknown("Store", store))
}

fn digest_of(store: Option<&str>, found: &Found, issues: &[Issue], cold: bool) -> Value {
    let total: i64 = issues.iter().map(|issue| issue.impact).sum();
    let list: Vec<Value> = issues.iter().map(shown).collect();
    json!({
        "store_id": store,
        "issues": list,
        "count": issues.len(),
        "total_impact_cents": total,
        "pipeline": run_of(found, cold),
    })
}

pub(super) fn run_of(found: &Found, cold: bool) -> Value {
    json!({
        "mode": if cold { "cold" } else { "warm" },
        "lines": found.lines,
        "milliseconds": found.took.as_secs_f64() * 1000.0,
    })
}

fn shown(issue: &Issue) -> Value {
    json!({
        "issue_id": format!("ISS-{:04}", issue.number),
        "store_id": format!("store-{}", issue.store),
        "sku": format!("SKU-{}", issue.sku),
        "kind": issue.kind.name(),
        "impact_cents": issue.impact,
    })
}

/// The issue of an id such as `ISS-0001`.
pub(super) async fn issue(sidecar: &Arc<Sidecar>, id: &str) -> Result<Issue, Refused> {
    let number: Option<usize> = id.strip_prefix("ISS-").and_then(|n| n.parse().ok());
    let (found, _) = sidecar.run(false).await;
    let issue = found
        .issues
        .into_iter()
        .find(|issue| Some(issue.number) == number);
    issue.ok_or_else(|| Refused::unknown("Issue", id))
}

async fn coop(Path(store): Path<String>) -> Answer {
    let number = store_number(&store)?;
    Ok(ok(&json!({
        "store_id": store,
        "rebates_cents": i64::from(number) * 12_345,
        "suppliers": ["Orgill", "Do it Best"],
    })))
}

async fn vendor_call(State(sidecar): State<Arc<Sidecar>>, Path(id): Path<String>) -> Answer {
    let issue = issue(&sidecar, &id).await?;
    Ok(ok(&json!({
        "issue_id": id,
        "vendor": "Orgill",
        "points": [
            format!("SKU-{} in store-{}", issue.sku, issue.store),
            format!("{} cents a month", issue.impact),
        ],
    })))
}

async fn explain(State(sidecar): State<Arc<Sidecar>>, Path(id): Path<String>) -> Answer {
    let issue = issue(&sidecar, &id).await?;
    let words = issue.kind.name().replace('_', " ");
    Ok(ok(&json!({
        "issue_id": id,
        "explanation": format!("SKU-{} is a case of {words}.", issue.sku),
        "impact_cents": issue.impact,
    })))
}
