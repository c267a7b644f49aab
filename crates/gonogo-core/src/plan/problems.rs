//! All problems of one loading: each said once, in the order of the text, and no flood.

use super::source::{Sources, Span};
use crate::diag::{Diagnostic, Level};

/// The most problems that are kept: who has more fixes these first.
const MOST: usize = 200;

/// Collects diagnostics.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<(Span, Diagnostic)>,
    dropped: usize,
    errors: usize,
}

impl Problems {
    /// Adds a problem that stands at a place.
    pub(crate) fn at(&mut self, sources: &Sources, diagnostic: Diagnostic, span: Span) {
        let said = |(s, d): &(Span, Diagnostic)| {
            *s == span && d.code == diagnostic.code && d.message == diagnostic.message
        };
        if diagnostic.level == Level::Error {
            self.errors += 1;
        }
        if self.is_full() {
            self.dropped += 1;
            return;
        }
        if self.list.iter().any(said) {
            return;
        }
        self.list.push((span, sources.at(diagnostic, span)));
    }

    /// Adds a problem of no place.
    pub(crate) fn nowhere(&mut self, diagnostic: Diagnostic) {
        if diagnostic.level == Level::Error {
            self.errors += 1;
        }
        self.list.push((Span::default(), diagnostic));
    }

    /// Whether no more are kept: then what would go into a message need not be found out.
    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= MOST
    }

    /// How many errors there were so far, said twice or not: whether something just read is usable.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// The problems, file by file in the order of the text; errors and warnings as they stand.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.list
            .sort_by_key(|(span, d)| (span.file, span.start, d.level));
        let mut out: Vec<Diagnostic> = self.list.into_iter().map(|(_, d)| d).collect();
        if self.dropped > 0 {
            let message = format!("and {} more problems", self.dropped);
            out.push(Diagnostic::error("more-problems", message).help("fix these first"));
        }
        out
    }
}
