//! What the sidecar remembers: tasks and diagnostic sessions. It is gone when the sidecar ends.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Fault, Faults, pipeline::Found, pipeline::Inventory};

/// By how much the planted fault slows the reading of the inventory.
const SLOWER: Duration = Duration::from_millis(2_500);

/// What a task may be, and what it may become.
pub(super) const STATES: [&str; 4] = ["open", "in_progress", "done", "dismissed"];
/// What may explain a difference.
pub(super) const CAUSES: [&str; 5] = ["receiving", "theft", "damage", "counting", "pricing"];

#[derive(Clone, Debug)]
pub(super) struct Delegated {
    pub(super) issue: String,
    pub(super) assignee: String,
    pub(super) state: String,
}

#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) sku: String,
    pub(super) difference: i64,
    pub(super) cause: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    pub(super) items: Vec<Item>,
}

impl Session {
    pub(super) fn answered(&self) -> usize {
        self.items
            .iter()
            .filter(|item| item.cause.is_some())
            .count()
    }

    pub(super) fn open(&self) -> usize {
        self.items.len() - self.answered()
    }

    pub(super) fn next(&self) -> Option<&Item> {
        self.items.iter().find(|item| item.cause.is_none())
    }

    pub(super) fn causes(&self) -> BTreeMap<&str, usize> {
        let mut causes = BTreeMap::new();
        for cause in self.items.iter().filter_map(|item| item.cause.as_deref()) {
            *causes.entry(cause).or_default() += 1;
        }
        causes
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tasks: BTreeMap<String, Delegated>,
    pub(super) sessions: BTreeMap<String, Session>,
    inventory: Option<Arc<Inventory>>,
}

/// The sidecar behind all routes.
#[derive(Debug)]
pub(super) struct Sidecar {
    pub(super) version: String,
    pub(super) dev_mode: bool,
    /// Where the pipeline's program lies.
    pub(super) binary: PathBuf,
    faults: Faults,
    state: Mutex<State>,
}

impl Sidecar {
    /// With one task and one session in it, so that what is documented can be asked for.
    pub(super) fn new(version: String, dev_mode: bool, binary: PathBuf, faults: Faults) -> Self {
        let task = Delegated {
            issue: "ISS-0001".to_owned(),
            assignee: "dana".to_owned(),
            state: STATES[0].to_owned(),
        };
        let session = Session {
            items: vec![Item {
                sku: "SKU-10042".to_owned(),
                difference: -3,
                cause: None,
            }],
        };
        let state = State {
            tasks: [("TASK-0001".to_owned(), task)].into(),
            sessions: [("S-0001".to_owned(), session)].into(),
            inventory: None,
        };
        Self {
            version,
            dev_mode,
            binary,
            faults,
            state: Mutex::new(state),
        }
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// Nothing panics while it is held, so a poisoned lock holds a whole state.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the pipeline, off the threads that answer. True where the inventory was read for it.
    pub(super) async fn run(self: &Arc<Self>, fresh: bool) -> (Found, bool) {
        let begun = Instant::now();
        let kept = if fresh {
            None
        } else {
            self.state().inventory.clone()
        };
        let cold = kept.is_none();
        if cold && self.has(Fault::PipelineSlow) {
            tokio::time::sleep(SLOWER).await;
        }
        let work = move || {
            let inventory = kept.unwrap_or_else(|| Arc::new(Inventory::read()));
            let found = inventory.look(begun);
            (inventory, found)
        };
        let done = tokio::task::spawn_blocking(work).await;
        // It does not panic; where the runtime is ending, nobody waits for the answer.
        let (inventory, found) = done.unwrap_or_else(|_| {
            let inventory = Arc::new(Inventory::read());
            let found = inventory.look(begun);
            (inventory, found)
        });
        if cold {
            self.state().inventory = Some(inventory);
        }
        (found, cold)
    }
}
