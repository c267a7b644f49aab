//! The trees of git revisions, read object by object: nothing is checked out, and no filter of the repository runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gonogo_core::record::{Cause, NotObserved};

use super::{MOST_BYTES, MOST_FILES, Source, Text, is_migration, text};
use crate::ctx::Ctx;
use crate::git::{Batch, Blob, commit, listed};
use crate::migrations::layout::Tool;
use crate::migrations::reader::MAX_BYTES;

const TRIED: &str = "git";

/// The migrations of the later revision, and what became of those of the earlier one.
pub(in super::super) struct Trees {
    /// Without texts.
    pub(in super::super) source: Source,
    /// The object of each path.
    objects: BTreeMap<String, String>,
}

/// Compares the trees of two revisions, or lists the one.
pub(in super::super) async fn trees(
    ctx: &Ctx,
    root: &Path,
    below: &str,
    (from, to): (Option<&str>, &str),
    tool: Option<Tool>,
) -> Result<Trees, NotObserved> {
    let to = commit(ctx, root, to).await?;
    let objects = files_below(ctx, root, &to, below, tool).await?;
    let mut source = Source::default();
    source.paths = objects.keys().cloned().collect();
    if source.paths.len() > MOST_FILES {
        let why = format!("`{below}` holds more than {MOST_FILES} files of migrations");
        return Err(ctx.not_observed(TRIED, Cause::TooLarge, why));
    }
    if let Some(from) = from {
        let from = commit(ctx, root, from).await?;
        let before = files_below(ctx, root, &from, below, tool).await?;
        if objects.is_empty() && before.is_empty() {
            let why =
                format!("there is no migration below `{below}`, neither at {from} nor at {to}");
            return Err(ctx.not_observed(TRIED, Cause::Missing, why));
        }
        let there: BTreeSet<String> = before.keys().cloned().collect();
        source.added = Some(source.paths.difference(&there).cloned().collect());
        source.removed = there.difference(&source.paths).cloned().collect();
        source.edited = there
            .intersection(&source.paths)
            .filter(|path| before.get(*path) != objects.get(*path))
            .cloned()
            .collect();
        source.from = Some(from);
    } else if objects.is_empty() {
        let why = format!("there is no migration below `{below}` at {to}");
        return Err(ctx.not_observed(TRIED, Cause::Missing, why));
    }
    source.to = Some(to);
    Ok(Trees { source, objects })
}

/// The texts of some paths.
pub(in super::super) async fn read(
    ctx: &Ctx,
    root: &Path,
    trees: &Trees,
    paths: &BTreeSet<String>,
) -> Result<BTreeMap<String, Text>, NotObserved> {
    let mut texts = BTreeMap::new();
    if paths.is_empty() {
        return Ok(texts);
    }
    let mut batch = Batch::open(ctx, root)?;
    let mut total = 0u64;
    for path in paths {
        let object = trees.objects.get(path).map_or("", String::as_str);
        let (read, size) = match batch.blob(object, MAX_BYTES as u64).await? {
            Blob::TooLarge(size) => {
                let why = format!("it has {size} bytes; up to {MAX_BYTES} are read");
                (Err(why), size)
            }
            Blob::Bytes(bytes) => {
                let size = bytes.len() as u64;
                (text(bytes), size)
            }
        };
        total = total.saturating_add(size);
        if total > MOST_BYTES {
            let why = format!("the migrations have more than {MOST_BYTES} bytes");
            return Err(ctx.not_observed(TRIED, Cause::TooLarge, why));
        }
        texts.insert(path.clone(), read);
    }
    Ok(texts)
}

/// The files below a folder of a commit, each with its object.
async fn files_below(
    ctx: &Ctx,
    root: &Path,
    commit: &str,
    below: &str,
    tool: Option<Tool>,
) -> Result<BTreeMap<String, String>, NotObserved> {
    let folder = format!("{below}/");
    let paths: &[&str] = if below.is_empty() { &[] } else { &[&folder] };
    let mut objects = BTreeMap::new();
    for (path, entry) in listed(ctx, root, commit, true, paths).await? {
        if !is_migration(&path, tool) {
            continue;
        }
        if entry.is_link() {
            let why = format!("`{path}` is a link, and links are not followed");
            return Err(ctx.not_observed(TRIED, Cause::Protocol, why));
        }
        if entry.is_file() {
            objects.insert(path, entry.object);
        }
    }
    Ok(objects)
}
