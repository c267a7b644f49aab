//! The rows of `cors`, `security-headers` and `rate-limit`.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::target::{NO_SUCH_HOST, Target, with_headers};
use super::{Cell, Fault, Kind, NO_CLOCK, PANIC, hold};
use crate::rig::{answer, refusing};

const PAGE: &str = "https://app.example";
/// What people expect of each without much thought.
const NOT_REFLECTED: &str = "!reflects_any";
const NO_FOREIGNER: &str = "foreign.all(f, !f.allowed)";
const NOTHING_TO_REMOVE: &str = "to_remove == []";
const NOTHING_MISSING: &str = "missing == []";
const CONSISTENT: &str = "consistent";
const LIMITED: &str = "limited_at <= 20";

/// A server that is given each request's head.
fn heads(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Target {
    Target::on_connection(move |mut stream| {
        let mut head = Vec::new();
        let mut byte = [0u8; 1];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let _closed = stream.write_all(&answer(&head)).is_err();
    })
}

fn asking<E>(kind: Kind, case: Case<E>, url: &str, options: Json, expect: &str) -> Case<E> {
    let asked = match kind {
        Kind::Cors => json!(PAGE),
        Kind::SecurityHeaders => json!("/"),
        _ => json!("GET /"),
    };
    let mut options = options;
    if kind == Kind::RateLimit {
        options["requests"] = json!(20);
    }
    case.target(format!("api: {{ http: '{url}' }}"))
        .check(kind.probe(), asked, options, &[expect])
}

fn answered(
    kind: Kind,
    name: &'static str,
    bytes: Vec<u8>,
    expect: &str,
    ends: &'static str,
) -> Case<Fails> {
    let target = Target::always(bytes);
    asking(
        kind,
        Case::new(name, ends),
        &target.url(),
        json!({}),
        expect,
    )
}

/// The faults below what the kinds look at: the same for all three.
fn connection(kind: Kind, fault: Fault, expect: &str) -> Option<Cell> {
    let stuck = |name, bytes: &'static [u8]| {
        let target = Target::stuck_after(bytes);
        let options = json!({"timeout": "1s"});
        asking(
            kind,
            Case::new(name, "error"),
            &target.url(),
            options,
            expect,
        )
    };
    let broken = |name, bytes: &[u8]| answered(kind, name, bytes.to_vec(), expect, "error");
    Some(Cell::Runs(match fault {
        Fault::Timeout => vec![
            stuck("no answer", b""),
            stuck("half a head", b"HTTP/1.1 200 OK\r\nX-A: b"),
            stuck(
                "half a body",
                b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
            ),
        ],
        Fault::Refused => vec![asking(
            kind,
            Case::new("nobody listens", "error"),
            &refusing(),
            json!({}),
            expect,
        )],
        Fault::Dns => vec![asking(
            kind,
            Case::new("no such name", "error"),
            &format!("http://{NO_SUCH_HOST}"),
            json!({"timeout": "3s"}),
            expect,
        )],
        Fault::Tls => super::http::tls(|case, url| asking(kind, case, url, json!({}), expect)),
        Fault::Truncated => vec![
            broken("closed without a byte", b""),
            broken("half a head", b"HTTP/1.1 200 OK\r\nAccess-Con"),
            broken(
                "shorter than announced",
                b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
            ),
        ],
        Fault::ToolAbsent => return Some(Cell::Cannot("the client is built in, it needs no tool")),
        Fault::Panic => return Some(PANIC),
        _ => return None,
    }))
}

fn cors(headers: &str) -> Vec<u8> {
    with_headers(&headers.replace('\n', "\r\n"), b"{}")
}

fn cors_cell(fault: Fault) -> Cell {
    let kind = Kind::Cors;
    if let Some(cell) = connection(kind, fault, NOT_REFLECTED) {
        return cell;
    }
    let page = |status| answer(status, "text/html", b"<html>");
    let told =
        |name, headers: &str, expect: &str| answered(kind, name, cors(headers), expect, "fail");
    let age = "preflight.max_age < duration('1h')";
    Cell::Runs(match fault {
        Fault::NoData => vec![
            answered(
                kind,
                "nothing is there",
                page(404),
                NOT_REFLECTED,
                "inconclusive",
            ),
            answered(
                kind,
                "the proxy alone",
                page(502),
                NO_FOREIGNER,
                "inconclusive",
            ),
            answered(kind, "no header", page(200), "simple.allowed", "fail"),
            told("no age", "Access-Control-Allow-Origin: *\n", age),
        ],
        Fault::Empty => vec![
            told(
                "an empty origin",
                "Access-Control-Allow-Origin:\n",
                "simple.allowed",
            ),
            told(
                "no methods",
                "Access-Control-Allow-Origin: *\n",
                "preflight.methods.all(m, m != 'DELETE')",
            ),
        ],
        Fault::NotANumber => vec![told("an age", "Access-Control-Max-Age: NaN\n", age)],
        Fault::Infinite => vec![told("an age", "Access-Control-Max-Age: -inf\n", age)],
        Fault::Overflow => vec![
            told(
                "an age beyond all",
                "Access-Control-Max-Age: 99999999999999999999\n",
                age,
            ),
            answered(
                kind,
                "a status of five digits",
                b"HTTP/1.1 20000 OK\r\n\r\n".to_vec(),
                NOT_REFLECTED,
                "error",
            ),
        ],
        Fault::WrongType => vec![
            told(
                "names that are none",
                "Access-Control-Allow-Origin: *\nAccess-Control-Allow-Methods: {\"a\": 1}\n",
                "preflight.allowed",
            ),
            told(
                "true in other letters",
                "Access-Control-Allow-Origin: https://app.example\nAccess-Control-Allow-Credentials: True\n",
                "simple.credentials",
            ),
            answered(
                kind,
                "no HTTP",
                b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
                NOT_REFLECTED,
                "error",
            ),
        ],
        Fault::RedirectLoop => {
            let to = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n";
            vec![answered(
                kind,
                "a preflight moved",
                to.to_vec(),
                "preflight.allowed",
                "fail",
            )]
        }
        Fault::Denied => vec![answered(
            kind,
            "403",
            page(403),
            "preflight.allowed",
            "fail",
        )],
        Fault::ClockSkew => return NO_CLOCK,
        _ => unreachable!("held by `connection`"),
    })
}

#[test]
fn no_fault_of_cross_origin_sharing_is_a_pass() {
    let target = heads(|head| {
        let allowed = if head.contains("origin: https://app.example\r\n") {
            "Access-Control-Allow-Origin: https://app.example\nAccess-Control-Max-Age: 600\nVary: Origin\n"
        } else {
            "Vary: Origin\n"
        };
        cors(allowed)
    });
    let expect = format!(
        "preflight.allowed && simple.allowed && {NOT_REFLECTED} && {NO_FOREIGNER} && preflight.max_age < duration('1h')"
    );
    let healthy = asking(
        Kind::Cors,
        Case::healthy(),
        &target.url(),
        json!({}),
        &expect,
    );
    hold(Kind::Cors, healthy, cors_cell);
}

const WELL: &str = "Strict-Transport-Security: max-age=63072000\nX-Content-Type-Options: nosniff\nReferrer-Policy: no-referrer\n";

fn wanted() -> Json {
    json!({"wanted": ["x-content-type-options", "referrer-policy"]})
}

fn security_cell(fault: Fault) -> Cell {
    let kind = Kind::SecurityHeaders;
    if let Some(cell) = connection(kind, fault, NOTHING_TO_REMOVE) {
        return cell;
    }
    let page = |status| answer(status, "text/html", b"<html>");
    let told =
        |name, headers: &str, expect: &str| answered(kind, name, cors(headers), expect, "fail");
    let age = "headers.hsts.max_age > duration('1h')";
    Cell::Runs(match fault {
        Fault::NoData => vec![
            answered(kind, "no header", page(200), NOTHING_MISSING, "fail"),
            answered(
                kind,
                "the proxy alone",
                page(502),
                NOTHING_TO_REMOVE,
                "inconclusive",
            ),
            answered(
                kind,
                "no policy",
                page(200),
                "!headers.csp.unsafe_inline",
                "fail",
            ),
            answered(kind, "no grade", page(404), "score >= 0", "fail"),
        ],
        Fault::Empty => vec![
            told(
                "empty values",
                "X-Content-Type-Options:\nReferrer-Policy:\n",
                "weak == []",
            ),
            told(
                "an empty policy",
                "Content-Security-Policy:\n",
                "grade == 'A+'",
            ),
        ],
        Fault::NotANumber | Fault::Infinite | Fault::Overflow => vec![
            // Over plain HTTP no browser heeds it, whatever it says.
            told("an age", "Strict-Transport-Security: max-age=NaN\n", age),
            told(
                "an age beyond all",
                "Strict-Transport-Security: max-age=99999999999999999999999\n",
                age,
            ),
        ],
        Fault::WrongType => vec![
            told(
                "a word that is none",
                "X-Content-Type-Options: yes\n",
                "weak == []",
            ),
            told(
                "JSON for a field",
                "Permissions-Policy: {\"camera\": []}\n",
                "size(headers.permissions_policy) >= 0",
            ),
            answered(
                kind,
                "no HTTP",
                b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
                NOTHING_TO_REMOVE,
                "error",
            ),
        ],
        Fault::RedirectLoop => {
            let to = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let target = Target::always(to.to_vec());
            let follow = json!({"redirects": 3});
            vec![
                asking(
                    kind,
                    Case::new("to itself", "error"),
                    &target.url(),
                    follow,
                    NOTHING_TO_REMOVE,
                ),
                answered(kind, "moved", to.to_vec(), "score >= 0", "fail"),
            ]
        }
        Fault::Denied => vec![answered(kind, "403", page(403), NOTHING_MISSING, "fail")],
        Fault::ClockSkew => return NO_CLOCK,
        _ => unreachable!("held by `connection`"),
    })
}

#[test]
fn no_fault_of_security_headers_is_a_pass() {
    let target = Target::always(cors(WELL));
    let expect =
        format!("{NOTHING_TO_REMOVE} && {NOTHING_MISSING} && headers.nosniff && score > 0");
    let kind = Kind::SecurityHeaders;
    let healthy = asking(kind, Case::healthy(), &target.url(), wanted(), &expect);
    hold(kind, healthy, security_cell);
}

/// A limiter of five that says so.
fn limiter() -> Target {
    let count = AtomicUsize::new(0);
    Target::routes(move |_| {
        let used = count.fetch_add(1, Ordering::SeqCst) + 1;
        let left = 5usize.saturating_sub(used);
        let fields = format!(
            "RateLimit-Policy: \"default\";q=5;w=3600\r\nRateLimit: \"default\";r={left};t=3600\r\n"
        );
        if used <= 5 {
            return with_headers(&fields, b"{}");
        }
        format!("HTTP/1.1 429 Too Many Requests\r\n{fields}Retry-After: 3600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
    })
}

fn limit_cell(fault: Fault) -> Cell {
    let kind = Kind::RateLimit;
    if let Some(cell) = connection(kind, fault, CONSISTENT) {
        return cell;
    }
    let page = |status| answer(status, "text/html", b"<html>");
    let told =
        |name, headers: &str, expect: &str| answered(kind, name, cors(headers), expect, "fail");
    let plain = |n: &str| {
        format!("X-RateLimit-Limit: {n}\nX-RateLimit-Remaining: {n}\nX-RateLimit-Reset: {n}\n")
    };
    let refused = |retry: &str| {
        format!("HTTP/1.1 429 Too Many Requests\r\n{retry}Content-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
    };
    let wait = "retry_after < duration('1h')";
    Cell::Runs(match fault {
        Fault::NoData => vec![
            answered(kind, "no limit", page(200), LIMITED, "fail"),
            answered(kind, "no field", page(200), CONSISTENT, "fail"),
            answered(
                kind,
                "nobody disagrees",
                page(200),
                "disagreements == []",
                "fail",
            ),
            answered(kind, "the server is gone", page(502), LIMITED, "fail"),
            answered(kind, "no Retry-After", refused(""), wait, "fail"),
        ],
        Fault::Empty => vec![
            told("empty fields", "RateLimit:\n", CONSISTENT),
            told("empty numbers", &plain(""), "remaining < 100"),
        ],
        Fault::NotANumber => vec![
            told("numbers", &plain("NaN"), "remaining < 100"),
            told(
                "in a field",
                "RateLimit: \"default\";r=NaN;t=1\n",
                CONSISTENT,
            ),
        ],
        Fault::Infinite => vec![
            told("numbers", &plain("-inf"), "remaining < 100"),
            answered(
                kind,
                "a wait",
                refused("Retry-After: -inf\r\n"),
                wait,
                "fail",
            ),
        ],
        Fault::Overflow => vec![
            told("numbers", &plain("99999999999999999999"), "remaining > 0"),
            answered(
                kind,
                "a wait beyond all",
                refused("Retry-After: 99999999999999999999\r\n"),
                wait,
                "fail",
            ),
        ],
        Fault::WrongType => vec![
            told("JSON", "RateLimit: {\"remaining\": 5}\n", CONSISTENT),
            told(
                "it never counts down",
                "RateLimit-Limit: 10\nRateLimit-Remaining: 9\nRateLimit-Reset: 3600\n",
                CONSISTENT,
            ),
            answered(
                kind,
                "no HTTP",
                b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
                CONSISTENT,
                "error",
            ),
        ],
        Fault::RedirectLoop => {
            let to = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            vec![answered(kind, "moved", to.to_vec(), LIMITED, "fail")]
        }
        Fault::Denied => vec![answered(kind, "403", page(403), LIMITED, "fail")],
        Fault::ClockSkew => vec![answered(
            kind,
            "a date far ahead",
            refused("Retry-After: Tue, 01 Jan 2097 00:00:00 GMT\r\n"),
            wait,
            "fail",
        )],
        _ => unreachable!("held by `connection`"),
    })
}

#[test]
fn no_fault_of_a_rate_limit_is_a_pass() {
    let target = limiter();
    let expect =
        format!("{CONSISTENT} && {LIMITED} && retry_after <= duration('1h') && remaining == 4");
    let kind = Kind::RateLimit;
    let healthy = asking(kind, Case::healthy(), &target.url(), json!({}), &expect);
    hold(kind, healthy, limit_cell);
}
