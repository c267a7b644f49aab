//! The observing: the way back as the repository tells it, then, where the plan says so, going it.

use std::path::{Path, PathBuf};

use gonogo_core::record::{Cause, NotObserved, TargetSeen};

use super::drill;
use super::observed::{Told, Way, seen};
use super::syntax::{Mode, RollbackOptions, duration};
use crate::ctx::Ctx;
use crate::files::{outside, root_of};
use crate::git::{changed, commit, span, whole};
use crate::migrations::{Between, between};
use crate::probe::{Call, Seen};

pub(super) const TRIED: &str = "rollback";

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let bad = |message: String| ctx.not_observed(TRIED, Cause::BadOptions, message);
    let options: RollbackOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    for folder in &options.migrations.0 {
        if let Some(why) = outside(folder) {
            return Err(ctx.not_observed(TRIED, Cause::Forbidden, why));
        }
    }
    let root = root_of(ctx, call.target)?;
    let telling = tokio::time::timeout(ctx.remaining(), tell(ctx, &root, &options));
    let way = telling.await.map_err(|_| {
        let why = "the way back could not be told within the check's time limit";
        ctx.not_observed(TRIED, Cause::Timeout, why)
    })??;
    let kept = key(&root, &way);
    let (drill, measured) = match options.mode {
        Mode::Dry => (None, measured(ctx, &kept)),
        Mode::Live => {
            let drill = drill::go(ctx, &folder(&root, &options), &options).await?;
            if let Some(took) = drill.took() {
                ctx.kept().keep(&kept, took);
            }
            (Some(drill), None)
        }
    };
    let told = Told {
        target: options.rollback.clone(),
        way,
        commands: options.commands.iter().map(|c| c.line()).collect(),
        estimate: options.estimate.as_deref().and_then(duration),
        measured,
        objective: options.objective.as_deref().and_then(duration),
        has_migrations: !options.migrations.0.is_empty(),
    };
    let mut seen = seen(&told, drill.as_ref());
    seen.target = call.target.map(|target| TargetSeen {
        name: target.name.clone(),
        address: "repository".to_owned(),
        engine: None,
    });
    Ok(seen)
}

/// Where the commands run.
fn folder(root: &Path, options: &RollbackOptions) -> PathBuf {
    let cwd = options.cwd.as_deref();
    cwd.map_or_else(|| root.to_owned(), |cwd| root.join(cwd))
}

/// Under what a drill's time is kept for the rest of the run.
fn key(root: &Path, way: &Way) -> String {
    format!("rollback {} {}", root.display(), way.to)
}

fn measured(ctx: &Ctx, key: &str) -> Option<std::time::Duration> {
    let took = ctx.kept().take::<std::time::Duration>(key)?;
    ctx.kept().keep(key, took);
    Some(took)
}

/// What the repository tells of the way back.
async fn tell(ctx: &Ctx, root: &Path, options: &RollbackOptions) -> Result<Way, NotObserved> {
    let to = commit(ctx, root, &options.rollback).await?;
    let from = commit(ctx, root, options.from.as_deref().unwrap_or("HEAD")).await?;
    whole(ctx, root).await?;
    let mut passed = Between {
        migrations: Vec::new(),
        findings: Vec::new(),
    };
    for folder in &options.migrations.0 {
        let mut more = between(ctx, root, folder, (&to, &from), options.tool).await?;
        passed.migrations.append(&mut more.migrations);
        passed.findings.append(&mut more.findings);
    }
    Ok(Way {
        span: span(ctx, root, &to, &from).await?,
        files: changed(ctx, root, &from, &to).await?,
        passed,
        from,
        to,
    })
}
