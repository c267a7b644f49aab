//! What a plan may write of the `rate-limit` probe.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::http::Basic;

/// Requests of a check that names no number.
pub(super) const DEFAULT: u64 = 50;
/// The most requests.
pub(super) const MOST: u64 = 500;
/// Up to here it is no load.
pub(super) const FEW: u64 = 5;

/// `rate-limit:` one request, sent again and again, one after the other, until the service answers 429 or the bound is
/// reached. It also stops at the first answer from 500 on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimitOptions {
    /// The request line, as of `http`. The same request is sent each time.
    #[serde(rename = "rate-limit")]
    #[schemars(extend("format" = "request-line"))]
    pub rate_limit: String,
    /// The most requests, 50 by default and 500 at most. With more than 5 the check needs the power `load`; two are
    /// enough to see whether what the service says of its limit holds together.
    #[schemars(range(min = 2, max = 500))]
    pub requests: Option<u64>,
    /// Request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Query parameters, encoded and appended to the path.
    #[serde(default)]
    pub query: BTreeMap<String, Json>,
    /// The body as JSON.
    pub json: Option<Json>,
    /// The token of `Authorization: Bearer`; `none` takes off the target's.
    pub bearer: Option<String>,
    /// User and password of `Authorization: Basic`.
    pub basic: Option<Basic>,
}

/// The bound as written; `None` where a template says it.
pub(super) fn requests(options: &Json) -> Option<u64> {
    match options.get("requests") {
        None => Some(DEFAULT),
        Some(given) => given.as_u64(),
    }
}
