//! What a plan may write of the `http` probe and of an `http` target.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// `http:` a request to the environment's HTTP target, and the options beside it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpOptions {
    /// The request line: a method and a path below the target's address, such as `GET /health`. What a template
    /// fills in is percent-encoded as one segment.
    #[schemars(extend("format" = "request-line"))]
    pub http: String,
    /// Request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Query parameters, encoded and appended to the path.
    #[serde(default)]
    pub query: BTreeMap<String, Json>,
    /// The body as JSON; sets `Content-Type: application/json`.
    pub json: Option<Json>,
    /// The body as form fields; sets `Content-Type: application/x-www-form-urlencoded`.
    pub form: Option<BTreeMap<String, Json>>,
    /// The body as text, sent as it stands.
    pub body: Option<String>,
    /// The token of `Authorization: Bearer`; `none` takes off the target's.
    pub bearer: Option<String>,
    /// User and password of `Authorization: Basic`.
    pub basic: Option<Basic>,
    /// How many redirects are followed, 0 by default; only to the environment's targets, never with credentials to
    /// another host.
    #[schemars(range(min = 0, max = 20))]
    pub redirects: Option<u8>,
    /// The protocol: `auto` (by ALPN, HTTP/1.1 without TLS), `1.1` or `2`.
    pub version: Option<Version>,
    /// How many bytes of the body are kept, 1 MiB by default; reading stops there.
    #[schemars(range(min = 1, max = 67_108_864))]
    pub max_body: Option<u64>,
}

impl HttpOptions {
    /// Only a request line, such as `GET /`.
    pub(crate) fn line(line: impl Into<String>) -> Self {
        Self {
            http: line.into(),
            headers: BTreeMap::new(),
            query: BTreeMap::new(),
            json: None,
            form: None,
            body: None,
            bearer: None,
            basic: None,
            redirects: None,
            version: None,
            max_body: None,
        }
    }
}

/// User and password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user's name.
    pub user: String,
    /// The password; best an input that is secret.
    pub password: String,
}

/// The HTTP version to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Version {
    /// HTTP/2 where TLS negotiates it, else HTTP/1.1.
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1.
    #[serde(rename = "1.1")]
    Http1,
    /// HTTP/2; without TLS by prior knowledge.
    #[serde(rename = "2")]
    Http2,
}

/// A target that speaks HTTP, with the defaults that its checks share.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpTarget {
    /// Its address: `https://staging.example.org`, with a path before all others where it has one.
    pub http: String,
    /// A PEM file with the CA to trust instead of the system's.
    pub ca: Option<String>,
    /// The token of `Authorization: Bearer` for all checks; `bearer: none` in a check takes it off.
    pub bearer: Option<String>,
    /// User and password for all checks.
    pub basic: Option<Basic>,
    /// Headers for all checks.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The protocol for all checks.
    pub version: Option<Version>,
}

/// A method and the rest of a request line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    /// The method, in capitals.
    pub method: String,
    /// Path and query, beginning with `/`.
    pub path: String,
}

/// The methods that only read (RFC 9110, 9.2.1).
pub const SAFE_METHODS: [&str; 4] = ["GET", "HEAD", "OPTIONS", "TRACE"];

/// Takes a request line apart.
pub fn request_line(text: &str) -> Result<RequestLine, String> {
    let (method, path) = text.trim().split_once(char::is_whitespace).ok_or_else(|| {
        format!("`{text}` is not a request line; write a method and a path: `GET /health`")
    })?;
    let path = path.trim();
    let known = [
        "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PURGE", "PROPFIND",
        "REPORT", "QUERY",
    ];
    if !known.contains(&method) {
        return Err(format!(
            "`{method}` is not a method that is known here ({})",
            known.join(", ")
        ));
    }
    if !path.starts_with('/') {
        return Err(format!(
            "the path `{path}` must begin with `/`: the host is the target's"
        ));
    }
    if let Some(bad) = path.chars().find(|c| c.is_control() || c.is_whitespace()) {
        return Err(format!(
            "the path holds {bad:?}, which must be percent-encoded"
        ));
    }
    Ok(RequestLine {
        method: method.to_owned(),
        path: path.to_owned(),
    })
}

/// The parts of a target's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// Whether it is `https`.
    pub tls: bool,
    /// Host name or address, brackets of IPv6 kept.
    pub host: String,
    /// Port, the scheme's own where none is written.
    pub port: u16,
    /// Path before all others, without a slash at its end.
    pub path: String,
    /// The Unix socket on this machine that is connected to instead of a host.
    pub socket: Option<String>,
}

impl BaseUrl {
    /// HTTP over a Unix socket, as container engines speak it.
    pub fn over_socket(path: &str) -> Self {
        Self {
            tls: false,
            host: "localhost".to_owned(),
            port: 80,
            path: String::new(),
            socket: Some(path.to_owned()),
        }
    }

    /// Reads `http://host:port/path`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let uri: http::Uri = text
            .trim()
            .parse()
            .map_err(|e| format!("`{text}` is not an address: {e}"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(other) => return Err(format!("`{other}` is not http or https in `{text}`")),
            None => {
                return Err(format!(
                    "`{text}` has no scheme; write `http://` or `https://`"
                ));
            }
        };
        let authority = uri
            .authority()
            .ok_or_else(|| format!("`{text}` names no host"))?;
        if authority.as_str().contains('@') {
            return Err(
                "credentials in an address end up in logs; use `basic:` or `bearer:`".to_owned(),
            );
        }
        if uri.query().is_some() {
            return Err(format!("a target's address has no query: `{text}`"));
        }
        Ok(Self {
            tls,
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path: uri.path().trim_end_matches('/').to_owned(),
            socket: None,
        })
    }

    /// `host`, with the port where it is not the scheme's own.
    pub fn host_header(&self) -> String {
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// Scheme, host and port, for a person.
    pub fn origin(&self) -> String {
        if let Some(socket) = &self.socket {
            return format!("unix://{socket}");
        }
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.host_header())
    }
}

/// The host that a target of the key reaches.
pub fn target_host(options: &Json, key: &str) -> Result<Option<String>, String> {
    let text = options
        .get(key)
        .and_then(Json::as_str)
        .ok_or_else(|| format!("`{key}` must be an address"))?;
    let base = BaseUrl::parse(text)?;
    Ok(Some(format!("{}:{}", base.host, base.port)))
}
