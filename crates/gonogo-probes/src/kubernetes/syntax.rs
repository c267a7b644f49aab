//! What a plan may write of the `kubernetes` probe and of a `kubernetes` target.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::http::target_host;
use crate::texts::Names;

/// `kubernetes:` looks at the workloads and pods of a namespace.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubernetesOptions {
    /// The namespace.
    pub kubernetes: String,
    /// A label selector as `kubectl -l` takes it: `app=shop,tier!=batch`.
    pub selector: Option<String>,
    /// The workloads that must be there: `deployment/web`, `statefulset/db`, `daemonset/agent`. Gives the facts
    /// `missing` and `unexpected`.
    pub expected: Option<Names>,
}

/// A Kubernetes API server. It is only ever read: deployments, stateful sets, daemon sets and pods of a namespace.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubernetesTarget {
    /// The API server's address: `https://10.0.0.1:6443`, or `http://127.0.0.1:8001` of a `kubectl proxy`.
    pub kubernetes: String,
    /// A PEM file with the cluster's CA.
    pub ca: Option<String>,
    /// A service account's token, as `kubectl create token NAME` prints it; best an input that is secret.
    pub bearer: Option<String>,
}

/// The host that a target reaches.
pub(super) fn host(options: &Json) -> Result<Option<String>, String> {
    target_host(options, "kubernetes")
}

/// Why a text is no namespace (RFC 1123 label).
pub(super) fn not_a_namespace(text: &str) -> Option<String> {
    let fine = (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    (!fine).then(|| {
        format!("`{text}` is no name of a namespace: small letters, digits and `-`, at most 63")
    })
}

/// The kinds of workloads, as `expected` names them.
pub(super) const KINDS: [&str; 3] = ["deployment", "statefulset", "daemonset"];

/// Why a text names no workload.
pub(super) fn not_a_workload(text: &str) -> Option<String> {
    let fine = text
        .split_once('/')
        .is_some_and(|(kind, name)| KINDS.contains(&kind) && !name.is_empty());
    (!fine).then(|| {
        format!("`{text}` names no workload; write `deployment/NAME`, `statefulset/NAME` or `daemonset/NAME`")
    })
}
