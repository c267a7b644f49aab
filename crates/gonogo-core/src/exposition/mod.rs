//! The Prometheus text format, 0.0.4 and OpenMetrics 1.0: read, and checked as strictly as the formats are written.
//!
//! [`Samples`] goes through the bytes once, borrows from them and checks everything on the way; [`parse`] keeps what it
//! gives; [`check`] only counts. What is torn, doubled or contradicts itself is an error with its line and column, for a
//! half-read exposition must not pass for a whole one.

use std::borrow::Cow;

mod family;
mod histogram;
mod label;
mod line;
mod number;
mod rules;
mod samples;

pub use family::{FamilyHead, Kind};
pub use label::Labels;
pub use samples::{ExemplarRef, SampleRef, Samples};

/// Which of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `text/plain; version=0.0.4`
    Text,
    /// `application/openmetrics-text; version=1.0.0`
    OpenMetrics,
}

impl Format {
    /// By the media type of an answer.
    pub fn of_content_type(content_type: &str) -> Self {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    /// By the content: only OpenMetrics ends in `# EOF`.
    pub fn of_content(bytes: &[u8]) -> Self {
        let is_open = bytes
            .strip_suffix(b"\n")
            .unwrap_or(bytes)
            .ends_with(b"# EOF");
        if is_open {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

/// How much is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the exposition.
    pub bytes: usize,
    /// Samples.
    pub samples: usize,
    /// Families.
    pub families: usize,
    /// Labels of one sample.
    pub labels: usize,
}

impl Default for Limits {
    /// 256 MiB, 2 million samples, 100,000 families, 64 labels.
    fn default() -> Self {
        Self {
            bytes: 256 << 20,
            samples: 2_000_000,
            families: 100_000,
            labels: 64,
        }
    }
}

/// Why an exposition cannot be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ExpositionError {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// What is wrong there. Names out of the exposition are quoted and escaped.
    pub message: String,
}

/// An exposition, whole and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposition {
    format: Format,
    families: Vec<Family>,
}

/// A metric family.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Its name: without `_bucket`, `_sum`, `_count`, and in OpenMetrics without `_total`.
    pub name: String,
    /// Its type; `untyped` where none is declared.
    pub kind: Kind,
    /// Its help text.
    pub help: Option<String>,
    /// Its unit (OpenMetrics).
    pub unit: Option<String>,
    /// Its samples, in their order.
    pub samples: Vec<Sample>,
}

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The whole name, such as `http_requests_total`.
    pub name: String,
    /// Labels, in their order.
    pub labels: Vec<(String, String)>,
    /// The value; NaN stays NaN.
    pub value: f64,
    /// When it was taken, in milliseconds since 1970, where it says so.
    pub timestamp_ms: Option<i64>,
    /// The exemplar (OpenMetrics).
    pub exemplar: Option<Exemplar>,
}

/// An example of what a sample counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Labels, such as `trace_id`.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
    /// When, in milliseconds since 1970.
    pub timestamp_ms: Option<i64>,
}

/// How many there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Families.
    pub families: usize,
    /// Samples.
    pub samples: usize,
}

/// Reads and checks an exposition of the format that its content shows.
pub fn parse(bytes: &[u8], limits: Limits) -> Result<Exposition, ExpositionError> {
    parse_as(Format::of_content(bytes), bytes, limits)
}

/// Reads and checks an exposition of a known format.
pub fn parse_as(
    format: Format,
    bytes: &[u8],
    limits: Limits,
) -> Result<Exposition, ExpositionError> {
    let mut samples = Samples::new(format, bytes, limits)?;
    let mut by_family: Vec<Vec<Sample>> = Vec::new();
    while let Some(sample) = samples.next_sample()? {
        if by_family.len() <= sample.family {
            by_family.resize_with(sample.family + 1, Vec::new);
        }
        by_family[sample.family].push(sample.to_owned());
    }
    by_family.resize_with(samples.families().len(), Vec::new);
    let families = samples
        .families()
        .iter()
        .zip(by_family)
        .map(|(head, samples)| Family {
            name: head.name.to_owned(),
            kind: head.kind,
            help: head.help.clone().map(Cow::into_owned),
            unit: head.unit.map(str::to_owned),
            samples,
        })
        .collect();
    Ok(Exposition { format, families })
}

/// Checks an exposition without keeping it.
pub fn check(format: Format, bytes: &[u8], limits: Limits) -> Result<Counts, ExpositionError> {
    let mut samples = Samples::new(format, bytes, limits)?;
    let mut count = 0;
    while samples.next_sample()?.is_some() {
        count += 1;
    }
    Ok(Counts {
        families: samples.families().len(),
        samples: count,
    })
}

impl Exposition {
    /// The format it was read as.
    pub fn format(&self) -> Format {
        self.format
    }

    /// All families, in their order.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// The family of a name.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|f| f.name == name)
    }

    /// Samples of a name that have at least these labels. Empty where there are none: absent is not zero.
    pub fn find(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Sample> {
        self.families
            .iter()
            .filter(|family| name.starts_with(family.name.as_str()))
            .flat_map(|family| &family.samples)
            .filter(|sample| sample.name == name && sample.has_labels(labels))
            .collect()
    }
}

impl Sample {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        let (_, value) = self.labels.iter().find(|(n, _)| n == name)?;
        Some(value)
    }

    /// Whether it has at least these labels; an empty value is the same as none.
    pub fn has_labels(&self, labels: &[(&str, &str)]) -> bool {
        labels
            .iter()
            .all(|(name, value)| self.label(name).unwrap_or_default() == *value)
    }
}

#[cfg(test)]
mod tests;
