//! Metric families: their types, and which samples belong to them.

use std::borrow::Cow;

use super::Format;

/// The type of a metric family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Cumulative buckets, sum, count.
    Histogram,
    /// Quantiles, sum, count.
    Summary,
    /// Not declared, or declared as not known.
    Untyped,
    /// OpenMetrics: facts as labels.
    Info,
    /// OpenMetrics: one of several states.
    StateSet,
    /// OpenMetrics: buckets that may shrink.
    GaugeHistogram,
}

/// A family without its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilyHead<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub kind: Kind,
    /// Its help text.
    pub help: Option<Cow<'a, str>>,
    /// Its unit.
    pub unit: Option<&'a str>,
    /// Whether its type was declared.
    pub(super) is_typed: bool,
    /// Whether it has samples.
    pub(super) is_sampled: bool,
}

impl<'a> FamilyHead<'a> {
    pub(super) fn new(name: &'a str) -> Self {
        Self {
            name,
            kind: Kind::Untyped,
            help: None,
            unit: None,
            is_typed: false,
            is_sampled: false,
        }
    }
}

/// What a sample is in its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Value,
    Total,
    Bucket,
    Sum,
    Count,
    Created,
    Quantile,
}

impl Kind {
    /// The name by which it is declared.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::GaugeHistogram => "gaugehistogram",
        }
    }

    pub(super) fn parse(text: &str, format: Format) -> Option<Self> {
        Some(match (text, format) {
            ("counter", _) => Self::Counter,
            ("gauge", _) => Self::Gauge,
            ("histogram", _) => Self::Histogram,
            ("summary", _) => Self::Summary,
            ("untyped", Format::Text) | ("unknown", Format::OpenMetrics) => Self::Untyped,
            ("info", Format::OpenMetrics) => Self::Info,
            ("stateset", Format::OpenMetrics) => Self::StateSet,
            ("gaugehistogram", Format::OpenMetrics) => Self::GaugeHistogram,
            _ => return None,
        })
    }

    /// What a sample of this type of family is whose name has this ending after the family's name.
    pub(super) fn role(self, ending: &str, format: Format) -> Option<Role> {
        let is_open = format == Format::OpenMetrics;
        Some(match (self, ending) {
            (Self::Counter, "_total") if is_open => Role::Total,
            (Self::Counter, "") if !is_open => Role::Total,
            (Self::Counter | Self::Histogram | Self::Summary, "_created") if is_open => {
                Role::Created
            }
            (Self::Histogram | Self::GaugeHistogram, "_bucket") => Role::Bucket,
            (Self::Histogram | Self::Summary, "_sum") | (Self::GaugeHistogram, "_gsum") => {
                Role::Sum
            }
            (Self::Histogram | Self::Summary, "_count") | (Self::GaugeHistogram, "_gcount") => {
                Role::Count
            }
            (Self::Summary, "") => Role::Quantile,
            (Self::Gauge | Self::Untyped | Self::StateSet, "") | (Self::Info, "_info") => {
                Role::Value
            }
            _ => return None,
        })
    }
}
