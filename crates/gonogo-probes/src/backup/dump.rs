//! Taking a dump: `pg_dump` in the custom format, into a file without a name, so that nothing of it can stay behind.

use std::time::Duration;

use gonogo_core::record::{Cause, NotObserved};
use tokio::io::AsyncSeekExt as _;

use super::format::{self, Format};
use super::observed::Found;
use super::programs::{self, Broken, Way};
use crate::database::Asking;

/// A dump that was taken.
pub(super) struct Taken {
    /// Its bytes.
    pub(super) file: std::fs::File,
    /// What it is.
    pub(super) found: Found,
}

/// Takes a dump of what the given snapshot sees, or of what is there now.
pub(super) async fn take(
    asking: &Asking<'_>,
    way: &Way,
    server_major: u32,
    snapshot: Option<&str>,
) -> Result<Taken, NotObserved> {
    let own = programs::major_version(asking, "pg_dump").await?;
    if own < server_major {
        return Err(asking.failed_with_help(
            Cause::Missing,
            format!("`pg_dump` is of version {own} and the server of {server_major}: it dumps no newer server than itself"),
            format!(
                "install the client programs of {server_major} (`apt-get install postgresql-client-{server_major}`) and \
                 put them first in PATH: `PATH=/usr/lib/postgresql/{server_major}/bin:$PATH`"
            ),
        ));
    }
    let file = asking
        .ctx
        .nameless_file()
        .map_err(|e| not_kept(asking, &e))?;
    let began = asking.ctx.now();
    let kept = file.try_clone().map_err(|e| not_kept(asking, &e))?;
    run(asking, way, snapshot, kept).await?;
    let took = began.elapsed();
    let size = file.metadata().map_err(|e| not_kept(asking, &e))?.len();
    let mut found = Found {
        size,
        age: Duration::ZERO,
        format: Some(Format::Custom),
        took: Some(took),
        ..Found::default()
    };
    let ended = programs::read(
        asking,
        "pg_restore",
        &["--list"],
        Some(again(asking, &file).await?),
    )
    .await?;
    if !ended.status.success() {
        let words = ended.words();
        return Err(asking.failed(
            Cause::Truncated,
            format!("what `pg_dump` wrote cannot be read: {words}"),
        ));
    }
    let contents = format::contents(&String::from_utf8_lossy(&ended.printed));
    found.engine = contents.engine;
    found.tables = contents.tables;
    Ok(Taken { file, found })
}

/// The dump from its beginning.
pub(super) async fn again(
    asking: &Asking<'_>,
    file: &std::fs::File,
) -> Result<tokio::fs::File, NotObserved> {
    let failed = |e: std::io::Error| not_kept(asking, &e);
    let mut file = tokio::fs::File::from_std(file.try_clone().map_err(failed)?);
    file.rewind().await.map_err(failed)?;
    Ok(file)
}

/// Runs `pg_dump` into the file.
pub(super) async fn run(
    asking: &Asking<'_>,
    way: &Way,
    snapshot: Option<&str>,
    file: std::fs::File,
) -> Result<(), NotObserved> {
    // It gives up waiting for a lock before its own time is over, so that it can say which.
    let wait = format!(
        "--lock-wait-timeout={}",
        asking.server_timeout().as_millis()
    );
    let snapshot = snapshot.map(|id| format!("--snapshot={id}"));
    let mut arguments = vec!["--format=custom", "--no-password", &wait];
    arguments.extend(snapshot.as_deref());
    let mut command = programs::program(asking, "pg_dump", &arguments, Some(way));
    let child = programs::start(asking, "pg_dump", &mut command)?;
    let ended = programs::piped(asking, child, None, tokio::fs::File::from_std(file)).await;
    match ended {
        Err(Broken::Time) => Err(programs::too_long(asking, "pg_dump")),
        Err(Broken::Io(e)) => Err(not_kept(asking, &e)),
        Ok(ended) if ended.status.success() => Ok(()),
        Ok(ended) => Err(refused(asking, &ended.words())),
    }
}

fn refused(asking: &Asking<'_>, words: &str) -> NotObserved {
    let (cause, help) = if words.contains("permission denied") {
        (
            Cause::Denied,
            "a dump reads everything: `grant pg_read_all_data to ROLE` (PostgreSQL 14 and newer), or use the owner's role",
        )
    } else if words.contains("lock timeout") || words.contains("canceling statement") {
        (
            Cause::Timeout,
            "somebody holds a table locked: `select * from pg_locks where not granted` shows who waits",
        )
    } else if words.contains("version mismatch") {
        (
            Cause::Missing,
            "install the client programs of the server's version or newer",
        )
    } else if words.contains("certificate") || words.contains("SSL") {
        (
            Cause::Tls,
            "`pg_dump` verifies certificate and name as gonogo does: give the server's CA with `ca: FILE` on the target",
        )
    } else {
        (Cause::Closed, "the server's log says more")
    };
    asking.failed_with_help(cause, format!("`pg_dump` failed: {words}"), help)
}

fn not_kept(asking: &Asking<'_>, error: &std::io::Error) -> NotObserved {
    let (what, help) = if error.kind() == std::io::ErrorKind::StorageFull {
        (
            "there is no room for the dump: the disk is full",
            "make room in the folder for temporary files, or name another in TMPDIR",
        )
    } else {
        (
            "the dump could not be kept",
            "the folder for temporary files is TMPDIR, else /tmp: may it be written to?",
        )
    };
    asking.failed_with_help(Cause::Network, format!("{what}: {error}"), help)
}
