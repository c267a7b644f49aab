//! All routes, and what happens to every request around its handler: counted, its body read, its bearer checked, its answer enveloped.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::body::Frame;
use serde_json::json;

use super::{
    Fault,
    app::{self, App, LIMIT},
    auth::{Caller, only_reads},
    rules, snapshots,
};
use crate::answer::{self, Problem};

/// The largest body that is read.
const BODY: usize = 64 * 1024;

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(app::routes())
        .merge(rules::routes())
        .merge(snapshots::routes())
        .route("/api/auth/me", get(me))
        .route("/api/limits/probe", get(probe))
        .fallback(|| async { Problem::not_found("no such path") })
        .layer(middleware::from_fn_with_state(Arc::clone(&app), around))
        .with_state(app)
}

async fn me(Extension(caller): Extension<Caller>) -> Response {
    answer::ok(
        json!({ "user": { "sub": caller.sub, "roles": caller.roles }, "expires_at": caller.exp }),
    )
}

async fn probe(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    let named = headers
        .get("x-client-id")
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=200).contains(&id.len()));
    let client = named
        .map(ToOwned::to_owned)
        .or(caller.jti)
        .unwrap_or(caller.sub);
    let budget = app.take(&client);
    let refused_after = if app.has(Fault::RateLimitTooEarly) {
        LIMIT / 2
    } else {
        LIMIT
    };
    let refused = budget.number > refused_after && !app.has(Fault::NoTooManyRequests);
    let mut response = if refused {
        app.metrics.count("rate_limit_triggered_total", &[]);
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "RATE_LIMITED",
            "Too many requests",
        )
        .into_response()
    } else {
        answer::ok(json!({ "client": client, "limit": LIMIT, "remaining": budget.remaining }))
    };
    let headers = response.headers_mut();
    headers.insert("ratelimit-limit", LIMIT.into());
    headers.insert("ratelimit-remaining", budget.remaining.into());
    headers.insert("ratelimit-reset", budget.reset_seconds.into());
    if refused && !app.has(Fault::RetryAfterMissing) {
        headers.insert(header::RETRY_AFTER, budget.reset_seconds.into());
    }
    response
}

/// What happens around every handler.
async fn around(
    State(app): State<Arc<App>>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = match admitted(&app, request).await {
        Ok(request) => enveloped(next.run(request).await),
        Err(response) => response,
    };
    if path != "/metrics/prom" && !path.starts_with("/lab/") {
        let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
        let status = response.status();
        let labels = [
            ("method", known(&method)),
            ("path", route),
            ("status", status.as_str()),
        ];
        app.metrics.count("http_requests_total", &labels);
        if status.is_server_error() {
            app.metrics.count("http_errors_total", &[]);
        }
    }
    response
}

/// Reads the body, counts the request and checks its bearer; the answer, where it may not go on.
async fn admitted(app: &App, request: Request) -> Result<Request, Response> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path();
    let too_large = |_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "TOO_LARGE",
            "the body is larger than 64 KiB",
        )
        .into_response()
    };
    let body = axum::body::to_bytes(body, BODY).await.map_err(too_large)?;
    if path.starts_with("/api/") {
        app.seen.api_request();
        if !only_reads(&parts.method, path) {
            app.seen.write(told(&parts.method, path, &body));
        }
        let caller = app
            .guard
            .admit(&parts.method, path, &parts.headers)
            .map_err(IntoResponse::into_response)?;
        parts.extensions.insert(caller);
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// How a state-changing request is told apart: method, path and the body's name.
fn told(method: &Method, path: &str, body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    match body.get("name").and_then(serde_json::Value::as_str) {
        Some(name) => format!("{method} {path} {name}"),
        None => format!("{method} {path}"),
    }
}

/// A label must not grow with what strangers send.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Gives the framework's own refusals (405, a path that is not UTF-8) the envelope of all others.
fn enveloped(response: Response) -> Response {
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == HeaderValue::from_static("application/json"));
    if json || !response.status().is_client_error() {
        return response;
    }
    let status = response.status();
    let problem = if status == StatusCode::METHOD_NOT_ALLOWED {
        Problem::new(
            status,
            "METHOD_NOT_ALLOWED",
            "this path does not take this method",
        )
    } else {
        Problem::new(status, "BAD_REQUEST", "the request cannot be read")
    };
    let mut enveloped = problem.into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        enveloped.headers_mut().insert(header::ALLOW, allow.clone());
    }
    enveloped
}

/// A body that breaks off: one piece, then an error, on which the server cuts the connection.
pub(crate) struct CutShort(Option<Bytes>);

impl CutShort {
    pub(crate) fn after(piece: Bytes) -> Self {
        Self(Some(piece))
    }
}

impl hyper::body::Body for CutShort {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(piece) => Ok(Frame::data(piece)),
            None => Err(std::io::ErrorKind::ConnectionAborted.into()),
        }))
    }
}
