//! The observing: the baseline first, then the sizes, in one snapshot of the database.

use gonogo_core::capacity::{self, Snapshot, Thresholds};
use gonogo_core::record::{Absence, Cause, NotObserved};

use super::observed::{self, Growth};
use super::syntax::CapacityOptions;
use super::{mysql, postgres, sqlite};
use crate::ctx::Ctx;
use crate::database::{Database, Kind};
use crate::probe::{Call, Seen};

/// What is tried.
pub(super) const TRIED: &str = "capacity";

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
    let (now, no_indexes) = now?;
    let growth = match baseline {
        None => None,
        Some((path, mut then)) => {
            if no_indexes.is_some() {
                // They are not gone: nothing is known of them.
                then.indexes.clear();
            }
            let diff = capacity::compare(&then, &now, &thresholds).map_err(|no| {
                let mut failed = bad(format!("`{path}` is no baseline of this database: {no}"));
                failed.help = Some(no.help);
                failed
            })?;
            Some(Growth { then, diff })
        }
    };
    let mut seen = observed::seen(&place, &now, growth.as_ref());
    seen.absent.extend(no_indexes.map(|why| Absence {
        fact: "indexes".to_owned(),
        why,
    }));
    Ok(seen)
}

/// The sizes, and why there are none of the indexes.
async fn sizes(
    ctx: &Ctx,
    database: &mut Database<'_>,
    count: bool,
) -> Result<(Snapshot, Option<String>), NotObserved> {
    let sizes = match database.kind() {
        Kind::Postgres => postgres::sizes(ctx, database, count).await?,
        Kind::Sqlite => sqlite::sizes(ctx, database, count).await?,
        Kind::MySql => return mysql::sizes(ctx, database, count).await,
    };
    Ok((sizes, None))
}

/// The baseline as the plan has it: what is in the bundle is what was compared with.
fn baseline(ctx: &Ctx, path: &str) -> Result<Snapshot, NotObserved> {
    let tried = format!("baseline {path}");
    let bytes = ctx.plan_file(path).ok_or_else(|| {
        let message = format!("the baseline `{path}` is none of the plan's files");
        ctx.not_observed(&tried, Cause::Missing, message)
    })?;
    Snapshot::read(bytes).map_err(|bad| {
        let mut failed = ctx.not_observed(&tried, Cause::BadOptions, format!("`{path}`: {bad}"));
        failed.help = Some(bad.help);
        failed
    })
}
