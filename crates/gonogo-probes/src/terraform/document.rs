//! The documents of `terraform show -json`, as far as they are read here: format version 1 (developer.hashicorp.com/terraform/internals/json-format,
//! Terraform 1.11). Minor versions add properties, so unknown ones are passed over; the major version is checked before.
//! Values of resources are not kept beyond the comparison of which attributes change.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

/// What both kinds begin with.
#[derive(Deserialize)]
pub(super) struct Document {
    pub(super) format_version: String,
    pub(super) terraform_version: Option<String>,
    /// Of a state.
    pub(super) values: Option<Values>,
    /// Of a plan.
    pub(super) planned_values: Option<Values>,
    pub(super) configuration: Option<Configuration>,
    pub(super) variables: Option<BTreeMap<String, Json>>,
    pub(super) resource_changes: Option<Vec<ResourceChange>>,
    pub(super) resource_drift: Option<Vec<ResourceChange>>,
    pub(super) deferred_changes: Option<Vec<Json>>,
    pub(super) checks: Option<Vec<Check>>,
    pub(super) timestamp: Option<DateTime<Utc>>,
    pub(super) applyable: Option<bool>,
    pub(super) complete: Option<bool>,
    pub(super) errored: Option<bool>,
}

#[derive(Default, Deserialize)]
pub(super) struct Values {
    #[serde(default)]
    pub(super) outputs: BTreeMap<String, Output>,
    pub(super) root_module: Option<Module>,
}

#[derive(Deserialize)]
pub(super) struct Output {
    /// Whoever leaves it out may hide something.
    pub(super) sensitive: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    pub(super) value: Option<Json>,
}

#[derive(Deserialize)]
pub(super) struct Module {
    #[serde(default)]
    pub(super) resources: Vec<Resource>,
    #[serde(default)]
    pub(super) child_modules: Vec<Module>,
}

#[derive(Deserialize)]
pub(super) struct Resource {
    pub(super) address: String,
    pub(super) mode: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) tainted: bool,
}

#[derive(Deserialize)]
pub(super) struct ResourceChange {
    pub(super) address: String,
    pub(super) previous_address: Option<String>,
    pub(super) module_address: Option<String>,
    pub(super) mode: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// An object that was replaced before and still waits to be destroyed.
    pub(super) deposed: Option<String>,
    pub(super) change: Change,
    pub(super) action_reason: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Change {
    pub(super) actions: Vec<String>,
    #[serde(default)]
    pub(super) before: Json,
    #[serde(default)]
    pub(super) after: Json,
    #[serde(default)]
    pub(super) after_unknown: Json,
    pub(super) importing: Option<Json>,
}

#[derive(Deserialize)]
pub(super) struct Configuration {
    pub(super) root_module: Option<ModuleConfiguration>,
}

#[derive(Deserialize)]
pub(super) struct ModuleConfiguration {
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Variable>,
    #[serde(default)]
    pub(super) module_calls: BTreeMap<String, ModuleCall>,
}

#[derive(Deserialize)]
pub(super) struct Variable {
    /// `null` is a default, too; only where the key is missing there is none.
    #[serde(default, deserialize_with = "present")]
    pub(super) default: Option<Json>,
    #[serde(default)]
    pub(super) sensitive: bool,
}

#[derive(Deserialize)]
pub(super) struct ModuleCall {
    #[serde(default)]
    pub(super) expressions: BTreeMap<String, Json>,
    pub(super) module: Option<ModuleConfiguration>,
}

#[derive(Deserialize)]
pub(super) struct Check {
    pub(super) address: CheckAddress,
    pub(super) status: String,
    #[serde(default)]
    pub(super) instances: Vec<CheckInstance>,
}

#[derive(Deserialize)]
pub(super) struct CheckAddress {
    pub(super) to_display: String,
}

#[derive(Deserialize)]
pub(super) struct CheckInstance {
    #[serde(default)]
    pub(super) problems: Vec<CheckProblem>,
}

#[derive(Deserialize)]
pub(super) struct CheckProblem {
    pub(super) message: Option<String>,
}

/// A value that is there, be it `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// Why a text is no such document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Whether it breaks off.
    pub(super) is_cut: bool,
    pub(super) message: String,
}

/// Reads a document; one of another major version is refused, as the format asks.
pub(super) fn read(text: &str) -> Result<Document, Unreadable> {
    let unreadable = |error: serde_json::Error| Unreadable {
        is_cut: error.is_eof(),
        message: match (error.is_eof(), text.trim().is_empty()) {
            (_, true) => "it is empty".to_owned(),
            (true, _) => format!("it breaks off: {error}"),
            (false, _) => format!("it is not what `terraform show -json` prints: {error}"),
        },
    };
    let first: Versioned = serde_json::from_str(text).map_err(unreadable)?;
    let major = first.format_version.split('.').next().unwrap_or_default();
    // 0.1 and 0.2 are those of Terraform 0.12 to 1.0, with the same parts.
    if !matches!(major, "0" | "1") {
        let version = &first.format_version;
        return Err(Unreadable {
            is_cut: false,
            message: format!("its format version is {version:?}, and version 1 is understood"),
        });
    }
    serde_json::from_str(text).map_err(unreadable)
}

#[derive(Deserialize)]
struct Versioned {
    format_version: String,
}
