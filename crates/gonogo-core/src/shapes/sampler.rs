//! Looks for many byte strings at once by looking at few bytes.
//!
//! Each string is known by four bytes in it, taken where they are rarest. Any four bytes in a row hold three that begin
//! at an even place, so it is enough to look up three bytes at every other place in a small table: what passes is
//! compared. No state is carried from byte to byte, and making one costs no more than writing its strings down, which
//! matters to the redactor, who is made anew with each secret. `benches/bytes.rs` measures both users.

/// The table, and what its places stand for.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    /// Set in every byte before it is looked up.
    fold: u8,
    anchors: Vec<Anchor>,
    /// Per hash of three bytes: 0, or 1 + an index into `cells`.
    table: Box<[u8; TABLE]>,
    /// Places of the table that are taken.
    used: usize,
    /// What has a hash in common.
    cells: Vec<Vec<Cell>>,
}

/// Four bytes that may stand here.
#[derive(Clone, Copy, Debug)]
struct Cell {
    four: u32,
    /// How far into the four the three bytes are.
    offset: u8,
    anchor: u32,
}

/// Four bytes and the strings they are in.
#[derive(Clone, Debug)]
struct Anchor {
    bytes: [u8; 4],
    /// What was inserted: its id, and how far into it the four bytes are.
    owners: Vec<(usize, usize)>,
}

const TABLE: usize = 1 << 14;
/// Bytes looked at in one step: three places out of eight bytes.
const STEP: usize = 6;
/// Sets the bit by which ASCII letters differ in case.
pub(crate) const ANY_CASE: u8 = 0x20;
/// Leaves bytes as they are.
pub(crate) const AS_IS: u8 = 0;

fn hash(three: u32) -> usize {
    (three.wrapping_mul(0x9e37_79b1) >> 18) as usize
}

fn three(a: u8, b: u8, c: u8) -> u32 {
    u32::from_le_bytes([a, b, c, 0])
}

impl Sampler {
    /// An empty one; `fold` is [`ANY_CASE`] or [`AS_IS`].
    pub(crate) fn new(fold: u8) -> Self {
        Self {
            fold,
            anchors: Vec::new(),
            table: Box::new([0; TABLE]),
            used: 0,
            cells: Vec::new(),
        }
    }

    /// Makes a string known by the four bytes at `offset` in it.
    pub(crate) fn insert(&mut self, four: [u8; 4], id: usize, offset: usize) {
        let four = four.map(|b| b | self.fold);
        if let Some(anchor) = self.anchors.iter_mut().find(|a| a.bytes == four) {
            if !anchor.owners.contains(&(id, offset)) {
                anchor.owners.push((id, offset));
            }
            return;
        }
        let index = self.anchors.len() as u32;
        self.anchors.push(Anchor {
            bytes: four,
            owners: vec![(id, offset)],
        });
        let [a, b, c, d] = four;
        self.link(three(a, b, c), index, 0);
        self.link(three(b, c, d), index, 1);
    }

    fn link(&mut self, key: u32, anchor: u32, offset: u8) {
        let slot = &mut self.table[hash(key)];
        if *slot == 0 {
            // With more places than a byte counts, cells are shared: more to compare, nothing missed.
            self.used += 1;
            *slot = 1 + ((self.used - 1) % 255) as u8;
            if self.cells.len() < usize::from(*slot) {
                self.cells.push(Vec::new());
            }
        }
        self.cells[usize::from(*slot) - 1].push(Cell {
            four: u32::from_le_bytes(self.anchors[anchor as usize].bytes),
            offset,
            anchor,
        });
    }

    /// Calls `on_hit` with id and place of each string that may begin there: its four bytes stand where they should.
    pub(crate) fn scan(&self, bytes: &[u8], mut on_hit: impl FnMut(usize, usize)) {
        let fold = u64::from_le_bytes([self.fold; 8]);
        let mut at = 0;
        while let Some(eight) = bytes
            .get(at..at + 8)
            .and_then(|s| <[u8; 8]>::try_from(s).ok())
        {
            let word = u64::from_le_bytes(eight) | fold;
            let slot = |shift: u32| self.table[hash((word >> shift) as u32 & 0x00ff_ffff)];
            let (first, second, third) = (slot(0), slot(16), slot(32));
            if first | second | third != 0 {
                for (slot, at) in [(first, at), (second, at + 2), (third, at + 4)] {
                    if slot != 0 {
                        self.look(bytes, at, slot, &mut on_hit);
                    }
                }
            }
            at += STEP;
        }
        while at + 3 <= bytes.len() {
            let key = three(
                bytes[at] | self.fold,
                bytes[at + 1] | self.fold,
                bytes[at + 2] | self.fold,
            );
            let slot = self.table[hash(key)];
            if slot != 0 {
                self.look(bytes, at, slot, &mut on_hit);
            }
            at += 2;
        }
    }

    /// Compares what the place of the table stands for; it is taken.
    fn look(&self, bytes: &[u8], at: usize, slot: u8, on_hit: &mut impl FnMut(usize, usize)) {
        let fold = u32::from_le_bytes([self.fold; 4]);
        let four = |from: usize| {
            let bytes = bytes.get(from..from + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?) | fold)
        };
        // The three bytes were the first or the last of the four.
        let seen = [four(at), at.checked_sub(1).and_then(four)];
        for cell in &self.cells[usize::from(slot) - 1] {
            if seen[usize::from(cell.offset)] != Some(cell.four) {
                continue;
            }
            let start = at - usize::from(cell.offset);
            for (id, within) in &self.anchors[cell.anchor as usize].owners {
                if let Some(begin) = start.checked_sub(*within) {
                    on_hit(*id, begin);
                }
            }
        }
    }
}

/// Where the rarest four bytes of a string are.
pub(crate) fn rarest(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .enumerate()
        .min_by_key(|(_, w)| {
            [[w[0], w[1], w[2]], [w[1], w[2], w[3]]]
                .map(commonness)
                .iter()
                .sum::<u32>()
        })
        .map(|(at, _)| at)
}

/// How common three bytes are in text and code, roughly: the product of how common each is.
fn commonness(three: [u8; 3]) -> u32 {
    three.iter().map(|byte| share(*byte)).product()
}

fn share(byte: u8) -> u32 {
    const BY_SHARE: &[u8] = b" etaonirslducmpfhgbyvk-_=.x:/0wj1qz2";
    let byte = if byte == 0x7f { b'_' } else { byte };
    BY_SHARE
        .iter()
        .position(|b| *b == byte)
        .map_or(4, |rank| 40 - rank as u32)
}
