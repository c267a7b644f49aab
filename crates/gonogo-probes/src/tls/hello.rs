//! Hellos that are never completed, pure: what a client says first in each version, SSL 2.0 to TLS 1.3.

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    Ssl2,
    Ssl3,
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

impl Version {
    pub(super) const ALL: [Self; 6] = [
        Self::Ssl2,
        Self::Ssl3,
        Self::Tls10,
        Self::Tls11,
        Self::Tls12,
        Self::Tls13,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ssl2 => "SSL 2.0",
            Self::Ssl3 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        }
    }

    /// As it stands in a hello.
    pub(super) fn code(self) -> u16 {
        match self {
            Self::Ssl2 => 0x0002,
            Self::Ssl3 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }
}

/// The groups of elliptic curves and finite fields that are offered (registry "TLS Supported Groups" of IANA). Up to
/// TLS 1.2 no finite fields are named, so that a server shows the parameters of its own.
const CURVES: [u16; 5] = [0x001d, 0x0017, 0x0018, 0x0019, 0x001e];
const MODERN_GROUPS: [u16; 3] = [0x11ec, 0x0100, 0x0101];

/// The signature schemes that are offered (registry "TLS SignatureScheme" of IANA), old ones among them.
const SCHEMES: [u16; 16] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x0401, 0x0501, 0x0601,
    0x0203, 0x0201, 0x0402, 0x0202,
];

/// The hello of a version with these suites. `name` is sent as SNI, which an address has none of.
pub(super) fn hello(
    version: Version,
    suites: &[u16],
    name: Option<&str>,
    random: &[u8; 32],
) -> Vec<u8> {
    if version == Version::Ssl2 {
        return ssl2(random);
    }
    let mut body = Vec::with_capacity(1024);
    // RFC 8446, 4.1.2: the version of TLS 1.3 stands in an extension.
    push16(&mut body, version.code().min(0x0303));
    body.extend_from_slice(random);
    body.push(0);
    with16(&mut body, |out| suites.iter().for_each(|s| push16(out, *s)));
    if version == Version::Tls13 {
        body.extend_from_slice(&[1, 0]);
    } else {
        // DEFLATE before none: a server that takes it is open to CRIME (CVE-2012-4929).
        body.extend_from_slice(&[2, 1, 0]);
    }
    if version > Version::Ssl3 {
        with16(&mut body, |out| extensions(out, version, name));
    }
    let mut record = vec![22];
    let outer = match version {
        Version::Ssl3 => 0x0300,
        _ => 0x0301,
    };
    push16(&mut record, outer);
    with16(&mut record, |out| {
        out.push(1);
        let length = (body.len() as u32).to_be_bytes();
        out.extend_from_slice(&length[1..]);
        out.extend_from_slice(&body);
    });
    record
}

fn extensions(out: &mut Vec<u8>, version: Version, name: Option<&str>) {
    if let Some(name) = name {
        extension(out, 0, |out| {
            with16(out, |out| {
                out.push(0);
                with16(out, |out| out.extend_from_slice(name.as_bytes()));
            });
        });
    }
    let modern = if version == Version::Tls13 {
        &MODERN_GROUPS[..]
    } else {
        &[]
    };
    extension(out, 10, |out| {
        with16(out, |out| {
            CURVES.iter().chain(modern).for_each(|g| push16(out, *g));
        });
    });
    if version >= Version::Tls12 {
        extension(out, 13, |out| {
            with16(out, |out| SCHEMES.iter().for_each(|s| push16(out, *s)));
        });
    }
    if version == Version::Tls13 {
        extension(out, 43, |out| out.extend_from_slice(&[2, 3, 4]));
        // RFC 8446, 4.2.8: no share at all asks for a HelloRetryRequest, which names version, suite and group.
        extension(out, 51, |out| push16(out, 0));
    } else {
        extension(out, 11, |out| out.extend_from_slice(&[1, 0]));
        // RFC 5746, 3.4: whether renegotiation is secure.
        extension(out, 0xff01, |out| out.push(0));
    }
}

/// The hello of SSL 2.0, as its draft has it (draft-hickman-netscape-ssl-00).
fn ssl2(random: &[u8; 32]) -> Vec<u8> {
    const SPECS: [[u8; 3]; 7] = [
        [0x01, 0x00, 0x80],
        [0x02, 0x00, 0x80],
        [0x03, 0x00, 0x80],
        [0x04, 0x00, 0x80],
        [0x05, 0x00, 0x80],
        [0x06, 0x00, 0x40],
        [0x07, 0x00, 0xc0],
    ];
    let mut body = vec![1];
    push16(&mut body, 0x0002);
    push16(&mut body, (SPECS.len() * 3) as u16);
    push16(&mut body, 0);
    push16(&mut body, 16);
    SPECS.iter().for_each(|spec| body.extend_from_slice(spec));
    body.extend_from_slice(&random[..16]);
    let mut record = Vec::with_capacity(body.len() + 2);
    push16(&mut record, 0x8000 | body.len() as u16);
    record.extend_from_slice(&body);
    record
}

fn push16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// What is written, with its length in two bytes before it.
fn with16(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    push16(out, 0);
    write(out);
    let length = (out.len() - start - 2) as u16;
    out[start..start + 2].copy_from_slice(&length.to_be_bytes());
}

fn extension(out: &mut Vec<u8>, kind: u16, write: impl FnOnce(&mut Vec<u8>)) {
    push16(out, kind);
    with16(out, write);
}
