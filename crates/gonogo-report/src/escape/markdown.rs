//! Markdown as GitHub and GitLab read it (GFM): no markup, link, mention or reference comes out of data.

use super::{Breaks, push_visible};

/// Shows where a mention or a reference would begin, and ends it there: nobody is notified by what a target sent.
const BREAK: &str = "&#8203;";

/// One line of text, for a paragraph, a list item or a table cell.
pub fn markdown(text: &str) -> String {
    let shown = super::terminal(text);
    let chars: Vec<char> = shown.chars().collect();
    let mut out = String::with_capacity(shown.len() + 8);
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(at + 1).copied();
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Not `\|`: readers differ on what a backslash before that means.
            '|' => out.push_str("&#124;"),
            '\\' | '`' | '*' | '[' | ']' | '~' | '$' | '^' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '_' if !(is_word(before) && is_word(after)) => out.push_str("\\_"),
            '#' if before.is_none() => out.push_str("\\#"),
            '@' => {
                out.push('@');
                out.push_str(BREAK);
            }
            '#' | '!' if after.is_some_and(|c| c.is_ascii_digit()) => {
                out.push(c);
                out.push_str(BREAK);
            }
            ':' if chars.get(at + 1..at + 3) == Some(&['/', '/']) => out.push_str("&#58;"),
            '.' if ends_in_www(&chars[..at]) => out.push_str("&#46;"),
            '-' | '+' | '=' if before.is_none() => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if is_list_number(&chars[..at]) => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out.trim().to_owned()
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(char::is_alphanumeric)
}

fn ends_in_www(before: &[char]) -> bool {
    before
        .last_chunk::<3>()
        .is_some_and(|last| last.iter().all(|c| c.eq_ignore_ascii_case(&'w')))
}

fn is_list_number(before: &[char]) -> bool {
    !before.is_empty() && before.iter().all(char::is_ascii_digit)
}

/// One line of code, for a paragraph, a list item or a table cell.
pub fn markdown_code(text: &str) -> String {
    let shown = super::terminal(text);
    let shown = shown.trim();
    if shown.is_empty() {
        return "–".to_owned();
    }
    // A table splits at `|` even inside code, and readers differ on what `\\|` is there.
    if shown.contains('|') {
        return format!("<code>{}</code>", as_references(shown));
    }
    let fence = "`".repeat(longest_run(shown, '`') + 1);
    let pad = if shown.starts_with('`') || shown.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{shown}{pad}{fence}")
}

/// One line of text inside HTML that stands in Markdown: every ASCII sign as a character reference.
pub(crate) fn markdown_in_html(text: &str) -> String {
    as_references(&super::terminal(text))
}

/// Every ASCII sign as a character reference, so that none can be markup.
fn as_references(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            out.push_str("&#");
            out.push_str(&u32::from(c).to_string());
            out.push(';');
        } else {
            out.push(c);
        }
    }
    out
}

/// A block of code between fences that its text cannot end.
pub(crate) fn markdown_block(text: &str, language: &'static str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        push_visible(&mut shown, c, Breaks::Kept);
    }
    let fence = "`".repeat(longest_run(&shown, '`').max(2) + 1);
    format!(
        "{fence}{language}\n{}\n{fence}\n",
        shown.trim_end_matches('\n')
    )
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of)
        .map(|run| run.chars().count())
        .max()
        .unwrap_or(0)
}
