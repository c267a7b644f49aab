//! What YAML did to an expression, undone: the line as it should be written.

use super::source::{Source, Sources, Span};
use super::tree::{Node, Style};
use crate::expr::quoted;

/// The keys under which expressions stand.
const EXPRESSION_KEYS: [&str; 8] = [
    "expect", "warn", "when", "no_go", "hold", "accepts", "identity", "from",
];
/// The longest text that is repaired, in bytes.
const LONGEST: usize = 2_000;

/// The line on which an expression stands that YAML read as something else: as it should be written.
pub(crate) fn of_expression(sources: &Sources, node: &Node) -> String {
    let source = sources.get(node.span.file);
    let start = node.span.start as usize;
    let line = source.line_of(start);
    let text = source.line(line);
    let column = start
        .saturating_sub(source.line_start(line))
        .min(text.len());
    let (before, rest) = text.split_at(column);
    if node.style == Style::Flow && rest.starts_with('[') {
        return listed(before.trim(), &flow_items(&source.text[start..]));
    }
    format!("{}{}", before.trim_start(), quoted(rest.trim()))
}

/// What a ` #` cut off a line.
pub(crate) struct Cut {
    /// What stands before the text on its line, without indentation.
    pub before: String,
    /// What was taken for a comment, `#` included.
    pub remark: String,
}

/// What a ` #` behind a text cut off, where one stands there.
pub(crate) fn of_comment(sources: &Sources, span: Span) -> Option<Cut> {
    let source = sources.get(span.file);
    let (start, end) = (span.start as usize, span.end as usize);
    let line = source.line_of(start);
    let text = source.line(line);
    let line_start = source.line_start(line);
    let remark = text.get(end.checked_sub(line_start)?..)?.trim();
    if !remark.starts_with('#') {
        return None;
    }
    Some(Cut {
        before: text
            .get(..start.checked_sub(line_start)?)?
            .trim_start()
            .to_owned(),
        remark: remark.to_owned(),
    })
}

/// What may be said about a line that is not YAML at all, where it holds an expression or a template.
pub(crate) fn of_syntax_error(source: &Source, at: usize) -> Option<String> {
    let line = source.line_of(at);
    // Some errors are only noticed on the line that follows.
    (line.saturating_sub(1)..=line)
        .rev()
        .find_map(|line| of_broken_line(source, line))
}

fn of_broken_line(source: &Source, line: usize) -> Option<String> {
    let text = source.line(line);
    if text.len() > LONGEST || text.trim_start().starts_with('#') {
        return None;
    }
    let (head, value) = split_head(text);
    let key = head
        .trim()
        .trim_end_matches(':')
        .trim_start_matches("- ")
        .trim();
    let item = head.trim() == "-" && stands_under_expression_key(source, line);
    if value.is_empty() {
        return None;
    }
    if item || EXPRESSION_KEYS.contains(&key) {
        let repaired = if value.starts_with('[') {
            listed(head.trim(), &flow_items(value))
        } else if value.starts_with(['"', '\'']) {
            return None;
        } else {
            format!("{}{}", head.trim_start(), quoted(value.trim()))
        };
        return Some(format!("write the expression so:\n{repaired}"));
    }
    let repaired = quote_templates(value)?;
    Some(format!(
        "a text that holds `${{ … }}` stands in quotes here:\n{}{repaired}",
        head.trim_start()
    ))
}

/// A line's indentation, dash and key, and what follows.
fn split_head(text: &str) -> (&str, &str) {
    let trimmed = text.trim_start();
    let mut at = text.len() - trimmed.len();
    while text[at..].starts_with("- ") {
        at += 2;
        at += text[at..].len() - text[at..].trim_start().len();
    }
    let rest = &text[at..];
    let name = rest
        .find(|c: char| !(c.is_alphanumeric() || "_-.".contains(c)))
        .unwrap_or(rest.len());
    if name > 0 && rest[name..].starts_with(": ") {
        let value = &rest[name + 1..];
        at += name + 1 + (value.len() - value.trim_start().len());
    }
    text.split_at(at)
}

/// Whether a list item's list is that of a key that holds expressions.
fn stands_under_expression_key(source: &Source, line: usize) -> bool {
    let indent = |text: &str| text.len() - text.trim_start().len();
    let own = indent(source.line(line));
    for above in (line.saturating_sub(200)..line).rev() {
        let text = source.line(above);
        let trimmed = text.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if indent(text) <= own && !trimmed.starts_with("- ") || indent(text) < own {
            let key = trimmed.trim_start_matches("- ").trim_end();
            return key
                .strip_suffix(':')
                .is_some_and(|key| EXPRESSION_KEYS.contains(&key));
        }
    }
    false
}

/// Expressions, one per line, under what stood before their flow list.
fn listed(before: &str, items: &[String]) -> String {
    let key = before.trim_start_matches('-').trim_start();
    let mut out = key.to_owned();
    for item in items {
        out.push_str(match (key, out.is_empty()) {
            ("", true) => "- ",
            ("", false) => "\n- ",
            _ => "\n  - ",
        });
        out.push_str(&quoted(item));
    }
    out
}

/// The expressions of a flow list, taken apart as CEL sees it: commas inside brackets and quotes do not part.
fn flow_items(text: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut current = String::new();
    let mut depth = 0_usize;
    let mut quote = None;
    let mut chars = text.chars().take(LONGEST).peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                current.push(c);
                current.extend(chars.next());
                continue;
            }
            (Some(q), c) if q == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '[' | '(' | '{') => {
                depth += 1;
                if depth == 1 {
                    continue;
                }
            }
            (None, ']' | ')' | '}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            (None, ',') if depth == 1 => {
                items.push(std::mem::take(&mut current));
                continue;
            }
            _ => {}
        }
        current.push(if c == '\n' || c == '\r' { ' ' } else { c });
    }
    items.push(current);
    items
        .iter()
        .map(|item| unquote(item.trim()))
        .filter(|item| !item.is_empty())
        .collect()
}

/// Takes off the quotes of a text that is one YAML quoted scalar whole.
fn unquote(text: &str) -> String {
    for quote in ['"', '\''] {
        let inner = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote));
        if let Some(inner) = inner
            && !inner.contains(quote)
        {
            return inner.to_owned();
        }
    }
    text.to_owned()
}

/// Puts each `${ … }` that stands without quotes into quotes; nothing where there is none.
fn quote_templates(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut quote: Option<char> = None;
    let mut changed = false;
    while let Some(c) = rest.chars().next() {
        if quote.is_none() && rest.starts_with("${") {
            let end = rest.find('}').map_or(rest.len(), |e| e + 1);
            out.push('"');
            out.push_str(&rest[..end]);
            out.push('"');
            rest = &rest[end..];
            changed = true;
            continue;
        }
        match quote {
            Some(q) if q == c => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            _ => {}
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    changed.then_some(out)
}
