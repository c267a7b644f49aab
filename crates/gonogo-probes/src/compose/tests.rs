#![expect(
    clippy::disallowed_methods,
    reason = "a compose file is a file that must be written"
)]

use std::path::Path;
use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::record::Cause;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::ctx::{Ctx, GateScope};

/// What a folder with these files gives.
async fn observe(files: &[(&str, &str)], options: Json) -> Result<Seen, NotObserved> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    observe_in(folder.path(), options).await
}

async fn observe_in(folder: &Path, options: Json) -> Result<Seen, NotObserved> {
    let (keep, cancelled) = tokio::sync::watch::channel(false);
    // The run is never stopped here; a dropped sender says so too.
    drop(keep);
    let ctx = Ctx::new(
        Vec::new(),
        folder.to_owned(),
        Duration::from_secs(20),
        cancelled,
    );
    let scope = GateScope::new(false);
    Compose
        .observe(Call {
            options,
            target: None,
            limits: &[],
            statistics: &gonogo_core::plan::StatisticsOptions::default(),
            earlier_samplings: Some(0),
            reads: false,
            scope: &scope,
            ctx: &ctx,
        })
        .await
}

async fn of(text: &str) -> Seen {
    observe(
        &[("compose.yaml", text)],
        json!({"compose": "compose.yaml"}),
    )
    .await
    .unwrap()
}

/// `rule place` of each problem.
fn problems(seen: &Seen) -> Vec<String> {
    let all = seen.facts["problems"].as_list().unwrap();
    let text = |p: &Value, key: &str| p.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    all.iter()
        .map(|p| format!("{} {}", text(p, "rule"), text(p, "place")))
        .collect()
}

fn names<'s>(seen: &'s Seen, fact: &str) -> Vec<&'s str> {
    let all = seen.facts[fact].as_list().unwrap();
    all.iter().filter_map(Value::as_str).collect()
}

const FINE: &str = r#"
x-base: &base
  restart: unless-stopped
services:
  web:
    <<: *base
    image: ghcr.io/shop/web:${VERSION:-12}
    ports: ["127.0.0.1:8080:80", "9000-9001:9000-9001/udp"]
    depends_on:
      db: { condition: service_healthy }
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost/"]
      interval: 1m30s
    environment: { PASSWORD: "${DB_PASSWORD:?give one}", PRICE: "5$$" }
    networks: [front]
    env_file: .env
  db:
    image: postgres:15
    volumes: ["data:/var/lib/postgresql/data", "./init:/docker-entrypoint-initdb.d"]
    healthcheck: { test: pg_isready -U postgres }
  seed:
    build: .
    profiles: [seed]
volumes: { data: }
networks: { front: {} }
"#;

#[tokio::test]
async fn a_file_that_holds_together_is_valid() {
    let env = "# the database\nDB_PASSWORD='Tr0ub4$dor'\nexport EMPTY=\n";
    let seen = observe(
        &[("compose.yaml", FINE), (".env", env)],
        json!({"compose": "compose.yaml"}),
    )
    .await
    .unwrap();
    assert_eq!(problems(&seen), [""; 0]);
    assert_eq!(seen.facts["valid"], Value::Bool(true));
    assert_eq!(names(&seen, "services"), ["web", "db"]);
    assert_eq!(names(&seen, "profiled"), ["seed"]);
    assert_eq!(names(&seen, "unset"), [""; 0]);
    assert_eq!(names(&seen, "unpinned"), [""; 0]);
    assert_eq!(names(&seen, "unchecked"), ["seed"]);
    let web = seen.facts["definitions"].get("web").unwrap();
    assert_eq!(
        web.get("image").and_then(Value::as_str),
        Some("ghcr.io/shop/web:12")
    );
    assert_eq!(
        web.get("restart").and_then(Value::as_str),
        Some("unless-stopped")
    );
    assert!(!format!("{:?}{:?}", seen.facts, seen.shown).contains("Tr0ub4"));
}

#[tokio::test]
async fn without_its_env_file_a_demanded_variable_is_missing() {
    let seen = of(FINE).await;
    assert_eq!(
        problems(&seen),
        [
            "file-missing services.web.env_file",
            "variable-required DB_PASSWORD"
        ]
    );
    assert_eq!(seen.facts["valid"], Value::Bool(false));
    let given =
        json!({"compose": "c.yaml", "env_file": ["a.env", "b.env"], "variables": {"C": "shell"}});
    let text = "services: { a: { image: 'x:${A}-${B}-${C}-${D}' } }";
    let files = [
        ("c.yaml", text),
        ("a.env", "A=1\nB=1\nC=1\n"),
        ("b.env", "B=2\n"),
    ];
    let seen = observe(&files, given).await.unwrap();
    let image = seen.facts["definitions"]
        .get("a")
        .and_then(|a| a.get("image"));
    assert_eq!(image.and_then(Value::as_str), Some("x:1-2-shell-"));
    assert_eq!(names(&seen, "unset"), ["D"]);
    // Compose only warns of it.
    assert_eq!(seen.facts["valid"], Value::Bool(true));
    assert_eq!(problems(&seen), ["variable-unset D"]);
}

#[tokio::test]
async fn each_rule_finds_what_it_is_for() {
    for (text, found) in [
        (
            "services: { a: { image: x:1, imgae: y } }",
            "unknown-key services.a.imgae",
        ),
        (
            "services: { a: { image: x:1 } }\nservice: {}",
            "unknown-key service",
        ),
        ("services: { a: { command: x } }", "no-image services.a"),
        (
            "services: { a: { image: '${NOT_SET}' } }",
            "no-image services.a",
        ),
        (
            "services: { a: { image: x:1, depends_on: [b] } }",
            "depends-on services.a.depends_on",
        ),
        (
            "services: { a: { image: x:1, depends_on: [b] }, b: { image: x:1, depends_on: [a] } }",
            "depends-on services",
        ),
        (
            "services: { a: { image: x:1, depends_on: { b: { condition: service_healthy } } }, b: { image: x:1, healthcheck: { disable: true } } }",
            "depends-on services.a.depends_on",
        ),
        (
            "services: { a: { image: x:1, ports: ['70000:80'] } }",
            "port services.a.ports",
        ),
        (
            "services: { a: { image: x:1, ports: ['80:80'] }, b: { image: x:1, ports: ['80:81'] } }",
            "port-twice services.b.ports",
        ),
        (
            "services: { a: { image: x:1, restart: sometimes } }",
            "restart services.a.restart",
        ),
        (
            "services: { a: { image: x:1, networks: [lost] } }",
            "undeclared services.a.networks",
        ),
        (
            "services: { a: { image: x:1, volumes: ['lost:/data'] } }",
            "undeclared services.a.volumes",
        ),
        (
            "services: { a: { image: x:1, secrets: [lost] } }",
            "undeclared services.a.secrets",
        ),
        (
            "services: { a: { image: x:1, env_file: lost.env } }",
            "file-missing services.a.env_file",
        ),
        (
            "services: { a: { image: x:1 } }\nsecrets: { s: { file: lost } }",
            "file-missing secrets.s",
        ),
        (
            "services: { a: { image: x:1, healthcheck: { test: [curl, x] } } }",
            "health-check services.a.healthcheck.test",
        ),
        (
            "services: { a: { image: x:1, healthcheck: { test: x, interval: soon } } }",
            "health-check services.a.healthcheck.interval",
        ),
        (
            "services: { a: { image: x:1, healthcheck: { test: 'true' } } }",
            "checks-nothing services.a.healthcheck.test",
        ),
        (
            "services: { a: { image: 'x:$2b$10$abc' } }",
            "variable-syntax services.a.image",
        ),
        (
            "services: { a: { image: 'x:${A' } }",
            "variable-syntax services.a.image",
        ),
        ("services: []", "structure services"),
        ("services: {}", "structure services"),
        ("- a", "structure "),
        ("a: 1\na: 2", "yaml compose.yaml"),
    ] {
        let seen = of(text).await;
        let all = problems(&seen);
        assert!(all.iter().any(|p| p == found), "{text}: {all:?}");
        let only_warns = found.starts_with("checks-nothing");
        assert_eq!(seen.facts["valid"], Value::Bool(only_warns), "{text}");
    }
}

#[tokio::test]
async fn an_env_value_that_compose_would_spoil_is_found_and_never_told() {
    let compose = ("c.yaml", "services: { a: { image: x:1 } }");
    let ask = || json!({"compose": "c.yaml"});
    for (env, rule) in [
        ("HASH=$2b$10$Nq9hunter2\n", "env-dollar .env"),
        ("PASSWORD=\"p$hunter2\"\n", "env-dollar .env"),
        ("PASSWORD='hunter2\n", "env-quote .env"),
        ("just words\n", "env-line .env"),
        ("A=1\nA=2\n", "env-twice .env"),
    ] {
        let seen = observe(&[compose, (".env", env)], ask()).await.unwrap();
        assert_eq!(problems(&seen), [rule], "{env}");
        assert!(!format!("{seen:?}").contains("hunter2"), "{env}");
    }
    for fine in [
        "HASH='$2b$10$Nq9'\n",
        "A=1\nB=${A}/x # note\n",
        "P=a\\$b\n",
        "\u{feff}A=1\r\n",
        "K=\"one\ntwo\"\nL=1\n",
    ] {
        let seen = observe(&[compose, (".env", fine)], ask()).await.unwrap();
        assert_eq!(problems(&seen), [""; 0], "{fine}");
    }
}

#[tokio::test]
async fn parts_of_other_files_make_no_claim_about_the_whole() {
    for text in [
        "include: [other.yaml]\nservices: { a: { image: x:1 } }",
        "services: { a: { extends: { file: o.yaml, service: a } } }",
    ] {
        let seen = of(text).await;
        assert!(seen.cut.iter().any(|c| c.fact == "valid"), "{text}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_or_outside_is_no_observation() {
    let failed = observe(&[], json!({"compose": "compose.yaml"}))
        .await
        .unwrap_err();
    assert_eq!(failed.cause, Cause::Missing);
    let failed = observe(&[], json!({"compose": "../compose.yaml"}))
        .await
        .unwrap_err();
    assert_eq!(failed.cause, Cause::Forbidden);
    let fine = ("c.yaml", "services: { a: { image: x:1 } }");
    let failed = observe(
        &[fine],
        json!({"compose": "c.yaml", "env_file": ["no.env"]}),
    )
    .await
    .unwrap_err();
    assert_eq!(failed.cause, Cause::Missing);
    assert_eq!(
        Compose.lint(&json!({"compose": "/etc/c.yaml"}))[0].code,
        "path-outside"
    );
    // No service is nothing to look at.
    assert_eq!(of("services: {}").await.absent[0].fact, "services");
}

#[test]
fn variables_are_put_in_as_the_specification_says() {
    let known: std::collections::BTreeMap<String, String> = [("A", "a"), ("E", "")]
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .into();
    let fill = |text: &str| interpolate::fill(text, &known).text;
    for (text, filled) in [
        ("$A-${A}", "a-a"),
        ("$$A", "$A"),
        ("${E-x}", ""),
        ("${E:-x}", "x"),
        ("${N-x}", "x"),
        ("${N:-${A}b}", "ab"),
        ("${A:+yes}", "yes"),
        ("${E:+yes}", ""),
        ("${E+yes}", "yes"),
        ("${N?gone}", ""),
        ("plain", "plain"),
    ] {
        assert_eq!(fill(text), filled, "{text}");
    }
    assert!(interpolate::fill("$1", &known).error.is_some());
    assert!(interpolate::fill("${A!x}", &known).error.is_some());
}

proptest! {
    #[test]
    fn no_text_makes_the_filling_panic(text in "[ -~]{0,60}") {
        let _filled = interpolate::fill(&text, &std::collections::BTreeMap::new());
    }

    #[test]
    fn what_is_escaped_comes_out_as_it_was(text in "[ -~]{0,60}") {
        let escaped = text.replace('$', "$$");
        let fill = interpolate::fill(&escaped, &std::collections::BTreeMap::new());
        prop_assert_eq!(fill.text, text);
        prop_assert!(fill.error.is_none());
    }

    #[test]
    fn no_env_file_makes_the_reader_panic(text in "[ -~\n]{0,80}") {
        let _problems = env::read(".env", &text, &mut std::collections::BTreeMap::new());
    }
}
