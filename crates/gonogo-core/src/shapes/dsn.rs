//! Passwords in `scheme://user:password@host`.

use memchr::memmem;

use super::placeholder::is_placeholder;

/// What documentation writes where a password belongs.
const WORDS: &[&str] = &[
    "password", "passwd", "pass", "pwd", "secret", "pw", "user", "username", "token", "key",
    "test", "foo", "bar",
];
/// The longest part before the host.
const USERINFO_MAX: usize = 300;

/// Calls `on_hit` with the place of each password.
pub(super) fn each(bytes: &[u8], mut on_hit: impl FnMut(usize, usize)) {
    for at in memmem::find_iter(bytes, b"://") {
        if let Some((start, end)) = password(bytes, at) {
            on_hit(start, end);
        }
    }
}

fn password(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let has_scheme = at
        .checked_sub(1)
        .is_some_and(|i| bytes[i].is_ascii_alphanumeric());
    let start = at + 3;
    let rest = &bytes[start..bytes.len().min(start + USERINFO_MAX)];
    let is_end = |b: &u8| {
        b.is_ascii_whitespace()
            || matches!(
                b,
                b'/' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'?' | b'#' | b'\\' | b'|'
            )
    };
    let authority = &rest[..rest.iter().position(is_end).unwrap_or(rest.len())];
    let host_at = authority.iter().rposition(|b| *b == b'@')?;
    let colon = authority[..host_at].iter().position(|b| *b == b':')?;
    let (user, password, host) = (
        &authority[..colon],
        &authority[colon + 1..host_at],
        &authority[host_at + 1..],
    );
    let is_host = host
        .first()
        .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'[' | b'_' | b'$' | b'{'));
    let is_real = has_scheme
        && is_host
        && password.len() >= 3
        && is_text(password)
        && !is_stand_in(user, password, host);
    is_real.then_some((start + colon + 1, start + host_at))
}

fn is_text(password: &[u8]) -> bool {
    password.iter().all(|b| b.is_ascii_graphic() || *b >= 0x80)
}

/// A placeholder, or the known default of a machine of one's own.
fn is_stand_in(user: &[u8], password: &[u8], host: &[u8]) -> bool {
    let lower = password.to_ascii_lowercase();
    let is_local = [&b"localhost"[..], b"127.0.0.1", b"[::1]"]
        .iter()
        .any(|h| host.starts_with(h));
    is_placeholder(password)
        || password.contains(&b'{')
        || WORDS.iter().any(|w| w.as_bytes() == lower)
        || (is_local && user == password)
}
