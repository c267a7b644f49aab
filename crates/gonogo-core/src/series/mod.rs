//! The samples of a load: what became of every request that was *scheduled*, as a blob the judge recomputes from.
//!
//! A series is written by load generators, kept as a blob of the run, and read by the judge, who counts every figure
//! of a limit again from its bytes. So the format is small, versioned, describes itself, and its reader is strict:
//! whatever a writer here did not write is an error, never a panic and never a shorter series.
//!
//! # Format, version 1
//! One line of text, then binary records, then an end mark:
//! ```text
//! gonogo-series/1 {"model":…,"planned_rate":"50","started_at_ms":…,"timeout_ns":…,"warm_up":…}\n
//! record*
//! 0x3f count:varint
//! ```
//! A record is a tag byte – bits 0–5 the [`End`], bit 6 "same status as the record before", bit 7 "warm-up" –, the due
//! offset as zigzag varint difference to the record before, and, unless never sent, the lag (sent − due) and the
//! service time as varints, and the status as varint unless bit 6 says it is the same. Varints are LEB128, shortest
//! form only. Records stand in the order they were pushed (about the order of completion); [`Series::merge`] sorts.

mod csv;
mod histogram;
mod read;
mod sample;
mod write;

pub use csv::to_csv;
pub use histogram::{HistogramError, LatencyHistogram};
pub use read::{Samples, Series, SeriesError};
pub use sample::{Arrivals, End, Model, Sample, SeriesHeader};
pub use write::SeriesBuilder;

/// Media type of a series blob.
pub const SERIES_MEDIA_TYPE: &str = "application/vnd.gonogo.series.v1";
/// File name extension of a series blob, without the dot.
pub const SERIES_EXTENSION: &str = "series";
/// Media type of a histogram blob (HdrHistogram's V2 encoding, uncompressed).
pub const HISTOGRAM_MEDIA_TYPE: &str = "application/vnd.hdrhistogram.v2";
/// File name extension of a histogram blob, without the dot.
pub const HISTOGRAM_EXTENSION: &str = "hdr";
/// Media type of the samples as CSV.
pub const CSV_MEDIA_TYPE: &str = "text/csv";

/// The first bytes of every series of this version.
const MAGIC: &[u8] = b"gonogo-series/1 ";
/// The longest header line that is read, in bytes.
const HEADER_CAP: usize = 4096;
/// The most samples that a series may hold; more is refused by the reader, not truncated.
pub const SAMPLE_CAP: u64 = 100_000_000;
/// Tag of the end mark.
const END_MARK: u8 = 0x3f;
const SAME_STATUS: u8 = 0x40;
const WARM_UP: u8 = 0x80;
const END_MASK: u8 = 0x3f;

#[cfg(test)]
mod tests;
