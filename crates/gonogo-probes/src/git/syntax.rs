//! What a plan may write of the `git` probe.

use gonogo_core::plan::{OneOrMany, OptionProblem};
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::no_revision;

/// No expression may compile to more.
const MAX_REGEX: usize = 1 << 20;

/// `git:` looks at a revision of a repository.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitOptions {
    /// The revision: a tag, a branch, a commit, `HEAD`.
    pub git: String,
    /// An earlier revision, such as the one that runs now: what came after it is told.
    pub since: Option<String>,
    /// Files to look at, as they are at the revision, not as they lie in the folder.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub files: Vec<FileAt>,
}

/// A file at the revision.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileAt {
    /// Its path below the repository.
    #[schemars(length(min = 1, max = 4096))]
    pub path: String,
    /// A text, or several, each of which must stand in it for `contains` to be true.
    #[serde(default)]
    pub contains: OneOrMany,
    /// A regular expression, or several, each of which must be found in it for `matches` to be true. `^` and `$` are the
    /// ends of a line.
    #[serde(default)]
    pub matches: OneOrMany,
}

/// An expression as it is used.
pub(super) fn regex(text: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(text)
        .multi_line(true)
        .size_limit(MAX_REGEX)
        .build();
    built.map_err(|e| {
        let said = e.to_string();
        let last = said.lines().last().unwrap_or_default();
        format!("`{text}` is no regular expression: {last}")
    })
}

/// Revisions that git would take for options, files outside, expressions that are none.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let Ok(options) = serde_json::from_value::<GitOptions>(options.clone()) else {
        return Vec::new();
    };
    let problem = |key: String, message: String, help: &str| OptionProblem {
        code: "git-options",
        key,
        warning: false,
        message,
        help: Some(help.to_owned()),
    };
    let mut problems = Vec::new();
    let revisions = [
        ("git", Some(&options.git)),
        ("since", options.since.as_ref()),
    ];
    for (key, revision) in revisions {
        let written = revision.filter(|text| !text.contains("${"));
        if let Some(message) = written.and_then(|text| no_revision(text)) {
            let help = "name a tag, a branch or a commit";
            problems.push(problem(key.to_owned(), message, help));
        }
    }
    for file in &options.files {
        if let Some(message) = crate::files::outside(&file.path) {
            let help = "name a path below the repository";
            problems.push(problem("files".to_owned(), message, help));
        }
        if super::run::tidied(&file.path).is_empty() {
            let message = format!("`{}` is the repository itself", file.path);
            problems.push(problem("files".to_owned(), message, "name a file"));
        }
        if file.contains.0.iter().any(String::is_empty) {
            let message = format!("`{}`: every file contains an empty text", file.path);
            problems.push(problem(
                "files".to_owned(),
                message,
                "write what must stand in it",
            ));
        }
        for text in file.matches.0.iter().filter(|text| !text.contains("${")) {
            if let Err(message) = regex(text) {
                let help = "https://docs.rs/regex/latest/regex/#syntax";
                problems.push(problem("files".to_owned(), message, help));
            }
        }
    }
    problems
}
