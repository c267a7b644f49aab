//! `resources: containers`: what each running container of a selection uses.

use std::time::Duration;

use gonogo_core::record::{Absence, Cause, NotObserved, Shown};
use gonogo_core::{Map, Value};

use super::syntax::ResourcesOptions;
use crate::docker::api::{Container, MemoryUsage, Usage};
use crate::docker::{Engine, Selection, is_one_off, service};
use crate::probe::{Call, Seen};

/// One container at the beginning and at the end of the watch.
struct Watched {
    container: Container,
    first: Usage,
    last: Option<Usage>,
}

pub(super) async fn observe(
    call: &Call<'_>,
    options: &ResourcesOptions,
    over: Duration,
) -> Result<Seen, NotObserved> {
    let project = options.project.as_deref().unwrap_or("*");
    let selection = Selection::of(project, &options.label.0).map_err(|message| {
        call.ctx
            .not_observed("resources", Cause::BadOptions, message)
    })?;
    let engine = Engine::open(call, "resources").await?;
    let mut watched = Vec::new();
    for one in engine.list(&selection).await? {
        if is_one_off(&one.labels) {
            continue;
        }
        let Some(container) = engine.container(&one.id).await? else {
            continue;
        };
        if container.state.word() != "running" {
            continue;
        }
        if let Some(first) = engine.usage(&one.id).await? {
            watched.push(Watched {
                container,
                first,
                last: None,
            });
        }
    }
    watched.sort_by(|a, b| a.container.name.cmp(&b.container.name));
    if !watched.is_empty() {
        tokio::time::sleep(over).await;
    }
    for one in &mut watched {
        one.last = engine.usage(&one.container.id).await?;
    }
    let mut seen = seen(&watched, &selection);
    seen.target = Some(engine.seen());
    Ok(seen)
}

/// What a container uses.
struct Used {
    name: String,
    /// Processors' worth.
    processors: Option<f64>,
    cpu: Option<f64>,
    memory_used: Option<u64>,
    memory_limit: Option<u64>,
    memory: Option<f64>,
}

impl Watched {
    fn used(&self) -> Used {
        let last = self.last.as_ref();
        let memory = last.map(|u| &u.memory_stats);
        let memory_used = memory.and_then(MemoryUsage::used);
        let memory_limit = memory.and_then(MemoryUsage::limit);
        let processors = last.and_then(|last| self.processors(last));
        let online = last.map_or(0, |u| u.cpu_stats.online_cpus);
        let allowed = self.container.host_config.processors();
        let allowed = allowed.or((online > 0).then(|| f64::from(online)));
        Used {
            name: self.container.name.trim_start_matches('/').to_owned(),
            processors,
            cpu: processors
                .zip(allowed)
                .map(|(used, allowed)| used / allowed),
            memory_used,
            memory_limit,
            memory: memory_used
                .zip(memory_limit)
                .map(|(used, limit)| used as f64 / limit as f64),
        }
    }

    /// Processor time over time, both by the engine's clock.
    fn processors(&self, last: &Usage) -> Option<f64> {
        let elapsed = (last.read - self.first.read).num_nanoseconds()?;
        let before = self.first.cpu_stats.cpu_usage.total_usage;
        // A count that fell was begun anew: the container was restarted in between.
        let spent = last.cpu_stats.cpu_usage.total_usage.checked_sub(before)?;
        (elapsed > 0).then(|| spent as f64 / elapsed as f64)
    }

    fn facts(&self, used: &Used) -> Value {
        let limited = self.container.host_config.limits_memory();
        let memory = [
            ("used", used.memory_used.map(Value::from)),
            ("limit", used.memory_limit.map(Value::from)),
            ("share", used.memory.map(Value::Double)),
            ("limited", Some(limited.into())),
        ];
        let fields = [
            ("name", Some(used.name.as_str().into())),
            (
                "service",
                service(&self.container.config.labels).map(Value::from),
            ),
            ("processors", used.processors.map(Value::Double)),
            ("cpu", used.cpu.map(Value::Double)),
            ("memory", Some(map(memory))),
        ];
        map(fields)
    }
}

fn map<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let there = fields
        .into_iter()
        .filter_map(|(n, v)| Some((n.to_owned(), v?)));
    Value::Map(there.collect())
}

fn seen(watched: &[Watched], selection: &Selection) -> Seen {
    let used: Vec<Used> = watched.iter().map(Watched::used).collect();
    let mut facts = Map::new();
    let mut absent = Vec::new();
    if watched.is_empty() {
        absent.push(Absence {
            fact: "containers".to_owned(),
            why: format!("the engine has no running {}", selection.words()),
        });
    }
    let measures: [(&str, fn(&Used) -> Option<f64>); 2] =
        [("cpu", |u| u.cpu), ("memory", |u| u.memory)];
    for (measure, of) in measures {
        // Of one that is not known, the largest is not known either.
        let unknown = used.iter().find(|u| of(u).is_none());
        if let Some(unknown) = unknown {
            absent.push(Absence {
                fact: measure.to_owned(),
                why: format!(
                    "the engine does not tell how much {measure} `{}` uses, or it was restarted meanwhile",
                    unknown.name
                ),
            });
        } else if let Some(worst) = used.iter().filter_map(of).max_by(f64::total_cmp) {
            facts.insert(measure.to_owned(), Value::Double(worst));
        }
    }
    let list = watched.iter().zip(&used).map(|(w, u)| w.facts(u));
    facts.insert("containers".to_owned(), Value::List(list.collect()));
    let percent = |share: Option<f64>| {
        share.map_or_else(|| "not known".to_owned(), |s| format!("{:.1} %", s * 100.0))
    };
    let rows = used
        .iter()
        .map(|u| vec![u.name.clone(), percent(u.cpu), percent(u.memory)]);
    Seen {
        facts,
        absent,
        shown: vec![Shown::Table {
            title: "Resources".to_owned(),
            head: ["container", "cpu", "memory"].map(str::to_owned).to_vec(),
            rows: rows.collect(),
        }],
        ..Seen::default()
    }
}
