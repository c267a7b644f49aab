//! What was asked of the system, counted for tests: nothing of this is part of the system itself.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

#[derive(Default)]
pub(crate) struct Seen {
    api: AtomicU64,
    stats: AtomicU64,
    writes: Mutex<BTreeMap<String, u64>>,
}

impl Seen {
    /// Counts a request under `/api`.
    pub(crate) fn api_request(&self) {
        self.api.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn api_requests(&self) -> u64 {
        self.api.load(Ordering::Relaxed)
    }

    /// Counts a call of the statistics and gives its number, from 0.
    pub(crate) fn stats_call(&self) -> u64 {
        self.stats.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a state-changing request.
    pub(crate) fn write(&self, request: String) {
        *self
            .writes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(request)
            .or_default() += 1;
    }

    pub(crate) fn writes(&self) -> BTreeMap<String, u64> {
        self.writes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Whether the call with this number is one of so many in a thousand: exactly that many of each thousand in a row, evenly spread
/// (617/1000 is close to the golden section) and the same in every run.
pub(crate) fn is_one_of(number: u64, per_mille: u64) -> bool {
    (number.wrapping_mul(617) + 500) % 1000 < per_mille
}
