//! Findings, conditions, what was not evaluated, the confidence figure.

use serde_json::json;

use super::scene::{End, GateState, Scene};
use crate::decide::{Deciding, Policy, decide};
use crate::fixture::{BlobMap, Tape, at, check, gate, nothing, plan, seen, started, status};
use crate::judge::judge_run;
use crate::judged::{GateOutcome, Judged, LeftBehind};
use crate::outcome::{Outcome, Severity};
use crate::plan::Plan;
use crate::record::{Cause, EarlierRun, EnvironmentKind, Observed, Power, SkipReason};

fn decided(plan: &Plan, tape: Tape) -> Judged {
    let run = tape.finished();
    let judged = judge_run(plan, &run, &BlobMap::new()).expect("sound");
    let deciding = Deciding {
        plan,
        waivers: &[],
        policy: &Policy::default(),
        run: &run,
        as_of: at(3600),
    };
    decide(&deciding, judged)
}

/// A refused request with a token that ends in so many seconds.
fn refused(expires_in: &str) -> Observed {
    seen(json!({
        "status": 401, "json": true, "body": {"error": "unauthorized"}, "headers": {},
        "latency": {"$duration": "3ms"},
        "request": {
            "method": "GET", "url": "http://127.0.0.1:8080/api", "has_authorization": true,
            "authorization_scheme": "Bearer",
            "token": {"alg": "HS256", "expires_in": {"$duration": expires_in}},
        },
    }))
}

#[test]
fn two_hundred_401s_are_one_finding() {
    let ids: Vec<String> = (0..199).map(|i| format!("c{i}")).collect();
    let checks = ids.iter().map(|id| check(id, &["status == 200"])).collect();
    let load = check("load", &["errors == 0"]);
    let plan = plan(vec![gate("api", checks), gate("latency", vec![load])]);
    let tape = ids.iter().fold(Tape::new(), |tape, id| {
        tape.observed("api", id, refused("-5s"))
    });
    let many = json!({"errors": 2600, "statuses": {"401": 2600}});
    let judged = decided(&plan, tape.observed("latency", "load", seen(many)));
    assert_eq!(judged.findings.len(), 1);
    let finding = &judged.findings[0];
    assert_eq!((finding.count, finding.also.len()), (200, 199));
    assert_eq!(finding.check, "api/c0");
    insta::assert_snapshot!(finding.cause.clone().unwrap_or_default(), @"the token had expired when it was sent");
}

#[test]
fn what_a_rollback_left_is_the_reason_and_no_check_that_passed() {
    let pass = GateState {
        severity: Severity::Critical,
        outcome: GateOutcome::Pass,
        waived: false,
    };
    let scene = Scene::new(&[pass]);
    let run = scene.run();
    let mut judged = scene.judged(&run);
    judged.gates[0].outcome = GateOutcome::Error;
    judged.gates[0].left_behind = Some(LeftBehind {
        outcome: Outcome::Error,
        message: "not as before: public.t: 1 row before, 2 after".to_owned(),
        notes: Vec::new(),
    });
    let deciding = Deciding {
        plan: &scene.plan,
        waivers: &[],
        policy: &Policy::default(),
        run: &run,
        as_of: at(60),
    };
    let decided = decide(&deciding, judged);
    insta::assert_snapshot!(decided.because, @"HOLD because the critical gate `g0` (Gate g0) ended in an error: its rollback: not as before: public.t: 1 row before, 2 after; it takes a run in which `g0` passes, or a waiver of it.");
}

#[test]
fn findings_tell_what_was_expected_and_seen_and_what_to_do() {
    let mut important = gate("stats", vec![check("b", &["body.n > 3"])]);
    important.severity = Severity::Important;
    important.owner = Some("data".to_owned());
    let plan = plan(vec![
        important,
        gate(
            "api",
            vec![check("a", &["status == 200", "latency < duration('1s')"])],
        ),
        gate("net", vec![check("c", &["status == 200"])]),
        gate("write", vec![check("d", &["status == 201"])]),
    ]);
    let judged = decided(
        &plan,
        Tape::new()
            .observed("stats", "b", seen(json!({"status": 200, "body": {"n": 2}})))
            .observed("api", "a", refused("2h"))
            .observed("net", "c", nothing(Cause::Refused))
            .skipped(
                "write",
                "d",
                SkipReason::Power {
                    power: Power::Write,
                },
            ),
    );
    insta::assert_json_snapshot!(judged.findings);
    insta::assert_json_snapshot!(judged.not_evaluated, @r#"
    [
      {
        "check": "net/c",
        "outcome": "error",
        "why": "GET http://127.0.0.1:9/health: the connection was refused: os error 111"
      },
      {
        "check": "write/d",
        "outcome": "skipped",
        "why": "the run does not have the power `write`; grant it with `allow: [write]` or --allow write"
      }
    ]
    "#);
    insta::assert_snapshot!(judged.because, @"NO-GO because the critical gate `api` (Gate api) failed: api/a: expected `status == 200`: status is 401; it takes a run in which `api` passes, or a waiver of it.");
}

#[test]
fn what_only_follows_from_another_gate_is_no_finding() {
    let plan = plan(vec![
        gate("api", vec![check("a", &["status == 200"])]),
        gate("after", vec![check("b", &["status == 200"])]),
    ]);
    let needs = SkipReason::Needs {
        gate: "api".to_owned(),
    };
    let tape = Tape::new().observed("api", "a", status(500));
    let judged = decided(&plan, tape.skipped("after", "b", needs));
    let checks: Vec<&str> = judged.findings.iter().map(|f| f.check.as_str()).collect();
    assert_eq!(checks, ["api/a"]);
    assert_eq!(judged.not_evaluated.len(), 1);
}

#[test]
fn findings_are_sorted_by_what_blocks_most() {
    let states = |severity, outcome: Outcome| GateState {
        severity,
        outcome: outcome.into(),
        waived: false,
    };
    let scene = Scene::new(&[
        states(Severity::Advisory, Outcome::Fail),
        states(Severity::Important, Outcome::Fail),
        states(Severity::Critical, Outcome::Error),
        GateState {
            waived: true,
            ..states(Severity::Critical, Outcome::Fail)
        },
        states(Severity::Critical, Outcome::Fail),
    ]);
    let gates: Vec<String> = scene
        .decide()
        .findings
        .into_iter()
        .map(|f| f.gate)
        .collect();
    assert_eq!(gates, ["g4", "g2", "g1", "g0", "g3"]);
}

#[test]
fn a_clean_run_raises_no_finding_and_no_condition() {
    let pass = GateState {
        severity: Severity::Critical,
        outcome: Outcome::Pass.into(),
        waived: false,
    };
    let judged = Scene::new(&[pass, pass]).decide();
    assert!(judged.findings.is_empty());
    assert!(judged.conditions.is_empty());
    assert_eq!(judged.confidence.percent, 100);
    assert!(judged.reasons.is_empty());
    assert_eq!(judged.about.valid_until, Some(at(2 + 86_400)));
    assert_eq!(judged.policy.no_go, "default");
}

#[test]
fn a_local_run_is_marked_as_a_rehearsal() {
    let pass = GateState {
        severity: Severity::Critical,
        outcome: Outcome::Pass.into(),
        waived: false,
    };
    let mut scene = Scene::new(&[pass]);
    scene.kind = EnvironmentKind::Local;
    assert!(scene.decide().rehearsal);
}

#[test]
fn the_confidence_figure_names_each_deduction() {
    let state = |severity, outcome: Outcome| GateState {
        severity,
        outcome: outcome.into(),
        waived: false,
    };
    let mut scene = Scene::new(&[
        state(Severity::Critical, Outcome::Pass),
        state(Severity::Critical, Outcome::Warn),
        state(Severity::Important, Outcome::Inconclusive),
        state(Severity::Advisory, Outcome::Fail),
    ]);
    scene.kind = EnvironmentKind::Local;
    scene.subject = None;
    scene.end = End::BrokenOff;
    insta::assert_json_snapshot!(scene.decide().confidence);
}

#[test]
fn earlier_attempts_and_an_unknown_number_of_them_are_said() {
    let plan = plan(vec![gate("api", vec![check("a", &["status == 200"])])]);
    let conditions = |earlier| {
        let mut started = started();
        started.earlier = earlier;
        let judged = decided(&plan, Tape::of(started).observed("api", "a", status(200)));
        let texts: Vec<String> = judged
            .conditions
            .into_iter()
            .filter(|c| c.kind == "attempt")
            .map(|c| c.text)
            .collect();
        (judged.about.attempt, texts.join("\n"))
    };
    assert_eq!(conditions(Some(Vec::new())), (Some(1), String::new()));
    let before = EarlierRun {
        run: "earlier".to_owned(),
        verdict: Some(crate::outcome::Verdict::Hold),
        sampled: Vec::new(),
    };
    let (attempt, text) = conditions(Some(vec![before]));
    assert_eq!(attempt, Some(2));
    insta::assert_snapshot!(text, @"attempt 2 at this subject; before: HOLD");
    let (attempt, text) = conditions(None);
    assert_eq!(attempt, None);
    insta::assert_snapshot!(text, @"attempt unknown: no registry tells of earlier runs of this subject, so limits were judged as in a first one");
}

#[test]
fn the_whole_document_of_a_held_run() {
    let plan = plan(vec![gate("api", vec![check("a", &["status == 200"])])]);
    let judged = decided(&plan, Tape::new().observed("api", "a", status(503)));
    insta::assert_json_snapshot!(judged);
}
