//! Masks secrets in bytes that arrive in chunks.

use std::borrow::Cow;

use super::{Hit, Redactor, search};

/// Gives out what is surely free of secrets and holds back what may be the beginning of one.
pub struct StreamRedactor<'a> {
    redactor: &'a Redactor,
    held: Vec<u8>,
    /// Bytes that have left `held`.
    passed: usize,
    hits: Vec<Hit>,
    /// The stream began like a compressed one: it can only be looked into as a whole.
    is_packed: bool,
}

/// The least that is held back: room for terminal codes between characters.
const HELD_MIN: usize = 4096;
/// A compressed stream is held back whole up to this size.
const PACKED_MAX: usize = 32 << 20;
/// Bytes that may stand in the middle of an encoded character: no cut after them.
const RESTLESS: &[u8] = b"\\%&=+\x1b\xc2\xe2\xef\r\n";

impl<'a> StreamRedactor<'a> {
    pub(super) fn new(redactor: &'a Redactor) -> Self {
        Self {
            redactor,
            held: Vec::new(),
            passed: 0,
            hits: Vec::new(),
            is_packed: false,
        }
    }

    /// Takes a chunk; gives back what may be written.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        if self.redactor.is_empty() {
            return chunk.to_vec();
        }
        if self.passed == 0 {
            self.is_packed = looks_packed(&self.held, chunk);
        }
        self.held.extend_from_slice(chunk);
        let reach = self.redactor.index().reach().max(HELD_MIN);
        let limit = if self.is_packed {
            PACKED_MAX
        } else {
            2 * reach
        };
        if self.held.len() < limit.max(2 * reach) {
            return Vec::new();
        }
        let found = self.redactor.index().search(&self.held);
        let cut = safe_cut(&self.held, self.held.len() - reach, &found);
        let before: Vec<_> = found.into_iter().filter(|f| f.end <= cut).collect();
        self.hits.extend(
            before
                .iter()
                .filter_map(|f| self.redactor.hit_of(f, self.passed)),
        );
        let out = self.redactor.apply(&self.held[..cut], &before);
        self.held.drain(..cut);
        self.passed += cut;
        out
    }

    /// Gives back the rest, and every secret that was masked since the beginning.
    pub fn finish(mut self) -> (Vec<u8>, Vec<Hit>) {
        let (rest, found) = if self.passed == 0 {
            self.redactor.redact_bytes(&self.held)
        } else {
            let mut found = self.redactor.index().search(&self.held);
            if std::str::from_utf8(&self.held).is_ok() {
                search::widen_to_chars(&mut found, &self.held);
            }
            let hits = found
                .iter()
                .filter_map(|f| self.redactor.hit_of(f, 0))
                .collect();
            (Cow::Owned(self.redactor.apply(&self.held, &found)), hits)
        };
        let passed = self.passed;
        self.hits.extend(found.into_iter().map(|hit| Hit {
            offset: hit.offset + passed,
            ..hit
        }));
        (rest.into_owned(), self.hits)
    }
}

fn looks_packed(held: &[u8], chunk: &[u8]) -> bool {
    let head: Vec<u8> = held.iter().chain(chunk).take(2).copied().collect();
    matches!(
        head.as_slice(),
        [0x1f, 0x8b] | [0x78, 0x01 | 0x5e | 0x9c | 0xda]
    )
}

/// The last place at or before `limit` that is in no secret and, where one is near, in no encoded character.
fn safe_cut(held: &[u8], limit: usize, found: &[search::Found]) -> usize {
    let is_restless = |at: usize| {
        held[at.saturating_sub(12)..at]
            .iter()
            .any(|b| RESTLESS.contains(b))
    };
    let calm = (limit.saturating_sub(HELD_MIN / 2)..=limit)
        .rev()
        .find(|at| !is_restless(*at));
    let mut cut = calm.unwrap_or(limit);
    while let Some(inside) = found.iter().find(|f| f.start < cut && cut < f.end) {
        cut = inside.start;
    }
    cut
}
