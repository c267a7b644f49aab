//! The row of `webhook`.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails, Healthy};
use super::target::{self, NO_SUCH_HOST, Target};
use super::{Cell, Fault, Kind, PANIC, hold};
use crate::rig::refusing;
use crate::webhook::{Receiver, SECRET};

const ONLY_GOOD: &str = "accepted == ['good']";
const BELOW: &str = "good.body.value < 100.0";

fn asking<E>(case: Case<E>, url: &str, options: Json, expect: &str) -> Case<E> {
    let mut all = json!({
        "scheme": "github",
        "secret": "${inputs.hook}",
        "json": {"action": "opened"},
    });
    for (name, value) in options.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    case.inputs("hook: { secret: true }")
        .with(&["-i", &format!("hook={SECRET}")])
        .target(format!("api: {{ http: '{url}' }}"))
        .check("webhook", json!("POST /hook"), all, &[expect])
}

fn answered(name: &'static str, bytes: Vec<u8>, expect: &str, ends: &'static str) -> Case<Fails> {
    let target = Target::always(bytes);
    asking(Case::new(name, ends), &target.url(), json!({}), expect)
}

fn body(name: &'static str, json: &str) -> Case<Fails> {
    answered(name, target::json(200, json), BELOW, "fail")
}

fn healthy() -> Case<Healthy> {
    let receiver = Receiver::strict();
    asking(Case::healthy(), &receiver.url(), json!({}), ONLY_GOOD)
}

fn cell(fault: Fault) -> Cell {
    Cell::Runs(match fault {
        Fault::NoData => vec![
            answered("closed without a byte", Vec::new(), ONLY_GOOD, "error"),
            answered("all is taken", target::json(200, "{}"), ONLY_GOOD, "fail"),
            body("no such key", "{}"),
        ],
        Fault::NotANumber => vec![
            body("a literal", r#"{"value": NaN}"#),
            body("a text", r#"{"value": "NaN"}"#),
        ],
        Fault::Infinite => vec![body("a literal", r#"{"value": -Infinity}"#)],
        Fault::Empty => vec![
            body("an empty body", ""),
            answered(
                "an empty list",
                target::json(200, r#"{"items": []}"#),
                "good.body.items.all(i, i.ok)",
                "inconclusive",
            ),
            asking(
                Case::new("no event", "refused"),
                "http://127.0.0.1:1",
                json!({"secret": ""}),
                ONLY_GOOD,
            ),
        ],
        Fault::Timeout => {
            let stuck = |name, bytes| {
                let target = Target::stuck_after(bytes);
                let options = json!({"timeout": "1s"});
                asking(Case::new(name, "error"), &target.url(), options, ONLY_GOOD)
            };
            vec![
                stuck("no answer", b""),
                stuck("half a head", b"HTTP/1.1 401 No\r\nX-A"),
            ]
        }
        Fault::Refused => vec![asking(
            Case::new("nobody listens", "error"),
            &refusing(),
            json!({}),
            ONLY_GOOD,
        )],
        Fault::Dns => vec![asking(
            Case::new("no such name", "error"),
            &format!("http://{NO_SUCH_HOST}"),
            json!({"timeout": "3s"}),
            ONLY_GOOD,
        )],
        Fault::Tls => super::http::tls(|case, url| asking(case, url, json!({}), ONLY_GOOD)),
        Fault::RedirectLoop => {
            let head = b"HTTP/1.1 302 Found\r\nLocation: /hook\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            vec![answered("to itself", head.to_vec(), ONLY_GOOD, "fail")]
        }
        Fault::Truncated => {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"value\": 1.5}";
            vec![answered(
                "shorter than announced",
                head.to_vec(),
                BELOW,
                "error",
            )]
        }
        Fault::WrongType => vec![
            answered(
                "no HTTP",
                b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
                ONLY_GOOD,
                "error",
            ),
            body("a list for a map", "[1]"),
        ],
        Fault::Overflow => {
            let huge = format!(r#"{{"value": 1, "more": "{}"}}"#, "x".repeat(300 * 1024));
            vec![
                answered(
                    "a status of five digits",
                    b"HTTP/1.1 20000 OK\r\n\r\n".to_vec(),
                    ONLY_GOOD,
                    "error",
                ),
                body("larger than is kept", &huge),
            ]
        }
        Fault::ToolAbsent => return Cell::Cannot("the client is built in, it needs no tool"),
        Fault::Denied => vec![answered(
            "nothing is taken",
            target::json(401, "{}"),
            ONLY_GOOD,
            "fail",
        )],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => {
            let receiver = Receiver::strict().with_clock_ahead(3600);
            let options = json!({"scheme": "slack"});
            vec![asking(
                Case::new("the receiver's clock is ahead", "fail"),
                &receiver.url(),
                options,
                ONLY_GOOD,
            )]
        }
    })
}

#[test]
fn no_fault_of_a_receiver_of_webhooks_is_a_pass() {
    hold(Kind::Webhook, healthy(), cell);
}
