//! What is recorded of a token.

use chrono::{DateTime, TimeZone as _, Utc};
use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};
use serde_json::Value as Json;

/// The facts of a token, made or inspected.
pub(super) fn shape() -> Shape {
    let field = |ty: Type, doc: &str| Field {
        ty,
        doc: doc.to_owned(),
        optional: false,
    };
    let fields = [
        ("token", Type::String, "the token; secret"),
        ("header", Type::Dyn, "the token's head"),
        ("claims", Type::Dyn, "its claims"),
        (
            "algorithm",
            Type::String,
            "the algorithm that its head names",
        ),
        (
            "algorithm_allowed",
            Type::Bool,
            "whether that is on the list of those allowed",
        ),
        (
            "signature",
            Type::String,
            "`valid`, `invalid`, or `not checked` where no key was given",
        ),
        ("issued_at", Type::Timestamp, "its `iat`"),
        ("expires_at", Type::Timestamp, "its `exp`"),
        (
            "expires_in",
            Type::Duration,
            "what is left of it; negative when it has expired",
        ),
        (
            "valid_in",
            Type::Duration,
            "until its `nbf`; negative when that has passed",
        ),
    ];
    Shape {
        fields: fields
            .into_iter()
            .map(|(n, t, d)| (n.to_owned(), field(t, d)))
            .collect(),
    }
}

/// The facts of head and claims at an instant.
pub(super) fn facts(header: &Json, claims: &Json, now: DateTime<Utc>) -> Map {
    let mut facts = Map::new();
    facts.insert("header".to_owned(), Value::from_json(header));
    facts.insert("claims".to_owned(), Value::from_json(claims));
    if let Some(algorithm) = header.get("alg").and_then(Json::as_str) {
        facts.insert("algorithm".to_owned(), algorithm.into());
    }
    let instant = |name: &str| -> Option<DateTime<Utc>> {
        let seconds = claims.get(name)?.as_f64()?;
        Utc.timestamp_opt(seconds as i64, 0).single()
    };
    let until =
        |at: DateTime<Utc>| Value::Duration((at - now).num_nanoseconds().unwrap_or(i64::MAX));
    if let Some(at) = instant("iat") {
        facts.insert("issued_at".to_owned(), at.into());
    }
    if let Some(at) = instant("exp") {
        facts.insert("expires_at".to_owned(), at.into());
        facts.insert("expires_in".to_owned(), until(at));
    }
    if let Some(at) = instant("nbf") {
        facts.insert("valid_in".to_owned(), until(at));
    }
    facts
}
