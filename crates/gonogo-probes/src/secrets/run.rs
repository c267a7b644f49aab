//! The observing: the tree on a thread that may block, then the history.

use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use gonogo_core::shapes::{RULES, Scanner};

use super::observed::seen;
use super::syntax::SecretsOptions;
use super::tree::{Scanned, walk};
use crate::files::{outside, root_of};
use crate::probe::{Call, Seen};

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx.clone();
    let bad = |message: String| ctx.not_observed("secrets", Cause::BadOptions, message);
    let options: SecretsOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    if let Some(why) = outside(&options.secrets) {
        return Err(ctx.not_observed("secrets", Cause::Forbidden, why));
    }
    let allow: Result<Vec<_>, String> =
        options.allow.iter().map(super::AllowEntry::allow).collect();
    let scanner = Scanner::new(RULES, allow.map_err(bad)?);
    let root = root_of(&ctx, call.target)?;
    let target = call.target.map(|t| TargetSeen {
        name: t.name.clone(),
        address: "repository".to_owned(),
        engine: None,
    });
    let tried = format!("secrets {}", options.secrets);
    let looking = {
        let (ctx, root, scanner) = (ctx.clone(), root.clone(), scanner.clone());
        let (below, exclude) = (options.secrets.clone(), options.exclude.clone());
        tokio::task::spawn_blocking(move || {
            let mut scanned = Scanned::default();
            let below = below.trim_end_matches('/').trim_start_matches("./");
            walk(&ctx, &root, below, &exclude, &scanner, &mut scanned).map(|()| scanned)
        })
    };
    let mut scanned = match looking.await {
        Ok(Ok(scanned)) => scanned,
        Ok(Err((path, error))) => {
            let cause = match error.kind() {
                std::io::ErrorKind::NotFound => Cause::Missing,
                std::io::ErrorKind::PermissionDenied => Cause::Denied,
                _ => Cause::Network,
            };
            return Err(ctx.not_observed(
                tried,
                cause,
                format!("`{path}` cannot be read: {error}"),
            ));
        }
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    if options.history {
        super::history::walk(&ctx, &root, &scanner, &mut scanned).await?;
    }
    scanned.findings.sort_by(|(a, _), (b, _)| {
        (&a.path, a.line, a.column, &a.rule).cmp(&(&b.path, b.line, b.column, &b.rule))
    });
    Ok(seen(&scanned, target))
}
