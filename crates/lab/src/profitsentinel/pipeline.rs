//! The pipeline: reads an inventory and says where a store loses money. Real work on made-up lines, bounded.

use std::time::Duration;

use tokio::time::Instant;

/// So many lines an inventory has.
const LINES: u32 = 6_000;
/// The stores, from `store-1` on.
pub(super) const STORES: u32 = 12;
/// So many issues are numbered; with them every store has some.
const NAMED: usize = 120;

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    NegativeInventory,
    SoldAtALoss,
    DeadStock,
    Overstock,
    RunningOut,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NegativeInventory => "negative_inventory",
            Self::SoldAtALoss => "sold_at_a_loss",
            Self::DeadStock => "dead_stock",
            Self::Overstock => "overstock",
            Self::RunningOut => "running_out",
        }
    }
}

/// One line of the inventory, money in cents.
#[derive(Clone, Copy, Debug)]
struct Line {
    store: u32,
    sku: u32,
    on_hand: i64,
    sold: i64,
    cost: i64,
    price: i64,
}

/// A line that costs money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Issue {
    /// Its place in the list of all: `ISS-0001` is the dearest.
    pub(super) number: usize,
    pub(super) store: u32,
    pub(super) sku: u32,
    pub(super) kind: Kind,
    pub(super) impact: i64,
}

/// What was read, ready to be asked again.
#[derive(Debug)]
pub(super) struct Inventory {
    lines: Vec<Line>,
}

/// What a run of the pipeline found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) issues: Vec<Issue>,
    pub(super) lines: usize,
    pub(super) took: Duration,
}

impl Inventory {
    /// Reads it: the cold part.
    pub(super) fn read() -> Self {
        let mut seed = 0x5eed_0013_0000_u64;
        // Numbers that look like chance and are the same each time.
        let mut next = |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((seed >> 33) % below) as i64
        };
        let mut lines: Vec<Line> = (0..LINES)
            .map(|number| Line {
                store: number % STORES + 1,
                sku: next(90_000) as u32 + 10_000,
                on_hand: next(400) - 8,
                sold: next(60),
                cost: next(9_000) + 50,
                price: next(16_000) + 60,
            })
            .collect();
        lines.sort_by_key(|line| (line.store, line.sku));
        Self { lines }
    }

    /// Looks at every line: the warm part.
    pub(super) fn look(&self, begun: Instant) -> Found {
        let mut issues: Vec<Issue> = self.lines.iter().filter_map(look_at).collect();
        issues.sort_by_key(|issue| (std::cmp::Reverse(issue.impact), issue.store, issue.sku));
        issues.truncate(NAMED);
        for (number, issue) in issues.iter_mut().enumerate() {
            issue.number = number + 1;
        }
        Found {
            issues,
            lines: self.lines.len(),
            took: begun.elapsed(),
        }
    }
}

fn look_at(line: &Line) -> Option<Issue> {
    let (kind, impact) = if line.on_hand < 0 {
        (Kind::NegativeInventory, -line.on_hand * line.cost)
    } else if line.price < line.cost {
        let loss = line.cost - line.price;
        (Kind::SoldAtALoss, loss * line.sold.max(1))
    } else if line.on_hand > 0 && line.sold == 0 {
        (Kind::DeadStock, line.on_hand * line.cost * 15 / 1000)
    } else if line.on_hand > 6 * line.sold {
        let over = line.on_hand - 6 * line.sold;
        (Kind::Overstock, over * line.cost * 15 / 1000)
    } else if line.on_hand * 30 < line.sold * 7 {
        let short = line.sold * 7 - line.on_hand * 30;
        (Kind::RunningOut, (line.price - line.cost) * short / 30)
    } else {
        return None;
    };
    Some(Issue {
        number: 0,
        store: line.store,
        sku: line.sku,
        kind,
        impact,
    })
}
