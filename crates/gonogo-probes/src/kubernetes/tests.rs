//! Against answers in the form of Kubernetes' API reference (v1.31). They are written by hand: no cluster runs where
//! these tests run, and the guide says so.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::record::Cause;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::probe::ResolvedTarget;

type Answers = BTreeMap<String, (u16, Json)>;

/// An API server that answers by path, whatever the query.
struct Cluster {
    port: u16,
    answers: Arc<Mutex<Answers>>,
    asked: Arc<Mutex<Vec<String>>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Cluster {
    async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers = Arc::new(Mutex::new(answers));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (by_path, log) = (Arc::clone(&answers), Arc::clone(&asked));
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let path = head.split(' ').nth(1).unwrap_or("").to_owned();
                log.lock().unwrap().push(head);
                let (bare, query) = path.split_once('?').unwrap_or((&path, ""));
                let bare = if query.contains("continue=") {
                    format!("{bare}+")
                } else {
                    bare.to_owned()
                };
                let refusal = (
                    403,
                    json!({"kind": "Status", "message": "pods is forbidden", "code": 403}),
                );
                let found = by_path
                    .lock()
                    .unwrap()
                    .get(&bare)
                    .cloned()
                    .unwrap_or(refusal);
                let body = found.1.to_string();
                let text = format!(
                    "HTTP/1.1 {} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    found.0,
                    body.len()
                );
                drop(stream.write_all(text.as_bytes()).await);
            }
        });
        Self {
            port,
            answers,
            asked,
            serving,
        }
    }

    fn ctx(&self) -> Ctx {
        let (keep, cancelled) = tokio::sync::watch::channel(false);
        // The run is never stopped here; a dropped sender says so too.
        drop(keep);
        let hosts = vec![("127.0.0.1".to_owned(), self.port)];
        Ctx::new(
            hosts,
            PathBuf::from("."),
            Duration::from_secs(20),
            cancelled,
        )
    }

    async fn observe(&self, ctx: &Ctx, options: Json) -> Result<Seen, NotObserved> {
        let target = ResolvedTarget {
            name: "cluster".to_owned(),
            kind: "kubernetes".to_owned(),
            options: json!({"kubernetes": format!("http://127.0.0.1:{}", self.port), "bearer": "t0ken-t0ken"}),
        };
        let scope = GateScope::new(false);
        Kubernetes
            .observe(Call {
                options,
                target: Some(&target),
                limits: &[],
                statistics: &gonogo_core::plan::StatisticsOptions::default(),
                earlier_samplings: Some(0),
                reads: false,
                scope: &scope,
                ctx,
            })
            .await
    }
}

const APPS: &str = "/apis/apps/v1/namespaces/shop";
const PODS: &str = "/api/v1/namespaces/shop/pods";

fn list(kind: &str, items: Vec<Json>) -> (u16, Json) {
    (
        200,
        json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "715"}, "items": items}),
    )
}

fn deployment(name: &str, status: Json) -> Json {
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("d-{name}"), "generation": 3,
                     "creationTimestamp": "2026-11-01T10:00:00Z"},
        "spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [
            {"name": "app", "image": "ghcr.io/shop/web:12", "readinessProbe": {"httpGet": {"path": "/health", "port": 80}}}
        ]}}},
        "status": status
    })
}

fn rolled_out() -> Json {
    json!({"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
           "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}]})
}

fn pod(name: &str, ready: bool, restarts: i64, more: Json) -> Json {
    let mut status = json!({
        "name": "app", "ready": ready, "restartCount": restarts, "image": "ghcr.io/shop/web:12",
        "imageID": "ghcr.io/shop/web@sha256:bbbb", "state": {"running": {"startedAt": "2026-11-01T10:00:00Z"}}
    });
    for (key, value) in more.as_object().unwrap() {
        status[key] = value.clone();
    }
    json!({
        "metadata": {"name": name, "uid": format!("p-{name}"), "creationTimestamp": "2026-11-01T10:00:00Z",
                     "labels": {"app": "web", "pod-template-hash": "7c9d"},
                     "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7c9d", "controller": true}]},
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "ghcr.io/shop/web:12"}]},
        "status": {"phase": "Running", "containerStatuses": [status],
                   "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }, "reason": if ready { "" } else { "ContainersNotReady" }}]}
    })
}

fn healthy() -> Answers {
    [
        (
            "/version".to_owned(),
            (
                200,
                json!({"major": "1", "minor": "31", "gitVersion": "v1.31.2"}),
            ),
        ),
        (
            format!("{APPS}/deployments"),
            list("DeploymentList", vec![deployment("web", rolled_out())]),
        ),
        (
            format!("{APPS}/statefulsets"),
            list("StatefulSetList", vec![]),
        ),
        (format!("{APPS}/daemonsets"), list("DaemonSetList", vec![])),
        (
            PODS.to_owned(),
            list(
                "PodList",
                vec![
                    pod("web-7c9d-a", true, 0, json!({})),
                    pod("web-7c9d-b", true, 0, json!({})),
                ],
            ),
        ),
    ]
    .into()
}

fn names<'s>(seen: &'s Seen, fact: &str) -> Vec<&'s str> {
    let all = seen.facts[fact].as_list().unwrap();
    all.iter().filter_map(Value::as_str).collect()
}

fn ask() -> Json {
    json!({"kubernetes": "shop", "expected": ["deployment/web", "statefulset/db"]})
}

#[tokio::test]
async fn a_rolled_out_namespace_is_seen_as_such() {
    let cluster = Cluster::start(healthy()).await;
    let seen = cluster.observe(&cluster.ctx(), ask()).await.unwrap();
    assert_eq!(seen.facts["count"], Value::Int(1));
    for fact in [
        "not_ready",
        "failing",
        "restarted",
        "unchecked",
        "unexpected",
        "scaled_to_zero",
    ] {
        assert_eq!(names(&seen, fact), [""; 0], "{fact}");
    }
    assert_eq!(names(&seen, "missing"), ["statefulset/db"]);
    let digests = seen.facts["digests"].get("ghcr.io/shop/web:12").unwrap();
    assert_eq!(*digests, Value::List(vec!["sha256:bbbb".into()]));
    let one = &seen.facts["pods"].as_list().unwrap()[0];
    assert_eq!(
        one.get("workload").and_then(Value::as_str),
        Some("deployment/web")
    );
    assert_eq!(seen.target.unwrap().engine.unwrap(), "Kubernetes v1.31.2");
    let asked = cluster.asked.lock().unwrap();
    assert!(
        asked
            .iter()
            .all(|head| head.starts_with("GET ")
                && head.contains("authorization: Bearer t0ken-t0ken"))
    );
}

#[tokio::test]
async fn a_rollout_that_is_not_through_is_told_with_its_reason() {
    let with = |changes: Json| {
        let mut status = rolled_out();
        for (key, value) in changes.as_object().unwrap() {
            status[key] = value.clone();
        }
        deployment("web", status)
    };
    let cluster = Cluster::start(healthy()).await;
    for (changes, told) in [
        (json!({"observedGeneration": 2}), "not taken up"),
        (
            json!({"updatedReplicas": 1}),
            "1 of 2 pods are of the newest",
        ),
        (json!({"replicas": 3}), "1 old pods"),
        (json!({"readyReplicas": 1}), "1 of 2 pods are ready"),
        (json!({"availableReplicas": 0}), "0 of 2 pods are available"),
        (
            json!({"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}),
            "deadline",
        ),
    ] {
        let answer = list("DeploymentList", vec![with(changes)]);
        cluster
            .answers
            .lock()
            .unwrap()
            .insert(format!("{APPS}/deployments"), answer);
        let seen = cluster.observe(&cluster.ctx(), ask()).await.unwrap();
        assert_eq!(names(&seen, "not_ready"), ["deployment/web"], "{told}");
        let why = seen.facts["workloads"].as_list().unwrap()[0]
            .get("why")
            .cloned();
        assert!(
            why.as_ref()
                .and_then(Value::as_str)
                .is_some_and(|w| w.contains(told)),
            "{told}: {why:?}"
        );
    }
}

#[tokio::test]
async fn stateful_and_daemon_sets_are_counted_in_their_own_words() {
    let mut answers = healthy();
    let template = json!({"spec": {"containers": [{"name": "db", "image": "postgres:15", "readinessProbe": {"exec": {"command": ["true"]}}}]}});
    let set = |revision: &str| {
        json!({"metadata": {"name": "db", "generation": 1}, "spec": {"replicas": 1, "template": template},
               "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "updatedReplicas": 1,
                          "currentRevision": "db-1", "updateRevision": revision}})
    };
    let daemon = json!({"metadata": {"name": "agent", "generation": 1}, "spec": {"template": template},
                        "status": {"observedGeneration": 1, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3,
                                   "numberReady": 2, "numberAvailable": 2}});
    answers.insert(
        format!("{APPS}/statefulsets"),
        list("StatefulSetList", vec![set("db-1")]),
    );
    answers.insert(
        format!("{APPS}/daemonsets"),
        list("DaemonSetList", vec![daemon]),
    );
    let cluster = Cluster::start(answers).await;
    let seen = cluster.observe(&cluster.ctx(), ask()).await.unwrap();
    assert_eq!(names(&seen, "not_ready"), ["daemonset/agent"]);
    assert_eq!(names(&seen, "unexpected"), ["daemonset/agent"]);
    // A probe that always succeeds is none.
    assert_eq!(
        names(&seen, "unchecked"),
        ["statefulset/db/db", "daemonset/agent/db"]
    );
    cluster.answers.lock().unwrap().insert(
        format!("{APPS}/statefulsets"),
        list("StatefulSetList", vec![set("db-2")]),
    );
    let seen = cluster.observe(&cluster.ctx(), ask()).await.unwrap();
    assert_eq!(
        names(&seen, "not_ready"),
        ["daemonset/agent", "statefulset/db"]
    );
}

#[tokio::test]
async fn a_pod_that_fails_is_told_with_its_reason_and_its_restarts_since_the_run_began() {
    let cluster = Cluster::start(healthy()).await;
    let ctx = cluster.ctx();
    let old = json!({"lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-01T10:00:00Z"}}});
    let set = |pods: Vec<Json>| {
        cluster
            .answers
            .lock()
            .unwrap()
            .insert(PODS.to_owned(), list("PodList", pods));
    };
    set(vec![pod("a", true, 4, old)]);
    let seen = cluster.observe(&ctx, ask()).await.unwrap();
    assert_eq!(names(&seen, "restarted"), [""; 0]);
    let crash = json!({
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-01T10:00:05Z"}}
    });
    set(vec![pod("a", false, 6, crash)]);
    let seen = cluster.observe(&ctx, ask()).await.unwrap();
    assert_eq!(names(&seen, "failing"), ["a"]);
    assert_eq!(names(&seen, "restarted"), ["a"]);
    let one = &seen.facts["pods"].as_list().unwrap()[0];
    assert_eq!(
        one.get("reason").and_then(Value::as_str),
        Some("CrashLoopBackOff")
    );
    assert_eq!(one.get("restarts_since_start"), Some(&Value::Int(2)));
    let container = &one.get("containers").unwrap().as_list().unwrap()[0];
    assert_eq!(
        container.get("last_reason").and_then(Value::as_str),
        Some("OOMKilled")
    );
    assert_eq!(container.get("exit_code"), Some(&Value::Int(137)));

    // One that crashed during the run, before the first look at it.
    let later = "2999-01-01T00:00:00Z";
    let during = json!({"lastState": {"terminated": {"exitCode": 1, "finishedAt": later}}});
    set(vec![pod("b", true, 1, during)]);
    let seen = cluster.observe(&ctx, ask()).await.unwrap();
    assert_eq!(names(&seen, "restarted"), ["b"]);

    // One that ended well is done; one that cannot be placed is not.
    let mut done = pod("c", false, 0, json!({}));
    done["status"]["phase"] = json!("Succeeded");
    let mut nowhere = pod("d", false, 0, json!({}));
    nowhere["status"] = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]});
    set(vec![done, nowhere]);
    let seen = cluster.observe(&ctx, ask()).await.unwrap();
    assert_eq!(names(&seen, "failing"), ["d"]);
    let one = &seen.facts["pods"].as_list().unwrap()[1];
    assert_eq!(
        one.get("reason").and_then(Value::as_str),
        Some("Unschedulable")
    );
}

#[tokio::test]
async fn a_list_in_pages_is_read_to_its_end() {
    let mut answers = healthy();
    let mut first = list("PodList", vec![pod("a", true, 0, json!({}))]);
    first.1["metadata"]["continue"] = json!("next+page");
    answers.insert(PODS.to_owned(), first);
    answers.insert(
        format!("{PODS}+"),
        list("PodList", vec![pod("b", true, 0, json!({}))]),
    );
    let cluster = Cluster::start(answers).await;
    let seen = cluster
        .observe(
            &cluster.ctx(),
            json!({"kubernetes": "shop", "selector": "app=web"}),
        )
        .await
        .unwrap();
    assert_eq!(seen.facts["pods"].as_list().unwrap().len(), 2);
    let asked = cluster.asked.lock().unwrap();
    assert!(asked.last().unwrap().contains("continue=next%2Bpage"));
    assert!(asked.last().unwrap().contains("labelSelector=app%3Dweb"));
}

#[tokio::test]
async fn nothing_there_is_an_absence_and_what_may_not_be_read_no_observation() {
    let mut answers = healthy();
    answers.insert(
        format!("{APPS}/deployments"),
        (200, json!({"kind": "DeploymentList", "items": null})),
    );
    answers.insert(PODS.to_owned(), list("PodList", vec![]));
    let cluster = Cluster::start(answers).await;
    let seen = cluster.observe(&cluster.ctx(), ask()).await.unwrap();
    let absent: Vec<&str> = seen.absent.iter().map(|a| a.fact.as_str()).collect();
    assert_eq!(absent, ["workloads", "pods"]);
    cluster.answers.lock().unwrap().remove(PODS);
    let failed = cluster.observe(&cluster.ctx(), ask()).await.unwrap_err();
    assert_eq!(failed.cause, Cause::Denied);
    assert!(
        failed.message.contains("pods is forbidden")
            && failed.help.unwrap().contains("kubectl auth")
    );
    let wrong = (200, json!({"kind": "Status", "items": []}));
    cluster
        .answers
        .lock()
        .unwrap()
        .insert(PODS.to_owned(), wrong);
    let failed = cluster.observe(&cluster.ctx(), ask()).await.unwrap_err();
    assert_eq!(failed.cause, Cause::Protocol);
}

#[test]
fn names_that_are_none_are_found_before_anything_runs() {
    let keys = |options: Json| -> Vec<String> {
        Kubernetes
            .lint(&options)
            .into_iter()
            .map(|p| p.key)
            .collect()
    };
    assert_eq!(keys(json!({"kubernetes": "Shop_1"})), ["kubernetes"]);
    assert_eq!(
        keys(json!({"kubernetes": "shop", "expected": ["web", "pod/x"]})),
        ["expected", "expected"]
    );
    assert_eq!(
        keys(json!({"kubernetes": "${inputs.ns}", "expected": ["deployment/web"]})),
        [""; 0]
    );
}
