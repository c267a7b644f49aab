//! Finds secrets in bytes: in the bytes themselves, in what is packed in them, and in every view of them.

use aho_corasick::{AhoCorasick, MatchKind};

use super::forms::{self, Margin};
use super::needles::Needle;
use super::packed;
use super::undo::{ALL, Undo, is_digit, undo};
use super::view::View;

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
    automaton: AhoCorasick,
    /// Per pattern.
    known: Vec<Known>,
    masks: Vec<String>,
    /// How many bytes of source a secret may be spread over in a view.
    reach: usize,
    /// The kinds of encoding that matter for what is looked for.
    kinds: Vec<Undo>,
    /// Length of the shortest needle.
    shortest: usize,
}

#[derive(Clone, Copy)]
struct Known {
    secret: usize,
    encoding: &'static str,
    margin: Margin,
}

/// Stands for no secret: a part that could not be looked into.
pub(super) const UNSEEN: usize = usize::MAX;
const UNSEEN_MASK: &str = "[compressed, too large to look into]";
/// Encodings inside encodings inside encodings are looked through.
const DEPTH: usize = 3;
/// All views of a source together are at most so many times its size, so that nobody can make this slow.
const BUDGET_FACTOR: usize = 24;
const BUDGET_FLOOR: usize = 1 << 16;
/// The longest spelling of a byte, such as `&#x0000041;` or `\\\\u0041`.
const LONGEST_SPELLING: usize = 14;

impl Index {
    pub(super) fn new(names: &[String], needles: &[Needle]) -> Self {
        let mut patterns = Vec::new();
        let mut known = Vec::new();
        for needle in needles {
            for form in forms::of_needle(needle) {
                known.push(Known {
                    secret: needle.secret,
                    encoding: form.encoding,
                    margin: form.margin,
                });
                patterns.push(form.bytes);
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&patterns)
            .expect("secrets are far from the automaton's limit of 2^31 states");
        let lengths = || needles.iter().map(|n| n.bytes.len());
        let has_blanks = needles
            .iter()
            .any(|n| n.bytes.iter().any(|b| matches!(b, b' ' | b'\t')));
        let kinds = ALL
            .into_iter()
            .filter(|kind| has_blanks || *kind != Undo::Folded);
        Self {
            automaton,
            kinds: kinds.collect(),
            known,
            masks: names.iter().map(|name| mask(name)).collect(),
            reach: lengths().max().unwrap_or(0) * LONGEST_SPELLING + 128,
            shortest: lengths().min().unwrap_or(usize::MAX),
        }
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

    /// Breadth first, so that the plain views are looked at before the budget is spent.
    fn search_views(&self, bytes: &[u8], found: &mut Vec<Found>) {
        let mut budget = bytes.len() * BUDGET_FACTOR + BUDGET_FLOOR;
        let mut level: Vec<(View, &'static str)> = Vec::new();
        for depth in 0..DEPTH {
            let mut next = Vec::new();
            let parents: Vec<Option<&(View, &'static str)>> = if depth == 0 {
                vec![None]
            } else {
                level.iter().map(Some).collect()
            };
            for parent in parents {
                let source = parent.map_or(bytes, |(view, _)| view.bytes());
                for kind in self.kinds.iter().copied() {
                    let Some(view) = undo(kind, source, self.reach, self.shortest) else {
                        continue;
                    };
                    let view = view.through(parent.map(|(view, _)| view));
                    let name = parent.map_or(kind.name(), |(_, name)| name);
                    self.look_at(view.bytes(), Some(&view), name, found);
                    let Some(left) = budget.checked_sub(view.bytes().len()) else {
                        return;
                    };
                    budget = left;
                    next.push((view, name));
                }
            }
            level = next;
        }
    }

    fn look_at(
        &self,
        bytes: &[u8],
        view: Option<&View>,
        name: &'static str,
        found: &mut Vec<Found>,
    ) {
        if bytes.len() < self.shortest {
            return;
        }
        for hit in self.automaton.find_overlapping_iter(bytes) {
            let known = self.known[hit.pattern().as_usize()];
            let (start, end) = widen(bytes, hit.start(), hit.end(), known.margin);
            let (start, end) = view.map_or((start, end), |view| view.origin(start, end));
            let encoding = if known.encoding == "raw" {
                name
            } else {
                known.encoding
            };
            found.push(Found {
                start,
                end,
                secret: known.secret,
                encoding,
            });
        }
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
