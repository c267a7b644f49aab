//! Writing a series: appended to by a load generator, one request at a time, without allocation per request.

use super::{END_MARK, MAGIC, SAME_STATUS, Sample, Series, SeriesError, SeriesHeader, WARM_UP};
use crate::series::End;

/// A record never takes more: a tag and four varints.
const RECORD_CAP: usize = 1 + 3 * 10 + 3;

/// A series being written.
///
/// Bytes gather in one buffer. A generator that must stay small hands them on now and then with
/// [`SeriesBuilder::flush_to`]; what was flushed and what [`SeriesBuilder::finish`] returns are, end to end, the blob.
#[derive(Clone, Debug)]
pub struct SeriesBuilder {
    bytes: Vec<u8>,
    flushed: bool,
    count: u64,
    last_due_ns: u64,
    last_status: u16,
}

impl SeriesBuilder {
    /// Begins a series. Fails on a header that cannot mean anything (no planned rate in an open model, a rate that is
    /// not a positive number, no users).
    pub fn new(header: &SeriesHeader) -> Result<SeriesBuilder, SeriesError> {
        Self::with_capacity(header, 0)
    }

    /// Like [`SeriesBuilder::new`], with room for `samples` (about twelve bytes each) reserved at once.
    pub fn with_capacity(
        header: &SeriesHeader,
        samples: usize,
    ) -> Result<SeriesBuilder, SeriesError> {
        if let Some(defect) = header.defect() {
            return Err(SeriesError::Header {
                reason: defect.to_owned(),
            });
        }
        let line = serde_json::to_vec(header).map_err(|error| SeriesError::Header {
            reason: error.to_string(),
        })?;
        let mut bytes = Vec::with_capacity(line.len() + 64 + samples.saturating_mul(12));
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&line);
        bytes.push(b'\n');
        Ok(SeriesBuilder {
            bytes,
            flushed: false,
            count: 0,
            last_due_ns: 0,
            last_status: 0,
        })
    }

    /// Appends one sample.
    pub fn push(&mut self, sample: Sample) {
        let mut record = [0u8; RECORD_CAP];
        let mut tag = sample.end() as u8;
        if sample.is_warm_up() {
            tag |= WARM_UP;
        }
        let sent = sample.end() != End::NeverSent;
        let same_status = sent && sample.status() == self.last_status;
        if same_status {
            tag |= SAME_STATUS;
        }
        record[0] = tag;
        let due_step = sample.due_ns().wrapping_sub(self.last_due_ns).cast_signed();
        let mut at = put_varint(&mut record, 1, zigzag(due_step));
        if let (Some(lag), Some(service)) = (sample.lag_ns(), sample.service_ns()) {
            at = put_varint(&mut record, at, lag);
            at = put_varint(&mut record, at, service);
            if !same_status {
                at = put_varint(&mut record, at, u64::from(sample.status()));
                self.last_status = sample.status();
            }
        }
        self.bytes.extend_from_slice(&record[..at]);
        self.last_due_ns = sample.due_ns();
        self.count += 1;
    }

    /// How many samples were pushed.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many bytes wait to be flushed.
    pub fn pending(&self) -> usize {
        self.bytes.len()
    }

    /// Hands the waiting bytes on and keeps the buffer.
    pub fn flush_to(&mut self, to: &mut impl std::io::Write) -> std::io::Result<()> {
        to.write_all(&self.bytes)?;
        self.bytes.clear();
        self.flushed = true;
        Ok(())
    }

    /// Ends the series: the bytes that were not flushed yet, with the end mark.
    pub fn finish(mut self) -> Vec<u8> {
        let mut mark = [0u8; RECORD_CAP];
        mark[0] = END_MARK;
        let at = put_varint(&mut mark, 1, self.count);
        self.bytes.extend_from_slice(&mark[..at]);
        self.bytes
    }

    /// Ends a series that was never flushed, and reads it back.
    pub fn into_series(self) -> Result<Series, SeriesError> {
        if self.flushed {
            return Err(SeriesError::Header {
                reason: "part of the series was flushed elsewhere".to_owned(),
            });
        }
        Series::read(self.finish())
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn put_varint(into: &mut [u8; RECORD_CAP], mut at: usize, mut value: u64) -> usize {
    while value >= 0x80 {
        into[at] = (value as u8) | 0x80;
        value >>= 7;
        at += 1;
    }
    into[at] = value as u8;
    at + 1
}
