use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use proptest::prelude::*;

use super::*;
use crate::record::{SecretSeen, Shown};
use crate::value::{Map, Value};

mod property;

/// Awkward on purpose: every kind of sign that some encoding treats, and a letter that JSON escapes begin with.
pub(super) const SECRET: &str = "n7/p+W:\"q'<&>\\ r$%é-Zk9";

pub(super) fn knowing(value: &str) -> Redactor {
    let mut redactor = Redactor::new();
    assert_eq!(
        redactor.register("key", value).warning,
        None,
        "{value:?} is strong"
    );
    redactor
}

/// One way in which a secret may come back.
pub(super) type Encode = fn(&str) -> Vec<u8>;

fn each(secret: &str, f: impl Fn(u8) -> String) -> Vec<u8> {
    secret.bytes().flat_map(|b| f(b).into_bytes()).collect()
}
fn each_char(secret: &str, f: impl Fn(char) -> String) -> Vec<u8> {
    secret.chars().flat_map(|c| f(c).into_bytes()).collect()
}
fn percent(secret: &str) -> Vec<u8> {
    each(secret, |b| {
        if b.is_ascii_alphanumeric() {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    })
}
fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}
fn units(c: char) -> String {
    c.encode_utf16(&mut [0; 2])
        .iter()
        .fold(String::new(), |out, unit| out + &format!("\\u{unit:04x}"))
}
fn wrapped(text: &str, width: usize) -> Vec<u8> {
    text.as_bytes()
        .chunks(width)
        .collect::<Vec<_>>()
        .join(&b"\r\n"[..])
}
fn utf16(secret: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    secret.encode_utf16().flat_map(bytes).collect()
}
fn zlib(secret: &str) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(format!("before {secret} after").as_bytes())
        .unwrap();
    out.finish().unwrap()
}
pub(super) fn gzip(secret: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(format!("before {secret} after").as_bytes())
        .unwrap();
    out.finish().unwrap()
}

pub(super) const ENCODINGS: &[(&str, Encode)] = &[
    ("raw", |s| s.as_bytes().to_vec()),
    ("base64", |s| STANDARD.encode(s).into_bytes()),
    ("base64 shifted by one", |s| {
        STANDARD.encode(format!("x{s}y")).into_bytes()
    }),
    ("base64 shifted by two", |s| {
        STANDARD.encode(format!("xx{s}yy")).into_bytes()
    }),
    ("base64 unpadded", |s| {
        STANDARD_NO_PAD.encode(s).into_bytes()
    }),
    ("base64url", |s| {
        URL_SAFE.encode(format!("x{s}")).into_bytes()
    }),
    ("base64 in lines", |s| {
        wrapped(&STANDARD.encode(format!("user:{s}")), 9)
    }),
    ("base64 in lines within JSON", |s| {
        STANDARD
            .encode(s)
            .as_bytes()
            .chunks(9)
            .collect::<Vec<_>>()
            .join(&b"\\n"[..])
    }),
    ("double base64", |s| {
        STANDARD
            .encode(STANDARD.encode(format!("x{s}")))
            .into_bytes()
    }),
    ("double base64url", |s| {
        URL_SAFE
            .encode(format!("y{}", URL_SAFE.encode(s)))
            .into_bytes()
    }),
    ("double base64 in lines", |s| {
        wrapped(
            &STANDARD.encode(wrapped(&STANDARD.encode(format!("xy{s}")), 10)),
            13,
        )
    }),
    ("hex", |s| each(s, |b| format!("{b:02x}"))),
    ("hex capitals", |s| each(s, |b| format!("{b:02X}"))),
    ("percent", percent),
    ("percent lower", |s| {
        percent(s)
            .to_ascii_lowercase()
            .iter()
            .zip(percent(s))
            .map(|(l, u)| if s.as_bytes().contains(&u) { u } else { *l })
            .collect()
    }),
    ("percent everywhere, mixed case", |s| {
        each(s, |b| {
            if b % 2 == 0 {
                format!("%{b:02x}")
            } else {
                format!("%{b:02X}")
            }
        })
    }),
    ("form", |s| {
        String::from_utf8(percent(s))
            .unwrap()
            .replace("%20", "+")
            .into_bytes()
    }),
    ("double percent", |s| {
        String::from_utf8(percent(s))
            .unwrap()
            .replace('%', "%25")
            .into_bytes()
    }),
    ("json", |s| json(s).into_bytes()),
    ("json in json", |s| {
        serde_json::to_string(&serde_json::to_string(s).unwrap())
            .unwrap()
            .into_bytes()
    }),
    ("json units", |s| each_char(s, units)),
    ("json units, some", |s| {
        each_char(s, |c| {
            if c.is_ascii_lowercase() {
                c.to_string()
            } else {
                units(c)
            }
        })
    }),
    ("json slashes", |s| json(s).replace('/', "\\/").into_bytes()),
    ("javascript braces", |s| {
        each_char(s, |c| format!("\\u{{{:x}}}", u32::from(c)))
    }),
    ("C hex", |s| each(s, |b| format!("\\x{b:02x}"))),
    ("C octal", |s| each(s, |b| format!("\\{b:03o}"))),
    ("shell backslashes", |s| {
        each_char(s, |c| {
            if c.is_ascii_alphanumeric() {
                c.to_string()
            } else {
                format!("\\{c}")
            }
        })
    }),
    ("shell single quotes", |s| {
        s.replace('\'', "'\\''").into_bytes()
    }),
    ("SQL", |s| s.replace('\'', "''").into_bytes()),
    ("SQL with backslashes", |s| {
        s.replace('\\', "\\\\").replace('\'', "''").into_bytes()
    }),
    ("CSV", |s| s.replace('"', "\"\"").into_bytes()),
    ("xml named", |s| {
        s.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&apos;")
            .into_bytes()
    }),
    ("html names", |s| {
        s.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('+', "&plus;")
            .replace('/', "&sol;")
            .replace('é', "&eacute;")
            .replace('$', "&dollar;")
            .into_bytes()
    }),
    ("entities decimal", |s| {
        each_char(s, |c| format!("&#{};", u32::from(c)))
    }),
    ("entities hex", |s| {
        each_char(s, |c| format!("&#x{:X};", u32::from(c)))
    }),
    ("quoted-printable", |s| {
        each(s, |b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("={b:02X}")
            }
        })
    }),
    ("quoted-printable in lines", |s| {
        each(s, |b| format!("={b:02X}=\r\n"))
    }),
    ("utf-16le", |s| utf16(s, u16::to_le_bytes)),
    ("utf-16be", |s| utf16(s, u16::to_be_bytes)),
    ("base64 of utf-16", |s| {
        STANDARD.encode(utf16(s, u16::to_le_bytes)).into_bytes()
    }),
    ("reversed", |s| {
        s.chars().rev().collect::<String>().into_bytes()
    }),
    ("reversed bytes", |s| s.bytes().rev().collect()),
    ("basic pair", |s| {
        format!("Basic {}", STANDARD.encode(format!("admin:{s}"))).into_bytes()
    }),
    ("url userinfo", |s| {
        format!(
            "https://admin:{}@host/",
            String::from_utf8(percent(s)).unwrap()
        )
        .into_bytes()
    }),
    ("ansi interleaved", |s| {
        each_char(s, |c| format!("\x1b[31m{c}\x1b[0m"))
    }),
    ("ansi in json", |s| {
        serde_json::to_string(
            &String::from_utf8(each_char(s, |c| format!("\x1b[1;3m{c}"))).unwrap(),
        )
        .unwrap()
        .into_bytes()
    }),
    ("zero width", |s| each_char(s, |c| format!("{c}\u{200b}"))),
    ("wrapped", |s| wrapped(s, 5)),
    ("percent in json", |s| {
        String::from_utf8(percent(s))
            .unwrap()
            .replace('%', "\\u0025")
            .into_bytes()
    }),
    ("gzip", |s| gzip(s)),
    ("base64 of gzip", |s| STANDARD.encode(gzip(s)).into_bytes()),
];

#[test]
fn every_encoding_of_a_secret_becomes_the_same_mask() {
    for secret in [
        SECRET,
        "hunter2-is-Long",
        "0123456789abcdef0123456789abcdeF",
        "päßwörter-ÄÖ9",
    ] {
        let redactor = knowing(secret);
        for (name, encode) in ENCODINGS {
            let encoded = encode(secret);
            for (before, after) in [
                ("", ""),
                ("{\"a\": \"", "\"}"),
                ("token=", "&x=1\n"),
                ("<p>", "</p>"),
                ("é ", " é"),
            ] {
                let input = [before.as_bytes(), &encoded, after.as_bytes()].concat();
                let (masked, hits) = redactor.redact_bytes(&input);
                let text = String::from_utf8_lossy(&masked);
                assert!(
                    text.contains("[secret key]"),
                    "{name} of {secret:?} in {before:?}: {text:?}"
                );
                assert!(
                    !contains(&masked, &encoded),
                    "{name} of {secret:?} in {before:?}: {text:?}"
                );
                assert!(
                    hits.iter().all(|h| h.name == "key") && !hits.is_empty(),
                    "{name}"
                );
                assert!(
                    masked.starts_with(before.as_bytes()),
                    "{name} of {secret:?}: {text:?}"
                );
                let again = redactor.redact_bytes(&masked).0;
                assert_eq!(again, masked, "{name}: masking twice changes nothing");
            }
        }
    }
}

pub(super) fn contains(hay: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(hay, needle).is_some()
}

#[test]
fn nothing_of_a_secret_stays_beside_its_mask() {
    let redactor = knowing(SECRET);
    for (name, encode) in ENCODINGS
        .iter()
        .filter(|(n, _)| !n.contains("shifted") && !n.contains("base64"))
    {
        let masked = redactor.redact_bytes(&encode(SECRET)).0.into_owned();
        let text = String::from_utf8_lossy(&masked).into_owned();
        let around = text.replace("[secret key]", "");
        assert!(around.len() < 24, "{name}: {text:?}");
    }
}

#[test]
fn a_zlib_or_deflate_stream_that_holds_a_secret_is_masked_whole() {
    let redactor = knowing(SECRET);
    let packed = zlib(SECRET);
    assert_eq!(&*redactor.redact_bytes(&packed).0, b"[secret key]");
    // Bare deflate is the same without zlib's frame.
    assert_eq!(
        &*redactor.redact_bytes(&packed[2..packed.len() - 4]).0,
        b"[secret key]"
    );
    let harmless = zlib("nothing");
    assert_eq!(&*redactor.redact_bytes(&harmless).0, &harmless[..]);
}

#[test]
fn a_compressed_bomb_is_neither_unpacked_nor_kept() {
    let redactor = knowing(SECRET);
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..20 {
        out.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = out.finish().unwrap();
    let (masked, hits) = redactor.redact_bytes(&bomb);
    assert_eq!(&*masked, b"[compressed, too large to look into]");
    assert_eq!(hits, [], "a part that was not looked into is no leak");
}

#[test]
fn text_without_secrets_is_borrowed() {
    let redactor = knowing(SECRET);
    for text in [
        "",
        "plain",
        "50 % off & more\n\\x",
        "eyJhbGciOiJIUzI1NiJ9.e30.abc",
        "/api/v1?x=%41+b",
    ] {
        assert!(
            matches!(redactor.redact_str(text), Cow::Borrowed(_)),
            "{text:?}"
        );
    }
    assert!(matches!(
        Redactor::new().redact_str(SECRET),
        Cow::Borrowed(_)
    ));
}

#[test]
fn lines_of_a_secret_are_secret_and_its_frame_is_not() {
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIGx7\nq83hLZk2vQ91LmTzXy77aaB3\n-----END PRIVATE KEY-----\n";
    let redactor = knowing(pem);
    assert_eq!(
        redactor.redact_str("  q83hLZk2vQ91LmTzXy77aaB3;"),
        "  [secret key];"
    );
    assert_eq!(
        redactor.redact_str("-----BEGIN PRIVATE KEY-----"),
        "-----BEGIN PRIVATE KEY-----"
    );
    assert_eq!(
        redactor.redact_str("MC4CAQAwBQYDK2VwBCIEIGx7q83hLZk2vQ91LmTzXy77aaB3"),
        "[secret key]"
    );
    assert_eq!(
        redactor.redact_str(&serde_json::to_string(pem).unwrap()),
        "\"[secret key]\\n\""
    );
}

#[test]
fn telling_parts_of_a_secret_are_secret() {
    let cases = [
        ("postgres://app:s3cr%2Ft-Pw0rd@db:5432/shop", "s3cr/t-Pw0rd"),
        (
            "postgres://app:s3cr%2Ft-Pw0rd@db:5432/shop",
            "s3cr%2Ft-Pw0rd",
        ),
        ("host=db user=app password='s3cr/t-Pw0rd'", "s3cr/t-Pw0rd"),
        ("Bearer abcDEF123456xyz", "abcDEF123456xyz"),
        ("Basic YXBwOnMzY3ItUHcwcmQ=", "s3cr-Pw0rd"),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.Qx7-signature_9Lm",
            "Qx7-signature_9Lm",
        ),
        (
            "{\"type\":\"x\",\"private_key\":\"q83hLZk2vQ91LmTz\"}",
            "q83hLZk2vQ91LmTz",
        ),
    ];
    for (secret, part) in cases {
        let redactor = knowing(secret);
        assert_eq!(
            redactor.redact_str(&format!("it is {part} here")),
            "it is [secret key] here",
            "{secret}"
        );
    }
    let redactor = knowing("postgres://app:gonogo@db:5432/shop-9Lmq");
    assert_eq!(
        redactor.redact_str("gonogo"),
        "[secret key]",
        "a plain password is masked as a whole value"
    );
    assert_eq!(redactor.redact_str("gonogo says"), "gonogo says");
    assert_eq!(
        redactor.redact_str("http://db:5432/a@b"),
        "http://db:5432/a@b"
    );
}

#[test]
fn weak_secrets_are_masked_only_as_whole_values_with_a_warning() {
    for value in [
        "short",
        "password",
        "Password123",
        "aaaaaaaaaaaa",
        "12345678",
        "abcdefghij",
        "postgres",
        "changeme!",
    ] {
        let mut redactor = Redactor::new();
        let warning = redactor.register("pin", value).warning.expect(value);
        assert!(
            warning.contains("pin") && !warning.contains(value),
            "{warning}"
        );
        assert_eq!(redactor.redact_str(value), "[secret pin]");
        let inside = format!("the {value} is");
        assert_eq!(redactor.redact_str(&inside), inside);
    }
    assert!(Redactor::new().register("none", "  ").warning.is_some());
}

#[test]
fn a_secret_that_equals_its_name_is_masked_once() {
    let mut redactor = Redactor::new();
    let _unused = redactor.register("jwt_secret", "jwt_secret");
    assert_eq!(
        redactor.redact_str("a jwt_secret b"),
        "a [secret jwt_secret] b"
    );
    assert_eq!(
        redactor.redact_str("a [secret jwt_secret] b"),
        "a [secret jwt_secret] b"
    );
}

#[test]
fn overlapping_secrets_leave_nothing_of_either() {
    let mut redactor = Redactor::new();
    let _unused = redactor.register("a", "abcd1234EFGH");
    let _unused = redactor.register("b", "EFGH5678ijkl");
    assert_eq!(
        redactor.redact_str("<abcd1234EFGH5678ijkl>"),
        "<[secret a]>"
    );
}

#[test]
fn masking_keeps_json_valid() {
    let redactor = knowing("nX7qp+Wk9-2");
    for text in [
        "line\nX7qp+Wk9-2",
        "nX7qp+Wk9-2\"",
        "\\nX7qp+Wk9-2\\",
        "a\\\nnX7qp+Wk9-2\n",
    ] {
        let json = serde_json::to_string(text).unwrap();
        let masked = redactor.redact_str(&json);
        assert!(serde_json::from_str::<String>(&masked).is_ok(), "{masked}");
        assert!(!masked.contains("X7qp+Wk9-2"), "{masked}");
    }
    let redactor = knowing("q8-Lk3mZ\\");
    for text in ["q8-Lk3mZ\\", "q8-Lk3mZ\\\n", "q8-Lk3mZ\n"] {
        let json = serde_json::to_string(text).unwrap();
        let masked = redactor.redact_str(&json);
        assert!(serde_json::from_str::<String>(&masked).is_ok(), "{masked}");
    }
}

#[test]
fn values_are_masked_in_texts_keys_bytes_and_numbers_and_places_are_told() {
    let mut redactor = Redactor::new();
    let _unused = redactor.register("token", "tok-83hLZk2vQ91");
    let _unused = redactor.register("digits", "4929173856410273");
    let json = serde_json::json!({
        "body": { "token": "tok-83hLZk2vQ91", "n": 4_929_173_856_410_273_i64, "ok": 7 },
        "headers": { "x-echo": "a tok-83hLZk2vQ91 b tok-83hLZk2vQ91", "odd key": "tok-83hLZk2vQ91" },
        "rows": [{ "id": 1 }, { "tok-83hLZk2vQ91": true, "x tok-83hLZk2vQ91": 2 }],
    });
    let mut value = Value::from_json(&json);
    if let Value::Map(map) = &mut value {
        map.insert(
            "raw".to_owned(),
            Value::Bytes(b"\xfftok-83hLZk2vQ91\xff".to_vec()),
        );
    }
    let mut seen = Vec::new();
    redactor.redact_value(&mut value, "", &mut seen);
    let places: Vec<String> = seen
        .iter()
        .map(|s: &SecretSeen| format!("{} {}", s.name, s.location))
        .collect();
    assert_eq!(
        places,
        [
            "digits body.n",
            "token body.token",
            "token headers[\"odd key\"]",
            "token headers.x-echo",
            "token raw",
            "token rows[1][\"[secret token]\"]",
            "token rows[1][\"x [secret token]\"]",
        ]
    );
    let text = serde_json::to_string(&value).unwrap();
    assert!(
        !text.contains("83hLZk2vQ91") && !text.contains("4929173856410273"),
        "{text}"
    );
    assert!(text.contains("\"ok\":7"), "{text}");
}

#[test]
fn keys_that_become_equal_are_both_kept() {
    let redactor = knowing("tok-83hLZk2vQ91");
    let mut map = Map::new();
    map.insert("tok-83hLZk2vQ91".to_owned(), Value::Int(1));
    map.insert(STANDARD.encode("tok-83hLZk2vQ91"), Value::Int(2));
    let mut seen = Vec::new();
    redactor.redact_map(&mut map, "body", &mut seen);
    let keys: Vec<&str> = map.keys().map(String::as_str).collect();
    assert_eq!(keys, ["[secret key]", "[secret key] 2"]);
}

#[test]
fn tables_and_texts_for_people_are_masked() {
    let redactor = knowing("tok-83hLZk2vQ91");
    let mut shown = Shown::Table {
        title: "tok-83hLZk2vQ91".to_owned(),
        head: vec!["a".to_owned()],
        rows: vec![vec!["x=tok-83hLZk2vQ91".to_owned()]],
    };
    redactor.redact_shown(&mut shown);
    assert!(!format!("{shown:?}").contains("83hLZk2vQ91"));
    let sealed = redactor.seal(Shown::Text {
        title: String::new(),
        text: "tok-83hLZk2vQ91".to_owned(),
    });
    assert!(!format!("{:?}", sealed.as_ref()).contains("83hLZk2vQ91"));
}

#[test]
fn neither_a_secret_nor_the_redactor_prints_what_it_knows() {
    let secret = Secret::new(SECRET);
    assert_eq!(format!("{secret:?}"), "[secret]");
    assert_eq!(secret.expose(), SECRET);
    assert_eq!(
        format!("{:?}", knowing(SECRET)),
        "Redactor { names: [\"key\"], .. }"
    );
}

#[test]
fn secrets_cut_by_chunks_are_found() {
    let redactor = knowing(SECRET);
    let filler = "plain text, é and 50 % more & so on\n".repeat(400);
    for (name, encode) in ENCODINGS {
        let input = [filler.as_bytes(), &encode(SECRET), filler.as_bytes()].concat();
        for size in [1, 7, 64, 1000, 5000, 100_000] {
            let mut stream = redactor.stream();
            let mut out = Vec::new();
            for chunk in input.chunks(size) {
                out.extend(stream.push(chunk));
            }
            let (rest, hits) = stream.finish();
            out.extend(rest);
            assert!(
                !contains(&out, &encode(SECRET)),
                "{name} in chunks of {size}"
            );
            assert!(
                contains(&out, b"[secret key]"),
                "{name} in chunks of {size}"
            );
            assert!(!hits.is_empty());
        }
    }
}

#[test]
fn a_stream_passes_on_what_is_clean_and_holds_back_little() {
    let redactor = knowing(SECRET);
    let mut stream = redactor.stream();
    let line = b"a line of an endless body\n".repeat(40);
    let mut passed = 0;
    for _ in 0..1000 {
        passed += stream.push(&line).len();
    }
    assert!(passed > 1000 * line.len() - 20_000);
    assert_eq!(passed + stream.finish().0.len(), 1000 * line.len());
}

#[test]
fn what_has_a_secrets_shape_is_masked_though_nobody_registered_it() {
    let scanner = crate::shapes::Scanner::new(crate::shapes::RULES, Vec::new());
    let token = ["ghp", "_", "q83hLZk2vQ91LmTzXy77aaB3c5D8eF0gH1iJ"].concat();
    let known = ["npm", "_", "q83hLZk2vQ91LmTzXy77aaB3c5D8eF0gH1iJ"].concat();
    let mut map = Map::new();
    let body = serde_json::json!({ "token": token, "also": [format!("is {known}")], "password": "plain-Word-9" });
    map.insert("body".to_owned(), Value::from_json(&body));
    let mut redactor = Redactor::new();
    assert_eq!(redactor.register("mine", &known).warning, None);
    assert_eq!(redactor.register_shapes(&scanner, &map), ["github-token"]);
    let mut seen = Vec::new();
    redactor.redact_map(&mut map, "", &mut seen);
    let places: Vec<_> = seen
        .iter()
        .map(|s| (s.name.as_str(), s.location.as_str()))
        .collect();
    assert_eq!(
        places,
        [("mine", "body.also[0]"), ("github-token", "body.token")]
    );
}
#[test]
fn what_is_left_of_a_secret_that_was_cut_is_masked_before_an_ellipsis_and_taken_off_at_a_cap() {
    let mut redactor = Redactor::new();
    assert_eq!(
        redactor.register("key", "q7Xz2mKp9vRt4wLs8nBd3hJf").warning,
        None
    );
    for (cut, masked) in [
        ("the token q7Xz2mKp9vRt… is", "the token [secret key]… is"),
        ("hex 7137587a326d4b…", "hex [secret key]…"),
        ("ends with q7Xz2…", "ends with q7Xz2…"),
        ("an ordinary text…", "an ordinary text…"),
    ] {
        assert_eq!(redactor.redact_str(cut), masked);
    }
    let mut text = format!("{}q7Xz2mKp9", "x".repeat(2000));
    redactor.trim_cut(&mut text);
    assert!(text.len() > 1000 && !text.contains("q7"), "{text}");
    let mut unknown = "short".to_owned();
    Redactor::new().trim_cut(&mut unknown);
    assert_eq!(unknown, "short");
}
