//! Counters, gauges and histograms that count what happened, and their Prometheus text.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The upper bounds of every histogram's buckets, in seconds.
const BOUNDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 0.75, 1.0];

/// What a family is and says.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
}

/// The three kinds of families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Without labels it is exposed as 0 from the start; `labelled` ones appear when first counted.
    Counter {
        labelled: bool,
    },
    Gauge,
    Histogram,
}

/// The families of one system, with what they have counted.
pub(crate) struct Metrics {
    families: &'static [Family],
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    /// By family and rendered labels: `{effect="block"}`, or nothing.
    numbers: BTreeMap<(&'static str, String), u64>,
    histograms: BTreeMap<&'static str, Histogram>,
}

#[derive(Default, Clone)]
struct Histogram {
    /// Per bucket, not cumulated.
    counts: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    pub(crate) fn new(families: &'static [Family]) -> Self {
        let mut counted = Counted::default();
        for family in families {
            match family.kind {
                Kind::Counter { labelled: false } | Kind::Gauge => {
                    counted.numbers.insert((family.name, String::new()), 0);
                }
                Kind::Histogram => {
                    counted.histograms.insert(family.name, Histogram::default());
                }
                Kind::Counter { labelled: true } => {}
            }
        }
        Self {
            families,
            counted: Mutex::new(counted),
        }
    }

    /// Adds one to a counter.
    pub(crate) fn count(&self, family: &'static str, labels: &[(&str, &str)]) {
        *self
            .counted()
            .numbers
            .entry((family, rendered(labels)))
            .or_default() += 1;
    }

    /// Sets a gauge without labels.
    pub(crate) fn set(&self, family: &'static str, value: u64) {
        self.counted()
            .numbers
            .insert((family, String::new()), value);
    }

    /// Adds a sample to a histogram.
    pub(crate) fn sample(&self, family: &'static str, took: Duration) {
        let seconds = took.as_secs_f64();
        let mut counted = self.counted();
        let histogram = counted.histograms.entry(family).or_default();
        if let Some(bucket) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            histogram.counts[bucket] += 1;
        }
        histogram.count += 1;
        histogram.sum += seconds;
    }

    /// The Prometheus text of all families but those that `hidden` names.
    pub(crate) fn exposition(&self, hidden: &[&str]) -> String {
        let counted = self.counted();
        let mut text = String::new();
        for family in self
            .families
            .iter()
            .filter(|family| !hidden.contains(&family.name))
        {
            let kind = match family.kind {
                Kind::Counter { .. } => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let Family { name, help, .. } = family;
            line(&mut text, format_args!("# HELP {name} {help}"));
            line(&mut text, format_args!("# TYPE {name} {kind}"));
            for ((_, labels), value) in counted.numbers.iter().filter(|((of, _), _)| of == name) {
                line(&mut text, format_args!("{name}{labels} {value}"));
            }
            if let Some(histogram) = counted.histograms.get(name) {
                histogram.write(name, &mut text);
            }
        }
        text
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Histogram {
    fn write(&self, name: &str, text: &mut String) {
        let mut below = 0;
        for (bound, count) in BOUNDS.iter().zip(self.counts) {
            below += count;
            line(
                text,
                format_args!("{name}_bucket{{le=\"{bound}\"}} {below}"),
            );
        }
        line(
            text,
            format_args!("{name}_bucket{{le=\"+Inf\"}} {}", self.count),
        );
        line(text, format_args!("{name}_sum {}", self.sum));
        line(text, format_args!("{name}_count {}", self.count));
    }
}

pub(crate) fn line(text: &mut String, args: std::fmt::Arguments<'_>) {
    text.write_fmt(args).expect("a String takes everything");
    text.push('\n');
}

fn rendered(labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| {
            format!(
                "{name}=\"{}\"",
                value
                    .replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('\n', "\\n")
            )
        })
        .collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests;
