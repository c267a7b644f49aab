//! A place in one line, and what is wrong there.

/// What is wrong, and at which byte of the line.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) message: String,
}

/// Reads a line from left to right.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) line: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.line[self.at..]
    }

    /// What was read since `start`.
    pub(super) fn from(&self, start: usize) -> &'a [u8] {
        &self.line[start..self.at]
    }

    pub(super) fn take_while(&mut self, test: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let len = rest.iter().position(|b| !test(*b)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    pub(super) fn skip_blanks(&mut self) -> usize {
        self.take_while(|b| matches!(b, b' ' | b'\t')).len()
    }

    /// The next word up to a blank.
    pub(super) fn word(&mut self) -> &'a [u8] {
        self.take_while(|b| !matches!(b, b' ' | b'\t'))
    }

    pub(super) fn expect(&mut self, byte: u8, message: &str) -> Result<(), Wrong> {
        if self.peek() != Some(byte) {
            return Err(self.wrong(message));
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn wrong(&self, message: impl Into<String>) -> Wrong {
        Wrong::new(self.at, message)
    }
}

impl Wrong {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
        }
    }
}

/// A metric's name: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub(super) fn is_name_byte(byte: u8) -> bool {
    NAME[usize::from(byte)]
}

static NAME: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:";
    let mut i = 0;
    while i < bytes.len() {
        table[bytes[i] as usize] = true;
        i += 1;
    }
    table
};

/// Bytes of the exposition, which was found to be UTF-8 as a whole; pieces are cut at ASCII bytes.
pub(super) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
