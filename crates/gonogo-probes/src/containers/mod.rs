//! The `containers` probe: what runs on a container engine, and how.

mod observed;
mod run;
mod syntax;

use gonogo_core::plan::{Cost, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::ContainersOptions;

use crate::docker::Selection;
use crate::http::without_templates;
use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Containers;

impl Syntax for Containers {
    fn key(&self) -> &'static str {
        "containers"
    }

    fn about(&self) -> &'static str {
        "Looks at the containers of a compose project or label: state, health, restarts, images, ports."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(ContainersOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["docker"]
    }

    fn shape(&self, options: &Json) -> Shape {
        observed::shape(options.get("expected").is_some())
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let words = match syntax::asked(options) {
            "*" => syntax::labels(options).join("-"),
            project => project.to_owned(),
        };
        Some(format!("containers-{words}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        let text = without_templates(syntax::asked(options));
        let labels: Vec<String> = syntax::labels(options)
            .iter()
            .map(|l| without_templates(l))
            .collect();
        Selection::of(&text, &labels)
            .err()
            .map(|message| OptionProblem {
                code: "containers-selection",
                key: "containers".to_owned(),
                warning: false,
                message,
                help: Some("such as `containers: shop`, the compose project's name".to_owned()),
            })
            .into_iter()
            .collect()
    }

    fn cost(&self, _options: &Json) -> Cost {
        // One for the version, one for the list; each container and each image is one more, known only there.
        Cost {
            requests: None,
            seconds: None,
        }
    }
}

impl Probe for Containers {
    fn ask(&self, options: &Json) -> String {
        let labels = syntax::labels(options);
        let mut text = format!("containers {}", syntax::asked(options));
        if !labels.is_empty() {
            text.push_str(", label ");
            text.push_str(&labels.join(", "));
        }
        text
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
