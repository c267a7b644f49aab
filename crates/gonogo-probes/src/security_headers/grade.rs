//! The rule of the MDN HTTP Observatory, algorithm version 6 (mdn-http-observatory 1.6.3 of GitHub, main of 2026-08-20;
//! results, modifiers and grades: `src/grader/charts.js`; published at
//! <https://developer.mozilla.org/en-US/observatory/docs/tests_and_scoring>). What cannot be seen in a site's own
//! answers is not scored, and said so: the list of preloaded sites, `<meta>` elements and scripts of pages, and the way
//! from plain HTTP where the target is not asked over it.

use super::csp::{self, BROAD, Policy};
use super::parsed::{Cookie, EMBEDDER_POLICIES, OPENER_POLICIES, Page, REFERRER_POLICIES};
use super::weak::{SIX_MONTHS, is_strict_without_a_nonce};
use crate::http::Fetched;

/// The rule's name and version.
pub(super) const RULE: &str = "MDN HTTP Observatory, algorithm version 6 (2026-08-20)";
/// Only from here on bonuses count.
const MINIMUM_FOR_BONUS: i32 = 90;
/// The shortest policy that is one: one byte less than `img-src`.
const SHORTEST_POLICY: usize = 6;

/// One result of the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scored {
    pub(super) about: &'static str,
    pub(super) result: &'static str,
    pub(super) modifier: i32,
}

/// What the rule comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Graded {
    pub(super) score: i32,
    pub(super) grade: &'static str,
    pub(super) scored: Vec<Scored>,
    pub(super) not_scored: Vec<&'static str>,
}

/// Grades an answer; why it cannot be graded.
pub(super) fn grade(page: &Page<'_>, cors: &CorsAnswer<'_>) -> Result<Graded, String> {
    let status = page.answer.status;
    let is_redirect = (300..400).contains(&status) && page.answer.header("location").is_some();
    if is_redirect {
        return Err(format!(
            "the answer is a redirect ({status}), and the rule grades where it leads: `redirects: 5`"
        ));
    }
    if status < 200 || status >= 400 && ![401, 403].contains(&status) {
        return Err(format!(
            "the rule does not grade an answer with status {status}"
        ));
    }
    let mut scored = vec![
        policy(page),
        transport(page),
        cookies(page),
        shared(cors),
        referrer(page),
        sniffing(page),
        framing(page),
        resource(page),
        opener(page),
        embedder(page),
    ];
    let mut not_scored = Vec::new();
    match redirection(page) {
        Some(one) => scored.push(one),
        None => not_scored.push("redirection"),
    }
    if is_html(page.answer) {
        not_scored.push("subresource-integrity");
    } else {
        scored.push(one(
            "subresource-integrity",
            "sri-not-implemented-response-not-html",
            0,
        ));
    }
    let (score, grade) = total(&scored);
    Ok(Graded {
        score,
        grade,
        scored,
        not_scored,
    })
}

/// The answer to a preflight from another origin.
pub(super) struct CorsAnswer<'a> {
    pub(super) origin: &'a str,
    pub(super) answer: &'a Fetched,
}

fn one(about: &'static str, result: &'static str, modifier: i32) -> Scored {
    Scored {
        about,
        result,
        modifier,
    }
}

/// From 100 all penalties are taken; bonuses are added where that leaves an A.
pub(super) fn total(scored: &[Scored]) -> (i32, &'static str) {
    let penalties: i32 = scored.iter().map(|s| s.modifier.min(0)).sum();
    let bonuses: i32 = scored.iter().map(|s| s.modifier.max(0)).sum();
    let mut score = 100 + penalties;
    if score >= MINIMUM_FOR_BONUS {
        score += bonuses;
    }
    let score = score.max(0);
    (score, letter(score))
}

pub(super) fn letter(score: i32) -> &'static str {
    match score {
        100.. => "A+",
        90..=99 => "A",
        85..=89 => "A-",
        80..=84 => "B+",
        70..=79 => "B",
        65..=69 => "B-",
        60..=64 => "C+",
        50..=59 => "C",
        45..=49 => "C-",
        40..=44 => "D+",
        30..=39 => "D",
        25..=29 => "D-",
        _ => "F",
    }
}

/// Several policies all hold, so a weakness counts where each of them has it.
fn policy(page: &Page<'_>) -> Scored {
    let about = "content-security-policy";
    let all = &page.csp;
    if all.is_empty() {
        let reports = page.answer.header("content-security-policy-report-only");
        return if reports.is_some() {
            one(about, "csp-not-implemented-but-reporting-enabled", -25)
        } else {
            one(about, "csp-not-implemented", -25)
        };
    }
    // A directive that is written twice makes the policy invalid by this rule, but for the places of reports.
    let is_report = |name: &String| ["report-uri", "report-to"].contains(&name.as_str());
    let wrong = |p: &Policy| p.length < SHORTEST_POLICY || p.again.iter().any(|n| !is_report(n));
    if all.iter().any(wrong) || all.iter().any(is_strict_without_a_nonce) {
        return one(about, "csp-header-invalid", -25);
    }
    let every = |holds: &dyn Fn(&Policy) -> bool| all.iter().all(holds);
    let broad = |p: &Policy, name: &str, more: &[&str]| {
        sources(p, name).is_none_or(|found| {
            let is_broad = |s: &&str| BROAD.contains(s) || more.contains(s);
            found.iter().any(is_broad)
        })
    };
    let inline = ["'unsafe-inline'", "data:"];
    if every(&|p| broad(p, "script-src", &inline) || broad(p, "object-src", &[])) {
        return one(about, "csp-implemented-with-unsafe-inline", -20);
    }
    if page.tls && every(&active_over_http) {
        return one(about, "csp-implemented-with-insecure-scheme", -20);
    }
    if every(&|p| {
        let evals = |name| sources(p, name).is_some_and(|s| s.contains(&"'unsafe-eval'"));
        evals("script-src") || evals("style-src")
    }) {
        return one(about, "csp-implemented-with-unsafe-eval", -10);
    }
    if page.tls && every(&passive_over_http) {
        let result = "csp-implemented-with-insecure-scheme-in-passive-content-only";
        return one(about, result, -10);
    }
    let passed = if every(&|p| broad(p, "style-src", &inline)) {
        one(
            about,
            "csp-implemented-with-unsafe-inline-in-style-src-only",
            0,
        )
    } else if all.iter().any(refuses_by_default) {
        one(about, "csp-implemented-with-no-unsafe-default-src-none", 10)
    } else {
        one(about, "csp-implemented-with-no-unsafe", 5)
    };
    if all.iter().any(|p| !p.again.is_empty()) {
        return one(about, "csp-implemented-but-duplicate-directives", 0);
    }
    passed
}

/// The sources that count; an empty list is `'none'`.
fn sources<'a>(policy: &'a Policy, name: &str) -> Option<Vec<&'a str>> {
    Some(csp::effective(name, policy.sources(name)?))
}

fn refuses_by_default(policy: &Policy) -> bool {
    let given = policy.directives.get("default-src");
    given.is_some_and(|sources| sources.is_empty() || *sources == ["'none'"])
}

fn is_insecure(source: &str) -> bool {
    source.starts_with("http:") || source.starts_with("ftp:")
}

fn active_over_http(policy: &Policy) -> bool {
    let passive = ["img-src", "media-src", "script-src"];
    let mut others = policy
        .directives
        .iter()
        .filter(|(name, _)| !passive.contains(&name.as_str()))
        .flat_map(|(_, sources)| sources);
    let scripts = sources(policy, "script-src").unwrap_or_default();
    others.any(|source| is_insecure(source)) || scripts.into_iter().any(is_insecure)
}

fn passive_over_http(policy: &Policy) -> bool {
    let kinds = ["img-src", "media-src"].into_iter();
    let mut found = kinds.filter_map(|name| policy.sources(name)).flatten();
    found.any(|source| is_insecure(source))
}

fn transport(page: &Page<'_>) -> Scored {
    let about = "strict-transport-security";
    if !page.tls {
        return one(about, "hsts-not-implemented-no-https", -20);
    }
    match &page.hsts {
        None => one(about, "hsts-not-implemented", -20),
        Some(Err(_)) => one(about, "hsts-header-invalid", -20),
        Some(Ok(hsts)) if hsts.max_age < SIX_MONTHS => {
            one(about, "hsts-implemented-max-age-less-than-six-months", -10)
        }
        Some(Ok(_)) => one(about, "hsts-implemented-max-age-at-least-six-months", 0),
    }
}

/// The worst that is true of some cookie, in the rule's order.
fn cookies(page: &Page<'_>) -> Scored {
    let about = "cookies";
    if page.cookies.is_empty() {
        return one(about, "cookies-not-found", 0);
    }
    let by_hsts = transport(page).modifier == 0;
    let name_has = |c: &Cookie, words: &[&str]| {
        let name = c.name.to_ascii_lowercase();
        words.iter().any(|word| name.contains(word))
    };
    let is_session = |c: &Cookie| name_has(c, &["login", "sess"]);
    let site = |c: &Cookie| c.same_site.clone();
    let wrong_site = |c: &Cookie| match site(c).as_deref() {
        None | Some("lax" | "strict") => false,
        Some("none") => !c.secure,
        Some(_) => true,
    };
    let any = |holds: &dyn Fn(&Cookie) -> bool| page.cookies.iter().any(holds);
    if any(&|c| is_session(c) && !c.secure) && !by_hsts {
        return one(about, "cookies-session-without-secure-flag", -40);
    }
    if any(&|c| is_session(c) && !c.http_only) {
        return one(about, "cookies-session-without-httponly-flag", -30);
    }
    if any(&|c| name_has(c, &["csrf"]) && c.same_site.is_none()) {
        return one(about, "cookies-anticsrf-without-samesite-flag", -20);
    }
    if any(&wrong_site) {
        return one(about, "cookies-samesite-flag-invalid", -20);
    }
    if any(&|c| is_session(c) && !c.secure) {
        let result = "cookies-session-without-secure-flag-but-protected-by-hsts";
        return one(about, result, -10);
    }
    if any(&|c| !c.secure) {
        return if by_hsts {
            one(
                about,
                "cookies-without-secure-flag-but-protected-by-hsts",
                -5,
            )
        } else {
            one(about, "cookies-without-secure-flag", -20)
        };
    }
    if any(&|c| c.same_site.is_none()) {
        return one(about, "cookies-secure-with-httponly-sessions", 0);
    }
    one(
        about,
        "cookies-secure-with-httponly-sessions-and-samesite",
        5,
    )
}

fn shared(cors: &CorsAnswer<'_>) -> Scored {
    let about = "cross-origin-resource-sharing";
    let header = |name: &str| cors.answer.header(name).map(str::trim);
    let credentials = header("access-control-allow-credentials");
    match header("access-control-allow-origin") {
        None => one(about, "cross-origin-resource-sharing-not-implemented", 0),
        Some("*") => one(
            about,
            "cross-origin-resource-sharing-implemented-with-public-access",
            0,
        ),
        Some(origin)
            if origin == cors.origin
                && credentials.is_some_and(|c| c.eq_ignore_ascii_case("true")) =>
        {
            one(
                about,
                "cross-origin-resource-sharing-implemented-with-universal-access",
                -50,
            )
        }
        Some(_) => one(
            about,
            "cross-origin-resource-sharing-implemented-with-restricted-access",
            0,
        ),
    }
}

fn referrer(page: &Page<'_>) -> Scored {
    let about = "referrer-policy";
    if page.answer.header("referrer-policy").is_none() {
        return one(about, "referrer-policy-not-implemented", 0);
    }
    match page.referrer_policy() {
        Some(policy) if REFERRER_POLICIES[..4].contains(&policy.as_str()) => {
            one(about, "referrer-policy-private", 5)
        }
        Some(_) => one(about, "referrer-policy-unsafe", -5),
        None => one(about, "referrer-policy-header-invalid", -5),
    }
}

fn sniffing(page: &Page<'_>) -> Scored {
    let about = "x-content-type-options";
    if page.answer.header(about).is_none() {
        return one(about, "x-content-type-options-not-implemented", -5);
    }
    if page.nosniff() {
        return one(about, "x-content-type-options-nosniff", 0);
    }
    one(about, "x-content-type-options-header-invalid", -5)
}

fn framing(page: &Page<'_>) -> Scored {
    let about = "x-frame-options";
    if page.has_frame_ancestors() && policy(page).result != "csp-header-invalid" {
        return one(about, "x-frame-options-implemented-via-csp", 5);
    }
    if page.answer.header(about).is_none() {
        return one(about, "x-frame-options-not-implemented", -20);
    }
    if page.frame_options().is_some() {
        return one(about, "x-frame-options-sameorigin-or-deny", 5);
    }
    if page.words(about)[0].starts_with("allow-from") {
        return one(about, "x-frame-options-allow-from-origin", 0);
    }
    one(about, "x-frame-options-header-invalid", -20)
}

fn resource(page: &Page<'_>) -> Scored {
    let about = "cross-origin-resource-policy";
    if page.answer.header(about).is_none() {
        return one(about, "corp-not-implemented", 0);
    }
    match page.resource_policy().as_deref() {
        Some("same-origin") => one(about, "corp-implemented-with-same-origin", 10),
        Some("same-site") => one(about, "corp-implemented-with-same-site", 10),
        Some(_) => one(about, "corp-implemented-with-cross-origin", 0),
        None => one(about, "corp-header-invalid", -5),
    }
}

fn opener(page: &Page<'_>) -> Scored {
    let about = "cross-origin-opener-policy";
    if page.answer.header(about).is_none() {
        return one(about, "coop-not-implemented", 0);
    }
    match page.structured_word(about, &OPENER_POLICIES).as_deref() {
        Some("same-origin") => one(about, "coop-implemented-with-same-origin", 10),
        Some("same-origin-allow-popups") => {
            one(about, "coop-implemented-with-same-origin-allow-popups", 10)
        }
        Some("noopener-allow-popups") => {
            one(about, "coop-implemented-with-noopener-allow-popups", 10)
        }
        Some(_) => one(about, "coop-implemented-with-unsafe-none", 0),
        None => one(about, "coop-header-invalid", -5),
    }
}

fn embedder(page: &Page<'_>) -> Scored {
    let about = "cross-origin-embedder-policy";
    if page.answer.header(about).is_none() {
        return one(about, "coep-not-implemented", 0);
    }
    match page.structured_word(about, &EMBEDDER_POLICIES).as_deref() {
        Some("require-corp") => one(about, "coep-implemented-with-require-corp", 10),
        Some("credentialless") => one(about, "coep-implemented-with-credentialless", 10),
        Some(_) => one(about, "coep-implemented-with-unsafe-none", 0),
        None => one(about, "coep-header-invalid", -5),
    }
}

/// Where the target is asked over plain HTTP: whether it leads to HTTPS, and how. Not seen where it is asked over HTTPS.
fn redirection(page: &Page<'_>) -> Option<Scored> {
    let about = "redirection";
    let answer = page.answer;
    if !page.began.starts_with("http:") {
        return None;
    }
    let Some(first) = answer.redirects.first() else {
        return Some(one(about, "redirection-missing", -20));
    };
    if !answer.url.starts_with("https:") {
        return Some(one(about, "redirection-not-to-https", -20));
    }
    let location = first.split_once(' ').map_or("", |(_, location)| location);
    if !location.starts_with("https:") {
        let result = "redirection-not-to-https-on-initial-redirection";
        return Some(one(about, result, -10));
    }
    let host = |url: &str| {
        let uri = url.parse::<http::Uri>().ok()?;
        uri.host().map(str::to_ascii_lowercase)
    };
    if host(location) == host(page.began) {
        return Some(one(about, "redirection-to-https", 0));
    }
    Some(one(about, "redirection-off-host-from-http", -5))
}

pub(super) fn is_html(answer: &Fetched) -> bool {
    let kind = answer.header("content-type").unwrap_or_default();
    kind.to_ascii_lowercase().contains("html")
}
