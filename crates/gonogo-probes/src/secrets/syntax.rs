//! What a plan may write of the `secrets` probe.

use gonogo_core::plan::OptionProblem;
use gonogo_core::shapes::{Allow, RULES};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// `secrets:` looks for secrets in files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretsOptions {
    /// The folder below the repository, `.` for all of it. `.git` itself is left to `history`.
    pub secrets: String,
    /// Also look at every object that any commit, tag, stash or reflog entry reaches.
    #[serde(default)]
    pub history: bool,
    /// Paths that are left out: `*` stands for anything in one name, `**` for any folders.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Findings that are known and allowed, each with its reason; they are listed under `allowed`.
    #[serde(default)]
    pub allow: Vec<AllowEntry>,
}

/// One allowed finding. Each part that is given must fit.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowEntry {
    /// The rule's name.
    pub rule: Option<String>,
    /// A path or a pattern of paths.
    pub path: Option<String>,
    /// The finding's fingerprint.
    pub fingerprint: Option<String>,
    /// Why it is no secret, or not one that matters.
    pub reason: String,
}

impl AllowEntry {
    /// The entry as the scanner takes it.
    pub(super) fn allow(&self) -> Result<Allow, String> {
        let part = |text: &Option<String>| text.clone();
        Allow::new(
            part(&self.rule).as_deref(),
            part(&self.path).as_deref(),
            part(&self.fingerprint).as_deref(),
            &self.reason,
        )
        .map_err(|e| e.to_string())
    }
}

/// An allowance without a reason, or for a rule that there is not.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let Ok(options) = serde_json::from_value::<SecretsOptions>(options.clone()) else {
        return Vec::new();
    };
    let problem = |key: &str, message: String, help: Option<String>| OptionProblem {
        code: "secrets-options",
        key: key.to_owned(),
        warning: false,
        message,
        help,
    };
    let mut problems = Vec::new();
    if let Some(message) = crate::files::outside(&options.secrets) {
        problems.push(problem("secrets", message, None));
    }
    for entry in &options.allow {
        if let Err(message) = entry.allow() {
            problems.push(problem("allow", message, None));
        }
        let names = || RULES.iter().map(|r| r.id);
        if let Some(rule) = &entry.rule
            && names().all(|name| name != rule)
        {
            let help =
                gonogo_core::diag::nearest(rule, names()).map(|n| format!("did you mean `{n}`?"));
            problems.push(problem("allow", format!("there is no rule `{rule}`"), help));
        }
    }
    problems
}
