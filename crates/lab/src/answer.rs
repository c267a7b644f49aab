//! The envelope of every JSON answer: `{"ok":true,…}` or `{"ok":false,"error":{…}}`.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::store::StoreError;

/// An error that is told to the caller.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    code: &'static str,
    message: String,
    /// What else stands in the error: `field`, `rule`.
    more: Map<String, Value>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            more: Map::new(),
        }
    }

    /// 422 that names the field to blame.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION", message)
            .with("field", json!(field))
    }

    pub(crate) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.more.insert(key.to_owned(), value);
        self
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL",
            format!("database: {error}"),
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut error = self.more;
        error.insert("code".into(), json!(self.code));
        error.insert("message".into(), json!(self.message));
        answer(self.status, &json!({ "ok": false, "error": error }))
    }
}

/// A JSON answer as it stands.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// 200 with `{"ok":true}` and the given members.
pub(crate) fn ok(members: Value) -> Response {
    ok_with(StatusCode::OK, members)
}

/// As [`ok`], with another status.
pub(crate) fn ok_with(status: StatusCode, mut members: Value) -> Response {
    members["ok"] = json!(true);
    answer(status, &members)
}

/// The object that a request's body must be.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "BAD_REQUEST",
            "the body must be a JSON object",
        )),
        Err(error) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "BAD_REQUEST",
            format!("the body is not JSON: {error}"),
        )),
    }
}

/// A text member; absent and null are `None`.
pub(crate) fn text<'a>(
    object: &'a Map<String, Value>,
    field: &str,
) -> Result<Option<&'a str>, Problem> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Problem::field(field, format!("{field} must be a text"))),
    }
}

/// A list of non-empty texts; absent is an empty list.
pub(crate) fn texts(object: &Map<String, Value>, field: &str) -> Result<Vec<String>, Problem> {
    let wrong = || Problem::field(field, format!("{field} must be a list of texts"));
    match object.get(field) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list
            .iter()
            .map(|item| {
                item.as_str()
                    .filter(|text| !text.is_empty())
                    .map(ToOwned::to_owned)
                    .ok_or_else(wrong)
            })
            .collect(),
        Some(_) => Err(wrong()),
    }
}

/// A name: needed, not blank, at most 120 characters.
pub(crate) fn name(object: &Map<String, Value>) -> Result<String, Problem> {
    let name = text(object, "name")?.unwrap_or_default().trim();
    match name.chars().count() {
        0 => Err(Problem::field("name", "name is needed")),
        1..=120 => Ok(name.to_owned()),
        _ => Err(Problem::field("name", "name is longer than 120 characters")),
    }
}
