//! Samples that hang together are worth fewer than they are: effective sizes (Korn & Graubard 1998) and burst factors.

use super::beta::student_quantile;

/// What n samples with their failures are worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effective {
    /// How many times the variance is that of independent samples; at least 1.
    pub deff: f64,
    /// Effective over actual size: multiply n and K by it. In (0, 1].
    pub weight: f64,
}

impl Effective {
    /// Independent samples.
    pub const INDEPENDENT: Effective = Effective {
        deff: 1.0,
        weight: 1.0,
    };
}

/// The effective size of samples whose failures were counted per time window, `(n_i, K_i)` each.
///
/// Korn & Graubard 1998 with the windows as clusters: V = B/(B−1)·Σ(K_i − p̂n_i)², deff = V/(n p̂(1−p̂)), and
/// n* = n/deff·(t_{1−α,n−1}/t_{1−α,B−1})². Where the failures are spread no more than independent ones would be
/// (deff ≤ 1), n* = n: the exact binomial. With no failures, nothing but failures, or one window, no dispersion can
/// show, and the result is `None`: the burst factor has to decide. Counts that contradict themselves give `None` too.
pub fn effective_size(windows: &[(u64, u64)], alpha: f64) -> Option<Effective> {
    let n: u64 = windows.iter().map(|window| window.0).sum();
    let over: u64 = windows.iter().map(|window| window.1).sum();
    if windows.len() < 2 || over == 0 || over >= n {
        return None;
    }
    let count = windows.len() as f64;
    let share = over as f64 / n as f64;
    let squares: f64 = windows
        .iter()
        .map(|(n, over)| (*over as f64 - share * *n as f64).powi(2))
        .sum();
    let variance = count / (count - 1.0) * squares;
    let deff = variance / (n as f64 * share * (1.0 - share));
    if deff <= 1.0 {
        return Some(Effective::INDEPENDENT);
    }
    let t_samples = student_quantile(1.0 - alpha, n as f64 - 1.0)?;
    let t_windows = student_quantile(1.0 - alpha, count - 1.0)?;
    let weight = (t_samples / t_windows).powi(2) / deff;
    weight.is_finite().then(|| Effective {
        deff,
        weight: weight.min(1.0),
    })
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
