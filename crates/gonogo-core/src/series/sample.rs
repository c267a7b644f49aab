//! One request of a load, and what is true of all of them.

use serde::{Deserialize, Serialize};

/// How arrivals of an open model were planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrivals {
    /// One every `1/rate`.
    Constant,
    /// Exponential gaps from a seeded generator.
    Poisson {
        /// The seed, so that the schedule can be made again.
        seed: u64,
    },
}

/// Who decides when the next request is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Model {
    /// Arrivals fixed in advance; latency counts from the due time.
    Open {
        /// How they were fixed.
        arrivals: Arrivals,
    },
    /// Users that each wait for their answer; percentiles are service times under that concurrency.
    Closed {
        /// How many users asked side by side.
        users: u32,
    },
}

/// What is true of every sample of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesHeader {
    /// Open or closed.
    pub model: Model,
    /// Requests per second as planned. An open model has one; a closed one only if its users are paced, and then it is
    /// a ceiling.
    #[serde(with = "exact")]
    pub planned_rate: Option<f64>,
    /// When the load began, in milliseconds since 1970 UTC; due offsets count from here.
    pub started_at_ms: i64,
    /// How many requests were planned as warm-up; at most so many samples may be marked as such.
    pub warm_up: u64,
    /// After how many nanoseconds a request was given up.
    pub timeout_ns: u64,
}

impl SeriesHeader {
    /// Why this header cannot mean anything, if so.
    pub(super) fn defect(&self) -> Option<&'static str> {
        match (self.model, self.planned_rate) {
            (_, Some(rate)) if !(rate.is_finite() && rate > 0.0) => {
                Some("the planned rate is not a positive number")
            }
            (Model::Open { .. }, None) => Some("an open model without a planned rate"),
            (Model::Closed { users: 0 }, _) => Some("a closed model without users"),
            (Model::Open { .. } | Model::Closed { .. }, _) => None,
        }
    }
}

/// How a request ended. The numbers are the format's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum End {
    /// Answered as the check wants it.
    Ok = 0,
    /// Answered, with a status or body the check does not want.
    BadStatus = 1,
    /// Given up after the timeout.
    TimedOut = 2,
    /// Still not sent when the load ended.
    NeverSent = 3,
    /// The name could not be resolved.
    Dns = 4,
    /// No connection: refused, unreachable, out of ports.
    Connect = 5,
    /// The TLS handshake failed.
    Tls = 6,
    /// The connection broke before the answer was whole.
    Broken = 7,
    /// What came back was no HTTP, or beyond a cap.
    Protocol = 8,
    /// Any other failure of transport.
    Other = 9,
}

impl End {
    const ALL: [End; 10] = [
        End::Ok,
        End::BadStatus,
        End::TimedOut,
        End::NeverSent,
        End::Dns,
        End::Connect,
        End::Tls,
        End::Broken,
        End::Protocol,
        End::Other,
    ];

    pub(super) fn from_code(code: u8) -> Option<End> {
        End::ALL.get(usize::from(code)).copied()
    }

    /// Every way to end, in the format's order.
    pub fn all() -> &'static [End] {
        &End::ALL
    }

    /// The word used in CSV and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            End::Ok => "ok",
            End::BadStatus => "bad_status",
            End::TimedOut => "timed_out",
            End::NeverSent => "never_sent",
            End::Dns => "dns",
            End::Connect => "connect",
            End::Tls => "tls",
            End::Broken => "broken",
            End::Protocol => "protocol",
            End::Other => "other",
        }
    }
}

/// What became of one scheduled request. Offsets are nanoseconds from the start of the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    due_ns: u64,
    /// Sent − due.
    lag_ns: u64,
    /// Ended − sent.
    service_ns: u64,
    status: u16,
    end: End,
    warm_up: bool,
}

impl Sample {
    /// A request that was sent and ended in some way: answered, failed, or given up.
    ///
    /// A clock that runs a little ahead of the schedule (`sent < due`) counts as no lag; an `End::NeverSent` here is
    /// recorded as [`End::Other`], since it was sent. `status` is 0 where there was none.
    pub fn ended(due_ns: u64, sent_ns: u64, ended_ns: u64, status: u16, end: End) -> Sample {
        let end = if end == End::NeverSent {
            End::Other
        } else {
            end
        };
        Sample {
            due_ns,
            lag_ns: sent_ns.saturating_sub(due_ns),
            service_ns: ended_ns.saturating_sub(sent_ns),
            status,
            end,
            warm_up: false,
        }
    }

    /// A request that was due and was not sent before the load ended.
    pub fn never_sent(due_ns: u64) -> Sample {
        Sample {
            due_ns,
            lag_ns: 0,
            service_ns: 0,
            status: 0,
            end: End::NeverSent,
            warm_up: false,
        }
    }

    /// The same sample, as part of the declared warm-up: kept, never judged.
    #[must_use]
    pub fn warming_up(self) -> Sample {
        Sample {
            warm_up: true,
            ..self
        }
    }

    /// When it was due.
    pub fn due_ns(&self) -> u64 {
        self.due_ns
    }

    /// When it was sent, if it was.
    pub fn sent_ns(&self) -> Option<u64> {
        self.lag_ns().map(|lag| self.due_ns.saturating_add(lag))
    }

    /// How long after it was due it was sent, if it was.
    pub fn lag_ns(&self) -> Option<u64> {
        (self.end != End::NeverSent).then_some(self.lag_ns)
    }

    /// From sent to ended; for a request given up, how long it was waited for.
    pub fn service_ns(&self) -> Option<u64> {
        (self.end != End::NeverSent).then_some(self.service_ns)
    }

    /// From due to ended: what somebody who wanted the answer then had to wait.
    pub fn latency_ns(&self) -> Option<u64> {
        (self.end != End::NeverSent).then(|| self.lag_ns.saturating_add(self.service_ns))
    }

    /// When it ended, if it was sent.
    pub fn ended_ns(&self) -> Option<u64> {
        self.latency_ns()
            .map(|latency| self.due_ns.saturating_add(latency))
    }

    /// The status code of the answer, 0 for none.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// How it ended.
    pub fn end(&self) -> End {
        self.end
    }

    /// Whether it belongs to the declared warm-up.
    pub fn is_warm_up(&self) -> bool {
        self.warm_up
    }

    /// The same sample on a clock that began `by` nanoseconds earlier.
    pub(super) fn shifted(self, by: u64) -> Option<Sample> {
        Some(Sample {
            due_ns: self.due_ns.checked_add(by)?,
            ..self
        })
    }
}

/// A rate as text: the shortest decimal that reads back as the same number. (JSON numbers may lose the last bit.)
mod exact {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    #[expect(clippy::ref_option, reason = "serde's `with` calls it so")]
    pub(super) fn serialize<S: Serializer>(rate: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
        rate.map(|rate| rate.to_string()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        let rate: f64 = text.parse().map_err(D::Error::custom)?;
        if rate.to_string() == text {
            Ok(Some(rate))
        } else {
            Err(D::Error::custom("a rate is not in its shortest form"))
        }
    }
}
