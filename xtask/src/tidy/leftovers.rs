//! What must not stay in a file.

use super::files::{has_word, is_rust};
use super::{House, Untidy};

/// Marks of unfinished work, each in two halves so that this list does not find itself.
const UNDONE: &[(&str, &str)] = &[
    ("todo", "!("),
    ("unimplemented", "!("),
    ("#[ign", "ore"),
    ("dbg", "!("),
];
/// Words of unfinished work.
const WORDS: &[(&str, &str)] = &[("FIX", "ME"), ("XX", "X"), ("TO", "DO")];
/// Folders that only one machine has.
const MACHINE: &[(&str, &str)] = &[
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("/ho", "me/"),
    ("/Us", "ers/"),
];

/// Nothing is left undone: what is not there is said in ARCHITECTURE.md or in an issue.
pub(super) fn nothing_is_left_undone(house: &House) -> Vec<Untidy> {
    let mut found = Vec::new();
    for (path, text) in house.files().filter(|(path, _)| is_rust(path)) {
        for (i, line) in text.lines().enumerate() {
            let call = UNDONE
                .iter()
                .map(|(a, b)| format!("{a}{b}"))
                .find(|mark| line.contains(mark));
            let word = WORDS
                .iter()
                .map(|(a, b)| format!("{a}{b}"))
                .find(|mark| has_word(line, mark));
            if let Some(mark) = call.or(word) {
                found.push(Untidy::new(
                    format!("{path}:{}", i + 1),
                    format!("`{mark}`: finish it or leave it out"),
                ));
            }
        }
    }
    found
}

/// No file names a folder that only one machine has.
pub(super) fn no_path_of_one_machine(house: &House) -> Vec<Untidy> {
    let mut found = Vec::new();
    for (path, text) in house.files() {
        for (i, line) in text.lines().enumerate() {
            let folder = MACHINE
                .iter()
                .map(|(a, b)| format!("{a}{b}"))
                .find(|f| starts_a_path(line, f));
            if let Some(folder) = folder {
                let what = format!("`{folder}…` is a path of one machine");
                found.push(Untidy::new(format!("{path}:{}", i + 1), what));
            }
        }
    }
    found
}

/// Whether the folder stands at the root of a path, not within a longer one or an address.
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~}*/".contains(c))
    })
}
