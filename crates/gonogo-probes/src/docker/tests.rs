use proptest::prelude::*;

use super::*;

fn why(script: &str) -> Option<String> {
    health::checks_nothing(script)
}

#[test]
fn a_command_that_always_succeeds_checks_nothing() {
    for script in [
        "",
        "  ",
        "true",
        "/bin/true",
        ":",
        "exit 0",
        "exit",
        "echo ok",
        "echo 'all is well' >/dev/null",
        "sleep 1",
        "test 1",
        "[ 1 = 1 ]",
        "curl -f http://localhost/health || true",
        "curl -f http://localhost/health || exit 0",
        "curl -fsS http://localhost/health > /dev/null 2>&1 || :",
        "wget -q -O - http://localhost/ | true",
        "curl -f http://localhost/health; exit 0",
        "curl -f http://localhost/health\ntrue",
        "exit 0; curl -f http://localhost/health",
        "sh -c 'exit 0'",
        "/bin/sh -ec \"true\"",
        "bash -c 'curl localhost || true'",
        "python -c 'import sys; sys.exit(0)'",
        "python3 -c \"print('ok')\"",
        "node -e 'process.exit(0)'",
        "true && echo ok",
        "pg_isready || echo 'not ready'",
    ] {
        assert!(why(script).is_some(), "{script}");
    }
}

#[test]
fn a_command_that_may_fail_is_a_check() {
    for script in [
        "curl -f http://localhost/health",
        "curl -f http://localhost/health || exit 1",
        "curl -fsS http://localhost/health >/dev/null 2>&1 || exit 1",
        "true && curl -f http://localhost/health",
        "curl -f http://localhost/health && true",
        "false",
        "exit 1",
        "pg_isready -U postgres",
        "redis-cli ping | grep PONG",
        "test -f /tmp/alive",
        "[ -f /tmp/alive ]",
        "[ \"$(cat /tmp/state)\" = ok ]",
        "[ $STATE ]",
        "set -e; curl -f http://localhost/health; true",
        "curl http://localhost || exit 1; true",
        "if curl localhost; then exit 0; else exit 1; fi",
        "echo > /dev/tcp/127.0.0.1/5432",
        ": < /dev/tcp/127.0.0.1/5432",
        "env PGPASSWORD=x psql -c 'select 1'",
        "python -c 'import urllib.request; urllib.request.urlopen(\"http://localhost\")'",
        "echo \"$(curl -f localhost)\"",
        "sh /health.sh",
        "kill -0 1 &",
    ] {
        assert_eq!(why(script), None, "{script}");
    }
}

#[test]
fn a_health_check_is_none_where_nothing_or_none_is_written() {
    let of = |test: &[&str]| {
        let test: Vec<String> = test.iter().map(|t| (*t).to_owned()).collect();
        HealthCheck::of(&test)
    };
    for none in [&[][..], &["NONE"], &[""]] {
        let check = of(none);
        assert!(!check.defined && check.checks_nothing.is_some(), "{none:?}");
    }
    assert!(of(&["CMD", "/bin/true"]).checks_nothing.is_some());
    assert!(of(&["CMD", "sh", "-c", "exit 0"]).checks_nothing.is_some());
    // As a program there is no `exit`: that check fails and so says something.
    assert_eq!(of(&["CMD", "exit", "0"]).checks_nothing, None);
    let check = of(&["CMD-SHELL", "curl -f localhost || exit 1"]);
    assert_eq!((check.defined, check.checks_nothing), (true, None));
    assert_eq!(check.test, "curl -f localhost || exit 1");
    assert!(of(&["CMD"]).checks_nothing.is_some());
}

proptest! {
    #[test]
    fn no_script_makes_the_reader_panic(script in "[ -~\n]{0,60}") {
        let _read = why(&script).is_some();
    }

    #[test]
    fn what_forgives_a_command_makes_it_check_nothing(command in "[a-z]{1,8}( [a-z0-9/.:-]{1,12}){0,3}", end in prop::sample::select(vec!["|| true", "|| exit 0", "; exit 0", "| true", "|| :"])) {
        prop_assume!(!command.split(' ').any(|w| ["if", "then", "else", "fi", "while", "until", "for", "do", "done", "case", "esac", "set", "exit", "exec"].contains(&w)));
        let script = format!("{command} {end}");
        prop_assert!(why(&script).is_some(), "{}", script);
    }

    #[test]
    fn a_curl_that_may_fail_is_never_taken_for_nothing(path in "/[a-z0-9/]{0,20}", end in prop::sample::select(vec!["", " || exit 1", " >/dev/null || exit 1", " && exit 0", " && echo ok"])) {
        let script = format!("curl -f http://localhost{path}{end}");
        prop_assert_eq!(why(&script), None, "{}", script);
    }
}

fn image(digests: &[&str]) -> Image {
    serde_json::from_value(serde_json::json!({
        "Id": "sha256:1", "Architecture": "arm64", "Os": "linux", "Variant": "v8", "Size": 1,
        "RepoDigests": digests, "RepoTags": null, "Created": null,
    }))
    .unwrap()
}

#[test]
fn a_digest_is_that_of_the_images_own_repository() {
    let two = image(&[
        "ghcr.io/other@sha256:aa",
        "registry:5000/shop/web@sha256:bb",
    ]);
    assert_eq!(two.digest("registry:5000/shop/web:1.2"), Some("sha256:bb"));
    assert_eq!(two.digest("registry:5000/shop/web"), Some("sha256:bb"));
    assert_eq!(two.digest("ghcr.io/other@sha256:aa"), Some("sha256:aa"));
    // Docker Hub's names are shown without their beginning.
    let hub = image(&["docker.io/library/redis@sha256:cc"]);
    assert_eq!(hub.digest("redis:7-alpine"), Some("sha256:cc"));
    assert_eq!(image(&[]).digest("shop:1"), None);
    assert_eq!(two.platform(), "linux/arm64/v8");
}

#[test]
fn an_address_that_is_none_is_refused_with_what_to_write() {
    let host = |text: &str| host(&serde_json::json!({ "docker": text }));
    assert_eq!(host("unix:///run/docker.sock"), Ok(None));
    assert_eq!(
        host("tcp://10.0.0.1:2375"),
        Ok(Some("10.0.0.1:2375".to_owned()))
    );
    assert_eq!(
        host("https://engine:2376"),
        Ok(Some("engine:2376".to_owned()))
    );
    for bad in ["unix://", "ssh://root@host", "/run/docker.sock", "ftp://x"] {
        let why = host(bad).unwrap_err();
        assert!(why.contains("unix://"), "{bad}: {why}");
    }
}

#[test]
fn a_selection_names_a_project_or_all_and_narrows_by_labels() {
    let of = |text: &str, labels: &[&str]| {
        let labels: Vec<String> = labels.iter().map(|l| (*l).to_owned()).collect();
        Selection::of(text, &labels)
    };
    let shop = of("shop", &[]).unwrap();
    assert_eq!(
        shop.filters(),
        r#"{"label":["com.docker.compose.project=shop"]}"#
    );
    assert_eq!(of("*", &[]).unwrap().filters(), "{}");
    let app = of("*", &["app=shop"]).unwrap();
    assert_eq!(app.filters(), r#"{"label":["app=shop"]}"#);
    assert_eq!(app.words(), "container with the label `app=shop`");
    assert!(of("app=shop", &[]).unwrap_err().contains("label: app=shop"));
    assert!(of("Shop one", &[]).is_err());
    assert!(of("*", &["=x"]).is_err());
}
