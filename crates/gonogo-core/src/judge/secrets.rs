//! Secrets that came back. A leaked secret fails the check that met it, and no waiver covers it.

use crate::plan::Check;
use crate::record::{SecretSeen, TargetSeen};

/// The expectation that every check has without writing it.
pub(crate) const NO_LEAK: &str = "no secret comes back";

/// The secrets that a target gave back where nobody had asked for them: not in what the check itself saves as a secret
/// (a login's token), and not in the check's own request. What was read without a target (a minted token, a file of
/// this machine) did not come back from anywhere.
pub fn leaked<'o>(
    check: &Check,
    target: Option<&TargetSeen>,
    seen: &'o [SecretSeen],
) -> Vec<&'o SecretSeen> {
    if target.is_none() {
        return Vec::new();
    }
    let own = |seen: &SecretSeen| {
        check.save.iter().filter(|save| save.secret).any(|save| {
            let name = seen.name.strip_prefix("saved.").unwrap_or(&seen.name);
            name == save.name || lies_within(&seen.location, save.from.source())
        })
    };
    let sent = |seen: &SecretSeen| lies_within(&seen.location, "request");
    seen.iter()
        .filter(|seen| !own(seen) && !sent(seen))
        .collect()
}

/// Whether a location such as `body.session.token` is the path, or lies inside what it names.
fn lies_within(location: &str, path: &str) -> bool {
    let location = location.strip_prefix("facts.").unwrap_or(location);
    location
        .strip_prefix(path.trim())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// One line about them: `secret jwt_secret came back in body.debug`.
pub(super) fn sentence(leaked: &[&SecretSeen]) -> String {
    let parts: Vec<String> = leaked
        .iter()
        .take(3)
        .map(|seen| format!("the secret `{}` came back in {}", seen.name, seen.location))
        .collect();
    let more = leaked.len().saturating_sub(3);
    let tail = if more > 0 {
        format!(", and {more} more times")
    } else {
        String::new()
    };
    format!("{}{tail}", parts.join(", "))
}

/// What stands in the record where a secret stood.
pub(super) fn mask(name: &str) -> String {
    format!("[secret {name}]")
}
