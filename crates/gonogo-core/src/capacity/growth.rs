//! The difference of two snapshots, and what it means.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::SHORTEST_PROJECTED_NS;
use super::sizes::{share_text, size_text};
use super::snapshot::Snapshot;
use super::thresholds::Thresholds;
use crate::duration::humanize_duration_ns;
use crate::value::{Map, Value};

const DAY_NS: f64 = 86_400e9;
const WEEK_NS: f64 = 7.0 * DAY_NS;

/// What became of a database between two snapshots.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// What it all comes to.
    pub level: Level,
    /// The engine of the later snapshot.
    pub engine: String,
    /// The database.
    pub database: String,
    /// When the earlier snapshot was taken.
    pub from: DateTime<Utc>,
    /// When the later one was.
    pub to: DateTime<Utc>,
    /// The time between.
    pub interval_ns: i64,
    /// The database and every table and index that is new, gone, or of another size.
    pub growth: Vec<Growth>,
    /// Tables and indexes of the same size as before.
    pub unchanged: usize,
    /// What is worth a look.
    pub yellow: Vec<Reason>,
    /// What is too much.
    pub red: Vec<Reason>,
    /// Why growth was not judged, where it was not.
    pub not_judged: Option<String>,
    /// What else a person should know: another version of the server, a growth that is too small to count.
    pub notes: Vec<String>,
    /// By which thresholds.
    pub thresholds: Thresholds,
}

/// What a difference comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing is above a threshold, and growth was judged.
    Green,
    /// Nothing is above a threshold as far as was judged; growth was not.
    NotJudged,
    /// Worth a look.
    Yellow,
    /// Too much.
    Red,
}

impl Level {
    /// As it is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Green => "GREEN",
            Self::NotJudged => "NOT JUDGED",
            Self::Yellow => "YELLOW",
            Self::Red => "RED",
        }
    }

    /// The exit code of `gonogo diff`: 0 GREEN, 1 RED, 2 what a person must look at.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Green => 0,
            Self::NotJudged | Self::Yellow => 2,
            Self::Red => 1,
        }
    }
}

/// One size, then and now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Growth {
    /// What it is.
    pub what: What,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// Its size then; nothing where it is new.
    pub from: Option<u64>,
    /// Its size now; nothing where it is gone.
    pub to: Option<u64>,
    /// How many bytes more, or fewer.
    pub bytes: i64,
    /// That as a share of the size then; nothing where there was none.
    pub share: Option<f64>,
    /// The share in a day at that pace; nothing where the interval is too short to tell.
    pub per_day: Option<f64>,
    /// The share in a week at that pace.
    pub per_week: Option<f64>,
}

/// What has a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The whole database.
    Database,
    /// A table with its indexes.
    Table,
    /// An index.
    Index,
}

impl What {
    /// As it is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Table => "table",
            Self::Index => "index",
        }
    }
}

/// What became of a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not there before.
    New,
    /// It is not there any more.
    Vanished,
    /// Larger.
    Grown,
    /// Smaller.
    Shrunk,
    /// As before.
    Same,
}

impl Change {
    /// As it is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Vanished => "vanished",
            Self::Grown => "grown",
            Self::Shrunk => "shrunk",
            Self::Same => "same",
        }
    }
}

/// Why a level is what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What is above a threshold.
    pub what: What,
    /// Its name.
    pub name: String,
    /// In one sentence.
    pub text: String,
}

/// Why two snapshots cannot be held against each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotComparable {
    /// What differs.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Holds a later snapshot against an earlier one of the same database.
pub fn compare(
    from: &Snapshot,
    to: &Snapshot,
    thresholds: &Thresholds,
) -> Result<Diff, NotComparable> {
    let interval_ns = comparable(from, to)?;
    let projected = interval_ns >= SHORTEST_PROJECTED_NS;
    let mut diff = Diff {
        level: Level::Green,
        engine: to.engine.clone(),
        database: to.database.clone(),
        from: from.taken_at,
        to: to.taken_at,
        interval_ns,
        growth: Vec::new(),
        unchanged: 0,
        yellow: Vec::new(),
        red: Vec::new(),
        not_judged: (!projected).then(|| {
            format!(
                "growth was not judged: {} between the snapshots is too short to tell what a day or a week brings (from \
                 1 h upwards)",
                humanize_duration_ns(interval_ns)
            )
        }),
        notes: Vec::new(),
        thresholds: thresholds.clone(),
    };
    if from.engine != to.engine {
        diff.notes.push(format!(
            "the server was {} and is {}: versions store the same rows in different sizes",
            from.engine, to.engine
        ));
    }
    for growth in all(from, to, projected.then_some(interval_ns)) {
        diff.judge_size(&growth);
        if projected {
            diff.judge_growth(&growth);
        }
        if growth.change == Change::Same && growth.what != What::Database {
            diff.unchanged += 1;
        } else {
            diff.growth.push(growth);
        }
    }
    diff.note_what_is_too_small();
    diff.level = if !diff.red.is_empty() {
        Level::Red
    } else if !diff.yellow.is_empty() {
        Level::Yellow
    } else if diff.not_judged.is_some() {
        Level::NotJudged
    } else {
        Level::Green
    };
    Ok(diff)
}

/// The time between two snapshots of one database.
fn comparable(from: &Snapshot, to: &Snapshot) -> Result<i64, NotComparable> {
    let other = |message: String, help: &str| {
        Err(NotComparable {
            message,
            help: help.to_owned(),
        })
    };
    let same = "growth is only between two snapshots of the same database";
    if from.engine_kind() != to.engine_kind() {
        return other(
            format!(
                "one snapshot is of {}, the other of {}",
                from.engine, to.engine
            ),
            same,
        );
    }
    if from.database != to.database {
        return other(
            format!(
                "one snapshot is of the database `{}`, the other of `{}`",
                from.database, to.database
            ),
            same,
        );
    }
    if let (Some(a), Some(b)) = (&from.server, &to.server)
        && a != b
    {
        return other(
            format!(
                "both are of a database `{}`, but on two servers (system identifiers {a} and {b})",
                from.database
            ),
            "a server that was set up anew or upgraded has a new identity: take a new baseline",
        );
    }
    if to.taken_at < from.taken_at {
        return other(
            "the second snapshot was taken before the first".to_owned(),
            "write the earlier one first",
        );
    }
    match (to.taken_at - from.taken_at).num_nanoseconds() {
        Some(ns) => Ok(ns),
        None => other(
            "between the snapshots lie more than 292 years".to_owned(),
            "is one `taken_at` wrong?",
        ),
    }
}

/// The sizes of both: the database, its tables, its indexes, by name.
fn all(from: &Snapshot, to: &Snapshot, interval_ns: Option<i64>) -> Vec<Growth> {
    fn by_name<'a>(sizes: impl Iterator<Item = (&'a String, u64)>) -> BTreeMap<&'a str, u64> {
        sizes.map(|(name, bytes)| (name.as_str(), bytes)).collect()
    }
    let tables = |s: &'_ Snapshot| -> Vec<(String, u64)> {
        s.tables.iter().map(|t| (t.name.clone(), t.bytes)).collect()
    };
    let indexes = |s: &'_ Snapshot| -> Vec<(String, u64)> {
        s.indexes
            .iter()
            .map(|i| (i.name.clone(), i.bytes))
            .collect()
    };
    let mut out = vec![Growth::of(
        What::Database,
        &to.database,
        Some(from.bytes),
        Some(to.bytes),
        interval_ns,
    )];
    for (what, then, now) in [
        (What::Table, tables(from), tables(to)),
        (What::Index, indexes(from), indexes(to)),
    ] {
        let then = by_name(then.iter().map(|(name, bytes)| (name, *bytes)));
        let now = by_name(now.iter().map(|(name, bytes)| (name, *bytes)));
        let names: BTreeSet<&str> = then.keys().chain(now.keys()).copied().collect();
        out.extend(names.into_iter().map(|name| {
            Growth::of(
                what,
                name,
                then.get(name).copied(),
                now.get(name).copied(),
                interval_ns,
            )
        }));
    }
    out
}

impl Growth {
    fn of(
        what: What,
        name: &str,
        from: Option<u64>,
        to: Option<u64>,
        interval_ns: Option<i64>,
    ) -> Self {
        let change = match (from, to) {
            (None, _) => Change::New,
            (_, None) => Change::Vanished,
            (Some(a), Some(b)) if b > a => Change::Grown,
            (Some(a), Some(b)) if b < a => Change::Shrunk,
            _ => Change::Same,
        };
        let bytes = difference(from.unwrap_or(0), to.unwrap_or(0));
        let share = from
            .filter(|from| *from > 0)
            .map(|from| bytes as f64 / from as f64);
        // What is new or gone has no pace.
        let paced = share.filter(|_| to.is_some()).zip(interval_ns);
        let pace = |per: f64| paced.map(|(share, ns)| share * per / ns as f64);
        Self {
            what,
            name: name.to_owned(),
            change,
            from,
            to,
            bytes,
            share,
            per_day: pace(DAY_NS),
            per_week: pace(WEEK_NS),
        }
    }

    /// Whether it grew by so much that the pace means something.
    fn counts(&self, thresholds: &Thresholds) -> bool {
        self.change == Change::Grown
            && u64::try_from(self.bytes).is_ok_and(|bytes| bytes >= thresholds.floor)
    }

    /// `+2.1 GiB`.
    pub fn bytes_text(&self) -> String {
        let sign = if self.bytes < 0 { "−" } else { "+" };
        format!("{sign}{}", size_text(self.bytes.unsigned_abs()))
    }
}

fn difference(from: u64, to: u64) -> i64 {
    let wide = i128::from(to) - i128::from(from);
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

impl Diff {
    fn judge_size(&mut self, growth: &Growth) {
        let (What::Table, Some(size)) = (growth.what, growth.to) else {
            return;
        };
        let (red, yellow) = (self.thresholds.table_red, self.thresholds.table_yellow);
        let above = |limit: u64| {
            format!(
                "table {} has {}, more than {}",
                growth.name,
                size_text(size),
                size_text(limit)
            )
        };
        if size > red {
            self.red.push(growth.reason(above(red)));
        } else if size > yellow {
            self.yellow.push(growth.reason(above(yellow)));
        }
    }

    fn judge_growth(&mut self, growth: &Growth) {
        if !growth.counts(&self.thresholds) {
            return;
        }
        let (pace, limit, per) = match growth.what {
            What::Database | What::Table => (
                growth.per_day,
                self.thresholds.growth_per_day_yellow,
                "a day",
            ),
            What::Index => (
                growth.per_week,
                self.thresholds.index_growth_per_week_red,
                "a week",
            ),
        };
        let (what, name) = (growth.what.word(), &growth.name);
        let limit_text = share_text(limit);
        let text = match pace {
            Some(pace) if pace > limit => format!(
                "{what} {name} grows by {} {per} ({} in {}), more than {limit_text}",
                share_text(pace),
                growth.bytes_text(),
                humanize_duration_ns(self.interval_ns),
            ),
            Some(_) => return,
            // From nothing to something is more than any share.
            None => format!(
                "{what} {name} grew from nothing to {} in {}",
                size_text(growth.to.unwrap_or(0)),
                humanize_duration_ns(self.interval_ns),
            ),
        };
        let reason = growth.reason(text);
        match growth.what {
            What::Database | What::Table => self.yellow.push(reason),
            What::Index => self.red.push(reason),
        }
    }

    fn note_what_is_too_small(&mut self) {
        let small = self
            .growth
            .iter()
            .filter(|g| g.change == Change::Grown && !g.counts(&self.thresholds))
            .count();
        if small > 0 && self.not_judged.is_none() {
            let (them, it) = if small == 1 {
                ("one size", "it counts")
            } else {
                ("sizes", "they count")
            };
            let number = if small == 1 {
                String::new()
            } else {
                format!("{small} ")
            };
            self.notes.push(format!(
                "{number}{them} grew by less than {}: {it} as unchanged (`floor`)",
                size_text(self.thresholds.floor)
            ));
        }
    }

    /// The facts `growth` and `levels` of a `capacity` observation.
    pub fn facts(&self) -> (Value, Value) {
        let growth = self.growth.iter().map(|g| {
            let json = serde_json::to_value(g).unwrap_or_default();
            let mut value = Value::from_json(&json);
            if let Value::Map(map) = &mut value {
                map.insert("interval".to_owned(), Value::Duration(self.interval_ns));
            }
            value
        });
        let texts = |reasons: &[Reason]| {
            Value::List(reasons.iter().map(|r| r.text.as_str().into()).collect())
        };
        let mut levels = Map::from([
            ("level".to_owned(), self.level.word().into()),
            ("yellow".to_owned(), texts(&self.yellow)),
            ("red".to_owned(), texts(&self.red)),
        ]);
        if self.not_judged.is_none() {
            levels.insert("growth".to_owned(), true.into());
        }
        (Value::List(growth.collect()), Value::Map(levels))
    }
}

impl Growth {
    fn reason(&self, text: String) -> Reason {
        Reason {
            what: self.what,
            name: self.name.clone(),
            text,
        }
    }
}
