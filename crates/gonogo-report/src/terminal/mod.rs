//! The verdict on a terminal: the first screen in its order, then the gate table, where the report lies, what to try.

mod canvas;
mod statements;

use anstyle::{AnsiColor, Style};
use gonogo_core::judged::{Finding, GateJudged, GateOutcome, Judged};
use gonogo_core::outcome::Severity;
use unicode_width::UnicodeWidthStr as _;

use self::canvas::{Canvas, Label, outcome_style, pad, quiet, verdict_style};
use crate::escape;
use crate::first_screen::{self as first, title};
use crate::way_back;
use crate::wording::{sign, step, verdict_sign};

/// How much of a finding is shown; the rest is in the report.
const MOST_TEXT: usize = 400;
/// At most so many groups of checks that were not evaluated, and so many conditions.
const MOST_LINES: usize = 8;

/// For what kind of terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether to colour; signs and words carry the meaning either way.
    pub colour: bool,
    /// Columns.
    pub width: usize,
    /// The run's folder as the person can open it; without one, paths are left out.
    pub folder: Option<String>,
}

/// Renders the verdict for a person at a terminal.
pub fn render(judged: &Judged, look: &Look) -> String {
    let mut canvas = Canvas::new(look.colour, look.width);
    canvas.gap();
    banner(&mut canvas, judged);
    blockers(&mut canvas, judged);
    not_evaluated(&mut canvas, judged);
    canvas.head(title::SINCE);
    for line in first::since(judged) {
        canvas.text(0, &line, Style::new());
    }
    conditions(&mut canvas, judged);
    way_back(&mut canvas, judged);
    gates(&mut canvas, judged);
    statements::render(&mut canvas, judged);
    afterwards(&mut canvas, judged, look);
    canvas.into_text()
}

fn way_back(canvas: &mut Canvas, judged: &Judged) {
    canvas.head(title::WAY_BACK);
    let (checks, more) = way_back::way_back(judged);
    if checks.is_empty() {
        canvas.text(0, way_back::NONE, Style::new());
    }
    for (name, text) in checks.into_iter().flatten() {
        let text = escape::shorten(&text, MOST_TEXT);
        canvas.labelled(0, &Label::new(name, 13, quiet()), &text, Style::new());
    }
    if more > 0 {
        canvas.text(0, &first::more_ways(more), quiet());
    }
}

fn banner(canvas: &mut Canvas, judged: &Judged) {
    let (word, action) = first::verdict(judged);
    let word = format!(" {} {word} ", verdict_sign(judged.verdict));
    let needed = word.width() + 2 + action.width();
    let word = canvas.paint(verdict_style(judged.verdict), &word);
    let bold = Style::new().bold();
    if needed <= canvas.columns() {
        let action = canvas.paint(bold, &escape::terminal(action));
        canvas.line(&format!("{word}  {action}"));
    } else {
        canvas.line(&word);
        canvas.text(1, action, bold);
    }
    for (mark, means) in first::marks(judged) {
        let style = Style::new()
            .bold()
            .fg_color(Some(AnsiColor::Magenta.into()));
        canvas.labelled(1, &Label::new(mark, 12, style), means, Style::new());
    }
    canvas.gap();
    for (name, text) in first::facts(judged) {
        canvas.labelled(0, &Label::new(name, 13, quiet()), &text, Style::new());
    }
    canvas.gap();
    canvas.text(0, &judged.because, Style::new().bold());
}

fn blockers(canvas: &mut Canvas, judged: &Judged) {
    canvas.head(title::BLOCKERS);
    let (blockers, more) = first::blockers(judged);
    if blockers.is_empty() {
        canvas.text(0, &first::no_blockers(judged), Style::new());
    }
    for finding in blockers {
        finding_lines(canvas, finding);
    }
    if more > 0 {
        canvas.text(0, &first::more_blockers(more), quiet());
    }
}

fn finding_lines(canvas: &mut Canvas, finding: &Finding) {
    let outcome = GateOutcome::from(finding.outcome);
    let style = outcome_style(outcome).bold();
    let label = Label::new(sign(outcome), 2, style);
    let severity = match finding.severity {
        Severity::Critical => String::new(),
        other => format!(" ({})", other.word()),
    };
    let times = match finding.count {
        0 | 1 => String::new(),
        n => format!(" ×{n}"),
    };
    let head = format!("{}{times}{severity}", finding.check);
    canvas.labelled(0, &label, &head, Style::new().bold());
    let rows = [
        ("expected", Some(finding.expected.as_str())),
        ("seen", Some(finding.seen.as_str())),
        ("cause", finding.cause.as_deref()),
        ("next", finding.next.as_deref()),
        ("owner", finding.owner.as_deref()),
    ];
    let stated = crate::statements::of_finding(finding);
    let columns = if stated.is_empty() { 10 } else { 13 };
    let mut lines = finding.lines.as_slice();
    for (name, text) in rows {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        if name == "cause" || name == "next" {
            excerpt(canvas, &mut lines);
        }
        let text = escape::shorten(text, MOST_TEXT);
        let label = Label::new(name, columns, quiet());
        if name == "next" {
            next_step(canvas, 2, ("next", columns), &text);
        } else {
            canvas.labelled(2, &label, &text, Style::new());
        }
    }
    excerpt(canvas, &mut lines);
    for (name, text) in stated {
        let text = escape::shorten(text, MOST_TEXT);
        canvas.labelled(2, &Label::new(name, columns, quiet()), &text, Style::new());
    }
    if !finding.also.is_empty() {
        let also = escape::shorten(&finding.also.join(", "), MOST_TEXT).into_owned();
        canvas.labelled(
            2,
            &Label::new("explains", columns, quiet()),
            &also,
            Style::new(),
        );
    }
}

/// The lines of what was seen, once: a diff with its colours.
fn excerpt(canvas: &mut Canvas, lines: &mut &[String]) {
    const MOST: usize = 16;
    let all = std::mem::take(lines);
    for line in all.iter().take(MOST) {
        let style = match line.chars().next() {
            Some('-') => Style::new().fg_color(Some(AnsiColor::Red.into())),
            Some('+') => Style::new().fg_color(Some(AnsiColor::Green.into())),
            _ => quiet(),
        };
        let text = escape::shorten(line, 200);
        // In one piece: the indent of what changed is part of it.
        canvas.whole(4, &Label::new("", 8, quiet()), &text, style);
    }
    if all.len() > MOST {
        let more = format!("… and {} lines more in the report", all.len() - MOST);
        canvas.labelled(4, &Label::new("", 8, quiet()), &more, quiet());
    }
}

/// What to do in words, wrapped, and the line for a shell in one piece, so that it can be copied.
fn next_step(canvas: &mut Canvas, indent: usize, (name, columns): (&str, usize), next: &str) {
    let cyan = Style::new().fg_color(Some(AnsiColor::Cyan.into()));
    let (words, command) = step(next);
    let label = Label::new(name, columns, quiet());
    if let Some(words) = words {
        canvas.labelled(indent, &label, words, Style::new());
    }
    if let Some(command) = command {
        let name = if words.is_none() { name } else { "" };
        let label = Label::new(name, columns, quiet());
        canvas.whole(indent, &label, command, cyan);
    }
}

fn not_evaluated(canvas: &mut Canvas, judged: &Judged) {
    canvas.head(title::NOT_EVALUATED);
    let gaps = first::gaps(judged);
    if gaps.is_empty() {
        canvas.text(0, &first::no_gaps(judged), Style::new());
    }
    for gap in gaps.iter().take(MOST_LINES) {
        let label = pad(&gap.count(), 16);
        let why = escape::shorten(gap.why, MOST_TEXT);
        canvas.labelled(0, &Label::new(&label, 17, Style::new()), &why, Style::new());
        canvas.text(17, &gap.named(6), quiet());
    }
    if gaps.len() > MOST_LINES {
        let rest: usize = gaps.iter().skip(MOST_LINES).map(|g| g.checks.len()).sum();
        let text = format!("and {rest} more, each for a reason in the report");
        canvas.text(0, &text, quiet());
    }
}

fn conditions(canvas: &mut Canvas, judged: &Judged) {
    canvas.head(title::CONDITIONS);
    if judged.conditions.is_empty() {
        canvas.text(0, first::NO_CONDITIONS, Style::new());
    }
    // Every waiver and known limitation stands on the first screen; of the others the first few.
    let mut others = 0;
    for condition in &judged.conditions {
        if !matches!(condition.kind.as_str(), "waiver" | "limitation") {
            others += 1;
            if others > MOST_LINES {
                continue;
            }
        }
        let kind = escape::terminal(&condition.kind);
        let text = escape::shorten(&condition.text, MOST_TEXT);
        canvas.labelled(0, &Label::new(&kind, 12, quiet()), &text, Style::new());
    }
    if others > MOST_LINES {
        let text = format!("and {} more in the report", others - MOST_LINES);
        canvas.text(0, &text, quiet());
    }
}

fn gates(canvas: &mut Canvas, judged: &Judged) {
    canvas.head(title::GATES);
    canvas.text(0, &judged.gate_counts.sentence(), quiet());
    canvas.gap();
    let gates = first::gates(judged);
    let wide = canvas.columns() >= 100;
    let mut heads = vec!["outcome", "gate"];
    if wide {
        heads.push("title");
    }
    heads.extend(["target", "result"]);
    let rows: Vec<Vec<(String, Style)>> = gates.iter().map(|gate| row(gate, wide)).collect();
    let widths = widths(canvas.columns(), &heads, &rows);
    let heads: Vec<(String, Style)> = heads
        .into_iter()
        .map(|head| (head.to_owned(), quiet()))
        .collect();
    canvas.row(&heads, &widths);
    for row in &rows {
        canvas.row(row, &widths);
    }
    let lines = first::left_behind(judged);
    if !lines.is_empty() {
        canvas.gap();
    }
    for line in lines.iter().take(MOST_LINES) {
        canvas.text(0, &escape::shorten(line, 2 * MOST_TEXT), Style::new());
    }
    if lines.len() > MOST_LINES {
        let text = format!(
            "and {} more rolled-back gates in the report",
            lines.len() - MOST_LINES
        );
        canvas.text(0, &text, quiet());
    }
}

fn row(gate: &GateJudged, wide: bool) -> Vec<(String, Style)> {
    let plain = Style::new();
    let id = match gate.severity {
        Severity::Critical => gate.id.clone(),
        other => format!("{} ({})", gate.id, other.word()),
    };
    let cut = |text: String| (escape::shorten(&text, MOST_TEXT / 2).into_owned(), plain);
    let mut row = vec![
        (
            first::outcome_text(gate.outcome),
            outcome_style(gate.outcome),
        ),
        cut(id),
    ];
    if wide {
        row.push(cut(gate.title.clone()));
    }
    row.push(cut(first::target(gate)));
    row.push(cut(first::result(gate)));
    row
}

/// Each column as wide as its widest cell, those over their share cut to what is left.
fn widths(columns: usize, heads: &[&str], rows: &[Vec<(String, Style)>]) -> Vec<usize> {
    let natural: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(at, head)| {
            let cells = rows.iter().map(|row| escape::terminal(&row[at].0).width());
            cells.max().unwrap_or(0).max(head.width())
        })
        .collect();
    let mut widths = vec![0; natural.len()];
    let mut left = columns.saturating_sub(2 * (natural.len() - 1));
    let mut open: Vec<usize> = (0..natural.len()).collect();
    // Narrow columns first: what they leave over goes to the wide ones.
    open.sort_by_key(|at| natural[*at]);
    for (index, at) in open.iter().enumerate() {
        let share = left / (open.len() - index);
        widths[*at] = natural[*at].min(share).max(4);
        left = left.saturating_sub(widths[*at]);
    }
    widths
}

fn afterwards(canvas: &mut Canvas, judged: &Judged, look: &Look) {
    let folder = look.folder.as_deref().unwrap_or(&judged.run);
    canvas.head("Report and next");
    if look.folder.is_some() {
        let path = format!("{}/report.html", folder.trim_end_matches('/'));
        canvas.whole(0, &Label::new("report", 13, quiet()), &path, Style::new());
    }
    for (command, why) in first::next(judged, folder) {
        let command = escape::shorten(&command, MOST_TEXT);
        next_step(canvas, 0, ("try", 13), &command);
        canvas.text(13, why, quiet());
    }
    let (figure, _) = first::confidence(judged);
    let text = format!("{figure}; each deduction is in the report");
    canvas.labelled(
        0,
        &Label::new("confidence", 13, quiet()),
        &text,
        Style::new(),
    );
}

#[cfg(test)]
mod tests;
