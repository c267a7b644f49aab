//! Expressions and templates at their places: parsing them, and saying where in the file a problem of theirs stands.

use std::ops::Range;

use super::problems::Problems;
use super::repair;
use super::source::{Sources, Span};
use super::tree::{Kind, Node, Style};
use crate::diag::Diagnostic;
use crate::expr::{self, Expr, ExprProblem, Template};

/// Parses the expression that a scalar holds; nothing where it is none, which has been said.
pub(super) fn compile(node: &Node, sources: &Sources, problems: &mut Problems) -> Option<Expr> {
    let text = node.text()?;
    match expr::parse(text) {
        Ok(expr) => Some(expr),
        Err(found) => {
            if let Some(cut) = cut_by_comment(node, text, sources) {
                problems.at(sources, cut, node.span);
                return None;
            }
            for problem in found {
                report(problem, node, sources, problems);
            }
            None
        }
    }
}

/// An expression that ends at ` #`, and is one when what follows is taken with it.
fn cut_by_comment(node: &Node, text: &str, sources: &Sources) -> Option<Diagnostic> {
    if node.style != Style::Plain {
        return None;
    }
    let cut = repair::of_comment(sources, node.span)?;
    let whole = expr::repair_comment(text, &cut.remark)?;
    let problem = Diagnostic::error(
        "yaml-expression",
        "YAML takes what follows ` #` for a comment, which cuts this expression short",
    );
    Some(problem.help(format!("write it so:\n{}{whole}", cut.before)))
}

/// Parses the text that a scalar holds as a template.
pub(super) fn template(
    node: &Node,
    sources: &Sources,
    problems: &mut Problems,
) -> Option<Template> {
    let text = node.text()?;
    match expr::parse_template(text) {
        Ok(template) => Some(template),
        Err(found) => {
            for problem in found {
                report(problem, node, sources, problems);
            }
            None
        }
    }
}

/// Says a problem of an expression at its place in the file.
pub(super) fn report(
    problem: ExprProblem,
    node: &Node,
    sources: &Sources,
    problems: &mut Problems,
) {
    let span = locate(node, problem.offset, sources);
    let mut diagnostic = Diagnostic::error(problem.code, problem.message);
    diagnostic.help = problem.help;
    problems.at(sources, diagnostic, span);
}

/// Where in the file a range of a scalar's text stands; the scalar whole where that cannot be told.
pub(super) fn locate(node: &Node, range: Range<usize>, sources: &Sources) -> Span {
    let Some(text) = node.text() else {
        return node.span;
    };
    let raw = sources.slice(node.span);
    let Some(at) = raw.find(text).filter(|_| !text.is_empty()) else {
        return node.span;
    };
    let start = node.span.start + (at + range.start.min(text.len())) as u32;
    let end = node.span.start + (at + range.end.min(text.len())) as u32;
    Span {
        start,
        end: end.max(start),
        ..node.span
    }
}

/// Where a word such as `saved.rule` stands in a scalar's text.
pub(super) fn locate_word(node: &Node, word: &str, sources: &Sources) -> Span {
    let text = node.text().unwrap_or_default();
    match text.find(word) {
        Some(at) => locate(node, at..at + word.len(), sources),
        None => node.span,
    }
}

/// Calls for every scalar in a node that may be a template.
pub(super) fn each_text<'n>(node: &'n Node, call: &mut dyn FnMut(&'n Node)) {
    match &node.kind {
        Kind::Scalar(text) if text.contains("${") => call(node),
        Kind::Scalar(_) => {}
        Kind::List(items) => items.iter().for_each(|item| each_text(item, call)),
        Kind::Map(entries) => entries.iter().for_each(|e| each_text(&e.value, call)),
    }
}

/// The nodes of a key that holds one thing or a list of them.
pub(super) fn each_of<'n>(node: &'n Node, key: &str) -> Vec<&'n Node> {
    match node.get(key) {
        None => Vec::new(),
        Some(one) => match &one.kind {
            Kind::List(items) => items.iter().collect(),
            _ => vec![one],
        },
    }
}
