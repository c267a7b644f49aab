//! Whatever is stated, the verdict is at best what it would have been without.

use proptest::prelude::*;

use super::scene::{GateState, Scene, all_states};
use crate::fixture::at;
use crate::judged::{AcceptanceState, GateOutcome, ShownState};
use crate::outcome::{Outcome, Severity, Verdict};
use crate::plan::{
    Approval, ApprovalState, Criterion, FindingSeverity, FindingText, Limitation, OwaspMapping,
    SignOff, StatedFinding, Statement, Statements,
};
use crate::value::Value;

const DAY: i64 = 86_400;

fn limitation(accepted: bool, until: i64) -> Limitation {
    Limitation {
        id: "known".to_owned(),
        text: "No DNS alias yet".to_owned(),
        owner: None,
        accepted_by: accepted.then(|| "Ada".to_owned()),
        until: at(until),
        ticket: None,
    }
}

fn finding(severity: FindingSeverity, until: Option<i64>) -> StatedFinding {
    StatedFinding {
        id: "known".to_owned(),
        title: "The import takes minutes".to_owned(),
        severity,
        text: FindingText::default(),
        accepted: until.map(|until| ("Ada".to_owned(), at(until))),
    }
}

fn approval(state: ApprovalState, subject: &str, day: i64) -> Approval {
    Approval {
        person: "Ada".to_owned(),
        state,
        on: at(day * DAY).date_naive(),
        subject: subject.to_owned(),
        environment: None,
        conditions: Vec::new(),
        comment: None,
    }
}

fn sign_off(approvals: Vec<Approval>) -> SignOff {
    SignOff {
        decides: vec!["Ada".to_owned()],
        criteria: vec![Criterion {
            text: "It works".to_owned(),
            shown_by: vec!["g0".to_owned()],
        }],
        environment: Vec::new(),
        approvals,
    }
}

fn mapping(id: &str, shown_by: &[&str], evidence: Option<&str>, stated: bool) -> OwaspMapping {
    OwaspMapping {
        id: id.to_owned(),
        shown_by: shown_by.iter().map(|name| (*name).to_owned()).collect(),
        statement: stated.then(|| Statement {
            text: "Reviewed".to_owned(),
            person: "Ada".to_owned(),
            on: at(-DAY).date_naive(),
            evidence: evidence.map(str::to_owned),
        }),
    }
}

fn good() -> Scene {
    Scene::new(&[GateState {
        severity: Severity::Critical,
        outcome: GateOutcome::Pass,
        waived: false,
    }])
}

fn with(statements: Statements) -> Scene {
    let mut scene = good();
    scene.plan.statements = statements;
    scene
}

#[test]
fn a_go_ends_with_the_first_day_of_what_it_rests_on() {
    let scene = with(Statements {
        limitations: vec![limitation(true, 7_200), limitation(true, 3_600)],
        ..Statements::default()
    });
    let judged = scene.decide();
    assert_eq!(judged.verdict, Verdict::Go);
    assert_eq!(judged.about.valid_until, Some(at(3_600)));
    // One second after it, the same run is HOLD.
    let late = Scene {
        as_of: 3_601,
        ..scene
    };
    let judged = late.decide();
    assert_eq!(judged.verdict, Verdict::Hold);
    assert_eq!(
        judged.statements.limitations[1].state,
        AcceptanceState::Expired
    );
    assert!(
        judged
            .because
            .contains("the known limitation `known` was accepted until")
    );
}

#[test]
fn a_critical_finding_is_never_accepted_whatever_the_plan_says() {
    let judged = with(Statements {
        findings: vec![finding(FindingSeverity::Critical, Some(30 * DAY))],
        ..Statements::default()
    })
    .decide();
    assert_eq!(judged.verdict, Verdict::NoGo);
    assert_eq!(judged.findings[0].waived_by, None);
}

#[test]
fn an_approval_counts_for_the_observed_subject_and_its_day_only() {
    let decided = |subject: &str, day: i64, observed: Option<Value>| {
        let mut scene = good();
        scene.plan.statements.sign_off = Some(sign_off(vec![approval(
            ApprovalState::Approved,
            subject,
            day,
        )]));
        let run = scene.run();
        let mut judged = scene.judged(&run);
        judged.subject.observed = observed;
        let deciding = crate::decide::Deciding {
            plan: &scene.plan,
            waivers: &[],
            policy: &scene.policy,
            run: &run,
            as_of: at(60),
        };
        crate::decide::decide(&deciding, judged)
            .statements
            .sign_off
            .unwrap()
    };
    let runs = || Some(Value::from("abc"));
    assert_eq!(decided("abc", -1, runs()).state, ApprovalState::Approved);
    assert_eq!(decided("abc", 0, runs()).state, ApprovalState::Approved);
    for (subject, day, observed, why) in [
        ("ab", -1, runs(), "it is about `ab`, and `abc` runs there"),
        ("abc", 2, runs(), "dated after the instant of decision"),
        ("abc", -1, None, "was not observed from start to end"),
    ] {
        let sign_off = decided(subject, day, observed);
        assert_eq!(sign_off.state, ApprovalState::Pending);
        assert!(sign_off.refused[0].contains(why), "{}", sign_off.refused[0]);
    }
}

#[test]
fn a_row_follows_the_worst_of_what_shows_it_and_a_statement_is_never_a_pass() {
    for outcome in Outcome::WORST_FIRST {
        let scene = Scene::new(&[
            GateState {
                severity: Severity::Critical,
                outcome: GateOutcome::Pass,
                waived: false,
            },
            GateState {
                severity: Severity::Advisory,
                outcome: outcome.into(),
                waived: false,
            },
        ]);
        let mut scene = scene;
        scene.plan.statements.owasp = Some(vec![
            mapping("A01:2025", &["g0", "g1/a"], None, false),
            mapping("A02:2025", &["g1"], Some("review.md"), true),
            mapping("A03:2025", &[], Some("review.md"), true),
            mapping("A04:2025", &[], None, true),
        ]);
        let judged = scene.decide();
        let rows = judged.statements.owasp.unwrap().rows;
        let expected = match outcome {
            Outcome::Pass => ShownState::Pass,
            Outcome::Warn => ShownState::Warn,
            Outcome::Fail => ShownState::Fail,
            _ => ShownState::NotEvaluated,
        };
        assert_eq!(rows[0].state, expected, "{outcome:?}");
        assert_eq!(
            rows[1].state, expected,
            "{outcome:?}: with a statement beside"
        );
        assert_eq!(rows[2].state, ShownState::Stated);
        assert_eq!(rows[3].state, ShownState::NotEvaluated);
        assert!(
            rows[4..]
                .iter()
                .all(|row| row.state == ShownState::NotEvaluated)
        );
        assert_eq!(rows.len(), 10);
    }
}

fn statements() -> impl Strategy<Value = Statements> {
    let limitation = (any::<bool>(), -2 * DAY..2 * DAY).prop_map(|(a, until)| limitation(a, until));
    let severity = proptest::sample::select(FindingSeverity::ALL.to_vec());
    let finding = (severity, proptest::option::of(-2 * DAY..2 * DAY))
        .prop_map(|(severity, until)| finding(severity, until));
    let states = [
        ApprovalState::Rejected,
        ApprovalState::Pending,
        ApprovalState::Conditional,
        ApprovalState::Approved,
    ];
    let approval = (proptest::sample::select(states.to_vec()), -2..2i64)
        .prop_map(|(state, day)| approval(state, "abc", day));
    let owasp = proptest::sample::select(vec!["g0", "g1", "g1/a"])
        .prop_map(|name| vec![mapping("A01:2025", &[name], None, true)]);
    (
        proptest::collection::vec(limitation, 0..3),
        proptest::collection::vec(finding, 0..3),
        proptest::option::of(owasp),
        proptest::option::of(proptest::collection::vec(approval, 0..2).prop_map(sign_off)),
    )
        .prop_map(|(limitations, findings, owasp, sign_off)| Statements {
            limitations,
            findings,
            owasp,
            sign_off,
        })
}

proptest! {
    #[test]
    fn no_statement_lifts_a_verdict(
        gates in proptest::collection::vec(proptest::sample::select(all_states()), 1..4),
        statements in statements(),
    ) {
        let mut scene = Scene::new(&gates);
        let without = scene.decide();
        let is_silent = statements.limitations.iter().all(|l| l.accepted_by.is_some() && l.until > at(60))
            && statements.findings.iter().all(|f| f.severity >= FindingSeverity::Medium)
            && statements.sign_off.iter().flat_map(|s| &s.approvals).all(|a| a.state != ApprovalState::Rejected);
        scene.plan.statements = statements;
        let stated = scene.decide();
        prop_assert!(stated.verdict <= without.verdict);
        if is_silent {
            prop_assert_eq!(stated.verdict, without.verdict);
        }
        // What failed is told all the same, in the same words.
        prop_assert_eq!(&stated.gates, &without.gates);
        for finding in &without.findings {
            prop_assert!(stated.findings.contains(finding));
        }
        for condition in &without.conditions {
            prop_assert!(stated.conditions.contains(condition));
        }
    }
}
