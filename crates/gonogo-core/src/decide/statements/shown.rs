//! What follows for something that gates and checks are to show.

use crate::judged::{GateJudged, GateOutcome, ShownBy, ShownState};

/// What names of gates and checks come to: the worst of them, with the line that says why.
pub(super) fn by(names: &[String], gates: &[GateJudged]) -> (ShownState, String, Vec<ShownBy>) {
    let looks: Vec<(ShownState, String, ShownBy)> =
        names.iter().map(|name| one(name, gates)).collect();
    let worst = looks.iter().map(|(state, ..)| *state).max();
    let state = worst.unwrap_or(ShownState::NotEvaluated);
    let why = looks.iter().find(|(of, ..)| *of == state).map_or_else(
        || "nothing is to show it".to_owned(),
        |(_, why, _)| why.clone(),
    );
    let shown_by = looks.into_iter().map(|(.., shown)| shown).collect();
    (state, why, shown_by)
}

fn one(name: &str, gates: &[GateJudged]) -> (ShownState, String, ShownBy) {
    let (gate_id, check_id) = match name.split_once('/') {
        Some((gate, check)) => (gate, Some(check)),
        None => (name, None),
    };
    let gate = gates.iter().find(|g| g.id == gate_id);
    // Looked up by its id: a check that the plan has not got was refused when the plan was loaded.
    let found = gate.and_then(|gate| match check_id {
        None => Some((gate.outcome, gate.waived_by.clone(), gate.result.clone())),
        Some(_) if gate.outcome == GateOutcome::OutOfScope => {
            Some((gate.outcome, None, gate.result.clone()))
        }
        Some(check) => {
            let check = gate.checks.iter().find(|c| c.id == check)?;
            Some((
                check.outcome.into(),
                check.waived_by.clone(),
                check.message.clone(),
            ))
        }
    });
    let Some((outcome, waived_by, result)) = found else {
        let shown = ShownBy {
            name: name.to_owned(),
            outcome: "not there".to_owned(),
            waived_by: None,
        };
        return (
            ShownState::NotEvaluated,
            format!("`{name}` is not there"),
            shown,
        );
    };
    let state = match outcome {
        GateOutcome::Pass => ShownState::Pass,
        GateOutcome::Warn => ShownState::Warn,
        GateOutcome::OutOfScope => ShownState::NotEvaluated,
        _ if waived_by.is_some() => ShownState::Waived,
        GateOutcome::Fail => ShownState::Fail,
        GateOutcome::Pending
        | GateOutcome::Skipped
        | GateOutcome::Inconclusive
        | GateOutcome::Error => ShownState::NotEvaluated,
    };
    let result = if result.trim().is_empty() {
        String::new()
    } else {
        format!(": {}", crate::judge::shorten(&result, 200))
    };
    let waived = waived_by
        .as_ref()
        .map_or_else(String::new, |by| format!(", waived by {by}"));
    let why = format!("`{name}` {}{waived}{result}", ended(outcome));
    let shown = ShownBy {
        name: name.to_owned(),
        outcome: outcome.word().to_owned(),
        waived_by,
    };
    (state, why, shown)
}

fn ended(outcome: GateOutcome) -> &'static str {
    match outcome.in_scope() {
        Some(outcome) => crate::decide::rules::ended(outcome),
        None => "is out of scope here",
    }
}
