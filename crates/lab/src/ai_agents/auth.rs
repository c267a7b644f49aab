//! Logging in, and what a token is good for.

use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::{
    pbkdf2,
    rand::{SecureRandom as _, SystemRandom},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Fault,
    answer::{self, Refused},
    app::App,
};

/// How long a token is good for.
const LIFE: u64 = 30 * 60;

/// Few, because the lab keeps no password that is worth more.
const ROUNDS: NonZeroU32 = NonZeroU32::new(1000).expect("not zero");
const SALT: &[u8] = b"ai-agents";

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    role: String,
    iat: u64,
    exp: u64,
    /// Two tokens of one second are two tokens.
    jti: String,
}

/// What is kept of a password.
pub(super) fn hash(password: &str) -> String {
    let mut bytes = [0u8; 32];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        ROUNDS,
        SALT,
        password.as_bytes(),
        &mut bytes,
    );
    answer::hex(&bytes)
}

/// `POST /api/auth/login`
pub(super) async fn login(State(app): State<Arc<App>>, body: Bytes) -> Result<Response, Refused> {
    let fields = answer::fields(&body, &["username", "password"])?;
    let (username, password) = (&fields[0], &fields[1]);
    let rows = app
        .pool
        .rows(
            "select password_hash, role from users where username = $1",
            &[username],
        )
        .await?;
    let known = rows
        .first()
        .map(|row| (row.get::<_, String>(0), row.get::<_, String>(1)));
    let accepted =
        known.filter(|(kept, _)| app.has(Fault::WrongPasswordAccepted) || *kept == hash(password));
    let Some((_, role)) = accepted else {
        return Err(Refused::new(
            StatusCode::UNAUTHORIZED,
            "Incorrect username or password",
        ));
    };
    let now = now();
    let claims = Claims {
        sub: username.clone(),
        role,
        iat: now,
        exp: now + LIFE,
        jti: fresh()?,
    };
    let key = EncodingKey::from_secret(app.jwt_secret.as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
        .map_err(|error| Refused::from(error.to_string()))?;
    Ok(answer::json(
        StatusCode::OK,
        &json!({ "access_token": token, "token_type": "bearer", "expires_in": LIFE }),
    ))
}

fn fresh() -> Result<String, Refused> {
    let mut bytes = [0u8; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Refused::from("no random bytes".to_owned()))?;
    Ok(answer::hex(&bytes))
}

/// `GET /api/auth/me`
pub(super) async fn me(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let claims = claims(&app, &headers)?;
    Ok(answer::json(
        StatusCode::OK,
        &json!({ "username": claims.sub, "role": claims.role }),
    ))
}

/// The caller's token, if it is good.
pub(super) fn token<'a>(app: &App, headers: &'a HeaderMap) -> Result<&'a str, Refused> {
    claims(app, headers)?;
    Ok(given(headers).unwrap_or_default())
}

fn given(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

fn claims(app: &App, headers: &HeaderMap) -> Result<Claims, Refused> {
    let Some(token) = given(headers) else {
        return Err(Refused::new(StatusCode::UNAUTHORIZED, "Not authenticated"));
    };
    let key = DecodingKey::from_secret(app.jwt_secret.as_bytes());
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .map(|decoded| decoded.claims)
        .map_err(|_| Refused::new(StatusCode::UNAUTHORIZED, "Could not validate credentials"))
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the lab stands outside of gonogo's world and has a clock of its own"
)]
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
