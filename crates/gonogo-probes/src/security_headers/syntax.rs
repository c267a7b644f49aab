//! What a plan may write of the `security-headers` probe.

use std::collections::BTreeMap;

use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::lists::TO_ADD;
use crate::http::Basic;
use crate::texts::Names;

/// `security-headers:` a path of the environment's HTTP target, asked with GET.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecurityHeadersOptions {
    /// The path whose answer is looked at, such as `/`.
    #[serde(rename = "security-headers")]
    #[schemars(extend("format" = "path"))]
    pub security_headers: String,
    /// The headers that must be there: what `missing` and `weak` speak of. By default those that the OWASP Secure Headers
    /// Project proposes to add, without `Clear-Site-Data`, which it gives to the answer of a logout.
    pub wanted: Option<Names>,
    /// How many redirects are followed, 0 by default; the last answer is looked at, and `url` says which that is.
    #[schemars(range(min = 0, max = 20))]
    pub redirects: Option<u8>,
    /// Request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The token of `Authorization: Bearer`; `none` takes off the target's.
    pub bearer: Option<String>,
    /// User and password of `Authorization: Basic`.
    pub basic: Option<Basic>,
}

/// The headers that must be there, in lower case.
pub(super) fn wanted(options: &SecurityHeadersOptions) -> Vec<String> {
    match &options.wanted {
        Some(names) => names.0.iter().map(|n| n.to_ascii_lowercase()).collect(),
        None => TO_ADD
            .iter()
            .filter(|name| **name != "clear-site-data")
            .map(|name| (*name).to_owned())
            .collect(),
    }
}

pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let names = options.get("wanted").and_then(Json::as_array);
    let unknown = names
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .filter(|name| !name.contains("${"))
        .filter(|name| !TO_ADD.contains(&name.to_ascii_lowercase().as_str()));
    let mut found: Vec<OptionProblem> = unknown
        .map(|name| OptionProblem {
            code: "security-headers",
            key: "wanted".to_owned(),
            warning: true,
            message: format!("`{name}` is no header of the list; only whether it is there is seen"),
            help: Some(format!("the list: {}", TO_ADD.join(", "))),
        })
        .collect();
    if names.is_some_and(Vec::is_empty) {
        found.push(OptionProblem {
            code: "security-headers",
            key: "wanted".to_owned(),
            warning: false,
            message: "an empty list wants nothing: `missing` and `weak` would always be empty"
                .to_owned(),
            help: Some("leave `wanted` out for the whole list".to_owned()),
        });
    }
    found
}
