//! The grade, pure, by a published rule: the "SSL Server Rating Guide" of SSL Labs
//! (github.com/ssllabs/research/wiki/SSL-Server-Rating-Guide), as far as it can be computed from what is observed here.
//!
//! Three scores – protocols, key exchange, ciphers – make one (its chapter "Scoring"); rules of its chapter "Changes" cap
//! the grade. What its rules ask for and is not looked at stands in [`NOT_GRADED`], and is told with every grade.

use super::certificate::{Key, Read};
use super::hello::Version;
use super::hsts::Hsts;
use super::scan::Taken;

/// The rule and its version.
pub(super) const RULE: &str = "SSL Labs SSL Server Rating Guide, version 2009r";

/// What the rule counts and is not looked at here.
pub(super) const NOT_GRADED: [&str; 8] = [
    "revocation, beyond a stapled response",
    "Heartbleed, CCS injection, Ticketbleed (CVE-2014-0160, CVE-2014-0224, CVE-2016-9244)",
    "ROBOT and other padding oracles (CVE-2017-13099, CVE-2016-2107, CVE-2019-1559)",
    "POODLE against TLS, Zombie POODLE, GOLDENDOODLE, Sleeping POODLE",
    "DROWN by way of another server with the same key",
    "renegotiation that a client begins",
    "keys made by Debian's OpenSSL of 2008",
    "CAs that browsers distrust by date",
];

/// 180 days: what the rule takes for a long life of HSTS.
const LONG_HSTS: i64 = 180 * 24 * 3600;

/// What is graded.
pub(super) struct Graded<'a> {
    pub(super) accepted: &'a [Version],
    pub(super) suites: &'a [Taken],
    pub(super) chain: &'a [Read],
    pub(super) trusted: bool,
    pub(super) name_matches: bool,
    pub(super) hsts: Option<Hsts>,
    pub(super) secure_renegotiation: Option<bool>,
    pub(super) fallback_protected: Option<bool>,
}

/// A grade with its reasons.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rating {
    pub(super) grade: &'static str,
    pub(super) score: u32,
    pub(super) protocol: u32,
    pub(super) key_exchange: u32,
    pub(super) cipher: u32,
    /// What keeps it from being better.
    pub(super) reasons: Vec<String>,
}

/// From worst to best; `M` and `T` stand beside the scale: security that does not matter.
const GRADES: [&str; 10] = ["M", "T", "F", "E", "D", "C", "B", "A-", "A", "A+"];

/// Grades a server.
pub(super) fn rate(graded: &Graded<'_>) -> Rating {
    let protocol = protocol(graded.accepted);
    let exchange = key_exchange(graded);
    let cipher = cipher(graded.suites);
    let score = match (protocol, exchange, cipher) {
        (0, _, _) | (_, 0, _) | (_, _, 0) => 0,
        _ => (30 * protocol + 30 * exchange + 40 * cipher) / 100,
    };
    let by_score = match score {
        80.. => "A+",
        65.. => "B",
        50.. => "C",
        35.. => "D",
        20.. => "E",
        _ => "F",
    };
    let mut caps = caps(graded, exchange);
    if by_score != "A+" {
        caps.push((by_score, format!("a score of {score}")));
    }
    let rank = |grade: &str| GRADES.iter().position(|g| *g == grade).unwrap_or(0);
    let worst = caps.iter().map(|(grade, _)| rank(grade)).min();
    caps.sort_by_key(|(grade, _)| rank(grade));
    Rating {
        grade: GRADES[worst.unwrap_or(GRADES.len() - 1)],
        score,
        protocol,
        key_exchange: exchange,
        cipher,
        reasons: caps
            .into_iter()
            .map(|(grade, why)| format!("{grade} at best: {why}"))
            .collect(),
    }
}

/// Table 3 of the guide: the best and the worst version, halved.
fn protocol(accepted: &[Version]) -> u32 {
    let score = |version: &Version| match version {
        Version::Ssl2 => 0,
        Version::Ssl3 => 80,
        Version::Tls10 => 90,
        Version::Tls11 => 95,
        Version::Tls12 | Version::Tls13 => 100,
    };
    let best = accepted.iter().map(score).max().unwrap_or(0);
    let worst = accepted.iter().map(score).min().unwrap_or(0);
    u32::midpoint(best, worst)
}

/// Table 4 of the guide, of the weakest exchange that is taken.
fn key_exchange(graded: &Graded<'_>) -> u32 {
    let own = graded.chain.first().map(|leaf| strength(&leaf.key));
    let score = |taken: &Taken| {
        if !taken.suite.authenticated {
            return 0;
        }
        if taken.suite.export {
            return 40;
        }
        let fresh = match (taken.hello.group, taken.hello.parameter_bits) {
            (Some(group), _) => group_strength(group),
            (None, bits) => bits,
        };
        let bits = [own.flatten(), fresh].into_iter().flatten().min();
        match bits {
            // Neither the key nor the exchange can be measured: no strength is assumed.
            None => 0,
            Some(..512) => 20,
            Some(..1024) => 40,
            Some(..2048) => 80,
            Some(..4096) => 90,
            Some(_) => 100,
        }
    };
    graded.suites.iter().map(score).min().unwrap_or(0)
}

/// The length of an RSA key that is as strong (NIST SP 800-57 part 1, revision 5, table 2).
fn strength(key: &Key) -> Option<u32> {
    let bits = key.bits?;
    Some(match key.kind.as_str() {
        "RSA" | "DSA" => bits,
        _ => curve_strength(bits),
    })
}

fn curve_strength(bits: u32) -> u32 {
    match bits {
        512.. => 15360,
        384.. => 7680,
        256.. => 3072,
        224.. => 2048,
        160.. => 1024,
        _ => 512,
    }
}

/// The same of a group (registry "TLS Supported Groups" of IANA).
fn group_strength(group: u16) -> Option<u32> {
    Some(match group {
        0x0017 | 0x001d => 3072,
        0x0018 | 0x001e | 0x11ec => 7680,
        0x0019 => 15360,
        0x0100 => 2048,
        0x0101 => 3072,
        0x0102.. => return None,
        // The binary and prime curves of RFC 8422's forerunner, by their least size.
        0x0001..=0x0003 => 1024,
        0x0004..=0x0008 | 0x000f..=0x0015 => 1024,
        _ => return None,
    })
}

/// Table 5 of the guide: the strongest and the weakest cipher, halved.
fn cipher(suites: &[Taken]) -> u32 {
    let score = |taken: &Taken| match taken.suite.bits {
        0 => 0,
        ..128 => 20,
        ..256 => 80,
        _ => 100,
    };
    let best = suites.iter().map(score).max().unwrap_or(0);
    let worst = suites.iter().map(score).min().unwrap_or(0);
    if worst == 0 {
        return 0;
    }
    u32::midpoint(best, worst)
}

/// What the rules cap the grade at, each with its reason.
fn caps(graded: &Graded<'_>, exchange: u32) -> Vec<(&'static str, String)> {
    let mut caps = Vec::new();
    let mut cap = |grade: &'static str, applies: bool, why: &str| {
        if applies {
            caps.push((grade, why.to_owned()));
        }
    };
    let speaks = |version: Version| graded.accepted.contains(&version);
    let any = |test: &dyn Fn(&Taken) -> bool| graded.suites.iter().any(test);
    let signed_with = |parts: &[&str]| {
        let signed = graded.chain.iter().filter(|one| !one.self_signed);
        let mut named = signed.map(|one| one.signature.to_ascii_lowercase());
        named.any(|name| parts.iter().any(|part| name.contains(part)))
    };
    cap(
        "M",
        !graded.name_matches,
        "the certificate is for another name",
    );
    cap("T", !graded.trusted, "the certificate is not trusted");
    cap(
        "T",
        signed_with(&["sha1"]),
        "a certificate is signed with SHA-1",
    );
    cap(
        "F",
        signed_with(&["md2", "md5"]),
        "a certificate is signed with MD2 or MD5",
    );
    cap("F", speaks(Version::Ssl2), "SSL 2.0");
    let best = graded.accepted.iter().max();
    cap(
        "F",
        best == Some(&Version::Ssl3),
        "nothing better than SSL 3.0",
    );
    cap(
        "F",
        any(&|t| t.suite.bits < 112),
        "suites of less than 112 bits",
    );
    cap("F", any(&|t| t.suite.export), "export suites");
    cap(
        "F",
        any(&|t| !t.suite.authenticated),
        "suites without authentication",
    );
    cap(
        "F",
        exchange <= 40,
        "a key or an exchange that can be broken",
    );
    cap(
        "C",
        best.is_some_and(|b| *b < Version::Tls12),
        "neither TLS 1.2 nor 1.3",
    );
    cap(
        "C",
        any(&|t| t.version == Version::Ssl3 && t.suite.cbc),
        "POODLE (CVE-2014-3566)",
    );
    cap("C", any(&|t| t.hello.compression), "CRIME (CVE-2012-4929)");
    cap(
        "C",
        any(&|t| t.suite.rc4 && t.version >= Version::Tls11),
        "RC4 with TLS 1.1 or newer",
    );
    cap(
        "C",
        any(&|t| t.suite.small_blocks && t.version >= Version::Tls11),
        "blocks of 64 bits with TLS 1.1 or newer",
    );
    cap("B", speaks(Version::Ssl3), "SSL 3.0");
    cap("B", speaks(Version::Tls10), "TLS 1.0");
    cap("B", speaks(Version::Tls11), "TLS 1.1");
    cap("B", any(&|t| t.suite.rc4), "RC4");
    cap(
        "B",
        (41..=80).contains(&exchange),
        "a key or an exchange of less than 2048 bits",
    );
    cap(
        "B",
        !any(&|t| t.suite.forward_secrecy),
        "no forward secrecy",
    );
    cap("B", !any(&|t| t.suite.aead), "no AEAD suite");
    cap("A-", !speaks(Version::Tls13), "no TLS 1.3");
    cap(
        "A-",
        graded.secure_renegotiation == Some(false),
        "no secure renegotiation (RFC 5746)",
    );
    let is_long = graded.hsts.is_some_and(|h| h.max_age >= LONG_HSTS);
    cap("A", !is_long, "no HSTS of 180 days or more");
    cap(
        "A",
        graded.fallback_protected == Some(false),
        "no TLS_FALLBACK_SCSV (RFC 7507)",
    );
    caps
}
