//! The `prometheus` probe: what a service exposes, and what a Prometheus has stored.

mod api;
mod lint;
mod observed;
mod promql;
mod query;
mod range;
mod run;
mod scrape;
mod syntax;

use gonogo_core::plan::{Cost, OptionProblem, Syntax, TargetSyntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{Deed, PrometheusOptions, PrometheusTarget, deed};

use crate::http::target_host;
use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Prometheus;

/// A Prometheus server, or what answers as one.
pub const TARGET: TargetSyntax = TargetSyntax {
    key: "prometheus",
    schema: || schemars::schema_for!(PrometheusTarget),
    host: |options| target_host(options, "prometheus"),
};

impl Syntax for Prometheus {
    fn key(&self) -> &'static str {
        "prometheus"
    }

    fn about(&self) -> &'static str {
        "Scrapes the metrics that a service exposes, or asks a Prometheus an instant or range query."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(PrometheusOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["http", "prometheus"]
    }

    fn targets_for(&self, options: &Json) -> &'static [&'static str] {
        match asked(options) {
            Ok(Deed::Query(_) | Deed::Range(_)) => &["prometheus"],
            Ok(Deed::Scrape(_)) | Err(_) => self.targets(),
        }
    }

    fn shape(&self, options: &Json) -> Shape {
        observed::shape(asked(options).ok().as_ref())
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let select = options.get("select").and_then(Json::as_str);
        let key = options.get("prometheus").and_then(Json::as_str);
        select.or(key).map(str::to_owned)
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        lint::lint(options)
    }

    fn cost(&self, options: &Json) -> Cost {
        // A query of a plain selector asks for the samples' own times too; a range asks for the server's clock.
        let requests = match asked(options) {
            Ok(Deed::Scrape(_)) | Err(_) => 1,
            Ok(Deed::Query(_) | Deed::Range(_)) => 2,
        };
        Cost {
            requests: Some(requests),
            seconds: None,
        }
    }
}

impl Probe for Prometheus {
    fn ask(&self, options: &Json) -> String {
        let key = options.get("prometheus").and_then(Json::as_str);
        let select = options.get("select").and_then(Json::as_str);
        let asked = key.unwrap_or("prometheus");
        select.map_or_else(|| asked.to_owned(), |s| format!("{asked}, {s}"))
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

fn asked(options: &Json) -> Result<Deed, String> {
    deed(
        options
            .get("prometheus")
            .and_then(Json::as_str)
            .unwrap_or(""),
    )
}

#[cfg(test)]
mod tests;
