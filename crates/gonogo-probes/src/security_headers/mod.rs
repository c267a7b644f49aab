//! The `security-headers` probe: the headers by which a service tells browsers to be careful, parsed as browsers parse
//! them, and the grade of a published rule.

mod csp;
mod grade;
mod lists;
mod observed;
mod parsed;
mod run;
mod shape;
mod syntax;
mod weak;

use gonogo_core::plan::{Cost, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::SecurityHeadersOptions;

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct SecurityHeaders;

impl Syntax for SecurityHeaders {
    fn key(&self) -> &'static str {
        "security-headers"
    }

    fn about(&self) -> &'static str {
        "Reads an answer's security headers as a browser would, and grades them by the rule of the MDN HTTP Observatory."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(SecurityHeadersOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["http"]
    }

    fn shape(&self, _options: &Json) -> Shape {
        shape::shape()
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let path = options.get("security-headers").and_then(Json::as_str)?;
        Some(format!("security-headers-{path}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn cost(&self, _options: &Json) -> Cost {
        Cost {
            requests: Some(2),
            seconds: None,
        }
    }
}

impl Probe for SecurityHeaders {
    fn ask(&self, options: &Json) -> String {
        let path = options.get("security-headers").and_then(Json::as_str);
        format!("GET {}, its security headers", path.unwrap_or("/"))
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
