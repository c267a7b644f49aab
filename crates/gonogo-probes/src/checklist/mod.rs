//! The `checklist` probe: what people state of a release, item by item, and the evidence that they name.

mod document;
mod markdown;
mod observed;
mod read;
mod run;
mod syntax;

use gonogo_core::plan::{FileProblem, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{ChecklistOptions, Evidence};

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Checklist;

impl Syntax for Checklist {
    fn key(&self) -> &'static str {
        "checklist"
    }

    fn about(&self) -> &'static str {
        "Reads a list that people keep: items with state, owner and evidence, or a table that must be complete."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(ChecklistOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["repository"]
    }

    fn needs_target(&self) -> bool {
        false
    }

    fn shape(&self, options: &Json) -> Shape {
        // Without a file nothing is asked yet: the reference shows all there is.
        if options["checklist"].as_str().is_none_or(str::is_empty) {
            return observed::shape(None);
        }
        let columns = &options["columns"];
        let is_table = columns.as_str().is_some_and(|one| !one.is_empty())
            || columns.as_array().is_some_and(|all| !all.is_empty());
        observed::shape(Some(is_table))
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let path = options.get("checklist").and_then(Json::as_str)?;
        Some(format!("checklist-{path}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn files(&self) -> &'static [&'static str] {
        &["checklist"]
    }

    fn files_of_target(&self) -> bool {
        true
    }

    fn lint_file(&self, _key: &str, options: &Json, bytes: &[u8]) -> Vec<FileProblem> {
        syntax::lint_file(options, bytes)
    }
}

impl Probe for Checklist {
    fn ask(&self, options: &Json) -> String {
        let path = options.get("checklist").and_then(Json::as_str);
        let section = options.get("section").and_then(Json::as_str);
        let section = section.map_or_else(String::new, |s| format!(", section “{s}”"));
        format!("checklist {}{section}", path.unwrap_or(""))
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
