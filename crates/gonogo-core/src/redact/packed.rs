//! Looks into compressed streams: gzip anywhere, zlib and bare deflate where they are the whole input, gzip in base64.

use std::io::Read;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use memchr::memmem;

use super::search::{Found, Index, UNSEEN};
use super::undo::is_digit;

/// The most that is unpacked of one stream.
const UNPACKED_MAX: u64 = 16 << 20;
/// The most streams that are looked into in one input: the rest of the input is masked after that.
const STREAMS_MAX: usize = 64;
const GZIP: &[u8] = &[0x1f, 0x8b, 0x08];
/// How base64 of a gzip stream begins.
const GZIP_BASE64: &[u8] = b"H4sI";

/// What looking into a stream told.
enum Inside {
    Secret(usize),
    Clean,
    /// Too large to look through: it may hold anything.
    Unknown,
}

pub(super) fn search(index: &Index, bytes: &[u8], found: &mut Vec<Found>) {
    let mut streams = 0;
    let mut done = 0;
    for at in memmem::find_iter(bytes, GZIP) {
        if at < done {
            continue;
        }
        streams += 1;
        let mut rest = &bytes[at..];
        let inside = look_into(index, GzDecoder::new(&mut rest));
        let is_open = streams > STREAMS_MAX || matches!(inside, Inside::Unknown);
        let end = if is_open {
            bytes.len()
        } else {
            bytes.len() - rest.len()
        };
        done = end.max(at + 1);
        report(&inside, at, done, streams > STREAMS_MAX, found);
    }
    if streams == 0 {
        whole(index, bytes, found);
    }
    for at in memmem::find_iter(bytes, GZIP_BASE64).take(STREAMS_MAX) {
        in_base64(index, bytes, at, found);
    }
}

fn whole(index: &Index, bytes: &[u8], found: &mut Vec<Found>) {
    let is_zlib = bytes.len() > 6
        && bytes[0] == 0x78
        && (u16::from(bytes[0]) * 256 + u16::from(bytes[1])) % 31 == 0;
    let inside = if is_zlib {
        look_into(index, ZlibDecoder::new(bytes))
    } else if bytes.len() > 6
        && std::str::from_utf8(&bytes[..bytes.len().min(64)])
            .is_err_and(|e| e.error_len().is_some())
    {
        look_into(index, DeflateDecoder::new(bytes))
    } else {
        return;
    };
    report(&inside, 0, bytes.len(), false, found);
}

fn in_base64(index: &Index, bytes: &[u8], at: usize, found: &mut Vec<Found>) {
    let len = bytes[at..].iter().take_while(|b| is_digit(**b)).count();
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let run = &bytes[at..at + len];
    // A cut run still unpacks up to where it was cut.
    let run = if run.len() % 4 == 1 {
        &run[..run.len() - 1]
    } else {
        run
    };
    let unpacked = [STANDARD, URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(run).ok());
    if let Some(packed) = unpacked {
        let inside = look_into(index, GzDecoder::new(packed.as_slice()));
        report(&inside, at, at + len, false, found);
    }
}

fn report(inside: &Inside, start: usize, end: usize, is_too_many: bool, found: &mut Vec<Found>) {
    let secret = match inside {
        Inside::Secret(secret) => *secret,
        Inside::Unknown => UNSEEN,
        Inside::Clean if is_too_many => UNSEEN,
        Inside::Clean => return,
    };
    found.push(Found {
        start,
        end,
        secret,
        encoding: "compressed",
    });
}

/// Unpacks until the end, an error or the cap; what came before an error counts.
fn look_into(index: &Index, stream: impl Read) -> Inside {
    let mut unpacked = Vec::new();
    let mut stream = stream.take(UNPACKED_MAX);
    let _broken = stream.read_to_end(&mut unpacked).is_err();
    match index.first_in(&unpacked) {
        Some(secret) => Inside::Secret(secret),
        None if unpacked.len() as u64 >= UNPACKED_MAX => Inside::Unknown,
        None => Inside::Clean,
    }
}
