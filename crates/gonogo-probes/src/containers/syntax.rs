//! What a plan may write of the `containers` probe.

use gonogo_core::plan::OneOrMany;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::texts::Names;

/// `containers:` looks at the containers of a compose project, or of a label.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainersOptions {
    /// The compose project whose containers are meant, stopped ones too, those of `compose run` not; `'*'` means all
    /// containers of the engine.
    pub containers: String,
    /// Labels that the containers must have too: `key` or `key=value`.
    #[serde(default)]
    pub label: OneOrMany,
    /// The services that must be there, each by its compose service, or by its container's name where it has none.
    /// Or what another check saved: `${saved.services}`.
    /// Gives the facts `missing` and `unexpected`.
    pub expected: Option<Names>,
}

/// The text of the probe's key.
pub(super) fn asked(options: &Json) -> &str {
    options
        .get("containers")
        .and_then(Json::as_str)
        .unwrap_or("")
}

/// The labels as written.
pub(super) fn labels(options: &Json) -> Vec<String> {
    match options.get("label") {
        Some(Json::String(one)) => vec![one.clone()],
        Some(Json::Array(all)) => all
            .iter()
            .filter_map(|l| l.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}
