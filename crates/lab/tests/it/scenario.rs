//! A small validation of metasheet2, check by check, in the ids that `cases/metasheet2/faults.yaml` names.

use std::{collections::BTreeMap, time::Duration};

use hyper::{Method, StatusCode};
use lab::metasheet2::{Faults, Running, case_files};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::{Client, RELEASE, in_seconds, token};

const RULES: &str = "/api/admin/protection-rules";
const TABLES: [&str; 8] = [
    "protection_rules",
    "rule_execution_log",
    "schema_migrations",
    "snapshot_items",
    "snapshot_tags",
    "snapshots",
    "users",
    "workspaces",
];

/// What the database beside the system says.
pub(crate) struct Sql {
    pub(crate) tables: Vec<String>,
    /// The highest migration and how many there are.
    pub(crate) migrations: (i64, i64),
    /// Whether a second rule of the given name was refused as not unique (in a transaction that was rolled back).
    pub(crate) duplicate_refused: bool,
}

/// Which checks held.
#[derive(Default)]
pub(crate) struct Seen(BTreeMap<&'static str, bool>);

impl Seen {
    fn note(&mut self, check: &'static str, held: bool) {
        assert_eq!(self.0.insert(check, held), None, "{check} is noted once");
    }

    pub(crate) fn failed(&self) -> Vec<&'static str> {
        self.0
            .iter()
            .filter(|(_, held)| !**held)
            .map(|(check, _)| *check)
            .collect()
    }

    pub(crate) fn has(&self, check: &str) -> bool {
        self.0.contains_key(check)
    }
}

/// Runs every check. `sql` looks into the database for the rule of the given name.
pub(crate) async fn validate(
    lab: &Running,
    faults: &Faults,
    sql: impl AsyncFn(&str) -> Sql,
) -> Seen {
    let mut seen = Seen::default();
    let (nobody, admin) = (Client::nobody(lab), Client::admin(lab));
    let health = nobody.get("/health").await.body;
    seen.note("subject/start", health["commit"] == RELEASE);
    seen.note(
        "health/database",
        health["status"] == "healthy" && health["database"]["status"] == "up",
    );
    let me = admin.get("/api/auth/me").await;
    seen.note(
        "credentials/token-accepted",
        me.status == StatusCode::OK && me.body["user"]["sub"] == "ops",
    );
    api(&mut seen, &admin).await;
    auth(&mut seen, &nobody, &admin).await;
    effects(&mut seen, &admin).await;
    snapshots(&mut seen, &admin).await;
    latency(&mut seen, &admin).await;
    rate_limit(&mut seen, &admin).await;
    metrics(&mut seen, &nobody).await;
    let plugins = admin.get("/api/plugins").await.body;
    seen.note(
        "plugins/active-ratio",
        plugins["active_ratio"]
            .as_f64()
            .is_some_and(|ratio| ratio >= 0.4),
    );
    let sql = sql("block-prod-delete").await;
    seen.note("schema/tables", sql.tables == TABLES);
    seen.note("schema/migrations", sql.migrations == (9, 9));
    seen.note("unique-names/same-name-refused", sql.duplicate_refused);
    let again = admin
        .post(
            RULES,
            json!({"name": "block-prod-delete", "effect": "block"}),
        )
        .await;
    seen.note(
        "unique-names/api-refuses-it-too",
        again.status == StatusCode::CONFLICT,
    );
    let leaks = case_files(faults)
        .iter()
        .any(|(_, content)| content.windows(3).any(|window| window == b"eyJ"));
    seen.note("secrets/repository", !leaks);
    seen.note(
        "subject/end",
        nobody.get("/health").await.body["commit"] == health["commit"],
    );
    seen
}

async fn made(admin: &Client, path: &str, kind: &str, body: Value) -> (StatusCode, String) {
    let reply = admin.post(path, body).await;
    (
        reply.status,
        reply.body[kind]["id"].as_str().unwrap_or("none").to_owned(),
    )
}

async fn api(seen: &mut Seen, admin: &Client) {
    let conditions = json!({"operation": "delete", "tag": "prod"});
    let (status, rule) = made(
        admin,
        RULES,
        "rule",
        json!({"name": "block-prod-delete", "effect": "block", "conditions": conditions}),
    )
    .await;
    seen.note("api/create-rule", status == StatusCode::CREATED);
    let list = admin.get(RULES).await;
    seen.note(
        "api/list-rules",
        list.status == StatusCode::OK && list.body["rules"][0]["id"] == *rule,
    );
    let path = format!("{RULES}/{rule}");
    let read = admin.ask(Method::GET, &path, None).await;
    seen.note(
        "api/get-rule",
        read.is_ok_and(|reply| reply.body["rule"]["id"] == *rule),
    );
    let updated = admin.put(&path, json!({"priority": 50})).await;
    seen.note(
        "api/update-rule",
        updated.status == StatusCode::OK && updated.body["rule"]["priority"] == 50,
    );
    let asked = admin
        .post(
            &format!("{RULES}/evaluate"),
            json!({"operation": "restore"}),
        )
        .await;
    seen.note(
        "api/evaluate",
        asked.status == StatusCode::OK && asked.body["evaluation"]["dry_run"] == true,
    );
    let (_, other) = made(
        admin,
        RULES,
        "rule",
        json!({"name": "to-delete", "effect": "allow"}),
    )
    .await;
    let path = format!("{RULES}/{other}");
    let deleted = admin.delete(&path).await.status == StatusCode::OK;
    let gone = admin
        .ask(Method::GET, &path, None)
        .await
        .is_ok_and(|reply| reply.status == StatusCode::NOT_FOUND);
    seen.note("api/delete-rule", deleted && gone);
}

async fn auth(seen: &mut Seen, nobody: &Client, admin: &Client) {
    let refused = |reply: &crate::client::Reply, message: &str| {
        reply.status == StatusCode::UNAUTHORIZED && reply.body["error"]["message"] == message
    };
    seen.note(
        "auth/no-token",
        refused(&nobody.get(RULES).await, "Missing token"),
    );
    let bearing = |claims: Value| nobody.bearing(&token(&claims));
    let expired = bearing(json!({"sub": "ops", "roles": ["admin"], "exp": in_seconds(-3600)}));
    seen.note(
        "auth/expired-token",
        refused(&expired.get("/api/auth/me").await, "Token expired"),
    );
    let early = bearing(
        json!({"sub": "ops", "roles": ["admin"], "nbf": in_seconds(3600), "exp": in_seconds(7200)}),
    );
    seen.note(
        "auth/early-token",
        refused(&early.get("/api/auth/me").await, "Token not yet valid"),
    );
    let viewer = bearing(json!({"sub": "reader", "roles": ["viewer"], "exp": in_seconds(7200)}));
    let write = viewer
        .post(RULES, json!({"name": "viewer-rule", "effect": "allow"}))
        .await;
    seen.note(
        "auth/viewer-may-not-write",
        write.status == StatusCode::FORBIDDEN,
    );
    seen.note(
        "auth/token-not-echoed",
        !admin.get(RULES).await.text.contains("eyJ"),
    );
}

async fn effects(seen: &mut Seen, admin: &Client) {
    let effects = [
        ("effects/allow", "allow", json!([true, "normal", false])),
        ("effects/block", "block", json!([false, "normal", false])),
        (
            "effects/elevate-risk",
            "elevate_risk",
            json!([true, "high", false]),
        ),
        (
            "effects/require-approval",
            "require_approval",
            json!([false, "normal", true]),
        ),
    ];
    for (check, effect, expected) in effects {
        let conditions = json!({"operation": "delete", "tag": effect});
        let rule =
            json!({"name": format!("proof-{effect}"), "effect": effect, "conditions": conditions});
        let (_, id) = made(admin, RULES, "rule", rule).await;
        let question = json!({"rule_id": id, "operation": "delete", "resource": {"type": "snapshot", "tags": [effect]}});
        let answer = &admin
            .post(&format!("{RULES}/evaluate"), question)
            .await
            .body["evaluation"];
        let matched = answer["matched_rule"]["id"] == *id;
        seen.note(
            check,
            matched
                && json!([
                    answer["allowed"],
                    answer["risk"],
                    answer["approval_required"]
                ]) == expected,
        );
    }
    let (_, guarded) = made(
        admin,
        "/api/snapshots",
        "snapshot",
        json!({"name": "guarded", "tags": ["block"]}),
    )
    .await;
    let refused = admin.delete(&format!("/api/snapshots/{guarded}")).await;
    seen.note(
        "effects/blocked-delete-refused",
        refused.body["error"]["code"] == "BLOCKED_BY_RULE",
    );
}

async fn snapshots(seen: &mut Seen, admin: &Client) {
    let (status, id) = made(
        admin,
        "/api/snapshots",
        "snapshot",
        json!({"name": "nightly"}),
    )
    .await;
    seen.note("snapshots/create", status == StatusCode::CREATED);
    let path = format!("/api/snapshots/{id}");
    let tagged = admin
        .put(
            &format!("{path}/tags"),
            json!({"add": ["staging", "sprint2"]}),
        )
        .await;
    seen.note(
        "snapshots/tags",
        tagged.body["snapshot"]["tags"] == json!(["sprint2", "staging"]),
    );
    let found = admin.get("/api/admin/snapshots?tag=sprint2").await.body;
    seen.note(
        "snapshots/query-by-tag",
        found["count"] == 1 && found["snapshots"][0]["id"] == *id,
    );
    let level = admin
        .patch(
            &format!("{path}/protection"),
            json!({"protection_level": "protected"}),
        )
        .await;
    seen.note(
        "snapshots/protection-level",
        level.body["snapshot"]["protection_level"] == "protected",
    );
    let channel = admin
        .patch(
            &format!("{path}/release-channel"),
            json!({"release_channel": "canary"}),
        )
        .await;
    seen.note(
        "snapshots/release-channel",
        channel.body["snapshot"]["release_channel"] == "canary",
    );
    let kept = &admin.get(&path).await.body["snapshot"];
    seen.note(
        "snapshots/protection-level-saved",
        kept["protection_level"] == "protected",
    );
    seen.note(
        "snapshots/release-channel-saved",
        kept["release_channel"] == "canary",
    );
    seen.note(
        "snapshots/delete",
        admin.delete(&path).await.status == StatusCode::OK,
    );
    seen.note(
        "snapshots/deleted-is-gone",
        admin.get(&path).await.status == StatusCode::NOT_FOUND,
    );
}

/// Time is simulated: only what the system sleeps counts, however slow the machine is.
async fn latency(seen: &mut Seen, admin: &Client) {
    let calls: usize = 200;
    let (mut over_p95, mut over_p99, mut errors) = (0, 0, 0);
    for _ in 0..calls {
        let due_at = Instant::now();
        let reply = admin.get("/api/snapshots/stats").await;
        let took = due_at.elapsed();
        over_p95 += usize::from(took > Duration::from_millis(150));
        over_p99 += usize::from(took > Duration::from_millis(250));
        errors += usize::from(reply.status != StatusCode::OK);
    }
    seen.note(
        "latency/snapstats",
        over_p95 * 20 < calls && over_p99 * 100 < calls && errors * 100 < calls,
    );
    // Of the three limits, which: so that each fault is seen to break its own.
    seen.note("(p95)", over_p95 * 20 < calls);
    seen.note("(p99)", over_p99 * 100 < calls);
    seen.note("(errors)", errors * 100 < calls);
}

async fn rate_limit(seen: &mut Seen, admin: &Client) {
    let client = admin.called("scenario");
    let mut first_ten_pass = true;
    for _ in 0..10 {
        first_ten_pass &= client.get("/api/limits/probe").await.status == StatusCode::OK;
    }
    let eleventh = client.get("/api/limits/probe").await;
    seen.note("rate-limit/first-ten-pass", first_ten_pass);
    seen.note(
        "rate-limit/eleventh-is-429",
        eleventh.status == StatusCode::TOO_MANY_REQUESTS,
    );
    seen.note(
        "rate-limit/retry-after",
        eleventh.header("retry-after").is_some(),
    );
    seen.note(
        "rate-limit/headers",
        eleventh.header("ratelimit-limit") == Some("10"),
    );
}

async fn metrics(seen: &mut Seen, nobody: &Client) {
    let text = nobody.get("/metrics/prom").await.text;
    let value = |series: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(series));
        line.and_then(|rest| rest.trim().parse::<f64>().ok())
    };
    seen.note(
        "metrics/snapstats-latency",
        value("snapstats_latency_seconds_count").is_some_and(|count| count >= 190.0),
    );
    seen.note(
        "metrics/snapshots-created",
        value("snapshot_create_total") == Some(2.0),
    );
    seen.note(
        "metrics/rule-evaluations",
        value("protection_rule_eval_total{effect=\"block\"}") == Some(2.0),
    );
    seen.note(
        "metrics/rules",
        value("protection_rules_total").is_some_and(|rules| rules >= 5.0),
    );
    seen.note(
        "metrics/http-errors",
        value("http_errors_total") == Some(0.0),
    );
    seen.note(
        "metrics/rate-limited",
        value("rate_limit_triggered_total").is_some_and(|count| count >= 1.0),
    );
}
