//! The observing: one question to git after another, within the check's time limit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use sha2::{Digest as _, Sha256};

use super::observed::{FileSeen, Found, Since, Tree, seen};
use super::reading::{
    Batch, Blob, answer, broken, changed, commit, commits, is_shallow, listed, output, span, whole,
};
use super::syntax::{FileAt, GitOptions, regex};
use crate::ctx::Ctx;
use crate::files::{outside, root_of};
use crate::probe::{Call, Seen};

const TRIED: &str = "git";
/// The largest file of which content is looked at.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let options: GitOptions = serde_json::from_value(call.options.clone())
        .map_err(|e| ctx.not_observed(TRIED, Cause::BadOptions, e.to_string()))?;
    let root = root_of(ctx, call.target)?;
    let looking = look(ctx, &root, &options);
    let found = tokio::time::timeout(ctx.remaining(), looking).await;
    let found = found.map_err(|_| {
        let why = "git did not answer within the check's time limit";
        ctx.not_observed(TRIED, Cause::Timeout, why)
    })??;
    let mut seen = seen(&found, ctx.wall_now());
    seen.target = call.target.map(|target| TargetSeen {
        name: target.name.clone(),
        address: "repository".to_owned(),
        engine: None,
    });
    Ok(seen)
}

async fn look(ctx: &Ctx, root: &Path, options: &GitOptions) -> Result<Found, NotObserved> {
    let at = commit(ctx, root, &options.git).await?;
    let strange = |what: &str| broken(ctx, format!("git said nothing of {what}"));
    let told = commits(ctx, root, &[&at], 1).await?.into_iter().next();
    let told = told
        .filter(|c| c.commit == at)
        .ok_or_else(|| strange("the commit"))?;
    let pointing = format!("--points-at={at}");
    let containing = format!("--contains={at}");
    let head = output(
        ctx,
        root,
        &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"],
    )
    .await?;
    let branch = output(ctx, root, &["symbolic-ref", "--quiet", "HEAD"]).await?;
    // Where a commit is checked out by itself, as build servers do it, there is none.
    let branch = branch
        .1
        .then(|| short_name(&String::from_utf8_lossy(&branch.0)));
    let is_shallow = is_shallow(ctx, root).await?;
    Ok(Found {
        is_checked_out: head.1 && String::from_utf8_lossy(&head.0).trim() == at,
        tags: refs(ctx, root, &[&pointing, "refs/tags"]).await?,
        branches: refs(ctx, root, &[&containing, "refs/heads", "refs/remotes"]).await?,
        branch,
        is_shallow,
        tree: tree(ctx, root).await?,
        files: files(ctx, root, &at, &options.files).await?,
        since: match &options.since {
            None => None,
            Some(since) => Some(look_back(ctx, root, since, &at).await?),
        },
        commit: told,
    })
}

/// `refs/heads/main` as a person names it.
fn short_name(full: &str) -> String {
    let full = full.trim();
    let short = ["refs/heads/", "refs/tags/", "refs/remotes/"]
        .iter()
        .find_map(|start| full.strip_prefix(start));
    short.unwrap_or(full).to_owned()
}

async fn refs(ctx: &Ctx, root: &Path, which: &[&str]) -> Result<Vec<String>, NotObserved> {
    let mut asked = vec!["for-each-ref", "--format=%(refname)"];
    asked.extend(which);
    let said = answer(ctx, root, &asked).await?;
    let said = String::from_utf8_lossy(&said);
    // `origin/HEAD` only points to another of them.
    let names = said.lines().filter(|name| !name.ends_with("/HEAD"));
    Ok(names.map(short_name).collect())
}

/// What of the folder is not as it is in the commit that is checked out.
async fn tree(ctx: &Ctx, root: &Path) -> Result<Option<Tree>, NotObserved> {
    let (inside, worked) = output(ctx, root, &["rev-parse", "--is-inside-work-tree"]).await?;
    if !worked || inside.trim_ascii() != b"true" {
        // Bare: nothing is checked out.
        return Ok(None);
    }
    let prefix = answer(ctx, root, &["rev-parse", "--show-prefix"]).await?;
    let prefix = String::from_utf8_lossy(&prefix)
        .trim_end_matches('\n')
        .to_owned();
    let off = without_filters(ctx, root).await?;
    let mut asked: Vec<&str> = off.iter().flat_map(|one| ["-c", one.as_str()]).collect();
    asked.extend([
        "status",
        "--porcelain=v1",
        "-z",
        "--untracked-files=all",
        // Of a submodule only the commit is compared: looking into it would read its own configuration.
        "--ignore-submodules=dirty",
        "--no-renames",
        "--",
        ".",
    ]);
    let said = answer(ctx, root, &asked).await?;
    let said = String::from_utf8_lossy(&said);
    let mut tree = Tree::default();
    for entry in said.split('\0').filter(|entry| !entry.is_empty()) {
        let Some((state, path)) = entry.split_at_checked(3) else {
            return Err(broken(ctx, format!("git said `{}`", entry.escape_debug())));
        };
        let path = path
            .strip_prefix(prefix.as_str())
            .unwrap_or(path)
            .to_owned();
        match state {
            "?? " => tree.untracked.push(path),
            _ => tree.dirty.push(path),
        }
    }
    Ok(Some(tree))
}

/// Settings that switch off each program by which the repository would have its files read (`filter.NAME.clean`). A file
/// behind one may then be told as changed; a program that the repository names is never run.
async fn without_filters(ctx: &Ctx, root: &Path) -> Result<Vec<String>, NotObserved> {
    let asked = ["config", "-z", "--name-only", "--get-regexp", "^filter\\."];
    // Git ends with 1 where there is none.
    let (said, _) = output(ctx, root, &asked).await?;
    let mut off = BTreeSet::new();
    for name in said.split(|b| *b == 0).filter(|name| !name.is_empty()) {
        let name = String::from_utf8(name.to_vec());
        // `-c` cannot name it.
        let name = name.ok().filter(|name| !name.contains('='));
        let Some((filter, _)) = name.as_deref().and_then(|name| name.rsplit_once('.')) else {
            let why = "the repository configures a filter whose name cannot be switched off";
            return Err(ctx.not_observed(TRIED, Cause::Forbidden, why));
        };
        for key in ["clean=", "smudge=", "process=", "required=false"] {
            off.insert(format!("{filter}.{key}"));
        }
    }
    Ok(off.into_iter().collect())
}

async fn files(
    ctx: &Ctx,
    root: &Path,
    at: &str,
    wanted: &[FileAt],
) -> Result<BTreeMap<String, FileSeen>, NotObserved> {
    let mut seen = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(seen);
    }
    for file in wanted {
        let none = || {
            tidied(&file.path)
                .is_empty()
                .then(|| format!("`{}` is no file", file.path))
        };
        if let Some(why) = outside(&file.path).or_else(none) {
            return Err(ctx.not_observed(TRIED, Cause::Forbidden, why));
        }
    }
    let paths: Vec<String> = wanted.iter().map(|file| tidied(&file.path)).collect();
    let asked: Vec<&str> = paths.iter().map(String::as_str).collect();
    let entries = listed(ctx, root, at, false, &asked).await?;
    let mut batch = Batch::open(ctx, root)?;
    for (file, path) in wanted.iter().zip(&paths) {
        let entry = entries.get(path);
        let mut one = FileSeen {
            exists: entry.is_some(),
            ..FileSeen::default()
        };
        if let Some(entry) = entry.filter(|entry| entry.is_file()) {
            match batch.blob(&entry.object, MOST_BYTES).await? {
                Blob::TooLarge(size) => {
                    let why = format!("`{path}` has {size} bytes; up to {MOST_BYTES} are read");
                    return Err(ctx.not_observed(TRIED, Cause::TooLarge, why));
                }
                Blob::Bytes(bytes) => content(&bytes, file, &mut one)
                    .map_err(|why| ctx.not_observed(TRIED, Cause::BadOptions, why))?,
            }
        }
        seen.insert(file.path.clone(), one);
    }
    Ok(seen)
}

/// `./docs//a.md` as git names it.
pub(super) fn tidied(path: &str) -> String {
    let parts = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

/// What the bytes say to what is asked of them.
fn content(bytes: &[u8], file: &FileAt, seen: &mut FileSeen) -> Result<(), String> {
    seen.size = Some(bytes.len() as u64);
    let digest = Sha256::digest(bytes);
    seen.sha256 = Some(digest.iter().map(|b| format!("{b:02x}")).collect());
    let text = String::from_utf8_lossy(bytes);
    let mut lacks = Vec::new();
    for wanted in &file.contains.0 {
        if !text.contains(wanted.as_str()) {
            lacks.push(wanted.clone());
        }
    }
    if !file.contains.0.is_empty() {
        seen.contains = Some(lacks.is_empty());
    }
    let before = lacks.len();
    for wanted in &file.matches.0 {
        if !regex(wanted)?.is_match(&text) {
            lacks.push(wanted.clone());
        }
    }
    if !file.matches.0.is_empty() {
        seen.matches = Some(lacks.len() == before);
    }
    seen.lacks = lacks;
    Ok(())
}

async fn look_back(ctx: &Ctx, root: &Path, since: &str, at: &str) -> Result<Since, NotObserved> {
    let earlier = commit(ctx, root, since).await?;
    whole(ctx, root).await?;
    Ok(Since {
        span: span(ctx, root, &earlier, at).await?,
        changed: changed(ctx, root, &earlier, at).await?,
        commit: earlier,
    })
}
