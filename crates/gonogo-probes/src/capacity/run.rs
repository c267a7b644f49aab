//! The observing: the baseline first, then the sizes, in one snapshot of the database.

use gonogo_core::capacity::{self, BadSnapshot, Snapshot, Thresholds};
use gonogo_core::record::{Cause, NotObserved};

use super::observed::{self, Growth};
use super::syntax::CapacityOptions;
use super::{postgres, sqlite};
use crate::ctx::Ctx;
use crate::database::{Database, Kind};
use crate::probe::{Call, Seen};

const TRIED: &str = "capacity";
/// The largest baseline that is read.
const MAX_BASELINE: u64 = 64 * 1024 * 1024;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let bad = |message: String| ctx.not_observed(TRIED, Cause::BadOptions, message);
    let options: CapacityOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let thresholds = match &options.thresholds {
        None => Thresholds::default(),
        Some(written) => written
            .thresholds()
            .map_err(|(name, message)| bad(format!("thresholds.{name}: {message}")))?,
    };
    let baseline = match &options.baseline {
        None => None,
        Some(path) => Some((path, baseline(ctx, path)?)),
    };
    let mut database = Database::open(&call, TRIED).await?;
    let now = sizes(ctx, &mut database, options.count).await;
    let place = database.place();
    database.close().await;
    let now = now?;
    let growth = match baseline {
        None => None,
        Some((path, then)) => {
            let diff = capacity::compare(&then, &now, &thresholds).map_err(|no| {
                let mut failed = bad(format!("`{path}` is no baseline of this database: {no}"));
                failed.help = Some(no.help);
                failed
            })?;
            Some(Growth { then, diff })
        }
    };
    Ok(observed::seen(&place, &now, growth.as_ref()))
}

async fn sizes(
    ctx: &Ctx,
    database: &mut Database<'_>,
    count: bool,
) -> Result<Snapshot, NotObserved> {
    match database.kind() {
        Kind::Postgres => postgres::sizes(ctx, database, count).await,
        Kind::Sqlite => sqlite::sizes(ctx, database, count).await,
    }
}

/// The baseline's document.
fn baseline(ctx: &Ctx, path: &str) -> Result<Snapshot, NotObserved> {
    let tried = format!("baseline {path}");
    let failed = |cause, message: String, help: &str| {
        let mut failed = ctx.not_observed(tried.clone(), cause, message);
        failed.help = Some(help.to_owned());
        failed
    };
    if let Some(why) = crate::files::outside(path) {
        return Err(failed(
            Cause::Forbidden,
            why,
            "name a file beside the plan or below it",
        ));
    }
    let make = "`gonogo snapshot capacity PLAN --env NAME --out FILE` makes one";
    let full = ctx.path(path);
    let unreadable = |e: std::io::Error| {
        let cause = match e.kind() {
            std::io::ErrorKind::NotFound => Cause::Missing,
            std::io::ErrorKind::PermissionDenied => Cause::Denied,
            _ => Cause::Network,
        };
        failed(cause, format!("`{path}` cannot be read: {e}"), make)
    };
    let size = std::fs::metadata(&full).map_err(unreadable)?.len();
    if size > MAX_BASELINE {
        let message =
            format!("`{path}` has {size} bytes, and a baseline has at most {MAX_BASELINE}");
        return Err(failed(Cause::TooLarge, message, make));
    }
    let bytes = std::fs::read(&full).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let message = format!("`{path}` is not UTF-8 text");
        failed(Cause::BadOptions, message, make)
    })?;
    Snapshot::parse(&text).map_err(|bad| {
        let message = format!("`{path}`{}: {bad}", at(&bad));
        failed(Cause::BadOptions, message, make)
    })
}

fn at(bad: &BadSnapshot) -> String {
    match (bad.line, bad.column) {
        (Some(line), Some(column)) => format!(" line {line}, column {column}"),
        _ => String::new(),
    }
}
