//! Why a text is not a valid exposition.

/// Why, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ExpositionError {
    /// The kind of fault.
    pub fault: Fault,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, in one sentence. What the text holds is quoted and escaped.
    pub message: String,
}

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It breaks the grammar.
    Syntax,
    /// It ends too early.
    Truncated,
    /// A series, a label or a line of metadata stands twice.
    Duplicate,
    /// Lines stand in an order in which they may not.
    Order,
    /// A value that its family cannot have.
    Value,
    /// More than the limits allow.
    Limit,
}

/// A fault at a byte of the text; line and column are only computed for the one that is reported.
#[derive(Debug)]
pub(super) struct At {
    pub(super) fault: Fault,
    pub(super) offset: usize,
    pub(super) message: String,
}

impl At {
    /// Line and column of the fault in its text.
    pub(super) fn in_text(self, text: &[u8]) -> ExpositionError {
        let before = &text[..self.offset.min(text.len())];
        let line_start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |newline| newline + 1);
        ExpositionError {
            fault: self.fault,
            line: before.split(|b| *b == b'\n').count(),
            column: String::from_utf8_lossy(&before[line_start..])
                .chars()
                .count()
                + 1,
            message: self.message,
        }
    }
}

/// Text of the exposition in a message: quoted, escaped, shortened.
pub(super) fn quoted(text: &str) -> String {
    const MAX: usize = 60;
    if text.chars().count() <= MAX {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(MAX).collect();
    format!("{start:?}…")
}
