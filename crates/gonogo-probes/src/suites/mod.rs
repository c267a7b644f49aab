//! The `tests` probe: what test suites and scanners say, as one count. It collects what they wrote, or runs them.

mod observed;
mod read;
mod run;
mod shape;
mod syntax;
mod tally;

use gonogo_core::plan::{OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use read::Format;
pub use syntax::{Source, TestsOptions};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Suites;

impl Syntax for Suites {
    fn key(&self) -> &'static str {
        "tests"
    }

    fn about(&self) -> &'static str {
        "Counts what test suites and scanners say: JUnit, TAP, cargo, pytest, jest, Go, k6, SARIF; collected or run."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(TestsOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["repository"]
    }

    fn needs_target(&self) -> bool {
        false
    }

    fn shape(&self, _options: &Json) -> Shape {
        shape::shape()
    }

    fn power(&self, options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        // As written, not as decoded: what is not understood yet must not lose its power.
        let runs = options.get("tests").and_then(|t| t.get("run")).is_some();
        runs.then_some(Power::Exec)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        syntax::words(options).map(|words| format!("tests-{words}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }
}

impl Probe for Suites {
    fn ask(&self, options: &Json) -> String {
        let words = syntax::words(options).unwrap_or_default();
        format!("tests {words}")
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
