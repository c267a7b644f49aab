//! What comes after the first screen: findings that did not fit, limits, confidence, evidence, how to verify.

use gonogo_core::judged::{CheckJudged, GateJudged, GateOutcome, Judged, LimitJudged};
use gonogo_core::outcome::Outcome;

use super::sheet::Sheet;
use super::{short, short_code};
use crate::escape::{markdown_block, markdown_in_html, shorten};
use crate::first_screen as first;
use crate::statements::{Part, more_rows};
use crate::wording::{self, counted, sign};

/// Bytes of one part that may be left out.
const MOST_PART: usize = 8_000;
/// Bytes of one check's evidence.
const MOST_EVIDENCE: usize = 2_500;

/// Appends the parts in the order in which they are missed least.
pub(super) fn render(sheet: &mut Sheet, judged: &Judged) {
    let mut cut: Vec<String> = Vec::new();
    verify(sheet, judged);
    let mut part = |name: &str, part: Option<String>| {
        if part.is_some_and(|part| !sheet.put_if_room(&part)) {
            cut.push(name.to_owned());
        }
    };
    for one in crate::statements::parts(judged) {
        part(one.title, Some(statements(&one)));
    }
    part("all findings", findings(judged));
    part("the limits' figures", limits(judged));
    part("the computed confidence", Some(confidence(judged)));
    let mut left_out = 0;
    for gate in first::gates(judged) {
        for check in &gate.checks {
            if left_out > 0 || !sheet.put_if_room(&evidence(gate, check)) {
                left_out += 1;
            }
        }
    }
    if left_out > 0 {
        cut.push(format!("the evidence of {}", counted(left_out, "check")));
    }
    if !cut.is_empty() {
        sheet.put(&format!(
            "\nLeft out to fit a comment: {}. report.html has it all.\n",
            cut.join(", ")
        ));
    }
}

fn verify(sheet: &mut Sheet, judged: &Judged) {
    sheet.put(&format!(
        "\nRecompute this verdict: {}\n",
        short_code(&first::verify_command(&judged.run), 300)
    ));
}

fn folded(title: &str, body: &str) -> String {
    format!("\n<details><summary>{title}</summary>\n\n{body}\n</details>\n")
}

/// What people stated: a table after the gates, unfolded.
fn statements(part: &Part) -> String {
    let mut body = format!("\n## {}\n", part.title);
    if let Some(line) = &part.lead {
        body.push_str(&["\n", &short(line, 400), "\n"].concat());
    }
    if let Some(line) = &part.alarm {
        body.push_str(&["\n**", &short(line, 400), "**\n"].concat());
    }
    for table in &part.tables {
        body.push_str("\n| state |");
        for head in &table.head {
            body.push_str(&[" ", head, " |"].concat());
        }
        body.push_str("\n|---|");
        body.push_str(&"---|".repeat(table.head.len()));
        body.push('\n');
        let mut left = 0;
        for row in &table.rows {
            let mut line = format!("| {} {} |", sign(row.like), row.word);
            for cell in &row.cells {
                line.push_str(&[" ", &short(cell, 200), " |"].concat());
            }
            line.push('\n');
            if left == 0 && body.len() + line.len() <= MOST_PART {
                body.push_str(&line);
            } else {
                left += 1;
            }
        }
        if left > 0 {
            body.push_str(&["\n", &more_rows(left), "\n"].concat());
        }
    }
    for line in part.notes.iter().take(12) {
        body.push_str(&["\n", &short(line, 400), "\n"].concat());
    }
    body
}

fn findings(judged: &Judged) -> Option<String> {
    let (shown, _) = first::blockers(judged);
    let rest: Vec<_> = judged
        .findings
        .iter()
        .filter(|finding| !shown.iter().any(|s| std::ptr::eq(*s, *finding)))
        .collect();
    if rest.is_empty() {
        return None;
    }
    let mut body = String::new();
    let mut left = 0;
    for (index, finding) in rest.iter().enumerate() {
        let item = super::finding_item(shown.len() + index + 1, finding);
        if left == 0 && body.len() + item.len() <= MOST_PART {
            body.push_str(&item);
        } else {
            left += 1;
        }
    }
    if left > 0 {
        let more = format!("\nand {left} more in report.html\n");
        body.push_str(&more);
    }
    Some(folded(
        &format!("{} besides those above", counted(rest.len(), "finding")),
        &body,
    ))
}

fn limits(judged: &Judged) -> Option<String> {
    let mut body = String::from(
        "| outcome | check | limit | seen | bound | over | requests | confidence |\n|---|---|---|---|---|---|---|---|\n",
    );
    let mut all = 0;
    let mut left = 0;
    for (gate, check, limit) in first::limits(judged) {
        all += 1;
        let row = limit_row(gate, check, limit);
        if left == 0 && body.len() + row.len() <= MOST_PART {
            body.push_str(&row);
        } else {
            left += 1;
        }
    }
    if left > 0 {
        let more = format!("\nand {left} more in report.html\n");
        body.push_str(&more);
    }
    (all > 0).then(|| folded(&counted(all, "limit"), &body))
}

fn limit_row(gate: &GateJudged, check: &CheckJudged, limit: &LimitJudged) -> String {
    let judgement = &limit.judgement;
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
        first::outcome_text(limit.outcome.into()),
        short_code(&format!("{}/{}", gate.id, check.id), 100),
        short_code(&limit.text, 100),
        wording::estimate(judgement),
        wording::bound(judgement),
        judgement.over,
        judgement.n,
        wording::confidence(judgement),
    )
}

fn confidence(judged: &Judged) -> String {
    let (figure, deductions) = first::confidence(judged);
    let mut body = String::new();
    for line in deductions.iter().take(40) {
        body.push_str("- ");
        body.push_str(&short(line, 200));
        body.push('\n');
    }
    if deductions.is_empty() {
        body.push_str("Nothing was deducted.\n");
    }
    folded(&format!("Computed confidence: {figure}"), &body)
}

fn evidence(gate: &GateJudged, check: &CheckJudged) -> String {
    let outcome = GateOutcome::from(check.outcome);
    let name = markdown_in_html(&shorten(&format!("{}/{}", gate.id, check.id), 100));
    let mut body = format!(
        "{}\n\n{}\n\n",
        short_code(&check.ask, 300),
        short(&check.message, 300)
    );
    for expectation in check.expectations.iter().take(20) {
        body.push_str(&expectation_line(
            &expectation.text,
            expectation.outcome,
            &expectation.message,
        ));
    }
    if let Some(facts) = facts(check) {
        body.push('\n');
        body.push_str(&facts);
    }
    let title = format!("{} {} · {name}", sign(outcome), outcome.word());
    let whole = folded(&title, &body);
    if whole.len() <= 3 * MOST_EVIDENCE {
        whole
    } else {
        folded(&title, "Too long for a comment; it is in report.html.\n")
    }
}

fn expectation_line(expression: &str, outcome: Outcome, message: &str) -> String {
    let mut line = format!(
        "- {} {}",
        first::outcome_text(outcome.into()),
        short_code(expression, 200)
    );
    if !message.is_empty() {
        line.push_str(": ");
        line.push_str(&short(message, 200));
    }
    line.push('\n');
    line
}

fn facts(check: &CheckJudged) -> Option<String> {
    let evidence = check.evidence.as_ref()?;
    if evidence.facts.is_empty() {
        return None;
    }
    let json = crate::facts::pretty(&evidence.facts, MOST_EVIDENCE);
    Some(markdown_block(&json, "json"))
}
