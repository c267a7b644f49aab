//! The `http` probe: one request to an HTTP service, and what came back.

mod connection;
mod observed;
mod once;
mod run;
mod syntax;

use gonogo_core::plan::{Cost, OptionProblem, Syntax, TargetSyntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use connection::{Connection, tls_config};
pub use observed::token_facts;
pub use once::{Fetched, get, get_from};
pub(crate) use once::{OverHttp, ask, over_http};
pub use run::{WireRequest, percent_encode};
pub use syntax::{
    BaseUrl, Basic, HttpOptions, HttpTarget, RequestLine, SAFE_METHODS, Version, request_line,
    target_host,
};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Http;

/// A target that speaks HTTP.
pub const TARGET: TargetSyntax = TargetSyntax {
    key: "http",
    schema: || schemars::schema_for!(HttpTarget),
    host: |options| target_host(options, "http"),
};

impl Syntax for Http {
    fn key(&self) -> &'static str {
        "http"
    }

    fn about(&self) -> &'static str {
        "Sends one request to an HTTP service and records the answer."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(HttpOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["http"]
    }

    fn shape(&self, _options: &Json) -> Shape {
        observed::shape()
    }

    fn power(&self, options: &Json, _rollback: bool, reads: bool) -> Option<Power> {
        let safe = method(options).is_some_and(|m| SAFE_METHODS.contains(&m.as_str()));
        (!safe && !reads).then_some(Power::Write)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        options
            .get("http")
            .and_then(Json::as_str)
            .map(str::to_owned)
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        let line = options.get("http").and_then(Json::as_str).unwrap_or("");
        // A template may hold blanks and quotes; what it fills in is encoded.
        let filled = without_templates(line);
        request_line(&filled)
            .err()
            .map(|message| OptionProblem {
                code: "request-line",
                key: "http".to_owned(),
                warning: false,
                message,
                help: Some("such as `http: GET /health`".to_owned()),
            })
            .into_iter()
            .collect()
    }

    fn cost(&self, _options: &Json) -> Cost {
        Cost {
            requests: Some(1),
            seconds: None,
        }
    }
}

impl Probe for Http {
    fn ask(&self, options: &Json) -> String {
        options
            .get("http")
            .and_then(Json::as_str)
            .unwrap_or("http")
            .to_owned()
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

fn method(options: &Json) -> Option<String> {
    let line = options.get("http")?.as_str()?;
    line.split_whitespace().next().map(str::to_owned)
}

/// The text with each `${ … }` replaced by a letter.
pub fn without_templates(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        out.push('x');
        let end = rest[start..]
            .find('}')
            .map_or(rest.len(), |e| start + e + 1);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
