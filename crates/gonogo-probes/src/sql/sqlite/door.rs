//! Opening a SQLite file, and what a statement may touch once it is open.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gonogo_core::record::Cause;
use rusqlite::config::DbConfig;
use rusqlite::ffi::ErrorCode;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::{Failure, Work};
use crate::sql::statement::Mode;

/// The longest value that is read.
const MAX_VALUE_BYTES: i32 = 64 * 1024 * 1024;

/// Opens the file as the mode needs it; never makes one.
pub(super) fn open(work: &Work) -> Result<Connection, Failure> {
    let shown = &work.file.shown;
    match std::fs::metadata(&work.file.path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => {
            return Err(Failure::new(
                Cause::Missing,
                format!("`{shown}` is no file, so no database"),
            ));
        }
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(Failure::new(Cause::Denied, format!("`{shown}`: {e}")));
        }
        Err(e) => {
            return Err(
                Failure::new(Cause::Missing, format!("there is no file `{shown}`: {e}"))
                    .help("a relative path starts from the plan's folder"),
            );
        }
    }
    let how = if work.mode == Mode::Read {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    };
    let flags = how | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(&work.file.path, flags).map_err(|e| not_opened(shown, &e))?;
    prepared(connection, work).map_err(|e| {
        Failure::new(
            Cause::Protocol,
            format!("`{shown}` could not be set up: {e}"),
        )
    })
}

fn not_opened(shown: &str, error: &rusqlite::Error) -> Failure {
    let cause = match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Cause::Denied,
        _ => Cause::Protocol,
    };
    Failure::new(cause, format!("`{shown}` could not be opened: {error}"))
        .help("may this user read the file, and its folder, where a `-wal` file lies beside it?")
}

fn prepared(connection: Connection, work: &Work) -> rusqlite::Result<Connection> {
    // No statement may damage the file or plant what damages it when it is read.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)?;
    limit_time(connection, work)
}

/// Bounds the connection by the time and the cancelling of one more check.
pub(super) fn limit_time(mut connection: Connection, work: &Work) -> rusqlite::Result<Connection> {
    let (ctx, stop) = (work.ctx.clone(), Arc::clone(&work.stop));
    let is_over =
        move || stop.load(std::sync::atomic::Ordering::Relaxed) || ctx.remaining().is_zero();
    connection.progress_handler(1000, Some(is_over))?;
    let (ctx, stop, until) = (work.ctx.clone(), Arc::clone(&work.stop), work.until);
    connection.busy_handler(Some(move |tries: i32| {
        if stop.load(std::sync::atomic::Ordering::Relaxed) || ctx.now() >= until {
            return false;
        }
        // SQLite cannot tell when a lock is given back, so this is the way to wait for it.
        let pause = Duration::from_millis(1 << tries.clamp(0, 5));
        std::thread::sleep(pause.min(until.saturating_duration_since(ctx.now())));
        true
    }))?;
    Ok(connection)
}

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
