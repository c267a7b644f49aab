//! `range PROMQL`: the values over a time.

use gonogo_core::duration::{humanize_duration_ns, parse_duration_ns};
use gonogo_core::record::{Absence, Cause, Cut, NotObserved, Shown};
use gonogo_core::{Map, Value};

use super::api::{self, Found, ManyFound};
use super::observed::{instant, is_stale, labels, series};
use super::query::{nothing, seconds};
use super::run::Source;
use super::scrape::stale_words;
use crate::probe::Seen;

const PATH: &str = "/api/v1/query_range";
/// Without `step:`.
pub(super) const DEFAULT_STEP_NS: i64 = 15_000_000_000;
/// What Prometheus itself refuses to exceed per series.
const MAX_POINTS: i64 = 11_000;
/// How many values of all series together are kept as facts.
const MAX_VALUES: usize = 20_000;
const MAX_SHOWN: usize = 20;

/// How many points a range has.
pub(super) fn point_count(last_ns: i64, step_ns: i64) -> Result<i64, String> {
    const MS: i64 = 1_000_000;
    if step_ns < MS {
        return Err("a step is at least 1ms".to_owned());
    }
    if last_ns < step_ns {
        return Err("`last` is shorter than one `step`".to_owned());
    }
    let count = last_ns / step_ns + 1;
    if count > MAX_POINTS {
        return Err(format!(
            "the range has {count} points, and Prometheus gives {MAX_POINTS} at most"
        ));
    }
    Ok(count)
}

/// Looks once.
pub(super) async fn observe(source: &Source<'_>, promql: &str) -> Result<Seen, NotObserved> {
    let bad = |message: String| {
        source
            .ctx
            .not_observed("prometheus", Cause::BadOptions, message)
    };
    let options = &source.options;
    let last = options
        .last
        .as_deref()
        .ok_or_else(|| bad("a range needs `last`".to_owned()))?;
    let last_ns = parse_duration_ns(last).map_err(|e| bad(e.to_string()))?;
    let step_ns = match &options.step {
        Some(step) => parse_duration_ns(step).map_err(|e| bad(e.to_string()))?,
        None => DEFAULT_STEP_NS,
    };
    let points = point_count(last_ns, step_ns).map_err(bad)?;
    let end_ms = server_now(source).await?;
    let query = [
        ("query", promql.to_owned()),
        ("start", seconds(end_ms.saturating_sub(last_ns / 1_000_000))),
        ("end", seconds(end_ms)),
        ("step", seconds(step_ns / 1_000_000)),
    ];
    let mut answer = api::ask(source, PATH, &query).await?;
    let wrong = |what: &str| api::unexpected(source, &answer.fetched, what);
    let series = match serde_json::from_value(answer.data.take()) {
        Ok(Found::Matrix(all)) => all
            .into_iter()
            .map(|one| Series::read(one, end_ms, points))
            .collect::<Result<Vec<_>, _>>()
            .map_err(wrong)?,
        Ok(_) => return Err(wrong("a range came back as something else")),
        Err(e) => return Err(wrong(&e.to_string())),
    };
    // A series in which no point lies says nothing.
    let series: Vec<Series> = series
        .into_iter()
        .filter(|s| !s.values.is_empty())
        .collect();
    let nothing = if series.is_empty() {
        format!("{} within the last {last}", nothing(source, promql).await)
    } else {
        String::new()
    };
    let mut seen = facts(source, series, &nothing);
    let warnings = answer.warnings.iter().map(|w| w.as_str().into()).collect();
    seen.facts
        .insert("warnings".to_owned(), Value::List(warnings));
    seen.facts
        .insert("latency".to_owned(), answer.fetched.latency.into());
    seen.target = Some(source.seen(&answer.fetched, PATH));
    Ok(seen)
}

/// The server's clock, in milliseconds since 1970: a range that ends by another clock would end in its future, where
/// nothing is, or leave out what is newest.
async fn server_now(source: &Source<'_>) -> Result<i64, NotObserved> {
    let mut answer = api::ask(source, "/api/v1/query", &[("query", "time()".to_owned())]).await?;
    match api::found(source, &mut answer)? {
        Found::Scalar(point) => Ok(point.at_ms()),
        _ => Err(api::unexpected(
            source,
            &answer.fetched,
            "`time()` is no scalar",
        )),
    }
}

/// One series over time.
struct Series {
    name: String,
    labels: std::collections::BTreeMap<String, String>,
    values: Vec<(i64, f64)>,
    /// Steps without a value.
    missing: i64,
    /// How long before the end its last value stands, in nanoseconds.
    age_ns: i64,
}

impl Series {
    fn read(found: ManyFound, end_ms: i64, points: i64) -> Result<Self, &'static str> {
        if !found.histograms.is_empty() {
            return Err("a native histogram is no number; ask for `histogram_quantile` of it");
        }
        let (name, labels) = api::named(found.metric);
        let mut values = Vec::with_capacity(found.values.len());
        for point in &found.values {
            let value = point.value().ok_or("a value is no number")?;
            let at_ms = point.at_ms();
            if values.last().is_some_and(|(before, _)| *before >= at_ms) {
                return Err("the values do not stand in the order of time");
            }
            values.push((at_ms, value));
        }
        let age_ms = values
            .last()
            .map_or(0, |(at, _)| end_ms.saturating_sub(*at));
        Ok(Self {
            name,
            labels,
            missing: (points - values.len() as i64).max(0),
            values,
            age_ns: age_ms.saturating_mul(1_000_000),
        })
    }

    fn fold(&self, start: f64, pick: fn(f64, f64) -> f64) -> f64 {
        self.values.iter().fold(start, |kept, (_, value)| {
            if kept.is_nan() || value.is_nan() {
                f64::NAN
            } else {
                pick(kept, *value)
            }
        })
    }

    /// By how much a counter grew: where it fell, it started again from zero. NaN where a value is.
    fn growth(&self) -> (f64, i64) {
        let mut increase = 0.0;
        let mut resets = 0;
        for pair in self.values.windows(2) {
            let (before, after) = (pair[0].1, pair[1].1);
            if after < before {
                resets += 1;
                increase += after;
            } else {
                increase += after - before;
            }
        }
        if self.values.iter().any(|(_, value)| value.is_nan()) {
            increase = f64::NAN;
        }
        (increase, resets)
    }

    fn facts(&self, with_values: bool) -> Value {
        let (increase, resets) = self.growth();
        let point = |(at, value): &(i64, f64)| {
            let mut facts: Map = [("value".to_owned(), Value::Double(*value))].into();
            if let Some(at) = instant(*at) {
                facts.insert("at".to_owned(), at.into());
            }
            Value::Map(facts)
        };
        let values = if with_values {
            self.values.iter().map(point).collect()
        } else {
            Vec::new()
        };
        let last = self.values.last().map_or(f64::NAN, |(_, value)| *value);
        let facts: [(&str, Value); 10] = [
            ("name", self.name.as_str().into()),
            ("labels", labels(&self.labels)),
            ("values", Value::List(values)),
            ("min", self.fold(f64::INFINITY, f64::min).into()),
            ("max", self.fold(f64::NEG_INFINITY, f64::max).into()),
            ("last", last.into()),
            ("increase", increase.into()),
            ("resets", resets.into()),
            ("missing", self.missing.into()),
            ("age", Value::Duration(self.age_ns)),
        ];
        Value::Map(
            facts
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }
}

fn facts(source: &Source<'_>, all: Vec<Series>, nothing: &str) -> Seen {
    let stale = |s: &Series| source.max_age_ns.is_some_and(|max| is_stale(s.age_ns, max));
    let (stale, fresh): (Vec<_>, Vec<_>) = all.into_iter().partition(stale);
    let mut seen = Seen::default();
    let total = stale.len() + fresh.len();
    let absent = |fact: &str, why: &str| Absence {
        fact: fact.to_owned(),
        why: why.to_owned(),
    };
    if total == 0 {
        seen.absent.push(absent("series", nothing));
    } else if let Some(oldest) = stale.iter().max_by_key(|s| s.age_ns) {
        let why = format!(
            "the last values of {} of {total} series {}; {} ended {} ago",
            stale.len(),
            stale_words(source),
            series(&oldest.name, &oldest.labels),
            humanize_duration_ns(oldest.age_ns),
        );
        seen.absent.push(absent("series", &why));
        seen.absent.push(absent("increase", &why));
    }
    if let ([one], true) = (&fresh[..], stale.is_empty()) {
        seen.facts
            .insert("increase".to_owned(), one.growth().0.into());
    }
    let kept: usize = stale.iter().chain(&fresh).map(|s| s.values.len()).sum();
    seen.facts.insert("count".to_owned(), fresh.len().into());
    seen.shown.extend(table(&fresh, &stale));
    for (fact, list) in [("series", &fresh), ("stale", &stale)] {
        let facts = list.iter().map(|s| s.facts(kept <= MAX_VALUES));
        seen.facts.insert(
            fact.to_owned(),
            Value::List(facts.take(MAX_VALUES).collect()),
        );
        if kept > MAX_VALUES {
            seen.cut.push(Cut {
                fact: fact.to_owned(),
                why: format!("{kept} values are more than the {MAX_VALUES} that are kept"),
            });
        }
    }
    seen
}

fn table(fresh: &[Series], stale: &[Series]) -> Option<Shown> {
    let text = |value: f64| Value::Double(value).to_string();
    let rows: Vec<Vec<String>> = stale
        .iter()
        .chain(fresh)
        .take(MAX_SHOWN)
        .map(|s| {
            vec![
                series(&s.name, &s.labels),
                text(s.fold(f64::INFINITY, f64::min)),
                text(s.fold(f64::NEG_INFINITY, f64::max)),
                text(s.values.last().map_or(f64::NAN, |(_, value)| *value)),
                text(s.growth().0),
            ]
        })
        .collect();
    (!rows.is_empty()).then(|| Shown::Table {
        title: format!("{} of {} series", rows.len(), fresh.len() + stale.len()),
        head: ["series", "min", "max", "last", "increase"]
            .map(str::to_owned)
            .to_vec(),
        rows,
    })
}
