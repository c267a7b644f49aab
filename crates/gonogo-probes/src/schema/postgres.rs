//! PostgreSQL's catalogue.

mod sql;

use gonogo_core::Map;
use gonogo_core::record::NotObserved;
use gonogo_core::schema_model::{
    Check, Column, Domain, ForeignKey, Function, Index, Key, Model, Sequence, Table, Trigger, View,
};
use serde_json::{Value as Json, json};

use super::Catalogue;
use super::rows::Row;
use crate::database::Database;

/// Reads the namespaces, with a constant number of questions.
pub(super) async fn read(
    database: &mut Database<'_>,
    asked: &[String],
) -> Result<Result<Catalogue, String>, NotObserved> {
    let several = asked.len() > 1;
    let path = match asked {
        [only] => format!("\"{}\"", only.replace('"', "\"\"")),
        _ => String::new(),
    };
    database.rows(sql::SETTINGS, &[json!(path)]).await?;
    let namespaces = database.rows(sql::NAMESPACES, &[json!(asked)]).await?;
    let bind = [json!(asked), json!(several)];
    let mut found = Found::default();
    let mut filled = Ok(());
    let questions: [(String, Fill); 8] = [
        (sql::relations(), Found::relation),
        (sql::columns(), Found::column),
        (sql::constraints(), Found::constraint),
        (sql::indexes(), Found::index),
        (sql::triggers(), Found::trigger),
        (sql::policies(), Found::policy),
        (sql::types(), Found::own_type),
        (sql::functions(), Found::function),
    ];
    for (question, fill) in questions {
        let rows = database.rows(&question, &bind).await?;
        filled = filled.and_then(|()| each(rows, |row| fill(&mut found, row)));
    }
    let rows = database.rows(sql::EXTENSIONS, &[] as &[Json]).await?;
    filled = filled.and_then(|()| each(rows, |row| found.extension(row)));
    Ok(filled.and_then(|()| {
        let (there, others) = split(namespaces)?;
        Ok(Catalogue {
            model: found.model.normalised(),
            unreadable: found.unreadable,
            missing: asked
                .iter()
                .filter(|name| !there.contains(name))
                .cloned()
                .collect(),
            others,
        })
    }))
}

fn each(rows: Vec<Map>, mut fill: impl FnMut(Row) -> Result<(), String>) -> Result<(), String> {
    rows.into_iter().try_for_each(|row| fill(Row(row)))
}

/// The namespaces that were asked for and are there, and the others.
fn split(rows: Vec<Map>) -> Result<(Vec<String>, Vec<String>), String> {
    let (mut there, mut others) = (Vec::new(), Vec::new());
    each(rows, |mut row| {
        let name = row.text("name")?;
        if row.truth("asked")? {
            there.push(name);
        } else {
            others.push(name);
        }
        Ok(())
    })?;
    Ok((there, others))
}

/// How a row of a question becomes part of the model.
type Fill = fn(&mut Found, Row) -> Result<(), String>;

#[derive(Default)]
struct Found {
    model: Model,
    unreadable: Vec<String>,
}

impl Found {
    fn relation(&mut self, mut row: Row) -> Result<(), String> {
        let name = row.text("name")?;
        let kind = match row.text("kind")?.as_str() {
            "p" => "partitioned table",
            "f" => "foreign table",
            "v" => return self.view(name, "view", &mut row),
            "m" => return self.view(name, "materialized view", &mut row),
            "S" => return self.sequence(name, &mut row),
            _ => "table",
        };
        let mut options = Vec::new();
        match row.text("persistence")?.as_str() {
            "u" => options.push("unlogged".to_owned()),
            "t" => options.push("temporary".to_owned()),
            _ => {}
        }
        if row.truth("rls_forced")? {
            options.push("row-level security forced".to_owned());
        }
        if let Some(key) = row.maybe("partition_key")? {
            options.push(format!("partition by {key}"));
        }
        match (row.maybe("parents")?, row.maybe("partition_bound")?) {
            (Some(parent), Some(bound)) => options.push(format!("partition of {parent} {bound}")),
            (Some(parents), None) => options.push(format!("inherits {parents}")),
            (None, _) => {}
        }
        if !row.truth("readable")? {
            self.unreadable.push(name.clone());
        }
        let table = Table {
            kind: kind.to_owned(),
            rls: row.truth("rls")?,
            options,
            ..Table::default()
        };
        self.model.tables.insert(name, table);
        Ok(())
    }

    fn view(&mut self, name: String, kind: &str, row: &mut Row) -> Result<(), String> {
        let view = View {
            kind: kind.to_owned(),
            definition: row.text("definition")?,
            ..View::default()
        };
        self.model.views.insert(name, view);
        Ok(())
    }

    fn sequence(&mut self, name: String, row: &mut Row) -> Result<(), String> {
        if row.truth("of_identity")? {
            // It is part of its column.
            return Ok(());
        }
        let sequence = Sequence {
            ty: row.text("sequence_type")?,
            definition: row.text("sequence_definition")?,
            owned_by: row.maybe("owned_by")?,
        };
        self.model.sequences.insert(name, sequence);
        Ok(())
    }

    fn column(&mut self, mut row: Row) -> Result<(), String> {
        let of = row.text("of")?;
        let generated = match (
            row.text("identity")?.as_str(),
            row.text("generated")?.as_str(),
        ) {
            ("a", _) => Some("identity always"),
            ("d", _) => Some("identity by default"),
            (_, "s") => Some("stored"),
            (_, "v") => Some("virtual"),
            _ => None,
        };
        let column = Column {
            position: row.position("position")?,
            ty: row.text("type")?,
            nullable: row.truth("nullable")?,
            default: row.maybe("expression")?,
            generated: generated.map(str::to_owned),
            collation: row.maybe("collation")?,
        };
        let name = row.text("name")?;
        if let Some(table) = self.model.tables.get_mut(&of) {
            table.columns.insert(name, column);
        } else if let Some(view) = self.model.views.get_mut(&of) {
            view.columns.insert(name, column);
        }
        Ok(())
    }

    fn constraint(&mut self, mut row: Row) -> Result<(), String> {
        let of = row.text("of")?;
        let Some(table) = self.model.tables.get_mut(&of) else {
            return Ok(());
        };
        let name = row.text("name")?;
        let definition = row.text("definition")?;
        let columns = row.texts("columns")?;
        match row.text("type")?.as_str() {
            "p" => {
                table.primary_key = Some(Key {
                    columns,
                    extra: key_extra(&definition),
                });
            }
            "u" => {
                let extra = key_extra(&definition);
                table.unique.insert(name, Key { columns, extra });
            }
            "c" => {
                let mut extra = Vec::new();
                if row.truth("no_inherit")? {
                    extra.push("no inherit");
                }
                if definition.ends_with("NOT ENFORCED") {
                    extra.push("not enforced");
                }
                let check = Check {
                    expression: row.text("expression")?,
                    validated: row.truth("validated")?,
                    extra: extra.join(" "),
                };
                table.checks.insert(name, check);
            }
            "f" => {
                let key = foreign_key(columns, &definition, &mut row)?;
                table.foreign_keys.insert(name, key);
            }
            _ => {
                table.exclusions.insert(name, definition);
            }
        }
        Ok(())
    }

    fn index(&mut self, mut row: Row) -> Result<(), String> {
        let of = row.text("of")?;
        let name = row.text("name")?;
        let definition = row.text("definition")?;
        let index = Index {
            columns: row.texts("columns")?,
            unique: row.truth("is_unique")?,
            predicate: row.maybe("predicate")?,
            valid: row.truth("valid")?,
            method: row.text("method")?,
            constraint: row.truth("is_constraint")?,
            definition: definition
                .split_once(" USING ")
                .map_or(definition.clone(), |(_, rest)| rest.to_owned()),
        };
        if let Some(table) = self.model.tables.get_mut(&of) {
            table.indexes.insert(name, index);
        } else if let Some(view) = self.model.views.get_mut(&of) {
            view.indexes.insert(name, index);
        }
        Ok(())
    }

    fn trigger(&mut self, mut row: Row) -> Result<(), String> {
        const EVENTS: [(i64, &str); 4] = [
            (4, "insert"),
            (8, "delete"),
            (16, "update"),
            (32, "truncate"),
        ];
        let of = row.text("of")?;
        let name = row.text("name")?;
        let bits = row.int("type")?;
        let timing = match (bits & 2 != 0, bits & 64 != 0) {
            (true, _) => "before",
            (_, true) => "instead of",
            _ => "after",
        };
        let enabled = row.text("enabled")?;
        let mut definition = row.text("definition")?;
        match enabled.as_str() {
            "R" => definition.push_str(" (on replicas only)"),
            "A" => definition.push_str(" (on replicas too)"),
            _ => {}
        }
        let trigger = Trigger {
            timing: timing.to_owned(),
            events: EVENTS
                .iter()
                .filter(|(bit, _)| bits & bit != 0)
                .map(|(_, event)| (*event).to_owned())
                .collect(),
            function: row.text("function")?,
            enabled: !matches!(enabled.as_str(), "D" | "R"),
            definition,
        };
        if let Some(table) = self.model.tables.get_mut(&of) {
            table.triggers.insert(name, trigger);
        } else if let Some(view) = self.model.views.get_mut(&of) {
            view.triggers.insert(name, trigger);
        }
        Ok(())
    }

    fn policy(&mut self, mut row: Row) -> Result<(), String> {
        let of = row.text("of")?;
        if let Some(table) = self.model.tables.get_mut(&of) {
            let definition = row.text("definition")?;
            table.policies.insert(row.text("name")?, definition);
        }
        Ok(())
    }

    fn own_type(&mut self, mut row: Row) -> Result<(), String> {
        let name = row.text("name")?;
        if row.text("kind")? == "e" {
            self.model.enums.insert(name, row.texts("labels")?);
            return Ok(());
        }
        let names = row.texts("check_names")?;
        let domain = Domain {
            ty: row.text("type")?,
            nullable: row.truth("nullable")?,
            default: row.maybe("expression")?,
            checks: names
                .into_iter()
                .zip(row.texts("check_definitions")?)
                .collect(),
        };
        self.model.domains.insert(name, domain);
        Ok(())
    }

    fn function(&mut self, mut row: Row) -> Result<(), String> {
        let kind = match row.text("kind")?.as_str() {
            "p" => "procedure",
            "a" => "aggregate",
            "w" => "window function",
            _ => "function",
        };
        let function = Function {
            kind: kind.to_owned(),
            returns: row.maybe("returns")?.unwrap_or_default(),
            language: row.text("language")?,
            definition: row.text("definition")?,
        };
        self.model.functions.insert(row.text("name")?, function);
        Ok(())
    }

    fn extension(&mut self, mut row: Row) -> Result<(), String> {
        let version = row.text("version")?;
        self.model.extensions.insert(row.text("name")?, version);
        Ok(())
    }
}

fn foreign_key(
    columns: Vec<String>,
    definition: &str,
    row: &mut Row,
) -> Result<ForeignKey, String> {
    let action = |code: String| {
        let action = match code.as_str() {
            "r" => "restrict",
            "c" => "cascade",
            "n" => "set null",
            "d" => "set default",
            _ => "no action",
        };
        action.to_owned()
    };
    let mut extra = Vec::new();
    if row.text("match")? == "f" {
        extra.push("match full");
    }
    if row.truth("deferrable")? {
        extra.push("deferrable");
    }
    if row.truth("deferred")? {
        extra.push("initially deferred");
    }
    if definition.ends_with("NOT ENFORCED") {
        extra.push("not enforced");
    }
    Ok(ForeignKey {
        columns,
        table: row.text("referenced")?,
        references: row.texts("references")?,
        on_delete: action(row.text("on_delete")?),
        on_update: action(row.text("on_update")?),
        validated: row.truth("validated")?,
        extra: extra.join(" "),
    })
}

/// What a key's definition says beside its columns: `UNIQUE NULLS NOT DISTINCT (a) DEFERRABLE`.
fn key_extra(definition: &str) -> String {
    let (before, rest) = definition.split_once('(').unwrap_or((definition, ""));
    let (_, after) = rest.split_once(')').unwrap_or(("", ""));
    let before = before
        .trim_start_matches("PRIMARY KEY")
        .trim_start_matches("UNIQUE");
    format!("{} {}", before.trim(), after.trim())
        .trim()
        .to_ascii_lowercase()
}
