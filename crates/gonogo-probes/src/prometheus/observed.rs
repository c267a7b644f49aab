//! What is recorded of samples, as facts.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone as _, Utc};
use gonogo_core::duration::humanize_duration_ns;
use gonogo_core::record::{Absence, Cut, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use super::syntax::Deed;
use crate::probe::Seen;

/// How many samples are kept as facts.
pub(super) const MAX_SAMPLES: usize = 2_000;
const MAX_SHOWN: usize = 20;

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SampleSeen {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
    /// Its own time, in milliseconds since 1970, where that is known.
    pub(super) at_ms: Option<i64>,
    /// How long ago that was, in nanoseconds.
    pub(super) age_ns: Option<i64>,
}

impl SampleSeen {
    /// As PromQL would select it.
    pub(super) fn series(&self) -> String {
        series(&self.name, &self.labels)
    }

    fn facts(&self) -> Value {
        let mut facts: Map = [
            ("name".to_owned(), Value::from(self.name.as_str())),
            ("labels".to_owned(), labels(&self.labels)),
            ("value".to_owned(), Value::Double(self.value)),
        ]
        .into();
        if let Some(at) = self.at_ms.and_then(instant) {
            facts.insert("at".to_owned(), at.into());
        }
        if let Some(age) = self.age_ns {
            facts.insert("age".to_owned(), Value::Duration(age));
        }
        Value::Map(facts)
    }
}

/// Name and labels as PromQL would select them.
pub(super) fn series(name: &str, labels: &BTreeMap<String, String>) -> String {
    if labels.is_empty() {
        return name.to_owned();
    }
    let pairs: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
    format!("{name}{{{}}}", pairs.join(","))
}

pub(super) fn labels(labels: &BTreeMap<String, String>) -> Value {
    let pairs = labels.iter();
    Value::Map(pairs.map(|(n, v)| (n.clone(), v.as_str().into())).collect())
}

pub(super) fn instant(ms: i64) -> Option<DateTime<Utc>> {
    Utc.timestamp_millis_opt(ms).single()
}

/// Whether an age is beyond the limit, to either side: a time far in the future means that clocks differ, and then
/// nothing is known of the age.
pub(super) fn is_stale(age_ns: i64, max_ns: i64) -> bool {
    age_ns > max_ns || age_ns < -max_ns
}

/// The facts of the selected samples. Stale ones are kept apart, and one alone makes the whole selection count as
/// absent: what a dead part of a service last said proves nothing.
pub(super) fn of_samples(
    all: Vec<SampleSeen>,
    is_stale: impl Fn(&SampleSeen) -> bool,
    stale_words: &str,
    nothing: impl FnOnce() -> String,
) -> Seen {
    let (stale, fresh): (Vec<_>, Vec<_>) = all.into_iter().partition(is_stale);
    let mut seen = Seen::default();
    let total = stale.len() + fresh.len();
    if total == 0 {
        // One absence, under the one name: an expectation that nothing is selected speaks of `samples`.
        seen.absent.push(Absence {
            fact: "samples".to_owned(),
            why: nothing(),
        });
    } else if let Some(oldest) = stale.iter().max_by_key(|s| s.age_ns.map(i64::abs)) {
        let age = oldest.age_ns.map_or_else(
            || "its age is not known".to_owned(),
            |ns| format!("{} old", humanize_duration_ns(ns)),
        );
        let why = format!(
            "{} of {total} selected samples {stale_words}; {} is {age}",
            stale.len(),
            oldest.series(),
        );
        for fact in ["samples", "value"] {
            seen.absent.push(Absence {
                fact: fact.to_owned(),
                why: why.clone(),
            });
        }
    }
    if let ([one], true) = (&fresh[..], stale.is_empty()) {
        seen.facts
            .insert("value".to_owned(), Value::Double(one.value));
    }
    seen.facts.insert("count".to_owned(), fresh.len().into());
    seen.shown.extend(table(&fresh, &stale));
    for (fact, samples) in [("samples", &fresh), ("stale", &stale)] {
        let kept = samples.iter().take(MAX_SAMPLES).map(SampleSeen::facts);
        seen.facts
            .insert(fact.to_owned(), Value::List(kept.collect()));
        if samples.len() > MAX_SAMPLES {
            seen.cut.push(Cut {
                fact: fact.to_owned(),
                why: format!("{MAX_SAMPLES} of {} samples are kept", samples.len()),
            });
        }
    }
    seen
}

fn table(fresh: &[SampleSeen], stale: &[SampleSeen]) -> Option<Shown> {
    let total = fresh.len() + stale.len();
    let rows: Vec<Vec<String>> = stale
        .iter()
        .chain(fresh)
        .take(MAX_SHOWN)
        .map(|s| {
            let age = s.age_ns.map(humanize_duration_ns).unwrap_or_default();
            vec![s.series(), Value::Double(s.value).to_string(), age]
        })
        .collect();
    let title = if total > rows.len() {
        format!("{} of {total} selected samples", rows.len())
    } else {
        "the selected samples".to_owned()
    };
    (!rows.is_empty()).then(|| Shown::Table {
        title,
        head: ["series", "value", "age"].map(str::to_owned).to_vec(),
        rows,
    })
}

/// The facts of an observation; those of all deeds where it is not known which.
pub(super) fn shape(asked: Option<&Deed>) -> Shape {
    let sampled = [
        (
            "samples",
            Field::new(Type::list(sample_type()), "what was selected, fresh"),
        ),
        (
            "value",
            Field::optional(
                Type::Double,
                "the value, where exactly one sample was selected",
            ),
        ),
        (
            "stale",
            Field::new(
                Type::list(sample_type()),
                "what was selected and is older than `max_age`",
            ),
        ),
    ];
    let scraped = [
        (
            "families",
            Field::new(
                Type::map(family_type()),
                "what the text tells, by the family's name",
            ),
        ),
        (
            "valid",
            Field::new(
                Type::Bool,
                "the exposition is valid; one that is not is no observation",
            ),
        ),
    ];
    let ranged = [
        (
            "series",
            Field::new(
                Type::list(series_type()),
                "what was selected, fresh, with its values over time",
            ),
        ),
        (
            "increase",
            Field::optional(
                Type::Double,
                "by how much a counter grew, restarts counted in, where exactly one series was selected",
            ),
        ),
        (
            "stale",
            Field::new(
                Type::list(series_type()),
                "series whose last value is older than `max_age`",
            ),
        ),
    ];
    let warned = (
        "warnings",
        Field::new(Type::list(Type::String), "what the server warned of"),
    );
    let common = [
        ("count", Field::new(Type::Int, "how many there are, fresh")),
        (
            "latency",
            Field::new(Type::Duration, "from the name lookup to the last byte"),
        ),
    ];
    let mut fields: Vec<(&str, Field)> = Vec::new();
    match asked {
        Some(Deed::Scrape(_)) => fields.extend(sampled.into_iter().chain(scraped)),
        Some(Deed::Query(_)) => fields.extend(sampled.into_iter().chain([warned])),
        Some(Deed::Range(_)) => fields.extend(ranged.into_iter().chain([warned])),
        None => {
            let known = ranged.into_iter().filter(|(name, _)| *name != "stale");
            fields.extend(
                sampled
                    .into_iter()
                    .chain(scraped)
                    .chain(known)
                    .chain([warned]),
            );
        }
    }
    fields.extend(common);
    Shape {
        fields: fields
            .into_iter()
            .map(|(name, field)| (name.to_owned(), field))
            .collect(),
    }
}

fn named() -> [(&'static str, Field); 2] {
    [
        (
            "name",
            Field::new(Type::String, "the metric; empty for a computed value"),
        ),
        ("labels", Field::new(Type::map(Type::String), "its labels")),
    ]
}

fn sample_type() -> Type {
    Type::fields(named().into_iter().chain([
        (
            "value",
            Field::new(Type::Double, "the value; NaN stays NaN"),
        ),
        (
            "at",
            Field::optional(Type::Timestamp, "the sample's own time, where it is known"),
        ),
        (
            "age",
            Field::optional(Type::Duration, "how long ago that was"),
        ),
    ]))
}

fn family_type() -> Type {
    Type::fields([
        (
            "type",
            Field::new(
                Type::String,
                "`counter`, `gauge`, `histogram`, `summary`, `untyped`, …",
            ),
        ),
        (
            "help",
            Field::new(Type::String, "what it means, as the text says"),
        ),
        ("samples", Field::new(Type::Int, "how many samples it has")),
    ])
}

fn series_type() -> Type {
    let number = |doc: &str| Field::new(Type::Double, doc);
    let point = Type::fields([
        ("at", Field::new(Type::Timestamp, "when")),
        ("value", number("the value then")),
    ]);
    Type::fields(named().into_iter().chain([
        (
            "values",
            Field::new(Type::list(point), "the values, oldest first"),
        ),
        ("min", number("the least value; NaN where one is")),
        ("max", number("the greatest value; NaN where one is")),
        ("last", number("the last value")),
        (
            "increase",
            number("by how much a counter grew, restarts counted in"),
        ),
        (
            "resets",
            Field::new(
                Type::Int,
                "how often it fell, as a counter does when its process restarts",
            ),
        ),
        ("missing", Field::new(Type::Int, "steps without a value")),
        (
            "age",
            Field::new(
                Type::Duration,
                "how long before the end its last value stands",
            ),
        ),
    ]))
}
