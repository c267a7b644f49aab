//! What `# TYPE` makes of the names of a family's samples.

use super::{Format, Kind};

/// What a sample is to its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Role {
    /// The value itself, of a gauge or an untyped family, or of a counter in the text format.
    Plain,
    /// The value of a counter, or one of the counts of a histogram or summary.
    Total,
    /// `_bucket`.
    Bucket,
    /// A summary's quantile.
    Quantile,
    /// `_sum`.
    Sum,
    /// `_count`.
    Count,
    /// `_created` (OpenMetrics).
    Created,
    /// `_info` (OpenMetrics).
    Info,
    /// One state of a state set (OpenMetrics).
    State,
}

impl Role {
    /// A bit of its own.
    pub(super) fn bit(self) -> u16 {
        1 << (self as u8)
    }

    /// The label that tells the samples of one group apart.
    pub(super) fn group_label(self) -> Option<&'static [u8]> {
        match self {
            Self::Bucket => Some(b"le"),
            Self::Quantile => Some(b"quantile"),
            _ => None,
        }
    }
}

/// The kind that a `# TYPE` line names.
pub(super) fn kind(word: &str, format: Format) -> Option<Kind> {
    Some(match (word, format) {
        ("counter", _) => Kind::Counter,
        ("gauge", _) => Kind::Gauge,
        ("histogram", _) => Kind::Histogram,
        ("summary", _) => Kind::Summary,
        ("untyped", Format::Text) | ("unknown", Format::OpenMetrics) => Kind::Untyped,
        ("gaugehistogram", Format::OpenMetrics) => Kind::GaugeHistogram,
        ("info", Format::OpenMetrics) => Kind::Info,
        ("stateset", Format::OpenMetrics) => Kind::StateSet,
        _ => return None,
    })
}

/// What follows the family's name in the names of its samples.
pub(super) fn role(kind: Kind, format: Format, suffix: &[u8]) -> Option<Role> {
    let open = format == Format::OpenMetrics;
    Some(match (kind, suffix) {
        (Kind::Counter, b"") if !open => Role::Total,
        (Kind::Counter, b"_total") if open => Role::Total,
        (Kind::Gauge | Kind::Untyped, b"") => Role::Plain,
        (Kind::Histogram | Kind::GaugeHistogram, b"_bucket") => Role::Bucket,
        (Kind::Histogram | Kind::Summary, b"_sum") | (Kind::GaugeHistogram, b"_gsum") => Role::Sum,
        (Kind::Histogram | Kind::Summary, b"_count") | (Kind::GaugeHistogram, b"_gcount") => {
            Role::Count
        }
        (Kind::Summary, b"") => Role::Quantile,
        (Kind::Counter | Kind::Histogram | Kind::Summary, b"_created") if open => Role::Created,
        (Kind::Info, b"_info") => Role::Info,
        (Kind::StateSet, b"") => Role::State,
        _ => return None,
    })
}

/// What is wrong with a value in its role; nothing where it may stand.
#[expect(clippy::float_cmp, reason = "the formats ask for these very numbers")]
pub(super) fn value_problem(
    kind: Kind,
    role: Role,
    format: Format,
    value: f64,
) -> Option<&'static str> {
    let open = format == Format::OpenMetrics;
    match role {
        Role::Total if value < 0.0 => Some("a counter cannot be negative"),
        Role::Total if open && value.is_nan() => Some("a counter cannot be NaN"),
        Role::Bucket | Role::Count if value < 0.0 || value.is_nan() => {
            Some("a count is a number that is not negative")
        }
        Role::Bucket | Role::Count if open && value.fract() != 0.0 && kind == Kind::Histogram => {
            Some("a count is a whole number")
        }
        Role::Quantile if open && value < 0.0 => Some("a quantile cannot be negative"),
        Role::Info if value != 1.0 => Some("an info is always 1"),
        Role::State if value != 0.0 && value != 1.0 => Some("a state is 0 or 1"),
        _ => None,
    }
}
