//! What a plan may write of the `capacity` probe.

use gonogo_core::capacity::{Thresholds, UnknownThreshold};
use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// `capacity:` looks how large a database is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacityOptions {
    /// What is looked at: `database`, the target's whole database.
    pub capacity: Whole,
    /// Counts the rows of every table. Without it there is only the server's estimate; a count reads the whole table.
    #[serde(default)]
    pub count: bool,
    /// A file that `gonogo snapshot capacity` made of the same database, beside the plan. Growth is what lies between
    /// it and now.
    pub baseline: Option<String>,
    /// From when on a size or a growth is YELLOW or RED, in place of the usual.
    pub thresholds: Option<ThresholdOptions>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whole {
    /// The target's whole database.
    Database,
}

/// Thresholds in place of the usual ones. A kB is 1024 bytes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThresholdOptions {
    /// A table above this size is YELLOW; `1GB` by default.
    pub table_yellow: Option<String>,
    /// A table above this size is RED; `5GB` by default.
    pub table_red: Option<String>,
    /// A table, or the database, that grows by more than this share a day is YELLOW; `15%` by default.
    pub growth_per_day_yellow: Option<String>,
    /// An index that grows by more than this share a week is RED; `30%` by default.
    pub index_growth_per_week_red: Option<String>,
    /// Growth of less than this between baseline and now is noise and counts as none; `1MB` by default.
    pub floor: Option<String>,
}

impl ThresholdOptions {
    /// The thresholds to go by; what is wrong with one, otherwise.
    pub(super) fn thresholds(&self) -> Result<Thresholds, (&'static str, String)> {
        let mut thresholds = Thresholds::default();
        let written = [
            ("table_yellow", &self.table_yellow),
            ("table_red", &self.table_red),
            ("growth_per_day_yellow", &self.growth_per_day_yellow),
            ("index_growth_per_week_red", &self.index_growth_per_week_red),
            ("floor", &self.floor),
        ];
        for (name, value) in written {
            if let Some(value) = value {
                thresholds
                    .set(name, value)
                    .map_err(|e| (name, message(&e)))?;
            }
        }
        match thresholds.contradiction() {
            Some(why) => Err(("table_red", why)),
            None => Ok(thresholds),
        }
    }
}

fn message(error: &UnknownThreshold) -> String {
    match error {
        UnknownThreshold::Value { message, .. } => message.clone(),
        UnknownThreshold::Name { .. } => error.to_string(),
    }
}

/// What the schema cannot say.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let problem = |code, key: String, message, help: &str| OptionProblem {
        code,
        key,
        warning: false,
        message,
        help: Some(help.to_owned()),
    };
    let mut found = Vec::new();
    let baseline = options.get("baseline").and_then(Json::as_str);
    let written = options.get("thresholds");
    let templated = written.is_some_and(|w| w.to_string().contains("${"));
    if let Some(written) = written.filter(|_| !templated) {
        // What does not decode is the schema's to tell.
        let read = serde_json::from_value::<ThresholdOptions>(written.clone()).unwrap_or_default();
        if let Err((name, message)) = read.thresholds() {
            found.push(problem(
                "capacity-threshold",
                format!("thresholds.{name}"),
                message,
                "sizes are written `2GB`, shares `20%`",
            ));
        }
        if baseline.is_none() {
            found.push(problem(
                "capacity-threshold",
                "thresholds".to_owned(),
                "thresholds are held against growth, and there is no `baseline` to grow from".to_owned(),
                "add `baseline: FILE`, made by `gonogo snapshot capacity`; without one, expect something of `tables`",
            ));
        }
    }
    found
}
