//! The `schema` probe: what a database's catalogue says of its tables, and how that differs from what is expected.

mod condition;
mod data;
mod facts;
mod migrations;
mod mysql;
mod observed;
mod postgres;
mod rows;
mod run;
mod shape;
mod sqlite;
mod syntax;

use gonogo_core::plan::{Cost, FileProblem, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::schema_model::Model;
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{DuplicatesEntry, Namespaces, SchemaOptions};

use crate::database;
use crate::probe::{BoxFuture, Call, Probe, ResolvedTarget, Seen};

/// The probe.
pub struct Schema;

/// The blob that holds the whole model, as JSON.
pub const MODEL_BLOB: &str = "schema";

/// The namespace that is meant where none is named: the one that everybody has, with MySQL the address's database.
pub fn usual_namespace(target: &ResolvedTarget) -> Option<String> {
    match target.kind.as_str() {
        "sqlite" => Some("main".to_owned()),
        "mysql" => database::mysql_dsn(target).ok()?.database.clone(),
        _ => Some("public".to_owned()),
    }
}

/// What a catalogue said.
struct Catalogue {
    /// The schema.
    model: Model,
    /// Tables whose rows the role may not read.
    unreadable: Vec<String>,
    /// Namespaces that were asked for and are not there.
    missing: Vec<String>,
    /// Namespaces that are there, for a person who looks for one.
    others: Vec<String>,
}

impl Syntax for Schema {
    fn key(&self) -> &'static str {
        "schema"
    }

    fn about(&self) -> &'static str {
        "Reads a database's schema from its catalogue, and says how it differs from a snapshot."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(SchemaOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["postgres", "sqlite", "mysql"]
    }

    fn shape(&self, options: &Json) -> Shape {
        shape::shape(options)
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        Some(ask(options).replace(' ', "-"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }

    fn files(&self) -> &'static [&'static str] {
        &["expected"]
    }

    fn lint_file(&self, _key: &str, options: &Json, bytes: &[u8]) -> Vec<FileProblem> {
        syntax::expected(options, bytes)
            .err()
            .map(Into::into)
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

impl Probe for Schema {
    fn ask(&self, options: &Json) -> String {
        ask(options)
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

/// `schema public, audit`, as far as the options are known.
fn ask(options: &Json) -> String {
    let names: Vec<&str> = match &options["schema"] {
        Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let against = options["expected"]
        .as_str()
        .map_or_else(String::new, |file| format!(" against {file}"));
    format!("schema {}{against}", names.join(", "))
}

#[cfg(test)]
mod tests;
