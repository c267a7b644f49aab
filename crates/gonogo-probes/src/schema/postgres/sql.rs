//! What is asked of PostgreSQL's catalogue: `$1` are the namespaces, `$2` says whether there are several. A constant
//! number of questions, whatever the number of tables, and none that a role without rights to the tables could not
//! ask.

/// Everything that decides how expressions are written out, and that no row is hidden silently: `row_security = off`
/// makes a hidden row an error. With one namespace its names are bare; with several every name has its namespace.
pub(super) const SETTINGS: &str = "\
select set_config('search_path', $1, true), set_config('row_security', 'off', true),
       set_config('quote_all_identifiers', 'off', true), set_config('datestyle', 'ISO, YMD', true),
       set_config('intervalstyle', 'postgres', true), set_config('timezone', 'UTC', true),
       set_config('extra_float_digits', '1', true), set_config('bytea_output', 'hex', true)";

pub(super) const NAMESPACES: &str = "\
select nspname::text as name, nspname = any($1::text[]) as asked
from pg_namespace
where nspname !~ '^pg_' and nspname <> 'information_schema' or nspname = any($1::text[])
order by 1";

/// `{n}` and `{c}` are a namespace and a class or type in it; `{name}` its name.
fn name(namespace: &str, name: &str) -> String {
    format!(
        "case when not $2::bool and {namespace}.nspname = any($1::text[]) then {name}::text \
         else {namespace}.nspname || '.' || {name} end"
    )
}

fn not_of_an_extension(catalogue: &str, oid: &str) -> String {
    format!(
        "not exists (select from pg_depend d where d.classid = '{catalogue}'::regclass and d.objid = {oid} and d.deptype = 'e')"
    )
}

pub(super) fn relations() -> String {
    let (own, parent, owner) = (
        name("n", "c.relname"),
        name("pn", "p.relname"),
        name("tn", "t.relname"),
    );
    let ours = not_of_an_extension("pg_class", "c.oid");
    format!(
        "select {own} as name, c.relkind::text as kind, c.relpersistence::text as persistence,
       c.relrowsecurity as rls, c.relforcerowsecurity as rls_forced,
       case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end as definition,
       case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as partition_key,
       case when c.relispartition then pg_get_expr(c.relpartbound, c.oid) end as partition_bound,
       (select string_agg({parent}, ', ' order by i.inhseqno)
        from pg_inherits i join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace
        where i.inhrelid = c.oid and c.relkind in ('r', 'p', 'f')) as parents,
       has_table_privilege(c.oid, 'select') as readable,
       format_type(s.seqtypid, null) as sequence_type,
       format('start %s increment %s minimum %s maximum %s cache %s%s', s.seqstart, s.seqincrement, s.seqmin,
              s.seqmax, s.seqcache, case when s.seqcycle then ' cycle' end) as sequence_definition,
       exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i'
               and c.relkind = 'S') as of_identity,
       (select {owner} || '.' || a.attname
        from pg_depend d join pg_class t on t.oid = d.refobjid join pg_namespace tn on tn.oid = t.relnamespace
        join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
        where c.relkind = 'S' and d.classid = 'pg_class'::regclass and d.objid = c.oid
        and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') limit 1) as owned_by
from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_sequence s on s.seqrelid = c.oid
where n.nspname = any($1::text[]) and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and {ours}"
    )
}

pub(super) fn columns() -> String {
    let own = name("n", "c.relname");
    format!(
        "select {own} as of, a.attname::text as name, a.attnum::int4 as position,
       format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as nullable,
       pg_get_expr(d.adbin, d.adrelid) as expression, a.attidentity::text as identity,
       a.attgenerated::text as generated,
       case when a.attcollation <> t.typcollation and a.attcollation <> 0 then l.collname::text end as collation
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
join pg_type t on t.oid = a.atttypid left join pg_collation l on l.oid = a.attcollation
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where n.nspname = any($1::text[]) and c.relkind in ('r', 'p', 'f', 'v', 'm') and a.attnum > 0 and not a.attisdropped"
    )
}

pub(super) fn constraints() -> String {
    let (own, referenced) = (name("n", "c.relname"), name("rn", "r.relname"));
    let names = |of: &str, keys: &str| {
        format!(
            "array(select a.attname::text from unnest({keys}) with ordinality k(number, at) \
             join pg_attribute a on a.attrelid = {of} and a.attnum = k.number order by k.at)"
        )
    };
    let (columns, references) = (
        names("x.conrelid", "x.conkey"),
        names("x.confrelid", "x.confkey"),
    );
    format!(
        "select {own} as of, x.conname::text as name, x.contype::text as type, x.convalidated as validated,
       x.condeferrable as deferrable, x.condeferred as deferred, x.connoinherit as no_inherit,
       x.confupdtype::text as on_update, x.confdeltype::text as on_delete, x.confmatchtype::text as match,
       {columns} as columns, case when x.contype = 'f' then {references} end as references,
       case when x.contype = 'f' then {referenced} end as referenced,
       case when x.contype = 'c' then pg_get_expr(x.conbin, x.conrelid) end as expression,
       pg_get_constraintdef(x.oid) as definition
from pg_constraint x join pg_class c on c.oid = x.conrelid join pg_namespace n on n.oid = c.relnamespace
left join pg_class r on r.oid = x.confrelid left join pg_namespace rn on rn.oid = r.relnamespace
where n.nspname = any($1::text[]) and x.contype in ('p', 'u', 'f', 'c', 'x')"
    )
}

pub(super) fn indexes() -> String {
    let own = name("n", "c.relname");
    format!(
        "select {own} as of, i.relname::text as name, x.indisunique as is_unique,
       x.indisvalid and x.indisready as valid, m.amname::text as method,
       pg_get_indexdef(x.indexrelid) as definition, pg_get_expr(x.indpred, x.indrelid) as predicate,
       con.conindid is not null as is_constraint,
       array(select case when x.indkey[k - 1] = 0 then pg_get_indexdef(x.indexrelid, k, true) else a.attname::text end
             from generate_series(1, x.indnkeyatts::int) k
             left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[k - 1]
             order by k) as columns
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
join pg_namespace n on n.oid = c.relnamespace join pg_am m on m.oid = i.relam
left join (select distinct conindid from pg_constraint where contype in ('p', 'u', 'x')) con
       on con.conindid = x.indexrelid
where n.nspname = any($1::text[])"
    )
}

pub(super) fn triggers() -> String {
    let (own, function) = (name("n", "c.relname"), name("pn", "p.proname"));
    format!(
        "select {own} as of, t.tgname::text as name, t.tgtype::int4 as type, t.tgenabled::text as enabled,
       {function} as function, pg_get_triggerdef(t.oid, true) as definition
from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
join pg_proc p on p.oid = t.tgfoid join pg_namespace pn on pn.oid = p.pronamespace
where n.nspname = any($1::text[]) and not t.tgisinternal"
    )
}

pub(super) fn policies() -> String {
    let own = name("n", "c.relname");
    format!(
        "select {own} as of, x.polname::text as name,
       format('%s for %s to %s%s%s', case when x.polpermissive then 'permissive' else 'restrictive' end,
              case x.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                            when 'd' then 'delete' else 'all' end,
              coalesce((select string_agg(r.rolname, ', ' order by r.rolname) from pg_roles r
                        where r.oid = any(x.polroles)), 'public'),
              ' using (' || pg_get_expr(x.polqual, x.polrelid) || ')',
              ' with check (' || pg_get_expr(x.polwithcheck, x.polrelid) || ')') as definition
from pg_policy x join pg_class c on c.oid = x.polrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($1::text[])"
    )
}

pub(super) fn types() -> String {
    let own = name("n", "t.typname");
    let ours = not_of_an_extension("pg_type", "t.oid");
    format!(
        "select {own} as name, t.typtype::text as kind,
       array(select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder) as labels,
       format_type(t.typbasetype, t.typtypmod) as type, not t.typnotnull as nullable, t.typdefault as expression,
       array(select x.conname::text from pg_constraint x where x.contypid = t.oid and x.contype = 'c'
             order by x.conname) as check_names,
       array(select pg_get_constraintdef(x.oid) from pg_constraint x where x.contypid = t.oid and x.contype = 'c'
             order by x.conname) as check_definitions
from pg_type t join pg_namespace n on n.oid = t.typnamespace
where n.nspname = any($1::text[]) and t.typtype in ('e', 'd') and {ours}"
    )
}

pub(super) fn functions() -> String {
    let own = name("n", "p.proname");
    let ours = not_of_an_extension("pg_proc", "p.oid");
    format!(
        "select {own} || '(' || oidvectortypes(p.proargtypes) || ')' as name, p.prokind::text as kind,
       pg_get_function_result(p.oid) as returns, l.lanname::text as language,
       case when p.prokind <> 'a' then pg_get_functiondef(p.oid) else '' end as definition
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
where n.nspname = any($1::text[]) and {ours}"
    )
}

pub(super) const EXTENSIONS: &str =
    "select extname::text as name, extversion as version from pg_extension";
