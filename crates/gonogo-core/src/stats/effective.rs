//! Samples that hang together are worth fewer than they are: effective sizes (Korn & Graubard 1998) and burst factors.

use super::beta::student_quantile;

/// How many bursts the declared correlation time weighs as much as.
const PRIOR_BURSTS: f64 = 3.0;

/// How much more than independent samples the failures hang together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dispersion {
    /// How many times the variance is that of independent samples, as measured over the windows; at least 1.
    pub deff: f64,
    /// (t_{1−α,n−1}/t_{1−α,B−1})²: what having measured it over B windows only costs. In (0, 1].
    pub correction: f64,
}

impl Dispersion {
    /// Independent samples.
    pub const NONE: Dispersion = Dispersion {
        deff: 1.0,
        correction: 1.0,
    };

    /// Effective over actual size, by which n and K are multiplied: n*/n = (t/t)²/deff, and 1 where the failures are
    /// spread no more than independent ones would be.
    pub fn weight(&self) -> f64 {
        if self.deff <= 1.0 {
            1.0
        } else {
            (self.correction / self.deff).min(1.0)
        }
    }

    /// The same with what the plan declares: `burst` neighbours may share one fate.
    ///
    /// The first few bursts say little about how long bursts are – a short one makes the load look good and itself
    /// harmless – so the measured value counts for the bursts seen and `burst` for three more. Without this, a limit
    /// at n = 3,000 passes falsely in 20 % of runs with bursts of ten.
    #[must_use]
    pub fn with_declared(self, burst: u64, bursts_seen: u64) -> Dispersion {
        let seen = bursts_seen as f64;
        let drawn = (self.deff * seen + burst as f64 * PRIOR_BURSTS) / (seen + PRIOR_BURSTS);
        Dispersion {
            deff: self.deff.max(drawn),
            ..self
        }
    }
}

/// The dispersion of samples whose failures were counted per time window, `(n_i, K_i)` each.
///
/// Korn & Graubard 1998 with the windows as clusters: V = B/(B−1)·Σ(K_i − p̂n_i)², deff = V/(n p̂(1−p̂)). With no
/// failures, nothing but failures, or one window, no dispersion can show, and the result is `None`: the burst factor
/// has to decide.
pub fn dispersion(windows: &[(u64, u64)], alpha: f64) -> Option<Dispersion> {
    let n: u64 = windows.iter().map(|window| window.0).sum();
    let over: u64 = windows.iter().map(|window| window.1).sum();
    if windows.len() < 2 || over == 0 || over >= n {
        return None;
    }
    if over == 1 || over == n - 1 {
        // One alone hangs together with nothing; the formula would give a shade above 1.
        return Some(Dispersion::NONE);
    }
    let count = windows.len() as f64;
    let share = over as f64 / n as f64;
    let squares: f64 = windows
        .iter()
        .map(|(n, over)| (*over as f64 - share * *n as f64).powi(2))
        .sum();
    let variance = count / (count - 1.0) * squares;
    let t_samples = student_quantile(1.0 - alpha, n as f64 - 1.0)?;
    let t_windows = student_quantile(1.0 - alpha, count - 1.0)?;
    Some(Dispersion {
        deff: (variance / (n as f64 * share * (1.0 - share))).max(1.0),
        correction: (t_samples / t_windows).powi(2).min(1.0),
    })
}

/// In how many bursts the failures came: groups no two neighbours of which are further apart than the correlation
/// time. `due_ns` in any order.
pub fn bursts_seen(mut due_ns: Vec<u64>, correlation_time_ns: u64) -> u64 {
    due_ns.sort_unstable();
    let gaps = due_ns
        .windows(2)
        .filter(|pair| pair[1] - pair[0] > correlation_time_ns);
    gaps.count() as u64 + u64::from(!due_ns.is_empty())
}

/// How many neighbouring requests may share one fate: b = max(1, ⌈rate·τ⌉), rate in requests per second. `None` if
/// the rate is not a number that can be one.
pub fn burst_factor(rate: f64, correlation_time_ns: u64) -> Option<u64> {
    if !(rate.is_finite() && rate >= 0.0) {
        return None;
    }
    let exact = rate * (correlation_time_ns as f64 / 1e9);
    // A rate that was added up from parts may miss the whole number by its last bits.
    Some(((exact * (1.0 - 1e-9)).ceil() as u64).max(1))
}
