//! The parts of Kubernetes' API (apps/v1 and core/v1) that are read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

/// Go writes an empty list as `null` or leaves it out.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// `GET /version`.
#[derive(Deserialize)]
pub(super) struct Version {
    #[serde(rename = "gitVersion")]
    pub(super) git_version: String,
}

/// One page of a list.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    /// `DeploymentList`, `PodList`, …: anything else is no list.
    pub(super) kind: String,
    #[serde(default)]
    pub(super) metadata: PageMeta,
    /// `null` where there are none.
    items: Option<Vec<T>>,
}

impl<T> Page<T> {
    /// What is on it.
    pub(super) fn into_items(self) -> Vec<T> {
        self.items.unwrap_or_default()
    }
}

/// Where the next page begins.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PageMeta {
    #[serde(rename = "continue")]
    pub(super) next: String,
}

/// A deployment, stateful set or daemon set: their statuses have different words.
#[derive(Deserialize)]
pub(super) struct Workload {
    pub(super) metadata: Meta,
    pub(super) spec: WorkloadSpec,
    #[serde(default)]
    pub(super) status: WorkloadState,
}

/// What every object has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    pub(super) name: String,
    #[serde(default)]
    pub(super) uid: String,
    #[serde(default)]
    pub(super) generation: i64,
    pub(super) creation_timestamp: Option<DateTime<Utc>>,
    pub(super) deletion_timestamp: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) owner_references: Vec<Owner>,
}

/// Whose a pod is.
#[derive(Deserialize)]
pub(super) struct Owner {
    pub(super) kind: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) controller: bool,
}

/// What a workload should be.
#[derive(Deserialize)]
pub(super) struct WorkloadSpec {
    /// One, where it is absent; a daemon set has none.
    pub(super) replicas: Option<i64>,
    #[serde(default)]
    pub(super) paused: bool,
    pub(super) template: PodTemplate,
}

#[derive(Deserialize)]
pub(super) struct PodTemplate {
    pub(super) spec: PodSpec,
}

/// What a workload is. Counts of zero are left out by the server.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WorkloadState {
    pub(super) observed_generation: i64,
    pub(super) replicas: i64,
    pub(super) updated_replicas: i64,
    pub(super) ready_replicas: i64,
    pub(super) available_replicas: i64,
    pub(super) current_revision: String,
    pub(super) update_revision: String,
    pub(super) desired_number_scheduled: i64,
    pub(super) updated_number_scheduled: i64,
    pub(super) number_ready: i64,
    pub(super) number_available: i64,
    #[serde(deserialize_with = "or_empty")]
    pub(super) conditions: Vec<Condition>,
}

/// Something that is so, or is not.
#[derive(Deserialize)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) reason: String,
}

/// A pod.
#[derive(Deserialize)]
pub(super) struct Pod {
    pub(super) metadata: Meta,
    pub(super) spec: PodSpec,
    #[serde(default)]
    pub(super) status: PodState,
}

/// What a pod is made of.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub(super) node_name: Option<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) containers: Vec<ContainerSpec>,
}

/// What a container is made of.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerSpec {
    pub(super) name: String,
    #[serde(default)]
    pub(super) image: String,
    pub(super) readiness_probe: Option<ProbeSpec>,
    pub(super) liveness_probe: Option<ProbeSpec>,
}

/// How its health is looked at; another kind than a command asks the container itself.
#[derive(Deserialize)]
pub(super) struct ProbeSpec {
    pub(super) exec: Option<ExecSpec>,
}

#[derive(Deserialize)]
pub(super) struct ExecSpec {
    #[serde(default, deserialize_with = "or_empty")]
    pub(super) command: Vec<String>,
}

/// How a pod is.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodState {
    pub(super) phase: String,
    pub(super) reason: String,
    #[serde(deserialize_with = "or_empty")]
    pub(super) conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_empty")]
    pub(super) container_statuses: Vec<ContainerState>,
}

/// How a container is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerState {
    pub(super) name: String,
    pub(super) ready: bool,
    pub(super) restart_count: i64,
    #[serde(default)]
    pub(super) image: String,
    #[serde(default, rename = "imageID")]
    pub(super) image_id: String,
    #[serde(default)]
    pub(super) state: Moment,
    #[serde(default)]
    pub(super) last_state: Moment,
}

impl ContainerState {
    /// The digest in `docker.io/library/x@sha256:…` or `docker-pullable://x@sha256:…`.
    pub(super) fn digest(&self) -> Option<&str> {
        let (_, digest) = self.image_id.split_once('@')?;
        digest.starts_with("sha256:").then_some(digest)
    }
}

/// One of three.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Moment {
    pub(super) running: Option<Running>,
    pub(super) waiting: Option<Waiting>,
    pub(super) terminated: Option<Terminated>,
}

#[derive(Deserialize)]
pub(super) struct Running {}

#[derive(Deserialize)]
pub(super) struct Waiting {
    #[serde(default)]
    pub(super) reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Terminated {
    pub(super) exit_code: i64,
    #[serde(default)]
    pub(super) reason: String,
    pub(super) finished_at: Option<DateTime<Utc>>,
}
