//! The observing: one request, its redirects, its answer.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use gonogo_core::record::{Cause, NotObserved};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use serde_json::Value as Json;

use super::connection::{Connection, Phases};
use super::observed::{Answer, Asked, observed};
use super::once::{OverHttp, over_http};
use super::syntax::{
    BaseUrl, HttpOptions, HttpTarget, RequestLine, SAFE_METHODS, Version, request_line,
};
use crate::ctx::Ctx;
use crate::probe::{Call, Seen};

pub(super) const DEFAULT_MAX_BODY: u64 = 1024 * 1024;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let bad = |message: String| ctx.not_observed("http", Cause::BadOptions, message);
    let OverHttp {
        options,
        target,
        settings,
    } = over_http::<HttpOptions>(&call, "http")?;
    let base = BaseUrl::parse(&settings.http).map_err(bad)?;
    let line = request_line(&options.http).map_err(bad)?;
    let mut exchange = Exchange {
        ctx,
        version: options
            .version
            .or(settings.version)
            .unwrap_or(Version::Auto),
        max_body: options.max_body.unwrap_or(DEFAULT_MAX_BODY),
        ca: settings.ca.clone(),
    };
    let request = Request::build(&options, &settings, &base, line).map_err(bad)?;
    let (asked, answer) = exchange
        .follow(request, options.redirects.unwrap_or(0))
        .await?;
    Ok(observed(target, &asked, &answer, exchange.max_body))
}

/// A request, whole, before a connection is chosen.
#[derive(Clone)]
pub(super) struct Request {
    base: BaseUrl,
    line: RequestLine,
    headers: Vec<(String, String)>,
    authorization: Option<String>,
    body: Bytes,
}

impl Request {
    pub(super) fn build(
        options: &HttpOptions,
        target: &HttpTarget,
        base: &BaseUrl,
        mut line: RequestLine,
    ) -> Result<Self, String> {
        append_query(&mut line.path, &options.query)?;
        line.path = format!("{}{}", base.path, line.path);
        let mut headers: Vec<(String, String)> = vec![
            ("host".to_owned(), base.host_header()),
            (
                "user-agent".to_owned(),
                concat!("gonogo/", env!("CARGO_PKG_VERSION")).to_owned(),
            ),
            ("accept".to_owned(), "*/*".to_owned()),
        ];
        let mut set = |name: &str, value: &str| {
            let name = name.to_ascii_lowercase();
            headers.retain(|(n, _)| *n != name);
            headers.push((name, value.to_owned()));
        };
        let bodies = [
            options.json.is_some(),
            options.form.is_some(),
            options.body.is_some(),
        ];
        if bodies.iter().filter(|given| **given).count() > 1 {
            return Err("only one of `json`, `form` and `body` can be sent".to_owned());
        }
        let body = if let Some(json) = &options.json {
            set("content-type", "application/json");
            json.to_string().into_bytes()
        } else if let Some(form) = &options.form {
            set("content-type", "application/x-www-form-urlencoded");
            let mut text = String::new();
            append_pairs(&mut text, form)?;
            text.into_bytes()
        } else {
            options.body.clone().unwrap_or_default().into_bytes()
        };
        for (name, value) in target.headers.iter().chain(&options.headers) {
            set(name, value);
        }
        Ok(Self {
            base: base.clone(),
            line,
            authorization: authorization(options, target),
            headers,
            body: Bytes::from(body),
        })
    }

    fn to_http(&self, version: &str) -> Result<http::Request<Full<Bytes>>, String> {
        let uri = if version == "2" {
            format!("{}{}", self.base.origin(), self.line.path)
        } else {
            self.line.path.clone()
        };
        let mut builder = http::Request::builder()
            .method(self.line.method.as_str())
            .uri(uri);
        for (name, value) in &self.headers {
            if version != "2" || name != "host" {
                builder = builder.header(name, value);
            }
        }
        if let Some(value) = &self.authorization {
            builder = builder.header("authorization", value);
        }
        builder
            .body(Full::new(self.body.clone()))
            .map_err(|e| format!("the request cannot be written: {e}"))
    }

    /// The same for a client of one's own.
    fn into_wire(self) -> WireRequest {
        let mut headers = self.headers;
        headers.extend(
            self.authorization
                .map(|value| ("authorization".to_owned(), value)),
        );
        WireRequest {
            method: self.line.method,
            path: self.line.path,
            headers,
            body: self.body.to_vec(),
        }
    }

    fn tried(&self) -> String {
        format!(
            "{} {}{}",
            self.line.method,
            self.base.origin(),
            self.line.path
        )
    }
}

/// A request as it goes over the wire, for a client of one's own. Holds secrets, so it cannot be printed.
pub struct WireRequest {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, `host` and `authorization` among them, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl WireRequest {
    /// Builds it from the options of a check and of its target.
    pub fn build(
        options: &HttpOptions,
        target: &HttpTarget,
        base: &BaseUrl,
    ) -> Result<Self, String> {
        let line = request_line(&options.http)?;
        Ok(Request::build(options, target, base, line)?.into_wire())
    }
}

fn authorization(options: &HttpOptions, target: &HttpTarget) -> Option<String> {
    let basic = |b: &super::syntax::Basic| {
        format!(
            "Basic {}",
            BASE64.encode(format!("{}:{}", b.user, b.password))
        )
    };
    let own_header = |h: &std::collections::BTreeMap<String, String>| {
        h.keys().any(|k| k.eq_ignore_ascii_case("authorization"))
    };
    if own_header(&options.headers) {
        return None;
    }
    if let Some(token) = &options.bearer {
        return (token != "none").then(|| format!("Bearer {token}"));
    }
    if let Some(b) = &options.basic {
        return Some(basic(b));
    }
    if own_header(&target.headers) {
        return None;
    }
    match (&target.bearer, &target.basic) {
        (Some(token), _) => Some(format!("Bearer {token}")),
        (None, Some(b)) => Some(basic(b)),
        (None, None) => None,
    }
}

fn append_query(
    path: &mut String,
    query: &std::collections::BTreeMap<String, Json>,
) -> Result<(), String> {
    if query.is_empty() {
        return Ok(());
    }
    path.push(if path.contains('?') { '&' } else { '?' });
    append_pairs(path, query)
}

fn append_pairs(
    out: &mut String,
    pairs: &std::collections::BTreeMap<String, Json>,
) -> Result<(), String> {
    let mut first = true;
    let mut push = |name: &str, value: &Json| -> Result<(), String> {
        let text = match value {
            Json::String(s) => s.clone(),
            Json::Null => String::new(),
            Json::Bool(_) | Json::Number(_) => value.to_string(),
            Json::Array(_) | Json::Object(_) => {
                return Err(format!(
                    "`{name}` must be a text, a number, or a list of those"
                ));
            }
        };
        if !first {
            out.push('&');
        }
        first = false;
        out.push_str(&percent_encode(name));
        out.push('=');
        out.push_str(&percent_encode(&text));
        Ok(())
    };
    for (name, value) in pairs {
        match value {
            Json::Array(items) => items.iter().try_for_each(|item| push(name, item))?,
            other => push(name, other)?,
        }
    }
    Ok(())
}

/// Percent-encodes all but RFC 3986's unreserved characters.
pub fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// How requests are sent.
pub(super) struct Exchange<'a> {
    pub(super) ctx: &'a Ctx,
    pub(super) version: Version,
    pub(super) max_body: u64,
    pub(super) ca: Option<String>,
}

impl Exchange<'_> {
    /// Sends the request and follows at most so many redirects, dropping credentials where the origin changes.
    pub(super) async fn follow(
        &mut self,
        mut request: Request,
        redirects: u8,
    ) -> Result<(Asked, Answer), NotObserved> {
        let mut hops: Vec<String> = Vec::new();
        loop {
            let mut answer = self.once(&request).await?;
            let location = answer.header("location").map(str::to_owned);
            let redirected = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
            match location {
                // The last answer of a loop is no answer: it must not stand for what was asked for.
                Some(_) if redirected && redirects > 0 && hops.len() == usize::from(redirects) => {
                    return Err(self.ctx.not_observed(
                        request.tried(),
                        Cause::Protocol,
                        format!(
                            "still redirected after {redirects} redirects (`redirects`), last with {}",
                            hops.last().map_or("", String::as_str)
                        ),
                    ));
                }
                Some(location) if redirected && hops.len() < usize::from(redirects) => {
                    hops.push(format!("{} {location}", answer.status));
                    request = self.redirected(request, answer.status, &location)?;
                }
                _ => {
                    answer.redirects = hops;
                    let asked = Asked {
                        method: request.line.method.clone(),
                        url: format!("{}{}", request.base.origin(), request.line.path),
                        authorization: request.authorization.clone().or_else(|| {
                            request
                                .headers
                                .iter()
                                .find(|(n, _)| n == "authorization")
                                .map(|(_, v)| v.clone())
                        }),
                    };
                    return Ok((asked, answer));
                }
            }
        }
    }

    fn redirected(
        &self,
        mut request: Request,
        status: u16,
        location: &str,
    ) -> Result<Request, NotObserved> {
        let bad = |why: String| {
            self.ctx.not_observed(
                request.tried(),
                Cause::Protocol,
                format!("redirected to {location:?}: {why}"),
            )
        };
        if let Some(path) = location.strip_prefix('/').filter(|p| !p.starts_with('/')) {
            request.line.path = format!("/{path}");
        } else {
            let uri: http::Uri = location.parse().map_err(|e| bad(format!("{e}")))?;
            let path = uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
            let origin = location.split_once("://").map_or("", |(_, rest)| rest);
            let host_end = origin.find(['/', '?', '#']).unwrap_or(origin.len());
            let scheme = uri.scheme_str().unwrap_or("");
            let base =
                BaseUrl::parse(&format!("{scheme}://{}", &origin[..host_end])).map_err(bad)?;
            if base.origin() != request.base.origin() {
                request.authorization = None;
                request
                    .headers
                    .retain(|(n, _)| n != "authorization" && n != "cookie");
            }
            request.headers.retain(|(n, _)| n != "host");
            request
                .headers
                .push(("host".to_owned(), base.host_header()));
            request.base = base;
            request.line.path = path;
        }
        // RFC 9110, 15.4: 303, and by custom 301 and 302 after POST, are followed with GET.
        if status == 303 || matches!(status, 301 | 302) && request.line.method == "POST" {
            "GET".clone_into(&mut request.line.method);
            request.body = Bytes::new();
            request.headers.retain(|(n, _)| n != "content-type");
        }
        Ok(request)
    }

    async fn once(&self, request: &Request) -> Result<Answer, NotObserved> {
        let safe = SAFE_METHODS.contains(&request.line.method.as_str());
        let key = format!(
            "http {} {:?} {:?}",
            request.base.origin(),
            self.version,
            self.ca
        );
        // A kept connection may have been closed by the server meanwhile; only what reads may be sent again.
        if safe {
            while let Some(mut connection) = self.ctx.kept().take::<Connection>(&key) {
                connection.reused();
                if !connection.is_usable() {
                    continue;
                }
                if let Ok(answer) = self.exchange(&mut connection, request).await {
                    self.keep(&key, connection, &answer);
                    return Ok(answer);
                }
            }
        }
        let mut connection =
            Connection::open(self.ctx, &request.base, self.ca.as_deref(), self.version).await?;
        let answer = self.exchange(&mut connection, request).await?;
        self.keep(&key, connection, &answer);
        Ok(answer)
    }

    fn keep(&self, key: &str, connection: Connection, answer: &Answer) {
        if answer.cut.is_none() && connection.is_usable() {
            self.ctx.kept().keep_one_more(key, connection);
        }
    }

    async fn exchange(
        &self,
        connection: &mut Connection,
        request: &Request,
    ) -> Result<Answer, NotObserved> {
        let ctx = self.ctx;
        let message = request
            .to_http(connection.version)
            .map_err(|e| ctx.not_observed(request.tried(), Cause::BadOptions, e))?;
        let sent = ctx.now();
        let sent_at = ctx.wall_now();
        let timeout = |what: &str| {
            ctx.not_observed(
                request.tried(),
                Cause::Timeout,
                format!("{what} within the check's time limit"),
            )
        };
        let response = match tokio::time::timeout(ctx.remaining(), connection.send(message)).await {
            Err(_) => return Err(timeout("no answer came")),
            Ok(Err(e)) => return Err(self.broken(request, &e)),
            Ok(Ok(response)) => response,
        };
        let first_byte = sent.elapsed();
        let (head, body) = response.into_parts();
        let received = match tokio::time::timeout(ctx.remaining(), read(body, self.max_body)).await
        {
            Err(_) => return Err(timeout("the answer did not end")),
            Ok(Err(e)) => return Err(self.broken(request, &e)),
            Ok(Ok(received)) => received,
        };
        Ok(Answer {
            status: head.status.as_u16(),
            reason: head.status.canonical_reason().unwrap_or("").to_owned(),
            version: connection.version,
            headers: head
                .headers
                .iter()
                .map(|(n, v)| {
                    (
                        n.as_str().to_owned(),
                        String::from_utf8_lossy(v.as_bytes()).into_owned(),
                    )
                })
                .collect(),
            body: received.bytes,
            cut: received.cut,
            phases: connection.phases,
            first_byte,
            total: total(connection.phases, sent),
            sent_at,
            address: connection.address.clone(),
            redirects: Vec::new(),
        })
    }

    fn broken(&self, request: &Request, error: &hyper::Error) -> NotObserved {
        let (cause, what) = if error.is_incomplete_message() {
            (Cause::Truncated, "the answer broke off")
        } else if error.is_parse() || error.is_parse_too_large() {
            (Cause::Protocol, "the answer is not HTTP")
        } else if error.is_body_write_aborted() || error.is_canceled() || error.is_closed() {
            (Cause::Closed, "the connection was closed")
        } else if chain(error).contains("before message completed")
            || chain(error).contains("end of file")
            || chain(error).contains("unexpected EOF")
        {
            (Cause::Truncated, "the answer broke off")
        } else {
            (Cause::Network, "the exchange failed")
        };
        self.ctx
            .not_observed(request.tried(), cause, format!("{what}: {}", chain(error)))
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

fn total(phases: Phases, sent: Instant) -> std::time::Duration {
    phases.dns + phases.connect + phases.tls + sent.elapsed()
}

struct Received {
    bytes: Vec<u8>,
    cut: Option<String>,
}

/// Reads at most so many bytes; an endless or huge body is left there.
async fn read(mut body: Incoming, max: u64) -> Result<Received, hyper::Error> {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let room = max - bytes.len();
        if data.len() > room {
            bytes.extend_from_slice(&data[..room]);
            return Ok(Received {
                bytes,
                cut: Some(format!("stopped reading after {max} bytes (`max_body`)")),
            });
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Received { bytes, cut: None })
}
