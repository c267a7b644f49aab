//! Files and functions that fit on a few screens, as a ratchet: what is longer is listed with its reason, and may
//! only get shorter.

use std::fmt::Write as _;

use super::files::{code, is_of_tests};
use super::{House, Untidy};

/// What is longer than it should be, and why.
pub(super) const RATCHET: &str = "xtask/ratchet.txt";
/// The most lines of a file, tests apart.
const FILE: usize = 600;
/// The most lines of a function, from its signature to its closing brace.
const FUNCTION: usize = 70;

/// One file or function that is too long.
#[derive(Debug, PartialEq, Eq)]
struct Long {
    lines: usize,
    /// `path` or `path function`.
    what: String,
    line: usize,
}

struct Listed<'a> {
    line: usize,
    lines: usize,
    what: &'a str,
    reason: &'a str,
}

/// Nothing new is too long, and nothing listed has grown.
pub(super) fn sizes_only_shrink(house: &House) -> Vec<Untidy> {
    let listed = listed(house);
    let long = long(house);
    let mut found = Vec::new();
    for one in &long {
        let at = format!(
            "{}:{}",
            one.what.split(' ').next().unwrap_or_default(),
            one.line
        );
        let entry = listed.iter().find(|l| l.what == one.what);
        match entry {
            None => {
                let most = if one.what.contains(' ') {
                    FUNCTION
                } else {
                    FILE
                };
                let what = format!(
                    "{} lines where {most} are the most: split it, or list it in {RATCHET} with a reason: `{} {} # …`",
                    one.lines, one.lines, one.what
                );
                found.push(Untidy::new(at, what));
            }
            Some(entry) if one.lines > entry.lines => {
                let what = format!(
                    "has grown from {} to {} lines; {RATCHET} only shrinks",
                    entry.lines, one.lines
                );
                found.push(Untidy::new(at, what));
            }
            Some(_) => {}
        }
    }
    for entry in &listed {
        let at = format!("{RATCHET}:{}", entry.line);
        if entry.reason.is_empty() {
            found.push(Untidy::new(&at, "gives no reason (`# …` at its end)"));
        }
        match long.iter().find(|l| l.what == entry.what) {
            Some(one) if one.lines < entry.lines => {
                let what = format!(
                    "{} has shrunk to {}: `cargo xtask tidy --shrink`",
                    entry.what, one.lines
                );
                found.push(Untidy::new(&at, what));
            }
            Some(_) => {}
            None => {
                let what = format!(
                    "{} is not too long any more: `cargo xtask tidy --shrink`",
                    entry.what
                );
                found.push(Untidy::new(&at, what));
            }
        }
    }
    found
}

/// The list with its numbers lowered to what is there; nothing is added to it.
pub(super) fn shrunk(house: &House) -> String {
    let long = long(house);
    let text = house.text(RATCHET).unwrap_or_default();
    let mut kept = String::new();
    for line in text.lines().filter(|l| l.starts_with('#') || l.is_empty()) {
        kept.push_str(line);
        kept.push('\n');
    }
    for entry in listed(house) {
        if let Some(one) = long.iter().find(|l| l.what == entry.what) {
            let lines = one.lines.min(entry.lines);
            // Writing into a `String` cannot fail.
            let _ok = writeln!(kept, "{lines} {} # {}", entry.what, entry.reason);
        }
    }
    kept
}

fn listed(house: &House) -> Vec<Listed<'_>> {
    let text = house.text(RATCHET).unwrap_or_default();
    text.lines()
        .enumerate()
        .filter(|(_, text)| !text.starts_with('#') && !text.is_empty())
        .filter_map(|(i, text)| {
            let (entry, reason) = text.split_once('#').unwrap_or((text, ""));
            let (lines, what) = entry.trim().split_once(' ')?;
            Some(Listed {
                line: i + 1,
                lines: lines.parse().ok()?,
                what: what.trim(),
                reason: reason.trim(),
            })
        })
        .collect()
}

fn long(house: &House) -> Vec<Long> {
    let mut found = Vec::new();
    for (path, text) in house.sources("").filter(|(path, _)| !is_of_tests(path)) {
        let last = code(text).last().map_or(0, |(line, _)| line);
        if last > FILE {
            found.push(Long {
                lines: last,
                what: path.to_owned(),
                line: 1,
            });
        }
        for (name, line, lines) in functions(text) {
            if lines > FUNCTION {
                found.push(Long {
                    lines,
                    what: format!("{path} {name}"),
                    line,
                });
            }
        }
    }
    found
}

/// Name, first line and length of every function, as rustfmt lays them out: the closing brace stands under the
/// signature's first letter.
fn functions(text: &str) -> Vec<(&str, usize, usize)> {
    let lines: Vec<(usize, &str)> = code(text).collect();
    let mut found = Vec::new();
    for (i, (number, line)) in lines.iter().enumerate() {
        let Some(name) = declared(line) else { continue };
        let body = lines[i..]
            .iter()
            .position(|(_, l)| l.ends_with(['{', ';', '}']));
        let Some(body) = body.filter(|b| lines[i + b].1.ends_with('{')) else {
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let closed = lines[i + body..]
            .iter()
            .find(|(_, l)| l.len() == indent + 1 && l.trim_start() == "}");
        if let Some((end, _)) = closed {
            found.push((name, *number, end + 1 - number));
        }
    }
    found
}

fn declared(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    if rest.starts_with("pub(") {
        rest = rest.split_once(") ")?.1;
    }
    for word in ["pub ", "const ", "async ", "unsafe ", "extern \"C\" "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?;
    name.split(['(', '<']).next()
}
