//! The `sql` probe: one statement to a PostgreSQL, SQLite, MySQL or MariaDB database, and the rows or the error that came back.

mod mysql;
mod observed;
mod postgres;
mod run;
mod sqlite;
mod statement;
mod syntax;

use gonogo_core::plan::{Cost, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::SqlOptions;

use crate::ctx::GateScope;
use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Sql;

impl Syntax for Sql {
    fn key(&self) -> &'static str {
        "sql"
    }

    fn about(&self) -> &'static str {
        "Makes one statement to a database and records its rows, or the error it was refused with."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(SqlOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["postgres", "sqlite", "mysql"]
    }

    fn shape(&self, _options: &Json) -> Shape {
        observed::shape()
    }

    fn power(&self, options: &Json, rollback: bool, _reads: bool) -> Option<Power> {
        // A `writes` that is no truth value yet (a template) may become true.
        let reads = matches!(options.get("writes"), None | Some(Json::Bool(false)));
        (!rollback && !reads).then_some(Power::Write)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let sql = options.get("sql").and_then(Json::as_str)?;
        let words: Vec<&str> = sql
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .take(6)
            .collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn cost(&self, _options: &Json) -> Cost {
        Cost {
            requests: Some(1),
            seconds: None,
        }
    }
}

impl Probe for Sql {
    fn ask(&self, options: &Json) -> String {
        let sql = options.get("sql").and_then(Json::as_str).unwrap_or("");
        statement::shortened(sql)
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }

    fn end_gate<'a>(&'a self, scope: &'a GateScope) -> BoxFuture<'a, Option<bool>> {
        Box::pin(run::end_gate(scope))
    }
}

#[cfg(test)]
mod tests;
