//! SQLite: a file, opened anew for each look. A kept connection would go on reading a file that was replaced meanwhile,
//! and opening one costs next to nothing.

mod read;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gonogo_core::Value;
use gonogo_core::record::Cause;
use rusqlite::config::DbConfig;
use rusqlite::ffi::ErrorCode;
use rusqlite::limits::Limit;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value as Json;

pub(crate) use read::{Reading, blocking};

use super::{SqliteTarget, sqlite_path};
use crate::ctx::Ctx;

/// A database file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Where it is on this machine.
    pub(crate) path: PathBuf,
    /// How it is recorded: no folder of this machine.
    pub(crate) shown: String,
}

impl File {
    /// The file of a target.
    pub(crate) fn of(target: &SqliteTarget, ctx: &Ctx) -> Result<Self, String> {
        let text = sqlite_path(&target.sqlite)?;
        let path = ctx.path(&text);
        let inside = path.strip_prefix(ctx.base_dir()).ok();
        let shown = match (inside, path.file_name()) {
            (Some(inside), _) => inside.display().to_string(),
            (None, Some(name)) => name.to_string_lossy().into_owned(),
            (None, None) => text,
        };
        Ok(Self { path, shown })
    }
}

/// Why nothing was seen, before it is a record.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What kind of trouble.
    pub(crate) cause: Cause,
    /// In words.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: Option<String>,
}

impl Failure {
    /// One of a kind.
    pub(crate) fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self {
            cause,
            message: message.into(),
            help: None,
        }
    }

    /// The same, with what to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// How long a blocking thread may work, and whether anybody still waits for it.
#[derive(Clone)]
pub(crate) struct Watch {
    /// The check's deadline.
    pub(crate) ctx: Ctx,
    /// Until when it waits for a lock.
    pub(crate) until: Instant,
    stop: Arc<AtomicBool>,
}

impl Watch {
    /// For one look. Dropping the second part stops it.
    pub(crate) fn new(ctx: &Ctx, wait: Duration) -> (Self, StopOnDrop) {
        let stop = Arc::new(AtomicBool::new(false));
        let watch = Self {
            ctx: ctx.clone(),
            until: ctx.now() + wait,
            stop: Arc::clone(&stop),
        };
        (watch, StopOnDrop(stop))
    }

    /// Whether there is no time left, or nobody waits.
    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.ctx.remaining().is_zero()
    }
}

/// Stops the blocking thread when nobody waits for it any more.
pub(crate) struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The longest value that is read.
const MAX_VALUE_BYTES: i32 = 64 * 1024 * 1024;

/// Opens the file; never makes one.
pub(crate) fn open(file: &File, watch: &Watch, reads: bool) -> Result<Connection, Failure> {
    let shown = &file.shown;
    match std::fs::metadata(&file.path) {
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
    let how = if reads {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    };
    let flags = how | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(&file.path, flags).map_err(|e| not_opened(shown, &e))?;
    prepared(connection, watch).map_err(|e| {
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

fn prepared(connection: Connection, watch: &Watch) -> rusqlite::Result<Connection> {
    // No statement may damage the file or plant what damages it when it is read.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)?;
    limit_time(connection, watch)
}

/// Bounds the connection by the time and the cancelling of one more look.
pub(crate) fn limit_time(
    mut connection: Connection,
    watch: &Watch,
) -> rusqlite::Result<Connection> {
    let over = watch.clone();
    connection.progress_handler(1000, Some(move || over.is_over()))?;
    let watch = watch.clone();
    connection.busy_handler(Some(move |tries: i32| {
        let (stop, now) = (watch.stop.load(Ordering::Relaxed), watch.ctx.now());
        if stop || now >= watch.until {
            return false;
        }
        // SQLite cannot tell when a lock is given back, so this is the way to wait for it.
        let pause = Duration::from_millis(1 << tries.clamp(0, 5));
        std::thread::sleep(pause.min(watch.until.saturating_duration_since(now)));
        true
    }))?;
    Ok(connection)
}

/// A value as SQLite takes it.
pub(crate) fn bound(json: &Json) -> ToSqlOutput<'static> {
    use rusqlite::types::Value as Sql;
    if let Some(bytes) = super::postgres::bytes_of(json) {
        return ToSqlOutput::Owned(Sql::Blob(bytes));
    }
    ToSqlOutput::Owned(match json {
        Json::Null => Sql::Null,
        Json::Bool(truth) => Sql::Integer((*truth).into()),
        Json::Number(n) => match (n.as_i64(), n.as_u64(), n.as_f64()) {
            (Some(i), _, _) => Sql::Integer(i),
            // Above what SQLite's integers hold: as text nothing is lost.
            (None, Some(u), _) => Sql::Text(u.to_string()),
            (None, None, Some(d)) => Sql::Real(d),
            (None, None, None) => Sql::Text(n.to_string()),
        },
        Json::String(text) => Sql::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => Sql::Text(json.to_string()),
    })
}

/// About how much of memory a value takes.
pub(crate) fn width(value: ValueRef<'_>) -> usize {
    16 + match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 0,
    }
}

/// SQLite's own types; a 0 or 1 in a column declared boolean is a truth value, as it is in PostgreSQL.
pub(crate) fn value(value: ValueRef<'_>, declared: &str) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(i @ (0 | 1)) if matches!(declared, "bool" | "boolean") => {
            Value::Bool(i == 1)
        }
        ValueRef::Integer(i) => Value::Int(i),
        ValueRef::Real(d) => Value::Double(d),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::String(text.to_owned()),
            Err(_) => Value::Bytes(bytes.to_vec()),
        },
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}
