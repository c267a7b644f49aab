//! The `backup` probe: whether a backup is there and whole, whether one can be taken, and whether it can be restored.

mod catalogue;
mod dump;
mod existing;
mod format;
mod observed;
mod portrait;
mod programs;
mod run;
mod scratch;
mod sqlite;
mod syntax;

use gonogo_core::plan::{OptionProblem, Syntax};
use gonogo_core::record::{NotObserved, Power};
use gonogo_core::shape::Shape;
use serde_json::Value as Json;

pub use syntax::BackupOptions;

use crate::probe::{BoxFuture, Call, Probe, Seen};

/// The probe.
pub struct Backup;

impl Syntax for Backup {
    fn key(&self) -> &'static str {
        "backup"
    }

    fn about(&self) -> &'static str {
        "Looks at a database's backup, or takes one, and proves it by restoring it into a scratch database."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(BackupOptions)
    }

    fn targets(&self) -> &'static [&'static str] {
        &["postgres", "sqlite"]
    }

    fn shape(&self, _options: &Json) -> Shape {
        observed::shape()
    }

    fn power(&self, options: &Json, _rollback: bool, _reads: bool) -> Option<Power> {
        // A `restore` that is no truth value yet (a template) may become true. A database is made outside of any
        // transaction, so a gate's rollback changes nothing about it.
        let reads = matches!(options.get("restore"), None | Some(Json::Bool(false)));
        (!reads).then_some(Power::Write)
    }

    fn implied_id(&self, options: &Json) -> Option<String> {
        let what = options.get("backup").and_then(Json::as_str)?;
        Some(match what {
            "take" => "backup".to_owned(),
            path => format!("backup-{path}"),
        })
    }

    fn lint(&self, options: &Json) -> Vec<OptionProblem> {
        syntax::lint(options)
    }
}

impl Probe for Backup {
    fn ask(&self, options: &Json) -> String {
        let what = options.get("backup").and_then(Json::as_str).unwrap_or("");
        let restored = match options.get("restore") {
            None | Some(Json::Bool(false)) => "",
            Some(_) => " and restore it",
        };
        match what {
            "take" => format!("take a backup{restored}"),
            path => format!("look at the backup {path}{restored}"),
        }
    }

    fn observe<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Seen, NotObserved>> {
        Box::pin(run::observe(call))
    }
}

#[cfg(test)]
mod tests;
