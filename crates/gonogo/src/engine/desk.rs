//! What the checks of one run share: the journal, the redactor, what was saved, how checks ended. Every observation
//! passes here in one order: secret saves, redaction, record, plain saves, judging (decisions, 1).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use gonogo_core::expr::{self, Names};
use gonogo_core::judge::{self, AttemptJudged};
use gonogo_core::outcome::Outcome;
use gonogo_core::plan::Check;
use gonogo_core::record::{
    Address, Attempt, BlobRef, Event, NotObserved, Observation, Observed, Run, SkipReason,
};
use gonogo_core::redact::Redactor;
use gonogo_core::{Map, Value};
use gonogo_probes::ctx::Ctx;
use gonogo_probes::probe::Seen;
use tokio::sync::watch;

use super::EngineError;
use super::attempt::observation;
use super::progress::{Progress, Told};
use super::setup::Setup;
use crate::store::{Appender, BlobName, Blobs, Durability, Receipt, RedactedBytes};
use crate::world::World;

/// The shared desk of a run.
pub(super) struct Desk {
    pub(super) setup: Setup,
    world: World,
    progress: Arc<dyn Progress>,
    ctx: Ctx,
    stop: watch::Sender<bool>,
    state: Mutex<State>,
}

struct State {
    /// Gone once the journal is closed.
    appender: Option<Appender>,
    blobs: Blobs,
    receipts: Vec<Receipt>,
    redactor: Redactor,
    /// Raw values, for templates.
    saved: Map,
    /// As the record has them, for judging.
    saved_masked: Map,
    /// Events in the order of the journal.
    events: Vec<Event>,
    attempts: BTreeMap<(String, String, Option<u32>), u32>,
    outcomes: BTreeMap<(String, String), Vec<Outcome>>,
    /// Ended before this process took over, or skipped.
    settled: BTreeSet<(String, String)>,
    settled_items: BTreeSet<(String, String, Option<u32>)>,
    /// Why a saved name has no value.
    missing: BTreeMap<String, String>,
}

impl Desk {
    pub(super) fn new(
        setup: Setup,
        world: World,
        progress: Arc<dyn Progress>,
        appender: Appender,
        blobs: Blobs,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (redactor, _) = setup.redactor();
        let ctx = Ctx::new(
            setup.hosts.clone(),
            setup.base_dir.clone(),
            Duration::from_secs(30),
            stopped,
        );
        let state = State {
            appender: Some(appender),
            blobs,
            receipts: Vec::new(),
            redactor,
            saved: Map::new(),
            saved_masked: Map::new(),
            events: Vec::new(),
            attempts: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            settled: BTreeSet::new(),
            settled_items: BTreeSet::new(),
            missing: BTreeMap::new(),
        };
        Self {
            setup,
            world,
            progress,
            ctx,
            stop,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.world.clock.now()
    }

    pub(super) fn monotonic(&self) -> Duration {
        self.world.clock.monotonic()
    }

    pub(super) fn ctx(&self, timeout: Duration) -> Ctx {
        self.ctx.again(timeout)
    }

    pub(super) fn tell(&self, told: Told) {
        self.progress.tell(told);
    }

    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    pub(super) async fn stopped(&self) {
        let mut stopped = self.stop.subscribe();
        // The sender lives as long as the desk.
        let _ended = stopped.wait_for(|stop| *stop).await.is_ok();
    }

    /// Appends an event that nothing outside follows from yet.
    pub(super) fn record(&self, event: &Event) -> Result<(), EngineError> {
        let mut state = self.state();
        let receipt = state.append(event, Durability::Grouped)?;
        state.receipts.push(receipt);
        Ok(())
    }

    /// Appends an event and waits until it is on disk.
    pub(super) async fn record_synced(&self, event: &Event) -> Result<(), EngineError> {
        let receipt = self.state().append(event, Durability::Synced)?;
        receipt.await.map_err(EngineError::Store)?;
        Ok(())
    }

    /// Waits until everything appended is on disk.
    pub(super) async fn settle_receipts(&self) -> Result<(), EngineError> {
        let receipts = std::mem::take(&mut self.state().receipts);
        for receipt in receipts {
            receipt.await.map_err(EngineError::Store)?;
        }
        Ok(())
    }

    /// Lets go of the journal, so that its writer can finish; gives the events.
    pub(super) fn close(&self) -> Vec<Event> {
        let mut state = self.state();
        state.appender = None;
        std::mem::take(&mut state.events)
    }

    pub(super) fn skip(&self, gate: &str, check: &str, reason: SkipReason) -> Result<(), EngineError> {
        if reason == SkipReason::Interrupted {
            // Not recorded: a resumed run attempts it.
            return Ok(());
        }
        let key = (gate.to_owned(), check.to_owned());
        {
            let mut state = self.state();
            state.outcomes.insert(key.clone(), vec![Outcome::Skipped]);
            if !state.settled.insert(key) {
                return Ok(());
            }
        }
        self.tell(Told::CheckEnded {
            check: format!("{gate}/{check}"),
            outcome: Outcome::Skipped,
            message: judge::skip_message(&reason),
        });
        self.record(&Event::Skipped {
            gate: gate.to_owned(),
            check: check.to_owned(),
            reason,
        })
    }

    pub(super) fn is_settled(&self, gate: &str, check: &str) -> bool {
        self.state()
            .settled
            .contains(&(gate.to_owned(), check.to_owned()))
    }

    pub(super) fn is_item_settled(&self, gate: &str, check: &str, item: Option<u32>) -> bool {
        self.state()
            .settled_items
            .contains(&(gate.to_owned(), check.to_owned(), item))
    }

    pub(super) fn next_attempt(&self, gate: &str, check: &str, item: Option<u32>) -> u32 {
        let mut state = self.state();
        let count = state
            .attempts
            .entry((gate.to_owned(), check.to_owned(), item))
            .or_insert(0);
        *count += 1;
        *count
    }

    /// The worst outcome of a check so far.
    pub(super) fn outcome_of(&self, gate: &str, check: &str) -> Option<Outcome> {
        let state = self.state();
        let outcomes = state.outcomes.get(&(gate.to_owned(), check.to_owned()))?;
        outcomes.iter().copied().max()
    }

    pub(super) fn why_missing(&self, name: &str) -> Option<String> {
        self.state().missing.get(name).cloned()
    }

    /// Names for templates: raw values.
    pub(super) fn fill_names(&self) -> Names {
        let mut names = self.setup.names();
        names.set("saved", Value::Map(self.state().saved.clone()));
        names
    }

    /// Names for judging: as recorded.
    pub(super) fn judge_names(&self) -> Names {
        let mut names = self.setup.names();
        let masked: Map = self
            .setup
            .inputs
            .seen
            .iter()
            .filter_map(|(name, seen)| Some((name.clone(), seen.value.clone()?)))
            .collect();
        names.set("inputs", Value::Map(masked));
        names.set("saved", Value::Map(self.state().saved_masked.clone()));
        names
    }

    pub(super) fn mask_reason(&self, reason: &mut NotObserved) {
        let state = self.state();
        for text in [&mut reason.tried, &mut reason.message]
            .into_iter()
            .chain(reason.help.as_mut())
        {
            *text = state.redactor.redact_str(text).into_owned();
        }
    }

    /// Makes an observation of what was seen: secret saves are registered, everything is masked, blobs are kept.
    pub(super) fn keep(&self, check: &Check, seen: Seen, names: &Names) -> Result<Observation, EngineError> {
        let secret_facts = gonogo_probes::probe(&check.probe).map_or(&[][..], |p| p.secret_facts());
        let mut state = self.state();
        state.register_secrets(check, &seen, names, secret_facts);
        let mut seen = seen;
        let raw_blobs = std::mem::take(&mut seen.blobs);
        let mut found = Vec::new();
        state.redactor.redact_map(&mut seen.facts, "", &mut found);
        for shown in &mut seen.shown {
            state.redactor.redact_shown(shown);
        }
        if let Some(target) = &mut seen.target {
            target.address = state.redactor.redact_str(&target.address).into_owned();
        }
        let mut blobs = Vec::new();
        for blob in raw_blobs {
            let bytes = if blob.redact {
                state.redactor.redact_bytes(&blob.bytes).0.into_owned()
            } else {
                blob.bytes
            };
            let len = bytes.len() as u64;
            let name: BlobName = state
                .blobs
                .put(&RedactedBytes::vouched(bytes))
                .map_err(EngineError::Store)?;
            blobs.push(BlobRef {
                role: blob.role,
                sha256: name.as_str().to_owned(),
                bytes: len,
                media_type: blob.media_type,
            });
        }
        Ok(observation(&check.probe, seen, blobs, found))
    }

    /// Records an attempt, keeps its plain saves, judges it.
    pub(super) fn observed(
        &self,
        check: &Check,
        at: Address,
        item: Option<&Value>,
        attempt: Attempt,
    ) -> Result<AttemptJudged, EngineError> {
        let mut names = self.judge_names();
        if let Some(item) = item {
            names.set("item", item.clone());
        }
        self.record(&Event::Observed {
            at: at.clone(),
            attempt: Box::new(attempt.clone()),
        })?;
        let judged = {
            let state = self.state();
            let blobs = |sha256: &str| state.blob(sha256);
            judge::judge_attempt(check, &attempt, &names, &blobs, &judge::Context::of(&self.setup.plan, None))
        };
        self.settle(check, &at, &attempt, &judged, &names);
        self.tell(Told::CheckEnded {
            check: format!("{}/{}", at.gate, at.check),
            outcome: judged.outcome,
            message: judged.message.clone(),
        });
        Ok(judged)
    }

    fn settle(
        &self,
        check: &Check,
        at: &Address,
        attempt: &Attempt,
        judged: &AttemptJudged,
        names: &Names,
    ) {
        let mut state = self.state();
        let key = (at.gate.clone(), at.check.clone());
        let outcomes = state.outcomes.entry(key).or_default();
        // A later attempt at the same item replaces the earlier one.
        let slot = at.item.unwrap_or(0) as usize;
        if outcomes.len() <= slot {
            outcomes.resize(slot + 1, judged.outcome);
        }
        outcomes[slot] = judged.outcome;
        let name = format!("{}/{}", at.gate, at.check);
        for save in &check.save {
            let kept = match &attempt.observed {
                Observed::Observation(observation) if judged.outcome.is_good() => {
                    judge::saved_value(save, observation, names)
                }
                _ => None,
            };
            match kept {
                Some(value) => {
                    state
                        .saved
                        .entry(save.name.clone())
                        .or_insert_with(|| value.clone());
                    state.saved_masked.insert(save.name.clone(), value);
                    state.missing.remove(&format!("saved.{}", save.name));
                }
                None => {
                    let why = format!("check `{name}` did not set it: {}", judged.outcome.word());
                    state.missing.insert(format!("saved.{}", save.name), why);
                }
            }
        }
    }

    /// Takes over what an earlier process recorded: attempts that ended stand, plain saves are made again.
    pub(super) fn take_over(&self, events: Vec<Event>, run: &Run) {
        self.state().events = events;
        for (at, attempt) in run.last_attempts() {
            let Some(check) = self.check_at(&at.gate, &at.check) else {
                continue;
            };
            self.state()
                .attempts
                .insert((at.gate.clone(), at.check.clone(), at.item), at.attempt);
            if check.save.iter().any(|s| self.is_secret_save(&check, s)) && check.power.is_none() {
                // Secret captures are not on disk: what made them only reads, so it runs again (decisions, 14).
                continue;
            }
            let mut names = self.judge_names();
            if let Some(item) = at.item.and_then(|i| run.item(&at.gate, &at.check, i)) {
                names.set("item", item.clone());
            }
            let judged = {
                let state = self.state();
                let blobs = |sha256: &str| state.blob(sha256);
                judge::judge_attempt(&check, attempt, &names, &blobs, &judge::Context::of(&self.setup.plan, None))
            };
            self.settle(&check, at, attempt, &judged, &names);
            let mut state = self.state();
            if check.save.iter().any(|s| s.secret) {
                for save in check.save.iter().filter(|s| s.secret) {
                    state.saved.remove(&save.name);
                    state.missing.insert(
                        format!("saved.{}", save.name),
                        "it is secret, so it was not kept when the run was stopped, and the check that made it \
                         writes, so it is not repeated"
                            .to_owned(),
                    );
                }
            }
            state
                .settled_items
                .insert((at.gate.clone(), at.check.clone(), at.item));
        }
        for (gate, check) in run.skipped_checks() {
            let mut state = self.state();
            state.settled.insert((gate.clone(), check.clone()));
            state.outcomes.insert((gate, check), vec![Outcome::Skipped]);
        }
        for at in run.open_intents() {
            let Some(check) = self.check_at(&at.gate, &at.check) else {
                continue;
            };
            let mut state = self.state();
            let key = (at.gate.clone(), at.check.clone(), at.item);
            let count = state.attempts.entry(key.clone()).or_insert(0);
            *count = (*count).max(at.attempt);
            if check.power.is_some() && !check.repeatable {
                // Whether the effect happened is unknown: not repeated, not evaluated.
                state.settled_items.insert(key);
                state
                    .outcomes
                    .insert((at.gate.clone(), at.check.clone()), vec![Outcome::Error]);
                for save in &check.save {
                    let why = format!("check `{}/{}` was cut off by a crash", at.gate, at.check);
                    state.missing.insert(format!("saved.{}", save.name), why);
                }
            }
        }
    }

    /// Forgets what was settled of a gate, so that it is repeated whole.
    pub(super) fn unsettle_gate(&self, gate: &str) {
        let mut state = self.state();
        state.settled.retain(|(g, _)| g != gate);
        state.settled_items.retain(|(g, _, _)| g != gate);
        state.outcomes.retain(|(g, _), _| g != gate);
    }

    fn is_secret_save(&self, check: &Check, save: &gonogo_core::plan::Save) -> bool {
        let facts = gonogo_probes::probe(&check.probe).map_or(&[][..], |p| p.secret_facts());
        save.secret || save.from.roots().iter().any(|r| facts.contains(&r.as_str()))
    }

    fn check_at(&self, gate: &str, check: &str) -> Option<Check> {
        let plan = &self.setup.plan;
        if gate == "subject" {
            return plan.subject.as_ref().map(|s| s.check.clone());
        }
        let gate = plan.gates.iter().find(|g| g.id == gate)?;
        gate.checks.iter().find(|c| c.id == check).cloned()
    }
}

impl State {
    fn append(&mut self, event: &Event, durability: Durability) -> Result<Receipt, EngineError> {
        let appender = self.appender.as_ref().ok_or(EngineError::Closed)?;
        let text = serde_json::to_string(event).map_err(EngineError::Encode)?;
        // The parts of an event are masked where they are made; this second look masks what no part knew of.
        let masked = self.redactor.redact_str(&text).into_owned();
        let receipt = appender.append(RedactedBytes::vouched(masked.into_bytes()), durability);
        self.events.push(event.clone());
        Ok(receipt)
    }

    fn blob(&self, sha256: &str) -> Option<Vec<u8>> {
        let name = BlobName::parse(sha256)?;
        self.blobs.get(&name).ok()
    }

    /// Registers every value that a secret save keeps, before anything is written.
    fn register_secrets(&mut self, check: &Check, seen: &Seen, names: &Names, secret_facts: &[&str]) {
        for fact in secret_facts {
            if let Some(Value::String(text)) = seen.facts.get(*fact) {
                let name = check
                    .save
                    .iter()
                    .find(|s| s.from.source() == *fact)
                    .map_or_else(|| format!("{}.{fact}", check.id), |s| s.name.clone());
                let _weak = self.redactor.register(&name, text).warning;
            }
        }
        for save in &check.save {
            let from_secret = save.from.roots().iter().any(|r| secret_facts.contains(&r.as_str()));
            if !save.secret && !from_secret {
                continue;
            }
            let mut scope = names.clone();
            scope.set_all(&seen.facts);
            if let expr::Evaluated::Value(value) = expr::evaluate(&save.from, &scope) {
                if let Value::String(text) = &value {
                    let _weak = self.redactor.register(&save.name, text).warning;
                }
                self.saved.insert(save.name.clone(), value);
            }
        }
    }
}
