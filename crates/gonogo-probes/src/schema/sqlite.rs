//! SQLite's catalogue, by its pragmas as tables, and by the texts of its tables where no pragma tells: CHECK
//! constraints, generated columns, collations.

mod text;

use std::collections::BTreeMap;

use gonogo_core::Map;
use gonogo_core::record::NotObserved;
use gonogo_core::schema_model::{
    Check, Column, ForeignKey, Index, Key, Model, Table, Trigger, View,
};
use serde_json::Value as Json;

use self::text::Written;
use super::Catalogue;
use super::rows::Row;
use crate::database::Database;

const OBJECTS: &str = "\
select m.name, m.type as kind, m.tbl_name as of, m.sql from sqlite_schema m
where m.name not like 'sqlite\\_%' escape '\\' and m.sql is not null
order by case m.type when 'table' then 0 when 'view' then 1 else 2 end";

// Not joined with the objects: the pragma lists all tables each time it is asked.
const TABLES: &str = "select name, type as kind, wr as without_rowid, strict from pragma_table_list where schema = 'main'";

const COLUMNS: &str = "\
select m.name as of, x.name, x.cid, x.type, x.\"notnull\" as not_null, x.dflt_value, x.pk, x.hidden
from sqlite_schema m join pragma_table_xinfo(m.name) x
where m.type in ('table', 'view') and x.hidden <> 1";

const FOREIGN_KEYS: &str = "\
select m.name as of, f.id, f.seq, f.\"table\" as referenced, f.\"from\" as child, f.\"to\" as parent,
       f.on_update, f.on_delete
from sqlite_schema m join pragma_foreign_key_list(m.name) f
where m.type = 'table' order by m.name, f.id, f.seq";

const INDEXES: &str = "\
select m.name as of, l.name, l.\"unique\" as is_unique, l.origin, x.name as column_name, x.seqno, x.desc, x.coll
from sqlite_schema m join pragma_index_list(m.name) l join pragma_index_xinfo(l.name) x
where m.type = 'table' and x.key = 1 order by m.name, l.name, x.seqno";

/// Reads the file's schema.
pub(super) async fn read(
    database: &mut Database<'_>,
    asked: &[String],
) -> Result<Result<Catalogue, String>, NotObserved> {
    let none: &[Json] = &[];
    let objects = database.rows(OBJECTS, none).await?;
    let tables = database.rows(TABLES, none).await?;
    let columns = database.rows(COLUMNS, none).await?;
    let foreign_keys = database.rows(FOREIGN_KEYS, none).await?;
    let indexes = database.rows(INDEXES, none).await?;
    Ok(
        filled([objects, tables, columns, foreign_keys, indexes]).map(|model| Catalogue {
            model: model.normalised(),
            unreadable: Vec::new(),
            missing: asked
                .iter()
                .filter(|name| *name != "main")
                .cloned()
                .collect(),
            others: vec!["main".to_owned()],
        }),
    )
}

fn filled(
    [objects, tables, columns, foreign_keys, indexes]: [Vec<Map>; 5],
) -> Result<Model, String> {
    let mut found = Found::default();
    each(objects, |row| found.object(row))?;
    each(tables, |row| found.table(row))?;
    each(columns, |row| found.column(row))?;
    each(foreign_keys, |row| found.foreign_key(row))?;
    each(indexes, |row| found.index(row))?;
    Ok(found.finished())
}

fn each(rows: Vec<Map>, mut fill: impl FnMut(Row) -> Result<(), String>) -> Result<(), String> {
    rows.into_iter().try_for_each(|row| fill(Row(row)))
}

#[derive(Default)]
struct Found {
    model: Model,
    written: BTreeMap<String, Written>,
    /// The text of each index that has one.
    index_texts: BTreeMap<String, String>,
    /// The primary key's columns of each table, by their place in it.
    primary: BTreeMap<String, BTreeMap<i64, String>>,
    /// The parts of foreign keys, by table and number.
    foreign_keys: BTreeMap<(String, i64), ForeignKey>,
}

impl Found {
    fn object(&mut self, mut row: Row) -> Result<(), String> {
        let (name, of, sql) = (row.text("name")?, row.text("of")?, row.text("sql")?);
        match row.text("kind")?.as_str() {
            "table" => {
                let written = Written::read(&sql);
                let checks = written.checks.iter().map(|(name, expression)| {
                    let check = Check {
                        expression: expression.clone(),
                        validated: true,
                        extra: String::new(),
                    };
                    (name.clone(), check)
                });
                let table = Table {
                    kind: "table".to_owned(),
                    checks: checks.collect(),
                    ..Table::default()
                };
                self.model.tables.insert(name.clone(), table);
                self.written.insert(name, written);
            }
            "view" => {
                let view = View {
                    kind: "view".to_owned(),
                    definition: text::after_as(&sql),
                    ..View::default()
                };
                self.model.views.insert(name, view);
            }
            "index" => {
                self.index_texts.insert(name, sql);
            }
            _ => self.trigger(name, &of, sql),
        }
        Ok(())
    }

    fn table(&mut self, mut row: Row) -> Result<(), String> {
        let name = row.text("name")?;
        let kind = row.text("kind")?;
        if kind == "shadow" {
            // The store of a virtual table, which is told itself.
            self.model.tables.remove(&name);
            return Ok(());
        }
        let Some(table) = self.model.tables.get_mut(&name) else {
            return Ok(());
        };
        if row.truth("without_rowid")? {
            table.options.push("without rowid".to_owned());
        }
        if row.truth("strict")? {
            table.options.push("strict".to_owned());
        }
        if kind == "virtual" {
            "virtual table".clone_into(&mut table.kind);
            let written = self.written.get(&name);
            table.options.extend(written.map(|w| w.after_name.clone()));
        }
        Ok(())
    }

    fn trigger(&mut self, name: String, of: &str, sql: String) {
        let trigger = Trigger {
            enabled: true,
            ..text::trigger(sql)
        };
        if let Some(table) = self.model.tables.get_mut(of) {
            table.triggers.insert(name, trigger);
        } else if let Some(view) = self.model.views.get_mut(of) {
            view.triggers.insert(name, trigger);
        }
    }

    fn column(&mut self, mut row: Row) -> Result<(), String> {
        let of = row.text("of")?;
        let name = row.text("name")?;
        let written = self.written.get(&of).and_then(|w| w.columns.get(&name));
        let key = row.int("pk")?;
        let generated = match row.int("hidden")? {
            2 => Some("virtual"),
            3 => Some("stored"),
            _ => None,
        };
        let column = Column {
            position: row.position("cid")?,
            ty: row.text("type")?.to_lowercase(),
            nullable: !row.truth("not_null")?,
            default: match generated {
                Some(_) => written.and_then(|w| w.generated_as.clone()),
                None => row.maybe("dflt_value")?,
            },
            generated: generated.map(str::to_owned),
            collation: written.and_then(|w| w.collation.clone()),
        };
        if key > 0 {
            let primary = self.primary.entry(of.clone()).or_default();
            primary.insert(key, name.clone());
        }
        if let Some(table) = self.model.tables.get_mut(&of) {
            table.columns.insert(name, column);
        } else if let Some(view) = self.model.views.get_mut(&of) {
            view.columns.insert(name, column);
        }
        Ok(())
    }

    fn foreign_key(&mut self, mut row: Row) -> Result<(), String> {
        let (of, id) = (row.text("of")?, row.int("id")?);
        let key = self.foreign_keys.entry((of, id)).or_default();
        key.validated = true;
        key.table = row.text("referenced")?;
        key.on_update = row.text("on_update")?.to_lowercase();
        key.on_delete = row.text("on_delete")?.to_lowercase();
        key.columns.push(row.text("child")?);
        // Without names the referenced table's primary key is meant.
        key.references.extend(row.maybe("parent")?);
        Ok(())
    }

    fn index(&mut self, mut row: Row) -> Result<(), String> {
        let (of, name) = (row.text("of")?, row.text("name")?);
        let unique = row.truth("is_unique")?;
        let origin = row.text("origin")?;
        let text = self.index_texts.get(&name);
        let seqno = usize::try_from(row.int("seqno")?).unwrap_or(usize::MAX);
        let column = match row.maybe("column_name")? {
            Some(column) => column,
            None => text
                .and_then(|sql| text::index_parts(sql).get(seqno).cloned())
                .unwrap_or_else(|| "an expression".to_owned()),
        };
        let Some(table) = self.model.tables.get_mut(&of) else {
            return Ok(());
        };
        let index = table.indexes.entry(name).or_insert_with(|| Index {
            unique,
            valid: true,
            method: "btree".to_owned(),
            constraint: origin != "c",
            predicate: text.and_then(|sql| text::index_predicate(sql)),
            definition: text.map(|sql| text::after_on(sql)).unwrap_or_default(),
            ..Index::default()
        });
        if text.is_none() {
            let mut part = column.clone();
            if row.truth("desc")? {
                part.push_str(" desc");
            }
            let collation = row.text("coll")?;
            if !collation.eq_ignore_ascii_case("binary") {
                part = format!("{part} collate {}", collation.to_lowercase());
            }
            let inner = index
                .definition
                .trim_start_matches("btree (")
                .trim_end_matches(')');
            let before = if inner.is_empty() {
                String::new()
            } else {
                format!("{inner}, ")
            };
            index.definition = format!("btree ({before}{part})");
        }
        index.columns.push(column);
        if origin == "u" {
            index.constraint = true;
        }
        Ok(())
    }

    fn finished(mut self) -> Model {
        for (of, primary) in std::mem::take(&mut self.primary) {
            let Some(table) = self.model.tables.get_mut(&of) else {
                continue;
            };
            let columns: Vec<String> = primary.into_values().collect();
            let rowid = matches!(&columns[..], [only]
                if table.columns.get(only).is_some_and(|c| c.ty == "integer"));
            if rowid || table.options.iter().any(|o| o == "without rowid") {
                for name in &columns {
                    if let Some(column) = table.columns.get_mut(name) {
                        column.nullable = false;
                    }
                }
            }
            table.primary_key = Some(Key {
                columns,
                extra: String::new(),
            });
        }
        for ((of, _), mut key) in std::mem::take(&mut self.foreign_keys) {
            if key.references.is_empty() {
                let parent = self.model.tables.get(&key.table);
                let primary = parent.and_then(|t| t.primary_key.as_ref());
                key.references = primary.map(|k| k.columns.clone()).unwrap_or_default();
            }
            if let Some(table) = self.model.tables.get_mut(&of) {
                let name = format!("{} -> {}", key.columns.join(", "), key.table);
                text::insert_under(&mut table.foreign_keys, &name, key);
            }
        }
        for table in self.model.tables.values_mut() {
            // A unique constraint is its automatic index, whose number in its name depends on the order of writing.
            let numbered: Vec<String> = table
                .indexes
                .keys()
                .filter(|name| name.starts_with("sqlite_autoindex_"))
                .cloned()
                .collect();
            for name in numbered {
                let Some(index) = table.indexes.remove(&name) else {
                    continue;
                };
                let columns = index.columns.clone();
                let primary = table.primary_key.as_ref().map(|k| &k.columns) == Some(&columns);
                let name = if primary {
                    "primary key".to_owned()
                } else {
                    columns.join(", ")
                };
                let name = text::insert_under(&mut table.indexes, &name, index);
                if !primary {
                    let extra = String::new();
                    table.unique.insert(name, Key { columns, extra });
                }
            }
        }
        self.model
    }
}
