use std::path::PathBuf;
use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::record::Cause;
use serde_json::json;

use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::probe::ResolvedTarget;

mod matrix;
mod options;
mod promtool;
mod queries;
mod real;
mod scrapes;
mod scripted;

use scripted::Scripted;

/// A door to one host.
fn ctx_to(host: &str, port: u16, timeout: Duration) -> Ctx {
    let (keep, cancelled) = tokio::sync::watch::channel(false);
    // The run is never stopped here; a dropped sender says so too.
    drop(keep);
    Ctx::new(
        vec![(host.to_owned(), port)],
        PathBuf::from("."),
        timeout,
        cancelled,
    )
}

fn target(kind: &str, address: &str) -> ResolvedTarget {
    ResolvedTarget {
        name: "metrics".to_owned(),
        kind: kind.to_owned(),
        options: json!({ kind: address }),
    }
}

/// One observation of a target at an address.
async fn observe_at(
    kind: &str,
    scheme: &str,
    host: &str,
    port: u16,
    timeout: Duration,
    options: Json,
) -> Result<Seen, NotObserved> {
    let ctx = ctx_to(host, port, timeout);
    let target = target(kind, &format!("{scheme}://{host}:{port}"));
    let scope = GateScope::new(false);
    Prometheus
        .observe(Call {
            options,
            target: Some(&target),
            limits: &[],
            statistics: &gonogo_core::plan::StatisticsOptions::default(),
            earlier_samplings: Some(0),
            reads: false,
            scope: &scope,
            ctx: &ctx,
        })
        .await
}

async fn observe(server: &Scripted, options: Json) -> Result<Seen, NotObserved> {
    let kind = if server.is_api { "prometheus" } else { "http" };
    let within = Duration::from_secs(10);
    observe_at(kind, "http", "127.0.0.1", server.port, within, options).await
}

/// What a scrape of this text gives.
async fn scraped(text: &str, options: Json) -> Result<Seen, NotObserved> {
    let server = Scripted::exposing(text).await;
    observe(&server, options).await
}

fn double(seen: &Seen, fact: &str) -> Option<f64> {
    match seen.facts.get(fact) {
        Some(Value::Double(value)) => Some(*value),
        _ => None,
    }
}

fn count(seen: &Seen) -> i64 {
    seen.facts["count"].as_int().unwrap()
}

fn items<'s>(seen: &'s Seen, fact: &str) -> &'s [Value] {
    seen.facts[fact].as_list().unwrap()
}

/// The facts that are absent, and why the first is.
fn absent(seen: &Seen) -> (Vec<&str>, &str) {
    let facts = seen.absent.iter().map(|a| a.fact.as_str()).collect();
    (facts, seen.absent.first().map_or("", |a| a.why.as_str()))
}
