//! What a plan may write of the `terraform` probe.

use std::collections::BTreeMap;

use gonogo_core::plan::{OneOrMany, OptionProblem};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::files::outside;

/// `terraform:` reads what Terraform plans, or what it has.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TerraformOptions {
    /// What `terraform show -json` printed of a plan or of a state: a file below the repository or beside the plan. Or
    /// `{ run: plan }` and `{ run: state }`, which ask Terraform itself.
    pub terraform: Document,
    /// Addresses of resources that may be destroyed or replaced, in which `*` stands for anything; what is destroyed
    /// without being named is in `destroyed_unnamed`.
    #[serde(default)]
    pub allow_destroy: OneOrMany,
    /// How old a plan may be by its own time, such as `1d`.
    #[schemars(extend("format" = "duration"))]
    pub fresh_for: Option<String>,
}

/// A file, or Terraform itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Document {
    /// The file.
    File(String),
    /// Terraform itself.
    Run(Run),
}

/// Terraform, as it is installed here.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What it is asked for.
    pub run: Asked,
    /// The folder of the configuration, below the repository or beside the plan; `terraform init` was run there.
    pub cwd: Option<String>,
    /// Files of variables, as `-var-file` takes them, below the repository or beside the plan.
    #[serde(default)]
    pub var_file: OneOrMany,
    /// Environment variables beside `PATH`, `HOME`, `LANG` and `TMPDIR`, which are all that is passed on: `TF_VAR_…` and
    /// what providers need.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// The program, `terraform` by default; `tofu` speaks the same format.
    pub program: Option<String>,
}

/// What Terraform is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// `terraform plan`, and what it shows. Nothing is applied.
    Plan,
    /// The state, as it is kept.
    State,
}

fn options(options: &Json) -> Option<TerraformOptions> {
    serde_json::from_value(options.clone()).ok()
}

/// What is looked at, in a word or two.
pub(super) fn words(written: &Json) -> Option<String> {
    Some(match options(written)?.terraform {
        Document::File(path) => path,
        Document::Run(run) => {
            let asked = match run.run {
                Asked::Plan => "plan",
                Asked::State => "state",
            };
            run.cwd
                .map_or(asked.to_owned(), |cwd| format!("{asked} {cwd}"))
        }
    })
}

/// Paths outside of the repository.
pub(super) fn lint(written: &Json) -> Vec<OptionProblem> {
    let Some(options) = options(written) else {
        return Vec::new();
    };
    let paths: Vec<(&str, &String)> = match &options.terraform {
        Document::File(path) => vec![("terraform", path)],
        Document::Run(run) => {
            let files = run.var_file.0.iter().map(|f| ("terraform.var_file", f));
            files
                .chain(run.cwd.iter().map(|cwd| ("terraform.cwd", cwd)))
                .collect()
        }
    };
    let mut problems: Vec<OptionProblem> = paths
        .into_iter()
        .filter_map(|(key, path)| {
            Some(OptionProblem {
                code: "path-outside",
                key: key.to_owned(),
                warning: false,
                message: outside(path)?,
                help: Some("name a path below the repository".to_owned()),
            })
        })
        .collect();
    if matches!(&options.terraform, Document::Run(_)) && options.fresh_for.is_some() {
        problems.push(OptionProblem {
            code: "terraform-options",
            key: "fresh_for".to_owned(),
            warning: false,
            message: "what Terraform itself says now is fresh".to_owned(),
            help: Some("leave it out beside `run:`".to_owned()),
        });
    }
    problems
}
