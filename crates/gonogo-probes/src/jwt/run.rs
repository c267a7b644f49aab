//! Making and reading tokens. Nothing is sent.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gonogo_core::duration::parse_duration_ns;
use gonogo_core::record::{Cause, NotObserved};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use ring::rand::SecureRandom as _;
use serde_json::{Map as JsonMap, Value as Json};

use super::observed::facts;
use super::syntax::{self, Algorithm, Deed, JwtOptions};
use crate::probe::{Call, Seen};

/// The longest token that is looked at.
const MAX_TOKEN: usize = 64 * 1024;

/// Looks once.
pub(super) fn observe(call: &Call<'_>) -> Result<Seen, NotObserved> {
    let refused = |message: String| call.ctx.not_observed("jwt", Cause::BadOptions, message);
    let options: JwtOptions =
        serde_json::from_value(call.options.clone()).map_err(|e| refused(e.to_string()))?;
    match options.jwt {
        Deed::Mint => mint(call, &options),
        Deed::Inspect => inspect(call, &options),
    }
    .map_err(refused)
}

fn mint(call: &Call<'_>, options: &JwtOptions) -> Result<Seen, String> {
    let now = call.ctx.wall_now();
    let key = options
        .key
        .as_deref()
        .filter(|key| !key.trim().is_empty())
        .ok_or("a token cannot be made without a key, and this one is empty")?;
    let algorithm = options.algorithm.unwrap_or(Algorithm::HS256);
    let mut claims: JsonMap<String, Json> = options
        .claims
        .iter()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let at = |text: &str| -> Result<Json, String> {
        let ns = parse_duration_ns(text).map_err(|e| e.to_string())?;
        Ok((now.timestamp() + ns / 1_000_000_000).into())
    };
    claims
        .entry("iat")
        .or_insert_with(|| now.timestamp().into());
    if let Some(text) = &options.expires_in {
        claims.insert("exp".to_owned(), at(text)?);
    }
    if let Some(text) = &options.not_before {
        claims.insert("nbf".to_owned(), at(text)?);
    }
    if !claims.contains_key("exp") {
        return Err("a token that never expires is not made: give `expires_in`".to_owned());
    }
    if !claims.contains_key("jti") {
        claims.insert("jti".to_owned(), fresh_id()?.into());
    }
    let mut header = Header::new(algorithm.into());
    header.kid.clone_from(&options.kid);
    let key = encoding_key(call, algorithm, key)?;
    let claims = Json::Object(claims);
    let token = jsonwebtoken::encode(&header, &claims, &key)
        .map_err(|e| format!("the token could not be signed: {e}"))?;
    let header = serde_json::to_value(&header).map_err(|e| e.to_string())?;
    let mut found = facts(&header, &claims, now);
    found.insert("token".to_owned(), token.into());
    found.insert("signature".to_owned(), "valid".into());
    found.insert("algorithm_allowed".to_owned(), true.into());
    Ok(Seen {
        facts: found,
        ..Seen::default()
    })
}

fn inspect(call: &Call<'_>, options: &JwtOptions) -> Result<Seen, String> {
    let given = options.token.as_deref().unwrap_or("").trim();
    let token = given.strip_prefix("Bearer ").unwrap_or(given).trim();
    if token.len() > MAX_TOKEN {
        return Err(format!(
            "the token has {} bytes; no header of a request carries more than {MAX_TOKEN}",
            token.len()
        ));
    }
    let mut parts = token.split('.');
    let head = part(parts.next(), "head")?;
    let claims = part(parts.next(), "claims")?;
    if parts.next().is_none() || parts.next().is_some() {
        return Err("a signed token has three parts with dots between (RFC 7515, 7.1)".to_owned());
    }
    let named = head.get("alg").and_then(Json::as_str).unwrap_or("");
    let allowed: Vec<Algorithm> = if options.algorithms.is_empty() {
        vec![options.algorithm.unwrap_or(Algorithm::HS256)]
    } else {
        options.algorithms.clone()
    };
    syntax::one_family(&allowed)?;
    if options
        .key
        .as_deref()
        .is_some_and(|key| key.trim().is_empty())
    {
        return Err("the key is empty: anybody could sign with it".to_owned());
    }
    let algorithm = allowed.iter().copied().find(|a| format!("{a:?}") == named);
    let signature = match (&options.key, algorithm) {
        (None, _) => "not checked",
        (Some(_), None) => "invalid",
        // RFC 7515, 4.1.11: extensions that must be understood, and none is.
        (Some(_), Some(_)) if head.get("crit").is_some() => "invalid",
        (Some(key), Some(algorithm)) => {
            if is_signed_by(call, token, algorithm, key)? {
                "valid"
            } else {
                "invalid"
            }
        }
    };
    let mut found = facts(&head, &claims, call.ctx.wall_now());
    found.insert("token".to_owned(), token.into());
    found.insert("signature".to_owned(), signature.into());
    found.insert("algorithm_allowed".to_owned(), algorithm.is_some().into());
    Ok(Seen {
        facts: found,
        ..Seen::default()
    })
}

fn part(text: Option<&str>, what: &str) -> Result<Json, String> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text.unwrap_or(""))
        .map_err(|_| format!("the token's {what} is not base64url: is it a JSON Web Token?"))?;
    match serde_json::from_slice(&bytes) {
        Ok(json @ Json::Object(_)) => Ok(json),
        _ => Err(format!("the token's {what} is not a JSON object")),
    }
}

/// The signature alone: times and audience are facts for the plan to expect.
fn is_signed_by(
    call: &Call<'_>,
    token: &str,
    algorithm: Algorithm,
    key: &str,
) -> Result<bool, String> {
    let key = decoding_key(call, algorithm, key)?;
    let mut validation = Validation::new(algorithm.into());
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    Ok(jsonwebtoken::decode::<Json>(token, &key, &validation).is_ok())
}

fn encoding_key(call: &Call<'_>, algorithm: Algorithm, key: &str) -> Result<EncodingKey, String> {
    let made = match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            return Ok(EncodingKey::from_secret(shared_secret(algorithm, key)?));
        }
        Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(&pem(call, key)?),
        _ => EncodingKey::from_rsa_pem(&pem(call, key)?),
    };
    made.map_err(|e| format!("the key does not fit {algorithm:?}: {e}"))
}

fn decoding_key(call: &Call<'_>, algorithm: Algorithm, key: &str) -> Result<DecodingKey, String> {
    let made = match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            return Ok(DecodingKey::from_secret(shared_secret(algorithm, key)?));
        }
        Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem(&pem(call, key)?),
        _ => DecodingKey::from_rsa_pem(&pem(call, key)?),
    };
    made.map_err(|e| format!("the key does not fit {algorithm:?}: {e}"))
}

/// A PEM key is no shared secret: a public one is known to everybody (RFC 8725, 2.1).
fn shared_secret(algorithm: Algorithm, key: &str) -> Result<&[u8], String> {
    if key.contains("-----BEGIN") {
        return Err(format!(
            "the key is a PEM key, and {algorithm:?} takes a shared secret: name the key's own algorithm"
        ));
    }
    Ok(key.as_bytes())
}

/// A PEM key as it stands, or the file of one.
fn pem(call: &Call<'_>, key: &str) -> Result<Vec<u8>, String> {
    if key.contains("-----BEGIN") {
        return Ok(key.as_bytes().to_vec());
    }
    std::fs::read(call.ctx.path(key))
        .map_err(|e| format!("the key file `{key}` cannot be read: {e}"))
}

fn fresh_id() -> Result<String, String> {
    let mut bytes = [0u8; 12];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| "the operating system gave no random bytes".to_owned())?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
