use super::given::{
    MS, Random, answered, closed, due, failed, latencies, open, series, spread,
};
use crate::series::{End, Sample, Series, SeriesHeader};
use crate::stats::{
    Assumptions, Attempts, Claim, LimitJudgement, LimitOutcome, judge_all, judge_limit,
};
use LimitOutcome::{Met, NotMet, NotProven};

const P95: Claim = Claim::Percentile {
    p: 0.95,
    max_ns: 150 * MS,
};
const P99: Claim = Claim::Percentile {
    p: 0.99,
    max_ns: 250 * MS,
};
const ERRORS: Claim = Claim::ErrorRate { max: 0.01 };

fn judged(claim: Claim, series: &Series) -> LimitJudgement {
    judge_limit(claim, series, &Assumptions::default())
}

#[test]
fn the_sixty_rounds_of_s1_prove_their_p95_and_nothing_else() {
    let rounds = latencies(&closed(10.0), 60, |_| false);
    let judged = judge_all(&[P95, P99, ERRORS], &rounds, &Assumptions::default());

    assert_eq!(judged[0].outcome, Met);
    assert_eq!(judged[0].burst_factor, 1);
    assert!((judged[0].confidence_reached.unwrap() - 0.954).abs() < 5e-4);
    assert_eq!(
        judged[0].reason,
        "0 of 60 over 150 ms: P95 ≤ 150 ms is met at 95.4 % confidence"
    );

    assert_eq!(judged[1].outcome, NotProven);
    assert!((judged[1].confidence_reached.unwrap() - 0.453).abs() < 5e-4);
    assert_eq!(judged[1].needs.unwrap().more_requests, 239);
    assert_eq!(judged[1].upper, None);

    assert_eq!(judged[2].outcome, NotProven);
    assert!((judged[2].upper.unwrap() - 0.0487).abs() < 5e-5);
    assert_eq!(judged[2].needs.unwrap().total, 299);
}

#[test]
fn the_three_zones_are_those_of_the_binomial() {
    let zones = [
        (60, P95, 0, 7),
        (1000, P99, 4, 16),
        (2546, P99, 17, 35),
    ];
    for (n, claim, most_met, least_refuted) in zones {
        for k in 0..least_refuted + 3 {
            let outcome = judged(claim, &latencies(&open(10.0), n, spread(k, n))).outcome;
            let expected = if k <= most_met {
                Met
            } else if k < least_refuted {
                NotProven
            } else {
                NotMet
            };
            assert_eq!(outcome, expected, "{k} of {n}");
        }
    }
}
