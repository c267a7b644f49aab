//! What kind of backup a file is, by its first bytes, and what its own table of contents says. Pure.

use std::io::{Read, Seek, SeekFrom};

use chrono::{DateTime, NaiveDateTime, Utc};

/// The forms of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `pg_dump -Fc`.
    Custom,
    /// `pg_dump -Fd`: a folder.
    Directory,
    /// `pg_dump -Ft`.
    Tar,
    /// `pg_dump -Fp`: SQL.
    Plain,
    /// A SQLite database.
    Sqlite,
}

impl Format {
    /// Its word in facts.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Directory => "directory",
            Self::Tar => "tar",
            Self::Plain => "plain",
            Self::Sqlite => "sqlite",
        }
    }
}

/// As many first bytes tell all forms apart.
pub(super) const HEAD: usize = 1024;
/// As many last bytes hold the end mark of a plain dump.
pub(super) const TAIL: usize = 1024;

const CUSTOM: &[u8] = b"PGDMP";
const SQLITE: &[u8] = b"SQLite format 3\0";
const PLAIN: &[&[u8]] = &[
    b"--\n-- PostgreSQL database dump",
    b"--\r\n-- PostgreSQL database dump",
    b"--\n-- PostgreSQL database cluster dump",
];
const PLAIN_END: &[&[u8]] = &[
    b"-- PostgreSQL database dump complete",
    b"-- PostgreSQL database cluster dump complete",
];

/// The form that a file's first bytes name; nothing where they name none.
pub(super) fn of_head(head: &[u8]) -> Option<Format> {
    if head.starts_with(CUSTOM) {
        return Some(Format::Custom);
    }
    if head.starts_with(SQLITE) {
        return Some(Format::Sqlite);
    }
    if PLAIN.iter().any(|p| head.starts_with(p)) {
        return Some(Format::Plain);
    }
    // POSIX ustar: the magic stands at 257; pg_dump's first member is its table of contents.
    let ustar = head.get(257..262) == Some(b"ustar");
    (ustar && head.starts_with(b"toc.dat\0")).then_some(Format::Tar)
}

/// What else it may be, for a person.
pub(super) fn guess(head: &[u8]) -> &'static str {
    if head.is_empty() {
        "it is empty"
    } else if head.starts_with(b"\x1f\x8b") {
        "it is compressed with gzip; `gunzip` it, or dump with `pg_dump -Fc`, which compresses by itself"
    } else if head.starts_with(b"\x28\xb5\x2f\xfd") {
        "it is compressed with zstd; unpack it, or dump with `pg_dump -Fc`, which compresses by itself"
    } else if head.starts_with(b"BZh") || head.starts_with(b"\xfd7zXZ\0") {
        "it is compressed; unpack it, or dump with `pg_dump -Fc`, which compresses by itself"
    } else if head.starts_with(b"PK") {
        "it is a zip archive; unpack it, or dump with `pg_dump -Fc`, which compresses by itself"
    } else if head.starts_with(b"age-encryption.org") || head.starts_with(b"-----BEGIN PGP") {
        "it is encrypted; decrypt it first"
    } else {
        "its first bytes are not those of a dump of pg_dump or of a SQLite database"
    }
}

/// Whether a plain dump has its end.
pub(super) fn plain_is_whole(tail: &[u8]) -> bool {
    PLAIN_END
        .iter()
        .any(|end| tail.windows(end.len()).any(|w| w == *end))
}

/// The server's version that a plain dump's head names.
pub(super) fn plain_engine(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("-- Dumped from database version "))?;
    Some(engine(line))
}

/// What `pg_restore --list` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// `PostgreSQL 15.18`.
    pub(super) engine: Option<String>,
    /// When it was begun, as the machine that made it wrote it down: without its zone.
    pub(super) created: Option<DateTime<Utc>>,
    /// The tables with rows in it, `schema.table`.
    pub(super) tables: Vec<String>,
}

/// Reads what `pg_restore --list` printed.
pub(super) fn contents(list: &str) -> Contents {
    let mut contents = Contents::default();
    for line in list.lines() {
        let comment = line.strip_prefix(';').map(str::trim);
        match comment {
            Some(comment) => {
                if let Some(text) = comment.strip_prefix("Dumped from database version: ") {
                    contents.engine = Some(engine(text));
                } else if let Some(text) = comment.strip_prefix("Archive created at ") {
                    contents.created = created(text);
                }
            }
            None => contents.tables.extend(table(line)),
        }
    }
    contents
}

/// `PostgreSQL 15.18` of `15.18 (Debian 15.18-0+deb12u1)`.
fn engine(text: &str) -> String {
    format!(
        "PostgreSQL {}",
        text.split_whitespace()
            .next()
            .unwrap_or("of unknown version")
    )
}

/// `2026-11-26 02:44:43 UTC`: the zone is the reader's, not the writer's, and means nothing.
fn created(text: &str) -> Option<DateTime<Utc>> {
    let time = text.get(..19)?;
    let time = NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S").ok()?;
    Some(time.and_utc())
}

/// `3318; 0 16388 TABLE DATA public t owner`
fn table(line: &str) -> Option<String> {
    let (_, after) = line.split_once(" TABLE DATA ")?;
    let (schema, after) = after.split_once(' ')?;
    let (name, _owner) = after.rsplit_once(' ')?;
    Some(format!("{schema}.{name}"))
}

/// A block of a tar.
const BLOCK: u64 = 512;
/// As many members are looked at.
const MAX_MEMBERS: usize = 1_000_000;

/// What is wrong with a tar; nothing where it goes from member to member to its end mark, two empty blocks. `pg_restore`
/// cannot be asked: of a tar that is cut short it waits for the rest for ever, or misses what comes last.
pub(super) fn tar_problem(
    tar: &mut (impl Read + Seek),
    size: u64,
) -> std::io::Result<Option<String>> {
    let short = |at: u64| {
        Some(format!(
            "it is cut short: its end mark is missing ({size} bytes, the next part is due at {at})"
        ))
    };
    let mut at = 0_u64;
    for _ in 0..MAX_MEMBERS {
        if at.saturating_add(2 * BLOCK) > size {
            return Ok(short(at));
        }
        tar.seek(SeekFrom::Start(at))?;
        let mut head = [0; 2 * BLOCK as usize];
        tar.read_exact(&mut head)?;
        let (first, second) = head.split_at(BLOCK as usize);
        if first.iter().all(|b| *b == 0) {
            let whole = second.iter().all(|b| *b == 0);
            return Ok((!whole).then(|| "it is damaged: its end mark is broken".to_owned()));
        }
        let Some(length) = member_size(&first[124..136]).filter(|_| &first[257..262] == b"ustar")
        else {
            return Ok(Some(format!("it is damaged: there is no member at {at}")));
        };
        let next = length.checked_next_multiple_of(BLOCK);
        let next = next.and_then(|length| at.checked_add(BLOCK)?.checked_add(length));
        match next {
            Some(next) => at = next,
            None => return Ok(short(at)),
        }
    }
    Ok(Some(format!("it has more than {MAX_MEMBERS} members")))
}

/// Octal digits; above 8 GiB base 256 with the first bit set (as GNU tar and pg_dump write it).
fn member_size(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let mut digits = field[1..].iter();
        return digits.try_fold(0_u64, |sum, digit| {
            sum.checked_mul(256)?.checked_add(u64::from(*digit))
        });
    }
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches([' ', '\0']);
    u64::from_str_radix(text, 8).ok()
}
