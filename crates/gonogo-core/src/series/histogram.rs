//! Latencies as an HDR histogram: small, mergeable over threads, agents and runs.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

use super::{End, Sample, Series};

/// The finest difference that is kept, in nanoseconds.
const LOW_NS: u64 = 1_000;
/// The longest latency that is kept apart; failed requests are counted here, since they count as endless.
const HIGH_NS: u64 = 3_600_000_000_000;
/// Significant decimal digits.
const DIGITS: u8 = 3;
/// Bytes before the counts in the V2 encoding.
const PREAMBLE: usize = 40;

/// Why bytes are not one of our histograms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("latency histogram: {reason}")]
pub struct HistogramError {
    /// What is wrong.
    pub reason: String,
}

/// Latencies of judged requests, to three digits, from a microsecond to an hour.
///
/// Failed, timed-out and never-sent requests are counted at the top (an hour), as they count as endless; so no
/// quantile read from it flatters. It serves drawing and joining: limits are judged from the samples, and where only a
/// histogram is at hand, a bucket that straddles the limit counts as over ([`crate::stats::buckets`]).
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyHistogram {
    histogram: Histogram<u64>,
}

impl LatencyHistogram {
    /// An empty one.
    pub fn new() -> LatencyHistogram {
        LatencyHistogram {
            histogram: Histogram::new_with_bounds(LOW_NS, HIGH_NS, DIGITS)
                .expect("invariant: the bounds are constants that hdrhistogram accepts"),
        }
    }

    /// The judged samples' latencies from their due times.
    pub fn of(series: &Series) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        series.judged().for_each(|sample| histogram.add(&sample));
        histogram
    }

    /// Counts one sample's latency; whether it is warm-up is the caller's to ask.
    pub fn add(&mut self, sample: &Sample) {
        let latency = match (sample.end(), sample.latency_ns()) {
            (End::Ok, Some(latency)) => latency,
            _ => HIGH_NS,
        };
        self.histogram.saturating_record(latency.min(HIGH_NS));
    }

    /// Adds all counts of another.
    pub fn merge(&mut self, other: &LatencyHistogram) {
        self.histogram
            .add(&other.histogram)
            .expect("invariant: both have the same constant bounds");
    }

    /// How many requests were counted.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Its non-empty buckets in order: lowest and highest latency in nanoseconds that it stands for, and its count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.histogram.iter_recorded().map(|bucket| {
            let value = bucket.value_iterated_to();
            (
                self.histogram.lowest_equivalent(value),
                self.histogram.highest_equivalent(value),
                bucket.count_at_value(),
            )
        })
    }

    /// The latency in nanoseconds below or at which a share `quantile` of the requests lies, to the histogram's
    /// digits; for drawing only.
    pub fn value_at(&self, quantile: f64) -> u64 {
        if quantile.is_nan() {
            return HIGH_NS;
        }
        self.histogram.value_at_quantile(quantile)
    }

    /// The blob: HdrHistogram's V2 encoding, uncompressed, so that its bytes do not depend on a compressor.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&self.histogram, &mut bytes)
            .expect("invariant: writing to memory does not fail, and the bounds fit the format");
        bytes
    }

    /// Reads a blob back. Only what [`LatencyHistogram::to_bytes`] writes is accepted: the same bounds and digits, no
    /// byte more.
    pub fn from_bytes(bytes: &[u8]) -> Result<LatencyHistogram, HistogramError> {
        let bad = |reason: String| HistogramError { reason };
        let empty = LatencyHistogram::new().to_bytes();
        // Cookie, then after the payload length: offset, digits, bounds and ratio must be ours before memory is taken.
        let same = |from, to| bytes.get(from..to) == empty.get(from..to);
        if bytes.len() < PREAMBLE || !same(0, 4) || !same(8, PREAMBLE) {
            return Err(bad("not a V2 histogram of ours".to_owned()));
        }
        let payload = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize;
        if payload != bytes.len() - PREAMBLE {
            return Err(bad("torn, or longer than it says".to_owned()));
        }
        // No count needs more than seven bytes; longer ones could overflow in the decoder.
        if bytes[PREAMBLE..]
            .windows(7)
            .any(|run| run.iter().all(|byte| byte & 0x80 != 0))
        {
            return Err(bad("a count out of range".to_owned()));
        }
        let histogram: Histogram<u64> = Deserializer::new()
            .deserialize(&mut &bytes[..])
            .map_err(|error| bad(error.to_string()))?;
        let read = LatencyHistogram { histogram };
        if read.to_bytes() == bytes {
            Ok(read)
        } else {
            Err(bad("not as it is written".to_owned()))
        }
    }
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        LatencyHistogram::new()
    }
}
