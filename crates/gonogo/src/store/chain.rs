//! The form of a log: a header line, then lines of which each names the hash of the one before and carries its own.
//!
//! ```text
//! {"gonogo":"journal","version":1,"about":{…},"hash":"<H0>"}
//! {"seq":1,"prev":"<H0>","synced":0,"at":"2026-11-21T10:04:05.000000Z","event":{…},"hash":"<H1>"}
//! ```
//! A line's hash is the SHA-256 of its bytes before `,"hash"`; what follows is fixed by it, so every byte of the file is covered.
//! `synced` is the number of lines known to be on disk when the line was written. By it a tail torn by a power cut (never
//! acknowledged, may be dropped) is told from damage in what was acknowledged (must not be).

use std::io;
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest, Sha256};

use super::event::check_event;
use super::{RedactedBytes, StoreError, failed};
use crate::world::Disk;

/// Version of the form.
const VERSION: u64 = 1;
/// The longest line. What is larger belongs in a blob.
pub(super) const MAX_LINE: usize = 8 << 20;
/// The longest log that is read.
pub(super) const MAX_LOG: u64 = 2 << 30;

const HASH_FIELD: &[u8] = b",\"hash\":\"";
const LINE_END: &[u8] = b"\"}";
/// Bytes of a line after what its hash covers.
const SUFFIX_LEN: usize = HASH_FIELD.len() + 64 + LINE_END.len();

/// A SHA-256.
pub(super) type Hash = [u8; 32];

/// The first line: what the log is and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `journal` or `registry`.
    pub kind: String,
    /// JSON object of the writer's choice (run, plan digest, …): it starts the chain, so that no line fits another log.
    pub about: String,
}

/// One recorded event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: u64,
    /// Wall time of the append.
    pub at: DateTime<Utc>,
    /// The event's JSON, byte for byte as it was appended.
    pub event: String,
    /// The line's hash, in hex.
    pub hash: String,
}

/// What a crash left after the last whole line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Offset of the first byte that does not count.
    pub offset: u64,
    /// How many bytes do not count.
    pub len: u64,
    /// Why they do not.
    pub reason: String,
}

/// The end of a log: what a seal signs, so that a cut-off end is noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many events there are.
    pub count: u64,
    /// The last line's hash, in hex.
    pub hash: String,
}

/// A log as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The header line's content.
    pub header: Header,
    /// The header line's hash, in hex: the `prev` of the first entry.
    pub genesis: String,
    /// The whole lines, in order, chain verified.
    pub entries: Vec<Entry>,
    /// What follows them. A finished run has nothing there; `verify` refuses one that has.
    pub torn_tail: Option<TornTail>,
}

impl Journal {
    /// The end of the log: compared with a signed one, it shows whether lines were cut off, which the chain cannot.
    pub fn head(&self) -> Head {
        Head {
            count: self.entries.len() as u64,
            hash: self.head_hash().to_owned(),
        }
    }

    fn head_hash(&self) -> &str {
        self.entries
            .last()
            .map_or(&self.genesis, |entry| &entry.hash)
    }
}

/// Reads a log and verifies its chain. Takes no lock and changes nothing.
///
/// # Errors
/// [`StoreError::NotARun`] if there is none, [`StoreError::Damaged`] with the line if it is not what was written.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Journal, StoreError> {
    parse(&read_bytes(disk, path)?, path)
}

pub(super) fn read_bytes(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>, StoreError> {
    disk.read(path, MAX_LOG)
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::NotARun {
                path: path.parent().unwrap_or(path).to_owned(),
            },
            _ => failed("read", path, error),
        })
}

/// Verifies a log that was read already; `path` is for messages.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Journal, StoreError> {
    let damaged = |line: u64, problem: Problem| StoreError::Damaged {
        path: path.to_owned(),
        line,
        expected: problem.expected,
        found: problem.found,
    };
    let (header, genesis, mut offset) =
        parse_header(bytes).map_err(|problem| damaged(1, problem))?;
    let mut entries = Vec::new();
    let mut prev = genesis;
    let mut torn_tail = None;
    while offset < bytes.len() {
        let seq = entries.len() as u64 + 1;
        let rest = &bytes[offset..];
        let end = rest.iter().position(|byte| *byte == b'\n');
        let problem = match end {
            None => Problem::new("a line break at the end", "the end of the file"),
            Some(end) => match parse_line(&rest[..end], seq, &prev) {
                Ok((entry, hash)) => {
                    entries.push(entry);
                    prev = hash;
                    offset += end + 1;
                    continue;
                }
                Err(problem) => problem,
            },
        };
        // Only lost writes can leave this: a line without an end, or zeros where a write did not reach the disk.
        let torn = end.is_none_or(|end| rest[..end].contains(&0));
        if !torn || acknowledged_later(rest, seq) {
            return Err(damaged(seq + 1, problem));
        }
        torn_tail = Some(TornTail {
            offset: offset as u64,
            len: rest.len() as u64,
            reason: format!("expected {}, found {}", problem.expected, problem.found),
        });
        break;
    }
    Ok(Journal {
        header,
        genesis: hex(&genesis),
        entries,
        torn_tail,
    })
}

/// Whether a whole line after a broken one was written when the broken one was already safely on disk.
fn acknowledged_later(rest: &[u8], broken: u64) -> bool {
    rest.split(|byte| *byte == b'\n').any(|piece| {
        // Zeros may have swallowed line breaks; no whole line has a zero in it.
        let start = piece.iter().rposition(|byte| *byte == 0);
        let line = &piece[start.map_or(0, |at| at + 1)..];
        covered(line).is_ok() && synced_of(line).is_some_and(|synced| synced >= broken)
    })
}

fn synced_of(line: &[u8]) -> Option<u64> {
    let mut fields = Fields { rest: line };
    fields.number(b"{\"seq\":").ok()?;
    fields.hash(b",\"prev\":\"").ok()?;
    fields.number(b"\",\"synced\":").ok()
}

struct Problem {
    expected: String,
    found: String,
}

impl Problem {
    fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            found: found.into(),
        }
    }
}

/// Checks the line's own hash; gives the bytes it covers and the hash.
fn covered(line: &[u8]) -> Result<(&[u8], Hash), Problem> {
    let form = || {
        Problem::new(
            "a line that ends in its own hash",
            format!("`{}`", shown(line)),
        )
    };
    if line.len() <= SUFFIX_LEN {
        return Err(form());
    }
    let (body, suffix) = line.split_at(line.len() - SUFFIX_LEN);
    let digits = suffix
        .strip_prefix(HASH_FIELD)
        .and_then(|rest| rest.strip_suffix(LINE_END))
        .ok_or_else(form)?;
    let hash = sha256(body);
    let hash_hex = hex(&hash);
    if digits != hash_hex.as_bytes() {
        return Err(Problem::new(
            format!("the hash {}", shown(digits)),
            format!("a line that hashes to {hash_hex}"),
        ));
    }
    Ok((body, hash))
}

fn parse_line(line: &[u8], seq: u64, prev: &Hash) -> Result<(Entry, Hash), Problem> {
    let (body, hash) = covered(line)?;
    let mut fields = Fields { rest: body };
    let found_seq = fields.number(b"{\"seq\":")?;
    if found_seq != seq {
        return Err(Problem::new(
            format!("seq {seq}"),
            format!("seq {found_seq}"),
        ));
    }
    let found_prev = fields.hash(b",\"prev\":\"")?;
    let prev = hex(prev);
    if found_prev != prev.as_bytes() {
        return Err(Problem::new(
            format!("prev {prev}"),
            format!("prev {}", shown(found_prev)),
        ));
    }
    let synced = fields.number(b"\",\"synced\":")?;
    if synced >= seq {
        return Err(Problem::new(
            format!("synced below {seq}"),
            format!("synced {synced}"),
        ));
    }
    let at = fields.instant(b",\"at\":\"")?;
    fields.literal(b"\",\"event\":")?;
    check_event(fields.rest)
        .map_err(|error| Problem::new("an event in strict JSON", error.to_string()))?;
    let event = std::str::from_utf8(fields.rest)
        .map_err(|_| Problem::new("UTF-8", "other bytes"))?
        .to_owned();
    let entry = Entry {
        seq,
        at,
        event,
        hash: hex(&hash),
    };
    Ok((entry, hash))
}

fn parse_header(bytes: &[u8]) -> Result<(Header, Hash, usize), Problem> {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or_else(|| Problem::new("a header line", "the end of the file"))?;
    let (body, hash) = covered(&bytes[..end])?;
    let mut fields = Fields { rest: body };
    let kind = fields.word(b"{\"gonogo\":\"")?;
    let version = fields.number(b"\",\"version\":")?;
    if version != VERSION {
        return Err(Problem::new(
            format!("version {VERSION}"),
            format!("version {version}"),
        ));
    }
    fields.literal(b",\"about\":")?;
    check_event(fields.rest)
        .map_err(|error| Problem::new("a header in strict JSON", error.to_string()))?;
    let about = std::str::from_utf8(fields.rest)
        .map_err(|_| Problem::new("UTF-8", "other bytes"))?
        .to_owned();
    Ok((Header { kind, about }, hash, end + 1))
}

/// A reader that accepts exactly one spelling of each field.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn literal(&mut self, literal: &[u8]) -> Result<(), Problem> {
        self.rest = self.rest.strip_prefix(literal).ok_or_else(|| {
            Problem::new(
                format!("`{}`", shown(literal)),
                format!("`{}`", shown(self.rest)),
            )
        })?;
        Ok(())
    }

    fn until(&mut self, accepts: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self
            .rest
            .iter()
            .position(|byte| !accepts(*byte))
            .unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn number(&mut self, before: &[u8]) -> Result<u64, Problem> {
        self.literal(before)?;
        let digits = self.until(|byte| byte.is_ascii_digit());
        let text = std::str::from_utf8(digits).unwrap_or_default();
        match text.parse::<u64>() {
            Ok(number) if text == number.to_string() => Ok(number),
            _ => Err(Problem::new("a plain number", format!("`{text}`"))),
        }
    }

    fn hash(&mut self, before: &[u8]) -> Result<&'a [u8], Problem> {
        self.literal(before)?;
        let digits = self.until(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if digits.len() == 64 {
            Ok(digits)
        } else {
            Err(Problem::new(
                "64 hex digits",
                format!("`{}`", shown(digits)),
            ))
        }
    }

    fn word(&mut self, before: &[u8]) -> Result<String, Problem> {
        self.literal(before)?;
        let letters = self.until(|byte| byte.is_ascii_lowercase());
        if letters.is_empty() {
            return Err(Problem::new("a word", format!("`{}`", shown(self.rest))));
        }
        Ok(shown(letters))
    }

    fn instant(&mut self, before: &[u8]) -> Result<DateTime<Utc>, Problem> {
        self.literal(before)?;
        let text = shown(self.until(|byte| byte != b'"'));
        match DateTime::parse_from_rfc3339(&text) {
            Ok(at) if instant_text(at.to_utc()) == text => Ok(at.to_utc()),
            _ => Err(Problem::new(
                "an instant in UTC with microseconds",
                format!("`{text}`"),
            )),
        }
    }
}

/// The beginning of bytes for a message, made harmless.
fn shown(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(80)];
    start.escape_ascii().to_string().replace("\\\"", "\"")
}

fn instant_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The header line, with its line break, and its hash.
pub(super) fn encode_header(
    kind: &str,
    about: &RedactedBytes,
) -> Result<(Vec<u8>, Hash), StoreError> {
    check_event(about.as_bytes())?;
    let mut line = format!("{{\"gonogo\":\"{kind}\",\"version\":{VERSION},\"about\":").into_bytes();
    line.extend_from_slice(about.as_bytes());
    let hash = close_line(&mut line, 0);
    Ok((line, hash))
}

/// What a line says besides its event.
pub(super) struct Place {
    pub(super) seq: u64,
    pub(super) prev: Hash,
    pub(super) synced: u64,
    pub(super) at: DateTime<Utc>,
}

/// Adds a line with its line break to `out`; gives its hash.
pub(super) fn encode_line(
    out: &mut Vec<u8>,
    place: &Place,
    event: &RedactedBytes,
) -> Result<Hash, StoreError> {
    let event = event.as_bytes();
    if event.len() > MAX_LINE {
        return Err(StoreError::TooLarge {
            what: "an event".into(),
            len: event.len() as u64,
            at_most: MAX_LINE as u64,
        });
    }
    check_event(event)?;
    let start = out.len();
    out.extend_from_slice(b"{\"seq\":");
    out.extend_from_slice(place.seq.to_string().as_bytes());
    out.extend_from_slice(b",\"prev\":\"");
    push_hex(out, &place.prev);
    out.extend_from_slice(b"\",\"synced\":");
    out.extend_from_slice(place.synced.to_string().as_bytes());
    out.extend_from_slice(b",\"at\":\"");
    out.extend_from_slice(instant_text(place.at).as_bytes());
    out.extend_from_slice(b"\",\"event\":");
    out.extend_from_slice(event);
    Ok(close_line(out, start))
}

fn close_line(out: &mut Vec<u8>, start: usize) -> Hash {
    let hash = sha256(&out[start..]);
    out.extend_from_slice(HASH_FIELD);
    push_hex(out, &hash);
    out.extend_from_slice(LINE_END);
    out.push(b'\n');
    hash
}

pub(super) fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len() * 2);
    push_hex(&mut out, bytes);
    String::from_utf8(out).expect("hex digits are ASCII")
}

/// The hash a hex text stands for.
pub(super) fn unhex(text: &str) -> Option<Hash> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(hash)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
