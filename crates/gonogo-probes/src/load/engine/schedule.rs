//! Which request is due when: pure, with time as a value, and constant in memory however long the queue is.

use std::collections::VecDeque;

use super::clock::ns;
use super::config::{Arrivals, Config, Model, REQUESTS_CAP};

/// A request that must be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) index: u64,
    pub(super) due_ns: u64,
}

/// The share of a load that one lane carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    /// Which lane, from 0.
    pub(super) lane: u32,
    /// Of how many.
    pub(super) lanes: u32,
}

impl Share {
    /// This lane's part of a number that is split as evenly as it goes.
    pub(super) fn of(self, whole: u64) -> u64 {
        let (lane, lanes) = (u64::from(self.lane), u64::from(self.lanes));
        whole / lanes + u64::from(lane < whole % lanes)
    }
}

/// The requests of one lane: first not due, then due and waiting for a connection, then taken.
#[derive(Debug)]
pub(super) enum Schedule {
    Open(Open),
    Closed(Closed),
}

impl Schedule {
    pub(super) fn new(config: &Config, share: Share) -> Self {
        let left = config.requests.map_or(u64::MAX, |all| share.of(all));
        let until_ns = config.duration.map_or(u64::MAX, ns);
        match config.model {
            Model::Open { rate, arrivals } => {
                let times = DueTimes::new(rate, arrivals, share, left, until_ns);
                Self::Open(Open {
                    behind: times.clone(),
                    ahead: times,
                    waiting: 0,
                    closed: false,
                })
            }
            Model::Closed { users, pace } => {
                let users = share.of(u64::from(users)) as usize;
                let pace_ns = pace.map_or(0, ns);
                Self::Closed(Closed {
                    free: std::iter::repeat_n(0, users).collect(),
                    waiting: VecDeque::with_capacity(users),
                    allowed_ns: pace_ns.saturating_mul(u64::from(share.lane)),
                    pace_ns: pace_ns.saturating_mul(u64::from(share.lanes)),
                    left: if users == 0 { 0 } else { left },
                    until_ns,
                    index: u64::from(share.lane),
                    stride: u64::from(share.lanes),
                })
            }
        }
    }

    /// Lets every request become due whose time has come, and names each.
    #[inline]
    pub(super) fn release(&mut self, now_ns: u64, mut became_due: impl FnMut(Due)) {
        match self {
            Self::Open(open) => {
                while let Some(due) = open.next().filter(|due| due.due_ns <= now_ns) {
                    open.ahead.advance();
                    open.waiting += 1;
                    became_due(due);
                }
            }
            Self::Closed(closed) => {
                while let Some(due_ns) = closed.next_due_ns().filter(|due| *due <= now_ns) {
                    closed.free.pop_front();
                    let due = Due {
                        index: closed.index,
                        due_ns,
                    };
                    closed.index += closed.stride;
                    closed.left -= 1;
                    closed.allowed_ns = due_ns.saturating_add(closed.pace_ns);
                    closed.waiting.push_back(due);
                    became_due(due);
                }
            }
        }
    }

    /// When the next request becomes due, as far as that is known.
    pub(super) fn next_due_ns(&self) -> Option<u64> {
        match self {
            Self::Open(open) => open.next().map(|due| due.due_ns),
            Self::Closed(closed) => closed.next_due_ns(),
        }
    }

    /// The request that has waited longest.
    #[inline]
    pub(super) fn head(&self) -> Option<Due> {
        match self {
            Self::Open(open) => open.behind.peek().filter(|_| open.waiting > 0),
            Self::Closed(closed) => closed.waiting.front().copied(),
        }
    }

    /// Takes the request that has waited longest.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Due> {
        let head = self.head()?;
        match self {
            Self::Open(open) => {
                open.behind.advance();
                open.waiting -= 1;
            }
            Self::Closed(closed) => {
                closed.waiting.pop_front();
            }
        }
        Some(head)
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> u64 {
        match self {
            Self::Open(open) => open.waiting,
            Self::Closed(closed) => closed.waiting.len() as u64,
        }
    }

    /// The user of a decided request may ask again from this time on.
    #[inline]
    pub(super) fn freed(&mut self, at_ns: u64) {
        if let Self::Closed(closed) = self {
            closed.free.push_back(at_ns);
        }
    }

    /// Nothing more becomes due.
    pub(super) fn close(&mut self) {
        match self {
            Self::Open(open) => open.closed = true,
            Self::Closed(closed) => closed.left = 0,
        }
    }

    /// Gives up a request that was planned and is not due yet. A closed model has planned only what it was given a
    /// number of; what its users might have asked until the end of a duration is no plan.
    pub(super) fn abandon(&mut self, now_ns: u64) -> Option<Due> {
        match self {
            Self::Open(open) => {
                let due = open.next()?;
                open.ahead.advance();
                Some(due)
            }
            Self::Closed(closed) => {
                if closed.left == 0 || closed.left > REQUESTS_CAP {
                    return None;
                }
                let index = closed.index;
                closed.index += closed.stride;
                closed.left -= 1;
                Some(Due {
                    index,
                    due_ns: now_ns.max(closed.allowed_ns),
                })
            }
        }
    }

    /// Whether nothing more can become due. (In a closed model users that wait for answers may still ask.)
    pub(super) fn exhausted(&self, now_ns: u64) -> bool {
        match self {
            Self::Open(open) => open.next().is_none(),
            Self::Closed(closed) => {
                closed.left == 0
                    || closed.allowed_ns >= closed.until_ns
                    || now_ns >= closed.until_ns
            }
        }
    }
}

/// An open model. The two cursors walk the same due times, so that a queue of any length needs no memory.
#[derive(Debug)]
pub(super) struct Open {
    ahead: DueTimes,
    behind: DueTimes,
    waiting: u64,
    closed: bool,
}

impl Open {
    #[inline]
    fn next(&self) -> Option<Due> {
        if self.closed { None } else { self.ahead.peek() }
    }
}

/// A closed model.
#[derive(Debug)]
pub(super) struct Closed {
    /// From when on each user who is not asking may ask.
    free: VecDeque<u64>,
    waiting: VecDeque<Due>,
    /// Before this nobody may, because of the pace.
    allowed_ns: u64,
    pace_ns: u64,
    left: u64,
    until_ns: u64,
    index: u64,
    stride: u64,
}

impl Closed {
    #[inline]
    fn next_due_ns(&self) -> Option<u64> {
        let free_ns = *self.free.front()?;
        let due_ns = free_ns.max(self.allowed_ns);
        (self.left > 0 && due_ns < self.until_ns).then_some(due_ns)
    }
}

/// The due times of an open model, one after the other.
#[derive(Clone, Debug)]
struct DueTimes {
    pattern: Pattern,
    index: u64,
    stride: u64,
    due_ns: u64,
    left: u64,
    until_ns: u64,
}

#[derive(Clone, Debug)]
enum Pattern {
    Constant {
        per_ns: f64,
    },
    Poisson {
        mean_ns: f64,
        at_ns: f64,
        state: u64,
    },
}

impl DueTimes {
    fn new(rate: f64, arrivals: Arrivals, share: Share, left: u64, until_ns: u64) -> Self {
        let pattern = match arrivals {
            Arrivals::Constant => Pattern::Constant { per_ns: rate / 1e9 },
            // A Poisson stream is the sum of independent ones of a lower rate.
            Arrivals::Poisson { seed } => Pattern::Poisson {
                mean_ns: 1e9 / rate * f64::from(share.lanes),
                at_ns: 0.0,
                state: seed ^ u64::from(share.lane).wrapping_mul(0xA24B_AED4_963E_E407),
            },
        };
        let mut times = Self {
            pattern,
            index: u64::from(share.lane),
            stride: u64::from(share.lanes),
            due_ns: 0,
            left,
            until_ns,
        };
        times.place();
        times
    }

    #[inline]
    fn peek(&self) -> Option<Due> {
        (self.left > 0 && self.due_ns < self.until_ns).then_some(Due {
            index: self.index,
            due_ns: self.due_ns,
        })
    }

    #[inline]
    fn advance(&mut self) {
        self.index += self.stride;
        self.left = self.left.saturating_sub(1);
        self.place();
    }

    /// Finds when the request at the cursor is due.
    #[inline]
    fn place(&mut self) {
        self.due_ns = match &mut self.pattern {
            // From the index each time, so that nothing adds up.
            Pattern::Constant { per_ns } => (self.index as f64 / *per_ns) as u64,
            Pattern::Poisson {
                mean_ns,
                at_ns,
                state,
            } => {
                *at_ns -= uniform(state).ln() * *mean_ns;
                *at_ns as u64
            }
        };
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014), as a number above 0 and up to 1.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    ((z >> 11) + 1) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests;
