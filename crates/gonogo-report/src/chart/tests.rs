use proptest::prelude::*;

use super::*;
use crate::fixtures::loaded;

fn drawn(drawn: &Distribution, limits: &[LimitJudged]) -> String {
    let mut svg = Markup::html();
    draw(&mut svg, "x", drawn, limits);
    svg.into_text()
}

#[test]
fn limits_and_bounds_are_drawn_with_their_words() {
    let check = loaded("snapstats", 2_600, 50.0, |_| 1.0);
    let svg = drawn(check.distribution.as_ref().unwrap(), &check.limits);
    assert_eq!(svg.matches("class=\"limit ").count(), 2);
    assert!(svg.contains("limit p95: 150ms") && svg.contains("limit p99: 250ms"));
    assert!(svg.contains("latency (logarithmic)") && svg.contains("requests (logarithmic)"));
    assert!(svg.contains(", bound "));
    assert!(svg.contains("<title id=\"x-t\">Latency of 2600 requests</title>"));
}

#[test]
fn a_bound_that_there_is_not_is_said() {
    let check = loaded("snapstats", 60, 10.0, |_| 1.0);
    let svg = drawn(check.distribution.as_ref().unwrap(), &check.limits);
    assert!(svg.contains("no upper bound"));
}

#[test]
fn requests_without_an_answer_have_a_bar_of_their_own() {
    let check = loaded(
        "snapstats",
        600,
        10.0,
        |i| if i % 50 == 0 { 0.0 } else { 1.0 },
    );
    let svg = drawn(check.distribution.as_ref().unwrap(), &check.limits);
    assert!(svg.contains("class=\"lost\"") && svg.contains("no answer"));
}

#[test]
fn nothing_answered_draws_nothing() {
    let check = loaded("snapstats", 20, 10.0, |_| 0.0);
    assert_eq!(
        drawn(check.distribution.as_ref().unwrap(), &check.limits),
        ""
    );
}

proptest! {
    #[test]
    fn every_coordinate_is_a_number_inside_the_picture(
        edges in proptest::collection::btree_set(1i64..i64::MAX, 1..40),
        counts in proptest::collection::vec(0u64..u64::MAX, 40),
        unanswered in any::<u64>(),
    ) {
        let mut check = loaded("snapstats", 100, 10.0, |_| 1.0);
        let distribution = check.distribution.as_mut().unwrap();
        distribution.buckets = edges.into_iter().zip(counts).collect();
        distribution.unanswered = unanswered;
        let svg = drawn(distribution, &check.limits);
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
        for name in [" x1=\"", " x2=\"", " y1=\"", " x=\"", " y=\"", " cx=\""] {
            for rest in svg.split(name).skip(1) {
                let at: f64 = rest.split('"').next().unwrap().parse().unwrap();
                prop_assert!((0.0..=WIDTH).contains(&at), "{}{}", name, at);
            }
        }
    }
}

#[test]
fn the_logarithm_is_the_logarithm() {
    for value in [1.0, 1.5, 2.0, 10.0, 12_345.678, 1e9, 9.2e18] {
        let x = axis::Times::between(1.0, 1e19, 0.0, 1.0).x(value);
        assert!((x - value.log10() / 19.0).abs() < 1e-9, "{value}");
    }
}
