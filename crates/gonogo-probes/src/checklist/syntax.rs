//! What a plan may write of the `checklist` probe, and what is wrong with it before anything runs.

use std::path::Path;

use gonogo_core::plan::{FileProblem, OneOrMany, OptionProblem};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::read;
use crate::files::outside;

/// `checklist:` reads a list that people keep: items with their state, or a table whose cells must all be filled.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChecklistOptions {
    /// The list, YAML (`.yaml`, `.yml`) or Markdown (`.md`, `.markdown`), beside the plan; below a repository, where the
    /// check names such a target. In Markdown, task lists and tables with a column `Status` are read.
    pub checklist: String,
    /// The heading in a Markdown file under which the list stands; all of the file by default.
    #[schemars(length(min = 1))]
    pub section: Option<String>,
    /// The columns of a table that must be complete, the one that names the row first. Rows have no state then.
    #[serde(default)]
    pub columns: OneOrMany,
    /// Items or rows that must be there, by name.
    #[serde(default)]
    pub rows: OneOrMany,
    /// `required`: what is complete must name its evidence. Evidence that is named must be there in any case.
    pub evidence: Option<Evidence>,
}

/// What is asked of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Without it nothing is complete.
    Required,
}

/// How the file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Markdown,
}

impl Format {
    /// By the file's name.
    pub(super) fn of(path: &str) -> Option<Self> {
        let ending = Path::new(path).extension()?.to_str()?;
        match ending.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "md" | "markdown" => Some(Self::Markdown),
            _ => None,
        }
    }
}

/// Problems of the options alone.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let path = options["checklist"].as_str().unwrap_or_default();
    let mut out = Vec::new();
    let mut add = |code, key: &str, message: String, help: &str| {
        out.push(OptionProblem {
            code,
            key: key.to_owned(),
            warning: false,
            message,
            help: Some(help.to_owned()),
        });
    };
    if path.contains("${") {
        // Known only when it runs.
        return out;
    }
    let format = Format::of(path);
    if let Some(why) = outside(path) {
        let help = "name a file beside the plan, or below a `repository` target";
        add("path-outside", "checklist", why, help);
    } else if format.is_none() {
        let message = format!("what `{path}` is written in does not follow from its name");
        let help = "a checklist is YAML (`.yaml`) or Markdown (`.md`)";
        add("unknown-format", "checklist", message, help);
    }
    if format == Some(Format::Yaml) && options.get("section").is_some() {
        let message = "a YAML file has no headings".to_owned();
        add("bad-value", "section", message, "leave `section` out");
    }
    let columns: Vec<&str> = texts(&options["columns"]);
    if !columns.is_empty() && options.get("evidence").is_some() {
        let message = "rows of a table have no state, so nothing is asked of their evidence";
        let help = "make `Evidence` one of the `columns`";
        add("bad-value", "evidence", message.to_owned(), help);
    }
    for (key, all) in [("columns", columns), ("rows", texts(&options["rows"]))] {
        for (index, name) in all.iter().enumerate() {
            if name.trim().is_empty() {
                let message = format!("`{key}` holds an empty name");
                add("bad-value", key, message, "name it, or leave it out");
            } else if all[..index].iter().any(|other| read::same(other, name)) {
                let message = format!("`{name}` stands in `{key}` twice");
                add("duplicate-key", key, message, "leave one of them out");
            }
        }
    }
    out
}

/// What is wrong with the file itself, where it is one of the plan's own.
pub(super) fn lint_file(options: &Json, bytes: &[u8]) -> Vec<FileProblem> {
    let Ok(options) = serde_json::from_value::<ChecklistOptions>(options.clone()) else {
        return Vec::new();
    };
    let at = |line: usize, message: String| FileProblem {
        code: "bad-checklist",
        warning: false,
        message,
        help: read::HELP.to_owned(),
        line: line.max(1),
        column: 1,
    };
    match read::read(&options, bytes) {
        Ok(read) => {
            let problems = read.problems.into_iter();
            problems.map(|p| at(p.line, p.message)).collect()
        }
        Err(wrong) => vec![at(wrong.line, wrong.message)],
    }
}

fn texts(value: &Json) -> Vec<&str> {
    match value {
        Json::String(one) => vec![one],
        Json::Array(all) => all.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}
