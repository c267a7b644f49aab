//! Bound values. They go as PostgreSQL's text form of the type that the server expects, so that the server itself reads
//! them, whatever the type: never as part of the statement.

use std::error::Error;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use serde_json::Value as Json;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};

use super::decode;

/// A value in text form, or null. May be a secret, so it cannot be printed: the driver logs what it sends.
pub(crate) struct Text(Option<String>);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bound value")
    }
}

impl ToSql for Text {
    fn to_sql(
        &self,
        _ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }

    fn encode_format(&self, _ty: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// The value of a parameter of that type; why not, otherwise.
pub(crate) fn parameter(json: &Json, ty: &Type) -> Result<Text, String> {
    text(json, ty).map(Text)
}

fn text(json: &Json, ty: &Type) -> Result<Option<String>, String> {
    if let Kind::Domain(inner) = ty.kind() {
        return text(json, inner);
    }
    let is_json = [Type::JSON, Type::JSONB].contains(ty);
    if let Some(bytes) = bytes_of(json).filter(|_| !is_json) {
        return Ok(Some(hex(&bytes)));
    }
    let is_whole = [Type::INT2, Type::INT4, Type::INT8, Type::OID].contains(ty);
    Ok(match json {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        Json::Array(_) | Json::Object(_) if is_json => Some(json.to_string()),
        Json::Array(items) => match ty.kind() {
            Kind::Array(of) if [Type::INT2_VECTOR, Type::OID_VECTOR].contains(ty) => {
                Some(vector(items, of)?)
            }
            Kind::Array(of) => Some(array(items, of)?),
            _ => return Err(format!("is a list, and the server expects {}", ty.name())),
        },
        Json::Object(_) => {
            return Err(format!("is a map, and the server expects {}", ty.name()));
        }
        Json::Number(n) => match n.as_f64() {
            // What was computed may have become a double on the way.
            Some(d) if is_whole && n.is_f64() && d.fract() == 0.0 && d.abs() < 9e15 => {
                Some(format!("{d:.0}"))
            }
            _ => Some(n.to_string()),
        },
        Json::Bool(truth) => Some(truth.to_string()),
    })
}

/// Bytes that were saved: `{"$bytes": base64}`. Text in base64 would be taken for the bytes themselves.
pub(crate) fn bytes_of(json: &Json) -> Option<Vec<u8>> {
    let Json::Object(map) = json else {
        return None;
    };
    match (map.len(), map.get("$bytes")) {
        (1, Some(Json::String(text))) => BASE64.decode(text).ok(),
        _ => None,
    }
}

/// `\x00ff`
fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    std::iter::once("\\x".to_owned()).chain(digits).collect()
}

/// `1 2 3`, the form of `int2vector` and `oidvector`.
fn vector(items: &[Json], of: &Type) -> Result<String, String> {
    let mut parts = Vec::new();
    for item in items {
        let part = text(item, of)?.ok_or("is a list with a null, which this type has not")?;
        parts.push(part);
    }
    Ok(parts.join(" "))
}

/// `{"a","b \"c\"",NULL}`; a list in the list is a further dimension.
fn array(items: &[Json], of: &Type) -> Result<String, String> {
    let is_json = [Type::JSON, Type::JSONB].contains(of);
    let mut out = String::from("{");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(decode::delimiter(of));
        }
        match item {
            Json::Array(inner) if !is_json => out.push_str(&array(inner, of)?),
            item => match text(item, of)? {
                None => out.push_str("NULL"),
                Some(text) => {
                    out.push('"');
                    for c in text.chars() {
                        if matches!(c, '"' | '\\') {
                            out.push('\\');
                        }
                        out.push(c);
                    }
                    out.push('"');
                }
            },
        }
    }
    out.push('}');
    Ok(out)
}
