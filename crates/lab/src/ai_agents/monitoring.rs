//! Who watches: answers of a Grafana and a Jaeger, as far as a validation asks them, the exporter of resources, and a real Prometheus
//! that asks service and exporter.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
    routing::get,
};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Fault, Faults, answer, app::App, containers::Used, database::POOL};
use crate::{LabError, PrometheusServer, metrics::line};

/// How often Prometheus asks. Quick, because somebody waits for the first figures.
const SCRAPE_EVERY: &str = "250ms";

/// A rate needs two figures, and what was read last is kept only when it is asked for again.
pub(super) const ENOUGH_SCRAPES: u64 = 4;

/// Basic credentials in base64: what Grafana has until somebody changes it, `admin:admin`.
const DEFAULT_CREDENTIALS: &str = "Basic YWRtaW46YWRtaW4=";

/// Grafana's answers to `/api/health` and `/api/org`; nobody but the planted fault's admin is let in.
pub(super) fn grafana(faults: &Faults) -> Router {
    let default_credentials = faults.contains(&Fault::DefaultCredentials);
    let health = json!({ "commit": "83b9528bce85cf9371320f6d6e450916156da3f6", "database": "ok", "version": "11.2.0" });
    let org = move |headers: HeaderMap| async move {
        let given = headers.get(header::AUTHORIZATION);
        if default_credentials && given.is_some_and(|given| given == DEFAULT_CREDENTIALS) {
            return answer::json(StatusCode::OK, &json!({ "id": 1, "name": "Main Org." }));
        }
        let mut response = answer::json(
            StatusCode::UNAUTHORIZED,
            &json!({ "message": "Invalid username or password" }),
        );
        // Grafana itself sends none; by it a client sees what it is asked for.
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"Grafana\""),
        );
        response
    };
    Router::new()
        .route("/api/health", get(|| async move { ok(health) }))
        .route("/api/org", get(org))
}

/// Jaeger's page and its list of services.
pub(super) fn jaeger() -> Router {
    let page = "<!doctype html><html lang=\"en\"><head><title>Jaeger UI</title></head><body></body></html>";
    let html = move || async move {
        answer::typed(StatusCode::OK, "text/html; charset=utf-8", page.to_owned())
    };
    let services =
        json!({ "data": ["ai-agents-api", "ai-agents-worker"], "total": 2, "errors": null });
    Router::new()
        .route("/", get(html))
        .route("/api/services", get(|| async move { ok(services) }))
}

fn ok(body: Value) -> Response {
    answer::json(StatusCode::OK, &body)
}

/// What the exporter of resources reads.
pub(super) struct Exporter {
    pub(super) app: Arc<App>,
    pub(super) used: Used,
    pub(super) scrapes: watch::Sender<u64>,
}

/// `GET /metrics`: processor and memory of the containers, the database's volume, the service's pool.
pub(super) fn exporter(exporter: Exporter) -> Router {
    Router::new()
        .route("/metrics", get(resources))
        .with_state(Arc::new(exporter))
}

async fn resources(State(exporter): State<Arc<Exporter>>) -> Response {
    let in_use = exporter.app.pool.in_use();
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, kind: &str, values: &[(String, f64)]| {
        line(&mut text, format_args!("# HELP {name} {help}"));
        line(&mut text, format_args!("# TYPE {name} {kind}"));
        for (labels, value) in values {
            line(&mut text, format_args!("{name}{labels} {value}"));
        }
    };
    let plain = |value: f64| [(String::new(), value)];
    gauge(
        "database_pool_in_use",
        "Connections of the service that are in use.",
        "gauge",
        &plain(in_use as f64),
    );
    gauge(
        "database_pool_size",
        "All of them.",
        "gauge",
        &plain(POOL as f64),
    );
    let Ok((used, room)) = exporter.app.pool.volume().await else {
        return answer::json(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "detail": "no database" }),
        );
    };
    gauge(
        "volume_used_bytes",
        "What the database takes.",
        "gauge",
        &plain(used as f64),
    );
    gauge(
        "volume_size_bytes",
        "The room of its volume.",
        "gauge",
        &plain(room as f64),
    );
    for (name, help, kind, values) in exporter.used.families() {
        gauge(name, help, kind, &values);
    }
    exporter.scrapes.send_modify(|count| *count += 1);
    answer::typed(
        StatusCode::OK,
        "text/plain; version=0.0.4; charset=utf-8",
        text,
    )
}

/// Starts Prometheus.
pub(super) async fn prometheus(
    service: SocketAddr,
    exporter: SocketAddr,
    faults: &Faults,
) -> Result<PrometheusServer, LabError> {
    let service = if faults.contains(&Fault::ScrapeTargetDown) {
        // Port 9 of the loopback: nobody listens where nobody discards.
        SocketAddr::from(([127, 0, 0, 1], 9))
    } else {
        service
    };
    let asked = |name: &str, path: &str, at: SocketAddr| json!({ "job_name": name, "metrics_path": path, "static_configs": [{ "targets": [at.to_string()] }] });
    let mut jobs = vec![asked("fastapi-app", "/metrics/", service)];
    if !faults.contains(&Fault::ResourcesNotCaptured) {
        jobs.push(asked("resources", "/metrics", exporter));
    }
    let configuration =
        json!({ "global": { "scrape_interval": SCRAPE_EVERY }, "scrape_configs": jobs });
    super::started(move || PrometheusServer::start(&configuration)).await
}
