//! The `kubernetes` probe: whether the workloads of a namespace are rolled out, and how their pods are.

mod api;
mod observed;
mod rollout;
mod run;
mod syntax;

use gonogo_core::plan::{Cost, OptionProblem, Syntax, TargetSyntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::{KubernetesOptions, KubernetesTarget};

use crate::http::without_templates;
use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Kubernetes;

/// A Kubernetes API server.
pub const TARGET: TargetSyntax = TargetSyntax {
    key: "kubernetes",
    schema: || schemars::schema_for!(KubernetesTarget),
    host: syntax::host,
};

impl Syntax for Kubernetes {
    fn key(&self) -> &'static str {
        "kubernetes"
    }

    fn about(&self) -> &'static str {
        "Looks at the workloads of a Kubernetes namespace: rolled out, ready, restarts, image digests."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(KubernetesOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["kubernetes"]
    }

    fn shape(&self, options: &Json) -> Shape {
        observed::shape(options.get("expected").is_some())
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        Some(format!("kubernetes-{}", namespace(options)))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        let problem = |key: &str, message: String, help: &str| OptionProblem {
            code: "kubernetes-name",
            key: key.to_owned(),
            warning: false,
            message,
            help: Some(help.to_owned()),
        };
        let mut problems = Vec::new();
        if let Some(why) = syntax::not_a_namespace(&without_templates(namespace(options))) {
            problems.push(problem("kubernetes", why, "such as `kubernetes: staging`"));
        }
        let expected = match options.get("expected") {
            Some(Json::String(one)) => vec![one.as_str()],
            Some(Json::Array(all)) => all.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        for name in expected.into_iter().filter(|n| !n.contains("${")) {
            if let Some(why) = syntax::not_a_workload(name) {
                problems.push(problem(
                    "expected",
                    why,
                    "such as `expected: [deployment/web]`",
                ));
            }
        }
        problems
    }

    fn cost(&self, _options: &Json) -> Cost {
        // The version, three kinds of workloads, the pods; more where a list comes in pages.
        Cost {
            requests: Some(5),
            seconds: None,
        }
    }
}

impl Probe for Kubernetes {
    fn ask(&self, options: &Json) -> String {
        let selector = options.get("selector").and_then(Json::as_str);
        let selector = selector.map_or_else(String::new, |s| format!(", {s}"));
        format!("workloads and pods in {}{selector}", namespace(options))
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

fn namespace(options: &Json) -> &str {
    options
        .get("kubernetes")
        .and_then(Json::as_str)
        .unwrap_or("")
}

#[cfg(test)]
mod tests;
