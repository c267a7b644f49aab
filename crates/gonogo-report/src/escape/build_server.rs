//! Commands that build servers read out of what a program prints.

/// The commands of GitHub's runners, which stand after `::` at the beginning of a line, blanks left out; where a long
/// line is broken is not known here.
const COMMANDS: [&str; 15] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
];

/// Whether a `:` or `#` begins such a command: `::error::`, or `##vso[`, `##[`, `##teamcity[`, which Azure's, GitHub's
/// and TeamCity's look for anywhere in a line.
pub(super) fn begins_command(text: &str, at: usize) -> bool {
    let (before, here) = text.split_at(at);
    if let Some(after) = here.strip_prefix("##") {
        let word = after.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        return word.starts_with('[');
    }
    // Part of a path such as `io::error::Kind`.
    let is_inside = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '>'));
    let Some(after) = here.strip_prefix("::").filter(|_| !is_inside) else {
        return false;
    };
    let end = after
        .find(|c: char| !c.is_ascii_alphabetic() && c != '-')
        .unwrap_or(after.len());
    let name = after[..end].to_ascii_lowercase();
    COMMANDS.contains(&name.as_str())
}
