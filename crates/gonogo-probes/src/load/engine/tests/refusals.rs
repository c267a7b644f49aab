//! What targets answer, well and badly.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use super::rig::*;
use crate::load::engine::*;

#[test]
fn one_connection_carries_many_requests() {
    let server = Server::answering(OK, false);
    let summary = all_end(&load(server.address, closed(1), 300), End::Ok);
    assert_eq!(server.connections(), 1);
    assert_eq!((summary.connections, summary.connections_high), (1, 1));
    assert_eq!(summary.statuses[&200], 300);
    assert_eq!(summary.bytes, 300 * OK.len() as u64);
    assert_eq!(summary.lag, None);
    assert_eq!(summary.offered_per_s, None);
}

#[test]
fn a_connection_that_is_closed_after_each_answer_is_opened_anew() {
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end";
    let server = Server::answering(closing, true);
    let summary = all_end(&load(server.address, closed(2), 40), End::Ok);
    assert_eq!(summary.connections, 40);
    assert!(summary.connections_high <= 2);
}

#[test]
fn chunked_and_empty_and_strange_answers_are_answers() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"[..],
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 \xff\xfe\r\nX: \xc3\x28\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        let server = Server::answering(answer, false);
        all_end(&load(server.address, closed(2), 20), End::Ok);
        assert!(server.connections() <= 2);
    }
}

#[test]
fn a_bad_answer_is_told_by_its_kind() {
    let endless_head = format!("HTTP/1.1 200 OK\r\n{}", "a: b\r\n".repeat(20_000));
    let endless_line = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(100_000));
    for (answer, end) in [
        ("garbage\r\n\r\n", End::Protocol),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", End::Protocol),
        ("", End::Reset),
        ("HTTP/1.1 200 OK\r\nContent-Le", End::Truncated),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            End::Truncated,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            End::Truncated,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\nab",
            End::TooLarge,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n",
            End::TooLarge,
        ),
        (&endless_head, End::TooLarge),
        (&endless_line, End::TooLarge),
    ] {
        let server = Server::answering(answer, true);
        let summary = all_end(&load(server.address, closed(1), 3), end);
        assert_eq!(summary.connections, 3, "{answer:.40}");
    }
}

#[test]
fn an_endless_body_is_left_at_the_cap() {
    let server = Server::scripted(|mut stream| {
        let _request = read_request(&mut stream);
        let _head = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 16_384]).is_ok() {}
    });
    let mut config = load(server.address, closed(1), 2);
    config.caps.body = 300_000;
    let summary = all_end(&config, End::TooLarge);
    assert!(summary.bytes < 2 * 500_000);
}

#[test]
fn a_large_body_within_the_cap_is_read_to_its_end() {
    let body = "z".repeat(5_000_000);
    let server = Server::answering(
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
        false,
    );
    let summary = all_end(&load(server.address, closed(2), 4), End::Ok);
    assert!(summary.bytes > 20_000_000);
}

#[test]
fn a_request_larger_than_the_system_takes_at_once_arrives_whole() {
    const SIZE: usize = 8_000_000;
    let server = Server::scripted(|mut stream| {
        while read_request(&mut stream) {
            let mut body = vec![0; SIZE];
            if stream.read_exact(&mut body).is_err() || body.iter().any(|b| *b != b'q') {
                break;
            }
            let _sent = stream.write_all(OK.as_bytes());
        }
    });
    let mut config = load(server.address, closed(1), 3);
    config.request = Request::new("POST", "/", "h", &[], &vec![b'q'; SIZE]).unwrap();
    all_end(&config, End::Ok);
}

#[test]
fn a_closed_port_is_refused() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let summary = all_end(&load(address, open(500.0), 20), End::Refused);
    assert_eq!(summary.sent, 0);
    all_end(&load(address, closed(2), 6), End::Refused);
}

#[test]
fn a_target_that_never_answers_times_out() {
    let server = Server::silent();
    let mut config = load(server.address, open(1000.0), 30);
    config.timeout = Duration::from_millis(40);
    let (samples, _) = samples(&config);
    for sample in &samples {
        assert_eq!(sample.end, End::TimedOut);
        assert!(sample.done_ns.unwrap() - sample.due_ns >= 40_000_000);
        assert_eq!(sample.latency_ns(), None, "a timeout is no short latency");
    }
}

#[test]
fn a_target_that_stops_within_the_head_holds_a_request_no_longer_than_its_timeout() {
    let server = Server::scripted(|mut stream| {
        let _request = read_request(&mut stream);
        let _part = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ");
        let _end_of_stream = stream.read(&mut [0; 1]);
    });
    let mut config = load(server.address, closed(2), 6);
    config.timeout = Duration::from_millis(40);
    let summary = all_end(&config, End::TimedOut);
    assert_eq!(server.connections(), 6);
    assert!(summary.bytes > 0);
}

#[test]
fn a_status_is_good_or_bad_by_the_set_that_was_given() {
    let server = Server::answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false);
    let mut config = load(server.address, closed(1), 5);
    all_end(&config, End::BadStatus);
    config.expected = Expected::ranges(&[200..=201, 404..=404]);
    let summary = all_end(&config, End::Ok);
    assert_eq!(summary.statuses[&404], 5);
}

#[test]
fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = Server::silent();
    let answer = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
        elsewhere.address
    );
    let server = Server::answering(answer, false);
    let summary = all_end(&load(server.address, closed(2), 10), End::BadStatus);
    assert_eq!(summary.statuses[&302], 10);
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn an_answer_that_nobody_asked_for_is_never_taken_for_the_next_one() {
    // Two answers to each request: the second must not be counted for the request after.
    let twice = format!("{OK}HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
    let server = Server::answering(twice, false);
    let summary = all_end(&load(server.address, closed(1), 10), End::Ok);
    assert_eq!(summary.connections, 10);
}

#[test]
fn a_request_that_would_break_out_of_its_lines_is_refused() {
    let request = |method: &str, target: &str, host: &str, name: &str, value: &[u8]| {
        Request::new(method, target, host, &[(name, value)], b"").is_ok()
    };
    assert!(request("GET", "/a?b=c", "h:1", "X-A", b"b c\xff"));
    assert!(!request("GE T", "/", "h", "X", b""));
    assert!(!request("GET", "/ HTTP/1.1", "h", "X", b""));
    assert!(!request("GET", "/", "h\r\nX: y", "X", b""));
    assert!(!request("GET", "/", "h", "X:", b""));
    assert!(!request("GET", "/", "h", "X", b"a\r\nY: b"));
    assert!(!request("GET", "", "h", "X", b""));
}
