//! A database's schema as a value: what a snapshot holds, what two databases are compared by, and what is told of the
//! differences. Nothing here knows a database; the `schema` probe reads one and fills a [`Model`].

mod describe;
mod diff;
mod lines;
mod relation;
mod snapshot;
mod types;

pub use diff::{Difference, DifferenceKind, diff, diff_text};
pub use relation::{Relation, RelationFacts, UnindexedForeignKey, unindexed_foreign_keys};
pub use snapshot::{SchemaSnapshot, product};
pub use types::{
    Check, Column, Counts, Domain, ForeignKey, Function, Index, Key, Model, Sequence, Table,
    Trigger, View,
};

#[cfg(test)]
mod tests;
