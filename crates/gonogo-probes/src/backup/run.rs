//! The observing: taken or found, and restored where that is asked.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use gonogo_core::record::{Cause, NotObserved, TargetSeen};

use super::existing::{self, Place};
use super::format::Format;
use super::observed::{self, Found, Proof};
use super::portrait::{Comparison, compare};
use super::programs::{self, Broken, Way};
use super::scratch::Scratch;
use super::syntax::{BackupOptions, TAKE};
use super::{catalogue, dump, sqlite};
use crate::database::dsn::Dsn;
use crate::database::postgres::Reading;
use crate::database::{Asking, Kind, postgres_dsn, sqlite_file};
use crate::probe::{Call, Seen};

/// What is kept of the check's time for dropping the scratch database.
const RESERVE: Duration = Duration::from_secs(5);

const VERSION: &str = "select current_setting('server_version_num')::int4 / 10000 as major";
const EXPORT: &str = "select pg_export_snapshot() as id";

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let bad = |message: String| call.ctx.not_observed("backup", Cause::BadOptions, message);
    let options: BackupOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let target = call
        .target
        .ok_or_else(|| bad("the environment has no database target".to_owned()))?;
    // What is under way when the time is nearly over must still be cleaned up.
    let left = call.ctx.remaining();
    let ctx = if options.restore {
        call.ctx.again(left.saturating_sub(RESERVE.min(left / 4)))
    } else {
        call.ctx.clone()
    };
    let path = (options.backup != TAKE).then(|| Place::of(&ctx, &options.backup));
    let asking = Asking {
        ctx: &ctx,
        target: &target.name,
        tried: match &path {
            None => "backup".to_owned(),
            Some(place) => format!("backup {}", place.shown),
        },
        writes: options.restore,
    };
    let work = async {
        match Kind::of(target).map_err(&bad)? {
            Kind::Postgres => {
                let dsn = postgres_dsn(target).map_err(&bad)?;
                match &path {
                    None => take(&asking, &dsn, options.restore).await,
                    Some(place) => look(&asking, &dsn, place, options.restore).await,
                }
            }
            Kind::Sqlite => {
                let file = sqlite_file(target, &ctx).map_err(&bad)?;
                sqlite::observe(&asking, file, path.as_ref(), options.restore).await
            }
            Kind::MySql => Err(bad(
                "backups of MySQL and MariaDB are not known: a target is `postgres` or `sqlite`"
                    .to_owned(),
            )),
        }
    };
    work.await
}

async fn take(asking: &Asking<'_>, dsn: &Arc<Dsn>, restore: bool) -> Result<Seen, NotObserved> {
    let mut reading = Reading::open(asking, dsn).await?;
    let major = major(asking, &mut reading).await?;
    // One snapshot for the dump and for the counting: what is written meanwhile is in neither.
    let snapshot = if restore {
        let rows = reading.rows(asking, EXPORT, &[]).await?;
        rows.first().map(|row| catalogue::text(row, "id"))
    } else {
        None
    };
    let way = Way::to(asking, dsn).await?;
    let taken = dump::take(asking, &way, major, snapshot.as_deref()).await?;
    let mut found = taken.found;
    if restore {
        let archive = Archive::Taken(&taken.file);
        found.proof = Some(prove(asking, dsn, &mut reading, way, &archive).await?);
    }
    let target = seen_target(asking, &reading);
    reading.close(asking).await;
    Ok(observed::seen(target, Some(found)))
}

async fn look(
    asking: &Asking<'_>,
    dsn: &Arc<Dsn>,
    place: &Place,
    restore: bool,
) -> Result<Seen, NotObserved> {
    // Without a restore nobody asks the server; the target says which kind of backup is meant.
    let unasked = TargetSeen {
        name: asking.target.to_owned(),
        address: dsn.shown(),
        engine: None,
    };
    let Some(seen) = existing::outside(asking, place)? else {
        return Ok(observed::seen(unasked, None));
    };
    let mut found = existing::look(asking, place, &seen).await?;
    if !restore || found.problem.is_some() {
        return Ok(observed::seen(unasked, Some(found)));
    }
    match found.format {
        Some(Format::Plain) => {
            return Err(asking.failed_with_help(
                Cause::BadOptions,
                "a plain dump is a script for psql, which may run any program of this machine: it is not restored here",
                "dump with `pg_dump -Fc`, or take out `restore: true`",
            ));
        }
        Some(Format::Sqlite) => {
            return Err(asking.failed(
                Cause::BadOptions,
                "the backup is of SQLite, and the target is PostgreSQL",
            ));
        }
        _ => {}
    }
    let mut reading = Reading::open(asking, dsn).await?;
    let way = Way::to(asking, dsn).await?;
    let archive = Archive::There(place, found.format);
    found.proof = Some(prove(asking, dsn, &mut reading, way, &archive).await?);
    let target = seen_target(asking, &reading);
    reading.close(asking).await;
    Ok(observed::seen(target, Some(found)))
}

fn seen_target(asking: &Asking<'_>, reading: &Reading) -> TargetSeen {
    let (address, engine) = reading.address_and_engine();
    TargetSeen {
        name: asking.target.to_owned(),
        address,
        engine: Some(engine),
    }
}

async fn major(asking: &Asking<'_>, reading: &mut Reading) -> Result<u32, NotObserved> {
    let rows = reading.rows(asking, VERSION, &[]).await?;
    let major = rows.first().and_then(|row| row.get("major")?.as_int());
    major
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(|| asking.failed(Cause::Protocol, "the server does not say its version"))
}

/// What is restored.
enum Archive<'a> {
    /// A dump in a file without a name.
    Taken(&'a std::fs::File),
    /// One that is there.
    There(&'a Place, Option<Format>),
}

/// Restores it into a scratch database, compares, and drops that again: also when the run is stopped.
async fn prove(
    asking: &Asking<'_>,
    dsn: &Arc<Dsn>,
    reading: &mut Reading,
    way: Way,
    archive: &Archive<'_>,
) -> Result<Proof, NotObserved> {
    let began = asking.ctx.now();
    let mut scratch = Scratch::make(asking, dsn, reading).await?;
    let leftovers = std::mem::take(&mut scratch.leftovers);
    let way = way.database(scratch.name());
    let restoring = async {
        let refused = restore(asking, &way, scratch.name(), archive).await?;
        let took = began.elapsed();
        if let Some(why) = refused {
            return Ok((took, Err(why)));
        }
        Ok((took, Ok(compared(asking, reading, &scratch).await?)))
    };
    let done = tokio::select! {
        done = restoring => done,
        () = asking.ctx.cancelled() => {
            Err(asking.failed(Cause::Interrupted, "the run was stopped while the backup was being restored"))
        }
    };
    let ended = scratch.end().await;
    let (took, outcome) = done?;
    ended?;
    Ok(Proof {
        took,
        outcome,
        leftovers,
    })
}

async fn compared(
    asking: &Asking<'_>,
    reading: &mut Reading,
    scratch: &Scratch,
) -> Result<Comparison, NotObserved> {
    let there = catalogue::portrait(asking, reading).await?;
    let mut copy = scratch.read(asking).await?;
    let restored = catalogue::portrait(asking, &mut copy).await?;
    copy.close(asking).await;
    Ok(compare(&there, &restored))
}

/// Why it could not be restored; nothing where it was. Everything belongs to the role that restores, and nothing of it
/// reaches out: no subscription, no publication, no tablespace, no right of anybody.
async fn restore(
    asking: &Asking<'_>,
    way: &Way,
    scratch: &str,
    archive: &Archive<'_>,
) -> Result<Option<String>, NotObserved> {
    let mut arguments = vec![
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        "--no-publications",
        "--no-subscriptions",
        "--no-tablespaces",
        "--no-password",
        "--dbname",
        scratch,
    ];
    let path;
    let from = match archive {
        Archive::Taken(file) => Some(dump::again(asking, file).await?),
        // Through a pipe of ours: where gonogo is killed, the restore ends with it.
        Archive::There(place, Some(Format::Custom)) => {
            let opened = tokio::fs::File::open(&place.path).await;
            Some(opened.map_err(|e| {
                asking.failed(
                    Cause::Missing,
                    format!("`{}` cannot be read: {e}", place.shown),
                )
            })?)
        }
        Archive::There(place, _) => {
            path = place.path.display().to_string();
            arguments.push(&path);
            None
        }
    };
    let mut command = programs::program(asking, "pg_restore", &arguments, Some(way));
    if from.is_some() {
        command.stdin(Stdio::piped());
    }
    let child = programs::start(asking, "pg_restore", &mut command)?;
    match programs::piped(asking, child, from, tokio::io::sink()).await {
        Err(Broken::Time) => Err(programs::too_long(asking, "pg_restore")),
        Err(Broken::Io(e)) => Err(asking.failed(
            Cause::Network,
            format!("`pg_restore` could not be fed: {e}"),
        )),
        Ok(ended) if ended.status.success() => Ok(None),
        Ok(ended) => {
            let words = ended.words();
            // Without room on the server nothing is known about the backup.
            if words.contains("No space left") || words.contains("53100") {
                return Err(asking.failed_with_help(
                    Cause::Network,
                    format!("the server has no room for the restored backup: {words}"),
                    "restore needs as much room again as the database has",
                ));
            }
            Ok(Some(format!("`pg_restore` failed: {words}")))
        }
    }
}

/// The dump of a found backup is not kept beyond the look.
impl Found {
    /// Whether there is anything in it to be restored.
    pub(super) fn is_whole(&self) -> bool {
        self.problem.is_none()
    }
}
