//! The value that everything observed, saved and computed is made of.
//!
//! An observation is data: it is written to the journal, read back years later and judged by a program that
//! may not have the probe. So a value carries its own type. In JSON, what JSON has is written plainly; what it
//! lacks is an object with one reserved key: `{"$duration":"12.5ms"}`, `{"$timestamp":"…Z"}`, `{"$bytes":"base64"}`,
//! `{"$uint":"18446744073709551615"}`, `{"$double":"NaN"}`, and `{"$map":[[k,v],…]}` for a map whose own keys start with `$`.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::duration::{format_duration_ns, parse_duration_ns};

/// A map with text keys, in the order of its keys: nothing in a verdict may depend on hash order.
pub type Map = BTreeMap<String, Value>;

/// One value, with its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// JSON `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number that fits 64 signed bits; every JSON integer that fits is one.
    Int(i64),
    /// A whole number above `i64::MAX`; never holds one that fits `Int`.
    Uint(u64),
    /// An IEEE 754 double; may be NaN or infinite, ordering with which is an error for expressions.
    Double(f64),
    /// UTF-8 text.
    String(String),
    /// Bytes that are not text.
    Bytes(Vec<u8>),
    /// A span of time in nanoseconds.
    Duration(i64),
    /// An instant.
    Timestamp(DateTime<Utc>),
    /// A list.
    List(Vec<Value>),
    /// A map with text keys.
    Map(Map),
}

impl Value {
    /// The name of the value's type, as messages and CEL's `type()` print it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Duration(_) => "duration",
            Self::Timestamp(_) => "timestamp",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// Makes a value of parsed JSON, taking every object literally (its keys are the target's, not ours).
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(b) => Self::Bool(*b),
            serde_json::Value::Number(n) => {
                if let Some(i) = n.as_i64() {
                    Self::Int(i)
                } else if let Some(u) = n.as_u64() {
                    Self::Uint(u)
                } else {
                    Self::Double(n.as_f64().unwrap_or(f64::NAN))
                }
            }
            serde_json::Value::String(s) => Self::String(s.clone()),
            serde_json::Value::Array(items) => {
                Self::List(items.iter().map(Self::from_json).collect())
            }
            serde_json::Value::Object(map) => Self::Map(
                map.iter()
                    .map(|(k, v)| (k.clone(), Self::from_json(v)))
                    .collect(),
            ),
        }
    }

    /// Makes plain JSON of a value, as a request body or a report wants it: durations and instants become text,
    /// bytes become base64, a double without a JSON form becomes text.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(b) => (*b).into(),
            Self::Int(i) => (*i).into(),
            Self::Uint(u) => (*u).into(),
            Self::Double(d) => serde_json::Number::from_f64(*d)
                .map_or_else(|| d.to_string().into(), serde_json::Value::Number),
            Self::String(s) => s.clone().into(),
            Self::Bytes(b) => BASE64.encode(b).into(),
            Self::Duration(ns) => format_duration_ns(*ns).into(),
            Self::Timestamp(t) => t.to_rfc3339_opts(SecondsFormat::AutoSi, true).into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(map) => serde_json::Value::Object(
                map.iter().map(|(k, v)| (k.clone(), v.to_json())).collect(),
            ),
        }
    }

    /// The value under a key of a map, else nothing.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The text, where the value is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The map, where the value is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, where the value is one.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The whole number, where the value is one that fits.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(i) => Some(*i),
            _ => None,
        }
    }
}

/// How a person reads the value in a message: text in quotes, durations and instants bare, JSON otherwise.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration(_) | Self::Timestamp(_) => {
                let json = self.to_json();
                f.write_str(json.as_str().unwrap_or_default())
            }
            Self::Double(d) if !d.is_finite() => write!(f, "{d}"),
            Self::Bytes(b) => write!(f, "{} bytes", b.len()),
            _ => write!(f, "{}", self.to_json()),
        }
    }
}

macro_rules! from {
    ($($ty:ty => |$x:ident| $make:expr),* $(,)?) => {
        $(impl From<$ty> for Value { fn from($x: $ty) -> Self { $make } })*
    };
}

from! {
    bool => |x| Self::Bool(x),
    i64 => |x| Self::Int(x),
    i32 => |x| Self::Int(x.into()),
    u32 => |x| Self::Int(x.into()),
    u16 => |x| Self::Int(x.into()),
    u64 => |x| i64::try_from(x).map_or(Self::Uint(x), Self::Int),
    usize => |x| Self::from(x as u64),
    f64 => |x| Self::Double(x),
    &str => |x| Self::String(x.to_owned()),
    String => |x| Self::String(x),
    DateTime<Utc> => |x| Self::Timestamp(x),
    std::time::Duration => |x| Self::Duration(i64::try_from(x.as_nanos()).unwrap_or(i64::MAX)),
    Vec<Value> => |x| Self::List(x),
    Map => |x| Self::Map(x),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(x: Option<T>) -> Self {
        x.map_or(Self::Null, Into::into)
    }
}

fn tagged<S: Serializer>(ser: S, key: &str, text: &str) -> Result<S::Ok, S::Error> {
    let mut map = ser.serialize_map(Some(1))?;
    map.serialize_entry(key, text)?;
    map.end()
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, ser: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => ser.serialize_unit(),
            Self::Bool(b) => ser.serialize_bool(*b),
            Self::Int(i) => ser.serialize_i64(*i),
            Self::Uint(u) => tagged(ser, "$uint", &u.to_string()),
            Self::Double(d) if d.is_finite() => ser.serialize_f64(*d),
            Self::Double(d) => tagged(ser, "$double", &d.to_string()),
            Self::String(s) => ser.serialize_str(s),
            Self::Bytes(b) => tagged(ser, "$bytes", &BASE64.encode(b)),
            Self::Duration(ns) => tagged(ser, "$duration", &format_duration_ns(*ns)),
            Self::Timestamp(t) => tagged(
                ser,
                "$timestamp",
                &t.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            ),
            Self::List(items) => {
                let mut seq = ser.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Map(map) if map.keys().any(|k| k.starts_with('$')) => {
                let mut out = ser.serialize_map(Some(1))?;
                let pairs: Vec<(&String, &Value)> = map.iter().collect();
                out.serialize_entry("$map", &pairs)?;
                out.end()
            }
            Self::Map(map) => {
                let mut out = ser.serialize_map(Some(map.len()))?;
                for (k, v) in map {
                    out.serialize_entry(k, v)?;
                }
                out.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        de.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Int(v))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::from(v))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Double(v))
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, value)) = access.next_entry::<String, Value>()? {
            if map.insert(key.clone(), value).is_some() {
                return Err(A::Error::custom(format!("key `{key}` occurs twice")));
            }
        }
        untag(map).map_err(A::Error::custom)
    }
}

/// Turns a map with one reserved key into the value it stands for.
fn untag(mut map: Map) -> Result<Value, String> {
    if map.keys().all(|k| !k.starts_with('$')) {
        return Ok(Value::Map(map));
    }
    let Some((tag, inner)) = map.pop_first().filter(|_| map.is_empty()) else {
        return Err("a reserved key beside others".to_owned());
    };
    let bad = || format!("malformed {tag} value");
    if tag == "$map" {
        let Value::List(pairs) = inner else {
            return Err(bad());
        };
        let mut out = Map::new();
        for pair in pairs {
            match pair {
                Value::List(kv) if kv.len() == 2 => {
                    let mut kv = kv.into_iter();
                    match (kv.next(), kv.next()) {
                        (Some(Value::String(k)), Some(v)) => out.insert(k, v),
                        _ => return Err(bad()),
                    };
                }
                _ => return Err(bad()),
            }
        }
        return Ok(Value::Map(out));
    }
    let Value::String(text) = inner else {
        return Err(bad());
    };
    match tag.as_str() {
        "$uint" => text.parse().map(Value::Uint).map_err(|_| bad()),
        "$double" => text.parse().map(Value::Double).map_err(|_| bad()),
        "$bytes" => BASE64.decode(&text).map(Value::Bytes).map_err(|_| bad()),
        "$duration" => parse_duration_ns(&text)
            .map(Value::Duration)
            .map_err(|_| bad()),
        "$timestamp" => DateTime::parse_from_rfc3339(&text)
            .map(|t| Value::Timestamp(t.with_timezone(&Utc)))
            .map_err(|_| bad()),
        _ => Err(format!("unknown reserved key `{tag}`")),
    }
}

#[cfg(test)]
mod tests;
