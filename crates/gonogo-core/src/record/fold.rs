//! From the events of a run to what is known of it. A journal in an order that no run can have is refused: it was
//! not written by this program, or not left as it was written.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Address, Attempt, Event, Observed, Power, RolledBack, RunStarted, SkipReason};
use crate::value::Value;

/// The version of the journal's format that this program writes and judges.
pub const JOURNAL_FORMAT: u32 = 1;

/// A check of the plan: gate id and check id.
pub type CheckId = (String, String);

/// What was about to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// What it may do.
    pub power: Option<Power>,
    /// What is asked, for a person.
    pub ask: String,
}

/// Everything that the journal tells of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its first event.
    pub started: RunStarted,
    /// What was about to be done, whether or not it then was.
    pub intents: BTreeMap<Address, Intent>,
    /// How each attempt ended.
    pub attempts: BTreeMap<Address, Attempt>,
    /// The items of each `for_each`.
    pub expanded: BTreeMap<CheckId, Vec<Value>>,
    /// Checks that were not attempted, or not to their end.
    pub skipped: BTreeMap<CheckId, SkipReason>,
    /// Gates whose transaction ended, and how each time.
    pub rolled_back: BTreeMap<String, Vec<RolledBack>>,
    /// When it was stopped, and by what, where it has not gone on since.
    pub interrupted: Option<(DateTime<Utc>, String)>,
    /// When it went on after having been stopped or killed.
    pub resumed_at: Vec<DateTime<Utc>>,
    /// When every check had ended; absent where that has not happened.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Run {
    /// Intents that may have had an effect and of whose end nothing is known: UNKNOWN, never repeated silently.
    pub fn open_intents(&self) -> impl Iterator<Item = (&Address, &Intent)> {
        let open = |(at, intent): &(&Address, &Intent)| self.is_open(at, intent);
        self.intents.iter().filter(open)
    }

    /// The open intents of one check.
    pub fn open_intents_of(
        &self,
        gate: &str,
        check: &str,
    ) -> impl Iterator<Item = (&Address, &Intent)> {
        let open = |(at, intent): &(&Address, &Intent)| self.is_open(at, intent);
        self.intents
            .range(span(gate, check, None..=Some(u32::MAX)))
            .filter(open)
    }

    fn is_open(&self, at: &Address, intent: &Intent) -> bool {
        intent.power.is_some() && !self.attempts.contains_key(at)
    }

    /// The attempts at one item of a check (`None`: the check has no `for_each`), in their order.
    pub fn attempts_at(
        &self,
        gate: &str,
        check: &str,
        item: Option<u32>,
    ) -> impl DoubleEndedIterator<Item = (&Address, &Attempt)> {
        self.attempts.range(span(gate, check, item..=item))
    }

    /// The attempts at all items of a check, in the order of the items.
    pub fn attempts_of(
        &self,
        gate: &str,
        check: &str,
    ) -> impl DoubleEndedIterator<Item = (&Address, &Attempt)> {
        self.attempts
            .range(span(gate, check, None..=Some(u32::MAX)))
    }

    /// The intents of one item of a check, in the order of the attempts.
    pub fn intents_at(
        &self,
        gate: &str,
        check: &str,
        item: Option<u32>,
    ) -> impl DoubleEndedIterator<Item = (&Address, &Intent)> {
        self.intents.range(span(gate, check, item..=item))
    }

    /// The checks, as `gate/check`, that took samples: what the registry remembers of this run.
    pub fn sampled(&self) -> Vec<String> {
        let took_samples = |attempt: &Attempt| match &attempt.observed {
            Observed::Observation(seen) => seen.blobs.iter().any(|b| b.role == SAMPLES_ROLE),
            Observed::NotObserved(_) => false,
        };
        let sampled: BTreeSet<String> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| took_samples(attempt))
            .map(|(at, _)| format!("{}/{}", at.gate, at.check))
            .collect();
        sampled.into_iter().collect()
    }

    /// The last instant of which the journal knows.
    pub fn last_seen_at(&self) -> DateTime<Utc> {
        let ended = self.attempts.values().map(Attempt::ended_at);
        ended
            .chain(self.resumed_at.iter().copied())
            .chain(self.interrupted.as_ref().map(|(at, _)| *at))
            .chain(self.finished_at)
            .fold(self.started.started_at, Ord::max)
    }
}

/// The addresses of a check's items, with all their attempts.
fn span(gate: &str, check: &str, items: RangeInclusive<Option<u32>>) -> RangeInclusive<Address> {
    let address = |item: &Option<u32>, attempt| Address {
        gate: gate.to_owned(),
        check: check.to_owned(),
        item: *item,
        attempt,
    };
    address(items.start(), 0)..=address(items.end(), u32::MAX)
}

/// The role of the blob that holds the sample series.
pub const SAMPLES_ROLE: &str = "samples";

impl Attempt {
    /// When it ended.
    pub fn ended_at(&self) -> DateTime<Utc> {
        self.started_at
            .checked_add_signed(TimeDelta::nanoseconds(self.elapsed_ns))
            .unwrap_or(self.started_at)
    }
}

/// Why a sequence of events is none that a run can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {index} ({event}) cannot stand here: {reason}")]
pub struct IllegalOrder {
    /// Which event, from zero; the number of events where one is missing at the end.
    pub index: usize,
    /// Its type, or `end of the journal`.
    pub event: &'static str,
    /// What forbids it.
    pub reason: String,
}

/// Reads the events of a run in their order.
///
/// # Errors
/// The first event that cannot stand where it stands.
pub fn fold(events: impl IntoIterator<Item = Event>) -> Result<Run, IllegalOrder> {
    let mut fold = Fold::default();
    for event in events {
        fold.push(event)?;
    }
    let index = fold.count;
    fold.into_run().ok_or(IllegalOrder {
        index,
        event: "end of the journal",
        reason: "there is no event".to_owned(),
    })
}

/// Folding event by event, for a run that is under way.
#[derive(Default)]
pub struct Fold {
    state: Option<Folding>,
    count: usize,
}

impl Fold {
    /// Adds the next event.
    ///
    /// # Errors
    /// The event cannot stand here; what was folded before stays as it was.
    pub fn push(&mut self, event: Event) -> Result<(), IllegalOrder> {
        let index = self.count;
        let name = event.name();
        let taken = match (&mut self.state, event) {
            (None, Event::RunStarted(started)) => Folding::begin(*started).map(|begun| {
                self.state = Some(begun);
            }),
            (None, _) => Err("a run begins with `run_started`".to_owned()),
            (Some(folding), event) => folding.take(event),
        };
        taken.map_err(|reason| IllegalOrder {
            index,
            event: name,
            reason,
        })?;
        self.count += 1;
        Ok(())
    }

    /// The run so far; nothing before its first event.
    pub fn run(&self) -> Option<&Run> {
        self.state.as_ref().map(|state| &state.run)
    }

    /// The run, whole.
    pub fn into_run(self) -> Option<Run> {
        self.state.map(|state| state.run)
    }
}

impl Event {
    /// The name of the event's type, as the journal writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunStarted(_) => "run_started",
            Self::Intended { .. } => "intended",
            Self::Observed { .. } => "observed",
            Self::Expanded { .. } => "expanded",
            Self::Skipped { .. } => "skipped",
            Self::RolledBack { .. } => "rolled_back",
            Self::Interrupted { .. } => "interrupted",
            Self::Resumed { .. } => "resumed",
            Self::RunFinished { .. } => "run_finished",
        }
    }
}

/// The run so far, and what later events may do.
struct Folding {
    run: Run,
    /// Intents before the last resumption: a reading one among them may be made again.
    stale: BTreeSet<Address>,
    /// Checks skipped since the run was stopped: they are open again when it goes on.
    skipped_by_stop: BTreeSet<CheckId>,
    /// `for_each` lists from before the last resumption may be made anew.
    expanded_before: BTreeSet<CheckId>,
}

impl Folding {
    fn begin(started: RunStarted) -> Result<Self, String> {
        if started.format != JOURNAL_FORMAT {
            let known = JOURNAL_FORMAT;
            return Err(format!(
                "the journal has format {}, this program judges format {known}",
                started.format
            ));
        }
        Ok(Self {
            run: Run {
                started,
                intents: BTreeMap::new(),
                attempts: BTreeMap::new(),
                expanded: BTreeMap::new(),
                skipped: BTreeMap::new(),
                rolled_back: BTreeMap::new(),
                interrupted: None,
                resumed_at: Vec::new(),
                finished_at: None,
            },
            stale: BTreeSet::new(),
            skipped_by_stop: BTreeSet::new(),
            expanded_before: BTreeSet::new(),
        })
    }

    fn take(&mut self, event: Event) -> Result<(), String> {
        if self.run.finished_at.is_some() {
            return Err("the run has finished".to_owned());
        }
        match event {
            Event::RunStarted(_) => return Err("the run has started before".to_owned()),
            Event::Intended { at, power, ask } => self.intended(at, power, ask)?,
            Event::Observed { at, attempt } => self.observed(at, *attempt)?,
            Event::Expanded { gate, check, items } => self.expanded((gate, check), items)?,
            Event::Skipped {
                gate,
                check,
                reason,
            } => self.skipped((gate, check), reason)?,
            Event::RolledBack {
                gate,
                confirmed,
                proof,
            } => {
                let proof = proof.map(|proof| *proof);
                let ends = self.run.rolled_back.entry(gate).or_default();
                ends.push(RolledBack { confirmed, proof });
            }
            Event::Interrupted { interrupted_at, by } => {
                if self.run.interrupted.is_some() {
                    return Err("the run has been stopped and has not gone on since".to_owned());
                }
                self.run.interrupted = Some((interrupted_at, by));
            }
            Event::Resumed { resumed_at, .. } => self.resumed(resumed_at),
            Event::RunFinished { finished_at } => {
                if self.run.interrupted.is_some() {
                    return Err("the run was stopped and has not gone on since".to_owned());
                }
                self.run.finished_at = Some(finished_at);
            }
        }
        Ok(())
    }

    fn intended(&mut self, at: Address, power: Option<Power>, ask: String) -> Result<(), String> {
        self.may_be_attempted(&at)?;
        let shown = shown(&at);
        if self.run.attempts.contains_key(&at) {
            return Err(format!("{shown} has ended before"));
        }
        if let Some(before) = self.run.intents.get(&at) {
            if before.power.is_some() {
                return Err(format!(
                    "{shown} may have had an effect already; a repetition is a new attempt"
                ));
            }
            if !self.stale.remove(&at) {
                return Err(format!("{shown} was intended before"));
            }
        }
        self.run.intents.insert(at, Intent { power, ask });
        Ok(())
    }

    fn observed(&mut self, at: Address, attempt: Attempt) -> Result<(), String> {
        self.may_be_attempted(&at)?;
        if self.run.attempts.contains_key(&at) {
            return Err(format!("{} has ended before", shown(&at)));
        }
        if attempt.elapsed_ns < 0 {
            return Err(format!("{} took less than no time", shown(&at)));
        }
        self.run.attempts.insert(at, attempt);
        Ok(())
    }

    fn may_be_attempted(&self, at: &Address) -> Result<(), String> {
        let shown = shown(at);
        if at.attempt == 0 {
            return Err(format!("{shown}: attempts count from one"));
        }
        if at.attempt > 1 {
            let before = Address {
                attempt: at.attempt - 1,
                ..at.clone()
            };
            let known =
                self.run.intents.contains_key(&before) || self.run.attempts.contains_key(&before);
            if !known {
                return Err(format!(
                    "{shown}: of the attempt before it nothing is known"
                ));
            }
        }
        let id = (at.gate.clone(), at.check.clone());
        if self.run.skipped.contains_key(&id) {
            return Err(format!("{}/{} was skipped before", at.gate, at.check));
        }
        match (at.item, self.run.expanded.get(&id)) {
            (None, None) => Ok(()),
            (Some(item), Some(items)) if (item as usize) < items.len() => Ok(()),
            (Some(_), Some(items)) => Err(format!(
                "{shown}: its list has {} items, counted from zero",
                items.len()
            )),
            (Some(_), None) => Err(format!("{shown}: its list was not recorded before")),
            (None, Some(_)) => Err(format!("{shown}: it is repeated over a list")),
        }
    }

    fn expanded(&mut self, id: CheckId, items: Vec<Value>) -> Result<(), String> {
        let known = self.run.expanded.contains_key(&id);
        if known && !self.expanded_before.remove(&id) {
            return Err(format!("the list of {}/{} was recorded before", id.0, id.1));
        }
        if !known && self.run.intents_at(&id.0, &id.1, None).next().is_some() {
            return Err(format!("{}/{} began without a list", id.0, id.1));
        }
        self.run.expanded.insert(id, items);
        Ok(())
    }

    fn skipped(&mut self, id: CheckId, reason: SkipReason) -> Result<(), String> {
        if self.run.skipped.contains_key(&id) {
            return Err(format!("{}/{} was skipped before", id.0, id.1));
        }
        if self.run.interrupted.is_some() || reason == SkipReason::Interrupted {
            self.skipped_by_stop.insert(id.clone());
        }
        self.run.skipped.insert(id, reason);
        Ok(())
    }

    fn resumed(&mut self, at: DateTime<Utc>) {
        self.run.interrupted = None;
        self.run.resumed_at.push(at);
        for id in std::mem::take(&mut self.skipped_by_stop) {
            self.run.skipped.remove(&id);
        }
        self.expanded_before = self.run.expanded.keys().cloned().collect();
        let open = |at: &&Address| !self.run.attempts.contains_key(*at);
        self.stale = self.run.intents.keys().filter(open).cloned().collect();
    }
}

fn shown(at: &Address) -> String {
    let item = at.item.map(|i| format!("[{i}]")).unwrap_or_default();
    format!("{}/{}{item}, attempt {}", at.gate, at.check, at.attempt)
}

#[cfg(test)]
mod tests;
