//! The policy: what counts are there for its expressions, and how they come out.

use crate::expr::{Expr, Scope};
use crate::judge::Known;
use crate::judge::expectation::{self, Gap};
use crate::judged::{GateJudged, GateOutcome};
use crate::outcome::{Outcome, Severity};
use crate::value::{Map, Value};

/// What `--policy` adds to the plan's rule. It may only tighten: each expression that holds lowers the verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// NO-GO where one is true.
    pub no_go: Vec<Expr>,
    /// HOLD where one is true.
    pub hold: Vec<Expr>,
}

/// What policy expressions speak of: `critical`, `important` and `advisory`, each a map from outcome to how many
/// gates ended so. A waived gate counts as `waived` and nowhere else; `out_of_scope` and `total` stand beside.
pub fn tallies(gates: &[GateJudged]) -> Map {
    let of = |severity: Severity| {
        let mut counts: Map = Outcome::WORST_FIRST
            .iter()
            .map(|o| (o.word().to_owned(), Value::Int(0)))
            .collect();
        counts.insert("waived".to_owned(), Value::Int(0));
        counts.insert("out_of_scope".to_owned(), Value::Int(0));
        counts.insert("total".to_owned(), Value::Int(0));
        for gate in gates.iter().filter(|g| g.severity == severity) {
            let slot = match gate.outcome {
                GateOutcome::OutOfScope => "out_of_scope",
                _ if gate.waived_by.is_some() => "waived",
                other => other.word(),
            };
            for key in [slot, "total"] {
                if let Some(Value::Int(n)) = counts.get_mut(key) {
                    *n += 1;
                }
            }
        }
        Value::Map(counts)
    };
    Map::from([
        ("critical".to_owned(), of(Severity::Critical)),
        ("important".to_owned(), of(Severity::Important)),
        ("advisory".to_owned(), of(Severity::Advisory)),
    ])
}

/// How one policy expression comes out.
pub(super) enum Ruled {
    /// It does not apply.
    No,
    /// It applies: why, as the values of its parts.
    Yes(String),
    /// It has no value, so it cannot be relied upon.
    Unclear(String),
}

pub(super) fn rule(expr: &Expr, tallies: &Map, known: &Known) -> Ruled {
    let empty = Map::new();
    let scope: Scope<'_> = known.scope(tallies, None).with(&empty);
    match expectation::truth(expr, &scope) {
        Ok(false) => Ruled::No,
        Ok(true) => Ruled::Yes(expectation::explain_held(expr, &scope)),
        Err(Gap::Absent(why) | Gap::Clash(why) | Gap::Empty(why) | Gap::Error(why)) => {
            Ruled::Unclear(why)
        }
    }
}
