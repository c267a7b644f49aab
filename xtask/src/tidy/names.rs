//! Names of files and types: they say what a thing is, in the words of the design.

use super::files::{code, is_of_tests, is_rust};
use super::{House, Untidy};

/// Words that say nothing.
const EMPTY: &[&str] = &[
    "util",
    "utils",
    "common",
    "misc",
    "manager",
    "helper",
    "helpers",
    "process",
    "processor",
    "handler",
];
/// Words for which the design has a better one: check, gate, outcome, verdict.
const VAGUE: &[&str] = &["test", "task", "job", "step", "result", "status"];
/// Names that are right although a word in them is not.
const RIGHT: &[&str] = &[
    "Result", // One of `.key` and `[index]` of a path.
    "Step",
];

/// No name of a file or type is made of such a word.
pub(super) fn names_say_what_they_mean(house: &House) -> Vec<Untidy> {
    let mut found = Vec::new();
    for (path, text) in house
        .files()
        .filter(|(path, _)| is_rust(path) && !is_of_tests(path))
    {
        let stem = path
            .rsplit('/')
            .next()
            .unwrap_or(path)
            .trim_end_matches(".rs");
        if let Some(word) = stem.split('_').find(|part| bad(part)) {
            found.push(Untidy::new(path, said(stem, word)));
        }
        for (line, code) in code(text) {
            let Some(name) = declared(code).filter(|n| !RIGHT.contains(n)) else {
                continue;
            };
            if let Some(word) = words(name).into_iter().find(|w| bad(w)) {
                found.push(Untidy::new(format!("{path}:{line}"), said(name, &word)));
            }
        }
    }
    found
}

fn bad(word: &str) -> bool {
    EMPTY.contains(&word) || VAGUE.contains(&word)
}

fn said(name: &str, word: &str) -> String {
    if EMPTY.contains(&word) {
        format!("`{name}`: “{word}” says nothing; name what it holds")
    } else {
        format!(
            "`{name}`: “{word}” is none of the design's words; say check, gate, outcome or verdict, or what it is"
        )
    }
}

/// The type that a line declares.
fn declared(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    if rest.starts_with("pub(") {
        rest = rest.split_once(") ")?.1;
    }
    rest = rest.strip_prefix("pub ").unwrap_or(rest);
    let name = ["struct ", "enum ", "trait ", "type "]
        .iter()
        .find_map(|k| rest.strip_prefix(k))?;
    // An associated type has its name from the trait.
    if line.starts_with(' ') && rest.starts_with("type ") {
        return None;
    }
    name.split(|c: char| !c.is_alphanumeric()).next()
}

/// The words of a name in camel case, in small letters.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for c in name.chars() {
        if c.is_uppercase() || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words
}
