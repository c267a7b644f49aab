//! What a plan may write of the `tls` probe.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::http::without_templates;
use crate::texts::Names;

/// `tls:` looks at how a server speaks TLS. It makes one whole handshake and one GET for HSTS; what else the server
/// would speak is told from hellos that are never completed, 150 at most, one at a time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsOptions {
    /// The server: `HOST:PORT` of one of the environment's targets, or `target` for the `http` target's own address.
    pub tls: String,
    /// A PEM file with the CA to trust instead of the system's; that of the `http` target where it is its address.
    pub ca: Option<String>,
    /// The name to ask for and to find in the certificate, where it is not the host's own.
    pub name: Option<String>,
    /// Pins (RFC 7469, 2.4): the SHA-256 of a certificate's public key (SPKI) in Base64, with `sha256/` before it or
    /// not. One of them must be the key of the server's certificate, or of one that its certificate is verified by.
    #[serde(default)]
    pub pin: Names,
}

/// Host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Name or address; brackets of IPv6 kept.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Place {
    /// Reads `HOST:PORT`, 443 where there is no port.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.contains("://") || text.contains('/') || text.contains('@') {
            return Err(format!(
                "`{text}` is not `HOST:PORT`; an address has no place here"
            ));
        }
        let authority: http::uri::Authority = text
            .parse()
            .map_err(|e| format!("`{text}` is not `HOST:PORT`: {e}"))?;
        if authority.host().is_empty() {
            return Err(format!("`{text}` names no host"));
        }
        let port = match text.rsplit_once(':') {
            Some((host, port)) if host == authority.host() => port
                .parse()
                .map_err(|_| format!("`{port}` is not a port"))?,
            _ => 443,
        };
        Ok(Self {
            host: authority.host().to_owned(),
            port,
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Reads a pin: 32 bytes in Base64.
pub(super) fn pin(text: &str) -> Result<[u8; 32], String> {
    let bare = text.trim();
    let bare = bare
        .strip_prefix("sha256/")
        .or_else(|| bare.strip_prefix("sha256//"))
        .unwrap_or(bare);
    let bytes = BASE64
        .decode(bare)
        .map_err(|e| format!("the pin `{text}` is not Base64: {e}"))?;
    bytes.try_into().map_err(|bytes: Vec<u8>| {
        format!(
            "the pin `{text}` has {} bytes; the SHA-256 of a public key has 32",
            bytes.len()
        )
    })
}

/// What cannot mean anything.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let mut problems = Vec::new();
    let mut problem = |key: &str, message: String, help: &str| {
        problems.push(OptionProblem {
            code: "tls-options",
            key: key.to_owned(),
            warning: false,
            message,
            help: Some(help.to_owned()),
        });
    };
    let place = options.get("tls").and_then(Json::as_str).unwrap_or("");
    let filled = without_templates(place);
    if place != "target"
        && let Err(message) = Place::parse(&filled)
    {
        let help = "such as `tls: shop.example:443`, or `tls: target`";
        problem("tls", message, help);
    }
    if let Some(name) = options.get("name").and_then(Json::as_str)
        && !name.contains("${")
        && rustls::pki_types::ServerName::try_from(name).is_err()
    {
        let message = format!("`{name}` is not a name that a certificate can hold");
        problem("name", message, "such as `name: shop.example`");
    }
    let pins = options.get("pin").and_then(Json::as_array);
    if pins.is_some_and(Vec::is_empty) {
        let message = "an empty list of pins pins nothing".to_owned();
        problem("pin", message, "leave `pin:` out, or give a pin");
    }
    for text in pins.into_iter().flatten().filter_map(Json::as_str) {
        if !text.contains("${")
            && let Err(message) = pin(text)
        {
            let help = "openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64";
            problem("pin", message, help);
        }
    }
    problems
}
