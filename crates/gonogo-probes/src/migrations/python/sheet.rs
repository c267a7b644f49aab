//! The SQL that operations come to, each on the line of its operation, and reading it.

use super::tree::{Expr, Line};
use crate::migrations::reader::{Effect, Hit, Manner, Script, on_one_line, read};

/// Statements that are read together.
struct Part {
    in_transaction: bool,
    sql: String,
    line: usize,
}

/// What the operations of one way come to.
pub(super) struct Sheet {
    in_transaction: bool,
    parts: Vec<Part>,
    operations: usize,
    refused: Vec<Hit>,
}

impl Sheet {
    pub(super) fn new(in_transaction: bool) -> Self {
        Self {
            in_transaction,
            parts: Vec::new(),
            operations: 0,
            refused: Vec::new(),
        }
    }

    /// What follows runs in a transaction or outside of one.
    pub(super) fn set_transaction(&mut self, in_transaction: bool) -> bool {
        std::mem::replace(&mut self.in_transaction, in_transaction)
    }

    pub(super) fn operations(&self) -> usize {
        self.operations
    }

    /// One more operation, whether or not it is understood and comes to any SQL.
    pub(super) fn count(&mut self) {
        self.operations += 1;
    }

    /// A statement that was put together here.
    pub(super) fn put(&mut self, line: usize, sql: &str) {
        let joins = self
            .parts
            .last()
            .is_some_and(|part| part.in_transaction == self.in_transaction);
        if !joins {
            self.parts.push(Part {
                in_transaction: self.in_transaction,
                sql: String::new(),
                line: 1,
            });
        }
        if let Some(part) = self.parts.last_mut() {
            while part.line < line {
                part.sql.push('\n');
                part.line += 1;
            }
            part.sql.push_str(sql);
            part.line += sql.matches('\n').count();
            part.sql.push_str("; ");
        }
    }

    /// SQL as it stands in the file. Where a quote or a comment in it could swallow what comes after, it is read by itself.
    pub(super) fn put_raw(&mut self, line: usize, sql: &str) {
        let sql = sql.trim_end().trim_end_matches(';');
        if is_closed(sql) {
            self.put(line, sql);
            return;
        }
        for text in [sql, ""] {
            self.parts.push(Part {
                in_transaction: self.in_transaction,
                sql: if text.is_empty() {
                    String::new()
                } else {
                    format!("{}{text}", "\n".repeat(line - 1))
                },
                line: 1,
            });
        }
    }

    /// What is not understood.
    pub(super) fn refuse(&mut self, line: &Line, why: &str) {
        self.refused.push(Hit {
            at: 0,
            rule: "not-understood".to_owned(),
            line: line.line,
            statement: on_one_line(&line.source, 120),
            reason: Some(format!("It is not run, and cannot be read: {why}.")),
            safer: Some("Write it with the tool's own operations, or let the tool print its SQL (`alembic upgrade --sql`, `manage.py sqlmigrate`) and judge that.".to_owned()),
        });
    }

    /// What the rules say of it.
    pub(super) fn read(self, manner: &Manner) -> Script {
        let mut effect = Effect::default();
        let mut hits = self.refused;
        if !hits.is_empty() {
            effect = Effect::unknown();
        }
        for part in self.parts.iter().filter(|part| !part.sql.trim().is_empty()) {
            let manner = Manner {
                in_transaction: Some(part.in_transaction),
                ..manner.clone()
            };
            let script = read(&part.sql, &manner);
            effect = effect.and(script.effect);
            hits.extend(script.hits);
        }
        hits.sort_by(|a, b| (a.line, &a.rule).cmp(&(b.line, &b.rule)));
        Script {
            statements: self.operations,
            hits,
            effect,
        }
    }
}

/// A name in SQL.
pub(super) fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A table's name, with its schema where it has one.
pub(super) fn table(text: &str, schema: Option<&Expr>) -> String {
    match schema {
        Some(Expr::Text(schema)) => format!("{}.{}", name(schema), name(text)),
        _ => name(text),
    }
}

/// Names between commas.
pub(super) fn names<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    all.into_iter().map(name).collect::<Vec<_>>().join(", ")
}

/// A text in SQL.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A piece of SQL that stands in a statement of ours: it may not end it.
pub(super) fn fragment(sql: &str) -> Result<&str, String> {
    let mut open = 0i64;
    let mut within = true;
    for c in sql.chars() {
        match c {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        within &= open >= 0;
    }
    if is_closed(sql) && within && open == 0 && !sql.contains(';') && !sql.trim().is_empty() {
        Ok(sql)
    } else {
        Err(format!(
            "`{}` is no expression by itself",
            sql.escape_debug()
        ))
    }
}

/// Whether what comes after a text is not swallowed by it.
fn is_closed(sql: &str) -> bool {
    let even = |quote: char| sql.matches(quote).count().is_multiple_of(2);
    even('\'')
        && even('"')
        && !sql.contains("--")
        && !sql.contains("/*")
        && !sql.contains('$')
        && !sql.contains('\\')
}

/// A list of texts, or one.
pub(super) fn texts(expr: Option<&Expr>) -> Option<Vec<&str>> {
    match expr? {
        Expr::Text(one) => Some(vec![one]),
        Expr::List(all) => all
            .iter()
            .map(|one| match one {
                Expr::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// Whether an option is switched on.
pub(super) fn is_true(expr: Option<&Expr>) -> bool {
    expr == Some(&Expr::Bool(true))
}
