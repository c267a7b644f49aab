//! What a plan may write of the `load` probe.

use std::collections::BTreeMap;
use std::time::Duration;

use gonogo_core::duration::parse_duration_ns;
use gonogo_core::plan::{Limit, OptionProblem, StatisticsOptions};
use gonogo_core::stats::{self, Assumptions};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::http::{Basic, request_line, without_templates};

/// The rate where neither a rate nor users are given, in requests per second.
const DEFAULT_RATE: f64 = 20.0;
/// The pace of `rounds`, so that they are as good as independent (decisions, 10).
const DEFAULT_PACE: Duration = Duration::from_millis(100);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests of a load that names neither a number, nor a duration, nor a limit.
const DEFAULT_REQUESTS: u64 = 60;

/// `load:` sends one request many times.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadOptions {
    /// The request line, as of `http`. The same bytes are sent each time.
    #[schemars(extend("format" = "request-line"))]
    pub load: String,
    /// Requests per second in the open model: arrivals are fixed in advance and latency counts from when a request was
    /// due. 20/s where neither a rate nor users are given.
    #[schemars(extend("format" = "rate"))]
    pub rate: Option<String>,
    /// How the arrivals of the open model are spread.
    pub arrivals: Option<Spread>,
    /// The seed of `arrivals: poisson`.
    pub seed: Option<u64>,
    /// How many requests are sent. Where neither this nor `duration` is given, as many as the check's limits are likely
    /// to need (the recommended column of `gonogo plan`).
    #[schemars(range(min = 1, max = 100_000_000))]
    pub requests: Option<u64>,
    /// How long requests become due, instead of a number of them.
    #[schemars(extend("format" = "duration"))]
    pub duration: Option<String>,
    /// The closed model: so many users that each wait for their answer. Percentiles are then service times under that
    /// concurrency.
    #[schemars(range(min = 1, max = 16_384))]
    pub users: Option<u32>,
    /// The closed model with a number of requests in all: `rounds: 60` is one user that asks sixty times.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub rounds: Option<u64>,
    /// The closed model: how far apart requests begin at least; 100ms by default, so that they are as good as
    /// independent, `0s` for as fast as answers come.
    #[schemars(extend("format" = "duration"))]
    pub pace: Option<String>,
    /// `decided`: go on until every limit is decided, by a bound that stays valid when looked at repeatedly.
    pub until: Option<Until>,
    /// With `until: decided`: the most requests.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub at_most: Option<u64>,
    /// How many requests come first that are kept and not judged.
    #[serde(default)]
    pub warm_up: u64,
    /// After how long a request counts as unanswered; 10s by default.
    #[schemars(extend("format" = "duration"))]
    pub request_timeout: Option<String>,
    /// The status codes that count as answered; any 2xx by default.
    #[serde(default)]
    pub ok: Vec<u16>,
    /// The most connections side by side; 256 by default.
    #[schemars(range(min = 1, max = 16_384))]
    pub connections: Option<u32>,
    /// The share of 5xx answers above which the load stops by itself, to spare the target; 0.5 by default, looked at
    /// from the 200th answer on.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub stop_at_errors: Option<f64>,
    /// Request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Query parameters.
    #[serde(default)]
    pub query: BTreeMap<String, Json>,
    /// The body as JSON.
    pub json: Option<Json>,
    /// The body as form fields.
    pub form: Option<BTreeMap<String, Json>>,
    /// The body as text.
    pub body: Option<String>,
    /// The token of `Authorization: Bearer`; `none` takes off the target's.
    pub bearer: Option<String>,
    /// User and password of `Authorization: Basic`.
    pub basic: Option<Basic>,
}

/// How arrivals are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    /// One every `1/rate`.
    Constant,
    /// Exponential gaps.
    Poisson,
}

/// When a load has enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// When every limit is decided.
    Decided,
}

/// The rhythm that the options come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Rhythm {
    /// Requests per second of the open model, or the ceiling of a paced closed one.
    pub rate: Option<f64>,
    /// Users of the closed model; `None` for the open one.
    pub users: Option<u32>,
    /// Pace of the closed model.
    pub pace: Option<Duration>,
    /// Requests in all, warm-up included.
    pub requests: Option<u64>,
    /// How long requests become due.
    pub duration: Option<Duration>,
    /// Whether it stops when every limit is decided.
    pub until_decided: bool,
    /// When a request is given up.
    pub timeout: Duration,
}

impl Rhythm {
    /// Seconds for which requests become due, where the rhythm fixes them.
    pub fn seconds(&self) -> Option<f64> {
        let counted = match (self.requests, self.rate) {
            (Some(n), Some(rate)) => Some(n as f64 / rate),
            _ => None,
        };
        match (counted, self.duration) {
            (Some(s), Some(d)) => Some(s.min(d.as_secs_f64())),
            (s, d) => s.or(d.map(|d| d.as_secs_f64())),
        }
    }

    /// The longest that the load may take, with its last requests.
    pub fn longest(&self) -> Option<Duration> {
        let seconds = self.seconds()?;
        Some(Duration::from_secs_f64(seconds.min(1e7)) + self.timeout + Duration::from_secs(5))
    }
}

/// Works out the rhythm, or says what makes no sense.
pub fn rhythm(
    options: &Json,
    limits: &[Limit],
    statistics: &StatisticsOptions,
) -> Result<Rhythm, String> {
    let given: LoadOptions = serde_json::from_value(options.clone()).map_err(|e| e.to_string())?;
    let duration = |text: &Option<String>| -> Result<Option<Duration>, String> {
        let Some(text) = text else { return Ok(None) };
        let ns = parse_duration_ns(text).map_err(|e| e.to_string())?;
        u64::try_from(ns)
            .map(|ns| Some(Duration::from_nanos(ns)))
            .map_err(|_| format!("`{text}` is negative"))
    };
    let closed = given.users.is_some() || given.rounds.is_some();
    if closed && given.rate.is_some() {
        return Err(
            "`rate` is the open model and `users` or `rounds` the closed one: choose one"
                .to_owned(),
        );
    }
    let pace = duration(&given.pace)?.unwrap_or(DEFAULT_PACE);
    let rate = match &given.rate {
        Some(text) => Some(rate(text)?),
        None if closed => (!pace.is_zero()).then(|| 1.0 / pace.as_secs_f64()),
        None => Some(DEFAULT_RATE),
    };
    let until_decided = given.until.is_some();
    let span = duration(&given.duration)?;
    let requests = match (given.requests.or(given.rounds), given.at_most) {
        (Some(_), Some(_)) => return Err("`at_most` belongs to `until: decided`".to_owned()),
        (Some(n), None) | (None, Some(n)) => Some(n.saturating_add(given.warm_up)),
        (None, None) if span.is_some() => None,
        (None, None) => Some(recommended(limits, rate, until_decided, statistics) + given.warm_up),
    };
    Ok(Rhythm {
        rate,
        users: closed.then(|| given.users.unwrap_or(1)),
        pace: (closed && !pace.is_zero()).then_some(pace),
        requests,
        duration: span,
        until_decided,
        timeout: duration(&given.request_timeout)?
            .filter(|d| !d.is_zero())
            .unwrap_or(DEFAULT_TIMEOUT),
    })
}

/// The number at which each limit passes nine times in ten if the true share is a quarter of the allowance.
fn recommended(
    limits: &[Limit],
    rate: Option<f64>,
    sequential: bool,
    statistics: &StatisticsOptions,
) -> u64 {
    let tau = statistics.correlation_time_ns.unsigned_abs();
    let burst = rate
        .and_then(|rate| stats::burst_factor(rate, tau))
        .unwrap_or(1);
    let assumptions = Assumptions {
        confidence: statistics.confidence,
        correlation_time_ns: tau,
        sequential,
        ..Assumptions::default()
    };
    limits
        .iter()
        .filter_map(|limit| {
            let required = stats::required_requests(&limit.claim, &assumptions, burst)?;
            Some(required.recommended_flawless.n)
        })
        .max()
        .unwrap_or(DEFAULT_REQUESTS)
}

/// Reads `50/s`, `3000/m`, `50`.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let bad = || format!("`{text}` is not a rate; write requests per second as `50/s`");
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let number: f64 = number.trim().parse().map_err(|_| bad())?;
    let per = match unit.trim() {
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(bad()),
    };
    let rate = number / per;
    if rate.is_finite() && rate > 0.0 {
        Ok(rate)
    } else {
        Err(bad())
    }
}

/// Problems that the schema cannot say.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let problem = |key: &str, message: String, help: &str| OptionProblem {
        code: "load-options",
        key: key.to_owned(),
        warning: false,
        message,
        help: Some(help.to_owned()),
    };
    let mut problems = Vec::new();
    let line = options.get("load").and_then(Json::as_str).unwrap_or("");
    if let Err(message) = request_line(&without_templates(line)) {
        problems.push(problem("load", message, "such as `load: GET /health`"));
    }
    let has = |key: &str| options.get(key).is_some();
    if has("at_most") && !has("until") {
        problems.push(problem(
            "at_most",
            "`at_most` belongs to `until: decided`".to_owned(),
            "write `requests:` for a fixed number",
        ));
    }
    if has("until") && !has("at_most") && !has("duration") {
        problems.push(problem(
            "until",
            "`until: decided` without `at_most` might never end".to_owned(),
            "add `at_most: 20000`",
        ));
    }
    let text = |key: &str| options.get(key).and_then(Json::as_str);
    if let Some(text) = text("rate").filter(|t| !t.contains("${"))
        && let Err(message) = rate(text)
    {
        problems.push(problem("rate", message, "such as `rate: 50/s`"));
    }
    if has("rate") && (has("users") || has("rounds")) {
        problems.push(problem(
            "rate",
            "`rate` is the open model and `users` or `rounds` the closed one".to_owned(),
            "choose one: the open model sees a target that stalls, the closed one waits with it",
        ));
    }
    problems
}
