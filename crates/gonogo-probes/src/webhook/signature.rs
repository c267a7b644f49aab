//! Signatures of webhooks, pure: the headers that a sender would send.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::hmac;

use super::syntax::{Encoding, Hash, Scheme, WebhookOptions};

/// How a sender signs.
pub(super) struct Signer {
    hash: hmac::Algorithm,
    encoding: Encoding,
    signature_header: String,
    prefix: String,
    timestamp_header: Option<String>,
    signed: String,
    stripe: bool,
}

impl Signer {
    pub(super) fn of(options: &WebhookOptions) -> Result<Self, String> {
        let fixed = |header: &str, prefix: &str, timestamp: Option<&str>, signed: &str| Self {
            hash: hmac::HMAC_SHA256,
            encoding: Encoding::Hex,
            signature_header: header.to_owned(),
            prefix: prefix.to_owned(),
            timestamp_header: timestamp.map(str::to_owned),
            signed: signed.to_owned(),
            stripe: false,
        };
        Ok(match options.scheme {
            Scheme::Github => fixed("x-hub-signature-256", "sha256=", None, "{body}"),
            Scheme::Slack => fixed(
                "x-slack-signature",
                "v0=",
                Some("x-slack-request-timestamp"),
                "v0:{timestamp}:{body}",
            ),
            Scheme::Stripe => Self {
                stripe: true,
                ..fixed("stripe-signature", "v1=", None, "{timestamp}.{body}")
            },
            Scheme::Generic => Self {
                hash: match options.algorithm.unwrap_or_default() {
                    Hash::Sha256 => hmac::HMAC_SHA256,
                    Hash::Sha384 => hmac::HMAC_SHA384,
                    Hash::Sha512 => hmac::HMAC_SHA512,
                },
                encoding: options.encoding.unwrap_or_default(),
                signature_header: options
                    .signature_header
                    .clone()
                    .ok_or("nothing says where the signature stands: give `signature_header`")?,
                prefix: options.prefix.clone().unwrap_or_default(),
                timestamp_header: options.timestamp_header.clone(),
                signed: options.signed.clone().unwrap_or_else(|| {
                    let timed = options.timestamp_header.is_some();
                    if timed {
                        "{timestamp}.{body}"
                    } else {
                        "{body}"
                    }
                    .to_owned()
                }),
                stripe: false,
            },
        })
    }

    /// Whether a time is signed, so that an old event can be told from a new one.
    pub(super) fn has_timestamp(&self) -> bool {
        self.stripe || self.timestamp_header.is_some()
    }

    /// The headers of an event that was signed with the secret at that time, in seconds since 1970.
    pub(super) fn headers(&self, secret: &[u8], body: &str, time: i64) -> Vec<(String, String)> {
        let key = hmac::Key::new(self.hash, secret);
        let mac = hmac::sign(&key, &self.message(body, time));
        let written = match self.encoding {
            Encoding::Hex => mac.as_ref().iter().map(|b| format!("{b:02x}")).collect(),
            Encoding::Base64 => BASE64.encode(mac.as_ref()),
        };
        let value = format!("{}{written}", self.prefix);
        let value = if self.stripe {
            format!("t={time},{value}")
        } else {
            value
        };
        let timestamp = self
            .timestamp_header
            .iter()
            .map(|name| (name.clone(), time.to_string()));
        [(self.signature_header.clone(), value)]
            .into_iter()
            .chain(timestamp)
            .collect()
    }

    /// What is signed. The placeholders are replaced in one pass, so that a body may hold their names.
    fn message(&self, body: &str, time: i64) -> Vec<u8> {
        let mut message = Vec::with_capacity(body.len() + self.signed.len() + 20);
        let mut rest = self.signed.as_str();
        while let Some(start) = rest.find('{') {
            message.extend_from_slice(&rest.as_bytes()[..start]);
            rest = &rest[start..];
            if let Some(after) = rest.strip_prefix("{body}") {
                message.extend_from_slice(body.as_bytes());
                rest = after;
            } else if let Some(after) = rest.strip_prefix("{timestamp}") {
                message.extend_from_slice(time.to_string().as_bytes());
                rest = after;
            } else {
                message.push(b'{');
                rest = &rest[1..];
            }
        }
        message.extend_from_slice(rest.as_bytes());
        message
    }
}
