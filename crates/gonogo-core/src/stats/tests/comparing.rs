use super::given::{MS, answered, due, failed, latencies, open, series, spread};
use crate::series::{LatencyHistogram, Series};
use crate::stats::buckets::{OverRange, judge_over, over_of_buckets, over_of_cumulative};
use crate::stats::compare::{Comparison, bulk_shift, compare_error_rates, compare_tails};
use crate::stats::{Assumptions, Claim, LimitOutcome};

/// `n` requests that took 20 to 40 ms, and `extra` more.
fn uneven(n: u64, extra: u64) -> Series {
    series(
        &open(10.0),
        (0..n).map(|i| answered(due(i, 10.0), 20 + i * 8 % 21 + extra)),
    )
}

#[test]
fn a_tail_is_not_worse_only_when_proven() {
    let assumptions = Assumptions::default();
    let compared = |new: &Series, margin| {
        compare_tails(&uneven(600, 0), new, 0.95, margin * MS, &assumptions).answer
    };
    assert_eq!(compared(&uneven(600, 0), 10), Comparison::NotWorse);
    assert_eq!(compared(&uneven(600, 100), 10), Comparison::Worse);
    assert_eq!(compared(&uneven(100, 1), 0), Comparison::NotProven);
    assert_eq!(compared(&uneven(20, 0), 10), Comparison::NotProven);
    assert_eq!(compared(&uneven(0, 0), 10), Comparison::NotProven);
}

#[test]
fn a_new_load_that_fails_throughout_is_worse() {
    let all_failed = series(&open(10.0), (0..600).map(|i| failed(due(i, 10.0))));
    let assumptions = Assumptions::default();
    let tails = compare_tails(&uneven(600, 0), &all_failed, 0.95, 10 * MS, &assumptions);
    assert_eq!(tails.answer, Comparison::Worse);
    assert_eq!(tails.new, None);
    let errors = compare_error_rates(&uneven(600, 0), &all_failed, 0.01, &assumptions);
    assert_eq!(errors.answer, Comparison::Worse);
    assert_eq!(bulk_shift(&uneven(600, 0), &all_failed, 0.05), None);
    // Nor does an old load that failed excuse a new one.
    let tails = compare_tails(&all_failed, &all_failed, 0.95, 10 * MS, &assumptions);
    assert_eq!(tails.answer, Comparison::NotProven);
}

#[test]
fn error_rates_are_compared_with_a_margin() {
    let assumptions = Assumptions::default();
    let errors = |k, margin| {
        let is_failed = spread(k, 1000);
        let new = series(
            &open(10.0),
            (0..1000).map(|i| {
                if is_failed(i) {
                    failed(due(i, 10.0))
                } else {
                    answered(due(i, 10.0), 20)
                }
            }),
        );
        compare_error_rates(&uneven(1000, 0), &new, margin, &assumptions).answer
    };
    assert_eq!(errors(0, 0.01), Comparison::NotWorse);
    assert_eq!(errors(10, 0.01), Comparison::NotProven);
    assert_eq!(errors(50, 0.01), Comparison::Worse);
    assert_eq!(errors(0, f64::NAN), Comparison::NotProven);
}

#[test]
fn loads_that_followed_different_schedules_are_not_comparable() {
    let other = latencies(&open(20.0), 600, |_| false);
    let compared = compare_tails(&uneven(600, 0), &other, 0.95, MS, &Assumptions::default());
    assert_eq!(compared.answer, Comparison::NotProven);
    assert!(compared.reason.starts_with("not comparable"));
}

#[test]
fn the_bulk_of_a_load_moves_by_what_was_added() {
    let moved = bulk_shift(&uneven(600, 0), &uneven(600, 5), 0.05).unwrap();
    assert!(moved.lower <= 5e6 && 5e6 <= moved.upper, "{moved:?}");
    assert!((moved.estimate - 5e6).abs() < 1e-3);
}

#[test]
fn a_bucket_that_straddles_the_limit_counts_against_the_claim() {
    let buckets = [(0.1, 90), (0.2, 96), (0.5, 99), (f64::INFINITY, 100)];
    let range = |limit| over_of_cumulative(&buckets, limit);
    let over = |at_least, at_most| {
        Some(OverRange {
            n: 100,
            at_least,
            at_most,
        })
    };
    assert_eq!(range(0.2), over(4, 4));
    assert_eq!(range(0.15), over(4, 10));
    assert_eq!(range(0.05), over(10, 100));
    assert_eq!(range(9.0), over(0, 1));
    for bad in [
        &[][..],
        &[(0.1, 5)],
        &[(f64::NAN, 5), (f64::INFINITY, 5)],
        &[(0.2, 5), (0.1, 6), (f64::INFINITY, 7)],
        &[(0.1, 5), (f64::INFINITY, 4)],
    ] {
        assert_eq!(over_of_cumulative(bad, 0.1), None);
    }
    assert_eq!(range(f64::NAN), None);
}

#[test]
fn buckets_prove_a_limit_only_if_the_straddling_one_is_counted_over() {
    let claim = Claim::Percentile {
        p: 0.95,
        max_ns: 200 * MS,
    };
    let judged = |at_least, at_most, n| {
        let range = OverRange {
            n,
            at_least,
            at_most,
        };
        judge_over(&claim, range, 1, &Assumptions::default())
    };
    assert_eq!(judged(0, 0, 60), LimitOutcome::Met);
    assert_eq!(judged(0, 1, 60), LimitOutcome::NotProven);
    assert_eq!(judged(7, 7, 60), LimitOutcome::NotMet);
    assert_eq!(judged(6, 60, 60), LimitOutcome::NotProven);
    assert_eq!(judged(0, 0, 0), LimitOutcome::NotProven);
    assert_eq!(judged(2, 1, 60), LimitOutcome::NotProven);
    assert_eq!(judged(0, 61, 60), LimitOutcome::NotProven);
}

#[test]
fn an_hdr_histogram_never_counts_fewer_over_than_there_were() {
    let load = uneven(600, 0);
    let histogram = LatencyHistogram::of(&load);
    for limit in [20 * MS, 30 * MS, 30 * MS + 7, 40 * MS] {
        let truly = load
            .judged()
            .filter(|sample| sample.latency_ns().unwrap() > limit)
            .count() as u64;
        let range = over_of_buckets(histogram.buckets(), limit).unwrap();
        assert!(range.at_least <= truly && truly <= range.at_most && range.n == 600);
    }
    assert_eq!(over_of_buckets([(5, 4, 1)], 1), None);
}
