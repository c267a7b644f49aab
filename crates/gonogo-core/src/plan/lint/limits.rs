//! Limits that a load cannot decide, or mostly will not.

use serde_json::Value as Json;

use crate::diag::Diagnostic;
use crate::plan::syntax::Cost;
use crate::plan::types::StatisticsOptions;
use crate::stats::{Assumptions, Claim, burst_factor, required_requests};

/// How large a load is, as far as the plan fixes it.
pub(super) struct Sizes {
    /// Requests: the number that is sent, or with `until: decided` the most that are.
    requests: Option<u64>,
    /// Whether it goes on until decided.
    until_decided: bool,
    /// How many neighbouring requests may share one fate.
    burst: u64,
    assumptions: Assumptions,
}

impl Sizes {
    /// Reads a load's size off its options.
    pub(super) fn of(options: &Json, cost: &Cost, statistics: &StatisticsOptions) -> Self {
        let rate = options["rate"]
            .as_str()
            .and_then(|text| crate::plan::decode::rate(text).ok());
        let tau = u64::try_from(statistics.correlation_time_ns).unwrap_or(0);
        let until_decided = options["until"] == "decided";
        // A load without a written rate is paced at least the correlation time apart.
        let burst = rate.and_then(|rate| burst_factor(rate, tau)).unwrap_or(1);
        Self {
            requests: cost.requests,
            until_decided,
            burst,
            assumptions: Assumptions {
                confidence: statistics.confidence,
                correlation_time_ns: tau,
                sequential: until_decided,
                ..Assumptions::default()
            },
        }
    }
}

/// What is wrong with a limit under a load of this size.
pub(super) fn problem(claim: &Claim, name: &str, sizes: &Sizes) -> Option<Diagnostic> {
    if matches!(claim, Claim::Rate { .. }) {
        return None;
    }
    let Some(required) = required_requests(claim, &sizes.assumptions, sizes.burst) else {
        let message = format!("no number of requests could decide `{name}`");
        return Some(Diagnostic::error("undecidable-limit", message));
    };
    let have = sizes.requests?;
    let least = required.least(&sizes.assumptions);
    let bursts = match sizes.burst {
        1 => String::new(),
        b => format!(", bursts of {b} counted"),
    };
    if have < least && sizes.until_decided {
        let message = format!(
            "`{name}` cannot be decided by {have} requests: it needs at least {least}{bursts}"
        );
        let help = format!("raise `at_most` to {least} or more");
        return Some(Diagnostic::error("undecidable-limit", message).help(help));
    }
    if have < least {
        let message = format!(
            "`{name}` needs at least {least} requests{bursts}, and {have} are sent: it will stay inconclusive"
        );
        let help = format!(
            "send {} requests, better {}, or use `until: decided`",
            required.recommended_flawless.n, required.recommended_realistic.n
        );
        return Some(Diagnostic::warning("undecided-limit", message).help(help));
    }
    if sizes.until_decided {
        return None;
    }
    // Bursts cost only where they are there, so the usual size is the one for independent requests.
    let usual = required_requests(claim, &sizes.assumptions, 1)?;
    if have < usual.recommended_flawless.n {
        let message = format!(
            "`{name}` will often stay undecided: with {have} requests hardly one may be over the limit"
        );
        let help = format!(
            "{} requests decide it 9 times out of 10 where a quarter of what is allowed is over, {} where half is",
            usual.recommended_flawless.n, usual.recommended_realistic.n
        );
        return Some(Diagnostic::warning("undecided-limit", message).help(help));
    }
    None
}
