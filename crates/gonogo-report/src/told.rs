//! What is told one by one where a tool shows a list of problems: the verdict, then what did not pass, gravest first.

use gonogo_core::judged::{Finding, Judged};
use gonogo_core::outcome::{Outcome, Severity, Verdict};

/// How much a line of the list weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Stands between this run and a GO.
    Blocks,
    /// A person should see it.
    Advises,
    /// Accepted by name.
    Waived,
}

/// One line of the list.
pub(crate) struct Told<'a> {
    /// `gate/check`.
    pub(crate) check: String,
    pub(crate) weight: Weight,
    /// The word of its outcome.
    pub(crate) outcome: &'static str,
    /// One line.
    pub(crate) title: String,
    /// Where it is more than one line: what was expected, what was seen, why, what next.
    pub(crate) finding: Option<&'a Finding>,
    pub(crate) waived_by: Option<&'a str>,
}

/// The verdict's name among checks; no gate is called so.
pub(crate) const VERDICT: &str = "verdict";

/// Everything that did not pass. The first is the verdict where it is not GO, so that an empty list is a GO.
pub(crate) fn all(judged: &Judged) -> Vec<Told<'_>> {
    let mut told: Vec<Told<'_>> = verdict(judged).into_iter().collect();
    for finding in &judged.findings {
        told.push(of_finding(finding.check.clone(), finding));
        let also = finding.also.iter().map(|check| Told {
            title: format!("as {}: {}", finding.check, finding.title),
            finding: None,
            ..of_finding(check.clone(), finding)
        });
        told.extend(also);
    }
    let known: std::collections::BTreeSet<String> =
        told.iter().map(|line| line.check.clone()).collect();
    for gate in &judged.gates {
        for check in &gate.checks {
            let name = format!("{}/{}", gate.id, check.id);
            if check.outcome == Outcome::Pass || known.contains(&name) {
                continue;
            }
            let waived_by = check.waived_by.as_ref().or(gate.waived_by.as_ref());
            told.push(Told {
                check: name,
                weight: weight(check.outcome, gate.severity, waived_by.is_some()),
                outcome: check.outcome.word(),
                title: check.message.clone(),
                finding: None,
                waived_by: waived_by.map(String::as_str),
            });
        }
    }
    told
}

fn verdict(judged: &Judged) -> Option<Told<'_>> {
    (judged.verdict != Verdict::Go).then(|| Told {
        check: VERDICT.to_owned(),
        weight: Weight::Blocks,
        outcome: judged.verdict.word(),
        title: if judged.because.starts_with(judged.verdict.word()) {
            judged.because.clone()
        } else {
            format!("{}: {}", judged.verdict.word(), judged.because)
        },
        finding: None,
        waived_by: None,
    })
}

fn of_finding(check: String, finding: &Finding) -> Told<'_> {
    Told {
        check,
        weight: weight(
            finding.outcome,
            finding.severity,
            finding.waived_by.is_some(),
        ),
        outcome: finding.outcome.word(),
        title: finding.title.clone(),
        finding: Some(finding),
        waived_by: finding.waived_by.as_deref(),
    }
}

fn weight(outcome: Outcome, severity: Severity, is_waived: bool) -> Weight {
    if is_waived {
        Weight::Waived
    } else if severity == Severity::Advisory || outcome.is_good() {
        Weight::Advises
    } else {
        Weight::Blocks
    }
}

/// What a finding says, line by line.
pub(crate) fn lines(told: &Told<'_>) -> Vec<String> {
    let mut lines = vec![if told.check == VERDICT {
        told.title.clone()
    } else {
        format!("{}: {}", told.outcome, told.title)
    }];
    if let Some(finding) = told.finding {
        let parts = [
            ("expected", Some(&finding.expected)),
            ("seen", Some(&finding.seen)),
            ("likely cause", finding.cause.as_ref()),
            ("next", finding.next.as_ref()),
            ("owner", finding.owner.as_ref()),
        ];
        for (name, text) in parts {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                lines.push(format!("{name}: {text}"));
            }
        }
    }
    if let Some(by) = told.waived_by {
        lines.push(format!("waived by {by}"));
    }
    lines
}
