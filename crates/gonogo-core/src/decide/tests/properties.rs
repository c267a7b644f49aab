//! What must hold for every combination: an oracle in another manner, pessimism, permutation, monotony.

use proptest::prelude::*;
use serde_json::json;

use super::scene::{End, GateState, Scene, all_states};
use crate::decide::{Deciding, Policy, decide};
use crate::fixture::{BlobMap, Tape, at, check, empty, gate, load, nothing, plan, seen, status};
use crate::judge::judge_run;
use crate::judged::GateOutcome;
use crate::outcome::{Outcome, Severity, Verdict};
use crate::plan::{ForEach, Limit, Plan, Retry, Subject};
use crate::record::{Cause, Event, SkipReason, fold};
use crate::stats::Claim;
use crate::value::Value;

/// The rule as a table: a row per severity, a column per outcome from the best to the worst, then waived and out of
/// scope. The worst letter of all gates is the verdict; a `.` says nothing.
const TABLE: [(Severity, &str); 3] = [
    //                    pass warn pending skipped inconclusive error fail waived scope
    (
        Severity::Critical,
        "G    G    H       H       H            H     N    G      .",
    ),
    (
        Severity::Important,
        "G    G    H       H       H            H     H    G      .",
    ),
    (
        Severity::Advisory,
        ".    .    .       .       .            .     .    .      .",
    ),
];

fn oracle(gates: &[GateState]) -> Verdict {
    let letter = |state: &GateState| {
        let row = TABLE
            .iter()
            .find(|(severity, _)| *severity == state.severity);
        let row: Vec<&str> = row.expect("a row").1.split_whitespace().collect();
        let column = match state.outcome.in_scope() {
            None => 8,
            Some(_) if state.waived => 7,
            Some(outcome) => Outcome::WORST_FIRST
                .iter()
                .rev()
                .position(|o| *o == outcome)
                .expect("an outcome"),
        };
        row[column]
    };
    let letters: String = gates.iter().map(letter).collect();
    match () {
        () if letters.contains('N') => Verdict::NoGo,
        () if letters.contains('H') || !letters.contains('G') => Verdict::Hold,
        () => Verdict::Go,
    }
}

/// Every combination of up to three gates, their order aside.
fn combinations() -> Vec<Vec<GateState>> {
    let states = all_states();
    let mut all = Vec::new();
    for (i, a) in states.iter().enumerate() {
        all.push(vec![*a]);
        for (j, b) in states.iter().enumerate().skip(i) {
            all.push(vec![*a, *b]);
            for c in states.iter().skip(j) {
                all.push(vec![*a, *b, *c]);
            }
        }
    }
    all
}

#[test]
fn the_rule_agrees_with_the_oracle_on_every_combination_of_three_gates() {
    let all = combinations();
    assert_eq!(all.len(), 39 + 39 * 40 / 2 + 39 * 40 * 41 / 6);
    for gates in all {
        let decided = Scene::new(&gates).decide();
        assert_eq!(decided.verdict, oracle(&gates), "{gates:?}");
        let unconditional = decided.verdict == Verdict::Go;
        assert_eq!(decided.reasons.is_empty(), unconditional, "{gates:?}");
        assert_eq!(decided.about.valid_until.is_some(), unconditional);
        let counted = decided.gate_counts;
        let sum: u32 = Outcome::WORST_FIRST.iter().map(|o| counted.of(*o)).sum();
        assert_eq!(sum + counted.out_of_scope, gates.len() as u32);
    }
}

fn any_state() -> impl Strategy<Value = GateState> {
    proptest::sample::select(all_states())
}

fn any_scene() -> impl Strategy<Value = Scene> {
    let outcome = || proptest::sample::select(Outcome::WORST_FIRST.to_vec());
    let subject = proptest::option::of((outcome(), outcome()));
    let end = proptest::sample::select(vec![End::Finished, End::BrokenOff, End::Stopped]);
    let as_of = proptest::sample::select(vec![60, 7200, 90_000]);
    let gates = proptest::collection::vec(any_state(), 1..6);
    (gates, subject, end, as_of).prop_map(|(gates, subject, end, as_of)| Scene {
        end,
        subject,
        as_of,
        ..Scene::new(&gates)
    })
}

fn worse(outcome: Outcome) -> Vec<Outcome> {
    Outcome::WORST_FIRST
        .into_iter()
        .filter(|o| *o > outcome)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_worse_gate_never_lifts_the_verdict(scene in any_scene(), which in any::<prop::sample::Index>()) {
        let before = scene.decide().verdict;
        let which = which.index(scene.gates.len());
        let state = scene.gates[which];
        let Some(outcome) = state.outcome.in_scope() else { return Ok(()) };
        for outcome in worse(outcome) {
            let mut gates = scene.gates.clone();
            // The waiver pins the outcome that it was given for, so it no longer counts.
            gates[which].outcome = outcome.into();
            let after = Scene { gates, ..scene.clone() }.decide().verdict;
            prop_assert!(after <= before, "{state:?} to {outcome:?}: {before:?} to {after:?}");
        }
    }

    #[test]
    fn a_worse_run_never_lifts_the_verdict(scene in any_scene()) {
        let before = scene.decide().verdict;
        let mut others = vec![
            Scene { end: End::BrokenOff, ..scene.clone() },
            Scene { waivers: Vec::new(), ..scene.clone() },
            Scene { as_of: scene.as_of + 90_000, ..scene.clone() },
        ];
        if let Some((start, end)) = scene.subject {
            others.extend(worse(start).into_iter().map(|o| Scene { subject: Some((o, end)), ..scene.clone() }));
            others.extend(worse(end).into_iter().map(|o| Scene { subject: Some((start, o)), ..scene.clone() }));
        }
        for other in others {
            prop_assert!(other.decide().verdict <= before);
        }
    }

    #[test]
    fn the_order_of_gates_does_not_matter(
        states in proptest::collection::vec(any_state(), 1..6),
        seed in any::<prop::sample::Index>(),
    ) {
        let mut turned = states.clone();
        turned.rotate_left(seed.index(states.len()));
        let mut reversed = states.clone();
        reversed.reverse();
        let verdict = Scene::new(&states).decide().verdict;
        prop_assert_eq!(Scene::new(&turned).decide().verdict, verdict);
        prop_assert_eq!(Scene::new(&reversed).decide().verdict, verdict);
    }

    #[test]
    fn a_policy_file_never_lifts_the_verdict(
        scene in any_scene(),
        rule in proptest::sample::select(vec![
            "true", "false", "critical.fail > 0", "important.total > 2", "advisory.fail >= 0", "no.such > 1",
        ]),
        strict in any::<bool>(),
    ) {
        let before = scene.decide().verdict;
        let mut tightened = scene.clone();
        let rules = if strict { &mut tightened.policy.no_go } else { &mut tightened.policy.hold };
        rules.push(crate::fixture::expr(rule));
        prop_assert!(tightened.decide().verdict <= before);
    }

    #[test]
    fn a_further_gate_never_lifts_a_verdict_that_rests_on_something(scene in any_scene(), more in any_state()) {
        let rests = scene.gates.iter().any(|g| {
            g.severity != Severity::Advisory && g.outcome != GateOutcome::OutOfScope
        });
        prop_assume!(rests);
        let before = scene.decide().verdict;
        let mut states = scene.gates.clone();
        states.push(more);
        let after = Scene { subject: scene.subject, end: scene.end, as_of: scene.as_of, ..Scene::new(&states) };
        prop_assert!(after.decide().verdict <= before);
    }
}

/// A plan with every kind of thing that a journal can tell of.
fn whole_plan() -> Plan {
    let mut waits = check("waits", &["status == 200"]);
    waits.retry = Some(Retry {
        for_ns: 60_000_000_000,
        every_ns: 1_000_000_000,
        eventually: true,
    });
    let mut each = check("each", &["status == item"]);
    each.for_each = Some(ForEach::List(Vec::new()));
    let mut stats = check("stats", &[]);
    stats.probe = "load".to_owned();
    stats.limits.push(Limit {
        text: "p95: 150ms".to_owned(),
        claim: Claim::Percentile {
            p: 0.95,
            max_ns: 150_000_000,
        },
    });
    let rows = check("rows", &["size(rows) == 0"]);
    let mut plan = plan(vec![
        gate("api", vec![check("list", &["status == 200"]), waits, each]),
        gate("latency", vec![stats]),
        gate("data", vec![rows]),
    ]);
    plan.subject = Some(Subject {
        check: check("subject", &["status == 200"]),
        wait_ns: 1,
        identity: None,
    });
    plan
}

fn whole_journal() -> (Vec<Event>, BlobMap) {
    let (observed, blobs) = load(&[Some(43); 60]);
    let mut tape = Tape::new()
        .observed("subject", "start", status(200))
        .observed("api", "list", status(200))
        .observed("api", "waits", status(503))
        .observed("api", "waits", status(200))
        .items(
            "api",
            "each",
            vec![
                (Value::Int(200), status(200)),
                (Value::Int(201), status(201)),
            ],
        )
        .observed("latency", "stats", observed)
        .observed("data", "rows", empty("rows", json!({})))
        .observed("subject", "end", status(200));
    tape = tape.push(Event::RunFinished {
        finished_at: at(30),
    });
    (tape.events, blobs)
}

fn verdict(plan: &Plan, events: Vec<Event>, blobs: &BlobMap) -> Option<Verdict> {
    let run = fold(events).ok()?;
    let judged = judge_run(plan, &run, blobs).ok()?;
    let deciding = Deciding {
        plan,
        waivers: &[],
        policy: &Policy::default(),
        run: &run,
        as_of: at(60),
    };
    Some(decide(&deciding, judged).verdict)
}

#[test]
fn a_journal_that_lost_its_end_is_never_go() {
    let (events, blobs) = whole_journal();
    let plan = whole_plan();
    assert_eq!(verdict(&plan, events.clone(), &blobs), Some(Verdict::Go));
    for kept in 0..events.len() {
        let prefix = events[..kept].to_vec();
        assert_ne!(verdict(&plan, prefix, &blobs), Some(Verdict::Go), "{kept}");
    }
}

/// The same journal, one observation replaced by something bad.
fn spoilt() -> Vec<Vec<Event>> {
    let (events, _) = whole_journal();
    let mut all = Vec::new();
    for (i, event) in events.iter().enumerate() {
        let Event::Observed { at, attempt } = event else {
            continue;
        };
        for bad in [
            status(500),
            nothing(Cause::Timeout),
            seen(json!({})),
            empty("samples", json!({})),
        ] {
            let mut attempt = attempt.clone();
            attempt.observed = bad;
            let mut spoilt = events.clone();
            spoilt[i] = Event::Observed {
                at: at.clone(),
                attempt,
            };
            all.push(spoilt);
        }
    }
    all
}

#[test]
fn an_event_that_is_lost_never_lifts_a_verdict_to_go() {
    let (_, blobs) = whole_journal();
    let plan = whole_plan();
    let mut tried = 0;
    for events in spoilt() {
        if verdict(&plan, events.clone(), &blobs) == Some(Verdict::Go) {
            // An earlier try of a check that may be retried.
            continue;
        }
        for lost in 0..events.len() {
            let mut fewer = events.clone();
            fewer.remove(lost);
            tried += 1;
            assert_ne!(verdict(&plan, fewer, &blobs), Some(Verdict::Go), "{lost}");
        }
    }
    assert!(tried > 300, "{tried}");
}

#[test]
fn a_check_that_is_skipped_instead_is_never_go() {
    let (events, blobs) = whole_journal();
    let plan = whole_plan();
    for planned in &plan.gates {
        for check in &planned.checks {
            let of_it = |event: &Event| match event {
                Event::Intended { at, .. } | Event::Observed { at, .. } => {
                    at.gate == planned.id && at.check == check.id
                }
                Event::Expanded { gate, check: c, .. } => *gate == planned.id && *c == check.id,
                _ => false,
            };
            let mut without: Vec<Event> = events.iter().filter(|e| !of_it(e)).cloned().collect();
            without.insert(
                1,
                Event::Skipped {
                    gate: planned.id.clone(),
                    check: check.id.clone(),
                    reason: SkipReason::Filtered,
                },
            );
            assert_eq!(
                verdict(&plan, without, &blobs),
                Some(Verdict::Hold),
                "{}",
                check.id
            );
        }
    }
}
