//! Tokens of CEL: for limits that hold before the parser sees the text (deep chains overflow its stack), for the
//! text of sub-expressions, for `${ … }` in text, and for better words about common slips.

use std::ops::Range;

use super::problem::{ExprProblem, codes};

/// The longest source text read, in bytes.
pub const MAX_LENGTH: usize = 8 * 1024;
/// The deepest nesting of brackets read.
pub const MAX_NESTING: usize = 32;
/// The longest chain of operators, selections and calls that depend on each other.
pub const MAX_CHAIN: usize = 200;
/// The most tokens, and so parts, read.
pub const MAX_TOKENS: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Number,
    Text,
    Open,
    Close,
    Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

/// The tokens of an expression, each bracket with the place of its partner.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) list: Vec<Token>,
    /// For the token at the same place: where its partner stands, where it is a bracket.
    pub(super) partner: Vec<Option<usize>>,
    /// How deep brackets nest.
    pub(super) nesting: usize,
}

impl Tokens {
    pub(super) fn at(&self, start: usize) -> Option<usize> {
        self.list
            .binary_search_by_key(&start, |t| t.span.start)
            .ok()
    }
}

/// Splits a source text, and refuses what is too big or cannot be CEL.
pub(super) fn tokens(source: &str) -> Result<Tokens, ExprProblem> {
    if source.len() > MAX_LENGTH {
        let message = format!(
            "the expression has {} bytes; at most {MAX_LENGTH} are read",
            source.len()
        );
        return Err(too_big(0..source.len(), message));
    }
    let mut list = Vec::new();
    let mut at = 0;
    while let Some(token) = next(source, at)? {
        at = token.span.end;
        if list.len() == MAX_TOKENS {
            let message = format!("the expression has more than {MAX_TOKENS} parts");
            return Err(too_big(token.span, message));
        }
        list.push(token);
    }
    if list.is_empty() {
        let message = "there is no expression here";
        return Err(ExprProblem::new(codes::SYNTAX, 0..source.len(), message));
    }
    let (partner, nesting) = pair(source, &list)?;
    Ok(Tokens {
        list,
        partner,
        nesting,
    })
}

fn too_big(offset: Range<usize>, message: String) -> ExprProblem {
    ExprProblem::new(codes::TOO_BIG, offset, message)
        .help("split it into several expectations, one per line")
}

/// Pairs the brackets, and bounds the depth of the tree that a parser will build.
fn pair(source: &str, list: &[Token]) -> Result<(Vec<Option<usize>>, usize), ExprProblem> {
    let mut partner = vec![None; list.len()];
    let mut open: Vec<usize> = Vec::new();
    // Operators so far on each open level: their sum bounds the depth of the tree at this place.
    let mut chains = vec![0usize];
    let mut nesting = 0;
    for (i, token) in list.iter().enumerate() {
        let text = &source[token.span.clone()];
        match token.kind {
            Kind::Open => {
                open.push(i);
                nesting = nesting.max(open.len());
                if nesting > MAX_NESTING {
                    let message = format!("brackets nest deeper than {MAX_NESTING}");
                    return Err(too_big(token.span.clone(), message));
                }
                // A bracket is itself a link: a call or an index.
                if let Some(last) = chains.last_mut() {
                    *last += 1;
                }
                chains.push(0);
            }
            Kind::Close => {
                let opener = open.pop().filter(|&o| closes(source, &list[o], text));
                let Some(opener) = opener else {
                    let message = format!("`{text}` closes nothing that is open");
                    return Err(ExprProblem::new(codes::SYNTAX, token.span.clone(), message));
                };
                partner[i] = Some(opener);
                partner[opener] = Some(i);
                chains.pop();
            }
            Kind::Operator => {
                if let Some(last) = chains.last_mut() {
                    *last = if text == "," { 0 } else { *last + 1 };
                }
            }
            Kind::Name if text == "in" => {
                if let Some(last) = chains.last_mut() {
                    *last += 1;
                }
            }
            Kind::Name | Kind::Number | Kind::Text => {}
        }
        if chains.iter().sum::<usize>() > MAX_CHAIN {
            let message = format!("more than {MAX_CHAIN} operators depend on each other");
            return Err(too_big(token.span.clone(), message));
        }
    }
    if let Some(&opener) = open.last() {
        let text = &source[list[opener].span.clone()];
        let message = format!("`{text}` is never closed");
        return Err(ExprProblem::new(
            codes::SYNTAX,
            list[opener].span.clone(),
            message,
        ));
    }
    Ok((partner, nesting))
}

fn closes(source: &str, opener: &Token, close: &str) -> bool {
    matches!(
        (&source[opener.span.clone()], close),
        ("(", ")") | ("[", "]") | ("{", "}")
    )
}

/// The next token at or behind a place; nothing at the end of the text.
pub(super) fn next(source: &str, from: usize) -> Result<Option<Token>, ExprProblem> {
    let start = skip_blank(source, from);
    let rest = &source[start..];
    let Some(first) = rest.chars().next() else {
        return Ok(None);
    };
    let token = |kind, len: usize| {
        Ok(Some(Token {
            kind,
            span: start..start + len,
        }))
    };
    if let Some(quote) = text_start(rest) {
        return token(Kind::Text, text_end(source, start, quote)?);
    }
    match first {
        'a'..='z' | 'A'..='Z' | '_' => token(Kind::Name, name_len(rest)),
        '`' => match rest[1..].find('`') {
            Some(end) if end > 0 => token(Kind::Name, end + 2),
            _ => Err(slip(start, 1, "a backtick name is not closed", None)),
        },
        '0'..='9' => token(Kind::Number, number_len(rest)),
        '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            token(Kind::Number, number_len(rest))
        }
        '(' | '[' | '{' => token(Kind::Open, 1),
        ')' | ']' | '}' => token(Kind::Close, 1),
        _ => match operator_len(rest) {
            Some(len) => token(Kind::Operator, len),
            None => Err(stray(start, first, rest)),
        },
    }
}

fn skip_blank(source: &str, from: usize) -> usize {
    let mut at = from;
    loop {
        let rest = &source[at..];
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
        at += rest.len() - trimmed.len();
        if !trimmed.starts_with("//") {
            return at;
        }
        at += trimmed.find('\n').unwrap_or(trimmed.len());
    }
}

fn name_len(rest: &str) -> usize {
    rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(rest.len())
}

fn number_len(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    if rest.starts_with("0x") {
        let digits = bytes[2..]
            .iter()
            .take_while(|b| b.is_ascii_hexdigit())
            .count();
        return 2 + digits + usize::from(matches!(bytes.get(2 + digits), Some(b'u' | b'U')));
    }
    let run = |from: usize| {
        bytes[from.min(bytes.len())..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut len = run(0);
    if bytes.get(len) == Some(&b'.') && run(len + 1) > 0 {
        len += 1 + run(len + 1);
    }
    if matches!(bytes.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        let digits = run(len + 1 + sign);
        if digits > 0 {
            len += 1 + sign + digits;
        }
    }
    len + usize::from(matches!(bytes.get(len), Some(b'u' | b'U')))
}

/// Where a text literal starts here: the length of its prefix and whether it is raw.
fn text_start(rest: &str) -> Option<(usize, bool)> {
    let bytes = rest.as_bytes();
    let quoted = |i: usize| matches!(bytes.get(i), Some(b'\'' | b'"'));
    match bytes.first()? {
        b'\'' | b'"' => Some((0, false)),
        b'r' | b'R' if quoted(1) => Some((1, true)),
        b'b' | b'B' if quoted(1) => Some((1, false)),
        b'b' | b'B' if matches!(bytes.get(1), Some(b'r' | b'R')) && quoted(2) => Some((2, true)),
        _ => None,
    }
}

/// The length of the text literal at `start`, prefix and quotes included.
fn text_end(
    source: &str,
    start: usize,
    (prefix, raw): (usize, bool),
) -> Result<usize, ExprProblem> {
    let body = &source[start + prefix..];
    let quote = &body[..1];
    let triple = body.starts_with("'''") || body.starts_with("\"\"\"");
    let close = if triple {
        quote.repeat(3)
    } else {
        quote.to_owned()
    };
    let mut at = close.len();
    while let Some(c) = body[at..].chars().next() {
        if body[at..].starts_with(&close) {
            return Ok(prefix + at + close.len());
        }
        if !triple && (c == '\n' || c == '\r') {
            break;
        }
        at += c.len_utf8();
        if c == '\\' && !raw {
            at += body[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    let help = "a text ends with the quote it began with, on the same line";
    Err(slip(
        start,
        prefix + close.len(),
        "a text is not closed",
        Some(help),
    ))
}

fn operator_len(rest: &str) -> Option<usize> {
    const TWO: [&str; 6] = ["==", "!=", "<=", ">=", "&&", "||"];
    if TWO.iter().any(|op| rest.starts_with(op)) {
        return Some(2);
    }
    rest.starts_with(['<', '>', '!', '?', ':', ',', '.', '+', '-', '*', '/', '%'])
        .then_some(1)
}

fn slip(start: usize, len: usize, message: &str, help: Option<&str>) -> ExprProblem {
    let problem = ExprProblem::new(codes::SYNTAX, start..start + len, message);
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// A character that CEL does not know, with the slip behind it where it is a common one.
fn stray(start: usize, c: char, rest: &str) -> ExprProblem {
    let len = c.len_utf8();
    let help = match c {
        '=' => Some("equality is written `==`"),
        '&' => Some("and is written `&&`"),
        '|' => Some("or is written `||`"),
        '#' => Some(
            "a remark in an expression begins with `//`; one in YAML needs the expression quoted",
        ),
        '$' if rest.starts_with("${") => {
            Some("`${ … }` belongs in text; an expression stands here without it")
        }
        '“' | '”' | '„' | '‘' | '’' => Some("texts stand in straight quotes: 'text'"),
        ';' => Some("one expression per line"),
        _ => None,
    };
    let message = format!("`{}` is not part of an expression", c.escape_debug());
    slip(start, len, &message, help)
}
