//! What a load is: whom it asks, what, how often, for how long, and when it must stop.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

/// The most requests that one load may schedule.
pub const REQUESTS_CAP: u64 = 100_000_000;
/// The highest rate that can be asked for, in requests per second.
pub const RATE_CAP: f64 = 10_000_000.0;
/// The most connections at a time, over all threads.
pub const CONNECTIONS_CAP: u32 = 16_384;
const THREADS_CAP: u32 = 64;

/// Everything the engine must know. It asks this one address and no other, and follows no redirect.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to connect to, resolved already.
    pub address: SocketAddr,
    /// TLS, where the target wants it.
    pub tls: Option<Tls>,
    /// What is asked, the same each time.
    pub request: Request,
    /// Which statuses are an answer as wanted.
    pub expected: Expected,
    /// Who decides when a request is due.
    pub model: Model,
    /// How many requests are scheduled at most.
    pub requests: Option<u64>,
    /// Requests due at or after this are not scheduled. Either this or `requests` is given.
    pub duration: Option<Duration>,
    /// A request that has no whole answer so long after it was due is given up.
    pub timeout: Duration,
    /// The whole load ends here, whatever is under way.
    pub deadline: Option<Duration>,
    /// The most connections at a time. In a closed model never more than users.
    pub connections: u32,
    /// Threads that share the load; one is enough for hundreds of thousands of requests a second.
    pub threads: u32,
    /// How much of an answer is read.
    pub caps: Caps,
    /// What makes the engine stop by itself.
    pub stop_on: StopOn,
}

impl Config {
    /// A load of one thread with the usual caps, any 2xx as wanted, ten seconds for each request.
    pub fn new(address: SocketAddr, request: Request, model: Model) -> Self {
        Self {
            address,
            tls: None,
            request,
            expected: Expected::success(),
            model,
            requests: None,
            duration: None,
            timeout: Duration::from_secs(10),
            deadline: None,
            connections: 1024,
            threads: 1,
            caps: Caps::default(),
            stop_on: StopOn::default(),
        }
    }

    /// Refuses what cannot mean anything.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match self.model {
            Model::Open { rate, .. } => {
                if !(rate.is_finite() && rate > 0.0 && rate <= RATE_CAP) {
                    return Err(ConfigError::Rate);
                }
            }
            Model::Closed { users, .. } => {
                if users == 0 || users > CONNECTIONS_CAP {
                    return Err(ConfigError::Users);
                }
            }
        }
        if self.requests.is_none() && self.duration.is_none() {
            return Err(ConfigError::Endless);
        }
        if self
            .requests
            .is_some_and(|n| !(1..=REQUESTS_CAP).contains(&n))
        {
            return Err(ConfigError::Requests);
        }
        if self.connections == 0 || self.connections > CONNECTIONS_CAP {
            return Err(ConfigError::Connections);
        }
        if self.threads == 0 || self.threads > THREADS_CAP {
            return Err(ConfigError::Threads);
        }
        if self.timeout.is_zero() {
            return Err(ConfigError::Timeout);
        }
        Ok(())
    }
}

/// Why a load cannot be run as it is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Rate of an open model.
    #[error("the rate must be above 0 and at most 10,000,000 requests per second")]
    Rate,
    /// Users of a closed model.
    #[error("the number of users must be between 1 and 16,384")]
    Users,
    /// Neither a number of requests nor a duration.
    #[error("a load needs a number of requests or a duration")]
    Endless,
    /// Number of requests.
    #[error("the number of requests must be between 1 and 100,000,000")]
    Requests,
    /// Number of connections.
    #[error("the number of connections must be between 1 and 16,384")]
    Connections,
    /// Number of threads.
    #[error("the number of threads must be between 1 and 64")]
    Threads,
    /// Timeout of a request.
    #[error("the timeout of a request must be above zero")]
    Timeout,
    /// The request line or a header would not be what it seems on the wire.
    #[error("the {0} of the request holds a character that may not stand there")]
    Request(&'static str),
}

/// TLS to the target.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Roots and protocol versions. It must not offer HTTP/2, which the engine does not speak.
    pub config: Arc<ClientConfig>,
    /// The name the certificate must hold, sent as SNI.
    pub name: ServerName<'static>,
}

/// Who decides when a request is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Model {
    /// Arrivals fixed in advance, whatever the target does. Latency counts from the due time.
    Open {
        /// Requests per second.
        rate: f64,
        /// How they are spread.
        arrivals: Arrivals,
    },
    /// Users that each wait for their answer before they ask again. Latencies are service times under that concurrency.
    Closed {
        /// How many ask side by side.
        users: u32,
        /// A request starts at least so long after the one before, whichever user it comes from; without, as fast as
        /// answers come.
        pace: Option<Duration>,
    },
}

/// How the arrivals of an open model are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// One every `1/rate`.
    Constant,
    /// Exponential gaps from a seeded generator.
    Poisson {
        /// The same seed, rate and number of threads give the same schedule.
        seed: u64,
    },
}

/// How much of one answer is read before it is given up as too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Bytes of head, interim answers, chunk extensions and trailers together.
    pub head: usize,
    /// Bytes of body.
    pub body: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            head: 16 * 1024,
            body: 16 * 1024 * 1024,
        }
    }
}

/// What makes the engine stop by itself, to spare the target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StopOn {
    /// Too many 5xx.
    pub server_errors: Option<ServerErrors>,
    /// Any answer with this header.
    pub header: Option<String>,
}

/// Stops when the share of 5xx among the answers is above this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerErrors {
    /// Share of the answers, 0 to 1.
    pub share: f64,
    /// Not before so many answers came.
    pub after: u64,
}

/// A set of status codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// One bit per status up to 1023.
    bits: [u64; 16],
}

impl Expected {
    /// Any 2xx.
    pub fn success() -> Self {
        Self::ranges(&[200..=299])
    }

    /// These ranges; a single status is a range of one.
    pub fn ranges(ranges: &[RangeInclusive<u16>]) -> Self {
        let mut bits = [0; 16];
        for status in ranges.iter().cloned().flatten().filter(|s| *s < 1024) {
            bits[usize::from(status / 64)] |= 1 << (status % 64);
        }
        Self { bits }
    }

    /// Whether a status is in the set.
    pub fn contains(&self, status: u16) -> bool {
        status < 1024 && self.bits[usize::from(status / 64)] & (1 << (status % 64)) != 0
    }
}

/// A request as it goes over the wire, built once.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    bytes: Vec<u8>,
    is_head: bool,
}

impl std::fmt::Debug for Request {
    /// Headers may hold secrets, so only the size is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} bytes)", self.bytes.len())
    }
}

impl Request {
    /// An HTTP/1.1 request. `target` is the path with its query, `host` the value of the Host header. `Content-Length`
    /// is added where there is a body. A name, value or target that would break out of its line is refused.
    pub fn new(
        method: &str,
        target: &str,
        host: &str,
        headers: &[(&str, &[u8])],
        body: &[u8],
    ) -> Result<Self, ConfigError> {
        if !is_token(method) {
            return Err(ConfigError::Request("method"));
        }
        if target.is_empty() || !target.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ConfigError::Request("path"));
        }
        if host.is_empty() || !host.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ConfigError::Request("host"));
        }
        let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n").into_bytes();
        for (name, value) in headers {
            if !is_token(name) {
                return Err(ConfigError::Request("header name"));
            }
            if !value.iter().all(|b| *b == b'\t' || (*b >= 32 && *b != 127)) {
                return Err(ConfigError::Request("header value"));
            }
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        Ok(Self {
            bytes,
            is_head: method == "HEAD",
        })
    }

    /// What is sent.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether its answer has no body whatever its head says.
    pub(super) fn is_head(&self) -> bool {
        self.is_head
    }
}

/// RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
