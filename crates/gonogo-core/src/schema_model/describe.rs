//! Each part of a schema in one line, as a person would write it down. Two parts that differ read differently.

use std::fmt::Write as _;

use super::types::{
    Check, Column, Domain, ForeignKey, Function, Index, Key, Sequence, Table, Trigger, View,
    in_order,
};

/// The columns of a table that is told as a whole: at most so many characters.
const TABLE: usize = 240;

pub(super) fn table(table: &Table) -> String {
    let columns: Vec<String> = in_order(&table.columns)
        .into_iter()
        .map(|(name, column)| format!("{name} {}", column.ty))
        .collect();
    let mut text = columns.join(", ");
    if text.chars().count() > TABLE {
        text = text.chars().take(TABLE).collect();
        text.push('…');
    }
    let kind = if table.kind == "table" {
        ""
    } else {
        &table.kind
    };
    format!("({text}) {kind}").trim_end().to_owned()
}

/// What a table is, apart from its parts.
pub(super) fn table_itself(table: &Table) -> String {
    let mut text = table.kind.clone();
    for option in &table.options {
        add(&mut text, ", ", option);
    }
    if table.rls {
        text.push_str(", row-level security");
    }
    text
}

pub(super) fn column(column: &Column) -> String {
    let mut text = column.ty.clone();
    if let Some(collation) = &column.collation {
        add(&mut text, " collate ", collation);
    }
    if !column.nullable {
        text.push_str(" not null");
    }
    match (&column.generated, &column.default) {
        (None, None) => {}
        (None, Some(default)) => add(&mut text, " default ", default),
        (Some(how), None) => add(&mut text, " generated ", how),
        (Some(how), Some(expression)) => {
            let _infallible = write!(text, " generated {how} as ({expression})").is_ok();
        }
    }
    text
}

pub(super) fn key(key: &Key) -> String {
    with_extra(list(&key.columns), &key.extra)
}

pub(super) fn foreign_key(key: &ForeignKey) -> String {
    let mut text = format!(
        "{} references {}{}",
        list(&key.columns),
        key.table,
        list(&key.references)
    );
    for (when, what) in [("delete", &key.on_delete), ("update", &key.on_update)] {
        if what != "no action" {
            let _infallible = write!(text, " on {when} {what}").is_ok();
        }
    }
    text = with_extra(text, &key.extra);
    if !key.validated {
        text.push_str(" not valid");
    }
    text
}

pub(super) fn check(check: &Check) -> String {
    let mut text = with_extra(check.expression.clone(), &check.extra);
    if !check.validated {
        text.push_str(" not valid");
    }
    text
}

pub(super) fn index(index: &Index) -> String {
    let mut text = String::new();
    if index.unique {
        text.push_str("unique ");
    }
    text.push_str(&index.definition);
    if !index.valid {
        text.push_str(" INVALID");
    }
    if index.constraint {
        text.push_str(" (of a constraint)");
    }
    text
}

pub(super) fn trigger(trigger: &Trigger) -> String {
    let state = if trigger.enabled { "" } else { " (disabled)" };
    format!("{}{state}", trigger.definition)
}

pub(super) fn view(view: &View) -> String {
    let columns: Vec<String> = in_order(&view.columns)
        .into_iter()
        .map(|(name, it)| format!("{name} {}", column(it)))
        .collect();
    format!(
        "{} ({})\n{}",
        view.kind,
        columns.join(", "),
        view.definition
    )
}

pub(super) fn sequence(sequence: &Sequence) -> String {
    let mut text = format!("{} {}", sequence.ty, sequence.definition);
    if let Some(owner) = &sequence.owned_by {
        add(&mut text, " owned by ", owner);
    }
    text
}

pub(super) fn values(values: &[String]) -> String {
    let quoted: Vec<String> = values
        .iter()
        .map(|value| format!("'{}'", value.replace('\'', "''")))
        .collect();
    list(&quoted)
}

pub(super) fn domain(domain: &Domain) -> String {
    let mut text = domain.ty.clone();
    if !domain.nullable {
        text.push_str(" not null");
    }
    if let Some(default) = &domain.default {
        add(&mut text, " default ", default);
    }
    for (name, expression) in &domain.checks {
        let _infallible = write!(text, " check {name} {expression}").is_ok();
    }
    text
}

pub(super) fn function(function: &Function) -> String {
    format!(
        "{} returns {} language {}\n{}",
        function.kind, function.returns, function.language, function.definition
    )
}

pub(super) fn plain(text: &str) -> String {
    text.to_owned()
}

pub(super) fn list(names: &[String]) -> String {
    format!("({})", names.join(", "))
}

fn with_extra(mut text: String, extra: &str) -> String {
    if !extra.is_empty() {
        add(&mut text, " ", extra);
    }
    text
}

fn add(text: &mut String, before: &str, what: &str) {
    text.push_str(before);
    text.push_str(what);
}
