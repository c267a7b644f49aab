//! Cipher suites, pure: what their registered names say of them.
//!
//! The names are those of the registry "TLS Cipher Suites" of IANA, as `rustls` lists them.

use rustls::CipherSuite;

/// What is known of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) code: u16,
    /// As registered: `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`.
    pub(super) name: String,
    /// Bits of the symmetric key, as the guide counts them: 3DES has 112.
    pub(super) bits: u16,
    /// Whether a key that is lost later does not open what was said before.
    pub(super) forward_secrecy: bool,
    /// Whether it encrypts and authenticates in one (RFC 5116).
    pub(super) aead: bool,
    pub(super) authenticated: bool,
    pub(super) export: bool,
    /// Blocks of 64 bits: 3DES, DES, IDEA, RC2.
    pub(super) small_blocks: bool,
    pub(super) rc4: bool,
    pub(super) cbc: bool,
}

impl Suite {
    /// The suite of a code, where it is registered.
    pub(super) fn of(code: u16) -> Option<Self> {
        let name = CipherSuite::from(code).as_str()?;
        let name = match name.strip_prefix("TLS13_") {
            Some(rest) => format!("TLS_{rest}"),
            None => name.to_owned(),
        };
        let (exchange, cipher) = match name.split_once("_WITH_") {
            Some((exchange, cipher)) => (exchange, cipher),
            // TLS 1.3: only the cipher, and always a fresh key exchange (RFC 8446, B.4).
            None if (0x1301..=0x1305).contains(&code) => ("TLS_ECDHE_", name.strip_prefix("TLS_")?),
            None => return None,
        };
        let exchange = exchange
            .trim_start_matches("TLS_")
            .trim_start_matches("SSL_");
        let has = |part: &str| cipher.contains(part);
        Some(Self {
            code,
            bits: bits(cipher)?,
            forward_secrecy: exchange.starts_with("ECDHE") || exchange.starts_with("DHE"),
            aead: has("GCM") || has("CCM") || has("POLY1305"),
            authenticated: !exchange.contains("anon"),
            export: exchange.contains("EXPORT"),
            small_blocks: has("DES") || has("IDEA") || has("RC2"),
            rc4: has("RC4"),
            cbc: has("CBC"),
            name,
        })
    }

    /// What is wrong with it, in words; nothing where nothing is.
    pub(super) fn weakness(&self) -> Option<&'static str> {
        Some(if self.bits == 0 {
            "encrypts nothing"
        } else if !self.authenticated {
            "does not authenticate the server"
        } else if self.export || self.bits < 112 {
            "has a key that is too short"
        } else if self.rc4 {
            "RC4 is broken (RFC 7465)"
        } else if self.small_blocks {
            "has blocks of 64 bits (Sweet32, CVE-2016-2183)"
        } else if !self.forward_secrecy {
            "has no forward secrecy"
        } else if !self.aead {
            "is not AEAD (RFC 9325, 4.2)"
        } else {
            return None;
        })
    }
}

/// The bits of the symmetric key.
fn bits(cipher: &str) -> Option<u16> {
    let of = |text: &str| cipher.contains(text);
    Some(if cipher.starts_with("NULL") {
        0
    } else if of("DES40") || of("_40_") {
        40
    } else if of("_56_") {
        56
    } else if of("3DES") {
        112
    } else if of("DES_CBC") {
        56
    } else if of("256") && !of("128_") || of("CHACHA20") || of("28147") {
        256
    } else if of("128") || of("IDEA") || of("SEED") {
        128
    } else {
        return None;
    })
}

/// The suites that are offered up to TLS 1.2: all that a server without a shared key or Kerberos could take.
pub(super) fn legacy() -> Vec<u16> {
    let closed = [
        "PSK",
        "KRB5",
        "SRP",
        "draft",
        "FORTEZZA",
        "SCSV",
        "NULL_WITH_NULL",
        "GOST",
    ];
    (0x0001..=0xffff_u16)
        .filter(|code| !(0x1300..=0x13ff).contains(code))
        .filter(|code| {
            let name = CipherSuite::from(*code).as_str();
            name.is_some_and(|name| !closed.iter().any(|word| name.contains(word)))
        })
        .filter(|code| Suite::of(*code).is_some())
        .collect()
}

/// The suites of TLS 1.3 (RFC 8446, B.4).
pub(super) const MODERN: [u16; 5] = [0x1302, 0x1303, 0x1301, 0x1304, 0x1305];
