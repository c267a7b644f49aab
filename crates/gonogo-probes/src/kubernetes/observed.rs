//! What is recorded of workloads and pods, as facts.

use std::collections::BTreeSet;

use gonogo_core::record::{Absence, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use super::api::{ContainerSpec, ContainerState, Pod, ProbeSpec, Workload};
use super::rollout::Rollout;
use super::run::Baseline;
use crate::docker::HealthCheck;
use crate::probe::Seen;

/// The facts of the probe.
pub(super) fn shape(has_expected: bool) -> Shape {
    let names = || Type::list(Type::String);
    let mut fields = vec![
        (
            "workloads",
            Field::new(
                Type::list(workload()),
                "deployments, stateful sets and daemon sets",
            ),
        ),
        (
            "pods",
            Field::new(
                Type::list(pod()),
                "the pods; those that have ended well too",
            ),
        ),
        (
            "count",
            Field::new(Type::Int, "how many workloads there are"),
        ),
        (
            "not_ready",
            Field::new(
                names(),
                "workloads that are not rolled out whole: `deployment/web`",
            ),
        ),
        (
            "scaled_to_zero",
            Field::new(names(), "workloads of which nothing should run"),
        ),
        (
            "failing",
            Field::new(
                names(),
                "pods that are not ready, or whose phase is `Failed` or `Unknown`",
            ),
        ),
        (
            "restarted",
            Field::new(
                names(),
                "pods with a container that was restarted since the run began",
            ),
        ),
        (
            "unchecked",
            Field::new(
                names(),
                "containers without a readiness probe, or with one that checks nothing: `deployment/web/app`",
            ),
        ),
        (
            "digests",
            Field::new(
                Type::map(Type::list(Type::String)),
                "the digests that run, by the image's name",
            ),
        ),
    ];
    if has_expected {
        fields.push((
            "missing",
            Field::new(names(), "expected workloads that are not there"),
        ));
        fields.push((
            "unexpected",
            Field::new(names(), "workloads that were not expected"),
        ));
    }
    Shape {
        fields: fields.into_iter().map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

fn workload() -> Type {
    Type::fields([
        (
            "kind",
            Field::new(Type::String, "`deployment`, `statefulset` or `daemonset`"),
        ),
        ("name", Field::new(Type::String, "its name")),
        (
            "desired",
            Field::new(Type::Int, "how many pods there should be"),
        ),
        ("ready", Field::new(Type::Int, "how many are ready")),
        (
            "updated",
            Field::new(Type::Int, "how many are of the newest template"),
        ),
        (
            "available",
            Field::new(Type::Int, "how many have been ready long enough"),
        ),
        (
            "complete",
            Field::new(
                Type::Bool,
                "whether it is rolled out, as `kubectl rollout status` tells",
            ),
        ),
        ("why", Field::optional(Type::String, "why it is not")),
        (
            "images",
            Field::new(Type::list(Type::String), "the images of its template"),
        ),
    ])
}

fn pod() -> Type {
    Type::fields([
        ("name", Field::new(Type::String, "its name")),
        (
            "workload",
            Field::optional(Type::String, "whose it is: `deployment/web`"),
        ),
        (
            "phase",
            Field::new(
                Type::String,
                "`Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`",
            ),
        ),
        ("ready", Field::new(Type::Bool, "whether it takes traffic")),
        (
            "reason",
            Field::optional(
                Type::String,
                "why it does not: `CrashLoopBackOff`, `ImagePullBackOff`, `Evicted`",
            ),
        ),
        (
            "restarts",
            Field::new(Type::Int, "restarts of its containers"),
        ),
        (
            "restarts_since_start",
            Field::new(Type::Int, "those since the run began"),
        ),
        ("node", Field::optional(Type::String, "where it runs")),
        (
            "created",
            Field::optional(Type::Timestamp, "when it was made"),
        ),
        (
            "terminating",
            Field::new(Type::Bool, "whether it is being removed"),
        ),
        (
            "containers",
            Field::new(Type::list(container()), "its containers"),
        ),
    ])
}

fn container() -> Type {
    Type::fields([
        ("name", Field::new(Type::String, "its name")),
        ("image", Field::new(Type::String, "the image's name")),
        (
            "digest",
            Field::optional(
                Type::String,
                "the digest that runs; absent before it was pulled",
            ),
        ),
        (
            "ready",
            Field::new(Type::Bool, "whether its readiness probe holds"),
        ),
        (
            "state",
            Field::new(
                Type::String,
                "`running`, `waiting`, `terminated`, or `unknown`",
            ),
        ),
        (
            "reason",
            Field::optional(Type::String, "why it waits or ended"),
        ),
        (
            "exit_code",
            Field::optional(Type::Int, "how it ended, or ended last"),
        ),
        (
            "last_reason",
            Field::optional(
                Type::String,
                "why it ended the last time: `OOMKilled`, `Error`",
            ),
        ),
        (
            "restarts",
            Field::new(Type::Int, "how often it was restarted"),
        ),
        (
            "restarts_since_start",
            Field::new(Type::Int, "that since the run began"),
        ),
    ])
}

/// What was found.
pub(super) struct Found<'a> {
    pub(super) namespace: &'a str,
    pub(super) selector: Option<&'a str>,
    pub(super) expected: Option<&'a [String]>,
    pub(super) workloads: &'a [(&'static str, Workload)],
    pub(super) pods: &'a [Pod],
    pub(super) baseline: &'a Baseline,
}

/// The facts.
pub(super) fn seen(found: &Found<'_>) -> Seen {
    let mut states: Vec<Rollout> = found
        .workloads
        .iter()
        .map(|(k, w)| Rollout::of(k, w))
        .collect();
    states.sort_by(|a, b| a.called.cmp(&b.called));
    let called = |such: &dyn Fn(&Rollout) -> bool| {
        let names = states.iter().filter(|s| such(s));
        Value::List(names.map(|s| s.called.as_str().into()).collect())
    };
    let pods = |such: &dyn Fn(&Pod) -> bool| {
        let names = found.pods.iter().filter(|p| such(p));
        Value::List(names.map(|p| p.metadata.name.as_str().into()).collect())
    };
    let mut facts: Map = [
        (
            "workloads",
            Value::List(states.iter().map(Rollout::facts).collect()),
        ),
        ("count", states.len().into()),
        ("not_ready", called(&|s| s.why.is_some())),
        ("scaled_to_zero", called(&|s| s.desired == 0)),
        ("failing", pods(&is_failing)),
        ("restarted", pods(&|pod| restarts_in_run(found, pod) > 0)),
        ("unchecked", unchecked(found)),
        ("digests", digests(found)),
        (
            "pods",
            Value::List(found.pods.iter().map(|p| pod_facts(found, p)).collect()),
        ),
    ]
    .into_iter()
    .map(|(n, v)| (n.to_owned(), v))
    .collect();
    if let Some(expected) = found.expected {
        let there: BTreeSet<&str> = states.iter().map(|s| s.called.as_str()).collect();
        let missing = expected.iter().filter(|e| !there.contains(e.as_str()));
        let missing = missing.map(|e| e.as_str().into()).collect();
        facts.insert("missing".to_owned(), Value::List(missing));
        let unexpected = called(&|s| !expected.contains(&s.called));
        facts.insert("unexpected".to_owned(), unexpected);
    }
    Seen {
        facts,
        absent: absences(found),
        shown: vec![table(&states)],
        ..Seen::default()
    }
}

fn absences(found: &Found<'_>) -> Vec<Absence> {
    let selected = found
        .selector
        .map_or_else(String::new, |s| format!(" with `{s}`"));
    let none = |fact: &str, what: &str| Absence {
        fact: fact.to_owned(),
        why: format!(
            "the namespace `{}` has no {what}{selected}, or it does not exist",
            found.namespace
        ),
    };
    let mut absent = Vec::new();
    if found.workloads.is_empty() {
        absent.push(none("workloads", "workload"));
    }
    if found.pods.is_empty() {
        absent.push(none("pods", "pod"));
    }
    absent
}

fn is_ready(pod: &Pod) -> bool {
    let mut conditions = pod.status.conditions.iter();
    conditions.any(|c| c.kind == "Ready" && c.status == "True")
}

/// One that ended well is done, and one that is being removed is expected to go.
fn is_failing(pod: &Pod) -> bool {
    let over = pod.status.phase == "Succeeded" || pod.metadata.deletion_timestamp.is_some();
    !over && !is_ready(pod)
}

fn restarts_in_run(found: &Found<'_>, pod: &Pod) -> i64 {
    let all = pod.status.container_statuses.iter();
    all.map(|c| found.baseline.restarts(pod, &c.name, c.restart_count))
        .sum()
}

/// `deployment/web` of a pod: a replica set's name is the deployment's with the template's hash behind.
fn workload_of(pod: &Pod) -> Option<String> {
    let owner = pod
        .metadata
        .owner_references
        .iter()
        .find(|o| o.controller)?;
    let kind = owner.kind.to_ascii_lowercase();
    let hash = pod.metadata.labels.get("pod-template-hash");
    if let ("replicaset", Some(hash)) = (kind.as_str(), hash)
        && let Some(name) = owner.name.strip_suffix(&format!("-{hash}"))
    {
        return Some(format!("deployment/{name}"));
    }
    Some(format!("{kind}/{}", owner.name))
}

fn pod_facts(found: &Found<'_>, pod: &Pod) -> Value {
    let mut facts = Map::new();
    let mut put = |name: &str, value: Value| drop(facts.insert(name.to_owned(), value));
    put("name", pod.metadata.name.as_str().into());
    if let Some(workload) = workload_of(pod) {
        put("workload", workload.into());
    }
    put("phase", pod.status.phase.as_str().into());
    put("ready", is_ready(pod).into());
    if let Some(reason) = reason(pod) {
        put("reason", reason.into());
    }
    let all = &pod.status.container_statuses;
    put(
        "restarts",
        all.iter().map(|c| c.restart_count).sum::<i64>().into(),
    );
    put("restarts_since_start", restarts_in_run(found, pod).into());
    if let Some(node) = &pod.spec.node_name {
        put("node", node.as_str().into());
    }
    if let Some(at) = pod.metadata.creation_timestamp {
        put("created", at.into());
    }
    put(
        "terminating",
        pod.metadata.deletion_timestamp.is_some().into(),
    );
    let containers = all.iter().map(|c| container_facts(found, pod, c));
    put("containers", Value::List(containers.collect()));
    Value::Map(facts)
}

fn reason(pod: &Pod) -> Option<&str> {
    let waiting = |c: &'_ ContainerState| c.state.waiting.is_some();
    let of_container = pod.status.container_statuses.iter().find(|c| waiting(c));
    let waits = of_container
        .and_then(|c| c.state.waiting.as_ref())
        .map(|w| w.reason.as_str());
    let unscheduled = pod.status.conditions.iter().find(|c| {
        c.status == "False"
            && matches!(c.kind.as_str(), "PodScheduled" | "Ready")
            && !c.reason.is_empty()
    });
    waits
        .filter(|r| !r.is_empty())
        .or_else(|| Some(pod.status.reason.as_str()).filter(|r| !r.is_empty()))
        .or_else(|| unscheduled.map(|c| c.reason.as_str()))
}

fn container_facts(found: &Found<'_>, pod: &Pod, one: &ContainerState) -> Value {
    let mut facts = Map::new();
    let mut put = |name: &str, value: Value| drop(facts.insert(name.to_owned(), value));
    put("name", one.name.as_str().into());
    put("image", one.image.as_str().into());
    if let Some(digest) = one.digest() {
        put("digest", digest.into());
    }
    put("ready", one.ready.into());
    let now = &one.state;
    let (state, reason) = match (&now.running, &now.waiting, &now.terminated) {
        (Some(_), ..) => ("running", ""),
        (None, Some(waiting), _) => ("waiting", waiting.reason.as_str()),
        (None, None, Some(ended)) => ("terminated", ended.reason.as_str()),
        (None, None, None) => ("unknown", ""),
    };
    put("state", state.into());
    if !reason.is_empty() {
        put("reason", reason.into());
    }
    let before = one.last_state.terminated.as_ref();
    if let Some(ended) = now.terminated.as_ref().or(before) {
        put("exit_code", ended.exit_code.into());
    }
    if let Some(ended) = before.filter(|e| !e.reason.is_empty()) {
        put("last_reason", ended.reason.as_str().into());
    }
    put("restarts", one.restart_count.into());
    let since = found.baseline.restarts(pod, &one.name, one.restart_count);
    put("restarts_since_start", since.into());
    Value::Map(facts)
}

fn unchecked(found: &Found<'_>) -> Value {
    let mut names = Vec::new();
    for (kind, workload) in found.workloads {
        for container in &workload.spec.template.spec.containers {
            if !is_checked(container) {
                let name = format!("{kind}/{}/{}", workload.metadata.name, container.name);
                names.push(name.into());
            }
        }
    }
    Value::List(names)
}

fn is_checked(container: &ContainerSpec) -> bool {
    let says_something = |probe: &ProbeSpec| match &probe.exec {
        None => true,
        Some(exec) => {
            let mut test = vec!["CMD".to_owned()];
            test.extend(exec.command.iter().cloned());
            HealthCheck::of(&test).checks_nothing.is_none()
        }
    };
    let liveness = container.liveness_probe.as_ref();
    container
        .readiness_probe
        .as_ref()
        .is_some_and(says_something)
        && liveness.is_none_or(says_something)
}

fn digests(found: &Found<'_>) -> Value {
    let mut by_name: std::collections::BTreeMap<String, BTreeSet<String>> =
        std::collections::BTreeMap::new();
    let all = found
        .pods
        .iter()
        .filter(|p| p.metadata.deletion_timestamp.is_none());
    for one in all.flat_map(|p| &p.status.container_statuses) {
        let digests = by_name.entry(one.image.clone()).or_default();
        digests.extend(one.digest().map(str::to_owned));
    }
    let list = |all: BTreeSet<String>| Value::List(all.into_iter().map(Value::from).collect());
    Value::Map(by_name.into_iter().map(|(n, all)| (n, list(all))).collect())
}

fn table(states: &[Rollout]) -> Shown {
    let row = |one: &Rollout| {
        vec![
            one.called.clone(),
            format!("{} of {}", one.ready, one.desired),
            one.why.clone().unwrap_or_else(|| "rolled out".to_owned()),
            one.images.join(", "),
        ]
    };
    Shown::Table {
        title: "Workloads".to_owned(),
        head: ["workload", "ready", "state", "images"]
            .map(str::to_owned)
            .to_vec(),
        rows: states.iter().map(row).collect(),
    }
}
