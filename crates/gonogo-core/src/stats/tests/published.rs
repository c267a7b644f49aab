//! Numbers that others published, or that exact arithmetic gives.

use crate::stats::beta::{normal_quantile, student_quantile};
use crate::stats::binomial::{at_least, at_most, clopper_pearson, upper_bound};
use crate::stats::compare::{dkw_band, dkw_size, mann_whitney, newcombe, shift};
use crate::stats::sequential::{always_valid_bounds, least_n};
use crate::stats::{
    Assumptions, Attempts, Claim, burst_factor, flawless_size, recommended_size, required_requests,
};

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{found} is not {expected}"
    );
}

#[test]
fn wilks_sizes_are_computed() {
    let sizes: Vec<u64> = (0..6)
        .map(|over| flawless_size(over, 0.05, 0.05).unwrap())
        .collect();
    assert_eq!(sizes, [59, 93, 124, 153, 181, 208]);
}

#[test]
fn least_sizes_are_those_of_the_published_table() {
    let table = [
        (0.5, [5, 8, 11, 13, 18], 7),
        (0.1, [29, 46, 61, 76, 103], 44),
        (0.05, [59, 93, 124, 153, 208], 90),
        (0.01, [299, 473, 628, 773, 1049], 459),
        (0.005, [598, 947, 1258, 1549, 2100], 919),
        (0.001, [2995, 4742, 6294, 7752, 10_511], 4603),
    ];
    for (share, at_95, zero_at_99) in table {
        let found = [0, 1, 2, 3, 5].map(|over| flawless_size(over, share, 0.05).unwrap());
        assert_eq!(found, at_95, "{share}");
        assert_eq!(flawless_size(0, share, 0.01), Some(zero_at_99));
    }
}

#[test]
fn recommended_sizes_are_those_of_the_published_table() {
    let table = [
        (0.5, Some((33, 11)), Some((13, 3))),
        (0.1, Some((239, 16)), Some((89, 4))),
        (0.05, Some((506, 17)), Some((181, 4))),
        (0.01, Some((2546, 17)), Some((913, 4))),
        (0.005, Some((5096, 17)), None),
        (0.001, Some((25_495, 17)), Some((9151, 4))),
    ];
    for (share, half, quarter) in table {
        for (fraction, expected) in [(0.5, half), (0.25, quarter)] {
            let size = recommended_size(share, 0.05, fraction).unwrap();
            if let Some(expected) = expected {
                assert_eq!((size.n, size.allowed), expected, "{share} {fraction}");
            }
        }
    }
}

#[test]
fn what_a_claim_needs_is_multiplied_by_the_burst_factor() {
    let p99 = Claim::Percentile {
        p: 0.99,
        max_ns: 250_000_000,
    };
    let assumptions = Assumptions::default();
    let plain = required_requests(&p99, &assumptions, 1).unwrap();
    assert_eq!((plain.zero_over, plain.sequential), (299, 472));
    assert_eq!(plain.least(&assumptions), 299);
    let b = burst_factor(100.0, assumptions.correlation_time_ns).unwrap();
    let bursts = required_requests(&p99, &assumptions, b).unwrap();
    assert_eq!((b, bursts.zero_over, bursts.sequential), (10, 2990, 4720));
    let p95 = Claim::Percentile { p: 0.95, max_ns: 1 };
    assert_eq!(
        required_requests(&p95, &assumptions, 1).unwrap().sequential,
        69
    );
    for never in [
        Claim::ErrorRate { max: 0.0 },
        Claim::ErrorRate { max: 1.0 },
        Claim::ErrorRate { max: f64::NAN },
        Claim::Percentile { p: 1.0, max_ns: 1 },
        Claim::Rate { min: 50.0 },
    ] {
        assert_eq!(required_requests(&never, &assumptions, 1), None);
    }
}

#[test]
fn repeated_attempts_need_more_and_spend_less_than_alpha_together() {
    let p99 = Claim::Percentile {
        p: 0.99,
        max_ns: 250_000_000,
    };
    let attempt = |k| Assumptions {
        attempts: Attempts::Rerun(k),
        ..Assumptions::default()
    };
    let least = |k| required_requests(&p99, &attempt(k), 1).unwrap().zero_over;
    assert_eq!((least(1), least(2)), (368, 437));
    let spent: f64 = (1..60).filter_map(|k| attempt(k).alpha()).sum();
    assert!(spent <= 0.05);
    assert_eq!(attempt(0).alpha(), None);
}

#[test]
fn always_valid_bounds_are_those_of_the_published_examples() {
    let upper = |k, n| always_valid_bounds(k, n, 0.05).unwrap().upper;
    near(upper(5, 1000), 0.014_36, 5e-6);
    near(upper(10, 5000), 0.004_72, 5e-6);
    assert_eq!(least_n(0, 1, 0.01, 0.05), Some(472));
    assert_eq!(least_n(0, 1, 0.05, 0.05), Some(69));
    assert_eq!(always_valid_bounds(2, 1, 0.05), None);
}

#[test]
fn binomial_tails_are_right_to_twelve_digits_up_to_a_million() {
    // By summing in sixty decimal digits.
    let table = [
        (
            0.0,
            60.0,
            0.05,
            4.606_979_898_695_208e-2,
            9.539_302_010_130_479e-1,
        ),
        (
            4.0,
            1000.0,
            0.01,
            2.868_639_999_904_728_4e-2,
            9.713_136_000_009_527e-1,
        ),
        (
            17.0,
            2546.0,
            0.01,
            4.993_492_744_507_626e-2,
            9.500_650_725_549_237e-1,
        ),
        (
            9800.0,
            1e6,
            0.01,
            2.221_251_036_473_662e-2,
            9.777_874_896_352_634e-1,
        ),
        (
            10_000.0,
            1e6,
            0.01,
            5.026_596_147_995_158e-1,
            4.973_403_852_004_842e-1,
        ),
        (
            900.0,
            1e6,
            0.001,
            6.940_154_622_868_569e-4,
            9.993_059_845_377_131e-1,
        ),
        (
            499_000.0,
            1e6,
            0.5,
            2.280_414_993_269_104e-2,
            9.771_958_500_673_09e-1,
        ),
        (
            640_000.0,
            8e5,
            0.8,
            5.004_460_309_523_764e-1,
            4.995_539_690_476_236_5e-1,
        ),
        (3.0, 10.0, 0.3, 6.496_107_184e-1, 3.503_892_816e-1),
    ];
    for (k, n, share, below, above) in table {
        near(at_most(k, n, share).unwrap(), below, 1e-12);
        near(at_least(k + 1.0, n, share).unwrap(), above, 1e-12);
    }
    let tiny = [
        (9000.0, 1e6, 0.01, 8.350_415_916_923_76e-25),
        (50.0, 1e6, 0.0001, 2.398_536_074_752_174e-8),
        (10.0, 100.0, 0.5, 1.531_645_087_718_992_6e-17),
    ];
    for (k, n, share, below) in tiny {
        near(at_most(k, n, share).unwrap() / below, 1.0, 1e-10);
    }
}

#[test]
fn tails_of_a_binomial_are_the_sums_of_its_terms() {
    for n in [1u32, 2, 7, 30, 61] {
        for share in [1e-9f64, 0.01, 0.3, 0.5, 0.97] {
            let mut term = (1.0 - share).powi(n.cast_signed());
            let mut sum = 0.0;
            for k in 0..=n {
                sum += term;
                near(
                    at_most(f64::from(k), f64::from(n), share).unwrap(),
                    sum,
                    2e-13,
                );
                term *= f64::from(n - k) / f64::from(k + 1) * share / (1.0 - share);
            }
        }
    }
}

#[test]
fn exact_intervals_are_those_of_the_literature() {
    // R: binom.test(682, 682 + 243); Newcombe 1998 (single proportion), table I, method 5.
    let table = [
        (682.0, 925.0, 0.707_668_3, 0.765_406_6, 5e-8),
        (81.0, 263.0, 0.2527, 0.3676, 5e-5),
        (15.0, 148.0, 0.0578, 0.1617, 5e-5),
        (0.0, 20.0, 0.0, 0.1684, 5e-5),
        (1.0, 29.0, 0.0009, 0.1776, 5e-5),
    ];
    for (k, n, lower, upper, tolerance) in table {
        let bounds = clopper_pearson(k, n, 0.05).unwrap();
        near(bounds.lower, lower, tolerance);
        near(bounds.upper, upper, tolerance);
    }
    near(
        upper_bound(0.0, 60.0, 0.05).unwrap(),
        1.0 - 0.05f64.powf(1.0 / 60.0),
        1e-14,
    );
}

#[test]
fn differences_of_rates_are_those_of_newcombes_table() {
    // Newcombe 1998 (difference), table II, method 10.
    let table = [
        ((56.0, 70.0), (48.0, 80.0), 0.0524, 0.3339),
        ((9.0, 10.0), (3.0, 10.0), 0.1705, 0.8090),
        ((6.0, 7.0), (2.0, 7.0), 0.0582, 0.8062),
        ((5.0, 56.0), (0.0, 29.0), -0.0381, 0.1926),
        ((0.0, 10.0), (0.0, 20.0), -0.1611, 0.2775),
        ((0.0, 10.0), (0.0, 10.0), -0.2775, 0.2775),
        ((10.0, 10.0), (0.0, 20.0), 0.6791, 1.0),
        ((10.0, 10.0), (0.0, 10.0), 0.6075, 1.0),
    ];
    for (first, second, lower, upper) in table {
        let bounds = newcombe(first, second, 0.05).unwrap();
        near(bounds.lower, lower, 5e-5);
        near(bounds.upper, upper, 5e-5);
    }
}

#[test]
fn rank_tests_are_those_of_r() {
    // wilcox.test, Hollander & Wolfe's permeability data (times 100), and airquality's ozone in May and August.
    let at_term = [80, 83, 189, 104, 145, 138, 191, 164, 73, 146];
    let early = [115, 88, 90, 74, 121];
    let test = mann_whitney(&at_term, &early).unwrap();
    near(test.statistic, 35.0, 0.0);
    near(test.greater, 0.127_206_127_206_127_2, 1e-12);
    let moved = shift(&early, &at_term, 0.05).unwrap();
    near(moved.estimate, 30.5, 0.0);
    near(moved.lower, -15.0, 0.0);
    near(moved.upper, 76.0, 0.0);

    let may = [
        41, 36, 12, 18, 28, 23, 19, 8, 7, 16, 11, 14, 18, 14, 34, 6, 30, 11, 1, 11, 4, 32, 23, 45,
        115, 37,
    ];
    let august = [
        39, 9, 16, 78, 35, 66, 122, 89, 110, 44, 28, 65, 22, 59, 23, 31, 44, 21, 9, 45, 168, 73,
        76, 118, 84, 85,
    ];
    let test = mann_whitney(&may, &august).unwrap();
    near(test.statistic, 127.5, 0.0);
    near(test.two_sided, 0.000_120_8, 5e-8);
}

#[test]
fn too_few_samples_give_no_interval_of_a_shift() {
    assert_eq!(shift(&[1, 2], &[3, 4], 0.05), None);
    assert_eq!(shift(&[], &[3, 4], 0.05), None);
    assert_eq!(mann_whitney(&[], &[1]), None);
    assert!(shift(&[1; 60], &[1; 60], 0.05).is_some_and(|same| same.upper == 0.0));
}

#[test]
fn bands_and_quantiles_are_the_published_ones() {
    assert_eq!(dkw_size(0.05, 0.05), Some(738));
    assert_eq!(dkw_size(0.01, 0.05), Some(18_445));
    assert!(dkw_band(738, 0.05).unwrap() <= 0.05);
    assert_eq!(dkw_band(0, 0.05), None);
    near(
        normal_quantile(0.975).unwrap(),
        1.959_963_984_540_054,
        1e-12,
    );
    near(
        normal_quantile(0.95).unwrap(),
        1.644_853_626_951_472_7,
        1e-12,
    );
    near(
        student_quantile(0.95, 29.0).unwrap(),
        1.699_127_026_533_497,
        1e-11,
    );
    near(
        student_quantile(0.975, 1.0).unwrap(),
        12.706_204_736_432_095,
        1e-9,
    );
    near(
        student_quantile(0.05, 10.0).unwrap(),
        -1.812_461_122_811_676,
        1e-11,
    );
    near(
        student_quantile(0.95, 999_999.0).unwrap(),
        1.644_855_2,
        1e-6,
    );
    assert_eq!(student_quantile(f64::NAN, 3.0), None);
}

#[test]
fn a_quantile_of_the_beta_distribution_is_where_its_tail_is() {
    use crate::stats::beta::{beta_quantile, beta_tails};
    for a in [0.5, 1.0, 3.3, 18.0, 4000.0] {
        for b in [1.0, 2.0, 60.0, 999_000.0] {
            for share in [1e-12, 0.001, 0.05, 0.5, 0.95, 0.999_99] {
                let x = beta_quantile(share, a, b).unwrap();
                let (lower, upper) = beta_tails(a, b, x).unwrap();
                if share <= 0.5 {
                    near(lower / share, 1.0, 1e-8 + 1e-15 / (1.0 - x));
                } else {
                    // What a number next to 1 can say.
                    near(upper / (1.0 - share), 1.0, 1e-8 + 1e-14 / (1.0 - x));
                }
            }
        }
    }
    assert_eq!(beta_quantile(f64::NAN, 1.0, 1.0), None);
    assert_eq!(beta_quantile(0.5, 0.0, 1.0), None);
}
