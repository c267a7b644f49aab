//! The `resources` probe: how much of processor, memory, disk and connection pools is used.

mod engine;
mod host;
mod observed;
mod queries;
mod run;
mod syntax;

use gonogo_core::duration::parse_duration_ns;
use gonogo_core::plan::{Cost, OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{ResourcesOptions, Source};

use crate::docker::Selection;
use crate::http::without_templates;
use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Resources;

impl Syntax for Resources {
    fn key(&self) -> &'static str {
        "resources"
    }

    fn about(&self) -> &'static str {
        "Measures how much of processor, memory, disk and connection pools is used."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(ResourcesOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["prometheus", "docker"]
    }

    fn targets_for(&self, options: &Json) -> &'static [&'static str] {
        match Source::of(options) {
            Some(Source::Prometheus) => &["prometheus"],
            Some(Source::Containers) => &["docker"],
            Some(Source::Host) => &[],
            None => self.targets(),
        }
    }

    fn shape(&self, options: &Json) -> Shape {
        observed::shape(Source::of(options), options)
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let source = options.get("resources").and_then(Json::as_str)?;
        Some(format!("resources-{source}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        lint(options)
    }

    fn cost(&self, options: &Json) -> Cost {
        let queries = options.get("queries").and_then(Json::as_object);
        let over = options.get("over").and_then(Json::as_str);
        let seconds = over
            .and_then(|text| parse_duration_ns(text).ok())
            .map(|ns| ns as f64 / 1e9);
        match Source::of(options) {
            Some(Source::Prometheus) => Cost {
                requests: queries.map(|q| q.len() as u64),
                seconds: None,
            },
            Some(Source::Host) => Cost {
                requests: Some(0),
                seconds: seconds.or(Some(1.0)),
            },
            Some(Source::Containers) | None => Cost {
                requests: None,
                seconds: seconds.or(Some(1.0)),
            },
        }
    }
}

impl Probe for Resources {
    fn ask(&self, options: &Json) -> String {
        let source = options.get("resources").and_then(Json::as_str);
        format!("resources of {}", source.unwrap_or("?"))
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

fn lint(options: &Json) -> Vec<OptionProblem> {
    let problem = |key: &str, message: String, help: &str| OptionProblem {
        code: "resources-options",
        key: key.to_owned(),
        warning: false,
        message,
        help: Some(help.to_owned()),
    };
    let Some(source) = Source::of(options) else {
        return Vec::new();
    };
    let known = source.options();
    let mut problems = Vec::new();
    for option in ["queries", "project", "label", "disks", "over"] {
        if options.get(option).is_some() && !known.contains(&option) {
            let message = format!(
                "`{option}` means nothing with `resources: {}`",
                source.word()
            );
            let help = format!("it takes {}", known.join(", "));
            problems.push(problem(option, message, &help));
        }
    }
    let queries = options.get("queries").and_then(Json::as_object);
    if source == Source::Prometheus && queries.is_none_or(serde_json::Map::is_empty) {
        problems.push(problem(
            "queries",
            "there is nothing to ask Prometheus for".to_owned(),
            "such as `queries: { cpu: \"1 - avg(rate(node_cpu_seconds_total{mode='idle'}[5m]))\" }`",
        ));
    }
    if source == Source::Containers {
        let project = options.get("project").and_then(Json::as_str).unwrap_or("*");
        if let Err(why) = Selection::of(&without_templates(project), &[]) {
            problems.push(problem("project", why, "such as `project: shop`"));
        }
    }
    if let Some(empty) = queries
        .into_iter()
        .flatten()
        .find(|(_, q)| q.as_str().is_some_and(|q| q.trim().is_empty()))
    {
        let key = format!("queries.{}", empty.0);
        problems.push(problem(
            &key,
            "the query is empty".to_owned(),
            "write PromQL",
        ));
    }
    problems
}

#[cfg(test)]
mod tests;
