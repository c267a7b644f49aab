//! What is recorded of a database's sizes.

use gonogo_core::capacity::{Change, Diff, Snapshot, share_text, size_text};
use gonogo_core::duration::humanize_duration_ns;
use gonogo_core::record::{Absence, Cause, Cut, NotObserved, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use crate::ctx::Ctx;
use crate::database::Place;
use crate::probe::{RawBlob, Seen};

/// The role of the blob with the whole snapshot: a baseline for the next look.
pub const SNAPSHOT_ROLE: &str = "capacity-snapshot";
/// As many tables, indexes and changes are facts; the snapshot beside them has all.
const MAX_LISTED: usize = 10_000;
/// As many are shown to a person.
const MAX_SHOWN: usize = 20;

/// The facts of a capacity observation.
pub(super) fn shape() -> Shape {
    let text = |doc: &str| Field::new(Type::String, doc);
    let int = |doc: &str| Field::new(Type::Int, doc);
    // A number or null.
    let maybe = |doc: &str| Field::new(Type::Dyn, doc);
    let database = Type::fields([
        ("name", text("its name")),
        ("bytes", int("all of it on disk")),
    ]);
    let tables = Type::list(Type::fields([
        ("name", text("its name: `public.users`")),
        ("bytes", int("the table with its indexes and its TOAST")),
        ("table_bytes", int("the table alone")),
        ("index_bytes", int("its indexes")),
        ("toast_bytes", int("what it stores out of line")),
        (
            "rows_estimate",
            maybe("the server's estimate of its rows; null where it was never analysed"),
        ),
        (
            "rows",
            maybe("its rows, counted; null without `count: true`"),
        ),
    ]));
    let indexes = Type::list(Type::fields([
        ("name", text("its name")),
        ("table", text("its table")),
        ("bytes", int("its size")),
        (
            "scans",
            maybe("how often it was used since the statistics began; null where nobody counts"),
        ),
    ]));
    let levels = Type::fields([
        ("level", text("GREEN, YELLOW, RED or NOT JUDGED")),
        (
            "yellow",
            Field::new(Type::list(Type::String), "what is worth a look"),
        ),
        (
            "red",
            Field::new(Type::list(Type::String), "what is too much"),
        ),
        (
            "growth",
            Field::optional(
                Type::Bool,
                "true where growth was judged; not there below an hour since the baseline",
            ),
        ),
    ]);
    let fields = [
        ("database", Field::new(database, "the database")),
        (
            "tables",
            Field::new(tables, "its tables and materialized views"),
        ),
        ("indexes", Field::new(indexes, "its indexes")),
        (
            "connections",
            maybe(
                "connections of the server: used, allowed (to ordinary roles), reserved, share; null without a server",
            ),
        ),
        (
            "cache_hit_ratio",
            maybe("the share of reads that memory answered; null where nothing was read"),
        ),
        (
            "taken_at",
            Field::new(Type::Timestamp, "when it was looked"),
        ),
        ("engine", text("the database: `PostgreSQL 15.18`")),
        (
            "server",
            Field::optional(Type::String, "the server's own identity, where it tells"),
        ),
        (
            "growth",
            Field::optional(
                growth_shape(),
                "the database and what is new, gone or of another size since the baseline",
            ),
        ),
        (
            "levels",
            Field::optional(levels, "what sizes and growth come to by the thresholds"),
        ),
    ];
    Shape {
        fields: fields
            .into_iter()
            .map(|(name, field)| (name.to_owned(), field))
            .collect(),
    }
}

fn growth_shape() -> Type {
    let text = |doc: &str| Field::new(Type::String, doc);
    let maybe = |doc: &str| Field::new(Type::Dyn, doc);
    Type::list(Type::fields([
        ("what", text("database, table or index")),
        ("name", text("its name")),
        ("change", text("new, vanished, grown, shrunk or same")),
        ("from", maybe("its size then; null where it is new")),
        ("to", maybe("its size now; null where it is gone")),
        (
            "bytes",
            Field::new(Type::Int, "how many bytes more, or fewer"),
        ),
        (
            "share",
            maybe("that as a share of the size then: 0.15 is 15 %"),
        ),
        (
            "interval",
            Field::new(Type::Duration, "the time since the baseline"),
        ),
        (
            "per_day",
            maybe("the share in a day at that pace; null below an hour since the baseline"),
        ),
        ("per_week", maybe("the share in a week at that pace")),
    ]))
}

/// What became of the database since its baseline.
pub(super) struct Growth {
    /// The baseline.
    pub(super) then: Snapshot,
    /// What lies between.
    pub(super) diff: Diff,
}

/// Turns sizes into an observation.
pub(super) fn seen(place: &Place, now: &Snapshot, growth: Option<&Growth>) -> Seen {
    let mut facts = now.facts();
    let mut cut = Vec::new();
    let mut shown = vec![database(now), largest(now)];
    let mut absent = Vec::new();
    let mut blobs = vec![blob(SNAPSHOT_ROLE, now.text())];
    // A database without tables has no sizes to look at: `all` over none of them would prove nothing.
    if now.tables.is_empty() {
        absent.push(Absence {
            fact: "tables".to_owned(),
            why: "the database has no table".to_owned(),
        });
    }
    if let Some(growth) = growth {
        let (list, levels) = growth.diff.facts();
        facts.insert("growth".to_owned(), list);
        facts.insert("levels".to_owned(), levels);
        shown.push(changes(&growth.diff));
        shown.push(levels_text(&growth.diff));
        blobs.push(blob("capacity-baseline", growth.then.text()));
        if let Some(why) = &growth.diff.not_judged {
            absent.push(Absence {
                fact: "levels.growth".to_owned(),
                why: why.clone(),
            });
        }
    }
    for name in ["tables", "indexes", "growth"] {
        if let Some(Value::List(items)) = facts.get_mut(name)
            && items.len() > MAX_LISTED
        {
            cut.push(Cut {
                fact: name.to_owned(),
                why: format!("kept the first {MAX_LISTED} of {}", items.len()),
            });
            items.truncate(MAX_LISTED);
        }
    }
    Seen {
        facts,
        target: Some(place.seen()),
        absent,
        cut,
        shown,
        blobs,
    }
}

fn blob(role: &str, text: String) -> RawBlob {
    RawBlob {
        role: role.to_owned(),
        media_type: "application/json".to_owned(),
        bytes: text.into_bytes(),
        redact: true,
    }
}

fn database(now: &Snapshot) -> Shown {
    let mut rows = vec![
        vec!["size".to_owned(), size_text(now.bytes)],
        vec!["tables".to_owned(), now.tables.len().to_string()],
        vec!["indexes".to_owned(), now.indexes.len().to_string()],
    ];
    if let Some(c) = &now.connections {
        let text = format!(
            "{} of {} used, {} more reserved",
            c.used, c.allowed, c.reserved
        );
        rows.push(vec!["connections".to_owned(), text]);
        let ratio = now
            .cache_hit_ratio
            .map_or("nothing was read yet".to_owned(), |ratio| {
                format!("{:.1} %", ratio * 100.0)
            });
        rows.push(vec!["cache hits".to_owned(), ratio]);
    }
    Shown::Table {
        title: format!("Database {}", now.database),
        head: vec![String::new(), String::new()],
        rows,
    }
}

fn largest(now: &Snapshot) -> Shown {
    let mut tables: Vec<_> = now.tables.iter().collect();
    tables.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    let rows = tables.iter().take(MAX_SHOWN).map(|table| {
        let rows = match (table.rows, table.rows_estimate) {
            (Some(rows), _) => rows.to_string(),
            (None, Some(rows)) => format!("about {rows}"),
            (None, None) => "not known".to_owned(),
        };
        vec![
            table.name.clone(),
            size_text(table.bytes),
            size_text(table.table_bytes),
            size_text(table.index_bytes),
            size_text(table.toast_bytes),
            rows,
        ]
    });
    let title = if tables.len() > MAX_SHOWN {
        format!("The largest {MAX_SHOWN} of {} tables", tables.len())
    } else {
        "Tables".to_owned()
    };
    Shown::Table {
        title,
        head: ["table", "all", "rows’ own", "indexes", "TOAST", "rows"]
            .map(str::to_owned)
            .into(),
        rows: rows.collect(),
    }
}

fn changes(diff: &Diff) -> Shown {
    let size = |size: Option<u64>| size.map_or("–".to_owned(), size_text);
    let share = |share: Option<f64>| share.map_or("–".to_owned(), share_text);
    let mut largest: Vec<_> = diff.growth.iter().collect();
    largest.sort_by_key(|g| (g.what, std::cmp::Reverse(g.bytes.unsigned_abs())));
    let rows = largest
        .iter()
        .filter(|g| g.change != Change::Same)
        .take(MAX_SHOWN)
        .map(|g| {
            vec![
                format!("{} {}", g.what.word(), g.name),
                g.change.word().to_owned(),
                size(g.from),
                size(g.to),
                g.bytes_text(),
                share(g.share),
                share(g.per_day),
                share(g.per_week),
            ]
        });
    Shown::Table {
        title: format!(
            "Growth in {} since {}",
            humanize_duration_ns(diff.interval_ns),
            diff.from.format("%Y-%m-%d %H:%M:%S UTC")
        ),
        head: [
            "what", "", "then", "now", "bytes", "share", "a day", "a week",
        ]
        .map(str::to_owned)
        .into(),
        rows: rows.collect(),
    }
}

fn levels_text(diff: &Diff) -> Shown {
    let mut lines = vec![diff.level.word().to_owned()];
    let reasons = |level: &str, reasons: &[gonogo_core::capacity::Reason]| {
        reasons
            .iter()
            .take(MAX_SHOWN)
            .map(|r| format!("{level}: {}", r.text))
            .collect::<Vec<_>>()
    };
    lines.extend(reasons("RED", &diff.red));
    lines.extend(reasons("YELLOW", &diff.yellow));
    lines.extend(diff.not_judged.clone());
    lines.extend(diff.notes.iter().cloned());
    lines.push(diff.thresholds.text());
    Shown::Text {
        title: "Levels".to_owned(),
        text: lines.join("\n"),
    }
}

/// A text of a row of our own questions.
pub(super) fn text(row: &Map, key: &str) -> String {
    row.get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// A size or count that may be null.
pub(super) fn size(row: &Map, key: &str) -> Option<u64> {
    row.get(key)
        .and_then(Value::as_int)
        .and_then(|n| u64::try_from(n).ok())
}

/// A size or count that is always there: where it is not, what answered is not what it seems.
pub(super) fn number(ctx: &Ctx, row: &Map, key: &str) -> Result<u64, NotObserved> {
    size(row, key).ok_or_else(|| {
        let message = format!("the database gave no number for `{key}`");
        ctx.not_observed("capacity", Cause::Protocol, message)
    })
}
