//! Which series a family has had: no series may have two samples.

use super::sample::{Sample, SampleAt, same_labels};

/// An open-addressed table of the current family's samples. Those of earlier families count as free places, so that
/// nothing is cleared between families.
pub(super) struct Series {
    /// Low half of the hash, and the sample's index; a power of two of them.
    places: Vec<(u32, u32)>,
    /// Index of the family's first sample.
    first: usize,
    count: usize,
}

const FREE: u32 = u32::MAX;
/// More collisions than this are no accident: someone built the labels to make the check slow.
const MAX_PROBES: usize = 4096;

/// What came of an entry.
pub(super) enum Entered {
    /// The series is new.
    New,
    /// The sample of this index has the same name and labels.
    Twice(usize),
    /// The labels were built to collide.
    TooManyCollisions,
}

impl Series {
    pub(super) fn new() -> Self {
        Self {
            places: vec![(0, FREE); 256],
            first: 0,
            count: 0,
        }
    }

    /// Begins the next family, whose first sample will have this index.
    pub(super) fn begin(&mut self, first: usize) {
        self.first = first;
        self.count = 0;
    }

    /// Enters the last of the samples.
    pub(super) fn enter(&mut self, text: &str, samples: &[SampleAt], hash: u64) -> Entered {
        let Some((new, index)) = samples.last().zip(samples.len().checked_sub(1)) else {
            return Entered::New;
        };
        if (self.count + 1) * 2 > self.places.len() {
            self.grow();
        }
        let tag = (hash ^ (hash >> 32)) as u32;
        let mask = self.places.len() - 1;
        let mut place = tag as usize & mask;
        for _ in 0..MAX_PROBES {
            let (other_tag, other) = self.places[place];
            if self.is_free(other) {
                self.places[place] = (tag, index as u32);
                self.count += 1;
                return Entered::New;
            }
            if other_tag == tag {
                let (a, b) = (
                    Sample::new(text, samples[other as usize]),
                    Sample::new(text, *new),
                );
                if a.name() == b.name() && same_labels(a.labels(), &b.labels()) {
                    self.places[place].1 = index as u32;
                    return Entered::Twice(other as usize);
                }
            }
            place = (place + 1) & mask;
        }
        Entered::TooManyCollisions
    }

    fn is_free(&self, index: u32) -> bool {
        index == FREE || (index as usize) < self.first
    }

    fn grow(&mut self) {
        let larger = vec![(0, FREE); self.places.len() * 2];
        let old = std::mem::replace(&mut self.places, larger);
        let mask = self.places.len() - 1;
        for (tag, index) in old {
            if self.is_free(index) {
                continue;
            }
            let mut place = tag as usize & mask;
            while self.places[place].1 != FREE {
                place = (place + 1) & mask;
            }
            self.places[place] = (tag, index);
        }
    }
}
