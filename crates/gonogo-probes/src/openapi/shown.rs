//! Tables for a person.

use gonogo_core::record::Shown;

use super::compare::Changes;
use super::model::Problem;
use super::observed::{Called, LeftOut, Sent};

fn table<const N: usize>(
    title: &str,
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Option<Shown> {
    let rows: Vec<Vec<String>> = rows.map(|row| row.to_vec()).collect();
    (!rows.is_empty()).then(|| Shown::Table {
        title: title.to_owned(),
        head: head.map(str::to_owned).to_vec(),
        rows,
    })
}

/// What is wrong with the document.
pub(super) fn problems(problems: &[Problem]) -> Option<Shown> {
    let rows = problems
        .iter()
        .map(|p| [p.place.clone(), p.message.clone()]);
    table("Problems of the document", ["where", "what"], rows)
}

/// What changed: first what breaks.
pub(super) fn changes(changes: &Changes) -> Option<Shown> {
    let of_one = |what: &'static str, breaking: &'static str| {
        move |o: &String| {
            [
                o.clone(),
                String::new(),
                what.to_owned(),
                breaking.to_owned(),
            ]
        }
    };
    let removed = changes.removed.iter().map(of_one("removed", "yes"));
    let added = changes.added.iter().map(of_one("added", "no"));
    let changed = changes.changed.iter().flatten().map(|c| {
        let breaking = if c.is_breaking { "yes" } else { "no" };
        [
            c.operation.clone(),
            c.place.clone(),
            c.what.clone(),
            breaking.to_owned(),
        ]
    });
    let rows = removed.chain(changed).chain(added);
    table("Changes", ["operation", "where", "what", "breaking"], rows)
}

fn status(status: Option<u16>) -> String {
    status.map_or_else(|| "no answer".to_owned(), |s| s.to_string())
}

/// The calls: first what is wrong.
pub(super) fn calls(calls: &[Called], left: &[LeftOut]) -> Option<Shown> {
    // What is wrong stands first.
    let bad = calls.iter().filter(|c| !c.is_valid());
    let good = calls.iter().filter(|c| c.is_valid());
    let called = bad.chain(good).map(|c| {
        let told = if c.is_valid() {
            "as documented".to_owned()
        } else {
            c.problems.join("; ")
        };
        [c.operation.clone(), status(c.status), told]
    });
    let left = left
        .iter()
        .map(|l| [l.operation.clone(), "not called".to_owned(), l.why.clone()]);
    table(
        "Calls",
        ["operation", "status", "answer"],
        called.chain(left),
    )
}

/// The bodies that must be refused.
pub(super) fn sent(sent: &[Sent], left: &[LeftOut]) -> Option<Shown> {
    let rows = sent.iter().map(|s| {
        let named = if s.names_field {
            "names"
        } else {
            "does not name"
        };
        let mut told = vec![format!("{named} `{}`", s.field)];
        told.extend(s.problems.iter().cloned());
        [
            s.operation.clone(),
            s.body.to_owned(),
            status(s.status),
            told.join("; "),
        ]
    });
    let left = left.iter().map(|l| {
        [
            l.operation.clone(),
            "not sent".to_owned(),
            String::new(),
            l.why.clone(),
        ]
    });
    table(
        "Bodies that must be refused",
        ["operation", "body", "status", "answer"],
        rows.chain(left),
    )
}
