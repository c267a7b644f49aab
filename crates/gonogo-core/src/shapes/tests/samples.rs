//! Samples of secrets, put together at run time: a literal would be found by whoever scans this repository.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

pub(super) struct Sample {
    pub(super) rule: &'static str,
    pub(super) text: String,
    pub(super) secret: String,
}

/// Characters of a class in an order without meaning.
pub(super) fn letters(class: Class, len: usize, seed: u64) -> String {
    let all: Vec<char> = (b'!'..=b'~')
        .filter(|b| class.has(*b) && b.is_ascii_alphanumeric())
        .map(char::from)
        .collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            all[(state >> 33) as usize % all.len()]
        })
        .collect()
}

pub(super) fn sample(parts: &[Part]) -> String {
    let one = |(i, part): (usize, &Part)| match part {
        Part::Text(text) => (*text).to_owned(),
        Part::Run(class, least, _) => letters(*class, *least, 7 + i as u64),
    };
    parts.iter().enumerate().map(one).collect()
}

fn whole(rule: &'static str, text: String) -> Sample {
    Sample {
        rule,
        secret: text.clone(),
        text,
    }
}

fn beside(rule: &'static str, before: &str, secret: String, after: &str) -> Sample {
    Sample {
        rule,
        text: format!("{before}{secret}{after}"),
        secret,
    }
}

fn pem(label: &str) -> String {
    let body: Vec<String> = (0..4).map(|i| letters(Class::Base64, 64, i + 40)).collect();
    format!(
        "-----{} {label}-----\n{}\n-----{} {label}-----",
        "BEGIN",
        body.join("\n"),
        "END"
    )
}

pub(super) fn samples() -> Vec<Sample> {
    let mut out = Vec::new();
    for rule in RULES {
        match rule.shape {
            Shape::Tokens(alternatives) => out.push(whole(rule.id, sample(alternatives[0]))),
            Shape::Near(keywords, Class::Uuid, _) => {
                let part = |len, seed| letters(Class::Hex, len, seed);
                let uuid = format!(
                    "{}-{}-{}-{}-{}",
                    part(8, 1),
                    part(4, 2),
                    part(4, 3),
                    part(4, 4),
                    part(12, 5)
                );
                out.push(beside(rule.id, &format!("{}: ", keywords[0]), uuid, ""));
            }
            Shape::Near(keywords, class, len) => {
                out.push(beside(
                    rule.id,
                    &format!("{}: ", keywords[0]),
                    letters(class, len, 11),
                    "",
                ));
            }
            Shape::Jwt => {
                let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
                let head = part("{\"typ\":\"JWT\",\"alg\":\"HS256\"}");
                let token = format!(
                    "{head}.{}.{}",
                    part("{\"sub\":\"ops\"}"),
                    letters(Class::Word, 43, 9)
                );
                out.push(whole(rule.id, token));
            }
            Shape::PrivateKey => {
                for label in [
                    "PRIVATE KEY",
                    "RSA PRIVATE KEY",
                    "EC PRIVATE KEY",
                    "OPENSSH PRIVATE KEY",
                    "ENCRYPTED PRIVATE KEY",
                    "PGP PRIVATE KEY BLOCK",
                ] {
                    let key = pem(label);
                    out.push(whole(rule.id, key.clone()));
                    out.push(whole(rule.id, key.replace('\n', "\\n")));
                }
            }
            Shape::Dsn => {
                for scheme in ["postgres", "mysql", "mongodb+srv", "amqps", "https"] {
                    out.push(beside(
                        rule.id,
                        &format!("{scheme}://app:"),
                        letters(Class::Alnum, 9, 3),
                        "@db.internal:5432/shop",
                    ));
                }
                out.push(beside(
                    rule.id,
                    "redis://:",
                    letters(Class::Alnum, 9, 3),
                    "@cache:6379",
                ));
            }
            Shape::Assignment(keywords, _) => {
                for keyword in keywords {
                    out.push(beside(
                        rule.id,
                        &format!("{keyword}="),
                        letters(Class::Alnum, 24, 8),
                        "",
                    ));
                }
            }
            Shape::ServiceAccount => {}
        }
    }
    let frame = "PRIVATE KEY";
    let account = format!(
        "{{\"type\": \"{}\", \"private_key\": \"-----{} {frame}-----\\n\", \"client_email\": \"a@b.c\"}}",
        ["service", "account"].join("_"),
        "BEGIN",
    );
    out.push(Sample {
        rule: "gcp-service-account",
        text: account,
        secret: "client_email".to_owned(),
    });
    out
}
