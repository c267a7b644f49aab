//! The `capacity` probe: how large a database is, and how it grew since a baseline.

mod mysql;
mod observed;
mod postgres;
mod run;
mod sqlite;
mod syntax;

use gonogo_core::plan::{Cost, FileProblem, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use observed::SNAPSHOT_ROLE;
pub use syntax::{CapacityOptions, ThresholdOptions};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Capacity;

impl Syntax for Capacity {
    fn key(&self) -> &'static str {
        "capacity"
    }

    fn about(&self) -> &'static str {
        "Looks how large a database, its tables and its indexes are, and how they grew since a baseline."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(CapacityOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["postgres", "sqlite", "mysql"]
    }

    fn shape(&self, _options: &Json) -> Shape {
        observed::shape()
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, _options: &Json) -> Option<String> {
        Some("capacity".to_owned())
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn files(&self) -> &'static [&'static str] {
        &["baseline"]
    }

    fn lint_file(&self, _key: &str, _options: &Json, bytes: &[u8]) -> Vec<FileProblem> {
        let wrong = gonogo_core::capacity::Snapshot::read(bytes).err();
        wrong.map(Into::into).into_iter().collect()
    }

    fn cost(&self, _options: &Json) -> Cost {
        Cost {
            requests: Some(3),
            seconds: None,
        }
    }
}

impl Probe for Capacity {
    fn ask(&self, options: &Json) -> String {
        match options.get("baseline").and_then(Json::as_str) {
            Some(baseline) => format!("capacity since {baseline}"),
            None => "capacity".to_owned(),
        }
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
