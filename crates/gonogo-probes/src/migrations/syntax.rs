//! What a plan may write of the `migrations` probe.

use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::layout::Tool;
use super::rules;
use crate::git::no_revision;

/// `migrations:` reads migrations before they run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MigrationsOptions {
    /// The folder of the migrations below the repository.
    pub migrations: String,
    /// The revision that runs now: a tag, a branch or a commit. What was added after it is judged; what was changed or
    /// removed is a finding. Without it all migrations are judged.
    pub from: Option<String>,
    /// The revision that is to be released; `HEAD` where only `from` is given. Without both the folder is judged as it is.
    pub to: Option<String>,
    /// The tool that runs them; each file tells by its name where this is left out.
    pub tool: Option<Tool>,
    /// Rules whose findings are accepted; they are listed under `allowed`.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Published rules that are judged beyond the usual ones, such as `prefer-bigint-over-int`.
    #[serde(default)]
    pub also: Vec<String>,
}

impl MigrationsOptions {
    /// The rules of `also`, as the linter takes them.
    pub(super) fn also(&self) -> Result<Vec<squawk_linter::Rule>, String> {
        self.also
            .iter()
            .map(|id| {
                squawk_linter::Rule::try_from(id.as_str())
                    .map_err(|_| format!("there is no published rule `{id}`"))
            })
            .collect()
    }
}

/// A folder outside, rules that there are not, revisions that git would take for options.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let Ok(options) = serde_json::from_value::<MigrationsOptions>(options.clone()) else {
        return Vec::new();
    };
    let problem = |key: &str, message: String, help: Option<String>| OptionProblem {
        code: "migrations-options",
        key: key.to_owned(),
        warning: false,
        message,
        help,
    };
    let mut problems = Vec::new();
    if let Some(message) = crate::files::outside(&options.migrations) {
        let help = "name a folder below the repository".to_owned();
        problems.push(problem("migrations", message, Some(help)));
    }
    for (key, revision) in [("from", &options.from), ("to", &options.to)] {
        let written = revision.as_deref().filter(|text| !text.contains("${"));
        if let Some(message) = written.and_then(no_revision) {
            let help = "name a tag, a branch or a commit".to_owned();
            problems.push(problem(key, message, Some(help)));
        }
    }
    let did_you_mean = |id: &str| {
        let names = rules::judged().map(|rule| rule.id);
        gonogo_core::diag::nearest(id, names).map(|n| format!("did you mean `{n}`?"))
    };
    for id in &options.also {
        if squawk_linter::Rule::try_from(id.as_str()).is_err() {
            let message = format!("there is no published rule `{id}`");
            problems.push(problem("also", message, did_you_mean(id)));
        }
    }
    for id in &options.allow {
        if rules::named(id).is_none() && !options.also.contains(id) {
            let message = format!("no rule `{id}` is judged, so there is nothing to allow");
            problems.push(problem("allow", message, did_you_mean(id)));
        }
    }
    problems
}
