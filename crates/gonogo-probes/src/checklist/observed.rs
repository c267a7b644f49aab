//! What is recorded of a checklist, as facts.

use gonogo_core::record::{Absence, Cut, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use super::read::{Item, Problem, Row, State};
use crate::probe::Seen;

/// What an item names as its evidence, looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It names none.
    None,
    /// It names an address, which is shown and never fetched.
    Link(String),
    /// A file that is there and not empty.
    File {
        path: String,
        size: u64,
        sha256: Option<String>,
    },
    /// It names something that cannot show anything, and why.
    Broken(String),
}

/// An item with its evidence looked for.
#[derive(Clone, Debug)]
pub(super) struct Stated {
    pub(super) item: Item,
    /// The state that counts.
    pub(super) state: State,
    /// Why what is said to be complete is not.
    pub(super) weak: Option<String>,
    pub(super) proof: Proof,
}

/// All of it.
pub(super) struct Found {
    pub(super) file: String,
    /// The columns asked for; none where items were read.
    pub(super) columns: Vec<String>,
    pub(super) items: Vec<Stated>,
    pub(super) rows: Vec<Row>,
    pub(super) problems: Vec<Problem>,
}

/// The facts of the probe: of a table that must be complete or of a list of items; of both where that is not said.
pub(super) fn shape(is_table: Option<bool>) -> Shape {
    let names = || Type::list(Type::String);
    let always = [
        ("counts", counts(is_table), "how many of each kind"),
        (
            "problems",
            Type::list(problem()),
            "what cannot be read; any of it makes all other facts unusable",
        ),
    ];
    let of_table = [
        (
            "rows",
            Type::list(Type::map(Type::String)),
            "the rows of the table by column",
        ),
        (
            "incomplete",
            Type::list(cell()),
            "the cells that are not filled, those of rows that are not there included",
        ),
    ];
    let of_items = [
        (
            "items",
            Type::list(item()),
            "the items in the order of the file",
        ),
        (
            "complete",
            names(),
            "the items that are complete, and whose evidence is there where they name some",
        ),
        (
            "partial",
            names(),
            "the items that are partial, or said to be complete without what must show it",
        ),
        (
            "missing",
            names(),
            "the items that are missing, also those of `rows` that the file does not have",
        ),
        (
            "weak",
            Type::list(weak()),
            "the items that are said to be complete and cannot show it; they count as partial",
        ),
        ("left_to_do", names(), "what is left to do, `item: what`"),
    ];
    let items = of_items.into_iter().filter(|_| is_table != Some(true));
    let table = of_table.into_iter().filter(|_| is_table != Some(false));
    let fields = items.chain(table).chain(always);
    Shape {
        fields: fields
            .map(|(name, ty, doc)| (name.to_owned(), Field::new(ty, doc)))
            .collect(),
    }
}

fn item() -> Type {
    let text = |doc: &str| Field::optional(Type::String, doc);
    Type::fields([
        ("item", Field::new(Type::String, "its name")),
        (
            "state",
            Field::new(
                Type::String,
                "`complete`, `partial` or `missing`, as it counts",
            ),
        ),
        (
            "stated",
            Field::new(Type::String, "the same, as the file has it"),
        ),
        ("owner", text("who does it")),
        ("evidence", text("the file or address that shows it")),
        (
            "evidence_kind",
            Field::new(
                Type::String,
                "`file`, `link`, `none`, or `broken`: named and not there, or empty",
            ),
        ),
        (
            "evidence_size",
            Field::optional(Type::Int, "the size of the file"),
        ),
        ("evidence_sha256", text("its SHA-256")),
        ("left_to_do", text("what is left to do")),
        ("line", Field::optional(Type::Int, "its line in the file")),
    ])
}

fn weak() -> Type {
    Type::fields([
        ("item", Field::new(Type::String, "its name")),
        ("why", Field::new(Type::String, "what is not there")),
        ("line", Field::optional(Type::Int, "its line in the file")),
    ])
}

fn cell() -> Type {
    Type::fields([
        ("row", Field::new(Type::String, "the row's name")),
        ("column", Field::new(Type::String, "the column")),
        (
            "line",
            Field::optional(
                Type::Int,
                "its line in the file; none where the row is not there",
            ),
        ),
    ])
}

fn problem() -> Type {
    Type::fields([
        ("line", Field::new(Type::Int, "the line")),
        ("message", Field::new(Type::String, "what is wrong")),
    ])
}

fn counts(is_table: Option<bool>) -> Type {
    let of_items = [
        ("items", "items"),
        ("complete", "complete ones"),
        ("partial", "partial ones"),
        ("missing", "missing ones"),
    ];
    let of_table = [
        ("rows", "rows of the table"),
        ("incomplete", "cells that are not filled"),
    ];
    let items = of_items.into_iter().filter(|_| is_table != Some(true));
    let table = of_table.into_iter().filter(|_| is_table != Some(false));
    let fields = items.chain(table);
    Type::fields(fields.map(|(name, doc)| (name, Field::new(Type::Int, doc))))
}

/// What claims something of the whole, and is unusable where a part could not be read.
const CLAIMS: [&str; 9] = [
    "items",
    "complete",
    "partial",
    "missing",
    "weak",
    "left_to_do",
    "counts",
    "rows",
    "incomplete",
];

/// The facts.
pub(super) fn seen(found: Found) -> Seen {
    let mut facts = Map::from([(
        "problems".to_owned(),
        Value::List(found.problems.iter().map(problem_facts).collect()),
    )]);
    let mut shown = Vec::new();
    let fact = if found.columns.is_empty() {
        of_items(&found, &mut facts, &mut shown);
        "items"
    } else {
        of_rows(&found, &mut facts, &mut shown);
        "rows"
    };
    let cut = found.problems.first().map(|first| {
        let more = match found.problems.len() {
            0 | 1 => String::new(),
            n => format!(" (and {} more problems)", n - 1),
        };
        format!("{}:{}: {}{more}", found.file, first.line, first.message)
    });
    let cut = cut.iter().flat_map(|why| {
        CLAIMS.map(|fact| Cut {
            fact: fact.to_owned(),
            why: why.clone(),
        })
    });
    let is_empty = found.items.is_empty() && found.rows.is_empty() && found.problems.is_empty();
    let absent = is_empty.then(|| Absence {
        fact: fact.to_owned(),
        why: format!("{} holds no {fact}", found.file),
    });
    Seen {
        facts,
        cut: cut.collect(),
        absent: absent.into_iter().collect(),
        shown,
        ..Seen::default()
    }
}

fn of_items(found: &Found, facts: &mut Map, shown: &mut Vec<Shown>) {
    let such = |state: State| found.items.iter().filter(move |item| item.state == state);
    let mut counts = Map::from([("items".to_owned(), found.items.len().into())]);
    for state in [State::Complete, State::Partial, State::Missing] {
        let names: Vec<Value> = such(state).map(|s| s.item.name.as_str().into()).collect();
        counts.insert(state.word().to_owned(), names.len().into());
        facts.insert(state.word().to_owned(), Value::List(names));
    }
    facts.insert("counts".to_owned(), Value::Map(counts));
    facts.insert(
        "items".to_owned(),
        Value::List(found.items.iter().map(item_facts).collect()),
    );
    let weak = found.items.iter().filter_map(weak_facts);
    facts.insert("weak".to_owned(), Value::List(weak.collect()));
    let open = || {
        found
            .items
            .iter()
            .filter(|item| item.state != State::Complete)
    };
    let to_do = open().filter_map(|s| Some(format!("{}: {}", s.item.name, left(s)?).into()));
    facts.insert("left_to_do".to_owned(), Value::List(to_do.collect()));
    for (state, fact) in [
        (State::Partial, "partial_text"),
        (State::Missing, "missing_text"),
    ] {
        let lines: Vec<String> = such(state).map(line).collect();
        if !lines.is_empty() {
            facts.insert(fact.to_owned(), lines.join("\n").into());
        }
    }
    if !found.items.is_empty() {
        let row = |s: &Stated| {
            let evidence = s.item.evidence.clone().unwrap_or_default();
            let owner = s.item.owner.clone().unwrap_or_default();
            let left = left(s).unwrap_or_default();
            vec![
                s.item.name.clone(),
                s.state.word().to_owned(),
                owner,
                evidence,
                left,
            ]
        };
        shown.push(Shown::Table {
            title: format!("{}, item by item", found.file),
            head: ["item", "state", "owner", "evidence", "left to do"]
                .map(str::to_owned)
                .to_vec(),
            rows: found.items.iter().map(row).collect(),
        });
    }
}

/// What is left to do: why it does not count as complete, else what its author says.
fn left(stated: &Stated) -> Option<String> {
    if stated.state == State::Complete {
        return None;
    }
    let own = stated.item.left_to_do.clone();
    match (stated.weak.clone(), own) {
        (Some(why), Some(own)) => Some(format!("{why}; {own}")),
        (one, other) => one.or(other),
    }
}

fn line(stated: &Stated) -> String {
    let left = left(stated).map_or_else(String::new, |left| format!(": {left}"));
    let owner = stated.item.owner.as_deref();
    let owner = owner.map_or_else(String::new, |owner| format!(" ({owner})"));
    format!("- {}{left}{owner}", stated.item.name)
}

fn item_facts(stated: &Stated) -> Value {
    let Stated {
        item, state, proof, ..
    } = stated;
    let (kind, size, sha256) = match proof {
        Proof::None => ("none", None, None),
        Proof::Link(_) => ("link", None, None),
        Proof::File { size, sha256, .. } => ("file", Some(*size), sha256.as_deref()),
        Proof::Broken(_) => ("broken", None, None),
    };
    let evidence = match proof {
        Proof::File { path, .. } => Some(path.as_str()),
        Proof::Link(link) => Some(link.as_str()),
        Proof::None | Proof::Broken(_) => item.evidence.as_deref(),
    };
    map([
        ("item", Some(item.name.as_str().into())),
        ("state", Some(state.word().into())),
        ("stated", Some(item.state.word().into())),
        ("owner", item.owner.as_deref().map(Value::from)),
        ("evidence", evidence.map(Value::from)),
        ("evidence_kind", Some(kind.into())),
        ("evidence_size", size.map(Value::from)),
        ("evidence_sha256", sha256.map(Value::from)),
        ("left_to_do", left(stated).map(Value::from)),
        ("line", (item.line > 0).then(|| item.line.into())),
    ])
}

fn weak_facts(stated: &Stated) -> Option<Value> {
    let why = stated.weak.as_deref()?;
    let line = stated.item.line;
    Some(map([
        ("item", Some(stated.item.name.as_str().into())),
        ("why", Some(why.into())),
        ("line", (line > 0).then(|| line.into())),
    ]))
}

fn of_rows(found: &Found, facts: &mut Map, shown: &mut Vec<Shown>) {
    let name = |row: &Row| {
        let first = row.cells.first().cloned().flatten();
        first.unwrap_or_else(|| format!("the row on line {}", row.line))
    };
    let mut open = Vec::new();
    let mut lines = Vec::new();
    for row in &found.rows {
        let mut empty = Vec::new();
        for (column, _) in found
            .columns
            .iter()
            .zip(&row.cells)
            .filter(|(_, cell)| cell.is_none() || row.line == 0)
        {
            open.push(map([
                ("row", Some(name(row).into())),
                ("column", Some(column.as_str().into())),
                ("line", (row.line > 0).then(|| row.line.into())),
            ]));
            empty.push(column.as_str());
        }
        if row.line == 0 {
            lines.push(format!("- {}: the row is not there", name(row)));
        } else if !empty.is_empty() {
            lines.push(format!(
                "- {}: {} (line {})",
                name(row),
                empty.join(", "),
                row.line
            ));
        }
    }
    // A row that is not there is not among the rows.
    let there = || found.rows.iter().filter(|row| row.line > 0);
    let row = |row: &Row| {
        let cells = found.columns.iter().zip(&row.cells);
        let filled =
            cells.filter_map(|(column, cell)| Some((column.clone(), cell.as_deref()?.into())));
        Value::Map(filled.collect())
    };
    let counts = Map::from([
        ("rows".to_owned(), there().count().into()),
        ("incomplete".to_owned(), open.len().into()),
    ]);
    facts.insert("counts".to_owned(), Value::Map(counts));
    facts.insert("rows".to_owned(), Value::List(there().map(row).collect()));
    facts.insert("incomplete".to_owned(), Value::List(open));
    if !lines.is_empty() {
        facts.insert("incomplete_text".to_owned(), lines.join("\n").into());
    }
    if !found.rows.is_empty() {
        let cells = |row: &Row| {
            row.cells
                .iter()
                .map(|cell| cell.clone().unwrap_or_default())
                .collect()
        };
        shown.push(Shown::Table {
            title: found.file.clone(),
            head: found.columns.clone(),
            rows: there().map(cells).collect(),
        });
    }
}

fn problem_facts(problem: &Problem) -> Value {
    map([
        ("line", Some(problem.line.into())),
        ("message", Some(problem.message.as_str().into())),
    ])
}

fn map<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let there = fields
        .into_iter()
        .filter_map(|(n, v)| Some((n.to_owned(), v?)));
    Value::Map(there.collect())
}
