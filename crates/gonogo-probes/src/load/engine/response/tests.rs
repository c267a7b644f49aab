use proptest::prelude::*;

use super::*;

fn rules() -> Rules {
    Rules {
        caps: Caps {
            head: 512,
            body: 1000,
        },
        to_head: false,
        abort_header: Some("x-stop".to_owned()),
    }
}

/// Feeds an answer in pieces of a size, then the end of the stream; says what came of it and how much was used.
fn read_in(bytes: &[u8], size: usize, rules: &Rules) -> Result<(Answer, usize), Flaw> {
    let mut reader = Reader::default();
    let mut at = 0;
    for piece in bytes.chunks(size.max(1)) {
        match reader.feed(piece, rules)? {
            Fed::Whole(used) => return Ok((reader.answer(), at + used)),
            Fed::More => at += piece.len(),
        }
    }
    reader.end_of_stream().map(|()| (reader.answer(), at))
}

fn read(text: &str) -> Result<(Answer, usize), Flaw> {
    read_in(text.as_bytes(), usize::MAX, &rules())
}

#[track_caller]
fn whole(text: &str, status: u16, keep_alive: bool, left: usize) {
    let (answer, used) = read(text).unwrap();
    assert_eq!((answer.status, answer.keep_alive), (status, keep_alive));
    assert_eq!(text.len() - used, left);
    assert_eq!(answer.bytes, used as u64);
}

#[track_caller]
fn flawed(text: &str, flaw: Flaw) {
    assert_eq!(read(text).map(|(answer, _)| answer), Err(flaw), "{text:?}");
}

#[test]
fn every_framing_of_an_answer_is_read_to_its_end() {
    whole(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcX",
        200,
        true,
        1,
    );
    whole("HTTP/1.1 204 No Content\r\n\r\n", 204, true, 0);
    whole(
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        304,
        true,
        0,
    );
    whole("HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, false, 0);
    whole(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\nA ;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\nX",
        200,
        true,
        1,
    );
    whole(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        200,
        false,
        0,
    );
    whole(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",
        201,
        true,
        0,
    );
    whole(
        "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 0\r\n\r\n",
        200,
        false,
        0,
    );
    whole(
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        200,
        false,
        0,
    );
    whole(
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        200,
        true,
        0,
    );
}

#[test]
fn an_answer_that_two_could_end_at_different_places_is_not_followed_by_another() {
    whole(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        200,
        false,
        0,
    );
    flawed(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        Flaw::Protocol,
    );
    flawed(
        "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
        Flaw::Protocol,
    );
    flawed(
        "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc",
        Flaw::Protocol,
    );
}

#[test]
fn an_answer_to_head_has_no_body() {
    let rules = Rules {
        to_head: true,
        ..rules()
    };
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    assert_eq!(read_in(bytes, 7, &rules).unwrap().1, bytes.len());
}

#[test]
fn what_is_no_http_is_a_protocol_error() {
    for text in [
        "garbage\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 099 Low\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\n",
        "\u{0}\u{1}\u{2}",
    ] {
        flawed(text, Flaw::Protocol);
    }
}

#[test]
fn an_answer_that_ends_early_is_truncated_and_none_at_all_is_nothing() {
    let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    flawed("", Flaw::Nothing);
    for end in 1..text.len() {
        flawed(&text[..end], Flaw::Truncated);
    }
}

#[test]
fn nothing_grows_beyond_its_cap() {
    let head = "HTTP/1.1 200 OK\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for text in [
        format!("{head}Content-Length: 1001\r\n\r\n"),
        format!("{head}Content-Length: 10737418240\r\n\r\n"),
        format!("{head}Content-Length: 99999999999999999999999999\r\n\r\n"),
        format!("{head}\r\n{}", "x".repeat(1001)),
        format!("{head}X: {}", "y".repeat(600)),
        format!("{head}{}", "a: b\r\n".repeat(100)),
        "HTTP/1.1 100 Continue\r\n\r\n".repeat(30),
        "\r\n".repeat(300),
        format!("{chunked}3e9\r\n"),
        format!("{chunked}fffffffffffffff\r\n"),
        format!("{chunked}{}\r\n", "0".repeat(20)),
        format!("{chunked}1;{}", "e".repeat(600)),
        format!("{chunked}0\r\n{}", "t: v\r\n".repeat(200)),
        format!("{chunked}{}", "1\r\nx\r\n".repeat(1001)),
    ] {
        for size in [1, 3, usize::MAX] {
            let found = read_in(text.as_bytes(), size, &rules());
            assert_eq!(found, Err(Flaw::TooLarge), "{size} {text:?}");
        }
    }
    let (answer, _) = read(&format!(
        "{head}Content-Length: 1000\r\n\r\n{}",
        "x".repeat(1000)
    ))
    .unwrap();
    assert_eq!(answer.status, 200);
}

#[test]
fn the_header_that_asks_to_stop_is_seen_in_any_case() {
    let (answer, _) = read("HTTP/1.1 503 Busy\r\nX-STOP: 1\r\nContent-Length: 0\r\n\r\n").unwrap();
    assert!(answer.abort);
}

/// Bytes that look enough like answers to reach every place of the reader.
fn almost_answers() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Just(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
        Just(b"HTTP/1.0 404 \xff\xfe\r\n".to_vec()),
        Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        Just(b"Content-Length: 5\r\n".to_vec()),
        Just(b"Connection: close\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"5\r\nhello\r\n".to_vec()),
        Just(b"0\r\n\r\n".to_vec()),
        Just(b"fffffffffffffffff\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn how_an_answer_is_cut_into_pieces_changes_nothing(bytes in almost_answers(), size in 1usize..40) {
        let rules = rules();
        let (at_once, in_pieces) =
            (read_in(&bytes, usize::MAX, &rules), read_in(&bytes, size, &rules));
        // A flaw may show only when the piece with the line end comes, so only whole answers must agree.
        match (&at_once, &in_pieces) {
            (Ok(whole), found) => prop_assert_eq!(found, &Ok(*whole)),
            (Err(_), found) => prop_assert!(found.is_err()),
        }
    }
}
