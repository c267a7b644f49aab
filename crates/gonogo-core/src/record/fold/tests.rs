use super::*;
use crate::fixture::{Tape, address, at, attempt, started, status};

fn intended(attempt: u32, power: Option<Power>) -> Event {
    Event::Intended {
        at: address("api", "list", attempt),
        power,
        ask: "GET /list".to_owned(),
    }
}

fn observed(number: u32) -> Event {
    Event::Observed {
        at: address("api", "list", number),
        attempt: Box::new(attempt(1, status(200))),
    }
}

fn skipped(reason: SkipReason) -> Event {
    Event::Skipped {
        gate: "api".to_owned(),
        check: "list".to_owned(),
        reason,
    }
}

fn expanded(items: i64) -> Event {
    Event::Expanded {
        gate: "api".to_owned(),
        check: "list".to_owned(),
        items: (0..items).map(Value::Int).collect(),
    }
}

fn stopped() -> Event {
    Event::Interrupted {
        interrupted_at: at(5),
        by: "SIGINT".to_owned(),
    }
}

fn resumed() -> Event {
    Event::Resumed {
        resumed_at: at(9),
        torn_bytes: 0,
    }
}

fn finished() -> Event {
    Event::RunFinished {
        finished_at: at(10),
    }
}

/// The reason for which the events after `run_started` are refused, if they are.
fn refused(events: Vec<Event>) -> Option<String> {
    let mut tape = Tape::new();
    for event in events {
        tape = tape.push(event);
    }
    fold(tape.events).err().map(|e| e.to_string())
}

#[track_caller]
fn illegal(events: Vec<Event>, because: &str) {
    let why = refused(events).expect("an illegal order");
    assert!(why.contains(because), "{why}");
}

#[track_caller]
fn legal(events: Vec<Event>) {
    assert_eq!(refused(events), None);
}

const WRITE: Option<Power> = Some(Power::Write);

#[test]
fn a_run_begins_with_run_started_and_only_once() {
    let none = fold(Vec::new()).expect_err("nothing is no run");
    insta::assert_snapshot!(none, @"event 0 (end of the journal) cannot stand here: there is no event");
    let headless = fold(vec![finished()]).expect_err("headless");
    insta::assert_snapshot!(headless, @"event 0 (run_finished) cannot stand here: a run begins with `run_started`");
    illegal(
        vec![Event::RunStarted(Box::new(started()))],
        "the run has started before",
    );
}

#[test]
fn a_journal_of_another_format_is_refused() {
    let other = RunStarted {
        format: 2,
        ..started()
    };
    let why = fold(Tape::of(other).events).expect_err("another format");
    assert!(why.reason.contains("format 2"), "{why}");
}

#[test]
fn one_address_ends_once() {
    legal(vec![intended(1, WRITE), observed(1)]);
    illegal(
        vec![intended(1, WRITE), observed(1), observed(1)],
        "has ended before",
    );
    illegal(vec![observed(1), intended(1, None)], "has ended before");
    illegal(vec![observed(0)], "attempts count from one");
    illegal(
        vec![observed(2)],
        "of the attempt before it nothing is known",
    );
}

#[test]
fn an_open_write_is_repeated_only_as_a_new_attempt() {
    illegal(
        vec![intended(1, WRITE), resumed(), intended(1, WRITE)],
        "a repetition is a new attempt",
    );
    legal(vec![
        intended(1, WRITE),
        resumed(),
        intended(2, WRITE),
        observed(2),
    ]);
}

#[test]
fn an_open_read_may_be_made_again_after_a_resumption_only() {
    illegal(
        vec![intended(1, None), intended(1, None)],
        "was intended before",
    );
    legal(vec![
        intended(1, None),
        resumed(),
        intended(1, None),
        observed(1),
    ]);
    illegal(
        vec![
            intended(1, None),
            resumed(),
            intended(1, None),
            intended(1, None),
        ],
        "was intended before",
    );
}

#[test]
fn a_skipped_check_stays_skipped_unless_the_run_had_been_stopped() {
    illegal(
        vec![skipped(SkipReason::Filtered), observed(1)],
        "was skipped before",
    );
    illegal(
        vec![skipped(SkipReason::Filtered), skipped(SkipReason::Filtered)],
        "was skipped before",
    );
    illegal(
        vec![skipped(SkipReason::Filtered), resumed(), observed(1)],
        "was skipped before",
    );
    legal(vec![
        stopped(),
        skipped(SkipReason::Interrupted),
        resumed(),
        observed(1),
        finished(),
    ]);
}

#[test]
fn nothing_follows_the_end_of_a_run() {
    for event in [
        observed(1),
        intended(1, None),
        skipped(SkipReason::Filtered),
        stopped(),
        resumed(),
        finished(),
        expanded(1),
    ] {
        illegal(vec![finished(), event], "the run has finished");
    }
}

#[test]
fn a_stopped_run_finishes_only_after_it_went_on() {
    illegal(vec![stopped(), finished()], "has not gone on since");
    illegal(vec![stopped(), stopped()], "has not gone on since");
    legal(vec![stopped(), resumed(), stopped(), resumed(), finished()]);
}

#[test]
fn items_stand_in_the_recorded_list() {
    let item = |number: u32| Event::Observed {
        at: Address {
            item: Some(number),
            ..address("api", "list", 1)
        },
        attempt: Box::new(attempt(1, status(200))),
    };
    legal(vec![expanded(2), item(0), item(1)]);
    illegal(vec![item(0)], "was not recorded before");
    illegal(vec![expanded(2), item(2)], "its list has 2 items");
    illegal(vec![expanded(2), observed(1)], "it is repeated over a list");
    illegal(vec![expanded(1), expanded(1)], "was recorded before");
    illegal(vec![intended(1, None), expanded(1)], "began without a list");
    legal(vec![expanded(1), resumed(), expanded(1)]);
}

#[test]
fn open_intents_are_those_that_may_have_acted() {
    let run = Tape::new()
        .push(intended(1, WRITE))
        .push(Event::Intended {
            at: address("api", "read", 1),
            power: None,
            ask: "GET /read".to_owned(),
        })
        .run();
    let open: Vec<&str> = run
        .open_intents()
        .map(|(at, _)| at.check.as_str())
        .collect();
    assert_eq!(open, ["list"]);
}

#[test]
fn folding_event_by_event_gives_the_same_run_and_survives_a_refused_event() {
    let events = vec![intended(1, WRITE), observed(1), finished()];
    let mut all = vec![Event::RunStarted(Box::new(started()))];
    all.extend(events);
    let whole = fold(all.clone()).expect("legal");
    let mut fold = Fold::default();
    for event in all {
        fold.push(event).expect("legal");
        let refused = fold.push(Event::RunStarted(Box::new(started())));
        assert!(refused.is_err());
    }
    assert_eq!(fold.into_run(), Some(whole));
}
