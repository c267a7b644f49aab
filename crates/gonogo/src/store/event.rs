//! What may stand as an event in a line: JSON that every reader understands alike.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Why bytes cannot be an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEvent {
    /// Not JSON, or a key that stands twice in an object.
    #[error("{0}")]
    NotStrict(String),
    /// White space between tokens, line breaks included: the line would have two spellings.
    #[error("white space outside of strings at byte {0}")]
    Spaced(usize),
}

/// Accepts JSON with unique keys and no white space between tokens.
///
/// Of two equal keys one reader takes the first and another the last, so that one journal would have two meanings. Masking can
/// make two keys equal; that is found here, when the event is written, and not when the run is judged.
pub(super) fn check_event(json: &[u8]) -> Result<(), BadEvent> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let not_strict = |error: serde_json::Error| BadEvent::NotStrict(error.to_string());
    Strict.deserialize(&mut reader).map_err(not_strict)?;
    reader.end().map_err(not_strict)?;
    match space_outside_strings(json) {
        Some(at) => Err(BadEvent::Spaced(at)),
        None => Ok(()),
    }
}

fn space_outside_strings(json: &[u8]) -> Option<usize> {
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in json.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
        } else if *byte == b'"' {
            in_string = true;
        } else if byte.is_ascii_whitespace() {
            return Some(at);
        }
    }
    None
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON with unique keys")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Strict)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut keys = Keys::Few(Vec::new());
        while let Some(key) = entries.next_key_seed(Key)? {
            if let Some(twice) = keys.add(key) {
                return Err(serde::de::Error::custom(format!(
                    "the key `{twice}` stands twice in an object"
                )));
            }
            entries.next_value_seed(Strict)?;
        }
        Ok(())
    }
}

/// Keys seen so far: a list while it is short, which is nearly always.
enum Keys<'de> {
    Few(Vec<Cow<'de, str>>),
    Many(BTreeSet<Cow<'de, str>>),
}

impl<'de> Keys<'de> {
    /// Gives the key back if it was there already.
    fn add(&mut self, key: Cow<'de, str>) -> Option<Cow<'de, str>> {
        match self {
            Self::Few(keys) if keys.contains(&key) => return Some(key),
            Self::Few(keys) if keys.len() < 16 => keys.push(key),
            Self::Few(keys) => {
                let mut many: BTreeSet<_> = keys.drain(..).collect();
                many.insert(key);
                *self = Self::Many(many);
            }
            Self::Many(keys) => {
                if keys.contains(&key) {
                    return Some(key);
                }
                keys.insert(key);
            }
        }
        None
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
