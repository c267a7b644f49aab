//! Sizes of a MySQL or MariaDB database: a handful of questions, however many tables there are; with `count`, one more
//! for each.

use std::collections::BTreeMap;

use gonogo_core::capacity::{Connections, IndexSize, Snapshot, TableSize};
use gonogo_core::record::{Cause, NotObserved};
use gonogo_core::snapshot::{FORMAT, Kind};
use gonogo_core::{Map, Value};
use serde_json::json;

use super::observed::{number, size, text};
use crate::ctx::Ctx;
use crate::database::Database;
use crate::database::mysql::visible;

const NAME: &str = "select database() as name";
const VARIABLES: &str = "show global variables where variable_name in \
('max_connections', 'server_uuid', 'innodb_page_size')";
const STATUS: &str = "show global status where variable_name in \
('Threads_connected', 'Innodb_buffer_pool_read_requests', 'Innodb_buffer_pool_reads')";

/// A table that the server cannot open has no engine, and the reason for a comment.
const TABLES: &str = "\
select table_name as name, engine as engine, data_length as table_bytes, index_length as index_bytes, \
 table_rows as rows_estimate, table_comment as comment \
from information_schema.tables where table_schema = ? and table_type <> 'VIEW' and table_type <> 'SEQUENCE' \
order by table_name";

/// As of the server's last look at each table.
const INDEXES: &str = "\
select table_name as \"of\", index_name as name, stat_value as pages from mysql.innodb_index_stats \
where database_name = ? and stat_name = 'size' order by table_name, index_name";

/// InnoDB keeps a table's rows in its primary key, or in one that it makes: that is the table, not an index beside it.
const OF_THE_TABLE: [&str; 2] = ["PRIMARY", "GEN_CLUST_INDEX"];

/// All sizes at one moment; and why the indexes have none, where the user may not know.
pub(super) async fn sizes(
    ctx: &Ctx,
    database: &mut Database<'_>,
    count: bool,
) -> Result<(Snapshot, Option<String>), NotObserved> {
    let taken_at = ctx.wall_now();
    let name = name(ctx, database).await?;
    let mut server = by_name(&database.rows(VARIABLES, &[]).await?);
    server.extend(by_name(&database.rows(STATUS, &[]).await?));
    let figure = |key: &str| {
        let number = server.get(key).and_then(|text| text.parse::<u64>().ok());
        number.ok_or_else(|| {
            let message = format!("the server gave no number for `{key}`");
            ctx.not_observed(super::run::TRIED, Cause::Protocol, message)
        })
    };
    let tables = tables(ctx, database, &name, count).await?;
    let (indexes, why) = match database.rows(INDEXES, &[json!(name)]).await {
        Ok(rows) => (indexes(&rows, &tables, figure("innodb_page_size")?), None),
        Err(no) if no.cause == Cause::Denied => (
            Vec::new(),
            Some(
                "the user may not read `mysql.innodb_index_stats`, where their sizes stand"
                    .to_owned(),
            ),
        ),
        Err(other) => return Err(other),
    };
    let (asked, read) = (
        figure("innodb_buffer_pool_read_requests")?,
        figure("innodb_buffer_pool_reads")?,
    );
    let snapshot = Snapshot {
        gonogo_snapshot: FORMAT,
        kind: Kind::Capacity,
        taken_at,
        engine: database.place().engine,
        server: server.get("server_uuid").cloned(),
        bytes: tables
            .iter()
            .fold(0, |sum: u64, table| sum.saturating_add(table.bytes)),
        database: name,
        tables,
        indexes,
        // One more than `max_connections` is let in where it is a superuser's.
        connections: Some(Connections::of(
            figure("threads_connected")?,
            figure("max_connections")?.saturating_add(1),
            1,
        )),
        cache_hit_ratio: (asked > 0).then(|| asked.saturating_sub(read) as f64 / asked as f64),
    };
    Ok((snapshot, why))
}

/// The database's name, where the user may see all of it.
async fn name(ctx: &Ctx, database: &mut Database<'_>) -> Result<String, NotObserved> {
    let named = database.rows(NAME, &[]).await?;
    let name = named
        .first()
        .map(|row| text(row, "name"))
        .unwrap_or_default();
    if name.is_empty() {
        let message = "the target's address names no database";
        let mut failed = ctx.not_observed(super::run::TRIED, Cause::BadOptions, message);
        failed.help = Some("such as `mysql://user@host:3306/app`".to_owned());
        return Err(failed);
    }
    visible(
        ctx,
        super::run::TRIED,
        database,
        std::slice::from_ref(&name),
        &["SELECT"],
    )
    .await?;
    Ok(name)
}

async fn tables(
    ctx: &Ctx,
    database: &mut Database<'_>,
    name: &str,
    count: bool,
) -> Result<Vec<TableSize>, NotObserved> {
    let mut tables = Vec::new();
    for row in database.rows(TABLES, &[json!(name)]).await? {
        let mut table = table(ctx, &row)?;
        if count {
            let sql = format!("select count(*) as n from {}", quoted(&table.name));
            let counted = database.rows(&sql, &[]).await?;
            table.rows = counted.first().and_then(|row| size(row, "n"));
        }
        tables.push(table);
    }
    Ok(tables)
}

/// Rows of `show`, by the name in small letters.
fn by_name(rows: &[Map]) -> BTreeMap<String, String> {
    let pair = |row: &Map| {
        let name = row.get("Variable_name")?.as_str()?.to_ascii_lowercase();
        Some((name, row.get("Value").and_then(Value::as_str)?.to_owned()))
    };
    rows.iter().filter_map(pair).collect()
}

fn table(ctx: &Ctx, row: &Map) -> Result<TableSize, NotObserved> {
    let name = text(row, "name");
    if row.get("engine") == Some(&Value::Null) {
        let message = format!(
            "the server cannot open the table `{name}`: {}",
            text(row, "comment")
        );
        return Err(ctx.not_observed(super::run::TRIED, Cause::Protocol, message));
    }
    let (table_bytes, index_bytes) = (
        number(ctx, row, "table_bytes")?,
        number(ctx, row, "index_bytes")?,
    );
    Ok(TableSize {
        name,
        bytes: table_bytes.saturating_add(index_bytes),
        table_bytes,
        index_bytes,
        toast_bytes: 0,
        rows_estimate: size(row, "rows_estimate"),
        rows: None,
    })
}

/// The sizes of InnoDB's indexes; those of a table's partitions together.
fn indexes(rows: &[Map], tables: &[TableSize], page: u64) -> Vec<IndexSize> {
    let mut sizes: BTreeMap<(String, String), u64> = BTreeMap::new();
    for row in rows {
        let (of, name) = (text(row, "of"), text(row, "name"));
        let of = of
            .split("#P#")
            .next()
            .and_then(|of| of.split("#p#").next())
            .unwrap_or_default();
        // The statistics of a table outlive it where it was not dropped cleanly.
        let is_there = tables.iter().any(|table| table.name == of);
        if is_there && !OF_THE_TABLE.contains(&name.as_str()) {
            let bytes = size(row, "pages").unwrap_or(0).saturating_mul(page);
            *sizes.entry((of.to_owned(), name)).or_default() += bytes;
        }
    }
    sizes
        .into_iter()
        .map(|((table, name), bytes)| IndexSize {
            // Two tables may have an index of one name each.
            name: super::postgres::qualified(&table, &name),
            table,
            bytes,
            scans: None,
        })
        .collect()
}

/// A name of the catalogue as an identifier; the session quotes as standard SQL does.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
