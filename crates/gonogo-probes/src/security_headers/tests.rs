use gonogo_core::Value;
use proptest::prelude::*;

use super::grade::{CorsAnswer, Graded, Scored, grade, letter, total};
use super::lists::{TO_ADD, TO_REMOVE};
use super::observed::seen;
use super::parsed::{Hsts, Page};
use crate::http::Fetched;

const SITE: &str = "https://site.example/";

fn answer(status: u16, headers: &[(&str, &str)]) -> Fetched {
    Fetched::made(SITE, status, headers)
}

fn graded_as(answer: &Fetched, began: &str, foreign: &Fetched) -> Result<Graded, String> {
    let cors = CorsAnswer {
        origin: "https://other.invalid",
        answer: foreign,
    };
    grade(&Page::of(answer, began), &cors)
}

fn result(headers: &[(&str, &str)], about: &str) -> (&'static str, i32) {
    let answer = answer(200, headers);
    let graded = graded_as(&answer, SITE, &answer).unwrap();
    let one = graded.scored.iter().find(|one| one.about == about).unwrap();
    (one.result, one.modifier)
}

fn weak(headers: &[(&str, &str)], name: &str) -> Vec<String> {
    let answer = answer(200, headers);
    super::weak::reasons(&Page::of(&answer, SITE), name)
}

const CSP: &str = "Content-Security-Policy";
const HSTS: &str = "Strict-Transport-Security";

#[test]
fn the_scale_is_the_published_one() {
    let chart = [
        (135, "A+"),
        (100, "A+"),
        (99, "A"),
        (90, "A"),
        (89, "A-"),
        (85, "A-"),
        (84, "B+"),
        (80, "B+"),
        (79, "B"),
        (70, "B"),
        (69, "B-"),
        (65, "B-"),
        (64, "C+"),
        (60, "C+"),
        (59, "C"),
        (50, "C"),
        (49, "C-"),
        (45, "C-"),
        (44, "D+"),
        (40, "D+"),
        (39, "D"),
        (30, "D"),
        (29, "D-"),
        (25, "D-"),
        (24, "F"),
        (0, "F"),
    ];
    for (score, grade) in chart {
        assert_eq!(letter(score), grade, "{score}");
    }
}

#[test]
fn bonuses_count_only_where_the_penalties_leave_an_a() {
    let scored = |modifiers: &[i32]| {
        let all: Vec<Scored> = modifiers
            .iter()
            .map(|modifier| Scored {
                about: "x",
                result: "y",
                modifier: *modifier,
            })
            .collect();
        total(&all)
    };
    assert_eq!(scored(&[]), (100, "A+"));
    assert_eq!(scored(&[-10, 5, 10]), (105, "A+"));
    assert_eq!(scored(&[-5, -10, 5, 10]), (85, "A-"));
    assert_eq!(scored(&[-40, -50, -20, 30]), (0, "F"));
}

#[test]
fn a_site_without_any_header_has_the_grade_that_the_observatory_gives_it() {
    // 100 - 25 (policy) - 20 (transport) - 5 (sniffing) - 20 (framing).
    let bare = answer(200, &[("Content-Type", "text/html")]);
    let graded = graded_as(&bare, SITE, &bare).unwrap();
    assert_eq!((graded.score, graded.grade), (30, "D"));
    assert_eq!(graded.not_scored, ["redirection", "subresource-integrity"]);
}

#[test]
fn a_policy_is_scored_as_the_rule_says() {
    let cases = [
        (
            &["default-src 'none'"][..],
            "csp-implemented-with-no-unsafe-default-src-none",
            10,
        ),
        (
            &["default-src"],
            "csp-implemented-with-no-unsafe-default-src-none",
            10,
        ),
        (&["default-src 'self'"], "csp-implemented-with-no-unsafe", 5),
        (
            &["default-src 'self'; style-src 'unsafe-inline'"],
            "csp-implemented-with-unsafe-inline-in-style-src-only",
            0,
        ),
        (
            &["default-src 'none'; img-src http://cdn.example"],
            "csp-implemented-with-insecure-scheme-in-passive-content-only",
            -10,
        ),
        (
            &["default-src 'self' 'unsafe-eval'"],
            "csp-implemented-with-unsafe-eval",
            -10,
        ),
        (
            &["default-src 'self'; connect-src http://api.example"],
            "csp-implemented-with-insecure-scheme",
            -20,
        ),
        (
            &["default-src 'self' 'unsafe-inline'"],
            "csp-implemented-with-unsafe-inline",
            -20,
        ),
        (
            &["script-src 'self'"],
            "csp-implemented-with-unsafe-inline",
            -20,
        ),
        (
            &["default-src https:"],
            "csp-implemented-with-unsafe-inline",
            -20,
        ),
        (
            &["default-src 'self'; script-src data:"],
            "csp-implemented-with-unsafe-inline",
            -20,
        ),
        // A nonce takes 'unsafe-inline' away, and with 'strict-dynamic' the places too.
        (
            &["default-src 'none'; script-src 'nonce-r4nd0m' 'unsafe-inline'"],
            "csp-implemented-with-no-unsafe-default-src-none",
            10,
        ),
        (
            &["default-src 'none'; script-src 'nonce-x' 'strict-dynamic' https: 'self'"],
            "csp-implemented-with-no-unsafe-default-src-none",
            10,
        ),
        (
            &["default-src 'none'; script-src 'strict-dynamic'"],
            "csp-header-invalid",
            -25,
        ),
        (
            &["default-src 'none'; default-src *"],
            "csp-header-invalid",
            -25,
        ),
        (&["x"], "csp-header-invalid", -25),
        (
            &["default-src 'none'; report-uri /a; report-uri /b"],
            "csp-implemented-but-duplicate-directives",
            0,
        ),
        // All policies hold: what one refuses is refused. In two lines, or in one with a comma.
        (
            &["default-src 'self' 'unsafe-inline'", "default-src 'none'"],
            "csp-implemented-with-no-unsafe-default-src-none",
            10,
        ),
        (
            &["default-src 'self' 'unsafe-inline', default-src 'self'"],
            "csp-implemented-with-no-unsafe",
            5,
        ),
        (
            &["img-src *", "style-src *"],
            "csp-implemented-with-unsafe-inline",
            -20,
        ),
    ];
    for (lines, wanted, modifier) in cases {
        let headers: Vec<(&str, &str)> = lines.iter().map(|line| (CSP, *line)).collect();
        let found = result(&headers, "content-security-policy");
        assert_eq!(found, (wanted, modifier), "{lines:?}");
    }
    let report = [("Content-Security-Policy-Report-Only", "default-src 'none'")];
    assert_eq!(
        result(&report, "content-security-policy"),
        ("csp-not-implemented-but-reporting-enabled", -25)
    );
}

#[test]
fn the_other_headers_are_scored_as_the_rule_says() {
    let long = (HSTS, "max-age=63072000");
    let cases: [(&[(&str, &str)], &str, &str, i32); 29] = [
        (
            &[long],
            "strict-transport-security",
            "hsts-implemented-max-age-at-least-six-months",
            0,
        ),
        (
            &[(HSTS, "max-age=15552000")],
            "strict-transport-security",
            "hsts-implemented-max-age-at-least-six-months",
            0,
        ),
        (
            &[(HSTS, "max-age=15551999")],
            "strict-transport-security",
            "hsts-implemented-max-age-less-than-six-months",
            -10,
        ),
        (
            &[(HSTS, "includeSubDomains")],
            "strict-transport-security",
            "hsts-header-invalid",
            -20,
        ),
        (
            &[],
            "strict-transport-security",
            "hsts-not-implemented",
            -20,
        ),
        (
            &[("X-Content-Type-Options", "NoSniff")],
            "x-content-type-options",
            "x-content-type-options-nosniff",
            0,
        ),
        (
            &[("X-Content-Type-Options", "on")],
            "x-content-type-options",
            "x-content-type-options-header-invalid",
            -5,
        ),
        (
            &[("X-Frame-Options", "SAMEORIGIN")],
            "x-frame-options",
            "x-frame-options-sameorigin-or-deny",
            5,
        ),
        (
            &[("X-Frame-Options", "ALLOW-FROM https://a.example")],
            "x-frame-options",
            "x-frame-options-allow-from-origin",
            0,
        ),
        (
            &[("X-Frame-Options", "ALLOWALL")],
            "x-frame-options",
            "x-frame-options-header-invalid",
            -20,
        ),
        (
            &[(CSP, "frame-ancestors 'none'")],
            "x-frame-options",
            "x-frame-options-implemented-via-csp",
            5,
        ),
        (
            &[("Referrer-Policy", "no-referrer")],
            "referrer-policy",
            "referrer-policy-private",
            5,
        ),
        // The last that is known holds.
        (
            &[("Referrer-Policy", "unsafe-url, strict-origin, brand-new")],
            "referrer-policy",
            "referrer-policy-private",
            5,
        ),
        (
            &[("Referrer-Policy", "no-referrer, unsafe-url")],
            "referrer-policy",
            "referrer-policy-unsafe",
            -5,
        ),
        (
            &[("Referrer-Policy", "none")],
            "referrer-policy",
            "referrer-policy-header-invalid",
            -5,
        ),
        (
            &[("Cross-Origin-Resource-Policy", "same-site")],
            "cross-origin-resource-policy",
            "corp-implemented-with-same-site",
            10,
        ),
        (
            &[("Cross-Origin-Resource-Policy", "any")],
            "cross-origin-resource-policy",
            "corp-header-invalid",
            -5,
        ),
        (
            &[("Cross-Origin-Opener-Policy", "same-origin; report-to=\"x\"")],
            "cross-origin-opener-policy",
            "coop-implemented-with-same-origin",
            10,
        ),
        (
            &[("Cross-Origin-Opener-Policy", "\"same-origin\"")],
            "cross-origin-opener-policy",
            "coop-header-invalid",
            -5,
        ),
        (
            &[("Cross-Origin-Embedder-Policy", "credentialless")],
            "cross-origin-embedder-policy",
            "coep-implemented-with-credentialless",
            10,
        ),
        (
            &[("Cross-Origin-Embedder-Policy", "unsafe-none")],
            "cross-origin-embedder-policy",
            "coep-implemented-with-unsafe-none",
            0,
        ),
        (
            &[("Set-Cookie", "a=b; Secure; SameSite=Lax")],
            "cookies",
            "cookies-secure-with-httponly-sessions-and-samesite",
            5,
        ),
        (
            &[("Set-Cookie", "a=b; Secure")],
            "cookies",
            "cookies-secure-with-httponly-sessions",
            0,
        ),
        (
            &[("Set-Cookie", "a=b"), long],
            "cookies",
            "cookies-without-secure-flag-but-protected-by-hsts",
            -5,
        ),
        (
            &[("Set-Cookie", "SESSION=b; HttpOnly"), long],
            "cookies",
            "cookies-session-without-secure-flag-but-protected-by-hsts",
            -10,
        ),
        (
            &[("Set-Cookie", "a=b")],
            "cookies",
            "cookies-without-secure-flag",
            -20,
        ),
        (
            &[("Set-Cookie", "csrf=b; Secure")],
            "cookies",
            "cookies-anticsrf-without-samesite-flag",
            -20,
        ),
        (
            &[("Set-Cookie", "session=b; Secure")],
            "cookies",
            "cookies-session-without-httponly-flag",
            -30,
        ),
        (
            &[
                ("Set-Cookie", "a=b; Secure; SameSite=Lax"),
                ("Set-Cookie", "login=b; HttpOnly"),
            ],
            "cookies",
            "cookies-session-without-secure-flag",
            -40,
        ),
    ];
    for (headers, about, wanted, modifier) in cases {
        assert_eq!(result(headers, about), (wanted, modifier), "{headers:?}");
    }
}

#[test]
fn what_one_answer_cannot_tell_has_no_grade_or_is_not_scored() {
    for status in [404, 500, 502] {
        let page = answer(status, &[]);
        assert!(graded_as(&page, SITE, &page).is_err(), "{status}");
    }
    for status in [200, 401, 403] {
        let page = answer(status, &[]);
        assert!(graded_as(&page, SITE, &page).is_ok(), "{status}");
    }
    let moved = answer(301, &[("Location", "https://site.example/new")]);
    let why = graded_as(&moved, SITE, &moved).unwrap_err();
    assert!(why.contains("redirects"), "{why}");

    // The way from plain HTTP is seen only where it is gone.
    let redirected = |location: &str, url: &str| {
        let mut page = answer(200, &[]);
        page.redirects = vec![format!("301 {location}")];
        url.clone_into(&mut page.url);
        let graded = graded_as(&page, "http://site.example/", &page).unwrap();
        let one = graded.scored.iter().find(|one| one.about == "redirection");
        one.unwrap().result
    };
    assert_eq!(redirected(SITE, SITE), "redirection-to-https");
    assert_eq!(
        redirected("https://b.example/", "https://b.example/"),
        "redirection-off-host-from-http"
    );
    assert_eq!(
        redirected("/new", SITE),
        "redirection-not-to-https-on-initial-redirection"
    );
    assert_eq!(
        redirected("/new", "http://site.example/new"),
        "redirection-not-to-https"
    );
}

#[test]
fn a_foreign_origin_that_is_let_in_with_credentials_costs_the_grade() {
    let page = answer(200, &[]);
    let foreign = |origin: &str, credentials: &str| {
        let foreign = answer(
            204,
            &[
                ("Access-Control-Allow-Origin", origin),
                ("Access-Control-Allow-Credentials", credentials),
            ],
        );
        let graded = graded_as(&page, SITE, &foreign).unwrap();
        graded
            .scored
            .iter()
            .find(|one| one.about == "cross-origin-resource-sharing")
            .unwrap()
            .modifier
    };
    assert_eq!(foreign("https://other.invalid", "true"), -50);
    assert_eq!(foreign("https://other.invalid", "false"), 0);
    assert_eq!(foreign("*", "true"), 0);
    assert_eq!(foreign("https://mine.example", "true"), 0);
}

#[test]
fn transport_security_is_read_by_its_rfc() {
    let read =
        |value: &str| Hsts::parse(value).map(|h| (h.max_age, h.include_subdomains, h.preload));
    assert_eq!(read("max-age=1"), Ok((1, false, false)));
    assert_eq!(
        read("max-age=\"31536000\" ; INCLUDESUBDOMAINS; preload;"),
        Ok((31_536_000, true, true))
    );
    assert_eq!(
        read("unknown=\"x\"; max-age=99999999999999999999999"),
        Ok((u64::MAX, false, false))
    );
    for bad in [
        "",
        "max-age",
        "max-age=",
        "max-age=-1",
        "max-age=1e9",
        "max-age=NaN",
        "max-age='1'",
        "max-age=1; max-age=2",
        "includeSubDomains",
        "max-age=1; includeSubDomains=yes",
        "max-age=1, max-age=2",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_value_that_is_of_no_use_is_weak_and_says_why() {
    let ignored = "browsers do not heed it";
    for (name, value, why) in [
        (HSTS, "max-age=0", "forget"),
        (HSTS, "max-age=86400", "1 days, less than six months"),
        (HSTS, "max-age=63072000; preload", "`preload` needs"),
        (HSTS, "max-age=1y", ignored),
        ("X-Content-Type-Options", "sniff", ignored),
        ("X-Frame-Options", "ALLOW-FROM https://a.example", ignored),
        ("Referrer-Policy", "unsafe-url", "whole addresses"),
        ("Referrer-Policy", "never", ignored),
        ("Permissions-Policy", "geolocation 'none'", ignored),
        (
            "Permissions-Policy",
            "geolocation=*",
            "every origin may use `geolocation`",
        ),
        (
            "Permissions-Policy",
            "geolocation=(self \"https://a.example\" *)",
            "every origin",
        ),
        (
            "Cross-Origin-Opener-Policy",
            "unsafe-none",
            "as good as no header",
        ),
        ("Cross-Origin-Embedder-Policy", "required", ignored),
        ("Cross-Origin-Resource-Policy", "Same-Origin", ignored),
        (
            "Cross-Origin-Resource-Policy",
            "cross-origin",
            "every origin may embed",
        ),
        ("Cache-Control", "public, max-age=600", "no-store"),
        ("Clear-Site-Data", "cookies", ignored),
        ("X-DNS-Prefetch-Control", "on", "not `off`"),
        ("X-Permitted-Cross-Domain-Policies", "all", "not `none`"),
        (CSP, "default-src 'self'", "it has no `base-uri`"),
        (CSP, "script-src 'self'", "nothing limits `object-src`"),
        (CSP, "default-src *", "`script-src` allows *"),
        (
            CSP,
            "default-src 'self'; script-src 'unsafe-inline'",
            "`script-src` allows 'unsafe-inline'",
        ),
        (
            CSP,
            "default-src 'self' 'unsafe-eval'",
            "`script-src` allows 'unsafe-eval'",
        ),
        (CSP, "default-src 'self'", "`frame-ancestors`"),
        (
            CSP,
            "default-scr 'self'",
            "browsers do not know default-scr",
        ),
        (
            CSP,
            "default-src 'self'; default-src *",
            "only the first holds",
        ),
        (CSP, "", "is empty"),
    ] {
        let found = weak(&[(name, value)], &name.to_ascii_lowercase());
        assert!(
            found.iter().any(|w| w.contains(why)),
            "{name}: {value}: {found:?}"
        );
    }
    let twice = [
        ("X-Frame-Options", "deny"),
        ("X-Frame-Options", "sameorigin"),
    ];
    assert_eq!(weak(&twice, "x-frame-options"), ["it was sent 2 times"]);
}

#[test]
fn what_the_owasp_project_proposes_is_not_weak() {
    let proposed = [
        ("Cache-Control", "no-store, max-age=0"),
        ("Clear-Site-Data", "\"cache\",\"cookies\",\"storage\""),
        (
            CSP,
            "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; upgrade-insecure-requests",
        ),
        ("Cross-Origin-Embedder-Policy", "require-corp"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        (
            "Permissions-Policy",
            "accelerometer=(), camera=(), sync-xhr=(self), interest-cohort=()",
        ),
        ("Referrer-Policy", "no-referrer"),
        (HSTS, "max-age=63072000; includeSubDomains"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-DNS-Prefetch-Control", "off"),
        ("X-Frame-Options", "deny"),
        ("X-Permitted-Cross-Domain-Policies", "none"),
    ];
    assert_eq!(proposed.len(), TO_ADD.len());
    for (name, _) in proposed {
        let name = name.to_ascii_lowercase();
        assert!(TO_ADD.contains(&name.as_str()), "{name}");
        assert_eq!(weak(&proposed, &name), [""; 0], "{name}");
    }
    assert!(TO_REMOVE.contains(&"x-powered-by"));
}

#[test]
fn headers_that_browsers_gave_up_are_told() {
    let found = |name: &str, value: &str| {
        let answer = answer(200, &[(name, value)]);
        super::weak::deprecated(&Page::of(&answer, SITE)).len()
    };
    assert_eq!(found("X-XSS-Protection", "1; mode=block"), 1);
    assert_eq!(found("X-XSS-Protection", "0"), 0);
    assert_eq!(found("Feature-Policy", "camera 'none'"), 1);
    assert_eq!(found("Public-Key-Pins", "max-age=1"), 1);
    assert_eq!(
        found("Content-Security-Policy-Report-Only", "default-src 'none'"),
        1
    );
}

#[test]
fn over_plain_http_transport_security_is_not_heeded() {
    let mut page = answer(200, &[(HSTS, "max-age=63072000")]);
    "http://site.example/".clone_into(&mut page.url);
    let taken = Page::of(&page, "http://site.example/");
    assert!(super::weak::reasons(&taken, "strict-transport-security")[0].contains("plain HTTP"));
    let facts = seen(
        &taken,
        &["strict-transport-security".to_owned()],
        Err(String::new()),
    )
    .facts;
    let Value::Map(headers) = &facts["headers"] else {
        panic!("{facts:?}")
    };
    assert!(!headers.contains_key("hsts"));
}

#[test]
fn cookies_are_told_without_their_values() {
    let page = answer(
        200,
        &[("Set-Cookie", "session=t0ps3cret; HttpOnly; SameSite=None")],
    );
    let facts = seen(
        &Page::of(&page, SITE),
        &["x".to_owned()],
        Err(String::new()),
    )
    .facts;
    let text = format!("{facts:?}");
    assert!(
        text.contains("session") && !text.contains("t0ps3cret"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn no_value_of_a_header_stops_the_reading_or_lifts_the_grade_above_the_scale(
        values in prop::collection::vec(
            (prop::sample::select(TO_ADD.to_vec()), "[ -~]{0,60}"), 0..6,
        ),
        cookie in "[ -~]{0,40}",
        tls: bool,
    ) {
        let mut headers: Vec<(&str, &str)> =
            values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("set-cookie", &cookie));
        let mut page = answer(200, &headers);
        if !tls {
            "http://site.example/".clone_into(&mut page.url);
        }
        let began = page.url.clone();
        let graded = graded_as(&page, &began, &page).unwrap();
        prop_assert!((0..=160).contains(&graded.score));
        prop_assert_eq!(graded.grade, letter(graded.score));
        let wanted: Vec<String> = TO_ADD.iter().map(|name| (*name).to_owned()).collect();
        let seen = seen(&Page::of(&page, &began), &wanted, Ok(graded));
        let known = shape_names();
        for fact in seen.facts.keys() {
            prop_assert!(known.contains(fact), "{}", fact);
        }
    }

    #[test]
    fn one_more_policy_never_makes_a_page_weaker(first in POLICY, second in POLICY) {
        let modifier = |lines: &[&str]| {
            let headers: Vec<(&str, &str)> = lines.iter().map(|line| (CSP, *line)).collect();
            result(&headers, "content-security-policy").1
        };
        let both = modifier(&[&first, &second]);
        prop_assert!(both >= modifier(&[&first]).max(modifier(&[&second])));
    }
}

const POLICY: &str =
    "(default|script|object|style|img)-src ('self'|'none'|https:|'unsafe-inline'|\\*)";

fn shape_names() -> Vec<String> {
    let shape = super::shape::shape();
    shape.fields.into_iter().map(|(name, _)| name).collect()
}
