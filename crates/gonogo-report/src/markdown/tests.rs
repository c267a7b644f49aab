use proptest::prelude::*;

use super::*;
use crate::fixtures::{self, HOSTILE};

#[test]
fn whole_reports_read_as_before() {
    for (name, judged) in fixtures::all() {
        insta::assert_snapshot!(name, render(&judged));
    }
}

#[test]
fn the_parts_stand_in_their_order() {
    let text = render(&fixtures::no_go());
    assert!(text.starts_with(MARKER));
    let at: Vec<usize> = [
        "# ✗ NO-GO",
        "**service**",
        "**NO-GO because",
        title::BLOCKERS,
        title::NOT_EVALUATED,
        title::SINCE,
        title::CONDITIONS,
        title::WAY_BACK,
        title::GATES,
        "gonogo verify",
        "<details>",
    ]
    .iter()
    .map(|part| text.find(part).unwrap())
    .collect();
    assert!(at.is_sorted(), "{at:?}");
}

/// A run so large, and so full of signs that grow when escaped, that a comment cannot hold it.
fn huge(text: &str, gates: usize) -> Judged {
    let mut judged = fixtures::no_go();
    let gate = judged.gates[1].clone();
    let finding = judged.findings[1].clone();
    for index in 0..gates {
        let mut gate = gate.clone();
        gate.id = format!("{text}{index}");
        gate.title = text.to_owned();
        gate.target = text.to_owned();
        gate.result = text.to_owned();
        let mut finding = finding.clone();
        finding.check = format!("{}/{text}", gate.id);
        finding.seen = text.to_owned();
        finding.next = Some(text.to_owned());
        judged
            .not_evaluated
            .push(gonogo_core::judged::NotEvaluated {
                check: finding.check.clone(),
                outcome: "skipped".to_owned(),
                why: format!("{index}{text}"),
            });
        judged.conditions.push(gonogo_core::judged::Condition {
            kind: "waiver".to_owned(),
            text: text.to_owned(),
        });
        judged.findings.insert(0, finding);
        judged.gates.push(gate);
    }
    judged.because = text.to_owned();
    judged.reasons = vec![text.to_owned(); 20];
    judged.action = text.to_owned();
    judged.subject.message = text.to_owned();
    judged.about.plan = text.to_owned();
    judged.about.environment = text.to_owned();
    judged.about.only = vec![text.to_owned(); 20];
    judged.run = text.to_owned();
    for run in &mut judged.about.earlier {
        run.run = text.to_owned();
    }
    judged
}

#[test]
fn a_comment_always_fits_and_says_what_was_cut() {
    for text in [
        "|".repeat(5000),
        "\u{202e}".repeat(5000),
        HOSTILE.repeat(40),
        "@1".repeat(3000),
    ] {
        let report = render(&huge(&text, 300));
        assert!(report.len() < MOST_BYTES, "{}", report.len());
        assert!(report.contains("Left out to fit a comment"));
        assert!(report.contains("more gates"));
        assert!(report.contains(title::WAY_BACK));
    }
}

#[test]
fn details_are_closed_as_often_as_opened() {
    for (_, judged) in fixtures::all() {
        let report = render(&judged);
        let closed = report.lines().filter(|line| *line == "</details>").count();
        assert_eq!(report.matches("<details>").count(), closed);
    }
}

/// What of a report a reader would take for HTML: outside code blocks and code.
fn elements(report: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fence: Option<String> = None;
    for line in report.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if line.trim() == open => fence = None,
            None if ticks.len() >= 3 && !line[ticks.len()..].contains('`') => fence = Some(ticks),
            None => {
                let mut rest = line;
                while let Some((before, after)) = code_start(rest) {
                    found.extend(opened(before));
                    let run = 1 + after.chars().take_while(|c| *c == '`').count();
                    let after = &after[run - 1..];
                    let close = "`".repeat(run);
                    rest = after.split_once(&close).map_or("", |(_, tail)| tail);
                }
                found.extend(opened(rest));
            }
            Some(_) => {}
        }
    }
    found
}

/// Splits at the first backtick that no backslash makes a literal one.
fn code_start(text: &str) -> Option<(&str, &str)> {
    text.match_indices('`').find_map(|(at, _)| {
        let before = &text[..at];
        let slashes = before.len() - before.trim_end_matches('\\').len();
        slashes
            .is_multiple_of(2)
            .then_some((before, &text[at + 1..]))
    })
}

fn opened(text: &str) -> Vec<String> {
    text.split('<')
        .skip(1)
        .map(|tail| tail.split(['>', ' ']).next().unwrap_or("").to_owned())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn data_adds_no_element_and_no_row(text in any::<String>()) {
        let mut judged = fixtures::hold();
        let rows = |judged: &Judged| {
            render(judged).lines().filter(|line| line.starts_with("| ")).count()
        };
        let before = rows(&judged);
        judged.gates[0].title = format!("{text}{HOSTILE}");
        judged.gates[0].result = text.clone();
        judged.conditions[0].text = format!("{HOSTILE}{text}");
        prop_assert_eq!(rows(&judged), before);
        for name in elements(&render(&judged)) {
            prop_assert!(
                ["details", "/details", "summary", "/summary", "code", "/code", "!--"].contains(&name.as_str()),
                "<{}", name
            );
        }
    }
}

#[test]
fn an_escaped_backtick_opens_no_code() {
    assert_eq!(prose("`<`x`"), "`<`x\\`");
    assert_eq!(prose("the gate `api`, which"), "the gate `api`, which");
}
