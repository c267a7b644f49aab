//! The `load` probe: asks one thing many times, in a fixed rhythm, and keeps every sample.

pub mod engine;
mod observed;
mod run;
pub mod series;
mod syntax;

use gonogo_core::plan::{Cost, Limit, OptionProblem, StatisticsOptions, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{LoadOptions, Rhythm, rhythm};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Load;

impl Syntax for Load {
    fn key(&self) -> &'static str {
        "load"
    }

    fn about(&self) -> &'static str {
        "Sends one request many times in a fixed rhythm and keeps every sample."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(LoadOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["http"]
    }

    fn shape(&self, _options: &Json) -> Shape {
        observed::shape()
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        Some(Power::Load)
    }

    fn takes_samples(&self) -> bool {
        true
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let line = options.get("load").and_then(Json::as_str)?;
        Some(format!("load-{line}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn cost(&self, options: &Json) -> Cost {
        let Ok(rhythm) = rhythm(options, &[], &StatisticsOptions::default()) else {
            return Cost::default();
        };
        Cost {
            requests: rhythm.requests,
            seconds: rhythm.seconds(),
        }
    }
}

impl Probe for Load {
    fn ask(&self, options: &Json) -> String {
        let line = options.get("load").and_then(Json::as_str).unwrap_or("");
        format!("load {line}")
    }

    fn longest(
        &self,
        options: &Json,
        limits: &[Limit],
        statistics: &StatisticsOptions,
    ) -> Option<std::time::Duration> {
        rhythm(options, limits, statistics).ok()?.longest()
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
