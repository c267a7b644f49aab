//! What a plan may write of the `resources` probe.

use std::collections::BTreeMap;

use gonogo_core::plan::OneOrMany;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// `resources:` measures how much of processor, memory, disk and connection pools is used, each as a share of 1. What
/// cannot be measured is absent, never zero.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourcesOptions {
    /// Where the figures come from: `prometheus` asks it the `queries`; `containers` asks a container engine; `host`
    /// looks at the machine that gonogo itself runs on.
    pub resources: Source,
    /// `prometheus`: PromQL by what it measures, each a share from 0 to 1. `cpu`, `memory`, `disk` and `pool` become
    /// facts of that name, the others stand under `values`. Where a query gives several series, the largest counts.
    #[serde(default)]
    pub queries: BTreeMap<String, String>,
    /// `containers`: the compose project; `'*'`, all running containers, by default.
    pub project: Option<String>,
    /// `containers`: labels that they must have: `key` or `key=value`.
    #[serde(default)]
    pub label: OneOrMany,
    /// `host`: folders whose file systems are meant; `/` by default.
    #[serde(default)]
    pub disks: OneOrMany,
    /// `host` and `containers`: how long the processors are watched, `1s` by default.
    #[schemars(extend("format" = "duration"))]
    pub over: Option<String>,
}

/// Where figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A Prometheus.
    Prometheus,
    /// A container engine.
    Containers,
    /// The machine that gonogo runs on.
    Host,
}

impl Source {
    /// As written in the options.
    pub(super) fn of(options: &Json) -> Option<Self> {
        serde_json::from_value(options.get("resources")?.clone()).ok()
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Containers => "containers",
            Self::Host => "host",
        }
    }

    /// The options that mean something with it.
    pub(super) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Prometheus => &["queries"],
            Self::Containers => &["project", "label", "over"],
            Self::Host => &["disks", "over"],
        }
    }
}

/// The measures that are facts of their own.
pub(super) const MEASURES: [(&str, &str); 4] = [
    ("cpu", "the share of the processors that is busy"),
    ("memory", "the share of the memory that is used"),
    ("disk", "the share of the fullest file system that is used"),
    ("pool", "the share of the connection pool that is used"),
];
