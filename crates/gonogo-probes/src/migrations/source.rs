//! Where the files come from: the folder as it is, or the trees of two git revisions, read without a checkout.

mod folder;
mod history;

use std::collections::{BTreeMap, BTreeSet};

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
    /// Files that look like migrations of another kind, which are not read.
    pub(super) other: BTreeSet<String>,
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

/// What a path is among migrations.
pub(super) fn sort_in(path: &str, paths: &mut BTreeSet<String>, other: &mut BTreeSet<String>) {
    let mut parts = path.rsplit('/');
    let file = parts.next().unwrap_or(path);
    // Django's folder and Alembic's.
    let folder = parts.next().unwrap_or("");
    let ending = |end: &str| file.len() > end.len() && file.to_ascii_lowercase().ends_with(end);
    if ending(".sql") {
        paths.insert(path.to_owned());
    } else if ending(".py") && file != "__init__.py" && ["migrations", "versions"].contains(&folder)
    {
        other.insert(path.to_owned());
    }
}

/// Whether a path's name is one of a migration, whatever it is.
fn is_migration(path: &str) -> bool {
    path.to_ascii_lowercase().ends_with(".sql")
}
