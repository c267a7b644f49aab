//! The observing: the list, then each container and each image once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use gonogo_core::record::{Cause, NotObserved};

use super::observed::{Look, OneSeen, seen};
use super::syntax::ContainersOptions;
use crate::docker::api::{Container, Image};
use crate::docker::{Engine, Selection, is_one_off};
use crate::probe::{Call, Seen};

/// More containers than that are no staging system; each costs a request.
const MAX_CONTAINERS: usize = 500;
/// A container that goes between the list and the look at it makes the list be asked again, so often.
const MAX_LOOKS: usize = 5;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let bad = |message: String| {
        call.ctx
            .not_observed("containers", Cause::BadOptions, message)
    };
    let options: ContainersOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let selection = Selection::of(&options.containers, &options.label.0).map_err(bad)?;
    let engine = Engine::open(&call, "containers").await?;
    let mut found = containers(&call, &engine, &selection).await?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let mut images: BTreeMap<String, Option<Image>> = BTreeMap::new();
    for container in &found {
        if !images.contains_key(&container.image) {
            let image = engine.image(&container.image).await?;
            images.insert(container.image.clone(), image);
        }
    }
    let baseline = Baseline::of(&call, &engine, &selection, &found);
    let all = found
        .into_iter()
        .map(|container| OneSeen {
            restarts_since_start: baseline.restarts(&container),
            container,
        })
        .collect();
    Ok(seen(
        &Look {
            selection: &selection,
            expected: options.expected.as_ref().map(|e| &e.0[..]),
            target: engine.seen(),
            images: &images,
        },
        all,
    ))
}

async fn containers(
    call: &Call<'_>,
    engine: &Engine<'_>,
    selection: &Selection,
) -> Result<Vec<Container>, NotObserved> {
    'again: for _ in 0..MAX_LOOKS {
        let listed: Vec<_> = engine
            .list(selection)
            .await?
            .into_iter()
            .filter(|one| !is_one_off(&one.labels))
            .collect();
        if listed.len() > MAX_CONTAINERS {
            let mut failed = call.ctx.not_observed(
                "containers",
                Cause::TooLarge,
                format!(
                    "the engine has {} such containers, and at most {MAX_CONTAINERS} are looked at",
                    listed.len()
                ),
            );
            failed.help = Some("narrow it with `label:`".to_owned());
            return Err(failed);
        }
        let mut found = Vec::with_capacity(listed.len());
        for one in &listed {
            match engine.container(&one.id).await? {
                Some(container) => found.push(container),
                None => continue 'again,
            }
        }
        return Ok(found);
    }
    Err(call.ctx.not_observed(
        "containers",
        Cause::Protocol,
        format!(
            "containers come and go: {MAX_LOOKS} times one was gone before it could be looked at"
        ),
    ))
}

/// What the first look of the run saw, so that restarts since then can be counted.
#[derive(Clone)]
struct Baseline {
    first: BTreeMap<String, First>,
    names: BTreeMap<String, String>,
    run_started_at: DateTime<Utc>,
}

#[derive(Clone)]
struct First {
    restarts: i64,
    started_at: Option<DateTime<Utc>>,
}

impl Baseline {
    /// The run's baseline for this selection; made of what was found where there is none yet. Containers that came
    /// later are added as they are first seen.
    fn of(
        call: &Call<'_>,
        engine: &Engine<'_>,
        selection: &Selection,
        found: &[Container],
    ) -> Self {
        let target = engine.seen();
        let key = format!(
            "containers {} {} {}",
            target.name,
            target.address,
            selection.filters()
        );
        let none_yet = || Self {
            first: BTreeMap::new(),
            names: BTreeMap::new(),
            // The engine's `StartedAt` is by its own clock.
            run_started_at: call.ctx.run_started_at() + engine.clock_lead,
        };
        call.ctx.kept().change(&key, none_yet, |baseline| {
            for container in found {
                baseline.add(container);
            }
            baseline.clone()
        })
    }

    fn add(&mut self, container: &Container) {
        let first = First {
            restarts: container.restart_count,
            started_at: container.state.started_at(),
        };
        self.first.entry(container.id.clone()).or_insert(first);
        let name = container.name.clone();
        let id = || container.id.clone();
        self.names.entry(name).or_insert_with(id);
    }

    /// How often it was started again since the run began, as far as the engine shows it: by its restart policy that
    /// is its count; by hand, or as another container of the same name, it is seen as one.
    fn restarts(&self, container: &Container) -> i64 {
        let Some(first) = self.first.get(&container.id) else {
            return 0;
        };
        let counted = (container.restart_count - first.restarts).max(0);
        let started_at = container.state.started_at();
        let again = i64::from(started_at != first.started_at);
        // It was started during the run before the first look at it: again, unless that is when it was made.
        let before = first
            .started_at
            .is_some_and(|at| at > self.run_started_at && container.created < self.run_started_at);
        let replaced = self
            .names
            .get(&container.name)
            .is_some_and(|id| *id != container.id);
        counted.max(again) + i64::from(before) + i64::from(replaced)
    }
}
