use proptest::prelude::*;

use super::{
    Arrivals, End, LatencyHistogram, Model, Sample, Series, SeriesBuilder, SeriesError,
    SeriesHeader, to_csv,
};

fn header() -> SeriesHeader {
    SeriesHeader {
        model: Model::Open {
            arrivals: Arrivals::Constant,
        },
        planned_rate: Some(50.0),
        started_at_ms: 1_800_000_000_000,
        warm_up: u64::MAX,
        timeout_ns: 30_000_000_000,
    }
}

fn written(header: &SeriesHeader, samples: &[Sample]) -> Series {
    let mut builder = SeriesBuilder::new(header).unwrap();
    for sample in samples {
        builder.push(*sample);
    }
    builder.into_series().unwrap()
}

fn a_few() -> Series {
    written(
        &header(),
        &[
            Sample::ended(0, 10, 5_000_010, 200, End::Ok).warming_up(),
            Sample::ended(40_000_000, 40_000_200, 47_000_000, 200, End::Ok),
            Sample::ended(20_000_000, 20_000_000, 60_000_000, 503, End::BadStatus),
            Sample::ended(60_000_000, 60_000_000, 90_000_000, 0, End::TimedOut),
            Sample::never_sent(80_000_000),
        ],
    )
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let offset = prop_oneof![0..1u64 << 40, 0..=i64::MAX as u64];
    let end = proptest::sample::select(End::all().to_vec());
    (
        offset,
        0..1u64 << 50,
        0..1u64 << 50,
        any::<u16>(),
        end,
        any::<bool>(),
    )
        .prop_map(|(due, lag, service, status, end, warm_up)| {
            let sample = if end == End::NeverSent {
                Sample::never_sent(due)
            } else {
                Sample::ended(due, due + lag, due + lag + service, status, end)
            };
            if warm_up { sample.warming_up() } else { sample }
        })
}

fn any_header() -> impl Strategy<Value = SeriesHeader> {
    let rate = (1e-6f64..1e9).prop_map(Some);
    let model = prop_oneof![
        Just(Model::Open {
            arrivals: Arrivals::Constant
        }),
        any::<u64>().prop_map(|seed| Model::Open {
            arrivals: Arrivals::Poisson { seed }
        }),
        (1..u32::MAX).prop_map(|users| Model::Closed { users }),
    ];
    (model, rate, any::<i64>(), any::<u64>()).prop_map(
        |(model, planned_rate, started_at_ms, timeout_ns)| SeriesHeader {
            model,
            planned_rate,
            started_at_ms,
            warm_up: u64::MAX,
            timeout_ns,
        },
    )
}

proptest! {
    #[test]
    fn what_was_written_is_read_back(
        header in any_header(),
        samples in proptest::collection::vec(any_sample(), 0..60),
    ) {
        let series = written(&header, &samples);
        prop_assert_eq!(series.header(), &header);
        prop_assert_eq!(series.samples().collect::<Vec<_>>(), samples);
        let again = Series::read(series.as_bytes().to_vec()).unwrap();
        prop_assert_eq!(again, series);
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic(
        tail in proptest::collection::vec(any::<u8>(), 0..200),
        place in any::<proptest::sample::Index>(),
    ) {
        prop_assert!(Series::read(tail.clone()).is_err());
        let sound = a_few().as_bytes().to_vec();
        let mut spliced = sound.clone();
        spliced.truncate(place.index(sound.len()));
        spliced.extend(tail);
        if let Ok(series) = Series::read(spliced.clone()) {
            prop_assert_eq!(series.samples().count() as u64, series.count());
            prop_assert_eq!(series.as_bytes(), &spliced);
        }
    }

    #[test]
    fn a_histogram_of_garbage_is_an_error_and_never_a_panic(
        tail in proptest::collection::vec(any::<u8>(), 0..100),
        keep in 0usize..48,
    ) {
        let mut bytes = LatencyHistogram::of(&a_few()).to_bytes();
        bytes.truncate(keep);
        bytes.extend(tail);
        if let Ok(histogram) = LatencyHistogram::from_bytes(&bytes) {
            prop_assert_eq!(histogram.to_bytes(), bytes);
        }
    }
}

#[test]
fn the_same_samples_have_one_encoding_only() {
    let sound = a_few();
    for at in 0..sound.as_bytes().len() {
        for bit in 0..8 {
            let mut flipped = sound.as_bytes().to_vec();
            flipped[at] ^= 1 << bit;
            if let Ok(other) = Series::read(flipped) {
                let same = other.header() == sound.header() && other.samples().eq(sound.samples());
                assert!(!same, "byte {at} bit {bit} means nothing");
            }
        }
    }
}

#[test]
fn a_series_cut_anywhere_is_refused_and_so_is_one_with_a_byte_too_many() {
    let sound = a_few().as_bytes().to_vec();
    for length in 0..sound.len() {
        assert!(Series::read(sound[..length].to_vec()).is_err(), "{length}");
    }
    let mut longer = sound.clone();
    longer.push(0);
    assert_eq!(
        Series::read(longer).unwrap_err().to_string(),
        "sample series: end: there are bytes after the end mark"
    );
}

#[test]
fn a_header_that_cannot_mean_anything_is_refused() {
    let bad = [
        SeriesHeader {
            planned_rate: None,
            ..header()
        },
        SeriesHeader {
            planned_rate: Some(f64::NAN),
            ..header()
        },
        SeriesHeader {
            planned_rate: Some(f64::INFINITY),
            ..header()
        },
        SeriesHeader {
            planned_rate: Some(0.0),
            ..header()
        },
        SeriesHeader {
            model: Model::Closed { users: 0 },
            ..header()
        },
    ];
    for header in bad {
        assert!(SeriesBuilder::new(&header).is_err(), "{header:?}");
    }
    let text = String::from_utf8_lossy(written(&header(), &[]).as_bytes()).into_owned();
    for (from, to) in [
        ("\"50\"", "\"NaN\""),
        ("\"50\"", "\"inf\""),
        ("\"50\"", "\"50.0\""),
        ("\"50\"", "50"),
        ("series/1", "series/2"),
        ("\"warm_up\"", "\"extra\":1,\"warm_up\""),
        ("{\"model\"", "{ \"model\""),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert!(Series::read(changed.into_bytes()).is_err(), "{to}");
    }
}

#[test]
fn more_warm_up_than_declared_is_refused() {
    let header = SeriesHeader {
        warm_up: 1,
        ..header()
    };
    let mut builder = SeriesBuilder::new(&header).unwrap();
    builder.push(Sample::never_sent(0).warming_up());
    builder.push(Sample::never_sent(1).warming_up());
    assert!(matches!(
        builder.into_series(),
        Err(SeriesError::Tail { .. })
    ));
}

#[test]
fn a_series_may_be_flushed_while_it_grows() {
    let whole = a_few();
    let mut builder = SeriesBuilder::with_capacity(whole.header(), 10).unwrap();
    let mut blob = Vec::new();
    for sample in whole.samples() {
        builder.push(sample);
        builder.flush_to(&mut blob).unwrap();
        assert_eq!(builder.pending(), 0);
    }
    assert_eq!(builder.count(), 5);
    assert!(builder.clone().into_series().is_err());
    blob.extend(builder.finish());
    assert_eq!(Series::read(blob).unwrap(), whole);
}

#[test]
fn a_merged_series_is_ordered_by_due_time_on_the_earliest_clock() {
    let header = |started_at_ms, warm_up| SeriesHeader {
        started_at_ms,
        warm_up,
        ..header()
    };
    let one = written(&header(1000, 1), &[Sample::never_sent(5).warming_up()]);
    let two = written(
        &header(1001, 2),
        &[
            Sample::ended(30, 31, 32, 200, End::Ok),
            Sample::ended(3, 4, 5, 200, End::Ok),
        ],
    );
    let merged = Series::merge(&[two.clone(), one.clone()]).unwrap();
    let due: Vec<u64> = merged.samples().map(|sample| sample.due_ns()).collect();
    assert_eq!(due, [5, 1_000_003, 1_000_030]);
    assert_eq!(merged.header().planned_rate, Some(100.0));
    assert_eq!((merged.header().warm_up, merged.warm_up_count()), (3, 1));
    assert_eq!(merged.header().started_at_ms, 1000);

    let closed = SeriesHeader {
        model: Model::Closed { users: 2 },
        planned_rate: None,
        ..header(1000, 0)
    };
    let closed = written(&closed, &[]);
    assert!(Series::merge(&[one.clone(), closed.clone()]).is_err());
    assert!(Series::merge(&[]).is_err());
    let users = Series::merge(&[closed.clone(), closed]).unwrap();
    assert_eq!(users.header().model, Model::Closed { users: 4 });
}

#[test]
fn samples_are_written_as_csv() {
    let mut csv = Vec::new();
    to_csv(&a_few(), &mut csv).unwrap();
    assert_eq!(
        String::from_utf8(csv).unwrap(),
        "due_ns,sent_ns,latency_ns,service_ns,status,end,warm_up\n\
         0,10,5000010,5000000,200,ok,true\n\
         20000000,20000000,40000000,40000000,503,bad_status,false\n\
         40000000,40000200,7000000,6999800,200,ok,false\n\
         60000000,60000000,30000000,30000000,,timed_out,false\n\
         80000000,,,,,never_sent,false\n"
    );
}

#[test]
fn a_clock_ahead_of_its_schedule_is_no_lag() {
    let early = Sample::ended(1000, 900, 2000, 200, End::Ok);
    assert_eq!((early.lag_ns(), early.service_ns()), (Some(0), Some(1100)));
    let sent = Sample::ended(0, 0, 1, 0, End::NeverSent);
    assert_eq!(sent.end(), End::Other);
}

#[test]
fn a_histogram_counts_failures_at_the_top_and_leaves_warm_up_out() {
    let histogram = LatencyHistogram::of(&a_few());
    assert_eq!(histogram.count(), 4);
    let buckets: Vec<_> = histogram.buckets().collect();
    assert_eq!(buckets.len(), 2);
    assert!(buckets[0].0 <= 7_000_000 && 7_000_000 <= buckets[0].1 && buckets[0].2 == 1);
    assert!(buckets[1].1 >= 3_600_000_000_000 && buckets[1].2 == 3);
    assert!(histogram.value_at(0.5) >= 3_600_000_000_000);
}

#[test]
fn histograms_merge_and_read_back() {
    let one = LatencyHistogram::of(&a_few());
    let mut both = one.clone();
    both.merge(&one);
    assert_eq!(both.count(), 8);
    let bytes = both.to_bytes();
    assert_eq!(LatencyHistogram::from_bytes(&bytes).unwrap(), both);
    for length in 0..bytes.len() {
        assert!(LatencyHistogram::from_bytes(&bytes[..length]).is_err());
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(LatencyHistogram::from_bytes(&longer).is_err());
}

#[test]
fn a_series_of_a_hundred_thousand_takes_about_ten_bytes_each() {
    let mut builder = SeriesBuilder::new(&header()).unwrap();
    for i in 0..100_000u64 {
        let due = i * 20_000_000;
        builder.push(Sample::ended(
            due,
            due + 15_000,
            due + 3_015_000,
            200,
            End::Ok,
        ));
    }
    let series = builder.into_series().unwrap();
    assert!(series.as_bytes().len() < 1_300_000);
}
