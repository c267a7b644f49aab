//! What the pipeline says of one line of a store's inventory: which issue it is, and what it costs per month.

/// One line of an inventory. Money is in cents.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Pieces on the shelf; below zero where more was sold than ever came.
    pub on_hand: i64,
    /// Pieces sold in thirty days.
    pub sold: i64,
    /// What a piece costs.
    pub cost: i64,
    /// What a piece is sold for.
    pub price: i64,
}

/// What is wrong with a line, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issue {
    /// More was sold than ever came.
    NegativeInventory,
    /// It is sold below its cost.
    SoldAtALoss,
    /// Nothing of it was sold.
    DeadStock,
    /// It lasts for more than half a year.
    Overstock,
    /// It is gone within a week.
    RunningOut,
    /// Nothing.
    Fine,
}

/// The worst issue of a line.
pub fn issue(line: Line) -> Issue {
    if line.on_hand < 0 {
        Issue::NegativeInventory
    } else if line.price < line.cost {
        Issue::SoldAtALoss
    } else if line.on_hand > 0 && line.sold == 0 {
        Issue::DeadStock
    } else if line.on_hand > 6 * line.sold {
        Issue::Overstock
    } else if line.sold > 0 && line.on_hand * 30 < line.sold * 7 {
        Issue::RunningOut
    } else {
        Issue::Fine
    }
}

/// What the issue of a line costs per month, in cents; never below zero.
pub fn impact(line: Line) -> i64 {
    match issue(line) {
        Issue::NegativeInventory => -line.on_hand * line.cost,
        Issue::SoldAtALoss => (line.cost - line.price) * line.sold.max(1),
        // Capital costs one and a half per cent in a month.
        Issue::DeadStock => line.on_hand * line.cost * 15 / 1000,
        Issue::Overstock => (line.on_hand - 6 * line.sold) * line.cost * 15 / 1000,
        Issue::RunningOut => (line.price - line.cost) * (line.sold * 7 - line.on_hand * 30) / 30,
        Issue::Fine => 0,
    }
}

#[cfg(test)]
mod tests;
