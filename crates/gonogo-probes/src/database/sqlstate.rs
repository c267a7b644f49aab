//! The names of error codes: those of PostgreSQL, onto which SQLite's own codes are laid.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The condition's name: `unique_violation` of `23505`; that of its class for a code that has none, and the code
/// itself where the class is unknown too (a code that an application made up).
pub(crate) fn name(sqlstate: &str) -> &str {
    let table = table();
    table
        .get(sqlstate)
        .copied()
        .unwrap_or_else(|| class(sqlstate))
}

/// The name of the code's class: `integrity_constraint_violation` of `23505`.
pub(crate) fn class(sqlstate: &str) -> &str {
    sqlstate
        .get(..2)
        .and_then(|two| table().get(format!("{two}000").as_str()).copied())
        .unwrap_or(sqlstate)
}

/// The code of a name that the table has.
pub(crate) fn code(name: &str) -> Option<&'static str> {
    table()
        .iter()
        .find(|(_, known)| **known == name)
        .map(|(code, _)| *code)
}

fn table() -> &'static BTreeMap<&'static str, &'static str> {
    static TABLE: OnceLock<BTreeMap<&'static str, &'static str>> = OnceLock::new();
    TABLE.get_or_init(|| {
        include_str!("sqlstates.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(' '))
            .collect()
    })
}

/// The condition that an error of SQLite is, from its extended result code and its text.
pub(crate) fn of_sqlite(extended: i32, message: &str) -> &'static str {
    use rusqlite::ffi;
    match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => "unique_violation",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "foreign_key_violation",
        ffi::SQLITE_CONSTRAINT_CHECK => "check_violation",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "not_null_violation",
        ffi::SQLITE_CONSTRAINT_TRIGGER => "raise_exception",
        ffi::SQLITE_CONSTRAINT_DATATYPE => "datatype_mismatch",
        _ => of_primary(extended & 0xff, message),
    }
}

fn of_primary(code: i32, message: &str) -> &'static str {
    use rusqlite::ffi;
    match code {
        ffi::SQLITE_CONSTRAINT => "integrity_constraint_violation",
        ffi::SQLITE_READONLY => "read_only_sql_transaction",
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => "lock_not_available",
        ffi::SQLITE_INTERRUPT => "query_canceled",
        ffi::SQLITE_AUTH | ffi::SQLITE_PERM => "insufficient_privilege",
        ffi::SQLITE_MISMATCH => "datatype_mismatch",
        ffi::SQLITE_TOOBIG => "program_limit_exceeded",
        ffi::SQLITE_FULL => "disk_full",
        ffi::SQLITE_NOMEM => "out_of_memory",
        ffi::SQLITE_CORRUPT => "data_corrupted",
        ffi::SQLITE_RANGE => "undefined_parameter",
        ffi::SQLITE_ERROR => of_text(message),
        _ => "internal_error",
    }
}

/// SQLite has one code for all that is wrong with a statement; only the text tells them apart.
fn of_text(message: &str) -> &'static str {
    const TEXTS: [(&str, &str); 13] = [
        ("no such table:", "undefined_table"),
        ("no such view:", "undefined_table"),
        ("no such index:", "undefined_object"),
        ("no such column:", "undefined_column"),
        ("has no column named", "undefined_column"),
        ("no such function:", "undefined_function"),
        (
            "wrong number of arguments to function",
            "undefined_function",
        ),
        ("no such collation sequence:", "undefined_object"),
        ("ambiguous column name:", "ambiguous_column"),
        ("already exists", "duplicate_table"),
        ("integer overflow", "numeric_value_out_of_range"),
        ("malformed JSON", "invalid_text_representation"),
        ("foreign key mismatch", "invalid_foreign_key"),
    ];
    TEXTS
        .iter()
        .find(|(text, _)| message.contains(text))
        .map_or("syntax_error", |(_, name)| name)
}
