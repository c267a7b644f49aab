//! What a plan may write of the `rollback` probe.

use std::collections::BTreeMap;
use std::time::Duration;

use gonogo_core::duration::parse_duration_ns;
use gonogo_core::plan::{OneOrMany, OptionProblem};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::git::no_revision;
use crate::http::request_line;
use crate::migrations::Tool;

/// `rollback:` tells the way back to an earlier revision, or goes it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackOptions {
    /// The revision to go back to: the one that runs now, or ran before. A tag, a branch or a commit.
    pub rollback: String,
    /// The revision to go back from, `HEAD` by default: the one that is to be released.
    pub from: Option<String>,
    /// The folder of the migrations below the repository, or several. Without it, nothing is told of migrations.
    #[serde(default)]
    pub migrations: OneOrMany,
    /// The tool that runs them; each file tells by its name where this is left out.
    pub tool: Option<Tool>,
    /// The commands of the way back in their order, each a list of a program and its arguments: nothing is split or
    /// expanded, and there is no shell.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub commands: Vec<Command>,
    /// The folder in which they run, relative to the repository's, which it is by default.
    pub cwd: Option<String>,
    /// Environment variables of the commands beside `PATH`, `HOME`, `LANG` and `TMPDIR`, which are all that is passed on.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// How long the way back is thought to take; where this is left out, what a live drill of the same run measured.
    #[schemars(extend("format" = "positive-duration"))]
    pub estimate: Option<String>,
    /// How long it may take.
    #[schemars(extend("format" = "positive-duration"))]
    pub objective: Option<String>,
    /// `dry`, the default, runs nothing. `live` runs the commands, and waits until the service is healthy.
    #[serde(default)]
    pub mode: Mode,
    /// `live`: what the service answers with a status of 2xx once it is back.
    #[schemars(extend("format" = "request-line"))]
    pub health: Option<String>,
    /// The `http` target that is asked for it; the first one by default.
    pub health_target: Option<String>,
    /// A text that the answer must hold, such as the commit: without it, the version that is to go could answer.
    #[schemars(length(min = 1))]
    pub health_contains: Option<String>,
}

/// Whether the way back is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing runs.
    #[default]
    Dry,
    /// The commands run.
    Live,
}

/// A command of the way back.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Command {
    /// The program and its arguments.
    Words(#[schemars(length(min = 1))] Vec<String>),
    /// The same, with a time limit.
    Limited(LimitedCommand),
}

/// A command with a time limit of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitedCommand {
    /// The program and its arguments.
    #[schemars(length(min = 1))]
    pub run: Vec<String>,
    /// How long it may take, `5m` by default.
    #[schemars(extend("format" = "positive-duration"))]
    pub timeout: Option<String>,
}

const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);

impl Command {
    /// The program and its arguments.
    pub(super) fn words(&self) -> &[String] {
        match self {
            Self::Words(words) => words,
            Self::Limited(limited) => &limited.run,
        }
    }

    /// How long it may take.
    pub(super) fn timeout(&self) -> Duration {
        let limit = match self {
            Self::Words(_) => None,
            Self::Limited(limited) => limited.timeout.as_deref().and_then(duration),
        };
        limit.unwrap_or(DEFAULT_TIMEOUT)
    }

    /// As a person would type it.
    pub(super) fn line(&self) -> String {
        let words = self.words().iter().map(|word| quoted(word));
        words.collect::<Vec<_>>().join(" ")
    }
}

/// A duration as the plan has it.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let ns = parse_duration_ns(text).ok()?;
    Some(Duration::from_nanos(u64::try_from(ns).ok()?))
}

/// One word of a POSIX shell line.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Whether the check runs commands.
pub(super) fn is_live(options: &Json) -> bool {
    options.get("mode").and_then(Json::as_str) == Some("live")
}

/// What a live drill lacks, revisions that are none, folders outside.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let Ok(written) = serde_json::from_value::<RollbackOptions>(options.clone()) else {
        return Vec::new();
    };
    let problem = |key: &str, message: String, help: &str| OptionProblem {
        code: "rollback-options",
        key: key.to_owned(),
        warning: false,
        message,
        help: Some(help.to_owned()),
    };
    let mut problems = Vec::new();
    let revisions = [
        ("rollback", Some(&written.rollback)),
        ("from", written.from.as_ref()),
    ];
    for (key, revision) in revisions {
        let revision = revision.filter(|text| !text.contains("${"));
        if let Some(message) = revision.and_then(|text| no_revision(text)) {
            problems.push(problem(key, message, "name a tag, a branch or a commit"));
        }
    }
    for folder in &written.migrations.0 {
        if let Some(message) = crate::files::outside(folder) {
            problems.push(problem(
                "migrations",
                message,
                "name a folder below the repository",
            ));
        }
    }
    if written.tool.is_some() && written.migrations.0.is_empty() {
        let message = "`tool` is that of the migrations, and no folder of them is named";
        problems.push(problem(
            "tool",
            message.to_owned(),
            "add `migrations: db/migrations`",
        ));
    }
    if written.mode == Mode::Live {
        for (is_there, key, help) in [
            (
                !written.commands.is_empty(),
                "commands",
                "add `commands:`, each a list: `- [git, checkout, v1]`",
            ),
            (
                written.objective.is_some(),
                "objective",
                "add how long it may take: `objective: 10m`",
            ),
            (
                written.health.is_some(),
                "health",
                "add what tells that the service is back: `health: GET /health`",
            ),
        ] {
            if !is_there {
                let message = format!("a live drill without `{key}` proves nothing");
                problems.push(problem("mode", message, help));
            }
        }
    }
    if let Some(health) = written
        .health
        .as_deref()
        .filter(|text| !text.contains("${"))
    {
        match request_line(health) {
            Err(message) => problems.push(problem("health", message, "write `GET /health`")),
            Ok(line) if line.method != "GET" => {
                let message = format!("`{}` does not only look", line.method);
                problems.push(problem("health", message, "write `GET /health`"));
            }
            Ok(_) => {}
        }
    }
    for key in ["health_target", "health_contains"] {
        if options.get(key).is_some() && written.health.is_none() {
            let message = format!("`{key}` belongs to `health`");
            problems.push(problem(
                key,
                message,
                "add `health: GET /health`, or take it out",
            ));
        }
    }
    problems
}
