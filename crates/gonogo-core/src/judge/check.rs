//! A check with all its items and attempts, from what the run recorded.

use chrono::{DateTime, Utc};

use super::attempt::{AttemptJudged, Judging, judge_attempt};
use super::secrets::NO_LEAK;
use super::{Blobs, JudgeError, Known, words};
use crate::duration::humanize_duration_ns;
use crate::judged::{CheckJudged, Evidence, ItemJudged};
use crate::outcome::Outcome;
use crate::plan::{Check, Plan};
use crate::record::{
    Address, Attempt, Cause, Observation, Observed, Run, RunStarted, SAMPLES_ROLE,
};
use crate::value::{Map, Value};

/// Where a check stands in a plan, and how it may be repeated.
pub(super) struct Place<'a> {
    pub(super) gate: &'a str,
    /// The id in the record: the check's own, or `start` and `end` of the subject.
    pub(super) id: &'a str,
    /// Its gate is rolled back, so what it did is undone and may be done again.
    pub(super) rollback: bool,
}

/// Judges a check of a gate by everything that the run recorded of it, and adds what it saved to what is known.
///
/// # Errors
/// The record is damaged; see [`JudgeError`].
pub fn judge_check(
    plan: &Plan,
    gate: usize,
    check: usize,
    run: &Run,
    known: &mut Known,
    blobs: &dyn Blobs,
) -> Result<CheckJudged, JudgeError> {
    let gate = &plan.gates[gate];
    let check = &gate.checks[check];
    let place = Place {
        gate: &gate.id,
        id: &check.id,
        rollback: gate.rollback,
    };
    judge_at(plan, &place, check, run, known, blobs)
}

pub(super) fn judge_at(
    plan: &Plan,
    place: &Place<'_>,
    check: &Check,
    run: &Run,
    known: &mut Known,
    blobs: &dyn Blobs,
) -> Result<CheckJudged, JudgeError> {
    let at = format!("{}/{}", place.gate, place.id);
    let judge = Judge {
        plan,
        place,
        check,
        run,
        at: &at,
        blobs,
    };
    let id = (place.gate.to_owned(), place.id.to_owned());
    let (mut judged, saved) = match (&check.for_each, run.expanded.get(&id)) {
        (Some(_), Some(items)) => judge.items(items, known)?,
        (Some(_), None) => (judge.nothing(judge.unattempted(None)), Map::new()),
        (None, _) => judge.one(None, None, known)?,
    };
    if let Some(reason) = run.skipped.get(&id)
        && judged.outcome < Outcome::Skipped
    {
        judged.outcome = Outcome::Skipped;
        judged.message = words::skip_words(reason);
    }
    known.save(saved);
    Ok(judged)
}

struct Judge<'a> {
    plan: &'a Plan,
    place: &'a Place<'a>,
    check: &'a Check,
    run: &'a Run,
    at: &'a str,
    blobs: &'a dyn Blobs,
}

/// What the attempts at one item come to.
struct Counted<'a> {
    judged: AttemptJudged,
    attempt: Option<&'a Attempt>,
    made: u32,
}

impl<'a> Judge<'a> {
    /// A check that is repeated over a list: its worst item counts.
    fn items(&self, items: &[Value], known: &Known) -> Result<(CheckJudged, Map), JudgeError> {
        if items.is_empty() {
            let why = "the list it is repeated over is empty, so nothing was looked at";
            return Ok((self.nothing((Outcome::Fail, why.to_owned())), Map::new()));
        }
        let mut worst: Option<CheckJudged> = None;
        let mut rows = Vec::new();
        let mut saved: Vec<Map> = Vec::new();
        let mut made = 0;
        let mut secrets_seen = Vec::new();
        let mut oldest: Option<(DateTime<Utc>, i64)> = None;
        for (number, item) in (0u32..).zip(items) {
            let (judged, saves) = self.one(Some(number), Some(item), known)?;
            rows.push(ItemJudged {
                item: item.clone(),
                outcome: judged.outcome,
                message: judged.message.clone(),
            });
            saved.push(saves);
            made += judged.attempts;
            secrets_seen.extend(judged.evidence.iter().flat_map(|e| e.secrets_seen.clone()));
            if let (Some(at), Some(took)) = (judged.started_at, judged.elapsed_ns)
                && oldest.is_none_or(|(known, _)| at < known)
            {
                oldest = Some((at, took));
            }
            if worst.as_ref().is_none_or(|w| judged.outcome > w.outcome) {
                worst = Some(judged);
            }
        }
        let mut judged = worst.expect("the list is not empty");
        judged.message = items_message(&judged, &rows);
        judged.items = rows;
        if let Some(evidence) = &mut judged.evidence {
            evidence.secrets_seen = secrets_seen;
        }
        judged.attempts = made;
        judged.started_at = oldest.map(|(at, _)| at);
        judged.elapsed_ns = oldest.map(|(_, took)| took);
        Ok((judged, in_lists(&self.check.save, &saved)))
    }

    /// The check itself, or one item of it.
    fn one(
        &self,
        number: Option<u32>,
        item: Option<&Value>,
        known: &Known,
    ) -> Result<(CheckJudged, Map), JudgeError> {
        let counted = self.count(number, item, known)?;
        let observation = counted.attempt.and_then(observation_of);
        let mut judged = self.nothing((counted.judged.outcome, counted.judged.message));
        judged.ask = self.ask(number);
        judged.expectations = counted.judged.expectations;
        judged.limits = counted.judged.limits;
        judged.distribution = counted.judged.distribution;
        judged.attempts = counted.made;
        judged.started_at = counted.attempt.map(|a| a.started_at);
        judged.elapsed_ns = counted.attempt.map(|a| a.elapsed_ns);
        judged.evidence = observation.map(evidence);
        Ok((judged, counted.judged.saves))
    }

    fn count(
        &self,
        number: Option<u32>,
        item: Option<&Value>,
        known: &Known,
    ) -> Result<Counted<'a>, JudgeError> {
        let all: Vec<(&Address, &Attempt)> = self
            .run
            .attempts_at(self.place.gate, self.place.id, number)
            .collect();
        for (at, attempt) in &all {
            self.was_intended(at, attempt)?;
        }
        let made = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let mut samplings = earlier_samplings(&self.run.started, self.at);
        let mut judged: Vec<(AttemptJudged, &Attempt)> = Vec::new();
        let standing = self.standing(&all);
        for (at, attempt) in &standing {
            let judging = Judging {
                at: self.at,
                statistics: &self.plan.statistics,
                known,
                blobs: self.blobs,
                earlier_samplings: samplings,
            };
            if observation_of(attempt).is_some_and(took_samples) {
                samplings = samplings.map(|n| n + 1);
            }
            let mut one = judge_attempt(self.check, item, attempt, &judging)?;
            if self.is_too_late(&standing, attempt) && one.outcome.is_good() {
                one.outcome = Outcome::Error;
                one.message = format!("attempt {} began after its `retry` had ended", at.attempt);
            }
            judged.push((one, attempt));
        }
        let leaks = |j: &AttemptJudged| {
            let mut all = j.expectations.iter();
            all.any(|e| e.text == NO_LEAK && e.outcome == Outcome::Fail)
        };
        // A secret that came back once has leaked, whatever came back the next time.
        let leaked = judged.iter().any(|(j, _)| leaks(j));
        let mut counted = if self.check.retry.is_some() && !leaked {
            self.last(judged, made)
        } else {
            // What was recorded stays: repeating a check after a crash cannot wash a failure away.
            worst(judged, made)
        };
        if let Some(unknown) = self.unknown(number) {
            counted = Some(match counted {
                Some(known) if known.judged.outcome > Outcome::Error => known,
                Some(_) | None => Counted {
                    judged: bare(Outcome::Error, unknown),
                    attempt: None,
                    made: made + 1,
                },
            });
        }
        Ok(counted.unwrap_or_else(|| {
            let (outcome, message) = self.unattempted(number);
            Counted {
                judged: bare(outcome, message),
                attempt: None,
                made: 0,
            }
        }))
    }

    /// The attempts that count: one that was stopped half-way and could be made again does not.
    fn standing(&self, all: &[(&'a Address, &'a Attempt)]) -> Vec<(&'a Address, &'a Attempt)> {
        let last = all.len().saturating_sub(1);
        all.iter()
            .enumerate()
            .filter(|(i, (_, attempt))| {
                *i == last || !self.may_be_repeated() || !was_stopped(attempt)
            })
            .map(|(_, both)| *both)
            .collect()
    }

    fn may_be_repeated(&self) -> bool {
        self.check.power.is_none() || self.check.repeatable || self.place.rollback
    }

    /// With `retry` the last attempt counts; one that passes only then is a `warn`, unless waiting is the point.
    fn last(
        &self,
        mut judged: Vec<(AttemptJudged, &'a Attempt)>,
        made: u32,
    ) -> Option<Counted<'a>> {
        let (mut last, attempt) = judged.pop()?;
        let eventually = self.check.retry.is_some_and(|r| r.eventually);
        let before = judged.iter().rev().find(|(j, _)| !j.outcome.is_good());
        if let (Some((failed, _)), Some((_, first))) = (before, judged.first())
            && last.outcome.is_good()
        {
            let waited = (attempt.started_at - first.started_at)
                .num_nanoseconds()
                .unwrap_or(i64::MAX);
            let waited = humanize_duration_ns(waited);
            if eventually {
                last.message = format!("{} after {waited}, on attempt {made}", last.message);
            } else {
                last.outcome = Outcome::Warn;
                last.message = format!(
                    "passed only on attempt {made}, after {waited}; before: {}",
                    failed.message
                );
            }
        }
        Some(Counted {
            judged: last,
            attempt: Some(attempt),
            made,
        })
    }

    /// Whether an attempt began later than the plan lets the check be retried, as after a long pause of the run.
    fn is_too_late(&self, all: &[(&Address, &Attempt)], attempt: &Attempt) -> bool {
        let (Some(retry), Some((_, first))) = (self.check.retry, all.first()) else {
            return false;
        };
        let after = (attempt.started_at - first.started_at).num_nanoseconds();
        let slack = retry.every_ns.saturating_add(self.check.timeout_ns);
        after.is_none_or(|ns| ns > retry.for_ns.saturating_add(slack))
    }

    /// An intent that a crash left open, and that was not made good by a repetition that the plan allows.
    fn unknown(&self, number: Option<u32>) -> Option<String> {
        let ended_after = |open: &Address| {
            self.run
                .attempts_at(self.place.gate, self.place.id, number)
                .any(|(at, _)| at.attempt > open.attempt)
        };
        let mut mine = self.run.intents_at(self.place.gate, self.place.id, number);
        let (at, intent) = mine.find(|(at, intent)| {
            let open = intent.power.is_some() && !self.run.attempts.contains_key(at);
            open && !(self.may_be_repeated() && ended_after(at))
        })?;
        Some(format!(
            "{}: {} (attempt {} was under way when the run broke off; it is not repeated)",
            intent.ask,
            words::cause_words(Cause::Unknown),
            at.attempt
        ))
    }

    fn was_intended(&self, at: &Address, attempt: &Attempt) -> Result<(), JudgeError> {
        let acted = observation_of(attempt).is_some() && self.check.power.is_some();
        let intended = self.run.intents.get(at).is_some_and(|i| i.power.is_some());
        if acted && !intended {
            return Err(JudgeError::NotIntended {
                check: self.at.to_owned(),
            });
        }
        Ok(())
    }

    /// Why there is no attempt.
    fn unattempted(&self, number: Option<u32>) -> (Outcome, String) {
        let id = (self.place.gate.to_owned(), self.place.id.to_owned());
        if let Some(reason) = self.run.skipped.get(&id) {
            return (Outcome::Skipped, words::skip_words(reason));
        }
        let begun = self
            .run
            .intents_at(self.place.gate, self.place.id, number)
            .next()
            .is_some();
        if begun {
            let why = "the run ended while it was under way";
            return (Outcome::Error, why.to_owned());
        }
        let why = if self.run.finished_at.is_some() {
            "nothing was recorded of it"
        } else {
            "the run ended before it"
        };
        (Outcome::Skipped, why.to_owned())
    }

    fn ask(&self, number: Option<u32>) -> String {
        let mut mine = self.run.intents_at(self.place.gate, self.place.id, number);
        match mine.next_back() {
            Some((_, intent)) => intent.ask.clone(),
            None => words::plain_ask(self.check),
        }
    }

    /// A check of which nothing is to be shown but how it ended.
    fn nothing(&self, (outcome, message): (Outcome, String)) -> CheckJudged {
        CheckJudged {
            id: self.place.id.to_owned(),
            probe: self.check.probe.clone(),
            ask: words::plain_ask(self.check),
            outcome,
            message,
            expectations: Vec::new(),
            limits: Vec::new(),
            distribution: None,
            items: Vec::new(),
            attempts: 0,
            started_at: None,
            elapsed_ns: None,
            evidence: None,
            cause: None,
            next: None,
            waived_by: None,
        }
    }
}

/// How often a check (`gate/check`) took samples of the same subject in earlier runs; nothing where no registry tells.
pub fn earlier_samplings(started: &RunStarted, at: &str) -> Option<u32> {
    let earlier = started.earlier.as_ref()?.iter();
    let mine = earlier.filter(|run| run.sampled.iter().any(|s| s == at));
    u32::try_from(mine.count()).ok()
}

fn worst<'a>(judged: Vec<(AttemptJudged, &'a Attempt)>, made: u32) -> Option<Counted<'a>> {
    let mut worst: Option<(AttemptJudged, &'a Attempt)> = None;
    for next in judged {
        // Of equals the later one: its values are the ones that later checks used.
        if worst
            .as_ref()
            .is_none_or(|(w, _)| next.0.outcome >= w.outcome)
        {
            worst = Some(next);
        }
    }
    worst.map(|(judged, attempt)| Counted {
        judged,
        attempt: Some(attempt),
        made,
    })
}

fn bare(outcome: Outcome, message: String) -> AttemptJudged {
    AttemptJudged {
        outcome,
        message,
        expectations: Vec::new(),
        limits: Vec::new(),
        distribution: None,
        saves: Map::new(),
    }
}

fn observation_of(attempt: &Attempt) -> Option<&Observation> {
    match &attempt.observed {
        Observed::Observation(seen) => Some(seen),
        Observed::NotObserved(_) => None,
    }
}

fn was_stopped(attempt: &Attempt) -> bool {
    match &attempt.observed {
        Observed::Observation(_) => false,
        Observed::NotObserved(gap) => gap.cause == Cause::Interrupted,
    }
}

fn took_samples(seen: &Observation) -> bool {
    seen.blobs.iter().any(|blob| blob.role == SAMPLES_ROLE)
}

fn evidence(seen: &Observation) -> Evidence {
    Evidence {
        target: seen.target.clone(),
        facts: seen.facts.clone(),
        shown: seen.shown.clone(),
        blobs: seen.blobs.clone(),
        secrets_seen: seen.secrets_seen.clone(),
    }
}

/// `all 5 items passed`, or which of them is the worst.
fn items_message(worst: &CheckJudged, rows: &[ItemJudged]) -> String {
    let same = rows.iter().filter(|r| r.outcome == worst.outcome).count();
    let all = rows.len();
    if worst.outcome == Outcome::Pass {
        return format!("all {all} items passed");
    }
    let first = rows.iter().find(|r| r.outcome == worst.outcome);
    let item = first.map(|r| words::shorten(&r.item.to_string(), 60));
    format!(
        "{same} of {all} items {}; the first, {}: {}",
        worst.outcome.counted(),
        item.unwrap_or_default(),
        worst.message
    )
}

/// What the items saved, as lists in their order; a name that one of them lacks is not saved at all.
fn in_lists(saves: &[crate::plan::Save], items: &[Map]) -> Map {
    saves
        .iter()
        .filter_map(|save| {
            let values: Option<Vec<Value>> = items
                .iter()
                .map(|map| map.get(&save.name).cloned())
                .collect();
            Some((save.name.clone(), Value::List(values?)))
        })
        .collect()
}
