//! One sample of an exposition.

use std::borrow::Cow;

use super::{Span, lexis};

/// Where a sample stands, and its numbers. The labels' text has been validated.
#[derive(Clone, Copy, Debug)]
pub(super) struct SampleAt {
    pub(super) name: Span,
    /// How many bytes the braces hold, both included; 0 without braces.
    pub(super) labels: Span,
    pub(super) value: f64,
    /// Milliseconds since 1970; `NO_TIME` without one.
    pub(super) time_ms: i64,
}

pub(super) const NO_TIME: i64 = i64::MIN;

/// One sample, borrowing from the text.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'t> {
    text: &'t str,
    at: SampleAt,
}

impl<'t> Sample<'t> {
    pub(super) fn new(text: &'t str, at: SampleAt) -> Self {
        Self { text, at }
    }

    /// The name, `_sum`, `_bucket` and the like included.
    pub fn name(&self) -> &'t str {
        self.at.name.of(self.text)
    }

    /// The labels, in the order of the text.
    pub fn labels(&self) -> Labels<'t> {
        Labels::within(self.at.labels.of(self.text))
    }

    /// The value of a label; empty where it has none, which is the same to Prometheus.
    pub fn label(&self, name: &str) -> Cow<'t, str> {
        self.labels()
            .find(|(n, _)| *n == name)
            .map_or(Cow::Borrowed(""), |(_, value)| value)
    }

    /// The value; NaN is a value.
    pub fn value(&self) -> f64 {
        self.at.value
    }

    /// The explicit timestamp, in milliseconds since 1970 (OpenMetrics writes seconds; they are converted).
    pub fn timestamp_ms(&self) -> Option<i64> {
        (self.at.time_ms != NO_TIME).then_some(self.at.time_ms)
    }

    /// As the text shows it: name and labels.
    pub fn series(&self) -> String {
        format!("{}{}", self.name(), self.at.labels.of(self.text))
    }
}

/// The labels of a sample: names, and values with their escapes taken off.
#[derive(Clone, Debug)]
pub struct Labels<'t> {
    /// What is left of the text between the braces.
    rest: &'t str,
}

impl<'t> Labels<'t> {
    /// Those of a text in braces that was validated.
    pub(super) fn within(braces: &'t str) -> Self {
        Self { rest: braces }
    }
}

impl<'t> Iterator for Labels<'t> {
    type Item = (&'t str, Cow<'t, str>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, raw, rest) = split(self.rest)?;
        self.rest = rest;
        Some((name, lexis::unescape(raw)))
    }
}

/// The first label of a text that was validated: its name, its raw value, and the rest.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start_matches(['{', ',', ' ', '\t']);
    let (name, rest) = text.split_once('=')?;
    let rest = rest.trim_start_matches([' ', '\t']).strip_prefix('"')?;
    let mut escaped = false;
    let end = rest.bytes().position(|b| {
        let end = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        end
    })?;
    Some((
        name.trim_end_matches([' ', '\t']),
        rest.get(..end)?,
        rest.get(end + 1..)?,
    ))
}

/// Whether two samples have the same labels, in whatever order, but for the one left out. An empty value is no label.
pub(super) fn same_labels(a: Labels<'_>, b: &Labels<'_>) -> bool {
    let told = |labels: Labels<'_>| labels.filter(|(_, value)| !value.is_empty()).count();
    told(a.clone()) == told(b.clone())
        && a.filter(|(_, value)| !value.is_empty())
            .all(|(name, value)| b.clone().any(|(n, v)| n == name && v == value))
}
