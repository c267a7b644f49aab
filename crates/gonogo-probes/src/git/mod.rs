//! The `git` probe: a revision of a repository, what is at it and what came before it. And what every probe shares that
//! reads with the system's git.

mod observed;
mod program;
mod reading;
mod run;
mod syntax;

use gonogo_core::plan::{OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub(crate) use observed::{changed_type, files_table, of_changed, of_commit, type_of_commits};
pub(crate) use program::git;
pub(crate) use reading::{
    Batch, Blob, Changed, Span, changed, commit, listed, no_revision, span, whole,
};
pub use syntax::GitOptions;

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Git;

impl Syntax for Git {
    fn key(&self) -> &'static str {
        "git"
    }

    fn about(&self) -> &'static str {
        "Looks at a revision of the release's repository: commit, tags, files at it, what changed since another."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(GitOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["repository"]
    }

    fn needs_target(&self) -> bool {
        false
    }

    fn shape(&self, options: &Json) -> Shape {
        observed::shape(options)
    }

    fn power(&self, _options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        None
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let revision = options.get("git").and_then(Json::as_str)?;
        Some(format!("git-{revision}"))
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }
}

impl Probe for Git {
    fn ask(&self, options: &Json) -> String {
        let text = |key: &str| options.get(key).and_then(Json::as_str);
        let revision = text("git").unwrap_or("");
        match text("since") {
            None => format!("git {revision}"),
            Some(since) => format!("git {since}..{revision}"),
        }
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
pub(crate) mod tests;
