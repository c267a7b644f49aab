//! What a server says to a hello, pure: read from bytes that may be anything, whole or not.

use super::hello::Version;

/// The most that is read of an answer: certificates with room to spare.
pub(super) const MAX_ANSWER: usize = 128 * 1024;
/// The most certificates that are kept of a chain.
pub(super) const MAX_CHAIN: usize = 16;

/// What the bytes so far come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Not decided yet.
    More,
    /// The server took the hello.
    Hello(Box<ServerHello>),
    /// It took it, and more of its flight may come.
    HelloAndMore(Box<ServerHello>),
    /// It refused, with this alert.
    Alert(u8),
    /// No TLS.
    NotTls,
}

/// What the server chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub(super) version: u16,
    pub(super) suite: u16,
    /// Whether it compresses, which is CRIME.
    pub(super) compression: bool,
    /// Whether it knows of secure renegotiation (RFC 5746).
    pub(super) secure_renegotiation: bool,
    /// The group of the key exchange (registry "TLS Supported Groups").
    pub(super) group: Option<u16>,
    /// Bits of its Diffie-Hellman parameters, or of the short key of an export suite.
    pub(super) parameter_bits: Option<u32>,
    /// The certificates as it sent them, up to TLS 1.2; after that they are encrypted.
    pub(super) chain: Vec<Vec<u8>>,
}

/// Reads what came so far in answer to the hello of a version.
pub(super) fn read(bytes: &[u8], asked: Version) -> Reading {
    if asked == Version::Ssl2
        && let Some(reading) = ssl2(bytes)
    {
        return reading;
    }
    let mut handshake = Vec::new();
    let mut rest = bytes;
    loop {
        let Some((head, after)) = rest.split_at_checked(5) else {
            // A first byte that begins no record is known at once.
            let wrong = rest.first().is_some_and(|kind| !(20..=23).contains(kind))
                || rest.get(1).is_some_and(|major| *major != 3);
            if wrong && handshake.is_empty() {
                return Reading::NotTls;
            }
            break;
        };
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        // RFC 8446, 5.2: 2^14 and 256 bytes; RFC 5246, 6.2.3: 2048 of them.
        if !(20..=23).contains(&head[0]) || head[1] != 3 || length > (1 << 14) + 2048 {
            return match messages(&handshake) {
                Reading::More => Reading::NotTls,
                reading => reading,
            };
        }
        let whole = after.len() >= length;
        let fragment = &after[..length.min(after.len())];
        match head[0] {
            21 if handshake.is_empty() => {
                return match fragment {
                    [_, alert, ..] => Reading::Alert(*alert),
                    _ => Reading::More,
                };
            }
            22 => handshake.extend_from_slice(fragment),
            // What is encrypted, or an alert after the hello: nothing more can be read.
            _ => {
                return match messages(&handshake) {
                    Reading::HelloAndMore(hello) => Reading::Hello(hello),
                    reading => reading,
                };
            }
        }
        if !whole {
            break;
        }
        rest = &after[length..];
    }
    messages(&handshake)
}

fn messages(bytes: &[u8]) -> Reading {
    let mut reader = Reader(bytes);
    let mut hello: Option<Box<ServerHello>> = None;
    let mut has_ended = false;
    while let Some((kind, body)) = reader.message() {
        match (kind, &mut hello) {
            (2, None) => match server_hello(body) {
                Some(found) => {
                    has_ended = found.version >= 0x0304;
                    hello = Some(Box::new(found));
                }
                None => return Reading::NotTls,
            },
            (_, None) => return Reading::NotTls,
            (11, Some(hello)) => hello.chain = certificates(body),
            (12, Some(hello)) => key_exchange(body, hello),
            (14, Some(_)) => has_ended = true,
            _ => {}
        }
    }
    match hello {
        None => Reading::More,
        Some(hello) if has_ended => Reading::Hello(hello),
        Some(hello) => Reading::HelloAndMore(hello),
    }
}

/// RFC 8446, 4.1.3; a HelloRetryRequest has the same form.
fn server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut reader = Reader(body);
    let mut hello = ServerHello {
        version: reader.u16()?,
        ..ServerHello::default()
    };
    reader.take(32)?;
    let session = reader.u8()?;
    reader.take(session.into())?;
    hello.suite = reader.u16()?;
    hello.compression = reader.u8()? != 0;
    let Some(length) = reader.u16() else {
        return Some(hello);
    };
    let mut extensions = Reader(reader.take(length.into())?);
    while let Some(kind) = extensions.u16() {
        let length = extensions.u16()?;
        let mut value = Reader(extensions.take(length.into())?);
        match kind {
            43 => hello.version = value.u16()?,
            51 => hello.group = value.u16(),
            0xff01 => hello.secure_renegotiation = true,
            _ => {}
        }
    }
    Some(hello)
}

/// RFC 5246, 7.4.2.
fn certificates(body: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = Reader(body);
    let mut chain = Vec::new();
    let Some(all) = reader.u24().and_then(|length| reader.take(length)) else {
        return chain;
    };
    let mut reader = Reader(all);
    while chain.len() < MAX_CHAIN {
        let Some(one) = reader.u24().and_then(|length| reader.take(length)) else {
            break;
        };
        chain.push(one.to_vec());
    }
    chain
}

/// RFC 5246, 7.4.3, RFC 8422, 5.4, and the short RSA key of export suites (RFC 2246, 7.4.3).
fn key_exchange(body: &[u8], hello: &mut ServerHello) {
    let Some(suite) = super::suites::Suite::of(hello.suite) else {
        return;
    };
    let mut reader = Reader(body);
    if suite.name.contains("_ECDH") {
        if reader.u8() == Some(3) {
            hello.group = reader.u16();
        }
        return;
    }
    let Some(number) = reader.u16().and_then(|length| reader.take(length.into())) else {
        return;
    };
    let significant = number.iter().position(|b| *b != 0).unwrap_or(number.len());
    let number = &number[significant..];
    hello.parameter_bits = number
        .first()
        .map(|first| number.len() as u32 * 8 - first.leading_zeros());
}

/// The server hello of SSL 2.0; nothing where the bytes begin a record of later versions.
fn ssl2(bytes: &[u8]) -> Option<Reading> {
    let first = *bytes.first()?;
    if first & 0x80 == 0 {
        return None;
    }
    let Some(head) = bytes.get(..9) else {
        return Some(Reading::More);
    };
    let version = u16::from_be_bytes([head[5], head[6]]);
    Some(if head[2] == 4 && version == 2 {
        Reading::Hello(Box::new(ServerHello {
            version,
            ..ServerHello::default()
        }))
    } else {
        Reading::NotTls
    })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|b| u16::from_be_bytes([b[0], b[1]]))
    }

    fn u24(&mut self) -> Option<usize> {
        let bytes = self.take(3)?;
        Some(u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]) as usize)
    }

    /// The next handshake message, where it is whole.
    fn message(&mut self) -> Option<(u8, &'a [u8])> {
        let before = self.0;
        let message = self.u8().zip(self.u24()).and_then(|(kind, length)| {
            let body = self.take(length)?;
            Some((kind, body))
        });
        if message.is_none() {
            self.0 = before;
        }
        message
    }
}

/// The name of an alert (registry "TLS Alerts" of IANA).
pub(super) fn alert(code: u8) -> String {
    match rustls::AlertDescription::from(code).as_str() {
        Some(name) => format!("the alert {name} ({code})"),
        None => format!("the alert {code}"),
    }
}
