//! A judged run to be decided, made of severities and outcomes.

use serde_json::json;

use crate::decide::{Deciding, Policy, decide};
use crate::fixture::{Tape, at, check, expr, facts, gate, plan, started, status};
use crate::judge::{Known, RunJudged};
use crate::judged::{CheckJudged, Evidence, GateJudged, GateOutcome, Judged, SubjectJudged};
use crate::outcome::{Outcome, Severity};
use crate::plan::{Plan, Subject, Waiver};
use crate::record::{EnvironmentKind, Event, Run};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GateState {
    pub(super) severity: Severity,
    pub(super) outcome: GateOutcome,
    pub(super) waived: bool,
}

/// How the run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Finished,
    BrokenOff,
    Stopped,
}

#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) gates: Vec<GateState>,
    pub(super) end: End,
    pub(super) kind: EnvironmentKind,
    pub(super) subject: Option<(Outcome, Outcome)>,
    /// The decision, in seconds after the run's start; it took two.
    pub(super) as_of: i64,
    pub(super) plan: Plan,
    pub(super) policy: Policy,
    pub(super) waivers: Vec<Waiver>,
}

impl Scene {
    pub(super) fn new(gates: &[GateState]) -> Self {
        let planned = gates.iter().enumerate().map(|(i, state)| {
            let mut gate = gate(&format!("g{i}"), vec![check("a", &[])]);
            gate.severity = state.severity;
            gate.owner = Some("platform".to_owned());
            if state.outcome == GateOutcome::OutOfScope {
                gate.only = vec!["production".to_owned()];
            }
            gate
        });
        let mut plan = plan(planned.collect());
        plan.subject = Some(Subject {
            check: check("subject", &[]),
            wait_ns: 0,
            identity: None,
        });
        let waived = gates.iter().enumerate().filter(|(_, g)| g.waived);
        Self {
            gates: gates.to_vec(),
            end: End::Finished,
            kind: EnvironmentKind::Staging,
            subject: Some((Outcome::Pass, Outcome::Pass)),
            as_of: 60,
            plan,
            policy: Policy::default(),
            waivers: waived
                .map(|(i, state)| {
                    let word = state.outcome.word();
                    waiver(&format!("g{i}"), &format!("outcome == '{word}'"))
                })
                .collect(),
        }
    }

    pub(super) fn run(&self) -> Run {
        let mut started = started();
        started.kind = self.kind;
        let tape = Tape::of(started).observed("g0", "a", status(200));
        match self.end {
            End::Finished => tape.finished(),
            End::BrokenOff => tape.run(),
            End::Stopped => tape
                .push(Event::Interrupted {
                    interrupted_at: at(2),
                    by: "SIGINT".to_owned(),
                })
                .run(),
        }
    }

    pub(super) fn judged(&self, run: &Run) -> RunJudged {
        let look = |id: &str, outcome| checked(id, outcome);
        RunJudged {
            subject: SubjectJudged {
                declared: self.subject.is_some(),
                expected: Vec::new(),
                observed: None,
                start: self.subject.map(|(start, _)| look("start", start)),
                end: self.subject.map(|(_, end)| look("end", end)),
                message: "abc runs there".to_owned(),
            },
            gates: self
                .gates
                .iter()
                .enumerate()
                .map(|(i, state)| judged_gate(&format!("g{i}"), *state))
                .collect(),
            known: Known::at_start(&self.plan, &run.started),
        }
    }

    pub(super) fn decide(&self) -> Judged {
        let mut scene = self.clone();
        if scene.subject.is_none() {
            scene.plan.subject = None;
        }
        let run = scene.run();
        let deciding = Deciding {
            plan: &scene.plan,
            waivers: &scene.waivers,
            policy: &scene.policy,
            run: &run,
            as_of: at(scene.as_of),
        };
        decide(&deciding, scene.judged(&run))
    }
}

pub(super) fn waiver(subject: &str, accepts: &str) -> Waiver {
    Waiver {
        subject: subject.to_owned(),
        person: "Ada Lovelace".to_owned(),
        reason: "known and harmless".to_owned(),
        ticket: Some("OPS-7".to_owned()),
        until: at(5 * 86_400),
        given: Some(at(-86_400)),
        accepts: expr(accepts),
        place: gate("x", Vec::new()).place,
    }
}

fn judged_gate(id: &str, state: GateState) -> GateJudged {
    let checks = match state.outcome.in_scope() {
        Some(outcome) => vec![checked("a", outcome)],
        None => Vec::new(),
    };
    GateJudged {
        id: id.to_owned(),
        title: format!("Gate {id}"),
        severity: state.severity,
        outcome: state.outcome,
        waived_by: None,
        target: "1 check".to_owned(),
        result: state.outcome.word().to_owned(),
        owner: None,
        checks,
        left_behind: None,
    }
}

pub(super) fn checked(id: &str, outcome: Outcome) -> CheckJudged {
    CheckJudged {
        id: id.to_owned(),
        probe: "http".to_owned(),
        ask: format!("GET /{id}"),
        outcome,
        message: format!("it ended in {}", outcome.word()),
        expectations: Vec::new(),
        limits: Vec::new(),
        distribution: None,
        items: Vec::new(),
        attempts: 1,
        started_at: Some(at(1)),
        elapsed_ns: Some(43_000_000),
        evidence: outcome.is_evaluated().then(|| Evidence {
            target: None,
            facts: facts(json!({"n": 2, "rows": [1, 2]})),
            shown: Vec::new(),
            blobs: Vec::new(),
            secrets_seen: Vec::new(),
        }),
        cause: None,
        next: None,
        waived_by: None,
    }
}

/// Every state that a gate can be decided in.
pub(super) fn all_states() -> Vec<GateState> {
    let mut all = Vec::new();
    for severity in [Severity::Critical, Severity::Important, Severity::Advisory] {
        let state = |outcome, waived| GateState {
            severity,
            outcome,
            waived,
        };
        all.push(state(GateOutcome::OutOfScope, false));
        for outcome in Outcome::WORST_FIRST {
            all.push(state(outcome.into(), false));
            if !outcome.is_good() {
                all.push(state(outcome.into(), true));
            }
        }
    }
    all
}
