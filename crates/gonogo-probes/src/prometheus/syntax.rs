//! What a plan may write of the `prometheus` probe and of a `prometheus` target.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::http::{Basic, HttpOptions, HttpTarget, Version, request_line};

/// `prometheus:` scrapes an exposition or asks a Prometheus.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusOptions {
    /// `scrape /metrics` reads what an `http` target exposes under the path; `query PROMQL` asks a Prometheus for the
    /// value now; `range PROMQL` for its values over `last`. Values of the plan are bound with `bind`, not pasted in.
    pub prometheus: String,
    /// `scrape`: which samples are meant, as PromQL selects them: `name{label="x", other=~"re.*"}`.
    pub select: Option<String>,
    /// Values that stand in `select` or PromQL as `$name`, where a text in quotes could stand: `up{job=$job}`.
    #[serde(default)]
    pub bind: BTreeMap<String, Json>,
    /// A sample older than that is stale, and counts as not there. A query must then be a plain selector: of a
    /// computed value no age is known.
    #[schemars(extend("format" = "duration"))]
    pub max_age: Option<String>,
    /// `range`: how far back, such as `5m`.
    #[schemars(extend("format" = "duration"))]
    pub last: Option<String>,
    /// `range`: the distance between two values, `15s` by default.
    #[schemars(extend("format" = "duration"))]
    pub step: Option<String>,
    /// Request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The token of `Authorization: Bearer`; `none` takes off the target's.
    pub bearer: Option<String>,
    /// User and password of `Authorization: Basic`.
    pub basic: Option<Basic>,
    /// How many bytes are read at most, 16 MiB by default; a longer answer is not used at all.
    #[schemars(range(min = 1, max = 67_108_864))]
    pub max_body: Option<u64>,
}

/// A Prometheus server, with the defaults that its checks share.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusTarget {
    /// Its address, with the path before `/api/v1` where it has one.
    pub prometheus: String,
    /// A PEM file with the CA to trust instead of the system's.
    pub ca: Option<String>,
    /// The token of `Authorization: Bearer` for all checks; `bearer: none` in a check takes it off.
    pub bearer: Option<String>,
    /// User and password for all checks.
    pub basic: Option<Basic>,
    /// Headers for all checks.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The protocol for all checks.
    pub version: Option<Version>,
}

impl From<PrometheusTarget> for HttpTarget {
    fn from(target: PrometheusTarget) -> Self {
        Self {
            http: target.prometheus,
            ca: target.ca,
            bearer: target.bearer,
            basic: target.basic,
            headers: target.headers,
            version: target.version,
        }
    }
}

impl PrometheusOptions {
    /// The options of one GET.
    pub(super) fn get(
        &self,
        path: &str,
        accept: &str,
        query: &[(&str, String)],
        max_body: u64,
    ) -> HttpOptions {
        let mut headers = self.headers.clone();
        if !headers
            .keys()
            .any(|name| name.eq_ignore_ascii_case("accept"))
        {
            headers.insert("accept".to_owned(), accept.to_owned());
        }
        HttpOptions {
            http: format!("GET {path}"),
            headers,
            query: query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Json::String(value.clone())))
                .collect(),
            json: None,
            form: None,
            body: None,
            bearer: self.bearer.clone(),
            basic: self.basic.clone(),
            redirects: Some(0),
            version: None,
            max_body: Some(max_body),
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Read the exposition under a path.
    Scrape(String),
    /// Ask for the value of PromQL now.
    Query(String),
    /// Ask for the values of PromQL over a time.
    Range(String),
}

/// Takes the probe's key apart.
pub fn deed(text: &str) -> Result<Deed, String> {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let given = |what: &str| {
        if rest.is_empty() {
            return Err(format!("`{word}` lacks {what}"));
        }
        Ok(rest.to_owned())
    };
    match word {
        "scrape" => {
            let path = given("the path, such as `scrape /metrics`")?;
            request_line(&format!("GET {path}"))?;
            Ok(Deed::Scrape(path))
        }
        "query" => Ok(Deed::Query(given("PromQL, such as `query up`")?)),
        "range" => Ok(Deed::Range(given("PromQL, such as `range up`")?)),
        _ => Err(format!(
            "`{text}` is not `scrape PATH`, `query PROMQL` or `range PROMQL`"
        )),
    }
}
