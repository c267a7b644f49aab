//! When requests are sent, what is counted, and what ends a load.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::rig::*;
use crate::load::engine::*;

#[test]
fn every_scheduled_request_gives_one_sample_whatever_the_threads() {
    let server = Server::answering(OK, false);
    for threads in [1, 3] {
        let mut config = load(server.address, closed(7), 997);
        config.threads = threads;
        assert_eq!(samples(&config).1.scheduled, 997);
        let mut config = load(server.address, open(20_000.0), 997);
        config.threads = threads;
        let (_, summary) = samples(&config);
        assert_eq!(summary.count(End::Ok), 997);
        assert!((summary.offered_per_s.unwrap() - 20_000.0).abs() < 1.0);
        assert!(summary.lag.is_some());
    }
}

#[test]
fn poisson_arrivals_are_due_as_their_seed_says() {
    let server = Server::answering(OK, false);
    let due = |seed| {
        let arrivals = Arrivals::Poisson { seed };
        let rate = 20_000.0;
        let config = load(server.address, Model::Open { rate, arrivals }, 500);
        let (samples, _) = samples(&config);
        samples.iter().map(|s| s.due_ns).collect::<Vec<_>>()
    };
    assert_eq!(due(4), due(4));
    assert_ne!(due(4), due(5));
}

#[test]
fn paced_rounds_start_no_closer_than_their_pace() {
    let server = Server::answering(OK, false);
    let pace = Duration::from_millis(2);
    let model = Model::Closed {
        users: 3,
        pace: Some(pace),
    };
    let (samples, summary) = samples(&load(server.address, model, 60));
    assert!(
        samples
            .windows(2)
            .all(|pair| pair[1].due_ns - pair[0].due_ns >= 2_000_000)
    );
    assert!(summary.lag.is_some());
}

/// A target that stalls, measured in requests instead of time: from the `at`-th request on it answers nothing until
/// `length` more have become due.
struct Stalls {
    state: Mutex<StallState>,
    changed: Condvar,
    at: &'static [u64],
    length: u64,
}

#[derive(Default)]
struct StallState {
    received: u64,
    due: u64,
    until: u64,
}

impl Stalls {
    fn receive(&self) {
        let mut state = self.state.lock().unwrap();
        state.received += 1;
        if self.at.contains(&state.received) {
            state.until = state.received + self.length;
        }
        let _open = self
            .changed
            .wait_while(state, |state| state.due < state.until)
            .unwrap();
    }

    fn became_due(&self, due: u64) {
        self.state.lock().unwrap().due = due;
        self.changed.notify_all();
    }
}

#[test]
fn a_stalling_target_is_seen_to_stall() {
    // 1,000 per second, 200 requests long in each 1,000. A request that became due j requests into a stall waits
    // 200 − j ms or longer, however fast the machine: so 100 of 1,000 wait 100 ms, and the 95th percentile is 150 ms.
    let stalls = Arc::new(Stalls {
        state: Mutex::default(),
        changed: Condvar::new(),
        at: &[301, 1301],
        length: 200,
    });
    let gate = Arc::clone(&stalls);
    let server = Server::scripted(move |mut stream| {
        while read_request(&mut stream) {
            gate.receive();
            if stream.write_all(OK.as_bytes()).is_err() {
                break;
            }
        }
    });
    let config = load(server.address, open(1000.0), 2000);
    let (samples, summary) = samples_while(&config, |progress| {
        stalls.became_due(progress.due);
        Proceed::Continue
    });
    assert_eq!(summary.count(End::Ok), 2000);
    let mut latencies: Vec<u64> = samples.iter().filter_map(Sample::latency_ns).collect();
    latencies.sort_unstable();
    assert!(latencies[1899] >= 140_000_000, "p95 {}", latencies[1899]);
    assert!(latencies[1999] >= 190_000_000, "max {}", latencies[1999]);
    let over = |ns| latencies.iter().filter(|l| **l >= ns).count();
    assert!(over(100_000_000) >= 200, "{}", over(100_000_000));
}

#[test]
fn a_queue_before_one_connection_counts_as_latency_and_not_as_service_time() {
    // The first answer comes when all twenty are due; the others have waited in the queue meanwhile.
    let stalls = Arc::new(Stalls {
        state: Mutex::default(),
        changed: Condvar::new(),
        at: &[1],
        length: 19,
    });
    let gate = Arc::clone(&stalls);
    let server = Server::scripted(move |mut stream| {
        while read_request(&mut stream) {
            gate.receive();
            let _sent = stream.write_all(OK.as_bytes());
        }
    });
    let mut config = load(server.address, open(1000.0), 20);
    config.connections = 1;
    let (samples, summary) = samples_while(&config, |progress| {
        stalls.became_due(progress.due);
        Proceed::Continue
    });
    assert_eq!(summary.connections, 1);
    for (sample, index) in samples.iter().zip(0u64..) {
        assert!(sample.latency_ns().unwrap() >= (19 - index) * 1_000_000);
        assert!(sample.sent_ns.unwrap() >= if index == 0 { 0 } else { 19_000_000 });
    }
}

#[test]
fn what_was_planned_and_not_sent_at_the_deadline_is_counted() {
    let server = Server::silent();
    let mut config = load(server.address, open(1000.0), 50);
    config.connections = 1;
    config.deadline = Some(Duration::from_millis(20));
    let (samples, summary) = samples(&config);
    assert_eq!(summary.ended, Ended::Deadline);
    assert_eq!(summary.scheduled, 50);
    assert!(summary.count(End::NeverSent) >= 49);
    assert_eq!(
        summary.count(End::NeverSent) + summary.count(End::CutOff),
        50
    );
    assert!(samples.iter().all(|sample| sample.latency_ns().is_none()));
    assert!(summary.achieved_per_s < summary.offered_per_s.unwrap() * 0.1);

    let mut config = load(server.address, closed(2), 60);
    config.deadline = Some(Duration::from_millis(20));
    assert_eq!(
        samples_while(&config, |_| Proceed::Continue).1.scheduled,
        60
    );
}

#[test]
fn a_load_that_is_cancelled_leaves_no_connection_behind() {
    let server = Server::silent();
    let cancel = AtomicBool::new(false);
    let mut kept = Kept::asking(|progress| {
        cancel.store(progress.due > 0, Ordering::Relaxed);
        Proceed::Continue
    });
    let mut config = load(server.address, open(100.0), 1_000_000);
    config.threads = 2;
    let summary = run(&config, &mut kept, &cancel).unwrap();
    assert_eq!(summary.ended, Ended::Cancelled);
    assert!(summary.scheduled < 1_000_000);
    // Waits for every connection to find its end.
    drop(server);
}

#[test]
fn a_load_that_is_decided_still_answers_what_was_due() {
    let server = Server::answering(OK, false);
    let mut due = 0;
    let config = load(server.address, open(5000.0), 1_000_000);
    let (_, summary) = samples_while(&config, |progress| {
        due = progress.due;
        if progress.done >= 100 {
            Proceed::Stop
        } else {
            Proceed::Continue
        }
    });
    assert_eq!(summary.ended, Ended::Decided);
    assert!(summary.scheduled >= due && due >= 100);
    assert!(summary.scheduled < 1_000_000);
    assert_eq!(summary.count(End::Ok), summary.scheduled);
}

#[test]
fn too_many_server_errors_end_a_load() {
    let server = Server::answering("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", false);
    for model in [closed(2), open(5000.0)] {
        let mut config = load(server.address, model, 1_000_000);
        config.stop_on.server_errors = Some(ServerErrors {
            share: 0.5,
            after: 20,
        });
        let (_, summary) = samples(&config);
        assert_eq!(summary.ended, Ended::ServerErrors);
        assert!(summary.statuses[&503] >= 20);
        assert!(summary.scheduled < 1_000_000);
    }
}

#[test]
fn a_target_can_ask_to_stop() {
    let server = Server::answering(
        "HTTP/1.1 200 OK\r\nX-Abort-Load: 1\r\nContent-Length: 0\r\n\r\n",
        false,
    );
    let mut config = load(server.address, closed(2), 1_000_000);
    config.stop_on.header = Some("x-abort-load".to_owned());
    assert_eq!(samples(&config).1.ended, Ended::AbortHeader);
}

#[test]
fn a_duration_ends_a_closed_load_and_its_last_answers_are_waited_for() {
    let server = Server::answering(OK, false);
    let mut config = load(server.address, closed(2), 1);
    config.requests = None;
    config.duration = Some(Duration::from_millis(30));
    let (samples, summary) = samples(&config);
    assert_eq!(summary.ended, Ended::Completed);
    assert!(samples.iter().all(|s| s.due_ns < 30_000_000));
    assert!(samples.iter().all(|s| s.end == End::Ok));
}

#[test]
fn a_load_that_means_nothing_is_refused_before_anything_is_sent() {
    let server = Server::silent();
    let refused = |change: &dyn Fn(&mut Config)| {
        let mut config = load(server.address, open(10.0), 10);
        change(&mut config);
        let found = run(
            &config,
            &mut Kept::asking(|_| Proceed::Continue),
            &AtomicBool::new(false),
        );
        match found {
            Err(EngineError::Config(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
        assert_eq!(refused(&|c| c.model = open(rate)), ConfigError::Rate);
    }
    assert_eq!(refused(&|c| c.model = closed(0)), ConfigError::Users);
    assert_eq!(refused(&|c| c.requests = None), ConfigError::Endless);
    assert_eq!(refused(&|c| c.requests = Some(0)), ConfigError::Requests);
    assert_eq!(refused(&|c| c.connections = 0), ConfigError::Connections);
    assert_eq!(refused(&|c| c.threads = 0), ConfigError::Threads);
    assert_eq!(
        refused(&|c| c.timeout = Duration::ZERO),
        ConfigError::Timeout
    );
    assert_eq!(server.connections(), 0);
}
