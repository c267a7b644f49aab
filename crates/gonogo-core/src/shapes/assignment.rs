//! `password = "…"`, `"apiKey": "…"`, `TOKEN=…`: a name that speaks of a secret, and a value that looks like one.

use super::placeholder::{distinct, is_placeholder};
use super::{Named, shannon_bits};

/// The longest rest of a name after its keyword: `_for_production`.
const NAME_REST: usize = 24;
/// A longer value is a document, not a secret.
const VALUE_MAX: usize = 400;

/// Reads an assignment whose keyword may begin at `at`; gives the place of the value.
pub(super) fn read(
    keywords: &[&str],
    named: Named,
    bytes: &[u8],
    at: usize,
    is_code: bool,
) -> Option<(usize, usize)> {
    let keyword_end = at + keywords.iter().find_map(|k| keyword_len(k, &bytes[at..]))?;
    let (mut end, operator) = operator(bytes, keyword_end)?;
    end += blanks(&bytes[end..]);
    let is_mapping = operator == b':';
    let (start, end, is_quoted) = value(bytes, end)?;
    if !is_quoted && (is_code || named == Named::Key && is_mapping) {
        return None;
    }
    looks_secret(&bytes[start..end], named).then_some((start, end))
}

/// The length of a keyword written in any of its ways at the beginning of bytes.
fn keyword_len(keyword: &str, bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for want in keyword.bytes() {
        let byte = bytes.get(at);
        if want == b'_' {
            at += usize::from(matches!(byte, Some(b'_' | b'-')));
        } else if byte.is_some_and(|b| b.eq_ignore_ascii_case(&want)) {
            at += 1;
        } else {
            return None;
        }
    }
    Some(at)
}

fn blanks(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count()
}

/// The rest of a name, what closes it, and the sign that gives it a value.
fn operator(bytes: &[u8], from: usize) -> Option<(usize, u8)> {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let rest = bytes[from..]
        .iter()
        .take(NAME_REST + 1)
        .take_while(|b| is_name(b))
        .count();
    if rest > NAME_REST {
        return None;
    }
    let mut at = from + rest;
    // `password\": \"…` is JSON inside a text.
    while matches!(bytes.get(at), Some(b'"' | b'\'' | b'`' | b']' | b'\\')) {
        at += 1;
    }
    at += blanks(&bytes[at..]);
    // `let password: &str = "…"`
    if let Some(typed) = bytes[at..].strip_prefix(b":") {
        let skip = typed
            .iter()
            .take(24)
            .take_while(|b| is_name(b) || matches!(b, b' ' | b'&' | b'\'' | b'<' | b'>'))
            .count();
        if skip > 1
            && typed.get(skip) == Some(&b'=')
            && typed.get(skip + 1) != Some(&b'=')
            && typed[..skip].contains(&b' ')
        {
            return Some((at + 1 + skip + 1, b'='));
        }
    }
    match bytes.get(at..)? {
        [b'=' | b':' | b'!' | b'<' | b'>', b'=', b'=', ..]
        | [b'=' | b'!', b'=', ..]
        | [b':', b':', ..] => None,
        [b'=', b'>', ..] | [b':' | b'?' | b'|' | b'+', b'=', ..] => Some((at + 2, b'=')),
        [sign @ (b'=' | b':'), ..] => Some((at + 1, *sign)),
        // `<password>value</password>`
        [b'>', tail @ ..] => {
            let len = tail.iter().take(VALUE_MAX).position(|b| *b == b'<')?;
            (at == from + rest && tail[len..].starts_with(b"</")).then_some((at + 1, b'='))
        }
        _ => None,
    }
}

/// The place of a value and whether it is in quotes.
fn value(bytes: &[u8], from: usize) -> Option<(usize, usize, bool)> {
    let mut start = from;
    // `b"…"`, `r"…"`, `f"…"`, `\"…\"`
    if matches!(bytes.get(start), Some(b'b' | b'r' | b'f' | b'u' | b'\\'))
        && matches!(bytes.get(start + 1), Some(b'"' | b'\''))
    {
        start += 1;
    }
    let rest = bytes.get(start..)?;
    let rest = &rest[..rest.len().min(VALUE_MAX + 2)];
    if let Some(quote @ (b'"' | b'\'' | b'`')) = rest.first() {
        let len = rest[1..].iter().position(|b| b == quote || *b == b'\n')?;
        let is_closed = rest[1 + len] == *quote;
        let len = len - usize::from(len > 0 && rest[len] == b'\\');
        return is_closed.then_some((start + 1, start + 1 + len, true));
    }
    let is_end = |b: &u8| {
        b.is_ascii_whitespace() || matches!(b, b',' | b';' | b'"' | b'\'' | b'`' | b'<' | b'&')
    };
    let len = rest.iter().position(is_end).unwrap_or(rest.len());
    // Brackets make it an expression.
    let is_expression = rest[..len]
        .iter()
        .any(|b| matches!(b, b'(' | b')' | b'[' | b'{' | b'}' | b'>'));
    (len <= VALUE_MAX && !is_expression).then_some((start, start + len, false))
}

/// Weighs a value by what its name promised.
fn looks_secret(value: &[u8], named: Named) -> bool {
    let least = match named {
        Named::Password => 8,
        Named::Secret => 12,
        Named::Key => 16,
    };
    if value.len() < least || value.len() > VALUE_MAX || !value.iter().all(u8::is_ascii_graphic) {
        return false;
    }
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    let has_digit = has(u8::is_ascii_digit);
    let has_case = has(u8::is_ascii_lowercase) && value[1..].iter().any(u8::is_ascii_uppercase);
    let has_sign =
        has(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'-' | b'.' | b'/' | b':'));
    let bits = shannon_bits(value) / value.len() as f64;
    let is_rich = match named {
        Named::Password => (has_digit || has_sign || has_case) && bits >= 2.5,
        Named::Secret => has_digit && bits >= 3.0 || has_case && bits >= 3.6 && value.len() >= 20,
        Named::Key => has_digit && bits >= 3.3 && distinct(value) >= 10,
    };
    is_rich && !is_reference(value) && !is_placeholder(value)
}

/// A path, a URL, a dotted or spoken name.
fn is_reference(value: &[u8]) -> bool {
    let is_path = value.starts_with(b"/")
        || value.starts_with(b"./")
        || value.starts_with(b"~/")
        || value.starts_with(b"../");
    let is_url = memchr::memmem::find(value, b"://").is_some();
    let is_call = value.ends_with(b"()") || value.contains(&b'(') && value.contains(&b')');
    // Words with a digit somewhere: `oauth2_access_token`, `sha256-fingerprint`.
    let words = value.split(|b| matches!(b, b'_' | b'-' | b'.' | b':' | b'/'));
    let is_name = value.iter().any(|b| matches!(b, b'_' | b'-' | b'.'))
        && words.clone().count() >= 2
        && words.into_iter().all(|w| {
            let letters = w.iter().take_while(|b| b.is_ascii_alphabetic()).count();
            w.len() - letters <= 3
                && letters >= 2
                && (w[..letters].iter().all(u8::is_ascii_lowercase)
                    || w[..letters].iter().all(u8::is_ascii_uppercase))
        });
    is_path || is_url || is_call || is_name
}
