//! The pure parts: hellos, answers that may be anything, suites, the grade.

use proptest::prelude::*;

use super::super::answer::{Reading, read};
use super::super::certificate::{Key, Read};
use super::super::hello::{Version, hello};
use super::super::hsts::{self, Hsts};
use super::super::ocsp;
use super::super::rating::{Graded, rate};
use super::super::scan::Taken;
use super::super::suites::{self, Suite};

fn suite(code: u16) -> Suite {
    Suite::of(code).unwrap()
}

#[test]
fn a_suite_is_what_its_registered_name_says() {
    let weak = |code| suite(code).weakness().unwrap_or("");
    assert_eq!(suite(0x1301).name, "TLS_AES_128_GCM_SHA256");
    for (code, bits) in [
        (0x0002, 0),
        (0x0003, 40),
        (0x0008, 40),
        (0x0009, 56),
        (0x000a, 112),
        (0x0005, 128),
        (0x002f, 128),
        (0x0035, 256),
        (0xc02b, 128),
        (0xc030, 256),
        (0xcca8, 256),
        (0x1302, 256),
        (0xc028, 256),
        (0x0067, 128),
        (0x0007, 128),
        (0x0096, 128),
        (0x0062, 56),
        (0xc09c, 128),
    ] {
        assert_eq!(suite(code).bits, bits, "{}", suite(code).name);
    }
    assert!(weak(0x0005).contains("RC4"));
    assert!(weak(0xc012).contains("64 bits"));
    assert!(weak(0x002f).contains("forward secrecy"));
    assert!(weak(0xc013).contains("AEAD"));
    assert!(weak(0x0034).contains("authenticate"));
    assert!(weak(0x0003).contains("too short"));
    for fine in [0xc02f, 0xc030, 0xcca9, 0x009e, 0x1301, 0x1302, 0x1303] {
        assert_eq!(weak(fine), "", "{}", suite(fine).name);
    }
    let offered = suites::legacy();
    assert!(offered.len() > 150, "{}", offered.len());
    assert!(!offered.contains(&0x00ff) && !offered.contains(&0x5600));
}

/// A server hello as one of the version would send it.
fn server_hello(version: u16, suite: u16, compression: u8) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(compression);
    let mut message = vec![2, 0, 0, body.len() as u8];
    message.extend(body);
    message
}

fn record(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 3, 0];
    record.extend((bytes.len() as u16).to_be_bytes());
    record.extend(bytes);
    record
}

#[test]
fn an_answer_of_old_is_read_whole_and_in_pieces() {
    let mut flight = server_hello(0x0300, 0x0005, 1);
    // Two certificates of three bytes, then the end of the flight.
    flight.extend([11, 0, 0, 15, 0, 0, 12, 0, 0, 3, 1, 2, 3, 0, 0, 3, 4, 5, 6]);
    flight.extend([14, 0, 0, 0]);
    let (first, second) = flight.split_at(20);
    let bytes = [record(22, first), record(22, second)].concat();
    for end in 0..bytes.len() {
        let reading = read(&bytes[..end], Version::Ssl3);
        let fine = matches!(reading, Reading::More | Reading::HelloAndMore(_));
        assert!(fine, "{end}: {reading:?}");
    }
    let Reading::Hello(hello) = read(&bytes, Version::Ssl3) else {
        panic!("not read");
    };
    assert_eq!(
        (hello.version, hello.suite, hello.compression),
        (0x0300, 5, true)
    );
    assert_eq!(hello.chain, [vec![1, 2, 3], vec![4, 5, 6]]);
}

#[test]
fn parameters_of_an_exchange_are_measured() {
    let mut flight = server_hello(0x0303, 0x0033, 0);
    let mut exchange = vec![0, 128];
    exchange.extend([0xff; 128]);
    flight.extend([12, 0, 0, exchange.len() as u8]);
    flight.extend(exchange);
    let Reading::HelloAndMore(hello) = read(&record(22, &flight), Version::Tls12) else {
        panic!("not read");
    };
    assert_eq!(hello.parameter_bits, Some(1024));
}

#[test]
fn an_answer_of_ssl_2_an_alert_and_what_is_no_tls_are_told_apart() {
    let mut ssl2 = vec![0x80, 11, 4, 0, 1, 0, 2, 0, 0, 0, 3, 0, 16];
    assert!(matches!(read(&ssl2, Version::Ssl2), Reading::Hello(_)));
    ssl2[2] = 0;
    assert_eq!(read(&ssl2, Version::Ssl2), Reading::NotTls);
    let alert = record(21, &[2, 70]);
    for version in Version::ALL {
        assert_eq!(read(&alert, version), Reading::Alert(70), "{version:?}");
        assert_eq!(
            read(b"HTTP/1.1 400 Bad Request\r\n", version),
            Reading::NotTls
        );
        assert_eq!(read(b"-ERR unknown command\r\n", version), Reading::NotTls);
        assert_eq!(read(b"", version), Reading::More);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for version in Version::ALL {
            let _read = read(&bytes, version);
            let _read = read(&record(22, &bytes), version);
            let mut flight = server_hello(version.code(), 0x0033, 0);
            flight.extend(&bytes);
            let _read = read(&record(22, &flight), version);
        }
        let _read = Read::of(&bytes);
        let _read = ocsp::status(&bytes, &[1], chrono::Utc::now());
    }

    #[test]
    fn no_header_makes_the_reader_of_hsts_panic(text in ".{0,60}") {
        let _read = hsts::parse(&text);
    }
}

#[test]
fn a_hello_has_the_lengths_that_it_says() {
    let random = [9; 32];
    for version in Version::ALL {
        let bytes = hello(version, &suites::legacy(), Some("a.example"), &random);
        if version == Version::Ssl2 {
            assert_eq!(usize::from(bytes[1]) + 2, bytes.len());
            continue;
        }
        let length = u16::from_be_bytes([bytes[3], bytes[4]]);
        assert_eq!(usize::from(length) + 5, bytes.len(), "{version:?}");
        let inner = u32::from_be_bytes([0, bytes[6], bytes[7], bytes[8]]);
        assert_eq!(inner as usize + 9, bytes.len(), "{version:?}");
    }
}

#[test]
fn hsts_is_read_as_its_standard_has_it() {
    let of = |text| hsts::parse(text).map(|h| (h.max_age, h.include_subdomains, h.preload));
    assert_eq!(of("max-age=31536000"), Some((31_536_000, false, false)));
    assert_eq!(
        of("MAX-AGE=\"63072000\" ; includeSubDomains; preload"),
        Some((63_072_000, true, true))
    );
    assert_eq!(of("max-age=0"), Some((0, false, false)));
    for none in [
        "",
        "includeSubDomains",
        "max-age=",
        "max-age=1; max-age=2",
        "max-age=-1",
        "max-age=1y",
    ] {
        assert_eq!(of(none), None, "{none}");
    }
}

/// A server of today, to be made worse.
struct Server {
    accepted: Vec<Version>,
    suites: Vec<(Version, u16)>,
    key: (&'static str, u32),
    signature: &'static str,
    group: Option<u16>,
    trusted: bool,
    name_matches: bool,
    max_age: Option<i64>,
}

impl Server {
    fn good() -> Self {
        Self {
            accepted: vec![Version::Tls12, Version::Tls13],
            suites: vec![(Version::Tls12, 0xc030), (Version::Tls13, 0x1302)],
            key: ("RSA", 4096),
            signature: "sha256WithRSAEncryption",
            group: Some(0x0018),
            trusted: true,
            name_matches: true,
            max_age: Some(31_536_000),
        }
    }

    fn grade(&self) -> (&'static str, u32) {
        let suites: Vec<Taken> = self
            .suites
            .iter()
            .map(|(version, code)| Taken {
                version: *version,
                suite: suite(*code),
                hello: super::super::answer::ServerHello {
                    group: self.group,
                    ..Default::default()
                },
            })
            .collect();
        let leaf = Read {
            key: Key {
                kind: self.key.0.to_owned(),
                bits: Some(self.key.1),
            },
            signature: self.signature.to_owned(),
            ..Read::default()
        };
        let rating = rate(&Graded {
            accepted: &self.accepted,
            suites: &suites,
            chain: &[leaf],
            trusted: self.trusted,
            name_matches: self.name_matches,
            hsts: self.max_age.map(|max_age| Hsts {
                max_age,
                ..Hsts::default()
            }),
            secure_renegotiation: Some(true),
            fallback_protected: Some(true),
        });
        (rating.grade, rating.score)
    }
}

#[test]
fn a_server_is_graded_as_the_published_rule_has_it() {
    type Change = fn(&mut Server);
    let cases: [(&str, &str, Change); 17] = [
        ("as it is", "A+", |_| {}),
        ("no HSTS", "A", |s| s.max_age = None),
        ("short HSTS", "A", |s| s.max_age = Some(3600)),
        ("no TLS 1.3", "A-", |s| {
            s.accepted = vec![Version::Tls12];
            s.suites.truncate(1);
        }),
        ("TLS 1.3 alone", "A+", |s| {
            s.accepted.remove(0);
            s.suites.remove(0);
        }),
        ("TLS 1.1 too", "B", |s| s.accepted.push(Version::Tls11)),
        ("TLS 1.0 alone", "C", |s| {
            s.accepted = vec![Version::Tls10];
            s.suites = vec![(Version::Tls10, 0xc014)];
        }),
        ("SSL 3.0 with CBC", "C", |s| {
            s.accepted.push(Version::Ssl3);
            s.suites.push((Version::Ssl3, 0x0035));
        }),
        ("SSL 2.0", "F", |s| s.accepted.push(Version::Ssl2)),
        ("RC4", "C", |s| s.suites.push((Version::Tls12, 0x0005))),
        ("RC4 of old", "B", |s| {
            s.accepted.push(Version::Tls10);
            s.suites.push((Version::Tls10, 0x0005));
        }),
        ("3DES", "C", |s| s.suites.push((Version::Tls12, 0xc012))),
        ("export", "F", |s| s.suites.push((Version::Tls12, 0x0003))),
        ("anonymous", "F", |s| {
            s.suites.push((Version::Tls12, 0x0034))
        }),
        ("a key of 1024 bits", "B", |s| s.key = ("RSA", 1024)),
        ("MD5", "F", |s| s.signature = "md5WithRSAEncryption"),
        ("not trusted", "T", |s| s.trusted = false),
    ];
    for (name, grade, change) in cases {
        let mut server = Server::good();
        change(&mut server);
        assert_eq!(server.grade().0, grade, "{name}");
    }
    let mut other = Server::good();
    other.name_matches = false;
    assert_eq!(other.grade().0, "M");
    // 0.3 × 100 + 0.3 × 100 + 0.4 × 100, and with 128 bits beside 256: 0.4 × 90.
    assert_eq!(Server::good().grade().1, 100);
    let mut mixed = Server::good();
    mixed.suites.push((Version::Tls13, 0x1301));
    assert_eq!(mixed.grade().1, 96);
    // X25519 is as strong as RSA of 3072 bits.
    let mut curve = Server::good();
    curve.group = Some(0x001d);
    assert_eq!(curve.grade().1, 97);
}
