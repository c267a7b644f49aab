//! The `default-credentials` probe: whether a login takes a pair of user and password that everybody knows.

mod known;
mod observed;
mod run;
mod syntax;

use gonogo_core::plan::{Cost, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::DefaultCredentialsOptions;

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct DefaultCredentials;

impl Syntax for DefaultCredentials {
    fn key(&self) -> &'static str {
        "default-credentials"
    }

    fn about(&self) -> &'static str {
        "Tries pairs of user and password that everybody knows, ten at most, one at a time; stops at the first that is let in."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(DefaultCredentialsOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["http"]
    }

    fn shape(&self, _options: &Json) -> Shape {
        observed::shape()
    }

    /// A failed login is counted, and may lock an account: not mere reading, whatever its method.
    fn power(&self, _options: &Json, _rollback: bool, reads: bool) -> Option<Power> {
        (!reads).then_some(Power::Write)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let line = options.get("default-credentials")?.as_str()?;
        Some(format!("default-credentials {line}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn cost(&self, options: &Json) -> Cost {
        let pairs = syntax::pairs_at_most(options);
        Cost {
            requests: Some(pairs + 1),
            seconds: None,
        }
    }
}

impl Probe for DefaultCredentials {
    fn ask(&self, options: &Json) -> String {
        let line = options.get("default-credentials").and_then(Json::as_str);
        let pairs = syntax::pairs_at_most(options);
        format!(
            "{} with up to {pairs} pairs that everybody knows",
            line.unwrap_or("")
        )
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
