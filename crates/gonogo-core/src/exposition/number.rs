//! Values and timestamps.

/// A sample's value: a decimal number, or NaN and infinities in the spellings of Go.
pub(super) fn value(text: &[u8]) -> Option<f64> {
    if let Some(n) = short(text) {
        return Some(n);
    }
    let is_plain = |b: &u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    let bare = text
        .strip_prefix(b"+")
        .or(text.strip_prefix(b"-"))
        .unwrap_or(text);
    let is_word = [&b"inf"[..], b"infinity", b"nan"]
        .iter()
        .any(|w| bare.eq_ignore_ascii_case(w));
    if !is_word && !text.iter().all(is_plain) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Most values are short: up to fifteen digits with at most one point. Digits and power of ten are exact in a double, so
/// their quotient is correctly rounded.
fn short(text: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    let (mut digits, mut point) = (0_u64, None);
    for (i, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(i),
            _ => return None,
        }
    }
    match point {
        None if text.len() <= 15 => Some(digits as f64),
        Some(at) if text.len() > 1 => Some(digits as f64 / POWERS[text.len() - 1 - at]),
        _ => None,
    }
}

/// Whole milliseconds since 1970.
pub(super) fn milliseconds(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds since 1970 with a fraction, as milliseconds.
pub(super) fn seconds(text: &[u8]) -> Option<i64> {
    let seconds = value(text)?;
    let ms = (seconds * 1000.0).round();
    // Everything a calendar can name fits a double and 64 bits.
    (ms.is_finite() && ms.abs() < 9.0e15).then_some(ms as i64)
}
