//! Certificates (RFC 5280), pure: what one says of itself. Its text is the target's, and may be anything.

use chrono::{DateTime, TimeZone as _, Utc};
use x509_cert::Certificate;
use x509_cert::der::{self, Decode as _, Encode as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};

use crate::json_api::shortened;

/// The most names that are kept of one certificate.
const MAX_NAMES: usize = 200;

/// A certificate, as far as it can be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Read {
    /// Why it cannot be read, where that is so; everything else is empty then.
    pub(super) unreadable: Option<String>,
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) subject_der: Vec<u8>,
    pub(super) issuer_der: Vec<u8>,
    pub(super) serial: Vec<u8>,
    pub(super) sans: Vec<String>,
    /// How many names beyond those that are kept.
    pub(super) more_sans: usize,
    pub(super) not_before: Option<DateTime<Utc>>,
    pub(super) not_after: Option<DateTime<Utc>>,
    pub(super) key: Key,
    pub(super) signature: String,
    pub(super) self_signed: bool,
    pub(super) is_ca: bool,
    pub(super) spki: Option<Vec<u8>>,
    pub(super) sha256: [u8; 32],
}

/// A public key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    /// `RSA`, `EC`, `Ed25519`, …
    pub(super) kind: String,
    pub(super) bits: Option<u32>,
}

impl Read {
    /// Reads the bytes of a certificate.
    pub(super) fn of(der: &[u8]) -> Self {
        let mut read = match Certificate::from_der(der) {
            Ok(certificate) => Self::known(&certificate).unwrap_or_else(|e| Self::unknown(&e)),
            Err(e) => Self::unknown(&e),
        };
        read.sha256 = sha256(der);
        read
    }

    fn unknown(error: &der::Error) -> Self {
        Self {
            unreadable: Some(error.to_string()),
            ..Self::default()
        }
    }

    fn known(certificate: &Certificate) -> Result<Self, der::Error> {
        let body = &certificate.tbs_certificate;
        let subject_der = body.subject.to_der()?;
        let issuer_der = body.issuer.to_der()?;
        let (sans, more_sans) = names(certificate);
        let constraints = body.get::<BasicConstraints>().ok().flatten();
        Ok(Self {
            unreadable: None,
            subject: shortened(&body.subject.to_string()),
            issuer: shortened(&body.issuer.to_string()),
            // A heuristic by name alone would take a CA's own re-issued certificate for one that signed itself; for a
            // message that is near enough, and trust is never decided by it.
            self_signed: subject_der == issuer_der,
            subject_der,
            issuer_der,
            serial: body.serial_number.as_bytes().to_vec(),
            sans,
            more_sans,
            not_before: instant(body.validity.not_before),
            not_after: instant(body.validity.not_after),
            key: key(certificate),
            signature: signature(&certificate.signature_algorithm.oid.to_string()),
            is_ca: constraints.is_some_and(|(_, c)| c.ca),
            spki: Some(body.subject_public_key_info.to_der()?),
            sha256: [0; 32],
        })
    }

    /// The issuer's name without its outer tag, as trust anchors keep theirs.
    pub(super) fn issuer_content(&self) -> &[u8] {
        content(&self.issuer_der)
    }
}

/// What stands in a DER value, without its tag and length.
fn content(der: &[u8]) -> &[u8] {
    let skip = match der.get(1) {
        Some(length) if *length < 0x80 => 2,
        Some(length) => 2 + usize::from(length & 0x7f),
        None => 0,
    };
    der.get(skip..).unwrap_or_default()
}

fn instant(time: x509_cert::time::Time) -> Option<DateTime<Utc>> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
    Utc.timestamp_opt(seconds, 0).single()
}

fn names(certificate: &Certificate) -> (Vec<String>, usize) {
    let found = certificate.tbs_certificate.get::<SubjectAltName>();
    let all = found.ok().flatten().map(|(_, names)| names.0);
    let all = all.unwrap_or_default();
    let more = all.len().saturating_sub(MAX_NAMES);
    let names = all.iter().take(MAX_NAMES).filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::Rfc822Name(name) => Some(name.to_string()),
        GeneralName::UniformResourceIdentifier(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => match bytes.as_bytes().len() {
            4 => <[u8; 4]>::try_from(bytes.as_bytes())
                .ok()
                .map(|b| std::net::Ipv4Addr::from(b).to_string()),
            16 => <[u8; 16]>::try_from(bytes.as_bytes())
                .ok()
                .map(|b| std::net::Ipv6Addr::from(b).to_string()),
            _ => None,
        },
        _ => None,
    });
    (names.map(|name| shortened(&name)).collect(), more)
}

/// Kind and bits of the key, by the identifiers of RFC 3279, RFC 5480 and RFC 8410.
fn key(certificate: &Certificate) -> Key {
    let info = &certificate.tbs_certificate.subject_public_key_info;
    let of = |kind: &str, bits: Option<u32>| Key {
        kind: kind.to_owned(),
        bits,
    };
    match info.algorithm.oid.to_string().as_str() {
        "1.2.840.113549.1.1.1" => of("RSA", rsa_bits(info.subject_public_key.raw_bytes())),
        "1.2.840.10045.2.1" => {
            let curve = info.algorithm.parameters.as_ref();
            let curve = curve.and_then(|p| p.decode_as::<der::oid::ObjectIdentifier>().ok());
            let bits = curve.and_then(|oid| match oid.to_string().as_str() {
                "1.2.840.10045.3.1.1" => Some(192),
                "1.3.132.0.33" => Some(224),
                "1.2.840.10045.3.1.7" | "1.3.132.0.10" => Some(256),
                "1.3.132.0.34" => Some(384),
                "1.3.132.0.35" => Some(521),
                _ => None,
            });
            of("EC", bits)
        }
        "1.2.840.10040.4.1" => of("DSA", None),
        "1.3.101.112" => of("Ed25519", Some(256)),
        "1.3.101.113" => of("Ed448", Some(456)),
        other => of(other, None),
    }
}

/// The length of the modulus (RFC 8017, A.1.1).
fn rsa_bits(key: &[u8]) -> Option<u32> {
    use x509_cert::der::asn1::UintRef;
    use x509_cert::der::{Reader as _, SliceReader};
    let mut reader = SliceReader::new(key).ok()?;
    reader
        .sequence(|inner| {
            let modulus: UintRef<'_> = inner.decode()?;
            let _exponent: UintRef<'_> = inner.decode()?;
            let bytes = modulus.as_bytes();
            let first = bytes.first().copied().unwrap_or(0);
            Ok(bytes.len() as u32 * 8 - first.leading_zeros())
        })
        .ok()
}

/// The name of a signature algorithm, as OpenSSL writes it; its number where it is not known here.
fn signature(oid: &str) -> String {
    match oid {
        "1.2.840.113549.1.1.2" => "md2WithRSAEncryption",
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10" => "rsassaPss",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.1" => "ecdsa-with-SHA224",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.2.840.10040.4.3" => "dsa-with-SHA1",
        "1.3.101.112" => "ED25519",
        "1.3.101.113" => "ED448",
        other => other,
    }
    .to_owned()
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}
