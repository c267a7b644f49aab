//! Reading a repository with the system's git: object by object, nothing checked out, no filter of the repository run.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use chrono::{DateTime, Utc};
use gonogo_core::record::{Cause, NotObserved};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::git;
use crate::ctx::Ctx;

const TRIED: &str = "git";
/// The most bytes of an answer.
const MOST_SAID: u64 = 64 * 1024 * 1024;

/// Why a text cannot name a revision.
pub(crate) fn no_revision(text: &str) -> Option<String> {
    let bad = text.is_empty()
        || text.starts_with('-')
        || text.contains("..")
        || text.contains(|c: char| c.is_control() || c.is_whitespace() || c == ':');
    bad.then(|| format!("`{}` is no revision", text.escape_debug()))
}

/// What git printed, up to a limit, and whether it ended well.
pub(crate) async fn output(
    ctx: &Ctx,
    root: &Path,
    arguments: &[&str],
) -> Result<(Vec<u8>, bool), NotObserved> {
    let mut child = git(ctx, root, arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| no_git(ctx, &e))?;
    let lost = |e: std::io::Error| broken(ctx, format!("git broke off: {e}"));
    let mut said = Vec::new();
    if let Some(from) = child.stdout.take() {
        from.take(MOST_SAID + 1)
            .read_to_end(&mut said)
            .await
            .map_err(lost)?;
    }
    if said.len() as u64 > MOST_SAID {
        let why = format!("git listed more than {MOST_SAID} bytes");
        return Err(ctx.not_observed(TRIED, Cause::TooLarge, why));
    }
    let status = child.wait().await.map_err(lost)?;
    Ok((said, status.success()))
}

/// What git printed of a question that it must be able to answer.
pub(crate) async fn answer(
    ctx: &Ctx,
    root: &Path,
    arguments: &[&str],
) -> Result<Vec<u8>, NotObserved> {
    if let (said, true) = output(ctx, root, arguments).await? {
        Ok(said)
    } else {
        let asked = arguments
            .iter()
            .find(|a| !a.starts_with('-') && !a.contains('='));
        let asked = asked.unwrap_or(&"");
        Err(broken(ctx, format!("`git {asked}` failed")))
    }
}

/// Git said what it never says.
pub(crate) fn broken(ctx: &Ctx, why: String) -> NotObserved {
    ctx.not_observed(TRIED, Cause::Protocol, why)
}

/// There is no git.
pub(crate) fn no_git(ctx: &Ctx, error: &std::io::Error) -> NotObserved {
    let why = format!("`git` could not be started: {error}");
    let mut gap = ctx.not_observed(TRIED, Cause::Missing, why);
    gap.help = Some("install git".to_owned());
    gap
}

/// The commit that a revision names.
pub(crate) async fn commit(ctx: &Ctx, root: &Path, revision: &str) -> Result<String, NotObserved> {
    if let Some(why) = no_revision(revision) {
        return Err(ctx.not_observed(TRIED, Cause::BadOptions, why));
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

/// Whether the history ends before the first commit.
pub(crate) async fn is_shallow(ctx: &Ctx, root: &Path) -> Result<bool, NotObserved> {
    let said = answer(ctx, root, &["rev-parse", "--is-shallow-repository"]).await?;
    match said.trim_ascii() {
        b"true" => Ok(true),
        b"false" => Ok(false),
        other => {
            let said = String::from_utf8_lossy(other);
            Err(broken(ctx, format!("git said `{}`", said.escape_debug())))
        }
    }
}

/// Refuses a history that ends before the first commit: what lies between two revisions cannot be told from it.
pub(crate) async fn whole(ctx: &Ctx, root: &Path) -> Result<(), NotObserved> {
    if !is_shallow(ctx, root).await? {
        return Ok(());
    }
    let why = "the repository is a shallow clone: what lies between two revisions may be missing";
    let mut gap = ctx.not_observed(TRIED, Cause::Missing, why);
    gap.help = Some(
        "fetch all of it: `git fetch --unshallow --tags`, or `fetch-depth: 0` where a build server clones"
            .to_owned(),
    );
    Err(gap)
}

/// A file, a folder or a link of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// `100644`, `120000` for a link.
    pub(crate) mode: String,
    /// `blob`, `tree`, `commit`.
    pub(crate) kind: String,
    /// The object's name.
    pub(crate) object: String,
}

impl Entry {
    pub(crate) fn is_link(&self) -> bool {
        self.mode == "120000"
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind == "blob" && !self.is_link()
    }
}

/// What a commit has at these paths, of folders all that is below where asked for (`-r`).
pub(crate) async fn listed(
    ctx: &Ctx,
    root: &Path,
    commit: &str,
    deep: bool,
    paths: &[&str],
) -> Result<BTreeMap<String, Entry>, NotObserved> {
    // `-t`: a folder is told also where something in it is asked for, too.
    let depth = if deep { "-r" } else { "-t" };
    let mut asked = vec!["ls-tree", "-z", depth, commit];
    if !paths.is_empty() {
        asked.push("--");
        asked.extend(paths);
    }
    let (said, worked) = output(ctx, root, &asked).await?;
    if !worked {
        let why = format!("git could not list the files of {commit}");
        return Err(broken(ctx, why));
    }
    let mut entries = BTreeMap::new();
    for entry in said.split(|b| *b == 0).filter(|entry| !entry.is_empty()) {
        let entry = std::str::from_utf8(entry)
            .map_err(|_| broken(ctx, "a name in the tree is not UTF-8".to_owned()))?;
        let strange = || broken(ctx, format!("git said `{}`", entry.escape_debug()));
        let (head, path) = entry.split_once('\t').ok_or_else(strange)?;
        let words: Vec<&str> = head.split_whitespace().collect();
        let [mode, kind, object] = words[..] else {
            return Err(strange());
        };
        let entry = Entry {
            mode: mode.to_owned(),
            kind: kind.to_owned(),
            object: object.to_owned(),
        };
        entries.insert(path.to_owned(), entry);
    }
    Ok(entries)
}

/// What is to be told of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) commit: String,
    pub(crate) short: String,
    pub(crate) subject: String,
    pub(crate) author: String,
    pub(crate) time: DateTime<Utc>,
}

/// `git log` could be told by the repository to run a program (`log.showSignature`); this one cannot.
const FORMAT: &str = "--format=%H%x00%h%x00%an%x00%ct%x00%s";

/// Commits, newest first: those that `selected` reaches, at most so many.
pub(crate) async fn commits(
    ctx: &Ctx,
    root: &Path,
    selected: &[&str],
    most: usize,
) -> Result<Vec<Commit>, NotObserved> {
    let most = format!("--max-count={most}");
    let mut asked = vec!["rev-list", &most, FORMAT, "--abbrev=7", "--encoding=UTF-8"];
    asked.extend(selected);
    asked.push("--");
    let said = answer(ctx, root, &asked).await?;
    let text = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = text.split('\n').filter(|line| !line.is_empty()).collect();
    let strange = |line: &str| broken(ctx, format!("git said `{}`", line.escape_debug()));
    let mut commits = Vec::new();
    for pair in lines.chunks(2) {
        let [head, line] = pair else {
            return Err(strange(pair.first().unwrap_or(&"")));
        };
        let parts: Vec<&str> = line.splitn(5, '\0').collect();
        let [commit, short, author, time, subject] = parts[..] else {
            return Err(strange(line));
        };
        let time = time
            .parse()
            .ok()
            .and_then(|s| DateTime::from_timestamp(s, 0));
        let time = time.ok_or_else(|| strange(line))?;
        if head.strip_prefix("commit ") != Some(commit) {
            return Err(strange(head));
        }
        commits.push(Commit {
            commit: commit.to_owned(),
            short: short.to_owned(),
            subject: subject.to_owned(),
            author: author.to_owned(),
            time,
        });
    }
    Ok(commits)
}

/// The most commits between two revisions that are kept.
const MOST_COMMITS: usize = 1_000;

/// The commits between two revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Those that the later one has and the earlier one lacks, newest first, not more than are kept.
    pub(crate) commits: Vec<Commit>,
    /// How many those are.
    pub(crate) ahead: usize,
    /// How many the earlier one has and the later one lacks: not 0 where it is no ancestor.
    pub(crate) behind: usize,
}

/// What lies between two commits.
pub(crate) async fn span(
    ctx: &Ctx,
    root: &Path,
    earlier: &str,
    later: &str,
) -> Result<Span, NotObserved> {
    let without = format!("^{earlier}");
    let commits = commits(ctx, root, &[&without, later], MOST_COMMITS).await?;
    let both = format!("{earlier}...{later}");
    let asked = ["rev-list", "--left-right", "--count", &both, "--"];
    let said = answer(ctx, root, &asked).await?;
    let text = String::from_utf8_lossy(&said);
    let mut numbers = text.split_whitespace().map(str::parse::<usize>);
    if let (Some(Ok(behind)), Some(Ok(ahead)), None) =
        (numbers.next(), numbers.next(), numbers.next())
    {
        Ok(Span {
            commits,
            ahead,
            behind,
        })
    } else {
        let said = text.trim().escape_debug().to_string();
        Err(broken(ctx, format!("git said `{said}`")))
    }
}

/// A file that is not the same at two revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) path: String,
    /// `added`, `changed`, `removed`, `retyped` (a file became a link, or such).
    pub(crate) status: &'static str,
}

/// The files below the repository's folder that differ, on the way from one commit to another.
pub(crate) async fn changed(
    ctx: &Ctx,
    root: &Path,
    one: &str,
    other: &str,
) -> Result<Vec<Changed>, NotObserved> {
    let asked = [
        "diff-tree",
        "-r",
        "-z",
        "--name-status",
        "--no-renames",
        "--no-ext-diff",
        "--relative",
        one,
        other,
    ];
    let said = answer(ctx, root, &asked).await?;
    let text = String::from_utf8_lossy(&said);
    let mut parts = text.split('\0').filter(|part| !part.is_empty());
    let mut changed = Vec::new();
    while let Some(letter) = parts.next() {
        let status = match letter {
            "A" => "added",
            "M" => "changed",
            "D" => "removed",
            "T" => "retyped",
            _ => {
                let said = letter.escape_debug();
                return Err(broken(ctx, format!("git said `{said}`")));
            }
        };
        let Some(path) = parts.next() else {
            return Err(broken(
                ctx,
                "git's list of changed files breaks off".to_owned(),
            ));
        };
        changed.push(Changed {
            path: path.to_owned(),
            status,
        });
    }
    Ok(changed)
}

/// A file's bytes, or how many there are where that is too much.
pub(crate) enum Blob {
    Bytes(Vec<u8>),
    TooLarge(u64),
}

/// One `git cat-file --batch` that is asked for object after object.
pub(crate) struct Batch<'a> {
    ctx: &'a Ctx,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    _child: Child,
}

impl<'a> Batch<'a> {
    pub(crate) fn open(ctx: &'a Ctx, root: &Path) -> Result<Self, NotObserved> {
        let mut child = git(ctx, root, &["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| no_git(ctx, &e))?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(broken(ctx, "git said nothing".to_owned()));
        };
        Ok(Self {
            ctx,
            to,
            from: BufReader::new(from),
            _child: child,
        })
    }

    /// The bytes of a file, at most so many.
    pub(crate) async fn blob(&mut self, object: &str, most: u64) -> Result<Blob, NotObserved> {
        let ctx = self.ctx;
        let lost = |e: std::io::Error| broken(ctx, format!("git broke off: {e}"));
        let asked = format!("{object}\n");
        self.to.write_all(asked.as_bytes()).await.map_err(lost)?;
        self.to.flush().await.map_err(lost)?;
        let mut line = String::new();
        let mut head = (&mut self.from).take(1024);
        head.read_line(&mut line).await.map_err(lost)?;
        let mut words = line.split_whitespace();
        let size = match (words.next(), words.next(), words.next()) {
            (Some(said), Some("blob"), Some(size)) if said == object => size.parse::<u64>().ok(),
            _ => None,
        };
        let Some(size) = size else {
            let said = line.trim().escape_debug();
            return Err(broken(ctx, format!("git said `{said}` of a file")));
        };
        if size > most {
            let mut rest = (&mut self.from).take(size + 1);
            let skipped = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
            skipped.map_err(lost)?;
            return Ok(Blob::TooLarge(size));
        }
        let mut bytes = vec![0u8; usize::try_from(size).unwrap_or(0) + 1];
        self.from.read_exact(&mut bytes).await.map_err(lost)?;
        bytes.pop();
        Ok(Blob::Bytes(bytes))
    }
}
