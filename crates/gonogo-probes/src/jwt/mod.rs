//! The `jwt` probe: makes a short-lived JSON Web Token (RFC 7519), or looks at a given one.

mod observed;
mod run;
mod syntax;

use gonogo_core::plan::{OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{Algorithm, Deed, JwtOptions};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Jwt;

impl Syntax for Jwt {
    fn key(&self) -> &'static str {
        "jwt"
    }

    fn about(&self) -> &'static str {
        "Makes a short-lived token, or looks at a given one; sends nothing."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(JwtOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &[]
    }

    fn shape(&self, _options: &Json) -> Shape {
        observed::shape()
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let deed = options.get("jwt").and_then(Json::as_str)?;
        Some(format!("jwt-{deed}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn secret_facts(&self) -> &'static [&'static str] {
        &["token"]
    }
}

impl Probe for Jwt {
    fn ask(&self, options: &Json) -> String {
        let deed = options.get("jwt").and_then(Json::as_str).unwrap_or("");
        format!("jwt {deed}")
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(async move { run::observe(&call) })
    }
}

#[cfg(test)]
mod tests;
