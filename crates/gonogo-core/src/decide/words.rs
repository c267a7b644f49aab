//! The one sentence of the first screen: because of what, and what would change it.

use super::is_required;
use super::rules::Applied;
use super::waivers::Standing;
use crate::judged::GateJudged;
use crate::outcome::Verdict;

pub(super) fn because(
    verdict: Verdict,
    rules: &[Applied],
    gates: &[GateJudged],
    standing: &Standing,
) -> String {
    let Some(first) = rules.first() else {
        return go(gates, standing);
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

fn go(gates: &[GateJudged], standing: &Standing) -> String {
    let required = gates.iter().filter(|g| is_required(g)).count();
    let waived = gates
        .iter()
        .filter(|g| is_required(g) && g.waived_by.is_some())
        .count();
    let all = match required {
        1 => "the one required gate holds".to_owned(),
        n => format!("all {n} required gates hold"),
    };
    let by_waiver = match (waived, standing.used.len()) {
        (0, _) => String::new(),
        (1, _) => ", one of them by a waiver".to_owned(),
        (n, _) => format!(", {n} of them by waivers"),
    };
    format!(
        "GO because {all}{by_waiver}; a failed required gate, another subject or the end of its validity would change it."
    )
}
