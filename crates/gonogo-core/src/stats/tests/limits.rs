use std::fmt::Write as _;

use super::given::{MS, Random, answered, closed, due, failed, latencies, open, series, spread};
use crate::series::{End, Model, Sample, Series, SeriesHeader};
use crate::stats::{
    Assumptions, Attempts, Claim, LimitJudgement, LimitOutcome, SequentialLook, describe,
    judge_all, judge_limit, nearest_rank,
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
    let zones = [(60, P95, 0, 7), (1000, P99, 4, 16), (2546, P99, 17, 35)];
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

#[test]
fn a_load_without_samples_proves_nothing() {
    let empty = series(&open(10.0), []);
    let only_warm_up = series(
        &SeriesHeader {
            warm_up: 100,
            ..open(10.0)
        },
        (0..100).map(|i| answered(due(i, 10.0), 20).warming_up()),
    );
    for nothing in [empty, only_warm_up] {
        for claim in [P95, P99, ERRORS, Claim::Rate { min: 1.0 }] {
            let judgement = judged(claim, &nothing);
            assert_eq!(judgement.outcome, NotProven);
            assert_eq!(judgement.reason, "no samples");
        }
    }
}

#[test]
fn what_is_no_number_proves_nothing() {
    let clean = latencies(&open(10.0), 1000, |_| false);
    let broken = latencies(&open(10.0), 1000, |_| true);
    let claims = [
        Claim::Percentile {
            p: f64::NAN,
            max_ns: 250 * MS,
        },
        Claim::Percentile {
            p: 0.0,
            max_ns: 250 * MS,
        },
        Claim::Percentile {
            p: 1.0,
            max_ns: 250 * MS,
        },
        Claim::Percentile {
            p: f64::INFINITY,
            max_ns: 250 * MS,
        },
        Claim::ErrorRate { max: f64::NAN },
        Claim::ErrorRate { max: f64::INFINITY },
        Claim::ErrorRate { max: 0.0 },
        Claim::ErrorRate { max: -1.0 },
        Claim::ErrorRate { max: 1.0 },
        Claim::Rate { min: f64::NAN },
        Claim::Rate { min: 0.0 },
        Claim::Rate { min: f64::INFINITY },
    ];
    for sequential in [false, true] {
        for claim in claims {
            for load in [&clean, &broken] {
                let assumptions = Assumptions {
                    sequential,
                    ..Assumptions::default()
                };
                assert_eq!(
                    judge_limit(claim, load, &assumptions).outcome,
                    NotProven,
                    "{claim:?}"
                );
            }
        }
        for confidence in [f64::NAN, 0.0, 1.0, 2.0, -1.0, f64::INFINITY] {
            for claim in [P95, ERRORS, Claim::Rate { min: 5.0 }] {
                let assumptions = Assumptions {
                    confidence,
                    sequential,
                    ..Assumptions::default()
                };
                assert_eq!(judge_limit(claim, &clean, &assumptions).outcome, NotProven);
            }
        }
    }
}

#[test]
fn requests_without_a_good_answer_are_endless_and_errors() {
    let ends = [
        Sample::ended(0, 0, MS, 500, End::BadStatus),
        Sample::ended(0, 0, MS, 0, End::TimedOut),
        Sample::ended(0, 0, MS, 0, End::Connect),
        Sample::ended(0, 0, MS, 200, End::Broken),
        Sample::never_sent(0),
    ];
    for end in ends {
        let load = series(
            &closed(10.0),
            (0..60).map(|i| {
                if i == 0 {
                    end
                } else {
                    answered(due(i, 10.0), 20)
                }
            }),
        );
        let [p95, errors] = [P95, ERRORS].map(|claim| judged(claim, &load));
        assert_eq!(
            (p95.outcome, p95.over, p95.failed),
            (NotProven, 1, 1),
            "{end:?}"
        );
        assert_eq!(errors.over, 1);
        // Even a limit that no clock could reach does not swallow a failure.
        let endless = judged(
            Claim::Percentile {
                p: 0.95,
                max_ns: u64::MAX,
            },
            &load,
        );
        assert_eq!((endless.outcome, endless.over), (NotProven, 1));
    }
}

#[test]
fn warm_up_is_not_judged() {
    let header = SeriesHeader {
        warm_up: 10,
        ..open(10.0)
    };
    let load = series(
        &header,
        (0..70).map(|i| {
            let sample = answered(due(i, 10.0), if i < 10 { 900 } else { 20 });
            if i < 10 { sample.warming_up() } else { sample }
        }),
    );
    let judgement = judged(P95, &load);
    assert_eq!(
        (judgement.outcome, judgement.n, judgement.over),
        (Met, 60, 0)
    );
}

#[test]
fn error_rates_have_three_zones_too() {
    let load = |k: u64| {
        let bad = spread(k, 1000);
        series(
            &open(10.0),
            (0..1000).map(|i| {
                if bad(i) {
                    failed(due(i, 10.0))
                } else {
                    answered(due(i, 10.0), 20)
                }
            }),
        )
    };
    for (k, expected) in [
        (0, Met),
        (4, Met),
        (5, NotProven),
        (15, NotProven),
        (16, NotMet),
    ] {
        let judgement = judged(ERRORS, &load(k));
        assert_eq!(judgement.outcome, expected, "{k}");
        let (lower, upper) = (judgement.lower.unwrap(), judgement.upper.unwrap());
        assert_eq!(upper < 0.01, expected == Met);
        assert_eq!(lower >= 0.01, expected == NotMet);
    }
}

#[test]
fn a_clean_load_counts_neighbours_within_the_correlation_time_once() {
    let clean = |n| judged(P99, &latencies(&open(100.0), n, |_| false));
    let short = clean(2989);
    assert_eq!((short.outcome, short.burst_factor), (NotProven, 10));
    assert_eq!(short.needs.unwrap().more_requests, 1);
    assert_eq!(clean(2990).outcome, Met);
    assert!(
        clean(2990)
            .assumptions
            .iter()
            .any(|said| said.contains("10 neighbours")),
        "{:?}",
        clean(2990).assumptions
    );
}

#[test]
fn one_failure_more_never_turns_unproven_into_met() {
    for n in [299, 600, 1500, 2900, 3000, 4000] {
        let mut met_before = true;
        for k in 0..12 {
            let met = judged(P99, &latencies(&open(100.0), n, spread(k, n))).outcome == Met;
            assert!(met_before || !met, "{k} of {n}");
            met_before = met;
        }
    }
}

#[test]
fn failures_in_bursts_prove_less_than_scattered_ones() {
    let scattered = judged(P99, &latencies(&open(10.0), 2546, spread(12, 2546)));
    let burst = judged(
        P99,
        &latencies(&open(10.0), 2546, |i| (900..912).contains(&i)),
    );
    assert_eq!((scattered.outcome, burst.outcome), (Met, NotProven));
    assert!(burst.deff > 5.0 && burst.effective_n < 500.0);
    assert!(burst.reason.contains("bursts"), "{}", burst.reason);
}

#[test]
fn the_bounds_of_a_percentile_agree_with_its_outcome() {
    let mut random = Random(7);
    for n in [60, 200, 1000, 3000] {
        let times: Vec<u64> = (0..n)
            .map(|_| 20 + (random.share() * 100.0) as u64)
            .collect();
        let load = series(
            &open(20.0),
            times
                .iter()
                .enumerate()
                .map(|(i, ms)| answered(due(i as u64, 20.0), *ms)),
        );
        for p in [0.5, 0.95, 0.99] {
            for limit in [40, 69, 70, 71, 90, 112, 115, 118, 119, 125] {
                let judgement = judged(
                    Claim::Percentile {
                        p,
                        max_ns: limit * MS,
                    },
                    &load,
                );
                let limit = (limit * MS) as f64;
                let by_upper = judgement.upper.is_some_and(|bound| bound <= limit);
                let by_lower = judgement.lower.is_some_and(|bound| bound > limit);
                assert_eq!(judgement.outcome == Met, by_upper, "{judgement:?}");
                assert_eq!(judgement.outcome == NotMet, by_lower, "{judgement:?}");
            }
        }
    }
}

#[test]
fn a_generator_that_missed_its_rate_proves_nothing() {
    let rate = 10.0;
    let unsent = series(
        &open(rate),
        (0..1000).map(|i| {
            if i < 980 {
                answered(due(i, rate), 20)
            } else {
                Sample::never_sent(due(i, rate))
            }
        }),
    );
    let slow = series(
        &open(rate),
        (0..1000).map(|i| answered(due(i, rate * 0.98), 20)),
    );
    for load in [unsent, slow] {
        for claim in [P95, ERRORS, Claim::Rate { min: 5.0 }] {
            let judgement = judged(claim, &load);
            assert_eq!(judgement.outcome, NotProven);
            assert!(
                judgement.reason.starts_with("generator saturated"),
                "{}",
                judgement.reason
            );
        }
    }
}

/// One request in `every` is sent so late; all are answered in `took_ms`.
fn lagging(header: &SeriesHeader, every: u64, lag_ms: u64, took_ms: u64) -> Series {
    series(
        header,
        (0..1000).map(|i| {
            let due_ns = due(i, 10.0);
            let sent = due_ns + if i % every == 0 { lag_ms * MS } else { 0 };
            Sample::ended(due_ns, sent, sent + took_ms * MS, 200, End::Ok)
        }),
    )
}

#[test]
fn a_generator_that_lags_is_not_taken_for_a_slow_target() {
    let short = Claim::Percentile {
        p: 0.95,
        max_ns: 20 * MS,
    };
    for (every, lag_ms, outcome) in [(50, 6, NotProven), (50, 3, NotProven), (200, 6, NotMet)] {
        let load = lagging(&open(10.0), every, lag_ms, 30);
        assert_eq!(judged(short, &load).outcome, outcome, "{every} {lag_ms}");
    }
    assert_eq!(
        judged(P95, &lagging(&open(10.0), 50, 3, 200)).outcome,
        NotMet
    );
}

#[test]
fn a_limit_that_is_met_in_spite_of_the_generators_lag_is_met_and_says_so() {
    let judgement = judged(P95, &lagging(&open(10.0), 50, 6, 10));
    assert_eq!(judgement.outcome, Met);
    assert!(
        judgement
            .assumptions
            .iter()
            .any(|a| a.contains("late itself"))
    );
    // Several users that start late are fewer at a time than was promised.
    let users = SeriesHeader {
        model: Model::Closed { users: 4 },
        ..open(10.0)
    };
    assert_eq!(judged(P95, &lagging(&users, 50, 6, 10)).outcome, NotProven);
}

#[test]
fn a_load_that_met_the_rate_limiter_says_so() {
    let load = series(
        &open(10.0),
        (0..1000).map(|i| {
            if i == 500 {
                Sample::ended(
                    due(i, 10.0),
                    due(i, 10.0),
                    due(i, 10.0) + MS,
                    429,
                    End::BadStatus,
                )
            } else {
                answered(due(i, 10.0), 20)
            }
        }),
    );
    for sequential in [false, true] {
        let assumptions = Assumptions {
            sequential,
            ..Assumptions::default()
        };
        for judgement in judge_all(
            &[P95, P99, ERRORS, Claim::Rate { min: 1.0 }],
            &load,
            &assumptions,
        ) {
            assert_eq!(judgement.outcome, NotProven);
            assert!(judgement.reason.contains("429"), "{}", judgement.reason);
        }
    }
}

#[test]
fn a_closed_model_is_judged_by_its_service_time_and_says_so() {
    let late = |header: &SeriesHeader| {
        series(
            header,
            (0..60).map(|i| {
                let due_ns = due(i, 10.0);
                Sample::ended(due_ns, due_ns + 4 * MS, due_ns + 152 * MS, 200, End::Ok)
            }),
        )
    };
    assert_eq!(judged(P95, &late(&open(10.0))).outcome, NotMet);
    let judgement = judged(P95, &late(&closed(10.0)));
    assert_eq!(judgement.outcome, Met);
    assert!(
        judgement
            .assumptions
            .iter()
            .any(|said| said.contains("service times with 1 user"))
    );
}

#[test]
fn short_loads_and_uncounted_attempts_are_printed() {
    let load = latencies(&closed(10.0), 60, |_| false);
    let assumptions = Assumptions {
        attempts: Attempts::Unknown,
        ..Assumptions::default()
    };
    let judgement = judge_limit(P95, &load, &assumptions);
    assert_eq!(judgement.outcome, Met);
    let said = judgement.assumptions.join("\n");
    assert!(said.contains("attempt unknown"), "{said}");
    assert!(
        said.contains("the load lasted 6 s, less than 1 min"),
        "{said}"
    );
    let second = Assumptions {
        attempts: Attempts::Rerun(2),
        ..Assumptions::default()
    };
    assert_eq!(judge_limit(P95, &load, &second).outcome, NotProven);
}

#[test]
fn an_achieved_rate_is_proven_only_by_a_load_that_offers_more() {
    let steady = latencies(&open(50.0), 3000, |_| false);
    let rate = |min| judged(Claim::Rate { min }, &steady);
    assert_eq!(rate(48.0).outcome, Met);
    assert_eq!(rate(50.0).outcome, NotProven);
    assert!(
        rate(50.0).reason.contains("offer at least 50.6/s"),
        "{}",
        rate(50.0).reason
    );
    // A target that manages half of what is offered: the backlog grows.
    let slow = series(
        &open(50.0),
        (0..3000).map(|i| {
            let due_ns = due(i, 50.0);
            Sample::ended(due_ns, due_ns, due(i, 25.0) + 20 * MS, 200, End::Ok)
        }),
    );
    assert_eq!(judged(Claim::Rate { min: 40.0 }, &slow).outcome, NotMet);
    // One that stops answering half-way.
    let half = series(
        &open(50.0),
        (0..3000).map(|i| {
            if i < 1500 {
                answered(due(i, 50.0), 20)
            } else {
                failed(due(i, 50.0))
            }
        }),
    );
    assert_ne!(judged(Claim::Rate { min: 40.0 }, &half).outcome, Met);
    let closed_model = series(&closed(10.0), (0..10).map(|i| answered(due(i, 10.0), 20)));
    assert_eq!(
        judged(Claim::Rate { min: 1.0 }, &closed_model).outcome,
        NotProven
    );
}

#[test]
fn what_is_needed_is_enough_and_one_less_is_not() {
    for (k, n, rate, sequential) in [
        (0, 60, 10.0, false),
        (3, 300, 10.0, false),
        (2, 500, 50.0, false),
        (0, 60, 10.0, true),
        (5, 300, 30.0, true),
    ] {
        let assumptions = Assumptions {
            sequential,
            ..Assumptions::default()
        };
        let slow = spread(k, n);
        let judge = |total: u64| {
            judge_limit(
                P99,
                &latencies(&open(rate), total, |i| i < n && slow(i)),
                &assumptions,
            )
        };
        let needs = judge(n).needs.unwrap();
        assert_eq!(needs.total, n + needs.more_requests);
        assert!((needs.seconds_at_rate.unwrap() - needs.more_requests as f64 / rate).abs() < 1e-9);
        if k == 0 || sequential {
            assert_eq!(judge(needs.total).outcome, Met);
            assert_eq!(judge(needs.total - 1).outcome, NotProven);
        }
    }
}

#[test]
fn a_look_says_at_every_moment_what_the_judge_would() {
    let mut random = Random(3);
    for (rate, share) in [(10.0, 0.0), (10.0, 0.02), (100.0, 0.2), (30.0, 0.01)] {
        let header = open(rate);
        let claims = [P95, P99, ERRORS, Claim::Rate { min: 1.0 }];
        let mut look = SequentialLook::new(&claims, &header, &Assumptions::default());
        let mut other = look.clone();
        let mut samples = Vec::new();
        for i in 0..1200 {
            let slow = random.share() < share;
            let sample = answered(due(i, rate), if slow { 1000 } else { 20 });
            samples.push(sample);
            if i % 2 == 0 {
                look.add(&sample);
            } else {
                other.add(&sample);
            }
            if i % 97 == 0 {
                let mut both = look.clone();
                both.absorb(&other);
                let assumptions = Assumptions {
                    sequential: true,
                    ..Assumptions::default()
                };
                let load = series(&header, samples.iter().copied());
                let judged: Vec<_> = judge_all(&claims, &load, &assumptions)
                    .into_iter()
                    .map(|judgement| judgement.outcome)
                    .collect();
                let looked = both.outcomes();
                assert_eq!(
                    looked[..3],
                    judged[..3].iter().copied().map(Some).collect::<Vec<_>>()
                );
                assert_eq!(looked[3], None);
                assert_eq!(both.is_decided(), !judged[..3].contains(&NotProven));
            }
        }
    }
}

#[test]
fn a_judgement_reads_back_from_json() {
    let judgement = judged(P99, &latencies(&open(10.0), 1000, spread(7, 1000)));
    let text = serde_json::to_string(&judgement).unwrap();
    assert!(text.contains("\"outcome\":\"not_proven\""), "{text}");
    assert_eq!(
        serde_json::from_str::<LimitJudgement>(&text)
            .unwrap()
            .reason,
        judgement.reason
    );
}

#[test]
fn a_description_counts_failed_requests_as_endless() {
    let load = series(
        &open(10.0),
        (0..100).map(|i| {
            if i >= 90 {
                failed(due(i, 10.0))
            } else {
                answered(due(i, 10.0), i + 1)
            }
        }),
    );
    let seen = describe(&load);
    assert_eq!((seen.p50_ns, seen.p90_ns), (Some(50 * MS), Some(90 * MS)));
    assert_eq!((seen.p95_ns, seen.max_ns), (None, Some(90 * MS)));
    assert_eq!(seen.ends, [(End::Ok, 90), (End::BadStatus, 10)]);
    assert_eq!(nearest_rank(&(1..=60).collect::<Vec<_>>(), 0.95), Some(57));
    assert_eq!(nearest_rank(&[], 0.95), None);
    assert_eq!(nearest_rank(&[1], f64::NAN), None);
}

#[test]
fn with_one_two_or_three_over_the_published_sizes_are_enough_and_one_less_is_not() {
    for (claim, sizes) in [(P95, [59, 93, 124, 153]), (P99, [299, 473, 628, 773])] {
        for (k, n) in (0..).zip(sizes) {
            let outcome = |n| judged(claim, &latencies(&open(10.0), n, spread(k, n))).outcome;
            assert_eq!((outcome(n - 1), outcome(n)), (NotProven, Met), "{k} of {n}");
        }
    }
}

#[test]
fn requests_that_were_all_due_at_once_prove_nothing() {
    for header in [open(10.0), closed(10.0)] {
        let load = series(&header, (0..1000).map(|_| answered(5, 20)));
        for claim in [P95, P99, ERRORS, Claim::Rate { min: 1.0 }] {
            assert_eq!(judged(claim, &load).outcome, NotProven);
        }
    }
}

#[test]
fn requests_under_way_are_no_missed_rate() {
    let mut look = SequentialLook::new(&[P95], &open(50.0), &Assumptions::default());
    for i in (0..400).filter(|i| i % 20 != 19) {
        look.add(&answered(due(i, 50.0), 20));
    }
    assert!(!look.is_decided());
    look.set_under_way(20);
    assert!(look.is_decided());
}

#[test]
fn assumptions_out_of_all_measure_do_no_harm() {
    let load = latencies(&open(100.0), 300, spread(5, 300));
    for correlation_time_ns in [0, u64::MAX] {
        for windows in [0, 1, u32::MAX] {
            for sequential in [false, true] {
                let assumptions = Assumptions {
                    correlation_time_ns,
                    windows,
                    sequential,
                    min_duration_ns: u64::MAX,
                    ..Assumptions::default()
                };
                for claim in [P99, Claim::Rate { min: 1e300 }] {
                    assert_ne!(judge_limit(claim, &load, &assumptions).outcome, Met);
                }
            }
        }
    }
}

#[test]
fn reasons_are_sentences_for_a_person() {
    let mut said = String::new();
    let mut say = |claim, load: &Series, sequential| {
        let assumptions = Assumptions {
            sequential,
            ..Assumptions::default()
        };
        let judgement = judge_limit(claim, load, &assumptions);
        writeln!(said, "{:?}: {}", judgement.outcome, judgement.reason).unwrap();
    };
    let rounds = latencies(&closed(10.0), 60, |_| false);
    say(P95, &rounds, false);
    say(P99, &rounds, false);
    say(ERRORS, &rounds, false);
    say(P99, &rounds, true);
    say(P99, &latencies(&open(50.0), 1000, |_| false), false);
    say(P99, &latencies(&open(10.0), 1000, spread(7, 1000)), false);
    say(P99, &latencies(&open(10.0), 1000, spread(20, 1000)), false);
    say(
        P99,
        &latencies(&open(10.0), 2546, |i| (900..912).contains(&i)),
        false,
    );
    say(P99, &latencies(&open(10.0), 1000, spread(900, 1000)), true);
    say(
        ERRORS,
        &series(&open(10.0), (0..60).map(|i| failed(due(i, 10.0)))),
        false,
    );
    say(
        P95,
        &series(
            &open(10.0),
            (0..60).map(|i| {
                if i == 9 {
                    failed(due(i, 10.0))
                } else {
                    answered(due(i, 10.0), 9)
                }
            }),
        ),
        false,
    );
    say(
        Claim::Rate { min: 48.0 },
        &latencies(&open(50.0), 3000, |_| false),
        false,
    );
    say(Claim::ErrorRate { max: 0.0 }, &rounds, false);
    insta::assert_snapshot!(said);
}
