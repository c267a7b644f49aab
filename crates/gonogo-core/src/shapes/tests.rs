use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

mod property;
mod samples;

use samples::{letters, sample, samples};

fn scan(path: &str, text: &str) -> Vec<Finding> {
    let mut out = Vec::new();
    Scanner::new(RULES, Vec::new()).scan(path, text.as_bytes(), &mut out);
    out
}

fn rules_of(path: &str, text: &str) -> Vec<String> {
    scan(path, text).into_iter().map(|f| f.rule).collect()
}

#[test]
fn every_rule_finds_its_sample_and_tells_nothing_of_it() {
    let samples = samples();
    for rule in RULES {
        let own: Vec<&samples::Sample> = samples.iter().filter(|s| s.rule == rule.id).collect();
        assert!(!own.is_empty(), "{} has no sample", rule.id);
        for s in own {
            for (before, after) in [
                ("", ""),
                ("x = \"", "\"\n"),
                ("a\n\n  ", " tail"),
                ("{\"k\":\"", "\"}"),
            ] {
                let text = format!("{before}{}{after}", s.text);
                let found = scan("conf/app.env", &text);
                assert_eq!(found.len(), 1, "{}: {text:?}: {found:?}", s.rule);
                assert_eq!(found[0].rule, s.rule, "{text:?}");
                let told = serde_json::to_string(&found).unwrap();
                assert!(!told.contains(&s.secret), "{told}");
                assert!(found[0].excerpt.len() <= 64, "{told}");
            }
        }
    }
}

#[test]
fn every_alternative_of_a_token_is_found() {
    for rule in RULES {
        let Shape::Tokens(alternatives) = rule.shape else {
            continue;
        };
        for parts in alternatives {
            let text = sample(parts);
            let found = rules_of("", &format!("<{text}>"));
            assert_eq!(found, [rule.id], "{text}");
        }
    }
}

#[test]
fn a_place_does_not_matter() {
    let token = sample(&[Part::Text("ghp_"), Part::Run(Class::Alnum, 36, 36)]);
    for shift in 0..40 {
        let text = format!("{}{token}{}", "\n".repeat(shift), " ".repeat(shift % 9));
        let found = scan("a", &text);
        assert_eq!(found.len(), 1, "{shift}");
        assert_eq!((found[0].line, found[0].column), (shift as u32 + 1, 1));
    }
    let found = scan("", &format!("one\ntwo é {token} {token}\n{token}"));
    let places: Vec<(u32, u32)> = found.iter().map(|f| (f.line, f.column)).collect();
    assert_eq!(places, [(2, 8), (3, 1)], "once per line");
    assert_eq!(found[0].fingerprint, found[1].fingerprint);
    assert_eq!(found[0].path, None);
}

#[test]
fn a_token_that_is_part_of_a_longer_word_is_none() {
    let token = sample(&[Part::Text("ghp_"), Part::Run(Class::Alnum, 36, 36)]);
    assert!(rules_of("", &format!("x{token}")).is_empty());
    assert!(rules_of("", &format!("{token}x")).is_empty());
    assert!(rules_of("", &token[..token.len() - 1]).is_empty());
}

#[test]
fn placeholders_are_no_findings() {
    for line in [
        "password = \"changeme123\"",
        "password: ${DB_PASSWORD}",
        "PASSWORD=<your-password-1>",
        "api_key = \"your_api_key_12345678\"",
        "secret: xxxxxxxxxxxxxxxx1",
        "token = \"****************\"",
        "password = \"example-password1\"",
        "password={{ vault_password1 }}",
        "password = getPassword1()",
        "password: process.env.PASSWORD1",
        "token = os.environ[\"TOKEN1234567\"]",
        "secret: /run/secrets/jwt_key_1",
        "password_hash_rounds = 12",
        "token: access_token",
        "\"password\": \"Enter your password1\"",
        "password == \"s3cr3t-Value\"",
        "password = \"short1\"",
        "token_uri = https://oauth2.googleapis.com/token1",
        "secret_name: \"oauth2-client-credentials\"",
        "postgres://user:password@localhost/db",
        "postgres://app:${DB_PASSWORD}@db/app",
        "https://user:<password>@host",
        "postgres://app@db/app",
        "http://localhost:8080/a@b",
        "postgres://postgres:postgres@localhost:5432/x",
        "std::string password::kDefault1 = x",
        "passwordless-login-2024",
        "key = \"primary_key_user_id_2\"",
        "tokens = [\"aB3dE5fG7hI9jK1\"]",
        "redis://:****@cache:6379",
    ] {
        assert_eq!(rules_of("app.yaml", line), Vec::<String>::new(), "{line}");
    }
    let aws = format!("{}IOSFODNN7EXAMPLE", "AKIA");
    assert!(rules_of("", &aws).is_empty(), "the key of every AWS manual");
}

#[test]
fn assignments_are_found_in_the_ways_people_write_them() {
    let value = ["Zk9", "-q83hL", "Vw2xT", "m4Rb"].concat();
    for line in [
        format!("password={value}"),
        format!("DB_PASSWORD: {value}"),
        format!("db.password = '{value}'"),
        format!("export APP_SECRET=\"{value}\""),
        format!("  client-secret: \"{value}\"  # c"),
        format!("{{\"authToken\": \"{value}\"}}"),
        format!("const API_KEY = `{value}`;"),
        format!("let password: &str = \"{value}\";"),
        format!("config[\"secret\"] => '{value}'"),
        format!("spring.datasource.password={value}\n"),
        format!("\"{{\\\"password\\\": \\\"{value}\\\"}}\""),
        format!("password := \"{value}\""),
        format!("Pwd={value};Server=x"),
        format!("curl https://h/x?api_key={value}&y=1"),
        format!("private String passwordForDb = \"{value}\""),
        format!("<add key=\"x\"/><dbPassword>{value}</dbPassword>"),
        format!("PASSWORD = b'{value}'"),
    ] {
        assert_eq!(rules_of("app.conf", &line).len(), 1, "{line}");
    }
    assert!(
        rules_of(
            "src/app.py",
            &format!("password = {}", value.replace('-', "_"))
        )
        .is_empty(),
        "a bare word in code is a name"
    );
    assert_eq!(
        rules_of("src/app.py", &format!("password = \"{value}\"")),
        ["password-assignment"]
    );
}

#[test]
fn secrets_behind_layers_are_found_up_to_three_deep() {
    let token = sample(&[Part::Text("ghp_"), Part::Run(Class::Alnum, 36, 36)]);
    let line = format!("token is {token}, keep it");
    let hex = |text: &str| {
        text.bytes()
            .map(|b| format!("{b:02x}"))
            .collect::<Vec<_>>()
            .concat()
    };
    let url = |text: &str| {
        text.bytes()
            .map(|b| format!("%{b:02X}"))
            .collect::<Vec<_>>()
            .concat()
    };
    for (text, layers) in [
        (STANDARD.encode(&line), vec![Layer::Base64]),
        (URL_SAFE_NO_PAD.encode(&line), vec![Layer::Base64]),
        (hex(&line), vec![Layer::Hex]),
        (url(&line), vec![Layer::Url]),
        (STANDARD.encode(hex(&line)), vec![Layer::Base64, Layer::Hex]),
        (
            url(&STANDARD.encode(hex(&line))),
            vec![Layer::Url, Layer::Base64, Layer::Hex],
        ),
    ] {
        let found = scan("x", &format!("first\n data: {text}\n"));
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(
            (found[0].rule.as_str(), found[0].line, found[0].column),
            ("github-token", 2, 8)
        );
        assert_eq!(found[0].decoded_via, layers);
    }
    let four = STANDARD.encode(STANDARD.encode(STANDARD.encode(STANDARD.encode(&line))));
    assert!(scan("x", &four).is_empty());
}

#[test]
fn kubernetes_secrets_are_found() {
    let dsn = ["postgres://app", ":", "s3cr-Pw0rd", "@db/shop"].concat();
    let found = scan(
        "secret.yaml",
        &format!("kind: Secret\ndata:\n  dsn: {}\n", STANDARD.encode(dsn)),
    );
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule.as_str(), found[0].line), ("dsn-password", 3));
}

#[test]
fn an_allowed_finding_carries_its_reason() {
    let token = sample(&[Part::Text("npm_"), Part::Run(Class::Alnum, 36, 36)]);
    let plain = scan("tests/data/a.txt", &token);
    let fingerprint = plain[0].fingerprint.clone();
    let with = |rule, path, print| {
        let allow = Allow::new(rule, path, print, "a test key, revoked").unwrap();
        let mut out = Vec::new();
        Scanner::new(RULES, vec![allow]).scan("tests/data/a.txt", token.as_bytes(), &mut out);
        out[0].allowed.clone()
    };
    let reason = Some("a test key, revoked".to_owned());
    assert_eq!(with(Some("npm-token"), None, None), reason);
    assert_eq!(with(None, Some("tests/**"), None), reason);
    assert_eq!(with(None, Some("**/a.txt"), None), reason);
    assert_eq!(
        with(None, Some("tests/*/?.txt"), Some(&fingerprint)),
        reason
    );
    assert_eq!(with(None, Some("tests/*"), None), None);
    assert_eq!(with(None, Some("**/tests/data/a.txt"), None), reason);
    assert_eq!(with(None, Some("**/b.txt"), None), None);
    assert_eq!(with(Some("jwt"), Some("**"), None), None);
    assert_eq!(with(None, None, Some("00")), None);
    assert_eq!(
        Allow::new(Some("jwt"), None, None, " "),
        Err(AllowError::NoReason)
    );
    assert_eq!(
        Allow::new(None, None, None, "x"),
        Err(AllowError::NoCriterion)
    );
    assert_eq!(
        Allow::new(Some("nope"), None, None, "x"),
        Err(AllowError::UnknownRule)
    );
}

#[test]
fn certain_spans_are_the_secrets_themselves() {
    let token = sample(&[Part::Text("ghp_"), Part::Run(Class::Alnum, 36, 36)]);
    let text = format!(
        "{{\"token\": \"{token}\", \"password\": \"{}\"}}",
        letters(Class::Alnum, 12, 5)
    );
    let scanner = Scanner::new(RULES, Vec::new());
    let spans = scanner.certain(text.as_bytes());
    assert_eq!(spans.len(), 1);
    assert_eq!(
        (spans[0].rule, spans[0].value),
        ("github-token", token.as_bytes())
    );
}

#[test]
fn tokens_without_algorithm_or_signature_are_none() {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let signature = letters(Class::Word, 43, 3);
    let good = format!(
        "{}.{}.{signature}",
        part("{\"alg\":\"HS256\"}"),
        part("{\"sub\":\"a\"}")
    );
    assert_eq!(rules_of("", &good), ["jwt"]);
    assert_eq!(
        rules_of("", &format!("Authorization: Bearer {good}")),
        ["jwt"]
    );
    let no_alg = format!(
        "{}.{}.{signature}",
        part("{\"typ\":\"JWT\"}"),
        part("{\"sub\":\"a\"}")
    );
    assert!(rules_of("", &no_alg).is_empty());
    let unsigned = format!(
        "{}.{}.",
        part("{\"alg\":\"none\"}"),
        part("{\"sub\":\"a\"}")
    );
    assert!(rules_of("", &unsigned).is_empty());
}

#[test]
fn a_short_word_within_a_random_token_is_chance() {
    let token = ["glsa_yrnCK4zKZDATOat6GH2JyL2u", "fake", "h5eR_8154a6de"].concat();
    assert_eq!(rules_of("", &token), ["grafana-token"]);
}

#[test]
fn what_the_redactor_masked_is_clean() {
    for text in [
        "password=[secret db_password1]",
        "\"token\": \"[secret token]\"",
        "postgres://app:[secret dsn]@db/shop",
        "Authorization: Bearer [secret jwt]",
        "api_key: '[secret api_key_1234567]'",
    ] {
        assert_eq!(
            rules_of("journal.ndjson", text),
            Vec::<String>::new(),
            "{text}"
        );
    }
}
