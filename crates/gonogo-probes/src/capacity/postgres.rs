//! Sizes of a PostgreSQL database: four questions, however many tables there are; with `count`, one more for each.

use gonogo_core::capacity::{Connections, IndexSize, Snapshot, TableSize};
use gonogo_core::record::NotObserved;
use gonogo_core::snapshot::{FORMAT, Kind};
use gonogo_core::{Map, Value};

use super::observed::{number, size, text};
use crate::ctx::Ctx;
use crate::database::Database;

/// Others' sessions show no `backend_type` to a role without `pg_read_all_stats`: they are counted, not lost.
const DATABASE: &str = "\
select current_database()::text as name, pg_database_size(current_database()) as bytes, \
 (select count(*) from pg_stat_activity \
   where datid is not null and coalesce(backend_type, 'client backend') = 'client backend') as used, \
 current_setting('max_connections')::int8 as most, \
 current_setting('superuser_reserved_connections')::int8 \
   + coalesce(current_setting('reserved_connections', true)::int8, 0) as reserved, \
 s.blks_hit as hit, s.blks_read as read, \
 has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may_identify \
from pg_stat_database s where s.datname = current_database()";

const IDENTITY: &str = "select system_identifier::text as server from pg_control_system()";

/// What is dropped meanwhile has no size any more and is left out. A table that was never analysed has -1 rows, before
/// PostgreSQL 14 none on no pages.
const TABLES: &str = "\
select n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind, c.relispopulated as populated, \
 format('%I.%I', n.nspname, c.relname) as quoted, \
 pg_table_size(c.oid) as bytes, pg_indexes_size(c.oid) as index_bytes, \
 case when c.reltoastrelid = 0 then 0 else coalesce(pg_total_relation_size(c.reltoastrelid), 0) end as toast_bytes, \
 case when c.reltuples < 0 \
   or (c.reltuples = 0 and c.relpages = 0 and current_setting('server_version_num')::int4 < 140000) \
   then null else c.reltuples::int8 end as rows_estimate \
from pg_class c join pg_namespace n on n.oid = c.relnamespace \
where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') \
 and n.nspname !~ '^pg_(toast_)?temp_' \
order by 1, 2";

const INDEXES: &str = "\
select n.nspname::text as schema, i.relname::text as name, tn.nspname::text as table_schema, t.relname::text as table, \
 pg_relation_size(i.oid) as bytes, pg_stat_get_numscans(i.oid) as scans \
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_namespace n on n.oid = i.relnamespace \
 join pg_class t on t.oid = x.indrelid join pg_namespace tn on tn.oid = t.relnamespace \
where i.relkind = 'i' and t.relkind in ('r', 'm') \
 and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and n.nspname !~ '^pg_(toast_)?temp_' \
order by 1, 2";

/// All sizes at one moment.
pub(super) async fn sizes(
    ctx: &Ctx,
    database: &mut Database<'_>,
    count: bool,
) -> Result<Snapshot, NotObserved> {
    let taken_at = ctx.wall_now();
    let whole = database.rows(DATABASE, &[]).await?;
    let whole = whole.into_iter().next().unwrap_or_default();
    let server = if whole.get("may_identify") == Some(&Value::Bool(true)) {
        let identity = database.rows(IDENTITY, &[]).await?;
        identity.first().map(|row| text(row, "server"))
    } else {
        None
    };
    let mut tables = Vec::new();
    for row in database.rows(TABLES, &[]).await? {
        if let Some(mut table) = table(&row) {
            // `only`: a table's heirs are counted where they stand. A view without content yet cannot be read.
            if count && row.get("populated") == Some(&Value::Bool(true)) {
                let only = if text(&row, "kind") == "r" {
                    "only "
                } else {
                    ""
                };
                let quoted = text(&row, "quoted");
                let sql = format!("select count(*) as n from {only}{quoted}");
                let counted = database.rows(&sql, &[]).await?;
                table.rows = counted.first().and_then(|row| size(row, "n"));
            }
            tables.push(table);
        }
    }
    let indexes = database.rows(INDEXES, &[]).await?;
    let figure = |key: &str| number(ctx, &whole, key);
    let (hit, read) = (figure("hit")?, figure("read")?);
    Ok(Snapshot {
        gonogo_snapshot: FORMAT,
        kind: Kind::Capacity,
        taken_at,
        engine: database.place().engine,
        server,
        database: text(&whole, "name"),
        bytes: figure("bytes")?,
        tables,
        indexes: indexes.iter().filter_map(index).collect(),
        connections: Some(Connections::of(
            figure("used")?,
            figure("most")?,
            figure("reserved")?,
        )),
        cache_hit_ratio: (hit + read > 0).then(|| hit as f64 / (hit + read) as f64),
    })
}

fn table(row: &Map) -> Option<TableSize> {
    let stored = size(row, "bytes")?;
    let index_bytes = size(row, "index_bytes")?;
    let toast_bytes = size(row, "toast_bytes")?;
    Some(TableSize {
        name: qualified(&text(row, "schema"), &text(row, "name")),
        bytes: stored.saturating_add(index_bytes),
        table_bytes: stored.saturating_sub(toast_bytes),
        index_bytes,
        toast_bytes,
        rows_estimate: size(row, "rows_estimate"),
        rows: None,
    })
}

fn index(row: &Map) -> Option<IndexSize> {
    Some(IndexSize {
        name: qualified(&text(row, "schema"), &text(row, "name")),
        table: qualified(&text(row, "table_schema"), &text(row, "table")),
        bytes: size(row, "bytes")?,
        scans: size(row, "scans"),
    })
}

/// `schema.table`; a part with a point or a quote in it is quoted, so that no two names are one.
pub(super) fn qualified(schema: &str, name: &str) -> String {
    let part = |text: &str| {
        if text.contains(['.', '"']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    format!("{}.{}", part(schema), part(name))
}
