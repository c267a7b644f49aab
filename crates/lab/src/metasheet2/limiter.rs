//! A rate limit per client: so many requests in a window that starts with the client's first one.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

/// How many clients are remembered at most; the oldest are forgotten first.
const CLIENTS: usize = 10_000;

pub(crate) struct Limiter {
    limit: u32,
    window: Duration,
    clients: BTreeMap<String, Window>,
}

#[derive(Clone, Copy)]
struct Window {
    started_at: Instant,
    taken: u32,
}

/// What a request was told about its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Which request of the window this is, from 1.
    pub(crate) number: u32,
    pub(crate) remaining: u32,
    /// Whole seconds until the window ends, at least 1.
    pub(crate) reset_seconds: u64,
}

impl Limiter {
    pub(crate) fn new(limit: u32, window: Duration) -> Self {
        Self {
            limit,
            window,
            clients: BTreeMap::new(),
        }
    }

    /// Takes one request of a client's budget.
    pub(crate) fn take(&mut self, client: &str, now: Instant) -> Budget {
        if self.clients.len() >= CLIENTS && !self.clients.contains_key(client) {
            self.forget(now);
        }
        let fresh = Window {
            started_at: now,
            taken: 0,
        };
        let window = self.clients.entry(client.to_owned()).or_insert(fresh);
        if now.duration_since(window.started_at) >= self.window {
            *window = fresh;
        }
        window.taken = window.taken.saturating_add(1);
        let left = self
            .window
            .saturating_sub(now.duration_since(window.started_at));
        Budget {
            number: window.taken,
            remaining: self.limit.saturating_sub(window.taken),
            reset_seconds: (left.as_millis().div_ceil(1000) as u64).max(1),
        }
    }

    fn forget(&mut self, now: Instant) {
        self.clients
            .retain(|_, window| now.duration_since(window.started_at) < self.window);
        if self.clients.len() >= CLIENTS {
            let oldest = self
                .clients
                .iter()
                .min_by_key(|(_, window)| window.started_at)
                .map(|(client, _)| client.clone());
            if let Some(oldest) = oldest {
                self.clients.remove(&oldest);
            }
        }
    }
}
