//! One request for probes whose protocol runs over HTTP.

use gonogo_core::record::{Cause, NotObserved};
use serde::de::DeserializeOwned;

use super::observed::decode;
use super::run::{DEFAULT_MAX_BODY, Exchange, Request};
use super::syntax::{BaseUrl, HttpOptions, HttpTarget, Version, request_line};
use crate::ctx::Ctx;
use crate::probe::{Call, ResolvedTarget};

/// What a check asks over HTTP: its options, its target, and the target's settings.
pub(crate) struct OverHttp<'a, T> {
    pub(crate) options: T,
    pub(crate) target: &'a ResolvedTarget,
    pub(crate) settings: HttpTarget,
}

/// Reads the options of a check and of its target; `probe` names who asks.
pub(crate) fn over_http<'a, T: DeserializeOwned>(
    call: &Call<'a>,
    probe: &str,
) -> Result<OverHttp<'a, T>, NotObserved> {
    let bad = |message: String| call.ctx.not_observed(probe, Cause::BadOptions, message);
    let options = serde_json::from_value(call.options.clone()).map_err(|e| bad(e.to_string()))?;
    let target = call
        .target
        .ok_or_else(|| bad("the environment has no http target".to_owned()))?;
    let settings =
        serde_json::from_value(target.options.clone()).map_err(|e| bad(e.to_string()))?;
    Ok(OverHttp {
        options,
        target,
        settings,
    })
}

/// One request of any method to a target, for probes whose protocol runs over HTTP: as many redirects are followed as
/// the options say, none by default, and the body is read up to their limit, its content coding taken off.
pub(crate) async fn ask(
    ctx: &Ctx,
    target: &HttpTarget,
    options: &HttpOptions,
) -> Result<Fetched, NotObserved> {
    let base = base_of(ctx, target, options)?;
    let redirects = options.redirects.unwrap_or(0);
    fetch(ctx, &base, target, options, redirects).await
}

/// One GET to a target: redirects are not followed.
pub async fn get(
    ctx: &Ctx,
    target: &HttpTarget,
    options: &HttpOptions,
) -> Result<Fetched, NotObserved> {
    let base = base_of(ctx, target, options)?;
    get_from(ctx, &base, target, options).await
}

/// The same from an address that is taken apart already, which may be a Unix socket.
pub async fn get_from(
    ctx: &Ctx,
    base: &BaseUrl,
    target: &HttpTarget,
    options: &HttpOptions,
) -> Result<Fetched, NotObserved> {
    fetch(ctx, base, target, options, 0).await
}

fn base_of(ctx: &Ctx, target: &HttpTarget, options: &HttpOptions) -> Result<BaseUrl, NotObserved> {
    BaseUrl::parse(&target.http)
        .map_err(|message| ctx.not_observed(&options.http, Cause::BadOptions, message))
}

async fn fetch(
    ctx: &Ctx,
    base: &BaseUrl,
    target: &HttpTarget,
    options: &HttpOptions,
    redirects: u8,
) -> Result<Fetched, NotObserved> {
    let bad = |message: String| ctx.not_observed(&options.http, Cause::BadOptions, message);
    let line = request_line(&options.http).map_err(bad)?;
    let request = Request::build(options, target, base, line).map_err(bad)?;
    let mut exchange = Exchange {
        ctx,
        version: options.version.or(target.version).unwrap_or(Version::Auto),
        max_body: options.max_body.unwrap_or(DEFAULT_MAX_BODY),
        ca: target.ca.clone(),
    };
    let (asked, answer) = exchange.follow(request, redirects).await?;
    let (body, cut) = decode(&answer, exchange.max_body);
    Ok(Fetched {
        tried: format!("{} {}", asked.method, asked.url),
        status: answer.status,
        reason: answer.reason,
        cut: answer.cut.or(cut),
        headers: answer.headers,
        body,
        latency: answer.total,
        url: asked.url,
        redirects: answer.redirects,
    })
}

/// What came of one request.
pub struct Fetched {
    /// Method and address, for messages.
    pub tried: String,
    /// Status code.
    pub status: u16,
    /// The code's standard phrase.
    pub reason: String,
    /// Headers in the order in which they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, whole or cut.
    pub body: Vec<u8>,
    /// Why the body is not whole.
    pub cut: Option<String>,
    /// From the name lookup to the last byte.
    pub latency: std::time::Duration,
    /// The address that answered in the end.
    pub url: String,
    /// Status and location of each redirect that was followed.
    pub redirects: Vec<String>,
}

impl Fetched {
    /// An answer that no server gave, without a body.
    #[cfg(test)]
    pub(crate) fn made(url: &str, status: u16, headers: &[(&str, &str)]) -> Self {
        Self {
            tried: String::new(),
            status,
            reason: String::new(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned()))
                .collect(),
            body: Vec::new(),
            cut: None,
            latency: std::time::Duration::ZERO,
            url: url.to_owned(),
            redirects: Vec::new(),
        }
    }

    /// All headers of a name in lower case, in the order in which they came.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(n, _)| n == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The header as browsers get it: all lines of the name in lower case, combined by commas (RFC 9110, 5.3).
    pub(crate) fn combined(&self, name: &str) -> Option<String> {
        let lines: Vec<&str> = self.all(name).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    /// The first header of a name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}
