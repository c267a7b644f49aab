use proptest::prelude::*;

use super::observed::{Page, checked, refusals_of_preflight};
use super::run::foreign_origins;
use super::syntax::{lint, origin_problem};
use crate::http::{Fetched, HttpTarget};

const PAGE: &str = "https://app.example";

fn answer(status: u16, headers: &[(&str, &str)]) -> Fetched {
    Fetched::made("https://api.example/", status, headers)
}

fn page(method: &str, headers: &[&str], credentials: bool) -> Page {
    Page {
        origin: PAGE.to_owned(),
        method: method.to_owned(),
        headers: headers.iter().map(|h| (*h).to_owned()).collect(),
        credentials,
    }
}

const ORIGIN: &str = "Access-Control-Allow-Origin";
const CREDENTIALS: &str = "Access-Control-Allow-Credentials";
const METHODS: &str = "Access-Control-Allow-Methods";
const HEADERS: &str = "Access-Control-Allow-Headers";

#[test]
fn an_answer_may_be_read_where_a_browser_lets_it_be_read() {
    let cases: [(&[(&str, &str)], bool, bool); 12] = [
        (&[], false, false),
        (&[(ORIGIN, PAGE)], false, true),
        (&[(ORIGIN, "*")], false, true),
        (&[(ORIGIN, "*")], true, false),
        (&[(ORIGIN, "*"), (CREDENTIALS, "true")], true, false),
        (&[(ORIGIN, PAGE)], true, false),
        (&[(ORIGIN, PAGE), (CREDENTIALS, "true")], true, true),
        (&[(ORIGIN, PAGE), (CREDENTIALS, "True")], true, false),
        (&[(ORIGIN, "https://app.example/")], false, false),
        (&[(ORIGIN, "HTTPS://APP.EXAMPLE")], false, false),
        (
            &[(ORIGIN, "https://app.example, https://b.example")],
            false,
            false,
        ),
        // Twice the right one is no right one: browsers join them by a comma.
        (&[(ORIGIN, PAGE), (ORIGIN, PAGE)], false, false),
    ];
    for (headers, credentials, allowed) in cases {
        let found = checked(&answer(200, headers), PAGE, credentials);
        assert_eq!(
            found.is_ok(),
            allowed,
            "{headers:?} {credentials}: {found:?}"
        );
    }
}

#[test]
fn a_preflight_passes_by_the_steps_of_the_fetch_standard() {
    let all: &[(&str, &str)] = &[(ORIGIN, PAGE), (METHODS, "PUT, DELETE"), (HEADERS, "X-A")];
    let any: &[(&str, &str)] = &[(ORIGIN, "*"), (METHODS, "*"), (HEADERS, "*")];
    let trusted: &[(&str, &str)] = &[
        (ORIGIN, PAGE),
        (METHODS, "*"),
        (HEADERS, "*"),
        (CREDENTIALS, "true"),
    ];
    let cases = [
        (204, all, page("PUT", &["x-a"], false), true),
        (200, all, page("GET", &[], false), true),
        (404, all, page("PUT", &[], false), false),
        (302, all, page("PUT", &[], false), false),
        (204, all, page("PATCH", &[], false), false),
        // Methods are compared letter by letter.
        (204, all, page("put", &[], false), false),
        (204, all, page("PUT", &["x-b"], false), false),
        (204, any, page("PATCH", &["x-b"], false), true),
        // `*` covers every header but the token.
        (204, any, page("PATCH", &["authorization"], false), false),
        // With credentials `*` is a name like any other.
        (204, trusted, page("PUT", &[], true), false),
        (204, trusted, page("GET", &["x-a"], true), false),
        (204, trusted, page("POST", &[], true), true),
    ];
    for (status, headers, page, passes) in cases {
        let why = refusals_of_preflight(&answer(status, headers), &page);
        assert_eq!(
            why.is_empty(),
            passes,
            "{status} {headers:?} {} {:?}: {why:?}",
            page.method,
            page.headers
        );
    }
}

#[test]
fn lookalikes_are_asked_for_each_end_of_a_name_and_addresses_have_none() {
    let kinds = |origin: &str| {
        let all = foreign_origins(origin, "gonogo-1");
        all.into_iter().map(|(kind, _)| kind).collect::<Vec<_>>()
    };
    assert_eq!(
        kinds("https://app.example"),
        ["random", "null", "suffix", "prefix", "plain-http"]
    );
    assert_eq!(kinds("http://127.0.0.1:3000"), ["random", "null"]);
    assert_eq!(
        kinds("https://[::1]:3000"),
        ["random", "null", "plain-http"]
    );
    assert_eq!(kinds("null"), ["random"]);
    let all = foreign_origins("https://app.example:8443", "gonogo-1");
    let origins: Vec<&str> = all.iter().map(|(_, origin)| origin.as_str()).collect();
    assert_eq!(
        origins,
        [
            "https://gonogo-1.invalid",
            "null",
            "https://app.example.gonogo-1.invalid",
            "https://gonogo-1app.example:8443",
            "http://app.example:8443"
        ]
    );
    // None of them is one that the plan could mean, and each is one that a browser could send.
    for (_, origin) in &all {
        assert_eq!(origin_problem(origin), None);
    }
}

#[test]
fn a_preflight_has_no_credentials() {
    let target: HttpTarget = serde_json::from_value(serde_json::json!({
        "http": "https://api.example",
        "bearer": "t",
        "basic": {"user": "u", "password": "p"},
        "headers": {"Cookie": "a=b", "AUTHORIZATION": "x", "X-Api-Key": "1", "Host": "a.example"},
    }))
    .unwrap();
    let bare = target.as_a_preflight_goes();
    assert!(bare.bearer.is_none() && bare.basic.is_none());
    let names: Vec<&String> = bare.headers.keys().collect();
    assert_eq!(names, ["Host"]);
}

#[test]
fn what_is_no_origin_is_found_before_anything_is_sent() {
    for (origin, wrong) in [
        ("https://app.example", false),
        ("http://localhost:3000", false),
        ("https://[::1]:8443", false),
        ("capacitor://localhost", false),
        ("null", false),
        ("https://app.example/", true),
        ("https://app.example:443", true),
        ("http://app.example:80", true),
        ("https://App.example", true),
        ("app.example", true),
        ("*", true),
        ("https://", true),
        ("https://u@app.example", true),
        ("https://app.example:", true),
        ("https://app example", true),
    ] {
        assert_eq!(origin_problem(origin).is_some(), wrong, "{origin}");
    }
    let found = lint(&serde_json::json!({
        "cors": "${inputs.origin}/", "method": "P T", "request_headers": ["a b", "${x}"]
    }));
    let keys: Vec<&str> = found.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(keys, ["method", "request_headers"]);
}

proptest! {
    #[test]
    fn only_the_page_itself_or_everybody_is_let_in(
        value in "[ -~]{0,40}",
        more in "[ -~]{0,20}",
        credentials: bool,
    ) {
        let headers = [(ORIGIN, value.as_str()), (CREDENTIALS, more.as_str())];
        let answer = answer(200, &headers);
        if checked(&answer, PAGE, credentials).is_ok() {
            prop_assert!(value == PAGE || value == "*" && !credentials);
            prop_assert!(!credentials || more == "true");
        }
        // No value of a list makes the reading stop.
        let lists = [(ORIGIN, PAGE), (METHODS, value.as_str()), (HEADERS, more.as_str())];
        let page = page("PATCH", &["x-a"], credentials);
        let passes = refusals_of_preflight(&super::tests::answer(204, &lists), &page).is_empty();
        prop_assert!(!passes || value.contains("PATCH") || value.contains('*'));
    }
}
