//! Names that a check found out: each must be one that the database has.

use std::collections::BTreeMap;

use gonogo_core::diag::nearest;
use gonogo_core::record::Cause;

/// The names that PostgreSQL has of schemas, tables, views, sequences, indexes, columns, types and functions.
pub(super) const POSTGRES: &str = "select name from (
    select nspname::text as name, nspname from pg_catalog.pg_namespace
    union all
    select c.relname::text, n.nspname
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    union all
    select a.attname::text, n.nspname
        from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where a.attnum > 0 and not a.attisdropped
    union all
    select t.typname::text, n.nspname
        from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
    union all
    select p.proname::text, n.nspname
        from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
) as names";

/// Those that are asked for.
pub(super) const POSTGRES_ASKED: &str = "where name = any($1) group by name";

/// Those that somebody may have meant: what users made.
pub(super) const POSTGRES_OTHERS: &str =
    "where nspname not like 'pg\\_%' and nspname <> 'information_schema' group by name limit 20000";

/// The names that SQLite has.
pub(super) const SQLITE: &str = "select name from pragma_database_list
    union select name from sqlite_schema
    union select c.name from sqlite_schema s, pragma_table_xinfo(s.name) c
    union select name from pragma_function_list
    union select name from pragma_collation_list";

/// A name that is not there.
pub(super) struct Unknown {
    pub(super) message: String,
    pub(super) help: String,
}

impl Unknown {
    pub(super) const CAUSE: Cause = Cause::Missing;

    pub(super) fn new<'a>(
        key: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Self {
        let message = format!(
            "the database has no schema, table, column, type, function or sequence that is called `{name}` (`:\"{key}\"`)"
        );
        let same = |known: &&str| known.eq_ignore_ascii_case(name);
        let near = known
            .clone()
            .into_iter()
            .find(same)
            .or_else(|| nearest(name, known));
        let help = match near {
            Some(near) => format!(
                "did you mean `{near}`? Names are taken as the database keeps them, case included"
            ),
            None if name.contains('.') => "one name at a time: `:\"schema\".:\"table\"`".to_owned(),
            None if name.contains(' ') => {
                "information_schema's `data_type` describes a type; its name is in `udt_name`"
                    .to_owned()
            }
            None => "names are taken as the database keeps them, case included".to_owned(),
        };
        Self { message, help }
    }
}

/// The first of the names wanted that is not among those found, with its key.
pub(super) fn first_unknown<'a>(
    wanted: &'a BTreeMap<&'a str, &'a str>,
    found: &[String],
) -> Option<(&'a str, &'a str)> {
    let mut wanted = wanted.iter();
    wanted
        .find(|(_, name)| !found.iter().any(|f| f == *name))
        .map(|(key, name)| (*key, *name))
}
