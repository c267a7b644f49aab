//! Counting samples: everything but order statistics, in any order, a few additions each.

use super::describe::measured_ns;
use super::limit::{Claim, LimitOutcome};
use crate::series::{Arrivals, End, Model, Sample, Series, SeriesHeader};

/// The generator's own lag may have a P99 of this much.
const LAG_NS: u64 = 5_000_000;
/// A load has held its rate from this share of it on.
pub(super) const HELD: f64 = 0.99;
/// "Too many requests", the answer of a rate limiter (RFC 6585).
const TOO_MANY_REQUESTS: u16 = 429;

/// How often one claim was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Missed {
    over: u64,
    late: u64,
}

/// Counts of the judged samples of a load, for a list of claims.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tally {
    header: SeriesHeader,
    claims: Vec<Claim>,
    missed: Vec<Missed>,
    ends: [u64; 10],
    pub(super) n: u64,
    pub(super) limited: u64,
    late: u64,
    first_due_ns: u64,
    last_due_ns: u64,
    last_sent_ns: u64,
    /// Sent and not counted yet, while a load runs.
    pub(super) under_way: u64,
}

impl Tally {
    pub(super) fn new(header: &SeriesHeader, claims: &[Claim]) -> Tally {
        Tally {
            header: header.clone(),
            claims: claims.to_vec(),
            missed: vec![Missed { over: 0, late: 0 }; claims.len()],
            ends: [0; 10],
            n: 0,
            limited: 0,
            late: 0,
            first_due_ns: u64::MAX,
            last_due_ns: 0,
            last_sent_ns: 0,
            under_way: 0,
        }
    }

    pub(super) fn of(series: &Series, claims: &[Claim]) -> Tally {
        let mut tally = Tally::new(series.header(), claims);
        series.judged().for_each(|sample| tally.add(&sample));
        tally
    }

    /// Counts one sample; warm-up is not counted.
    pub(super) fn add(&mut self, sample: &Sample) {
        if sample.is_warm_up() {
            return;
        }
        self.n += 1;
        self.ends[sample.end() as usize] += 1;
        self.limited += u64::from(sample.status() == TOO_MANY_REQUESTS);
        self.first_due_ns = self.first_due_ns.min(sample.due_ns());
        self.last_due_ns = self.last_due_ns.max(sample.due_ns());
        let lag = sample.lag_ns().unwrap_or(0);
        if let Some(sent) = sample.sent_ns() {
            self.last_sent_ns = self.last_sent_ns.max(sent);
        }
        self.late += u64::from(lag > LAG_NS);
        let value = measured_ns(sample, self.header.model);
        for (claim, missed) in self.claims.iter().zip(&mut self.missed) {
            missed.over += u64::from(is_over(claim, value, sample.end()));
            missed.late += u64::from(lag > lag_allowed(claim));
        }
    }

    /// Adds the counts of another tally of the same load and claims.
    pub(super) fn absorb(&mut self, other: &Tally) {
        for (into, from) in self.missed.iter_mut().zip(&other.missed) {
            into.over += from.over;
            into.late += from.late;
        }
        for (into, from) in self.ends.iter_mut().zip(&other.ends) {
            *into += from;
        }
        self.n += other.n;
        self.limited += other.limited;
        self.under_way += other.under_way;
        self.late += other.late;
        self.first_due_ns = self.first_due_ns.min(other.first_due_ns);
        self.last_due_ns = self.last_due_ns.max(other.last_due_ns);
        self.last_sent_ns = self.last_sent_ns.max(other.last_sent_ns);
    }

    pub(super) fn claims(&self) -> &[Claim] {
        &self.claims
    }

    pub(super) fn header(&self) -> &SeriesHeader {
        &self.header
    }

    pub(super) fn over(&self, claim: usize) -> u64 {
        self.missed.get(claim).map_or(0, |missed| missed.over)
    }

    pub(super) fn ended(&self, end: End) -> u64 {
        self.ends[end as usize]
    }

    pub(super) fn failed(&self) -> u64 {
        self.n - self.ended(End::Ok)
    }

    pub(super) fn sent(&self) -> u64 {
        self.n - self.ended(End::NeverSent)
    }

    pub(super) fn first_due_ns(&self) -> u64 {
        self.first_due_ns.min(self.last_due_ns)
    }

    pub(super) fn last_due_ns(&self) -> u64 {
        self.last_due_ns
    }

    /// From the first due time to the last.
    pub(super) fn span_ns(&self) -> u64 {
        self.last_due_ns - self.first_due_ns()
    }

    /// Requests per second as they were due, from the gaps between them.
    pub(super) fn due_rate(&self) -> Option<f64> {
        (self.n > 1 && self.span_ns() > 0)
            .then(|| (self.n - 1) as f64 / (self.span_ns() as f64 / 1e9))
    }

    /// Requests per second as they were sent.
    pub(super) fn sent_rate(&self) -> Option<f64> {
        let span = self.last_sent_ns.saturating_sub(self.first_due_ns());
        (self.sent() > 1 && span > 0).then(|| (self.sent() - 1) as f64 / (span as f64 / 1e9))
    }

    /// The rate that bursts are reckoned by: the planned one; the one seen where none was planned or where requests
    /// came much faster than planned.
    ///
    /// `None` if nothing tells: requests that were all due at once, or one alone without a plan.
    pub(super) fn rate(&self) -> Option<f64> {
        if self.n > 1 && self.span_ns() == 0 {
            return None;
        }
        match (self.header.planned_rate, self.due_rate()) {
            (Some(planned), Some(seen)) if seen > 1.5 * planned => Some(seen),
            (Some(planned), _) => Some(planned),
            (None, seen) => seen,
        }
    }

    /// Why this load proves nothing about `claim`, whatever was counted: it did not put on the target what the plan
    /// says, or measured its own slowness.
    pub(super) fn defect(&self) -> Option<String> {
        if self.limited > 0 {
            return Some(format!(
                "{} of {} requests met the target's rate limiter (429): this load measures the limiter",
                self.limited, self.n
            ));
        }
        if let Some(reason) = self.rate_missed() {
            return Some(format!("generator saturated: {reason}"));
        }
        None
    }

    /// How the generator's own lateness clouds `claim`, where it does.
    ///
    /// Latency counts from when a request was due, so lateness can only lengthen it: a bound that holds with it holds
    /// without it, and only what is *not* met may be the generator's doing. The same is true of one user who waits for
    /// each answer. Several users that start late are fewer at a time than was promised: then it clouds a pass too.
    pub(super) fn lag(&self, claim: usize) -> Option<Lag> {
        // P99 by nearest rank is above a bound iff fewer than ⌈0.99 n⌉ are within it.
        let sent = self.sent();
        let within = (sent as f64 * 0.99 - 1e-6).ceil() as u64;
        let above = |late: u64| sent > 0 && sent - late.min(sent) < within;
        let late = self.missed.get(claim).map_or(0, |missed| missed.late);
        let what = if above(self.late) {
            "above 5 ms"
        } else if above(late) {
            "above a tenth of the limit"
        } else {
            return None;
        };
        Some(Lag {
            reason: format!("the P99 of its own lag is {what}"),
            clouds_a_pass: matches!(self.header.model, Model::Closed { users } if users > 1),
        })
    }

    /// How an open load fell short of its planned rate. A closed one offers what its users manage.
    fn rate_missed(&self) -> Option<String> {
        let Model::Open { arrivals } = self.header.model else {
            return None;
        };
        let planned = self.header.planned_rate?;
        let gap_ns = 1e9 / planned;
        let schedule_ns = self.span_ns() as f64 + gap_ns;
        let took_ns = self.last_sent_ns.saturating_sub(self.first_due_ns()) as f64 + gap_ns;
        let sent_share =
            self.sent() as f64 / self.n as f64 * schedule_ns / took_ns.max(schedule_ns);
        let slack = match arrivals {
            Arrivals::Constant => 0.0,
            // The count of a Poisson schedule varies by itself.
            Arrivals::Poisson { .. } => 3.0 / (self.n as f64).sqrt(),
        };
        let due_count = self.n.saturating_add(self.under_way) as f64;
        let due_share = due_count / (schedule_ns / 1e9) / planned + slack;
        let share = sent_share.min(due_share);
        // Written so that a NaN counts as missed.
        let held = share >= HELD;
        (!held).then(|| {
            format!(
                "it sent {:.1} % of the planned {planned}/s; a rate counts as held from 99 %",
                (share * 1000.0).floor() / 10.0
            )
        })
    }
}

/// The generator's own lateness, where it was worth the name.
pub(super) struct Lag {
    /// How late it was.
    pub(super) reason: String,
    /// Whether even a limit that is met may be its doing.
    clouds_a_pass: bool,
}

impl Lag {
    /// What is left of an outcome.
    pub(super) fn weaken(&self, outcome: LimitOutcome) -> LimitOutcome {
        match outcome {
            LimitOutcome::Met if !self.clouds_a_pass => LimitOutcome::Met,
            LimitOutcome::Met | LimitOutcome::NotMet | LimitOutcome::NotProven => {
                LimitOutcome::NotProven
            }
        }
    }
}

/// Whether a request misses a claim.
pub(super) fn is_over(claim: &Claim, value: u64, end: End) -> bool {
    match claim {
        Claim::Percentile { max_ns, .. } => value > *max_ns || end != End::Ok,
        Claim::ErrorRate { .. } | Claim::Rate { .. } => end != End::Ok,
    }
}

fn lag_allowed(claim: &Claim) -> u64 {
    match claim {
        Claim::Percentile { max_ns, .. } => max_ns / 10,
        Claim::ErrorRate { .. } | Claim::Rate { .. } => u64::MAX,
    }
}
