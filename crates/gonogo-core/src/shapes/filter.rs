//! The first look over all bytes: where might any rule begin?
//!
//! Each rule is known by four bytes, its anchor, taken where they are rarest. Any four bytes in a row hold three bytes
//! in a row that begin at an even place, so it is enough to look up three bytes at every other place in a small table.
//! Letters are looked up without their case, by setting one bit. (A packed multi-pattern search from a crate was tried
//! first and was three times slower with this many rules: lower-case letters differ in four bits only.)

use super::part::{self, Class};
use super::{Rule, Shape};

/// Four bytes by which rules are known.
#[derive(Clone, Debug)]
pub(super) struct Anchor {
    folded: [u8; 4],
    /// Rules and how far before the anchor each begins.
    pub(super) rules: Vec<(usize, usize)>,
}

/// The table and what its cells stand for.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    anchors: Vec<Anchor>,
    /// Per hash of three folded bytes: 0, or 1 + an index into `cells`.
    table: Box<[u8; TABLE]>,
    /// Places of the table that are taken.
    used: usize,
    /// Anchors, and how far into the anchor the three bytes are.
    cells: Vec<Vec<(u16, u8)>>,
}

const TABLE: usize = 1 << 14;
const FOLD: u64 = 0x2020_2020_2020_2020;
/// Bytes looked at in one step: three places out of eight bytes.
const STEP: usize = 6;

fn fold(byte: u8) -> u8 {
    byte | 0x20
}

fn hash(three: u32) -> usize {
    (three.wrapping_mul(0x9e37_79b1) >> 18) as usize
}

impl Filter {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut anchors: Vec<Anchor> = Vec::new();
        for (rule, text, next) in rules.iter().enumerate().flat_map(|(i, r)| texts(i, r)) {
            for (window, offset) in windows(&text, next) {
                match anchors.iter_mut().find(|a| a.folded == window) {
                    Some(anchor) if anchor.rules.contains(&(rule, offset)) => {}
                    Some(anchor) => anchor.rules.push((rule, offset)),
                    None => anchors.push(Anchor {
                        folded: window,
                        rules: vec![(rule, offset)],
                    }),
                }
            }
        }
        let mut filter = Self {
            anchors: Vec::new(),
            table: Box::new([0; TABLE]),
            used: 0,
            cells: Vec::new(),
        };
        for (i, anchor) in anchors.iter().enumerate() {
            let [a, b, c, d] = anchor.folded;
            filter.insert([a, b, c], i, 0);
            filter.insert([b, c, d], i, 1);
        }
        filter.anchors = anchors;
        filter
    }

    fn insert(&mut self, three: [u8; 3], anchor: usize, offset: u8) {
        let slot = &mut self.table[hash(u32::from_le_bytes([three[0], three[1], three[2], 0]))];
        if *slot == 0 {
            // With more places than a byte counts, cells are shared: more to compare, nothing missed.
            self.used += 1;
            *slot = 1 + ((self.used - 1) % 255) as u8;
            if self.cells.len() < usize::from(*slot) {
                self.cells.push(Vec::new());
            }
        }
        self.cells[usize::from(*slot) - 1].push((anchor as u16, offset));
    }

    /// Calls `on_hit` with the place of each anchor.
    pub(super) fn scan(&self, bytes: &[u8], mut on_hit: impl FnMut(usize, &Anchor)) {
        let mut at = 0;
        while let Some(eight) = bytes
            .get(at..at + 8)
            .and_then(|s| <[u8; 8]>::try_from(s).ok())
        {
            let word = u64::from_le_bytes(eight) | FOLD;
            let slot = |shift: u32| self.table[hash((word >> shift) as u32 & 0x00ff_ffff)];
            let (first, second, third) = (slot(0), slot(16), slot(32));
            if first | second | third != 0 {
                self.look(bytes, at, first, &mut on_hit);
                self.look(bytes, at + 2, second, &mut on_hit);
                self.look(bytes, at + 4, third, &mut on_hit);
            }
            at += STEP;
        }
        while at + 3 <= bytes.len() {
            let three = [bytes[at], bytes[at + 1], bytes[at + 2]].map(fold);
            let slot = self.table[hash(u32::from_le_bytes([three[0], three[1], three[2], 0]))];
            self.look(bytes, at, slot, &mut on_hit);
            at += 2;
        }
    }

    fn look(&self, bytes: &[u8], at: usize, slot: u8, on_hit: &mut impl FnMut(usize, &Anchor)) {
        if slot == 0 {
            return;
        }
        for (anchor, offset) in &self.cells[usize::from(slot) - 1] {
            let anchor = &self.anchors[usize::from(*anchor)];
            let Some(start) = at.checked_sub(usize::from(*offset)) else {
                continue;
            };
            let Some(seen) = bytes.get(start..start + 4) else {
                continue;
            };
            if seen
                .iter()
                .zip(anchor.folded)
                .all(|(byte, want)| fold(*byte) == want)
            {
                on_hit(start, anchor);
            }
        }
    }
}

/// The texts by which a rule is known, and what follows a short one.
fn texts(index: usize, rule: &Rule) -> Vec<(usize, String, Option<Class>)> {
    let plain = |text: &str| (index, text.to_owned(), None);
    match rule.shape {
        Shape::Tokens(alternatives) => alternatives
            .iter()
            .filter_map(|parts| part::first_text(parts))
            .map(|(text, next)| (index, text.to_owned(), next))
            .collect(),
        Shape::Near(keywords, ..) => keywords.iter().map(|k| plain(k)).collect(),
        Shape::Jwt => vec![plain(".eyJ")],
        Shape::PrivateKey => vec![plain("-----BEGIN "), plain("PuTTY-User-Key-File-")],
        Shape::ServiceAccount => vec![plain("service_account")],
        Shape::Assignment(keywords, _) => keywords
            .iter()
            .flat_map(|k| ["_", "-", ""].map(|joint| (index, k.replace('_', joint), None)))
            .collect(),
        Shape::Dsn => Vec::new(),
    }
}

/// The anchors of a text: one, or for a text of three bytes one per byte that may follow.
fn windows(text: &str, next: Option<Class>) -> Vec<([u8; 4], usize)> {
    let folded: Vec<u8> = text.bytes().map(fold).collect();
    if let [a, b, c] = folded[..] {
        let mut out: Vec<_> = (0..128)
            .filter(|byte| next.is_none_or(|class| class.has(*byte)))
            .map(|byte| ([a, b, c, fold(byte)], 0))
            .collect();
        out.dedup();
        return out;
    }
    folded
        .windows(4)
        .enumerate()
        .map(|(i, w)| ([w[0], w[1], w[2], w[3]], i))
        .min_by_key(|(w, _)| {
            [[w[0], w[1], w[2]], [w[1], w[2], w[3]]]
                .map(commonness)
                .iter()
                .sum::<u32>()
        })
        .into_iter()
        .collect()
}

/// How common three folded bytes are in text and code, roughly: the product of how common each is.
fn commonness(three: [u8; 3]) -> u32 {
    three.iter().map(|byte| share(*byte)).product()
}

fn share(byte: u8) -> u32 {
    const BY_SHARE: &[u8] = b" etaonirslducmpfhgbyvk-_=.x:/0wj1qz2";
    BY_SHARE
        .iter()
        .position(|b| fold(*b) == byte)
        .map_or(4, |rank| 40 - rank as u32)
}
