//! A problem in a plan or a command, told to a person: code, place, what was expected, what to do.

use serde::Serialize;

/// A place in one of the plan's files. Lines and columns count from one, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file as the user named it, or relative to the plan.
    pub file: String,
    /// Line, from one.
    pub line: usize,
    /// Column in characters, from one.
    pub column: usize,
    /// How many characters on that line the problem covers; at least one.
    #[serde(skip)]
    pub width: usize,
}

/// Whether a diagnostic refuses the plan or only advises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The plan cannot run: exit 64, nothing sent.
    Error,
    /// The plan runs; a person should know.
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Stable kebab-case name of the kind of problem, such as `unknown-key`.
    pub code: &'static str,
    /// Error or warning.
    pub level: Level,
    /// What is wrong, in lower case, with what was found and what was expected.
    pub message: String,
    /// Where; absent for a problem of the command line.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// What to do; may hold the line as it should be written.
    pub help: Option<String>,
    /// The line of the source the place points at, for the excerpt.
    #[serde(skip)]
    pub excerpt: Option<String>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            level: Level::Error,
            message: message.into(),
            place: None,
            help: None,
            excerpt: None,
        }
    }

    /// A warning without a place.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::error(code, message)
        }
    }

    /// Adds the next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the place.
    #[must_use]
    pub fn at(mut self, place: Place, excerpt: Option<String>) -> Self {
        self.place = Some(place);
        self.excerpt = excerpt;
        self
    }
}

/// The known name nearest to a mistyped one, where one is near enough to be meant (Damerau–Levenshtein).
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let budget = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|k| (distance(name, k), k))
        .filter(|(d, _)| *d <= budget)
        .min()
        .map(|(_, k)| k)
}

/// Edits between two words: insert, delete, replace, swap neighbours.
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

/// Writes diagnostics as a person reads them on a terminal without colour: message, place, excerpt, help.
pub fn render(diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        // Writing to a String cannot fail.
        let _infallible = render_one(&mut out, diagnostic).is_ok();
    }
    out
}

fn render_one(out: &mut String, d: &Diagnostic) -> std::fmt::Result {
    use std::fmt::Write as _;
    let level = match d.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    writeln!(out, "{level}[{}]: {}", d.code, d.message)?;
    if let Some(place) = &d.place {
        let line = place.line.to_string();
        let pad = " ".repeat(line.len());
        writeln!(
            out,
            "{pad}--> {}:{}:{}",
            place.file, place.line, place.column
        )?;
        if let Some(excerpt) = &d.excerpt {
            let carets = "^".repeat(place.width.clamp(1, 80));
            let indent = " ".repeat(place.column.saturating_sub(1));
            writeln!(out, "{pad} |\n{line} | {excerpt}\n{pad} | {indent}{carets}")?;
        }
    }
    for (i, line) in d.help.iter().flat_map(|help| help.lines()).enumerate() {
        let head = if i == 0 { "  help: " } else { "        " };
        writeln!(out, "{head}{line}")?;
    }
    writeln!(out)
}
