//! Proving that nothing was left behind: the database before the gate against the database after its rollback.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_core::record::{NotObserved, RollbackProof, TableCompared};
use gonogo_core::{Map, Value};
use serde_json::json;

use super::quoted;
use crate::database::Asking;
use crate::database::postgres::Reading;

/// A larger table is counted, not read.
const MAX_READ_BYTES: i64 = 32 << 20;
/// A larger table is not even counted.
const MAX_COUNTED_BYTES: i64 = 4 << 30;
/// So many tables are compared.
const MOST_TABLES: usize = 500;

/// How many of a kind of object there are, and what they are.
pub(super) type Schema = BTreeMap<String, (i64, String)>;

/// One line for each object, by its kind: what a dump of the schema would hold, and no number of the server's own. Of
/// databases this one only: no transaction makes or drops another, and others come and go, as when a backup is restored.
const SCHEMA: &str = r#"
with ns as (
  select oid, nspname, nspacl::text as acl, nspowner::regrole::text as owner from pg_catalog.pg_namespace
  where nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp_)'
), rel as (
  select c.*, ns.nspname from pg_catalog.pg_class c join ns on ns.oid = c.relnamespace
), line as (
  select 'schemas' as kind, concat_ws('|', nspname, owner, acl) as line from ns
  union all
  select 'relations', concat_ws('|', nspname, relname, relkind, relpersistence, relowner::regrole, relacl, reloptions,
    relrowsecurity, relforcerowsecurity, relreplident, relispartition, pg_catalog.pg_get_expr(relpartbound, oid))
  from rel where relkind <> 'i'
  union all
  select 'columns', concat_ws('|', nspname, relname, attnum, attname, pg_catalog.format_type(atttypid, atttypmod),
    attnotnull, attidentity, attgenerated, attcollation::regcollation, attacl, attisdropped, attstattarget,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid))
  from rel join pg_catalog.pg_attribute a on a.attrelid = rel.oid and a.attnum > 0 and relkind <> 'i'
    left join pg_catalog.pg_attrdef d on d.adrelid = rel.oid and d.adnum = a.attnum
  union all
  select 'constraints', concat_ws('|', ns.nspname, coalesce(conrelid::regclass::text, contypid::regtype::text), conname,
    pg_catalog.pg_get_constraintdef(c.oid), convalidated)
  from pg_catalog.pg_constraint c join ns on ns.oid = c.connamespace
  union all
  select 'indexes', concat_ws('|', pg_catalog.pg_get_indexdef(indexrelid), indisvalid, indisclustered, indisreplident)
  from pg_catalog.pg_index join rel on rel.oid = indexrelid
  union all
  select 'triggers', concat_ws('|', pg_catalog.pg_get_triggerdef(t.oid), tgenabled)
  from pg_catalog.pg_trigger t join rel on rel.oid = tgrelid where not tgisinternal
  union all
  select 'rules and views', concat_ws('|', pg_catalog.pg_get_ruledef(r.oid), ev_enabled)
  from pg_catalog.pg_rewrite r join rel on rel.oid = ev_class
  union all
  select 'policies', concat_ws('|', rel.oid::regclass, polname, polcmd, polpermissive, polroles::regrole[],
    pg_catalog.pg_get_expr(polqual, polrelid), pg_catalog.pg_get_expr(polwithcheck, polrelid))
  from pg_catalog.pg_policy join rel on rel.oid = polrelid
  union all
  select 'functions', concat_ws('|', nspname, proname, pg_catalog.pg_get_function_arguments(p.oid),
    pg_catalog.pg_get_function_result(p.oid), l.lanname, md5(prosrc), probin, prosecdef, proleakproof, proisstrict,
    provolatile, proparallel, procost, proconfig, proacl, proowner::regrole, prokind)
  from pg_catalog.pg_proc p join ns on ns.oid = pronamespace join pg_catalog.pg_language l on l.oid = prolang
  union all
  select 'types', concat_ws('|', nspname, typname, typtype, pg_catalog.format_type(typbasetype, typtypmod), typnotnull,
    typdefault, typacl, typowner::regrole,
    (select string_agg(enumlabel, ',' order by enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = t.oid))
  from pg_catalog.pg_type t join ns on ns.oid = typnamespace
  union all
  select 'operators', concat_ws('|', nspname, oprname, oprleft::regtype, oprright::regtype, oprcode)
  from pg_catalog.pg_operator join ns on ns.oid = oprnamespace
  union all
  select 'casts', concat_ws('|', castsource::regtype, casttarget::regtype, castfunc::regprocedure, castcontext)
  from pg_catalog.pg_cast
  union all
  select 'sequences', concat_ws('|', rel.nspname, relname, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin,
    seqcache, seqcycle) from pg_catalog.pg_sequence join rel on rel.oid = seqrelid
  union all
  select 'extensions', concat_ws('|', extname, extversion) from pg_catalog.pg_extension
  union all
  select 'languages', concat_ws('|', lanname, lanpltrusted, lanacl) from pg_catalog.pg_language
  union all
  select 'foreign servers', concat_ws('|', srvname, srvoptions, srvacl) from pg_catalog.pg_foreign_server
  union all
  select 'event triggers', concat_ws('|', evtname, evtevent, evtfoid::regproc, evtenabled)
  from pg_catalog.pg_event_trigger
  union all
  select 'publications', concat_ws('|', pubname, puballtables, pubinsert, pubupdate, pubdelete)
  from pg_catalog.pg_publication
  union all
  select 'roles', concat_ws('|', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,
    rolbypassrls, rolconnlimit, rolvaliduntil, rolconfig) from pg_catalog.pg_roles
  union all
  select 'memberships', concat_ws('|', roleid::regrole, member::regrole, admin_option) from pg_catalog.pg_auth_members
  union all
  select 'default rights', concat_ws('|', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl)
  from pg_catalog.pg_default_acl
  union all
  select 'comments', concat_ws('|', o.type, o.identity, d.objsubid, d.description)
  from pg_catalog.pg_description d, lateral pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) o
  where d.objoid >= 16384
  union all
  select 'databases', concat_ws('|', datname, datacl, datconnlimit, datallowconn) from pg_catalog.pg_database
  where datname = pg_catalog.current_database()
  union all
  select 'large objects', concat_ws('|', (select count(*) from pg_catalog.pg_largeobject_metadata))
)
select kind, count(*) as n, md5(string_agg(line, E'\n' order by line collate pg_catalog."C")) as hash from line group by kind"#;

/// The schema, in one question.
pub(super) async fn schema(
    reading: &mut Reading,
    asking: &Asking<'_>,
) -> Result<Schema, NotObserved> {
    let rows = reading.rows(asking, SCHEMA, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| (text(row, "kind"), (int(row, "n"), text(row, "hash"))))
        .collect())
}

/// Where the schemas differ.
pub(super) fn compare_schemas(before: &Schema, after: &Schema, proof: &mut RollbackProof) {
    let kinds: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let none = (0, String::new());
    for kind in kinds {
        let (was, is) = (
            before.get(kind).unwrap_or(&none),
            after.get(kind).unwrap_or(&none),
        );
        if was != is {
            proof.differences.push(format!(
                "{kind}: {} before, {} after, and not the same; they stayed, or somebody else changed them meanwhile",
                was.0, is.0
            ));
        }
    }
    proof.schema = before == after;
}

/// A table to be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Table {
    schema: String,
    name: String,
    by_content: bool,
}

impl Table {
    fn shown(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

const SIZES: &str = r"
select n.nspname::text as schema, c.relname::text as name, pg_catalog.pg_relation_size(c.oid) as bytes,
  pg_catalog.has_table_privilege(c.oid, 'select') as readable
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and (c.relname = any ($1::text[]) or n.nspname || '.' || c.relname = any ($2::text[]))
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp_)'
order by 1, 2";

/// The tables of these names that can be compared; a note for each that cannot.
pub(super) async fn tables(
    reading: &mut Reading,
    asking: &Asking<'_>,
    names: &BTreeSet<String>,
    with_schema: &BTreeSet<String>,
    notes: &mut Vec<String>,
) -> Result<Vec<Table>, NotObserved> {
    if names.is_empty() && with_schema.is_empty() {
        return Ok(Vec::new());
    }
    let bind = [json!(names), json!(with_schema)];
    let rows = reading.rows(asking, SIZES, &bind).await?;
    let mut tables = Vec::new();
    for row in &rows {
        let table = Table {
            schema: text(row, "schema"),
            name: text(row, "name"),
            by_content: int(row, "bytes") <= MAX_READ_BYTES,
        };
        let shown = table.shown();
        if row.get("readable") != Some(&Value::Bool(true)) {
            notes.push(format!(
                "{shown} was not compared: the role may not read it"
            ));
        } else if int(row, "bytes") > MAX_COUNTED_BYTES {
            notes.push(format!("{shown} was not compared: it is larger than 4 GiB"));
        } else if tables.len() >= MOST_TABLES {
            notes.push(format!(
                "{shown} was not compared: {MOST_TABLES} others were"
            ));
        } else {
            tables.push(table);
        }
    }
    Ok(tables)
}

/// How many rows each has and what they are, in one question.
pub(super) async fn figures(
    reading: &mut Reading,
    asking: &Asking<'_>,
    tables: &[Table],
) -> Result<Vec<(i64, String)>, NotObserved> {
    let parts: Vec<String> = tables
        .iter()
        .enumerate()
        .map(|(at, table)| {
            let name = quoted(&table.schema, &table.name);
            let hash = if table.by_content {
                "coalesce(sum(('x' || substr(md5(gonogo_row::text), 1, 15))::bit(60)::int8), 0)::text"
            } else {
                "''"
            };
            format!("select {at}::int8 as at, count(*) as n, {hash} as hash from only {name} as gonogo_row")
        })
        .collect();
    let mut figures = vec![(0, String::new()); tables.len()];
    if parts.is_empty() {
        return Ok(figures);
    }
    for row in reading
        .rows(asking, &parts.join(" union all "), &[])
        .await?
    {
        if let Some(place) = figures.get_mut(int(&row, "at") as usize) {
            *place = (int(&row, "n"), text(&row, "hash"));
        }
    }
    Ok(figures)
}

/// Compares the rows. Where nothing in the database could have written from elsewhere, another's rows are another's.
pub(super) fn compare_rows(
    tables: &[Table],
    before: &[(i64, String)],
    after: &[(i64, String)],
    means: &[String],
    proof: &mut RollbackProof,
) {
    for ((table, was), is) in tables.iter().zip(before).zip(after) {
        let shown = table.shown();
        if was != is {
            let seen = format!("{shown}: {} rows before, {} after", was.0, is.0);
            let same = if was.0 == is.0 {
                ", of other content"
            } else {
                ""
            };
            if means.is_empty() {
                proof.notes.push(format!(
                    "{seen}{same}: changed by somebody else meanwhile, for this gate's transaction was undone"
                ));
            } else {
                proof.differences.push(format!(
                    "{seen}{same}; that it was somebody else cannot be told, because of {}",
                    means.join(", ")
                ));
            }
        } else if !table.by_content {
            proof.notes.push(format!(
                "{shown} was only counted: it is larger than 32 MiB"
            ));
        }
        proof.tables.push(TableCompared {
            table: shown,
            rows_before: was.0.unsigned_abs(),
            rows_after: is.0.unsigned_abs(),
            by_content: table.by_content,
        });
    }
}

pub(super) const LEFT: &str = r"
select 'the session with process ' || a.pid || ' still has a transaction open' as what
from pg_catalog.pg_stat_activity a where a.pid = any ($1::int[]) and (a.xact_start is not null or a.backend_xid is not null)
union all
select distinct 'the session with process ' || l.pid || ' still holds a lock (' || l.locktype || ')'
from pg_catalog.pg_locks l where l.pid = any ($1::int[]) and l.locktype <> 'virtualxid'
union all
select 'the prepared transaction ' || p.gid || ' is there'
from pg_catalog.pg_prepared_xacts p where p.database = current_database() and p.prepared >= $2::timestamptz
union all
select 'transaction ' || x || ' is ' || coalesce(pg_catalog.txid_status(x), 'of unknown end') || ', not aborted'
from unnest($3::int8[]) x where pg_catalog.txid_status(x) is distinct from 'aborted'";

pub(super) fn text(row: &Map, key: &str) -> String {
    match row.get(key) {
        Some(Value::String(text)) => text.clone(),
        _ => String::new(),
    }
}

fn int(row: &Map, key: &str) -> i64 {
    match row.get(key) {
        Some(Value::Int(n)) => *n,
        _ => 0,
    }
}
