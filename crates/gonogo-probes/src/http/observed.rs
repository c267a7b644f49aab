//! What is recorded of an answer, as facts.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeZone as _, Utc};
use gonogo_core::record::{Cut, TargetSeen};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use super::connection::Phases;
use crate::json::{self, Read};
use crate::probe::{ResolvedTarget, Seen};

/// The request as far as the record needs it.
pub(super) struct Asked {
    /// The method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The value of `Authorization`; only its form is recorded.
    pub authorization: Option<String>,
}

/// An answer, whole or cut at the cap.
pub(super) struct Answer {
    /// Status code.
    pub status: u16,
    /// The code's standard phrase.
    pub reason: String,
    /// HTTP version.
    pub version: &'static str,
    /// Headers in the order in which they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body as it came.
    pub body: Vec<u8>,
    /// Why the body is not whole.
    pub cut: Option<String>,
    /// The making of the connection.
    pub phases: Phases,
    /// From sending to the head of the answer.
    pub first_byte: Duration,
    /// All of it.
    pub total: Duration,
    /// When it was sent, by this machine's clock.
    pub sent_at: DateTime<Utc>,
    /// The address that answered.
    pub address: String,
    /// Status and location of each redirect that was followed.
    pub redirects: Vec<String>,
}

impl Answer {
    /// The first header of a name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

/// The facts of an HTTP observation.
pub(super) fn shape() -> Shape {
    let field = |ty: Type, doc: &str| Field {
        ty,
        doc: doc.to_owned(),
        optional: false,
    };
    let map = |fields: &[(&str, Type, &str)]| {
        Type::Struct(
            fields
                .iter()
                .map(|(n, t, d)| ((*n).to_owned(), field(t.clone(), d)))
                .collect(),
        )
    };
    let fields = [
        ("status", Type::Int, "the status code"),
        ("reason", Type::String, "the code's standard phrase"),
        (
            "headers",
            Type::Map(Box::new(Type::String)),
            "the headers; names ignore case",
        ),
        (
            "body",
            Type::Dyn,
            "the body: JSON where it is JSON, else its text",
        ),
        ("text", Type::String, "the body as text"),
        ("json", Type::Bool, "whether the body is JSON"),
        ("size", Type::Int, "the body's size in bytes as kept"),
        (
            "latency",
            Type::Duration,
            "from the name lookup to the last byte",
        ),
        (
            "phases",
            map(&[
                ("dns", Type::Duration, "the name lookup"),
                ("connect", Type::Duration, "connecting"),
                ("tls", Type::Duration, "the TLS handshake"),
                (
                    "first_byte",
                    Type::Duration,
                    "from sending to the answer's head",
                ),
                ("total", Type::Duration, "all of it"),
            ]),
            "where the time went; zero for the making of a connection that was used before",
        ),
        ("http_version", Type::String, "`1.1` or `2`"),
        ("remote_address", Type::String, "the address that answered"),
        (
            "redirects",
            Type::List(Box::new(Type::String)),
            "redirects that were followed",
        ),
        (
            "clock_skew",
            Type::Duration,
            "how far the target's `Date` and this machine's clock differ, to either side; absent without `Date`",
        ),
        (
            "clock_lead",
            Type::Duration,
            "the same with its side: above zero where the target's clock is ahead",
        ),
        (
            "request",
            Type::Dyn,
            "the request: method, url, has_authorization, authorization_scheme, token",
        ),
        (
            "secrets_seen",
            Type::List(Box::new(Type::Dyn)),
            "secrets that the answer held: name and where",
        ),
    ];
    Shape {
        fields: fields
            .into_iter()
            .map(|(n, t, d)| (n.to_owned(), field(t, d)))
            .collect(),
    }
}

/// Turns an answer into facts.
pub(super) fn observed(
    target: &ResolvedTarget,
    asked: &Asked,
    answer: &Answer,
    max_body: u64,
) -> Seen {
    let (decoded, mut cut) = decode(answer, max_body);
    let text = String::from_utf8_lossy(&decoded).into_owned();
    let json = match parse_json(answer, &text, cut.is_some(), max_body) {
        Read::Json(json) => Some(json),
        Read::TooMany(why) => {
            cut = Some(why);
            None
        }
        Read::No => None,
    };
    if let (Some(why), None) = (&answer.cut, &cut) {
        cut = Some(why.clone());
    }
    let mut headers: BTreeMap<String, Value> = BTreeMap::new();
    for (name, value) in &answer.headers {
        headers
            .entry(name.clone())
            .and_modify(|v| *v = format!("{}, {value}", v.as_str().unwrap_or("")).into())
            .or_insert_with(|| value.as_str().into());
    }
    let engine = answer.header("server").map(str::to_owned);
    let phases: Map = [
        ("dns", answer.phases.dns),
        ("connect", answer.phases.connect),
        ("tls", answer.phases.tls),
        ("first_byte", answer.first_byte),
        ("total", answer.total),
    ]
    .into_iter()
    .map(|(n, d)| (n.to_owned(), Value::from(d)))
    .collect();
    let mut facts: Map = [
        ("status", Value::from(answer.status)),
        ("reason", Value::from(answer.reason.as_str())),
        ("json", Value::from(json.is_some())),
        ("size", Value::from(answer.body.len())),
        ("latency", Value::from(answer.total)),
        ("phases", Value::Map(phases)),
        ("http_version", Value::from(answer.version)),
        ("remote_address", Value::from(answer.address.as_str())),
        (
            "redirects",
            Value::List(answer.redirects.iter().map(|r| r.as_str().into()).collect()),
        ),
        ("request", request_facts(asked, answer.sent_at)),
    ]
    .into_iter()
    .map(|(n, v)| (n.to_owned(), v))
    .collect();
    if let Some(skew) = clock_lead(answer) {
        facts.insert(
            "clock_skew".to_owned(),
            Value::Duration(skew.saturating_abs()),
        );
        facts.insert("clock_lead".to_owned(), Value::Duration(skew));
    }
    let is_json = json.is_some();
    facts.insert(
        "body".to_owned(),
        json.unwrap_or_else(|| Value::String(text.clone())),
    );
    // The text of a JSON body is kept only where it says more than the value.
    if !is_json || text.len() <= 4096 {
        facts.insert("text".to_owned(), Value::String(text));
    }
    facts.insert("headers".to_owned(), Value::Map(headers));
    Seen {
        facts,
        target: Some(TargetSeen {
            name: target.name.clone(),
            address: asked.url.clone(),
            engine,
        }),
        cut: cut
            .into_iter()
            .flat_map(|why| {
                ["body", "text", "size"].map(|fact| Cut {
                    fact: fact.to_owned(),
                    why: why.clone(),
                })
            })
            .collect(),
        ..Seen::default()
    }
}

/// Takes off a content coding that was sent without being asked for; at most so many bytes come out of it.
pub(super) fn decode(answer: &Answer, max: u64) -> (Vec<u8>, Option<String>) {
    let mut out = Vec::new();
    let named = answer.header("content-encoding").unwrap_or("");
    let read = match named.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => return (answer.body.clone(), None),
        "gzip" | "x-gzip" => flate2::read::MultiGzDecoder::new(&answer.body[..])
            .take(max + 1)
            .read_to_end(&mut out),
        "deflate" => flate2::read::ZlibDecoder::new(&answer.body[..])
            .take(max + 1)
            .read_to_end(&mut out),
        // What cannot be unpacked cannot be searched for secrets either, so nothing of it is kept.
        _ => {
            let why = format!("the content coding `{named}` was not asked for and is not known");
            return (out, Some(why));
        }
    };
    match read {
        Ok(n) if n as u64 <= max => (out, None),
        Ok(_) => {
            out.truncate(usize::try_from(max).unwrap_or(usize::MAX));
            let why = format!("stopped unpacking after {max} bytes (`max_body`)");
            (out, Some(why))
        }
        Err(e) => (out, Some(format!("the content coding is damaged: {e}"))),
    }
}

fn parse_json(answer: &Answer, text: &str, damaged: bool, max_body: u64) -> Read {
    if damaged || answer.cut.is_some() {
        return Read::No;
    }
    let declared = answer
        .header("content-type")
        .is_none_or(|t| t.to_ascii_lowercase().contains("json"));
    let looks = text.trim_start().starts_with(['{', '[']);
    if !declared && !looks {
        return Read::No;
    }
    json::read(text.as_bytes(), max_body)
}

/// The server's `Date` (RFC 9110, 6.6.1) less the middle of the exchange by this machine's clock, in nanoseconds.
fn clock_lead(answer: &Answer) -> Option<i64> {
    let date = answer.header("date")?;
    let theirs = DateTime::parse_from_rfc2822(date).ok()?.with_timezone(&Utc);
    let ours = answer.sent_at + chrono::Duration::from_std(answer.total / 2).ok()?;
    (theirs - ours).num_nanoseconds()
}

fn request_facts(asked: &Asked, sent_at: DateTime<Utc>) -> Value {
    let mut facts = Map::new();
    facts.insert("method".to_owned(), asked.method.as_str().into());
    facts.insert("url".to_owned(), asked.url.as_str().into());
    facts.insert(
        "has_authorization".to_owned(),
        asked.authorization.is_some().into(),
    );
    if let Some(value) = &asked.authorization {
        let (scheme, credentials) = value.split_once(' ').unwrap_or(("", value));
        facts.insert("authorization_scheme".to_owned(), scheme.into());
        if let Some(token) = token_facts(credentials, sent_at) {
            facts.insert("token".to_owned(), token);
        }
    }
    Value::Map(facts)
}

/// What a JSON Web Token says of itself (RFC 7519), unverified: head and times, for the diagnosis of a refusal.
pub fn token_facts(token: &str, now: DateTime<Utc>) -> Option<Value> {
    let mut parts = token.trim().split('.');
    let part = |text: Option<&str>| -> Option<serde_json::Value> {
        let bytes = URL_SAFE_NO_PAD.decode(text?).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let head = part(parts.next())?;
    let claims = part(parts.next())?;
    let mut facts = Map::new();
    for name in ["alg", "kid", "typ"] {
        if let Some(text) = head.get(name).and_then(serde_json::Value::as_str) {
            facts.insert(name.to_owned(), text.into());
        }
    }
    for name in ["exp", "iat", "nbf"] {
        let seconds = claims.get(name).and_then(serde_json::Value::as_f64);
        if let Some(at) = seconds.and_then(|s| Utc.timestamp_opt(s as i64, 0).single()) {
            facts.insert(name.to_owned(), at.into());
            let left = (at - now).num_nanoseconds().unwrap_or(i64::MAX);
            match name {
                "exp" => facts.insert("expires_in".to_owned(), Value::Duration(left)),
                "nbf" => facts.insert("valid_in".to_owned(), Value::Duration(left)),
                _ => None,
            };
        }
    }
    if let Some(subject) = claims.get("sub").and_then(serde_json::Value::as_str) {
        facts.insert("subject".to_owned(), subject.into());
    }
    Some(Value::Map(facts))
}
