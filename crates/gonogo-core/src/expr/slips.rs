//! Words for what the parser refuses, with the common slips behind it.

use std::ops::Range;

use super::functions::SPECS;
use super::lex::Tokens;
use super::problem::{ExprProblem, codes, did_you_mean};

pub(super) fn unknown_function(name: &str, span: Range<usize>) -> ExprProblem {
    let message = format!("there is no function `{name}`");
    let problem = ExprProblem::new(codes::UNKNOWN_FUNCTION, span, message);
    let help = match name {
        "now" => Some(
            "an expression has no clock, so that it can be judged again later; compare with a time that was observed"
                .to_owned(),
        ),
        "len" | "length" | "count" => Some("did you mean `size`?".to_owned()),
        "lower" | "toLowerCase" | "lowercase" => Some("did you mean `lowerAscii`?".to_owned()),
        "upper" | "toUpperCase" | "uppercase" => Some("did you mean `upperAscii`?".to_owned()),
        "any" | "some" => Some("did you mean `exists`?".to_owned()),
        "every" | "each" => Some("did you mean `all`?".to_owned()),
        "match" | "regex" | "test" => Some("did you mean `matches`?".to_owned()),
        "includes" => Some("did you mean `contains`?".to_owned()),
        _ => did_you_mean(
            name,
            SPECS
                .iter()
                .map(|spec| spec.name)
                .chain(["has", "all", "exists", "exists_one", "map", "filter"]),
            "functions",
        ),
    };
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// Words for the parser's first complaint.
pub(super) fn syntax_problem(
    source: &str,
    tokens: &Tokens,
    errors: &[cel::ParseError],
) -> ExprProblem {
    let Some(first) = errors.first() else {
        return ExprProblem::new(codes::SYNTAX, 0..source.len(), "this is not an expression");
    };
    let at = place(source, first.pos);
    let token = tokens.list.iter().find(|t| t.span.end > at);
    let Some(token) = token else {
        let end = tokens
            .list
            .last()
            .map_or(0..source.len(), |t| t.span.clone());
        return ExprProblem::new(codes::SYNTAX, end, "the expression ends too early");
    };
    let text = &source[token.span.clone()];
    let span = token.span.clone();
    if let Some(known) = known_message(&first.msg, text) {
        return ExprProblem::new(codes::SYNTAX, span, known);
    }
    let problem = ExprProblem::new(
        codes::SYNTAX,
        span,
        format!("`{text}` does not belong here"),
    );
    let help = match text {
        "and" | "AND" => "and is written `&&`",
        "or" | "OR" => "or is written `||`",
        "not" | "NOT" => "not is written `!`",
        "is" => "equality is written `==`",
        "matches" | "contains" | "startsWith" | "endsWith" => {
            "it is called with a dot and brackets: text.contains('part')"
        }
        "," => "one expression per line; both at once are joined by `&&`",
        "?" => "optional values are not part of the profile; ask has(x.key) first",
        _ => return problem,
    };
    problem.help(help)
}

/// What the parser says about a single token, in our words.
fn known_message(message: &str, text: &str) -> Option<String> {
    if message.starts_with("reserved identifier") {
        return Some(format!("`{text}` is a reserved word"));
    }
    if message.starts_with("invalid") && message.contains("literal") {
        let what = message.split_whitespace().nth(1).unwrap_or("value");
        return Some(format!("`{text}` cannot be read as {what}"));
    }
    if message.starts_with("unsupported syntax") {
        return Some("optional values (`.?`, `[?`) are not part of the profile".to_owned());
    }
    if message.contains("Recursion limit") {
        return Some("the expression nests too deeply".to_owned());
    }
    None
}

/// The byte that a line and column (both from 1) point at.
fn place(source: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line.max(1)).unwrap_or(1);
    let column = usize::try_from(column.max(1)).unwrap_or(1);
    let mut start = 0;
    for text in source.split_inclusive('\n').take(line - 1) {
        start += text.len();
    }
    source[start..]
        .char_indices()
        .nth(column - 1)
        .map_or(source.len(), |(i, _)| start + i)
}
