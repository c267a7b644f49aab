use super::given::{Random, answered, due, latencies, open};
use crate::stats::{Assumptions, Claim, LimitOutcome, SequentialLook, judge_limit};

/// Requests that exceed the limit in bursts of the given mean length, a share of `share` of all in the long run.
struct Bursts {
    random: Random,
    share: f64,
    mean: f64,
    bad: bool,
}

impl Bursts {
    fn new(seed: u64, share: f64, mean: f64) -> Bursts {
        let mut random = Random(seed);
        let bad = random.share() < share;
        Bursts {
            random,
            share,
            mean,
            bad,
        }
    }

    fn next(&mut self) -> bool {
        let now = self.bad;
        let change = if self.mean <= 1.0 {
            // Independent: the next is drawn afresh.
            self.bad = self.random.share() < self.share;
            return now;
        } else if self.bad {
            1.0 / self.mean
        } else {
            self.share / (self.mean * (1.0 - self.share))
        };
        if self.random.share() < change {
            self.bad = !self.bad;
        }
        now
    }
}

/// Shares of runs that pass, and that fail, with the true share exactly at the limit.
fn at_the_limit(share: f64, rate: f64, n: u64, mean: f64, runs: u64) -> (f64, f64) {
    let claim = Claim::Percentile {
        p: 1.0 - share,
        max_ns: 250_000_000,
    };
    let (mut met, mut not_met) = (0u64, 0u64);
    for run in 0..runs {
        let mut bursts = Bursts::new(run * 7919 + n, share, mean);
        let bad: Vec<bool> = (0..n).map(|_| bursts.next()).collect();
        let series = latencies(&open(rate), n, |i| bad[i as usize]);
        match judge_limit(claim, &series, &Assumptions::default()).outcome {
            LimitOutcome::Met => met += 1,
            LimitOutcome::NotMet => not_met += 1,
            LimitOutcome::NotProven => {}
        }
    }
    (met as f64 / runs as f64, not_met as f64 / runs as f64)
}

/// Runs the real loop of `until: decided` at the limit: looks after every tenth request, stops on a decision.
fn decided_at_the_limit(share: f64, rate: f64, most: u64, mean: f64, runs: u64) -> f64 {
    let claim = Claim::Percentile {
        p: 1.0 - share,
        max_ns: 250_000_000,
    };
    let passed = (0..runs).filter(|run| {
        let mut bursts = Bursts::new(run * 104_729 + 1, share, mean);
        let mut look = SequentialLook::new(&[claim], &open(rate), &Assumptions::default());
        for i in 0..most {
            let slow = bursts.next();
            look.add(&answered(due(i, rate), if slow { 1000 } else { 20 }));
            if i % 10 == 9 && look.is_decided() {
                break;
            }
        }
        look.outcomes() == [Some(LimitOutcome::Met)]
    });
    passed.count() as f64 / runs as f64
}

/// Three standard deviations of a share counted in so many runs.
fn tolerance(share: f64, runs: u64) -> f64 {
    3.0 * (share * (1.0 - share) / runs as f64).sqrt()
}

#[test]
fn independent_samples_at_the_limit_pass_in_five_percent_at_most() {
    for (share, n, runs) in [(0.05, 59, 1500), (0.05, 181, 800), (0.01, 913, 300)] {
        let (met, not_met) = at_the_limit(share, 10.0, n, 1.0, runs);
        let most = 0.05 + tolerance(0.05, runs);
        assert!(met <= most && not_met <= most, "{n}: {met} {not_met}");
    }
}

#[test]
fn bursts_within_the_correlation_time_at_the_limit_pass_in_twelve_percent_at_most() {
    for (share, n, runs) in [(0.05, 600, 500), (0.05, 1200, 200), (0.01, 3000, 100)] {
        let (met, not_met) = at_the_limit(share, 100.0, n, 10.0, runs);
        let most = 0.12 + tolerance(0.12, runs);
        assert!(met <= most && not_met <= most, "{n}: {met} {not_met}");
    }
}

#[test]
fn a_load_that_is_looked_at_until_decided_passes_at_the_limit_in_five_percent_at_most() {
    let independent = decided_at_the_limit(0.05, 10.0, 2000, 1.0, 300);
    assert!(independent <= 0.05 + tolerance(0.05, 300), "{independent}");
    let bursts = decided_at_the_limit(0.05, 100.0, 6000, 10.0, 150);
    assert!(bursts <= 0.12 + tolerance(0.12, 150), "{bursts}");
}

#[test]
fn a_target_well_within_its_limit_is_proven_to_be() {
    // A quarter of the allowance, at the recommended size: nine runs in ten should pass.
    let claim = Claim::Percentile {
        p: 0.95,
        max_ns: 250_000_000,
    };
    let passed = (0..200u64).filter(|run| {
        let mut bursts = Bursts::new(run * 31 + 5, 0.0125, 1.0);
        let slow: Vec<bool> = (0..181).map(|_| bursts.next()).collect();
        let series = latencies(&open(10.0), 181, |i| slow[i as usize]);
        judge_limit(claim, &series, &Assumptions::default()).outcome == LimitOutcome::Met
    });
    assert!(passed.count() >= 160);
}
