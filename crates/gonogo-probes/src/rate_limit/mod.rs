//! The `rate-limit` probe: what a service says of its rate limit, and whether it keeps it.

mod fields;
mod observed;
mod run;
mod shape;
mod syntax;

use gonogo_core::plan::{Cost, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::RateLimitOptions;

use crate::http::{SAFE_METHODS, request_line, without_templates};
use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct RateLimit;

impl Syntax for RateLimit {
    fn key(&self) -> &'static str {
        "rate-limit"
    }

    fn about(&self) -> &'static str {
        "Asks one thing until the rate limiter answers, and holds what it says of itself against what it does."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(RateLimitOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["http"]
    }

    fn shape(&self, _options: &Json) -> Shape {
        shape::shape()
    }

    fn power(&self, options: &Json, _rollback: bool, reads: bool) -> Option<Power> {
        if syntax::requests(options).is_none_or(|n| n > syntax::FEW) {
            return Some(Power::Load);
        }
        let line = options.get("rate-limit").and_then(Json::as_str)?;
        let method = line.split_whitespace().next()?;
        (!SAFE_METHODS.contains(&method) && !reads).then_some(Power::Write)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let line = options.get("rate-limit").and_then(Json::as_str)?;
        Some(format!("rate-limit-{line}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        let line = options.get("rate-limit").and_then(Json::as_str);
        let wrong = request_line(&without_templates(line.unwrap_or(""))).err();
        wrong
            .map(|message| OptionProblem {
                code: "request-line",
                key: "rate-limit".to_owned(),
                warning: false,
                message,
                help: Some("such as `rate-limit: GET /orders`".to_owned()),
            })
            .into_iter()
            .collect()
    }

    fn cost(&self, options: &Json) -> Cost {
        Cost {
            requests: Some(syntax::requests(options).unwrap_or(syntax::MOST)),
            seconds: None,
        }
    }
}

impl Probe for RateLimit {
    fn ask(&self, options: &Json) -> String {
        let line = options.get("rate-limit").and_then(Json::as_str);
        let times = syntax::requests(options).unwrap_or(syntax::MOST);
        format!("{}, up to {times} times", line.unwrap_or(""))
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
