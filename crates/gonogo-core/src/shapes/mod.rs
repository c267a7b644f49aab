//! Finds what has the shape of a secret: tokens of known vendors, private keys, passwords in connection strings and
//! assignments, also behind layers of base64, hex and percent encoding.
//!
//! Over most bytes only the [`filter`] runs: it looks at three bytes of every two for the beginning of any rule. Around
//! its hits the rule's own shape is read, and entropy and placeholders are weighed last.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

mod allow;
mod assignment;
mod dsn;
mod filter;
mod layers;
mod part;
mod placeholder;
mod rules;
pub(crate) mod sampler;
mod special;

pub use allow::{Allow, AllowError};
pub use part::{Class, Part};
pub use rules::RULES;

use sampler::Sampler;

/// One kind of secret.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name in findings and allow-lists: `github-token`.
    pub id: &'static str,
    /// What it is, for a person.
    pub title: &'static str,
    /// What it looks like.
    pub shape: Shape,
}

/// What a kind of secret looks like.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Any of these sequences, standing alone.
    Tokens(&'static [&'static [Part]]),
    /// One of these keywords, then within a short distance on the same or the next line a run that stands alone:
    /// keywords in lower case, class, length.
    Near(&'static [&'static str], Class, usize),
    /// A JSON web token whose head names an algorithm.
    Jwt,
    /// A private key in a PEM, OpenSSH, PGP or PuTTY frame.
    PrivateKey,
    /// The key file of a Google service account.
    ServiceAccount,
    /// `scheme://user:password@host`.
    Dsn,
    /// A name that speaks of a secret, and a value: keywords in lower case (`_` also stands for `-` or nothing), kind.
    Assignment(&'static [&'static str], Named),
}

/// How much a name tells: the less it tells, the more the value must look like a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A password: people choose these.
    Password,
    /// A secret or token: machines make these.
    Secret,
    /// A key, which may be that of a map.
    Key,
}

impl Rule {
    /// Whether a match is a secret beyond doubt: false for what rests on a name beside it.
    pub fn is_certain(&self) -> bool {
        match self.shape {
            Shape::Tokens(_)
            | Shape::Jwt
            | Shape::PrivateKey
            | Shape::ServiceAccount
            | Shape::Dsn => true,
            Shape::Near(..) | Shape::Assignment(..) => false,
        }
    }
}

/// Something with the shape of a secret. It never holds the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The rule's name.
    pub rule: String,
    /// Where it was found, where that has a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Line, from 1.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
    /// Names the value without telling it: the beginning of a SHA-256 of rule and value, in hex.
    pub fingerprint: String,
    /// What it looks like, masked.
    pub excerpt: String,
    /// The encodings it stood in, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decoded_via: Vec<Layer>,
    /// The reason why it is allowed, where the allow-list names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
}

/// An encoding that was undone to find a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// base64 of either alphabet.
    Base64,
    /// Hexadecimal.
    Hex,
    /// Percent encoding.
    Url,
}

/// A secret's place in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// The name of the rule that it matches.
    pub rule: &'static str,
    /// Its first byte.
    pub start: usize,
    /// The secret itself.
    pub value: &'a [u8],
}

/// Looks for secrets by rules, and knows which are allowed.
#[derive(Clone, Debug)]
pub struct Scanner {
    rules: &'static [Rule],
    allow: Vec<Allow>,
    sampler: Sampler,
}

/// A match before it is told.
struct Match {
    rule: usize,
    /// Where it, or the layer around it, begins in the outermost bytes.
    at: usize,
    fingerprint: String,
    excerpt: String,
    layers: Vec<Layer>,
}

impl Scanner {
    /// A scanner for these rules, [`RULES`] as a rule.
    pub fn new(rules: &'static [Rule], allow: Vec<Allow>) -> Self {
        Self {
            rules,
            allow,
            sampler: filter::of_rules(rules),
        }
    }

    /// Adds to `out` what in `bytes` has the shape of a secret, in order of place. Allowed findings are there too and
    /// carry the reason. `path` names the bytes; it may be empty.
    pub fn scan(&self, path: &str, bytes: &[u8], out: &mut Vec<Finding>) {
        let mut matches = Vec::new();
        self.matches(path, bytes, 0, &[], &mut matches);
        if matches.is_empty() {
            return;
        }
        matches.sort_by_key(|m| (m.at, m.layers.len()));
        let mut lines = Lines::new(bytes);
        let first = out.len();
        for m in matches {
            let rule = self.rules[m.rule].id;
            let (line, column) = lines.position(m.at);
            let is_known = out[first..]
                .iter()
                .any(|f| f.rule == rule && f.fingerprint == m.fingerprint && f.line == line);
            if is_known {
                continue;
            }
            out.push(Finding {
                rule: rule.to_owned(),
                path: (!path.is_empty()).then(|| path.to_owned()),
                line,
                column,
                allowed: self.allowed(rule, path, &m.fingerprint),
                fingerprint: m.fingerprint,
                excerpt: m.excerpt,
                decoded_via: m.layers,
            });
        }
    }

    /// The secrets in bytes that are so beyond doubt, without looking behind encodings: what the redactor masks though
    /// nobody registered it.
    pub fn certain<'a>(&self, bytes: &'a [u8]) -> Vec<Span<'a>> {
        let mut found = Vec::new();
        self.plain_matches("", bytes, &mut found);
        found.retain(|f| self.rules[f.rule].is_certain());
        found
            .into_iter()
            .map(|f| Span {
                rule: self.rules[f.rule].id,
                start: f.start,
                value: &bytes[f.start..f.end],
            })
            .collect()
    }

    fn allowed(&self, rule: &str, path: &str, fingerprint: &str) -> Option<String> {
        let entry = self
            .allow
            .iter()
            .find(|entry| entry.covers(rule, path, fingerprint))?;
        Some(entry.reason().to_owned())
    }

    /// All matches in bytes and behind their encodings.
    fn matches(&self, path: &str, bytes: &[u8], at: usize, layers: &[Layer], out: &mut Vec<Match>) {
        let mut found = Vec::new();
        self.plain_matches(path, bytes, &mut found);
        for f in &found {
            let value = &bytes[f.start..f.end];
            let rule = &self.rules[f.rule];
            out.push(Match {
                rule: f.rule,
                at: if layers.is_empty() { f.start } else { at },
                fingerprint: fingerprint(rule.id, value),
                excerpt: excerpt(rule, bytes, f),
                layers: layers.to_vec(),
            });
        }
        if layers.len() >= layers::DEPTH {
            return;
        }
        layers::each(bytes, &mut |layer, start, end, decoded| {
            // A private key is base64 itself, a token's parts are: what was found is not looked into again.
            if found.iter().any(|f| f.start < end && start < f.end) {
                return;
            }
            let mut deeper = layers.to_vec();
            deeper.push(layer);
            let at = if layers.is_empty() { start } else { at };
            self.matches(path, decoded, at, &deeper, out);
        });
    }

    /// Matches in bytes as they are; where rules overlap, the one that says more stays.
    fn plain_matches(&self, path: &str, bytes: &[u8], out: &mut Vec<Found>) {
        let is_code = placeholder::is_source_code(path);
        self.sampler.scan(bytes, |rule, start| {
            if let Some((start, end)) = self.read(rule, bytes, start, is_code) {
                out.push(Found { rule, start, end });
            }
        });
        dsn::each(bytes, |start, end| {
            if let Some(rule) = self
                .rules
                .iter()
                .position(|r| matches!(r.shape, Shape::Dsn))
            {
                out.push(Found { rule, start, end });
            }
        });
        if out.len() < 2 {
            return;
        }
        out.sort_by_key(|f| (f.start, f.rule, f.end));
        out.dedup_by(|b, a| a.rule == b.rule && b.start < a.end);
        let all: Vec<Found> = out.clone();
        out.retain(|f| {
            !all.iter()
                .any(|other| other.rule < f.rule && other.start < f.end && f.start < other.end)
        });
    }

    /// Reads a rule's shape where its beginning was seen; gives the place of the secret in it.
    fn read(
        &self,
        rule: usize,
        bytes: &[u8],
        start: usize,
        is_code: bool,
    ) -> Option<(usize, usize)> {
        let (start, end) = match self.rules[rule].shape {
            Shape::Tokens(alternatives) => alternatives
                .iter()
                .find_map(|parts| part::read(parts, bytes, start))?,
            Shape::Near(keywords, class, len) => special::near(keywords, class, len, bytes, start)?,
            Shape::Jwt => special::jwt(bytes, start)?,
            Shape::PrivateKey => return special::private_key(bytes, start),
            Shape::ServiceAccount => return special::service_account(bytes, start),
            Shape::Assignment(keywords, named) => {
                return assignment::read(keywords, named, bytes, start, is_code);
            }
            Shape::Dsn => return None,
        };
        (!placeholder::is_stand_in(&bytes[start..end])).then_some((start, end))
    }
}

/// A rule's match in the bytes at hand.
#[derive(Clone, Copy)]
struct Found {
    rule: usize,
    start: usize,
    end: usize,
}

/// Shannon entropy of the bytes, in bits for the whole text.
pub(crate) fn shannon_bits(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let len = bytes.len() as f64;
    counts
        .iter()
        .filter(|n| **n > 0)
        .map(|n| f64::from(*n) * (len / f64::from(*n)).log2())
        .sum()
}

/// Salted by the rule, so that equal values under different rules are not linked.
fn fingerprint(rule: &str, value: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(rule.as_bytes());
    hash.update([0]);
    hash.update(value);
    hash.finalize()
        .iter()
        .take(8)
        .map(|b| format!("{b:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

/// What may be shown: the public beginning of a long value, never more.
fn excerpt(rule: &Rule, bytes: &[u8], found: &Found) -> String {
    const SHOWN: usize = 4;
    let value = &bytes[found.start..found.end];
    let shown = match rule.shape {
        Shape::PrivateKey => special::frame(value),
        Shape::ServiceAccount => Cow::Borrowed("service_account"),
        _ if value.len() >= 5 * SHOWN => String::from_utf8_lossy(&value[..SHOWN]),
        _ => Cow::Borrowed(""),
    };
    let plain: String = shown
        .chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .collect();
    format!("{plain}…")
}

/// Counts lines forward.
struct Lines<'a> {
    bytes: &'a [u8],
    line: u32,
    line_start: usize,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            line: 1,
            line_start: 0,
        }
    }

    /// Line and column of a place at or after the last one asked for.
    fn position(&mut self, at: usize) -> (u32, u32) {
        while let Some(end) = memchr::memchr(b'\n', &self.bytes[self.line_start..at]) {
            self.line_start += end + 1;
            self.line += 1;
        }
        (self.line, (at - self.line_start) as u32 + 1)
    }
}

#[cfg(test)]
mod tests;
