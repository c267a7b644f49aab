//! What a plan may write of the `backup` probe.

use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// `backup:` looks at a backup or takes one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupOptions {
    /// `take` to take one now, with `pg_dump` or SQLite's own means, which is thrown away afterwards; else the path of
    /// one that is there, from the plan's folder.
    pub backup: String,
    /// Restores it into a scratch database on the target's server and compares rows and schema with the target's. The
    /// scratch database is dropped afterwards. Needs `allow: [write]`, and a role that may create databases.
    #[serde(default)]
    pub restore: bool,
}

/// The word in place of a path.
pub(super) const TAKE: &str = "take";

/// What the schema cannot say.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let what = options.get("backup").and_then(Json::as_str);
    if what.is_some_and(|what| what.trim().is_empty()) {
        return vec![OptionProblem {
            code: "backup-path",
            key: "backup".to_owned(),
            warning: false,
            message: "there is no backup to look at".to_owned(),
            help: Some("write `backup: take`, or the path of a dump".to_owned()),
        }];
    }
    Vec::new()
}
