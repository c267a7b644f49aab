//! What is recorded of a statement, as facts.

use std::time::Duration;

use gonogo_core::record::{Absence, Cut, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use crate::database::{Place, Refusal, sqlstate};
use crate::probe::Seen;

/// What the server said to a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    /// It did it.
    Answer(Answer),
    /// It refused.
    Refusal(Box<Refusal>),
}

/// A statement that was done.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
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
}

/// How many bytes of values are kept of one statement.
pub(super) const MAX_KEPT_BYTES: usize = 8 * 1024 * 1024;

/// The fact that only a gate with several sessions knows.
fn blocked_by() -> (&'static str, Field) {
    let doc = "the session of the gate whose lock was in the way, with `session`: `main` is the one without a name";
    ("blocked_by", Field::optional(Type::String, doc))
}

/// The facts of a SQL observation.
pub(super) fn shape() -> Shape {
    let text = |doc: &str| Field::new(Type::String, doc);
    let maybe = |doc: &str| Field::optional(Type::String, doc);
    let error = Type::fields([
        ("code", text("the condition's name: `unique_violation`")),
        (
            "class",
            text("the name of the code's class: `integrity_constraint_violation`"),
        ),
        ("sqlstate", text("the code: `23505`")),
        ("message", text("the server's words")),
        ("detail", maybe("more of its words")),
        ("hint", maybe("what it suggests")),
        ("constraint", maybe("the constraint that was violated")),
        ("table", maybe("the table at fault")),
        ("column", maybe("the column at fault")),
    ]);
    let columns = Type::list(Type::fields([
        ("name", text("its name in a row")),
        ("type", text("its type as the server names it")),
    ]));
    let fields = [
        (
            "rows",
            Field::new(
                Type::list(Type::map(Type::Dyn)),
                "the rows, each a map from column to value; absent where the server answered with an error",
            ),
        ),
        (
            "row_count",
            Field::new(Type::Int, "how many rows there are"),
        ),
        (
            "affected",
            Field::new(Type::Int, "how many rows were inserted, updated or deleted"),
        ),
        (
            "columns",
            Field::new(columns, "the columns in order, there also without rows"),
        ),
        (
            "error",
            Field::optional(
                error,
                "the error that the server answered with, where it did",
            ),
        ),
        (
            "latency",
            Field::new(
                Type::Duration,
                "from sending the statement to its last row, without connecting",
            ),
        ),
        (
            "engine",
            Field::new(
                Type::String,
                "the database: `PostgreSQL 15.18`, `SQLite 3.51.3`",
            ),
        ),
        (
            "secrets_seen",
            Field::new(
                Type::list(Type::Dyn),
                "secrets that the rows held: name and where",
            ),
        ),
    ];
    Shape {
        fields: fields
            .into_iter()
            .chain([blocked_by()])
            .map(|(name, field)| (name.to_owned(), field))
            .collect(),
    }
}

/// Turns what the server said into facts.
pub(super) fn observed(place: Place, said: Said) -> Seen {
    let mut seen = match said {
        Said::Answer(answer) => answered(answer),
        Said::Refusal(refusal) => refused(&refusal),
    };
    seen.facts
        .insert("engine".to_owned(), place.engine.as_str().into());
    seen.target = Some(place.seen());
    seen
}

fn answered(answer: Answer) -> Seen {
    let table = table(&answer);
    let gives_rows = !answer.columns.is_empty();
    let mut seen = Seen::default();
    if gives_rows && answer.rows.is_empty() {
        seen.absent.push(Absence {
            fact: "rows".to_owned(),
            why: "the statement gave no rows".to_owned(),
        });
    }
    let columns = answer.columns.into_iter().map(|(name, ty)| {
        let column = [("name", name), ("type", ty)];
        Value::Map(named(column.map(|(n, text)| (n, text.into()))))
    });
    seen.facts = named([
        ("columns", Value::List(columns.collect())),
        ("affected", answer.affected.into()),
        ("latency", answer.latency.into()),
    ]);
    if let Some(count) = answer.row_count {
        seen.facts.insert("row_count".to_owned(), count.into());
    }
    if let Some(why) = answer.cut {
        let count = answer.row_count.is_none().then_some("row_count");
        seen.cut = std::iter::once("rows")
            .chain(count)
            .map(|fact| Cut {
                fact: fact.to_owned(),
                why: why.clone(),
            })
            .collect();
    }
    let rows = answer.rows.into_iter().map(Value::Map).collect();
    seen.facts.insert("rows".to_owned(), Value::List(rows));
    seen.shown.extend(table);
    seen
}

/// Of a refused statement nothing but the error is recorded: an empty list of rows would satisfy `size(rows) == 0`
/// where the table is not even there, and a quick refusal a bound on the latency.
fn refused(refusal: &Refusal) -> Seen {
    let code = sqlstate::name(&refusal.sqlstate);
    let mut error = named([
        ("code", code.into()),
        ("class", sqlstate::class(&refusal.sqlstate).into()),
        ("sqlstate", refusal.sqlstate.as_str().into()),
        ("message", refusal.message.as_str().into()),
    ]);
    let optional = [
        ("detail", &refusal.detail),
        ("hint", &refusal.hint),
        ("constraint", &refusal.constraint),
        ("table", &refusal.table),
        ("column", &refusal.column),
    ];
    let mut text = format!("{code} ({}): {}", refusal.sqlstate, refusal.message);
    for (name, value) in optional {
        if let Some(value) = value {
            error.insert(name.to_owned(), value.as_str().into());
            text.push_str(&format_args!("\n{name}: {value}").to_string());
        }
    }
    Seen {
        facts: named([("error", Value::Map(error))]),
        shown: vec![Shown::Text {
            title: "The database answered with an error".to_owned(),
            text,
        }],
        ..Seen::default()
    }
}

/// The first rows, for a person.
fn table(answer: &Answer) -> Option<Shown> {
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

/// Keeps rows up to the caps and counts the rest.
pub(super) struct Keeper {
    max_rows: usize,
    bytes: usize,
    /// What is kept.
    pub(super) rows: Vec<Map>,
    /// All that came.
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
        if self.rows.len() >= self.max_rows {
            self.cut = Some(format!(
                "kept the first {} rows (`max_rows`)",
                self.max_rows
            ));
        } else if self.bytes > MAX_KEPT_BYTES {
            self.cut = Some(format!(
                "kept the first {} rows: the next would pass {} MiB",
                self.rows.len(),
                MAX_KEPT_BYTES / (1024 * 1024)
            ));
        }
        self.cut.is_none()
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
