use serde_json::json;

use super::*;
use crate::fixture::{
    BlobMap, Tape, address, at, attempt, check, empty, expr, facts, gate, load, nothing,
    observation, plan, save, seen, started, status, target,
};
use crate::judged::CheckJudged;
use crate::outcome::Outcome;
use crate::plan::{Check, ForEach, Limit, Plan, Retry, Subject};
use crate::record::{Cause, Cut, EarlierRun, Event, Observed, Power, SecretSeen, SkipReason};
use crate::stats::Claim;
use crate::value::Value;

/// Judges the one check of the one gate of a run.
fn judged(plan: &Plan, tape: Tape, blobs: &BlobMap) -> CheckJudged {
    let run = judge_run(plan, &tape.finished(), blobs).expect("a sound record");
    let gate = run.gates.into_iter().next().expect("a gate");
    gate.checks.into_iter().next().expect("a check")
}

/// Outcome and message of one check that saw this.
#[track_caller]
fn is(check: Check, observed: Observed, outcome: Outcome, message: &str) {
    let id = check.id.clone();
    let plan = plan(vec![gate("g", vec![check])]);
    let tape = Tape::new().observed("g", &id, observed);
    let judged = judged(&plan, tape, &BlobMap::new());
    assert_eq!(
        (judged.outcome, judged.message.as_str()),
        (outcome, message)
    );
}

fn with_absent(fact: &str) -> Observed {
    empty(fact, json!({"latency": {"$duration": "2ms"}}))
}

#[test]
fn an_expectation_that_does_not_hold_shows_the_values_of_its_parts() {
    is(
        check("health", &["body.status == 'healthy'"]),
        seen(json!({"status": 200, "body": {"status": "degraded"}})),
        Outcome::Fail,
        "expected `body.status == 'healthy'`: body.status is \"degraded\"",
    );
    is(
        check("health", &["status == 200", "body.n > 3", "body.n < 1"]),
        seen(json!({"status": 500, "body": {"n": 2}})),
        Outcome::Fail,
        "expected `status == 200`: status is 500 (and 2 more)",
    );
}

#[test]
fn a_pass_says_what_was_seen() {
    is(
        check("health", &["status == 200"]),
        status(200),
        Outcome::Pass,
        "200 in 43 ms",
    );
}

#[test]
fn an_absent_key_is_a_failure_that_names_the_key() {
    let plan = plan(vec![gate("g", vec![check("a", &["body.rule.id != ''"])])]);
    let seen = seen(json!({"status": 200, "body": {"rule": {}}}));
    let judged = judged(&plan, Tape::new().observed("g", "a", seen), &BlobMap::new());
    assert_eq!(judged.outcome, Outcome::Fail);
    assert!(
        judged.message.contains("`body.rule.id` is absent"),
        "{}",
        judged.message
    );
}

#[test]
fn a_type_that_came_back_wrong_is_a_failure() {
    let plan = plan(vec![gate("g", vec![check("a", &["body.status == 'ok'"])])]);
    let html = seen(json!({"status": 200, "body": "<html>"}));
    let judged = judged(&plan, Tape::new().observed("g", "a", html), &BlobMap::new());
    assert_eq!(judged.outcome, Outcome::Fail);
}

#[test]
fn nan_is_an_error_and_never_a_pass() {
    let nan = || seen(json!({"value": {"$double": "NaN"}}));
    for expectation in ["value < 1.0", "!(value > 1.0)", "value >= 0.0"] {
        let plan = plan(vec![gate("g", vec![check("a", &[expectation])])]);
        let judged = judged(
            &plan,
            Tape::new().observed("g", "a", nan()),
            &BlobMap::new(),
        );
        assert_eq!(judged.outcome, Outcome::Error, "{expectation}");
    }
}

#[test]
fn nothing_observed_is_an_error_for_every_cause() {
    for cause in [
        Cause::Dns,
        Cause::Refused,
        Cause::Closed,
        Cause::Network,
        Cause::Tls,
        Cause::Timeout,
        Cause::Protocol,
        Cause::Truncated,
        Cause::TooLarge,
        Cause::Denied,
        Cause::Missing,
        Cause::Forbidden,
        Cause::BadOptions,
        Cause::Interrupted,
        Cause::Unknown,
        Cause::Bug,
    ] {
        let plan = plan(vec![gate("g", vec![check("a", &["status == 200"])])]);
        let judged = judged(
            &plan,
            Tape::new().observed("g", "a", nothing(cause)),
            &BlobMap::new(),
        );
        assert_eq!(judged.outcome, Outcome::Error, "{cause:?}");
        assert!(
            judged.message.contains(cause_words(cause)),
            "{}",
            judged.message
        );
    }
}

#[test]
fn nothing_to_look_at_is_inconclusive_unless_the_expectation_speaks_of_it() {
    is(
        check("rows", &["rows[0].n == 1"]),
        with_absent("rows"),
        Outcome::Inconclusive,
        "expected `rows[0].n == 1`: nothing to look at: no rows (and 1 more)",
    );
    is(
        check("rows", &["size(rows) == 0"]),
        with_absent("rows"),
        Outcome::Pass,
        "0 rows in 2 ms",
    );
    // The expectation holds, but of what was to be looked at nothing was there.
    is(
        check("rows", &["latency < duration('1s')"]),
        with_absent("rows"),
        Outcome::Inconclusive,
        "nothing to look at: no rows",
    );
}

#[test]
fn a_value_missing_because_nothing_was_there_is_inconclusive_not_a_failure() {
    is(
        check("metric", &["value > 0"]),
        with_absent("series"),
        Outcome::Inconclusive,
        "expected `value > 0`: nothing to look at: no series (and 1 more)",
    );
}

#[test]
fn all_over_an_empty_list_is_inconclusive() {
    let plan = plan(vec![gate(
        "g",
        vec![check("a", &["body.items.all(i, i.ok)"])],
    )]);
    let nothing = seen(json!({"status": 200, "body": {"items": []}}));
    let judged = judged(
        &plan,
        Tape::new().observed("g", "a", nothing),
        &BlobMap::new(),
    );
    assert_eq!(judged.outcome, Outcome::Inconclusive);
}

#[test]
fn absence_that_the_check_calls_fine_is_a_warning() {
    let mut fine = check("rows", &["rows.all(r, r.n == 1)"]);
    fine.absent_is_warn = true;
    is(
        fine,
        with_absent("rows"),
        Outcome::Warn,
        "expected `rows.all(r, r.n == 1)`: nothing to look at: no rows (and 1 more)",
    );
}

#[test]
fn an_expectation_on_what_was_cut_is_an_error() {
    let cut = || {
        let mut observation = observation(facts(json!({"status": 200, "body": "aaa"})));
        observation.cut.push(Cut {
            fact: "body".to_owned(),
            why: "stopped reading after 1 MiB".to_owned(),
        });
        Observed::Observation(Box::new(observation))
    };
    is(
        check("a", &["body.contains('a')"]),
        cut(),
        Outcome::Error,
        "expected `body.contains('a')`: `body` was cut: stopped reading after 1 MiB",
    );
    is(check("a", &["status == 200"]), cut(), Outcome::Pass, "200");
    let mut saving = check("a", &["status == 200"]);
    saving.save.push(save("text", "body", false));
    let plan = plan(vec![gate("g", vec![saving])]);
    let judged = judged(
        &plan,
        Tape::new().observed("g", "a", cut()),
        &BlobMap::new(),
    );
    assert_eq!(judged.outcome, Outcome::Error);
}

#[test]
fn a_save_expects_that_its_value_is_there() {
    let saving = || {
        let mut check = check("make", &[]);
        check.save.push(save("rule", "body.id", false));
        check
    };
    is(
        saving(),
        seen(json!({"status": 201, "body": {"id": 7}})),
        Outcome::Pass,
        "201",
    );
    is(
        saving(),
        seen(json!({"status": 201, "body": {"id": null}})),
        Outcome::Fail,
        "nothing to save as `rule`: `body.id` is null",
    );
    let plan = plan(vec![gate("g", vec![saving()])]);
    let none = seen(json!({"status": 500, "body": {}}));
    let judged = judged(
        &plan,
        Tape::new().observed("g", "make", none),
        &BlobMap::new(),
    );
    assert_eq!(judged.outcome, Outcome::Fail);
    assert!(judged.message.contains("body.id"), "{}", judged.message);
}

#[test]
fn a_check_that_expects_nothing_is_never_a_pass() {
    is(
        check("a", &[]),
        status(200),
        Outcome::Inconclusive,
        "the check expects nothing",
    );
}

#[test]
fn saved_values_are_replayed_in_plan_order_and_secrets_are_their_mask() {
    let mut make = check("make", &["status == 201"]);
    make.save.push(save("rule", "body.id", false));
    make.save.push(save("token", "body.token", true));
    let later = check(
        "use",
        &["body.id == saved.rule", "saved.token == '[secret token]'"],
    );
    let plan = plan(vec![gate("a", vec![make]), gate("b", vec![later])]);
    let run = Tape::new()
        .observed(
            "a",
            "make",
            seen(json!({"status": 201, "body": {"id": 7, "token": "[secret token]"}})),
        )
        .observed("b", "use", seen(json!({"body": {"id": 7}})))
        .finished();
    let judged = judge_run(&plan, &run, &BlobMap::new()).expect("sound");
    assert_eq!(judged.gates[1].checks[0].outcome, Outcome::Pass);
    assert_eq!(judged.known.saved()["rule"], Value::Int(7));
    assert_eq!(judged.known.saved()["token"], "[secret token]".into());
}

#[test]
fn a_warn_expression_turns_a_pass_into_a_warning_only() {
    let warning = |warn: &str| {
        let mut check = check("a", &["status == 200"]);
        check.warn.push(expr(warn));
        check
    };
    is(
        warning("latency > duration('40ms')"),
        status(200),
        Outcome::Warn,
        "warns because `latency > duration('40ms')`: latency is 43ms",
    );
    is(
        warning("latency > duration('50ms')"),
        status(200),
        Outcome::Pass,
        "200 in 43 ms",
    );
    is(
        warning("latency > duration('40ms')"),
        status(500),
        Outcome::Fail,
        "expected `status == 200`: status is 500",
    );
}

fn leaking(name: &str, location: &str) -> Observed {
    let mut observation = observation(facts(json!({
        "status": 200,
        "body": {"token": "[secret token]", "debug": "[secret jwt]"},
    })));
    observation.target = Some(target());
    observation.secrets_seen.push(SecretSeen {
        name: name.to_owned(),
        location: location.to_owned(),
    });
    Observed::Observation(Box::new(observation))
}

#[test]
fn a_secret_that_comes_back_fails_the_check_unless_it_is_its_own() {
    is(
        check("a", &["status == 200"]),
        leaking("jwt", "body.debug"),
        Outcome::Fail,
        "the secret `jwt` came back in body.debug",
    );
    let login = || {
        let mut login = check("a", &["status == 200"]);
        login.save.push(save("token", "body.token", true));
        login
    };
    is(
        login(),
        leaking("token", "body.token"),
        Outcome::Pass,
        "200",
    );
    is(
        login(),
        leaking("jwt", "body.debug"),
        Outcome::Fail,
        "the secret `jwt` came back in body.debug",
    );
    is(
        check("a", &["status == 200"]),
        leaking("jwt", "request.url"),
        Outcome::Pass,
        "200",
    );
    is(
        check("a", &["size(secrets_seen) == 1"]),
        leaking("jwt", "body.debug"),
        Outcome::Pass,
        "200",
    );
    is(
        check("a", &["size(secrets_seen) == 0"]),
        leaking("jwt", "body.debug"),
        Outcome::Fail,
        "expected `size(secrets_seen) == 0`: size(secrets_seen) is 1",
    );
}

#[test]
fn a_minted_token_did_not_come_back_from_anywhere() {
    let Observed::Observation(mut minted) = leaking("mint.token", "token") else {
        panic!("an observation");
    };
    minted.target = None;
    is(
        check("mint", &["status == 200"]),
        Observed::Observation(minted),
        Outcome::Pass,
        "200",
    );
}

#[test]
fn a_secret_that_came_back_once_fails_the_check_however_often_it_is_retried() {
    let tape = Tape::new()
        .observed("g", "a", leaking("jwt", "body.debug"))
        .observed("g", "a", status(200));
    let plan = plan(vec![gate("g", vec![retrying(true)])]);
    assert_eq!(judged(&plan, tape, &BlobMap::new()).outcome, Outcome::Fail);
}

fn retrying(eventually: bool) -> Check {
    let mut check = check("a", &["status == 200"]);
    check.retry = Some(Retry {
        for_ns: 60_000_000_000,
        every_ns: 1_000_000_000,
        eventually,
    });
    check
}

#[test]
fn a_pass_on_retry_is_a_warning_unless_waiting_is_the_point() {
    let tape = || {
        Tape::new()
            .observed("g", "a", status(503))
            .observed("g", "a", status(200))
    };
    let warned = judged(
        &plan(vec![gate("g", vec![retrying(false)])]),
        tape(),
        &BlobMap::new(),
    );
    assert_eq!(warned.outcome, Outcome::Warn);
    insta::assert_snapshot!(warned.message, @"passed only on attempt 2, after 1 s; before: expected `status == 200`: status is 503");
    let waited = judged(
        &plan(vec![gate("g", vec![retrying(true)])]),
        tape(),
        &BlobMap::new(),
    );
    assert_eq!(waited.outcome, Outcome::Pass);
    insta::assert_snapshot!(waited.message, @"200 in 43 ms after 1 s, on attempt 2");
}

#[test]
fn an_attempt_after_the_retry_had_ended_does_not_pass() {
    let tape = Tape::new()
        .observed("g", "a", status(503))
        .after(3600)
        .observed("g", "a", status(200));
    let late = judged(
        &plan(vec![gate("g", vec![retrying(true)])]),
        tape,
        &BlobMap::new(),
    );
    assert_eq!(late.outcome, Outcome::Error);
}

#[test]
fn a_retry_counts_from_its_first_whole_attempt() {
    let tape = Tape::new()
        .observed("g", "a", nothing(Cause::Interrupted))
        .after(3600)
        .observed("g", "a", status(200));
    let whole = judged(
        &plan(vec![gate("g", vec![retrying(false)])]),
        tape,
        &BlobMap::new(),
    );
    assert_eq!(whole.outcome, Outcome::Pass);
}

#[test]
fn a_recorded_failure_stays_when_the_check_is_repeated_without_retry() {
    let tape = Tape::new()
        .observed("g", "a", status(503))
        .observed("g", "a", status(200));
    let plan = plan(vec![gate("g", vec![check("a", &["status == 200"])])]);
    assert_eq!(judged(&plan, tape, &BlobMap::new()).outcome, Outcome::Fail);
}

#[test]
fn an_attempt_that_was_stopped_and_made_again_does_not_count() {
    let tape = Tape::new()
        .observed("g", "a", nothing(Cause::Interrupted))
        .observed("g", "a", status(200));
    let reads = plan(vec![gate("g", vec![check("a", &["status == 200"])])]);
    assert_eq!(judged(&reads, tape, &BlobMap::new()).outcome, Outcome::Pass);
}

#[test]
fn a_write_that_was_stopped_counts_even_if_made_again() {
    let tape = Tape::new()
        .observed("g", "a", nothing(Cause::Interrupted))
        .observed("g", "a", status(200));
    let mut writes = check("a", &["status == 200"]);
    writes.power = Some(Power::Write);
    let plan = plan(vec![gate("g", vec![writes])]);
    assert_eq!(judged(&plan, tape, &BlobMap::new()).outcome, Outcome::Error);
}

#[test]
fn an_intent_that_a_crash_left_open_is_unknown_and_not_evaluated() {
    let mut writes = check("a", &["status == 201"]);
    writes.power = Some(Power::Write);
    let open = || {
        Tape::new().push(Event::Intended {
            at: address("g", "a", 1),
            power: Some(Power::Write),
            ask: "POST /a".to_owned(),
        })
    };
    let plan_of = |check: Check| plan(vec![gate("g", vec![check])]);
    let unknown = judged(&plan_of(writes.clone()), open(), &BlobMap::new());
    assert_eq!(unknown.outcome, Outcome::Error);
    insta::assert_snapshot!(unknown.message, @"POST /a: whether the effect happened is unknown (attempt 1 was under way when the run broke off; it is not repeated)");
    assert!(unknown.cause.is_some());

    let again = || {
        open()
            .push(Event::Intended {
                at: address("g", "a", 2),
                power: Some(Power::Write),
                ask: "POST /a".to_owned(),
            })
            .push(Event::Observed {
                at: address("g", "a", 2),
                attempt: Box::new(attempt(3, status(201))),
            })
    };
    assert_eq!(
        judged(&plan_of(writes.clone()), again(), &BlobMap::new()).outcome,
        Outcome::Error
    );
    writes.repeatable = true;
    assert_eq!(
        judged(&plan_of(writes), again(), &BlobMap::new()).outcome,
        Outcome::Pass
    );
}

#[test]
fn a_check_that_acted_without_an_intent_on_disk_spoils_the_record() {
    let mut writes = check("a", &["status == 201"]);
    writes.power = Some(Power::Write);
    let plan = plan(vec![gate("g", vec![writes])]);
    let run = Tape::new()
        .push(Event::Observed {
            at: address("g", "a", 1),
            attempt: Box::new(attempt(1, status(201))),
        })
        .finished();
    let error = judge_run(&plan, &run, &BlobMap::new()).expect_err("no intent");
    insta::assert_snapshot!(error, @"g/a acted without having recorded that it was about to");
}

#[test]
fn what_was_not_attempted_is_skipped_with_its_reason() {
    let plan = plan(vec![gate("g", vec![check("a", &["status == 200"])])]);
    let told = |reason| {
        let tape = Tape::new().skipped("g", "a", reason);
        let judged = judged(&plan, tape, &BlobMap::new());
        assert_eq!(judged.outcome, Outcome::Skipped);
        judged.message
    };
    insta::assert_snapshot!(told(SkipReason::Needs { gate: "api".to_owned() }), @"the gate `api`, which it needs, did not pass");
    insta::assert_snapshot!(told(SkipReason::When { expression: "env.name == 'x'".to_owned() }), @"its `when` is not true: env.name == 'x'");
    insta::assert_snapshot!(told(SkipReason::Filtered), @"left out on the command line (--only)");
    insta::assert_snapshot!(told(SkipReason::Power { power: Power::Load }), @"the run does not have the power `load`; grant it with `allow: [load]` or --allow load");
    insta::assert_snapshot!(told(SkipReason::Missing { name: "saved.token".to_owned(), why: "the check that saves it failed".to_owned() }), @"`saved.token` is missing: the check that saves it failed");
    let run = judge_run(&plan, &Tape::new().run(), &BlobMap::new()).expect("sound");
    insta::assert_snapshot!(run.gates[0].checks[0].message, @"the run ended before it");
    assert_eq!(run.gates[0].checks[0].outcome, Outcome::Skipped);
}

fn each(expectation: &str) -> Check {
    let mut check = check("a", &[expectation]);
    check.for_each = Some(ForEach::List(Vec::new()));
    check
}

#[test]
fn the_worst_item_of_a_list_counts() {
    let plan = plan(vec![gate("g", vec![each("status == item")])]);
    let tape = Tape::new().items(
        "g",
        "a",
        vec![
            (Value::Int(200), status(200)),
            (Value::Int(201), status(500)),
            (Value::Int(204), nothing(Cause::Timeout)),
        ],
    );
    let judged = judged(&plan, tape, &BlobMap::new());
    assert_eq!(judged.outcome, Outcome::Fail);
    insta::assert_snapshot!(judged.message, @"1 of 3 items failed; the first, 201: expected `status == item`: status is 500, item is 201");
    let outcomes: Vec<Outcome> = judged.items.iter().map(|i| i.outcome).collect();
    assert_eq!(outcomes, [Outcome::Pass, Outcome::Fail, Outcome::Error]);
}

#[test]
fn an_empty_list_to_repeat_over_is_a_failure() {
    let plan = plan(vec![gate("g", vec![each("status == 200")])]);
    let judged = judged(
        &plan,
        Tape::new().items("g", "a", Vec::new()),
        &BlobMap::new(),
    );
    assert_eq!(judged.outcome, Outcome::Fail);
}

#[test]
fn an_item_that_was_not_looked_at_is_not_a_pass() {
    let plan = plan(vec![gate("g", vec![each("status == 200")])]);
    let tape = Tape::new()
        .push(Event::Expanded {
            gate: "g".to_owned(),
            check: "a".to_owned(),
            items: vec![Value::Int(1), Value::Int(2)],
        })
        .push(Event::Observed {
            at: crate::record::Address {
                item: Some(0),
                ..address("g", "a", 1)
            },
            attempt: Box::new(attempt(1, status(200))),
        });
    assert_eq!(
        judged(&plan, tape, &BlobMap::new()).outcome,
        Outcome::Skipped
    );
}

fn limited(limits: &[(&str, Claim)]) -> Plan {
    let mut check = check("stats", &[]);
    check.probe = "load".to_owned();
    check.limits = limits
        .iter()
        .map(|(text, claim)| Limit {
            text: (*text).to_owned(),
            claim: *claim,
        })
        .collect();
    let mut plan = plan(vec![gate("latency", vec![check])]);
    // 60 rounds, paced, as in S1.
    plan.statistics.min_duration_ns = 1_000_000_000;
    plan
}

fn s1_limits() -> [(&'static str, Claim); 3] {
    let percentile = |p, max_ns| Claim::Percentile { p, max_ns };
    [
        ("p95: 150ms", percentile(0.95, 150_000_000)),
        ("p99: 250ms", percentile(0.99, 250_000_000)),
        ("errors: 1%", Claim::ErrorRate { max: 0.01 }),
    ]
}

#[test]
fn sixty_rounds_decide_the_p95_and_not_the_p99() {
    let (observed, blobs) = load(&[Some(43); 60]);
    let plan = limited(&s1_limits());
    let run = Tape::new()
        .observed("latency", "stats", observed)
        .finished();
    let judged = judge_run(&plan, &run, &blobs).expect("sound");
    let gate = &judged.gates[0];
    let outcomes: Vec<Outcome> = gate.checks[0].limits.iter().map(|l| l.outcome).collect();
    assert_eq!(
        outcomes,
        [Outcome::Pass, Outcome::Inconclusive, Outcome::Inconclusive]
    );
    insta::assert_snapshot!(gate.target, @"p95 ≤ 150 ms, p99 ≤ 250 ms, errors < 1 %");
    insta::assert_snapshot!(gate.result, @"p95 43 ms (bound 43 ms), p99 43 ms (bound none), 0 of 60 errors");
    let drawn = gate.checks[0].distribution.as_ref().expect("samples");
    assert_eq!((drawn.scheduled, drawn.unanswered), (60, 0));
    assert_eq!(drawn.buckets.iter().map(|(_, n)| n).sum::<u64>(), 60);
}

#[test]
fn a_limit_without_samples_is_inconclusive() {
    let plan = limited(&s1_limits());
    let none = judged(
        &plan,
        Tape::new().observed("latency", "stats", seen(json!({"errors": 0}))),
        &BlobMap::new(),
    );
    assert_eq!(none.outcome, Outcome::Inconclusive);
    let (observed, blobs) = load(&[]);
    let empty = judged(
        &plan,
        Tape::new().observed("latency", "stats", observed),
        &blobs,
    );
    assert_eq!(empty.outcome, Outcome::Inconclusive);
}

#[test]
fn a_load_that_was_stopped_early_proves_nothing() {
    let (observed, blobs) = load(&[Some(43); 60]);
    let outcome = |requests: u64, ended: Option<&str>| {
        let mut plan = limited(&s1_limits()[..1]);
        plan.gates[0].checks[0].options = json!({"load": "GET /", "requests": requests});
        let Observed::Observation(mut seen) = observed.clone() else {
            panic!("an observation");
        };
        if let Some(ended) = ended {
            seen.facts.insert("ended".to_owned(), ended.into());
        }
        let seen = Observed::Observation(seen);
        judged(
            &plan,
            Tape::new().observed("latency", "stats", seen),
            &blobs,
        )
        .outcome
    };
    assert_eq!(outcome(60, None), Outcome::Pass);
    assert_eq!(outcome(60, Some("completed")), Outcome::Pass);
    assert_eq!(outcome(100, None), Outcome::Inconclusive);
    assert_eq!(outcome(60, Some("asked to stop")), Outcome::Inconclusive);
    assert_eq!(outcome(100, Some("decided")), Outcome::Pass);
}

#[test]
fn a_missing_or_changed_series_refuses_the_record() {
    let (observed, mut blobs) = load(&[Some(43); 60]);
    let plan = limited(&s1_limits());
    let run = Tape::new()
        .observed("latency", "stats", observed)
        .finished();
    let missing = judge_run(&plan, &run, &BlobMap::new());
    assert!(
        matches!(missing, Err(JudgeError::BlobMissing { .. })),
        "{missing:?}"
    );
    for bytes in blobs.values_mut() {
        let last = bytes.len() - 4;
        bytes[last] ^= 1;
    }
    let changed = judge_run(&plan, &run, &blobs);
    assert!(
        matches!(changed, Err(JudgeError::BlobChanged { .. })),
        "{changed:?}"
    );
}

#[test]
fn a_further_attempt_at_the_same_subject_spends_less_alpha() {
    let (observed, blobs) = load(&[Some(43); 60]);
    let plan = limited(&s1_limits()[..1]);
    let with = |earlier: Option<Vec<EarlierRun>>| {
        let mut started = started();
        started.earlier = earlier;
        let tape = Tape::of(started).observed("latency", "stats", observed.clone());
        judged(&plan, tape, &blobs).outcome
    };
    let before = |sampled: &[&str]| EarlierRun {
        run: "earlier".to_owned(),
        verdict: None,
        sampled: sampled.iter().map(|s| (*s).to_owned()).collect(),
    };
    assert_eq!(with(Some(Vec::new())), Outcome::Pass);
    assert_eq!(with(None), Outcome::Pass);
    assert_eq!(with(Some(vec![before(&["other/check"])])), Outcome::Pass);
    assert_eq!(
        with(Some(vec![before(&["latency/stats"])])),
        Outcome::Inconclusive
    );
}

fn with_subject(mut plan: Plan, wait_ns: i64) -> Plan {
    plan.subject = Some(Subject {
        check: check("subject", &["body.commit == 'abc'"]),
        wait_ns,
        identity: Some(expr("body.digest")),
    });
    plan
}

fn commit(commit: &str, digest: &str) -> Observed {
    seen(json!({"status": 200, "body": {"commit": commit, "digest": digest}}))
}

#[test]
fn the_subject_is_the_expected_one_from_start_to_end() {
    let plan = with_subject(
        plan(vec![gate("g", vec![check("a", &["status == 200"])])]),
        0,
    );
    let messages = |start: Observed, end: Observed| {
        let run = Tape::new()
            .observed("subject", "start", start)
            .observed("g", "a", status(200))
            .observed("subject", "end", end)
            .finished();
        let subject = judge_run(&plan, &run, &BlobMap::new())
            .expect("sound")
            .subject;
        let outcome = |c: Option<CheckJudged>| c.expect("observed").outcome;
        (
            outcome(subject.start),
            outcome(subject.end),
            subject.message,
        )
    };
    insta::assert_debug_snapshot!(messages(commit("abc", "d1"), commit("abc", "d1")), @r#"
    (
        Pass,
        Pass,
        "\"d1\" runs there, as expected",
    )
    "#);
    insta::assert_debug_snapshot!(messages(commit("abc", "d1"), commit("abc", "d2")), @r#"
    (
        Pass,
        Fail,
        "at the end of the run: the subject changed during the run: \"d1\" became \"d2\"",
    )
    "#);
    insta::assert_debug_snapshot!(messages(commit("old", "d0"), commit("old", "d0")), @r#"
    (
        Fail,
        Fail,
        "\"d0\" runs there: expected `body.commit == 'abc'`: body.commit is \"old\"",
    )
    "#);
}

#[test]
fn the_rollout_is_waited_for() {
    let plan = with_subject(
        plan(vec![gate("g", vec![check("a", &["status == 200"])])]),
        300_000_000_000,
    );
    let run = Tape::new()
        .observed("subject", "start", commit("old", "d0"))
        .observed("subject", "start", commit("abc", "d1"))
        .observed("g", "a", status(200))
        .observed("subject", "end", commit("abc", "d1"))
        .finished();
    let judged = judge_run(&plan, &run, &BlobMap::new()).expect("sound");
    assert_eq!(judged.subject.start.map(|c| c.outcome), Some(Outcome::Pass));
}

#[test]
fn a_gate_that_the_plan_limits_to_other_environments_is_out_of_scope() {
    let mut elsewhere = gate("g", vec![check("a", &["status == 200"])]);
    elsewhere.only = vec!["production".to_owned()];
    let plan = plan(vec![elsewhere]);
    let run = judge_run(&plan, &Tape::new().finished(), &BlobMap::new()).expect("sound");
    assert_eq!(run.gates[0].outcome.word(), "out of scope");
    let strange = Tape::new().observed("g", "a", status(200)).finished();
    assert!(belongs(&plan, &strange).is_err());
}

#[test]
fn a_gate_counts_its_checks_in_its_result() {
    let checks = ["a", "b", "c"]
        .map(|id| check(id, &["status == 200"]))
        .to_vec();
    let plan = plan(vec![gate("g", checks)]);
    let run = Tape::new()
        .observed("g", "a", status(200))
        .observed("g", "b", status(500))
        .skipped("g", "c", SkipReason::Filtered)
        .finished();
    let judged = judge_run(&plan, &run, &BlobMap::new()).expect("sound");
    insta::assert_snapshot!(judged.gates[0].target, @"3 checks");
    insta::assert_snapshot!(judged.gates[0].result, @"1 of 3 passed, 1 failed, 1 skipped");
    assert_eq!(run.last_seen_at(), at(3));
}
