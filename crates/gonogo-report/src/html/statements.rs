//! What people stated.

use gonogo_core::judged::Judged;

use super::pieces::{class_of, prose};
use crate::markup::Markup;
use crate::statements::{Part, Row, Table, parts};
use crate::wording::sign;

/// Rows of one table; a page with thousands helps nobody.
const MOST_ROWS: usize = 500;

pub(super) fn render(page: &mut Markup, judged: &Judged) {
    for part in parts(judged) {
        section(page, &part);
    }
}

fn section(page: &mut Markup, part: &Part) {
    page.put("<section id=\"{}\"><h2>{}</h2>\n", &[part.id, part.title]);
    if let Some(line) = &part.lead {
        page.raw("<p>");
        prose(page, line);
        page.raw("</p>");
    }
    if let Some(line) = &part.alarm {
        page.raw("<p class=\"alarm\"><b>");
        prose(page, line);
        page.raw("</b></p>");
    }
    for table in &part.tables {
        self::table(page, table);
    }
    for line in &part.notes {
        page.raw("<p class=\"small quiet under\">");
        prose(page, line);
        page.raw("</p>");
    }
    page.raw("</section>\n");
}

fn table(page: &mut Markup, table: &Table) {
    page.raw("<div class=\"scroll under\"><table class=\"stated\"><thead><tr><th scope=\"col\">state</th>");
    for head in &table.head {
        page.put("<th scope=\"col\">{}</th>", &[head]);
    }
    page.raw("</tr></thead><tbody>\n");
    for row in table.rows.iter().take(MOST_ROWS) {
        self::row(page, row);
    }
    page.raw("</tbody></table></div>\n");
    if table.rows.len() > MOST_ROWS {
        page.put(
            "<p class=\"small\">and {} more in <span class=\"mono\">verdict.json</span></p>",
            &[&(table.rows.len() - MOST_ROWS).to_string()],
        );
    }
}

fn row(page: &mut Markup, row: &Row) {
    page.put(
        "<tr><td><span class=\"pill {}\"><span class=\"s\" aria-hidden=\"true\">{}</span>{}</span></td>",
        &[class_of(row.like), sign(row.like), row.word],
    );
    for (at, cell) in row.cells.iter().enumerate() {
        page.raw(if at == 0 {
            "<th scope=\"row\">"
        } else {
            "<td>"
        });
        prose(page, cell);
        page.raw(if at == 0 { "</th>" } else { "</td>" });
    }
    page.raw("</tr>\n");
}
