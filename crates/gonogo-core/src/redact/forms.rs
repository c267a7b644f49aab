//! The forms of a needle that have one spelling each: these are looked for as they are.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::needles::Needle;

/// One byte string to look for, and how much around it belongs to the secret.
pub(super) struct Form {
    pub(super) bytes: Vec<u8>,
    pub(super) encoding: &'static str,
    pub(super) margin: Margin,
}

/// What around a match carries bits of the secret too.
#[derive(Clone, Copy)]
pub(super) enum Margin {
    /// Nothing.
    None,
    /// So many base64 digits before and after, and padding.
    Base64(usize, usize),
    /// A zero byte on either side.
    Utf16,
}

/// All forms of a needle.
pub(super) fn of_needle(needle: &Needle) -> Vec<Form> {
    let mut out = Vec::new();
    let raw = &needle.bytes;
    plain(raw.clone(), "raw", &mut out);
    base64(raw, "base64", false, &mut out);
    plain(hex(raw, false), "hex", &mut out);
    plain(hex(raw, true), "hex", &mut out);
    if needle.whole {
        doubled(raw, &mut out);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            for core in cores(raw, engine) {
                base64(&core.digits, "double base64", true, &mut out);
            }
        }
        let mut reversed = raw.clone();
        reversed.reverse();
        plain(reversed, "reversed", &mut out);
        if let Ok(text) = std::str::from_utf8(raw) {
            plain(
                text.chars().rev().collect::<String>().into_bytes(),
                "reversed",
                &mut out,
            );
            utf16(text, &mut out);
        }
    }
    out.sort_by(|a, b| a.bytes.cmp(&b.bytes));
    out.dedup_by(|a, b| a.bytes == b.bytes);
    out
}

fn plain(bytes: Vec<u8>, encoding: &'static str, out: &mut Vec<Form>) {
    out.push(Form {
        bytes,
        encoding,
        margin: Margin::None,
    });
}

/// Digits of base64 that stand for nothing but the given bytes, at one of the three places a byte can begin.
struct Core {
    digits: Vec<u8>,
    before: usize,
    after: usize,
}

fn cores(bytes: &[u8], engine: &GeneralPurpose) -> impl Iterator<Item = Core> {
    (0..3).map(move |shift: usize| {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(bytes);
        let digits = engine.encode(&shifted).into_bytes();
        let bits = shifted.len() * 8;
        Core {
            digits: digits[(shift * 8).div_ceil(6)..bits / 6].to_vec(),
            before: usize::from(shift > 0),
            after: usize::from(!bits.is_multiple_of(6)),
        }
    })
}

fn base64(bytes: &[u8], encoding: &'static str, is_double: bool, out: &mut Vec<Form>) {
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for core in cores(bytes, engine) {
            // The digits cut off from an inner core are up to two digits of the outer one.
            let more = if is_double { 2 } else { 0 };
            out.push(Form {
                bytes: core.digits,
                encoding,
                margin: Margin::Base64(core.before + more, core.after + more),
            });
        }
    }
}

fn hex(bytes: &[u8], is_upper: bool) -> Vec<u8> {
    let digits: &[u8; 16] = if is_upper {
        b"0123456789ABCDEF"
    } else {
        b"0123456789abcdef"
    };
    bytes
        .iter()
        .flat_map(|b| [digits[usize::from(b >> 4)], digits[usize::from(b & 15)]])
        .collect()
}

fn utf16(text: &str, out: &mut Vec<Form>) {
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    // The outermost zero bytes are left to the margin: text that was cut or trimmed lacks them.
    base64(&little, "base64", false, out);
    base64(&big, "base64", false, out);
    let little = little.strip_suffix(&[0]).unwrap_or(&little).to_vec();
    let big = big.strip_prefix(&[0]).unwrap_or(&big).to_vec();
    for bytes in [little, big] {
        out.push(Form {
            bytes,
            encoding: "utf-16",
            margin: Margin::Utf16,
        });
    }
}

/// Quoting by doubling or by closing and reopening: SQL, CSV, shell, compose files, format strings.
fn doubled(raw: &[u8], out: &mut Vec<Form>) {
    const SPELLINGS: [(u8, &[u8]); 7] = [
        (b'\'', b"''"),
        (b'\'', b"'\\''"),
        (b'\'', b"'\"'\"'"),
        (b'"', b"\"\""),
        (b'$', b"$$"),
        (b'%', b"%%"),
        (b'`', b"``"),
    ];
    for (byte, spelling) in SPELLINGS {
        if raw.contains(&byte) {
            let quoted = raw
                .iter()
                .flat_map(|b| {
                    if *b == byte {
                        spelling
                    } else {
                        std::slice::from_ref(b)
                    }
                })
                .copied()
                .collect();
            plain(quoted, "quoted", out);
        }
    }
}
