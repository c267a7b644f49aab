//! The row of `default-credentials`.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails, Healthy};
use super::target::{self, NO_SUCH_HOST, Target};
use super::{Cell, Fault, Kind, NO_CLOCK, PANIC, hold};
use crate::rig::refusing;

const NOBODY: &str = "accepted == []";

fn asking<E>(case: Case<E>, url: &str, options: Json) -> Case<E> {
    case.target(format!("api: {{ http: '{url}' }}")).check(
        "default-credentials",
        json!("POST /login"),
        options,
        &[NOBODY],
    )
}

fn answered(name: &'static str, bytes: Vec<u8>) -> Case<Fails> {
    let target = Target::always(bytes);
    asking(Case::new(name, "error"), &target.url(), json!({}))
}

fn healthy() -> Case<Healthy> {
    let target = Target::always(target::json(401, "{}"));
    asking(Case::healthy(), &target.url(), json!({}))
}

fn cell(fault: Fault) -> Cell {
    const NO_NUMBERS: Cell =
        Cell::Cannot("the only numbers are status codes, which are digits or no HTTP");
    Cell::Runs(match fault {
        Fault::NoData => vec![
            answered("closed without a byte", Vec::new()),
            answered("everybody is let in", target::json(200, "{}")),
            answered("no login there", target::json(404, "{}")),
        ],
        Fault::NotANumber | Fault::Infinite => return NO_NUMBERS,
        Fault::Empty => vec![asking(
            Case::new("no pairs", "refused"),
            "http://127.0.0.1:1",
            json!({"pairs": []}),
        )],
        Fault::Timeout => {
            let stuck = Target::stuck_after(b"HTTP/1.1 401 No\r\n");
            let options = json!({"timeout": "1s"});
            vec![asking(
                Case::new("half a head", "error"),
                &stuck.url(),
                options,
            )]
        }
        Fault::Refused => vec![asking(
            Case::new("nobody listens", "error"),
            &refusing(),
            json!({}),
        )],
        Fault::Dns => vec![asking(
            Case::new("no such name", "error"),
            &format!("http://{NO_SUCH_HOST}"),
            json!({"timeout": "3s"}),
        )],
        Fault::Tls => super::http::tls(|case, url| asking(case, url, json!({}))),
        Fault::RedirectLoop => {
            let head = b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            vec![answered("to itself", head.to_vec())]
        }
        Fault::Truncated => {
            let head = b"HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\n{";
            vec![answered("shorter than announced", head.to_vec())]
        }
        Fault::WrongType => vec![
            answered("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
            answered("an error for a refusal", target::json(500, "{}")),
        ],
        Fault::Overflow => vec![answered(
            "a status of five digits",
            b"HTTP/1.1 40100 No\r\n\r\n".to_vec(),
        )],
        Fault::ToolAbsent => return Cell::Cannot("the client is built in, it needs no tool"),
        Fault::Denied => vec![answered("too many", target::json(429, "{}"))],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => return NO_CLOCK,
    })
}

#[test]
fn no_fault_of_a_login_is_a_pass() {
    hold(Kind::DefaultCredentials, healthy(), cell);
}
