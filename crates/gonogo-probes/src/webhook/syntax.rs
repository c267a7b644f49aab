//! What a plan may write of the `webhook` probe.

use std::collections::BTreeMap;

use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::http::{Basic, request_line, without_templates};

/// `webhook:` sends one event to a receiver of webhooks several times: without a signature, with a wrong one, with a
/// changed body, with an old timestamp, and last with a good signature.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookOptions {
    /// The request line: a method and a path below the target's address, such as `POST /webhooks/github`.
    #[schemars(extend("format" = "request-line"))]
    pub webhook: String,
    /// The secret that sender and receiver share; best an input that is secret. It is never recorded.
    pub secret: String,
    /// How the sender signs: `github`, `stripe`, `slack`, or `generic` with the options below; `generic` by default.
    #[serde(default)]
    pub scheme: Scheme,
    /// `generic`: the header that holds the signature.
    pub signature_header: Option<String>,
    /// `generic`: what stands before the signature in its header, such as `sha256=`.
    pub prefix: Option<String>,
    /// `generic`: how the signature is written, `hex` by default.
    pub encoding: Option<Encoding>,
    /// `generic`: the hash of the HMAC, `sha256` by default.
    pub algorithm: Option<Hash>,
    /// `generic`: the header that holds the time of sending, in seconds since 1970. Without it nothing keeps an old
    /// event from being sent again, and there is no `replayed`.
    pub timestamp_header: Option<String>,
    /// `generic`: what is signed, with `{timestamp}` and `{body}` in their places: `{timestamp}.{body}` by default where
    /// there is a `timestamp_header`, else `{body}`.
    pub signed: Option<String>,
    /// The event as JSON; sets `Content-Type: application/json`.
    pub json: Option<Json>,
    /// The event as text, sent as it stands.
    pub body: Option<String>,
    /// Further request headers, such as `X-GitHub-Event: push`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How old the timestamp of `replayed` is: `1h` by default. Stripe and Slack take five minutes.
    #[schemars(extend("format" = "duration"))]
    pub replayed_after: Option<String>,
    /// The token of `Authorization: Bearer`, for a receiver behind a gateway; `none` takes off the target's.
    pub bearer: Option<String>,
    /// User and password of `Authorization: Basic`, for a receiver behind a gateway.
    pub basic: Option<Basic>,
}

/// Who signs, and so how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// `X-Hub-Signature-256: sha256=HEX` over the body (docs.github.com, "Validating webhook deliveries").
    Github,
    /// `Stripe-Signature: t=TIME,v1=HEX` over `TIME.BODY` (docs.stripe.com, "Verify webhook signatures manually").
    Stripe,
    /// `X-Slack-Signature: v0=HEX` over `v0:TIME:BODY`, with `X-Slack-Request-Timestamp` (docs.slack.dev, "Verifying
    /// requests from Slack").
    Slack,
    /// As the options beside it say.
    #[default]
    Generic,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Lower-case hexadecimal.
    #[default]
    Hex,
    /// Base64 with padding (RFC 4648, 4).
    Base64,
}

/// The hash of an HMAC (RFC 2104).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Hash {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// The options that only `generic` has.
const ONLY_GENERIC: [&str; 6] = [
    "signature_header",
    "prefix",
    "encoding",
    "algorithm",
    "timestamp_header",
    "signed",
];

/// Whether the receiver can tell an old event from a new one. A template is taken for a scheme that can.
pub(super) fn may_have_a_timestamp(options: &Json) -> bool {
    match options.get("scheme").and_then(Json::as_str) {
        Some("github") => false,
        None | Some("generic") => options.get("timestamp_header").is_some(),
        Some(_) => true,
    }
}

/// What cannot mean anything.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let text = |key: &str| options.get(key).and_then(Json::as_str);
    let has = |key: &str| options.get(key).is_some();
    let mut problems = Vec::new();
    let mut problem = |key: &str, warning: bool, message: String, help: &str| {
        problems.push(OptionProblem {
            code: "webhook-options",
            key: key.to_owned(),
            warning,
            message,
            help: Some(help.to_owned()),
        });
    };
    if let Err(message) = request_line(&without_templates(text("webhook").unwrap_or(""))) {
        problem("webhook", false, message, "such as `webhook: POST /hook`");
    }
    if let Some(secret) = text("secret") {
        if secret.trim().is_empty() {
            let message = "an empty secret signs nothing: anybody could".to_owned();
            problem("secret", false, message, "`secret: ${inputs.hook_secret}`");
        } else if !secret.contains("${") {
            let message = "the secret stands in the plan, where everybody reads it".to_owned();
            let help = "make it an input that is secret: `secret: ${inputs.hook_secret}`";
            problem("secret", true, message, help);
        }
    }
    let scheme = text("scheme").unwrap_or("generic");
    if scheme == "generic" && !has("signature_header") {
        let message = "nothing says where the signature stands".to_owned();
        let help = "add `signature_header: X-Signature`, or `scheme: github`, `stripe` or `slack`";
        problem("webhook", false, message, help);
    }
    if scheme != "generic" && !scheme.contains("${") {
        for key in ONLY_GENERIC.into_iter().filter(|key| has(key)) {
            let message = format!("`{key}` belongs to `scheme: generic`; `{scheme}` fixes it");
            problem(key, false, message, "take it out");
        }
    }
    if has("json") && has("body") {
        let message = "only one of `json` and `body` can be sent".to_owned();
        problem("body", false, message, "keep the one that the sender sends");
    }
    if !has("json") && !has("body") {
        let message = "there is no event to send".to_owned();
        problem("webhook", false, message, "add `json:` or `body:`");
    }
    for key in ["signature_header", "timestamp_header"] {
        if let Some(name) = text(key).filter(|n| !n.contains("${"))
            && let Err(why) = http::HeaderName::try_from(name)
        {
            let message = format!("`{name}` is not the name of a header: {why}");
            problem(key, false, message, "such as `X-Signature`");
        }
    }
    if let Some(signed) = text("signed").filter(|s| !s.contains("${")) {
        if !signed.contains("{body}") {
            let message = "the body is not signed, so anybody can change it".to_owned();
            problem("signed", false, message, "such as `{timestamp}.{body}`");
        }
        if signed.contains("{timestamp}") != has("timestamp_header") {
            let message =
                "`{timestamp}` and `timestamp_header` belong together: what is signed must be sent"
                    .to_owned();
            problem("signed", false, message, "give both or neither");
        }
    }
    problems
}
