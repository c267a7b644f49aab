//! What a run that goes on need not do again.

use gonogo_core::judge::{self, Judging};
use gonogo_core::plan::{Check, Plan, Retry};
use gonogo_core::record::{Address, Attempt, Run};

use super::{Kept, State, is_secret, retry_is_over};
use crate::engine::EngineError;
use crate::engine::setup::Setup;

impl State {
    /// What needs no further attempt: what ended, and what may have had an effect nobody knows of.
    pub(super) fn settle(&mut self, setup: &Setup, run: &Run) -> Result<(), EngineError> {
        for (at, attempt) in &run.attempts {
            let key = (at.gate.clone(), at.check.clone(), at.item);
            let count = self.attempts.entry(key.clone()).or_insert(0);
            *count = (*count).max(at.attempt);
            let Some(check) = setup.check_at(&at.gate, &at.check) else {
                continue;
            };
            let again = if setup.is_rolled_back(&at.gate) {
                !was_rolled_back_whole(&setup.plan, &at.gate, run)
            } else {
                check.power.is_none() && self.goes_on(setup, at, check, attempt, run)?
            };
            if again {
                self.settled.remove(&key);
            } else {
                self.settled.insert(key);
            }
        }
        for (at, _) in run.open_intents() {
            let key = (at.gate.clone(), at.check.clone(), at.item);
            let count = self.attempts.entry(key.clone()).or_insert(0);
            *count = (*count).max(at.attempt);
            let repeatable = setup
                .check_at(&at.gate, &at.check)
                .is_some_and(|check| check.repeatable);
            if !repeatable && !setup.is_rolled_back(&at.gate) {
                self.settled.insert(key);
            }
        }
        Ok(())
    }

    /// Whether a reading check is made again: one that passed, for the secrets that it saves and that are not on disk; one that
    /// did not, while the plan lets it be retried. A failure that stands stays.
    fn goes_on(
        &self,
        setup: &Setup,
        at: &Address,
        check: &Check,
        attempt: &Attempt,
        run: &Run,
    ) -> Result<bool, EngineError> {
        let keeps_secrets = check.save.iter().any(|s| is_secret(check, s));
        let retry = retry_of(setup, at, check);
        if !keeps_secrets && retry.is_none() {
            return Ok(false);
        }
        let key = (at.gate.clone(), at.check.clone());
        let item = at
            .item
            .and_then(|i| run.expanded.get(&key)?.get(i as usize));
        let judging = Judging {
            at: &at.check,
            statistics: &setup.plan.statistics,
            known: &self.known,
            blobs: &Kept(&self.blobs),
            earlier_samplings: Some(0),
        };
        let judged = judge::judge_attempt(check, item, attempt, &judging)?;
        Ok(if judged.outcome.is_good() {
            keeps_secrets
        } else {
            retry.is_some_and(|r| !retry_is_over(run, &at.gate, &at.check, at.item, r))
        })
    }
}

/// Whether a gate's transaction was rolled back after each of its checks had ended. One that ended earlier (the run was
/// stopped in it) is repeated whole.
fn was_rolled_back_whole(plan: &Plan, gate: &str, run: &Run) -> bool {
    let Some(planned) = plan.gates.iter().find(|g| g.id == gate) else {
        return false;
    };
    let ended = |check: &Check| {
        let key = (gate.to_owned(), check.id.clone());
        let has_ended = |item| run.attempts_at(gate, &check.id, item).next().is_some();
        run.skipped.contains_key(&key)
            || match run.expanded.get(&key) {
                Some(items) => (0u32..).zip(items).all(|(item, _)| has_ended(Some(item))),
                None => has_ended(None),
            }
    };
    run.rolled_back.contains_key(gate) && planned.checks.iter().all(ended)
}

/// The `retry` of a check; the subject's first look waits for the rollout.
fn retry_of(setup: &Setup, at: &Address, check: &Check) -> Option<Retry> {
    if at.gate == "subject" && at.check == "start" {
        return setup.plan.subject.as_ref().and_then(crate::engine::waiting);
    }
    check.retry
}
