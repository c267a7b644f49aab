//! What became of each request, and of the load as a whole.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::clock::ns;
use std::time::Duration;

/// One scheduled request. Times are nanoseconds since the load began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its place in the schedule, from 0. With several threads and Poisson arrivals not in due order.
    pub index: u64,
    /// When it was due.
    pub due_ns: u64,
    /// When its first byte was handed to the system; none if that did not happen.
    pub sent_ns: Option<u64>,
    /// When it was decided: the answer whole, the failure seen, or given up. None only for [`End::NeverSent`].
    pub done_ns: Option<u64>,
    /// Status of the answer, 0 for none.
    pub status: u16,
    /// How it ended.
    pub end: End,
    /// Bytes that were read of the answer, head and body.
    pub bytes: u64,
}

impl Sample {
    /// From due to done: what somebody who wanted the answer then had to wait. None if there was no answer, which
    /// counts as endless.
    pub fn latency_ns(&self) -> Option<u64> {
        let done = self.done_ns.filter(|_| self.end.is_answer())?;
        Some(done.saturating_sub(self.due_ns))
    }

    /// From sent to done.
    pub fn service_ns(&self) -> Option<u64> {
        let done = self.done_ns.filter(|_| self.end.is_answer())?;
        Some(done.saturating_sub(self.sent_ns?))
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum End {
    /// Answered with an expected status.
    Ok,
    /// Answered with another status.
    BadStatus,
    /// The connection was refused.
    Refused,
    /// There was no way to the address.
    Unreachable,
    /// The TLS handshake or a record failed.
    Tls,
    /// The connection broke before any byte of the answer.
    Reset,
    /// The connection ended within the answer.
    Truncated,
    /// What came back was no HTTP/1.
    Protocol,
    /// The answer was larger than the caps.
    TooLarge,
    /// No whole answer in time, or no connection to send it over.
    TimedOut,
    /// Sent, and unanswered when the whole load was ended.
    CutOff,
    /// Due, or planned, and not sent when the load ended.
    NeverSent,
    /// This machine could not: out of descriptors, ports or buffers. Says nothing of the target.
    Local,
}

impl End {
    /// Every way to end, in order.
    pub const ALL: [End; 13] = [
        End::Ok,
        End::BadStatus,
        End::Refused,
        End::Unreachable,
        End::Tls,
        End::Reset,
        End::Truncated,
        End::Protocol,
        End::TooLarge,
        End::TimedOut,
        End::CutOff,
        End::NeverSent,
        End::Local,
    ];

    /// Whether a whole answer came.
    pub fn is_answer(self) -> bool {
        matches!(self, End::Ok | End::BadStatus)
    }

    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            End::Ok => "ok",
            End::BadStatus => "bad_status",
            End::Refused => "refused",
            End::Unreachable => "unreachable",
            End::Tls => "tls",
            End::Reset => "reset",
            End::Truncated => "truncated",
            End::Protocol => "protocol",
            End::TooLarge => "too_large",
            End::TimedOut => "timed_out",
            End::CutOff => "cut_off",
            End::NeverSent => "never_sent",
            End::Local => "local",
        }
    }
}

/// Takes the samples as they come, about in the order of completion, and says whether to go on.
pub trait Sink: Send {
    /// Takes one sample. Called in batches, never from two threads at once; must not block for long, since meanwhile
    /// nothing is sent.
    fn sample(&mut self, sample: &Sample);

    /// Asked after each batch, and at least about every 20 ms. After the first `Stop` nothing more becomes due; what
    /// was due is still sent and answered, and its samples follow.
    fn proceed(&mut self, _progress: &Progress) -> Proceed {
        Proceed::Continue
    }
}

/// Answer of [`Sink::proceed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proceed {
    /// Go on.
    Continue,
    /// Enough: let nothing more become due.
    Stop,
}

/// How far a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Since the load began.
    pub elapsed: Duration,
    /// Requests that became due.
    pub due: u64,
    /// Samples handed over. `due − done` are waiting or under way; whoever looks early must not take them for fast.
    pub done: u64,
}

/// Why a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All that was scheduled became due and was decided.
    Completed,
    /// The sink said stop.
    Decided,
    /// The deadline of the whole load passed.
    Deadline,
    /// It was cancelled.
    Cancelled,
    /// The share of 5xx was above the threshold.
    ServerErrors,
    /// The target sent the header that asks to stop.
    AbortHeader,
}

/// A load as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Why it ended.
    pub ended: Ended,
    /// From its beginning until the last request was decided.
    pub elapsed: Duration,
    /// Requests that are accounted for: one sample each.
    pub scheduled: u64,
    /// Requests that were sent.
    pub sent: u64,
    /// Samples by end; only ends that happened.
    pub ends: BTreeMap<End, u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests per second as the schedule wanted them, up to where it was stopped. None in a closed model without pace.
    pub offered_per_s: Option<f64>,
    /// Requests per second as they were really sent.
    pub achieved_per_s: f64,
    /// How late the generator itself was. None where nothing was due at a fixed time.
    pub lag: Option<Lag>,
    /// Connections opened.
    pub connections: u64,
    /// Most connections at a time; of several threads the sum of their own highs.
    pub connections_high: u64,
    /// How often this machine had no connection to give (descriptors, ports, buffers), so that requests had to wait
    /// for those that were open: above 0 the latencies are not the target's alone.
    pub denied_here: u64,
    /// Bytes of answers.
    pub bytes: u64,
}

impl Summary {
    /// How many requests ended so.
    pub fn count(&self, end: End) -> u64 {
        self.ends.get(&end).copied().unwrap_or(0)
    }
}

/// How long after its due time the generator turned to a request, whether or not a connection was free then: its own
/// lateness, which is no fault of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Half were no later.
    pub p50: Duration,
    /// 99 % were no later.
    pub p99: Duration,
    /// The latest.
    pub max: Duration,
}

/// The longest lag told apart from longer ones: an hour.
const LAG_CAP_NS: u64 = 3_600_000_000_000;

/// What one lane counts. Constant in size.
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) answers: u64,
    pub(super) server_errors: u64,
    pub(super) bytes: u64,
    pub(super) opened: u64,
    pub(super) high: u64,
    pub(super) denied: u64,
    pub(super) last_due_ns: u64,
    pub(super) last_sent_ns: u64,
    pub(super) last_done_ns: u64,
    pub(super) due: u64,
    ends: [u64; End::ALL.len()],
    statuses: Box<[u64; 1000]>,
    lag: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            sent: 0,
            answers: 0,
            server_errors: 0,
            bytes: 0,
            opened: 0,
            high: 0,
            denied: 0,
            last_due_ns: 0,
            last_sent_ns: 0,
            last_done_ns: 0,
            due: 0,
            ends: [0; End::ALL.len()],
            statuses: Box::new([0; 1000]),
            lag: Histogram::new_with_bounds(1, LAG_CAP_NS, 2)
                .expect("the bounds of the lag histogram are valid"),
        }
    }

    pub(super) fn became_due(&mut self, due_ns: u64) {
        self.due += 1;
        self.last_due_ns = self.last_due_ns.max(due_ns);
    }

    pub(super) fn lagged(&mut self, lag_ns: u64) {
        self.lag.saturating_record(lag_ns);
    }

    pub(super) fn count(&mut self, sample: &Sample) {
        self.ends[sample.end as usize] += 1;
        self.bytes += sample.bytes;
        if sample.end.is_answer() {
            self.answers += 1;
            self.server_errors += u64::from(sample.status / 100 == 5);
            if let Some(count) = self.statuses.get_mut(usize::from(sample.status)) {
                *count += 1;
            }
        }
        if let Some(sent) = sample.sent_ns {
            self.sent += 1;
            self.last_sent_ns = self.last_sent_ns.max(sent);
        }
        if let Some(done) = sample.done_ns {
            self.last_done_ns = self.last_done_ns.max(done);
        }
    }

    /// Adds another lane's counts.
    pub(super) fn merge(&mut self, other: &Tally) {
        self.sent += other.sent;
        self.answers += other.answers;
        self.server_errors += other.server_errors;
        self.bytes += other.bytes;
        self.opened += other.opened;
        self.high += other.high;
        self.denied += other.denied;
        self.due += other.due;
        self.last_due_ns = self.last_due_ns.max(other.last_due_ns);
        self.last_sent_ns = self.last_sent_ns.max(other.last_sent_ns);
        self.last_done_ns = self.last_done_ns.max(other.last_done_ns);
        for (mine, theirs) in self.ends.iter_mut().zip(&other.ends) {
            *mine += theirs;
        }
        for (mine, theirs) in self.statuses.iter_mut().zip(other.statuses.iter()) {
            *mine += theirs;
        }
        // Both were made with the same bounds, which is all that adding asks for.
        let _added = self.lag.add(&other.lag);
    }

    /// The account of the whole load. `gap_ns` is the mean distance between two requests of the plan, where it has one.
    pub(super) fn summary(&self, ended: Ended, gap_ns: Option<f64>) -> Summary {
        let scheduled = self.ends.iter().sum();
        let per_s = |count: u64, span_ns: f64| {
            if span_ns > 0.0 {
                count as f64 / span_ns * 1e9
            } else {
                0.0
            }
        };
        let (offered_per_s, achieved_per_s) = match gap_ns {
            // The n-th request of a plan is due n−1 gaps after the first, and stands for n gaps.
            Some(gap) => {
                let planned_ns = self.last_due_ns as f64 + gap;
                let taken_ns = planned_ns.max(self.last_sent_ns as f64 + gap);
                (
                    Some(per_s(scheduled, planned_ns)),
                    per_s(self.sent, taken_ns),
                )
            }
            None => (None, per_s(self.sent, self.last_done_ns as f64)),
        };
        let named = |(end, count): (&End, &u64)| (*count > 0).then_some((*end, *count));
        let quantile = |q| Duration::from_nanos(self.lag.value_at_quantile(q));
        Summary {
            ended,
            elapsed: Duration::from_nanos(self.last_done_ns),
            scheduled,
            sent: self.sent,
            ends: End::ALL.iter().zip(&self.ends).filter_map(named).collect(),
            statuses: (0u16..)
                .zip(self.statuses.iter())
                .filter(|(_, count)| **count > 0)
                .map(|(status, count)| (status, *count))
                .collect(),
            offered_per_s,
            achieved_per_s,
            lag: (!self.lag.is_empty()).then(|| Lag {
                p50: quantile(0.5),
                p99: quantile(0.99),
                max: Duration::from_nanos(self.lag.max()),
            }),
            connections: self.opened,
            connections_high: self.high,
            denied_here: self.denied + self.ends[End::Local as usize],
            bytes: self.bytes,
        }
    }
}

/// A duration as the mean gap of a plan.
pub(super) fn gap_ns(pace: Duration) -> f64 {
    ns(pace) as f64
}
