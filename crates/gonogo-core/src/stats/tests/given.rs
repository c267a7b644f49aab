//! Series to judge, and a small seeded generator (splitmix64) for simulations.

use crate::series::{Arrivals, End, Model, Sample, Series, SeriesBuilder, SeriesHeader};

pub(super) const MS: u64 = 1_000_000;

pub(super) fn open(rate: f64) -> SeriesHeader {
    SeriesHeader {
        model: Model::Open {
            arrivals: Arrivals::Constant,
        },
        planned_rate: Some(rate),
        started_at_ms: 1_800_000_000_000,
        warm_up: 0,
        timeout_ns: 30_000 * MS,
    }
}

/// One user, paced.
pub(super) fn closed(rate: f64) -> SeriesHeader {
    SeriesHeader {
        model: Model::Closed { users: 1 },
        ..open(rate)
    }
}

pub(super) fn series(header: &SeriesHeader, samples: impl IntoIterator<Item = Sample>) -> Series {
    let mut builder = SeriesBuilder::new(header).unwrap();
    for sample in samples {
        builder.push(sample);
    }
    builder.into_series().unwrap()
}

pub(super) fn due(index: u64, rate: f64) -> u64 {
    (index as f64 * 1e9 / rate).round() as u64
}

/// A sample that was sent on time and answered after `ms`.
pub(super) fn answered(due_ns: u64, ms: u64) -> Sample {
    Sample::ended(due_ns, due_ns, due_ns + ms * MS, 200, End::Ok)
}

/// A sample that was sent on time and answered 500 after 20 ms.
pub(super) fn failed(due_ns: u64) -> Sample {
    Sample::ended(due_ns, due_ns, due_ns + 20 * MS, 500, End::BadStatus)
}

/// `n` requests at `rate`, those for which `slow` holds in a second, the others in 20 ms.
pub(super) fn latencies(header: &SeriesHeader, n: u64, slow: impl Fn(u64) -> bool) -> Series {
    let rate = header.planned_rate.unwrap();
    series(
        header,
        (0..n).map(|i| answered(due(i, rate), if slow(i) { 1000 } else { 20 })),
    )
}

/// `k` of `n` spread evenly.
pub(super) fn spread(k: u64, n: u64) -> impl Fn(u64) -> bool {
    move |i| (i + 1) * k / n != i * k / n
}

/// splitmix64 (Steele, Lea, Flood 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
