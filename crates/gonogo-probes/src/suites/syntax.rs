//! What a plan may write of the `tests` probe.

use std::collections::BTreeMap;

use gonogo_core::plan::{OneOrMany, OptionProblem};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::read::Format;
use crate::files::outside;

/// `tests:` counts what test suites and scanners wrote: collected from files, or of a program that is run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestsOptions {
    /// Where the documents come from.
    pub tests: Source,
}

/// Files to collect, a program to run, or a program that writes the files.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The documents, below the repository or beside the plan: paths, or patterns in which `*` stands for anything in one
    /// name and `**` for any folders. Each must match a file. With `run` they must be written by that run.
    #[serde(default)]
    pub collect: OneOrMany,
    /// The program and its arguments, one list element each: nothing is split or expanded. Without `collect` what it
    /// prints is the document.
    #[serde(default)]
    pub run: Vec<String>,
    /// The folder to run in, below the repository or beside the plan.
    pub cwd: Option<String>,
    /// Environment variables of the program beside `PATH`, `HOME`, `LANG` and `TMPDIR`, which are all that is passed on.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// What the documents are; each tells by itself where this is left out.
    pub format: Option<Format>,
    /// How old a collected document may be, such as `1d`, by its own time or by that of the file, whichever is older.
    #[schemars(extend("format" = "duration"))]
    pub fresh_for: Option<String>,
    /// Names of suites that may run nothing, in which `*` stands for anything; they are not among `empty`.
    #[serde(default)]
    pub may_be_empty: OneOrMany,
}

/// What the options say at all; nothing where they are not decoded.
pub(super) fn source(options: &Json) -> Option<Source> {
    serde_json::from_value(options.get("tests")?.clone()).ok()
}

/// What a check is called after.
pub(super) fn words(options: &Json) -> Option<String> {
    let source = source(options)?;
    if source.run.is_empty() {
        return Some(source.collect.0.join(" "));
    }
    Some(source.run.join(" "))
}

/// Paths outside, nothing to look at, options that say nothing without `run`.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let Some(source) = source(options) else {
        return Vec::new();
    };
    let problem = |key: &str, message: String, help: &str| OptionProblem {
        code: "tests-options",
        key: key.to_owned(),
        warning: false,
        message,
        help: Some(help.to_owned()),
    };
    let mut problems = Vec::new();
    if source.run.is_empty() && source.collect.0.is_empty() {
        problems.push(problem(
            "tests",
            "there is neither a document to collect nor a program to run".to_owned(),
            "write `tests: { collect: \"target/nextest/default/junit.xml\" }`, or `tests: { run: [cargo, test] }`",
        ));
    }
    if source.run.is_empty() {
        let for_programs = [
            ("tests.cwd", source.cwd.is_some()),
            ("tests.variables", !source.variables.is_empty()),
        ];
        for (key, is_there) in for_programs {
            if is_there {
                let message = "it says something of a program, and none is run".to_owned();
                problems.push(problem(key, message, "add `run:`, or leave it out"));
            }
        }
    } else if source.fresh_for.is_some() {
        let message = "what the run itself writes is fresh".to_owned();
        problems.push(problem(
            "tests.fresh_for",
            message,
            "leave it out beside `run:`",
        ));
    }
    let paths = source.collect.0.iter().map(|p| ("tests.collect", p));
    for (key, path) in paths.chain(source.cwd.iter().map(|p| ("tests.cwd", p))) {
        if let Some(message) = outside(path) {
            problems.push(OptionProblem {
                code: "path-outside",
                ..problem(key, message, "name a path below the repository")
            });
        }
    }
    problems
}
