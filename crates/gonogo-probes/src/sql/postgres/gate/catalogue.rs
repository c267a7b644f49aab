//! Reading the catalogue, in one question.

use gonogo_core::record::{Cause, NotObserved};
use gonogo_core::{Map, Value};
use serde_json::json;

use super::reach::{Act, Catalogue, Lazily, Sequence, When};
use crate::database::Asking;
use crate::database::postgres::Reading;
use crate::sql::statement::{HARMLESS, HARMLESS_EXTENSIONS, Mentions, mentions};

/// `a`, `b`, `c` mean what [`add`] takes them for.
const SQL: &str = r"
with ns as (
  select oid, nspname::text as schema from pg_catalog.pg_namespace
  where nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp_)'
), ext as (
  select d.classid, d.objid, e.extname::text as extension
  from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
  where d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::regclass
), rel as (
  select c.oid, ns.schema, c.relname::text as name, c.relkind, c.relowner
  from pg_catalog.pg_class c join ns on ns.oid = c.relnamespace
)
select 'function' as kind, p.proname::text as name, l.lanname::text as a,
  case when l.lanname in ('sql', 'plpgsql') and p.prokind <> 'a' then pg_catalog.pg_get_functiondef(p.oid) end as b,
  ext.extension as c
from pg_catalog.pg_proc p join ns on ns.oid = p.pronamespace join pg_catalog.pg_language l on l.oid = p.prolang
  left join ext on ext.classid = 'pg_catalog.pg_proc'::regclass and ext.objid = p.oid
where p.prokind <> 'a'
union all
select 'aggregate', p.proname::text, null, concat_ws(' ', g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn,
  g.aggdeserialfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn), null
from pg_catalog.pg_aggregate g join pg_catalog.pg_proc p on p.oid = g.aggfnoid join ns on ns.oid = p.pronamespace
union all
select 'relation', name, schema, relkind::text, null from rel where relkind in ('r', 'p', 'v', 'm', 'f')
union all
select 'trigger', rel.name, t.tgname::text, pg_catalog.pg_get_triggerdef(t.oid), p.proname::text
from pg_catalog.pg_trigger t join rel on rel.oid = t.tgrelid join pg_catalog.pg_proc p on p.oid = t.tgfoid
where not t.tgisinternal
union all
select 'rule', rel.name, r.rulename::text, pg_catalog.pg_get_ruledef(r.oid), rel.relkind::text
from pg_catalog.pg_rewrite r join rel on rel.oid = r.ev_class
union all
select 'default', rel.name, d.adrelid::text, pg_catalog.pg_get_expr(d.adbin, d.adrelid), null
from pg_catalog.pg_attrdef d join rel on rel.oid = d.adrelid
union all
select 'check', rel.name, c.conname::text, pg_catalog.pg_get_constraintdef(c.oid), null
from pg_catalog.pg_constraint c join rel on rel.oid = c.conrelid where c.contype in ('c', 'x')
union all
select 'index', rel.name, i.indexrelid::regclass::text, pg_catalog.pg_get_indexdef(i.indexrelid), null
from pg_catalog.pg_index i join rel on rel.oid = i.indrelid where i.indexprs is not null or i.indpred is not null
union all
select 'policy', rel.name, p.polname::text, concat_ws(' , ', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
  pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)), null
from pg_catalog.pg_policy p join rel on rel.oid = p.polrelid
union all
select 'cascade', parent.name, c.conname::text, child.name, null
from pg_catalog.pg_constraint c join rel parent on parent.oid = c.confrelid join rel child on child.oid = c.conrelid
where c.contype = 'f'
union all
select 'child', parent.name, null, child.name, null
from pg_catalog.pg_inherits i join rel parent on parent.oid = i.inhparent join rel child on child.oid = i.inhrelid
union all
select 'operator', o.oprname::text, null, concat_ws(' ', o.oprcode, o.oprrest, o.oprjoin), ext.extension
from pg_catalog.pg_operator o join ns on ns.oid = o.oprnamespace
  left join ext on ext.classid = 'pg_catalog.pg_operator'::regclass and ext.objid = o.oid
union all
select 'cast', pg_catalog.format_type(c.castsource, null), pg_catalog.format_type(c.casttarget, null), p.proname::text,
  ext.extension
from pg_catalog.pg_cast c join pg_catalog.pg_proc p on p.oid = c.castfunc join ns on ns.oid = p.pronamespace
  left join ext on ext.classid = 'pg_catalog.pg_cast'::regclass and ext.objid = c.oid
union all
select 'domain', t.typname::text, c.conname::text, pg_catalog.pg_get_constraintdef(c.oid), null
from pg_catalog.pg_constraint c join pg_catalog.pg_type t on t.oid = c.contypid join ns on ns.oid = t.typnamespace
union all
select 'event', e.evtname::text, null, p.proname::text, null
from pg_catalog.pg_event_trigger e join pg_catalog.pg_proc p on p.oid = e.evtfoid where e.evtenabled <> 'D'
union all
select distinct 'unknown', p.proname::text, null, null, null
from pg_catalog.pg_proc p
where p.pronamespace = 'pg_catalog'::regnamespace and p.provolatile = 'v' and p.proname <> all ($1::text[])
  and p.prorettype <> all ('{trigger,event_trigger,internal,cstring,language_handler,fdw_handler,index_am_handler,tsm_handler,table_am_handler}'::regtype[])
  and not ('internal'::regtype = any (p.proargtypes) or 'cstring'::regtype = any (p.proargtypes))
union all
select 'means', 'the extension ' || extname, null, null, null from pg_catalog.pg_extension where extname <> all ($2::text[])
union all
select 'means', 'the language ' || lanname, null, null, null
from pg_catalog.pg_language where not lanpltrusted and lanname not in ('internal', 'c')
union all
select 'means', 'the foreign server ' || srvname, null, null, null from pg_catalog.pg_foreign_server
union all
select 'means', 'the role is a superuser', null, null, null
from pg_catalog.pg_roles where rolname = session_user and rolsuper
union all
select 'means', 'the role may ' || substr(rolname, 4), null, null, null
from pg_catalog.pg_roles
where rolname in ('pg_execute_server_program', 'pg_write_server_files') and pg_catalog.pg_has_role(session_user, oid, 'member')
union all
select 'sequence', rel.name, rel.schema, t.relname::text,
  pg_catalog.has_sequence_privilege(rel.oid, 'select')::text
from rel left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = rel.oid
    and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i')
  left join pg_catalog.pg_class t on t.oid = d.refobjid
where rel.relkind = 'S'";

/// Reads what the statements of a gate may reach.
pub(super) async fn read(
    before: &mut Reading,
    asking: &Asking<'_>,
) -> Result<Catalogue, NotObserved> {
    let bind = [json!(HARMLESS), json!(HARMLESS_EXTENSIONS)];
    let rows = before.rows(asking, SQL, &bind).await?;
    let mut catalogue = Catalogue::default();
    for row in &rows {
        let Some(kind) = text(row, "kind") else {
            return Err(asking.failed(Cause::Protocol, "the catalogue was not understood"));
        };
        add(&mut catalogue, kind, row);
    }
    Ok(catalogue)
}

fn text<'a>(row: &'a Map, key: &str) -> Option<&'a str> {
    match row.get(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Takes one row.
pub(super) fn add(catalogue: &mut Catalogue, kind: &str, row: &Map) {
    let name = text(row, "name").unwrap_or_default().to_owned();
    let field = |key| text(row, key).unwrap_or_default();
    let (a, b, c) = (field("a"), field("b"), field("c"));
    match kind {
        "unknown" => {
            catalogue.unknown.insert(name);
        }
        "means" => catalogue.means.push(name),
        "sequence" => catalogue.sequences.push(Sequence {
            schema: a.to_owned(),
            name,
            table: (!b.is_empty()).then(|| b.to_owned()),
            readable: c == "true",
        }),
        "event" => {
            let act = act(format!("event trigger {name}"), When::Read, name_of(b));
            catalogue.on_definition.push(act);
        }
        // What an extension's operators and casts are made of is in C, and only computes.
        "operator" | "cast" if !c.is_empty() => {}
        "operator" | "cast" | "domain" => {
            let act = act(format!("{kind} {name}"), When::Read, of(b));
            catalogue.everywhere.push(act);
        }
        _ => {
            if kind == "relation" {
                let schemas = catalogue.relations.entry(name.clone()).or_default();
                schemas.insert(a.to_owned());
            }
            if let Some(act) = on_name(kind, &name, (a, b, c)) {
                catalogue.acts.entry(name).or_default().push(act);
            }
        }
    }
}

fn act(what: String, when: When, mentions: Lazily) -> Act {
    Act {
        what,
        when,
        mentions,
    }
}

/// What a text mentions.
fn of(text: &str) -> Lazily {
    let text = text.to_owned();
    Lazily::new(Box::new(move || mentions(&text)))
}

/// One name and nothing else.
fn name_of(name: &str) -> Lazily {
    let names = [name.to_owned()].into();
    Lazily::new(Box::new(move || Mentions {
        names,
        ..Mentions::default()
    }))
}

/// What cannot be made in a gate.
fn escape(why: String) -> Lazily {
    Lazily::new(Box::new(move || Mentions {
        escape: Some(why),
        ..Mentions::default()
    }))
}

/// What acts when a name is used.
fn on_name(kind: &str, name: &str, (a, b, c): (&str, &str, &str)) -> Option<Act> {
    Some(match kind {
        "function" => act(format!("function {name}"), When::Called, function(a, b, c)?),
        "aggregate" => act(format!("aggregate {name}"), When::Read, of(b)),
        "relation" if b == "f" => {
            let found = escape("its rows are on a foreign server".to_owned());
            act(format!("foreign table {name}"), When::Read, found)
        }
        "trigger" => {
            let (text, called) = (b.to_owned(), c.to_owned());
            let found = Lazily::new(Box::new(move || {
                let mut found = mentions(&text);
                found.names.insert(called);
                found
            }));
            act(format!("trigger {a}"), When::Changed, found)
        }
        "rule" if matches!(c, "v" | "m") => act(format!("view {name}"), When::Read, of(b)),
        "rule" => act(format!("rule {a}"), When::Read, of(b)),
        "default" => act("a column's default".to_owned(), When::Changed, of(b)),
        "check" => act(format!("constraint {a}"), When::Changed, of(b)),
        "index" => act(format!("index {a}"), When::Changed, of(b)),
        "policy" => act(format!("policy {a}"), When::Read, of(b)),
        "cascade" => act(format!("foreign key {a}"), When::Changed, name_of(b)),
        "child" => act(format!("table {b}"), When::Read, name_of(b)),
        _ => return None,
    })
}

/// Nothing for a function in C of a harmless extension: it computes.
fn function(language: &str, definition: &str, extension: &str) -> Option<Lazily> {
    Some(match language {
        "sql" | "plpgsql" => of(definition),
        "c" | "internal" if HARMLESS_EXTENSIONS.contains(&extension) => return None,
        other => escape(match extension {
            "" => format!("it is written in the language `{other}`, which cannot be read"),
            extension => {
                format!("what the extension `{extension}` does is not known to be undone")
            }
        }),
    })
}
