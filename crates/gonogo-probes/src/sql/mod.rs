//! The `sql` probe: a statement or a script to a database, and the rows or the error that came back.

mod mysql;
mod names;
mod observed;
mod postgres;
mod run;
mod script;
mod shape;
mod sqlite;
mod statement;
mod syntax;

use gonogo_core::plan::{Cost, FileProblem, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{SqlFile, SqlOptions, SqlText};

use crate::ctx::GateScope;
use crate::probe::{BoxFuture, Call, GateEnd, Probe, Seen};

/// The probe.
pub struct Sql;

impl Syntax for Sql {
    fn key(&self) -> &'static str {
        "sql"
    }

    fn about(&self) -> &'static str {
        "Makes a statement or runs a script in a database and records the rows, or the error it was refused with."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(SqlOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["postgres", "sqlite", "mysql"]
    }

    fn shape(&self, options: &Json) -> Shape {
        shape::shape(syntax::is_script(options))
    }

    fn power(&self, options: &Json, rollback: bool, _reads: bool) -> Option<Power> {
        // A `writes` that is no truth value yet (a template) may become true.
        let reads = matches!(options.get("writes"), None | Some(Json::Bool(false)));
        (!rollback && !reads).then_some(Power::Write)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let words: Vec<&str> = syntax::asked(options)
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .take(6)
            .collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn files(&self) -> &'static [&'static str] {
        &["sql.file"]
    }

    fn lint_file(&self, _key: &str, options: &Json, bytes: &[u8]) -> Vec<FileProblem> {
        syntax::lint_file(options, bytes)
    }

    fn lint_in_gate(&self, options: &Json, rollback: bool) -> Vec<OptionProblem> {
        syntax::lint_in_gate(options, rollback)
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
        statement::shortened(syntax::asked(options))
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }

    fn end_gate<'a>(&'a self, scope: &'a GateScope) -> BoxFuture<'a, Option<GateEnd>> {
        Box::pin(run::end_gate(scope))
    }
}

#[cfg(test)]
mod tests;
