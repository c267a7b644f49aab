//! Text with one kind of encoding undone, and where each of its bytes came from.

/// Between two stretches of a view: no needle of text holds it.
const GAP: u8 = 0xff;

/// Decoded bytes with their origin.
#[derive(Default)]
pub(super) struct View {
    bytes: Vec<u8>,
    starts: Vec<u32>,
    ends: Vec<u32>,
    /// Whether anything was undone.
    pub(super) is_changed: bool,
}

impl View {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A byte that stands for `start..end` of the source.
    pub(super) fn push(&mut self, byte: u8, start: usize, end: usize) {
        self.bytes.push(byte);
        self.starts.push(start as u32);
        self.ends.push(end as u32);
    }

    /// A character that stands for `start..end` of the source.
    pub(super) fn push_char(&mut self, c: char, start: usize, end: usize) {
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            self.push(byte, start, end);
        }
        self.is_changed = true;
    }

    /// Bytes of the source as they are.
    pub(super) fn push_plain(&mut self, source: &[u8], start: usize, end: usize) {
        self.bytes.extend_from_slice(&source[start..end]);
        self.starts.extend(start as u32..end as u32);
        self.ends.extend(start as u32 + 1..=end as u32);
    }

    /// What follows is not next to what went before.
    pub(super) fn gap(&mut self, at: usize) {
        if !self.bytes.is_empty() {
            self.push(GAP, at, at);
        }
    }

    /// Where `start..end` of the view stands in the source.
    pub(super) fn origin(&self, start: usize, end: usize) -> (usize, usize) {
        (self.starts[start] as usize, self.ends[end - 1] as usize)
    }

    /// Makes a view of a view a view of the first source.
    pub(super) fn through(mut self, parent: Option<&View>) -> Self {
        if let Some(parent) = parent {
            for (start, end) in self.starts.iter_mut().zip(&mut self.ends) {
                let last = (*end as usize).saturating_sub(1).max(*start as usize);
                *end = parent.ends[last.min(parent.ends.len() - 1)];
                *start = parent.starts[(*start as usize).min(parent.starts.len() - 1)];
            }
        }
        self
    }
}
