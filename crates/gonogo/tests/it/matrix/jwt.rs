//! The rows of `jwt`, and N19: tokens that try to be taken for signed ones.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::{Cell, Fault, Kind, NO_NETWORK, NO_REDIRECT, PANIC, hold};

const KEY: &str = "t0p-Secret-Key-0f-The-Issuer-9182";
const LEFT: &str = "expires_in > duration('1m')";
const VALID: &str = "signature == 'valid'";
const NOW: i64 = 1_790_000_000;

/// A token of any head and claims, signed with HMAC-SHA-256.
fn token(head: &str, claims: &str, key: &[u8]) -> String {
    let signed = format!("{}.{}", BASE64.encode(head), BASE64.encode(claims));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
    let signature = ring::hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", BASE64.encode(signature.as_ref()))
}

fn hs256(claims: &str) -> String {
    token(r#"{"alg":"HS256"}"#, claims, KEY.as_bytes())
}

fn inspecting<E>(case: Case<E>, token: &str, options: Json, expect: &[&str]) -> Case<E> {
    let mut all = json!({"token": "${inputs.token}", "key": "${inputs.key}"});
    for (name, value) in options.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    let token = format!("token={token}");
    case.inputs("token: { secret: true }, key: { secret: true }")
        .with(&["-i", &token, "-i", &format!("key={KEY}")])
        .check("jwt", json!("inspect"), all, expect)
}

fn inspected(name: &'static str, ends: &'static str, token: &str, expect: &str) -> Case<Fails> {
    inspecting(Case::new(name, ends), token, json!({}), &[expect])
}

fn inspect(fault: Fault) -> Cell {
    let far = NOW * 2;
    Cell::Runs(match fault {
        Fault::NoData => vec![
            inspected("no claims", "fail", &hs256("{}"), LEFT),
            inspected(
                "no times",
                "fail",
                &hs256(r#"{"sub":"ops"}"#),
                "claims.sub == 'ops' && expires_in > duration('1m')",
            ),
            no_token(),
        ],
        Fault::NotANumber => vec![
            inspected("a literal", "error", &hs256(r#"{"exp":NaN}"#), LEFT),
            inspected("a text", "fail", &hs256(r#"{"exp":"NaN"}"#), LEFT),
        ],
        Fault::Infinite => vec![inspected(
            "a literal",
            "error",
            &hs256(r#"{"exp":Infinity}"#),
            LEFT,
        )],
        Fault::Empty => vec![
            inspected("three empty parts", "error", "..", VALID),
            inspected(
                "an empty signature",
                "fail",
                &unsigned(r#"{"alg":"HS256"}"#),
                VALID,
            ),
            inspected("empty claims", "error", &hs256(""), LEFT),
        ],
        Fault::Timeout | Fault::Refused | Fault::Dns | Fault::Tls => return NO_NETWORK,
        Fault::RedirectLoop => return NO_REDIRECT,
        Fault::Truncated => {
            let whole = hs256(&format!(r#"{{"exp":{far}}}"#));
            let two_parts = whole.rsplit_once('.').map_or("", |(two, _)| two);
            vec![
                inspected(
                    "a signature that breaks off",
                    "fail",
                    &whole[..whole.len() - 10],
                    VALID,
                ),
                inspected("two parts", "error", two_parts, VALID),
                inspected("half a head", "error", &whole[..9], VALID),
            ]
        }
        Fault::WrongType => vec![
            inspected(
                "a text for a time",
                "fail",
                &hs256(&format!(r#"{{"exp":"{far}"}}"#)),
                LEFT,
            ),
            inspected("a list for claims", "error", &hs256("[1]"), LEFT),
            inspected("no token", "error", "<html>maintenance</html>", VALID),
        ],
        Fault::Overflow => {
            let deep = format!(
                "{{\"exp\":{far},\"d\":{}{}}}",
                "[".repeat(10_000),
                "]".repeat(10_000)
            );
            vec![
                inspected(
                    "a time beyond all",
                    "fail",
                    &hs256(r#"{"exp":1e300}"#),
                    LEFT,
                ),
                inspected(
                    "a time beyond a double",
                    "error",
                    &hs256(r#"{"exp":1e999}"#),
                    LEFT,
                ),
                inspected("ten thousand levels", "error", &hs256(&deep), LEFT),
            ]
        }
        Fault::ToolAbsent => vec![key_file("no key file", |_| ())],
        Fault::Denied => vec![key_file("a key file that may not be read", |path| {
            std::fs::write(path, "-----BEGIN PUBLIC KEY-----\n").expect("a file");
            super::files::forbid(path);
        })],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => vec![
            inspected(
                "it has expired",
                "fail",
                &hs256(r#"{"exp":978307200}"#),
                LEFT,
            ),
            inspected(
                "it is not valid yet",
                "fail",
                &hs256(&format!(r#"{{"nbf":{far}}}"#)),
                "valid_in <= duration('0s')",
            ),
        ],
    })
}

fn unsigned(head: &str) -> String {
    let claims = BASE64.encode(format!(r#"{{"sub":"admin","exp":{}}}"#, NOW * 2));
    format!("{}.{claims}.", BASE64.encode(head))
}

fn no_token() -> Case<Fails> {
    let options = json!({"token": "${inputs.token}", "key": KEY});
    Case::new("no token was given", "skipped")
        .inputs("token: {}")
        .check("jwt", json!("inspect"), options, &[VALID])
}

fn key_file(name: &'static str, made: impl FnOnce(&std::path::Path)) -> Case<Fails> {
    let case = Case::new(name, "error");
    made(&case.folder().join("issuer.pem"));
    let token = token(r#"{"alg":"RS256"}"#, "{}", b"x");
    let options = json!({"token": token, "key": "issuer.pem", "algorithm": "RS256"});
    case.check("jwt", json!("inspect"), options, &[VALID])
        .by_ordinary_user()
}

fn minting<E>(case: Case<E>, options: Json, expect: &str) -> Case<E> {
    let mut all = json!({"key": "${inputs.key}", "expires_in": "2h"});
    for (name, value) in options.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    case.inputs("key: { secret: true }")
        .check("jwt", json!("mint"), all, &[expect])
}

fn minted(name: &'static str, ends: &'static str, key: &str, options: Json) -> Case<Fails> {
    minting(Case::new(name, ends), options, VALID).with(&["-i", &format!("key={key}")])
}

fn mint(fault: Fault) -> Cell {
    Cell::Runs(match fault {
        Fault::NoData => vec![minting(
            Case::new("no key was given", "skipped"),
            json!({}),
            VALID,
        )],
        Fault::NotANumber => vec![literal("NaN", ".nan")],
        Fault::Infinite => vec![literal("infinity", ".inf")],
        Fault::Empty => vec![
            minted("an empty key", "error", "", json!({})),
            minted("a blank key", "error", "  ", json!({})),
        ],
        Fault::Timeout | Fault::Refused | Fault::Dns | Fault::Tls => return NO_NETWORK,
        Fault::RedirectLoop => return NO_REDIRECT,
        Fault::Truncated => vec![minted(
            "half a key",
            "error",
            "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n",
            json!({"algorithm": "ES256"}),
        )],
        Fault::WrongType => vec![
            minted(
                "a password for a private key",
                "error",
                KEY,
                json!({"algorithm": "ES256"}),
            ),
            minted(
                "a private key for a password",
                "error",
                "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n",
                json!({}),
            ),
        ],
        Fault::Overflow => vec![
            minted(
                "an end beyond all",
                "refused",
                KEY,
                json!({"expires_in": "99999999999999999999d"}),
            ),
            minting(
                Case::new("an end that overflows", "error"),
                json!({"expires_in": "${inputs.long}"}),
                VALID,
            )
            .inputs("key: { secret: true }, long: {}")
            .with(&[
                "-i",
                &format!("key={KEY}"),
                "-i",
                "long=99999999999999999999d",
            ]),
        ],
        Fault::ToolAbsent => vec![minted(
            "no key file",
            "error",
            "absent.pem",
            json!({"algorithm": "RS256"}),
        )],
        Fault::Denied => {
            let case = minted(
                "a key file that may not be read",
                "error",
                "issuer.pem",
                json!({"algorithm": "RS256"}),
            );
            let path = case.folder().join("issuer.pem");
            std::fs::write(&path, "-----BEGIN PRIVATE KEY-----\n").expect("a file");
            super::files::forbid(&path);
            vec![case.by_ordinary_user()]
        }
        Fault::Panic => return PANIC,
        Fault::ClockSkew => {
            return Cell::Cannot(
                "a token is made by this machine's clock alone; that of the issuer is the row above",
            );
        }
    })
}

/// YAML's own spelling of what is no number is refused where it stands.
fn literal(name: &'static str, yaml: &str) -> Case<Fails> {
    minting(Case::new(name, "refused"), json!({}), VALID)
        .with(&["-i", &format!("key={KEY}")])
        .more(&format!("claims: {{ level: {yaml} }}"))
}

#[test]
fn no_fault_of_a_token_is_a_pass() {
    let claims = format!(r#"{{"exp":{}}}"#, NOW * 2);
    let healthy = inspecting(Case::healthy(), &hs256(&claims), json!({}), &[VALID, LEFT]);
    hold(Kind::Inspect, healthy, inspect);
}

#[test]
fn no_fault_of_a_key_is_a_pass() {
    let healthy = minting(Case::healthy(), json!({}), VALID).with(&["-i", &format!("key={KEY}")]);
    hold(Kind::Mint, healthy, mint);
}

/// What an attacker may write; none of it is signed by the issuer's key.
fn forged(public_key: &str, elsewhere: &str) -> Vec<(&'static str, String)> {
    let claims = format!(r#"{{"sub":"admin","exp":{}}}"#, NOW * 2);
    let empty = |head: &str| token(head, &claims, b"");
    let mut all: Vec<(&'static str, String)> = vec![
        (
            "a public key as a shared secret",
            token(r#"{"alg":"HS256"}"#, &claims, public_key.as_bytes()),
        ),
        (
            "the same without its last line end",
            token(r#"{"alg":"HS256"}"#, &claims, public_key.trim().as_bytes()),
        ),
        (
            "a kid that is an empty file",
            empty(r#"{"alg":"HS256","kid":"../../../../dev/null"}"#),
        ),
        (
            "a kid that is a statement",
            empty(r#"{"alg":"HS256","kid":"x' union select '' --"}"#),
        ),
        (
            "a kid that is a program",
            empty(r#"{"alg":"HS256","kid":"|sleep 60"}"#),
        ),
        (
            "a key of its own",
            token(
                r#"{"alg":"HS256","jwk":{"kty":"oct","k":"YWFh"}}"#,
                &claims,
                b"aaa",
            ),
        ),
        (
            "a key from elsewhere",
            empty(&format!(
                r#"{{"alg":"HS256","jku":"{elsewhere}/k","x5u":"{elsewhere}/x"}}"#
            )),
        ),
        (
            "an extension that must be understood",
            token(r#"{"alg":"HS256","crit":["exp"]}"#, &claims, KEY.as_bytes()),
        ),
        (
            "an unencoded payload",
            token(
                r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#,
                &claims,
                KEY.as_bytes(),
            ),
        ),
        (
            "a huge list of extensions",
            token(
                &format!(r#"{{"alg":"HS256","crit":[{}1]}}"#, "1,".repeat(8000)),
                &claims,
                KEY.as_bytes(),
            ),
        ),
        (
            "a null for the extensions",
            token(r#"{"alg":"HS256","crit":null}"#, &claims, KEY.as_bytes()),
        ),
        (
            "a huge head",
            token(
                &format!(r#"{{"alg":"HS256","x":"{}"}}"#, "y".repeat(20_000)),
                &claims,
                b"other",
            ),
        ),
        (
            "longer than any header",
            token(
                &format!(r#"{{"alg":"HS256","x":"{}"}}"#, "y".repeat(200_000)),
                &claims,
                KEY.as_bytes(),
            ),
        ),
        ("an empty key", empty(r#"{"alg":"HS256"}"#)),
        (
            "another algorithm of the same kind",
            token(r#"{"alg":"HS512"}"#, &claims, KEY.as_bytes()),
        ),
        (
            "a key of elliptic curves",
            token(r#"{"alg":"ES256"}"#, &claims, KEY.as_bytes()),
        ),
    ];
    for head in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"nOnE"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":"none","alg":"none"}"#,
        r"{}",
    ] {
        all.push(("unsigned, by its head", unsigned(head)));
        all.push((
            "unsigned, with a signature all the same",
            token(head, &claims, b"x"),
        ));
    }
    let whole = hs256(&claims);
    let (signed, signature) = whole.rsplit_once('.').expect("three parts");
    let admin = BASE64.encode(r#"{"sub":"root","exp":9999999999}"#);
    let head = signed.split('.').next().unwrap_or("");
    all.extend([
        (
            "other claims under a signature",
            format!("{head}.{admin}.{signature}"),
        ),
        ("a part too many", format!("{whole}.{signature}")),
        ("an empty signature", format!("{signed}.")),
        ("half a signature", format!("{signed}.{}", &signature[..20])),
        ("five parts, encrypted", format!("{head}.a.b.c.{signature}")),
    ]);
    all
}

/// A check per token and way in which a plan may name the key.
#[test]
fn no_forged_token_is_valid_whatever_its_head_says() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let public = pair.public_key_pem();
    let elsewhere = crate::rig::Scripted::json(200, r#"{"keys":[]}"#);
    let folder = crate::rig::folder();
    std::fs::write(folder.path().join("issuer.pem"), &public).expect("a file");
    let keys = [
        ("shared", json!({"key": KEY})),
        ("pem", json!({"key": public, "algorithm": "ES256"})),
        ("pem-as-secret", json!({"key": public})),
        (
            "pem-and-list",
            json!({"key": public, "algorithms": ["ES256", "ES384"]}),
        ),
        (
            "file",
            json!({"key": "issuer.pem", "algorithms": ["ES256"]}),
        ),
    ];
    let all = forged(&public, &elsewhere.url());
    // A few to a run: each is a secret from then on, and is looked for in all that follows.
    for few in all.chunks(6) {
        for (what, id, outcome) in outcomes(folder.path(), few, &keys) {
            assert!(
                matches!(outcome.as_str(), "fail" | "error"),
                "{what}, {id}: {outcome}"
            );
        }
    }
    // On the same way, what the issuer signed is valid.
    let claims = format!(r#"{{"exp":{}}}"#, NOW * 2);
    let signed = [("signed by the issuer", hs256(&claims))];
    let outcomes = outcomes(folder.path(), &signed, &keys[..1]);
    assert_eq!(outcomes[0].2, "pass");
    assert_eq!(elsewhere.asked(), 0, "no key is fetched");
}

/// Inspects each token under each key; gives what it is, the check and its outcome.
fn outcomes(
    folder: &std::path::Path,
    tokens: &[(&'static str, String)],
    keys: &[(&str, Json)],
) -> Vec<(&'static str, String, String)> {
    let mut checks = String::new();
    let mut tried = Vec::new();
    for (number, (what, token)) in tokens.iter().enumerate() {
        std::fs::write(folder.join(format!("{number}.jwt")), token).expect("a file");
        checks.push_str(&format!(
            "      - id: read-{number}\n        files: {number}.jwt\n        save: {{ t{number}: text }}\n"
        ));
        for (name, options) in keys {
            let id = format!("{name}-{number}");
            checks.push_str(&format!(
                "      - id: {id}\n        jwt: inspect\n        token: ${{saved.t{number}}}\n"
            ));
            for (key, value) in options.as_object().into_iter().flatten() {
                checks.push_str(&format!("        {key}: {value}\n"));
            }
            checks.push_str(&format!("        expect: {VALID}\n"));
            tried.push((*what, id));
        }
    }
    let plan = crate::rig::small_plan("http://127.0.0.1:1", &checks);
    let ended = crate::rig::run_plan(folder, &plan, &[]);
    assert!(
        matches!(ended.code, 0..=2),
        "{}{}",
        ended.stdout,
        ended.stderr
    );
    let document = ended.json();
    tried
        .into_iter()
        .map(|(what, id)| {
            let outcome = crate::rig::outcome(&document, &format!("g/{id}"));
            (what, id, outcome)
        })
        .collect()
}

#[test]
fn a_list_of_algorithms_for_two_kinds_of_key_is_refused() {
    let options =
        json!({"token": "${inputs.token}", "key": "issuer.pem", "algorithms": ["RS256", "HS256"]});
    let case = Case::new("two kinds of key", "refused")
        .inputs("token: {}")
        .check("jwt", json!("inspect"), options, &[VALID]);
    assert_eq!(case.run(), Ok(()));
}
