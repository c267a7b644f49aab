//! Binding of values into PromQL and selectors, and the little that is checked of PromQL before it is sent.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

/// Puts each value of `bind` where `$name` stands outside quotes, as a quoted text: it can be nothing but a value
/// there, whatever it holds. Refused after `=~` and `!~`, where a value would be read as a regular expression.
pub(super) fn bound(text: &str, bind: &BTreeMap<String, Json>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut used = BTreeSet::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (part, after) = match c {
            '"' | '\'' | '`' => rest.split_at(quoted_len(rest, c)),
            '$' => {
                let name_len = rest[1..]
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(rest.len() - 1);
                let (name, after) = rest[1..].split_at(name_len);
                let value = bind
                    .get(name)
                    .ok_or_else(|| format!("`${name}` has no value under `bind`"))?;
                if out.trim_end().ends_with('~') {
                    return Err(format!(
                        "`${name}` stands where a regular expression is read; bind with `=` or `!=`"
                    ));
                }
                out.push_str(&literal(name, value)?);
                used.insert(name);
                rest = after;
                continue;
            }
            _ => rest.split_at(c.len_utf8()),
        };
        out.push_str(part);
        rest = after;
    }
    match bind.keys().find(|name| !used.contains(name.as_str())) {
        Some(name) => Err(format!(
            "`bind` gives `{name}`, and `${name}` stands nowhere"
        )),
        None => Ok(out),
    }
}

/// A value as PromQL writes a text.
fn literal(name: &str, value: &Json) -> Result<String, String> {
    let text = match value {
        Json::String(s) => s.clone(),
        Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::Null | Json::Array(_) | Json::Object(_) => {
            return Err(format!("`{name}` must be a text or a number to be bound"));
        }
    };
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    Ok(format!("\"{escaped}\""))
}

/// The length of a quoted text at the beginning, quotes included; all where it is not closed.
fn quoted_len(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        if c == '\\' && quote != '`' {
            chars.next();
        } else if c == quote {
            return i + 1;
        }
    }
    text.len()
}

/// What is visibly wrong with PromQL: a quote or bracket that does not close. The server knows the rest.
pub(super) fn unbalanced(promql: &str) -> Option<String> {
    let mut open: Vec<char> = Vec::new();
    let mut rest = promql;
    while let Some(c) = rest.chars().next() {
        let mut len = c.len_utf8();
        match c {
            '"' | '\'' | '`' => {
                len = quoted_len(rest, c);
                if len == 1 || !rest[..len].ends_with(c) {
                    return Some(format!("a quote is not closed: {rest}"));
                }
            }
            '(' | '[' | '{' => open.push(c),
            ')' | ']' | '}' => {
                let due = match c {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                if open.pop() != Some(due) {
                    return Some(format!("`{c}` closes nothing"));
                }
            }
            _ => {}
        }
        rest = &rest[len..];
    }
    open.last().map(|c| format!("`{c}` is not closed"))
}
