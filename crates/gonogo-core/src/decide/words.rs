//! The one sentence of the first screen: because of what, and what would change it.

use super::is_required;
use super::rules::Applied;
use crate::judged::GateJudged;
use crate::outcome::Verdict;

pub(super) fn because(verdict: Verdict, rules: &[Applied], gates: &[GateJudged]) -> String {
    let Some(first) = rules.first() else {
        return go(gates);
    };
    let same = rules.iter().filter(|r| r.verdict == first.verdict).count();
    let more = match same {
        0 | 1 => String::new(),
        2 => " (and 1 more reason)".to_owned(),
        n => format!(" (and {} more reasons)", n - 1),
    };
    format!(
        "{} because {}{more}; it takes {}.",
        verdict.word(),
        first.reason.trim_end_matches('.'),
        first.lifted_by
    )
}

fn go(gates: &[GateJudged]) -> String {
    let required = gates.iter().filter(|g| is_required(g)).count();
    let waived = gates
        .iter()
        .filter(|g| is_required(g) && g.waived_by.is_some())
        .count();
    let all = match (required, waived) {
        (1, 0) => "the one required gate holds".to_owned(),
        (1, _) => "the one required gate is waived".to_owned(),
        (n, 0) => format!("all {n} required gates hold"),
        (n, 1) => format!("all {n} required gates hold but one, which is waived"),
        (n, k) => format!("all {n} required gates hold but {k}, which are waived"),
    };
    format!(
        "GO because {all}; a failed required gate, another subject or the end of its validity would change it."
    )
}
