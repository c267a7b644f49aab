//! Answers in the form in which FastAPI gives them: `{"detail": …}` for what is refused.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::answer::answer;

/// What was asked for and is refused.
#[derive(Debug)]
pub(super) enum Refused {
    NotFound(String),
    /// 422, with each thing that is wrong.
    Invalid(Vec<Value>),
    /// 422 that says nothing of the field: a planted fault.
    Mute,
}

impl Refused {
    pub(super) fn unknown(what: &str, id: &str) -> Self {
        Self::NotFound(format!("{what} {id} not found"))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::NotFound(what) => (StatusCode::NOT_FOUND, json!(what)),
            Self::Invalid(wrong) => (StatusCode::UNPROCESSABLE_ENTITY, json!(wrong)),
            Self::Mute => (
                StatusCode::UNPROCESSABLE_ENTITY,
                json!([{ "type": "value_error", "loc": ["body"], "msg": "Invalid request" }]),
            ),
        };
        answer(status, &json!({ "detail": detail }))
    }
}

pub(super) fn ok(body: &Value) -> Response {
    answer(StatusCode::OK, body)
}

pub(super) fn created(body: &Value) -> Response {
    answer(StatusCode::CREATED, body)
}

fn wrong(kind: &str, field: Option<&str>, message: &str, input: &Value) -> Value {
    let place: Vec<&str> = ["body"].into_iter().chain(field).collect();
    json!({ "type": kind, "loc": place, "msg": message, "input": input })
}

/// The object that a body must be.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Refused> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(Refused::Invalid(vec![wrong(
            "model_attributes_type",
            None,
            "Input should be a valid dictionary or object to extract fields from",
            &other,
        )])),
        Err(_) => Err(Refused::Invalid(vec![wrong(
            "json_invalid",
            None,
            "JSON decode error",
            &Value::Null,
        )])),
    }
}

/// A text that must be there and not empty.
pub(super) fn text(object: &Map<String, Value>, field: &str) -> Result<String, Refused> {
    match needed(object, field)? {
        Value::String(text) if !text.is_empty() => Ok(text.clone()),
        Value::String(text) => Err(Refused::Invalid(vec![wrong(
            "string_too_short",
            Some(field),
            "String should have at least 1 character",
            &json!(text),
        )])),
        other => Err(Refused::Invalid(vec![wrong(
            "string_type",
            Some(field),
            "Input should be a valid string",
            other,
        )])),
    }
}

/// One of a few words.
pub(super) fn one_of(
    object: &Map<String, Value>,
    field: &str,
    words: &[&str],
) -> Result<String, Refused> {
    let value = text(object, field)?;
    if words.contains(&value.as_str()) {
        return Ok(value);
    }
    let message = format!("Input should be '{}'", words.join("', '"));
    let wrong = wrong("enum", Some(field), &message, &json!(value));
    Err(Refused::Invalid(vec![wrong]))
}

/// A list that must be there and not empty.
pub(super) fn list<'a>(
    object: &'a Map<String, Value>,
    field: &str,
) -> Result<&'a [Value], Refused> {
    match needed(object, field)? {
        Value::Array(list) if !list.is_empty() => Ok(list),
        Value::Array(_) => Err(Refused::Invalid(vec![wrong(
            "too_short",
            Some(field),
            "List should have at least 1 item after validation, not 0",
            &json!([]),
        )])),
        other => Err(Refused::Invalid(vec![wrong(
            "list_type",
            Some(field),
            "Input should be a valid list",
            other,
        )])),
    }
}

fn needed<'a>(object: &'a Map<String, Value>, field: &str) -> Result<&'a Value, Refused> {
    object.get(field).ok_or_else(|| {
        let input = Value::Object(object.clone());
        Refused::Invalid(vec![wrong(
            "missing",
            Some(field),
            "Field required",
            &input,
        )])
    })
}
