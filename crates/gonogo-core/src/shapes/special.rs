//! Shapes that need more than a sequence of parts: tokens, keys in frames, keywords nearby.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::memmem;

use super::Class;

/// How far behind a keyword its value may stand.
const NEAR: usize = 80;
/// The longest head of a token that is read.
const HEAD_MAX: usize = 4096;

/// A run of exactly so many characters soon after a keyword.
pub(super) fn near(
    keywords: &[&str],
    class: Class,
    len: usize,
    bytes: &[u8],
    at: usize,
) -> Option<(usize, usize)> {
    let keyword = keywords.iter().find(|k| {
        bytes
            .get(at..at + k.len())
            .is_some_and(|seen| seen.eq_ignore_ascii_case(k.as_bytes()))
    })?;
    let from = at + keyword.len();
    let until = bytes.len().min(from + NEAR + len);
    let mut start = from;
    while start < until {
        if !class.has(bytes[start]) {
            start += 1;
            continue;
        }
        let run = bytes[start..]
            .iter()
            .take(len + 1)
            .take_while(|b| class.has(**b))
            .count();
        if run == len && is_mixed(&bytes[start..start + len], class) {
            return Some((start, start + len));
        }
        start += bytes[start..].iter().take_while(|b| class.has(**b)).count();
    }
    None
}

/// Whether a run is no word: it has digits and letters, and a UUID has its dashes.
fn is_mixed(run: &[u8], class: Class) -> bool {
    let has_both = run.iter().any(u8::is_ascii_digit) && run.iter().any(u8::is_ascii_alphabetic);
    has_both && (class != Class::Uuid || [8, 13, 18, 23].iter().all(|i| run.get(*i) == Some(&b'-')))
}

/// A JSON web token whose second part begins after the dot at `at`.
pub(super) fn jwt(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let word = |b: &&u8| Class::Word.has(**b);
    let head_len = bytes[..at]
        .iter()
        .rev()
        .take(HEAD_MAX)
        .take_while(word)
        .count();
    let head = &bytes[at - head_len..at];
    // A sign of the surroundings may stick to the beginning (`-eyJ…`).
    let skip = memmem::find(head, b"ey")?;
    let head: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&head[skip..]).ok()?).ok()?;
    head.get("alg")?.as_str()?;
    let payload_len = bytes[at + 1..].iter().take_while(word).count();
    let dot = at + 1 + payload_len;
    if bytes.get(dot) != Some(&b'.') {
        return None;
    }
    let signature_len = bytes[dot + 1..].iter().take_while(word).count();
    // Without a signature it proves nothing to anybody: only its frame is there.
    (signature_len >= 16).then_some((at - head_len + skip, dot + 1 + signature_len))
}

/// A private key's frame with what is in it.
pub(super) fn private_key(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = &bytes[at..];
    if rest.starts_with(b"PuTTY-User-Key-File-") {
        let lines = memmem::find(rest, b"Private-Lines:")?;
        return (lines < 1 << 14).then(|| (at, bytes.len().min(at + lines + 200)));
    }
    let label = rest.strip_prefix(b"-----BEGIN ")?;
    let label = &label[..memmem::find(&label[..label.len().min(64)], b"-----")?];
    let is_private = label.ends_with(b"PRIVATE KEY") || label == b"PGP PRIVATE KEY BLOCK";
    let is_label = label
        .iter()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b' ');
    if !is_private || !is_label {
        return None;
    }
    let body_at = b"-----BEGIN ".len() + label.len() + 5;
    let body = &rest[body_at..];
    let end = memmem::find(body, b"-----END ").unwrap_or(body.len().min(8192));
    let digits = body[..end]
        .iter()
        .filter(|b| Class::Base64.has(**b))
        .count();
    // A frame around nothing, or around dots, is documentation.
    let is_filled = digits >= 32 && super::placeholder::distinct(&body[..end]) > 12;
    is_filled.then_some((at, at + body_at + end))
}

/// What a private key's frame says.
pub(super) fn frame(value: &[u8]) -> Cow<'_, str> {
    let line = value
        .split(|b| matches!(b, b'\n' | b'\r' | b'\\'))
        .next()
        .unwrap_or_default();
    String::from_utf8_lossy(&line[..line.len().min(60)])
}

/// A service account's key file: the type, and a private key in the same object.
pub(super) fn service_account(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    const AROUND: usize = 4096;
    let text = b"service_account";
    if !bytes[at..].starts_with(text) {
        return None;
    }
    let around = &bytes[at.saturating_sub(AROUND)..bytes.len().min(at + AROUND)];
    let has = |key: &[u8]| memmem::find(around, key).is_some();
    (has(b"\"private_key\"") && has(b"PRIVATE KEY") && has(b"\"client_email\""))
        .then(|| (at, at + text.len()))
}
