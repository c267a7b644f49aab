//! How deep the tree of a text can get, told from its tokens before it is parsed: the parser descends by recursion, so
//! a text of four megabytes of opening brackets would end the program.

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

/// The most parts that may hang on each other between two commas or semicolons, brackets around them included.
pub(super) const MOST_PARTS: usize = 2_000;

/// Words that open a block of PL/pgSQL, in which semicolons do not end what is open.
const OPENERS: &[&str] = &["if", "loop", "case", "begin"];

/// The most bodies within bodies.
const MOST_BODIES: usize = 4;

/// Where a text gets too deep for the parser, as an offset.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    too_deep_in(text, 0)
}

fn too_deep_in(text: &str, bodies: usize) -> Option<usize> {
    if bodies > MOST_BODIES {
        return Some(0);
    }
    let mut levels = vec![0usize];
    let mut open = 0usize;
    let mut sum = 0usize;
    let mut at = 0usize;
    let mut before = [String::new(), String::new()];
    for token in tokenize(text) {
        let start = at;
        at += token.len as usize;
        let Some(here) = text.get(start..at) else {
            return Some(start);
        };
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {
                continue;
            }
            TokenKind::Eof => break,
            TokenKind::Comma | TokenKind::Semi => {
                if let Some(level) = levels.last_mut() {
                    sum -= std::mem::take(level);
                }
            }
            TokenKind::OpenParen | TokenKind::OpenBracket => {
                add(&mut levels, &mut sum);
                levels.push(0);
            }
            TokenKind::CloseParen | TokenKind::CloseBracket if levels.len() > 1 => {
                sum -= levels.pop().unwrap_or(0);
            }
            _ => {
                add(&mut levels, &mut sum);
                if bodies > 0
                    && OPENERS.iter().any(|word| here.eq_ignore_ascii_case(word))
                    && !before[1].eq_ignore_ascii_case("end")
                {
                    open += 1;
                } else if here.eq_ignore_ascii_case("end") {
                    open = open.saturating_sub(1);
                }
            }
        }
        if sum + open > MOST_PARTS {
            return Some(start);
        }
        if is_body(token.kind, &before)
            && let Some(inside) = too_deep_inside(here, bodies)
        {
            return Some(start + inside);
        }
        before.swap(0, 1);
        here.clone_into(&mut before[1]);
    }
    None
}

fn add(levels: &mut [usize], sum: &mut usize) {
    if let Some(level) = levels.last_mut() {
        *level += 1;
        *sum += 1;
    }
}

/// Whether a literal may be the body of a function or of DO, which the parser reads too.
fn is_body(kind: TokenKind, before: &[String; 2]) -> bool {
    let TokenKind::Literal { kind } = kind else {
        return false;
    };
    let word = |n: usize, what: &str| before[n].eq_ignore_ascii_case(what);
    match kind {
        LiteralKind::DollarQuotedString { .. } => true,
        LiteralKind::Str { .. }
        | LiteralKind::EscStr { .. }
        | LiteralKind::UnicodeEscStr { .. } => {
            word(1, "as") || word(1, "do") || word(0, "language") || word(1, "execute")
        }
        _ => false,
    }
}

/// The text between the first and the last quote of a literal.
fn too_deep_inside(literal: &str, bodies: usize) -> Option<usize> {
    let quote = if literal.starts_with('$') {
        let tag = literal.get(1..)?.find('$')? + 2;
        literal.get(..tag)?
    } else {
        "'"
    };
    let start = literal.find(quote)? + quote.len();
    let inside = literal.get(start..)?;
    let inside = inside.strip_suffix(quote).unwrap_or(inside);
    // An escape may stand for a bracket.
    if quote == "'" && inside.len() > MOST_PARTS && inside.contains('\\') {
        return Some(start);
    }
    too_deep_in(inside, bodies + 1).map(|at| at + start)
}
