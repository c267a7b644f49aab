//! `report.md`: fits a CI job summary and one comment on a pull request, which is found again by its first line.

mod details;
mod sheet;

use gonogo_core::judged::{Finding, GateOutcome, Judged};
use gonogo_core::outcome::Severity;

use self::sheet::Sheet;
use crate::escape::{markdown as text, markdown_code as code, shorten};
use crate::first_screen::{self as first, title};
use crate::way_back;
use crate::wording::{code_spans, sign, step, verdict_sign};

/// The first line, by which a comment is found again and edited in place.
pub const MARKER: &str = "<!-- gonogo report -->";

/// No report is longer, in bytes: GitHub takes 65,536 characters in a comment.
pub const MOST_BYTES: usize = 60_000;

/// Characters of one field of a finding, before escaping.
const MOST_TEXT: usize = 300;
/// Where data is so full of signs that it grows when escaped, this little of it is shown.
const LEAST_TEXT: usize = 60;

/// Renders Markdown (GFM). Evidence is cut first where all does not fit, and the cut is said.
pub fn render(judged: &Judged) -> String {
    let mut sheet = Sheet::new();
    sheet.put(MARKER);
    sheet.put("\n");
    banner(&mut sheet, judged);
    blockers(&mut sheet, judged);
    not_evaluated(&mut sheet, judged);
    sheet.head(title::SINCE);
    for line in first::since(judged) {
        let line = short(&line, 4 * MOST_TEXT);
        sheet.put(&format!("- {line}\n"));
    }
    conditions(&mut sheet, judged);
    way_back(&mut sheet, judged);
    gates(&mut sheet, judged);
    details::render(&mut sheet, judged);
    sheet.into_text()
}

/// Text for a person, its parts between backticks as code.
fn prose(whole: &str) -> String {
    let mut out = String::new();
    for (part, is_code) in code_spans(whole) {
        if is_code {
            out.push_str(&code(part));
            continue;
        }
        // Escaping trims; the space beside code stays.
        if part.starts_with(' ') && !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&text(part));
        if part.len() > 1 && part.ends_with(' ') {
            out.push(' ');
        }
    }
    out.trim().to_owned()
}

/// [`prose`] of at most so many characters, and at most twice as many bytes however much escaping adds.
fn short(whole: &str, most: usize) -> String {
    bounded(whole, most, prose)
}

/// [`code`] of at most so many characters, and at most twice as many bytes however much escaping adds.
fn short_code(whole: &str, most: usize) -> String {
    bounded(whole, most, code)
}

fn bounded(whole: &str, most: usize, escape: fn(&str) -> String) -> String {
    let out = escape(&shorten(whole, most));
    if out.len() <= 2 * most {
        return out;
    }
    // One hidden character becomes eleven bytes.
    escape(&shorten(whole, (most / 6).max(8)))
}

fn way_back(sheet: &mut Sheet, judged: &Judged) {
    sheet.head(title::WAY_BACK);
    let (checks, more) = way_back::way_back(judged);
    if checks.is_empty() {
        sheet.put(way_back::NONE);
        sheet.put("\n");
    }
    for (name, text) in checks.into_iter().flatten() {
        // One item for each check, what it says below it.
        let indent = if name == "check" { "" } else { "  " };
        sheet.put(&format!("{indent}- {name}: {}\n", short(&text, MOST_TEXT)));
    }
    if more > 0 {
        sheet.put(&format!("\n{}\n", first::more_ways(more)));
    }
}

fn banner(sheet: &mut Sheet, judged: &Judged) {
    let (word, action) = first::verdict(judged);
    let sign = verdict_sign(judged.verdict);
    sheet.put(&format!(
        "# {sign} {word} – {}\n\n",
        short(action, MOST_TEXT)
    ));
    for (mark, means) in first::marks(judged) {
        sheet.put(&format!("> **{mark}** – {means}\n\n"));
    }
    sheet.put("| | |\n|---|---|\n");
    for (name, value) in first::facts(judged) {
        sheet.put(&format!("| **{name}** | {} |\n", short(&value, MOST_TEXT)));
    }
    sheet.put(&format!(
        "\n**{}**\n",
        short(&judged.because, 2 * MOST_TEXT)
    ));
}

fn blockers(sheet: &mut Sheet, judged: &Judged) {
    sheet.head(title::BLOCKERS);
    let (blockers, more) = first::blockers(judged);
    if blockers.is_empty() {
        let line = first::no_blockers(judged);
        sheet.put(&format!("{}\n", short(&line, 4 * MOST_TEXT)));
    }
    for (index, finding) in blockers.into_iter().enumerate() {
        sheet.put(&finding_item(index + 1, finding));
    }
    if more > 0 {
        sheet.put(&format!("\n{}\n", first::more_blockers(more)));
    }
}

/// A finding as an item of a numbered list.
fn finding_item(number: usize, finding: &Finding) -> String {
    let whole = finding_item_cut(number, finding, MOST_TEXT);
    if whole.len() <= 3000 {
        whole
    } else {
        finding_item_cut(number, finding, LEAST_TEXT)
    }
}

fn finding_item_cut(number: usize, finding: &Finding, most: usize) -> String {
    let outcome = GateOutcome::from(finding.outcome);
    let mut item = format!(
        "{number}. {} **{}** {}",
        sign(outcome),
        outcome.word(),
        short_code(&finding.check, most)
    );
    if finding.severity != Severity::Critical {
        item.push_str(", ");
        item.push_str(finding.severity.word());
    }
    if finding.count > 1 {
        let more = format!(", ×{}", finding.count);
        item.push_str(&more);
    }
    if let Some(by) = &finding.waived_by {
        item.push_str(", waived by ");
        item.push_str(&short(by, most));
    }
    item.push('\n');
    let mut line = |name: &str, value: String| {
        let more = format!("   - {name}: {value}\n");
        item.push_str(&more);
    };
    line("expected", short_code(&finding.expected, most));
    line("seen", short_code(&finding.seen, most));
    if !finding.lines.is_empty() && most > 0 {
        let block = crate::escape::markdown_block(&finding.lines.join("\n"), "diff");
        item.push('\n');
        for line in block.lines() {
            item.push_str("     ");
            item.push_str(line);
            item.push('\n');
        }
        item.push('\n');
    }
    let mut line = |name: &str, value: String| {
        let more = format!("   - {name}: {value}\n");
        item.push_str(&more);
    };
    if let Some(cause) = &finding.cause {
        line("likely cause", short(cause, most));
    }
    if let Some(next) = &finding.next {
        let (words, command) = step(next);
        let words = words.map(|words| short(words, most));
        let command = command.map(|command| short_code(command, most));
        let parts: Vec<String> = words.into_iter().chain(command).collect();
        line("next", parts.join(" "));
    }
    for (name, text) in crate::statements::of_finding(finding) {
        line(name, short(text, most));
    }
    if let Some(owner) = &finding.owner {
        line("owner", short(owner, most));
    }
    if !finding.also.is_empty() {
        line("explains", short(&finding.also.join(", "), most));
    }
    item
}

fn not_evaluated(sheet: &mut Sheet, judged: &Judged) {
    sheet.head(title::NOT_EVALUATED);
    let gaps = first::gaps(judged);
    if gaps.is_empty() {
        sheet.put(&first::no_gaps(judged));
        sheet.put("\n");
    }
    let lines = gaps.iter().map(|gap| {
        let line = format!(
            "- **{}**: {} ({})\n",
            text(&gap.count()),
            short(gap.why, MOST_TEXT),
            short(&gap.named(6), MOST_TEXT),
        );
        (line, gap.checks.len())
    });
    let left = sheet.put_within(6_000, lines);
    if left > 0 {
        sheet.put(&format!(
            "- and {left} more, each for a reason in report.html\n"
        ));
    }
}

fn conditions(sheet: &mut Sheet, judged: &Judged) {
    sheet.head(title::CONDITIONS);
    if judged.conditions.is_empty() {
        sheet.put(first::NO_CONDITIONS);
        sheet.put("\n");
    }
    let lines = judged.conditions.iter().map(|condition| {
        let line = format!(
            "- {}: {}\n",
            text(&condition.kind),
            short(&condition.text, MOST_TEXT)
        );
        (line, 1)
    });
    let left = sheet.put_within(6_000, lines);
    if left > 0 {
        sheet.put(&format!("- and {left} more in report.html\n"));
    }
}

fn gates(sheet: &mut Sheet, judged: &Judged) {
    sheet.head(title::GATES);
    sheet.put(&format!("{}\n\n", judged.gate_counts.sentence()));
    sheet.put("| outcome | gate | severity | target | result |\n|---|---|---|---|---|\n");
    let gates = first::gates(judged);
    let rows = gates.iter().map(|gate| {
        let row = format!(
            "| {} | {} ({}) | {} | {} | {} |\n",
            first::outcome_text(gate.outcome),
            short(&gate.title, MOST_TEXT / 2),
            short_code(&gate.id, MOST_TEXT / 2),
            gate.severity.word(),
            short(&first::target(gate), MOST_TEXT / 2),
            short(&first::result(gate), MOST_TEXT / 2),
        );
        (row, 1)
    });
    // Failures come first, so what is cut is what ended best.
    let left = sheet.put_within(14_000, rows);
    if left > 0 {
        sheet.put(&format!(
            "\nand {left} more gates, none of them graver than those above: see report.html\n"
        ));
    }
    let lines = first::left_behind(judged);
    let lines = lines
        .iter()
        .map(|line| (format!("- {}\n", short(line, MOST_TEXT)), 1));
    if lines.len() > 0 {
        sheet.put("\n");
    }
    let left = sheet.put_within(4_000, lines);
    if left > 0 {
        sheet.put(&format!(
            "\nand {left} more rolled-back gates: see report.html\n"
        ));
    }
}

#[cfg(test)]
mod tests;
