//! The `secrets` probe: looks for what has the shape of a secret in a tree of files and in its git history.

mod history;
mod observed;
mod run;
mod syntax;
mod tree;

use gonogo_core::plan::{OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{AllowEntry, SecretsOptions};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Secrets;

impl Syntax for Secrets {
    fn key(&self) -> &'static str {
        "secrets"
    }

    fn about(&self) -> &'static str {
        "Looks for tokens, keys and passwords in a tree of files and its git history."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(SecretsOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["repository"]
    }

    fn needs_target(&self) -> bool {
        false
    }

    fn shape(&self, _options: &Json) -> Shape {
        observed::shape()
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let path = options.get("secrets").and_then(Json::as_str)?;
        Some(format!("secrets-{path}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }
}

impl Probe for Secrets {
    fn ask(&self, options: &Json) -> String {
        let path = options.get("secrets").and_then(Json::as_str).unwrap_or("");
        let history = options.get("history").and_then(Json::as_bool) == Some(true);
        let and = if history { " and its history" } else { "" };
        format!("secrets {path}{and}")
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
