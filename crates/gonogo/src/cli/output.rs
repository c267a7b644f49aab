//! The only writers to stdout and stderr. A closed pipe is no failure of the run.

use std::io::Write as _;

/// Writes the result.
pub(super) fn result_text(text: &str) {
    let mut out = anstream();
    let _closed = out
        .write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .is_err();
}

/// Writes one JSON document as the result.
pub(super) fn json(document: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    let text = gonogo_report::json::text(document);
    let _closed = writeln!(out, "{text}").is_err();
}

/// Writes to stderr.
pub(super) fn error_text(text: &str) {
    let mut err = std::io::stderr().lock();
    let _closed = err.write_all(text.as_bytes()).is_err();
}

fn anstream() -> std::io::StdoutLock<'static> {
    std::io::stdout().lock()
}

/// Whether colours may be used on stdout: a terminal, and `NO_COLOR` (no-color.org) not set.
pub(super) fn colour() -> bool {
    use std::io::IsTerminal as _;
    std::io::stdout().is_terminal()
        && crate::world::variable("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// The terminal's width, 80 where there is none.
pub(super) fn width() -> usize {
    rustix::termios::tcgetwinsize(std::io::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns >= 40)
        .unwrap_or(80)
}

/// Appends formatted text.
pub(super) fn add(to: &mut String, text: std::fmt::Arguments<'_>) {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    let _infallible = to.write_fmt(text).is_ok();
}
