//! The OWASP Top 10: a row passes by what was measured, and by nothing that is merely stated.

use sha2::Digest as _;

use super::shown;
use crate::decide::Deciding;
use crate::judged::{GateJudged, OwaspJudged, OwaspRow, ShownState, StatementJudged};
use crate::plan::{OWASP_EDITION, OWASP_SOURCE, OWASP_TOP_10, OwaspMapping, Statement};

/// All ten rows, mapped or not.
pub(super) fn judge(
    deciding: &Deciding<'_>,
    mapped: &[OwaspMapping],
    gates: &[GateJudged],
) -> OwaspJudged {
    let rows = OWASP_TOP_10.map(|(id, name)| {
        let mapping = mapped.iter().find(|m| m.id == id);
        row(deciding, id, name, mapping, gates)
    });
    OwaspJudged {
        edition: OWASP_EDITION.to_owned(),
        source: OWASP_SOURCE.to_owned(),
        rows: rows.into(),
    }
}

fn row(
    deciding: &Deciding<'_>,
    id: &str,
    name: &str,
    mapping: Option<&OwaspMapping>,
    gates: &[GateJudged],
) -> OwaspRow {
    let empty = OwaspRow {
        id: id.to_owned(),
        name: name.to_owned(),
        state: ShownState::NotEvaluated,
        why: "the plan maps nothing to it".to_owned(),
        shown_by: Vec::new(),
        statement: None,
    };
    let Some(mapping) = mapping else {
        return empty;
    };
    let statement = mapping.statement.as_ref();
    let (state, why, shown_by) = match statement {
        Some(statement) if mapping.shown_by.is_empty() => {
            let (state, why) = stated(deciding, statement);
            (state, why, Vec::new())
        }
        _ => shown::by(&mapping.shown_by, gates),
    };
    OwaspRow {
        state,
        why,
        shown_by,
        statement: statement.map(|s| with_digest(deciding, s)),
        ..empty
    }
}

/// What a statement comes to that no check stands beside.
fn stated(deciding: &Deciding<'_>, statement: &Statement) -> (ShownState, String) {
    let Statement {
        person,
        on,
        evidence,
        ..
    } = statement;
    let said = format!("stated by {person} on {on}");
    match evidence {
        _ if *on > deciding.as_of.date_naive() => (
            ShownState::NotEvaluated,
            format!("{said}, which is after the instant of decision"),
        ),
        None => (
            ShownState::NotEvaluated,
            format!("{said}, without evidence"),
        ),
        Some(file) => (ShownState::Stated, format!("{said}; evidence: {file}")),
    }
}

fn with_digest(deciding: &Deciding<'_>, statement: &Statement) -> StatementJudged {
    let file = statement.evidence.as_ref().and_then(|path| {
        let mut files = deciding.plan.files.iter();
        files.find(|f| f.path == *path)
    });
    let digest = file.map(|file| {
        let hash = sha2::Sha256::digest(&file.bytes);
        hash.iter().map(|b| format!("{b:02x}")).collect()
    });
    StatementJudged {
        text: statement.text.clone(),
        person: statement.person.clone(),
        on: statement.on,
        evidence: statement.evidence.clone(),
        evidence_sha256: digest,
    }
}
