use std::path::PathBuf;
use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::record::Cause;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::json;

use super::*;
use crate::ctx::{Ctx, GateScope};
use crate::probe::ResolvedTarget;
use crate::testing::{NginxServer, openssl_certificate};

mod pure;

/// A CA, one below it, and what they sign.
struct Pki {
    root: String,
    root_issuer: Issuer<'static, KeyPair>,
    middle: String,
    middle_issuer: Issuer<'static, KeyPair>,
}

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Pki {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let root = ca("gonogo root").self_signed(&key).unwrap().pem();
        let root_issuer = Issuer::new(ca("gonogo root"), key);
        let key = KeyPair::generate().unwrap();
        let signed = ca("gonogo middle").signed_by(&key, &root_issuer).unwrap();
        Self {
            root,
            root_issuer,
            middle: signed.pem(),
            middle_issuer: Issuer::new(ca("gonogo middle"), key),
        }
    }

    /// A certificate for names, valid from the year 2000, and its key.
    fn leaf(&self, names: &[&str], until: (i32, u8, u8)) -> (String, String) {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        params
            .distinguished_name
            .push(DnType::CommonName, "a server");
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.middle_issuer).unwrap();
        (signed.pem(), key.serialize_pem())
    }
}

const LATER: (i32, u8, u8) = (2100, 1, 1);

fn door(port: u16) -> Ctx {
    let (_keep, cancelled) = tokio::sync::watch::channel(false);
    let hosts = vec![
        ("localhost".to_owned(), port),
        ("127.0.0.1".to_owned(), port),
    ];
    Ctx::new(
        hosts,
        PathBuf::from("."),
        Duration::from_secs(30),
        cancelled,
    )
}

async fn look(server: &NginxServer, ca: Option<&str>, options: Json) -> Result<Seen, NotObserved> {
    let mut target = json!({"http": format!("https://localhost:{}", server.port())});
    if let Some(ca) = ca {
        let file = server.folder().join("ca.pem");
        std::fs::write(&file, ca).unwrap();
        target["ca"] = json!(file);
    }
    observe(server.port(), Some(target), options).await
}

async fn observe(port: u16, target: Option<Json>, options: Json) -> Result<Seen, NotObserved> {
    let target = target.map(|options| ResolvedTarget {
        name: "api".to_owned(),
        kind: "http".to_owned(),
        options,
    });
    let mut options = options;
    let limit = options.as_object_mut().unwrap().remove("limit");
    let ctx = door(port).again(Duration::from_secs(
        limit.and_then(|l| l.as_u64()).unwrap_or(30),
    ));
    let scope = GateScope::new(false);
    Tls.observe(Call {
        options,
        target: target.as_ref(),
        limits: &[],
        statistics: &gonogo_core::plan::StatisticsOptions::default(),
        earlier_samplings: Some(0),
        reads: false,
        scope: &scope,
        ctx: &ctx,
    })
    .await
}

fn own() -> Json {
    json!({"tls": "target"})
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_list().unwrap_or_default();
    list.iter()
        .map(|v| v.as_str().unwrap_or_default().to_owned())
        .collect()
}

fn version(seen: &Seen, told: &str) -> Vec<String> {
    texts(seen.facts["versions"].get(told).unwrap())
}

fn suites(seen: &Seen) -> Vec<String> {
    let all = seen.facts["ciphers"].as_list().unwrap().iter();
    all.map(|c| c.get("name").unwrap().as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_server_of_today_is_graded_with_its_chain_and_hsts() {
    let pki = Pki::new();
    let (leaf, key) = pki.leaf(&["localhost", "127.0.0.1"], LATER);
    let chain = format!("{leaf}{}", pki.middle);
    let server = NginxServer::start(
        &chain,
        &key,
        &[
            "ssl_protocols TLSv1.2 TLSv1.3;",
            "ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;",
            "add_header Strict-Transport-Security 'max-age=31536000; includeSubDomains' always;",
        ],
    );
    let seen = look(&server, Some(&pki.root), own()).await.unwrap();
    let facts = &seen.facts;
    assert_eq!(facts["trusted"], true.into(), "{facts:?}");
    assert_eq!(facts["name_matches"], true.into());
    assert_eq!(facts["in_order"], true.into());
    assert_eq!(version(&seen, "accepted"), ["TLS 1.2", "TLS 1.3"]);
    assert_eq!(version(&seen, "unknown"), [""; 0], "{:?}", seen.shown);
    assert_eq!(facts["cipher"].get("version"), Some(&"TLS 1.3".into()));
    assert_eq!(facts["hsts"].get("max_age"), Some(&31_536_000i64.into()));
    assert_eq!(facts["ocsp"], "absent".into());
    assert_eq!(facts["fallback_protected"], true.into());
    assert_eq!(facts["grade"], "A+".into(), "{:?}", facts["grade_reasons"]);
    assert!(suites(&seen).len() >= 4, "{:?}", suites(&seen));
    let chain = facts["chain"].as_list().unwrap();
    assert_eq!(chain.len(), 2);
    assert_eq!(
        texts(chain[0].get("sans").unwrap()),
        ["localhost", "127.0.0.1"]
    );
    assert_eq!(chain[0].get("issuer"), chain[1].get("subject"));
    assert_eq!(
        chain[0].get("key").unwrap().get("bits"),
        Some(&256i64.into())
    );
    assert!(matches!(facts["expires_in"], Value::Duration(left) if left > 0));
    let shape = Tls.shape(&own());
    for name in facts.keys() {
        assert!(shape.fields.iter().any(|(n, _)| n == name), "{name}");
    }
}

#[tokio::test]
async fn what_is_old_is_named_and_caps_the_grade() {
    let (chain, key) = openssl_certificate("rsa:2048", "localhost");
    let server = NginxServer::start(
        &chain,
        &key,
        &[
            "ssl_protocols TLSv1 TLSv1.1 TLSv1.2;",
            "ssl_ciphers 'ALL:eNULL:@SECLEVEL=0';",
        ],
    );
    let seen = look(&server, Some(&chain), own()).await.unwrap();
    assert_eq!(
        version(&seen, "accepted"),
        ["TLS 1.0", "TLS 1.1", "TLS 1.2"]
    );
    assert_eq!(version(&seen, "refused"), ["SSL 2.0", "SSL 3.0", "TLS 1.3"]);
    let suites = suites(&seen);
    for name in [
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_NULL_SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    ] {
        assert!(suites.iter().any(|s| s == name), "{name}: {suites:?}");
    }
    assert_eq!(seen.facts["grade"], "F".into());
    assert_eq!(seen.facts["trusted"], true.into(), "{:?}", seen.facts);
    let reasons = texts(&seen.facts["grade_reasons"]).join("; ");
    for part in [
        "TLS 1.0",
        "TLS 1.1",
        "less than 112 bits",
        "no TLS 1.3",
        "without authentication",
    ] {
        assert!(reasons.contains(part), "{part}: {reasons}");
    }
}

#[tokio::test]
async fn a_server_of_old_versions_alone_is_seen_and_not_trusted() {
    let (chain, key) = openssl_certificate("rsa:2048", "localhost");
    let server = NginxServer::start(
        &chain,
        &key,
        &["ssl_protocols TLSv1;", "ssl_ciphers 'ALL:@SECLEVEL=0';"],
    );
    let seen = look(&server, Some(&chain), own()).await.unwrap();
    assert_eq!(version(&seen, "accepted"), ["TLS 1.0"]);
    assert_eq!(seen.facts["trusted"], false.into());
    let why = seen.facts["why_not_trusted"].as_str().unwrap();
    assert!(why.contains("did not prove"), "{why}");
    // The certificate stands in the clear, and is told all the same.
    assert_eq!(seen.facts["chain"].as_list().unwrap().len(), 1);
    assert_eq!(seen.facts["name_matches"], true.into());
    assert!(!seen.facts.contains_key("cipher"));
    assert_eq!(seen.facts["grade"], "T".into());
}

#[tokio::test]
async fn each_fault_of_a_certificate_is_told_apart() {
    let pki = Pki::new();
    let other = Pki::new();
    let in_a_week = chrono::Utc::now() + chrono::Duration::days(7);
    let soon = {
        use chrono::Datelike as _;
        let (year, month, day) = (in_a_week.year(), in_a_week.month(), in_a_week.day());
        (year, month as u8, day as u8)
    };
    let (own_key, _) = (KeyPair::generate().unwrap(), ());
    let lonely = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .self_signed(&own_key)
        .unwrap()
        .pem();
    let signed = |names: &[&str], until| {
        let (leaf, key) = pki.leaf(names, until);
        (format!("{leaf}{}", pki.middle), key)
    };
    let (leaf, key) = pki.leaf(&["localhost"], LATER);
    let backwards = format!("{leaf}{}{}", pki.root, pki.middle);
    let cases = [
        (
            "expired",
            signed(&["localhost"], (2001, 1, 1)),
            false,
            true,
            "has expired",
        ),
        (
            "another host",
            signed(&["other.example"], LATER),
            true,
            false,
            "",
        ),
        ("soon over", signed(&["localhost"], soon), true, true, ""),
        (
            "self-signed",
            (lonely, own_key.serialize_pem()),
            false,
            true,
            "signed itself",
        ),
        (
            "no middle",
            (leaf, key.clone()),
            false,
            true,
            "CN=gonogo middle was not sent",
        ),
        ("wrong order", (backwards, key), true, true, ""),
        (
            "another CA",
            {
                let (leaf, key) = other.leaf(&["localhost"], LATER);
                (format!("{leaf}{}", other.middle), key)
            },
            false,
            true,
            "was not signed by the one that it names",
        ),
    ];
    for (name, (chain, key), trusted, matches, why) in cases {
        let server = NginxServer::start(&chain, &key, &[]);
        let seen = look(&server, Some(&pki.root), own()).await.unwrap();
        let facts = &seen.facts;
        assert_eq!(facts["trusted"], trusted.into(), "{name}: {facts:?}");
        assert_eq!(facts["name_matches"], matches.into(), "{name}");
        let told = facts.get("why_not_trusted").and_then(Value::as_str);
        assert!(told.unwrap_or("").contains(why), "{name}: {told:?}");
        assert_eq!(facts["in_order"], (name != "wrong order").into(), "{name}");
        let days = facts["expires_in_days"].as_int().unwrap();
        match name {
            "expired" => assert!(days < -9000, "{days}"),
            "soon over" => assert!((5..=7).contains(&days), "{days}"),
            _ => assert!(days > 1000, "{name}: {days}"),
        }
        let grade = match (trusted, matches) {
            (_, false) => "M",
            (false, _) => "T",
            _ => "A",
        };
        assert_eq!(
            facts.get("grade").and_then(Value::as_str).map(|g| &g[..1]),
            Some(grade),
            "{name}: {facts:?} {:?}",
            seen.shown
        );
    }
}

#[tokio::test]
async fn a_pin_is_the_servers_key_or_one_that_it_is_verified_by() {
    use base64::Engine as _;
    let pki = Pki::new();
    let stranger = Pki::new();
    let (leaf, key) = pki.leaf(&["localhost"], LATER);
    // The stranger's certificate lies beside the others and signs nothing.
    let chain = format!("{leaf}{}{}", pki.middle, stranger.middle);
    let server = NginxServer::start(&chain, &key, &[]);
    let spki = |pem: &str| {
        use rustls::pki_types::pem::PemObject as _;
        let der = rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let spki = super::certificate::Read::of(&der).spki.unwrap();
        base64::engine::general_purpose::STANDARD.encode(super::certificate::sha256(&spki))
    };
    let nobody = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
    for (pins, pinned) in [
        (vec![spki(&leaf)], true),
        (
            vec![nobody.clone(), format!("sha256/{}", spki(&pki.middle))],
            true,
        ),
        (vec![spki(&stranger.middle)], false),
        (vec![nobody], false),
    ] {
        let place = format!("localhost:{}", server.port());
        let options = json!({"tls": place, "pin": pins});
        let seen = look(&server, None, options).await.unwrap();
        assert_eq!(seen.facts["pinned"], pinned.into(), "{pins:?}");
        assert_eq!(seen.facts["trusted"], false.into());
    }
    drop(stranger.root_issuer);
}

#[tokio::test]
async fn what_speaks_no_tls_and_what_is_no_target_is_not_observed() {
    let redis = crate::testing::RedisServer::start(&[]);
    // A Redis waits for the end of a line that never comes.
    let place = json!({"tls": format!("127.0.0.1:{}", redis.port()), "limit": 1});
    let gap = observe(redis.port(), None, place).await.unwrap_err();
    assert_eq!(gap.cause, Cause::Timeout, "{gap:?}");
    assert!(gap.help.is_some());
    let gap = observe(1, None, json!({"tls": "localhost:2"}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Forbidden);
    let gap = observe(1, None, json!({"tls": "localhost:1"}))
        .await
        .unwrap_err();
    assert_eq!(gap.cause, Cause::Refused);
    let plain = json!({"http": "http://localhost:1"});
    for target in [None, Some(plain)] {
        let gap = observe(1, target, own()).await.unwrap_err();
        assert_eq!(gap.cause, Cause::BadOptions, "{gap:?}");
    }
}

#[test]
fn what_cannot_mean_anything_is_said_before_anything_is_sent() {
    for (options, key) in [
        (json!({"tls": "https://x"}), "tls"),
        (json!({"tls": "x:99999"}), "tls"),
        (json!({"tls": ""}), "tls"),
        (json!({"tls": "x", "name": "not a name"}), "name"),
        (json!({"tls": "x", "pin": []}), "pin"),
        (json!({"tls": "x", "pin": ["AAAA"]}), "pin"),
        (json!({"tls": "x", "pin": ["?"]}), "pin"),
    ] {
        let problems = Tls.lint(&options);
        assert_eq!(problems.len(), 1, "{options}");
        assert_eq!(problems[0].key, key);
    }
    for fine in ["target", "x", "x:8443", "[::1]:443", "${inputs.host}:443"] {
        assert!(Tls.lint(&json!({"tls": fine})).is_empty(), "{fine}");
    }
}
