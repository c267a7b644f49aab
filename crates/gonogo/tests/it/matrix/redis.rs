//! The row of `redis`, with a server of the test's own and with some that are none.

use std::io::{Read as _, Write as _};

use gonogo_probes::testing::RedisServer;
use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::target::{NO_SUCH_HOST, Target};
use super::{Cell, Fault, Kind, NO_REDIRECT, PANIC, hold};
use crate::rig::refusing;

const UP: &str = "latency < duration('10s')";

fn asking<E>(case: Case<E>, url: &str, options: Json, expect: &str) -> Case<E> {
    case.target(format!("cache: {{ redis: '{url}' }}")).check(
        "redis",
        json!("ping"),
        options,
        &[expect],
    )
}

/// A server that answers PING as it should, and INFO with this.
fn telling(info: Vec<u8>) -> Target {
    Target::on_connection(move |mut stream| {
        let mut buffer = [0u8; 512];
        for answer in [b"+PONG\r\n".to_vec(), info.clone()] {
            if !stream.read(&mut buffer).is_ok_and(|n| n > 0) || stream.write_all(&answer).is_err()
            {
                return;
            }
        }
    })
}

fn info(lines: &str) -> Vec<u8> {
    let text = format!("# Server\r\nredis_version:7.0.15\r\n{lines}\r\n");
    format!("${}\r\n{text}\r\n", text.len()).into_bytes()
}

fn told(name: &'static str, ends: &'static str, answer: Vec<u8>, expect: &str) -> Case<Fails> {
    at(name, ends, &telling(answer), expect)
}

fn at(name: &'static str, ends: &'static str, target: &Target, expect: &str) -> Case<Fails> {
    let url = format!("redis://{}", target.address());
    asking(
        Case::new(name, ends),
        &url,
        json!({"timeout": "5s"}),
        expect,
    )
}

fn says(name: &'static str, bytes: &'static [u8]) -> Case<Fails> {
    let target = Target::on_connection(move |mut stream| {
        let mut buffer = [0u8; 512];
        let _asked = stream.read(&mut buffer).is_ok();
        let _closed = stream.write_all(bytes).is_err();
    });
    at(name, "error", &target, UP)
}

fn cell(fault: Fault) -> Cell {
    let ratio = "memory.fragmentation < 2.0";
    let used = "memory.used < 100";
    Cell::Runs(match fault {
        Fault::NoData => vec![
            says("closed without a byte", b""),
            told("no memory", "fail", info(""), used),
            told(
                "no limit, so no share",
                "fail",
                info("used_memory:1\r\nmaxmemory:0"),
                "memory.share < 0.8",
            ),
        ],
        Fault::NotANumber => vec![
            told("nan", "error", info("mem_fragmentation_ratio:nan"), ratio),
            told(
                "a text",
                "fail",
                info("mem_fragmentation_ratio:many"),
                ratio,
            ),
        ],
        Fault::Infinite => vec![
            told("-inf", "error", info("mem_fragmentation_ratio:-inf"), ratio),
            told("inf", "error", info("mem_fragmentation_ratio:inf"), ratio),
        ],
        Fault::Empty => vec![
            told("an empty answer", "error", b"$0\r\n\r\n".to_vec(), UP),
            told("nothing", "error", b"$-1\r\n".to_vec(), UP),
        ],
        Fault::Timeout => {
            let stuck = |name, bytes: &'static [u8]| {
                let target = Target::on_connection(move |mut stream| {
                    let _closed = stream.write_all(bytes).is_err();
                    super::target::wait_until_closed(&mut stream);
                });
                let url = format!("redis://{}", target.address());
                asking(Case::new(name, "error"), &url, json!({"timeout": "1s"}), UP)
            };
            vec![stuck("no answer", b""), stuck("half an answer", b"+PO")]
        }
        Fault::Refused => {
            let nobody = refusing().replace("http:", "redis:");
            vec![
                asking(Case::new("nobody listens", "error"), &nobody, json!({}), UP),
                asking(
                    Case::new("no socket", "error"),
                    "unix:///no/such/redis.sock",
                    json!({}),
                    UP,
                ),
            ]
        }
        Fault::Dns => vec![asking(
            Case::new("no such name", "error"),
            &format!("redis://{NO_SUCH_HOST}"),
            json!({"timeout": "3s"}),
            UP,
        )],
        Fault::Tls => super::http::tls(|case, url| {
            asking(
                case,
                &url.replace("https:", "rediss:"),
                json!({"timeout": "5s"}),
                UP,
            )
        }),
        Fault::RedirectLoop => return NO_REDIRECT,
        Fault::Truncated => vec![
            told(
                "INFO breaks off",
                "error",
                b"$900\r\nredis_version:7".to_vec(),
                UP,
            ),
            says("PONG breaks off", b"+PON"),
        ],
        Fault::WrongType => vec![
            says("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            says("another word", b"+HELLO\r\n"),
            told("a number", "error", b":7\r\n".to_vec(), UP),
        ],
        Fault::Overflow => vec![
            told(
                "a length beyond all",
                "error",
                b"$99999999999999999999\r\n".to_vec(),
                UP,
            ),
            told("a gigabyte", "error", b"$1000000000\r\n".to_vec(), UP),
            told(
                "beyond 64 bits",
                "fail",
                info("used_memory:-99999999999999999999"),
                used,
            ),
        ],
        Fault::ToolAbsent => return Cell::Cannot("the client is built in, it needs no tool"),
        Fault::Denied => vec![
            says("no password", b"-NOAUTH Authentication required.\r\n"),
            told(
                "no right to INFO",
                "error",
                b"-NOPERM this user has no permissions\r\n".to_vec(),
                UP,
            ),
        ],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => {
            let soon = "persistence.since_last_save < duration('1h')";
            vec![
                told(
                    "saved in the future",
                    "fail",
                    info("server_time_usec:1000000000000000\r\nrdb_last_save_time:4102444800"),
                    soon,
                ),
                told(
                    "no clock",
                    "fail",
                    info("rdb_last_save_time:4102444800"),
                    soon,
                ),
            ]
        }
    })
}

#[test]
fn no_fault_of_a_redis_is_a_pass() {
    let server = RedisServer::start(&[]);
    let healthy = asking(Case::healthy(), &server.url(), json!({}), UP);
    hold(Kind::Redis, healthy, cell);
}
