//! The row of `tls`.

use std::io::{Read as _, Write as _};

use serde_json::{Value as Json, json};

use super::case::{Case, Fails, Healthy};
use super::target::{self, NO_SUCH_HOST, Target, wait_until_closed};
use super::{Cell, Fault, Kind, PANIC, hold};
use crate::rig::refusing;

const EXPECT: [&str; 3] = ["trusted", "name_matches", "expires_in > duration('24h')"];

fn asking<E>(case: Case<E>, url: &str, options: Json, expect: &[&str]) -> Case<E> {
    case.target(format!("api: {{ http: '{url}' }}"))
        .check("tls", json!("target"), options, expect)
}

/// A server that says this to every hello.
fn says(name: &'static str, bytes: &'static [u8]) -> Case<Fails> {
    let target = Target::on_connection(move |mut stream| {
        let mut buffer = [0u8; 4096];
        let _hello = stream.read(&mut buffer).is_ok();
        let _closed = stream.write_all(bytes).is_err();
    });
    let url = format!("https://{}", target.address());
    asking(Case::new(name, "error"), &url, json!({}), &["trusted"])
}

fn with_certificate<E>(
    case: Case<E>,
    names: &[&str],
    until: (i32, u8, u8),
    expect: &[&str],
) -> Case<E> {
    let target = Target::tls(case.folder(), names, until);
    let url = format!(
        "https://localhost:{}', ca: 'ca.pem",
        target.address().port()
    );
    asking(case, &url, json!({}), expect)
}

fn healthy() -> Case<Healthy> {
    with_certificate(Case::healthy(), &["localhost"], (2100, 1, 1), &EXPECT)
}

fn cell(fault: Fault) -> Cell {
    const NO_NUMBERS: Cell =
        Cell::Cannot("every number is one of a binary field, in which nothing else can stand");
    Cell::Runs(match fault {
        Fault::NoData => vec![
            says("closed without a byte", b""),
            with_certificate(
                Case::new("no HSTS", "fail"),
                &["localhost"],
                (2100, 1, 1),
                &["hsts.max_age > 1"],
            ),
        ],
        Fault::NotANumber | Fault::Infinite => return NO_NUMBERS,
        Fault::Empty => {
            let url = "https://127.0.0.1:1";
            vec![
                asking(
                    Case::new("no pins", "refused"),
                    url,
                    json!({"pin": []}),
                    &["pinned"],
                ),
                says("an empty record", &[22, 3, 3, 0, 0]),
            ]
        }
        Fault::Timeout => {
            let stuck = |name, bytes: &'static [u8]| {
                let target = Target::on_connection(move |mut stream| {
                    let _closed = stream.write_all(bytes).is_err();
                    wait_until_closed(&mut stream);
                });
                let url = format!("https://{}", target.address());
                let options = json!({"timeout": "1s"});
                asking(Case::new(name, "error"), &url, options, &["trusted"])
            };
            vec![stuck("no answer", b""), stuck("half a record", &[22, 3, 3])]
        }
        Fault::Refused => {
            let url = refusing().replace("http:", "https:");
            vec![asking(
                Case::new("nobody listens", "error"),
                &url,
                json!({}),
                &EXPECT,
            )]
        }
        Fault::Dns => {
            let url = format!("https://{NO_SUCH_HOST}");
            let options = json!({"timeout": "3s"});
            vec![asking(
                Case::new("no such name", "error"),
                &url,
                options,
                &EXPECT,
            )]
        }
        Fault::Tls => super::http::tls(|case, url| {
            // What keeps others from observing is here what is observed.
            let ends = if case.name() == "no TLS there" {
                "error"
            } else {
                "fail"
            };
            asking(case.ends_in(ends), url, json!({}), &EXPECT)
        }),
        Fault::RedirectLoop => return Cell::Cannot("a handshake leads nowhere else"),
        Fault::Truncated => vec![
            says(
                "half a server hello",
                &[22, 3, 3, 0, 80, 2, 0, 0, 76, 3, 3, 1, 2, 3],
            ),
            says("half an alert", &[21, 3, 3, 0, 2, 2]),
        ],
        Fault::WrongType => vec![
            says("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            says("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
            {
                let plain = Target::always(target::json(200, "{}"));
                let url = plain.url();
                asking(
                    Case::new("an address without TLS", "error"),
                    &url,
                    json!({}),
                    &EXPECT,
                )
            },
        ],
        Fault::Overflow => vec![
            says(
                "a record beyond all",
                &[22, 3, 3, 0xff, 0xff, 2, 0xff, 0xff, 0xff],
            ),
            says(
                "a message beyond all",
                &[22, 3, 3, 0, 4, 2, 0xff, 0xff, 0xff],
            ),
        ],
        Fault::ToolAbsent => return Cell::Cannot("the client is built in, it needs no tool"),
        Fault::Denied => vec![
            says("access denied", &[21, 3, 3, 0, 2, 2, 49]),
            asking(
                Case::new("a CA file that is not there", "error"),
                "https://127.0.0.1:1', ca: 'no-such.pem",
                json!({}),
                &EXPECT,
            ),
        ],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => vec![with_certificate(
            Case::new("valid by a clock of long ago", "fail"),
            &["localhost"],
            (2001, 1, 1),
            &["expires_in > duration('24h')"],
        )],
    })
}

#[test]
fn no_fault_of_tls_is_a_pass() {
    hold(Kind::Tls, healthy(), cell);
}
