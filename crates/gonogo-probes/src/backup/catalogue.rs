//! The portrait of a PostgreSQL database: every table's rows and a line for each thing of its schema.

use std::collections::BTreeSet;

use gonogo_core::record::{Cause, NotObserved};
use gonogo_core::{Map, Value};

use super::portrait::Portrait;
use crate::database::Asking;
use crate::database::postgres::Reading;

/// With this path every name that is not of the system's own is written with its schema.
const PATH: &str = "select set_config('search_path', 'pg_catalog', true)";

const TABLES: &str = "\
select n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind, c.relispopulated as populated, \
 format('%I.%I', n.nspname, c.relname) as quoted \
from pg_class c join pg_namespace n on n.oid = c.relnamespace \
where c.relkind in ('r', 'm') and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
order by 1, 2";

/// Types that PostgreSQL writes into an expression when it reads its own text back: a check on a `varchar` is printed
/// in another way after a dump and its restore, and means the same. Those casts, parentheses and blanks are left out.
const LINES: &str = r"
with own as (
  select n.oid, n.nspname from pg_namespace n where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
), of_extension as (
  select classid, objid from pg_depend where deptype = 'e'
), lines(kind, line) as (
  select 'schema', nspname::text from own
  union all
  select 'extension', extname || ' ' || extversion from pg_extension
  union all
  select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
      when 'f' then 'foreign table' when 'p' then 'partitioned table' when 'c' then 'type' else 'table' end,
    o.nspname || '.' || c.relname
      || case when c.relkind in ('v', 'm') then ' ' || md5(pg_get_viewdef(c.oid)) else '' end
      || case when c.relrowsecurity then ' rls' else '' end
      || case when c.relforcerowsecurity then ' forced' else '' end
      || case when c.relkind = 'p' then ' ' || pg_get_partkeydef(c.oid) else '' end
      || case when c.relispartition then ' ' || coalesce(pg_get_expr(c.relpartbound, c.oid), '') else '' end
  from pg_class c join own o on o.oid = c.relnamespace
  where c.relkind in ('r', 'v', 'm', 'S', 'f', 'p', 'c') and c.relpersistence <> 't'
    and not exists (select from of_extension e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
  union all
  select 'column', o.nspname || '.' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
      || case when a.attnotnull then ' not null' else '' end
      || case when a.attidentity <> '' then ' identity ' || a.attidentity::text else '' end
      || case when a.attgenerated <> '' then ' generated' else '' end
      || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
  from pg_attribute a join pg_class c on c.oid = a.attrelid join own o on o.oid = c.relnamespace
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'f', 'p', 'm', 'c') and c.relpersistence <> 't'
    and not exists (select from of_extension e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
  union all
  select 'constraint', o.nspname || '.' || c.relname || ' ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
      || case when k.convalidated then '' else ' not valid' end
  from pg_constraint k join pg_class c on c.oid = k.conrelid join own o on o.oid = c.relnamespace
  where c.relpersistence <> 't' and k.contype <> 'n'
  union all
  select 'index', pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' invalid' end
  from pg_index i join pg_class c on c.oid = i.indexrelid join own o on o.oid = c.relnamespace
  where c.relpersistence <> 't'
  union all
  select 'trigger', pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join own o on o.oid = c.relnamespace
  where not t.tgisinternal
  union all
  select 'policy', o.nspname || '.' || c.relname || ' ' || p.polname || ' ' || p.polcmd::text || ' '
      || coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
  from pg_policy p join pg_class c on c.oid = p.polrelid join own o on o.oid = c.relnamespace
  union all
  select 'function', o.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ') '
      || case when p.prokind in ('f', 'p', 'w') then md5(pg_get_functiondef(p.oid)) else p.prokind::text end
  from pg_proc p join own o on o.oid = p.pronamespace
  where not exists (select from of_extension e where e.classid = 'pg_proc'::regclass and e.objid = p.oid)
  union all
  select 'enum', o.nspname || '.' || t.typname || ' '
      || (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid)
  from pg_type t join own o on o.oid = t.typnamespace where t.typtype = 'e'
    and not exists (select from of_extension e where e.classid = 'pg_type'::regclass and e.objid = t.oid)
  union all
  select 'domain', o.nspname || '.' || t.typname || ' ' || format_type(t.typbasetype, t.typtypmod)
      || case when t.typnotnull then ' not null' else '' end || coalesce(' default ' || t.typdefault, '')
      || coalesce((select ' ' || string_agg(pg_get_constraintdef(k.oid), ' ' order by k.conname)
           from pg_constraint k where k.contypid = t.oid and k.contype <> 'n'), '')
  from pg_type t join own o on o.oid = t.typnamespace where t.typtype = 'd'
    and not exists (select from of_extension e where e.classid = 'pg_type'::regclass and e.objid = t.oid)
)
select kind || ' ' || case
    when kind in ('column', 'constraint', 'index', 'trigger', 'policy', 'domain', 'table', 'partitioned table') then
      trim(regexp_replace(regexp_replace(regexp_replace(line,
        '::(character varying|varchar|bpchar|text|character)(\(\d+\))?(\[\])?', '', 'g'),
        '[()\s]+', ' ', 'g'), ' *([\[\],]) *', '\1', 'g'))
    else line end as line
from lines";

/// Looks at all of it, in the session's snapshot.
pub(super) async fn portrait(
    asking: &Asking<'_>,
    reading: &mut Reading,
) -> Result<Portrait, NotObserved> {
    reading.rows(asking, PATH, &[]).await?;
    let mut portrait = Portrait::default();
    for row in reading.rows(asking, TABLES, &[]).await? {
        if row.get("populated") != Some(&Value::Bool(true)) {
            continue;
        }
        let name = format!("{}.{}", text(&row, "schema"), text(&row, "name"));
        // `only`: a table's heirs are counted where they stand. The name is the catalogue's, quoted by the server.
        let only = if text(&row, "kind") == "r" {
            "only "
        } else {
            ""
        };
        let sql = format!("select count(*) as n from {only}{}", text(&row, "quoted"));
        let counted = reading.rows(asking, &sql, &[]).await?;
        let counted = counted.first().and_then(|row| row.get("n")?.as_int());
        let rows = counted.and_then(|n| u64::try_from(n).ok()).ok_or_else(|| {
            asking.failed(
                Cause::Protocol,
                format!("the rows of {name} were not counted"),
            )
        })?;
        portrait.rows.insert(name, rows);
    }
    let lines = reading.rows(asking, LINES, &[]).await?;
    portrait.schema = lines
        .iter()
        .map(|row| text(row, "line"))
        .collect::<BTreeSet<_>>();
    Ok(portrait)
}

/// A text of a row of our own questions.
pub(super) fn text(row: &Map, key: &str) -> String {
    row.get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
