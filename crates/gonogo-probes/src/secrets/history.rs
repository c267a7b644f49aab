//! Every object of a git repository through the scanner, read by the system's `git`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use gonogo_core::record::{Cause, NotObserved};
use gonogo_core::shapes::Scanner;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use super::tree::{MAX_BYTES, Scanned};
use crate::ctx::Ctx;
use crate::git::git;

const TRIED: &str = "git history";

/// Looks at all commits, tags and files that anything in the repository reaches.
pub(super) async fn walk(
    ctx: &Ctx,
    root: &Path,
    scanner: &Scanner,
    scanned: &mut Scanned,
) -> Result<(), NotObserved> {
    whole(ctx, root).await?;
    let names = names(ctx, root).await?;
    if names.is_empty() {
        return Err(ctx.not_observed(
            TRIED,
            Cause::Missing,
            "the repository has no history: there is no commit in it",
        ));
    }
    let mut child = git(ctx, root, &["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| no_git(ctx, &e))?;
    let broken = |what: &str| ctx.not_observed(TRIED, Cause::Protocol, format!("git said {what}"));
    let (Some(mut to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(broken("nothing"));
    };
    let asked: Vec<String> = names.keys().cloned().collect();
    let asking = tokio::spawn(async move {
        for hash in asked {
            if to.write_all(format!("{hash}\n").as_bytes()).await.is_err() {
                break;
            }
        }
    });
    let mut from = BufReader::new(from);
    let mut line = String::new();
    let mut answered = 0;
    loop {
        line.clear();
        let read = from.read_line(&mut line).await;
        if read.map_err(|e| broken(&e.to_string()))? == 0 {
            break;
        }
        answered += 1;
        let mut words = line.split_whitespace();
        let (Some(hash), Some(kind), Some(size)) = (words.next(), words.next(), words.next())
        else {
            return Err(broken(line.trim()));
        };
        let size: u64 = size.parse().map_err(|_| broken(line.trim()))?;
        let path = names.get(hash).map_or("", String::as_str);
        if size > MAX_BYTES {
            let name = if path.is_empty() { hash } else { path };
            let why = format!("`{name}` in the history has {size} bytes and was not looked at");
            scanned.left_out.push(why);
            let mut rest = (&mut from).take(size + 1);
            let skipped = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
            skipped.map_err(|e| broken(&e.to_string()))?;
            continue;
        }
        let mut bytes = vec![0u8; usize::try_from(size).unwrap_or(0) + 1];
        from.read_exact(&mut bytes)
            .await
            .map_err(|e| broken(&e.to_string()))?;
        bytes.pop();
        match kind {
            "blob" => scanned.look(scanner, path, &bytes, "history"),
            "commit" | "tag" => {
                scanned.commits += u64::from(kind == "commit");
                let name = format!("{kind} {}", hash.get(..12).unwrap_or(hash));
                scanned.look(scanner, &name, &bytes, "history");
            }
            _ => {}
        }
    }
    asking.abort();
    let status = child.wait().await.map_err(|e| broken(&e.to_string()))?;
    if !status.success() {
        return Err(broken(&status.to_string()));
    }
    if answered != names.len() {
        let total = names.len();
        return Err(broken(&format!("{answered} of {total} objects and ended")));
    }
    Ok(())
}

/// A shallow clone, as build servers make it, hides what was before: half a history proves nothing.
async fn whole(ctx: &Ctx, root: &Path) -> Result<(), NotObserved> {
    let output = git(ctx, root, &["rev-parse", "--is-shallow-repository"])
        .output()
        .await
        .map_err(|e| no_git(ctx, &e))?;
    if output.status.success() && output.stdout.trim_ascii() == b"true" {
        let mut gap = ctx.not_observed(
            TRIED,
            Cause::Missing,
            "the repository is a shallow clone: its history ends before the first commit",
        );
        gap.help = Some(
            "fetch all of it: `git fetch --unshallow`, or `fetch-depth: 0` where a build server clones"
                .to_owned(),
        );
        return Err(gap);
    }
    Ok(())
}

/// All objects by their hash, with the path under which the walk met a file first.
async fn names(ctx: &Ctx, root: &Path) -> Result<BTreeMap<String, String>, NotObserved> {
    let output = git(ctx, root, &["rev-list", "--objects", "--all", "--reflog"])
        .output()
        .await
        .map_err(|e| no_git(ctx, &e))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().next().unwrap_or("nothing").to_owned();
        return Err(ctx.not_observed(
            TRIED,
            Cause::Missing,
            format!("the folder has no git history that can be read: {first}"),
        ));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .lines()
        .map(|line| {
            let (hash, path) = line.split_once(' ').unwrap_or((line, ""));
            (hash.to_owned(), path.to_owned())
        })
        .collect())
}

fn no_git(ctx: &Ctx, error: &std::io::Error) -> NotObserved {
    let mut gap = ctx.not_observed(
        TRIED,
        Cause::Missing,
        format!("`git` could not be started: {error}"),
    );
    gap.help = Some("install git, or take out `history: true`".to_owned());
    gap
}
