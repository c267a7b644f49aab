//! What the checks of one run share: the journal, the redactor, what was saved. Every observation passes here in one
//! order: secret saves, redaction, record, plain saves, judging (decisions, 1).

mod settled;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use gonogo_core::Value;
use gonogo_core::judge::{self, AttemptJudged, Judging, Known};
use gonogo_core::judged::{CheckJudged, GateJudged};
use gonogo_core::plan::{Check, Retry, Save};
use gonogo_core::record::{
    Address, Attempt, BlobRef, Event, Fold, NotObserved, Observation, Run, RunStarted, SkipReason,
};
use gonogo_core::redact::Redactor;
use gonogo_core::shapes::{RULES, Scanner};
use gonogo_probes::ctx::Ctx;
use gonogo_probes::probe::Seen;
use tokio::sync::watch;

use super::EngineError;
use super::names::Names;
use super::progress::{Progress, Told};
use super::setup::Setup;
use crate::store::{Appender, BlobName, Blobs, Durability, Receipt, RedactedBytes};
use crate::world::{World, variable};

/// A check's item: gate, check, and which item of its `for_each`.
type ItemKey = (String, String, Option<u32>);

/// The shared desk of a run.
pub(super) struct Desk {
    pub(super) setup: Setup,
    world: World,
    progress: Arc<dyn Progress>,
    ctx: Ctx,
    stop: watch::Sender<bool>,
    /// What secrets look like.
    shapes: Scanner,
    state: Mutex<State>,
}

struct State {
    /// Gone once the journal is closed.
    appender: Option<Appender>,
    blobs: Blobs,
    receipts: Vec<Receipt>,
    redactor: Redactor,
    /// What was recorded, folded.
    fold: Fold,
    /// As the record has it, for judging.
    known: Known,
    /// Raw values, for templates.
    names: Names,
    attempts: BTreeMap<ItemKey, u32>,
    /// Ended before this process took over.
    settled: BTreeSet<ItemKey>,
    /// Why a saved name has no value.
    missing: BTreeMap<String, String>,
}

impl Desk {
    pub(super) fn new(
        setup: Setup,
        started: &RunStarted,
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
        )
        .of_run(started.started_at)
        .for_run(
            Some(started.run.clone()),
            variable("GONOGO_SSH_CONFIG").map(|path| setup.base_dir.join(path)),
        )
        .with_targets(setup.targets_in_order())
        .with_files(setup.plan.files.clone());
        let state = State {
            appender: Some(appender),
            blobs,
            receipts: Vec::new(),
            redactor,
            fold: Fold::default(),
            known: Known::at_start(&setup.plan, started),
            names: setup.names(),
            attempts: BTreeMap::new(),
            settled: BTreeSet::new(),
            missing: BTreeMap::new(),
        };
        Self {
            setup,
            world,
            progress,
            ctx,
            stop,
            shapes: Scanner::new(RULES, Vec::new()),
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
    pub(super) fn record(&self, event: Event) -> Result<(), EngineError> {
        let mut state = self.state();
        let receipt = state.append(event, Durability::Grouped)?;
        state.receipts.push(receipt);
        Ok(())
    }

    /// Appends an event and waits until it is on disk.
    pub(super) async fn record_synced(&self, event: Event) -> Result<(), EngineError> {
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

    /// Lets go of the journal, so that its writer can finish; gives what was recorded.
    pub(super) fn close(&self) -> Option<Run> {
        let mut state = self.state();
        state.appender = None;
        std::mem::take(&mut state.fold).into_run()
    }

    /// Records why a check was not attempted, and gives whether that is news. Whoever asks tells the check's end.
    pub(super) fn skip(
        &self,
        gate: &str,
        check: &str,
        reason: SkipReason,
    ) -> Result<bool, EngineError> {
        if reason == SkipReason::Interrupted || self.is_skipped(gate, check) {
            // Not recorded: a resumed run attempts what was interrupted.
            return Ok(false);
        }
        let words = judge::skip_words(&reason);
        {
            let mut state = self.state();
            if let Some(check) = self.setup.check_at(gate, check) {
                for save in &check.save {
                    let why = format!("check `{gate}/{}` was skipped: {words}", check.id);
                    state.missing.insert(format!("saved.{}", save.name), why);
                }
            }
        }
        self.record(Event::Skipped {
            gate: gate.to_owned(),
            check: check.to_owned(),
            reason,
        })?;
        Ok(true)
    }

    pub(super) fn is_skipped(&self, gate: &str, check: &str) -> bool {
        let state = self.state();
        let key = (gate.to_owned(), check.to_owned());
        state
            .fold
            .run()
            .is_some_and(|run| run.skipped.contains_key(&key))
    }

    /// The items of a `for_each` as an earlier process expanded it.
    pub(super) fn expanded(&self, gate: &str, check: &str) -> Option<Vec<Value>> {
        let key = (gate.to_owned(), check.to_owned());
        self.state().fold.run()?.expanded.get(&key).cloned()
    }

    pub(super) fn is_settled(&self, gate: &str, check: &str, item: Option<u32>) -> bool {
        let key = (gate.to_owned(), check.to_owned(), item);
        self.state().settled.contains(&key)
    }

    pub(super) fn next_attempt(&self, gate: &str, check: &str, item: Option<u32>) -> u32 {
        let mut state = self.state();
        let key = (gate.to_owned(), check.to_owned(), item);
        let count = state.attempts.entry(key).or_insert(0);
        *count += 1;
        *count
    }

    /// Whether the plan allows no further attempt: by what is recorded, so that a resumed run comes to the same answer.
    pub(super) fn retry_is_over(
        &self,
        gate: &str,
        check: &str,
        item: Option<u32>,
        retry: Retry,
    ) -> bool {
        let state = self.state();
        let run = state.fold.run();
        run.is_none_or(|run| retry_is_over(run, gate, check, item, retry))
    }

    pub(super) fn why_missing(&self, name: &str) -> Option<String> {
        let known = self.state().missing.get(name).cloned();
        known.or_else(|| {
            let input = name.strip_prefix("inputs.")?;
            let declared = self.setup.plan.inputs.contains_key(input);
            declared.then(|| {
                format!(
                    "it was not given: `-i {input}=…`, or the variable {}",
                    input.to_uppercase()
                )
            })
        })
    }

    /// How often a check took samples of the same subject before.
    pub(super) fn earlier_samplings(&self, at: &str) -> Option<u32> {
        let state = self.state();
        judge::earlier_samplings(&state.fold.run()?.started, at)
    }

    /// Names for templates: raw values.
    pub(super) fn names(&self) -> Names {
        self.state().names.clone()
    }

    /// What expressions may speak of, as recorded.
    pub(super) fn known(&self) -> Known {
        self.state().known.clone()
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
    pub(super) fn keep(&self, check: &Check, mut seen: Seen) -> Result<Observation, EngineError> {
        let mut state = self.state();
        state.register_secrets(check, &seen);
        // What has a secret's shape is masked, though nobody named it; nor was anybody told to keep it, so it is no
        // leak. A check that saves says itself which of its values are secret.
        let shapes = check.save.is_empty().then_some(&self.shapes);
        let shaped =
            shapes.map_or_else(Vec::new, |s| state.redactor.register_shapes(s, &seen.facts));
        let raw_blobs = std::mem::take(&mut seen.blobs);
        super::masking::register_blobs(&mut state.redactor, shapes, &raw_blobs);
        let mut observation = Observation {
            probe: check.probe.clone(),
            target: seen.target,
            facts: seen.facts,
            absent: seen.absent,
            cut: seen.cut,
            blobs: Vec::new(),
            shown: seen.shown,
            secrets_seen: Vec::new(),
        };
        super::masking::mask(&state.redactor, &mut observation);
        observation
            .secrets_seen
            .retain(|seen| !shaped.contains(&seen.name.as_str()));
        for blob in raw_blobs {
            let bytes = if blob.redact {
                super::masking::bytes(&state.redactor, &blob.bytes)
            } else {
                blob.bytes
            };
            let len = bytes.len() as u64;
            let masked = RedactedBytes::vouched(bytes);
            let name = state.blobs.put(&masked).map_err(EngineError::Store)?;
            observation.blobs.push(BlobRef {
                role: blob.role,
                sha256: name.as_str().to_owned(),
                bytes: len,
                media_type: blob.media_type,
            });
        }
        Ok(observation)
    }

    /// Records an attempt, judges it, keeps its saves.
    pub(super) fn observed(
        &self,
        check: &Check,
        at: Address,
        item: Option<&Value>,
        attempt: Attempt,
    ) -> Result<AttemptJudged, EngineError> {
        let name = format!("{}/{}", at.gate, at.check);
        self.record(Event::Observed {
            at,
            attempt: Box::new(attempt.clone()),
        })?;
        let earlier_samplings = self.earlier_samplings(&name);
        let mut state = self.state();
        let judged = {
            let judging = Judging {
                at: &name,
                statistics: &self.setup.plan.statistics,
                known: &state.known,
                blobs: &Kept(&state.blobs),
                earlier_samplings,
            };
            judge::judge_attempt(check, item, &attempt, &judging)?
        };
        state.known.save(judged.saves.clone());
        for save in &check.save {
            let key = format!("saved.{}", save.name);
            if let Some(value) = judged.saves.get(&save.name) {
                if !is_secret(check, save) {
                    state.names.save(&save.name, value.clone());
                }
                state.missing.remove(&key);
            } else {
                let why = format!("check `{name}` did not set it: {}", judged.message);
                state.missing.insert(key, why);
            }
        }
        Ok(judged)
    }

    /// Tells how a check ended, by all that was recorded of it.
    pub(super) fn tell_end(&self, gate: usize, check: usize) -> Result<(), EngineError> {
        let plan = &self.setup.plan;
        let judged: CheckJudged = {
            let state = self.state();
            let Some(run) = state.fold.run() else {
                return Ok(());
            };
            let mut known = state.known.clone();
            judge::judge_check(plan, gate, check, run, &mut known, &Kept(&state.blobs))?
        };
        self.tell(Told::CheckEnded {
            check: format!("{}/{}", plan.gates[gate].id, judged.id),
            outcome: judged.outcome,
            message: judged.message,
        });
        Ok(())
    }

    /// A gate as it stands, waivers applied.
    pub(super) fn judge_gate(&self, gate: usize) -> Result<Option<GateJudged>, EngineError> {
        let state = self.state();
        let Some(run) = state.fold.run() else {
            return Ok(None);
        };
        let mut known = state.known.clone();
        let plan = &self.setup.plan;
        let mut judged = judge::judge_gate(plan, gate, run, &mut known, &Kept(&state.blobs))?;
        let deciding = gonogo_core::decide::Deciding {
            plan,
            waivers: &self.setup.waivers,
            policy: &self.setup.policy,
            run,
            as_of: self.now(),
        };
        let _standing = gonogo_core::decide::waive_gate(&deciding, &mut judged, &known);
        Ok(Some(judged))
    }

    /// Takes over what an earlier process recorded: attempts that ended stand, plain saves are made again.
    pub(super) fn take_over(&self, events: Vec<Event>) -> Result<(), EngineError> {
        let plan = Arc::clone(&self.setup.plan);
        let mut state = self.state();
        for event in events {
            state.fold.push(event)?;
        }
        let fold = std::mem::take(&mut state.fold);
        if let Some(run) = fold.run() {
            let mut known = state.known.clone();
            judge::judge_subject(&plan, run, &mut known, &Kept(&state.blobs))?;
            for gate in 0..plan.gates.len() {
                judge::judge_gate(&plan, gate, run, &mut known, &Kept(&state.blobs))?;
            }
            state.take_saves(&self.setup, &known);
            state.known = known;
            state.settle(&self.setup, run)?;
        }
        state.fold = fold;
        Ok(())
    }
}

/// Whether what a save keeps is secret: by the plan, or by the nature of the fact it is made from.
fn is_secret(check: &Check, save: &Save) -> bool {
    let facts = gonogo_probes::probe(&check.probe).map_or(&[][..], |p| p.secret_facts());
    save.secret
        || save
            .from
            .roots()
            .iter()
            .any(|r| facts.contains(&r.as_str()))
}

/// Whether a pause and one more attempt would begin after the time for retries, counted from the first attempt's beginning.
fn retry_is_over(run: &Run, gate: &str, check: &str, item: Option<u32>, retry: Retry) -> bool {
    let mut attempts = run.attempts_at(gate, check, item).map(|(_, a)| a);
    let Some(first) = attempts.next() else {
        return false;
    };
    let last = attempts.next_back().unwrap_or(first);
    let spent = (last.ended_at() - first.started_at).num_nanoseconds();
    spent.is_none_or(|spent| spent.saturating_add(retry.every_ns) > retry.for_ns)
}

struct Kept<'a>(&'a Blobs);

impl judge::Blobs for Kept<'_> {
    fn bytes(&self, sha256: &str) -> Option<Cow<'_, [u8]>> {
        let name: BlobName = sha256.parse().ok()?;
        self.0.get(&name).ok().map(Cow::Owned)
    }
}

impl State {
    fn append(&mut self, event: Event, durability: Durability) -> Result<Receipt, EngineError> {
        let appender = self.appender.as_ref().ok_or(EngineError::Closed)?;
        let text = serde_json::to_string(&event).map_err(EngineError::Encode)?;
        // The parts of an event are masked where they are made; this second look masks what no part knew of.
        let (text, event) = match self.redactor.redact_str(&text) {
            Cow::Borrowed(_) => (text, event),
            Cow::Owned(masked) => {
                let event = serde_json::from_str(&masked).map_err(EngineError::Encode)?;
                (masked, event)
            }
        };
        let receipt = appender.append(RedactedBytes::vouched(text.into_bytes()), durability);
        self.fold.push(event)?;
        Ok(receipt)
    }

    /// Registers every value that a secret save keeps, before anything is written.
    fn register_secrets(&mut self, check: &Check, seen: &Seen) {
        let facts = gonogo_probes::probe(&check.probe).map_or(&[][..], |p| p.secret_facts());
        for fact in facts {
            let Some(Value::String(text)) = seen.facts.get(*fact) else {
                continue;
            };
            let saved = check.save.iter().find(|s| s.from.source() == *fact);
            let name = saved.map_or_else(|| format!("{}.{fact}", check.id), |s| s.name.clone());
            let _weak = self.redactor.register(&name, text).warning;
        }
        for save in check.save.iter().filter(|save| is_secret(check, save)) {
            if let Ok(value) = judge::save_value(save, &seen.facts, &self.known, None) {
                if let Value::String(text) = &value {
                    let _weak = self.redactor.register(&save.name, text).warning;
                }
                self.names.save(&save.name, value);
            }
        }
    }

    fn take_saves(&mut self, setup: &Setup, known: &Known) {
        let all = setup.all_checks().map(|(_, check)| check);
        for (check, save) in all.flat_map(|c| c.save.iter().map(move |s| (c, s))) {
            let secret = is_secret(check, save);
            match known.saved().get(&save.name) {
                Some(value) if !secret => self.names.save(&save.name, value.clone()),
                Some(_) if check.power.is_some() => {
                    let why = "it is secret, so it was not kept when the run was stopped, and the check that \
                               made it may write, so it is not repeated";
                    self.missing
                        .insert(format!("saved.{}", save.name), why.to_owned());
                }
                _ => {}
            }
        }
    }
}
