//! What people stated, as parts that every report shows after its first screen: what is said is decided here.

use gonogo_core::judged::{
    AcceptanceState, ApprovalJudged, Finding, GateOutcome, Judged, LimitationJudged, OwaspJudged,
    OwaspRow, ShownState, SignOffJudged,
};
use gonogo_core::plan::ApprovalState;

use crate::wording::counted;

/// A table with a state in its first column, and lines around it.
pub(crate) struct Part {
    /// For links.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// One line under the title, where there is something to say first.
    pub(crate) lead: Option<String>,
    /// What must not be overlooked.
    pub(crate) alarm: Option<String>,
    pub(crate) tables: Vec<Table>,
    /// Lines under the tables.
    pub(crate) notes: Vec<String>,
}

pub(crate) struct Table {
    /// Heads of the columns after the state.
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    /// How it is coloured and which sign it has.
    pub(crate) like: GateOutcome,
    /// Its own word.
    pub(crate) word: &'static str,
    pub(crate) cells: Vec<String>,
}

/// The parts of a run, in the order of every report; none where the plan states nothing.
pub(crate) fn parts(judged: &Judged) -> Vec<Part> {
    let statements = &judged.statements;
    let mut parts = Vec::new();
    if !statements.limitations.is_empty() {
        parts.push(limitations(&statements.limitations));
    }
    parts.extend(statements.owasp.as_ref().map(owasp));
    parts.extend(statements.sign_off.as_ref().map(sign_off));
    parts
}

/// What its author says of a finding: name and text.
pub(crate) fn of_finding(finding: &Finding) -> Vec<(&'static str, &str)> {
    let Some(stated) = &finding.stated else {
        return Vec::new();
    };
    let rated = stated.severity.map(|severity| severity.word());
    let all = [
        ("rated", rated),
        ("impact", stated.impact.as_deref()),
        ("root cause", stated.root_cause.as_deref()),
        ("recommended", stated.recommendation.as_deref()),
        ("workaround", stated.workaround.as_deref()),
    ];
    all.into_iter()
        .filter_map(|(name, text)| Some((name, text?)))
        .collect()
}

fn limitations(all: &[LimitationJudged]) -> Part {
    let row = |known: &LimitationJudged| Row {
        like: match known.state {
            AcceptanceState::Accepted => GateOutcome::Warn,
            AcceptanceState::Open | AcceptanceState::Expired => GateOutcome::Inconclusive,
        },
        word: known.state.word(),
        cells: vec![
            format!("{} (`{}`)", known.text, known.id),
            or_dash(known.owner.as_deref()),
            or_dash(known.accepted_by.as_deref()),
            known.until.format("%Y-%m-%d").to_string(),
            or_dash(known.ticket.as_deref()),
        ],
    };
    Part {
        id: "limitations",
        title: "Known limitations",
        lead: None,
        alarm: None,
        tables: vec![Table {
            head: vec!["limitation", "owner", "accepted by", "until", "ticket"],
            rows: all.iter().map(row).collect(),
        }],
        notes: Vec::new(),
    }
}

fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("–").to_owned()
}

/// The outcome that a state looks like. What is only stated is never green.
fn like(state: ShownState) -> GateOutcome {
    match state {
        ShownState::Pass => GateOutcome::Pass,
        ShownState::Warn | ShownState::Waived => GateOutcome::Warn,
        ShownState::Stated => GateOutcome::Pending,
        ShownState::NotEvaluated => GateOutcome::Inconclusive,
        ShownState::Fail => GateOutcome::Fail,
    }
}

fn owasp(owasp: &OwaspJudged) -> Part {
    let row = |row: &OwaspRow| {
        let mut why = match row.state {
            ShownState::Pass | ShownState::Warn => {
                let names: Vec<String> = row
                    .shown_by
                    .iter()
                    .map(|by| format!("`{}`", by.name))
                    .collect();
                format!("shown by {}", names.join(", "))
            }
            _ => row.why.clone(),
        };
        if let Some(statement) = &row.statement {
            let who = match row.shown_by.is_empty() {
                // The reason names the person already.
                true => String::new(),
                false => format!("{} on {}: ", statement.person, statement.on),
            };
            why.push_str(&[" – ", &who, "“", &statement.text, "”"].concat());
        }
        Row {
            like: like(row.state),
            word: row.state.word(),
            cells: vec![format!("{} {}", row.id, row.name), why],
        }
    };
    let count = |state| owasp.rows.iter().filter(|r| r.state == state).count();
    let states = [
        ShownState::Pass,
        ShownState::Warn,
        ShownState::Fail,
        ShownState::Waived,
        ShownState::Stated,
        ShownState::NotEvaluated,
    ];
    let counts: Vec<String> = states
        .into_iter()
        .map(|state| (count(state), state))
        .filter(|(n, state)| *n > 0 || *state == ShownState::Pass)
        .map(|(n, state)| format!("{n} {}", state.word()))
        .collect();
    Part {
        id: "owasp",
        title: "OWASP Top 10:2025",
        lead: Some(counts.join(", ")),
        alarm: None,
        tables: vec![Table {
            head: vec!["category", "why"],
            rows: owasp.rows.iter().map(row).collect(),
        }],
        notes: vec![format!(
            "A row has the state of the gates and checks that the plan maps to it. Names: {}.",
            owasp.source
        )],
    }
}

fn sign_off(sign_off: &SignOffJudged) -> Part {
    let met = |state: ShownState| match state {
        ShownState::Pass => "met",
        ShownState::Warn => "met, with a warning",
        ShownState::Waived => "waived",
        ShownState::Fail => "not met",
        ShownState::Stated | ShownState::NotEvaluated => "not evaluated",
    };
    let criteria = sign_off.criteria.iter().map(|criterion| Row {
        like: like(criterion.state),
        word: met(criterion.state),
        cells: vec![criterion.text.clone(), criterion.why.clone()],
    });
    let good = |state| matches!(state, ShownState::Pass | ShownState::Warn);
    let are_met = sign_off.criteria.iter().filter(|c| good(c.state)).count();
    let lead = format!(
        "{} of {} met; approval: {}",
        are_met,
        match sign_off.criteria.len() {
            1 => "1 criterion".to_owned(),
            n => format!("{n} criteria"),
        },
        sign_off.message
    );
    let mut notes = sign_off.refused.clone();
    for line in &sign_off.environment {
        notes.push(format!("Environment, as described: {line}"));
    }
    notes.push(format!(
        "Environment, as observed: {}",
        sign_off.observed.join("; ")
    ));
    Part {
        id: "sign-off",
        title: "Sign-off",
        lead: Some(lead),
        alarm: sign_off.contradiction.clone(),
        tables: vec![
            Table {
                head: vec!["acceptance criterion", "why"],
                rows: criteria.collect(),
            },
            Table {
                head: vec!["decides", "on", "said"],
                rows: sign_off.approvals.iter().map(approval).collect(),
            },
        ],
        notes,
    }
}

fn approval(approval: &ApprovalJudged) -> Row {
    let mut said: Vec<String> = approval.conditions.clone();
    said.extend(approval.comment.clone());
    Row {
        like: match approval.state {
            ApprovalState::Approved => GateOutcome::Pass,
            ApprovalState::Conditional => GateOutcome::Warn,
            ApprovalState::Pending => GateOutcome::Pending,
            ApprovalState::Rejected => GateOutcome::Fail,
        },
        word: approval.state.word(),
        cells: vec![
            approval.person.clone(),
            approval
                .on
                .map_or_else(|| "–".to_owned(), |on| on.to_string()),
            if said.is_empty() {
                "–".to_owned()
            } else {
                said.join("; ")
            },
        ],
    }
}

/// How many rows are left out of a table.
pub(crate) fn more_rows(left: usize) -> String {
    format!("and {} in report.html", counted(left, "more row"))
}
