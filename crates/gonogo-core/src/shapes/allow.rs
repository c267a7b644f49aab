//! What may stay though it looks like a secret, and why.

/// One entry of an allow-list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    rule: Option<String>,
    path: Option<String>,
    fingerprint: Option<String>,
    reason: String,
}

/// Why an entry cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowError {
    /// Nobody would know why.
    #[error("an allowed secret needs a reason")]
    NoReason,
    /// It would allow everything.
    #[error("an allowed secret needs a rule, a path or a fingerprint")]
    NoCriterion,
    /// No rule has this name.
    #[error("there is no such rule")]
    UnknownRule,
}

impl Allow {
    /// An entry: everything that is given must agree. `path` is a pattern with `*`, `**` and `?`.
    pub fn new(
        rule: Option<&str>,
        path: Option<&str>,
        fingerprint: Option<&str>,
        reason: &str,
    ) -> Result<Self, AllowError> {
        if reason.trim().is_empty() {
            return Err(AllowError::NoReason);
        }
        if rule.is_none() && path.is_none() && fingerprint.is_none() {
            return Err(AllowError::NoCriterion);
        }
        if rule.is_some_and(|id| !super::RULES.iter().any(|r| r.id == id)) {
            return Err(AllowError::UnknownRule);
        }
        Ok(Self {
            rule: rule.map(str::to_owned),
            path: path.map(str::to_owned),
            fingerprint: fingerprint.map(str::to_owned),
            reason: reason.trim().to_owned(),
        })
    }

    /// Why it may stay.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    pub(super) fn covers(&self, rule: &str, path: &str, fingerprint: &str) -> bool {
        self.rule.as_deref().is_none_or(|r| r == rule)
            && self.fingerprint.as_deref().is_none_or(|f| f == fingerprint)
            && self
                .path
                .as_deref()
                .is_none_or(|p| is_match(p.as_bytes(), path.as_bytes()))
    }
}

/// `*` stands for anything within one part of a path, `**` across parts, `?` for one character. Runs in the product of
/// the lengths at worst.
fn is_match(pattern: &[u8], path: &[u8]) -> bool {
    // Row by row: which beginnings of the path are matched by the pattern so far.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    let mut rest = pattern;
    while let Some(first) = rest.first() {
        let mut next = vec![false; path.len() + 1];
        let is_deep = rest.starts_with(b"**");
        if *first == b'*' {
            // `**/` also stands for no directory at all.
            let skip = if is_deep && rest.get(2) == Some(&b'/') {
                3
            } else {
                1 + usize::from(is_deep)
            };
            let mut is_open = false;
            for i in 0..=path.len() {
                is_open = reached[i] || (is_open && (is_deep || path[i - 1] != b'/'));
                next[i] = is_open && (skip < 3 || i == 0 || path[i - 1] == b'/' || reached[i]);
            }
            rest = &rest[skip..];
        } else {
            for i in 0..path.len() {
                next[i + 1] =
                    reached[i] && (*first == path[i] || (*first == b'?' && path[i] != b'/'));
            }
            rest = &rest[1..];
        }
        reached = next;
    }
    reached[path.len()]
}
