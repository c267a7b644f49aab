//! Backups of SQLite: SQLite's own online copy, into a database without a name, checked page by page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::existing::{self, Outside, Place};
use super::format::Format;
use super::observed::{self, Found, Proof};
use super::portrait::{Portrait, compare};
use crate::database::Asking;
use crate::database::sqlite::{Failure, File, Watch, blocking, limit_time, open};
use crate::probe::Seen;

/// As many pages are copied before it is looked whether anybody still waits.
const PAGES: i32 = 256;

/// Looks once.
pub(super) async fn observe(
    asking: &Asking<'_>,
    file: File,
    path: Option<&Place>,
    restore: bool,
) -> Result<Seen, NotObserved> {
    let target = TargetSeen {
        name: asking.target.to_owned(),
        address: file.shown.clone(),
        engine: Some(format!("SQLite {}", rusqlite::version())),
    };
    let found = match path {
        None => Some(blocking(asking, move |watch| take(watch, &file, restore)).await?),
        Some(place) => match existing::outside(asking, place)? {
            None => None,
            Some(seen) => Some(there(asking, file, place, &seen, restore).await?),
        },
    };
    Ok(observed::seen(target, found))
}

async fn there(
    asking: &Asking<'_>,
    file: File,
    place: &Place,
    seen: &Outside,
    restore: bool,
) -> Result<Found, NotObserved> {
    let mut found = existing::look(asking, place, seen).await?;
    if found.format != Some(Format::Sqlite) {
        if found.is_whole() {
            let form = found.format.map_or("of another form", Format::word);
            found.problem = Some(format!("it is no SQLite database but {form}"));
        }
        return Ok(found);
    }
    let wal = format!("{}-wal", place.path.display());
    if std::fs::metadata(&wal).is_ok_and(|meta| meta.len() > 0) {
        found.problem = Some(
            "a `-wal` file with changes lies beside it: it was copied while it was in use, and its last changes are not in it"
                .to_owned(),
        );
        return Ok(found);
    }
    let path = place.path.clone();
    let (problem, tables, proof) =
        blocking(asking, move |watch| read_copy(watch, &file, &path, restore)).await?;
    found.problem = problem;
    found.tables = tables;
    found.proof = proof;
    Ok(found)
}

type Copied = (Option<String>, Vec<String>, Option<Proof>);

fn read_copy(watch: &Watch, file: &File, path: &Path, restore: bool) -> Result<Copied, Failure> {
    let began = watch.ctx.now();
    let copy = limit_time(immutable(path).map_err(odd)?, watch).map_err(odd)?;
    let damaged = match damage(&copy, watch)? {
        None => cut_in_a_page(&copy, path)?,
        damaged => damaged,
    };
    if damaged.is_some() {
        return Ok((damaged, Vec::new(), None));
    }
    let there = portrait(&copy, watch)?;
    let tables = there.rows.keys().cloned().collect();
    if !restore {
        return Ok((None, tables, None));
    }
    let mut restored = Connection::open("").map_err(odd)?;
    copied(&copy, &mut restored, watch)?;
    let restored = limit_time(restored, watch).map_err(odd)?;
    let took = began.elapsed();
    let target = open(file, watch, true)?;
    let proof = proof(&target, &restored, watch, took)?;
    Ok((None, tables, Some(proof)))
}

/// Takes a copy.
fn take(watch: &Watch, file: &File, restore: bool) -> Result<Found, Failure> {
    let began = watch.ctx.now();
    let source = open(file, watch, true)?;
    // One snapshot for the copy and for the counting.
    source
        .execute_batch("begin; select count(*) from sqlite_schema")
        .map_err(|e| told(&e, watch))?;
    // A database without a name: its file is gone from the folder before anything is written to it.
    let mut copy = Connection::open("").map_err(odd)?;
    copied(&source, &mut copy, watch)?;
    let copy = limit_time(copy, watch).map_err(odd)?;
    let took = began.elapsed();
    let problem = damage(&copy, watch)?;
    let size = "select page_count * page_size from pragma_page_count, pragma_page_size";
    let size: i64 = copy.query_row(size, [], |row| row.get(0)).map_err(odd)?;
    let mut found = Found {
        size: u64::try_from(size).unwrap_or(0),
        age: Duration::ZERO,
        format: Some(Format::Sqlite),
        engine: Some(format!("SQLite {}", rusqlite::version())),
        took: Some(took),
        problem,
        ..Found::default()
    };
    if found.is_whole() {
        if restore {
            found.proof = Some(proof(&source, &copy, watch, took)?);
        } else {
            found.tables = portrait(&copy, watch)?.rows.into_keys().collect();
        }
    }
    Ok(found)
}

fn proof(
    target: &Connection,
    restored: &Connection,
    watch: &Watch,
    took: Duration,
) -> Result<Proof, Failure> {
    let there = portrait(target, watch)?;
    let restored = portrait(restored, watch)?;
    Ok(Proof {
        took,
        outcome: Ok(compare(&there, &restored)),
        leftovers: Vec::new(),
    })
}

/// Copies every page with SQLite's own means.
fn copied(from: &Connection, to: &mut Connection, watch: &Watch) -> Result<(), Failure> {
    let copy = Backup::new(from, to).map_err(|e| told(&e, watch))?;
    loop {
        if watch.is_over() {
            return Err(Failure::new(
                Cause::Timeout,
                "the copy did not end within the check's time limit",
            )
            .help("give the check more time: `timeout: 30m`"));
        }
        match copy.step(PAGES).map_err(|e| told(&e, watch))? {
            StepResult::Done => return Ok(()),
            // A lock is waited for until the check's time is over.
            StepResult::Busy | StepResult::Locked => {
                std::thread::sleep(Duration::from_millis(5));
            }
            _ => {}
        }
    }
}

/// Opens a file that nobody writes: no lock is taken and no file made beside it.
fn immutable(path: &Path) -> rusqlite::Result<Connection> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                uri.push(char::from(*byte));
            }
            other => uri.push_str(&format_args!("%{other:02X}").to_string()),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri, flags)
}

/// What SQLite finds wrong with a database; nothing where it finds nothing.
fn damage(connection: &Connection, watch: &Watch) -> Result<Option<String>, Failure> {
    let said = connection.query_row("pragma integrity_check(1)", [], |row| {
        row.get::<_, String>(0)
    });
    match said {
        Ok(said) if said == "ok" => Ok(None),
        Ok(said) => Ok(Some(format!("it is cut short or damaged: {said}"))),
        Err(_) if watch.is_over() => Err(told_over()),
        Err(e) => Ok(Some(format!("it is cut short or damaged: {e}"))),
    }
}

/// What is missing of the last page; SQLite itself reads zeros there, and may find nothing wrong.
fn cut_in_a_page(copy: &Connection, path: &Path) -> Result<Option<String>, Failure> {
    let page: u32 = copy
        .query_row("pragma page_size", [], |row| row.get(0))
        .map_err(odd)?;
    let size = std::fs::metadata(path)
        .map_err(|e| Failure::new(Cause::Missing, e.to_string()))?
        .len();
    let beyond = size.checked_rem(u64::from(page)).unwrap_or(0);
    Ok((beyond > 0).then(|| {
        format!("it is cut short: its {size} bytes are no whole number of its pages of {page}")
    }))
}

fn portrait(connection: &Connection, watch: &Watch) -> Result<Portrait, Failure> {
    let read = || -> rusqlite::Result<Portrait> {
        let mut rows = BTreeMap::new();
        let mut schema = BTreeSet::new();
        let mut objects = connection
            .prepare("select type, name, coalesce(sql, ''), rootpage from sqlite_schema")?;
        let mut found = objects.query([])?;
        while let Some(row) = found.next()? {
            let (kind, name, sql): (String, String, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let stored = row.get::<_, Option<i64>>(3)?.is_some_and(|page| page > 0);
            if kind == "table" && stored {
                let quoted = name.replace('"', "\"\"");
                let count = format!("select count(*) from \"{quoted}\"");
                let count: i64 = connection.query_row(&count, [], |row| row.get(0))?;
                rows.insert(name.clone(), u64::try_from(count).unwrap_or(0));
            }
            schema.insert(format!("{kind} {name} {sql}"));
        }
        Ok(Portrait { rows, schema })
    };
    read().map_err(|e| told(&e, watch))
}

/// `SQLite 3.51.3`, the program that wrote a file last (file format, offset 96).
pub(super) fn engine(head: &[u8]) -> Option<String> {
    let bytes: [u8; 4] = head.get(96..100)?.try_into().ok()?;
    let number = u32::from_be_bytes(bytes);
    let parts = (number / 1_000_000, number / 1000 % 1000, number % 1000);
    (parts.0 > 0).then(|| format!("SQLite {}.{}.{}", parts.0, parts.1, parts.2))
}

fn told(error: &rusqlite::Error, watch: &Watch) -> Failure {
    use rusqlite::ErrorCode as Code;
    if watch.is_over() {
        return told_over();
    }
    match error.sqlite_error_code() {
        Some(Code::DiskFull) => Failure::new(
            Cause::Network,
            "there is no room for the copy: the disk is full",
        )
        .help("make room in the folder for temporary files, or name another in TMPDIR"),
        Some(Code::NotADatabase | Code::DatabaseCorrupt) => Failure::new(
            Cause::Protocol,
            format!("the database cannot be copied: {error}"),
        ),
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => Failure::new(
            Cause::Timeout,
            "the database stayed locked by another for all of the check's time",
        ),
        _ => odd_of(error),
    }
}

fn told_over() -> Failure {
    Failure::new(
        Cause::Timeout,
        "it did not end within the check's time limit",
    )
    .help("give the check more time: `timeout: 30m`")
}

fn odd(error: rusqlite::Error) -> Failure {
    odd_of(&error)
}

fn odd_of(error: &rusqlite::Error) -> Failure {
    Failure::new(Cause::Network, format!("the copy failed: {error}"))
}
