//! Single rules: help texts, quantiles, and when two samples are of one series.

use std::borrow::Cow;
use std::hash::Hasher;

use memchr::memchr;

use super::label::{self, LabelSet, Labels, Reader};
use super::line::{Cursor, Wrong, is_name_byte};
use super::number;

pub(super) fn check_help(cursor: Cursor<'_>, is_open: bool) -> Result<(), Wrong> {
    let mut at = cursor.at;
    while let Some(slash) = memchr(b'\\', &cursor.line[at..]) {
        at += slash;
        match cursor.line.get(at + 1) {
            Some(b'\\' | b'n') => at += 2,
            Some(b'"') if is_open => at += 2,
            _ => {
                return Err(Wrong::new(
                    at,
                    "only `\\\\` and `\\n` may follow a backslash in a help text",
                ));
            }
        }
    }
    Ok(())
}

pub(super) fn check_quantile(set: &LabelSet<'_>) -> Result<(), String> {
    let quantile = set
        .quantile
        .ok_or("a summary's sample needs the label `quantile`")?;
    match number::value(quantile) {
        Some(q) if (0.0..=1.0).contains(&q) => Ok(()),
        _ => Err("`quantile` is a number from 0 to 1".to_owned()),
    }
}

pub(super) fn sorted(labels: Labels<'_>) -> Vec<(&str, Cow<'_, str>)> {
    let mut all: Vec<_> = labels
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    all.sort();
    all
}

/// Whether a line that was read before is a sample of the series.
pub(super) fn is_series(line: &str, name: &str, labels: &[(&str, Cow<'_, str>)]) -> bool {
    let line = line.trim_start_matches([' ', '\t']);
    let Some(rest) = line.strip_prefix(name) else {
        return false;
    };
    if rest.bytes().next().is_none_or(is_name_byte) {
        return false;
    }
    let mut cursor = Cursor::new(rest.as_bytes());
    cursor.skip_blanks();
    if cursor.peek() != Some(b'{') {
        return labels.is_empty();
    }
    cursor.at += 1;
    Reader::default()
        .read(&mut cursor, usize::MAX)
        .is_ok_and(|set| sorted(Labels(&rest[set.place.0..set.place.1])) == labels)
}

/// The keys are hashes already.
#[derive(Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = label::bytes_hash(bytes);
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}
