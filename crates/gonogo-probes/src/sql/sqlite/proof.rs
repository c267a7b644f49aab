//! Proving that a gate left nothing behind in a file: what is in it before the gate's first statement against what
//! another connection finds after the rollback.

use std::collections::BTreeMap;

use gonogo_core::record::{RollbackProof, TableCompared};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use sha2::{Digest as _, Sha256};

/// The tables of a larger file are counted, not read.
const MAX_READ_BYTES: u64 = 16 << 20;
/// Those of a still larger one are not even counted.
const MAX_COUNTED_BYTES: u64 = 1 << 30;
/// So many tables are compared.
const MOST_TABLES: usize = 500;

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    schema: [u8; 32],
    tables: BTreeMap<String, Result<Figures, String>>,
}

/// A table's rows: how many, and what they are where they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Figures {
    rows: u64,
    content: Option<[u8; 32]>,
}

impl Content {
    /// Reads it, in the transaction that the connection is in or in one of its own.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let bytes = number("pragma page_count")?.unsigned_abs()
            * number("pragma page_size")?.unsigned_abs();
        let mut schema = Sha256::new();
        add_rows(
            connection,
            "select type, name, tbl_name, sql from sqlite_schema order by rowid",
            &mut schema,
        )?;
        for header in ["user_version", "application_id"] {
            schema.update(number(&format!("pragma {header}"))?.to_le_bytes());
        }
        // The tables of a virtual one's own are among the others.
        let names = "select name from sqlite_schema where type = 'table' and sql not like 'create virtual%' order by name";
        let mut names = connection.prepare(names)?;
        let names: Vec<String> = names
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut tables = BTreeMap::new();
        for (at, name) in names.into_iter().enumerate() {
            let figures = if bytes > MAX_COUNTED_BYTES {
                Err("the file is larger than 1 GiB".to_owned())
            } else if at >= MOST_TABLES {
                Err(format!("{MOST_TABLES} others were"))
            } else {
                let read = figures(connection, &name, bytes <= MAX_READ_BYTES);
                read.map_err(|e| e.to_string())
            };
            tables.insert(name, figures);
        }
        Ok(Self {
            schema: schema.finalize().into(),
            tables,
        })
    }

    /// What of it is as it was. Rows that others wrote after the gate had ended are theirs.
    pub(super) fn compared_with(&self, after: &Self, others_wrote: bool) -> RollbackProof {
        let mut proof = RollbackProof {
            schema: self.schema == after.schema,
            ..RollbackProof::default()
        };
        if !proof.schema {
            proof.differences.push(
                "the schema: not as before; it stayed, or somebody else changed it meanwhile"
                    .to_owned(),
            );
            return proof;
        }
        for (name, was) in &self.tables {
            let is = after.tables.get(name);
            let (was, is) = match (was, is) {
                (Ok(was), Some(Ok(is))) => (was, is),
                (Err(why), _) | (_, Some(Err(why))) => {
                    proof.notes.push(format!("{name} was not compared: {why}"));
                    continue;
                }
                // Then the schemas differ.
                (Ok(_), None) => continue,
            };
            let by_content = was.content.is_some() && is.content.is_some();
            let same = was.rows == is.rows && (!by_content || was.content == is.content);
            if !same {
                let seen = format!(
                    "{name}: {} rows before, {} after, and not the same",
                    was.rows, is.rows
                );
                if others_wrote {
                    let note = format!("{seen}: changed by somebody else after the gate had ended");
                    proof.notes.push(note);
                } else {
                    proof.differences.push(seen);
                }
            } else if !by_content {
                let note = format!("{name} was only counted: the file is larger than 16 MiB");
                proof.notes.push(note);
            }
            proof.tables.push(TableCompared {
                table: name.clone(),
                rows_before: was.rows,
                rows_after: is.rows,
                by_content,
            });
        }
        proof
    }
}

/// A number that changes when another connection changes the file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("pragma data_version", [], |row| row.get(0))
}

fn figures(connection: &Connection, table: &str, by_content: bool) -> rusqlite::Result<Figures> {
    let name = format!("\"{}\"", table.replace('"', "\"\""));
    if !by_content {
        let count = format!("select count(*) from {name}");
        let rows: i64 = connection.query_row(&count, [], |row| row.get(0))?;
        return Ok(Figures {
            rows: rows.unsigned_abs(),
            content: None,
        });
    }
    let mut hash = Sha256::new();
    let rows = add_rows(connection, &format!("select * from {name}"), &mut hash)?;
    Ok(Figures {
        rows,
        content: Some(hash.finalize().into()),
    })
}

/// Adds all rows to a hash; how many there were. A rollback restores the file's pages, and with them the order.
fn add_rows(connection: &Connection, sql: &str, hash: &mut Sha256) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare(sql)?;
    let width = statement.column_count();
    let mut rows = statement.raw_query();
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        for at in 0..width {
            let mut add = |kind: u8, bytes: &[u8]| {
                hash.update([kind]);
                hash.update((bytes.len() as u64).to_le_bytes());
                hash.update(bytes);
            };
            match row.get_ref(at)? {
                ValueRef::Null => add(0, &[]),
                ValueRef::Integer(i) => add(1, &i.to_le_bytes()),
                ValueRef::Real(d) => add(2, &d.to_le_bytes()),
                ValueRef::Text(bytes) => add(3, bytes),
                ValueRef::Blob(bytes) => add(4, bytes),
            }
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(sql: &str) -> Content {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        Content::read(&connection).unwrap()
    }

    const BEFORE: &str = "create table t (a, b); insert into t values (1, 'x'), (2, null); \
        create table \"a \"\" b\" (c); create view v as select * from t";

    #[test]
    fn whatever_differs_is_told() {
        let before = content(BEFORE);
        let compared =
            |sql: &str| before.compared_with(&content(&format!("{BEFORE}; {sql}")), false);
        let proof = compared("");
        assert_eq!(proof.differences, [""; 0]);
        assert_eq!(proof.notes, [""; 0]);
        assert!(proof.schema && proof.tables.len() == 2);
        for change in [
            "insert into t values (3, 'y')",
            "delete from t",
            "update t set b = '' where a = 2",
            "update t set a = '1' where a = 1",
            "update t set b = x'78' where a = 1",
            "insert into \"a \"\" b\" values (null)",
            "create table more (a)",
            "create index i on t (a)",
            "drop view v",
            "pragma user_version = 7",
        ] {
            let proof = compared(change);
            assert_eq!(proof.differences.len(), 1, "{change}: {proof:?}");
        }
    }

    #[test]
    fn what_others_wrote_is_a_note() {
        let after = content(&format!("{BEFORE}; insert into t values (3, 'y')"));
        let proof = content(BEFORE).compared_with(&after, true);
        assert_eq!(proof.differences, [""; 0]);
        assert!(
            proof.notes[0].contains("t: 2 rows before, 3 after"),
            "{proof:?}"
        );
    }

    #[test]
    fn a_table_that_cannot_be_read_is_told() {
        let mut before = content(BEFORE);
        let after = before.clone();
        let broken = Err("no such function: f".to_owned());
        before.tables.insert("t".to_owned(), broken);
        let proof = before.compared_with(&after, false);
        assert_eq!(proof.notes, ["t was not compared: no such function: f"]);
        assert_eq!(proof.tables.len(), 1);
    }
}
