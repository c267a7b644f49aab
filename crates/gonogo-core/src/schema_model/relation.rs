//! Relations between tables, whether a constraint holds them or not.

use super::types::{Column, Model, Table};
use crate::diag::nearest;

/// `child.column -> parent.column`: each value of the one must be there in the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The referencing table.
    pub child: String,
    /// Its columns.
    pub child_columns: Vec<String>,
    /// The referenced table.
    pub parent: String,
    /// Its columns, as many.
    pub parent_columns: Vec<String>,
}

/// What a schema says of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationFacts {
    /// The types of the referencing columns.
    pub child_types: Vec<String>,
    /// The types of the referenced columns.
    pub parent_types: Vec<String>,
    /// Whether they agree, length and precision aside.
    pub types_agree: bool,
    /// Whether a foreign key holds it.
    pub constraint: bool,
    /// Whether an index of the referencing table begins with its columns.
    pub indexed: bool,
}

impl Relation {
    /// Reads `child.column -> parent.column`, or `child(a, b) -> parent(c, d)` for several columns.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = "write it as `child.column -> parent.column`, or `child(a, b) -> parent(c, d)`";
        let (left, right) = text
            .split_once("->")
            .ok_or_else(|| format!("`{text}` names no two sides; {form}"))?;
        let (child, child_columns) = side(left)
            .ok_or_else(|| format!("`{}` is no column of a table; {form}", left.trim()))?;
        let (parent, parent_columns) = side(right)
            .ok_or_else(|| format!("`{}` is no column of a table; {form}", right.trim()))?;
        if child_columns.len() != parent_columns.len() {
            return Err(format!(
                "`{text}` has {} columns on one side and {} on the other",
                child_columns.len(),
                parent_columns.len()
            ));
        }
        Ok(Self {
            child,
            child_columns,
            parent,
            parent_columns,
        })
    }

    /// What the schema says of it; for a person, which name is not there.
    pub fn look_up(&self, model: &Model) -> Result<RelationFacts, String> {
        let child = model.table(&self.child)?;
        let parent = model.table(&self.parent)?;
        let types = |of: &str, table: &Table, columns: &[String]| {
            let types = columns.iter().map(|c| Ok(table.column(of, c)?.ty.clone()));
            types.collect::<Result<Vec<_>, String>>()
        };
        let child_types = types(&self.child, child, &self.child_columns)?;
        let parent_types = types(&self.parent, parent, &self.parent_columns)?;
        let types_agree = child_types
            .iter()
            .zip(&parent_types)
            .all(|(a, b)| base(a) == base(b));
        let pairs = |columns: &[String], references: &[String]| {
            let mut pairs: Vec<(String, String)> = columns
                .iter()
                .cloned()
                .zip(references.iter().cloned())
                .collect();
            pairs.sort();
            pairs
        };
        let wanted = pairs(&self.child_columns, &self.parent_columns);
        let constraint = child
            .foreign_keys
            .values()
            .any(|key| key.table == self.parent && pairs(&key.columns, &key.references) == wanted);
        Ok(RelationFacts {
            child_types,
            parent_types,
            types_agree,
            constraint,
            indexed: child.is_indexed(&self.child_columns),
        })
    }
}

/// `table.column`, `schema.table.column` or `table(a, b)`.
fn side(text: &str) -> Option<(String, Vec<String>)> {
    let text = text.trim();
    let named = |name: &str| {
        (!name.is_empty() && !name.contains(char::is_whitespace)).then(|| name.to_owned())
    };
    if let Some(inner) = text.strip_suffix(')') {
        let (table, columns) = inner.split_once('(')?;
        let columns: Option<Vec<String>> = columns.split(',').map(|c| named(c.trim())).collect();
        return Some((named(table.trim())?, columns?));
    }
    let (table, column) = text.rsplit_once('.')?;
    Some((named(table)?, vec![named(column)?]))
}

/// A type without length or precision: `numeric(10,2)` is `numeric`.
fn base(ty: &str) -> String {
    let mut out = String::new();
    let mut depth = 0usize;
    for c in ty.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.extend(c.to_lowercase()),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Model {
    /// The table of a name; for a person, that it is not there.
    pub fn table(&self, name: &str) -> Result<&Table, String> {
        self.tables.get(name).ok_or_else(|| {
            let near = nearest(name, self.tables.keys().map(String::as_str));
            let near = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
            format!("there is no table `{name}`{near}")
        })
    }
}

impl Table {
    /// The column of a name; for a person, that it is not there.
    pub fn column(&self, table: &str, name: &str) -> Result<&Column, String> {
        self.columns.get(name).ok_or_else(|| {
            let near = nearest(name, self.columns.keys().map(String::as_str));
            let near = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
            format!("the table `{table}` has no column `{name}`{near}")
        })
    }

    /// Whether a usable index over all rows begins with these columns, in any order.
    pub fn is_indexed(&self, columns: &[String]) -> bool {
        let begins = |of: &[String]| {
            of.get(..columns.len())
                .is_some_and(|first| columns.iter().all(|c| first.contains(c)))
        };
        let indexed = self
            .indexes
            .values()
            .any(|index| index.valid && index.predicate.is_none() && begins(&index.columns));
        // SQLite's rowid is the primary key and has no index of its own.
        indexed
            || self
                .primary_key
                .as_ref()
                .is_some_and(|k| begins(&k.columns))
            || self.unique.values().any(|k| begins(&k.columns))
    }
}

/// A foreign key whose columns no index begins with: deleting a referenced row reads the whole table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnindexedForeignKey {
    /// The referencing table.
    pub table: String,
    /// The constraint.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The referenced table.
    pub references: String,
}

/// The foreign keys of a schema that no index serves.
pub fn unindexed_foreign_keys(model: &Model) -> Vec<UnindexedForeignKey> {
    let mut found = Vec::new();
    for (table_name, table) in &model.tables {
        for (name, key) in &table.foreign_keys {
            if !table.is_indexed(&key.columns) {
                found.push(UnindexedForeignKey {
                    table: table_name.clone(),
                    name: name.clone(),
                    columns: key.columns.clone(),
                    references: key.table.clone(),
                });
            }
        }
    }
    found
}
