//! The texts that a plan is made of, and places in them.

use crate::diag::{Diagnostic, Place};

/// The longest line that is shown as an excerpt, in characters.
const EXCERPT: usize = 240;

/// A range of bytes in one of the plan's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// Which file: the index in [`Sources`].
    pub file: u16,
    /// First byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

/// One text with its line starts.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path as messages name it.
    pub path: String,
    /// The text, without a byte-order mark.
    pub text: String,
    lines: Vec<u32>,
}

impl Source {
    /// Takes a text.
    pub(crate) fn new(path: impl Into<String>, text: String) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(i, _)| i as u32 + 1));
        Self {
            path: path.into(),
            lines: lines.collect(),
            text,
        }
    }

    /// The line, from zero, that a byte stands on.
    pub(crate) fn line_of(&self, byte: usize) -> usize {
        self.lines
            .partition_point(|start| *start as usize <= byte)
            .saturating_sub(1)
    }

    /// A line's text without its end, counted from zero.
    pub(crate) fn line(&self, line: usize) -> &str {
        let start = self
            .lines
            .get(line)
            .map_or(self.text.len(), |s| *s as usize);
        let end = self
            .lines
            .get(line + 1)
            .map_or(self.text.len(), |s| *s as usize);
        self.text
            .get(start..end)
            .unwrap_or_default()
            .trim_end_matches(['\n', '\r'])
    }

    /// The byte at which a line starts, counted from zero.
    pub(crate) fn line_start(&self, line: usize) -> usize {
        self.lines
            .get(line)
            .map_or(self.text.len(), |s| *s as usize)
    }

    /// The place of a range of bytes: where it begins, and how far it reaches on that line.
    pub(crate) fn place(&self, start: usize, end: usize) -> Place {
        let start = floor(&self.text, start);
        let end = floor(&self.text, end.max(start));
        let line = self.line_of(start);
        let text = self.line(line);
        let line_start = self.line_start(line);
        let before = self.text.get(line_start..start).unwrap_or_default();
        let line_end = line_start + text.len();
        let covered = self
            .text
            .get(start..end.min(line_end).max(start))
            .unwrap_or_default();
        Place {
            file: self.path.clone(),
            line: line + 1,
            column: before.chars().count() + 1,
            width: covered.trim_end().chars().count().max(1),
        }
    }

    /// The line for an excerpt: control characters made visible, nothing where it is too long to be read.
    pub(crate) fn excerpt(&self, line: usize) -> Option<String> {
        let text = self.line(line);
        if text.len() > EXCERPT * 4 || text.chars().count() > EXCERPT {
            return None;
        }
        Some(
            text.chars()
                .map(|c| match c {
                    '\t' => ' ',
                    c if c.is_control() => '\u{fffd}',
                    c => c,
                })
                .collect(),
        )
    }
}

/// The nearest character boundary at or before a byte.
fn floor(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// All texts of one loading, in the order in which they were read.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    list: Vec<Source>,
}

impl Sources {
    /// Adds a text and gives its index.
    pub(crate) fn add(&mut self, source: Source) -> u16 {
        self.list.push(source);
        (self.list.len() - 1) as u16
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u16 {
        self.list.len() as u16
    }

    /// A text.
    pub(crate) fn get(&self, file: u16) -> &Source {
        &self.list[usize::from(file)]
    }

    /// The text of a range.
    pub(crate) fn slice(&self, span: Span) -> &str {
        self.list
            .get(usize::from(span.file))
            .and_then(|s| s.text.get(span.start as usize..span.end as usize))
            .unwrap_or_default()
    }

    /// The place of a range.
    pub(crate) fn place(&self, span: Span) -> Place {
        self.get(span.file)
            .place(span.start as usize, span.end as usize)
    }

    /// Puts a diagnostic at a range.
    pub(crate) fn at(&self, diagnostic: Diagnostic, span: Span) -> Diagnostic {
        let Some(source) = self.list.get(usize::from(span.file)) else {
            return diagnostic;
        };
        let place = source.place(span.start as usize, span.end as usize);
        let excerpt = source.excerpt(place.line - 1);
        diagnostic.at(place, excerpt)
    }
}
