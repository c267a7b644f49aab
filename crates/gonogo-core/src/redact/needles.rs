//! Which byte strings give a secret away: itself, its lines, its telling parts; and which are too plain to look for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::shapes::shannon_bits;

/// Something to look for.
#[derive(Clone)]
pub(super) struct Needle {
    /// Index of the secret's name.
    pub(super) secret: usize,
    /// What to look for.
    pub(super) bytes: Vec<u8>,
    /// Whether it is the secret as a whole, which is looked for in the rarer forms too.
    pub(super) whole: bool,
}

/// Shortest text that is looked for inside other text.
const SHORTEST: usize = 8;
/// Bits of a text whose characters are all of one kind, of two, of more: below is a plain word or number.
const FEWEST_BITS: [f64; 3] = [24.0, 20.0, 18.0];
/// What people type where a secret belongs, without the digits and signs they add.
const WELL_KNOWN: &[&str] = &[
    "password",
    "passwort",
    "passw0rd",
    "changeme",
    "letmein",
    "secret",
    "admin",
    "administrator",
    "qwerty",
    "qwertyuiop",
    "welcome",
    "default",
    "example",
    "postgres",
    "test",
    "testing",
    "staging",
    "production",
    "localhost",
    "mysecret",
    "mypassword",
    "topsecret",
    "supersecret",
];

/// Why a value is too plain to be looked for inside other text, if it is.
pub(super) fn weakness(value: &str) -> Option<&'static str> {
    if value.chars().count() < SHORTEST {
        return Some("has fewer than 8 characters");
    }
    let lower = value.to_ascii_lowercase();
    let stem = lower.trim_matches(|c: char| !c.is_ascii_alphabetic());
    let bits = shannon_bits(value.as_bytes());
    let plain = WELL_KNOWN.contains(&stem)
        || is_sequence(value.as_bytes())
        || bits < FEWEST_BITS[kinds(value).clamp(1, 3) - 1];
    plain.then_some("has little entropy")
}

/// How many of lower-case letters, capitals, digits and others occur.
fn kinds(value: &str) -> usize {
    let has = |test: fn(&char) -> bool| usize::from(value.chars().any(|c| test(&c)));
    has(char::is_ascii_lowercase)
        + has(char::is_ascii_uppercase)
        + has(char::is_ascii_digit)
        + has(|c| !c.is_ascii_alphanumeric())
}

/// Whether each character is one above, one below or equal to the one before: `12345678`, `hgfedcba`.
fn is_sequence(bytes: &[u8]) -> bool {
    let step = |w: &[u8]| i16::from(w[1]) - i16::from(w[0]);
    let plain = bytes.windows(2).filter(|w| step(w).abs() <= 1).count();
    plain * 10 >= (bytes.len() - 1) * 9
}

/// Everything that gives a strong secret away.
pub(super) fn of_secret(secret: usize, value: &str) -> Vec<Needle> {
    let mut out = vec![needle(secret, value, true)];
    for part in strong_parts(value) {
        out.push(needle(secret, &part, true));
    }
    if value.contains(['\n', '\r']) {
        for line in value.lines().map(str::trim) {
            // The frame of a PEM block is no secret.
            if weakness(line).is_none() && !line.starts_with("-----") {
                out.push(needle(secret, line, false));
            }
        }
        let joined: String = value
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("-----"))
            .collect();
        if weakness(&joined).is_none() {
            out.push(needle(secret, &joined, false));
        }
    }
    out
}

/// Parts of a strong secret that are secret themselves and too plain to look for: masked where they are a whole value.
pub(super) fn weak_parts(value: &str) -> Vec<String> {
    let mut parts = parts(value);
    parts.retain(|part| weakness(part).is_some() && part.len() > 3);
    parts
}

fn strong_parts(value: &str) -> Vec<String> {
    let mut parts = parts(value);
    parts.retain(|part| weakness(part).is_none());
    parts
}

fn needle(secret: usize, text: &str, whole: bool) -> Needle {
    Needle {
        secret,
        bytes: text.as_bytes().to_vec(),
        whole,
    }
}

/// The parts of a value that are secret alone.
fn parts(value: &str) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(password) = url_password(value) {
        out.extend(percent_decoded(password).filter(|plain| plain != password));
        out.push(password.to_owned());
    }
    for word in value.split([' ', ';', '&', '?', '\n']) {
        if let Some((key, text)) = word.split_once('=')
            && is_secret_key(key)
        {
            out.push(text.trim_matches(['\'', '"']).to_owned());
        }
    }
    if let Some(token) = scheme_rest(value, "bearer ") {
        out.push(token.to_owned());
        out.extend(parts(token));
    }
    if let Some(pair) = scheme_rest(value, "basic ") {
        out.push(pair.to_owned());
        let decoded = STANDARD
            .decode(pair)
            .ok()
            .and_then(|b| String::from_utf8(b).ok());
        if let Some(decoded) = decoded {
            out.extend(
                decoded
                    .split_once(':')
                    .map(|(_, password)| password.to_owned()),
            );
            out.push(decoded);
        }
    }
    out.extend(token_signature(value).map(str::to_owned));
    if value.starts_with('{')
        && let Ok(json) = serde_json::from_str::<serde_json::Value>(value)
    {
        secret_members(&json, &mut out);
    }
    out
}

/// The password of `scheme://user:password@host`.
fn url_password(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // A password with an unescaped `/` or `#` still ends at the last `@` before the host.
    let (userinfo, _) = authority
        .rsplit_once('@')
        .or_else(|| rest.rsplit_once('@'))?;
    let (_, password) = userinfo.split_once(':')?;
    let is_port = password
        .split('/')
        .next()
        .is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()))
        && password.contains('/');
    (!password.is_empty() && !is_port).then_some(password)
}

fn percent_decoded(text: &str) -> Option<String> {
    let view = super::undo::undo::<super::view::Text>(
        super::undo::Undo::Percent,
        text.as_bytes(),
        text.len() + 1,
        1,
    )?;
    String::from_utf8(view.0).ok()
}

fn scheme_rest<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let head = value.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme)
        .then(|| value[scheme.len()..].trim())
}

/// The third part of a JSON web token.
fn token_signature(value: &str) -> Option<&str> {
    let mut parts = value.split('.');
    let (head, _, signature) = (parts.next()?, parts.next()?, parts.next()?);
    (head.starts_with("eyJ") && parts.next().is_none()).then_some(signature)
}

fn is_secret_key(key: &str) -> bool {
    let key = key.trim().to_ascii_lowercase();
    [
        "password",
        "passwd",
        "pwd",
        "secret",
        "token",
        "private",
        "api_key",
        "apikey",
        "accountkey",
        "sharedaccesskey",
    ]
    .iter()
    .any(|word| key.contains(word))
}

fn secret_members(json: &serde_json::Value, out: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                match member {
                    serde_json::Value::String(text)
                        if is_secret_key(key) && !text.contains("://") =>
                    {
                        out.push(text.clone());
                        let lines = text.lines().filter(|l| !l.starts_with("-----"));
                        out.extend(lines.map(|l| l.trim().to_owned()));
                    }
                    _ => secret_members(member, out),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| secret_members(item, out)),
        _ => {}
    }
}
