//! Scales of a picture: from values to coordinates, with round ticks.

use gonogo_core::duration::humanize_duration_ns;

/// A coordinate as it is written: tenths are finer than a pixel.
pub(super) fn coordinate(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    // Zero has no sign.
    format!("{}", tenths + 0.0)
}

/// The binary logarithm of a positive number, from operations that every machine rounds alike: `verify` compares the
/// bytes of a report, and the logarithms of the platforms' libraries differ in the last digit. Good to 1e-12.
fn log2(value: f64) -> f64 {
    let bits = value.max(f64::MIN_POSITIVE).to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | (1023 << 52));
    // ln m = 2·atanh((m − 1)/(m + 1)), whose argument is at most a third.
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let (mut power, mut sum) = (t, 0.0);
    for odd in 0..12 {
        sum += power / f64::from(2 * odd + 1);
        power *= square;
    }
    exponent as f64 + 2.0 * sum / std::f64::consts::LN_2
}

fn decades(ratio: f64) -> f64 {
    log2(ratio) / std::f64::consts::LOG2_10
}

/// Latencies, logarithmic, in nanoseconds.
pub(super) struct Times {
    low: f64,
    high: f64,
    left: f64,
    right: f64,
}

impl Times {
    /// Both ends positive; at least half a decade wide, so that a narrow distribution looks narrow.
    pub(super) fn between(low: f64, high: f64, left: f64, right: f64) -> Self {
        let low = low.max(1.0);
        Self {
            low,
            high: high.max(low * 3.2),
            left,
            right,
        }
    }

    pub(super) fn x(&self, ns: f64) -> f64 {
        let share = log2(ns.max(1.0) / self.low) / log2(self.high / self.low);
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// 1, 2, 5 of each decade, or fewer where they would crowd.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let steps: &[f64] = match decades(self.high / self.low) {
            narrow if narrow <= 3.2 => &[1.0, 2.0, 5.0],
            medium if medium <= 5.0 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let mut ticks = Vec::new();
        let mut decade = 1.0;
        while decade * 10.0 <= self.low {
            decade *= 10.0;
        }
        while decade <= self.high {
            for step in steps {
                let ns = decade * step;
                if ns >= self.low && ns <= self.high {
                    ticks.push((self.x(ns), humanize_duration_ns(ns as i64)));
                }
            }
            decade *= 10.0;
        }
        ticks
    }
}

/// Counts of requests: linear where they are few, else logarithmic, so that a tail of one in a thousand is seen.
pub(super) struct Counts {
    most: u64,
    top: f64,
    bottom: f64,
}

const FEW: u64 = 30;

impl Counts {
    pub(super) fn to(most: u64, top: f64, bottom: f64) -> Self {
        Self {
            most: most.max(1),
            top: top + 16.0,
            bottom,
        }
    }

    fn is_linear(&self) -> bool {
        self.most <= FEW
    }

    pub(super) fn unit(&self) -> &'static str {
        if self.is_linear() {
            "requests"
        } else {
            "requests (logarithmic)"
        }
    }

    /// A single request is visible on either scale.
    pub(super) fn y(&self, count: u64) -> f64 {
        if count == 0 {
            return self.bottom;
        }
        let share = if self.is_linear() {
            count as f64 / self.most as f64
        } else {
            // Counted from half a request, so that one is not nothing.
            (log2(count as f64) + 1.0) / (log2(self.most as f64) + 1.0)
        };
        self.bottom - share.clamp(0.0, 1.0) * (self.bottom - self.top)
    }

    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let mut counts = Vec::new();
        if self.is_linear() {
            let step = match self.most {
                0..=5 => 1,
                6..=12 => 2,
                _ => 5,
            };
            counts.extend((step..=self.most).step_by(step as usize));
        } else {
            let mut count = 1u64;
            while count <= self.most {
                counts.push(count);
                let Some(next) = count.checked_mul(10) else {
                    break;
                };
                count = next;
            }
        }
        counts
            .into_iter()
            .map(|count| (self.y(count), count.to_string()))
            .collect()
    }
}
