//! The rules over what was delivered and how it is served.

use super::*;

fn explains(id: &str, probe: &str, expect: &str, seen: Json) {
    let observed = Observed::Observation(Box::new(observation(facts(seen))));
    let (rule, cause, next) = rule_for(probe, &[expect], observed);
    assert_eq!(rule, id, "{expect}: {cause} / {next}");
    assert!(!next.is_empty());
}

#[test]
fn containers_are_explained_by_what_is_wrong_with_them() {
    let seen = |what: &str| {
        let mut seen = json!({"missing": [], "restarted": [], "unhealthy": [], "not_running": [], "unchecked": []});
        seen[what] = json!(["worker"]);
        seen
    };
    for (id, fact) in [
        ("container-missing", "missing"),
        ("container-restarting", "restarted"),
        ("container-unhealthy", "unhealthy"),
        ("container-down", "not_running"),
        ("container-unchecked", "unchecked"),
    ] {
        explains(id, "containers", &format!("{fact} == []"), seen(fact));
    }
}

#[test]
fn a_webhook_is_explained_by_what_it_takes_and_what_it_does_not() {
    let seen = |unsigned: u16, replayed: u16, good: u16| {
        json!({
            "unsigned": {"status": unsigned}, "wrong_signature": {"status": 401}, "tampered": {"status": 401},
            "replayed": {"status": replayed}, "good": {"status": good},
        })
    };
    let of = |id, expect, seen| explains(id, "webhook", expect, seen);
    of(
        "webhook-fails-inside",
        "unsigned.status in [401, 422]",
        seen(500, 401, 200),
    );
    of(
        "webhook-takes-unsigned",
        "unsigned.status in [401, 422]",
        seen(202, 401, 200),
    );
    of(
        "webhook-takes-replays",
        "replayed.status in [401, 422]",
        seen(401, 200, 200),
    );
    of(
        "webhook-refuses-good",
        "good.status == 200",
        seen(401, 401, 403),
    );
}

#[test]
fn how_it_is_served_is_explained() {
    let tls = |days: i64, name_matches: bool, trusted: bool| {
        json!({
            "expires_in": {"$duration": format!("{}h", days * 24)}, "name_matches": name_matches,
            "trusted": trusted, "versions": {"TLS 1.0": "yes"},
        })
    };
    let of = |id, expect, seen| explains(id, "tls", expect, seen);
    of(
        "tls-has-expired",
        "expires_in > duration('14d')",
        tls(-1, true, false),
    );
    of("tls-for-another-host", "name_matches", tls(90, false, true));
    of("tls-untrusted", "trusted", tls(90, true, false));
    of(
        "tls-expires-soon",
        "expires_in > duration('14d')",
        tls(3, true, true),
    );
    of(
        "tls-weak",
        "versions['TLS 1.0'] == 'no'",
        tls(90, true, true),
    );
}

#[test]
fn a_document_is_explained_by_where_the_service_departs_from_it() {
    let of = |id, expect, seen| explains(id, "openapi", expect, seen);
    let sent = |status: u16| json!({"empty_bodies": [{"status": status, "names_field": false}]});
    of(
        "openapi-empty-body-taken",
        "empty_bodies.all(b, b.status == 422)",
        sent(200),
    );
    of(
        "openapi-field-not-named",
        "empty_bodies.all(b, b.names_field)",
        sent(422),
    );
    let none = |more: Json| {
        let mut seen = json!({"empty_bodies": []});
        for (key, value) in more.as_object().expect("a map") {
            seen[key] = value.clone();
        }
        seen
    };
    of(
        "openapi-changed",
        "changes.removed == []",
        none(json!({"changes": {"removed": ["GET /a"]}})),
    );
    of(
        "openapi-answer-undocumented",
        "all_valid",
        none(json!({"all_valid": false})),
    );
    of(
        "openapi-count",
        "counts.operations == 16",
        none(json!({"counts": {"operations": 15}})),
    );
}

#[test]
fn what_was_delivered_is_explained() {
    let suites = |failed: u16, skipped: u16, empty: Json| json!({"failed": failed, "errors": 0, "skipped": skipped, "empty": empty});
    let of = |id, expect, seen| explains(id, "tests", expect, seen);
    of(
        "suite-ran-nothing",
        "empty == []",
        suites(0, 0, json!(["jest"])),
    );
    of("suite-failed", "failed == 0", suites(2, 1, json!([])));
    of("suite-skipped", "skipped == 0", suites(0, 1, json!([])));
    let of = |id, expect, seen| explains(id, "terraform", expect, seen);
    let plan = json!({"destroyed": ["a.b"], "replaced": [], "unset": ["size"], "drift": ["c.d"]});
    of("terraform-destroys", "destroyed == []", plan.clone());
    of("terraform-variable", "unset == []", plan.clone());
    of("terraform-drift", "drift == []", plan);
    explains(
        "rollback-one-way",
        "rollback",
        "one_way == []",
        json!({"one_way": ["0042"], "without_way_down": ["0042"]}),
    );
    explains(
        "rollback-slow",
        "rollback",
        "within_objective",
        json!({"one_way": [], "without_way_down": [], "within_objective": false}),
    );
    explains(
        "git-dirty",
        "git",
        "dirty == []",
        json!({"dirty": ["a.rs"]}),
    );
    explains(
        "backup-not-restorable",
        "backup",
        "restored",
        json!({"restored": false, "problem": "ERROR: no such function"}),
    );
    explains(
        "backup-cut-short",
        "backup",
        "complete",
        json!({"complete": false, "problem": "cut"}),
    );
}

#[test]
fn what_people_state_is_explained_by_what_is_open() {
    let seen = |partial: Json, weak: Json, incomplete: Json| json!({"partial": partial, "missing": [], "weak": weak, "incomplete": incomplete});
    let of = |id, expect, seen| explains(id, "checklist", expect, seen);
    of(
        "checklist-open",
        "partial == []",
        seen(json!(["drill"]), json!([]), json!([])),
    );
    of(
        "checklist-without-evidence",
        "weak == []",
        seen(json!([]), json!(["drill"]), json!([])),
    );
    of(
        "table-incomplete",
        "incomplete == []",
        seen(json!([]), json!([]), json!(["P1"])),
    );
}
