//! The tables in which the usual migration tools keep what they did.

use std::collections::BTreeMap;

use gonogo_core::Value;
use gonogo_core::record::NotObserved;
use gonogo_core::schema_model::{Model, Table};

use super::run::Looking;

/// What a tool recorded.
#[derive(Debug, PartialEq)]
pub(super) struct Recorded {
    /// Its table.
    pub(super) table: String,
    /// The last one that was applied; null where there is none.
    pub(super) version: Value,
    /// How many were applied.
    pub(super) applied: i64,
    /// Those that failed, or are half done.
    pub(super) failed: Vec<String>,
}

/// A tool, the name of its table, the columns by which that is known, and how its rows are read: `name`, whether it
/// was applied, whether it failed, in the order in which they were applied.
struct Tool {
    name: &'static str,
    table: &'static str,
    columns: &'static [&'static str],
    select: &'static str,
    order: &'static str,
}

const TOOLS: [Tool; 9] = [
    Tool {
        name: "flyway",
        table: "flyway_schema_history",
        columns: &["installed_rank", "version", "description", "success"],
        select: "coalesce(version, description) as name, case when success then 1 else 0 end as applied, case when success then 0 else 1 end as failed",
        order: "installed_rank",
    },
    Tool {
        name: "flyway",
        table: "schema_version",
        columns: &["installed_rank", "version", "description", "success"],
        select: "coalesce(version, description) as name, case when success then 1 else 0 end as applied, case when success then 0 else 1 end as failed",
        order: "installed_rank",
    },
    Tool {
        name: "schema_version",
        table: "schema_version",
        columns: &["version"],
        select: "version as name, 1 as applied, 0 as failed",
        order: "version",
    },
    Tool {
        name: "schema_migrations",
        table: "schema_migrations",
        columns: &["version", "dirty"],
        select: "version as name, case when dirty then 0 else 1 end as applied, case when dirty then 1 else 0 end as failed",
        order: "version",
    },
    Tool {
        name: "schema_migrations",
        table: "schema_migrations",
        columns: &["version"],
        select: "version as name, 1 as applied, 0 as failed",
        order: "version",
    },
    Tool {
        name: "alembic",
        table: "alembic_version",
        columns: &["version_num"],
        select: "version_num as name, 1 as applied, 0 as failed",
        order: "version_num",
    },
    Tool {
        name: "prisma",
        table: "_prisma_migrations",
        columns: &[
            "migration_name",
            "finished_at",
            "rolled_back_at",
            "started_at",
        ],
        select: "migration_name as name, case when finished_at is not null and rolled_back_at is null then 1 else 0 end as applied, case when finished_at is null and rolled_back_at is null then 1 else 0 end as failed",
        order: "started_at, migration_name",
    },
    Tool {
        name: "sqlx",
        table: "_sqlx_migrations",
        columns: &["version", "success"],
        select: "version as name, case when success then 1 else 0 end as applied, case when success then 0 else 1 end as failed",
        order: "version",
    },
    Tool {
        name: "django",
        table: "django_migrations",
        columns: &["id", "app", "name"],
        select: "app || '.' || name as name, 1 as applied, 0 as failed",
        order: "id",
    },
];

/// Each tool that left a table, and that table's name in the model.
fn found(model: &Model) -> Vec<(&'static Tool, String)> {
    let mut found: Vec<(&Tool, String)> = Vec::new();
    for tool in &TOOLS {
        let fits = |name: &str, table: &Table| {
            let bare = name.rsplit_once('.').map_or(name, |(_, bare)| bare);
            bare == tool.table && tool.columns.iter().all(|c| table.columns.contains_key(*c))
        };
        for (name, table) in &model.tables {
            let taken = found.iter().any(|(_, known)| known == name);
            if fits(name, table) && !taken {
                found.push((tool, name.clone()));
            }
        }
    }
    found
}

/// What the tools recorded, by tool; and the tables that could not be read.
pub(super) async fn recorded(
    looking: &mut Looking<'_, '_>,
) -> Result<(BTreeMap<String, Recorded>, Vec<String>), NotObserved> {
    let mut all = BTreeMap::new();
    let mut unread = Vec::new();
    for (tool, table) in found(&looking.catalogue.model) {
        if looking.catalogue.unreadable.contains(&table) {
            unread.push(table);
            continue;
        }
        let from = looking.sql_name(&table);
        let sql = format!("select {} from {from} order by {}", tool.select, tool.order);
        let rows = looking.database.rows(&sql, &[]).await?;
        let is = |row: &gonogo_core::Map, key: &str| row.get(key) == Some(&Value::Int(1));
        let name = |row: &gonogo_core::Map| row.get("name").cloned().unwrap_or(Value::Null);
        let applied: Vec<Value> = rows.iter().filter(|r| is(r, "applied")).map(name).collect();
        let failed = rows.iter().filter(|r| is(r, "failed")).map(name);
        let recorded = Recorded {
            table: table.clone(),
            version: last(tool, &applied),
            applied: i64::try_from(applied.len()).unwrap_or(i64::MAX),
            failed: failed.map(|v| words(&v)).collect(),
        };
        // The same tool in two namespaces: both are told.
        let key = if all.contains_key(tool.name) {
            format!("{} ({table})", tool.name)
        } else {
            tool.name.to_owned()
        };
        all.insert(key, recorded);
    }
    Ok((all, unread))
}

/// The version that the rows come to. Alembic's table holds every head; all others grow.
fn last(tool: &Tool, applied: &[Value]) -> Value {
    if tool.name == "alembic" && applied.len() > 1 {
        let heads: Vec<String> = applied.iter().map(words).collect();
        return Value::String(heads.join(", "));
    }
    // Numbers kept as text sort as text: 10 before 9.
    let number = |value: &Value| words(value).parse::<u64>().ok();
    if tool.order == "version" && applied.iter().all(|v| number(v).is_some()) {
        let highest = applied.iter().max_by_key(|v| number(v));
        return highest.cloned().unwrap_or(Value::Null);
    }
    applied.last().cloned().unwrap_or(Value::Null)
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
