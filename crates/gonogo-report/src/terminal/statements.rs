//! What people stated.

use anstyle::Style;
use gonogo_core::judged::Judged;

use super::canvas::{Canvas, outcome_style, quiet};
use super::{MOST_TEXT, widths};
use crate::escape;
use crate::statements::{Part, Table, more_rows, parts};
use crate::wording::sign;

/// Rows of one table; the rest is in the report.
const MOST_ROWS: usize = 20;
/// Lines under a table.
const MOST_NOTES: usize = 6;

pub(super) fn render(canvas: &mut Canvas, judged: &Judged) {
    for part in parts(judged) {
        one(canvas, &part);
    }
}

fn one(canvas: &mut Canvas, part: &Part) {
    canvas.head(part.title);
    if let Some(line) = &part.lead {
        canvas.text(0, &escape::shorten(line, MOST_TEXT), Style::new());
    }
    if let Some(line) = &part.alarm {
        canvas.text(0, &escape::shorten(line, MOST_TEXT), Style::new().bold());
    }
    for table in &part.tables {
        canvas.gap();
        self::table(canvas, table);
    }
    if !part.notes.is_empty() {
        canvas.gap();
    }
    for line in part.notes.iter().take(MOST_NOTES) {
        canvas.text(0, &escape::shorten(line, MOST_TEXT), quiet());
    }
}

fn table(canvas: &mut Canvas, table: &Table) {
    let mut heads = vec!["state"];
    heads.extend(&table.head);
    let rows: Vec<Vec<(String, Style)>> = table
        .rows
        .iter()
        .take(MOST_ROWS)
        .map(|row| {
            let state = format!("{} {}", sign(row.like), row.word);
            let cut = |text: &String| escape::shorten(text, MOST_TEXT / 2).into_owned();
            let cells = row.cells.iter().map(|cell| (cut(cell), Style::new()));
            std::iter::once((state, outcome_style(row.like)))
                .chain(cells)
                .collect()
        })
        .collect();
    let widths = widths(canvas.columns(), &heads, &rows);
    let heads: Vec<(String, Style)> = heads
        .into_iter()
        .map(|head| (head.to_owned(), quiet()))
        .collect();
    canvas.row(&heads, &widths);
    for row in &rows {
        canvas.row(row, &widths);
    }
    let left = table.rows.len().saturating_sub(MOST_ROWS);
    if left > 0 {
        canvas.text(0, &more_rows(left), quiet());
    }
}
