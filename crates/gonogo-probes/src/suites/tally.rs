//! What documents of tests say, in one form: suites with their counts, and the names that matter.

use chrono::{DateTime, Utc};

/// The most names of one kind that are kept.
pub(super) const MOST_NAMES: usize = 1000;
/// The most suites that are kept.
pub(super) const MOST_SUITES: usize = 5000;
/// The most problems that are kept.
pub(super) const MOST_WRONG: usize = 200;
/// The most characters of a name.
const LONGEST_NAME: usize = 300;

/// How one test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Passed,
    /// What it asserts does not hold.
    Failed,
    /// It could not be carried out: its fixture broke, it did not end.
    Error,
    /// It did not run, or its end does not count (`todo`, an expected failure). Never a pass.
    Skipped,
}

/// How many ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) errors: u64,
    pub(super) skipped: u64,
}

impl Counts {
    /// All of them.
    pub(super) fn total(self) -> u64 {
        self.ran().saturating_add(self.skipped)
    }

    /// Those that ran.
    pub(super) fn ran(self) -> u64 {
        self.passed.saturating_add(self.bad())
    }

    /// Those that failed one way or the other.
    pub(super) fn bad(self) -> u64 {
        self.failed.saturating_add(self.errors)
    }

    pub(super) fn add(&mut self, more: Self) {
        for (mine, theirs) in [
            (&mut self.passed, more.passed),
            (&mut self.failed, more.failed),
            (&mut self.errors, more.errors),
            (&mut self.skipped, more.skipped),
        ] {
            *mine = mine.saturating_add(theirs);
        }
    }
}

/// Names, up to a bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) kept: Vec<String>,
    /// How many more there are.
    pub(super) more: u64,
}

impl Names {
    pub(super) fn push(&mut self, name: &str) {
        if self.kept.len() < MOST_NAMES {
            self.kept.push(shortened(name));
        } else {
            self.more += 1;
        }
    }

    pub(super) fn extend(&mut self, other: &Self) {
        for name in &other.kept {
            self.push(name);
        }
        self.more += other.more;
    }
}

/// A name that is no longer than a report should show.
pub(super) fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((at, _)) => format!("{}…", &name[..at]),
        None => name.to_owned(),
    }
}

/// Tests that belong together by their document: a file, a package, a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) counts: Counts,
    pub(super) failed: Names,
    pub(super) skipped: Names,
    pub(super) flaky: Names,
}

impl Suite {
    pub(super) fn named(name: impl AsRef<str>) -> Self {
        Self {
            name: shortened(name.as_ref()),
            ..Self::default()
        }
    }

    /// One more test.
    pub(super) fn add(&mut self, test: &str, end: End) {
        let one = match end {
            End::Passed => &mut self.counts.passed,
            End::Failed => &mut self.counts.failed,
            End::Error => &mut self.counts.errors,
            End::Skipped => &mut self.counts.skipped,
        };
        *one = one.saturating_add(1);
        match end {
            End::Passed => {}
            End::Failed | End::Error => self.failed.push(test),
            End::Skipped => self.skipped.push(test),
        }
    }
}

/// One run of a scanner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    pub(super) tool: String,
    pub(super) error: u64,
    pub(super) warning: u64,
    pub(super) note: u64,
    pub(super) none: u64,
    /// The findings of the levels `error` and `warning`, by rule and place.
    pub(super) found: Names,
    /// Findings that somebody accepted.
    pub(super) suppressed: Names,
}

/// What is wrong with a document, or with the run that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) rule: &'static str,
    pub(super) line: usize,
    pub(super) message: String,
    /// Whether a better document could count otherwise.
    pub(super) is_doubtful: bool,
}

impl Wrong {
    /// Something that makes the count doubtful.
    pub(super) fn new(rule: &'static str, line: usize, message: impl Into<String>) -> Self {
        Self {
            rule,
            line,
            message: shortened(&message.into()),
            is_doubtful: true,
        }
    }
}

/// What was read of one document.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) suites: Vec<Suite>,
    pub(super) scans: Vec<Scan>,
    /// Programs and packages that have no tests at all, which their tools list all the same.
    pub(super) untested: Names,
    /// Tests that a filter left out.
    pub(super) filtered: u64,
    pub(super) wrong: Vec<Wrong>,
    /// When it was made by its own word.
    pub(super) made_at: Option<DateTime<Utc>>,
}

impl Reading {
    pub(super) fn wrong(&mut self, rule: &'static str, line: usize, message: impl Into<String>) {
        if self.wrong.len() < MOST_WRONG {
            self.wrong.push(Wrong::new(rule, line, message));
        }
    }

    /// The latest time that it names.
    pub(super) fn seen_at(&mut self, at: DateTime<Utc>) {
        self.made_at = self.made_at.max(Some(at));
    }
}
