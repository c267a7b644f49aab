//! Who is asking: tokens (HS256 only) and roles.

use axum::{
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};
use serde::Deserialize;

use super::{Fault, Faults};
use crate::answer::Problem;

/// What a token says about its bearer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Caller {
    #[serde(default)]
    pub(crate) sub: String,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    pub(crate) jti: Option<String>,
    pub(crate) exp: i64,
}

/// Why a caller was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Missing,
    Malformed,
    Invalid,
    Expired,
    Early,
    NoReader,
    NoAdmin,
}

impl Refusal {
    fn message(self) -> &'static str {
        match self {
            Self::Missing => "Missing token",
            Self::Malformed => "Malformed authorization header",
            Self::Invalid => "Invalid token",
            Self::Expired => "Token expired",
            Self::Early => "Token not yet valid",
            Self::NoReader => "Role viewer or admin needed",
            Self::NoAdmin => "Role admin needed",
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Missing | Self::Malformed => "invalid_request",
            Self::Invalid | Self::Expired | Self::Early => "invalid_token",
            Self::NoReader | Self::NoAdmin => {
                return Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", self.message())
                    .into_response();
            }
        };
        let challenge = format!(
            "Bearer error=\"{error}\", error_description=\"{}\"",
            self.message()
        );
        let mut response =
            Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", self.message()).into_response();
        let challenge = HeaderValue::from_str(&challenge).expect("the messages above are ASCII");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
        response
    }
}

/// Verifies tokens and roles.
pub(crate) struct Guard {
    key: DecodingKey,
    validation: Validation,
    anyone_reads: bool,
    viewer_writes: bool,
}

impl Guard {
    pub(crate) fn new(secret: &str, faults: &Faults) -> Self {
        let key = if faults.contains(&Fault::WrongJwtSecret) {
            DecodingKey::from_secret(format!("{secret}-of-another-environment").as_bytes())
        } else {
            DecodingKey::from_secret(secret.as_bytes())
        };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_aud = false;
        validation.validate_exp = !faults.contains(&Fault::ExpiredTokenAccepted);
        validation.validate_nbf = !faults.contains(&Fault::EarlyTokenAccepted);
        Self {
            key,
            validation,
            anyone_reads: faults.contains(&Fault::NoAuthRequired),
            viewer_writes: faults.contains(&Fault::ViewerMayWrite),
        }
    }

    /// Lets a request in, or says why not.
    pub(crate) fn admit(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Caller, Refusal> {
        let reads = only_reads(method, path);
        let caller = match self.caller(headers) {
            Err(Refusal::Missing) if self.anyone_reads && reads => Caller {
                sub: "anonymous".into(),
                roles: vec!["viewer".into()],
                jti: None,
                exp: 0,
            },
            other => other?,
        };
        let has = |role: &str| caller.roles.iter().any(|own| own == role);
        if has("admin") || (has("viewer") && (reads || self.viewer_writes)) {
            return Ok(caller);
        }
        Err(if reads {
            Refusal::NoReader
        } else {
            Refusal::NoAdmin
        })
    }

    fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let header = headers.get(header::AUTHORIZATION).ok_or(Refusal::Missing)?;
        let token = header
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("Bearer "))
            .ok_or(Refusal::Malformed)?
            .trim();
        if token.is_empty() {
            return Err(Refusal::Missing);
        }
        match jsonwebtoken::decode::<Caller>(token, &self.key, &self.validation) {
            Ok(token) => Ok(token.claims),
            Err(error) => Err(match error.kind() {
                ErrorKind::ExpiredSignature => Refusal::Expired,
                ErrorKind::ImmatureSignature => Refusal::Early,
                _ => Refusal::Invalid,
            }),
        }
    }
}

/// Whether a request changes nothing. Evaluating rules is a question, although it is a POST.
pub(crate) fn only_reads(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        || path == "/api/admin/protection-rules/evaluate"
}
