//! Lists of texts, as plans may write them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

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
