//! Where the files come from: the folder as it is, or the trees of two git revisions, read without a checkout.

mod folder;
mod history;

use std::collections::{BTreeMap, BTreeSet};

use super::layout::Tool;

pub(super) use folder::{read as read_file, walk};
pub(super) use history::{read, trees};

/// The most files of migrations.
pub(super) const MOST_FILES: usize = 10_000;
/// The most bytes of all that are read.
pub(super) const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// The text of a file, or why it has none.
pub(super) type Text = Result<String, String>;

/// What is judged: the files that are there, and what became of those that were there before.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Source {
    /// All files that are there, by their path below the repository.
    pub(super) paths: BTreeSet<String>,
    /// Those that are new; `None` where no earlier revision is compared with, and all count.
    pub(super) added: Option<BTreeSet<String>>,
    /// Those that are not as they were.
    pub(super) edited: BTreeSet<String>,
    /// Those that are gone.
    pub(super) removed: BTreeSet<String>,
    /// The texts that are needed.
    pub(super) texts: BTreeMap<String, Text>,
    /// The commits that were compared.
    pub(super) from: Option<String>,
    /// The commit that was read.
    pub(super) to: Option<String>,
}

impl Source {
    /// Whether a file is judged.
    pub(super) fn is_judged(&self, path: &str) -> bool {
        self.added.as_ref().is_none_or(|added| added.contains(path))
    }
}

/// Bytes as the text of a migration.
pub(super) fn text(bytes: Vec<u8>) -> Text {
    let max = super::reader::MAX_BYTES;
    if bytes.len() > max {
        return Err(format!(
            "it has {} bytes; up to {max} are read",
            bytes.len()
        ));
    }
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        format!("it is not UTF-8 (byte {at})")
    })
}

/// Whether a path's name is one of a migration: SQL, or Python where Django and Alembic have it, or where the plan says that
/// it is.
pub(super) fn is_migration(path: &str, tool: Option<Tool>) -> bool {
    let mut parts = path.rsplit('/');
    let file = parts.next().unwrap_or(path).to_ascii_lowercase();
    let folder = parts.next().unwrap_or("");
    let ending = |end: &str| file.len() > end.len() && file.ends_with(end);
    let is_python = ending(".py") && file != "__init__.py";
    let theirs = ["migrations", "versions"].contains(&folder) || tool.is_some_and(Tool::is_python);
    ending(".sql") || (is_python && theirs)
}
