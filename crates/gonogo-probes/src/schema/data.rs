//! Questions about rows: orphans and duplicates. Names come from the catalogue and are quoted here.

use std::fmt::Write as _;

use gonogo_core::Value;
use gonogo_core::record::{Cause, NotObserved};
use gonogo_core::schema_model::{Relation, RelationFacts};

use super::run::Looking;
use super::syntax::DuplicatesEntry;
use crate::database::Kind;

/// A relation with what was found of it.
pub(super) struct RelationSeen {
    /// As the plan writes it.
    pub(super) text: String,
    /// What the catalogue says.
    pub(super) facts: RelationFacts,
    /// Rows of the child whose parent is not there.
    pub(super) orphans: i64,
}

/// Looks at one relation.
pub(super) async fn relation(
    looking: &mut Looking<'_, '_>,
    written: &str,
) -> Result<RelationSeen, NotObserved> {
    let relation =
        Relation::parse(written).map_err(|why| looking.failed(Cause::BadOptions, why))?;
    let facts = relation
        .look_up(&looking.catalogue.model)
        .map_err(|why| looking.failed(Cause::Missing, format!("`{written}`: {why}")))?;
    let (child, parent) = (
        looking.readable(&relation.child)?,
        looking.readable(&relation.parent)?,
    );
    let mut sql = format!("select count(*) as n from {child} c where ");
    for column in &relation.child_columns {
        let _infallible = write!(sql, "c.{} is not null and ", quoted(column)).is_ok();
    }
    let _infallible = write!(sql, "not exists (select 1 from {parent} p where ").is_ok();
    let text = match looking.database.kind() {
        Kind::Postgres | Kind::Sqlite => "text",
        Kind::MySql => "char",
    };
    let pairs = relation.child_columns.iter().zip(&relation.parent_columns);
    for (index, (own, referenced)) in pairs.enumerate() {
        let and = if index > 0 { " and " } else { "" };
        let (own, referenced) = (quoted(own), quoted(referenced));
        // Values of types that do not agree may have no equality; their texts have.
        let equal = if facts.types_agree {
            format!("p.{referenced} = c.{own}")
        } else {
            format!("cast(p.{referenced} as {text}) = cast(c.{own} as {text})")
        };
        sql.push_str(and);
        sql.push_str(&equal);
    }
    sql.push(')');
    Ok(RelationSeen {
        text: written.to_owned(),
        facts,
        orphans: count(looking, &sql).await?,
    })
}

/// Counts the groups of rows that are alike.
pub(super) async fn duplicates(
    looking: &mut Looking<'_, '_>,
    entry: &DuplicatesEntry,
) -> Result<(String, i64), NotObserved> {
    let missing = |why: String| looking.failed(Cause::Missing, format!("`{}`: {why}", entry.key()));
    let table = looking
        .catalogue
        .model
        .table(&entry.table)
        .map_err(missing)?;
    for column in &entry.columns {
        table.column(&entry.table, column).map_err(missing)?;
    }
    let from = looking.readable(&entry.table)?;
    let columns: Vec<String> = entry.columns.iter().map(|c| quoted(c)).collect();
    let mut conditions = Vec::new();
    if let Some(condition) = &entry.condition {
        super::condition::one_expression(condition)
            .map_err(|why| looking.failed(Cause::BadOptions, why))?;
        conditions.push(format!("({condition})"));
    }
    if !entry.nulls_equal {
        conditions.extend(columns.iter().map(|c| format!("{c} is not null")));
    }
    let filter = if conditions.is_empty() {
        String::new()
    } else {
        format!("where {} ", conditions.join(" and "))
    };
    let sql = format!(
        "select count(*) as n from (select 1 from {from} {filter}group by {} having count(*) > 1) d",
        columns.join(", ")
    );
    Ok((entry.key(), count(looking, &sql).await?))
}

async fn count(looking: &mut Looking<'_, '_>, sql: &str) -> Result<i64, NotObserved> {
    let rows = looking.database.rows(sql, &[]).await?;
    match rows.first().and_then(|row| row.get("n")) {
        Some(Value::Int(n)) => Ok(*n),
        _ => Err(looking.failed(Cause::Protocol, "a count came back as something else")),
    }
}

/// A name as all databases quote it, MySQL in a session that is told to.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
