//! The `terraform` probe: what a plan would create, change and destroy, or what a state has.

mod document;
mod observed;
mod plan;
mod run;
mod syntax;

use gonogo_core::plan::{OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::TerraformOptions;

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Terraform;

impl Syntax for Terraform {
    fn key(&self) -> &'static str {
        "terraform"
    }

    fn about(&self) -> &'static str {
        "Reads a Terraform plan or state: what is created, changed, destroyed, what drifted, which variables are set."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(TerraformOptions)
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

    fn power(&self, options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        // As written: whatever is no file runs something.
        let is_file = options.get("terraform").is_some_and(Json::is_string);
        (!is_file).then_some(Power::Exec)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        syntax::words(options).map(|words| format!("terraform-{words}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }
}

impl Probe for Terraform {
    fn ask(&self, options: &Json) -> String {
        let words = syntax::words(options).unwrap_or_default();
        format!("terraform {words}")
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
