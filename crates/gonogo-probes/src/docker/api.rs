//! The parts of Docker's API (version 1.41) that are read; Podman's service answers in the same form.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

/// `null` where a list or an object is due: engines write it for an empty one.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// `GET /version`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Version {
    version: String,
    api_version: String,
    #[serde(default, deserialize_with = "or_empty")]
    components: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: String,
}

impl Version {
    /// `Podman Engine 4.3.1, API 1.41`.
    pub(crate) fn words(&self) -> String {
        let name = self
            .components
            .first()
            .map_or("engine", |c| c.name.as_str());
        format!("{name} {}, API {}", self.version, self.api_version)
    }
}

/// One of `GET /containers/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) labels: BTreeMap<String, String>,
}

/// `GET /containers/ID/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: DateTime<Utc>,
    pub(crate) image: String,
    #[serde(default)]
    pub(crate) restart_count: i64,
    pub(crate) state: State,
    pub(crate) config: Config,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) host_config: HostConfig,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) network_settings: NetworkSettings,
}

/// How a container is.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct State {
    status: String,
    pub(crate) exit_code: i64,
    #[serde(default, rename = "OOMKilled")]
    pub(crate) oom_killed: bool,
    started_at: Option<DateTime<Utc>>,
    health: Option<Health>,
}

impl State {
    /// Docker's word for it: `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`.
    pub(crate) fn word(&self) -> &str {
        match self.status.as_str() {
            // Podman's own words for the same.
            "configured" | "initialized" => "created",
            "stopped" => "exited",
            "stopping" => "running",
            other => other,
        }
    }

    /// When it was started last; nothing where it never was (year 1).
    pub(crate) fn started_at(&self) -> Option<DateTime<Utc>> {
        self.started_at.filter(|at| at.timestamp() > 0)
    }

    /// What the engine says of its health; nothing where no check is defined.
    pub(crate) fn health(&self) -> Option<&Health> {
        let known = |h: &&Health| !h.status.is_empty() && h.status != "none";
        self.health.as_ref().filter(known)
    }
}

/// What the health check came to.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Health {
    /// `starting`, `healthy`, `unhealthy`.
    pub(crate) status: String,
    #[serde(default, deserialize_with = "or_empty")]
    log: Vec<Probed>,
}

impl Health {
    /// What the last check printed.
    pub(crate) fn last_output(&self) -> Option<&str> {
        let last = self.log.last()?.output.trim();
        (!last.is_empty()).then_some(last)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Probed {
    #[serde(default)]
    output: String,
}

/// What a container was made with.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) image: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) healthcheck: Option<HealthConfig>,
}

/// The health check as it was defined.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HealthConfig {
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) test: Vec<String>,
}

/// What the engine does with a container.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct HostConfig {
    pub(crate) restart_policy: RestartPolicy,
    memory: i64,
    nano_cpus: i64,
    cpu_quota: i64,
    cpu_period: i64,
}

impl HostConfig {
    /// Whether its memory is limited.
    pub(crate) fn limits_memory(&self) -> bool {
        self.memory > 0
    }

    /// How many processors it may use, where that is limited.
    pub(crate) fn processors(&self) -> Option<f64> {
        if self.nano_cpus > 0 {
            return Some(self.nano_cpus as f64 / 1e9);
        }
        let limited = self.cpu_quota > 0 && self.cpu_period > 0;
        limited.then(|| self.cpu_quota as f64 / self.cpu_period as f64)
    }
}

/// What happens when it ends.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RestartPolicy {
    pub(crate) name: String,
}

/// Its network.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct NetworkSettings {
    #[serde(deserialize_with = "or_empty")]
    pub(crate) ports: BTreeMap<String, Option<Vec<Binding>>>,
}

/// Where a port is published.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Binding {
    #[serde(default)]
    pub(crate) host_ip: String,
    #[serde(default)]
    pub(crate) host_port: String,
}

/// `GET /images/ID/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Image {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) repo_tags: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) repo_digests: Vec<String>,
    pub(crate) created: Option<DateTime<Utc>>,
    pub(crate) architecture: String,
    pub(crate) os: String,
    #[serde(default)]
    pub(crate) variant: String,
    pub(crate) size: i64,
}

impl Image {
    /// `linux/amd64`, `linux/arm64/v8`.
    pub(crate) fn platform(&self) -> String {
        let mut platform = format!("{}/{}", self.os, self.architecture);
        if !self.variant.is_empty() {
            platform.push('/');
            platform.push_str(&self.variant);
        }
        platform
    }

    /// The digest under which the registry of `name` knows it; any, where the name is of none of them.
    pub(crate) fn digest(&self, name: &str) -> Option<&str> {
        if let Some((_, digest)) = name.split_once('@') {
            let known = self.repo_digests.iter().any(|d| d.ends_with(digest));
            if known {
                return self.digests().find(|d| name.ends_with(d));
            }
        }
        let repository = repository(name);
        let same = self.repo_digests.iter().find(|known| {
            let known = known.split('@').next().unwrap_or("");
            known == repository || known.ends_with(&format!("/{repository}"))
        });
        let found = same.or_else(|| self.repo_digests.first())?;
        found.split_once('@').map(|(_, digest)| digest)
    }

    /// All digests, without the names in front.
    pub(crate) fn digests(&self) -> impl Iterator<Item = &str> {
        let all = self.repo_digests.iter();
        all.filter_map(|d| d.split_once('@').map(|(_, digest)| digest))
    }
}

/// An image's name without digest and tag; a port of the registry is no tag.
fn repository(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or(name);
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => name,
    }
}

/// `GET /containers/ID/stats`.
#[derive(Deserialize)]
pub(crate) struct Usage {
    pub(crate) read: DateTime<Utc>,
    pub(crate) cpu_stats: CpuUsage,
    #[serde(default, deserialize_with = "or_empty")]
    pub(crate) memory_stats: MemoryUsage,
}

/// Processor time so far.
#[derive(Deserialize)]
pub(crate) struct CpuUsage {
    pub(crate) cpu_usage: CpuTotal,
    #[serde(default)]
    pub(crate) online_cpus: u32,
}

/// Nanoseconds on all processors together.
#[derive(Deserialize)]
pub(crate) struct CpuTotal {
    pub(crate) total_usage: u64,
}

/// Memory now.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct MemoryUsage {
    usage: Option<u64>,
    limit: Option<u64>,
    stats: BTreeMap<String, serde_json::Value>,
}

impl MemoryUsage {
    /// Bytes in use, the page cache that can be dropped taken off as `docker stats` does it.
    pub(crate) fn used(&self) -> Option<u64> {
        let cache = ["inactive_file", "total_inactive_file"]
            .iter()
            .find_map(|key| self.stats.get(*key)?.as_u64());
        let usage = self.usage?;
        Some(cache.filter(|c| *c < usage).map_or(usage, |c| usage - c))
    }

    /// The most it may use: its own limit, else the machine's memory.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit.filter(|limit| *limit > 0)
    }
}
