//! From a file's bytes to its items or rows. Nothing is guessed: what cannot be read is a problem with its line.

use super::syntax::{ChecklistOptions, Format};
use super::{document, markdown};

/// What to do about any problem of a file.
pub(super) const HELP: &str = "a state is `complete`, `partial` or `missing`; in Markdown a task is `- [ ]` or `- [x]`, or a row of a table with a column `Status`";

/// How far an item is, as somebody states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Complete,
    Partial,
    Missing,
}

impl State {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Missing => "missing",
        }
    }

    /// By its word: signs such as ✅ beside it do not count, any other word is none.
    pub(super) fn of(text: &str) -> Option<Self> {
        let word = text.trim_matches(|c: char| !c.is_alphanumeric());
        let all = [Self::Complete, Self::Partial, Self::Missing];
        all.into_iter()
            .find(|state| word.eq_ignore_ascii_case(state.word()))
    }
}

/// One item as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) state: State,
    pub(super) owner: Option<String>,
    pub(super) evidence: Option<String>,
    pub(super) left_to_do: Option<String>,
    pub(super) line: usize,
}

/// One row of a table that must be complete: a cell for each column asked for, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) cells: Vec<Option<String>>,
    pub(super) line: usize,
}

/// What cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) line: usize,
    pub(super) message: String,
}

/// Everything that could be read, and what could not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) items: Vec<Item>,
    pub(super) rows: Vec<Row>,
    pub(super) problems: Vec<Problem>,
}

impl Read {
    /// Adds what cannot be read.
    pub(super) fn problem(&mut self, line: usize, message: impl Into<String>) {
        let message = message.into();
        self.problems.push(Problem { line, message });
    }

    /// Adds an item by the words of its cells.
    pub(super) fn item(&mut self, line: usize, name: &str, state: &str, parts: Parts) {
        let name = name.trim();
        if name.is_empty() {
            return self.problem(line, "an item has no name");
        }
        let Some(state) = State::of(state) else {
            let shown: String = state.trim().chars().take(60).collect();
            let message = if shown.is_empty() {
                format!("`{name}` has no state")
            } else {
                format!("`{shown}` is no state of `{name}`")
            };
            return self.problem(line, message);
        };
        if let Some(first) = self.items.iter().find(|other| same(&other.name, name)) {
            let message = format!("`{name}` stands on line {} already", first.line);
            return self.problem(line, message);
        }
        let filled = |text: Option<String>| text.filter(|text| !is_blank(text));
        self.items.push(Item {
            name: name.to_owned(),
            state,
            owner: filled(parts.owner),
            evidence: filled(parts.evidence),
            left_to_do: filled(parts.left_to_do),
            line,
        });
    }

    /// Adds a row; a name that is there already is a problem.
    pub(super) fn row(&mut self, row: Row) {
        let name = row.cells.first().and_then(Option::as_deref);
        if let Some(name) = name {
            let known = |other: &&Row| {
                let first = other.cells.first().and_then(Option::as_deref);
                first.is_some_and(|first| same(first, name))
            };
            if let Some(first) = self.rows.iter().find(known) {
                let message = format!("a row `{name}` stands on line {} already", first.line);
                return self.problem(row.line, message);
            }
        }
        self.rows.push(row);
    }
}

/// The parts of an item beside its name and state.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub(super) owner: Option<String>,
    pub(super) evidence: Option<String>,
    pub(super) left_to_do: Option<String>,
}

/// Whether two names mean the same: case, and how much space stands between words, do not count.
pub(super) fn same(one: &str, other: &str) -> bool {
    let words =
        |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_lowercase).collect() };
    words(one) == words(other)
}

/// Whether a cell only keeps the place of what is to come.
pub(super) fn is_blank(text: &str) -> bool {
    const PLACEHOLDERS: [&str; 5] = ["tbd", "tba", "todo", "to be defined", "to be decided"];
    let text = text.trim();
    let is_sign = text.chars().all(|c| !c.is_alphanumeric());
    is_sign
        || PLACEHOLDERS
            .iter()
            .any(|word| same(word, text.trim_end_matches('.')))
}

/// Reads a file by its format.
///
/// # Errors
/// The whole of it cannot be read, and where that shows.
pub(super) fn read(options: &ChecklistOptions, bytes: &[u8]) -> Result<Read, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|e| Problem {
        line: 1 + bytes[..e.valid_up_to()]
            .iter()
            .filter(|b| **b == b'\n')
            .count(),
        message: "this is not UTF-8 text".to_owned(),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match Format::of(&options.checklist) {
        Some(Format::Yaml) => document::read(options, text),
        Some(Format::Markdown) => markdown::read(options, text),
        None => Err(Problem {
            line: 1,
            message: "a checklist is YAML (`.yaml`) or Markdown (`.md`)".to_owned(),
        }),
    }
}
