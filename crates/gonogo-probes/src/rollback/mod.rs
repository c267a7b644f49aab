//! The `rollback` probe: the way back to an earlier revision. Told from the repository, and where the plan says so, gone.

mod drill;
mod observed;
mod run;
mod syntax;

use std::time::Duration;

use gonogo_core::plan::{Limit, OptionProblem, StatisticsOptions, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{Mode, RollbackOptions};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Rollback;

impl Syntax for Rollback {
    fn key(&self) -> &'static str {
        "rollback"
    }

    fn about(&self) -> &'static str {
        "Tells the way back to an earlier revision – files, migrations, commands –, or goes it and measures how long it takes."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(RollbackOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["repository"]
    }

    fn needs_target(&self) -> bool {
        false
    }

    fn shape(&self, options: &Json) -> Shape {
        observed::shape(options)
    }

    fn power(&self, options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        syntax::is_live(options).then_some(Power::Exec)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let revision = options.get("rollback").and_then(Json::as_str)?;
        Some(format!("rollback-{revision}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }
}

impl Probe for Rollback {
    fn ask(&self, options: &Json) -> String {
        let revision = options.get("rollback").and_then(Json::as_str).unwrap_or("");
        let live = if syntax::is_live(options) {
            ", live"
        } else {
            ""
        };
        format!("rollback {revision}{live}")
    }

    fn longest(
        &self,
        options: &Json,
        _limits: &[Limit],
        _statistics: &StatisticsOptions,
    ) -> Option<Duration> {
        let options: RollbackOptions = serde_json::from_value(options.clone()).ok()?;
        drill::longest(&options)
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
