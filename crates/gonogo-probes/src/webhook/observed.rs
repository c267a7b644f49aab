//! What is recorded of a webhook's answers, as facts. What was sent is not recorded: a signature is made of the secret.

use gonogo_core::shape::{Field, Shape, Type};
use gonogo_core::{Map, Value};

use crate::http::Fetched;
use crate::json::{self, Read};

/// The most that is kept of one answer.
pub(super) const MAX_BODY: u64 = 256 * 1024;

/// The calls, in the order in which they are made: what is good comes last, so that no call before it profits.
pub(super) const CALLS: [(&str, &str); 5] = [
    ("unsigned", "the event without any signature"),
    ("wrong_signature", "signed with another secret"),
    (
        "tampered",
        "a changed body with the signature of the right one",
    ),
    ("replayed", "rightly signed, with an old timestamp"),
    ("good", "rightly signed just now"),
];

/// The facts of the probe.
pub(super) fn shape(has_timestamp: bool) -> Shape {
    let call = Type::fields([
        ("status", Field::new(Type::Int, "the status code")),
        (
            "body",
            Field::optional(
                Type::Dyn,
                "the body: JSON where it is JSON, else its text; absent where it was larger than 256 KiB",
            ),
        ),
        (
            "text",
            Field::optional(Type::String, "the body as text; absent as the body"),
        ),
        (
            "latency",
            Field::new(Type::Duration, "from the name lookup to the last byte"),
        ),
    ]);
    let calls = CALLS
        .iter()
        .filter(|(name, _)| has_timestamp || *name != "replayed");
    let mut fields: Vec<(String, Field)> = calls
        .map(|(name, doc)| {
            let doc = format!("the answer to {doc}");
            ((*name).to_owned(), Field::new(call.clone(), doc))
        })
        .collect();
    fields.push((
        "accepted".to_owned(),
        Field::new(
            Type::list(Type::String),
            "the calls that were answered with 2xx: `['good']` where the receiver takes only what was signed for it",
        ),
    ));
    Shape { fields }
}

/// The facts of one answer.
pub(super) fn answer(fetched: &Fetched) -> Value {
    let mut facts = Map::new();
    facts.insert("status".to_owned(), fetched.status.into());
    facts.insert("latency".to_owned(), fetched.latency.into());
    if fetched.cut.is_none() {
        let text = String::from_utf8_lossy(&fetched.body).into_owned();
        let body = match json::read(&fetched.body, MAX_BODY) {
            Read::Json(value) => Some(value),
            Read::TooMany(_) => None,
            Read::No => Some(Value::from(text.as_str())),
        };
        if let Some(body) = body {
            facts.insert("body".to_owned(), body);
        }
        facts.insert("text".to_owned(), text.into());
    }
    Value::Map(facts)
}
