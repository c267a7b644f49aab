//! What a plan may write of the `openapi` probe.

use std::borrow::Cow;
use std::collections::BTreeMap;

use gonogo_core::plan::{FileProblem, OptionProblem};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value as Json;

use super::document::{self, Documents};
use super::model::{self, METHODS};
use crate::http::{Basic, without_templates};

/// `openapi:` reads the description of an HTTP API, compares it, and holds the service against it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenapiOptions {
    /// The path of the OpenAPI document (3.0 or 3.1, JSON or YAML) below the target's address, such as
    /// `/openapi.json`. Documents that it refers to are read from the same host only.
    pub openapi: String,
    /// What the document is compared with: a saved document beside the plan, or the list of operations that must be
    /// there, each as `METHOD /path`. Gives the fact `changes`: `added`, `removed`, `breaking`, and with a document
    /// `changed` (operation, place, what, breaking).
    pub expected: Option<Expected>,
    /// Whether each documented `GET` and `HEAD` operation is called and its answer held against the document; true
    /// by default. Values of parameters come from `examples`, else from the document.
    pub calls: Option<bool>,
    /// Whether each operation that requires a JSON body is sent an empty object and one with a value of the wrong
    /// type, to see that it refuses them. Only bodies that the document forbids are sent. Needs the power `write`,
    /// unless the check says `reads: true`. Gives the facts `empty_bodies` (operation, body, status, documented,
    /// names_field, field, problems) and `not_sent` (operation, why).
    #[serde(default)]
    pub bodies: bool,
    /// Operations that are left alone, as `METHOD /path`.
    #[serde(default)]
    pub skip: Vec<String>,
    /// Values of parameters by their names; under `METHOD /path` those of one operation.
    #[serde(default)]
    pub examples: BTreeMap<String, Json>,
    /// The path before those of the document; by default that of its first server. The host is the target's, always.
    pub base: Option<String>,
    /// Headers of all requests.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The token of `Authorization: Bearer`; `none` takes off the target's.
    pub bearer: Option<String>,
    /// User and password of `Authorization: Basic`.
    pub basic: Option<Basic>,
}

/// A file beside the plan, or operations.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Expected {
    /// A saved document.
    File(String),
    /// Operations as `METHOD /path`.
    Operations(Vec<String>),
}

impl JsonSchema for Expected {
    fn schema_name() -> Cow<'static, str> {
        "Expected".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ],
        })
    }
}

/// Why a text names no operation.
fn not_an_operation(text: &str) -> Option<String> {
    let fine = text.split_once(' ').is_some_and(|(method, path)| {
        METHODS.contains(&method.to_ascii_lowercase().as_str())
            && method.bytes().all(|b| b.is_ascii_uppercase())
            && path.starts_with('/')
            && !path.contains(char::is_whitespace)
    });
    (!fine).then(|| format!("`{text}` names no operation"))
}

/// What the schema cannot say.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let Ok(options) = serde_json::from_value::<OpenapiOptions>(options.clone()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut say = |key: &str, message: String, help: &str| {
        found.push(OptionProblem {
            code: "openapi-options",
            key: key.to_owned(),
            warning: false,
            message,
            help: Some(help.to_owned()),
        });
    };
    let paths = [
        ("openapi", Some(&options.openapi)),
        ("base", options.base.as_ref()),
    ];
    for (key, path) in paths.into_iter().filter_map(|(k, p)| Some((k, p?))) {
        let filled = without_templates(path);
        let is_fine = filled.starts_with('/') || key == "base" && filled.is_empty();
        if !is_fine {
            let message =
                format!("the path `{path}` must begin with `/`: the host is the target's");
            say(key, message, "such as `openapi: /openapi.json`");
        } else if let Some(bad) = filled.chars().find(|c| c.is_control() || c.is_whitespace()) {
            let message = format!("the path holds {bad:?}, which must be percent-encoded");
            say(key, message, "such as `openapi: /openapi.json`");
        }
    }
    let listed = match &options.expected {
        Some(Expected::Operations(all)) => &all[..],
        _ => &[],
    };
    let named = listed.iter().map(|o| ("expected", o));
    for (key, text) in named.chain(options.skip.iter().map(|o| ("skip", o))) {
        if let Some(why) = not_an_operation(&without_templates(text)) {
            say(
                key,
                why,
                "write a method in capitals and the path as the document has it: `GET /users/{id}`",
            );
        }
    }
    for (name, value) in &options.examples {
        let of_one = not_an_operation(name).is_none();
        let scalar = |v: &Json| !v.is_null() && !v.is_object();
        let fine = match value {
            Json::Object(values) => of_one && values.values().all(scalar),
            other => !of_one && scalar(other),
        };
        if !fine {
            let message = format!("`examples` of `{name}` is no value of a parameter");
            say(
                "examples",
                message,
                "such as `examples: { id: 7 }`, or `examples: { 'GET /users/{id}': { id: 7 } }`",
            );
        }
    }
    found
}

/// Reads the saved document; why it cannot be compared with.
pub(super) fn saved(bytes: &[u8]) -> Result<Documents, String> {
    let root = document::parse(bytes)?;
    let documents = Documents::alone(root);
    if let Some(outside) = documents.outside().next() {
        return Err(format!(
            "it refers to `{outside}`, and a saved document must be whole"
        ));
    }
    let api = model::read(&documents).map_err(|e| e.to_string())?;
    if let Some(problem) = api.problems.first() {
        return Err(format!("{}: {}", problem.place, problem.message));
    }
    if api.operations.is_empty() {
        return Err("it has no operation, so nothing would be expected".to_owned());
    }
    Ok(documents)
}

/// What is wrong with the saved document.
pub(super) fn lint_file(bytes: &[u8]) -> Vec<FileProblem> {
    let problem = |message: String| FileProblem {
        code: "bad-file",
        warning: false,
        message: format!("this is no OpenAPI document to compare with: {message}"),
        help: "save the document of the release that is in production, whole, as JSON or YAML"
            .to_owned(),
        line: 1,
        column: 1,
    };
    saved(bytes).err().map(problem).into_iter().collect()
}
