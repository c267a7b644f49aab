//! The `openapi` probe: the description of an HTTP API, what changed in it, and whether the service keeps to it.

mod calls;
mod compare;
mod document;
mod model;
mod names;
mod observed;
mod run;
mod schemas;
mod shape;
mod shown;
mod syntax;
mod valid;

use gonogo_core::plan::{Cost, FileProblem, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{Expected, OpenapiOptions};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Openapi;

impl Syntax for Openapi {
    fn key(&self) -> &'static str {
        "openapi"
    }

    fn about(&self) -> &'static str {
        "Reads the OpenAPI document of an HTTP service, compares it, and holds the service's answers against it."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(OpenapiOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["http"]
    }

    fn shape(&self, options: &Json) -> Shape {
        shape::shape(options)
    }

    fn power(&self, options: &Json, _rollback: bool, reads: bool) -> Option<Power> {
        (options["bodies"] == true && !reads).then_some(Power::Write)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let path = options.get("openapi").and_then(Json::as_str)?;
        Some(format!("openapi-{}", path.trim_start_matches('/')))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn files(&self) -> &'static [&'static str] {
        &["expected"]
    }

    fn lint_file(&self, _key: &str, _options: &Json, bytes: &[u8]) -> Vec<FileProblem> {
        syntax::lint_file(bytes)
    }

    fn cost(&self, options: &Json) -> Cost {
        // How many operations there are is known only then.
        let asks_once = options["calls"] == false && options["bodies"] != true;
        Cost {
            requests: asks_once.then_some(1),
            seconds: None,
        }
    }
}

impl Probe for Openapi {
    fn ask(&self, options: &Json) -> String {
        let path = options.get("openapi").and_then(Json::as_str).unwrap_or("");
        format!("openapi {path}")
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
