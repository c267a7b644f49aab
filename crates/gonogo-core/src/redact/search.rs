//! Finds secrets in bytes: in the bytes themselves, in what is packed in them, and in every view of them.

use super::forms::{self, Margin};
use super::needles::Needle;
use super::packed;
use super::undo::{ALL, Undo, is_digit, undo};
use super::view::{Text, View};
use crate::shapes::sampler::{AS_IS, Sampler, rarest};

/// Where a secret stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) secret: usize,
    pub(super) encoding: &'static str,
}

/// What to look for, ready to be used.
#[derive(Clone)]
pub(super) struct Index {
    sampler: Sampler,
    /// By the sampler's ids.
    known: Vec<Known>,
    masks: Vec<String>,
    /// How many bytes of source a secret may be spread over in a view.
    reach: usize,
    /// The kinds of encoding that matter for what is looked for.
    kinds: Vec<Undo>,
    /// Length of the shortest needle.
    shortest: usize,
}

#[derive(Clone)]
struct Known {
    /// What stands there.
    bytes: Vec<u8>,
    secret: usize,
    encoding: &'static str,
    margin: Margin,
}

/// Stands for no secret: a part that could not be looked into.
pub(super) const UNSEEN: usize = usize::MAX;
const UNSEEN_MASK: &str = "[compressed, too large to look into]";
/// Encodings inside encodings inside encodings are looked through.
const DEPTH: usize = 3;
/// Views of the third layer together are at most so many times the source, so that nobody can make this slow.
const BUDGET_FACTOR: usize = 24;
const BUDGET_FLOOR: usize = 1 << 16;
/// The longest spelling of a byte, such as `&#x0000041;` or `\\\\u0041`.
const LONGEST_SPELLING: usize = 14;

impl Index {
    pub(super) fn new(names: &[String], needles: &[Needle]) -> Self {
        let mut sampler = Sampler::new(AS_IS);
        let mut known = Vec::new();
        for needle in needles {
            for form in forms::of_needle(needle) {
                let Some(at) = rarest(&form.bytes) else {
                    continue;
                };
                let b = &form.bytes[at..];
                sampler.insert([b[0], b[1], b[2], b[3]], known.len(), at);
                known.push(Known {
                    bytes: form.bytes,
                    secret: needle.secret,
                    encoding: form.encoding,
                    margin: form.margin,
                });
            }
        }
        let lengths = || needles.iter().map(|n| n.bytes.len());
        let has_blanks = needles
            .iter()
            .any(|n| n.bytes.iter().any(|b| matches!(b, b' ' | b'\t')));
        let kinds = ALL
            .into_iter()
            .filter(|kind| has_blanks || !matches!(kind, Undo::Folded | Undo::Form));
        Self {
            sampler,
            kinds: kinds.collect(),
            known,
            masks: names.iter().map(|name| mask(name)).collect(),
            reach: lengths().max().unwrap_or(0) * LONGEST_SPELLING + 128,
            shortest: lengths().min().unwrap_or(usize::MAX),
        }
    }

    /// The beginnings of secrets that stand before an ellipsis: text that was shortened before it came here.
    pub(super) fn begun(&self, text: &[u8]) -> Vec<Found> {
        const ELLIPSIS: &[u8] = "…".as_bytes();
        /// Fewer characters tell too little, and stand at the end of many a word.
        const LEAST: usize = 6;
        let mut found = Vec::new();
        let mut from = 0;
        for end in memchr::memmem::find_iter(text, ELLIPSIS) {
            let before = &text[from..end];
            let begins = |known: &Known| {
                let longest = known.bytes.len().saturating_sub(1).min(before.len());
                let mut lengths = (LEAST..=longest).rev();
                lengths.find(|length| before.ends_with(&known.bytes[..*length]))
            };
            let longest = self
                .known
                .iter()
                .filter_map(|known| Some((begins(known)?, known)))
                .max_by_key(|(length, _)| *length);
            if let Some((length, known)) = longest {
                found.push(Found {
                    start: end - length,
                    end,
                    secret: known.secret,
                    encoding: known.encoding,
                });
            }
            from = end + ELLIPSIS.len();
        }
        found
    }

    pub(super) fn mask(&self, secret: usize) -> &str {
        self.masks.get(secret).map_or(UNSEEN_MASK, String::as_str)
    }

    pub(super) fn reach(&self) -> usize {
        self.reach
    }

    /// All places where a secret stands, sorted and apart from each other.
    pub(super) fn search(&self, bytes: &[u8]) -> Vec<Found> {
        if self.known.is_empty() || bytes.len() < self.shortest {
            return Vec::new();
        }
        let mut found = Vec::new();
        self.look_at(bytes, None, "raw", &mut found);
        packed::search(self, bytes, &mut found);
        self.search_views(bytes, &mut found);
        if found.is_empty() {
            return found;
        }
        self.drop_masks(bytes, &mut found);
        let mut found = merge(found);
        for f in &mut found {
            keep_escapes_whole(bytes, f);
        }
        merge(found)
    }

    /// Whether any secret stands in bytes or in a view of them, and which.
    pub(super) fn first_in(&self, bytes: &[u8]) -> Option<usize> {
        let mut found = Vec::new();
        self.look_at(bytes, None, "raw", &mut found);
        if found.is_empty() {
            self.search_views(bytes, &mut found);
        }
        found.first().map(|f| f.secret)
    }

    /// Looks first without origins, which is cheap, and again with them only where something is to be found.
    fn search_views(&self, bytes: &[u8], found: &mut Vec<Found>) {
        let mut budget = bytes.len() * BUDGET_FACTOR + BUDGET_FLOOR;
        let outer = Layer {
            kinds: &self.kinds,
            depth: 1,
        };
        if self.is_in_views(bytes, &outer, &mut budget) {
            budget = bytes.len() * BUDGET_FACTOR + BUDGET_FLOOR;
            self.find_in_views(bytes, None, None, &outer, &mut budget, found);
        }
    }

    fn is_in_views(&self, source: &[u8], layer: &Layer, budget: &mut usize) -> bool {
        layer.kinds.iter().any(|kind| {
            let Some(Text(text)) = undo::<Text>(*kind, source, self.reach, self.shortest) else {
                return false;
            };
            let is_here = self.is_in(&text);
            is_here
                || layer
                    .under(*kind, text.len(), budget)
                    .is_some_and(|l| self.is_in_views(&text, &l, budget))
        })
    }

    /// Every match of every view. The outermost encoding gives the match its name.
    fn find_in_views(
        &self,
        source: &[u8],
        parent: Option<&View>,
        name: Option<&'static str>,
        layer: &Layer,
        budget: &mut usize,
        found: &mut Vec<Found>,
    ) {
        for kind in layer.kinds {
            let Some(view) = undo::<View>(*kind, source, self.reach, self.shortest) else {
                continue;
            };
            let view = view.through(parent);
            let name = name.unwrap_or(kind.name());
            self.look_at(view.bytes(), Some(&view), name, found);
            if let Some(under) = layer.under(*kind, view.bytes().len(), budget) {
                self.find_in_views(view.bytes(), Some(&view), Some(name), &under, budget, found);
            }
        }
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let mut is_here = false;
        self.sampler.scan(bytes, |id, at| {
            is_here |= bytes[at..].starts_with(&self.known[id].bytes);
        });
        is_here
    }

    fn look_at(
        &self,
        bytes: &[u8],
        view: Option<&View>,
        name: &'static str,
        found: &mut Vec<Found>,
    ) {
        self.sampler.scan(bytes, |id, at| {
            let known = &self.known[id];
            if !bytes[at..].starts_with(&known.bytes) {
                return;
            }
            let (start, end) = widen(bytes, at, at + known.bytes.len(), known.margin);
            let (start, end) = view.map_or((start, end), |view| view.origin(start, end));
            found.push(Found {
                start,
                end,
                secret: known.secret,
                encoding: if known.encoding == "raw" {
                    name
                } else {
                    known.encoding
                },
            });
        });
    }

    /// A secret whose text occurs in a mask (a password that equals its name) is not masked inside masks again.
    fn drop_masks(&self, bytes: &[u8], found: &mut Vec<Found>) {
        let masks: Vec<(usize, usize)> = memchr::memmem::find_iter(bytes, b"[secret ")
            .filter_map(|at| {
                let mask = self
                    .masks
                    .iter()
                    .find(|m| bytes[at..].starts_with(m.as_bytes()))?;
                Some((at, at + mask.len()))
            })
            .collect();
        found.retain(|f| {
            !masks
                .iter()
                .any(|(start, end)| *start <= f.start && f.end <= *end)
        });
    }
}

/// Which kinds are undone next.
struct Layer<'a> {
    kinds: &'a [Undo],
    depth: usize,
}

impl Layer<'_> {
    /// What is undone under a view of that kind and size. Two layers are always looked through, more while the budget
    /// lasts.
    fn under(&self, kind: Undo, len: usize, budget: &mut usize) -> Option<Layer<'static>> {
        if self.depth >= DEPTH {
            return None;
        }
        if self.depth > 1 {
            *budget = budget.checked_sub(len)?;
        }
        Some(Layer {
            kinds: kind.inner(),
            depth: self.depth + 1,
        })
    }
}

/// The one mask of a secret. A name is the plan's, but it stands inside JSON, XML and pages.
fn mask(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    format!("[secret {name}]")
}

fn widen(bytes: &[u8], start: usize, end: usize, margin: Margin) -> (usize, usize) {
    match margin {
        Margin::None => (start, end),
        Margin::Utf16 => {
            let start = start - usize::from(start > 0 && bytes[start - 1] == 0);
            (start, end + usize::from(bytes.get(end) == Some(&0)))
        }
        Margin::Base64(before, after) => {
            let lead = bytes[..start]
                .iter()
                .rev()
                .take(before)
                .take_while(|b| is_digit(**b))
                .count();
            let tail = bytes[end..]
                .iter()
                .take(after)
                .take_while(|b| is_digit(**b))
                .count();
            let end = end + tail;
            let padding = bytes[end..]
                .iter()
                .take(2)
                .take_while(|b| **b == b'=')
                .count();
            (start - lead, end + padding)
        }
    }
}

/// Overlapping places become one, named by the longer.
pub(super) fn merge(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|f| (f.start, std::cmp::Reverse(f.end), f.secret));
    let mut out: Vec<Found> = Vec::with_capacity(found.len());
    for f in found {
        match out.last_mut() {
            Some(last) if f.start < last.end => {
                if f.end - f.start > last.end - last.start {
                    last.secret = f.secret;
                    last.encoding = f.encoding;
                }
                last.end = last.end.max(f.end);
            }
            _ => out.push(f),
        }
    }
    out
}

/// Masking half of an escape would leave text that JSON cannot hold: `\nSECRET` where the secret begins with `n`.
fn keep_escapes_whole(bytes: &[u8], found: &mut Found) {
    let slashes = |upto: usize| {
        bytes[..upto]
            .iter()
            .rev()
            .take_while(|b| **b == b'\\')
            .count()
    };
    if slashes(found.start) % 2 == 1 {
        found.start -= 1;
    }
    if slashes(found.end) % 2 == 1 && found.end < bytes.len() {
        found.end += 1;
    }
}

/// Lets no place begin or end inside a character.
pub(super) fn widen_to_chars(found: &mut Vec<Found>, bytes: &[u8]) {
    let is_inside = |at: usize| bytes.get(at).is_some_and(|b| b & 0xc0 == 0x80);
    for f in &mut *found {
        while is_inside(f.start) {
            f.start -= 1;
        }
        while is_inside(f.end) {
            f.end += 1;
        }
    }
    *found = merge(std::mem::take(found));
}
