//! The observing: which source.

use std::time::Duration;

use gonogo_core::duration::parse_duration_ns;
use gonogo_core::record::{Cause, NotObserved};

use super::syntax::{ResourcesOptions, Source};
use super::{engine, host, queries};
use crate::probe::{Call, Seen};

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let bad = |message: String| {
        call.ctx
            .not_observed("resources", Cause::BadOptions, message)
    };
    let options: ResourcesOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let over = match &options.over {
        None => Duration::from_secs(1),
        Some(text) => {
            let ns = parse_duration_ns(text).map_err(|e| bad(e.to_string()))?;
            let ns = u64::try_from(ns).unwrap_or(0);
            if ns < 10_000_000 {
                return Err(bad(format!(
                    "`over: {text}` is too short to see anything; 10ms at least"
                )));
            }
            Duration::from_nanos(ns)
        }
    };
    if options.resources != Source::Prometheus && over >= call.ctx.remaining() {
        return Err(bad(format!(
            "`over: {}` does not fit into the check's time limit; raise `timeout:`",
            options.over.as_deref().unwrap_or("1s")
        )));
    }
    match options.resources {
        Source::Prometheus => queries::observe(&call, &options).await,
        Source::Containers => engine::observe(&call, &options, over).await,
        Source::Host => host::observe(&call, &options, over).await,
    }
}
