//! The `compose` probe: whether a compose file holds together, with its variables.

mod env;
mod interpolate;
mod observed;
mod rules;
mod run;
mod syntax;

use gonogo_core::plan::{OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::ComposeOptions;

use crate::files::outside;
use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Compose;

impl Syntax for Compose {
    fn key(&self) -> &'static str {
        "compose"
    }

    fn about(&self) -> &'static str {
        "Reads a compose file with its env files and holds it against the compose specification."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(ComposeOptions)
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
        let path = options.get("compose").and_then(Json::as_str)?;
        Some(format!("compose-{path}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        let mut paths: Vec<(&str, &str)> = Vec::new();
        for key in ["compose", "env_file"] {
            match options.get(key) {
                Some(Json::String(one)) => paths.push((key, one)),
                Some(Json::Array(all)) => {
                    paths.extend(all.iter().filter_map(Json::as_str).map(|p| (key, p)));
                }
                _ => {}
            }
        }
        let problem = |(key, path): (&str, &str)| {
            Some(OptionProblem {
                code: "path-outside",
                key: key.to_owned(),
                warning: false,
                message: outside(path)?,
                help: Some("name a path below the repository".to_owned()),
            })
        };
        paths.into_iter().filter_map(problem).collect()
    }
}

impl Probe for Compose {
    fn ask(&self, options: &Json) -> String {
        let path = options.get("compose").and_then(Json::as_str).unwrap_or("");
        format!("compose {path}")
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(async move { run::observe(&call) })
    }
}

#[cfg(test)]
mod tests;
