//! Sizes of a database and their growth: for a terminal and a pull request.

use std::cmp::Reverse;

use anstyle::{AnsiColor, Style};
use gonogo_core::capacity::{Change, Diff, Growth, Level, Snapshot, share_text, size_text};
use gonogo_core::duration::humanize_duration_ns;
use unicode_width::UnicodeWidthStr as _;

use crate::escape;

/// As many tables and changes are shown; the JSON has all.
const MOST: usize = 50;

/// A snapshot for a person.
pub fn snapshot_markdown(snapshot: &Snapshot) -> String {
    let cell = escape::markdown;
    let mut lines = vec![
        format!("# Capacity of {}", cell(&snapshot.database)),
        String::new(),
        format!(
            "{}, taken {}: {} in {} tables and {} indexes.",
            cell(&snapshot.engine),
            snapshot.taken_at.format("%Y-%m-%d %H:%M:%S UTC"),
            size_text(snapshot.bytes),
            snapshot.tables.len(),
            snapshot.indexes.len()
        ),
        String::new(),
    ];
    if let Some(c) = &snapshot.connections {
        lines.push(format!(
            "Connections: {} of {} used, {} more reserved.",
            c.used, c.allowed, c.reserved
        ));
        let ratio = snapshot.cache_hit_ratio;
        lines.push(match ratio {
            Some(ratio) => format!("Cache hits: {:.1} %.", ratio * 100.0),
            None => "Cache hits: nothing was read yet.".to_owned(),
        });
        lines.push(String::new());
    }
    lines.push("| table | all | own | indexes | TOAST | rows |".to_owned());
    lines.push("|---|--:|--:|--:|--:|--:|".to_owned());
    let mut tables: Vec<_> = snapshot.tables.iter().collect();
    tables.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    for t in tables.iter().take(MOST) {
        let rows = match (t.rows, t.rows_estimate) {
            (Some(rows), _) => rows.to_string(),
            (None, Some(rows)) => format!("about {rows}"),
            (None, None) => "not known".to_owned(),
        };
        lines.push(format!(
            "| {} | {} | {} | {} | {} | {rows} |",
            cell(&t.name),
            size_text(t.bytes),
            size_text(t.table_bytes),
            size_text(t.index_bytes),
            size_text(t.toast_bytes)
        ));
    }
    more(&mut lines, tables.len(), "tables");
    lines.extend([
        String::new(),
        "| index | table | size | scans |".to_owned(),
        "|---|---|--:|--:|".to_owned(),
    ]);
    let mut indexes: Vec<_> = snapshot.indexes.iter().collect();
    indexes.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    for i in indexes.iter().take(MOST) {
        let scans = i.scans.map_or("not counted".to_owned(), |n| n.to_string());
        lines.push(format!(
            "| {} | {} | {} | {scans} |",
            cell(&i.name),
            cell(&i.table),
            size_text(i.bytes)
        ));
    }
    more(&mut lines, indexes.len(), "indexes");
    lines.push(String::new());
    lines.join("\n")
}

fn more(lines: &mut Vec<String>, count: usize, what: &str) {
    if count > MOST {
        lines.push(String::new());
        lines.push(format!(
            "The largest {MOST} of {count} {what}; the JSON has all."
        ));
    }
}

/// Growth for a pull request.
pub fn diff_markdown(diff: &Diff) -> String {
    let cell = escape::markdown;
    let mut lines = vec![
        format!(
            "# {}: growth of {}",
            diff.level.word(),
            cell(&diff.database)
        ),
        String::new(),
        cell(&span(diff)),
        String::new(),
    ];
    for (level, text) in told(diff) {
        let level = level.map_or(String::new(), |level| format!("**{level}** "));
        lines.push(format!("- {level}{}", cell(text)));
    }
    lines.extend([
        String::new(),
        format!("| {} |", HEAD.join(" | ")),
        "|---|---|--:|--:|--:|--:|--:|--:|".to_owned(),
    ]);
    let changes = changes(diff);
    for growth in changes.iter().take(MOST) {
        let cells: Vec<String> = row(growth).iter().map(|text| cell(text)).collect();
        lines.push(format!("| {} |", cells.join(" | ")));
    }
    more(&mut lines, changes.len(), "changes");
    lines.extend([String::new(), cell(&unchanged(diff)), String::new()]);
    lines.push(cell(&diff.thresholds.text()));
    lines.push(String::new());
    lines.join("\n")
}

/// Growth on a terminal.
pub fn diff_text(diff: &Diff, colour: bool, width: usize) -> String {
    let paint = |style: Style, text: &str| {
        if colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    };
    let mut lines = vec![
        format!(
            "{}  {}",
            paint(style(diff.level), diff.level.word()),
            escape::terminal(&format!("growth of {} ({})", diff.database, diff.engine))
        ),
        escape::terminal(&span(diff)),
        String::new(),
    ];
    for (level, text) in told(diff) {
        let mark = match level {
            Some("RED") => paint(style(Level::Red), "RED    "),
            Some("YELLOW") => paint(style(Level::Yellow), "YELLOW "),
            _ => "       ".to_owned(),
        };
        lines.push(format!("{mark}{}", escape::terminal(text)));
    }
    lines.push(String::new());
    let changes = changes(diff);
    let mut table = vec![HEAD.map(str::to_owned)];
    table.extend(
        changes
            .iter()
            .take(MOST)
            .map(|g| row(g).map(|text| escape::terminal(&text))),
    );
    lines.extend(aligned(&table));
    if changes.len() > MOST {
        lines.push(format!("… {} more; `--json` has all", changes.len() - MOST));
    }
    lines.push(unchanged(diff));
    lines.push(String::new());
    lines.extend(wrapped(&diff.thresholds.text(), width));
    lines.push(String::new());
    lines.join("\n")
}

const HEAD: [&str; 8] = [
    "what", "", "then", "now", "bytes", "share", "a day", "a week",
];

fn row(growth: &Growth) -> [String; 8] {
    let size = |size: Option<u64>| size.map_or("–".to_owned(), size_text);
    let share = |share: Option<f64>| share.map_or("–".to_owned(), share_text);
    [
        format!("{} {}", growth.what.word(), growth.name),
        growth.change.word().to_owned(),
        size(growth.from),
        size(growth.to),
        growth.bytes_text(),
        share(growth.share),
        share(growth.per_day),
        share(growth.per_week),
    ]
}

/// The database first, then the largest changes.
fn changes(diff: &Diff) -> Vec<&Growth> {
    let mut changes: Vec<&Growth> = diff
        .growth
        .iter()
        .filter(|g| g.change != Change::Same)
        .collect();
    changes.sort_by_key(|g| (g.what, Reverse(g.bytes.unsigned_abs()), g.name.clone()));
    changes
}

fn span(diff: &Diff) -> String {
    format!(
        "from {} to {}: {}",
        diff.from.format("%Y-%m-%d %H:%M:%S UTC"),
        diff.to.format("%Y-%m-%d %H:%M:%S UTC"),
        humanize_duration_ns(diff.interval_ns)
    )
}

fn unchanged(diff: &Diff) -> String {
    match diff.unchanged {
        0 => "no table or index kept its size".to_owned(),
        1 => "one table or index kept its size".to_owned(),
        n => format!("{n} tables and indexes kept their size"),
    }
}

/// Every reason, why growth was not judged, and the notes.
fn told(diff: &Diff) -> Vec<(Option<&'static str>, &str)> {
    let red = diff.red.iter().map(|r| (Some("RED"), r.text.as_str()));
    let yellow = diff
        .yellow
        .iter()
        .map(|r| (Some("YELLOW"), r.text.as_str()));
    let rest = diff.not_judged.iter().chain(&diff.notes);
    let mut told: Vec<_> = red.chain(yellow).collect();
    told.extend(rest.map(|text| (None, text.as_str())));
    if told.is_empty() {
        told.push((None, "nothing is above a threshold"));
    }
    told
}

fn style(level: Level) -> Style {
    let colour = match level {
        Level::Green => AnsiColor::Green,
        Level::NotJudged | Level::Yellow => AnsiColor::Yellow,
        Level::Red => AnsiColor::Red,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

/// Columns of the width of their widest cell; figures stand to the right.
fn aligned(table: &[[String; 8]]) -> Vec<String> {
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|at| table.iter().map(|row| row[at].width()).max().unwrap_or(0))
        .collect();
    table
        .iter()
        .map(|row| {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let gap = " ".repeat(width.saturating_sub(cell.width()));
                if at < 2 {
                    line.push_str(cell);
                    line.push_str(&gap);
                } else {
                    line.push_str(&gap);
                    line.push_str(cell);
                }
                line.push_str("  ");
            }
            line.trim_end().to_owned()
        })
        .collect()
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map_or(0, |line| line.width());
        if line > 0 && line + 1 + word.width() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
