//! That the model tells every difference, once, and in words.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

mod examples;
mod property;

/// A column at a place.
fn column(position: u32, ty: &str) -> Column {
    Column {
        position,
        ty: ty.to_owned(),
        nullable: true,
        ..Column::default()
    }
}

/// A table of columns, all nullable.
fn table(columns: &[(&str, &str)]) -> Table {
    let columns = (1..)
        .zip(columns)
        .map(|(at, (name, ty))| ((*name).to_owned(), column(at, ty)));
    Table {
        kind: "table".to_owned(),
        columns: columns.collect(),
        ..Table::default()
    }
}

fn model(tables: &[(&str, Table)]) -> Model {
    Model {
        tables: tables
            .iter()
            .map(|(name, table)| ((*name).to_owned(), table.clone()))
            .collect(),
        ..Model::default()
    }
}

fn named<T>(name: &str, it: T) -> BTreeMap<String, T> {
    BTreeMap::from([(name.to_owned(), it)])
}
