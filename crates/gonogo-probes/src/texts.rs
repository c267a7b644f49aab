//! Lists of texts, as plans may write them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// One text or a list of them; always a list once decoded.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Texts(pub Vec<String>);

impl JsonSchema for Texts {
    fn schema_name() -> Cow<'static, str> {
        "Texts".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-gonogo-one-or-many": true,
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        })
    }
}

/// A list of texts, or a `${ … }` that gives one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Names(pub Vec<String>);

impl JsonSchema for Names {
    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": "array", "items": {"type": "string"}},
                {"type": "string", "format": "template", "pattern": "\\$\\{"},
            ],
        })
    }
}
