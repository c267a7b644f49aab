use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::ctx::{Ctx, GateScope};

fn observe(options: Json) -> Result<Seen, NotObserved> {
    let (_keep, cancelled) = tokio::sync::watch::channel(false);
    let ctx = Ctx::new(
        Vec::new(),
        PathBuf::from("."),
        Duration::from_secs(5),
        cancelled,
    );
    let scope = GateScope::new(false);
    run::observe(&Call {
        options,
        target: None,
        limits: &[],
        statistics: &gonogo_core::plan::StatisticsOptions::default(),
        earlier_samplings: Some(0),
        reads: false,
        scope: &scope,
        ctx: &ctx,
    })
}

fn fact(seen: &Seen, name: &str) -> String {
    let value = &seen.facts[name];
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn minted(expires_in: &str) -> String {
    let seen = observe(json!({
        "jwt": "mint", "key": "a key of some length", "claims": {"sub": "ops"}, "expires_in": expires_in,
    }))
    .unwrap();
    fact(&seen, "token")
}

#[test]
fn a_minted_token_is_found_valid_with_its_key_and_invalid_with_another() {
    let token = minted("1h");
    for (key, signature) in [
        ("a key of some length", "valid"),
        ("another key", "invalid"),
    ] {
        let seen = observe(json!({"jwt": "inspect", "token": token, "key": key})).unwrap();
        assert_eq!(fact(&seen, "signature"), signature);
        assert_eq!(fact(&seen, "algorithm"), "HS256");
    }
    let seen = observe(json!({"jwt": "inspect", "token": format!("Bearer {token}")})).unwrap();
    assert_eq!(fact(&seen, "signature"), "not checked");
}

#[test]
fn an_expired_token_shows_a_negative_rest() {
    let seen = observe(json!({"jwt": "inspect", "token": minted("-1h")})).unwrap();
    let gonogo_core::Value::Duration(left) = seen.facts["expires_in"] else {
        panic!("a duration");
    };
    assert!(left < 0);
}

#[test]
fn an_algorithm_that_is_not_on_the_list_is_never_valid() {
    // RFC 8725, 2.1: `none`, and a public key taken for a shared secret.
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvcHMifQ.";
    let seen = observe(json!({"jwt": "inspect", "token": unsigned, "key": "k"})).unwrap();
    assert_eq!(fact(&seen, "signature"), "invalid");
    assert_eq!(seen.facts["algorithm_allowed"], false.into());
    let token = minted("1h");
    let seen = observe(json!({
        "jwt": "inspect", "token": token, "key": "a key of some length", "algorithms": ["RS256"],
    }))
    .unwrap();
    assert_eq!(fact(&seen, "signature"), "invalid");
}

#[test]
fn what_is_no_token_is_not_observed() {
    for text in ["", "abc", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvcHMifQ"] {
        let error = observe(json!({"jwt": "inspect", "token": text})).unwrap_err();
        assert_eq!(
            error.cause,
            gonogo_core::record::Cause::BadOptions,
            "{text}"
        );
    }
}

#[test]
fn a_token_without_key_or_end_is_refused_before_anything_runs() {
    assert_eq!(Jwt.lint(&json!({"jwt": "mint"})).len(), 2);
    assert_eq!(Jwt.lint(&json!({"jwt": "inspect", "claims": {}})).len(), 2);
    assert!(
        Jwt.lint(&json!({"jwt": "mint", "key": "k", "expires_in": "1h"}))
            .is_empty()
    );
}

#[test]
fn asymmetric_keys_sign_and_verify() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let seen = observe(json!({
        "jwt": "mint", "algorithm": "ES256", "key": key.serialize_pem(), "expires_in": "1h",
    }))
    .unwrap();
    let seen = observe(json!({
        "jwt": "inspect", "algorithm": "ES256", "key": key.public_key_pem(), "token": fact(&seen, "token"),
    }))
    .unwrap();
    assert_eq!(fact(&seen, "signature"), "valid");
}
