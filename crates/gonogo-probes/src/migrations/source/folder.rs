//! The folder as it is. Links are not followed.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use super::{MOST_FILES, Text, is_migration, text};
use crate::ctx::Ctx;
use crate::migrations::layout::Tool;

/// The deepest folder below the migrations.
const DEEPEST: usize = 32;

/// The files below a folder.
///
/// # Errors
/// The first path that cannot be read, and why.
pub(in super::super) fn walk(
    ctx: &Ctx,
    root: &Path,
    below: &str,
    tool: Option<Tool>,
) -> Result<BTreeSet<String>, (String, std::io::Error)> {
    let mut paths = BTreeSet::new();
    let mut folders = vec![(below.to_owned(), 0usize)];
    while let Some((folder, depth)) = folders.pop() {
        let failed = |e: std::io::Error| (folder.clone(), e);
        if ctx.is_cancelled() || ctx.remaining().is_zero() {
            return Err(failed(std::io::ErrorKind::TimedOut.into()));
        }
        if depth > DEEPEST {
            let deep = format!("it lies more than {DEEPEST} folders deep");
            return Err(failed(std::io::Error::other(deep)));
        }
        for entry in std::fs::read_dir(root.join(&folder)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(failed(std::io::Error::other("a name in it is not UTF-8")));
            };
            let path = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            let kind = entry.file_type().map_err(|e| (path.clone(), e))?;
            if kind.is_dir() && name != ".git" {
                folders.push((path, depth + 1));
            } else if kind.is_file() && is_migration(&path, tool) {
                paths.insert(path);
            } else if kind.is_symlink() && is_migration(&path, tool) {
                let link = std::io::Error::other("it is a link, and links are not followed");
                return Err((path, link));
            }
            if paths.len() > MOST_FILES {
                let many = format!("it holds more than {MOST_FILES} files of migrations");
                return Err(failed(std::io::Error::new(
                    std::io::ErrorKind::FileTooLarge,
                    many,
                )));
            }
        }
    }
    Ok(paths)
}

/// The text of one file, and how many bytes it took.
pub(in super::super) fn read(path: &Path) -> std::io::Result<Text> {
    let limit = super::super::reader::MAX_BYTES as u64;
    let file = std::fs::File::open(path)?;
    let size = file.metadata()?.len();
    if size > limit {
        return Ok(Err(format!("it has {size} bytes; up to {limit} are read")));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(text(bytes))
}
