//! What is recorded of a statement, as facts.

use std::time::Duration;

use gonogo_core::record::{Absence, Cut, Shown};
use gonogo_core::{Map, Value};

use super::script::At;
use crate::database::{Heard, Place, Refusal, sqlstate};
use crate::probe::Seen;

/// What the server said to what was asked.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// It did it.
    Answer(Answer),
    /// It refused.
    Refusal(Box<Failed>),
}

/// Statements that were done: one, or those of a script.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// Each, in order.
    pub(super) steps: Vec<Step>,
    /// Whether it is a script.
    pub(super) many: bool,
}

/// A statement that was done.
#[derive(Clone, Debug, Default)]
pub(super) struct Step {
    /// Its beginning.
    pub(super) sql: String,
    /// The line on which it begins.
    pub(super) line: usize,
    /// Name and type of each column; none for a statement that gives no rows.
    pub(super) columns: Vec<(String, String)>,
    /// The rows that were kept.
    pub(super) rows: Vec<Map>,
    /// All rows, where they were counted to the end.
    pub(super) row_count: Option<u64>,
    /// Why not all rows were kept.
    pub(super) cut: Option<String>,
    /// Rows inserted, updated or deleted.
    pub(super) affected: u64,
    /// From sending the statement to its last row.
    pub(super) latency: Duration,
    /// What the server said beside it.
    pub(super) notices: Heard,
}

/// A refusal, and what came before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Failed {
    /// The server's words.
    pub(super) refusal: Refusal,
    /// Where in the text the error stands.
    pub(super) at: Option<At>,
    /// The statement of a script that was refused: its number and line, its beginning.
    pub(super) statement: Option<(usize, usize, String)>,
    /// Those that were done before.
    pub(super) before: Answer,
    /// What the server said beside the refusal.
    pub(super) notices: Heard,
}

impl Said {
    /// The same, refused in the end: what was done is undone.
    pub(super) fn refused(self, refusal: Refusal) -> Self {
        let before = match self {
            Self::Answer(answer) => answer,
            Self::Refusal(failed) => failed.before,
        };
        Self::Refusal(Box::new(Failed {
            refusal,
            before,
            ..Failed::default()
        }))
    }
}

/// How many bytes of values are kept of one check.
pub(super) const MAX_KEPT_BYTES: usize = 8 * 1024 * 1024;

/// Turns what the server said into facts.
pub(super) fn observed(place: Place, said: Said) -> Seen {
    let mut seen = match said {
        Said::Answer(answer) => answered(answer),
        Said::Refusal(failed) => refused(*failed),
    };
    seen.facts
        .insert("engine".to_owned(), place.engine.as_str().into());
    seen.target = Some(place.seen());
    seen
}

fn answered(mut answer: Answer) -> Seen {
    let mut seen = Seen::default();
    if answer.many {
        script(&mut seen, &answer.steps, None);
        let all: Duration = answer.steps.iter().map(|step| step.latency).sum();
        seen.facts.insert("latency".to_owned(), all.into());
    }
    let Some(mut last) = answer.steps.pop() else {
        return seen;
    };
    let mut heard = Heard::default();
    for step in &mut answer.steps {
        heard.append(&mut step.notices);
    }
    heard.append(&mut last.notices);
    notices(&mut seen, &heard);
    let table = table(&last);
    if !last.columns.is_empty() && last.rows.is_empty() && last.cut.is_none() {
        seen.absent.push(Absence {
            fact: "rows".to_owned(),
            why: "the statement gave no rows".to_owned(),
        });
    }
    if let Some(why) = &last.cut {
        cut(&mut seen, "rows", why);
        if last.row_count.is_none() {
            cut(&mut seen, "row_count", why);
        }
    }
    let columns = last.columns.into_iter().map(|(name, ty)| {
        let column = [("name", name), ("type", ty)];
        Value::Map(named(column.map(|(n, text)| (n, text.into()))))
    });
    seen.facts.extend(named([
        ("columns", Value::List(columns.collect())),
        ("affected", last.affected.into()),
    ]));
    seen.facts
        .entry("latency".to_owned())
        .or_insert_with(|| last.latency.into());
    if let Some(count) = last.row_count {
        seen.facts.insert("row_count".to_owned(), count.into());
    }
    let rows = last.rows.into_iter().map(Value::Map).collect();
    seen.facts.insert("rows".to_owned(), Value::List(rows));
    seen.shown.extend(table);
    seen
}

/// Of a refused statement nothing but the error is recorded, and notices where there were any: an empty list of rows
/// would satisfy `size(rows) == 0` where the table is not even there, and a quick refusal a bound on the latency.
fn refused(mut failed: Failed) -> Seen {
    let (error, text) = error(&failed);
    let mut seen = Seen::default();
    if failed.before.many {
        script(&mut seen, &failed.before.steps, Some((&failed, &error)));
    }
    let mut heard = Heard::default();
    for step in &mut failed.before.steps {
        heard.append(&mut step.notices);
    }
    heard.append(&mut failed.notices);
    if !heard.kept.is_empty() {
        notices(&mut seen, &heard);
    }
    seen.facts.insert("error".to_owned(), Value::Map(error));
    seen.shown.push(Shown::Text {
        title: "The database answered with an error".to_owned(),
        text,
    });
    seen
}

/// The error as a fact, and for a person.
fn error(failed: &Failed) -> (Map, String) {
    let refusal = &failed.refusal;
    let code = sqlstate::name(&refusal.sqlstate);
    let mut error = named([
        ("code", code.into()),
        ("class", sqlstate::class(&refusal.sqlstate).into()),
        ("sqlstate", refusal.sqlstate.as_str().into()),
        ("message", refusal.message.as_str().into()),
    ]);
    let mut text = String::new();
    if let Some((number, line, sql)) = &failed.statement {
        error.insert("statement".to_owned(), (*number).into());
        error.insert("line".to_owned(), (*line).into());
        text.push_str(&format_args!("statement {number}, line {line}: {sql}\n").to_string());
    }
    text.push_str(&format_args!("{code} ({}): {}", refusal.sqlstate, refusal.message).to_string());
    if let Some(at) = &failed.at {
        let position = named([("line", at.line.into()), ("column", at.column.into())]);
        error.insert("position".to_owned(), Value::Map(position));
        text.push_str(&format_args!("\n{}", at.excerpt).to_string());
    }
    let optional = [
        ("detail", &refusal.detail),
        ("hint", &refusal.hint),
        ("constraint", &refusal.constraint),
        ("schema", &refusal.schema),
        ("table", &refusal.table),
        ("column", &refusal.column),
        ("datatype", &refusal.datatype),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            error.insert(name.to_owned(), value.as_str().into());
            text.push_str(&format_args!("\n{name}: {value}").to_string());
        }
    }
    (error, text)
}

/// So many statements of a script are shown.
const MOST_SHOWN: usize = 50;

/// The statements of a script, the refused one last.
fn script(seen: &mut Seen, steps: &[Step], refused: Option<(&Failed, &Map)>) {
    let mut facts = Vec::new();
    let mut table = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let mut fact = named([
            ("sql", step.sql.as_str().into()),
            ("line", step.line.into()),
            (
                "rows",
                Value::List(step.rows.iter().cloned().map(Value::Map).collect()),
            ),
            ("affected", step.affected.into()),
            ("notices", said(&step.notices)),
            ("latency", step.latency.into()),
        ]);
        if let Some(count) = step.row_count {
            fact.insert("row_count".to_owned(), count.into());
        }
        facts.push(Value::Map(fact));
        let rows = step.row_count.map_or("?".to_owned(), |n| n.to_string());
        let changed = step.affected.to_string();
        table.push(line(index, step.line, &step.sql, [rows, changed]));
        if let Some(why) = &step.cut {
            seen.cut.retain(|c| c.fact != "statements");
            cut(seen, "statements", why);
        }
    }
    if let Some((failed, error)) = refused
        && let Some((_, at, sql)) = &failed.statement
    {
        facts.push(Value::Map(named([
            ("sql", sql.as_str().into()),
            ("line", (*at).into()),
            ("error", Value::Map(error.clone())),
            ("notices", said(&failed.notices)),
        ])));
        let code = sqlstate::name(&failed.refusal.sqlstate).to_owned();
        table.push(line(steps.len(), *at, sql, [code, String::new()]));
    }
    seen.facts
        .insert("statements".to_owned(), Value::List(facts));
    let title = if table.len() > MOST_SHOWN {
        format!("The last {MOST_SHOWN} of {} statements", table.len())
    } else {
        "Statements".to_owned()
    };
    seen.shown.push(Shown::Table {
        title,
        head: ["#", "line", "statement", "rows", "affected"]
            .map(str::to_owned)
            .to_vec(),
        rows: table.split_off(table.len().saturating_sub(MOST_SHOWN)),
    });
}

fn line(index: usize, line: usize, sql: &str, rest: [String; 2]) -> Vec<String> {
    let [rows, affected] = rest;
    vec![
        (index + 1).to_string(),
        line.to_string(),
        sql.to_owned(),
        rows,
        affected,
    ]
}

fn cut(seen: &mut Seen, fact: &str, why: &str) {
    seen.cut.push(Cut {
        fact: fact.to_owned(),
        why: why.to_owned(),
    });
}

fn notices(seen: &mut Seen, heard: &Heard) {
    seen.facts.insert("notices".to_owned(), said(heard));
    if heard.more > 0 {
        let why = format!(
            "kept the first {} notices; {} more came",
            heard.kept.len(),
            heard.more
        );
        cut(seen, "notices", &why);
    }
    if !heard.kept.is_empty() {
        let lines: Vec<String> = heard
            .kept
            .iter()
            .take(20)
            .map(|n| format!("{}: {}", n.severity, n.message))
            .collect();
        seen.shown.push(Shown::Text {
            title: "Notices".to_owned(),
            text: lines.join("\n"),
        });
    }
}

fn said(heard: &Heard) -> Value {
    let each = heard.kept.iter().map(|notice| {
        Value::Map(named([
            ("severity", notice.severity.as_str().into()),
            ("code", sqlstate::name(&notice.sqlstate).into()),
            ("sqlstate", notice.sqlstate.as_str().into()),
            ("message", notice.message.as_str().into()),
        ]))
    });
    Value::List(each.collect())
}

/// The first rows, for a person.
fn table(answer: &Step) -> Option<Shown> {
    const ROWS: usize = 20;
    const CHARS: usize = 120;
    if answer.columns.is_empty() {
        return None;
    }
    let head: Vec<String> = answer
        .columns
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    let cell = |row: &Map, name: &String| {
        let text = match row.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        };
        if text.chars().count() > CHARS {
            let head: String = text.chars().take(CHARS - 1).collect();
            format!("{head}…")
        } else {
            text
        }
    };
    let rows = answer
        .rows
        .iter()
        .take(ROWS)
        .map(|row| head.iter().map(|name| cell(row, name)).collect())
        .collect();
    let shown = answer.rows.len().min(ROWS);
    let title = match answer.row_count {
        Some(count) if count > shown as u64 => format!("The first {shown} of {count} rows"),
        Some(_) => "Rows".to_owned(),
        None => format!("The first {shown} rows"),
    };
    Some(Shown::Table { title, head, rows })
}

fn named<const N: usize>(fields: [(&str, Value); N]) -> Map {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Keeps rows up to the caps, of all statements of a check together, and counts the rest.
pub(super) struct Keeper {
    max_rows: usize,
    bytes: usize,
    kept: usize,
    /// What is kept of the statement at hand.
    pub(super) rows: Vec<Map>,
    /// All that came of it.
    pub(super) count: u64,
    /// Why not all are kept.
    pub(super) cut: Option<String>,
}

impl Keeper {
    /// Keeps at most so many.
    pub(super) fn new(max_rows: usize) -> Self {
        Self {
            max_rows,
            bytes: 0,
            kept: 0,
            rows: Vec::new(),
            count: 0,
            cut: None,
        }
    }

    /// Whether the next row of that size would be kept; once not, none is.
    pub(super) fn takes(&mut self, bytes: usize) -> bool {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.cut.is_some() {
            return false;
        }
        if self.kept >= self.max_rows {
            self.cut = Some(format!(
                "kept the first {} rows (`max_rows`)",
                self.max_rows
            ));
        } else if self.bytes > MAX_KEPT_BYTES {
            self.cut = Some(format!(
                "kept the first {} rows: the next would pass {} MiB",
                self.kept,
                MAX_KEPT_BYTES / (1024 * 1024)
            ));
        } else {
            self.kept += 1;
        }
        self.cut.is_none()
    }

    /// What came of the statement: rows, their count, and why not all are kept. The next one begins.
    pub(super) fn taken(&mut self) -> (Vec<Map>, u64, Option<String>) {
        let rows = std::mem::take(&mut self.rows);
        (rows, std::mem::take(&mut self.count), self.cut.take())
    }
}

/// Two columns of one name would be one key of a row, and one of them lost.
pub(super) fn twice_named(columns: &[(String, String)]) -> Option<&str> {
    let mut seen = std::collections::BTreeSet::new();
    columns
        .iter()
        .map(|(name, _)| name.as_str())
        .find(|name| !seen.insert(*name))
}
