//! `Strict-Transport-Security` (RFC 6797, 6.1), pure.

/// What the header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hsts {
    /// In seconds.
    pub(super) max_age: i64,
    pub(super) include_subdomains: bool,
    /// Not of the standard: what the preload lists of browsers ask for.
    pub(super) preload: bool,
}

/// Reads the header; nothing where it is not one: a directive twice, or no `max-age` (6.1, 8.1).
pub(super) fn parse(value: &str) -> Option<Hsts> {
    let mut seen: Vec<String> = Vec::new();
    let mut hsts = Hsts::default();
    let mut has_age = false;
    for part in value.split(';').map(str::trim).filter(|p| !p.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = name.trim().to_ascii_lowercase();
        if seen.contains(&name) {
            return None;
        }
        match name.as_str() {
            "max-age" => {
                let digits = value.trim().trim_matches('"');
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                hsts.max_age = digits.parse().unwrap_or(i64::MAX);
                has_age = true;
            }
            "includesubdomains" => hsts.include_subdomains = true,
            "preload" => hsts.preload = true,
            _ => {}
        }
        seen.push(name);
    }
    has_age.then_some(hsts)
}
