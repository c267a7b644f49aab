//! The rules that a statement of a migration is held against: which are judged unless the plan says otherwise, what
//! each costs a running system, and what to write in its place.

mod own;
mod published;

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// It stops a running system, breaks the version before, or cannot be taken back.
    Blocking,
    /// A person should know it.
    Warning,
}

impl Level {
    /// As it stands in a fact.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Warning => "warning",
        }
    }
}

/// Whether a statement writes the table anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rewrites {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It depends on what the file does not say, such as the type that the column has.
    Depends,
}

impl Rewrites {
    /// As it stands in a fact.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Depends => "depends",
        }
    }
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its published name.
    pub(super) id: &'static str,
    /// What a finding of it weighs.
    pub(super) level: Level,
    /// The strongest lock that the statement takes on a table that others use; empty where none or not known.
    pub(super) lock: &'static str,
    /// Whether it writes the table anew.
    pub(super) rewrites: Rewrites,
    /// What goes wrong.
    pub(super) reason: &'static str,
    /// What to write in its place.
    pub(super) safer: &'static str,
}

/// A line of the two lists.
const fn rule(
    id: &'static str,
    level: Level,
    lock: &'static str,
    rewrites: Rewrites,
    reason: &'static str,
    safer: &'static str,
) -> Rule {
    Rule {
        id,
        level,
        lock,
        rewrites,
        reason,
        safer,
    }
}

/// Where a rule of any name is published.
pub(super) fn link(id: &str) -> String {
    if own::RULES.iter().any(|rule| rule.id == id) {
        format!("docs/guide/migrations.md#{id}")
    } else {
        format!("https://squawkhq.com/docs/{id}")
    }
}

/// The rule of a name, where it is judged without being asked for.
pub(super) fn named(id: &str) -> Option<&'static Rule> {
    static BY_ID: OnceLock<BTreeMap<&'static str, &'static Rule>> = OnceLock::new();
    BY_ID
        .get_or_init(|| judged().map(|rule| (rule.id, rule)).collect())
        .get(id)
        .copied()
}

/// All rules that are judged without being asked for.
pub(super) fn judged() -> impl Iterator<Item = &'static Rule> {
    published::RULES.iter().chain(own::RULES)
}

/// The published rules that are judged without being asked for.
pub(super) fn published() -> impl Iterator<Item = &'static Rule> {
    published::RULES.iter()
}
