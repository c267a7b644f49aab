//! A server's TLS as a user has it: a plan in, a verdict out.

use gonogo_probes::testing::{NginxServer, openssl_certificate};

use crate::rig::{self, Ended};

const GOOD: [&str; 3] = [
    "ssl_protocols TLSv1.2 TLSv1.3;",
    "ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;",
    "add_header Strict-Transport-Security 'max-age=31536000' always;",
];

const EXPECT: &str = "          - trusted\n          - name_matches\n          - expires_in > duration('336h')\n          - versions.accepted.all(v, v in ['TLS 1.2', 'TLS 1.3'])\n          - versions.unknown == []\n          - ciphers.all(c, c.forward_secrecy && c.aead)\n          - hsts.max_age >= 15552000\n          - grade == 'A+'\n";

fn run(server: &NginxServer, expect: &str) -> Ended {
    let folder = rig::folder();
    std::fs::copy(
        server.folder().join("chain.pem"),
        folder.path().join("ca.pem"),
    )
    .unwrap();
    let plan = format!(
        "gonogo: 1\nname: tls\nenvironments:\n  local:\n    targets:\n      web: {{ http: 'https://localhost:{}', ca: ca.pem }}\ngates:\n  g:\n    title: Its TLS is one of today\n    checks:\n      - tls: target\n        expect:\n{expect}",
        server.port()
    );
    rig::run_plan(folder.path(), &plan, &[])
}

fn message(ended: &Ended) -> String {
    let document = ended.json();
    let message = &document["gates"][0]["checks"][0]["message"];
    message.as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_server_of_today_is_go_and_each_fault_of_it_is_not() {
    let (chain, key) = openssl_certificate("rsa:2048", "localhost");
    let good = NginxServer::start(&chain, &key, &GOOD);
    let ended = run(&good, EXPECT);
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    let (other_chain, other_key) = openssl_certificate("rsa:2048", "other.example");
    let cases = [
        (
            "TLS 1.0",
            NginxServer::start(
                &chain,
                &key,
                &[
                    "ssl_protocols TLSv1 TLSv1.2;",
                    "ssl_ciphers 'ALL:@SECLEVEL=0';",
                    GOOD[2],
                ],
            ),
            "TLS 1.0",
        ),
        (
            "no HSTS",
            NginxServer::start(&chain, &key, &GOOD[..2]),
            "hsts",
        ),
        (
            "another name",
            NginxServer::start(&other_chain, &other_key, &GOOD),
            "name_matches",
        ),
    ];
    for (name, server, told) in cases {
        let ended = run(&server, EXPECT);
        assert_eq!(ended.code, 1, "{name}: {}", ended.stdout);
        assert!(
            message(&ended).contains(told),
            "{name}: {}",
            message(&ended)
        );
    }
    // About to expire: thirty days are left, and the plan asks for more.
    let ended = run(&good, "          - expires_in > duration('960h')\n");
    assert_eq!(ended.code, 1, "{}", ended.stdout);
}

#[test]
fn what_a_certificate_says_is_shown_and_never_obeyed() {
    let name = "\u{1b}[2J<script>alert(1)</script>";
    let key = rcgen::KeyPair::generate().unwrap();
    let mut wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    wanted
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let chain = wanted.self_signed(&key).unwrap().pem();
    let server = NginxServer::start(&chain, &key.serialize_pem(), &GOOD);
    let ended = run(&server, "          - expires_first == 'CN=me'\n");
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(!ended.stdout.contains('\u{1b}') && !ended.stderr.contains('\u{1b}'));
}
