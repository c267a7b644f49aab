//! Labels: `{name="value",…}`.

use std::borrow::Cow;

use memchr::memchr;

use super::line::{self, Cursor, Wrong};

/// The labels of a sample, as they stand between the braces. They were checked when the sample was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels<'a>(pub(super) &'a str);

impl<'a> Labels<'a> {
    /// Names and values, in their order.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            let (name, after) = rest.split_once('=')?;
            let after = after.trim_start_matches([' ', '\t']).strip_prefix('"')?;
            let end = closing_quote(after.as_bytes())?;
            rest = &after[end + 1..];
            Some((name.trim_end_matches([' ', '\t']), unescape(&after[..end])))
        })
    }

    /// The value of a label.
    pub fn get(self, name: &str) -> Option<Cow<'a, str>> {
        self.iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value)
    }

    pub(super) fn to_owned(self) -> Vec<(String, String)> {
        self.iter()
            .map(|(name, value)| (name.to_owned(), value.into_owned()))
            .collect()
    }
}

fn closing_quote(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Undoes `\\`, `\"` and `\n`.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some(c) => c,
                None => '\\',
            },
            c => c,
        });
    }
    Cow::Owned(out)
}

/// What was learnt of a label set while it was checked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LabelSet<'a> {
    /// Where in the line the text between the braces stands.
    pub(super) place: (usize, usize),
    /// A hash of all labels, whatever their order.
    pub(super) hash: u64,
    /// The same without `le` and `quantile`.
    pub(super) group: u64,
    /// The raw value of `le`.
    pub(super) le: Option<&'a [u8]>,
    /// The raw value of `quantile`.
    pub(super) quantile: Option<&'a [u8]>,
    /// Characters in names and values.
    pub(super) len: usize,
}

/// Reads label sets one after the other. Neighbouring lines differ in their last label mostly (`le`): what stands before
/// is compared as a whole and not read again.
#[derive(Default)]
pub(super) struct Reader<'a> {
    /// Names of the label set at hand.
    names: Vec<&'a [u8]>,
    /// The last label set up to and with its last comma, and what was learnt of it there.
    before: &'a [u8],
    before_set: LabelSet<'a>,
    before_names: usize,
}

impl<'a> Reader<'a> {
    /// Reads labels after their `{`, up to and with the `}`.
    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor<'a>,
        most: usize,
    ) -> Result<LabelSet<'a>, Wrong> {
        let start = cursor.at;
        let mut set = LabelSet::default();
        if !self.before.is_empty() && cursor.rest().starts_with(self.before) {
            set = self.before_set;
            self.names.truncate(self.before_names);
            cursor.at += self.before.len();
        } else {
            self.names.clear();
        }
        self.before = &[];
        loop {
            cursor.skip_blanks();
            if cursor.peek() == Some(b'}') {
                set.place = (start, cursor.at);
                cursor.at += 1;
                return Ok(set);
            }
            // Remembered at each comma: the last one stays.
            self.before = cursor.from(start);
            self.before_set = set;
            self.before_names = self.names.len();
            self.read_one(cursor, &mut set, most)?;
        }
    }

    fn read_one(
        &mut self,
        cursor: &mut Cursor<'a>,
        set: &mut LabelSet<'a>,
        most: usize,
    ) -> Result<(), Wrong> {
        let name_at = cursor.at;
        let name = cursor.take_while(is_name_byte);
        if name.is_empty() || name[0].is_ascii_digit() {
            return Err(cursor.wrong("a label's name was expected here"));
        }
        cursor.skip_blanks();
        cursor.expect(b'=', "`=` was expected after a label's name")?;
        cursor.skip_blanks();
        cursor.expect(b'"', "a label's value begins with `\"`")?;
        let value = value(cursor)?;
        add(set, name, value);
        if self.names.contains(&name) {
            return Err(Wrong::new(name_at, "this label stands here twice"));
        }
        if self.names.len() >= most {
            return Err(Wrong::new(name_at, "more labels than a sample may have"));
        }
        self.names.push(name);
        cursor.skip_blanks();
        match cursor.peek() {
            Some(b',') => cursor.at += 1,
            Some(b'}') => {}
            _ => return Err(cursor.wrong("`,` or `}` was expected after a label")),
        }
        Ok(())
    }
}

fn add<'a>(set: &mut LabelSet<'a>, name: &'a [u8], value: &'a [u8]) {
    set.len += name.len() + value.len();
    // An empty value is the same as no label.
    if value.is_empty() {
        return;
    }
    // A sum does not depend on the order.
    let hash = mix(bytes_hash(name), bytes_hash(value));
    set.hash = set.hash.wrapping_add(hash);
    match name {
        b"le" => set.le = Some(value),
        b"quantile" => set.quantile = Some(value),
        _ => set.group = set.group.wrapping_add(hash),
    }
}

/// The bytes of a value up to its closing quote. Each value has one spelling, so these can be compared as they are.
fn value<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Wrong> {
    let start = cursor.at;
    loop {
        let plain = cursor.rest().iter().position(|b| matches!(b, b'"' | b'\\'));
        cursor.at += plain
            .ok_or_else(|| cursor.wrong("the label's value has no closing `\"` on this line"))?;
        if cursor.peek() == Some(b'"') {
            let value = cursor.from(start);
            cursor.at += 1;
            return Ok(value);
        }
        match cursor.rest().get(1) {
            Some(b'\\' | b'"' | b'n') => cursor.at += 2,
            _ => return Err(cursor.wrong("only `\\\\`, `\\\"` and `\\n` may follow a backslash")),
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    line::is_name_byte(byte) && byte != b':'
}

/// A hash of bytes and their number. Nothing is concluded from equal hashes alone.
pub(super) fn bytes_hash(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    let word = |at: usize| {
        let eight = bytes
            .get(at..at + 8)
            .and_then(|s| <[u8; 8]>::try_from(s).ok());
        eight.map_or(0, u64::from_le_bytes)
    };
    if len < 8 {
        let rest = bytes.iter().fold(0, |word, b| word << 8 | u64::from(*b));
        return mix(len as u64, rest);
    }
    let mut hash = len as u64;
    let mut at = 0;
    while at + 8 < len {
        hash = mix(hash, word(at));
        at += 8;
    }
    // The last word overlaps the one before.
    mix(hash, word(len - 8))
}

/// Folds two words into one; both halves of the product count.
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    (product as u64) ^ (product >> 64) as u64
}
