//! The observing: the same event five times, each signed in another way.

use gonogo_core::duration::parse_duration_ns;
use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use gonogo_core::{Map, Value};
use ring::rand::SecureRandom as _;

use super::observed::{self, CALLS, MAX_BODY};
use super::signature::Signer;
use super::syntax::WebhookOptions;
use crate::http::{self, BaseUrl, HttpOptions};
use crate::probe::{Call, Seen};

/// How old the timestamp of `replayed` is, in seconds: Stripe and Slack take five minutes.
const REPLAYED_AFTER: i64 = 3600;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let bad = |message: String| ctx.not_observed("webhook", Cause::BadOptions, message);
    let http::OverHttp {
        options,
        target,
        settings,
    } = http::over_http::<WebhookOptions>(&call, "webhook")?;
    let base = BaseUrl::parse(&settings.http).map_err(bad)?;
    let event = Event::of(&options).map_err(bad)?;
    let mut facts = Map::new();
    let mut accepted = Vec::new();
    for (name, _) in CALLS {
        let Some((body, headers)) = event.signed(name, ctx.wall_now().timestamp()) else {
            continue;
        };
        let request = request(&options, body, headers);
        let fetched = http::ask(ctx, &settings, &request)
            .await
            .map_err(|gap| NotObserved {
                message: format!("the call `{name}`: {}", gap.message),
                ..gap
            })?;
        if (200..300).contains(&fetched.status) {
            accepted.push(Value::from(name));
        }
        facts.insert(name.to_owned(), observed::answer(&fetched));
    }
    facts.insert("accepted".to_owned(), Value::List(accepted));
    Ok(Seen {
        facts,
        target: Some(TargetSeen {
            name: target.name.clone(),
            address: format!("{}{}", base.origin(), base.path),
            engine: None,
        }),
        ..Seen::default()
    })
}

fn request(options: &WebhookOptions, body: String, signed: Vec<(String, String)>) -> HttpOptions {
    let mut headers = options.headers.clone();
    let is_typed = headers
        .keys()
        .any(|name| name.eq_ignore_ascii_case("content-type"));
    if options.json.is_some() && !is_typed {
        headers.insert("content-type".to_owned(), "application/json".to_owned());
    }
    headers.extend(signed);
    HttpOptions {
        headers,
        body: Some(body),
        bearer: options.bearer.clone(),
        basic: options.basic.clone(),
        max_body: Some(MAX_BODY),
        ..HttpOptions::line(options.webhook.as_str())
    }
}

/// An event, ready to be signed. Holds the secret, so it cannot be printed.
struct Event {
    signer: Signer,
    secret: Vec<u8>,
    another: Vec<u8>,
    /// As it is sent: what is signed are the same bytes.
    body: String,
    age: i64,
}

impl Event {
    fn of(options: &WebhookOptions) -> Result<Self, String> {
        if options.secret.trim().is_empty() {
            return Err("the secret is empty: anybody could sign with it".to_owned());
        }
        let body = match (&options.json, &options.body) {
            (Some(_), Some(_)) => {
                return Err("only one of `json` and `body` can be sent".to_owned());
            }
            (Some(json), None) => json.to_string(),
            (None, Some(body)) => body.clone(),
            (None, None) => {
                return Err("there is no event to send: give `json` or `body`".to_owned());
            }
        };
        let age = match &options.replayed_after {
            None => REPLAYED_AFTER,
            Some(text) => parse_duration_ns(text).map_err(|e| e.to_string())? / 1_000_000_000,
        };
        if age < 1 {
            return Err(
                "`replayed_after` must be a second at least: younger is not old".to_owned(),
            );
        }
        let mut another = vec![0u8; 32];
        ring::rand::SystemRandom::new()
            .fill(&mut another)
            .map_err(|_| "this machine gives no random numbers".to_owned())?;
        Ok(Self {
            signer: Signer::of(options)?,
            secret: options.secret.clone().into_bytes(),
            another,
            body,
            age,
        })
    }

    /// Body and headers of a call; nothing where the scheme has no such call.
    fn signed(&self, call: &str, now: i64) -> Option<(String, Vec<(String, String)>)> {
        let sign = |secret: &[u8], time| self.signer.headers(secret, &self.body, time);
        let body = self.body.clone();
        Some(match call {
            "unsigned" => (body, Vec::new()),
            "wrong_signature" => (body, sign(&self.another, now)),
            "tampered" => (tampered(&self.body), sign(&self.secret, now)),
            "replayed" if !self.signer.has_timestamp() => return None,
            "replayed" => (body, sign(&self.secret, now - self.age)),
            _ => (body, sign(&self.secret, now)),
        })
    }
}

/// The body with something else in it: another event, whatever its receiver takes for the same.
pub(super) fn tampered(body: &str) -> String {
    match body.trim_start().strip_prefix('{') {
        Some(rest) if rest.trim_start().starts_with('"') => format!("{{\"tampered\":true,{rest}"),
        _ => format!("{body} tampered"),
    }
}
