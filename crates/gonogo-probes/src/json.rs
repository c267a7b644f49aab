//! JSON that came from outside, as a value: no deeper than the reader's own limit, and not of more values than memory
//! should be spent on.

use gonogo_core::Value;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A megabyte of `0,0,0,…` takes a hundred megabytes as values; what services answer has more bytes to a value.
const BYTES_PER_VALUE: u64 = 6;

/// What a text is.
pub(crate) enum Read {
    /// JSON.
    Json(Value),
    /// JSON of too many values; why, for a person.
    TooMany(String),
    /// Something else.
    No,
}

/// Reads a whole text. `max_bytes` is what the check is willing to keep of it, which bounds the number of values too.
pub(crate) fn read(text: &[u8], max_bytes: u64) -> Read {
    let at_most = max_bytes / BYTES_PER_VALUE;
    // A value takes two bytes at least.
    if text.len() as u64 / 2 > at_most {
        match serde_json::from_slice::<Count>(text) {
            Err(_) => return Read::No,
            Ok(Count(values)) if values > at_most => {
                return Read::TooMany(format!(
                    "its JSON has {values} values, and {at_most} are kept; a larger cap keeps more"
                ));
            }
            Ok(_) => {}
        }
    }
    match serde_json::from_slice::<serde_json::Value>(text) {
        Ok(json) => Read::Json(Value::from_json(&json)),
        Err(_) => Read::No,
    }
}

/// How many values a JSON text has; why it is none.
pub(crate) fn count(text: &[u8]) -> Result<u64, serde_json::Error> {
    serde_json::from_slice::<Count>(text).map(|Count(values)| values)
}

/// How many values a JSON text has, without keeping them.
struct Count(u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Counting)
    }
}

struct Counting;

impl<'de> Visitor<'de> for Counting {
    type Value = Count;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Count, E> {
        Ok(Count(1))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Count, E> {
        Ok(Count(1))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Count, E> {
        Ok(Count(1))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Count, E> {
        Ok(Count(1))
    }

    fn visit_str<E>(self, _: &str) -> Result<Count, E> {
        Ok(Count(1))
    }

    fn visit_unit<E>(self) -> Result<Count, E> {
        Ok(Count(1))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Count, A::Error> {
        let mut total = 1;
        while let Some(Count(values)) = items.next_element()? {
            total += values;
        }
        Ok(Count(total))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Count, A::Error> {
        let mut total = 1;
        while members.next_key::<IgnoredAny>()?.is_some() {
            let Count(values) = members.next_value()?;
            total += values;
        }
        Ok(Count(total))
    }
}

#[cfg(test)]
mod tests;
