//! The regularised incomplete beta function, its inverse, and the quantiles that follow from it.
//!
//! Ready-made versions lose digits where gates need them (differences of log-gammas near 10⁷, a fixed number of terms),
//! so the prefix is computed by saddle point (C. Loader, "Fast and accurate computation of binomial probabilities",
//! 2000) and the continued fraction (DLMF 8.17.22) runs until it converges. Both tails are returned, so that a tiny one
//! keeps its digits.

/// `(I_x(a, b), 1 − I_x(a, b))`, each to about 1e-13 of itself in the middle and 1e-12 in total.
///
/// `None` unless a, b > 0 are finite and x is in [0, 1].
pub fn beta_tails(a: f64, b: f64, x: f64) -> Option<(f64, f64)> {
    let sound = a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite() && (0.0..=1.0).contains(&x);
    if !sound {
        return None;
    }
    if x <= 0.0 {
        return Some((0.0, 1.0));
    }
    if x >= 1.0 {
        return Some((1.0, 0.0));
    }
    // Each side of the mean has the tail on which the fraction converges fast.
    if x <= (a + 1.0) / (a + b + 2.0) {
        let lower = tail(a, b, x, 1.0 - x);
        Some((lower, 1.0 - lower))
    } else {
        let upper = tail(b, a, 1.0 - x, x);
        Some((1.0 - upper, upper))
    }
}

/// The x with `I_x(a, b) = share`: the quantile of a Beta(a, b) variable. `None` on arguments out of range.
pub fn beta_quantile(share: f64, a: f64, b: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&share) {
        return None;
    }
    // Solved on the smaller tail, which has the digits.
    let below = |x: f64| {
        beta_tails(a, b, x).map(|(lower, upper)| {
            if share <= 0.5 {
                lower - share
            } else {
                (1.0 - share) - upper
            }
        })
    };
    below(0.5)?;
    if share <= 0.0 || share >= 1.0 {
        return Some(share);
    }
    let (mut low, mut high) = (0.0f64, 1.0f64);
    let mut x = (a / (a + b)).clamp(1e-300, 1.0 - f64::EPSILON);
    for _ in 0..2000 {
        let excess = below(x)?;
        if excess > 0.0 {
            high = x;
        } else {
            low = x;
        }
        // Newton inside the bracket; where it leaves, halve (geometrically, since quantiles near 0 matter).
        let slope = density(a, b, x);
        let newton = x - excess / slope;
        let inside = newton.is_finite() && newton > low && newton < high;
        let next = if inside {
            newton
        } else if low > 0.0 && high / low > 4.0 {
            (low * high).sqrt()
        } else if low == 0.0 && high < 1e-3 {
            high * 1e-3
        } else {
            f64::midpoint(low, high)
        };
        let done = (next - x).abs() <= 4.0 * f64::EPSILON * x || high - low <= f64::EPSILON * low;
        x = next;
        if done {
            break;
        }
    }
    Some(x)
}

/// The t with `P[T ≤ t] = share` for Student's distribution with `freedom` degrees of freedom.
///
/// By the beta distribution (DLMF 8.17; Abramowitz & Stegun 26.5.27). `None` on arguments out of range.
pub fn student_quantile(share: f64, freedom: f64) -> Option<f64> {
    if !(share > 0.0 && share < 1.0) {
        return None;
    }
    if share < 0.5 {
        return student_quantile(1.0 - share, freedom).map(|t| -t);
    }
    // P[|T| > t] = I_x(ν/2, 1/2) with x = ν/(ν + t²); by symmetry 1 − x keeps the digits when ν is large.
    let one_less_x = beta_quantile(2.0 * share - 1.0, 0.5, freedom / 2.0)?;
    Some((freedom * one_less_x / (1.0 - one_less_x)).sqrt())
}

/// The z with `P[Z ≤ z] = share` for the standard normal distribution; `None` out of (0, 1).
pub fn normal_quantile(share: f64) -> Option<f64> {
    let sound = share > 0.0 && share < 1.0;
    sound.then(|| -std::f64::consts::SQRT_2 * statrs::function::erf::erfc_inv(2.0 * share))
}

/// `P[Z > z]` for the standard normal distribution.
pub(super) fn normal_tail(z: f64) -> f64 {
    0.5 * statrs::function::erf::erfc(z / std::f64::consts::SQRT_2)
}

/// `ln B(a, b)`, by Stirling's series with its error terms, so that large arguments do not cancel.
pub(super) fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a <= b { (a, b) } else { (b, a) };
    let n = small + large;
    let share = small / n;
    // ln Γ(x) = (x − ½) ln x − x + ½ ln 2π + δ(x); the −x cancel exactly.
    (small - 0.5) * share.ln() + large * (-share).ln_1p() - 0.5 * large.ln()
        + 0.5 * (2.0 * std::f64::consts::PI).ln()
        + stirling_error(small)
        + stirling_error(large)
        - stirling_error(n)
}

/// `I_x(a, b)` for x below the mean, with y = 1 − x given apart.
fn tail(a: f64, b: f64, x: f64, y: f64) -> f64 {
    front(a, b, x, y) / a * fraction(a, b, x)
}

/// The density of Beta(a, b) at x.
fn density(a: f64, b: f64, x: f64) -> f64 {
    front(a, b, x, 1.0 - x) / (x * (1.0 - x))
}

/// `x^a y^b / B(a, b)` by Loader's deviance form.
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
fn front(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    let exponent = stirling_error(n)
        - stirling_error(a)
        - stirling_error(b)
        - deviance(a, n * x)
        - deviance(b, n * y);
    (a * b / (2.0 * std::f64::consts::PI * n)).sqrt() * exponent.exp()
}

/// `k ln(k/m) + m − k`, without cancellation near k = m.
fn deviance(k: f64, m: f64) -> f64 {
    let difference = k - m;
    if difference.abs() >= 0.1 * (k + m) {
        return k * (k / m).ln() - difference;
    }
    let v = difference / (k + m);
    let mut sum = difference * v;
    let mut term = 2.0 * k * v;
    let square = v * v;
    for j in 1..1000u32 {
        term *= square;
        let next = sum + term / f64::from(2 * j + 1);
        if next.to_bits() == sum.to_bits() {
            break;
        }
        sum = next;
    }
    sum
}

/// `δ(x) = ln Γ(x) − [(x − ½) ln x − x + ½ ln 2π]`: Stirling's series (DLMF 5.11.1) from 16 on, stepped down below.
fn stirling_error(x: f64) -> f64 {
    let mut at = x;
    let mut stepped = 0.0;
    while at < 16.0 {
        // δ(x) − δ(x+1) = (x + ½) ln(1 + 1/x) − 1
        stepped += (at + 0.5) * (1.0 / at).ln_1p() - 1.0;
        at += 1.0;
    }
    let inverse = 1.0 / (at * at);
    let series = 1.0 / 12.0
        - inverse
            * (1.0 / 360.0
                - inverse
                    * (1.0 / 1260.0
                        - inverse
                            * (1.0 / 1680.0
                                - inverse * (1.0 / 1188.0 - inverse * (691.0 / 360_360.0)))));
    stepped + series / at
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method as modified by Thompson
/// and Barnett. It converges in O(√max(a, b)) steps on the side of the mean where it is used.
#[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let floor = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / floor(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in 1..1_000_000u32 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / floor(1.0 + even * d);
        c = floor(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / floor(1.0 + odd * d);
        c = floor(1.0 + odd / c);
        let step = d * c;
        value *= step;
        if (step - 1.0).abs() <= 1e-15 {
            break;
        }
    }
    value
}
