//! Text with `${ CEL }` in it.

use super::call::rendered;
use super::lex::{self, Kind};
use super::problem::{ExprProblem, codes};
use super::scope::Scope;
use super::{Evaluated, Expr, parse};
use crate::value::Value;

/// A text field of a plan: literal text and expressions in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
    parts: Vec<TemplatePart>,
}

/// One piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    /// Text as it stands, `$${` already read as `${`.
    Text(String),
    /// An expression.
    Expr {
        /// Parsed from between `${` and `}`.
        expr: Expr,
        /// Where the expression begins, in bytes of the template's text.
        at: usize,
    },
}

/// Reads `a ${ CEL } b`; `$${` is a literal `${`. Offsets of problems are bytes of the whole text.
pub fn parse_template(source: &str) -> Result<Template, Vec<ExprProblem>> {
    let mut parts = Vec::new();
    let mut problems = Vec::new();
    let mut text = String::new();
    let mut at = 0;
    while let Some(found) = source[at..].find("${") {
        let open = at + found;
        if source[at..open].ends_with('$') {
            text.push_str(&source[at..open - 1]);
            text.push_str("${");
            at = open + 2;
            continue;
        }
        text.push_str(&source[at..open]);
        let start = open + 2;
        let end = match closing(source, start) {
            Ok(end) => end,
            Err(problem) => {
                problems.push(problem);
                return Err(problems);
            }
        };
        match inside(source, start, end) {
            Ok(expr) => {
                if !text.is_empty() {
                    parts.push(TemplatePart::Text(std::mem::take(&mut text)));
                }
                parts.push(TemplatePart::Expr { expr, at: start });
            }
            Err(found) => problems.extend(found),
        }
        at = end + 1;
    }
    text.push_str(&source[at..]);
    if !text.is_empty() {
        parts.push(TemplatePart::Text(text));
    }
    if problems.is_empty() {
        Ok(Template {
            source: source.to_owned(),
            parts,
        })
    } else {
        Err(problems)
    }
}

/// The `}` that closes the `${` in front of `start`: braces and texts inside the expression are skipped.
fn closing(source: &str, start: usize) -> Result<usize, ExprProblem> {
    let unclosed = || {
        ExprProblem::new(codes::TEMPLATE, start - 2..start, "`${` is never closed")
            .help("a literal `${` is written `$${`")
    };
    let mut depth = 0usize;
    let mut at = start;
    for _ in 0..=lex::MAX_TOKENS {
        let Some(token) = lex::next(source, at)? else {
            return Err(unclosed());
        };
        match (token.kind, &source[token.span.clone()]) {
            (Kind::Open, "{") => depth += 1,
            (Kind::Close, "}") if depth == 0 => return Ok(token.span.start),
            (Kind::Close, "}") => depth -= 1,
            _ => {}
        }
        at = token.span.end;
    }
    Err(unclosed())
}

fn inside(source: &str, start: usize, end: usize) -> Result<Expr, Vec<ExprProblem>> {
    let text = &source[start..end];
    if text.trim().is_empty() {
        let problem = ExprProblem::new(
            codes::TEMPLATE,
            start - 2..end + 1,
            "there is no expression in `${}`",
        )
        .help("a literal `${` is written `$${`");
        return Err(vec![problem]);
    }
    parse(text).map_err(|problems| problems.into_iter().map(|p| p.shifted(start)).collect())
}

impl Template {
    /// The text it was parsed from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The pieces in order; never two texts in a row.
    pub fn parts(&self) -> &[TemplatePart] {
        &self.parts
    }

    /// Whether it is one expression and nothing else, whose value then keeps its type.
    pub fn is_whole(&self) -> bool {
        matches!(self.parts.as_slice(), [TemplatePart::Expr { .. }])
    }

    /// The text, where no expression is in it.
    pub fn as_text(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [TemplatePart::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The expressions in order.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Text(_) => None,
            TemplatePart::Expr { expr, .. } => Some(expr),
        })
    }

    /// The value: of the expression itself where it is the whole text, else the text with every expression
    /// rendered into it. Null, bytes, lists and maps have no place in a text: `Error`.
    pub fn evaluate(&self, scope: &Scope<'_>, budget: u64) -> Evaluated {
        self.evaluate_with(scope, budget, str::to_owned)
    }

    /// As [`Template::evaluate`], but each rendered expression in mixed text passes `escape` first: to
    /// percent-encode it as one segment of a path, say. A whole expression is not escaped.
    pub fn evaluate_with(
        &self,
        scope: &Scope<'_>,
        budget: u64,
        escape: impl Fn(&str) -> String,
    ) -> Evaluated {
        let mut out = String::new();
        for part in &self.parts {
            let expr = match part {
                TemplatePart::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                TemplatePart::Expr { expr, .. } => expr,
            };
            let value = match super::evaluate(expr, scope, budget) {
                Evaluated::Value(value) => value,
                stopped => return stopped,
            };
            if self.is_whole() {
                return Evaluated::Value(value);
            }
            match rendered(&value) {
                Some(text) => out.push_str(&escape(&text)),
                None => return in_text(expr, &value),
            }
        }
        Evaluated::Value(Value::String(out))
    }
}

fn in_text(expr: &Expr, value: &Value) -> Evaluated {
    Evaluated::Error {
        message: format!(
            "`{}` is {}, which has no form inside a text",
            expr.source().trim(),
            super::blame::described(value)
        ),
    }
}
