//! The asking: one GET, and a preflight from another origin, as the rule does it.

use gonogo_core::record::{Cause, NotObserved, TargetSeen};

use super::grade::{CorsAnswer, grade};
use super::observed::seen;
use super::parsed::Page;
use super::syntax::{SecurityHeadersOptions, wanted};
use crate::http::{self, HttpOptions, ask};
use crate::probe::{Call, Seen};

/// Of a body only so much is read: it does not matter.
const MAX_BODY: u64 = 64 * 1024;
/// An origin that no service can mean (RFC 6761, 6.4).
const FOREIGN: &str = "https://gonogo-security-headers.invalid";

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let bad = |message: String| ctx.not_observed("security-headers", Cause::BadOptions, message);
    let http::OverHttp {
        options,
        target,
        settings,
    } = http::over_http::<SecurityHeadersOptions>(&call, "security-headers")?;
    let wanted = wanted(&options);
    if wanted.is_empty() {
        return Err(bad(
            "`wanted` is empty: nothing would be looked at".to_owned()
        ));
    }
    let request = HttpOptions {
        headers: options.headers.clone(),
        bearer: options.bearer.clone(),
        basic: options.basic.clone(),
        redirects: options.redirects,
        max_body: Some(MAX_BODY),
        ..HttpOptions::line(format!("GET {}", options.security_headers))
    };
    let answer = ask(ctx, &settings, &request).await?;
    let foreign = ask(ctx, &settings.as_a_preflight_goes(), &preflight(&options)).await?;
    let page = Page::of(&answer, settings.http.trim());
    let cors = CorsAnswer {
        origin: FOREIGN,
        answer: &foreign,
    };
    let mut seen = seen(&page, &wanted, grade(&page, &cors));
    seen.target = Some(TargetSeen {
        name: target.name.clone(),
        address: answer.url.clone(),
        engine: answer.header("server").map(str::to_owned),
    });
    Ok(seen)
}

/// As the Observatory asks.
fn preflight(options: &SecurityHeadersOptions) -> HttpOptions {
    let mut request = HttpOptions::line(format!("OPTIONS {}", options.security_headers));
    request.headers = [
        ("origin", FOREIGN),
        ("access-control-request-method", "GET"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    request.redirects = options.redirects;
    request.max_body = Some(MAX_BODY);
    request
}
