//! The pages that people write: what they name must be there.

use std::collections::BTreeSet;

use super::{House, Untidy};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const CHANGELOG: &str = "CHANGELOG.md";

/// ARCHITECTURE.md is short, and every path and test that it names exists. In it, a word in backticks with a slash or
/// a known ending is a path; one of small letters and two or more underscores is a test.
pub(super) fn architecture_names_what_is_there(house: &House) -> Vec<Untidy> {
    let Some(text) = house.text(ARCHITECTURE) else {
        return vec![Untidy::new(ARCHITECTURE, "is missing")];
    };
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > 300 {
        found.push(Untidy::new(
            ARCHITECTURE,
            format!("{lines} lines where 300 are the most"),
        ));
    }
    let tests = test_names(house);
    for (line, word) in quoted(text) {
        let at = format!("{ARCHITECTURE}:{line}");
        if is_path(word) && !is_there(house, word) {
            found.push(Untidy::new(at, format!("`{word}` is not there")));
        } else if is_test_name(word) && !tests.contains(word) {
            found.push(Untidy::new(at, format!("no test is called `{word}`")));
        }
    }
    found
}

/// The names of all tests.
pub(crate) fn test_names(house: &House) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for (_, text) in house.sources("") {
        let mut marked = false;
        for line in text.lines() {
            let line = line.trim();
            if line == "#[test]" || line.starts_with("#[tokio::test") {
                marked = true;
            } else if let Some(rest) = line
                .strip_prefix("async ")
                .unwrap_or(line)
                .strip_prefix("fn ")
            {
                // Inside `proptest!` the mark stands before each function, too.
                if marked {
                    names.extend(rest.split('(').next());
                }
                marked = false;
            }
        }
    }
    names
}

/// The words in backticks outside fenced blocks, with their lines.
fn quoted(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(line.split('`').skip(1).step_by(2).map(|word| (i + 1, word)));
        }
    }
    found
}

fn is_path(word: &str) -> bool {
    let plain = word
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "./_-".contains(c));
    let ending = [".rs", ".md", ".toml", ".yaml", ".json", ".txt"]
        .iter()
        .any(|e| word.ends_with(e));
    let of_a_bundle = [
        "plan.yaml",
        "verdict.json",
        "manifest.json",
        "report.md",
        "waivers.yaml",
    ];
    plain && (word.contains('/') || ending) && !of_a_bundle.contains(&word)
}

/// Whether there is such a path from the root, or, without a folder before it, such a name anywhere.
fn is_there(house: &House, word: &str) -> bool {
    let name = word.trim_end_matches('/');
    let somewhere = |path: &str| path.split('/').any(|part| part == name);
    house.has(word) || !name.contains('/') && house.files().any(|(path, _)| somewhere(path))
}

fn is_test_name(word: &str) -> bool {
    let plain = word
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    plain && word.matches('_').count() >= 2
}

/// Keep a Changelog: an `Unreleased` section, and known headings.
pub(super) fn the_changelog_keeps_its_form(house: &House) -> Vec<Untidy> {
    const KINDS: &[&str] = &[
        "Added",
        "Changed",
        "Deprecated",
        "Removed",
        "Fixed",
        "Security",
    ];
    let Some(text) = house.text(CHANGELOG) else {
        return vec![Untidy::new(CHANGELOG, "is missing")];
    };
    let mut found = Vec::new();
    let first = text.lines().find(|line| line.starts_with("## "));
    if first != Some("## [Unreleased]") {
        found.push(Untidy::new(
            CHANGELOG,
            "its first section is not `## [Unreleased]`",
        ));
    }
    for (i, line) in text.lines().enumerate() {
        let at = format!("{CHANGELOG}:{}", i + 1);
        if let Some(kind) = line.strip_prefix("### ")
            && !KINDS.contains(&kind)
        {
            found.push(Untidy::new(
                at,
                format!("`{kind}` is none of {}", KINDS.join(", ")),
            ));
        } else if let Some(version) = line.strip_prefix("## ")
            && !version.starts_with('[')
        {
            found.push(Untidy::new(
                at,
                "write a version as `## [0.2.0] – 2026-12-01`",
            ));
        }
    }
    found
}

/// Every relative link of a page leads to a file, and to a heading where it names one.
pub(super) fn relative_links_resolve(house: &House) -> Vec<Untidy> {
    let mut found = Vec::new();
    for (path, text) in house.files().filter(|(path, _)| is_page(path)) {
        for (line, link) in links(text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                path.to_owned()
            } else {
                beside(path, file)
            };
            let at = format!("{path}:{line}");
            if !house.has(&target) {
                found.push(Untidy::new(
                    at,
                    format!("links to {link}, which is not there"),
                ));
            } else if !heading.is_empty()
                && is_page(&target)
                && !headings(house.text(&target).unwrap_or_default()).contains(heading)
            {
                found.push(Untidy::new(
                    at,
                    format!("links to {link}: {target} has no such heading"),
                ));
            }
        }
    }
    found
}

/// Whether a path is one of Markdown.
pub(crate) fn is_page(path: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|e| e == "md")
}

fn links(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced || line.trim_start().starts_with("<!--") {
            continue;
        }
        let starts = line.match_indices("](").map(|(at, _)| &line[at + 2..]);
        found.extend(starts.filter_map(|rest| Some((i + 1, rest.split_once(')')?.0))));
    }
    found
}

/// A path as it is read from the folder of another.
fn beside(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The anchors of a page's headings, as GitHub makes them.
fn headings(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| line.starts_with('#'));
    lines
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}
