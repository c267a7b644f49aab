//! What a plan may write of the `cors` probe.

use std::collections::BTreeMap;

use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::http::Basic;
use crate::texts::Names;

/// `cors:` the origin of a web page, such as `https://app.example.org`, and what it wants of the environment's HTTP
/// target. Only OPTIONS and GET are sent, whatever the page would send.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorsOptions {
    /// The origin of the page that asks, as browsers write it: scheme, host, and the port where it is not the scheme's
    /// own. `null` is the origin of sandboxed frames and local files.
    pub cors: String,
    /// The path that it asks for; `/` by default.
    #[schemars(extend("format" = "path"))]
    pub path: Option<String>,
    /// The method that the preflight asks for; `GET` by default. It is never sent: the request itself is a GET.
    pub method: Option<String>,
    /// The request headers that the preflight asks for, beyond those that every page may send: `content-type` for JSON,
    /// `authorization` for a token.
    #[serde(default)]
    pub request_headers: Names,
    /// Whether the page asks with credentials (cookies, client certificates): then neither `*` nor a missing
    /// `Access-Control-Allow-Credentials` will do.
    #[serde(default)]
    pub credentials: bool,
    /// Further headers of the request itself; the preflight has none of them, as browsers do it.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The token of `Authorization: Bearer` of the request itself; `none` takes off the target's.
    pub bearer: Option<String>,
    /// User and password of the request itself.
    pub basic: Option<Basic>,
}

/// What is wrong with an origin.
pub(super) fn origin_problem(origin: &str) -> Option<String> {
    if origin == "null" {
        return None;
    }
    let Some((scheme, rest)) = origin.split_once("://") else {
        return Some(format!(
            "`{origin}` is not an origin: it has no scheme such as `https://`"
        ));
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    if scheme.is_empty() || !scheme.chars().all(plain) {
        return Some(format!("the scheme of `{origin}` is not one"));
    }
    if rest.contains(['/', '?', '#']) {
        return Some(format!(
            "`{origin}` has a path: an origin ends after host and port, also without a slash"
        ));
    }
    let Ok(authority) = rest.parse::<http::uri::Authority>() else {
        return Some(format!("`{origin}` names no host"));
    };
    if rest.contains('@') || rest != rest.to_ascii_lowercase() {
        return Some(format!(
            "`{origin}` is not as browsers write it: lower case, without a user"
        ));
    }
    match (scheme, authority.port_u16()) {
        ("https", Some(443)) | ("http", Some(80)) => Some(format!(
            "browsers leave the scheme's own port out: write `{}`",
            origin.rsplit_once(':').map_or(origin, |(front, _)| front)
        )),
        (_, None) if authority.as_str().ends_with(':') => {
            Some(format!("`{origin}` has a colon and no port"))
        }
        _ => None,
    }
}

/// Whether it may be a method or the name of a header (RFC 9110, 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(fits)
}

pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let mut found = Vec::new();
    let mut problem = |key: &str, message: String, help: &str| {
        found.push(OptionProblem {
            code: "cors",
            key: key.to_owned(),
            warning: false,
            message,
            help: Some(help.to_owned()),
        });
    };
    let text = |key: &str| {
        let text = options.get(key).and_then(Json::as_str);
        text.filter(|text| !text.contains("${"))
    };
    if let Some(message) = text("cors").and_then(origin_problem) {
        problem("cors", message, "such as `cors: https://app.example.org`");
    }
    if let Some(method) = text("method").filter(|method| !is_token(method)) {
        let message = format!("`{method}` is not a method");
        problem("method", message, "such as `method: PUT`");
    }
    let names = options.get("request_headers").and_then(Json::as_array);
    for name in names.into_iter().flatten().filter_map(Json::as_str) {
        if !name.contains("${") && !is_token(name) {
            let message = format!("`{name}` is not the name of a header");
            let help = "such as `request_headers: [authorization, content-type]`";
            problem("request_headers", message, help);
        }
    }
    found
}
