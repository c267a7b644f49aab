//! What a plan may write of the `jwt` probe.

use std::collections::BTreeMap;

use gonogo_core::plan::OptionProblem;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// `jwt:` makes or inspects a JSON Web Token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtOptions {
    /// `mint` makes a token, `inspect` looks at one.
    pub jwt: Deed,
    /// The key: the shared secret of HS algorithms; a PEM key, or the path of one, of RS, PS and ES ones (private to
    /// mint, public to inspect). Without it `inspect` does not check the signature.
    pub key: Option<String>,
    /// The algorithm to sign with; `HS256` by default.
    pub algorithm: Option<Algorithm>,
    /// `inspect`: the algorithms that may stand in the token's head; a token that names another is not accepted
    /// (RFC 8725, 3.1). The algorithm of `algorithm` alone by default.
    #[serde(default)]
    pub algorithms: Vec<Algorithm>,
    /// `mint`: the claims. `iat`, `exp` and a fresh `jti` are added where they are not given.
    #[serde(default)]
    pub claims: BTreeMap<String, Json>,
    /// `mint`: how long the token is valid, such as `2h`; negative for one that has expired.
    #[schemars(extend("format" = "duration"))]
    pub expires_in: Option<String>,
    /// `mint`: from when on the token is valid, counted from now.
    #[schemars(extend("format" = "duration"))]
    pub not_before: Option<String>,
    /// `mint`: the key's id for the token's head.
    pub kid: Option<String>,
    /// `inspect`: the token; a `Bearer ` before it is taken off.
    pub token: Option<String>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// Make a token.
    Mint,
    /// Look at a token.
    Inspect,
}

/// Signature algorithms (RFC 7518, 3.1). `none` is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names are those of RFC 7518")]
pub enum Algorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
}

impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::HS256 => Self::HS256,
            Algorithm::HS384 => Self::HS384,
            Algorithm::HS512 => Self::HS512,
            Algorithm::RS256 => Self::RS256,
            Algorithm::RS384 => Self::RS384,
            Algorithm::RS512 => Self::RS512,
            Algorithm::PS256 => Self::PS256,
            Algorithm::PS384 => Self::PS384,
            Algorithm::PS512 => Self::PS512,
            Algorithm::ES256 => Self::ES256,
            Algorithm::ES384 => Self::ES384,
        }
    }
}

/// Algorithms that take one kind of key. With several, a public key could be taken for a shared secret (RFC 8725, 3.1).
pub(super) fn one_family(allowed: &[Algorithm]) -> Result<(), String> {
    let family = |algorithm: &Algorithm| match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => "a shared secret",
        Algorithm::ES256 | Algorithm::ES384 => "an elliptic curve key",
        _ => "an RSA key",
    };
    let mut families: Vec<&str> = allowed.iter().map(family).collect();
    families.dedup();
    match families[..] {
        [first, second, ..] => Err(format!(
            "one key cannot be {first} and {second}: a token could choose how it is checked"
        )),
        _ => Ok(()),
    }
}

/// Which options go with which deed.
pub(super) fn lint(options: &Json) -> Vec<OptionProblem> {
    let has = |key: &str| options.get(key).is_some();
    let problem = |key: &str, message: &str, help: &str| OptionProblem {
        code: "jwt-options",
        key: key.to_owned(),
        warning: false,
        message: message.to_owned(),
        help: Some(help.to_owned()),
    };
    let mut problems = Vec::new();
    match options.get("jwt").and_then(Json::as_str) {
        Some("mint") => {
            if !has("key") {
                problems.push(problem(
                    "jwt",
                    "a token cannot be made without a key",
                    "add `key: ${inputs.jwt_secret}`",
                ));
            }
            let given = options.get("claims").and_then(|c| c.get("exp")).is_some();
            if !has("expires_in") && !given {
                problems.push(problem(
                    "jwt",
                    "a token that never expires is not made",
                    "add `expires_in: 1h`",
                ));
            }
        }
        Some("inspect") => {
            if !has("token") {
                problems.push(problem(
                    "jwt",
                    "there is no token to look at",
                    "add `token: ${inputs.token}`",
                ));
            }
            let allowed = options.get("algorithms").cloned().unwrap_or_default();
            if let Ok(allowed) = serde_json::from_value::<Vec<Algorithm>>(allowed)
                && let Err(message) = one_family(&allowed)
            {
                problems.push(problem(
                    "algorithms",
                    &message,
                    "name the algorithms of one kind of key: `[RS256, PS256]`",
                ));
            }
            for key in ["claims", "expires_in", "not_before", "kid"] {
                if has(key) {
                    problems.push(problem(
                        key,
                        &format!("`{key}` belongs to `jwt: mint`"),
                        "take it out, or expect it: `claims.sub == 'ops'`",
                    ));
                }
            }
        }
        _ => {}
    }
    problems
}
