//! The observing: the files from the folder or from git, then the reading on a thread that may block.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gonogo_core::record::{Cause, NotObserved, TargetSeen};

use super::layout::{Layout, Tool, layout};
use super::observed::seen;
use super::review::{Review, hold, needed};
use super::source::{self, MOST_BYTES, Source};
use super::syntax::MigrationsOptions;
use crate::ctx::Ctx;
use crate::files::{outside, root_of};
use crate::probe::{Call, Seen};

const TRIED: &str = "migrations";

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx.clone();
    let bad = |message: String| ctx.not_observed(TRIED, Cause::BadOptions, message);
    let options: MigrationsOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    if let Some(why) = outside(&options.migrations) {
        return Err(ctx.not_observed(TRIED, Cause::Forbidden, why));
    }
    let also = options.also().map_err(bad)?;
    let root = root_of(&ctx, call.target)?;
    let target = call.target.map(|t| TargetSeen {
        name: t.name.clone(),
        address: "repository".to_owned(),
        engine: None,
    });
    let below = tidied(&options.migrations);
    let by_git = options.from.is_some() || options.to.is_some();
    let looking = async {
        let (source, layout) = if by_git {
            let to = options.to.as_deref().unwrap_or("HEAD");
            let from = options.from.as_deref();
            of_revisions(&ctx, &root, &below, (from, to), options.tool).await?
        } else {
            let (ctx, root, tool) = (ctx.clone(), root.clone(), options.tool);
            let below = below.clone();
            blocking(move || {
                let mut source = from_folder(&ctx, &root, &below, tool)?;
                let layout = layout(&source.paths, tool);
                source.texts = texts(&ctx, &root, &source, &layout)?;
                Ok((source, layout))
            })
            .await?
        };
        judged(&ctx, source, layout, also).await
    };
    let (source, known, review) = tokio::time::timeout(ctx.remaining(), looking)
        .await
        .map_err(|_| late(&ctx))??;
    Ok(seen(&source, known, &review, &options.allow, target))
}

/// The migrations of a revision, and what became of those of an earlier one.
pub(super) async fn of_revisions(
    ctx: &Ctx,
    root: &Path,
    below: &str,
    (from, to): (Option<&str>, &str),
    tool: Option<Tool>,
) -> Result<(Source, Layout), NotObserved> {
    let trees = source::trees(ctx, root, below, (from, to), tool).await?;
    let layout = layout(&trees.source.paths, tool);
    let wanted = needed(&trees.source, &layout);
    let texts = source::read(ctx, root, &trees, &wanted).await?;
    let source = Source {
        texts,
        ..trees.source
    };
    Ok((source, layout))
}

/// Holds them against the rules, on a thread that may block; also says how many there are.
pub(super) async fn judged(
    ctx: &Ctx,
    source: Source,
    layout: Layout,
    also: Vec<squawk_linter::Rule>,
) -> Result<(Source, usize, Review), NotObserved> {
    let ctx = ctx.clone();
    blocking(move || {
        let go_on = || !ctx.is_cancelled() && !ctx.remaining().is_zero();
        let known = layout.units.len();
        let review = hold(&source, layout, &also, &go_on);
        let review: Review = review.map_err(|()| late(&ctx))?;
        Ok((source, known, review))
    })
    .await
}

/// `./db//migrations/` as git and the walk name it.
pub(super) fn tidied(path: &str) -> String {
    let parts = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

fn late(ctx: &Ctx) -> NotObserved {
    ctx.not_observed(
        TRIED,
        Cause::Timeout,
        "the migrations could not be read in time",
    )
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NotObserved> + Send + 'static,
) -> Result<T, NotObserved> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn from_folder(
    ctx: &Ctx,
    root: &Path,
    below: &str,
    tool: Option<Tool>,
) -> Result<Source, NotObserved> {
    let paths = source::walk(ctx, root, below, tool).map_err(|(path, e)| failed(ctx, &path, &e))?;
    Ok(Source {
        paths,
        ..Source::default()
    })
}

fn texts(
    ctx: &Ctx,
    root: &Path,
    source: &Source,
    layout: &Layout,
) -> Result<BTreeMap<String, source::Text>, NotObserved> {
    let mut texts = BTreeMap::new();
    let mut total = 0u64;
    for path in needed(source, layout) {
        if ctx.is_cancelled() || ctx.remaining().is_zero() {
            return Err(late(ctx));
        }
        let full: PathBuf = root.join(&path);
        let text = source::read_file(&full).map_err(|e| failed(ctx, &path, &e))?;
        total += text.as_ref().map_or(0, |text| text.len() as u64);
        if total > MOST_BYTES {
            let why = format!("the migrations have more than {MOST_BYTES} bytes");
            return Err(ctx.not_observed(TRIED, Cause::TooLarge, why));
        }
        texts.insert(path, text);
    }
    Ok(texts)
}

fn failed(ctx: &Ctx, path: &str, error: &std::io::Error) -> NotObserved {
    use std::io::ErrorKind as Kind;
    let cause = match error.kind() {
        Kind::NotFound | Kind::NotADirectory => Cause::Missing,
        Kind::PermissionDenied => Cause::Denied,
        Kind::TimedOut => Cause::Timeout,
        Kind::FileTooLarge => Cause::TooLarge,
        _ => Cause::Network,
    };
    ctx.not_observed(TRIED, cause, format!("`{path}` cannot be read: {error}"))
}
