//! The observing: the version, three lists of workloads, the pods.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use serde::de::DeserializeOwned;

use super::api::{Page, Pod, Version, Workload};
use super::observed::{Found, seen};
use super::syntax::{KubernetesOptions, KubernetesTarget, not_a_namespace, not_a_workload};
use crate::http::{BaseUrl, HttpTarget, percent_encode};
use crate::json_api::JsonApi;
use crate::probe::{Call, Seen};

/// Objects a page, and pages at most.
const PAGE: usize = 500;
const MAX_PAGES: usize = 20;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let bad = |message: String| {
        call.ctx
            .not_observed("kubernetes", Cause::BadOptions, message)
    };
    let options: KubernetesOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let expected = options.expected.as_ref().map(|e| &e.0[..]);
    let wrong = not_a_namespace(&options.kubernetes).or_else(|| {
        expected
            .unwrap_or(&[])
            .iter()
            .find_map(|e| not_a_workload(e))
    });
    if let Some(why) = wrong {
        return Err(bad(why));
    }
    let target = call
        .target
        .ok_or_else(|| bad("the environment has no kubernetes target".to_owned()))?;
    let settings: KubernetesTarget =
        serde_json::from_value(target.options.clone()).map_err(|e| bad(e.to_string()))?;
    let cluster = Cluster::of(&call, settings).map_err(bad)?;
    let version = cluster.api.get::<Version>("/version", &[]).await?;
    let namespace = percent_encode(&options.kubernetes);
    let selector = options.selector.as_deref();
    let mut workloads: Vec<(&'static str, Workload)> = Vec::new();
    for (kind, plural, list) in [
        ("deployment", "deployments", "DeploymentList"),
        ("statefulset", "statefulsets", "StatefulSetList"),
        ("daemonset", "daemonsets", "DaemonSetList"),
    ] {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/{plural}");
        let found = cluster.list::<Workload>(&path, selector, list).await?;
        workloads.extend(found.into_iter().map(|w| (kind, w)));
    }
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let pods = cluster.list::<Pod>(&path, selector, "PodList").await?;
    let key = format!(
        "kubernetes {} {namespace} {selector:?}",
        cluster.api.base.origin()
    );
    let run_started_at = call.ctx.run_started_at() + version.clock_lead;
    let baseline = call.ctx.kept().change(
        &key,
        || Baseline {
            first: BTreeMap::new(),
            run_started_at,
        },
        |baseline| {
            baseline.add(&pods);
            baseline.clone()
        },
    );
    let mut seen = seen(&Found {
        namespace: &options.kubernetes,
        selector,
        expected,
        workloads: &workloads,
        pods: &pods,
        baseline: &baseline,
    });
    seen.target = Some(TargetSeen {
        name: target.name.clone(),
        address: cluster.api.base.origin() + &cluster.api.base.path,
        engine: Some(format!("Kubernetes {}", version.body.git_version)),
    });
    Ok(seen)
}

struct Cluster<'a> {
    api: JsonApi<'a>,
}

impl<'a> Cluster<'a> {
    fn of(call: &Call<'a>, settings: KubernetesTarget) -> Result<Self, String> {
        let base = BaseUrl::parse(&settings.kubernetes)?;
        Ok(Self {
            api: JsonApi {
                ctx: call.ctx,
                base,
                settings: HttpTarget {
                    http: settings.kubernetes,
                    ca: settings.ca,
                    bearer: settings.bearer,
                    basic: None,
                    headers: BTreeMap::new(),
                    version: None,
                },
                who: "a Kubernetes API server",
                denied: "the token must let deployments, stateful sets, daemon sets and pods of the namespace be listed: `kubectl auth can-i list pods --as …`",
            },
        })
    }

    /// All objects of a list, page by page.
    async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        selector: Option<&str>,
        kind: &str,
    ) -> Result<Vec<T>, NotObserved> {
        let mut all = Vec::new();
        let mut next = String::new();
        for _ in 0..MAX_PAGES {
            let mut query = vec![("limit", PAGE.to_string())];
            query.extend(selector.map(|s| ("labelSelector", s.to_owned())));
            if !next.is_empty() {
                query.push(("continue", next));
            }
            let mut page = self.api.get::<Page<T>>(path, &query).await?.body;
            if page.kind != kind {
                let mut failed = self.api.ctx.not_observed(
                    path,
                    Cause::Protocol,
                    format!("the answer is no {kind}"),
                );
                failed.help = Some("is the target a Kubernetes API server?".to_owned());
                return Err(failed);
            }
            next = std::mem::take(&mut page.metadata.next);
            all.extend(page.into_items());
            if next.is_empty() {
                return Ok(all);
            }
        }
        let mut failed = self.api.ctx.not_observed(
            path,
            Cause::TooLarge,
            format!("the list has more than {} objects", PAGE * MAX_PAGES),
        );
        failed.help = Some("narrow it with `selector:`".to_owned());
        Err(failed)
    }
}

/// What the first look of the run saw of each container, so that restarts since then can be counted.
#[derive(Clone)]
pub(super) struct Baseline {
    first: BTreeMap<(String, String), i64>,
    run_started_at: DateTime<Utc>,
}

impl Baseline {
    fn add(&mut self, pods: &[Pod]) {
        for pod in pods {
            for one in &pod.status.container_statuses {
                // One that ended since the run began and is up again was restarted in it, whoever saw it first.
                let ended = one
                    .last_state
                    .terminated
                    .as_ref()
                    .and_then(|t| t.finished_at);
                let during = ended.is_some_and(|at| at > self.run_started_at);
                let before = one.restart_count - i64::from(during);
                let key = (pod.metadata.uid.clone(), one.name.clone());
                self.first.entry(key).or_insert(before);
            }
        }
    }

    /// How often a container was restarted since the run began.
    pub(super) fn restarts(&self, pod: &Pod, container: &str, count: i64) -> i64 {
        let key = (pod.metadata.uid.clone(), container.to_owned());
        self.first
            .get(&key)
            .map_or(0, |first| (count - first).max(0))
    }
}
