//! Whether a gate whose transaction is rolled back left nothing behind.

use crate::judged::LeftBehind;
use crate::outcome::Outcome;
use crate::plan::Gate;
use crate::record::{RollbackProof, RolledBack, Run};

/// The last end counts: a gate that lost its transaction is repeated whole.
pub(super) fn judge(gate: &Gate, run: &Run) -> Option<LeftBehind> {
    if !gate.rollback {
        return None;
    }
    let end = run.rolled_back.get(&gate.id)?.last()?;
    Some(of(end))
}

fn of(end: &RolledBack) -> LeftBehind {
    let without_notes = |outcome, message: String| LeftBehind {
        outcome,
        message,
        notes: Vec::new(),
    };
    if !end.confirmed {
        return without_notes(
            Outcome::Error,
            "the server did not confirm the rollback; it undoes a lost transaction by itself, but that was not seen"
                .to_owned(),
        );
    }
    let Some(proof) = &end.proof else {
        return without_notes(
            Outcome::Pass,
            "the database confirmed the rollback; what was there before and after was not compared"
                .to_owned(),
        );
    };
    let (outcome, message) = if let Some(first) = proof.differences.first() {
        (
            Outcome::Error,
            format!("not as before: {first}{}", more(&proof.differences)),
        )
    } else if let Some(first) = proof.moved.first() {
        let rest = more(&proof.moved);
        (
            Outcome::Warn,
            format!("all as before but what no rollback restores: {first}{rest}"),
        )
    } else {
        (Outcome::Pass, nothing(proof))
    };
    let told = proof.differences.iter().chain(&proof.moved).skip(1);
    LeftBehind {
        outcome,
        message,
        notes: told.chain(&proof.notes).cloned().collect(),
    }
}

fn more(all: &[String]) -> String {
    match all.len() {
        0 | 1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    }
}

fn nothing(proof: &RollbackProof) -> String {
    let counted = |n: u64, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
    let rows = proof.tables.iter().map(|t| t.rows_after).sum();
    let mut parts = Vec::new();
    if !proof.tables.is_empty() {
        parts.push(counted(proof.tables.len() as u64, "table"));
        parts.push(counted(rows, "row"));
    }
    parts.push("schema".to_owned());
    if proof.sequences > 0 {
        parts.push(counted(u64::from(proof.sequences), "sequence"));
    }
    let with_notes = if proof.notes.is_empty() {
        ""
    } else {
        ", with notes"
    };
    format!(
        "nothing left behind: {} as before{with_notes}",
        parts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TableCompared;

    fn end(change: impl FnOnce(&mut RollbackProof)) -> LeftBehind {
        let table = TableCompared {
            table: "public.t".to_owned(),
            rows_before: 412,
            rows_after: 412,
            by_content: true,
        };
        let mut proof = RollbackProof {
            tables: vec![table],
            schema: true,
            sequences: 2,
            ..RollbackProof::default()
        };
        change(&mut proof);
        of(&RolledBack {
            confirmed: true,
            proof: Some(proof),
        })
    }

    #[test]
    fn all_as_before_passes_and_says_what_was_compared() {
        let left = end(|_| {});
        assert_eq!(left.outcome, Outcome::Pass);
        assert_eq!(
            left.message,
            "nothing left behind: 1 table, 412 rows, schema, 2 sequences as before"
        );
    }

    #[test]
    fn a_difference_is_never_a_pass() {
        let left = end(|proof| proof.differences.push("public.t: 1 more".to_owned()));
        assert_eq!(left.outcome, Outcome::Error);
        let left = end(|proof| proof.moved.push("s stood at 1".to_owned()));
        assert_eq!(left.outcome, Outcome::Warn);
    }

    #[test]
    fn a_rollback_that_was_not_confirmed_is_never_a_pass() {
        let lost = RolledBack {
            confirmed: false,
            proof: None,
        };
        assert_eq!(of(&lost).outcome, Outcome::Error);
    }
}
