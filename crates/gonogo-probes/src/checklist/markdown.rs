//! A checklist in Markdown: task lists and tables, as GitHub reads them.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::read::{Parts, Problem, Read, Row, is_blank, same};
use super::syntax::ChecklistOptions;

/// What heads the columns of a table of items; the name of an item stands in the first column otherwise.
const NAME: [&str; 6] = ["item", "check", "task", "requirement", "criterion", "name"];
const STATE: [&str; 2] = ["status", "state"];
const OWNER: [&str; 4] = ["owner", "responsible", "assignee", "who"];
const EVIDENCE: [&str; 2] = ["evidence", "proof"];
const LEFT: [&str; 9] = [
    "left to do",
    "what is left",
    "left",
    "to do",
    "todo",
    "remaining",
    "notes",
    "note",
    "remarks",
];

/// A piece of text, and the first link in it.
#[derive(Default)]
struct Piece {
    text: String,
    link: Option<String>,
    line: usize,
}

struct Table {
    head: Vec<Piece>,
    rows: Vec<(usize, Vec<Piece>)>,
    line: usize,
}

/// An item of any list; only those with a mark are tasks.
struct ListItem {
    piece: Piece,
    mark: Option<bool>,
}

/// What a file, or one section of it, holds.
#[derive(Default)]
struct Sheet {
    tables: Vec<Table>,
    items: Vec<ListItem>,
    headings: Vec<String>,
    is_found: bool,
}

/// Reads the items, or the rows of the table that is asked for.
pub(super) fn read(options: &ChecklistOptions, text: &str) -> Result<Read, Problem> {
    let sheet = Walk::new(text, options.section.as_deref()).sheet();
    if let Some(section) = options.section.as_deref().filter(|_| !sheet.is_found) {
        let known: Vec<&str> = sheet.headings.iter().map(String::as_str).take(12).collect();
        let known = match known.as_slice() {
            [] => "it has no heading".to_owned(),
            known => format!("its headings are: {}", known.join(" · ")),
        };
        let message = format!("no heading is called “{section}”; {known}");
        return Err(Problem { line: 1, message });
    }
    let mut out = Read::default();
    if options.columns.0.is_empty() {
        sheet
            .tables
            .iter()
            .for_each(|table| items_of(table, &mut out));
        sheet.items.iter().for_each(|item| task(item, &mut out));
        out.items.sort_by_key(|item| item.line);
    } else {
        rows_of(&sheet.tables, &options.columns.0, &mut out);
    }
    Ok(out)
}

fn column(table: &Table, names: &[&str]) -> Option<usize> {
    // The first name counts most: `Left to do` before `Notes`.
    let at = |name: &&str| table.head.iter().position(|cell| same(&cell.text, name));
    names.iter().find_map(at)
}

fn items_of(table: &Table, out: &mut Read) {
    let Some(state) = column(table, &STATE) else {
        return;
    };
    let name = column(table, &NAME).filter(|at| *at != state);
    let name = name.unwrap_or(usize::from(state == 0));
    let [owner, evidence, left] = [&OWNER[..], &EVIDENCE, &LEFT].map(|names| column(table, names));
    for (line, cells) in &table.rows {
        let text = |at: usize| cells.get(at).map(|cell| cell.text.trim().to_owned());
        let parts = Parts {
            owner: owner.and_then(text),
            // A link is its address; what it is called is for the reader.
            evidence: evidence.and_then(|at| cells.get(at)?.link.clone().or_else(|| text(at))),
            left_to_do: left.and_then(text),
        };
        let of = |at: usize| text(at).unwrap_or_default();
        out.item(*line, &of(name), &of(state), parts);
    }
}

fn task(item: &ListItem, out: &mut Read) {
    let ListItem { piece, mark } = item;
    let text = piece.text.trim();
    let Some(is_done) = *mark else {
        if looks_like_a_mark(text) {
            let shown: String = text.chars().take(40).collect();
            out.problem(
                piece.line,
                format!("`{shown}` is no task: write `[ ]` or `[x]`"),
            );
        }
        return;
    };
    let owner = text.split_whitespace().find_map(|word| {
        let name = word
            .trim_matches(['(', ')', ',', '.', ';'])
            .strip_prefix('@')?;
        (!name.is_empty()).then(|| name.to_owned())
    });
    let parts = Parts {
        owner,
        evidence: piece.link.clone(),
        left_to_do: None,
    };
    let state = if is_done { "complete" } else { "missing" };
    out.item(piece.line, text, state, parts);
}

/// `[~] …`, `[] …`: somebody meant a task, and Markdown does not read one.
fn looks_like_a_mark(text: &str) -> bool {
    let Some((mark, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) else {
        return false;
    };
    mark.chars().count() <= 2 && (rest.is_empty() || rest.starts_with(char::is_whitespace))
}

/// The rows of each table that has all columns; where none has, of the one that has most of them.
fn rows_of(tables: &[Table], columns: &[String], out: &mut Read) {
    let places = |table: &Table| -> Vec<Option<usize>> {
        let at = |name: &String| table.head.iter().position(|cell| same(&cell.text, name));
        columns.iter().map(at).collect()
    };
    let count = |table: &Table| places(table).iter().flatten().count();
    let most = tables.iter().map(count).max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let mut left = if most == columns.len() { usize::MAX } else { 1 };
    for table in tables.iter().filter(|table| count(table) == most) {
        if left == 0 {
            break;
        }
        left -= 1;
        let places = places(table);
        for (column, _) in columns.iter().zip(&places).filter(|(_, at)| at.is_none()) {
            out.problem(table.line, format!("the table has no column `{column}`"));
        }
        for (line, cells) in &table.rows {
            let cell = |at: &Option<usize>| {
                let text = cells.get((*at)?)?.text.trim();
                (!is_blank(text)).then(|| text.to_owned())
            };
            out.row(Row {
                cells: places.iter().map(cell).collect(),
                line: *line,
            });
        }
    }
}

/// Walks over the events of a text and keeps what stands in the section.
struct Walk<'t> {
    text: &'t str,
    section: Option<&'t str>,
    sheet: Sheet,
    /// The level of the section's heading while inside of it.
    inside: Option<usize>,
    heading: Option<(usize, String)>,
    open: Vec<ListItem>,
    table: Option<Table>,
    cells: Vec<Piece>,
    cell: Option<Piece>,
    /// In a block of code, whose text is no item's.
    in_code: bool,
    /// Up to where lines were counted, and how many.
    counted: (usize, usize),
}

impl<'t> Walk<'t> {
    fn new(text: &'t str, section: Option<&'t str>) -> Self {
        Self {
            text,
            section,
            sheet: Sheet::default(),
            inside: None,
            heading: None,
            open: Vec::new(),
            table: None,
            cells: Vec::new(),
            cell: None,
            in_code: false,
            counted: (0, 1),
        }
    }

    fn sheet(mut self) -> Sheet {
        let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
        for (event, at) in Parser::new_ext(self.text, options).into_offset_iter() {
            self.event(event, at.start);
        }
        self.sheet
    }

    /// The line of a place. Events come in the order of the text but for a few that lie a little before.
    fn line(&mut self, at: usize) -> usize {
        let (mut from, mut line) = self.counted;
        if at < from {
            (from, line) = (0, 1);
        }
        let between = self.text.as_bytes().get(from..at).unwrap_or_default();
        line += between.iter().filter(|b| **b == b'\n').count();
        self.counted = (at, line);
        line
    }

    fn is_inside(&self) -> bool {
        self.section.is_none() || self.inside.is_some()
    }

    fn event(&mut self, event: Event<'_>, at: usize) {
        match event {
            Event::Start(tag) => self.start(tag, at),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) => self.add(&text),
            Event::SoftBreak | Event::HardBreak => self.add(" "),
            Event::InlineHtml(html) if html.starts_with("<br") => self.add(" "),
            Event::TaskListMarker(is_done) => {
                if let Some(item) = self.open.last_mut() {
                    item.mark = Some(is_done);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        if self.in_code {
            return;
        }
        let innermost = match (&mut self.heading, &mut self.cell, self.open.last_mut()) {
            (Some((_, heading)), ..) => heading,
            (_, Some(cell), _) => &mut cell.text,
            (_, _, Some(item)) => &mut item.piece.text,
            _ => return,
        };
        innermost.push_str(text);
    }

    fn start(&mut self, tag: Tag<'_>, at: usize) {
        match tag {
            Tag::Heading { level, .. } => self.heading = Some((level as usize, String::new())),
            Tag::CodeBlock(_) => self.in_code = true,
            Tag::Item => {
                let piece = self.piece(at);
                self.open.push(ListItem { piece, mark: None });
            }
            // What follows the first paragraph of an item is no part of its name, but is kept apart from it.
            Tag::Paragraph => self.add(" "),
            Tag::Table(_) => {
                let line = self.line(at);
                self.table = Some(Table {
                    head: Vec::new(),
                    rows: Vec::new(),
                    line,
                });
            }
            Tag::TableHead | Tag::TableRow => self.cells.clear(),
            Tag::TableCell => self.cell = Some(self.piece(at)),
            Tag::Link { dest_url, .. } => {
                let link = match (&mut self.cell, self.open.last_mut()) {
                    (Some(cell), _) => &mut cell.link,
                    (None, Some(item)) => &mut item.piece.link,
                    (None, None) => return,
                };
                link.get_or_insert_with(|| dest_url.into_string());
            }
            _ => {}
        }
    }

    fn piece(&mut self, at: usize) -> Piece {
        Piece {
            line: self.line(at),
            ..Piece::default()
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => self.headed(),
            TagEnd::CodeBlock => self.in_code = false,
            TagEnd::Item => {
                if let Some(item) = self.open.pop().filter(|_| self.is_inside()) {
                    self.sheet.items.push(item);
                }
            }
            TagEnd::TableCell => self.cells.extend(self.cell.take()),
            TagEnd::TableHead => {
                if let Some(table) = &mut self.table {
                    table.head = std::mem::take(&mut self.cells);
                }
            }
            TagEnd::TableRow => {
                let cells = std::mem::take(&mut self.cells);
                if let Some(table) = &mut self.table {
                    let line = cells.first().map_or(table.line, |cell| cell.line);
                    table.rows.push((line, cells));
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take().filter(|_| self.is_inside()) {
                    self.sheet.tables.push(table);
                }
            }
            _ => {}
        }
    }

    /// A heading ends: the section begins, ends, or goes on.
    fn headed(&mut self) {
        let Some((level, text)) = self.heading.take() else {
            return;
        };
        if let Some(section) = self.section {
            if same(without_number(&text), section) || same(&text, section) {
                self.inside = Some(level);
                self.sheet.is_found = true;
            } else if self.inside.is_some_and(|own| level <= own) {
                self.inside = None;
            }
        }
        self.sheet.headings.push(text.trim().to_owned());
    }
}

/// `7. Pre-production checklist` without its number.
fn without_number(heading: &str) -> &str {
    heading.trim_start_matches(|c: char| {
        c.is_ascii_digit() || c == '.' || c == ')' || c.is_whitespace()
    })
}
