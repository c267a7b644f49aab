//! Register, then use: every secret value is made known here before it is used, and everything that is written passes
//! here first. Whatever form a secret comes back in – raw, encoded, escaped, compressed, cut over chunks – it becomes
//! one constant mask, `[secret NAME]`, so that neither length nor encoding is told.
//!
//! How: a secret becomes needles (itself, its lines, its telling parts); each needle is written in every form that has
//! one spelling (base64, hex, UTF-16, …), and one automaton looks for all of them at once. Forms with many spellings
//! (percent, JSON and C escapes, entities, quoted-printable, ANSI codes in between, wrapped lines) are undone into a
//! *view* that remembers where each byte came from, and the same automaton looks there.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

mod entities;
mod forms;
mod needles;
mod packed;
mod sealed;
mod search;
mod secret;
mod stream;
mod undo;
mod view;
mod walk;

pub use sealed::{Redactable, Redacted};
pub use secret::Secret;
pub use stream::StreamRedactor;

use needles::Needle;
use search::{Found, Index};

/// A secret that was found and masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The secret's name.
    pub name: String,
    /// In which form it stood there: `raw`, `base64`, `percent`, …
    pub encoding: &'static str,
    /// The first byte of the form in what was given.
    pub offset: usize,
}

/// What registering a secret led to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Registered {
    /// Why the secret is only masked where a whole value equals it, for the person who chose it.
    pub warning: Option<String>,
}

/// Knows a set of secrets and masks them.
#[derive(Clone, Default)]
pub struct Redactor {
    names: Vec<String>,
    needles: Vec<Needle>,
    /// Too short or too plain to be looked for inside other text.
    weak: Vec<(usize, String)>,
    index: OnceLock<Index>,
}

/// Above this, input is looked through piecewise: offsets in views are 32 bits wide.
const PIECE: usize = 4 << 20;
/// A mask never makes a new hit in practice; the bound is there so that nobody can make this loop.
const PASSES: usize = 4;

impl Redactor {
    /// Knows no secret yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a secret known under a name. Known parts of it are registered with it: its lines, the password of a URL or
    /// connection string, the signature of a token, the secret members of a JSON document.
    ///
    /// A value under eight characters or of low entropy would blot out ordinary text: it is masked only where it is a
    /// whole value, and the answer carries a warning that says so.
    pub fn register(&mut self, name: &str, value: &str) -> Registered {
        let value = value.trim();
        if value.is_empty() {
            let warning = Some(format!(
                "secret `{name}` is empty: there is nothing to mask"
            ));
            return Registered { warning };
        }
        let at = self.name_index(name);
        self.index = OnceLock::new();
        if let Some(why) = needles::weakness(value) {
            if !self.weak.iter().any(|(_, known)| known == value) {
                self.weak.push((at, value.to_owned()));
            }
            return Registered {
                warning: Some(format!(
                    "secret `{name}` {why}: it is masked only where a whole value equals it; use a longer, random one"
                )),
            };
        }
        for needle in needles::of_secret(at, value) {
            if !self.needles.iter().any(|known| known.bytes == needle.bytes) {
                self.needles.push(needle);
            }
        }
        for part in needles::weak_parts(value) {
            if !self.weak.iter().any(|(_, known)| *known == part) {
                self.weak.push((at, part));
            }
        }
        Registered { warning: None }
    }

    /// Whether no secret is known: then everything passes unchanged.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty() && self.weak.is_empty()
    }

    /// Masks every secret in bytes. Borrowed when there was none.
    pub fn redact_bytes<'a>(&self, bytes: &'a [u8]) -> (Cow<'a, [u8]>, Vec<Hit>) {
        if self.is_empty() {
            return (Cow::Borrowed(bytes), Vec::new());
        }
        if bytes.len() > PIECE {
            return self.redact_large(bytes);
        }
        self.redact_piece(bytes, false)
    }

    /// Masks every secret in text. Borrowed when there was none.
    pub fn redact_str<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.redact_text(text).0
    }

    /// Masks every secret in text and says which were there.
    pub fn redact_text<'a>(&self, text: &'a str) -> (Cow<'a, str>, Vec<Hit>) {
        if self.is_empty() {
            return (Cow::Borrowed(text), Vec::new());
        }
        let (masked, hits) = if text.len() > PIECE {
            self.redact_large(text.as_bytes())
        } else {
            self.redact_piece(text.as_bytes(), true)
        };
        let masked = match masked {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(broken) => String::from_utf8_lossy(broken.as_bytes()).into_owned(),
            }),
        };
        (masked, hits)
    }

    /// Takes off the end of a masked text that was cut at a cap, as far as a secret that the cap cut in two could reach:
    /// of the half that is left nobody could tell in which form it is.
    pub fn trim_cut(&self, text: &mut String) {
        if self.needles.is_empty() {
            return;
        }
        let mut end = text.len().saturating_sub(self.index().reach());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }

    /// A redactor for bytes that arrive in chunks; a secret cut by a border is still found.
    pub fn stream(&self) -> StreamRedactor<'_> {
        StreamRedactor::new(self)
    }

    /// The mask of a secret.
    fn mask(&self, secret: usize) -> &str {
        self.index().mask(secret)
    }

    fn index(&self) -> &Index {
        self.index
            .get_or_init(|| Index::new(&self.names, &self.needles))
    }

    fn name_index(&mut self, name: &str) -> usize {
        if let Some(at) = self.names.iter().position(|known| known == name) {
            return at;
        }
        self.names.push(name.to_owned());
        self.names.len() - 1
    }

    fn redact_large<'a>(&self, bytes: &'a [u8]) -> (Cow<'a, [u8]>, Vec<Hit>) {
        let mut stream = self.stream();
        let mut out = Vec::with_capacity(bytes.len());
        for chunk in bytes.chunks(PIECE / 16) {
            out.extend_from_slice(&stream.push(chunk));
        }
        let (tail, hits) = stream.finish();
        out.extend_from_slice(&tail);
        (Cow::Owned(out), hits)
    }

    fn redact_piece<'a>(&self, bytes: &'a [u8], is_text: bool) -> (Cow<'a, [u8]>, Vec<Hit>) {
        if let Some(secret) = self.whole_value(bytes) {
            let hit = Hit {
                name: self.names[secret].clone(),
                encoding: "whole value",
                offset: 0,
            };
            return (Cow::Owned(self.mask(secret).as_bytes().to_vec()), vec![hit]);
        }
        let mut out = Cow::Borrowed(bytes);
        let mut hits = Vec::new();
        for _ in 0..PASSES {
            let mut found = self.index().search(&out);
            if found.is_empty() {
                break;
            }
            if is_text {
                search::widen_to_chars(&mut found, &out);
            }
            hits.extend(found.iter().filter_map(|f| self.hit_of(f, 0)));
            out = Cow::Owned(self.apply(&out, &found));
        }
        if is_text {
            let begun = self.index().begun(&out);
            if !begun.is_empty() {
                out = Cow::Owned(self.apply(&out, &begun));
            }
        }
        (out, hits)
    }

    /// The weak secret that the whole input equals.
    fn whole_value(&self, bytes: &[u8]) -> Option<usize> {
        let trimmed = bytes.trim_ascii();
        let known = self
            .weak
            .iter()
            .find(|(_, value)| value.as_bytes() == trimmed)?;
        Some(known.0)
    }

    /// What is told of a found secret; nothing of a part that could not be looked into.
    fn hit_of(&self, found: &Found, passed: usize) -> Option<Hit> {
        Some(Hit {
            name: self.names.get(found.secret)?.clone(),
            encoding: found.encoding,
            offset: passed + found.start,
        })
    }

    /// Replaces sorted, disjoint ranges by their masks.
    fn apply(&self, bytes: &[u8], found: &[Found]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut from = 0;
        for f in found {
            out.extend_from_slice(&bytes[from..f.start]);
            out.extend_from_slice(self.mask(f.secret).as_bytes());
            from = f.end;
        }
        out.extend_from_slice(&bytes[from..]);
        out
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
