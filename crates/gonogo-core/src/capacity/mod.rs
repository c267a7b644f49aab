//! How large a database is, and how fast it grows: a snapshot of sizes, the difference of two, and what that difference
//! means by published thresholds (S1.11).
//!
//! Growth is what lies between two snapshots, over the time that really passed between them. It is projected to a day or
//! a week only from an hour upwards: what a database does in a minute says nothing about its day. Below that, growth is
//! shown and *not judged*, which is no green.

mod distinct;
mod growth;
mod sizes;
mod snapshot;
mod thresholds;

pub use growth::{Change, Diff, Growth, Level, NotComparable, Reason, What, compare};
pub use sizes::{parse_share, parse_size, share_text, size_text};
pub use snapshot::{Connections, IndexSize, Snapshot, TableSize};
pub use thresholds::{Thresholds, UnknownThreshold};

/// The shortest interval from which growth is projected, in nanoseconds: one hour.
pub const SHORTEST_PROJECTED_NS: i64 = 3_600_000_000_000;

#[cfg(test)]
mod tests;
