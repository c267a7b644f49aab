//! Undoes one kind of encoding that has many spellings, around the places where it was used.

use memchr::{memchr, memchr2};

use super::entities;
use super::view::{Nothing, Sink};

/// Kinds of encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undo {
    /// `%41`, `%u0041`.
    Percent,
    /// The same, and `+` is a blank.
    Form,
    /// JSON, C, JavaScript, SQL `E''`: `\n`, `\u0041`, `\x41`, `\101`.
    Escapes,
    /// Shell: a backslash before a character is dropped.
    Shell,
    /// XML and HTML: `&amp;`, `&#65;`, `&#x41;`.
    Entities,
    /// `=41` and soft line breaks.
    QuotedPrintable,
    /// Terminal codes, control characters and invisible ones in between.
    Invisible,
    /// Lines broken within a long word, as MIME breaks base64, and indented.
    Wrapped,
    /// Lines broken without indentation: blanks after a break belong to the text.
    Folded,
    /// base64 runs, decoded.
    Base64,
}

/// All kinds, the frequent ones first.
pub(super) const ALL: [Undo; 10] = [
    Undo::Escapes,
    Undo::Percent,
    Undo::Form,
    Undo::Entities,
    Undo::Wrapped,
    Undo::Folded,
    Undo::Base64,
    Undo::Invisible,
    Undo::QuotedPrintable,
    Undo::Shell,
];

impl Undo {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Percent | Self::Form => "percent",
            Self::Escapes => "escapes",
            Self::Shell => "shell",
            Self::Entities => "entities",
            Self::QuotedPrintable => "quoted-printable",
            Self::Invisible => "interleaved",
            Self::Wrapped | Self::Folded => "wrapped",
            Self::Base64 => "base64",
        }
    }

    /// The next place at or after `from` where something can be undone.
    fn trigger(self, source: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let rest = &source[at..];
            at += match self {
                // A percent sign alone is the other kind's.
                Self::Form => memchr(b'+', rest)?,
                _ => self.plain_len(rest),
            };
            if at >= source.len() {
                return None;
            }
            let is_shell_only = || escape(&source[at..], at, &mut Nothing) == 0;
            let len = self.read(source, at, &mut Nothing);
            if len > 0 && (self != Self::Shell || is_shell_only()) {
                return Some(at);
            }
            at += len.max(1);
        }
    }

    /// Which kinds may stand under this one: what is not here makes no sense and would cost time.
    pub(super) fn inner(self) -> &'static [Undo] {
        use Undo::{
            Base64, Entities, Escapes, Folded, Form, Invisible, Percent, QuotedPrintable, Wrapped,
        };
        match self {
            Self::Escapes => &[
                Escapes,
                Percent,
                Form,
                Entities,
                Wrapped,
                Folded,
                Base64,
                Invisible,
                QuotedPrintable,
            ],
            Self::Percent | Self::Form => &[Percent, Form, Escapes, Entities, Base64, Wrapped],
            Self::Shell => &[Escapes, Percent, Base64],
            Self::Entities | Self::QuotedPrintable => {
                &[Entities, Escapes, Percent, Base64, Wrapped]
            }
            Self::Invisible => &[Escapes, Percent, Entities, Base64, Wrapped],
            Self::Wrapped => &[Base64],
            Self::Folded => &[],
            Self::Base64 => &[
                Escapes,
                Percent,
                Form,
                Entities,
                Wrapped,
                Base64,
                Invisible,
                QuotedPrintable,
            ],
        }
    }

    /// Reads one encoded character at `at` and says how long it is: 0 where there is none.
    fn read(self, source: &[u8], at: usize, view: &mut impl Sink) -> usize {
        let rest = &source[at..];
        match self {
            Self::Form if rest[0] == b'+' => {
                view.push_char(' ', at, at + 1);
                1
            }
            Self::Percent | Self::Form => percent(rest, at, view),
            Self::Escapes => escape(rest, at, view),
            Self::Shell => shell(rest, at, view),
            Self::Entities => entity(rest, at, view),
            Self::QuotedPrintable => quoted_printable(rest, at, view),
            Self::Invisible => invisible_len(rest),
            Self::Wrapped => line_break(rest, true),
            Self::Folded => line_break(rest, false),
            Self::Base64 => 0,
        }
    }

    /// How many bytes pass before one that may begin an encoded character.
    fn plain_len(self, bytes: &[u8]) -> usize {
        let at = match self {
            Self::Percent => memchr(b'%', bytes),
            Self::Form => memchr2(b'%', b'+', bytes),
            Self::Escapes | Self::Shell => memchr(b'\\', bytes),
            Self::Entities => memchr(b'&', bytes),
            Self::QuotedPrintable => memchr(b'=', bytes),
            Self::Wrapped | Self::Folded => memchr2(b'\n', b'\r', bytes),
            Self::Invisible => bytes.iter().position(|b| is_rare(*b)),
            Self::Base64 => None,
        };
        at.unwrap_or(bytes.len())
    }

    /// Whether a byte may begin an encoded character.
    fn may_begin(self, byte: u8) -> bool {
        match self {
            Self::Percent => byte == b'%',
            Self::Form => matches!(byte, b'%' | b'+'),
            Self::Escapes | Self::Shell => byte == b'\\',
            Self::Entities => byte == b'&',
            Self::QuotedPrintable => byte == b'=',
            Self::Wrapped | Self::Folded => matches!(byte, b'\n' | b'\r'),
            Self::Invisible => is_rare(byte),
            Self::Base64 => false,
        }
    }
}

/// The source with one kind undone, `reach` bytes around each use; nothing where there is no use.
pub(super) fn undo<S: Sink + Default>(
    kind: Undo,
    source: &[u8],
    reach: usize,
    shortest: usize,
) -> Option<S> {
    if kind == Undo::Base64 {
        let mut view = S::default();
        return base64_runs(source, shortest, &mut view).then_some(view);
    }
    let mut next = Some(kind.trigger(source, 0)?);
    let mut view = S::default();
    let mut done = 0;
    while let Some(first) = next {
        let from = first.saturating_sub(reach).max(done);
        if from > done {
            view.gap(from);
        }
        let mut until = (first + reach).min(source.len());
        let mut at = from;
        while at < until {
            if kind.may_begin(source[at]) {
                let len = kind.read(source, at, &mut view);
                if len == 0 {
                    view.push(source[at], at, at + 1);
                    at += 1;
                } else {
                    // As much again after what was undone belongs to the same stretch.
                    at += len;
                    until = (at + reach).min(source.len());
                }
            } else {
                let end = at + kind.plain_len(&source[at..until]);
                view.push_plain(source, at, end);
                at = end;
            }
        }
        done = at;
        next = kind.trigger(source, at);
    }
    Some(view)
}

fn hex_value(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Pushes a byte given as two hex digits.
fn hex_byte(rest: &[u8], digits_at: usize, at: usize, view: &mut impl Sink) -> usize {
    let Some(byte) = rest.get(digits_at..digits_at + 2).and_then(hex_value) else {
        return 0;
    };
    view.push(byte as u8, at, at + digits_at + 2);
    digits_at + 2
}

/// Pushes a UTF-16 unit given as four hex digits after `intro` bytes, with its other half where it has one.
fn utf16_unit(rest: &[u8], intro: usize, at: usize, view: &mut impl Sink) -> usize {
    let unit = |from: usize| rest.get(from..from + 4).and_then(hex_value);
    let Some(first) = unit(intro) else {
        return 0;
    };
    let len = intro + 4;
    if let Some(c) = char::from_u32(first) {
        view.push_char(c, at, at + len);
        return len;
    }
    let second = (rest.get(len..len + intro) == rest.get(..intro))
        .then(|| unit(len + intro))
        .flatten();
    if let Some(second @ 0xdc00..0xe000) = second
        && first < 0xdc00
        && let Some(c) = char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    {
        view.push_char(c, at, at + len + intro + 4);
        return len + intro + 4;
    }
    view.push_char(char::REPLACEMENT_CHARACTER, at, at + len);
    len
}

fn percent(rest: &[u8], at: usize, view: &mut impl Sink) -> usize {
    if rest.get(1).is_some_and(|b| matches!(b, b'u' | b'U')) {
        return utf16_unit(rest, 2, at, view);
    }
    hex_byte(rest, 1, at, view)
}

fn escape(rest: &[u8], at: usize, view: &mut impl Sink) -> usize {
    let Some(kind) = rest.get(1) else {
        return 0;
    };
    let simple = match kind {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        b'v' => 11,
        b'a' => 7,
        b'e' => 27,
        b'u' if rest.get(2) == Some(&b'{') => return braced(rest, at, view),
        b'u' => return utf16_unit(rest, 2, at, view),
        b'U' => return long_unicode(rest, at, view),
        b'x' => return hex_byte(rest, 2, at, view),
        b'0'..=b'7' => return octal(rest, at, view),
        b'\n' => return 2,
        b'\\' | b'"' | b'\'' | b'/' | b'`' | b'?' | b'$' | b'#' | b'&' => *kind,
        _ => return 0,
    };
    view.push(simple, at, at + 2);
    2
}

fn braced(rest: &[u8], at: usize, view: &mut impl Sink) -> usize {
    let close = rest.iter().take(12).position(|b| *b == b'}');
    let c = close
        .and_then(|close| hex_value(&rest[3..close]))
        .and_then(char::from_u32);
    match (c, close) {
        (Some(c), Some(close)) => {
            view.push_char(c, at, at + close + 1);
            close + 1
        }
        _ => 0,
    }
}

fn long_unicode(rest: &[u8], at: usize, view: &mut impl Sink) -> usize {
    let Some(c) = rest.get(2..10).and_then(hex_value).and_then(char::from_u32) else {
        return 0;
    };
    view.push_char(c, at, at + 10);
    10
}

fn octal(rest: &[u8], at: usize, view: &mut impl Sink) -> usize {
    let digits = rest[1..]
        .iter()
        .take(3)
        .take_while(|b| matches!(b, b'0'..=b'7'))
        .count();
    let value = rest[1..=digits]
        .iter()
        .fold(0_u32, |v, d| v * 8 + u32::from(d - b'0'));
    view.push(value as u8, at, at + 1 + digits);
    1 + digits
}

fn shell(rest: &[u8], at: usize, view: &mut impl Sink) -> usize {
    match rest.get(1) {
        None => return 0,
        Some(b'\n') => {}
        Some(byte) => view.push(*byte, at, at + 2),
    }
    2
}

fn entity(rest: &[u8], at: usize, view: &mut impl Sink) -> usize {
    let body = &rest[1..rest.len().min(40)];
    let (c, len) = match body {
        [b'#', b'x' | b'X', digits @ ..] => {
            let n = digits.iter().take_while(|b| b.is_ascii_hexdigit()).count();
            (hex_value(&digits[..n]).and_then(char::from_u32), 3 + n)
        }
        [b'#', digits @ ..] => {
            let n = digits.iter().take_while(|b| b.is_ascii_digit()).count();
            let value = std::str::from_utf8(&digits[..n])
                .ok()
                .and_then(|d| d.parse().ok());
            (value.and_then(char::from_u32), 2 + n)
        }
        _ => {
            let n = body
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric())
                .count();
            (entities::named(&body[..n]), 1 + n)
        }
    };
    let Some(c) = c else {
        return 0;
    };
    let len = len + usize::from(rest.get(len) == Some(&b';'));
    view.push_char(c, at, at + len);
    len
}

fn quoted_printable(rest: &[u8], at: usize, view: &mut impl Sink) -> usize {
    match rest {
        [b'=', b'\r', b'\n', ..] => 3,
        [b'=', b'\n', ..] => 2,
        _ => hex_byte(rest, 1, at, view),
    }
}

/// May begin something invisible; plain text has next to none of these.
fn is_rare(byte: u8) -> bool {
    RARE[usize::from(byte)]
}

static RARE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let is_blank = byte == 9 || byte == 10 || byte == 13;
        let is_lead = byte == 0xc2 || byte == 0xe2 || byte == 0xef;
        table[byte] = byte < 0x20 && !is_blank || byte == 0x7f || is_lead;
        byte += 1;
    }
    table
};

/// Length of a terminal code or of an invisible character at the beginning, else 0.
fn invisible_len(rest: &[u8]) -> usize {
    match rest {
        [0x1b, b'[', tail @ ..] | [0xc2, 0x9b, tail @ ..] => 2 + code_len(tail),
        [0x1b, b']' | b'P' | b'_' | b'^' | b'X', tail @ ..] => 2 + string_len(tail),
        // Tab and line ends may belong to a secret.
        [b'\t' | b'\n' | b'\r', ..] => 0,
        [0x1b, 0x30..=0x7e, ..] | [0xc2, 0xad | 0x80..=0x9f, ..] => 2,
        [0x1b, 0x20..=0x2f, _, ..]
        | [0xe2, 0x80, 0x8b..=0x8f | 0xaa..=0xae, ..]
        | [0xe2, 0x81, 0xa0..=0xaf, ..]
        | [0xef, 0xbb, 0xbf, ..] => 3,
        [0..0x20 | 0x7f, ..] => 1,
        _ => 0,
    }
}

/// Parameters and the final byte of a control sequence.
fn code_len(tail: &[u8]) -> usize {
    let parameters = tail.iter().take_while(|b| matches!(b, 0x20..=0x3f)).count();
    parameters
        + usize::from(
            tail.get(parameters)
                .is_some_and(|b| matches!(b, 0x40..=0x7e)),
        )
}

/// A terminal's string up to BEL or `ESC \`; when it does not end, only its introducer is taken.
fn string_len(tail: &[u8]) -> usize {
    let end = tail.iter().take(4096).position(|b| matches!(b, 7 | 0x1b));
    match end {
        Some(at) if tail[at] == 7 => at + 1,
        Some(at) if tail.get(at + 1) == Some(&b'\\') => at + 2,
        _ => 0,
    }
}

/// A digit of base64, of either alphabet.
pub(super) fn is_digit(byte: u8) -> bool {
    DIGIT[usize::from(byte)]
}

static DIGIT: [bool; 256] = {
    let mut table = [false; 256];
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
    let mut i = 0;
    while i < digits.len() {
        table[digits[i] as usize] = true;
        i += 1;
    }
    table
};

/// Length of a line break and the indentation after it, within a paragraph.
fn line_break(rest: &[u8], is_indented: bool) -> usize {
    let len = match rest {
        [b'\r', b'\n', ..] => 2,
        [b'\n' | b'\r', ..] => 1,
        _ => return 0,
    };
    let indentation = rest[len..]
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    let goes_on = rest.get(len + indentation).is_some_and(|b| *b > b' ');
    match (goes_on, is_indented) {
        (false, _) => 0,
        (true, true) => len + indentation,
        (true, false) => len,
    }
}

/// Decodes every run that is long enough to hold an encoded needle; says whether there was one.
fn base64_runs(source: &[u8], shortest: usize, view: &mut impl Sink) -> bool {
    // A needle that stands there plainly is found by its own base64 forms; here is looked for base64 in base64 and the
    // like, which is longer by a third at each layer.
    let shortest_run = (shortest * 16 / 9).max(12);
    let mut is_any = false;
    let mut start = 0;
    while let Some(probe) = source.get(start..start + shortest_run) {
        // A run can only begin after the last byte that is no digit.
        if let Some(gap) = probe.iter().rposition(|b| !is_digit(*b)) {
            start += gap + 1;
            continue;
        }
        let len = source[start..].iter().take_while(|b| is_digit(**b)).count();
        is_any |= base64_run(source, start, start + len, shortest, view);
        start += len;
    }
    is_any
}

/// Decodes a run from each of the four places where it may really begin (what stood before may have joined it), and
/// keeps what is text: secrets in other bytes are found by their own base64 forms.
fn base64_run(
    source: &[u8],
    start: usize,
    end: usize,
    shortest: usize,
    view: &mut impl Sink,
) -> bool {
    let run = &source[start..end];
    let has = |a, b| memchr2(a, b, run).is_some();
    if has(b'+', b'/') && has(b'-', b'_') {
        return false;
    }
    let mut is_any = false;
    for phase in 0..4 {
        let decoded = decode(&run[phase..]);
        let mut at = 0;
        for chunk in decoded.utf8_chunks() {
            for text in chunk.valid().split_inclusive(is_foreign) {
                if text.len() >= shortest {
                    is_any = true;
                    view.gap(start);
                    for (i, byte) in text.bytes().enumerate() {
                        let bit = (at + i) * 8;
                        let first = start + phase;
                        view.push(byte, first + bit / 6, first + (bit + 7) / 6 + 1);
                    }
                }
                at += text.len();
            }
            at += chunk.invalid().len();
        }
    }
    is_any
}

/// A character that text, coloured or not, does not hold.
fn is_foreign(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x1b')
}

fn decode(run: &[u8]) -> Vec<u8> {
    let (mut bits, mut count) = (0_u32, 0);
    let mut out = Vec::with_capacity(run.len() * 3 / 4);
    for digit in run {
        bits = (bits << 6) | digit_value(*digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

fn digit_value(digit: u8) -> u32 {
    u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    })
}
