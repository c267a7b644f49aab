//! The repository as text.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Folders that are not the project's own text.
const PASSED_OVER: &[&str] = &["target", ".git", "runs"];

/// Every file of the repository by its path; of one that is no text, only that it is there.
#[derive(Debug, Default)]
pub(crate) struct House {
    files: BTreeMap<String, String>,
}

impl House {
    /// Reads a repository.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut house = Self::default();
        house.add(root, "")?;
        Ok(house)
    }

    /// One that is made up, for the rules' own tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(p, t)| ((*p).to_owned(), (*t).to_owned()));
        Self {
            files: files.collect(),
        }
    }

    fn add(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if !PASSED_OVER.contains(&name.as_str()) {
                    self.add(&entry.path(), &format!("{path}/"))?;
                }
            } else if kind.is_file() {
                let bytes = std::fs::read(entry.path()).with_context(|| path.clone())?;
                self.files
                    .insert(path, String::from_utf8(bytes).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Path and text of every file, in the order of the paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The Rust sources below a folder.
    pub(crate) fn sources<'a>(
        &'a self,
        below: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files()
            .filter(move |(path, _)| path.starts_with(below) && is_rust(path))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether there is such a file or folder.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let below = format!("{path}/");
        self.files.contains_key(path) || self.files.keys().any(|p| p.starts_with(&below))
    }
}

/// Whether a path is one of Rust sources.
pub(super) fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|e| e == "rs")
}

/// Whether a path is one of tests, or of what only tests use.
pub(super) fn is_of_tests(path: &str) -> bool {
    path.ends_with("tests.rs")
        || path.contains("/tests/")
        || path.contains("/benches/")
        || path.ends_with("/fixture.rs")
        || path.ends_with("/testing.rs")
        || path.contains("/testing/")
        || path.contains("/fixtures/")
}

/// The lines of code with their numbers: without comments, and without what stands in a file's own `mod tests { … }`.
pub(super) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut before = "";
    text.lines()
        .enumerate()
        .take_while(move |(_, line)| {
            let own_tests =
                before == "#[cfg(test)]" && line.starts_with("mod ") && line.ends_with('{');
            before = line;
            !own_tests
        })
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(i, line)| (i + 1, line.split(" // ").next().unwrap_or(line)))
}

/// Whether a line holds a word whole.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}
