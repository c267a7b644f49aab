//! What can be wrong with an expression before anything is observed.

use std::ops::Range;

/// One thing wrong with an expression or a template, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprProblem {
    /// Which kind of problem: one of [`codes`].
    pub code: &'static str,
    /// Where, in bytes of the source text.
    pub offset: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where something can be said.
    pub help: Option<String>,
}

impl ExprProblem {
    pub(super) fn new(
        code: &'static str,
        offset: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            offset,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same problem `by` bytes further on, for an expression that stands inside a longer text.
    #[must_use]
    pub fn shifted(mut self, by: usize) -> Self {
        self.offset = self.offset.start + by..self.offset.end + by;
        self
    }
}

/// The codes of [`ExprProblem`].
pub mod codes {
    /// The text is not an expression.
    pub const SYNTAX: &str = "expr-syntax";
    /// The expression is longer, deeper or has more parts than is read.
    pub const TOO_BIG: &str = "expr-too-big";
    /// CEL that the strict profile leaves out.
    pub const UNSUPPORTED: &str = "expr-unsupported";
    /// A function that does not exist.
    pub const UNKNOWN_FUNCTION: &str = "expr-unknown-function";
    /// A function with the wrong number of arguments.
    pub const ARGUMENTS: &str = "expr-arguments";
    /// A constant that cannot be read: a pattern, a duration, a timestamp.
    pub const BAD_CONSTANT: &str = "expr-bad-constant";
    /// A name that nothing declares.
    pub const UNKNOWN_NAME: &str = "expr-unknown-name";
    /// A field that the value never has.
    pub const UNKNOWN_FIELD: &str = "expr-unknown-field";
    /// Types that do not go together.
    pub const WRONG_TYPE: &str = "expr-wrong-type";
    /// `${` without its `}`, or with nothing inside.
    pub const TEMPLATE: &str = "expr-template";

    /// Every code, for the documents.
    pub const ALL: [&str; 10] = [
        SYNTAX,
        TOO_BIG,
        UNSUPPORTED,
        UNKNOWN_FUNCTION,
        ARGUMENTS,
        BAD_CONSTANT,
        UNKNOWN_NAME,
        UNKNOWN_FIELD,
        WRONG_TYPE,
        TEMPLATE,
    ];
}

/// The names nearest to a wrong one, nearest first, at most three.
pub(super) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = (wrong.chars().count() / 3).max(1);
    let lower = wrong.to_lowercase();
    let mut found: Vec<(usize, &str)> = known
        .filter_map(|name| {
            let distance = distance(&lower, &name.to_lowercase());
            (distance <= limit).then_some((distance, name))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Edits between two short names, a swap of neighbours counting as one.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

/// `did you mean a, b or c?`, or else what there is.
pub(super) fn did_you_mean<'a>(
    wrong: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    what: &str,
) -> Option<String> {
    let near = nearest(wrong, known.clone());
    if let Some((last, rest)) = near.split_last() {
        let list = if rest.is_empty() {
            format!("`{last}`")
        } else {
            let rest: Vec<String> = rest.iter().map(|n| format!("`{n}`")).collect();
            format!("{} or `{last}`", rest.join(", "))
        };
        return Some(format!("did you mean {list}?"));
    }
    let all: Vec<&str> = known.take(13).collect();
    if all.is_empty() {
        return None;
    }
    let more = if all.len() > 12 { ", …" } else { "" };
    let shown: Vec<&str> = all.into_iter().take(12).collect();
    Some(format!("{what}: {}{more}", shown.join(", ")))
}
