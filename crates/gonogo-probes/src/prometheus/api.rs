//! Prometheus' HTTP API: what it answers, and how it says that it cannot.

use std::collections::BTreeMap;

use gonogo_core::record::{Cause, NotObserved};
use serde::Deserialize;
use serde_json::Value as Json;

use super::run::Source;
use crate::http::Fetched;

/// The envelope of every answer.
#[derive(Deserialize)]
struct Reply {
    status: String,
    #[serde(default)]
    data: Json,
    #[serde(default, rename = "errorType")]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
}

/// The data of an answer that succeeded.
pub(super) struct Answer {
    pub(super) fetched: Fetched,
    pub(super) data: Json,
    /// Warnings and notes.
    pub(super) warnings: Vec<String>,
}

/// Asks the API, and takes the envelope off.
pub(super) async fn ask(
    source: &Source<'_>,
    path: &str,
    query: &[(&str, String)],
) -> Result<Answer, NotObserved> {
    let fetched = source.get(path, "application/json", query).await?;
    let reply: Reply = match serde_json::from_slice(&fetched.body) {
        Ok(reply) => reply,
        Err(_) if fetched.status != 200 => return Err(source.refused(&fetched, None)),
        Err(error) => return Err(not_json(source, &fetched, &error)),
    };
    if reply.status == "error" {
        return Err(told(source, &fetched, &reply));
    }
    if fetched.status != 200 || reply.status != "success" {
        return Err(source.refused(&fetched, None));
    }
    let mut warnings = reply.warnings;
    warnings.extend(reply.infos);
    Ok(Answer {
        fetched,
        data: reply.data,
        warnings,
    })
}

fn not_json(source: &Source<'_>, fetched: &Fetched, error: &serde_json::Error) -> NotObserved {
    let (cause, message) = if fetched.body.trim_ascii().is_empty() {
        (Cause::Protocol, "the answer is empty".to_owned())
    } else if error.is_eof() {
        (Cause::Truncated, format!("the answer breaks off: {error}"))
    } else {
        let message = format!("the answer is not Prometheus' JSON: {error}");
        (Cause::Protocol, message)
    };
    let mut failed = source.failed(fetched, cause, message);
    failed.help = Some(not_a_prometheus(source));
    failed
}

fn not_a_prometheus(source: &Source<'_>) -> String {
    format!(
        "is the target `{}` a Prometheus? `target: NAME` names another",
        source.target.name
    )
}

/// An answer that is not what the API promises.
pub(super) fn unexpected(source: &Source<'_>, fetched: &Fetched, what: &str) -> NotObserved {
    let mut failed = source.failed(
        fetched,
        Cause::Protocol,
        format!("the answer is not what Prometheus' API promises: {what}"),
    );
    failed.help = Some(not_a_prometheus(source));
    failed
}

/// What the server says of its failure.
fn told(source: &Source<'_>, fetched: &Fetched, reply: &Reply) -> NotObserved {
    let text = format!("{}: {}", reply.error_type, reply.error);
    if matches!(fetched.status, 401 | 403 | 404) {
        return source.refused(fetched, Some(&text));
    }
    let (cause, help) = match reply.error_type.as_str() {
        "bad_data" => (
            Cause::BadOptions,
            Some("the PromQL is not valid, or its values are not; try it on Prometheus' own page"),
        ),
        "timeout" | "canceled" => (
            Cause::Timeout,
            Some("the query is too expensive: narrow it"),
        ),
        "execution" => (
            Cause::Protocol,
            Some("the query could not be computed: too many samples, or sides that do not match"),
        ),
        _ => (Cause::Protocol, None),
    };
    let mut failed = source.failed(
        fetched,
        cause,
        format!("Prometheus says {}", super::run::shortened(&text)),
    );
    failed.help = help.map(str::to_owned);
    failed
}

/// What a query came to.
#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub(super) enum Found {
    Vector(Vec<OneFound>),
    Matrix(Vec<ManyFound>),
    Scalar(Point),
    #[serde(rename = "string")]
    Text(serde::de::IgnoredAny),
}

/// One series with its value at an instant.
#[derive(Deserialize)]
pub(super) struct OneFound {
    #[serde(default)]
    pub(super) metric: BTreeMap<String, String>,
    /// Absent for a native histogram.
    pub(super) value: Option<Point>,
}

/// One series with its values over time.
#[derive(Deserialize)]
pub(super) struct ManyFound {
    #[serde(default)]
    pub(super) metric: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) values: Vec<Point>,
    #[serde(default)]
    pub(super) histograms: Vec<Json>,
}

/// A time in seconds, and a value as text.
#[derive(Deserialize)]
pub(super) struct Point(f64, String);

impl Point {
    /// Milliseconds since 1970.
    pub(super) fn at_ms(&self) -> i64 {
        (self.0 * 1000.0).round() as i64
    }

    /// The value; `None` where the text is none.
    pub(super) fn value(&self) -> Option<f64> {
        self.1.parse().ok()
    }
}

/// The metric's name, taken out of its labels.
pub(super) fn named(mut metric: BTreeMap<String, String>) -> (String, BTreeMap<String, String>) {
    let name = metric.remove("__name__").unwrap_or_default();
    (name, metric)
}

/// The result of a query.
pub(super) fn found(source: &Source<'_>, answer: &mut Answer) -> Result<Found, NotObserved> {
    serde_json::from_value(answer.data.take())
        .map_err(|e| unexpected(source, &answer.fetched, &e.to_string()))
}
