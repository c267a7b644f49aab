//! Migrations written in Python – Alembic's and Django's –, read and never run. Each operation is put into the SQL that
//! the tool sends to PostgreSQL, on the line of the Python file, and that is read like any other. Pure, and never
//! silent: what is no operation that is known is a finding.

mod alembic;
mod django;
mod sheet;
mod tree;

pub(super) use alembic::in_order;
pub(super) use django::Models;

use super::layout::Tool;
use super::reader::{Manner, Script};

/// Both ways of one migration.
pub(super) struct Python {
    /// The way up.
    pub(super) up: Script,
    /// What the file says of its way down; only what cannot be understood of it counts.
    pub(super) down: Script,
    /// Whether there is a way down.
    pub(super) has_down: bool,
    /// It joins branches of the history, and does nothing by itself.
    pub(super) only_joins: bool,
}

impl Python {
    /// A file that was not read.
    pub(super) fn refused(why: &str, line: usize) -> Self {
        Self {
            up: Script::refused(why.to_owned(), line),
            down: Script::default(),
            has_down: false,
            only_joins: false,
        }
    }
}

/// Reads one file. `models` is what the migrations before it told of Django's fields.
pub(super) fn read(
    tool: Tool,
    path: &str,
    text: &str,
    also: &[squawk_linter::Rule],
    models: &mut Models,
) -> Python {
    match tree::read(text) {
        Err((line, why)) => Python::refused(&why, line),
        Ok(lines) if tool == Tool::Django => django::read(path, &lines, also, models),
        Ok(lines) => alembic::read(&lines, also),
    }
}

fn manner(also: &[squawk_linter::Rule]) -> Manner {
    Manner {
        in_transaction: None,
        also: also.to_vec(),
    }
}

/// An operation that was put into SQL, or why it could not be.
type Put = Result<(), String>;
