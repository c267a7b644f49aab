//! From when on a size or a growth is worth a look, and from when on it is too much.

use serde::Serialize;

use super::sizes::{parse_share, parse_size, share_text, size_text};
use crate::diag::nearest;

/// The thresholds of S1.11, each replaceable.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// A table above this size is YELLOW.
    pub table_yellow: u64,
    /// A table above this size is RED.
    pub table_red: u64,
    /// A table, or the database, that grows by more than this share a day is YELLOW.
    pub growth_per_day_yellow: f64,
    /// An index that grows by more than this share a week is RED.
    pub index_growth_per_week_red: f64,
    /// Growth of fewer bytes between two snapshots is noise: a page more of a table of two is 50 %.
    pub floor: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            table_yellow: 1 << 30,
            table_red: 5 << 30,
            growth_per_day_yellow: 0.15,
            index_growth_per_week_red: 0.30,
            floor: 1 << 20,
        }
    }
}

/// Why a threshold cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownThreshold {
    /// There is none of that name.
    #[error("there is no threshold `{name}`")]
    Name {
        /// As it was written.
        name: String,
        /// What may have been meant.
        help: String,
    },
    /// The value is none.
    #[error("{name}: {message}")]
    Value {
        /// The threshold.
        name: String,
        /// What is wrong with it.
        message: String,
    },
}

impl Thresholds {
    /// The names that [`Thresholds::set`] knows.
    pub const NAMES: [&'static str; 5] = [
        "table_yellow",
        "table_red",
        "growth_per_day_yellow",
        "index_growth_per_week_red",
        "floor",
    ];

    /// Replaces one: sizes such as `2GB`, shares such as `20%`.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), UnknownThreshold> {
        let bad = |message: String| UnknownThreshold::Value {
            name: name.to_owned(),
            message,
        };
        let size = || parse_size(value).map_err(bad);
        let share = || parse_share(value).map_err(bad);
        match name {
            "table_yellow" => self.table_yellow = size()?,
            "table_red" => self.table_red = size()?,
            "growth_per_day_yellow" => self.growth_per_day_yellow = share()?,
            "index_growth_per_week_red" => self.index_growth_per_week_red = share()?,
            "floor" => self.floor = size()?,
            _ => {
                let help = match nearest(name, Self::NAMES) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", Self::NAMES.join(", ")),
                };
                return Err(UnknownThreshold::Name {
                    name: name.to_owned(),
                    help,
                });
            }
        }
        Ok(())
    }

    /// What contradicts itself: a table could then be RED without having been YELLOW.
    pub fn contradiction(&self) -> Option<String> {
        (self.table_red < self.table_yellow).then(|| {
            format!(
                "`table_red` ({}) lies below `table_yellow` ({})",
                size_text(self.table_red),
                size_text(self.table_yellow)
            )
        })
    }

    /// In one line, for every report that rests on them.
    pub fn text(&self) -> String {
        format!(
            "YELLOW: a table above {}, or growth above {} a day; RED: a table above {}, or an index that grows by more \
             than {} a week; growth of less than {} between the snapshots counts as none",
            size_text(self.table_yellow),
            unsigned(self.growth_per_day_yellow),
            size_text(self.table_red),
            unsigned(self.index_growth_per_week_red),
            size_text(self.floor),
        )
    }
}

fn unsigned(share: f64) -> String {
    share_text(share).trim_start_matches('+').to_owned()
}
