//! What all requests share, and the routes.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware,
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use super::{
    Config, Fault, Faults,
    answer::{self, Refused},
    auth,
    database::Pool,
    headers,
    openapi::{DOCS, document},
    redis::Redis,
    webhook,
};
use crate::metrics::{Family, Kind, Metrics};

/// Requests per window on `/api/providers`.
const LIMIT: u32 = 20;
const WINDOW: Duration = Duration::from_secs(30);

/// How long health takes with `health-slow`: more than the second that it has.
const SLOW: Duration = Duration::from_millis(1200);

/// The LLM providers that agents can use.
const PROVIDERS: [&str; 3] = ["openai", "anthropic", "azure"];

macro_rules! family {
    ($name:literal, $help:literal, $kind:expr) => {
        Family {
            name: $name,
            help: $help,
            kind: $kind,
        }
    };
}

#[rustfmt::skip]
const FAMILIES: &[Family] = &[
    family!("http_requests_total", "Answered requests by status.", Kind::Counter { labelled: true }),
    family!("webhook_events_total", "Events taken from ServiceDesk.", Kind::Counter { labelled: false }),
    family!("login_failures_total", "Logins refused.", Kind::Counter { labelled: false }),
    family!("rate_limit_triggered_total", "Requests refused with 429.", Kind::Counter { labelled: false }),
    family!("agent_executions_total", "Executions of agents.", Kind::Counter { labelled: false }),
    family!("agent_execution_failures_total", "Executions of agents that failed.", Kind::Counter { labelled: false }),
    family!("enhancement_requests_total", "Tickets to be enhanced.", Kind::Counter { labelled: false }),
    family!("queue_depth", "Events that wait for a worker.", Kind::Gauge),
    family!("worker_active_count", "Workers that are at work.", Kind::Gauge),
    family!("mcp_servers", "MCP servers that are connected.", Kind::Gauge),
    family!("llm_providers", "Providers that agents can use.", Kind::Gauge),
    family!("llm_tokens_total", "Tokens that models were sent.", Kind::Counter { labelled: false }),
    family!("health_duration_seconds", "Time to answer GET /health.", Kind::Histogram),
    family!("agents_listed_total", "Lists of agents given.", Kind::Counter { labelled: false }),
];

pub(super) struct App {
    pub(super) pool: Pool,
    pub(super) redis: Redis,
    pub(super) metrics: Metrics,
    pub(super) jwt_secret: String,
    pub(super) webhook_secret: String,
    /// How often Prometheus asked.
    pub(super) scrapes: watch::Sender<u64>,
    faults: Faults,
    release: String,
    window: Mutex<(Instant, u32)>,
}

impl App {
    pub(super) fn new(config: &Config, pool: Pool, redis: Redis) -> Self {
        let metrics = Metrics::new(FAMILIES);
        metrics.set("llm_providers", PROVIDERS.len() as u64);
        metrics.set("worker_active_count", 1);
        Self {
            pool,
            redis,
            metrics,
            jwt_secret: config.jwt_secret.clone(),
            webhook_secret: config.webhook_secret.clone(),
            scrapes: watch::Sender::new(0),
            faults: config.faults.clone(),
            release: config.release.clone(),
            window: Mutex::new((Instant::now(), 0)),
        }
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// The number of this request in its window, and the seconds until the next one.
    fn counted(&self) -> (u32, u64) {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.0.elapsed() >= WINDOW {
            *window = (Instant::now(), 0);
        }
        window.1 += 1;
        let left = WINDOW.saturating_sub(window.0.elapsed());
        (window.1, left.as_secs() + 1)
    }
}

pub(super) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/docs", get(docs))
        .route("/openapi.json", get(openapi))
        .route("/metrics/", get(exposition))
        .route("/webhook/servicedesk", post(webhook::receive))
        .route("/api/auth/login", post(login))
        .route("/api/auth/me", get(auth::me))
        .route("/api/agents", get(agents).post(create))
        .route("/api/agents/{agent_id}", get(agent))
        .route("/api/providers", get(providers))
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            headers::around,
        ))
        .with_state(app)
}

async fn health(State(app): State<Arc<App>>) -> Response {
    let begun = Instant::now();
    if app.has(Fault::HealthSlow) {
        tokio::time::sleep(SLOW).await;
    }
    let database = app.pool.rows("select 1", &[]).await.is_ok();
    let redis = app.has(Fault::RedisDownUnnoticed) || app.redis.is_up().await;
    let word = |up: bool| if up { "healthy" } else { "unhealthy" };
    let status = if database && redis {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    app.metrics
        .sample("health_duration_seconds", begun.elapsed());
    answer::json(
        status,
        &json!({
            "status": word(database && redis),
            "service": "AI Agents",
            "release": app.release,
            "dependencies": { "database": word(database), "redis": word(redis) },
        }),
    )
}

async fn docs() -> Response {
    answer::typed(StatusCode::OK, "text/html; charset=utf-8", DOCS.to_owned())
}

async fn openapi(State(app): State<Arc<App>>) -> Response {
    let mut document = document();
    if app.has(Fault::RouteUndocumented)
        && let Some(paths) = document["paths"].as_object_mut()
    {
        paths.remove("/api/agents");
    }
    answer::json(StatusCode::OK, &document)
}

async fn exposition(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let asker = headers
        .get(header::USER_AGENT)
        .and_then(|name| name.to_str().ok());
    if asker.is_some_and(|name| name.starts_with("Prometheus/")) {
        app.scrapes.send_modify(|count| *count += 1);
    }
    let mut text = app.metrics.exposition(&[]);
    if app.has(Fault::MetricsGarbled) {
        text.push_str("http_requests_total{status=\"200} 1\n");
    }
    answer::typed(
        StatusCode::OK,
        "text/plain; version=0.0.4; charset=utf-8",
        text,
    )
}

async fn login(app: State<Arc<App>>, body: Bytes) -> Result<Response, Refused> {
    let answered = auth::login(State(Arc::clone(&app)), body).await;
    if answered.is_err() {
        app.metrics.count("login_failures_total", &[]);
    }
    answered
}

async fn agents(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Refused> {
    let token = match auth::token(&app, &headers) {
        Ok(token) => token,
        Err(_) if app.has(Fault::AgentsWithoutToken) => "",
        Err(refused) => return Err(refused),
    };
    let rows = app
        .pool
        .rows("select id, name, status from agents order by id", &[])
        .await?;
    let items: Vec<Value> = rows.iter().map(told).collect();
    app.metrics.count("agents_listed_total", &[]);
    let mut body = json!({ "items": items, "total": items.len() });
    if app.has(Fault::TokenInAnswer) {
        body["debug"] = json!({ "authorization": format!("Bearer {token}") });
    }
    Ok(answer::json(StatusCode::OK, &body))
}

async fn agent(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    auth::token(&app, &headers)?;
    let missing = || Refused::new(StatusCode::NOT_FOUND, "Agent not found");
    let id: i32 = id.parse().map_err(|_| missing())?;
    let rows = app
        .pool
        .rows("select id, name, status from agents where id = $1", &[&id])
        .await?;
    let row = rows.first().ok_or_else(missing)?;
    Ok(answer::json(StatusCode::OK, &told(row)))
}

async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    auth::token(&app, &headers)?;
    let name = match answer::fields(&body, &["name"]) {
        Ok(mut fields) => fields.remove(0),
        Err(_) if app.has(Fault::EmptyBodyAccepted) => format!("Agent {:?}", Instant::now()),
        Err(refused) => return Err(refused),
    };
    let rows = app
        .pool
        .rows(
            "insert into agents (name) values ($1) on conflict (name) do update set name = excluded.name returning id, name, status",
            &[&name],
        )
        .await?;
    Ok(answer::json(
        StatusCode::CREATED,
        &rows.first().map_or(Value::Null, told),
    ))
}

fn told(row: &tokio_postgres::Row) -> Value {
    json!({
        "id": row.get::<_, i32>(0),
        "name": row.get::<_, String>(1),
        "status": row.get::<_, String>(2),
    })
}

async fn providers(State(app): State<Arc<App>>) -> Response {
    let (number, reset) = app.counted();
    let refused = number > LIMIT;
    let mut response = if refused {
        app.metrics.count("rate_limit_triggered_total", &[]);
        answer::json(
            StatusCode::TOO_MANY_REQUESTS,
            &json!({ "detail": "Too many requests" }),
        )
    } else {
        answer::json(StatusCode::OK, &json!({ "items": PROVIDERS }))
    };
    let headers = response.headers_mut();
    headers.insert("ratelimit-limit", LIMIT.into());
    headers.insert("ratelimit-remaining", LIMIT.saturating_sub(number).into());
    headers.insert("ratelimit-reset", reset.into());
    if refused && !app.has(Fault::RetryAfterMissing) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(reset));
    }
    response
}

async fn nothing(State(app): State<Arc<App>>, uri: Uri) -> Response {
    let mut body = json!({ "detail": "Not Found" });
    if app.has(Fault::NotFoundTraceback) {
        body["traceback"] = json!(format!(
            "Traceback (most recent call last):\n  File \"/app/src/main.py\", line 88, in dispatch\n    \
             raise NoRoute({:?})\nsrc.errors.NoRoute",
            uri.path()
        ));
    }
    answer::json(StatusCode::NOT_FOUND, &body)
}
