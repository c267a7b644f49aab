//! What the samples of one histogram or summary must be to each other.

use std::collections::BTreeMap;

use super::error::{At, Fault, quoted};
use super::metadata::Role;
use super::sample::{Sample, SampleAt};
use super::{Format, Kind};

/// The groups of the current family: samples whose labels are the same but for `le` or `quantile`.
#[derive(Default)]
pub(super) struct Groups {
    all: Vec<Group>,
    /// By the hash of the labels. That two groups share one is as likely as a bit flip in memory.
    by_hash: BTreeMap<u64, usize>,
    /// The one that the last sample belonged to.
    last: Option<(u64, usize)>,
}

/// What is known of a group so far.
struct Group {
    /// Its first sample.
    first: usize,
    /// The last `le` or `quantile`.
    bound: f64,
    /// The last bucket's value.
    cumulated: f64,
    /// The value of `le="+Inf"`.
    all: Option<f64>,
    count: Option<f64>,
    sum: bool,
}

/// What the parser knows of the sample that is entered.
#[derive(Clone, Copy)]
pub(super) struct Member {
    /// Its index.
    pub(super) index: usize,
    pub(super) role: Role,
    pub(super) value: f64,
    /// The value of `le` or `quantile`, where the role has one.
    pub(super) bound: Option<f64>,
    /// The hash of its other labels.
    pub(super) hash: u64,
    /// It is a later point of a series that was seen before (OpenMetrics).
    pub(super) later: bool,
}

impl Groups {
    /// Begins the next family.
    pub(super) fn begin(&mut self) {
        self.all.clear();
        self.by_hash.clear();
        self.last = None;
    }

    /// Enters a sample; the message says which rule it breaks.
    pub(super) fn enter(&mut self, member: Member, format: Format) -> Result<(), (Fault, String)> {
        let group = self.group(member, format)?;
        match member.role {
            Role::Bucket => group.bucket(member),
            Role::Quantile => {
                let bound = member.bound.unwrap_or(f64::NAN);
                if !(0.0..=1.0).contains(&bound) {
                    let why = format!("a quantile lies between 0 and 1, not at {bound}");
                    return Err((Fault::Value, why));
                }
                group.ascend(bound, "quantile", member.later)
            }
            Role::Count => {
                group.count = Some(member.value);
                Ok(())
            }
            Role::Sum => {
                group.sum = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn group(&mut self, member: Member, format: Format) -> Result<&mut Group, (Fault, String)> {
        let index = match self.last {
            Some((hash, index)) if hash == member.hash => index,
            _ => match self.by_hash.get(&member.hash) {
                Some(_) if format == Format::OpenMetrics => {
                    let why = "the samples of one set of labels must stand together".to_owned();
                    return Err((Fault::Order, why));
                }
                Some(index) => *index,
                None => {
                    self.all.push(Group::new(member.index));
                    self.by_hash.insert(member.hash, self.all.len() - 1);
                    self.all.len() - 1
                }
            },
        };
        self.last = Some((member.hash, index));
        Ok(&mut self.all[index])
    }

    /// Whether each group of the family is whole.
    pub(super) fn finish(
        &self,
        kind: Kind,
        format: Format,
        text: &str,
        samples: &[SampleAt],
    ) -> Result<(), At> {
        if !matches!(kind, Kind::Histogram | Kind::GaugeHistogram) {
            return Ok(());
        }
        for group in &self.all {
            if let Some(why) = group.lacking(format) {
                let at = samples[group.first];
                let series = Sample::new(text, at).series();
                return Err(At {
                    fault: Fault::Value,
                    offset: at.name.start as usize,
                    message: format!("the histogram that begins with {} {why}", quoted(&series)),
                });
            }
        }
        Ok(())
    }
}

impl Group {
    fn new(first: usize) -> Self {
        Self {
            first,
            bound: f64::NEG_INFINITY,
            cumulated: 0.0,
            all: None,
            count: None,
            sum: false,
        }
    }

    fn bucket(&mut self, member: Member) -> Result<(), (Fault, String)> {
        let bound = member.bound.unwrap_or(f64::NAN);
        if bound.is_nan() {
            return Err((Fault::Value, "a bucket's bound cannot be NaN".to_owned()));
        }
        if member.later && bound <= self.bound {
            self.cumulated = 0.0;
        }
        // The first bucket may itself be bounded by -Inf.
        if self.bound != f64::NEG_INFINITY || self.all.is_some() {
            self.ascend(bound, "le", member.later)?;
        }
        self.bound = bound;
        let value = member.value;
        if value.is_nan() || value < self.cumulated {
            let why = format!(
                "a bucket counts all below its bound, so {value} cannot follow {}",
                self.cumulated
            );
            return Err((Fault::Value, why));
        }
        self.cumulated = value;
        if bound == f64::INFINITY {
            self.all = Some(value);
        }
        Ok(())
    }

    fn ascend(&mut self, bound: f64, label: &str, later: bool) -> Result<(), (Fault, String)> {
        if !later && bound <= self.bound {
            let why = format!(
                "`{label}` must grow from line to line, and {bound} follows {}",
                self.bound
            );
            return Err((Fault::Order, why));
        }
        self.bound = bound;
        Ok(())
    }

    /// What a histogram's group lacks.
    #[expect(clippy::float_cmp, reason = "both count the same events")]
    fn lacking(&self, format: Format) -> Option<String> {
        let Some(all) = self.all else {
            return Some("has no bucket `le=\"+Inf\"`".to_owned());
        };
        match self.count {
            Some(count) if count != all => Some(format!(
                "counts {count} in all and {all} in its bucket `le=\"+Inf\"`"
            )),
            None if format == Format::Text => Some("has no `_count`".to_owned()),
            None if self.sum => Some("has a sum and no count".to_owned()),
            Some(_) if format == Format::Text && !self.sum => Some("has no `_sum`".to_owned()),
            _ => None,
        }
    }
}
