//! The trees of git revisions, read object by object: nothing is checked out, and no filter of the repository runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;

use gonogo_core::record::{Cause, NotObserved};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use super::{MOST_BYTES, MOST_FILES, Source, Text, sort_in, text};
use crate::ctx::Ctx;
use crate::git::git;
use crate::migrations::reader::MAX_BYTES;

const TRIED: &str = "git";
/// The most bytes of a listing.
const MOST_LISTED: u64 = 64 * 1024 * 1024;

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
    from: Option<&str>,
    to: &str,
) -> Result<Trees, NotObserved> {
    let to = commit(ctx, root, to).await?;
    let objects = listed(ctx, root, &to, below).await?;
    let mut source = Source::default();
    for path in objects.keys() {
        sort_in(path, &mut source.paths, &mut source.other);
    }
    if source.paths.len() + source.other.len() > MOST_FILES {
        let why = format!("`{below}` holds more than {MOST_FILES} files of migrations");
        return Err(ctx.not_observed(TRIED, Cause::TooLarge, why));
    }
    if let Some(from) = from {
        let from = commit(ctx, root, from).await?;
        let before = listed(ctx, root, &from, below).await?;
        let mut there = BTreeSet::new();
        for path in before.keys() {
            sort_in(path, &mut there, &mut BTreeSet::new());
        }
        source
            .other
            .retain(|path| before.get(path) != objects.get(path));
        source.added = Some(source.paths.difference(&there).cloned().collect());
        source.removed = there.difference(&source.paths).cloned().collect();
        source.edited = there
            .intersection(&source.paths)
            .filter(|path| before.get(*path) != objects.get(*path))
            .cloned()
            .collect();
        source.from = Some(from);
    } else if objects.is_empty() {
        let why = format!("there is no folder `{below}` at {to}");
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
    let broken = |what: &str| ctx.not_observed(TRIED, Cause::Protocol, format!("git said {what}"));
    let mut texts = BTreeMap::new();
    if paths.is_empty() {
        return Ok(texts);
    }
    let mut child = git(ctx, root, &["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| no_git(ctx, &e))?;
    let (Some(mut to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(broken("nothing"));
    };
    let mut from = BufReader::new(from);
    let mut total = 0u64;
    for path in paths {
        let hash = trees.objects.get(path).map_or("", String::as_str);
        let asked = format!("{hash}\n");
        let lost = |e: std::io::Error| broken(&e.to_string());
        to.write_all(asked.as_bytes()).await.map_err(lost)?;
        to.flush().await.map_err(lost)?;
        let mut line = String::new();
        (&mut from)
            .take(1024)
            .read_line(&mut line)
            .await
            .map_err(lost)?;
        let mut words = line.split_whitespace();
        let size = match (words.next(), words.next(), words.next()) {
            (Some(said), Some("blob"), Some(size)) if said == hash => size.parse::<u64>().ok(),
            _ => None,
        };
        let Some(size) = size else {
            return Err(broken(&format!(
                "`{}` of `{path}`",
                line.trim().escape_debug()
            )));
        };
        total = total.saturating_add(size);
        if total > MOST_BYTES {
            let why = format!("the migrations have more than {MOST_BYTES} bytes");
            return Err(ctx.not_observed(TRIED, Cause::TooLarge, why));
        }
        if size > MAX_BYTES as u64 {
            let mut rest = (&mut from).take(size + 1);
            tokio::io::copy(&mut rest, &mut tokio::io::sink())
                .await
                .map_err(lost)?;
            let why = format!("it has {size} bytes; up to {MAX_BYTES} are read");
            texts.insert(path.clone(), Err(why));
            continue;
        }
        let mut bytes = vec![0u8; usize::try_from(size).unwrap_or(0) + 1];
        from.read_exact(&mut bytes).await.map_err(lost)?;
        bytes.pop();
        texts.insert(path.clone(), text(bytes));
    }
    Ok(texts)
}

/// The commit that a revision names.
async fn commit(ctx: &Ctx, root: &Path, revision: &str) -> Result<String, NotObserved> {
    let bad = |why: String| ctx.not_observed(TRIED, Cause::BadOptions, why);
    if let Some(why) = crate::migrations::syntax::no_revision(revision) {
        return Err(bad(why));
    }
    let named = format!("{revision}^{{commit}}");
    let asked = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &named,
    ];
    let (said, worked) = output(ctx, root, &asked).await?;
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    if worked && said.len() >= 40 && said.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(said);
    }
    let why = format!("the repository has no revision `{revision}`, or there is no repository");
    let mut gap = ctx.not_observed(TRIED, Cause::Missing, why);
    gap.help = Some(
        "a build server's clone often lacks it: fetch all of it (`git fetch --unshallow --tags`, `fetch-depth: 0`)"
            .to_owned(),
    );
    Err(gap)
}

/// The files below a folder of a commit, each with its object.
async fn listed(
    ctx: &Ctx,
    root: &Path,
    commit: &str,
    below: &str,
) -> Result<BTreeMap<String, String>, NotObserved> {
    let mut asked = vec!["ls-tree", "-r", "-z", commit];
    let folder = format!("{below}/");
    if !below.is_empty() {
        asked.extend(["--", &folder]);
    }
    let (said, worked) = output(ctx, root, &asked).await?;
    let broken = |why: String| ctx.not_observed(TRIED, Cause::Protocol, why);
    if !worked {
        return Err(broken(format!("git could not list the files of {commit}")));
    }
    let mut objects = BTreeMap::new();
    for entry in said.split(|b| *b == 0).filter(|entry| !entry.is_empty()) {
        let entry = std::str::from_utf8(entry)
            .map_err(|_| broken(format!("a name in `{below}` is not UTF-8")))?;
        let Some((head, path)) = entry.split_once('\t') else {
            return Err(broken(format!("git said `{}`", entry.escape_debug())));
        };
        let words: Vec<&str> = head.split_whitespace().collect();
        let [mode, kind, hash] = words[..] else {
            return Err(broken(format!("git said `{}`", entry.escape_debug())));
        };
        if mode == "120000" && path.to_ascii_lowercase().ends_with(".sql") {
            let why = format!("`{path}` is a link, and links are not followed");
            return Err(broken(why));
        }
        if kind == "blob" && mode != "120000" {
            objects.insert(path.to_owned(), hash.to_owned());
        }
    }
    Ok(objects)
}

/// What git printed, up to a limit, and whether it ended well.
async fn output(
    ctx: &Ctx,
    root: &Path,
    arguments: &[&str],
) -> Result<(Vec<u8>, bool), NotObserved> {
    let mut child = git(ctx, root, arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| no_git(ctx, &e))?;
    let lost =
        |e: std::io::Error| ctx.not_observed(TRIED, Cause::Protocol, format!("git broke off: {e}"));
    let mut said = Vec::new();
    if let Some(from) = child.stdout.take() {
        from.take(MOST_LISTED + 1)
            .read_to_end(&mut said)
            .await
            .map_err(lost)?;
    }
    if said.len() as u64 > MOST_LISTED {
        let why = format!("git listed more than {MOST_LISTED} bytes");
        return Err(ctx.not_observed(TRIED, Cause::TooLarge, why));
    }
    let status = child.wait().await.map_err(lost)?;
    Ok((said, status.success()))
}

fn no_git(ctx: &Ctx, error: &std::io::Error) -> NotObserved {
    let why = format!("`git` could not be started: {error}");
    let mut gap = ctx.not_observed(TRIED, Cause::Missing, why);
    gap.help = Some("install git, or leave out `from` and `to`".to_owned());
    gap
}
