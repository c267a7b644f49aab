//! The observing: the list, and whether the evidence that it names is there.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use gonogo_core::plan::OneOrMany;
use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use sha2::{Digest as _, Sha256};

use super::observed::{Found, Proof, Stated, seen};
use super::read::{self, Item, Read, Row, State};
use super::syntax::{ChecklistOptions, Evidence};
use crate::ctx::Ctx;
use crate::files::{outside, root_of};
use crate::probe::{Call, Seen};

/// No checklist is larger.
const MAX_BYTES: u64 = 1024 * 1024;
/// Evidence up to this size is hashed.
const MAX_HASHED: u64 = 64 * 1024 * 1024;

/// Looks once, on a thread that may block.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx.clone();
    let options: ChecklistOptions = serde_json::from_value(call.options.clone())
        .map_err(|e| ctx.not_observed("checklist", Cause::BadOptions, e.to_string()))?;
    // A file of the plan is the one that the bundle holds.
    let own = ctx.plan_file(&options.checklist).map(<[u8]>::to_vec);
    let root = match &own {
        Some(_) => ctx.base_dir().to_owned(),
        None => root_of(&ctx, call.target)?,
    };
    let target = call.target.filter(|_| own.is_none());
    let target = target.map(|t| TargetSeen {
        name: t.name.clone(),
        address: options.checklist.clone(),
        engine: None,
    });
    let looking = tokio::task::spawn_blocking(move || look(&ctx, &root, own, &options));
    match looking.await {
        Ok(seen) => seen.map(|seen| Seen { target, ..seen }),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn look(
    ctx: &Ctx,
    root: &Path,
    own: Option<Vec<u8>>,
    options: &ChecklistOptions,
) -> Result<Seen, NotObserved> {
    let tried = format!("checklist {}", options.checklist);
    let bytes = match own {
        Some(bytes) => bytes,
        None => bytes(ctx, root, &options.checklist)?,
    };
    let read = read::read(options, &bytes).map_err(|wrong| {
        let message = format!("{}:{}: {}", options.checklist, wrong.line, wrong.message);
        let mut gap = ctx.not_observed(&tried, Cause::Protocol, message);
        gap.help = Some(read::HELP.to_owned());
        gap
    })?;
    let Read {
        mut items,
        mut rows,
        problems,
    } = read;
    demanded(options, &mut items, &mut rows);
    let mut stated = Vec::with_capacity(items.len());
    for item in items {
        if ctx.is_cancelled() {
            return Err(ctx.not_observed(&tried, Cause::Interrupted, "the run was stopped"));
        }
        stated.push(held(root, options, item));
    }
    Ok(seen(Found {
        file: options.checklist.clone(),
        columns: options.columns.0.clone(),
        items: stated,
        rows,
        problems,
    }))
}

/// Adds what must be there and is not. Without anything in it the file is absent, which says more.
fn demanded(options: &ChecklistOptions, items: &mut Vec<Item>, rows: &mut Vec<Row>) {
    let OneOrMany(names) = &options.rows;
    let why = |name: &str| format!("`{name}` is not in {}", options.checklist);
    if options.columns.0.is_empty() {
        if items.is_empty() {
            return;
        }
        for name in names {
            if !items.iter().any(|item| read::same(&item.name, name)) {
                items.push(Item {
                    name: name.clone(),
                    state: State::Missing,
                    owner: None,
                    evidence: None,
                    left_to_do: Some(why(name)),
                    line: 0,
                });
            }
        }
        return;
    }
    if rows.is_empty() {
        return;
    }
    for name in names {
        let is_it = |row: &Row| {
            let first = row.cells.first().and_then(Option::as_deref);
            first.is_some_and(|first| read::same(first, name))
        };
        if !rows.iter().any(is_it) {
            let mut cells = vec![None; options.columns.0.len()];
            if let Some(first) = cells.first_mut() {
                *first = Some(name.clone());
            }
            rows.push(Row { cells, line: 0 });
        }
    }
}

/// An item with its evidence looked for. What is said to be complete and cannot show what it names is not.
fn held(root: &Path, options: &ChecklistOptions, item: Item) -> Stated {
    let proof = match item.evidence.as_deref() {
        None => Proof::None,
        Some(link) if link.contains("://") => Proof::Link(link.to_owned()),
        Some(path) => file(root, &options.checklist, path),
    };
    let why = match &proof {
        Proof::Broken(why) => Some(why.clone()),
        Proof::None if options.evidence == Some(Evidence::Required) => {
            Some("no evidence is named".to_owned())
        }
        Proof::None | Proof::Link(_) | Proof::File { .. } => None,
    };
    let weak = why.filter(|_| item.state == State::Complete);
    let state = match &weak {
        Some(_) => State::Partial,
        None => item.state,
    };
    Stated {
        state,
        weak,
        proof,
        item,
    }
}

/// A file that is named as evidence: beside the checklist, else below the root.
fn file(root: &Path, checklist: &str, written: &str) -> Proof {
    let path = written.split(['#', '?']).next().unwrap_or_default().trim();
    let folder = Path::new(checklist).parent().unwrap_or(Path::new(""));
    let beside = plain(&folder.join(path));
    let below = plain(Path::new(path));
    let all: Vec<PathBuf> = [beside, below].into_iter().flatten().collect();
    if all.is_empty() {
        return Proof::Broken(format!("its evidence `{written}` leaves the folder"));
    }
    let Some(found) = all.iter().find(|path| root.join(path).exists()) else {
        return Proof::Broken(format!("its evidence `{written}` is not there"));
    };
    let full = root.join(found);
    let is_within = match (full.canonicalize(), root.canonicalize()) {
        (Ok(full), Ok(root)) => full.starts_with(root),
        _ => false,
    };
    if !is_within {
        return Proof::Broken(format!("its evidence `{written}` leaves the folder"));
    }
    match std::fs::metadata(&full) {
        Ok(about) if !about.is_file() => {
            Proof::Broken(format!("its evidence `{written}` is not a file"))
        }
        Ok(about) if about.len() == 0 => {
            Proof::Broken(format!("its evidence `{written}` is empty"))
        }
        Ok(about) => Proof::File {
            path: found.to_string_lossy().replace('\\', "/"),
            size: about.len(),
            sha256: (about.len() <= MAX_HASHED).then(|| hash(&full)).flatten(),
        },
        Err(e) => Proof::Broken(format!("its evidence `{written}` cannot be looked at: {e}")),
    }
}

/// A path without `.` and `..`; nothing where it leaves the folder.
fn plain(path: &Path) -> Option<PathBuf> {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!out.as_os_str().is_empty()).then_some(out)
}

fn hash(path: &Path) -> Option<String> {
    let mut hasher = Sha256::new();
    let mut file = std::fs::File::open(path).ok()?.take(MAX_HASHED);
    let mut buffer = vec![0u8; 64 * 1024];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    Some(
        hasher
            .finalize()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect(),
    )
}

/// The checklist of a target, whole.
fn bytes(ctx: &Ctx, root: &Path, path: &str) -> Result<Vec<u8>, NotObserved> {
    let failed =
        |cause, message: String| ctx.not_observed(format!("checklist {path}"), cause, message);
    if let Some(why) = outside(path) {
        return Err(failed(Cause::Forbidden, why));
    }
    let unread = |e: std::io::Error| {
        let cause = match e.kind() {
            std::io::ErrorKind::PermissionDenied => Cause::Denied,
            _ => Cause::Missing,
        };
        failed(cause, format!("`{path}` cannot be read: {e}"))
    };
    let file = std::fs::File::open(root.join(path)).map_err(unread)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(failed(
            Cause::TooLarge,
            format!("`{path}` is larger than 1 MiB"),
        ));
    }
    Ok(bytes)
}
