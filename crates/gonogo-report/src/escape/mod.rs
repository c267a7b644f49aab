//! One escaping layer per sink: what a target sends reaches a terminal or a page only through here.
//!
//! Control characters, terminal sequences, bidirectional overrides and other characters that nobody sees are shown as
//! `\u{202e}` in every sink, so that a person reads what is there and not what it pretends to be (trust.md, N1).

mod build_server;
mod hidden;
mod markdown;

pub(crate) use hidden::is_hidden;
pub use markdown::{markdown, markdown_code};
pub(crate) use markdown::{markdown_block, markdown_in_html};

/// What is done with line breaks and tabs, which are layout in some sinks and an attack in others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Breaks {
    Shown,
    Kept,
}

/// One line for a terminal: nothing in it moves the cursor, changes a colour or reorders text, and the build server
/// that reads along takes none of it for a command.
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if matches!(c, ':' | '#') && build_server::begins_command(text, at) {
            out.extend(c.escape_unicode());
        } else {
            push_visible(&mut out, c, Breaks::Shown);
        }
    }
    out
}

/// One line for a sink that escapes on its own: what nobody sees is shown by its number.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        push_visible(&mut out, c, Breaks::Shown);
    }
    out
}

/// Text or an attribute's value for HTML; line breaks and tabs stay, as `<pre>` needs them.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_html(&mut out, text);
    out
}

/// [`html`], appended.
pub(crate) fn push_html(out: &mut String, text: &str) {
    // Nearly all text is plain.
    if !text.bytes().any(is_special) {
        out.push_str(text);
        return;
    }
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let entity = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            ' '..='~' | '\n' | '\t' => continue,
            _ if !is_hidden(c) => continue,
            _ => "",
        };
        out.push_str(&text[plain..at]);
        plain = at + c.len_utf8();
        if entity.is_empty() {
            push_visible(out, c, Breaks::Kept);
        } else {
            out.push_str(entity);
        }
    }
    out.push_str(&text[plain..]);
}

/// Bytes that markup or a hidden character may begin with.
fn is_special(byte: u8) -> bool {
    matches!(byte, 0..=31 | 127.. | b'&' | b'<' | b'>' | b'"' | b'\'')
}

/// Text or an attribute's value for XML 1.0: well-formed whatever comes in, line breaks kept as references.
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_xml(&mut out, text);
    out
}

/// [`xml`], appended.
pub(crate) fn push_xml(out: &mut String, text: &str) {
    if !text.bytes().any(is_special) {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // A parser would make plain spaces of them inside an attribute.
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            _ => push_visible(out, c, Breaks::Kept),
        }
    }
}

fn push_visible(out: &mut String, c: char, breaks: Breaks) {
    match c {
        '\n' | '\t' if breaks == Breaks::Kept => out.push(c),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_hidden(c) => out.extend(c.escape_unicode()),
        c => out.push(c),
    }
}

/// At most `max` characters, the cut marked; for text that must fit, before it is escaped.
pub(crate) fn shorten(text: &str, max: usize) -> std::borrow::Cow<'_, str> {
    if text.char_indices().nth(max).is_none() {
        return text.into();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{kept}…").into()
}

#[cfg(test)]
mod tests;
