//! The smallest parts: names, numbers, escapes, and the hash by which series are told apart.

use std::borrow::Cow;

/// May begin a label name.
pub(super) const LABEL_START: u8 = 1;
/// May follow in a label name.
pub(super) const LABEL: u8 = 2;
/// May begin a metric name.
pub(super) const METRIC_START: u8 = 4;
/// May follow in a metric name.
pub(super) const METRIC: u8 = 8;

/// What each byte may be in a name.
static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphabetic() || b == b'_' {
            table[byte] = LABEL_START | LABEL | METRIC_START | METRIC;
        } else if b == b':' {
            table[byte] = METRIC_START | METRIC;
        } else if b.is_ascii_digit() {
            table[byte] = LABEL | METRIC;
        }
        byte += 1;
    }
    table
}

/// Whether a byte is of a class.
pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASS[usize::from(byte)] & class != 0
}

/// How many bytes at the beginning form a name; 0 where none begins there.
pub(super) fn name_len(bytes: &[u8], start: u8, rest: u8) -> usize {
    match bytes.first() {
        Some(first) if is(*first, start) => bytes
            .iter()
            .position(|b| !is(*b, rest))
            .unwrap_or(bytes.len()),
        _ => 0,
    }
}

/// A value: a number, `NaN`, `+Inf`, `-Inf`. A finite number too large for a double is none.
pub(super) fn number(token: &[u8]) -> Option<f64> {
    // Counts are most of what is exposed: up to 15 digits are exact in a double.
    if token.len() <= 15 && !token.is_empty() {
        let mut whole = 0u64;
        let mut digits = true;
        for byte in token {
            let digit = byte.wrapping_sub(b'0');
            digits &= digit <= 9;
            whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
        if digits {
            return Some(whole as f64);
        }
    }
    let text = std::str::from_utf8(token).ok()?;
    let value: f64 = text.parse().ok()?;
    let spelled = token.iter().any(|b| matches!(b, b'n' | b'N'));
    (value.is_finite() || spelled).then_some(value)
}

/// Takes the escapes off a label value or a help text: `\\`, `\"`, `\n`. Others stand for themselves.
pub(super) fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some(escaped @ ('\\' | '"')) => out.push(escaped),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    Cow::Owned(out)
}

const K0: u64 = 0xa076_1d64_78bd_642f;
const K1: u64 = 0xe703_7ed1_a0b4_28db;

/// Folds one word into a hash.
pub(super) fn fold(hash: u64, word: u64) -> u64 {
    let wide = u128::from(hash ^ word ^ K0) * u128::from(word.rotate_left(32) ^ K1);
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// The hash of some bytes.
pub(super) fn hash(bytes: &[u8], seed: u64) -> u64 {
    let mut out = seed;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        out = fold(out, word(chunk));
    }
    let rest = chunks.remainder();
    fold(out, word(rest) ^ ((rest.len() as u64) << 56))
}

/// Up to eight bytes as a number, the first the lowest.
fn word(bytes: &[u8]) -> u64 {
    match bytes.try_into() {
        Ok(eight) => u64::from_le_bytes(eight),
        Err(_) => bytes
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Where a label value ends that has no escape, and its hash; the offset of the first byte that is `"`, `\` or a line
/// feed. `None` where the text ends first.
pub(super) fn plain_value(bytes: &[u8], seed: u64) -> Option<(usize, u64)> {
    let mut out = seed;
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = word(chunk);
        let stop = holds(word, b'"') | holds(word, b'\\') | holds(word, b'\n');
        if stop != 0 {
            let before = stop.trailing_zeros() / 8;
            let kept = word & !(u64::MAX << (before * 8));
            return Some((
                at + before as usize,
                fold(out, kept ^ (u64::from(before) << 56)),
            ));
        }
        out = fold(out, word);
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let before = rest
        .iter()
        .position(|b| matches!(b, b'"' | b'\\' | b'\n'))?;
    Some((
        at + before,
        fold(out, word(&rest[..before]) ^ ((before as u64) << 56)),
    ))
}

/// The lowest set bit is the highest bit of the first byte that equals `byte`; zero where none does.
fn holds(word: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zeroed = word ^ (LOW * u64::from(byte));
    zeroed.wrapping_sub(LOW) & !zeroed & HIGH
}
