//! The observing: which deed, to which address, and what an answer of HTTP alone already tells.

use gonogo_core::duration::parse_duration_ns;
use gonogo_core::record::{Cause, NotObserved, TargetSeen};

use super::syntax::{Deed, PrometheusOptions, PrometheusTarget, deed};
use super::{promql, query, range, scrape};
use crate::ctx::Ctx;
use crate::http::{BaseUrl, Fetched, HttpTarget, get};
use crate::probe::{Call, ResolvedTarget, Seen};

const DEFAULT_MAX_BODY: u64 = 16 * 1024 * 1024;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let bad = |message: String| {
        call.ctx
            .not_observed("prometheus", Cause::BadOptions, message)
    };
    let options: PrometheusOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let target = call
        .target
        .ok_or_else(|| bad("the environment has no http or prometheus target".to_owned()))?;
    let settings = settings(target).map_err(bad)?;
    let max_age_ns = match &options.max_age {
        Some(text) => Some(parse_duration_ns(text).map_err(|e| bad(e.to_string()))?),
        None => None,
    };
    let source = Source {
        ctx: call.ctx,
        target,
        settings,
        max_age_ns,
        max_body: options.max_body.unwrap_or(DEFAULT_MAX_BODY),
        options,
    };
    match deed(&source.options.prometheus).map_err(bad)? {
        Deed::Scrape(path) => scrape::observe(&source, &path).await,
        Deed::Query(text) => {
            let text = promql::bound(&text, &source.options.bind).map_err(bad)?;
            query::observe(&source, &text).await
        }
        Deed::Range(text) => {
            let text = promql::bound(&text, &source.options.bind).map_err(bad)?;
            range::observe(&source, &text).await
        }
    }
}

fn settings(target: &ResolvedTarget) -> Result<HttpTarget, String> {
    let read = |e: serde_json::Error| e.to_string();
    if target.kind == "prometheus" {
        let own: PrometheusTarget = serde_json::from_value(target.options.clone()).map_err(read)?;
        return Ok(own.into());
    }
    serde_json::from_value(target.options.clone()).map_err(read)
}

/// Where the samples come from.
pub(super) struct Source<'a> {
    pub(super) ctx: &'a Ctx,
    pub(super) target: &'a ResolvedTarget,
    pub(super) settings: HttpTarget,
    pub(super) options: PrometheusOptions,
    /// `max_age` in nanoseconds.
    pub(super) max_age_ns: Option<i64>,
    pub(super) max_body: u64,
}

impl Source<'_> {
    /// One GET below the target's address, whole and answered by HTTP; its status may be any.
    pub(super) async fn get(
        &self,
        path: &str,
        accept: &str,
        query: &[(&str, String)],
    ) -> Result<Fetched, NotObserved> {
        let options = self.options.get(path, accept, query, self.max_body);
        let fetched = get(self.ctx, &self.settings, &options).await?;
        if let Some(why) = &fetched.cut {
            let mut failed = self.failed(&fetched, Cause::TooLarge, why.clone());
            failed.help = Some("raise `max_body`, if so much is meant to be there".to_owned());
            return Err(failed);
        }
        Ok(fetched)
    }

    pub(super) fn failed(
        &self,
        fetched: &Fetched,
        cause: Cause,
        message: impl Into<String>,
    ) -> NotObserved {
        self.ctx.not_observed(&fetched.tried, cause, message)
    }

    /// What a status other than 200 tells.
    pub(super) fn refused(&self, fetched: &Fetched, told: Option<&str>) -> NotObserved {
        let status = fetched.status;
        let (cause, help) = match status {
            401 | 403 => (
                Cause::Denied,
                Some("give the target `bearer:` or `basic:` credentials that may read metrics"),
            ),
            404 => (
                Cause::Missing,
                Some(
                    "is this the path, and is this target the one that is meant? `target: NAME` names another",
                ),
            ),
            300..=399 => (
                Cause::Protocol,
                Some("redirects are not followed here: write the path that answers itself"),
            ),
            408 | 504 => (Cause::Timeout, None),
            _ => (Cause::Protocol, None),
        };
        let to = fetched
            .header("location")
            .filter(|_| (300..400).contains(&status))
            .map_or_else(String::new, |to| format!(", to {}", shortened(to)));
        let told = told.map_or_else(String::new, |told| format!(": {}", shortened(told)));
        let message = format!("the answer is {status} {}{to}{told}", fetched.reason);
        let mut failed = self.failed(fetched, cause, message);
        failed.help = help.map(str::to_owned);
        failed
    }

    /// The target as it was reached.
    pub(super) fn seen(&self, fetched: &Fetched, path: &str) -> TargetSeen {
        let address = BaseUrl::parse(&self.settings.http)
            .map_or_else(|_| String::new(), |base| base.origin() + &base.path + path);
        TargetSeen {
            name: self.target.name.clone(),
            address,
            engine: fetched.header("server").map(str::to_owned),
        }
    }
}

/// Text of a target in a message, shortened.
pub(super) fn shortened(text: &str) -> String {
    const MAX: usize = 400;
    if text.chars().count() <= MAX {
        return text.to_owned();
    }
    let start: String = text.chars().take(MAX).collect();
    format!("{start}…")
}
