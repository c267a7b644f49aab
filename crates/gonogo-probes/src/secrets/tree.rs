//! The files of a tree through the scanner. Links are not followed.

use std::path::Path;

use gonogo_core::shapes::{Finding, Scanner};

use crate::ctx::Ctx;
use crate::files::matches_path;

/// Larger files are not looked at, and the observation says so.
pub(super) const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// What a search came to so far.
#[derive(Default)]
pub(super) struct Scanned {
    /// Findings and where they were: `tree` or `history`.
    pub(super) findings: Vec<(Finding, &'static str)>,
    /// Files and objects.
    pub(super) count: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Commits among them.
    pub(super) commits: u64,
    /// Why something was not looked at.
    pub(super) left_out: Vec<String>,
}

impl Scanned {
    /// Looks at one file or object.
    pub(super) fn look(
        &mut self,
        scanner: &Scanner,
        path: &str,
        bytes: &[u8],
        place: &'static str,
    ) {
        let mut found = Vec::new();
        scanner.scan(path, bytes, &mut found);
        self.count += 1;
        self.bytes += bytes.len() as u64;
        self.findings.extend(found.into_iter().map(|f| (f, place)));
    }
}

/// Looks at every file below a folder.
///
/// # Errors
/// The first path that cannot be read, and why: half a search proves nothing.
pub(super) fn walk(
    ctx: &Ctx,
    root: &Path,
    below: &str,
    exclude: &[String],
    scanner: &Scanner,
    scanned: &mut Scanned,
) -> Result<(), (String, std::io::Error)> {
    let mut entries: Vec<_> = std::fs::read_dir(root.join(below))
        .and_then(Iterator::collect)
        .map_err(|e| (below.to_owned(), e))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        if ctx.is_cancelled() {
            let stopped = std::io::Error::other("the run was stopped");
            return Err((below.to_owned(), stopped));
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() || below == "." {
            name.clone()
        } else {
            format!("{below}/{name}")
        };
        if exclude.iter().any(|pattern| matches_path(pattern, &path)) {
            continue;
        }
        let kind = entry.file_type().map_err(|e| (path.clone(), e))?;
        if kind.is_dir() && name != ".git" {
            walk(ctx, root, &path, exclude, scanner, scanned)?;
        } else if kind.is_file() {
            let size = entry.metadata().map_err(|e| (path.clone(), e))?.len();
            if size > MAX_BYTES {
                scanned
                    .left_out
                    .push(format!("`{path}` has {size} bytes and was not looked at"));
                continue;
            }
            let bytes = std::fs::read(entry.path()).map_err(|e| (path.clone(), e))?;
            scanned.look(scanner, &path, &bytes, "tree");
        }
    }
    Ok(())
}
