//! The text that a Prometheus target exposes, parsed and validated strictly.
//!
//! Two formats: the Prometheus text format 0.0.4 and OpenMetrics 1.0 (which ends with `# EOF`). Everything that either
//! says a text must hold is checked, because a metric that is exposed wrongly is scraped wrongly, and a gate that looks
//! at it would judge something else than what was counted. The first violation ends the parse, with line and column.
//!
//! The parse keeps 32 bytes per sample and borrows the rest from the text, so that an exposition of many megabytes
//! costs little more than itself. Exemplars are validated and not kept.

mod comment;
mod error;
mod groups;
mod labels;
mod lexis;
mod metadata;
mod parser;
mod sample;
mod selector;
mod series;

use std::borrow::Cow;

pub use error::{ExpositionError, Fault};
pub use sample::{Labels, Sample};
pub use selector::{BadSelector, By, Matcher, Selector};

use sample::SampleAt;

/// The two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format that a `Content-Type` names; nothing where it names neither.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or("").trim();
        if essence.eq_ignore_ascii_case("application/openmetrics-text") {
            Some(Self::OpenMetrics)
        } else if essence.eq_ignore_ascii_case("text/plain") {
            Some(Self::Text)
        } else {
            None
        }
    }

    /// The format of a text: OpenMetrics ends with the line `# EOF`.
    pub fn of_text(text: &[u8]) -> Self {
        let body = text.strip_suffix(b"\n").unwrap_or(text);
        let last = body.rsplit(|b| *b == b'\n').next().unwrap_or(body);
        if last == b"# EOF" {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

/// How much is read at most. What is above is an error, never a shorter answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text; at most 4 GiB.
    pub bytes: usize,
    /// Samples.
    pub samples: usize,
    /// Labels of one sample.
    pub labels: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 * 1024 * 1024,
            samples: 2_000_000,
            labels: 128,
        }
    }
}

/// What a family counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, or starts again from zero.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts in buckets, with sum and count.
    Histogram,
    /// Counts in buckets that may shrink (OpenMetrics).
    GaugeHistogram,
    /// Quantiles, with sum and count.
    Summary,
    /// Facts as labels (OpenMetrics).
    Info,
    /// Related truth values (OpenMetrics).
    StateSet,
    /// Not said: `untyped` of the text format, `unknown` of OpenMetrics.
    Untyped,
}

impl Kind {
    /// As a `# TYPE` line of the text format, or of OpenMetrics, writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Untyped => "untyped",
        }
    }
}

/// A valid exposition, borrowing from its text.
#[derive(Debug)]
pub struct Exposition<'t> {
    text: &'t str,
    format: Format,
    families: Vec<FamilyAt>,
    samples: Vec<SampleAt>,
}

/// Parses and validates a text; its last line tells the format.
pub fn parse<'t>(text: &'t [u8], limits: &Limits) -> Result<Exposition<'t>, ExpositionError> {
    parse_as(text, Format::of_text(text), limits)
}

/// Parses and validates a text of a known format, as its `Content-Type` says: an OpenMetrics text without its end is
/// then known to be cut off.
pub fn parse_as<'t>(
    text: &'t [u8],
    format: Format,
    limits: &Limits,
) -> Result<Exposition<'t>, ExpositionError> {
    parser::parse(text, format, limits)
}

impl<'t> Exposition<'t> {
    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// How many samples there are.
    pub fn sample_count(&self) -> usize {
        self.samples.len()
    }

    /// The families, in the order of the text.
    pub fn families(&self) -> impl ExactSizeIterator<Item = Family<'_>> {
        self.families.iter().map(|at| Family { of: self, at })
    }

    /// All samples, in the order of the text.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = Sample<'t>> {
        self.samples.iter().map(|at| Sample::new(self.text, *at))
    }

    /// The samples of a name whose labels match all matchers.
    pub fn find<'a>(
        &'a self,
        name: &'a str,
        matchers: &'a [Matcher],
    ) -> impl Iterator<Item = Sample<'t>> + 'a {
        self.samples()
            .filter(move |s| s.name() == name && matchers.iter().all(|m| m.matches(s)))
    }

    /// The samples that a selector picks.
    pub fn select<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = Sample<'t>> + 'a {
        self.samples().filter(move |s| selector.matches(s))
    }
}

/// Samples of one name (and its `_sum`, `_bucket`, …), with what the text says of them.
#[derive(Clone, Copy, Debug)]
pub struct Family<'e> {
    of: &'e Exposition<'e>,
    at: &'e FamilyAt,
}

impl<'e> Family<'e> {
    /// The name that `# TYPE` and `# HELP` use.
    pub fn name(&self) -> &'e str {
        self.at.name.of(self.of.text)
    }

    /// What it counts.
    pub fn kind(&self) -> Kind {
        self.at.kind.unwrap_or(Kind::Untyped)
    }

    /// What it means; empty where the text does not say.
    pub fn help(&self) -> Cow<'e, str> {
        let raw = self.at.help.map_or("", |help| help.of(self.of.text));
        lexis::unescape(raw)
    }

    /// Its unit (OpenMetrics); empty where the text does not say.
    pub fn unit(&self) -> &'e str {
        self.at.unit.map_or("", |unit| unit.of(self.of.text))
    }

    /// Its samples.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = Sample<'e>> + use<'e> {
        let text = self.of.text;
        self.of.samples[self.at.first..self.at.end]
            .iter()
            .map(move |at| Sample::new(text, *at))
    }
}

/// Where a family stands.
#[derive(Clone, Debug)]
struct FamilyAt {
    name: Span,
    kind: Option<Kind>,
    help: Option<Span>,
    unit: Option<Span>,
    /// Its samples: from, and the one after the last.
    first: usize,
    end: usize,
}

/// A part of the text, at character borders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    start: u32,
    len: u32,
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        // The limit on bytes keeps every offset within 32 bits.
        Self {
            start: start as u32,
            len: (end - start) as u32,
        }
    }

    fn end(self) -> usize {
        self.start as usize + self.len as usize
    }

    fn of(self, text: &str) -> &str {
        &text[self.start as usize..self.end()]
    }
}

#[cfg(test)]
mod tests;
