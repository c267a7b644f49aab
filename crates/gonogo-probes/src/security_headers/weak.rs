//! What a header says that protects less than it seems to: values that browsers do not heed, and values that give the
//! protection away. Each with its reason; whether that matters is the plan's to say.

use super::csp::{self, BROAD, Policy};
use super::lists::DEPRECATED;
use super::parsed::{EMBEDDER_POLICIES, OPENER_POLICIES, Page};

/// Below six months, as the Observatory counts them, a policy has ended before most people come back.
pub(super) const SIX_MONTHS: u64 = 15_552_000;
/// What the list of preloaded sites demands: <https://hstspreload.org>.
const ONE_YEAR: u64 = 31_536_000;

/// The reasons why the header is weak; none where it is not, or not there.
pub(super) fn reasons(page: &Page<'_>, name: &str) -> Vec<String> {
    let answer = page.answer;
    if answer.header(name).is_none() {
        return Vec::new();
    }
    let mut why = match name {
        "strict-transport-security" => transport(page),
        "content-security-policy" => policy(page),
        "x-content-type-options" if !page.nosniff() => ignored("only `nosniff` is known"),
        "x-frame-options" => framing(page),
        "referrer-policy" => referrer(page),
        "permissions-policy" => permissions(page),
        "cross-origin-opener-policy" => word(page, name, &OPENER_POLICIES, "unsafe-none"),
        "cross-origin-embedder-policy" => word(page, name, &EMBEDDER_POLICIES, "unsafe-none"),
        "cross-origin-resource-policy" => match page.resource_policy().as_deref() {
            None => ignored("only `same-origin`, `same-site` and `cross-origin` are known"),
            Some("cross-origin") => vec!["every origin may embed the answer".to_owned()],
            Some(_) => Vec::new(),
        },
        "cache-control" => caching(page),
        "clear-site-data" => clearing(page),
        "x-dns-prefetch-control" => single(page, name, "off", "names are looked up ahead of time"),
        "x-permitted-cross-domain-policies" => {
            single(page, name, "none", "cross-domain policy files are heeded")
        }
        _ => Vec::new(),
    };
    let lines = answer.all(name).count();
    // These may stand in several lines; of all others one is meant.
    let may_repeat = [
        "content-security-policy",
        "cache-control",
        "permissions-policy",
    ];
    if lines > 1 && !may_repeat.contains(&name) {
        why.push(format!("it was sent {lines} times"));
    }
    why
}

/// Headers that are there although browsers no longer heed them, with the reason.
pub(super) fn deprecated<'a>(page: &Page<'_>) -> Vec<(&'a str, String)> {
    let mut found: Vec<(&str, String)> = DEPRECATED
        .iter()
        .filter(|(name, _)| page.answer.header(name).is_some())
        .map(|(name, why)| (*name, (*why).to_owned()))
        .collect();
    // `0` takes the old filters away, which is what the project advises.
    let filter = page.answer.combined("x-xss-protection");
    if filter.is_some_and(|value| value.trim() != "0") {
        let why = "browsers no longer heed it, and old ones could be led astray by it: `0`, or leave it out";
        found.push(("x-xss-protection", why.to_owned()));
    }
    if page.csp.is_empty()
        && page
            .answer
            .header("content-security-policy-report-only")
            .is_some()
    {
        let why = "it only reports: nothing is blocked without Content-Security-Policy";
        found.push(("content-security-policy-report-only", why.to_owned()));
    }
    found
}

fn ignored(why: &str) -> Vec<String> {
    vec![format!("browsers do not heed it: {why}")]
}

fn transport(page: &Page<'_>) -> Vec<String> {
    if !page.tls {
        return ignored("it came over plain HTTP (RFC 6797, 8.1)");
    }
    let hsts = match &page.hsts {
        Some(Ok(hsts)) => hsts,
        Some(Err(why)) => return ignored(why),
        None => return Vec::new(),
    };
    let mut why = Vec::new();
    if hsts.max_age == 0 {
        why.push("`max-age=0` makes browsers forget the site".to_owned());
    } else if hsts.max_age < SIX_MONTHS {
        why.push(format!(
            "`max-age` is {} days, less than six months",
            hsts.max_age / 86_400
        ));
    }
    if hsts.preload && (!hsts.include_subdomains || hsts.max_age < ONE_YEAR) {
        why.push(
            "`preload` needs `includeSubDomains` and a `max-age` of a year (hstspreload.org)"
                .to_owned(),
        );
    }
    why
}

fn policy(page: &Page<'_>) -> Vec<String> {
    let all = &page.csp;
    let mut why = Vec::new();
    for policy in all {
        if policy.directives.is_empty() {
            why.push("a policy of it is empty".to_owned());
        }
        let names: Vec<&str> = policy.unknown().take(5).collect();
        if !names.is_empty() {
            why.push(format!("browsers do not know {}", names.join(", ")));
        }
        for name in policy.again.iter().take(5) {
            why.push(format!(
                "`{name}` is written again, and only the first holds"
            ));
        }
    }
    // All policies hold, so what one of them refuses is refused.
    let every = |holds: &dyn Fn(&Policy) -> bool| all.iter().all(holds);
    for name in ["default-src", "base-uri", "form-action"] {
        if every(&|p| !p.directives.contains_key(name)) {
            why.push(format!("it has no `{name}`"));
        }
    }
    if !page.has_frame_ancestors() && page.frame_options().is_none() {
        why.push("it has no `frame-ancestors`, so that every site may frame the page".to_owned());
    }
    for name in ["script-src", "object-src", "style-src"] {
        if every(&|p| p.sources(name).is_none()) {
            why.push(format!(
                "nothing limits `{name}`: it and `default-src` are missing"
            ));
            continue;
        }
        let mut weak: Vec<&str> = BROAD.to_vec();
        if name != "object-src" {
            weak.extend(["'unsafe-inline'", "'unsafe-eval'", "data:"]);
        }
        for source in weak {
            if every(&|p| allows(p, name, source)) {
                why.push(format!("`{name}` allows {source}"));
            }
        }
    }
    if all.iter().any(is_strict_without_a_nonce) {
        why.push("`'strict-dynamic'` without a nonce or hash lets no script in".to_owned());
    }
    why
}

/// Whether the policy lets content of a kind come by such a source.
fn allows(policy: &Policy, name: &str, source: &str) -> bool {
    policy
        .sources(name)
        .is_none_or(|sources| csp::effective(name, sources).contains(&source))
}

pub(super) fn is_strict_without_a_nonce(policy: &Policy) -> bool {
    policy.sources("script-src").is_some_and(|sources| {
        csp::has(sources, "'strict-dynamic'") && !csp::has_nonce_or_hash(sources)
    })
}

fn framing(page: &Page<'_>) -> Vec<String> {
    // Where the policy says who may frame the page, browsers pass this header over.
    if page.has_frame_ancestors() || page.frame_options().is_some() {
        return Vec::new();
    }
    ignored("only `deny` and `sameorigin` are known")
}

fn referrer(page: &Page<'_>) -> Vec<String> {
    match page.referrer_policy().as_deref() {
        None => ignored("it has no policy that is known"),
        Some("unsafe-url") => vec!["every site learns whole addresses".to_owned()],
        Some("no-referrer-when-downgrade") => {
            vec!["every other site over HTTPS learns whole addresses".to_owned()]
        }
        Some("origin" | "origin-when-cross-origin") => {
            vec!["the origin is told over plain HTTP too".to_owned()]
        }
        Some(_) => Vec::new(),
    }
}

fn permissions(page: &Page<'_>) -> Vec<String> {
    let Some(features) = page.permissions() else {
        return ignored("it is no structured field such as `camera=(), geolocation=(self)`");
    };
    if features.is_empty() {
        return ignored("it names no feature");
    }
    let open = features
        .iter()
        .filter(|(_, allowed)| allowed.iter().any(|who| who == "*"));
    open.take(10)
        .map(|(name, _)| format!("every origin may use `{name}`"))
        .collect()
}

fn word(page: &Page<'_>, name: &str, known: &[&str], none: &str) -> Vec<String> {
    match page.structured_word(name, known) {
        None => ignored(&format!("only {} are known", known.join(", "))),
        Some(word) if word == none => vec![format!("`{none}` is as good as no header")],
        Some(_) => Vec::new(),
    }
}

fn single(page: &Page<'_>, name: &str, good: &str, otherwise: &str) -> Vec<String> {
    if page.words(name) == [good] {
        return Vec::new();
    }
    vec![format!("it is not `{good}`: {otherwise}")]
}

fn caching(page: &Page<'_>) -> Vec<String> {
    if page.words("cache-control").iter().any(|w| w == "no-store") {
        return Vec::new();
    }
    vec!["without `no-store` the answer may be kept in a cache".to_owned()]
}

fn clearing(page: &Page<'_>) -> Vec<String> {
    let words = page.words("clear-site-data");
    let known = ["\"*\"", "\"cache\"", "\"cookies\"", "\"storage\""];
    if words.iter().any(|w| known.contains(&w.as_str())) {
        return Vec::new();
    }
    ignored("its words stand in quotes: `\"cookies\"`")
}
