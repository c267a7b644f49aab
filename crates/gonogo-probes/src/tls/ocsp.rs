//! A stapled OCSP response (RFC 6960, 4.2.1), pure: what it says of the server's certificate. Its signature is not
//! verified, and the report says so: a server that lies about itself would leave the response away.

use chrono::{DateTime, NaiveDateTime, Utc};

/// What the response says: `good`, `revoked`, `unknown`, `expired`, `unreadable`, or `absent`.
pub(super) fn status(response: &[u8], serial: &[u8], now: DateTime<Utc>) -> &'static str {
    if response.is_empty() {
        return "absent";
    }
    read(response, serial, now).unwrap_or("unreadable")
}

fn read(response: &[u8], serial: &[u8], now: DateTime<Utc>) -> Option<&'static str> {
    let mut outer = Reader(Reader(response).tagged(0x30)?);
    if outer.tagged(0x0a)? != [0] {
        return Some("unknown");
    }
    let mut bytes = Reader(Reader(outer.tagged(0xa0)?).tagged(0x30)?);
    bytes.tagged(0x06)?;
    let basic = bytes.tagged(0x04)?;
    let mut data = Reader(Reader(Reader(basic).tagged(0x30)?).tagged(0x30)?);
    // An optional version, then who answers, by name or by key, then when.
    let (mut tag, mut value) = data.next()?;
    while tag != 0x18 {
        (tag, value) = data.next()?;
    }
    let _produced_at = value;
    let mut responses = Reader(data.tagged(0x30)?);
    while let Some(one) = responses.tagged(0x30) {
        let mut one = Reader(one);
        let mut id = Reader(one.tagged(0x30)?);
        id.tagged(0x30)?;
        id.tagged(0x04)?;
        id.tagged(0x04)?;
        if unsigned(id.tagged(0x02)?) != unsigned(serial) {
            continue;
        }
        let (status, _) = one.next()?;
        one.tagged(0x18)?;
        let next_update = one.tagged(0xa0).map(|inner| Reader(inner).tagged(0x18));
        let is_over = match next_update {
            None => false,
            Some(time) => instant(time?)? < now,
        };
        return Some(match status {
            _ if is_over => "expired",
            0x80 => "good",
            0xa1 | 0x81 => "revoked",
            _ => "unknown",
        });
    }
    // It speaks of other certificates only.
    Some("unknown")
}

fn unsigned(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|b| **b == 0).count();
    &number[zeros..]
}

fn instant(text: &[u8]) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(text).ok()?;
    let time = NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%SZ").ok()?;
    Some(time.and_utc())
}

/// Values of DER one after another.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (head, rest) = self.0.split_at_checked(2)?;
        let (length, rest) = match head[1] {
            short @ 0..=0x7f => (usize::from(short), rest),
            long @ 0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                let length = bytes.iter().fold(0usize, |n, b| n << 8 | usize::from(*b));
                (length, rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((head[0], value))
    }

    /// The next value where it has this tag; else nothing is taken.
    fn tagged(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = Reader(self.0);
        let (found, value) = ahead.next()?;
        if found != tag {
            return None;
        }
        self.0 = ahead.0;
        Some(value)
    }
}
