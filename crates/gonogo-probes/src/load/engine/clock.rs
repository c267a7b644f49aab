//! The generator's clock: nanoseconds since the load began.
#![expect(
    clippy::disallowed_methods,
    reason = "a request is timed within nanoseconds of its system calls; nothing but the monotonic clock itself will do"
)]

use std::time::{Duration, Instant};

/// A clock that is zero when the load begins. All lanes of a load share one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    zero: Instant,
}

impl Clock {
    /// A clock that begins `ahead` from now, so that every lane is ready when it does.
    pub(super) fn beginning_in(ahead: Duration) -> Self {
        Self {
            zero: Instant::now() + ahead,
        }
    }

    /// Nanoseconds since the load began; 0 before.
    pub(super) fn now_ns(&self) -> u64 {
        ns(Instant::now().saturating_duration_since(self.zero))
    }

    /// Returns when the load begins.
    pub(super) fn wait_for_the_beginning(&self) {
        loop {
            let left = self.zero.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left);
        }
    }
}

/// A duration in nanoseconds; what does not fit is for ever.
pub(super) fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
