//! The `migrations` probe: reads migrations before they run, in SQL or Python,, and holds each statement against published rules.

mod guard;
mod layout;
mod observed;
mod python;
mod reader;
mod review;
mod rules;
mod run;
mod sections;
mod source;
mod syntax;
mod way_back;

use gonogo_core::plan::{OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use layout::Tool;
pub use syntax::MigrationsOptions;
pub(crate) use way_back::{Between, Passed, WayBack, between};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Migrations;

impl Syntax for Migrations {
    fn key(&self) -> &'static str {
        "migrations"
    }

    fn about(&self) -> &'static str {
        "Reads migrations before they run: what locks, rewrites, breaks the version before, or has no way down."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(MigrationsOptions)
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
        let path = options.get("migrations").and_then(Json::as_str)?;
        Some(format!("migrations-{path}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }
}

impl Probe for Migrations {
    fn ask(&self, options: &Json) -> String {
        let text = |key: &str| options.get(key).and_then(Json::as_str);
        let path = text("migrations").unwrap_or("");
        match (text("from"), text("to")) {
            (None, None) => format!("migrations {path}"),
            (None, Some(to)) => format!("migrations {path} at {to}"),
            (Some(from), to) => format!("migrations {path} {from}..{}", to.unwrap_or("HEAD")),
        }
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
