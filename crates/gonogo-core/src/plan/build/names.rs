//! Names that people give, and those made from what a check asks.

use crate::diag::Diagnostic;
use crate::plan::load::Reader;
use crate::plan::source::Span;

/// The longest name, in characters.
const LONGEST: usize = 100;

/// Says where a name cannot be used as what it names. Inputs, captures and values are used in expressions, so theirs
/// are words; the others stand in addresses such as `gate/check`.
pub(in crate::plan) fn check_name(what: &str, name: &str, at: Span, reader: &mut Reader<'_>) {
    let word = matches!(what, "input" | "capture" | "value");
    let good_char =
        |c: char| c.is_ascii_alphanumeric() || c == '_' || (!word && (c == '-' || c == '.'));
    let good_start = name.chars().next().is_some_and(|c| {
        c.is_ascii_alphanumeric() && !(word && c.is_ascii_digit()) || word && c == '_'
    });
    if good_start && name.chars().all(good_char) && name.len() <= LONGEST {
        return;
    }
    let rule = if word {
        "letters, digits and `_`, and begins with a letter: expressions use it"
    } else {
        "letters, digits, `-`, `_` and `.`, and begins with a letter or digit"
    };
    let shown: String = name.chars().take(60).filter(|c| !c.is_control()).collect();
    let mut problem = Diagnostic::error(
        "bad-name",
        format!("`{shown}` cannot be the name of this {what}"),
    );
    let better: String = if word {
        slug(name).replace('-', "_")
    } else {
        slug(name)
    };
    let mut help = format!("such a name has {rule}");
    if !better.is_empty() && better != name {
        help = format!("{help}; `{better}`, say");
    }
    problem = problem.help(help);
    reader.say(problem, at);
}

/// An id made from a text: `POST /orders` is `post-orders`. A template counts as the last word in it.
pub(in crate::plan) fn slug(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(open) = rest.find("${") {
        plain.push_str(&rest[..open]);
        let inner = &rest[open + 2..];
        let end = inner.find('}').unwrap_or(inner.len());
        let word = inner[..end]
            .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .find(|w| !w.is_empty());
        plain.push('-');
        plain.push_str(word.unwrap_or_default());
        plain.push('-');
        rest = inner.get(end + 1..).unwrap_or_default();
    }
    plain.push_str(rest);
    let mut out = String::new();
    for c in plain.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
        if out.len() >= 60 {
            break;
        }
    }
    out.trim_matches('-').to_owned()
}
