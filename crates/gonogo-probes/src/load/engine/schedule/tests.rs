use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::load::engine::config::{Config, Model, Request};

fn config(model: Model, requests: u64) -> Config {
    let request = Request::new("GET", "/", "h", &[], b"").unwrap();
    let mut config = Config::new("127.0.0.1:1".parse().unwrap(), request, model);
    config.requests = Some(requests);
    config
}

fn open(rate: f64, arrivals: Arrivals) -> Model {
    Model::Open { rate, arrivals }
}

const ALONE: Share = Share { lane: 0, lanes: 1 };

/// Everything that becomes due, in order.
fn all(schedule: &mut Schedule) -> Vec<Due> {
    let mut found = Vec::new();
    schedule.release(u64::MAX - 1, |due| found.push(due));
    found
}

#[test]
fn constant_arrivals_do_not_drift() {
    let config = config(open(3.0, Arrivals::Constant), 3_000_001);
    let last = *all(&mut Schedule::new(&config, ALONE)).last().unwrap();
    assert_eq!(last.index, 3_000_000);
    assert!(last.due_ns.abs_diff(1_000_000_000_000_000) <= 1_000);
}

#[test]
fn a_duration_ends_the_plan_before_its_end() {
    let mut config = config(open(100.0, Arrivals::Constant), 1_000_000);
    config.duration = Some(Duration::from_secs(2));
    assert_eq!(all(&mut Schedule::new(&config, ALONE)).len(), 200);
}

#[test]
fn the_same_seed_gives_the_same_poisson_schedule_and_another_seed_another() {
    let schedule = |seed| {
        let config = config(open(1000.0, Arrivals::Poisson { seed }), 10_000);
        all(&mut Schedule::new(&config, ALONE))
    };
    assert_eq!(schedule(7), schedule(7));
    assert_ne!(schedule(7), schedule(8));
}

#[test]
fn poisson_gaps_have_the_mean_and_the_spread_of_their_rate() {
    let config = config(open(1000.0, Arrivals::Poisson { seed: 1 }), 100_000);
    let due: Vec<f64> = all(&mut Schedule::new(&config, ALONE))
        .iter()
        .map(|due| due.due_ns as f64 / 1e6)
        .collect();
    let gaps: Vec<f64> = due.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    // Both are 1 ms (²) for exponential gaps; five standard errors are 0.016 and 0.045.
    assert!((mean - 1.0).abs() < 0.016, "{mean}");
    assert!((variance - 1.0).abs() < 0.045, "{variance}");
}

#[test]
fn a_queue_of_any_length_is_taken_in_the_order_it_became_due() {
    let config = config(open(1e6, Arrivals::Poisson { seed: 3 }), 50_000);
    let mut schedule = Schedule::new(&config, ALONE);
    let due = all(&mut schedule);
    assert_eq!(schedule.waiting(), 50_000);
    let taken: Vec<Due> = std::iter::from_fn(|| schedule.take()).collect();
    assert_eq!(taken, due);
    assert!(schedule.exhausted(0));
}

#[test]
fn a_closed_model_waits_for_a_user_and_for_its_pace() {
    let pace = Some(Duration::from_millis(100));
    let mut schedule = Schedule::new(&config(Model::Closed { users: 1, pace }, 3), ALONE);
    let mut due = Vec::new();
    schedule.release(0, |d| due.push(d.due_ns));
    assert_eq!(
        schedule.next_due_ns(),
        None,
        "its only user waits for the answer"
    );
    schedule.take();
    schedule.freed(30_000_000);
    assert_eq!(schedule.next_due_ns(), Some(100_000_000));
    schedule.release(100_000_000, |d| due.push(d.due_ns));
    schedule.take();
    schedule.freed(250_000_000);
    schedule.release(260_000_000, |d| due.push(d.due_ns));
    assert_eq!(due, [0, 100_000_000, 250_000_000]);
    assert!(schedule.exhausted(0));
}

#[test]
fn what_was_planned_and_not_due_can_be_counted_when_a_load_is_cut_short() {
    for model in [
        open(10.0, Arrivals::Constant),
        Model::Closed {
            users: 2,
            pace: None,
        },
    ] {
        let mut schedule = Schedule::new(&config(model, 40), ALONE);
        let mut due = 0;
        schedule.release(0, |_| due += 1);
        let left = std::iter::from_fn(|| schedule.abandon(5)).count();
        assert_eq!(due + left, 40);
    }
}

#[test]
fn closing_keeps_what_is_due_and_nothing_else() {
    let mut schedule = Schedule::new(&config(open(10.0, Arrivals::Constant), 40), ALONE);
    schedule.release(500_000_000, |_| {});
    schedule.close();
    schedule.release(u64::MAX - 1, |_| panic!("it is closed"));
    assert_eq!(schedule.waiting(), 6);
    assert!(schedule.exhausted(500_000_000));
}

proptest! {
    #[test]
    fn lanes_together_carry_exactly_the_whole(
        requests in 1u64..5_000, lanes in 1u32..9, rate in 1.0f64..1e6, poisson: bool,
    ) {
        let arrivals = if poisson { Arrivals::Poisson { seed: 9 } } else { Arrivals::Constant };
        let config = config(open(rate, arrivals), requests);
        let mut carried: Vec<Due> = (0..lanes)
            .flat_map(|lane| all(&mut Schedule::new(&config, Share { lane, lanes })))
            .collect();
        carried.sort_by_key(|due| due.index);
        let indexes: Vec<u64> = carried.iter().map(|due| due.index).collect();
        prop_assert_eq!(indexes, (0..requests).collect::<Vec<_>>());
        if !poisson {
            prop_assert!(carried.is_sorted_by_key(|due| due.due_ns));
        }
    }
}
