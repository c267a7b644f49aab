//! The probe against real databases: SQLite in a file, PostgreSQL started from the machine's packages.

mod connections;
pub(super) mod disguise;
mod escapes;
mod gates;
mod matrix;
mod names;
mod postgres;
mod proof;
mod scripts;
mod sqlite;
mod statement;
mod types;

use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::record::Cause;
use serde_json::json;

use super::*;
use crate::bench::{Bench, postgres_server as server};
use crate::testing::PostgresServer;

/// What the tests of this probe ask of a target.
impl Bench {
    async fn ask(&self, options: Json) -> Result<Seen, NotObserved> {
        self.observe(&Sql, options).await
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
        self.ended().await.map(|end| end.confirmed)
    }

    async fn ended(&self) -> Option<GateEnd> {
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
    let pasted = Sql.lint(&json!({"sql": "select '${saved.x}'"}));
    assert_eq!(pasted[0].code, "sql-template");
    let help = pasted[0].help.as_ref().unwrap();
    assert!(
        help.contains("`bind:`") && help.contains("`identifiers:"),
        "{help}"
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
        "notices",
        "engine",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(!names.contains(&"statements"));
    let shape = Sql.shape(&json!({"sql": {"file": "a.sql"}}));
    assert!(shape.fields.iter().any(|(name, _)| name == "statements"));
}
