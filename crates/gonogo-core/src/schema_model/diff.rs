//! Two schemas compared, one difference a thing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::types::{Column, Index, Model, Table, Trigger, View, in_order};
use super::{describe, lines};

/// A thing in which two schemas differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whether it is only seen, only expected, or both and not alike.
    pub kind: DifferenceKind,
    /// What it is: `column users.email`.
    pub what: String,
    /// How it was expected; empty for one that was not.
    pub expected: String,
    /// How it was seen; empty for one that was not.
    pub seen: String,
    /// The lines of the diff for it.
    pub text: String,
}

/// How a thing differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// Seen, and not expected.
    Added,
    /// Expected, and not seen.
    Removed,
    /// Not as it was expected.
    Changed,
}

impl DifferenceKind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// What differs between the expected schema and the one that was seen: nothing exactly where their fingerprints are
/// equal. Of a table that only one of them has, its parts are not told one by one.
pub fn diff(expected: &Model, seen: &Model) -> Vec<Difference> {
    let (a, b) = (expected.clone().normalised(), seen.clone().normalised());
    let mut found = Found::default();
    found.map("extension", &a.extensions, &b.extensions, |text| {
        describe::plain(text)
    });
    found.map("enum", &a.enums, &b.enums, |values| {
        describe::values(values)
    });
    found.map("domain", &a.domains, &b.domains, describe::domain);
    found.map("sequence", &a.sequences, &b.sequences, describe::sequence);
    for (name, old, new) in both(&a.tables, &b.tables) {
        match (old, new) {
            (Some(old), Some(new)) => found.table(name, old, new),
            (old, new) => found.one("table", name, old, new, describe::table),
        }
    }
    for (name, old, new) in both(&a.views, &b.views) {
        match (old, new) {
            (Some(old), Some(new)) => found.view(name, old, new),
            (old, new) => found.one("view", name, old, new, describe::view),
        }
    }
    found.map("function", &a.functions, &b.functions, describe::function);
    found.0
}

/// The differences as one diff, the expected side first; empty where there is none.
pub fn diff_text(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return String::new();
    }
    let head = "--- expected\n+++ seen\n";
    std::iter::once(head)
        .chain(differences.iter().map(|d| d.text.as_str()))
        .collect()
}

#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn map<T: PartialEq + Serialize>(
        &mut self,
        kind: &str,
        a: &BTreeMap<String, T>,
        b: &BTreeMap<String, T>,
        describe: impl Fn(&T) -> String,
    ) {
        for (name, old, new) in both(a, b) {
            self.one(kind, name, old, new, &describe);
        }
    }

    /// The parts of a table or view, named after it.
    fn parts<T: PartialEq + Serialize>(
        &mut self,
        kind: &str,
        of: &str,
        a: &BTreeMap<String, T>,
        b: &BTreeMap<String, T>,
        describe: impl Fn(&T) -> String,
    ) {
        for (name, old, new) in both(a, b) {
            self.one(kind, &format!("{of}.{name}"), old, new, &describe);
        }
    }

    fn one<T: PartialEq + Serialize>(
        &mut self,
        kind: &str,
        name: &str,
        old: Option<&T>,
        new: Option<&T>,
        describe: impl Fn(&T) -> String,
    ) {
        if old == new {
            return;
        }
        let mut expected = old.map(&describe).unwrap_or_default();
        let mut seen = new.map(&describe).unwrap_or_default();
        if expected == seen && old.is_some() && new.is_some() {
            // The sentence leaves out in what they differ: the values themselves do not.
            let whole = |it: Option<&T>| serde_json::to_string(&it).unwrap_or_default();
            (expected, seen) = (whole(old), whole(new));
        }
        let what = format!("{kind} {name}");
        let (kind, text) = match (old, new) {
            (None, _) => (DifferenceKind::Added, lines::one_sided('+', &what, &seen)),
            (_, None) => (
                DifferenceKind::Removed,
                lines::one_sided('-', &what, &expected),
            ),
            _ => (
                DifferenceKind::Changed,
                lines::changed(&what, &expected, &seen),
            ),
        };
        self.0.push(Difference {
            kind,
            what,
            expected,
            seen,
            text,
        });
    }

    fn table(&mut self, name: &str, old: &Table, new: &Table) {
        let itself = |t: &Table| Table {
            kind: t.kind.clone(),
            options: t.options.clone(),
            rls: t.rls,
            ..Table::default()
        };
        self.one(
            "table",
            name,
            Some(&itself(old)),
            Some(&itself(new)),
            describe::table_itself,
        );
        self.columns(name, &old.columns, &new.columns);
        self.one(
            "primary key",
            name,
            old.primary_key.as_ref(),
            new.primary_key.as_ref(),
            describe::key,
        );
        self.parts("unique", name, &old.unique, &new.unique, describe::key);
        self.parts(
            "foreign key",
            name,
            &old.foreign_keys,
            &new.foreign_keys,
            describe::foreign_key,
        );
        self.parts("check", name, &old.checks, &new.checks, describe::check);
        self.parts(
            "exclusion",
            name,
            &old.exclusions,
            &new.exclusions,
            |text| describe::plain(text),
        );
        let told = Told::of(old, new);
        self.indexes(name, &old.indexes, &new.indexes, &told);
        self.triggers(name, &old.triggers, &new.triggers);
        self.parts("policy", name, &old.policies, &new.policies, |text| {
            describe::plain(text)
        });
    }

    fn view(&mut self, name: &str, old: &View, new: &View) {
        let itself = |view: &View| View {
            indexes: BTreeMap::new(),
            triggers: BTreeMap::new(),
            ..view.clone()
        };
        self.one(
            "view",
            name,
            Some(&itself(old)),
            Some(&itself(new)),
            describe::view,
        );
        self.indexes(name, &old.indexes, &new.indexes, &Told::default());
        self.triggers(name, &old.triggers, &new.triggers);
    }

    /// A column that went or came moves all after it; only another order of those that both have is told.
    fn columns(
        &mut self,
        table: &str,
        old: &BTreeMap<String, Column>,
        new: &BTreeMap<String, Column>,
    ) {
        let unplaced = |columns: &BTreeMap<String, Column>| -> BTreeMap<String, Column> {
            let each = columns.iter().map(|(name, column)| {
                let column = Column {
                    position: 0,
                    ..column.clone()
                };
                (name.clone(), column)
            });
            each.collect()
        };
        self.parts(
            "column",
            table,
            &unplaced(old),
            &unplaced(new),
            describe::column,
        );
        let order = |columns: &BTreeMap<String, Column>, other: &BTreeMap<String, Column>| {
            let shared = in_order(columns)
                .into_iter()
                .filter(|(name, _)| other.contains_key(*name));
            shared.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let (before, after) = (order(old, new), order(new, old));
        self.one(
            "order of columns",
            table,
            Some(&before),
            Some(&after),
            |names| describe::list(names),
        );
    }

    fn indexes(
        &mut self,
        of: &str,
        old: &BTreeMap<String, Index>,
        new: &BTreeMap<String, Index>,
        told: &Told,
    ) {
        let untold = |indexes: &BTreeMap<String, Index>| -> BTreeMap<String, Index> {
            let each = indexes
                .iter()
                .filter(|(name, _)| !told.names.contains(*name));
            each.map(|(n, i)| (n.clone(), i.clone())).collect()
        };
        self.parts("index", of, &untold(old), &untold(new), describe::index);
    }

    fn triggers(
        &mut self,
        of: &str,
        old: &BTreeMap<String, Trigger>,
        new: &BTreeMap<String, Trigger>,
    ) {
        self.parts("trigger", of, old, new, describe::trigger);
    }
}

/// The constraints of a table that were told as differences: their indexes are not told again.
#[derive(Default)]
struct Told {
    names: BTreeSet<String>,
}

impl Told {
    fn of(old: &Table, new: &Table) -> Self {
        let mut names = BTreeSet::new();
        let mut add = |name: &String| {
            let constraint = |t: &Table| t.indexes.get(name).is_none_or(|i| i.constraint);
            if constraint(old) && constraint(new) {
                names.insert(name.clone());
            }
        };
        for (name, a, b) in both(&old.unique, &new.unique) {
            if a != b {
                add(name);
            }
        }
        for (name, a, b) in both(&old.exclusions, &new.exclusions) {
            if a != b {
                add(name);
            }
        }
        if old.primary_key != new.primary_key {
            let of_primary = |table: &Table| -> Vec<String> {
                let Some(key) = &table.primary_key else {
                    return Vec::new();
                };
                let indexes = table.indexes.iter();
                indexes
                    .filter(|(name, index)| {
                        index.constraint
                            && index.columns == key.columns
                            && !table.unique.contains_key(*name)
                    })
                    .map(|(name, _)| name.clone())
                    .collect()
            };
            for name in of_primary(old).iter().chain(&of_primary(new)) {
                add(name);
            }
        }
        Self { names }
    }
}

/// The names of both maps in order, with what each holds.
fn both<'a, T>(
    a: &'a BTreeMap<String, T>,
    b: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = (&'a String, Option<&'a T>, Option<&'a T>)> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    names
        .into_iter()
        .map(|name| (name, a.get(name), b.get(name)))
}
