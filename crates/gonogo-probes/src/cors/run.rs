//! The asking: OPTIONS and GET, with the origin of the plan and with foreign ones.

use gonogo_core::record::{Cause, NotObserved, TargetSeen};
use ring::rand::SecureRandom as _;

use super::observed::{Foreign, Page, Seen as All, seen};
use super::syntax::{CorsOptions, is_token, origin_problem};
use crate::ctx::Ctx;
use crate::http::{self, Fetched, HttpOptions, HttpTarget, ask};
use crate::probe::{Call, Seen};

/// The preflight and the request, each also from a foreign origin, and the request from four lookalikes.
pub(super) const MOST_REQUESTS: u64 = 8;
/// Of a body only so much is read: it does not matter.
const MAX_BODY: u64 = 64 * 1024;

/// Looks once.
pub(super) async fn observe(call: Call<'_>) -> Result<Seen, NotObserved> {
    let ctx = call.ctx;
    let bad = |message: String| ctx.not_observed("cors", Cause::BadOptions, message);
    let http::OverHttp {
        options,
        target,
        settings,
    } = http::over_http::<CorsOptions>(&call, "cors")?;
    let page = page(&options).map_err(bad)?;
    let asking = Asking {
        ctx,
        bare: settings.as_a_preflight_goes(),
        settings,
        options: &options,
        page: &page,
    };

    let preflight = asking.preflight(&page.origin).await?;
    let simple = asking.simple(&page.origin).await?;
    let random = random_label().map_err(bad)?;
    let stranger = format!("https://{random}.invalid");
    let stranger_preflight = asking.preflight(&stranger).await?;
    let mut foreign = Vec::new();
    for (kind, origin) in foreign_origins(&page.origin, &random) {
        let answer = asking.simple(&origin).await?;
        foreign.push(Foreign {
            kind,
            origin,
            answer,
        });
    }
    let engine = simple.header("server").map(str::to_owned);
    let address = simple.url.clone();
    let mut seen = seen(&All {
        page: &page,
        preflight,
        simple,
        stranger,
        stranger_preflight,
        foreign,
    });
    seen.target = Some(TargetSeen {
        name: target.name.clone(),
        address,
        engine,
    });
    Ok(seen)
}

struct Asking<'a> {
    ctx: &'a Ctx,
    settings: HttpTarget,
    bare: HttpTarget,
    options: &'a CorsOptions,
    page: &'a Page,
}

impl Asking<'_> {
    /// The CORS-preflight request of the Fetch standard: no credentials, headers sorted and in lower case.
    async fn preflight(&self, origin: &str) -> Result<Fetched, NotObserved> {
        let mut options = self.request("OPTIONS", origin);
        let mut set = |name: &str, value: String| options.headers.insert(name.to_owned(), value);
        set("access-control-request-method", self.page.method.clone());
        if !self.page.headers.is_empty() {
            let names = self.page.headers.join(",");
            set("access-control-request-headers", names);
        }
        ask(self.ctx, &self.bare, &options).await
    }

    /// The request itself, with the credentials that the plan gives.
    async fn simple(&self, origin: &str) -> Result<Fetched, NotObserved> {
        let mut options = self.request("GET", origin);
        for (name, value) in &self.options.headers {
            if !name.eq_ignore_ascii_case("origin") {
                options
                    .headers
                    .insert(name.to_ascii_lowercase(), value.clone());
            }
        }
        options.bearer.clone_from(&self.options.bearer);
        options.basic.clone_from(&self.options.basic);
        ask(self.ctx, &self.settings, &options).await
    }

    fn request(&self, method: &str, origin: &str) -> HttpOptions {
        let path = self.options.path.as_deref().unwrap_or("/");
        let mut options = HttpOptions::line(format!("{method} {path}"));
        options.max_body = Some(MAX_BODY);
        options
            .headers
            .insert("origin".to_owned(), origin.to_owned());
        options
    }
}

fn page(options: &CorsOptions) -> Result<Page, String> {
    let origin = options.cors.trim();
    if let Some(problem) = origin_problem(origin) {
        return Err(problem);
    }
    let method = options.method.as_deref().unwrap_or("GET").to_owned();
    if !is_token(&method) {
        return Err(format!("`{method}` is not a method"));
    }
    let mut headers: Vec<String> = Vec::new();
    for name in &options.request_headers.0 {
        if !is_token(name) {
            return Err(format!("`{name}` is not the name of a header"));
        }
        headers.push(name.to_ascii_lowercase());
    }
    headers.sort();
    headers.dedup();
    Ok(Page {
        origin: origin.to_owned(),
        method,
        headers,
        credentials: options.credentials,
    })
}

/// Origins that nobody meant to allow: one that nobody can have guessed, and those that pass where a pattern is matched
/// at one end only.
pub(super) fn foreign_origins(origin: &str, random: &str) -> Vec<(&'static str, String)> {
    let mut all = vec![("random", format!("https://{random}.invalid"))];
    if origin != "null" {
        all.push(("null", "null".to_owned()));
    }
    let Some((scheme, host)) = origin.split_once("://") else {
        return all;
    };
    let (bare, port) = match host.rsplit_once(':') {
        Some((bare, port)) if !port.ends_with(']') => (bare, format!(":{port}")),
        _ => (host, String::new()),
    };
    // An address has no names around it.
    let is_address = bare.starts_with('[') || bare.parse::<std::net::Ipv4Addr>().is_ok();
    if !is_address {
        all.push(("suffix", format!("{scheme}://{bare}.{random}.invalid")));
        all.push(("prefix", format!("{scheme}://{random}{bare}{port}")));
    }
    if scheme == "https" {
        all.push(("plain-http", format!("http://{bare}{port}")));
    }
    all
}

fn random_label() -> Result<String, String> {
    let mut bytes = [0u8; 6];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| "the operating system gave no random bytes".to_owned())?;
    let digits = bytes.iter().map(|b| format!("{b:02x}"));
    Ok(format!("gonogo-{}", digits.collect::<String>()))
}
