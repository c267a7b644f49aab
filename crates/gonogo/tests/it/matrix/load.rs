//! The row of `load`.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::target::{self, NO_SUCH_HOST, Target};
use super::{Cell, Fault, Kind, PANIC, hold};
use crate::rig::refusing;

/// On a machine that is busy with other things the load generator is late, says so, and decides nothing.
const NOT_PROVEN: &str = "fail or inconclusive";

fn loading<E>(case: Case<E>, url: &str, rhythm: Json) -> Case<E> {
    let mut options = json!({"request_timeout": "300ms"});
    for (name, value) in rhythm.as_object().into_iter().flatten() {
        options[name] = value.clone();
    }
    case.target(format!("api: {{ http: '{url}' }}"))
        .check("load", json!("GET /"), options, &[])
}

/// Sixty requests, which would decide both limits.
fn sixty(case: Case<Fails>, url: &str) -> Case<Fails> {
    let limits = json!({"p95": "10s", "errors": "10%"});
    let rhythm = json!({"users": 60, "rounds": 60, "pace": "0s", "limits": limits});
    loading(case, url, rhythm)
}

fn answered(name: &'static str, bytes: &[u8]) -> Case<Fails> {
    let target = Target::always(bytes.to_vec());
    sixty(Case::new(name, NOT_PROVEN), &target.url())
}

fn cell(fault: Fault) -> Cell {
    let fine = Target::always(target::json(200, "{}")).url();
    Cell::Runs(match fault {
        Fault::NoData => vec![
            answered("closed without a byte", b""),
            loading(
                Case::new("one answer", "inconclusive"),
                &fine,
                json!({"rounds": 1, "limits": {"errors": "10%"}}),
            ),
        ],
        Fault::NotANumber | Fault::Infinite => {
            return Cell::Cannot(
                "latencies are whole nanoseconds that are measured here; bodies are counted, not read",
            );
        }
        Fault::Empty => vec![loading(
            Case::new("no time to send anything", "inconclusive"),
            &fine,
            json!({"rate": "20/s", "duration": "1ms", "limits": {"errors": "10%"}}),
        )],
        Fault::Timeout => {
            let silent = Target::stuck_after(b"").url();
            let half = Target::stuck_after(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{").url();
            vec![
                sixty(Case::new("no answer", NOT_PROVEN), &silent),
                sixty(Case::new("half an answer", NOT_PROVEN), &half),
            ]
        }
        Fault::Refused => vec![sixty(Case::new("nobody listens", NOT_PROVEN), &refusing())],
        Fault::Dns => vec![sixty(
            Case::new("no such name", "error"),
            &format!("http://{NO_SUCH_HOST}"),
        )],
        Fault::Tls => super::http::tls(|case, url| sixty(case.ends_in(NOT_PROVEN), url)),
        Fault::RedirectLoop => vec![answered(
            "to itself",
            b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )],
        Fault::Truncated => vec![
            answered("half a head", b"HTTP/1.1 200 OK\r\nConte"),
            answered(
                "shorter than announced",
                b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
            ),
            answered(
                "a chunk is missing",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
            ),
        ],
        Fault::WrongType => vec![answered("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n\r\n")],
        Fault::Overflow => vec![
            answered(
                "a length beyond all",
                b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
            ),
            answered(
                "a chunk beyond all",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}",
            ),
            answered(
                "ten gigabytes",
                b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n{}",
            ),
        ],
        Fault::ToolAbsent => return Cell::Cannot("the generator is built in, it needs no tool"),
        Fault::Denied => vec![
            answered(
                "401",
                b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            ),
            answered(
                "429",
                b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            )
            .ends_in("inconclusive"),
        ],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => {
            return Cell::Cannot(
                "latencies are taken from one monotonic clock; no clock of the target's enters",
            );
        }
    })
}

#[test]
fn no_fault_of_a_loaded_service_is_a_pass() {
    let fine = Target::always(target::json(200, "{}")).url();
    // No limit: those are tested where nothing else disturbs the generator.
    let healthy = Case::healthy()
        .target(format!("api: {{ http: '{fine}' }}"))
        .check(
            "load",
            json!("GET /"),
            json!({"rounds": 60, "pace": "1ms"}),
            &["samples_count == 60", "errors == 0"],
        );
    hold(Kind::Load, healthy, cell);
}
