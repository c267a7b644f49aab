//! What all requests share: the state of one running system.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, extract::State, response::Response, routing::get};
use serde_json::json;
use std::sync::Arc;
use tokio::time::Instant;

use super::{
    Config, Fault, Faults,
    auth::Guard,
    limiter::{Budget, Limiter},
    rules::{Effect, Evaluation},
    seen::Seen,
};
use crate::{
    answer,
    metrics::{Family, Kind, Metrics},
    store::{Store, Value},
};

/// Requests per window and client on `/api/limits/probe`.
pub(crate) const LIMIT: u32 = 10;
const WINDOW: Duration = Duration::from_secs(30);

/// After how many requests under `/api` a planted redeploy happens.
const REDEPLOY_AFTER: u64 = 20;

/// Name, version, whether it is active, whether it is with `plugins-inactive`.
const PLUGINS: [(&str, &str, bool, bool); 9] = [
    ("grid", "1.4.0", true, true),
    ("kanban", "1.2.1", true, true),
    ("calendar", "0.9.3", true, true),
    ("gallery", "1.0.0", true, false),
    ("formula", "2.1.0", true, false),
    ("audit", "1.1.0", true, false),
    ("export", "0.7.2", true, false),
    ("telemetry", "0.3.0", false, false),
    ("legacy-import", "0.1.9", false, false),
];

const FAMILIES: &[Family] = &[
    Family {
        name: "snapstats_latency_seconds",
        help: "Time to answer GET /api/snapshots/stats.",
        kind: Kind::Histogram,
    },
    Family {
        name: "snapshot_create_total",
        help: "Snapshots created.",
        kind: Kind::Counter { labelled: false },
    },
    Family {
        name: "protection_rule_eval_total",
        help: "Evaluations of protection rules by the effect that won.",
        kind: Kind::Counter { labelled: true },
    },
    Family {
        name: "protection_rules_total",
        help: "Protection rules in the database.",
        kind: Kind::Gauge,
    },
    Family {
        name: "http_requests_total",
        help: "Answered requests by method, route and status.",
        kind: Kind::Counter { labelled: true },
    },
    Family {
        name: "http_errors_total",
        help: "Answers with status 500 or more.",
        kind: Kind::Counter { labelled: false },
    },
    Family {
        name: "rate_limit_triggered_total",
        help: "Requests refused with 429.",
        kind: Kind::Counter { labelled: false },
    },
    Family {
        name: "plugins_active",
        help: "Active plugins.",
        kind: Kind::Gauge,
    },
];

pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) guard: Guard,
    pub(crate) metrics: Metrics,
    pub(crate) seen: Seen,
    faults: Faults,
    release: String,
    version: String,
    started_at: Instant,
    limiter: Mutex<Limiter>,
}

impl App {
    pub(crate) fn new(config: &Config, store: Store) -> Self {
        let app = Self {
            store,
            guard: Guard::new(&config.jwt_secret, &config.faults),
            metrics: Metrics::new(FAMILIES),
            seen: Seen::default(),
            faults: config.faults.clone(),
            release: config.release.clone(),
            version: config.version.clone(),
            started_at: Instant::now(),
            limiter: Mutex::new(Limiter::new(LIMIT, WINDOW)),
        };
        app.metrics
            .set("plugins_active", app.active_plugins() as u64);
        app
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    pub(crate) fn take(&self, client: &str) -> Budget {
        self.limiter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(client, Instant::now())
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Counts an evaluation and writes it to the log. The log is kept as well as can be: a question is answered without it, too.
    pub(crate) async fn evaluated(&self, evaluation: &Evaluation, operation: &str, dry_run: bool) {
        let effect = evaluation.effect().map(Effect::name);
        self.metrics.count(
            "protection_rule_eval_total",
            &[("effect", effect.unwrap_or("none"))],
        );
        let or_null = |text: Option<&str>| text.map_or(Value::Null, Value::from);
        let params = vec![
            or_null(evaluation.matched.as_ref().map(|rule| rule.id.as_str())),
            operation.into(),
            or_null(effect),
            evaluation.allowed.into(),
            dry_run.into(),
        ];
        let insert = "insert into rule_execution_log (rule_id, operation, effect, allowed, dry_run) values ($1, $2, $3, $4, $5)";
        drop(self.store.write(vec![(insert, params)]).await);
    }

    /// The commit that is told, which a fault may falsify.
    fn commit(&self) -> String {
        let redeployed =
            self.has(Fault::RedeployMidRun) && self.seen.api_requests() >= REDEPLOY_AFTER;
        if self.has(Fault::WrongRelease) || redeployed {
            another_commit(&self.release)
        } else {
            self.release.clone()
        }
    }

    fn is_active(&self, plugin: (&str, &str, bool, bool)) -> bool {
        if self.has(Fault::PluginsInactive) {
            plugin.3
        } else {
            plugin.2
        }
    }

    fn active_plugins(&self) -> usize {
        PLUGINS
            .into_iter()
            .filter(|plugin| self.is_active(*plugin))
            .count()
    }
}

/// A commit that looks like the given one and is not: the first character is another hexadecimal digit.
fn another_commit(release: &str) -> String {
    let first = if release.starts_with('0') { '1' } else { '0' };
    std::iter::once(first)
        .chain(release.chars().skip(1))
        .collect()
}

/// What says how the system itself is.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(root))
        .route("/health", get(health))
        .route("/metrics/prom", get(exposition))
        .route("/lab/writes", get(writes))
        .route("/api/plugins", get(plugins))
}

async fn root(State(app): State<Arc<App>>) -> Response {
    answer::ok(json!({ "service": "metasheet2", "version": app.version }))
}

async fn health(State(app): State<Arc<App>>) -> Response {
    // The planted fault asks a table that is not there, so that the answer is one that the code really gives.
    let question = if app.has(Fault::UnhealthyDatabase) {
        "select 1 from no_such_table"
    } else {
        "select 1"
    };
    let up = app.store.read(question, Vec::new()).await.is_ok();
    answer::answer(
        axum::http::StatusCode::OK,
        &json!({
            "status": if up { "healthy" } else { "degraded" },
            "commit": app.commit(),
            "version": app.version,
            "database": { "engine": app.store.dialect().engine(), "status": if up { "up" } else { "down" } },
            "uptime_seconds": app.started_at.elapsed().as_secs(),
        }),
    )
}

async fn exposition(State(app): State<Arc<App>>) -> Result<Response, answer::Problem> {
    let rows = app
        .store
        .read("select count(*) from protection_rules", Vec::new())
        .await?;
    app.metrics.set(
        "protection_rules_total",
        rows.first().map_or(0, |row| row.int(0) as u64),
    );
    let hidden: &[&str] = if app.has(Fault::MetricAbsent) {
        &["protection_rule_eval_total"]
    } else {
        &[]
    };
    let mut response = Response::new(app.metrics.exposition(hidden).into());
    let kind = axum::http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response
        .headers_mut()
        .insert(axum::http::header::CONTENT_TYPE, kind);
    Ok(response)
}

async fn writes(State(app): State<Arc<App>>) -> Response {
    let by_request = app.seen.writes();
    let count: u64 = by_request.values().sum();
    answer::ok(json!({ "count": count, "by_request": by_request }))
}

async fn plugins(State(app): State<Arc<App>>) -> Response {
    let list: Vec<_> = PLUGINS
        .into_iter()
        .map(|plugin| {
            let status = if app.is_active(plugin) {
                "active"
            } else {
                "inactive"
            };
            json!({ "name": plugin.0, "version": plugin.1, "status": status })
        })
        .collect();
    let active = app.active_plugins();
    let ratio = active as f64 / list.len() as f64;
    answer::ok(
        json!({ "count": list.len(), "active": active, "active_ratio": ratio, "plugins": list }),
    )
}
