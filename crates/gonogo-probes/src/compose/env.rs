//! Env files, as compose reads them. Values are never told to anybody.

use std::collections::BTreeMap;

use super::interpolate::{Fill, fill};
use super::observed::{Level, Problem};

/// Reads one file's lines into what is known; gives what is wrong with them.
pub(super) fn read(name: &str, text: &str, known: &mut BTreeMap<String, String>) -> Vec<Problem> {
    let mut reader = Reader {
        name,
        known,
        own: BTreeMap::new(),
        problems: Vec::new(),
    };
    let mut lines = text.trim_start_matches('\u{feff}').lines().zip(1usize..);
    while let Some((line, number)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut whole = line.to_owned();
        // A value in quotes may go on over lines.
        while is_open(&whole) {
            let Some((more, _)) = lines.next() else {
                break;
            };
            whole.push('\n');
            whole.push_str(more);
        }
        reader.line(&whole, number);
    }
    reader.problems
}

fn is_open(line: &str) -> bool {
    let Some((_, value)) = line.split_once('=') else {
        return false;
    };
    let value = value.trim_start();
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return false;
    };
    end_of_quoted(value, quote).is_none()
}

/// Where the quote that a value begins with is closed.
fn end_of_quoted(value: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in value.char_indices().skip(1) {
        match c {
            '\\' if quote == '"' && !escaped => escaped = true,
            c if c == quote && !escaped => return Some(at),
            _ => escaped = false,
        }
    }
    None
}

struct Reader<'a> {
    name: &'a str,
    known: &'a mut BTreeMap<String, String>,
    /// The line of each key of this file.
    own: BTreeMap<String, usize>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, level: Level, rule: &'static str, line: usize, message: String) {
        self.problems.push(Problem {
            level,
            rule,
            place: self.name.to_owned(),
            line,
            message,
        });
    }

    fn line(&mut self, line: &str, number: usize) {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key.trim(), value.trim()),
            // `KEY` alone takes the shell's value, which is not asked here.
            None => (line.trim(), ""),
        };
        if !is_name(key) {
            let message = "this is no `NAME=VALUE`".to_owned();
            self.problem(Level::Error, "env-line", number, message);
            return;
        }
        if let Some(before) = self.own.insert(key.to_owned(), number) {
            let message = format!("`{key}` stood in line {before} already; this one counts");
            self.problem(Level::Warning, "env-twice", number, message);
        }
        let value = self.value(key, value, number);
        self.known.insert(key.to_owned(), value);
    }

    fn value(&mut self, key: &str, value: &str, number: usize) -> String {
        if let Some(inner) = value.strip_prefix('\'') {
            let Some(end) = end_of_quoted(value, '\'') else {
                let message = format!("the quote before the value of `{key}` is not closed");
                self.problem(Level::Error, "env-quote", number, message);
                return String::new();
            };
            return inner[..end - 1].to_owned();
        }
        let bare = if value.starts_with('"') {
            let Some(end) = end_of_quoted(value, '"') else {
                let message = format!("the quote before the value of `{key}` is not closed");
                self.problem(Level::Error, "env-quote", number, message);
                return String::new();
            };
            value[1..end].replace("\\\"", "\"").replace("\\n", "\n")
        } else {
            value
                .split_once(" #")
                .map_or(value, |(before, _)| before)
                .trim()
                .to_owned()
        };
        self.filled(key, &bare, number)
    }

    /// Compose replaces `$NAME` in such values too: of a password or a bcrypt hash, a part goes missing.
    fn filled(&mut self, key: &str, text: &str, number: usize) -> String {
        let unset: Fill = fill(&text.replace("\\$", "$$"), self.known);
        let lost = unset.uses.iter().any(|u| !u.set && !u.default) || unset.error.is_some();
        if lost {
            let message = format!(
                "the value of `{key}` holds a `$` that compose takes for a variable; put the value into single quotes"
            );
            self.problem(Level::Error, "env-dollar", number, message);
        }
        unset.text
    }
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}
