//! Which waivers count.

use super::scene::{GateState, Scene, waiver};
use crate::decide::Deciding;
use crate::fixture::at;
use crate::judged::{GateOutcome, Judged};
use crate::outcome::{Outcome, Severity, Verdict};
use crate::plan::Waiver;
use crate::record::SecretSeen;

fn one(outcome: Outcome) -> Scene {
    Scene::new(&[GateState {
        severity: Severity::Critical,
        outcome: outcome.into(),
        waived: false,
    }])
}

fn decided(outcome: Outcome, waiver: Waiver) -> Judged {
    let mut scene = one(outcome);
    scene.waivers.push(waiver);
    scene.decide()
}

fn days(n: i64) -> chrono::DateTime<chrono::Utc> {
    at(n * 86_400)
}

/// What is said of a waiver that does not count.
#[track_caller]
fn refused(outcome: Outcome, waiver: Waiver) -> String {
    let judged = decided(outcome, waiver);
    assert_ne!(judged.verdict, Verdict::Go);
    assert_eq!(judged.gates[0].waived_by, None);
    let said = judged.conditions.into_iter().find(|c| c.kind == "waiver");
    said.expect("it is said why").text
}

#[test]
fn a_waiver_that_matches_counts_and_leaves_the_outcome_as_it_was() {
    let judged = decided(Outcome::Fail, waiver("g0", "size(rows) == 2"));
    assert_eq!(judged.verdict, Verdict::Go);
    assert_eq!(judged.gates[0].outcome, GateOutcome::Fail);
    assert_eq!(judged.counts.fail, 1);
    insta::assert_snapshot!(judged.gates[0].waived_by.clone().unwrap_or_default(), @"Ada Lovelace until 2026-11-26");
    insta::assert_snapshot!(judged.conditions[0].text, @"`g0` is waived by Ada Lovelace until 2026-11-26: known and harmless (OPS-7), carried for 1 day");
    insta::assert_snapshot!(judged.because, @"GO because the one required gate is waived; a failed required gate, another subject or the end of its validity would change it.");
    assert_eq!(judged.findings[0].waived_by, judged.gates[0].waived_by);
}

#[test]
fn a_go_by_a_waiver_ends_with_it() {
    let mut soon = waiver("g0", "n == 2");
    soon.until = at(3600);
    let judged = decided(Outcome::Fail, soon);
    assert_eq!(judged.about.valid_until, Some(at(3600)));
}

#[test]
fn a_waiver_of_one_check_counts_for_its_gate_when_nothing_else_failed() {
    let judged = decided(Outcome::Fail, waiver("g0/a", "n == 2"));
    assert_eq!(judged.verdict, Verdict::Go);
    assert!(judged.gates[0].waived_by.is_some());
}

#[test]
fn another_failure_than_the_accepted_one_is_not_waived() {
    insta::assert_snapshot!(refused(Outcome::Fail, waiver("g0", "size(rows) == 1")), @"the waiver of `g0` by Ada Lovelace does not count: the failure is not the one it accepts: size(rows) is 2");
    insta::assert_snapshot!(refused(Outcome::Error, waiver("g0", "size(rows) == 2")), @"the waiver of `g0` by Ada Lovelace does not count: whether the failure is the one it accepts cannot be told: `rows` is absent; there are: inputs, saved, env, checks, message, outcome");
}

#[test]
fn an_expired_or_future_waiver_is_not_there() {
    let mut expired = waiver("g0", "n == 2");
    expired.until = at(30);
    insta::assert_snapshot!(refused(Outcome::Fail, expired), @"the waiver of `g0` by Ada Lovelace does not count: it ended on 2026-11-21");
    let mut ahead = waiver("g0", "n == 2");
    ahead.given = Some(days(1));
    insta::assert_snapshot!(refused(Outcome::Fail, ahead), @"the waiver of `g0` by Ada Lovelace does not count: it is dated after the instant of decision");
}

#[test]
fn a_failure_may_be_waived_for_thirty_days_and_a_gap_for_seven() {
    let until = |days_: i64, given: Option<i64>| Waiver {
        until: days(days_),
        given: given.map(days),
        ..waiver("g0", "outcome != 'pass'")
    };
    let counts = |outcome, waiver| decided(outcome, waiver).verdict == Verdict::Go;
    assert!(counts(Outcome::Fail, until(30, None)));
    assert!(!counts(Outcome::Fail, until(31, None)));
    assert!(!counts(Outcome::Fail, until(29, Some(-2))));
    for gap in [
        Outcome::Error,
        Outcome::Inconclusive,
        Outcome::Skipped,
        Outcome::Pending,
    ] {
        assert!(counts(gap, until(7, None)), "{gap:?}");
        assert!(!counts(gap, until(8, None)), "{gap:?}");
    }
    insta::assert_snapshot!(refused(Outcome::Skipped, until(8, None)), @"the waiver of `g0` by Ada Lovelace does not count: it runs for 8 days; missing evidence may be waived for 7 at most");
}

#[test]
fn a_waiver_that_pins_nothing_or_names_nobody_does_not_count() {
    insta::assert_snapshot!(refused(Outcome::Fail, waiver("g0", "true")), @"the waiver of `g0` by Ada Lovelace does not count: `accepts: true` pins nothing of what was seen");
    let blank = Waiver {
        reason: " ".to_owned(),
        ..waiver("g0", "n == 2")
    };
    insta::assert_snapshot!(refused(Outcome::Fail, blank), @"the waiver of `g0` by Ada Lovelace does not count: it names no person or no reason");
}

#[test]
fn the_subject_and_unknown_gates_cannot_be_waived() {
    for (subject, why) in [
        ("subject", "the subject can never be waived"),
        ("nowhere", "the plan has no such gate"),
        ("g0/nothing", "the gate has no such check"),
    ] {
        let said = refused(Outcome::Fail, waiver(subject, "n == 2"));
        assert!(said.ends_with(why), "{said}");
    }
}

#[test]
fn a_leaked_secret_is_never_waived() {
    let mut scene = one(Outcome::Fail);
    scene.waivers.push(waiver("g0", "outcome == 'fail'"));
    let run = scene.run();
    let mut judged = scene.judged(&run);
    let evidence = judged.gates[0].checks[0].evidence.as_mut();
    let evidence = evidence.expect("evidence");
    evidence.target = Some(crate::fixture::target());
    evidence.secrets_seen = vec![SecretSeen {
        name: "jwt".to_owned(),
        location: "body.debug".to_owned(),
    }];
    let deciding = Deciding {
        plan: &scene.plan,
        waivers: &scene.waivers,
        policy: &scene.policy,
        run: &run,
        as_of: at(60),
    };
    let decided = crate::decide::decide(&deciding, judged);
    assert_eq!(decided.verdict, Verdict::NoGo);

    scene.plan.gates[0].checks[0].probe = "secrets".to_owned();
    assert_eq!(scene.decide().verdict, Verdict::NoGo);
}
