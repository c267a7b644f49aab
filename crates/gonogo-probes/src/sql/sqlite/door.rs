//! What a statement may touch once a SQLite file is open.

use std::sync::{Arc, Mutex, PoisonError};

use gonogo_core::record::Cause;
use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::database::sqlite::Failure;
use crate::sql::statement::Mode;

/// Prepares the check's statement under the eyes of SQLite's own parser: what it asks for is what it does.
pub(super) fn guarded<T>(
    connection: &mut Connection,
    mode: Mode,
    prepare: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<rusqlite::Result<T>, Failure> {
    let denied = Arc::new(Mutex::new(None::<String>));
    let noted = Arc::clone(&denied);
    let guard = move |asked: AuthContext<'_>| match refusal(&asked.action, mode) {
        None => Authorization::Allow,
        Some(why) => {
            *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            Authorization::Deny
        }
    };
    let set = |e: rusqlite::Error| Failure::new(Cause::Bug, e.to_string());
    connection.authorizer(Some(guard)).map_err(set)?;
    let prepared = prepare(connection);
    connection
        .authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
        .map_err(set)?;
    let denied = denied.lock().unwrap_or_else(PoisonError::into_inner).take();
    match denied {
        Some(why) => Err(Failure::new(Cause::BadOptions, why)),
        None => Ok(prepared),
    }
}

fn refusal(action: &AuthAction<'_>, mode: Mode) -> Option<String> {
    match action {
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
            Some("transactions are gonogo's to open and end, not a check's".to_owned())
        }
        // `VACUUM` attaches a nameless file of its own.
        AuthAction::Attach { filename } if mode == Mode::Write && filename.is_empty() => None,
        AuthAction::Attach { .. } => Some("a check sees the target's file and no other".to_owned()),
        AuthAction::Detach { .. } if mode != Mode::Write => {
            Some("a check sees the target's file and no other".to_owned())
        }
        AuthAction::Function { function_name } if *function_name == "load_extension" => {
            Some("extensions are not loaded".to_owned())
        }
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } if mode != Mode::Write => pragma_refusal(pragma_name, *pragma_value),
        _ => None,
    }
}

/// Settings that are asked for, not set, and those whose value is what they are asked about.
fn pragma_refusal(name: &str, value: Option<&str>) -> Option<String> {
    const ASKED_ABOUT: [&str; 11] = [
        "table_info",
        "table_xinfo",
        "table_list",
        "index_list",
        "index_info",
        "index_xinfo",
        "foreign_key_list",
        "foreign_key_check",
        "integrity_check",
        "quick_check",
        "database_list",
    ];
    const PLAIN: [&str; 16] = [
        "application_id",
        "auto_vacuum",
        "collation_list",
        "compile_options",
        "data_version",
        "encoding",
        "foreign_keys",
        "freelist_count",
        "function_list",
        "journal_mode",
        "journal_size_limit",
        "page_count",
        "page_size",
        "schema_version",
        "synchronous",
        "user_version",
    ];
    let name = name.to_ascii_lowercase();
    let known =
        ASKED_ABOUT.contains(&name.as_str()) || value.is_none() && PLAIN.contains(&name.as_str());
    (!known).then(|| format!("`PRAGMA {name}` changes a setting, or is not known to only read"))
}
