//! Reading an answer from whatever bytes come, in pieces of any size. Bodies are counted, not kept. Nothing that a
//! target sends can make this panic, grow beyond the caps, or go on for ever.

use std::mem::MaybeUninit;

use super::config::Caps;
use super::sample::End;

/// The most headers of an answer.
const HEADERS_CAP: usize = 128;

/// What is known before the answer comes.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) caps: Caps,
    /// The answer has no body whatever its head says.
    pub(super) to_head: bool,
    /// The header by which the target asks to stop.
    pub(super) abort_header: Option<String>,
}

/// What is known of an answer. Complete once `feed` or `end_of_stream` says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The connection may carry the next request.
    pub(super) keep_alive: bool,
    /// The target asks to stop the load.
    pub(super) abort: bool,
    /// Bytes of head and body.
    pub(super) bytes: u64,
}

/// Whether the answer is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// More must come.
    More,
    /// The answer is whole; so many bytes of the piece belong to it.
    Whole(usize),
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// No HTTP/1.
    Protocol,
    /// Beyond a cap.
    TooLarge,
    /// The stream ended before the first byte.
    Nothing,
    /// The stream ended within the answer.
    Truncated,
}

impl Flaw {
    pub(super) fn end(self) -> End {
        match self {
            Self::Protocol => End::Protocol,
            Self::TooLarge => End::TooLarge,
            Self::Nothing => End::Reset,
            Self::Truncated => End::Truncated,
        }
    }
}

/// Reads one answer after the other.
#[derive(Debug, Default)]
pub(super) struct Reader {
    place: Place,
    answer: Answer,
    /// The beginning of a head that came in pieces; empty, and without memory, in the usual case.
    carry: Vec<u8>,
    /// What counts against the cap of heads.
    head_bytes: usize,
    body_bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Head,
    Fixed(u64),
    Chunked(Chunked),
    UntilClose,
}

/// Where in a chunked body (RFC 9112, 7.1) the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunked {
    Size { size: u64, digits: u8 },
    Extension { size: u64 },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataReturn,
    DataEnd,
    TrailerStart,
    Trailer,
    TrailerEnd,
    LastEnd,
}

/// What a head says.
struct Head {
    length: usize,
    status: u16,
    place: Place,
    keep_alive: bool,
    abort: bool,
}

impl Reader {
    /// What is known of the answer so far.
    #[inline]
    pub(super) fn answer(&self) -> Answer {
        self.answer
    }

    /// Makes ready for the next answer.
    #[inline]
    pub(super) fn reset(&mut self) {
        self.place = Place::Head;
        self.answer = Answer::default();
        self.head_bytes = 0;
        self.body_bytes = 0;
        if !self.carry.is_empty() {
            self.carry = Vec::new();
        }
    }

    /// Takes the next bytes.
    #[inline]
    pub(super) fn feed(&mut self, piece: &[u8], rules: &Rules) -> Result<Fed, Flaw> {
        let fed = self.advance(piece, rules);
        let used = match fed {
            Ok(Fed::Whole(used)) => used,
            Ok(Fed::More) | Err(_) => piece.len(),
        };
        self.answer.bytes += used as u64;
        fed
    }

    /// The stream ended: fine for a body that lasts until then.
    pub(super) fn end_of_stream(&mut self) -> Result<(), Flaw> {
        match self.place {
            Place::UntilClose => Ok(()),
            Place::Head if self.answer.bytes == 0 => Err(Flaw::Nothing),
            Place::Head | Place::Fixed(_) | Place::Chunked(_) => Err(Flaw::Truncated),
        }
    }

    fn advance(&mut self, piece: &[u8], rules: &Rules) -> Result<Fed, Flaw> {
        let mut at = 0;
        loop {
            match self.place {
                Place::Head => match self.head(&piece[at..], rules)? {
                    Some(used) => at += used,
                    None => return Ok(Fed::More),
                },
                Place::Fixed(left) => {
                    let used = left.min((piece.len() - at) as u64);
                    at += used as usize;
                    if used == left {
                        return Ok(Fed::Whole(at));
                    }
                    self.place = Place::Fixed(left - used);
                    return Ok(Fed::More);
                }
                Place::Chunked(place) => {
                    return match self.chunked(place, &piece[at..], rules)? {
                        Some(used) => Ok(Fed::Whole(at + used)),
                        None => Ok(Fed::More),
                    };
                }
                Place::UntilClose => {
                    self.count_body((piece.len() - at) as u64, rules)?;
                    return Ok(Fed::More);
                }
            }
        }
    }

    /// Reads a head; says how many bytes of the piece it took, or nothing while it is not whole.
    #[inline]
    fn head(&mut self, piece: &[u8], rules: &Rules) -> Result<Option<usize>, Flaw> {
        let room = rules.caps.head.saturating_sub(self.head_bytes);
        let carried = self.carry.len();
        let head = if carried == 0 {
            parse_head(&piece[..piece.len().min(room)], rules)?
        } else {
            let piece = &piece[..piece.len().min(room.saturating_sub(carried))];
            self.carry.extend_from_slice(piece);
            // A head ends with a line end, so without one there is nothing new to find.
            if piece.contains(&b'\n') {
                parse_head(&self.carry, rules)?
            } else {
                None
            }
        };
        let Some(head) = head else {
            if carried + piece.len() >= room {
                return Err(Flaw::TooLarge);
            }
            if carried == 0 {
                self.carry.extend_from_slice(piece);
            }
            return Ok(None);
        };
        self.head_bytes += head.length;
        if carried != 0 {
            self.carry = Vec::new();
        }
        self.answer.abort |= head.abort;
        // 1xx other than 101 announce the answer (RFC 9110, 15.2).
        if head.status >= 200 {
            self.answer.status = head.status;
            self.answer.keep_alive = head.keep_alive;
            self.place = head.place;
            if let Place::Fixed(length) = head.place {
                self.count_body(length, rules)?;
            }
        }
        Ok(Some(head.length - carried))
    }

    /// Counts body bytes against the cap, where a length is announced before they are read.
    fn count_body(&mut self, bytes: u64, rules: &Rules) -> Result<(), Flaw> {
        self.body_bytes = self.body_bytes.saturating_add(bytes);
        if self.body_bytes > rules.caps.body {
            return Err(Flaw::TooLarge);
        }
        Ok(())
    }

    /// Counts the bytes around a chunked body against the cap of heads.
    fn count_frame(&mut self, rules: &Rules) -> Result<(), Flaw> {
        self.head_bytes += 1;
        if self.head_bytes > rules.caps.head {
            return Err(Flaw::TooLarge);
        }
        Ok(())
    }

    /// Reads a chunked body; says how many bytes of the piece it took once it has ended.
    fn chunked(
        &mut self,
        mut place: Chunked,
        piece: &[u8],
        rules: &Rules,
    ) -> Result<Option<usize>, Flaw> {
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            if let Chunked::Data { left } = place {
                let used = left.min((piece.len() - at) as u64);
                at += used as usize;
                place = if used == left {
                    Chunked::DataReturn
                } else {
                    Chunked::Data { left: left - used }
                };
                continue;
            }
            at += 1;
            place = match self.frame(place, byte, rules)? {
                Some(next) => next,
                None => return Ok(Some(at)),
            };
        }
        self.place = Place::Chunked(place);
        Ok(None)
    }

    /// Takes one byte around the data of a chunked body; says where the next stands, or nothing at the end.
    fn frame(&mut self, place: Chunked, byte: u8, rules: &Rules) -> Result<Option<Chunked>, Flaw> {
        let next = match (place, byte) {
            (Chunked::Size { size, digits }, byte) => match byte {
                b'\r' | b';' | b' ' | b'\t' if digits == 0 => return Err(Flaw::Protocol),
                b'\r' => Chunked::SizeEnd { size },
                b';' | b' ' | b'\t' => Chunked::Extension { size },
                digit => Chunked::Size {
                    size: with_digit(size, digits, digit)?,
                    digits: digits + 1,
                },
            },
            (Chunked::Extension { size }, b'\r') => Chunked::SizeEnd { size },
            (Chunked::Extension { .. }, b'\n') => return Err(Flaw::Protocol),
            (Chunked::SizeEnd { size }, b'\n') if size > 0 => {
                self.count_body(size, rules)?;
                Chunked::Data { left: size }
            }
            (Chunked::DataReturn, b'\r') => Chunked::DataEnd,
            (Chunked::DataEnd, b'\n') => Chunked::Size { size: 0, digits: 0 },
            (Chunked::SizeEnd { .. } | Chunked::TrailerEnd, b'\n') => Chunked::TrailerStart,
            (Chunked::TrailerStart, b'\r') => Chunked::LastEnd,
            (Chunked::Trailer, b'\r') => Chunked::TrailerEnd,
            (Chunked::LastEnd, b'\n') => return Ok(None),
            (Chunked::Extension { .. }, _) => {
                self.count_frame(rules)?;
                place
            }
            (Chunked::TrailerStart | Chunked::Trailer, _) => {
                self.count_frame(rules)?;
                Chunked::Trailer
            }
            (
                Chunked::SizeEnd { .. }
                | Chunked::Data { .. }
                | Chunked::DataReturn
                | Chunked::DataEnd
                | Chunked::TrailerEnd
                | Chunked::LastEnd,
                _,
            ) => return Err(Flaw::Protocol),
        };
        Ok(Some(next))
    }
}

/// Adds a hexadecimal digit to the size of a chunk.
fn with_digit(size: u64, digits: u8, digit: u8) -> Result<u64, Flaw> {
    let value = char::from(digit).to_digit(16).ok_or(Flaw::Protocol)?;
    if digits >= 15 {
        return Err(Flaw::TooLarge);
    }
    Ok(size << 4 | u64::from(value))
}

/// Parses a head, if it is whole.
#[inline]
fn parse_head(bytes: &[u8], rules: &Rules) -> Result<Option<Head>, Flaw> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_CAP];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut headers,
    );
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Flaw::TooLarge),
        Err(_) => return Err(Flaw::Protocol),
    };
    let status = response.code.ok_or(Flaw::Protocol)?;
    let minor = response.version.ok_or(Flaw::Protocol)?;
    let mut lines = Lines::default();
    for header in response.headers.iter() {
        lines.take(header, rules)?;
    }
    // 101 changes the protocol, which nobody asked for.
    if status < 100 || status == 101 {
        return Err(Flaw::Protocol);
    }
    let place = lines.framing(status, rules);
    Ok(Some(Head {
        length,
        status,
        place,
        keep_alive: lines.keeps_alive(minor) && place != Place::UntilClose,
        abort: lines.abort,
    }))
}

/// The header lines that matter.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says that one thing was read; any combination can come"
)]
struct Lines {
    length: Option<u64>,
    coded: bool,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    abort: bool,
}

impl Lines {
    #[inline]
    fn take(&mut self, header: &httparse::Header<'_>, rules: &Rules) -> Result<(), Flaw> {
        let name = header.name;
        match name.len() {
            10 if name.eq_ignore_ascii_case("connection") => {
                for option in header.value.split(|b| *b == b',') {
                    let option = option.trim_ascii();
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            14 if name.eq_ignore_ascii_case("content-length") => {
                let length = decimal(header.value).ok_or(Flaw::Protocol)?;
                // Lengths that disagree are how one answer is passed off as two (RFC 9112, 6.3).
                if self.length.replace(length).is_some_and(|l| l != length) {
                    return Err(Flaw::Protocol);
                }
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                let last = header.value.rsplit(|b| *b == b',').next();
                self.coded = true;
                self.chunked =
                    last.is_some_and(|c| c.trim_ascii().eq_ignore_ascii_case(b"chunked"));
            }
            _ => {}
        }
        if let Some(abort) = &rules.abort_header {
            self.abort |= name.eq_ignore_ascii_case(abort);
        }
        Ok(())
    }

    /// Where the body ends (RFC 9112, 6.3).
    fn framing(&self, status: u16, rules: &Rules) -> Place {
        if rules.to_head || matches!(status, 204 | 304) {
            return Place::Fixed(0);
        }
        if self.coded {
            return if self.chunked {
                Place::Chunked(Chunked::Size { size: 0, digits: 0 })
            } else {
                Place::UntilClose
            };
        }
        self.length.map_or(Place::UntilClose, Place::Fixed)
    }

    fn keeps_alive(&self, minor: u8) -> bool {
        let by_version = if minor == 0 { self.keep_alive } else { true };
        // Both framings at once: whoever sent that may see the end elsewhere than we do.
        let doubtful = self.coded && (self.length.is_some() || minor == 0);
        by_version && !self.close && !doubtful
    }
}

fn decimal(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii();
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value)
        .ok()?
        .parse()
        .ok()
        .or(Some(u64::MAX))
}

#[cfg(test)]
mod tests;
