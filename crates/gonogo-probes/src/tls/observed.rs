//! What is recorded of a server's TLS, as facts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use gonogo_core::record::{Absence, Cut, Shown};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use super::certificate::{Read, sha256};
use super::handshake::Shaken;
use super::hello::Version;
use super::hsts::Hsts;
use super::rating::{self, NOT_GRADED, RULE, Rating};
use super::scan::{Scanned, Taken, Told};
use super::suites::Suite;
use crate::probe::Seen;

/// All that was looked at.
pub(super) struct Looked<'a> {
    pub(super) address: String,
    pub(super) name: String,
    pub(super) shaken: &'a Shaken,
    pub(super) scanned: &'a Scanned,
    pub(super) chain: &'a [Read],
    pub(super) trusted: Result<(), String>,
    pub(super) name_matches: bool,
    pub(super) pinned: Option<bool>,
    /// What the header says, that it is not there, or why nobody asked.
    pub(super) hsts: Result<Option<Hsts>, String>,
    pub(super) ocsp: &'static str,
    pub(super) fallback_protected: Option<bool>,
    pub(super) now: DateTime<Utc>,
}

/// The facts of the probe.
pub(super) fn shape(has_pins: bool) -> Shape {
    let mut fields = vec![
        ("address", Field::new(Type::String, "`HOST:PORT` as asked")),
        (
            "name",
            Field::new(Type::String, "the name that was asked for"),
        ),
        ("versions", Field::new(versions(), "SSL 2.0 to TLS 1.3")),
        (
            "cipher",
            Field::optional(
                cipher(),
                "what a handshake of today chose; absent where none could be completed",
            ),
        ),
        (
            "ciphers",
            Field::new(
                Type::list(cipher()),
                "every suite that is taken, version by version, as the server prefers them",
            ),
        ),
        (
            "chain",
            Field::optional(
                Type::list(certificate()),
                "the certificates as they were sent, the server's own first",
            ),
        ),
        (
            "trusted",
            Field::new(
                Type::Bool,
                "whether the chain leads to a CA that is trusted and the server has proved that it holds the key",
            ),
        ),
        (
            "why_not_trusted",
            Field::optional(Type::String, "why not; absent where it is trusted"),
        ),
        (
            "name_matches",
            Field::new(Type::Bool, "whether the certificate is for the name"),
        ),
        (
            "in_order",
            Field::optional(
                Type::Bool,
                "whether each certificate is followed by its issuer (RFC 5246, 7.4.2); clients may stumble otherwise",
            ),
        ),
        (
            "expires_in",
            Field::optional(
                Type::Duration,
                "until the first certificate of the chain expires; negative when one has. Absent where one cannot be read",
            ),
        ),
        (
            "expires_in_days",
            Field::optional(Type::Int, "the same in whole days"),
        ),
        (
            "expires_first",
            Field::optional(
                Type::String,
                "the subject of the certificate that expires first",
            ),
        ),
        (
            "ocsp",
            Field::new(
                Type::String,
                "what a stapled response says: `good`, `revoked`, `unknown`, `expired`, `unreadable`; `absent` where none is. Its signature is not verified",
            ),
        ),
        (
            "hsts",
            Field::optional(
                hsts(),
                "`Strict-Transport-Security` of one GET; absent where the header is not there or is none",
            ),
        ),
        (
            "compression",
            Field::new(Type::Bool, "whether it compresses: CRIME (CVE-2012-4929)"),
        ),
        (
            "secure_renegotiation",
            Field::optional(
                Type::Bool,
                "whether it knows RFC 5746; absent where it speaks TLS 1.3 alone",
            ),
        ),
        (
            "fallback_protected",
            Field::optional(
                Type::Bool,
                "whether it refuses a fall-back (RFC 7507); absent where there is nothing to fall back to",
            ),
        ),
        (
            "grade",
            Field::optional(
                Type::String,
                "`A+` to `F`, `T` where it is not trusted, `M` where the name is another; absent where a version or a suite could not be told",
            ),
        ),
        ("score", Field::optional(Type::Int, "0 to 100")),
        (
            "scores",
            Field::optional(scores(), "of what the score is made"),
        ),
        ("rule", Field::new(Type::String, "the rule and its version")),
        (
            "grade_reasons",
            Field::optional(
                Type::list(Type::String),
                "what keeps the grade from being better",
            ),
        ),
        (
            "not_graded",
            Field::new(
                Type::list(Type::String),
                "what the rule counts too, and was not looked at",
            ),
        ),
    ];
    if has_pins {
        fields.push((
            "pinned",
            Field::new(
                Type::Bool,
                "whether a pin is the key of the server's certificate, or of one that it is verified by",
            ),
        ));
    }
    Shape {
        fields: fields.into_iter().map(|(n, f)| (n.to_owned(), f)).collect(),
    }
}

fn versions() -> Type {
    let list = |doc: &str| Field::new(Type::list(Type::String), doc);
    Type::fields([
        ("accepted", list("what the server speaks")),
        ("refused", list("what it refused")),
        (
            "unknown",
            list("what could not be told: no answer, or a strange one"),
        ),
    ])
}

fn cipher() -> Type {
    Type::fields([
        ("version", Field::new(Type::String, "`TLS 1.3`")),
        (
            "name",
            Field::new(
                Type::String,
                "its registered name: `TLS_AES_128_GCM_SHA256`",
            ),
        ),
        ("bits", Field::new(Type::Int, "of the symmetric key")),
        (
            "forward_secrecy",
            Field::new(
                Type::Bool,
                "whether a key that is lost later opens nothing of before",
            ),
        ),
        (
            "aead",
            Field::new(Type::Bool, "whether it encrypts and authenticates in one"),
        ),
        (
            "weakness",
            Field::optional(Type::String, "what is wrong with it, where something is"),
        ),
    ])
}

fn certificate() -> Type {
    Type::fields([
        ("subject", Field::new(Type::String, "whose it is")),
        ("issuer", Field::new(Type::String, "who signed it")),
        (
            "sans",
            Field::new(
                Type::list(Type::String),
                "the names and addresses it is for",
            ),
        ),
        ("serial", Field::new(Type::String, "its number, in hex")),
        ("not_before", Field::optional(Type::Timestamp, "valid from")),
        ("not_after", Field::optional(Type::Timestamp, "valid until")),
        (
            "expires_in",
            Field::optional(
                Type::Duration,
                "what is left of it; negative when it has expired",
            ),
        ),
        (
            "key",
            Field::new(
                Type::fields([
                    (
                        "kind",
                        Field::new(Type::String, "`RSA`, `EC`, `Ed25519`, …, or its number"),
                    ),
                    ("bits", Field::optional(Type::Int, "its length")),
                ]),
                "its public key",
            ),
        ),
        (
            "signature",
            Field::new(Type::String, "how it is signed: `sha256WithRSAEncryption`"),
        ),
        (
            "self_signed",
            Field::new(Type::Bool, "whether subject and issuer are the same"),
        ),
        (
            "is_ca",
            Field::new(Type::Bool, "whether it may sign others"),
        ),
        (
            "sha256",
            Field::new(Type::String, "its fingerprint, in hex"),
        ),
        (
            "spki",
            Field::optional(Type::String, "the pin of its key (RFC 7469)"),
        ),
        (
            "unreadable",
            Field::optional(Type::String, "why it cannot be read, where that is so"),
        ),
    ])
}

fn hsts() -> Type {
    Type::fields([
        ("max_age", Field::new(Type::Int, "in seconds")),
        (
            "include_subdomains",
            Field::new(Type::Bool, "whether it is for all names below"),
        ),
        (
            "preload",
            Field::new(Type::Bool, "whether it is for the lists of browsers"),
        ),
    ])
}

fn scores() -> Type {
    Type::fields([
        ("protocol", Field::new(Type::Int, "of the versions: 30 %")),
        ("key_exchange", Field::new(Type::Int, "of the keys: 30 %")),
        ("cipher", Field::new(Type::Int, "of the suites: 40 %")),
    ])
}

/// The observation.
pub(super) fn seen(looked: &Looked<'_>) -> Seen {
    let mut seen = Seen::default();
    let mut facts = Map::new();
    let mut put = |name: &str, value: Value| {
        facts.insert(name.to_owned(), value);
    };
    put("address", looked.address.as_str().into());
    put("name", looked.name.as_str().into());
    put("versions", told_versions(looked.scanned));
    if let Some(cipher) = chosen(looked.shaken) {
        put("cipher", cipher);
    }
    let taken = looked.scanned.suites.iter();
    let ciphers = taken.map(|taken| suite(taken.version.name(), &taken.suite));
    put("ciphers", Value::List(ciphers.collect()));
    put("trusted", looked.trusted.is_ok().into());
    if let Err(why) = &looked.trusted {
        put("why_not_trusted", why.as_str().into());
    }
    put("name_matches", looked.name_matches.into());
    put("ocsp", looked.ocsp.into());
    if let Ok(Some(hsts)) = looked.hsts {
        put("hsts", hsts_value(hsts));
    }
    if let Some(pinned) = looked.pinned {
        put("pinned", pinned.into());
    }
    put("compression", looked.compresses().into());
    if let Some(secure) = looked.secure_renegotiation() {
        put("secure_renegotiation", secure.into());
    }
    if let Some(protected) = looked.fallback_protected {
        put("fallback_protected", protected.into());
    }
    put("rule", RULE.into());
    put(
        "not_graded",
        Value::List(NOT_GRADED.iter().map(|part| (*part).into()).collect()),
    );
    let graded = looked.rating();
    if let Ok(rating) = &graded {
        facts.extend(rating_facts(rating));
    }
    facts.extend(chain_facts(looked));
    seen.facts = facts;
    if looked.chain.is_empty() {
        seen.absent
            .push(absence("chain", "no certificate was sent"));
    }
    if let Err(why) = graded {
        seen.absent.push(absence("grade", &why));
    }
    if let Err(why) = &looked.hsts {
        seen.absent.push(absence("hsts", why));
    }
    if let Some(why) = &looked.scanned.cut {
        seen.cut.push(Cut {
            fact: "ciphers".to_owned(),
            why: why.clone(),
        });
    }
    if let Some(one) = looked.chain.iter().find(|one| one.more_sans > 0) {
        seen.cut.push(Cut {
            fact: "chain".to_owned(),
            why: format!("{} names of one certificate were left out", one.more_sans),
        });
    }
    seen.shown = shown(looked.scanned);
    seen
}

impl Looked<'_> {
    fn compresses(&self) -> bool {
        self.scanned.suites.iter().any(|t| t.hello.compression)
    }

    fn secure_renegotiation(&self) -> Option<bool> {
        let old = |taken: &&Taken| taken.version > Version::Ssl3 && taken.version < Version::Tls13;
        let mut old = self.scanned.suites.iter().filter(old).peekable();
        old.peek()?;
        Some(old.all(|taken| taken.hello.secure_renegotiation))
    }

    /// The grade; why there is none.
    fn rating(&self) -> Result<Rating, String> {
        if self.scanned.has_unknown() {
            return Err("not every version could be told, so there is no grade".to_owned());
        }
        if let Some(why) = &self.scanned.cut {
            return Err(format!(
                "not every suite is known, so there is no grade: {why}"
            ));
        }
        let accepted: Vec<Version> = self.scanned.accepted().collect();
        Ok(rating::rate(&rating::Graded {
            accepted: &accepted,
            suites: &self.scanned.suites,
            chain: self.chain,
            trusted: self.trusted.is_ok(),
            name_matches: self.name_matches,
            hsts: self.hsts.as_ref().ok().copied().flatten(),
            secure_renegotiation: self.secure_renegotiation(),
            fallback_protected: self.fallback_protected,
        }))
    }
}

fn absence(fact: &str, why: &str) -> Absence {
    Absence {
        fact: fact.to_owned(),
        why: why.to_owned(),
    }
}

fn told_versions(scanned: &Scanned) -> Value {
    let list = |wanted: &dyn Fn(&Told) -> bool| {
        let all = scanned.versions.iter();
        let found = all.filter(|(_, told)| wanted(told));
        Value::List(found.map(|(version, _)| version.name().into()).collect())
    };
    map([
        ("accepted", list(&|told| *told == Told::Accepted)),
        ("refused", list(&|told| matches!(told, Told::Refused(_)))),
        ("unknown", list(&|told| matches!(told, Told::Unknown(_)))),
    ])
}

fn chosen(shaken: &Shaken) -> Option<Value> {
    let version = shaken.version?;
    let version = Version::ALL.iter().find(|v| v.code() == version)?;
    Some(suite(version.name(), &Suite::of(shaken.suite?)?))
}

fn suite(version: &str, suite: &Suite) -> Value {
    let mut facts = map_of([
        ("version", version.into()),
        ("name", suite.name.as_str().into()),
        ("bits", suite.bits.into()),
        ("forward_secrecy", suite.forward_secrecy.into()),
        ("aead", suite.aead.into()),
    ]);
    if let Some(weakness) = suite.weakness() {
        facts.insert("weakness".to_owned(), weakness.into());
    }
    Value::Map(facts)
}

fn hsts_value(hsts: Hsts) -> Value {
    map([
        ("max_age", hsts.max_age.into()),
        ("include_subdomains", hsts.include_subdomains.into()),
        ("preload", hsts.preload.into()),
    ])
}

fn rating_facts(rating: &Rating) -> Map {
    let scores = [
        ("protocol", rating.protocol.into()),
        ("key_exchange", rating.key_exchange.into()),
        ("cipher", rating.cipher.into()),
    ];
    let reasons = rating.reasons.iter().map(|why| why.as_str().into());
    map_of([
        ("grade", rating.grade.into()),
        ("score", rating.score.into()),
        ("scores", map(scores)),
        ("grade_reasons", Value::List(reasons.collect())),
    ])
}

fn chain_facts(looked: &Looked<'_>) -> Map {
    let mut facts = Map::new();
    if looked.chain.is_empty() {
        return facts;
    }
    let chain = looked.chain.iter().map(|one| read(one, looked.now));
    facts.insert("chain".to_owned(), Value::List(chain.collect()));
    let pairs = looked.chain.windows(2);
    let in_order = pairs
        .into_iter()
        .all(|pair| pair[0].issuer_der == pair[1].subject_der);
    facts.insert("in_order".to_owned(), in_order.into());
    let ends: Option<Vec<(DateTime<Utc>, &Read)>> = looked
        .chain
        .iter()
        .map(|one| one.not_after.map(|end| (end, one)))
        .collect();
    let first = ends.and_then(|ends| ends.into_iter().min_by_key(|(end, _)| *end));
    if let Some((end, one)) = first {
        let left = end - looked.now;
        facts.insert("expires_in".to_owned(), nanoseconds(left));
        facts.insert("expires_in_days".to_owned(), days(left).into());
        facts.insert("expires_first".to_owned(), one.subject.as_str().into());
    }
    facts
}

/// Whole days, rounded down: a certificate that expired an hour ago has -1.
fn days(left: chrono::Duration) -> i64 {
    left.num_seconds().div_euclid(24 * 3600)
}

/// A span; the longest that can be told where it is longer.
fn nanoseconds(left: chrono::Duration) -> Value {
    let longest = if left < chrono::Duration::zero() {
        i64::MIN
    } else {
        i64::MAX
    };
    Value::Duration(left.num_nanoseconds().unwrap_or(longest))
}

fn read(one: &Read, now: DateTime<Utc>) -> Value {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    let mut key = map_of([("kind", one.key.kind.as_str().into())]);
    if let Some(bits) = one.key.bits {
        key.insert("bits".to_owned(), bits.into());
    }
    let sans = one.sans.iter().map(|name| name.as_str().into());
    let mut facts = map_of([
        ("subject", one.subject.as_str().into()),
        ("issuer", one.issuer.as_str().into()),
        ("sans", Value::List(sans.collect())),
        ("serial", hex(&one.serial).into()),
        ("key", Value::Map(key)),
        ("signature", one.signature.as_str().into()),
        ("self_signed", one.self_signed.into()),
        ("is_ca", one.is_ca.into()),
        ("sha256", hex(&one.sha256).into()),
    ]);
    if let Some(at) = one.not_before {
        facts.insert("not_before".to_owned(), at.into());
    }
    if let Some(at) = one.not_after {
        facts.insert("not_after".to_owned(), at.into());
        facts.insert("expires_in".to_owned(), nanoseconds(at - now));
    }
    if let Some(key) = &one.spki {
        facts.insert("spki".to_owned(), BASE64.encode(sha256(key)).into());
    }
    if let Some(why) = &one.unreadable {
        facts.insert("unreadable".to_owned(), why.as_str().into());
    }
    Value::Map(facts)
}

fn shown(scanned: &Scanned) -> Vec<Shown> {
    let versions = scanned.versions.iter().map(|(version, told)| {
        let (told, why) = match told {
            Told::Accepted => ("accepted", ""),
            Told::Refused(why) => ("refused", why.as_str()),
            Told::Unknown(why) => ("unknown", why.as_str()),
        };
        vec![version.name().to_owned(), told.to_owned(), why.to_owned()]
    });
    let suites = scanned.suites.iter().map(|taken| {
        let suite = &taken.suite;
        vec![
            taken.version.name().to_owned(),
            suite.name.clone(),
            suite.bits.to_string(),
            suite.weakness().unwrap_or("").to_owned(),
        ]
    });
    let head = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    vec![
        Shown::Table {
            title: "Versions".to_owned(),
            head: head(&["version", "told", "why"]),
            rows: versions.collect(),
        },
        Shown::Table {
            title: "Cipher suites".to_owned(),
            head: head(&["version", "suite", "bits", "weakness"]),
            rows: suites.collect(),
        },
    ]
}

fn map_of<const N: usize>(facts: [(&str, Value); N]) -> Map {
    facts.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()
}

fn map<const N: usize>(facts: [(&str, Value); N]) -> Value {
    Value::Map(map_of(facts))
}
