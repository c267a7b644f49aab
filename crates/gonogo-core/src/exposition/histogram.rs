//! Buckets: in order, never falling, closed by `+Inf`, and agreeing with the count.

use std::collections::BTreeMap;

use super::number;

/// The histograms of the family at hand.
#[derive(Default)]
pub(super) struct Histograms {
    /// The label set whose buckets are being read.
    open: Option<Open>,
    /// Counts of `+Inf`, by label set.
    totals: BTreeMap<u64, f64>,
    /// `_count` samples that came before their buckets.
    early: BTreeMap<u64, f64>,
}

struct Open {
    group: u64,
    le: f64,
    count: f64,
}

impl Histograms {
    /// The next bucket.
    pub(super) fn bucket(
        &mut self,
        group: u64,
        le: Option<&[u8]>,
        count: f64,
        may_fall: bool,
    ) -> Result<(), String> {
        let le = le.ok_or("a bucket needs the label `le`")?;
        let le = number::value(le).ok_or("`le` is no number")?;
        if le.is_nan() {
            return Err("`le` is not a number".to_owned());
        }
        if count.is_nan() || count < 0.0 {
            return Err("a bucket's count is neither negative nor NaN".to_owned());
        }
        match &self.open {
            Some(open) if open.group == group => {
                if le.total_cmp(&open.le).is_le() {
                    return Err("buckets stand in rising order of `le`, each once".to_owned());
                }
                if count < open.count && !may_fall {
                    return Err("a bucket counts less than the one below it".to_owned());
                }
            }
            _ => {
                self.close()?;
                if self.totals.contains_key(&group) {
                    return Err("the buckets of one histogram stand together".to_owned());
                }
            }
        }
        if le.is_infinite() {
            self.totals.insert(group, count);
            self.open = None;
            if self
                .early
                .remove(&group)
                .is_some_and(|early| differ(early, count))
            {
                return Err("the bucket `+Inf` and `_count` differ".to_owned());
            }
        } else {
            self.open = Some(Open { group, le, count });
        }
        Ok(())
    }

    /// The count of a label set.
    pub(super) fn count(&mut self, group: u64, count: f64) -> Result<(), String> {
        match self.totals.get(&group) {
            Some(total) if differ(*total, count) => {
                Err("`_count` and the bucket `+Inf` differ".to_owned())
            }
            Some(_) => Ok(()),
            None => {
                self.early.insert(group, count);
                Ok(())
            }
        }
    }

    /// Whether the last label set ended as it must.
    fn close(&mut self) -> Result<(), String> {
        match self.open.take() {
            Some(_) => Err("the bucket `+Inf` of the histogram before is missing".to_owned()),
            None => Ok(()),
        }
    }

    /// The family ends.
    pub(super) fn end(&mut self) -> Result<(), String> {
        self.close()?;
        let early = std::mem::take(&mut self.early);
        self.totals.clear();
        if early.is_empty() {
            Ok(())
        } else {
            Err("a histogram before this has a count and no bucket `+Inf`".to_owned())
        }
    }
}

/// Counts are whole numbers: they are equal or they are not.
fn differ(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_ne()
}
