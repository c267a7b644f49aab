//! `$NAME` and `${NAME…}` in a compose file's values (compose specification, “Interpolation”).

use std::collections::BTreeMap;

/// A text with its variables put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fill {
    pub(super) text: String,
    /// Every variable that it asks for.
    pub(super) uses: Vec<Use>,
    /// Why it is no template.
    pub(super) error: Option<String>,
}

/// One use of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) name: String,
    /// Whether it has a value.
    pub(super) set: bool,
    /// Whether the place says what stands there without one.
    pub(super) default: bool,
    /// Whether it must have one: `${NAME:?…}`.
    pub(super) required: bool,
}

/// A default may hold a default, so deep.
const MAX_DEPTH: usize = 16;

/// Puts the values in.
pub(super) fn fill(text: &str, known: &BTreeMap<String, String>) -> Fill {
    let mut fill = Fill::default();
    let mut out = String::new();
    if let Err(why) = walk(text, known, 0, &mut fill.uses, &mut out) {
        fill.error = Some(why);
    }
    fill.text = out;
    fill
}

fn walk(
    text: &str,
    known: &BTreeMap<String, String>,
    depth: usize,
    uses: &mut Vec<Use>,
    out: &mut String,
) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("variables are nested too deeply".to_owned());
    }
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let end = closing(after).ok_or("a `${` is not closed")?;
            braced(&after[..end], known, depth, uses, out)?;
            rest = &after[end + 1..];
        } else {
            let end = name_end(rest);
            if end == 0 {
                return Err(
                    "a `$` stands before what is no name of a variable; a plain one is written `$$`"
                        .to_owned(),
                );
            }
            let name = &rest[..end];
            let value = known.get(name);
            uses.push(Use {
                name: name.to_owned(),
                set: value.is_some(),
                default: false,
                required: false,
            });
            out.push_str(value.map_or("", String::as_str));
            rest = &rest[end..];
        }
    }
    out.push_str(rest);
    Ok(())
}

/// The end of the name that a text begins with.
fn name_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.first() {
        Some(b) if b.is_ascii_alphabetic() || *b == b'_' => bytes
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))
            .unwrap_or(bytes.len()),
        _ => 0,
    }
}

/// Where the brace is closed that was opened before the text.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '{' if before == '$' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        before = c;
    }
    None
}

fn braced(
    inner: &str,
    known: &BTreeMap<String, String>,
    depth: usize,
    uses: &mut Vec<Use>,
    out: &mut String,
) -> Result<(), String> {
    let end = name_end(inner);
    if end == 0 {
        return Err("a `${` has no name of a variable; a plain `$` is written `$$`".to_owned());
    }
    let (name, rest) = inner.split_at(end);
    let value = known.get(name);
    let (non_empty, operator) = match rest.strip_prefix(':') {
        Some(operator) => (true, operator),
        None => (false, rest),
    };
    // `:` asks for a value that is not empty, too.
    let there = value.filter(|v| !non_empty || !v.is_empty());
    let mut chars = operator.chars();
    let kind = chars.next();
    uses.push(Use {
        name: name.to_owned(),
        set: if kind == Some('?') {
            there.is_some()
        } else {
            value.is_some()
        },
        default: matches!(kind, Some('-' | '+')),
        required: kind == Some('?'),
    });
    let argument = chars.as_str();
    match kind {
        None if !non_empty => out.push_str(value.map_or("", String::as_str)),
        Some('-') => match there {
            Some(value) => out.push_str(value),
            None => walk(argument, known, depth + 1, uses, out)?,
        },
        Some('+') => {
            if there.is_some() {
                walk(argument, known, depth + 1, uses, out)?;
            }
        }
        Some('?') => out.push_str(there.map_or("", String::as_str)),
        _ => return Err("a `${…}` holds what is none of `-`, `+`, `?` after its name".to_owned()),
    }
    Ok(())
}
