//! MySQL's and MariaDB's catalogue, by information_schema.

mod sql;

use std::collections::BTreeMap;

use gonogo_core::Map;
use gonogo_core::record::{Cause, NotObserved};
use gonogo_core::schema_model::{
    Check, Column, ForeignKey, Function, Index, Model, Sequence, Table, Trigger, View,
};
use serde_json::{Value as Json, json};

use super::Catalogue;
use super::rows::Row;
use crate::ctx::Ctx;
use crate::database::Database;
use crate::database::mysql::visible;

/// What a user must have on a database to see all of its schema.
const WANTED: [&str; 4] = ["SELECT", "SHOW VIEW", "TRIGGER", "EXECUTE"];

/// Reads the databases, with a constant number of questions.
pub(super) async fn read(
    ctx: &Ctx,
    tried: &str,
    database: &mut Database<'_>,
    asked: &[String],
) -> Result<Result<Catalogue, String>, NotObserved> {
    let namespaces = database.rows(sql::NAMESPACES, &[]).await?;
    let (there, others) = match split(namespaces, asked) {
        Ok(split) => split,
        Err(why) => return Ok(Err(why)),
    };
    let missing: Vec<String> = asked
        .iter()
        .filter(|name| !there.contains(name))
        .cloned()
        .collect();
    if missing.is_empty() {
        visible(ctx, tried, database, asked, &WANTED).await?;
    }
    let mut found = Found {
        asked: asked.to_vec(),
        is_mariadb: database.place().engine.starts_with("MariaDB"),
        ..Found::default()
    };
    let bind: Vec<Json> = asked.iter().map(|name| json!(name)).collect();
    let questions: [(&str, Fill); 11] = [
        (sql::TABLES, Found::table),
        (sql::VIEWS, Found::view),
        (sql::COLUMNS, Found::column),
        (sql::STATISTICS, Found::index),
        (sql::RULES, Found::rule),
        (sql::KEYS, Found::key_part),
        (sql::TRIGGERS, Found::trigger),
        (sql::PARTITIONS, Found::partition),
        (sql::PARAMETERS, Found::parameter),
        (sql::ROUTINES, Found::routine),
        (sql::CONSTRAINTS, Found::constraint),
    ];
    let mut filled = Ok(());
    for (question, fill) in questions {
        let rows = database
            .rows(&sql::of(question, asked.len()), &bind)
            .await?;
        filled = filled.and_then(|()| found.each(rows, fill));
    }
    // MySQL before 8.0.16 reads CHECK and forgets it.
    let knows_checks = database.rows(sql::KNOWS_CHECKS, &[]).await?;
    if !knows_checks.is_empty() {
        let rows = database
            .rows(&sql::of(sql::CHECKS, asked.len()), &bind)
            .await?;
        filled = filled.and_then(|()| found.each(rows, Found::check));
    }
    if let Some(name) = found.unreadable_text.first() {
        let message = format!("the server does not tell the user the text of {name}");
        let mut failed = ctx.not_observed(tried, Cause::Denied, message);
        failed.help = Some(
            "`grant show create routine` on MariaDB since 11.3, `grant show_routine` on MySQL 8, `grant select on \
             mysql.proc` on older ones"
                .to_owned(),
        );
        return Err(failed);
    }
    Ok(filled.map(|()| Catalogue {
        model: found.model.normalised(),
        unreadable: Vec::new(),
        missing,
        others,
    }))
}

/// The databases that are there, and those of them that are no server's own.
fn split(rows: Vec<Map>, asked: &[String]) -> Result<(Vec<String>, Vec<String>), String> {
    const OWN: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];
    let mut there = Vec::new();
    for row in rows {
        there.push(Row(row).text("name")?);
    }
    let others = there
        .iter()
        .filter(|name| !OWN.contains(&name.as_str()) && !asked.contains(name))
        .cloned()
        .collect();
    Ok((there, others))
}

/// How a row of a question becomes part of the model; the text is the namespace.
type Fill = fn(&mut Found, &str, Row) -> Result<(), String>;

#[derive(Default)]
struct Found {
    model: Model,
    asked: Vec<String>,
    is_mariadb: bool,
    /// The collation of each table.
    collations: BTreeMap<String, String>,
    /// What is said of each foreign key beside its columns, by its table and name.
    rules: BTreeMap<(String, String), (String, String, String)>,
    /// The table of each CHECK, by its database and name, and whether it is enforced: MySQL says it apart.
    checked: BTreeMap<(String, String), (String, bool)>,
    /// The parameters of each routine, by its kind and name.
    parameters: BTreeMap<(String, String), Vec<String>>,
    unreadable_text: Vec<String>,
}

impl Found {
    fn each(&mut self, rows: Vec<Map>, fill: Fill) -> Result<(), String> {
        for row in rows {
            // MySQL 8 names the columns of information_schema in capitals.
            let row = row
                .into_iter()
                .map(|(key, value)| (key.to_ascii_lowercase(), value));
            let mut row = Row(row.collect());
            let namespace = row.text("ns")?;
            // information_schema compares names without their case, and the server's own do not.
            if self.asked.contains(&namespace) {
                fill(self, &namespace, row)?;
            }
        }
        Ok(())
    }

    /// A name in the model.
    fn name(&self, namespace: &str, name: String) -> String {
        match &self.asked[..] {
            [only] if only == namespace => name,
            _ => format!("{namespace}.{name}"),
        }
    }

    /// An expression as the server writes it, which names the database each time. With one asked for, another
    /// database with the same schema has the same text.
    fn bare(&self, text: String) -> String {
        match &self.asked[..] {
            [only] => text
                .replace(&format!("`{}`.", only.replace('`', "``")), "")
                .replace(&format!("\"{}\".", only.replace('"', "\"\"")), ""),
            _ => text,
        }
    }

    fn table(&mut self, ns: &str, mut row: Row) -> Result<(), String> {
        let name = self.name(ns, row.text("name")?);
        let kind = row.text("kind")?;
        if kind == "SEQUENCE" {
            self.model.sequences.insert(name, Sequence::default());
            return Ok(());
        }
        let engine = row
            .maybe("engine")?
            .ok_or_else(|| format!("the server cannot open the table `{name}`"))?;
        let mut options = vec![format!("engine {}", engine.to_lowercase())];
        if let Some(collation) = row.maybe("collation")? {
            options.push(format!("collate {collation}"));
            self.collations.insert(name.clone(), collation);
        }
        let written = row.maybe("options")?.unwrap_or_default().to_lowercase();
        options.extend(
            written
                .split_whitespace()
                .filter(|option| *option != "partitioned")
                .map(str::to_owned),
        );
        if kind == "SYSTEM VERSIONED" {
            options.push("system versioned".to_owned());
        }
        let table = Table {
            kind: "table".to_owned(),
            options,
            ..Table::default()
        };
        self.model.tables.insert(name, table);
        Ok(())
    }

    fn view(&mut self, ns: &str, mut row: Row) -> Result<(), String> {
        let name = self.name(ns, row.text("name")?);
        let mut definition = self.bare(row.text("definition")?);
        if definition.is_empty() {
            self.unreadable_text.push(format!("the view `{name}`"));
        }
        let option = row.text("check_option")?.to_lowercase();
        if option != "none" {
            definition = format!("{definition} with {option} check option");
        }
        if row.text("security")? == "INVOKER" {
            definition.push_str("\nsql security invoker");
        }
        let view = View {
            kind: "view".to_owned(),
            definition,
            ..View::default()
        };
        self.model.views.insert(name, view);
        Ok(())
    }

    fn column(&mut self, ns: &str, mut row: Row) -> Result<(), String> {
        let of = self.name(ns, row.text("of")?);
        let name = row.text("name")?;
        let ty = row.text("type")?;
        if let Some(sequence) = self.model.sequences.get_mut(&of) {
            if name == "minimum_value" {
                sequence.ty = ty;
            }
            return Ok(());
        }
        let extra = row.text("extra")?.to_lowercase();
        let expression = row.maybe("expression")?.filter(|text| !text.is_empty());
        let written = row.maybe("written")?;
        let mut generated = None;
        let mut default = self.default_of(written, &extra);
        if let Some(expression) = expression {
            let how = if extra.contains("virtual") {
                "virtual"
            } else {
                "stored"
            };
            generated = Some(how.to_owned());
            default = Some(self.bare(expression));
        } else if extra.contains("auto_increment") {
            generated = Some("auto_increment".to_owned());
        }
        if let Some((_, value)) = extra.split_once("on update ") {
            let value = value.split(',').next().unwrap_or_default().trim();
            let always = default.unwrap_or_else(|| "null".to_owned());
            default = Some(format!("{always} on update {value}"));
        }
        let collation = row
            .maybe("collation")?
            .filter(|collation| self.collations.get(&of) != Some(collation));
        let column = Column {
            position: row.position("position")?,
            ty,
            nullable: row.text("nullable")? == "YES",
            default,
            generated,
            collation,
        };
        if let Some(table) = self.model.tables.get_mut(&of) {
            if extra.contains("invisible") {
                table.options.push(format!("invisible column {name}"));
            }
            if extra.contains("without system versioning") {
                table
                    .options
                    .push(format!("without system versioning of {name}"));
            }
            table.columns.insert(name, column);
        } else if let Some(view) = self.model.views.get_mut(&of) {
            let collation = None;
            view.columns.insert(
                name,
                Column {
                    collation,
                    ..column
                },
            );
        }
        Ok(())
    }

    /// MariaDB gives an expression, and `NULL` for none; MySQL a text, and says beside it that it is an expression.
    fn default_of(&self, written: Option<String>, extra: &str) -> Option<String> {
        let written = written?;
        if self.is_mariadb {
            return (written != "NULL").then(|| self.bare(written));
        }
        let is_expression = extra.contains("default_generated");
        Some(
            if is_expression || written.starts_with("CURRENT_TIMESTAMP") {
                self.bare(written)
            } else {
                format!("'{}'", written.replace('\'', "''"))
            },
        )
    }

    fn index(&mut self, ns: &str, mut row: Row) -> Result<(), String> {
        let of = self.name(ns, row.text("table_name")?);
        let name = row.text("index_name")?;
        let unique = !row.truth("non_unique")?;
        let method = row.text("index_type")?.to_lowercase();
        let mut part = match row.maybe("column_name")? {
            Some(column) => column,
            None => format!("({})", row.text("expression")?),
        };
        if let Some(length) = row.maybe_int("sub_part")?
            && method != "spatial"
        {
            part = format!("{part}({length})");
        }
        let column = part.clone();
        if row.maybe("collation")?.as_deref() == Some("D") {
            part.push_str(" desc");
        }
        let unused = row.maybe("ignored").ok().flatten().as_deref() == Some("YES")
            || row.maybe("is_visible").ok().flatten().as_deref() == Some("NO");
        let Some(table) = self.model.tables.get_mut(&of) else {
            return Ok(());
        };
        let index = table.indexes.entry(name.clone()).or_insert_with(|| Index {
            unique,
            valid: true,
            definition: format!("{method} ()"),
            method,
            constraint: unique,
            ..Index::default()
        });
        let whole = index.definition.trim_end_matches(" ignored");
        let open = whole.strip_suffix(')').unwrap_or(whole);
        let comma = if index.columns.is_empty() { "" } else { ", " };
        let ignored = if unused { " ignored" } else { "" };
        index.definition = format!("{open}{comma}{part}){ignored}");
        index.columns.push(column);
        if !unique {
            return Ok(());
        }
        let key = if name == "PRIMARY" {
            table.primary_key.get_or_insert_default()
        } else {
            // Each unique index is a unique constraint here.
            table.unique.entry(name).or_default()
        };
        key.columns.clone_from(&index.columns);
        Ok(())
    }

    fn rule(&mut self, ns: &str, mut row: Row) -> Result<(), String> {
        let key = (self.name(ns, row.text("of")?), row.text("name")?);
        let rule = (
            row.text("on_delete")?.to_lowercase(),
            row.text("on_update")?.to_lowercase(),
            row.text("match")?.to_lowercase(),
        );
        self.rules.insert(key, rule);
        Ok(())
    }

    fn key_part(&mut self, ns: &str, mut row: Row) -> Result<(), String> {
        let of = self.name(ns, row.text("of")?);
        let name = row.text("name")?;
        let (space, table) = (row.text("to_ns")?, row.text("to_table")?);
        let referenced = self.name(&space, table);
        let rule = self.rules.get(&(of.clone(), name.clone())).cloned();
        let (on_delete, on_update, matching) =
            rule.ok_or_else(|| format!("the catalogue gave no rules of the foreign key `{name}`"))?;
        let Some(table) = self.model.tables.get_mut(&of) else {
            return Ok(());
        };
        let key = table
            .foreign_keys
            .entry(name)
            .or_insert_with(|| ForeignKey {
                table: referenced,
                on_delete,
                on_update,
                validated: true,
                extra: if matching == "none" || matching == "simple" {
                    String::new()
                } else {
                    format!("match {matching}")
                },
                ..ForeignKey::default()
            });
        key.columns.push(row.text("column")?);
        key.references.push(row.text("to_column")?);
        Ok(())
    }

    fn constraint(&mut self, ns: &str, mut row: Row) -> Result<(), String> {
        if row.text("constraint_type")? == "CHECK" {
            let of = self.name(ns, row.text("table_name")?);
            let enforced = row.maybe("enforced").ok().flatten().as_deref() != Some("NO");
            let key = (ns.to_owned(), row.text("constraint_name")?);
            self.checked.insert(key, (of, enforced));
        }
        Ok(())
    }

    fn check(&mut self, ns: &str, mut row: Row) -> Result<(), String> {
        let name = row.text("constraint_name")?;
        // Names of MySQL's are a database's own, MariaDB's a table's own.
        let (of, enforced) = if let Ok(Some(of)) = row.maybe("table_name") {
            (self.name(ns, of), true)
        } else {
            let known = self.checked.get(&(ns.to_owned(), name.clone())).cloned();
            known.ok_or_else(|| format!("the catalogue gave no table of the CHECK `{name}`"))?
        };
        let check = Check {
            expression: self.bare(row.text("check_clause")?),
            validated: true,
            extra: if enforced { "" } else { "not enforced" }.to_owned(),
        };
        if let Some(table) = self.model.tables.get_mut(&of) {
            table.checks.insert(name, check);
        }
        Ok(())
    }

    fn trigger(&mut self, ns: &str, mut row: Row) -> Result<(), String> {
        let of = self.name(ns, row.text("of")?);
        let timing = row.text("timing")?.to_lowercase();
        // MariaDB since 11.8 knows triggers of several events.
        let event = row.text("event")?.to_lowercase();
        let statement = self.bare(row.text("statement")?);
        let order = match row.int("place")? {
            1 => String::new(),
            place => format!(" as number {place}"),
        };
        let trigger = Trigger {
            events: event
                .split(',')
                .map(|event| event.trim().to_owned())
                .collect(),
            enabled: true,
            definition: format!("{timing} {event}{order} for each row {statement}"),
            function: statement,
            timing,
        };
        if let Some(table) = self.model.tables.get_mut(&of) {
            table.triggers.insert(row.text("name")?, trigger);
        }
        Ok(())
    }

    fn partition(&mut self, ns: &str, mut row: Row) -> Result<(), String> {
        let of = self.name(ns, row.text("of")?);
        let Some(table) = self.model.tables.get_mut(&of) else {
            return Ok(());
        };
        "partitioned table".clone_into(&mut table.kind);
        let mut by = |method: &str, expression: &str| -> Result<Option<String>, String> {
            let method = row.maybe(method)?;
            let expression = row.maybe(expression)?.unwrap_or_default();
            Ok(method.map(|method| format!("{} ({expression})", method.to_lowercase())))
        };
        if let Some(how) = by("method", "expression")? {
            table.options.push(format!("partition by {how}"));
        }
        if let Some(how) = by("sub_method", "sub_expression")? {
            table.options.push(format!("subpartition by {how}"));
        }
        let values = row
            .maybe("description")?
            .map_or_else(String::new, |text| format!(" values {text}"));
        let name = row.text("name")?;
        table.options.push(format!("partition {name}{values}"));
        Ok(())
    }

    fn parameter(&mut self, ns: &str, mut row: Row) -> Result<(), String> {
        let key = (row.text("kind")?, self.name(ns, row.text("of")?));
        let mode = row
            .maybe("mode")?
            .map_or_else(String::new, |mode| format!("{} ", mode.to_lowercase()));
        let text = format!(
            "{mode}{} {}",
            row.maybe("name")?.unwrap_or_default(),
            row.text("type")?
        );
        self.parameters.entry(key).or_default().push(text);
        Ok(())
    }

    fn routine(&mut self, ns: &str, mut row: Row) -> Result<(), String> {
        let (kind, of) = (row.text("kind")?, self.name(ns, row.text("name")?));
        let parameters = self.parameters.remove(&(kind.clone(), of.clone()));
        let Some(body) = row.maybe("definition")? else {
            self.unreadable_text.push(format!("the routine `{of}`"));
            return Ok(());
        };
        let parameters = parameters.unwrap_or_default().join(", ");
        let deterministic = if row.text("deterministic")? == "YES" {
            " deterministic"
        } else {
            ""
        };
        let access = row.text("access")?.to_lowercase();
        let security = row.text("security")?.to_lowercase();
        let body = self.bare(body);
        let kind = kind.to_lowercase();
        let function = Function {
            returns: row.maybe("returns")?.unwrap_or_default(),
            language: row.text("language")?.to_lowercase(),
            definition: format!(
                "({parameters}){deterministic} {access} sql security {security}\n{body}"
            ),
            // A function and a procedure may have one name.
            kind: kind.clone(),
        };
        let key = if kind == "function" {
            of
        } else {
            format!("{of} ({kind})")
        };
        self.model.functions.insert(key, function);
        Ok(())
    }
}
