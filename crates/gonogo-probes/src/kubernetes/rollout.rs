//! How far a workload is rolled out.

use gonogo_core::{Map, Value};

use super::api::{Condition, Workload};

/// How far a workload is rolled out, by the rules of `kubectl rollout status`.
pub(super) struct Rollout {
    kind: &'static str,
    name: String,
    pub(super) called: String,
    pub(super) desired: i64,
    pub(super) ready: i64,
    updated: i64,
    available: i64,
    pub(super) why: Option<String>,
    pub(super) images: Vec<String>,
}

impl Rollout {
    pub(super) fn of(kind: &'static str, workload: &Workload) -> Self {
        let state = &workload.status;
        let is_daemon = kind == "daemonset";
        let (desired, ready, updated, available) = if is_daemon {
            (
                state.desired_number_scheduled,
                state.number_ready,
                state.updated_number_scheduled,
                state.number_available,
            )
        } else {
            (
                workload.spec.replicas.unwrap_or(1),
                state.ready_replicas,
                state.updated_replicas,
                state.available_replicas,
            )
        };
        let mut rollout = Self {
            kind,
            name: workload.metadata.name.clone(),
            called: format!("{kind}/{}", workload.metadata.name),
            desired,
            ready,
            updated,
            available,
            why: None,
            images: workload
                .spec
                .template
                .spec
                .containers
                .iter()
                .map(|c| c.image.clone())
                .collect(),
        };
        rollout.why = rollout.incomplete(workload);
        rollout
    }

    fn incomplete(&self, workload: &Workload) -> Option<String> {
        let state = &workload.status;
        let desired = self.desired;
        if state.observed_generation < workload.metadata.generation {
            return Some("the newest change is not taken up yet".to_owned());
        }
        if workload.spec.paused {
            return Some("its rollout is paused".to_owned());
        }
        let late =
            |c: &&Condition| c.kind == "Progressing" && c.reason == "ProgressDeadlineExceeded";
        if state.conditions.iter().any(|c| late(&c)) {
            return Some("its rollout takes longer than its deadline".to_owned());
        }
        if self.updated < desired {
            return Some(format!(
                "{} of {desired} pods are of the newest template",
                self.updated
            ));
        }
        if self.kind != "daemonset" && state.replicas > desired {
            return Some(format!(
                "{} old pods are still there",
                state.replicas - desired
            ));
        }
        if self.ready < desired {
            return Some(format!("{} of {desired} pods are ready", self.ready));
        }
        if self.available < desired && self.kind != "statefulset" {
            return Some(format!(
                "{} of {desired} pods are available",
                self.available
            ));
        }
        let revisions = (&state.current_revision, &state.update_revision);
        if self.kind == "statefulset" && !revisions.1.is_empty() && revisions.0 != revisions.1 {
            return Some("not all pods are of the newest revision".to_owned());
        }
        None
    }

    pub(super) fn facts(&self) -> Value {
        let mut facts: Map = [
            ("kind", Value::from(self.kind)),
            ("name", self.name.as_str().into()),
            ("desired", self.desired.into()),
            ("ready", self.ready.into()),
            ("updated", self.updated.into()),
            ("available", self.available.into()),
            ("complete", self.why.is_none().into()),
            (
                "images",
                Value::List(self.images.iter().map(|i| i.as_str().into()).collect()),
            ),
        ]
        .into_iter()
        .map(|(n, v)| (n.to_owned(), v))
        .collect();
        if let Some(why) = &self.why {
            facts.insert("why".to_owned(), why.as_str().into());
        }
        Value::Map(facts)
    }
}
