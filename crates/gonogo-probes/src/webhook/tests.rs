use std::collections::BTreeMap;

use gonogo_core::record::Power;
use proptest::prelude::*;
use serde_json::json;

use super::run::tampered;
use super::signature::Signer;
use super::*;

fn options(more: &Json) -> Json {
    let mut all = json!({"webhook": "POST /hook", "secret": "${inputs.s}", "json": {"a": 1}});
    for (name, value) in more.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    all
}

fn signed(more: &Json, secret: &str, body: &str, time: i64) -> BTreeMap<String, String> {
    let options: WebhookOptions = serde_json::from_value(options(more)).unwrap();
    let signer = Signer::of(&options).unwrap();
    signer
        .headers(secret.as_bytes(), body, time)
        .into_iter()
        .collect()
}

#[test]
fn the_examples_of_the_senders_documents_are_signed_as_they_say() {
    // docs.github.com, "Validating webhook deliveries", testing.
    let headers = signed(
        &json!({"scheme": "github"}),
        "It's a Secret to Everybody",
        "Hello, World!",
        0,
    );
    assert_eq!(
        headers["x-hub-signature-256"],
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    );
    // docs.slack.dev, "Verifying requests from Slack", step by step.
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let headers = signed(
        &json!({"scheme": "slack"}),
        "8f742231b10e8888abcd99yyyzzz85a5",
        body,
        1_531_420_618,
    );
    assert_eq!(headers["x-slack-request-timestamp"], "1531420618");
    assert_eq!(
        headers["x-slack-signature"],
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    );
}

#[test]
fn a_generic_sender_signs_what_its_options_say() {
    let generic = |more: Json| {
        let mut all = json!({"signature_header": "X-Sig"});
        for (name, value) in more.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        signed(&all, "key", "a {body} {timestamp} {x", 7)
    };
    let hmac = |message: &str| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"key");
        let mac = ring::hmac::sign(&key, message.as_bytes());
        let hex: Vec<String> = mac.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        hex.concat()
    };
    let plain = generic(json!({"prefix": "sha256="}));
    assert_eq!(
        plain["X-Sig"],
        format!("sha256={}", hmac("a {body} {timestamp} {x"))
    );
    let timed = generic(json!({"timestamp_header": "X-Time"}));
    assert_eq!(timed["X-Time"], "7");
    assert_eq!(timed["X-Sig"], hmac("7.a {body} {timestamp} {x"));
    let own = generic(json!({"timestamp_header": "X-Time", "signed": "{body}|{timestamp}{"}));
    assert_eq!(own["X-Sig"], hmac("a {body} {timestamp} {x|7{"));
    let other = generic(json!({"encoding": "base64", "algorithm": "sha512"}));
    assert_eq!(other["X-Sig"].len(), 88);
    let stripe = signed(&json!({"scheme": "stripe"}), "key", "{}", 9);
    assert_eq!(
        stripe["stripe-signature"],
        format!("t=9,v1={}", hmac("9.{}"))
    );
}

#[test]
fn only_what_can_tell_old_from_new_has_a_replayed_call() {
    let has = |more: Json| {
        let shape = Webhook.shape(&options(&more));
        shape.fields.iter().any(|(name, _)| name == "replayed")
    };
    assert!(!has(json!({"scheme": "github"})));
    assert!(!has(json!({"signature_header": "X"})));
    assert!(has(
        json!({"signature_header": "X", "timestamp_header": "Y"})
    ));
    assert!(has(json!({"scheme": "stripe"})) && has(json!({"scheme": "slack"})));
}

#[test]
fn it_writes_unless_the_check_says_that_it_reads() {
    let options = options(&json!({}));
    assert_eq!(Webhook.power(&options, false, false), Some(Power::Write));
    assert_eq!(Webhook.power(&options, false, true), None);
}

#[test]
fn what_cannot_mean_anything_is_said_before_anything_is_sent() {
    for (more, key) in [
        (json!({}), "webhook"),
        (json!({"scheme": "github", "prefix": "x"}), "prefix"),
        (json!({"scheme": "github", "body": "x"}), "body"),
        (json!({"scheme": "github", "secret": " "}), "secret"),
        (json!({"scheme": "github", "secret": "written"}), "secret"),
        (json!({"scheme": "github", "webhook": "/hook"}), "webhook"),
        (json!({"signature_header": "X Y"}), "signature_header"),
        (
            json!({"signature_header": "X", "signed": "{timestamp}.{body}"}),
            "signed",
        ),
        (
            json!({"signature_header": "X", "timestamp_header": "Y", "signed": "{timestamp}"}),
            "signed",
        ),
    ] {
        let problems = Webhook.lint(&options(&more));
        assert_eq!(problems.len(), 1, "{more}: {problems:?}");
        assert_eq!(problems[0].key, key, "{more}");
    }
    assert!(
        Webhook
            .lint(&options(&json!({"scheme": "slack"})))
            .is_empty()
    );
}

proptest! {
    #[test]
    fn a_tampered_body_is_another_one(body in ".{0,40}") {
        prop_assert_ne!(tampered(&body), body);
    }

    #[test]
    fn a_tampered_object_is_still_one(names in proptest::collection::btree_map("[a-z]{1,5}", 0..9, 1..4)) {
        let body = json!(names).to_string();
        let other: Json = serde_json::from_str(&tampered(&body)).unwrap();
        prop_assert_ne!(other, json!(names));
    }
}
