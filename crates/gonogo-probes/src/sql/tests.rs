//! The probe against real databases: SQLite in a file, PostgreSQL started from the machine's packages.

mod dsn;
mod escapes;
mod gates;
mod matrix;
mod postgres;
mod sqlite;
mod statement;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::record::Cause;
use serde_json::json;
use tokio::sync::watch;

use super::*;
use crate::ctx::Ctx;
use crate::probe::ResolvedTarget;
use crate::testing::PostgresServer;

/// A target and the gate in which it is asked.
struct Bench {
    ctx: Ctx,
    scope: GateScope,
    target: ResolvedTarget,
    timeout: Duration,
    _running: watch::Sender<bool>,
}

impl Bench {
    fn new(kind: &str, options: Json, rollback: bool) -> Self {
        let (running, cancelled) = watch::channel(false);
        let reached = match kind {
            "postgres" => syntax::postgres_host(&options).unwrap_or(None),
            _ => None,
        };
        let hosts = reached.iter().map(|at| {
            let (host, port) = at.rsplit_once(':').unwrap();
            (host.to_owned(), port.parse().unwrap())
        });
        let timeout = Duration::from_secs(20);
        Self {
            ctx: Ctx::new(hosts.collect(), "/".into(), timeout, cancelled),
            scope: GateScope::new(rollback),
            target: ResolvedTarget {
                name: "db".to_owned(),
                kind: kind.to_owned(),
                options,
            },
            timeout,
            _running: running,
        }
    }

    fn sqlite(path: &Path) -> Self {
        Self::new("sqlite", json!({"sqlite": path.to_str().unwrap()}), false)
    }

    fn postgres(url: &str) -> Self {
        Self::new("postgres", json!({"postgres": url}), false)
    }

    fn rolled_back(mut self) -> Self {
        self.scope = GateScope::new(true);
        self
    }

    fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn ask(&self, options: Json) -> Result<Seen, NotObserved> {
        let ctx = self.ctx.again(self.timeout);
        Sql.observe(Call {
            options,
            target: Some(&self.target),
            limits: &[],
            statistics: &gonogo_core::plan::StatisticsOptions::default(),
            earlier_samplings: Some(0),
            reads: false,
            scope: &self.scope,
            ctx: &ctx,
        })
        .await
    }

    async fn seen(&self, options: Json) -> Seen {
        self.ask(options).await.unwrap()
    }

    async fn sql(&self, sql: &str) -> Seen {
        self.seen(json!({"sql": sql})).await
    }

    async fn write(&self, sql: &str) {
        let seen = self.seen(json!({"sql": sql, "writes": true})).await;
        assert!(!seen.facts.contains_key("error"), "{sql}: {:?}", seen.facts);
    }

    async fn cause(&self, sql: &str) -> Cause {
        self.ask(json!({"sql": sql})).await.unwrap_err().cause
    }

    /// The one value of a statement that gives one row with one column.
    async fn value(&self, sql: &str) -> Value {
        only(&self.sql(sql).await)
    }

    async fn end(&self) -> Option<bool> {
        Sql.end_gate(&self.scope).await
    }
}

fn rows(seen: &Seen) -> &[Value] {
    match seen.facts.get("rows") {
        Some(rows) => rows.as_list().unwrap(),
        None => panic!("no rows: {:?}", seen.facts),
    }
}

fn only(seen: &Seen) -> Value {
    let [row] = rows(seen) else {
        panic!("one row: {:?}", seen.facts);
    };
    row.as_map().unwrap().values().next().unwrap().clone()
}

fn error(seen: &Seen, field: &str) -> String {
    let error = seen.facts.get("error");
    let value = error.and_then(|e| e.get(field));
    match value {
        Some(Value::String(text)) => text.clone(),
        _ => panic!("no error.{field}: {:?}", seen.facts),
    }
}

/// A refused statement must offer nothing that an expectation about rows could be true of.
fn assert_only_error(seen: &Seen) {
    let names: Vec<&str> = seen.facts.keys().map(String::as_str).collect();
    assert_eq!(names, ["engine", "error"]);
}

/// One server for all tests that run at the same time; the last one stops it.
fn server() -> Arc<PostgresServer> {
    static RUNNING: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let server = Arc::new(PostgresServer::start());
        *running = Arc::downgrade(&server);
        server
    })
}

#[test]
fn only_a_statement_that_may_stay_needs_the_power_to_write() {
    let reads = json!({"sql": "select 1"});
    let writes = json!({"sql": "delete from t", "writes": true});
    let template = json!({"sql": "delete from t", "writes": "${inputs.really}"});
    assert_eq!(Sql.power(&reads, false, false), None);
    assert_eq!(Sql.power(&writes, true, false), None);
    assert_eq!(Sql.power(&writes, false, false), Some(Power::Write));
    assert_eq!(Sql.power(&template, false, false), Some(Power::Write));
}

#[test]
fn what_cannot_mean_anything_is_refused_before_anything_runs() {
    let code = |options: Json| Sql.lint(&options).first().map(|p| p.code);
    assert_eq!(code(json!({"sql": "select $1", "bind": [1]})), None);
    assert_eq!(
        code(json!({"sql": "select '${saved.x}'"})),
        Some("sql-template")
    );
    assert_eq!(code(json!({"sql": " ; -- nothing"})), Some("sql-statement"));
    assert_eq!(
        code(json!({"sql": "select 1; select 2"})),
        Some("sql-statement")
    );
    assert_eq!(code(json!({"sql": "/* */ commit"})), Some("sql-statement"));
    assert_eq!(code(json!({"sql": "select $1"})), Some("sql-bind"));
    assert_eq!(
        code(json!({"sql": "select 1", "bind": [1]})),
        Some("sql-bind")
    );
}

#[test]
fn every_fact_that_is_seen_is_in_the_shape() {
    let shape = Sql.shape(&json!({}));
    let names: Vec<&str> = shape.fields.iter().map(|(name, _)| name.as_str()).collect();
    for name in [
        "rows",
        "row_count",
        "affected",
        "columns",
        "error",
        "latency",
        "engine",
    ] {
        assert!(names.contains(&name), "{name}");
    }
}

#[test]
fn error_codes_have_their_names() {
    assert_eq!(sqlstate::name("23505"), "unique_violation");
    assert_eq!(sqlstate::class("23505"), "integrity_constraint_violation");
    assert_eq!(sqlstate::name("23ZZZ"), "integrity_constraint_violation");
    assert_eq!(sqlstate::name("ZZ001"), "ZZ001");
    assert_eq!(sqlstate::name("é"), "é");
    assert_eq!(sqlstate::code("undefined_table"), Some("42P01"));
}
