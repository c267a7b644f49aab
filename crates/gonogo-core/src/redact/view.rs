//! Text with one kind of encoding undone: as bytes only, or with the origin of each byte.

/// Between two stretches of a view: no needle of text holds it.
const GAP: u8 = 0xff;

/// Takes what an encoding stood for.
pub(super) trait Sink {
    /// A byte that stands for `start..end` of the source.
    fn push(&mut self, byte: u8, start: usize, end: usize);

    /// Bytes of the source as they are.
    fn push_plain(&mut self, source: &[u8], start: usize, end: usize);

    /// What follows is not next to what went before.
    fn gap(&mut self, at: usize);

    /// A character that stands for `start..end` of the source.
    fn push_char(&mut self, c: char, start: usize, end: usize) {
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            self.push(byte, start, end);
        }
    }
}

/// Takes nothing: for looking ahead.
pub(super) struct Nothing;

impl Sink for Nothing {
    fn push(&mut self, _: u8, _: usize, _: usize) {}
    fn push_plain(&mut self, _: &[u8], _: usize, _: usize) {}
    fn gap(&mut self, _: usize) {}
}

/// The bytes only: enough to see that there is nothing to mask, which is nearly always so.
#[derive(Default)]
pub(super) struct Text(pub(super) Vec<u8>);

impl Sink for Text {
    fn push(&mut self, byte: u8, _: usize, _: usize) {
        self.0.push(byte);
    }
    fn push_plain(&mut self, source: &[u8], start: usize, end: usize) {
        self.0.extend_from_slice(&source[start..end]);
    }
    fn gap(&mut self, _: usize) {
        self.0.push(GAP);
    }
}

/// Bytes with their origin.
#[derive(Default)]
pub(super) struct View {
    bytes: Vec<u8>,
    starts: Vec<u32>,
    ends: Vec<u32>,
}

impl Sink for View {
    fn push(&mut self, byte: u8, start: usize, end: usize) {
        self.bytes.push(byte);
        self.starts.push(start as u32);
        self.ends.push(end as u32);
    }
    fn push_plain(&mut self, source: &[u8], start: usize, end: usize) {
        self.bytes.extend_from_slice(&source[start..end]);
        self.starts.extend(start as u32..end as u32);
        self.ends.extend(start as u32 + 1..=end as u32);
    }
    fn gap(&mut self, at: usize) {
        self.push(GAP, at, at);
    }
}

impl View {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
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
