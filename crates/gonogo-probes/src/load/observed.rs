//! What is recorded of a load beside its samples.

use gonogo_core::record::Absence;
use gonogo_core::series::{
    CSV_MEDIA_TYPE, HISTOGRAM_MEDIA_TYPE, LatencyHistogram, SERIES_MEDIA_TYPE,
};
use gonogo_core::series::{Series, to_csv};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value, stats};

use super::engine::{Ended, Summary};
use crate::probe::{RawBlob, Seen};

/// Beyond so many samples the CSV is left out: the series itself is the evidence.
const MAX_CSV: u64 = 1_000_000;

/// The facts of a load.
pub(super) fn shape() -> Shape {
    let field = |ty: Type, doc: &str| Field {
        ty,
        doc: doc.to_owned(),
        optional: false,
    };
    let fields = [
        (
            "samples_count",
            Type::Int,
            "requests that were scheduled, warm-up left out",
        ),
        (
            "errors",
            Type::Int,
            "of those, requests without an answer as wanted",
        ),
        (
            "statuses",
            Type::Map(Box::new(Type::Int)),
            "answers by status code",
        ),
        (
            "ends",
            Type::Map(Box::new(Type::Int)),
            "requests by how they ended",
        ),
        (
            "latency",
            Type::Map(Box::new(Type::Duration)),
            "p50, p90, p95, p99, p999 and max by nearest rank; a figure is absent where it is endless",
        ),
        (
            "offered_rate",
            Type::Double,
            "requests per second as planned",
        ),
        ("achieved_rate", Type::Double, "requests per second as sent"),
        (
            "lag_p99",
            Type::Duration,
            "how late the generator itself was, at the 99th percentile",
        ),
        (
            "ended",
            Type::String,
            "`completed`, `decided`, `deadline`, `server errors`",
        ),
        ("seconds", Type::Double, "how long it took"),
        ("connections", Type::Int, "connections that were opened"),
    ];
    Shape {
        fields: fields
            .into_iter()
            .map(|(n, t, d)| (n.to_owned(), field(t, d)))
            .collect(),
    }
}

/// Facts and blobs of a series.
pub(super) fn seen(series: &Series, summary: &Summary) -> Seen {
    let described = stats::describe(series);
    let count = |n: u64| Value::from(n);
    let ends: Map = described
        .ends
        .iter()
        .map(|(end, n)| (end.as_str().to_owned(), count(*n)))
        .collect();
    let statuses: Map = summary
        .statuses
        .iter()
        .map(|(status, n)| (status.to_string(), count(*n)))
        .collect();
    let ok: u64 = described
        .ends
        .iter()
        .filter(|(end, _)| *end == gonogo_core::series::End::Ok)
        .map(|(_, n)| n)
        .sum();
    let latency: Map = [
        ("p50", described.p50_ns),
        ("p90", described.p90_ns),
        ("p95", described.p95_ns),
        ("p99", described.p99_ns),
        ("p999", described.p999_ns),
        ("max", described.max_ns),
    ]
    .into_iter()
    .filter_map(|(name, ns)| {
        let ns = i64::try_from(ns?).ok()?;
        Some((name.to_owned(), Value::Duration(ns)))
    })
    .collect();
    let ended = match summary.ended {
        Ended::Completed => "completed",
        Ended::Decided => "decided",
        Ended::Deadline => "deadline",
        Ended::Cancelled => "cancelled",
        Ended::ServerErrors => "server errors",
        Ended::AbortHeader => "asked to stop",
    };
    let mut facts: Map = [
        ("samples_count", count(described.n)),
        ("errors", count(described.n.saturating_sub(ok))),
        ("statuses", Value::Map(statuses)),
        ("ends", Value::Map(ends)),
        ("latency", Value::Map(latency)),
        ("achieved_rate", Value::Double(summary.achieved_per_s)),
        ("ended", ended.into()),
        ("seconds", Value::Double(summary.elapsed.as_secs_f64())),
        ("connections", count(summary.connections)),
    ]
    .into_iter()
    .map(|(n, v)| (n.to_owned(), v))
    .collect();
    if let Some(rate) = summary.offered_per_s {
        facts.insert("offered_rate".to_owned(), Value::Double(rate));
    }
    if let Some(lag) = summary.lag {
        facts.insert("lag_p99".to_owned(), Value::from(lag.p99));
    }
    let absent = if described.n == 0 {
        vec![Absence {
            fact: "samples_count".to_owned(),
            why: "no request was scheduled".to_owned(),
        }]
    } else {
        Vec::new()
    };
    Seen {
        facts,
        absent,
        blobs: blobs(series),
        ..Seen::default()
    }
}

/// Numbers alone, so none of them passes the redactor.
fn blobs(series: &Series) -> Vec<RawBlob> {
    let blob = |role: &str, media_type: &str, bytes: Vec<u8>| RawBlob {
        role: role.to_owned(),
        media_type: media_type.to_owned(),
        bytes,
        redact: false,
    };
    let histogram = LatencyHistogram::of(series).to_bytes();
    let mut blobs = vec![
        blob("samples", SERIES_MEDIA_TYPE, series.as_bytes().to_vec()),
        blob("histogram", HISTOGRAM_MEDIA_TYPE, histogram),
    ];
    if series.count() <= MAX_CSV {
        let mut csv = Vec::new();
        if to_csv(series, &mut csv).is_ok() {
            blobs.push(blob("samples-csv", CSV_MEDIA_TYPE, csv));
        }
    }
    blobs
}
