//! Finds and undoes encodings in which a secret may stand: base64, hex and percent encoding.

use memchr::memchr;

use super::Layer;

/// So many layers are undone.
pub(super) const DEPTH: usize = 3;
/// The shortest run that is decoded: 18 bytes.
const RUN_MIN: usize = 24;
/// The longest percent-encoded word.
const WORD_MAX: usize = 8192;

/// Takes layer, place and content of an encoded stretch.
pub(super) type OnLayer<'a> = dyn FnMut(Layer, usize, usize, &[u8]) + 'a;

/// Calls `on_layer` with layer, place and content of each encoded stretch.
pub(super) fn each(bytes: &[u8], on_layer: &mut OnLayer<'_>) {
    runs(bytes, on_layer);
    words(bytes, on_layer);
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

fn is_digit(byte: u8) -> bool {
    DIGIT[usize::from(byte)]
}

/// Long runs of digits of base64 or hex. Wherever such a run begins, it fills two words of eight bytes in a row; only
/// around two words that may be filled is looked byte by byte.
fn runs(bytes: &[u8], on_layer: &mut OnLayer<'_>) {
    const WORD: usize = 8;
    const _: () = assert!(RUN_MIN >= 3 * WORD - 1, "a run fills two words");
    let (mut in_row, mut done) = (0_u32, 0);
    for (i, word) in bytes.chunks_exact(WORD).enumerate() {
        let word = <[u8; WORD]>::try_from(word).map_or(0, u64::from_le_bytes);
        in_row = (in_row + 1) * u32::from(may_be_digits(word));
        let end = (i + 1) * WORD;
        if in_row < 2 || end <= done {
            continue;
        }
        let from = (end - 2 * WORD).max(done);
        if !bytes[from..end]
            .iter()
            .fold(true, |all, b| all & is_digit(*b))
        {
            continue;
        }
        let back = bytes[done..from]
            .iter()
            .rev()
            .take_while(|b| is_digit(**b))
            .count();
        let start = from - back;
        let len = bytes[start..].iter().take_while(|b| is_digit(**b)).count();
        if len >= RUN_MIN {
            run(bytes, start, start + len, on_layer);
        }
        done = start + len;
    }
}

/// Whether eight bytes may all be digits: none is a sign, blank or control character below `+`, none is of `:;<=>?@`,
/// none is beyond ASCII.
fn may_be_digits(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let low = word & !HIGH;
    // The high bit of each byte tells of that byte: nothing is carried out of seven bits.
    let is_above_star = low + ONES * (0x80 - 0x2b);
    let is_above_nine = low + ONES * (0x80 - 0x3a);
    let is_letter = low + ONES * (0x80 - 0x41);
    (is_above_star & (!is_above_nine | is_letter) & !word) & HIGH == HIGH
}

fn run(bytes: &[u8], start: usize, end: usize, on_layer: &mut OnLayer<'_>) {
    let run = &bytes[start..end];
    if run.len().is_multiple_of(2) && run.iter().all(u8::is_ascii_hexdigit) {
        let decoded: Vec<u8> = run
            .chunks_exact(2)
            .map(|pair| hex(pair[0]) << 4 | hex(pair[1]))
            .collect();
        if is_text(&decoded) {
            on_layer(Layer::Hex, start, end, &decoded);
        }
        return;
    }
    if run.len() % 4 == 1 || !is_text(&base64(&run[..16])) {
        return;
    }
    let has = |a, b| run.iter().any(|d| *d == a || *d == b);
    if has(b'+', b'/') && has(b'-', b'_') {
        return;
    }
    let decoded = base64(run);
    if is_text(&decoded) {
        on_layer(Layer::Base64, start, end, &decoded);
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

fn base64(run: &[u8]) -> Vec<u8> {
    let (mut bits, mut count) = (0_u32, 0);
    let mut out = Vec::with_capacity(run.len() * 3 / 4);
    for digit in run {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            _ => 63,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

/// Nearly all of it can be printed.
fn is_text(decoded: &[u8]) -> bool {
    let plain = decoded
        .iter()
        .filter(|b| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e))
        .count();
    plain * 20 >= decoded.len() * 19 && !decoded.is_empty()
}

/// Words that hold a percent-encoded byte.
fn words(bytes: &[u8], on_layer: &mut OnLayer<'_>) {
    let mut from = 0;
    while let Some(at) = memchr(b'%', &bytes[from..]).map(|at| from + at) {
        let is_encoded = |at: usize| {
            bytes
                .get(at + 1..at + 3)
                .is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit))
        };
        if !is_encoded(at) {
            from = at + 1;
            continue;
        }
        let is_word =
            |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'`' | b'<' | b'>');
        let start = at
            - bytes[from..at]
                .iter()
                .rev()
                .take(WORD_MAX)
                .take_while(|b| is_word(b))
                .count();
        let end = at
            + bytes[at..]
                .iter()
                .take(WORD_MAX)
                .take_while(|b| is_word(b))
                .count();
        let mut decoded = Vec::with_capacity(end - start);
        let mut i = start;
        while i < end {
            if bytes[i] == b'%' && is_encoded(i) && i + 2 < end {
                decoded.push(hex(bytes[i + 1]) << 4 | hex(bytes[i + 2]));
                i += 3;
            } else {
                decoded.push(bytes[i]);
                i += 1;
            }
        }
        on_layer(Layer::Url, start, end, &decoded);
        from = end;
    }
}
