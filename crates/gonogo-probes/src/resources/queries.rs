//! `resources: prometheus`: one query a measure; the largest series counts.

use std::collections::BTreeMap;

use gonogo_core::record::{Absence, Cause, NotObserved, Shown, TargetSeen};
use gonogo_core::{Map, Value};
use serde::Deserialize;

use super::syntax::{MEASURES, ResourcesOptions};
use crate::http::BaseUrl;
use crate::json_api::JsonApi;
use crate::probe::{Call, Seen};
use crate::prometheus::PrometheusTarget;

/// An answer of `/api/v1/query`.
#[derive(Deserialize)]
struct Reply {
    data: Found,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Found {
    Vector(Vec<Series>),
    Scalar(Point),
    Matrix(serde::de::IgnoredAny),
    #[serde(rename = "string")]
    Text(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    value: Option<Point>,
}

/// A time, and a value as text.
#[derive(Deserialize)]
struct Point(
    #[expect(dead_code, reason = "it has its place in the list")] f64,
    String,
);

/// One series of a measure.
struct Sample {
    measure: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

pub(super) async fn observe(
    call: &Call<'_>,
    options: &ResourcesOptions,
) -> Result<Seen, NotObserved> {
    let bad = |message: String| {
        call.ctx
            .not_observed("resources", Cause::BadOptions, message)
    };
    let target = call
        .target
        .ok_or_else(|| bad("the environment has no prometheus target".to_owned()))?;
    let settings: PrometheusTarget =
        serde_json::from_value(target.options.clone()).map_err(|e| bad(e.to_string()))?;
    let base = BaseUrl::parse(&settings.prometheus).map_err(bad)?;
    let api = JsonApi {
        ctx: call.ctx,
        base,
        settings: settings.into(),
        who: "a Prometheus",
        denied: "give the target `bearer:` or `basic:` credentials that may query",
    };
    let mut samples = Vec::new();
    let mut absent = Vec::new();
    for (measure, promql) in &options.queries {
        let found = ask(&api, measure, promql).await?;
        if found.is_empty() {
            absent.push(Absence {
                fact: measure.clone(),
                why: format!(
                    "Prometheus has nothing for `{promql}`: how much is used is not known"
                ),
            });
        }
        samples.extend(found);
    }
    let mut seen = seen(samples, absent);
    seen.target = Some(TargetSeen {
        name: target.name.clone(),
        address: api.base.origin() + &api.base.path,
        engine: None,
    });
    Ok(seen)
}

async fn ask(api: &JsonApi<'_>, measure: &str, promql: &str) -> Result<Vec<Sample>, NotObserved> {
    let query = [("query", promql.to_owned())];
    let reply = api.get::<Reply>("/api/v1/query", &query).await?.body;
    let wrong = |what: &str| {
        let message = format!("`{measure}`: the query gives {what}, not a share now");
        api.ctx.not_observed("query", Cause::Protocol, message)
    };
    let value = |point: &Point| point.1.parse::<f64>().map_err(|_| wrong("no number"));
    let sample = |labels, value| Sample {
        measure: measure.to_owned(),
        labels,
        value,
    };
    match reply.data {
        Found::Scalar(point) => Ok(vec![sample(BTreeMap::new(), value(&point)?)]),
        Found::Vector(all) => all
            .into_iter()
            .map(|one| {
                let point = one.value.as_ref().ok_or_else(|| wrong("a histogram"))?;
                let number = value(point)?;
                Ok(sample(one.metric, number))
            })
            .collect(),
        Found::Matrix(_) => Err(wrong("values over time")),
        Found::Text(_) => Err(wrong("a text")),
    }
}

fn seen(samples: Vec<Sample>, absent: Vec<Absence>) -> Seen {
    let mut worst: BTreeMap<&str, f64> = BTreeMap::new();
    for sample in &samples {
        let known = worst.entry(&sample.measure).or_insert(sample.value);
        // What is no number is worst of all: nothing can be said of it.
        if !known.is_nan() && (sample.value.is_nan() || sample.value > *known) {
            *known = sample.value;
        }
    }
    let mut facts = Map::new();
    for (measure, value) in &worst {
        if MEASURES.iter().any(|(name, _)| name == measure) {
            facts.insert((*measure).to_owned(), Value::Double(*value));
        }
    }
    let values = worst
        .iter()
        .map(|(m, v)| ((*m).to_owned(), Value::Double(*v)));
    facts.insert("values".to_owned(), Value::Map(values.collect()));
    let rows = samples
        .iter()
        .map(|s| vec![s.measure.clone(), words(&s.labels), s.value.to_string()]);
    let shown = Shown::Table {
        title: "Resources".to_owned(),
        head: ["measure", "of", "share"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
    };
    let list = samples.iter().map(|sample| {
        let labels = sample
            .labels
            .iter()
            .map(|(n, v)| (n.clone(), v.as_str().into()));
        let facts = [
            ("measure", Value::from(sample.measure.as_str())),
            ("labels", Value::Map(labels.collect())),
            ("value", Value::Double(sample.value)),
        ];
        Value::Map(facts.map(|(n, v)| (n.to_owned(), v)).into_iter().collect())
    });
    facts.insert("samples".to_owned(), Value::List(list.collect()));
    Seen {
        facts,
        absent,
        shown: vec![shown],
        ..Seen::default()
    }
}

fn words(labels: &BTreeMap<String, String>) -> String {
    let all: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
    all.join(", ")
}
