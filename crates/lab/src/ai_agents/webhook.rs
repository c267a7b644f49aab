//! `POST /webhook/servicedesk`: events that ServiceDesk Plus signs.
//!
//! `X-ServiceDesk-Timestamp: SECONDS` says when it was sent, `X-ServiceDesk-Signature: sha256=HEX` holds the HMAC-SHA256 of
//! `SECONDS.BODY`. What is older than five minutes is refused, and so is what was received already.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::Response,
};
use ring::hmac;
use serde_json::{Value, json};

use super::{
    Fault,
    answer::{self, Refused},
    app::App,
    auth::now,
};

const SIGNATURE: &str = "x-servicedesk-signature";
const TIMESTAMP: &str = "x-servicedesk-timestamp";

/// For how many seconds a signature is good.
const TOLERANCE: u64 = 5 * 60;

struct Signature<'a> {
    at: u64,
    tag: &'a str,
}

pub(super) async fn receive(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    match headers.get(SIGNATURE) {
        Some(given) => {
            let signature =
                read(given, &headers).ok_or_else(|| unauthorized("Malformed webhook signature"))?;
            verify(&app, &signature, &body)?;
            if !app.redis.is_new(signature.tag).await? {
                return Err(unauthorized("Webhook was received already"));
            }
        }
        // The planted ones: the secret is looked up by the header that is not there; the signature is checked where there is one.
        None if app.has(Fault::Webhook500) => {
            return Err(Refused::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal Server Error",
            ));
        }
        None if app.has(Fault::WebhookUnsignedAccepted) => {}
        None => return Err(unauthorized("Missing webhook signature")),
    }
    let event = answer::fields(&body, &["event"])?.remove(0);
    let whole: Value = serde_json::from_slice(&body).unwrap_or_default();
    app.pool
        .rows(
            "insert into webhook_events (body) values ($1::text::jsonb) returning id",
            &[&whole.to_string()],
        )
        .await?;
    app.metrics.count("webhook_events_total", &[]);
    Ok(answer::json(
        StatusCode::ACCEPTED,
        &json!({ "status": "accepted", "event": event }),
    ))
}

fn verify(app: &App, signature: &Signature<'_>, body: &[u8]) -> Result<(), Refused> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, app.webhook_secret.as_bytes());
    let signed = [format!("{}.", signature.at).as_bytes(), body].concat();
    let right = bytes(signature.tag).is_some_and(|tag| hmac::verify(&key, &signed, &tag).is_ok());
    if !right {
        return Err(unauthorized("Invalid webhook signature"));
    }
    if now().abs_diff(signature.at) > TOLERANCE && !app.has(Fault::WebhookReplayAccepted) {
        return Err(unauthorized("Webhook timestamp is too old"));
    }
    Ok(())
}

fn read<'a>(given: &'a HeaderValue, headers: &HeaderMap) -> Option<Signature<'a>> {
    Some(Signature {
        at: headers.get(TIMESTAMP)?.to_str().ok()?.parse().ok()?,
        tag: given.to_str().ok()?.strip_prefix("sha256=")?,
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
        .collect()
}

fn unauthorized(why: &str) -> Refused {
    Refused::new(StatusCode::UNAUTHORIZED, why)
}
