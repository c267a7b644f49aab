//! Why an evaluation has no value, and which questions in the expression make that harmless.

use super::path::{Path, Step};

/// One reason why there is no value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trouble {
    pub(super) kind: TroubleKind,
    /// Where in what was observed, where it has a place.
    pub(super) path: Option<Path>,
    pub(super) message: String,
}

/// Ordered as outcomes are: the first one is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TroubleKind {
    /// The budget is used up: what was not looked at could be anything.
    Exhausted,
    Absent,
    Clash,
    Error,
    Inconclusive,
}

/// The end of an evaluation without a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stop {
    /// Never empty.
    pub(super) troubles: Vec<Trouble>,
    /// Whether the expression would be false whatever the troubled parts had been.
    pub(super) contradicted: bool,
}

impl Stop {
    pub(super) fn one(kind: TroubleKind, path: Option<Path>, message: String) -> Self {
        Self {
            troubles: vec![Trouble {
                kind,
                path,
                message,
            }],
            contradicted: false,
        }
    }

    pub(super) fn error(message: impl Into<String>) -> Self {
        Self::one(TroubleKind::Error, None, message.into())
    }

    /// Both reasons, of the two sides of `&&` or `||`.
    pub(super) fn and_also(mut self, other: Self, and: bool) -> Self {
        self.contradicted = if and {
            self.contradicted || other.contradicted
        } else {
            self.contradicted && other.contradicted
        };
        self.troubles.extend(other.troubles);
        self
    }

    /// What is left when the guards have been heard; nothing where all is guarded.
    pub(super) fn without(mut self, guards: &[Guard]) -> Option<Self> {
        self.troubles
            .retain(|trouble| !guards.iter().any(|guard| guard.covers(trouble)));
        (!self.troubles.is_empty()).then_some(self)
    }

    /// The worst trouble; the first of equals.
    pub(super) fn worst(self) -> Option<Trouble> {
        self.troubles.into_iter().min_by_key(|t| t.kind)
    }
}

/// A question that the expression asked and that was answered with "not there": trouble at that place is then
/// harmless, where the answer already decides.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Guard {
    /// `has(p)` or `k in m` was false.
    Missing(Path),
    /// `p == null` was true, or the type of `p` was asked for.
    Shape(Path),
    /// The size of `p` was asked for, or `p == []`.
    Size(Path),
}

impl Guard {
    fn covers(&self, trouble: &Trouble) -> bool {
        let Some(path) = &trouble.path else {
            return false;
        };
        match (self, trouble.kind) {
            (Self::Missing(asked), TroubleKind::Absent | TroubleKind::Clash) => {
                path.is_within(asked)
            }
            (Self::Shape(asked), TroubleKind::Clash) => path.is_within(asked),
            (Self::Size(asked), TroubleKind::Inconclusive) => path == asked,
            // An element beyond the end; not what an element that is there lacks.
            (Self::Size(asked), TroubleKind::Absent) => {
                path.steps.len() == asked.steps.len() + 1
                    && path.is_within(asked)
                    && matches!(path.steps.last(), Some(Step::At(_) | Step::Any))
            }
            _ => false,
        }
    }
}
