//! A backup that is there: its size and age, what it is by its first bytes, and whether it can be read to its end.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use gonogo_core::record::{Cause, NotObserved};

use super::format::{self, Contents, Format, HEAD, TAIL};
use super::observed::Found;
use super::programs;
use crate::ctx::Ctx;
use crate::database::Asking;

/// As many files are looked at in the folder of a backup.
const MAX_FILES: usize = 1_000_000;
/// An archive's date has no zone; no zone is further from UTC.
const ZONES: TimeDelta = TimeDelta::hours(14);

/// A backup's file or folder.
pub(super) struct Place {
    /// Where it is on this machine.
    pub(super) path: PathBuf,
    /// How it is recorded: no folder of this machine.
    pub(super) shown: String,
}

impl Place {
    /// Of a plan's path.
    pub(super) fn of(ctx: &Ctx, text: &str) -> Self {
        let path = ctx.path(text);
        let inside = path.strip_prefix(ctx.base_dir()).ok();
        let shown = match (inside, path.file_name()) {
            (Some(inside), _) => inside.display().to_string(),
            (None, Some(name)) => name.to_string_lossy().into_owned(),
            (None, None) => text.to_owned(),
        };
        Self { path, shown }
    }
}

/// What can be seen of a file without any program.
pub(super) struct Outside {
    /// Its size; a folder's is that of its files.
    pub(super) size: u64,
    /// When it was written last.
    pub(super) written: DateTime<Utc>,
    /// Its form.
    pub(super) format: Option<Format>,
    /// Its first bytes.
    pub(super) head: Vec<u8>,
    /// Its last ones.
    pub(super) tail: Vec<u8>,
}

/// Looks at it from outside; `None`: it is not there.
pub(super) fn outside(asking: &Asking<'_>, place: &Place) -> Result<Option<Outside>, NotObserved> {
    let failed = |e: std::io::Error| {
        let cause = match e.kind() {
            std::io::ErrorKind::PermissionDenied => Cause::Denied,
            _ => Cause::Network,
        };
        asking.failed(cause, format!("`{}` cannot be read: {e}", place.shown))
    };
    let meta = match std::fs::metadata(&place.path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    let written = meta.modified().map_err(failed)?;
    let mut seen = Outside {
        size: meta.len(),
        written: written.into(),
        format: None,
        head: Vec::new(),
        tail: Vec::new(),
    };
    if meta.is_dir() {
        seen.size = 0;
        let entries = std::fs::read_dir(&place.path).map_err(failed)?;
        for entry in entries.take(MAX_FILES) {
            let entry = entry.map_err(failed)?;
            let meta = entry.metadata().map_err(failed)?;
            seen.size += meta.len();
            let written = meta.modified().map_err(failed)?;
            seen.written = seen.written.max(written.into());
            if entry.file_name() == "toc.dat" {
                seen.format = Some(Format::Directory);
            }
        }
        return Ok(Some(seen));
    }
    if !meta.is_file() {
        let odd = std::io::Error::other("it is neither a file nor a folder");
        return Err(failed(odd));
    }
    let mut file = File::open(&place.path).map_err(failed)?;
    let mut part = |from: SeekFrom, most: usize| {
        let mut bytes = Vec::new();
        file.seek(from)?;
        file.by_ref().take(most as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    seen.head = part(SeekFrom::Start(0), HEAD).map_err(failed)?;
    let back = i64::try_from(seen.size.min(TAIL as u64)).unwrap_or(0);
    seen.tail = part(SeekFrom::End(-back), TAIL).map_err(failed)?;
    seen.format = format::of_head(&seen.head);
    Ok(Some(seen))
}

/// Reads a backup of PostgreSQL's from its beginning to its end.
pub(super) async fn look(
    asking: &Asking<'_>,
    place: &Place,
    seen: &Outside,
) -> Result<Found, NotObserved> {
    let mut found = Found {
        size: seen.size,
        age: since(asking.ctx.wall_now(), seen.written),
        format: seen.format,
        ..Found::default()
    };
    if seen.format == Some(Format::Tar) {
        let problem =
            File::open(&place.path).and_then(|mut tar| format::tar_problem(&mut tar, seen.size));
        found.problem = problem.map_err(|e| {
            asking.failed(
                Cause::Network,
                format!("`{}` cannot be read: {e}", place.shown),
            )
        })?;
        if found.problem.is_some() {
            return Ok(found);
        }
    }
    match seen.format {
        Some(Format::Custom | Format::Tar | Format::Directory) => {
            match contents(asking, place).await? {
                Err(problem) => found.problem = Some(problem),
                Ok(contents) => {
                    found.age = found.age.max(own_age(asking.ctx.wall_now(), &contents));
                    found.engine = contents.engine;
                    found.tables = contents.tables;
                    found.problem = read_through(asking, place).await?;
                }
            }
        }
        Some(Format::Plain) => {
            found.engine = format::plain_engine(&seen.head);
            if !format::plain_is_whole(&seen.tail) {
                found.problem = Some(
                    "it is cut short: the line `PostgreSQL database dump complete` is missing at its end"
                        .to_owned(),
                );
            }
            // Which tables are in it stands in a script that nobody runs here.
        }
        Some(Format::Sqlite) => found.engine = super::sqlite::engine(&seen.head),
        None if seen.head.is_empty() && seen.size > 0 => {
            found.problem = Some("it is a folder without `toc.dat`, so no dump".to_owned());
        }
        None => {
            found.problem = Some(format!(
                "it is no dump that is known: {}",
                format::guess(&seen.head)
            ));
        }
    }
    Ok(found)
}

fn since(now: DateTime<Utc>, then: DateTime<Utc>) -> Duration {
    (now - then).to_std().unwrap_or_default()
}

/// The age that the archive itself gives: a copy of an old backup is young only by its file.
fn own_age(now: DateTime<Utc>, contents: &Contents) -> Duration {
    contents
        .created
        .map_or(Duration::ZERO, |created| since(now, created + ZONES))
}

/// Its table of contents; or what is wrong with it.
async fn contents(
    asking: &Asking<'_>,
    place: &Place,
) -> Result<Result<Contents, String>, NotObserved> {
    let path = place.path.display().to_string();
    let ended = programs::read(asking, "pg_restore", &["--list", &path], None).await?;
    if ended.status.success() {
        let list = String::from_utf8_lossy(&ended.printed);
        return Ok(Ok(format::contents(&list)));
    }
    let words = without(&ended.words(), &path, &place.shown);
    if words.contains("unsupported version") {
        return Err(asking.failed_with_help(
            Cause::Missing,
            format!("`pg_restore` here is older than the dump: {words}"),
            "install the client programs of the version that made the dump, or newer ones",
        ));
    }
    Ok(Err(format!(
        "its table of contents cannot be read: {words}"
    )))
}

/// Why it cannot be read to its end; nothing where it can.
async fn read_through(asking: &Asking<'_>, place: &Place) -> Result<Option<String>, NotObserved> {
    let path = place.path.display().to_string();
    let arguments = ["--file=/dev/null", &path];
    let ended = programs::read(asking, "pg_restore", &arguments, None).await?;
    if ended.status.success() {
        return Ok(None);
    }
    let words = without(&ended.words(), &path, &place.shown);
    Ok(Some(format!("it is cut short or damaged: {words}")))
}

/// A message with the backup's name in place of a path of this machine.
fn without(words: &str, path: &str, shown: &str) -> String {
    words.replace(path, shown)
}
