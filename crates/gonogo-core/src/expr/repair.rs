//! What YAML does to an expression that stands unquoted, undone: each function gives the line as it should be
//! written, or nothing where that is not what happened.

use super::{Expr, parse};

/// The expression as a YAML scalar that YAML leaves alone: bare where that is safe, else in the quotes that need
/// the least escaping.
pub fn quoted(expr: &str) -> String {
    if is_plain(expr) {
        return expr.to_owned();
    }
    let single_line = !expr.contains(['\n', '\r', '\t']) && !expr.chars().any(char::is_control);
    if single_line && !expr.contains('"') && !expr.contains('\\') {
        return format!("\"{expr}\"");
    }
    if single_line {
        return format!("'{}'", expr.replace('\'', "''"));
    }
    // YAML's double quotes read what JSON writes.
    serde_json::Value::from(expr).to_string()
}

/// Whether YAML reads the text as this very text.
fn is_plain(text: &str) -> bool {
    let safe_start = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '(');
    safe_start
        && !text.ends_with([':', ' '])
        && ![": ", " #", "\n", "\r", "\t", "{", "}"]
            .iter()
            .any(|bad| text.contains(bad))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        )
        && !text.chars().any(char::is_control)
}

/// What brackets a text leaves open, and closes without having opened, outside of quotes: `rows.all(r, [r.x` leaves
/// `([`. A sign that a comma or a line end cut it.
pub fn unbalanced_brackets(text: &str) -> (String, String) {
    let (mut open, mut extra) = (String::new(), String::new());
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => open.push(c),
            (None, ')' | ']' | '}') => {
                let partner = match c {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                if open.ends_with(partner) {
                    open.pop();
                } else {
                    extra.push(c);
                }
            }
            _ => {}
        }
    }
    (open, extra)
}

/// The expressions that a flow list was meant to hold, where commas split some of them: neighbours are joined
/// again until each parses. One line per expression, each ready to stand behind `- `.
///
/// Nothing where every text is an expression by itself, or where no joining helps.
pub fn repair_split(parts: &[&str]) -> Option<Vec<String>> {
    if parts.len() > 64 || parts.iter().all(|part| parse(part).is_ok()) {
        return None;
    }
    let mut lines = Vec::new();
    let mut at = 0;
    while at < parts.len() {
        let (expr, used) = (1..=parts.len() - at).find_map(|n| {
            let joined = parts[at..at + n].join(", ");
            // Parsing is dear: brackets tell most of the story.
            let (open, extra) = unbalanced_brackets(&joined);
            let whole = open.is_empty() && extra.is_empty();
            (whole && parse(&joined).is_ok()).then_some((joined, n))
        })?;
        lines.push(quoted(&expr));
        at += used;
    }
    Some(lines)
}

/// The whole expression, where ` #` cut it short: `name == 'a #1'` reaches us as `name == 'a`, and `remark` is the
/// rest of the line behind the cut, `#` included.
///
/// Nothing where the text was an expression by itself: then the remark was one.
pub fn repair_comment(text: &str, remark: &str) -> Option<String> {
    if parse(text).is_ok() {
        return None;
    }
    let whole = format!("{} {}", text.trim_end(), remark.trim());
    parse(&whole).ok().map(|expr: Expr| quoted(expr.source()))
}

/// The whole expression, where YAML took its start for a tag: `!has(body.error)` is read as the tag `!has(body.error)`
/// and the text behind it.
pub fn repair_tag(tag: &str, text: &str) -> Option<String> {
    let tag = if tag.starts_with('!') {
        tag.to_owned()
    } else {
        format!("!{tag}")
    };
    let whole = format!("{tag} {}", text.trim());
    let whole = whole.trim();
    parse(whole).ok().map(|_| quoted(whole))
}

/// The whole expression, where YAML read a colon in it as a mapping: `a ? b : c` as the key `a ? b` with the value
/// `c`, `{'a': 1}['a'] == 1`, `x in {'a': 1}`. `text` is the source text of the whole mapping as it stands in the
/// file.
pub fn repair_mapping(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches(',');
    parse(text).ok().map(|_| quoted(text))
}
