//! The `cors` probe: what a web page of another origin may do with a service, asked as a browser asks.

mod observed;
mod run;
mod shape;
mod syntax;

use gonogo_core::plan::{Cost, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::CorsOptions;

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Cors;

impl Syntax for Cors {
    fn key(&self) -> &'static str {
        "cors"
    }

    fn about(&self) -> &'static str {
        "Asks as a web page of another origin would: the preflight, the request itself, and both for foreign origins."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(CorsOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["http"]
    }

    fn shape(&self, _options: &Json) -> Shape {
        shape::shape()
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        // OPTIONS and GET only: what the page would send with another method is never sent.
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let path = options.get("path").and_then(Json::as_str).unwrap_or("/");
        Some(format!("cors-{path}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn cost(&self, _options: &Json) -> Cost {
        Cost {
            requests: Some(run::MOST_REQUESTS),
            seconds: None,
        }
    }
}

impl Probe for Cors {
    fn ask(&self, options: &Json) -> String {
        let text = |key: &str| options.get(key).and_then(Json::as_str);
        format!(
            "{} {} from {}",
            text("method").unwrap_or("GET"),
            text("path").unwrap_or("/"),
            text("cors").unwrap_or("another origin")
        )
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
