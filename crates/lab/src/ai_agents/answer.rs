//! Answers as FastAPI gives them: JSON, and errors as `{"detail": …}`.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// An error that is told to the caller.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refused {
    status: StatusCode,
    detail: Value,
}

impl Refused {
    pub(super) fn new(status: StatusCode, detail: &str) -> Self {
        Self {
            status,
            detail: json!(detail),
        }
    }

    /// 422 that names the field to blame, as pydantic does.
    pub(super) fn field(field: &str, kind: &str, message: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: json!([{ "type": kind, "loc": ["body", field], "msg": message }]),
        }
    }

    fn body(message: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: json!([{ "type": "json_invalid", "loc": ["body"], "msg": message }]),
        }
    }
}

/// What the database or Redis said goes into no answer.
impl From<String> for Refused {
    fn from(_: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable")
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = json(self.status, &json!({ "detail": self.detail }));
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A JSON answer as it stands.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    typed(status, "application/json", body.to_string())
}

/// An answer of a media type.
pub(super) fn typed(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The text members of a request's body, each of which is needed.
pub(super) fn fields(body: &[u8], names: &[&str]) -> Result<Vec<String>, Refused> {
    let body: Value =
        serde_json::from_slice(body).map_err(|_| Refused::body("JSON decode error"))?;
    names
        .iter()
        .map(|name| match body.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
            Some(Value::String(_)) => Err(Refused::field(
                name,
                "string_too_short",
                "String should have at least 1 character",
            )),
            None | Some(Value::Null) => Err(Refused::field(name, "missing", "Field required")),
            Some(_) => Err(Refused::field(
                name,
                "string_type",
                "Input should be a valid string",
            )),
        })
        .collect()
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
