//! `query PROMQL`: the value now.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_core::Value;
use gonogo_core::exposition::Selector;
use gonogo_core::record::NotObserved;

use super::api::{self, Answer, Found};
use super::lint::is_plain;
use super::observed::{SampleSeen, is_stale, of_samples};
use super::run::Source;
use super::scrape::{near, stale_words};
use crate::probe::Seen;

const PATH: &str = "/api/v1/query";

/// Looks once.
pub(super) async fn observe(source: &Source<'_>, promql: &str) -> Result<Seen, NotObserved> {
    let mut answer = api::ask(source, PATH, &[("query", promql.to_owned())]).await?;
    let (mut samples, evaluated_ms) = samples(source, &mut answer)?;
    if let Some(evaluated_ms) = evaluated_ms.filter(|_| is_plain(promql)) {
        add_ages(source, promql, evaluated_ms, &mut samples).await?;
    }
    let nothing = if samples.is_empty() {
        nothing(source, promql).await
    } else {
        String::new()
    };
    let max_age = source.max_age_ns;
    // A sample whose age the server does not tell is not known to be fresh.
    let stale = |sample: &SampleSeen| {
        max_age.is_some_and(|max| sample.age_ns.is_none_or(|age| is_stale(age, max)))
    };
    let mut seen = of_samples(samples, stale, &stale_words(source), || nothing);
    let warnings = answer.warnings.iter().map(|w| w.as_str().into()).collect();
    seen.facts
        .insert("warnings".to_owned(), Value::List(warnings));
    seen.facts
        .insert("latency".to_owned(), answer.fetched.latency.into());
    seen.target = Some(source.seen(&answer.fetched, PATH));
    Ok(seen)
}

/// The samples of an answer, without their own times, and when the server evaluated the query.
fn samples(
    source: &Source<'_>,
    answer: &mut Answer,
) -> Result<(Vec<SampleSeen>, Option<i64>), NotObserved> {
    let found = api::found(source, answer)?;
    let wrong = |what: &str| api::unexpected(source, &answer.fetched, what);
    match found {
        Found::Vector(all) => {
            let mut evaluated = None;
            let mut samples = Vec::with_capacity(all.len());
            for one in all {
                let Some(point) = one.value else {
                    return Err(wrong(
                        "a native histogram is no number; ask for `histogram_count` or `histogram_quantile` of it",
                    ));
                };
                evaluated = Some(point.at_ms());
                let value = point.value().ok_or_else(|| wrong("a value is no number"))?;
                samples.push(sample(one.metric, value));
            }
            Ok((samples, evaluated))
        }
        Found::Scalar(point) => {
            let value = point.value().ok_or_else(|| wrong("a value is no number"))?;
            Ok((vec![sample(BTreeMap::new(), value)], None))
        }
        Found::Matrix(_) => Err(not_instant(source, answer, "values over time")),
        Found::Text(_) => Err(not_instant(source, answer, "a text")),
    }
}

fn not_instant(source: &Source<'_>, answer: &Answer, what: &str) -> NotObserved {
    let mut failed = source.failed(
        &answer.fetched,
        gonogo_core::record::Cause::BadOptions,
        format!("the query gives {what}, not a value now"),
    );
    failed.help =
        Some("values over time are asked for with `range PROMQL` and `last: 5m`".to_owned());
    failed
}

fn sample(metric: BTreeMap<String, String>, value: f64) -> SampleSeen {
    let (name, labels) = api::named(metric);
    SampleSeen {
        name,
        labels,
        value,
        at_ms: None,
        age_ns: None,
    }
}

/// Asks for the samples' own times, as of the same evaluation: the time beside a value is when it was asked for, and
/// the value may be five minutes older. Both times are of the server's side, so no clock of ours enters.
async fn add_ages(
    source: &Source<'_>,
    selector: &str,
    evaluated_ms: i64,
    samples: &mut [SampleSeen],
) -> Result<(), NotObserved> {
    let query = [
        ("query", format!("timestamp({selector})")),
        ("time", seconds(evaluated_ms)),
    ];
    let mut answer = api::ask(source, PATH, &query).await?;
    let Found::Vector(times) = api::found(source, &mut answer)? else {
        return Err(api::unexpected(
            source,
            &answer.fetched,
            "the samples' times are no vector",
        ));
    };
    let times: BTreeMap<BTreeMap<String, String>, f64> = times
        .into_iter()
        .filter_map(|one| Some((api::named(one.metric).1, one.value?.value()?)))
        .collect();
    for sample in samples {
        let Some(at) = times.get(&sample.labels).filter(|at| at.is_finite()) else {
            continue;
        };
        let at_ms = (at * 1000.0).round() as i64;
        sample.at_ms = Some(at_ms);
        sample.age_ns = Some(evaluated_ms.saturating_sub(at_ms).saturating_mul(1_000_000));
    }
    Ok(())
}

/// Milliseconds as the API reads a time.
pub(super) fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000))
}

/// What was looked for and is not there, and what is there instead, where the server tells.
pub(super) async fn nothing(source: &Source<'_>, promql: &str) -> String {
    let why = format!(
        "Prometheus has nothing for `{}`",
        super::run::shortened(promql)
    );
    let selector = Selector::parse(promql).ok();
    let Some(name) = selector.and_then(|s| s.name) else {
        return why;
    };
    // Only a hint hangs on this: a server that does not tell its names is no fault.
    let Ok(answer) = api::ask(source, "/api/v1/label/__name__/values", &[]).await else {
        return why;
    };
    let names: BTreeSet<&str> = answer
        .data
        .as_array()
        .map(|all| all.iter().filter_map(|n| n.as_str()).collect())
        .unwrap_or_default();
    if names.contains(name.as_str()) {
        return format!("{why}; there is `{name}`, but with other labels, or it has ended");
    }
    match near(&name, &names) {
        Some(near) => format!("{why}; there is `{near}`: was that meant?"),
        None => why,
    }
}
