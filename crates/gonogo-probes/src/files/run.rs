//! Finding files and reading them, without following links out of the folder.

use std::path::{Path, PathBuf};

use gonogo_core::record::{Absence, Cause, Cut, NotObserved, TargetSeen};
use gonogo_core::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::syntax::{FilesOptions, RepositoryTarget, outside};
use crate::ctx::Ctx;
use crate::json::{self, Read};
use crate::probe::{Call, ResolvedTarget, Seen};

const DEFAULT_MAX_SIZE: u64 = 1024 * 1024;
/// Files that are hashed in full; larger ones are an error of the check.
const MAX_HASHED: u64 = 4 * 1024 * 1024 * 1024;
const MAX_FILES: usize = 10_000;

/// Looks once, on a thread that may block.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx.clone();
    let options: FilesOptions = serde_json::from_value(call.options.clone())
        .map_err(|e| ctx.not_observed("files", Cause::BadOptions, e.to_string()))?;
    let root = root_of(&ctx, call.target)?;
    let target = call.target.map(|t| TargetSeen {
        name: t.name.clone(),
        address: "repository".to_owned(),
        engine: None,
    });
    let looking = tokio::task::spawn_blocking(move || look(&ctx, &root, &options));
    match looking.await {
        Ok(seen) => seen.map(|seen| Seen { target, ..seen }),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// The folder of a `repository` target, the plan's own where there is none.
pub fn root_of(ctx: &Ctx, target: Option<&ResolvedTarget>) -> Result<PathBuf, NotObserved> {
    let root = match target {
        None => ctx.base_dir().to_owned(),
        Some(target) => {
            let target: RepositoryTarget = serde_json::from_value(target.options.clone())
                .map_err(|e| ctx.not_observed("repository", Cause::BadOptions, e.to_string()))?;
            ctx.path(&target.repository)
        }
    };
    if root.is_dir() {
        Ok(root)
    } else {
        Err(ctx.not_observed(
            "repository",
            Cause::Missing,
            "the repository's folder is not there",
        ))
    }
}

fn look(ctx: &Ctx, root: &Path, options: &FilesOptions) -> Result<Seen, NotObserved> {
    let pattern = options.files.as_str();
    let tried = format!("files {pattern}");
    if let Some(why) = outside(pattern) {
        return Err(ctx.not_observed(tried, Cause::Forbidden, why));
    }
    let failed = |path: &str, e: &std::io::Error| {
        let cause = if e.kind() == std::io::ErrorKind::PermissionDenied {
            Cause::Denied
        } else {
            Cause::Network
        };
        ctx.not_observed(&tried, cause, format!("`{path}` cannot be read: {e}"))
    };
    let mut found = Vec::new();
    walk(ctx, root, "", pattern, &mut found).map_err(|(path, e)| failed(&path, &e))?;
    found.sort();
    let mut cut = Vec::new();
    if found.len() > MAX_FILES {
        found.truncate(MAX_FILES);
        cut.extend(["files", "count"].map(|fact| Cut {
            fact: fact.to_owned(),
            why: format!("more than {MAX_FILES} files match; the others were not looked at"),
        }));
    }
    let mut listed = Vec::new();
    for path in &found {
        let full = root.join(path);
        let size = std::fs::metadata(&full)
            .map_err(|e| failed(path, &e))?
            .len();
        if size > MAX_HASHED {
            return Err(ctx.not_observed(
                &tried,
                Cause::TooLarge,
                format!("`{path}` has {size} bytes"),
            ));
        }
        let sha256 = hash(&full).map_err(|e| failed(path, &e))?;
        listed.push(Value::Map(Map::from([
            ("path".to_owned(), path.as_str().into()),
            ("size".to_owned(), size.into()),
            ("sha256".to_owned(), sha256.into()),
        ])));
    }
    let mut facts = Map::from([
        ("exists".to_owned(), Value::from(!found.is_empty())),
        ("count".to_owned(), found.len().into()),
    ]);
    if let ([path], [Value::Map(entry)]) = (&found[..], &listed[..]) {
        facts.extend(
            entry
                .iter()
                .filter(|(k, _)| *k != "path")
                .map(|(k, v)| (k.clone(), v.clone())),
        );
        let max = options.max_size.unwrap_or(DEFAULT_MAX_SIZE);
        content(&root.join(path), max, &mut facts, &mut cut).map_err(|e| failed(path, &e))?;
    }
    let is_pattern = pattern.contains('*');
    facts.insert("files".to_owned(), Value::List(listed));
    let absent = if found.is_empty() && is_pattern {
        vec![Absence {
            fact: "files".to_owned(),
            why: format!("no file matches `{pattern}`"),
        }]
    } else {
        Vec::new()
    };
    Ok(Seen {
        facts,
        cut,
        absent,
        ..Seen::default()
    })
}

/// The files below a folder that match a pattern, in the order of their names; links are neither followed nor listed.
pub(crate) fn find(ctx: &Ctx, root: &Path, pattern: &str) -> Result<Vec<String>, NotObserved> {
    let tried = format!("files {pattern}");
    let mut found = Vec::new();
    walk(ctx, root, "", pattern, &mut found).map_err(|(path, e)| {
        let cause = match e.kind() {
            std::io::ErrorKind::PermissionDenied => Cause::Denied,
            _ => Cause::Missing,
        };
        ctx.not_observed(&tried, cause, format!("`{path}` cannot be read: {e}"))
    })?;
    if found.len() > MAX_FILES {
        let message = format!("more than {MAX_FILES} files match `{pattern}`");
        return Err(ctx.not_observed(&tried, Cause::TooLarge, message));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn content(path: &Path, max: u64, facts: &mut Map, cut: &mut Vec<Cut>) -> std::io::Result<()> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let mut file = std::fs::File::open(path)?.take(max + 1);
    file.read_to_end(&mut bytes)?;
    let whole = bytes.len() as u64 <= max;
    if !whole {
        bytes.truncate(usize::try_from(max).unwrap_or(usize::MAX));
        cut.push(Cut {
            fact: "text".to_owned(),
            why: format!("stopped reading after {max} bytes (`max_size`)"),
        });
    }
    if whole {
        match json::read(&bytes, max) {
            Read::Json(json) => drop(facts.insert("json".to_owned(), json)),
            Read::TooMany(why) => cut.push(Cut {
                fact: "json".to_owned(),
                why,
            }),
            Read::No => {}
        }
    }
    facts.insert(
        "text".to_owned(),
        String::from_utf8_lossy(&bytes).into_owned().into(),
    );
    Ok(())
}

fn hash(path: &Path) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0u8; 64 * 1024];
    loop {
        let count = std::io::Read::read(&mut file, &mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect())
}

type Trouble = (String, std::io::Error);

/// Walks only the folders that the pattern can reach; links are neither followed nor listed.
fn walk(
    ctx: &Ctx,
    root: &Path,
    below: &str,
    pattern: &str,
    found: &mut Vec<String>,
) -> Result<(), Trouble> {
    let (first, rest) = pattern
        .split_once('/')
        .map_or((pattern, None), |(f, r)| (f, Some(r)));
    if ctx.is_cancelled() {
        let stopped = std::io::Error::other("the run was stopped");
        return Err((below.to_owned(), stopped));
    }
    if first == "." || first.is_empty() {
        return rest.map_or(Ok(()), |rest| walk(ctx, root, below, rest, found));
    }
    if first == "**"
        && let Some(rest) = rest
    {
        walk(ctx, root, below, rest, found)?;
    }
    let folder = root.join(below);
    let entries = match std::fs::read_dir(&folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|e| (below.to_owned(), e))?,
    };
    for entry in entries {
        // One more than is kept: that there are more must show.
        if found.len() > MAX_FILES {
            return Ok(());
        }
        let entry = entry.map_err(|e| (below.to_owned(), e))?;
        let name = match entry.file_name().into_string() {
            Ok(name) => name,
            Err(name) => {
                let name = name.to_string_lossy().into_owned();
                if first == "**" || matches(first, &name) {
                    let unnamed = std::io::Error::other("its name is not UTF-8");
                    return Err((format!("{below}/{name}"), unnamed));
                }
                continue;
            }
        };
        let path = if below.is_empty() {
            name.clone()
        } else {
            format!("{below}/{name}")
        };
        let kind = entry.file_type().map_err(|e| (path.clone(), e))?;
        match (first, rest) {
            ("**", _) if kind.is_dir() => walk(ctx, root, &path, pattern, found)?,
            ("**", None) if kind.is_file() => found.push(path),
            (_, Some(rest)) if kind.is_dir() && matches(first, &name) => {
                walk(ctx, root, &path, rest, found)?;
            }
            (_, None) if kind.is_file() && matches(first, &name) => found.push(path),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a path fits a pattern: `*` stands for anything in one name, `**` for any folders.
pub fn matches_path(pattern: &str, path: &str) -> bool {
    fn parts(pattern: &[&str], path: &[&str]) -> bool {
        match (pattern, path) {
            ([], []) => true,
            (["**"], _) => true,
            (["**", rest @ ..], _) => (0..=path.len()).any(|n| parts(rest, &path[n..])),
            ([first, rest @ ..], [name, below @ ..]) => matches(first, name) && parts(rest, below),
            _ => false,
        }
    }
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    parts(&pattern, &path)
}

/// Whether a name fits a pattern of one folder level, in which `*` stands for anything.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let parts: Vec<&str> = pattern.split('*').collect();
    let [first, middle @ .., last] = &parts[..] else {
        return pattern == name;
    };
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}
