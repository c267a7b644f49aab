//! Reading a series: once, strictly, as a whole; then as often as wanted, record by record from its bytes.

use super::{
    END_MARK, END_MASK, End, HEADER_CAP, MAGIC, Model, SAME_STATUS, SAMPLE_CAP, Sample,
    SeriesBuilder, SeriesHeader, WARM_UP,
};

/// Why bytes are not a series, or series cannot become one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeriesError {
    /// The header line is missing, of another version, or cannot mean anything.
    #[error("sample series: header: {reason}")]
    Header {
        /// What is wrong.
        reason: String,
    },
    /// A record is damaged.
    #[error("sample series: record {index}: {reason}")]
    Record {
        /// Its place, from 0.
        index: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// The end mark is missing, counts something else, or is not the end.
    #[error("sample series: end: {reason}")]
    Tail {
        /// What is wrong.
        reason: &'static str,
    },
    /// Series of different loads cannot be merged.
    #[error("sample series: cannot merge: {reason}")]
    Merge {
        /// What differs.
        reason: &'static str,
    },
}

/// The samples of a load, checked, kept as the bytes they came in.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    header: SeriesHeader,
    bytes: Vec<u8>,
    /// Where the records begin.
    records_at: usize,
    count: u64,
    warm_up_count: u64,
}

impl Series {
    /// Reads a whole series. Anything a writer would not have written is an error: another version, a damaged or torn
    /// record, a count that does not match, bytes after the end.
    pub fn read(bytes: Vec<u8>) -> Result<Series, SeriesError> {
        let (header, records_at) = read_header(&bytes)?;
        let mut cursor = Cursor::at(&bytes, records_at);
        let mut count = 0u64;
        let mut warm_up_count = 0u64;
        while let Some(sample) = cursor.next_record().map_err(|reason| SeriesError::Record {
            index: count,
            reason,
        })? {
            count += 1;
            warm_up_count += u64::from(sample.is_warm_up());
            if count > SAMPLE_CAP {
                return Err(SeriesError::Tail {
                    reason: "too many samples",
                });
            }
        }
        let tail = |reason| SeriesError::Tail { reason };
        match cursor.varint() {
            Some(counted) if counted == count => {}
            Some(_) => return Err(tail("the count does not match the records")),
            None => return Err(tail("torn")),
        }
        if cursor.at != bytes.len() {
            return Err(tail("there are bytes after the end mark"));
        }
        if warm_up_count > header.warm_up {
            return Err(tail(
                "more samples are marked as warm-up than were declared",
            ));
        }
        Ok(Series {
            header,
            bytes,
            records_at,
            count,
            warm_up_count,
        })
    }

    /// What is true of every sample.
    pub fn header(&self) -> &SeriesHeader {
        &self.header
    }

    /// The blob.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many requests were scheduled, warm-up included.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many of them were warm-up.
    pub fn warm_up_count(&self) -> u64 {
        self.warm_up_count
    }

    /// All samples in the order they were pushed, warm-up included.
    pub fn samples(&self) -> Samples<'_> {
        Samples {
            cursor: Cursor::at(&self.bytes, self.records_at),
            left: self.count,
        }
    }

    /// The samples that count: without the warm-up.
    pub fn judged(&self) -> impl Iterator<Item = Sample> + '_ {
        self.samples().filter(|sample| !sample.is_warm_up())
    }

    /// All samples, warm-up included, ordered by due time (then by the order they were pushed).
    pub fn by_due(&self) -> Vec<Sample> {
        let mut samples: Vec<Sample> = self.samples().collect();
        samples.sort_by_key(Sample::due_ns);
        samples
    }

    /// One series out of those of several threads or agents that shared a load, ordered by due time.
    ///
    /// Rates, users and warm-up add up; offsets are moved onto the earliest start. Parts must have the same model and
    /// timeout (seeds of Poisson arrivals may differ: the first is kept).
    pub fn merge(parts: &[Series]) -> Result<Series, SeriesError> {
        let refuse = |reason| SeriesError::Merge { reason };
        let (first, rest) = parts.split_first().ok_or(refuse("there is no part"))?;
        let mut header = first.header.clone();
        for part in rest {
            join_headers(&mut header, &part.header).map_err(refuse)?;
        }
        let total: u64 = parts.iter().map(|part| part.count).sum();
        if total > SAMPLE_CAP {
            return Err(refuse("too many samples"));
        }
        let mut samples = Vec::with_capacity(usize::try_from(total).unwrap_or(0));
        for part in parts {
            let shift_ms = part.header.started_at_ms.abs_diff(header.started_at_ms);
            let shift_ns = shift_ms
                .checked_mul(1_000_000)
                .ok_or(refuse("starts too far apart"))?;
            for sample in part.samples() {
                samples.push(
                    sample
                        .shifted(shift_ns)
                        .ok_or(refuse("starts too far apart"))?,
                );
            }
        }
        samples.sort_by_key(Sample::due_ns);
        let mut builder = SeriesBuilder::with_capacity(&header, samples.len())?;
        for sample in samples {
            builder.push(sample);
        }
        builder.into_series()
    }
}

fn join_headers(into: &mut SeriesHeader, other: &SeriesHeader) -> Result<(), &'static str> {
    into.model = match (into.model, other.model) {
        (Model::Open { arrivals: a }, Model::Open { arrivals: b })
            if std::mem::discriminant(&a) == std::mem::discriminant(&b) =>
        {
            Model::Open { arrivals: a }
        }
        (Model::Closed { users: a }, Model::Closed { users: b }) => Model::Closed {
            users: a.checked_add(b).ok_or("too many users")?,
        },
        (Model::Open { .. } | Model::Closed { .. }, _) => return Err("their models differ"),
    };
    into.planned_rate = match (into.planned_rate, other.planned_rate) {
        (Some(a), Some(b)) => Some(a + b),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err("one is paced, another is not"),
    };
    if into.timeout_ns != other.timeout_ns {
        return Err("their timeouts differ");
    }
    into.warm_up = into
        .warm_up
        .checked_add(other.warm_up)
        .ok_or("too much warm-up")?;
    into.started_at_ms = into.started_at_ms.min(other.started_at_ms);
    Ok(())
}

fn read_header(bytes: &[u8]) -> Result<(SeriesHeader, usize), SeriesError> {
    let bad = |reason: String| SeriesError::Header { reason };
    let rest = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| bad("this is no sample series of version 1".to_owned()))?;
    let length = rest
        .iter()
        .take(HEADER_CAP)
        .position(|byte| *byte == b'\n')
        .ok_or_else(|| bad("the header line does not end".to_owned()))?;
    let line = &rest[..length];
    let header: SeriesHeader =
        serde_json::from_slice(line).map_err(|error| bad(error.to_string()))?;
    if let Some(defect) = header.defect() {
        return Err(bad(defect.to_owned()));
    }
    let canonical = serde_json::to_vec(&header).map_err(|error| bad(error.to_string()))?;
    if canonical != line {
        return Err(bad("not as it is written".to_owned()));
    }
    Ok((header, MAGIC.len() + length + 1))
}

/// The samples of a [`Series`], decoded one by one.
#[derive(Clone, Debug)]
pub struct Samples<'a> {
    cursor: Cursor<'a>,
    left: u64,
}

impl Iterator for Samples<'_> {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        // The series was read whole before, so every record is sound.
        self.cursor.next_record().ok().flatten()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

#[derive(Clone, Debug)]
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    last_due_ns: u64,
    last_status: u16,
}

impl<'a> Cursor<'a> {
    fn at(bytes: &'a [u8], at: usize) -> Cursor<'a> {
        Cursor {
            bytes,
            at,
            last_due_ns: 0,
            last_status: 0,
        }
    }

    /// The next sample, or `None` after the end mark's tag.
    fn next_record(&mut self) -> Result<Option<Sample>, &'static str> {
        let tag = *self.bytes.get(self.at).ok_or("torn")?;
        self.at += 1;
        if tag == END_MARK {
            return Ok(None);
        }
        let end = End::from_code(tag & END_MASK).ok_or("an unknown kind of end")?;
        let same_status = tag & SAME_STATUS != 0;
        let due_step = unzigzag(self.varint().ok_or("torn or overlong due time")?);
        let due_ns = self
            .last_due_ns
            .checked_add_signed(due_step)
            .filter(|due| i64::try_from(*due).is_ok())
            .ok_or("a due time out of range")?;
        let sample = if end == End::NeverSent {
            if same_status {
                return Err("a status on a request that was never sent");
            }
            Sample::never_sent(due_ns)
        } else {
            self.sent_record(due_ns, end, same_status)?
        };
        self.last_due_ns = due_ns;
        Ok(Some(if tag & WARM_UP != 0 {
            sample.warming_up()
        } else {
            sample
        }))
    }

    fn sent_record(
        &mut self,
        due_ns: u64,
        end: End,
        same_status: bool,
    ) -> Result<Sample, &'static str> {
        let lag = self.varint().ok_or("torn or overlong lag")?;
        let service = self.varint().ok_or("torn or overlong service time")?;
        let sent_ns = due_ns
            .checked_add(lag)
            .ok_or("a sending time out of range")?;
        let ended_ns = sent_ns
            .checked_add(service)
            .ok_or("an ending time out of range")?;
        if !same_status {
            let status = self.varint().ok_or("torn or overlong status")?;
            let status = u16::try_from(status).map_err(|_| "a status out of range")?;
            if status == self.last_status {
                return Err("a status written twice");
            }
            self.last_status = status;
        }
        Ok(Sample::ended(
            due_ns,
            sent_ns,
            ended_ns,
            self.last_status,
            end,
        ))
    }

    /// A varint in its shortest form.
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return None;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                let shortest = byte != 0 || shift == 0;
                return shortest.then_some(value);
            }
        }
        None
    }
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}
