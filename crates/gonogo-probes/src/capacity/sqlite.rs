//! Sizes of a SQLite database: the pages of its file, and which table or index each belongs to.

use std::collections::BTreeMap;

use gonogo_core::capacity::{IndexSize, Snapshot, TableSize};
use gonogo_core::record::NotObserved;
use gonogo_core::snapshot::{FORMAT, Kind};
use gonogo_core::{Map, Value};

use super::observed::{number, size, text};
use crate::ctx::Ctx;
use crate::database::Database;

const FILE: &str =
    "select page_count * page_size as bytes from pragma_page_count, pragma_page_size";
/// What has no pages of its own, such as a virtual table, has no size.
const OBJECTS: &str = "\
select name, type, tbl_name as \"table\" from sqlite_schema \
where type in ('table', 'index') and rootpage > 0 order by name";
const PAGES: &str = "select name, sum(pgsize) as bytes from dbstat group by name";
const ANALYSED: &str = "select 1 as there from sqlite_schema where name = 'sqlite_stat1'";
/// The first number of `stat` is the estimate of the table's rows.
const ESTIMATES: &str = "\
select tbl as \"table\", max(cast(stat as integer)) as \"rows\" from sqlite_stat1 where stat is not null group by tbl";

/// All sizes at one moment.
pub(super) async fn sizes(
    ctx: &Ctx,
    database: &mut Database<'_>,
    count: bool,
) -> Result<Snapshot, NotObserved> {
    let taken_at = ctx.wall_now();
    let file = database.rows(FILE, &[]).await?;
    let file = file.into_iter().next().unwrap_or_default();
    let objects = database.rows(OBJECTS, &[]).await?;
    let pages = by_name(&database.rows(PAGES, &[]).await?, "name", "bytes");
    let estimates = if database.rows(ANALYSED, &[]).await?.is_empty() {
        BTreeMap::new()
    } else {
        by_name(&database.rows(ESTIMATES, &[]).await?, "table", "rows")
    };
    let mut indexes = Vec::new();
    let mut index_bytes: BTreeMap<String, u64> = BTreeMap::new();
    for row in of_type(&objects, "index") {
        let (name, table) = (text(row, "name"), text(row, "table"));
        let bytes = pages.get(&name).copied().unwrap_or(0);
        *index_bytes.entry(table.clone()).or_default() += bytes;
        indexes.push(IndexSize {
            name,
            table,
            bytes,
            scans: None,
        });
    }
    let mut tables = Vec::new();
    for row in of_type(&objects, "table") {
        let name = text(row, "name");
        let rows = if count {
            let sql = format!("select count(*) as n from {}", quoted(&name));
            let counted = database.rows(&sql, &[]).await?;
            counted.first().and_then(|row| size(row, "n"))
        } else {
            None
        };
        let table_bytes = pages.get(&name).copied().unwrap_or(0);
        let index_bytes = index_bytes.get(&name).copied().unwrap_or(0);
        tables.push(TableSize {
            bytes: table_bytes.saturating_add(index_bytes),
            table_bytes,
            index_bytes,
            toast_bytes: 0,
            rows_estimate: estimates.get(&name).copied(),
            rows,
            name,
        });
    }
    let place = database.place();
    Ok(Snapshot {
        gonogo_snapshot: FORMAT,
        kind: Kind::Capacity,
        taken_at,
        engine: place.engine,
        server: None,
        database: place.address,
        bytes: number(ctx, &file, "bytes")?,
        tables,
        indexes,
        connections: None,
        cache_hit_ratio: None,
    })
}

fn of_type<'a>(objects: &'a [Map], kind: &'a str) -> impl Iterator<Item = &'a Map> {
    objects
        .iter()
        .filter(move |row| row.get("type").and_then(Value::as_str) == Some(kind))
}

fn by_name(rows: &[Map], name: &str, value: &str) -> BTreeMap<String, u64> {
    rows.iter()
        .filter_map(|row| Some((text(row, name), size(row, value)?)))
        .collect()
}

/// A name of the catalogue as an identifier.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
