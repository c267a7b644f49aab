//! Looking at a load while it runs, for `until: decided`.

use super::judging::case_of;
use super::limit::{Assumptions, Claim, LimitOutcome};
use super::tally::Tally;
use crate::series::{Sample, SeriesHeader};

/// The counts of a running load, and what they would decide.
///
/// Only with the always-valid bound may one look as often as one likes; so a look always judges in sequential mode,
/// and its answers are those of [`super::judge_limit`] with `sequential: true` on a series of the same samples.
///
/// Requests still under way are not in it, and those are the slow ones. So on a decision a load stops issuing, waits
/// until what is under way has ended (adding it), and asks again; if that is undecided, it goes on. The bound holds
/// at every n, so this costs nothing.
#[derive(Clone, Debug)]
pub struct SequentialLook {
    tally: Tally,
    assumptions: Assumptions,
}

impl SequentialLook {
    /// Begins with no samples. `header` is that of the series being written.
    pub fn new(
        claims: &[Claim],
        header: &SeriesHeader,
        assumptions: &Assumptions,
    ) -> SequentialLook {
        SequentialLook {
            tally: Tally::new(header, claims),
            assumptions: Assumptions {
                sequential: true,
                ..*assumptions
            },
        }
    }

    /// Counts one sample, in any order; warm-up is ignored. Some additions per claim, no memory.
    pub fn add(&mut self, sample: &Sample) {
        self.tally.add(sample);
    }

    /// Adds what another thread or agent counted for the same load and claims.
    pub fn absorb(&mut self, other: &SequentialLook) {
        self.tally.absorb(&other.tally);
    }

    /// Says how many requests were sent and have not ended yet (0 at first), so that their absence from the counts is
    /// not taken for a rate that the generator missed. They count for nothing else.
    pub fn set_under_way(&mut self, count: u64) {
        self.tally.under_way = count;
    }

    /// How many samples were counted, warm-up excluded.
    pub fn count(&self) -> u64 {
        self.tally.n
    }

    /// What each claim comes to now. `None` for a claim on the achieved rate: it is judged at the end, and does not
    /// say how many requests are enough.
    pub fn outcomes(&self) -> Vec<Option<LimitOutcome>> {
        let claims = self.tally.claims();
        (0..claims.len()).map(|index| self.outcome(index)).collect()
    }

    /// Whether no claim on a share is open any more, so that the load may stop. Never true without such a claim.
    pub fn is_decided(&self) -> bool {
        let mut shares = self.outcomes().into_iter().flatten().peekable();
        shares.peek().is_some() && shares.all(|outcome| outcome != LimitOutcome::NotProven)
    }

    fn outcome(&self, index: usize) -> Option<LimitOutcome> {
        match self.tally.claims().get(index)? {
            Claim::Rate { .. } => None,
            claim @ (Claim::Percentile { .. } | Claim::ErrorRate { .. }) => Some(
                case_of(&self.tally, index, claim, &self.assumptions).map_or(
                    LimitOutcome::NotProven,
                    |case| {
                        let outcome = case.outcome();
                        match self.tally.lag(index) {
                            Some(lag) => lag.weaken(outcome),
                            None => outcome,
                        }
                    },
                ),
            ),
        }
    }
}
