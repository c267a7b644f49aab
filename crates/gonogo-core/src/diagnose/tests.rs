use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

mod delivered;

use super::*;
use crate::fixture::{BlobMap, Tape, check, facts, gate, nothing, observation, plan};
use crate::judge::judge_run;
use crate::record::{Absence, Cause, Cut, NotObserved, Observed};

#[test]
fn every_rule_parses_and_has_a_name_of_its_own() {
    for rule in all_rules() {
        for (what, text) in [("cause", rule.cause), ("next", rule.next)] {
            let parsed = expr::parse_template(text);
            assert!(parsed.is_ok(), "{} {what}: {parsed:?}", rule.id);
        }
        let parsed = expr::parse(rule.when);
        assert!(parsed.is_ok(), "{}: {parsed:?}", rule.id);
    }
    assert_eq!(table().len(), all_rules().count());
    let names: BTreeSet<&str> = all_rules().map(|r| r.id).collect();
    assert_eq!(names.len(), all_rules().count());
}

/// The rule that explains a check which expected this and saw that.
fn rule_of(expect: &[&str], observed: Observed) -> (&'static str, String, String) {
    rule_for("http", expect, observed)
}

fn rule_for(probe: &str, expect: &[&str], observed: Observed) -> (&'static str, String, String) {
    let mut check = check("a", expect);
    probe.clone_into(&mut check.probe);
    let plan = plan(vec![gate("g", vec![check.clone()])]);
    let run = Tape::new().observed("g", "a", observed).finished();
    let judged = judge_run(&plan, &run, &BlobMap::new()).expect("sound");
    let judged = &judged.gates[0].checks[0];
    assert!(!judged.outcome.is_good(), "{}", judged.message);
    let applied = diagnose(&plan, &run, "g", &check, judged);
    let applied = applied.unwrap_or_else(|| panic!("nothing explains {}", judged.message));
    (applied.rule.id, applied.cause, applied.next)
}

fn http(mut json: Json) -> Observed {
    let defaults = json!({
        "status": 200, "json": true, "body": {}, "headers": {}, "latency": {"$duration": "20ms"},
        "redirects": [], "request": {
            "method": "GET", "url": "http://127.0.0.1:8080/api/rules", "has_authorization": false,
        },
    });
    for (key, value) in defaults.as_object().expect("a map") {
        if json.get(key).is_none() {
            json[key] = value.clone();
        }
    }
    Observed::Observation(Box::new(observation(facts(json))))
}

fn with_token(token: &Json, more: &Json) -> Json {
    let mut json = json!({"status": 401, "request": {
        "method": "GET", "url": "http://127.0.0.1:8080/api", "has_authorization": true,
        "authorization_scheme": "Bearer", "token": token,
    }});
    for (key, value) in more.as_object().expect("a map") {
        json[key] = value.clone();
    }
    json
}

#[track_caller]
fn explains(id: &str, expect: &[&str], observed: Observed) {
    let (rule, cause, next) = rule_of(expect, observed);
    assert_eq!(rule, id, "{cause} / {next}");
    assert!(!next.is_empty());
}

const OK: &[&str] = &["status == 200"];

#[test]
fn a_401_is_explained_by_what_was_sent_and_by_the_clocks() {
    let s = |text: &str| json!({"$duration": text});
    let good = || json!({"alg": "HS256", "expires_in": s("2h")});
    let refused = |token: Json, more: Json| http(with_token(&token, &more));
    explains("no-credentials", OK, http(json!({"status": 401})));
    explains("wrong-secret", OK, refused(good(), json!({})));
    explains(
        "wrong-secret",
        OK,
        refused(good(), json!({"body": {"error": "invalid signature"}})),
    );
    explains(
        "token-expired",
        OK,
        refused(json!({"alg": "HS256", "expires_in": s("-1s")}), json!({})),
    );
    explains(
        "token-expired-there",
        OK,
        refused(
            json!({"alg": "HS256", "expires_in": s("60s")}),
            json!({"clock_lead": s("90s")}),
        ),
    );
    explains(
        "token-not-yet-valid",
        OK,
        refused(
            json!({"alg": "HS256", "expires_in": s("2h"), "valid_in": s("10m")}),
            json!({}),
        ),
    );
    explains(
        "token-not-yet-valid-there",
        OK,
        refused(
            json!({"alg": "HS256", "expires_in": s("2h"), "valid_in": s("-5s")}),
            json!({"clock_lead": s("-90s")}),
        ),
    );
    explains(
        "clock-skew",
        OK,
        refused(
            good(),
            json!({"clock_lead": s("-5m"), "body": {"error": "iat lies ahead"}}),
        ),
    );
    explains(
        "token-revoked-or-short-lived",
        OK,
        refused(good(), json!({"body": {"error": "token expired"}})),
    );
    explains(
        "wrong-audience",
        OK,
        refused(
            good(),
            json!({"headers": {"www-authenticate": "Bearer error=\"invalid audience\""}}),
        ),
    );
    explains(
        "unsigned-token",
        OK,
        refused(json!({"alg": "none", "expires_in": s("2h")}), json!({})),
    );
    let mut bare = with_token(&good(), &json!({}));
    bare["request"]["authorization_scheme"] = json!("");
    explains("missing-bearer", OK, http(bare));
    let basic = json!({"status": 401, "request": {
        "method": "GET", "url": "http://x/", "has_authorization": true, "authorization_scheme": "Basic",
    }});
    explains("wrong-password", OK, http(basic));
}

#[test]
fn refusals_and_failures_are_told_apart() {
    let at = |status: u16, body: Json| http(json!({"status": status, "body": body}));
    explains("forbidden", OK, at(403, json!({})));
    let mut signed_in = with_token(&json!({"alg": "HS256"}), &json!({}));
    signed_in["status"] = json!(403);
    explains("missing-role", OK, http(signed_in));
    explains("csrf", OK, at(403, json!({"error": "CSRF token missing"})));
    explains(
        "no-resource",
        OK,
        at(404, json!({"error": "rule not found"})),
    );
    explains("no-route", OK, at(404, json!({"detail": "Not Found"})));
    explains(
        "no-route",
        OK,
        http(json!({"status": 404, "json": false, "body": "<html>nginx"})),
    );
    explains("method-not-allowed", OK, at(405, json!({})));
    explains("conflict", OK, at(409, json!({})));
    explains("media-type", OK, at(415, json!({})));
    explains("request-refused", OK, at(400, json!({"error": "bad"})));
    explains("rate-limited", OK, at(429, json!({})));
    explains(
        "schema-missing",
        OK,
        at(500, json!({"error": "relation \"rules\" does not exist"})),
    );
    explains(
        "database-behind",
        OK,
        at(500, json!({"error": "SQLSTATE 53300"})),
    );
    explains("upstream", OK, at(502, json!({})));
    explains(
        "upstream",
        OK,
        at(500, json!({"error": "connect ECONNREFUSED"})),
    );
    explains("not-ready", OK, at(503, json!({})));
    explains(
        "stack-trace",
        OK,
        at(500, json!("Traceback (most recent call last)")),
    );
    explains("server-error", OK, at(500, json!({})));
    explains(
        "redirect-login",
        OK,
        http(json!({"status": 302, "headers": {"location": "/login?next=/"}})),
    );
    explains(
        "redirect-https",
        OK,
        http(json!({"status": 301, "headers": {"location": "https://127.0.0.1/"}})),
    );
    explains(
        "redirect",
        OK,
        http(json!({"status": 301, "headers": {"location": "/v2"}})),
    );
}

#[test]
fn a_refused_field_is_named_in_the_forms_of_common_frameworks() {
    for body in [
        json!({"detail": [{"loc": ["body", "name"], "msg": "field required"}]}),
        json!({"errors": [{"field": "body.name"}]}),
        json!({"errors": {"body.name": ["is required"]}}),
        json!({"error": {"path": "body.name"}}),
        json!({"errors": [{"pointer": "/body/name"}]}),
    ] {
        let (rule, cause, _) = rule_of(OK, http(json!({"status": 422, "body": body})));
        assert_eq!(rule, "field-refused", "{body}");
        assert!(cause.contains("`body.name`"), "{cause}");
    }
    let strange = json!({"error": {"field": "\u{1b}[31m<script>"}});
    explains(
        "request-refused",
        OK,
        http(json!({"status": 422, "body": strange})),
    );
}

#[test]
fn what_is_accepted_and_should_not_be_is_named() {
    const REFUSED: &[&str] = &["status == 401"];
    explains("accepts-without-credentials", REFUSED, http(json!({})));
    let expired = json!({"alg": "HS256", "expires_in": {"$duration": "-1h"}});
    explains(
        "accepts-expired-token",
        REFUSED,
        http(with_token(&expired, &json!({"status": 200}))),
    );
    let other = json!({"alg": "HS256", "expires_in": {"$duration": "1h"}});
    explains(
        "accepts-other-credentials",
        REFUSED,
        http(with_token(&other, &json!({"status": 200}))),
    );
    explains("no-rate-limit", &["status == 429"], http(json!({})));
}

#[test]
fn answers_that_are_not_what_they_seem_are_named() {
    explains(
        "html-for-json",
        &["status == 200", "body.rules.size() > 0"],
        http(
            json!({"json": false, "body": "<!DOCTYPE html><html>", "text": "<!DOCTYPE html><html>"}),
        ),
    );
    explains(
        "broken-json",
        &["body.n == 1"],
        http(
            json!({"json": false, "body": "{\"n\":", "headers": {"content-type": "application/json"}}),
        ),
    );
    explains(
        "cors",
        &["headers['access-control-allow-origin'] == 'https://app.example'"],
        http(json!({})),
    );
    for (phase, rule) in [
        ("first_byte", "slow-first-byte"),
        ("dns", "slow-dns"),
        ("connect", "slow-connect"),
        ("tls", "slow-connect"),
        ("rest", "slow-body"),
    ] {
        let mut phases = json!({"total": {"$duration": "3s"}});
        phases[phase] = json!({"$duration": "2.5s"});
        let slow = json!({"latency": {"$duration": "3s"}, "phases": phases});
        explains(rule, &["latency < duration('1s')"], http(slow));
    }
    let mut cut = observation(facts(json!({"status": 200, "body": "a"})));
    cut.cut.push(Cut {
        fact: "body".to_owned(),
        why: "stopped reading".to_owned(),
    });
    let cut = Observed::Observation(Box::new(cut));
    explains("cut-body", &["body.contains('b')"], cut);
}

#[test]
fn databases_and_metrics_are_explained() {
    let sql = |code: &str, sqlstate: &str| {
        http(json!({"error": {"code": code, "sqlstate": sqlstate, "message": "no"}}))
    };
    let fine = &["!has(error)"];
    explains("sql-schema", fine, sql("undefined_table", "42P01"));
    explains("sql-denied", fine, sql("insufficient_privilege", "42501"));
    explains("sql-constraint", fine, sql("unique_violation", "23505"));
    explains("sql-syntax", fine, sql("syntax_error", "42601"));
    explains("sql-connection", fine, sql("too_many_connections", "53300"));
    explains("sql-concurrency", fine, sql("deadlock_detected", "40P01"));
    let absent = |why: &str| {
        let mut seen = observation(facts(json!({"samples": []})));
        seen.probe = "prometheus".to_owned();
        seen.absent.push(Absence {
            fact: "samples".to_owned(),
            why: why.to_owned(),
        });
        Observed::Observation(Box::new(seen))
    };
    let old = "the newest sample is 20 min old";
    let (rule, ..) = rule_for("prometheus", &["value > 0"], absent(old));
    assert_eq!(rule, "stale-metric");
    let (rule, ..) = rule_for("tls", &["value > 0"], absent("could not be told"));
    assert_eq!(rule, "nothing-there");
}

#[test]
fn every_cause_of_no_observation_is_explained() {
    for (cause, rule) in [
        (Cause::Dns, "dns"),
        (Cause::Refused, "refused"),
        (Cause::Closed, "truncated"),
        (Cause::Network, "network"),
        (Cause::Tls, "tls"),
        (Cause::Timeout, "timeout"),
        (Cause::Protocol, "protocol"),
        (Cause::Truncated, "truncated"),
        (Cause::TooLarge, "too-large"),
        (Cause::Denied, "denied"),
        (Cause::Missing, "missing"),
        (Cause::Forbidden, "forbidden-host"),
        (Cause::BadOptions, "bad-options"),
        (Cause::Interrupted, "interrupted"),
        (Cause::Unknown, "unknown-effect"),
        (Cause::Bug, "bug"),
    ] {
        explains(rule, OK, nothing(cause));
    }
}

#[test]
fn certificates_are_told_apart_and_commands_name_the_host() {
    let tls = |message: &str| {
        Observed::NotObserved(NotObserved {
            tried: "GET https://api.staging.example:8443/health?x=$(id)".to_owned(),
            cause: Cause::Tls,
            message: message.to_owned(),
            help: None,
            elapsed_ns: 1,
        })
    };
    explains("tls-expired", OK, tls("invalid peer certificate: Expired"));
    explains(
        "tls-issuer",
        OK,
        tls("invalid peer certificate: UnknownIssuer"),
    );
    explains("tls-name", OK, tls("certificate not valid for name \"x\""));
    explains(
        "tls-not-yet",
        OK,
        tls("invalid peer certificate: NotValidYet"),
    );
    let (_, _, next) = rule_of(OK, tls("invalid peer certificate: Expired"));
    insta::assert_snapshot!(next, @"openssl s_client -connect api.staging.example:8443 -servername api.staging.example </dev/null | openssl x509 -noout -dates -issuer");
}

#[test]
fn the_probes_own_help_wins_over_the_tables_command() {
    let observed = Observed::NotObserved(NotObserved {
        tried: "psql".to_owned(),
        cause: Cause::Missing,
        message: "not found".to_owned(),
        help: Some("apt-get install postgresql-client".to_owned()),
        elapsed_ns: 1,
    });
    let (_, _, next) = rule_of(OK, observed);
    assert_eq!(next, "apt-get install postgresql-client");
}

#[test]
fn commands_are_quoted_for_a_shell_and_hold_no_secret() {
    let url = "http://127.0.0.1:8080/a?q='; rm -rf ~";
    let answer = json!({"status": 404, "json": false, "body": "", "request": {
        "method": "POST", "url": url, "has_authorization": true, "authorization_scheme": "Bearer",
    }});
    let (_, _, next) = rule_of(OK, http(answer));
    insta::assert_snapshot!(next, @r#"curl -i -X POST -H "Authorization: Bearer $TOKEN" 'http://127.0.0.1:8080/a?q='\''; rm -rf ~', and compare with the routes that the release documents"#);
}

#[test]
fn the_causes_of_one_kind_of_refusal_do_not_differ_from_check_to_check() {
    for rule in all_rules().filter(|r| r.group == "401" || r.group == "slow") {
        assert!(!rule.cause.contains("${"), "{}", rule.id);
    }
}

#[test]
fn what_a_service_tells_browsers_and_callers_is_explained() {
    let seen = |json: Json| Observed::Observation(Box::new(observation(facts(json))));
    let cors = |reflects: bool| {
        seen(json!({
            "reflects_any": reflects,
            "foreign": [
                {"kind": "random", "allowed": reflects}, {"kind": "suffix", "allowed": true},
            ],
            "preflight": {"allowed": false, "why": ["PUT is not in Access-Control-Allow-Methods"]},
            "simple": {"allowed": false, "why": ["there is no Access-Control-Allow-Origin"]},
        }))
    };
    let headers = || {
        seen(json!({
            "status": 200, "missing": ["referrer-policy"], "to_remove": ["server"], "grade": "F",
            "weak": [{"name": "x-frame-options", "why": "browsers do not heed it"}],
        }))
    };
    let limit = |json: Json| seen(json);
    let met = json!({"announced": true, "disagreements": ["4 are left"], "consistent": false,
        "stopped": "limited", "requests": 9, "limited_at": 9, "statuses": {"200": 8, "429": 1}});
    let silent = |stopped: &str| json!({"announced": false, "stopped": stopped, "requests": 50});
    for (probe, expect, observed, rule, said) in [
        (
            "cors",
            "!reflects_any",
            cors(true),
            "cors-reflects",
            "every origin",
        ),
        (
            "cors",
            "foreign.all(f, !f.allowed)",
            cors(false),
            "cors-pattern",
            "(suffix)",
        ),
        (
            "cors",
            "preflight.allowed",
            cors(false),
            "cors-preflight",
            "PUT is not",
        ),
        (
            "cors",
            "simple.allowed",
            cors(false),
            "cors-answer",
            "there is no",
        ),
        (
            "security-headers",
            "missing == []",
            headers(),
            "header-missing",
            "no referrer-policy",
        ),
        (
            "security-headers",
            "weak == []",
            headers(),
            "header-weak",
            "x-frame-options: browsers",
        ),
        (
            "security-headers",
            "to_remove == []",
            headers(),
            "header-tells",
            "server",
        ),
        (
            "rate-limit",
            "consistent",
            limit(met.clone()),
            "limit-disagrees",
            "4 are left",
        ),
        (
            "rate-limit",
            "limited_at < 5",
            limit(met.clone()),
            "limit-elsewhere",
            "request 9",
        ),
        (
            "rate-limit",
            "retry_after < duration('1m')",
            limit(met),
            "limit-without-retry-after",
            "no Retry-After",
        ),
        (
            "rate-limit",
            "consistent",
            limit(silent("all sent")),
            "limit-not-told",
            "no fields",
        ),
        (
            "rate-limit",
            "limited_at < 5",
            limit(silent("all sent")),
            "limit-not-met",
            "50 requests",
        ),
        (
            "rate-limit",
            "limited_at < 5",
            limit(silent("server error")),
            "limit-answers-5xx",
            "503",
        ),
    ] {
        let (found, cause, next) = rule_for(probe, &[expect], observed);
        assert_eq!(found, rule, "{cause} / {next}");
        assert!(cause.contains(said), "{cause}");
        assert!(
            !next.contains("Access-Control"),
            "a command holds what a target sent: {next}"
        );
    }
}
