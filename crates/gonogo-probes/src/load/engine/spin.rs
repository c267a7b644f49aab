//! When to look again at once instead of sleeping: a thread that sleeps is woken late, and waking it costs more than
//! a few looks. What is worth it is learned from the waits themselves. Where others want the processor, it is worth
//! nothing: who spins has used up his share when the answer comes, and who slept is let in first.

/// The longest spin for an answer, in nanoseconds. Answers that take longer are slept for.
const SPIN_CAP_NS: u64 = 50_000;
/// The longest that a due time is spun for.
const GUARD_CAP_NS: u64 = 100_000;
const GUARD_FLOOR_NS: u64 = 2_000;
/// Between two looks passes less than this, unless somebody else had the processor.
const PREEMPTED_NS: u64 = 300_000;
/// How long nothing is spun after that, at first and at most.
const CALM_FLOOR_NS: u64 = 250_000_000;
const CALM_CAP_NS: u64 = 8_000_000_000;

/// Learned lengths. Pure: times come in as values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spin {
    /// Running mean of how long it took until something happened, capped at twice the longest spin.
    wait_ns: u64,
    /// How much later than asked a sleep ends.
    guard_ns: u64,
    /// Nothing is spun before this time.
    calm_until_ns: u64,
    calm_ns: u64,
}

impl Default for Spin {
    fn default() -> Self {
        Self {
            wait_ns: SPIN_CAP_NS / 4,
            guard_ns: GUARD_CAP_NS / 2,
            calm_until_ns: 0,
            calm_ns: CALM_FLOOR_NS,
        }
    }
}

impl Spin {
    /// How long to look again before sleeping. Nothing, where answers mostly take longer anyway.
    #[inline]
    pub(super) fn budget_ns(&self, now_ns: u64) -> u64 {
        if now_ns < self.calm_until_ns || self.wait_ns > SPIN_CAP_NS {
            0
        } else {
            (2 * self.wait_ns).clamp(1_000, SPIN_CAP_NS)
        }
    }

    /// How long before a due time sleeping must end.
    pub(super) fn guard_ns(&self, now_ns: u64) -> u64 {
        if now_ns < self.calm_until_ns {
            0
        } else {
            self.guard_ns
        }
    }

    /// Something happened after so long.
    #[inline]
    pub(super) fn waited(&mut self, ns: u64) {
        let ns = ns.min(2 * SPIN_CAP_NS);
        self.wait_ns = (7 * self.wait_ns + ns) / 8;
    }

    /// A sleep ended so much later than asked. The guard rises at once and sinks slowly.
    pub(super) fn overslept(&mut self, ns: u64) {
        let wanted = (ns + ns / 4).clamp(GUARD_FLOOR_NS, GUARD_CAP_NS);
        self.guard_ns = if wanted > self.guard_ns {
            wanted.midpoint(self.guard_ns)
        } else {
            (31 * self.guard_ns + wanted) / 32
        };
    }

    /// Two looks in a spin were so far apart; says whether somebody else had the processor in between. Then nothing is
    /// spun for a while, and for longer each time that comes again soon.
    #[inline]
    pub(super) fn looked_again(&mut self, after_ns: u64, now_ns: u64) -> bool {
        if after_ns < PREEMPTED_NS {
            return false;
        }
        let soon = now_ns < self.calm_until_ns.saturating_add(self.calm_ns);
        self.calm_ns = if soon && self.calm_until_ns > 0 {
            (2 * self.calm_ns).min(CALM_CAP_NS)
        } else {
            CALM_FLOOR_NS
        };
        self.calm_until_ns = now_ns.saturating_add(self.calm_ns);
        true
    }
}

#[cfg(test)]
mod tests;
