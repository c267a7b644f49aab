//! The flawless system keeps its contract (`README.md`), endpoint by endpoint.

use hyper::{Method, StatusCode};
use lab::{
    Database,
    metasheet2::{self, Config},
};
use serde_json::{Value, json};

use crate::client::{Client, RELEASE, SECRET, in_seconds, token, token_with};

const RULES: &str = "/api/admin/protection-rules";

async fn lab() -> metasheet2::Running {
    metasheet2::start(Config::new(SECRET, RELEASE))
        .await
        .unwrap()
}

async fn made(admin: &Client, path: &str, kind: &str, body: Value) -> String {
    let reply = admin.post(path, body).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    reply.body[kind]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn health_tells_the_release_and_the_database() {
    let lab = lab().await;
    let reply = Client::nobody(&lab).get("/health").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.header("date").is_some());
    assert_eq!(
        reply.body,
        json!({"status": "healthy", "commit": RELEASE, "version": "2.2.0", "uptime_seconds": 0,
            "database": {"engine": "sqlite", "status": "up"}})
    );
    assert_eq!(
        Client::nobody(&lab).get("/").await.body["service"],
        "metasheet2"
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_good_is_refused_with_the_reason() {
    let lab = lab().await;
    let nobody = Client::nobody(&lab);
    let good = json!({"sub": "ops", "roles": ["admin"], "exp": in_seconds(7200)});
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        nobody.bearing(&token(&claims))
    };
    let mut endless = good.clone();
    endless.as_object_mut().unwrap().remove("exp");
    let other_algorithm = jsonwebtoken::encode(
        &jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS512),
        &good,
        &jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes()),
    )
    .unwrap();
    let cases = [
        (nobody.clone(), "Missing token"),
        (
            nobody.with_authorization(&token(&good)),
            "Malformed authorization header",
        ),
        (nobody.bearing("garbage"), "Invalid token"),
        (
            nobody.bearing(&token_with(&good, "another secret")),
            "Invalid token",
        ),
        (nobody.bearing(&other_algorithm), "Invalid token"),
        (nobody.bearing(&token(&endless)), "Invalid token"),
        (with("exp", json!(in_seconds(-7200))), "Token expired"),
        (with("nbf", json!(in_seconds(3600))), "Token not yet valid"),
    ];
    for (client, message) in cases {
        let reply = client.get("/api/auth/me").await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{message}");
        assert_eq!(
            reply.body,
            json!({"ok": false, "error": {"code": "UNAUTHORIZED", "message": message}})
        );
        let challenge = reply.header("www-authenticate").unwrap();
        assert!(
            challenge.starts_with("Bearer error=\"invalid_") && challenge.contains(message),
            "{challenge}"
        );
    }
    let reply = nobody.bearing(&token(&good)).get("/api/auth/me").await;
    assert_eq!(
        reply.body["user"],
        json!({"sub": "ops", "roles": ["admin"]})
    );
}

#[tokio::test(start_paused = true)]
async fn a_viewer_may_read_and_ask_but_not_write() {
    let lab = lab().await;
    let as_role = |role: &str| {
        Client::nobody(&lab).bearing(&token(
            &json!({"sub": "x", "roles": [role], "exp": in_seconds(7200)}),
        ))
    };
    let viewer = as_role("viewer");
    assert_eq!(viewer.get(RULES).await.status, StatusCode::OK);
    let question = json!({"operation": "delete"});
    assert_eq!(
        viewer
            .post(&format!("{RULES}/evaluate"), question)
            .await
            .status,
        StatusCode::OK
    );
    for path in [RULES, "/api/snapshots"] {
        let reply = viewer
            .post(path, json!({"name": "n", "effect": "allow"}))
            .await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert_eq!(
            reply.body["error"],
            json!({"code": "FORBIDDEN", "message": "Role admin needed"})
        );
    }
    assert_eq!(
        as_role("stranger").get(RULES).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test(start_paused = true)]
async fn a_rule_is_created_listed_read_updated_and_deleted() {
    let lab = lab().await;
    let admin = Client::admin(&lab);
    let id = made(
        &admin,
        RULES,
        "rule",
        json!({"name": "block-prod-delete", "effect": "block"}),
    )
    .await;
    let path = format!("{RULES}/{id}");
    let rule = admin.get(&path).await.body["rule"].clone();
    assert_eq!(rule["conditions"], json!({"operation": "delete"}));
    assert_eq!(
        (&rule["priority"], &rule["enabled"]),
        (&json!(100), &json!(true))
    );
    let list = admin.get(RULES).await.body;
    assert_eq!((&list["count"], &list["rules"][0]), (&json!(1), &rule));
    assert_eq!(
        admin.get(&format!("{RULES}?name=other")).await.body["count"],
        0
    );

    let changed = admin
        .put(
            &path,
            json!({"priority": 7, "enabled": false, "conditions": {"tag": ["a", "b"]}}),
        )
        .await;
    assert_eq!(changed.status, StatusCode::OK);
    let changed = &changed.body["rule"];
    assert_eq!(
        (&changed["priority"], &changed["enabled"], &changed["name"]),
        (&json!(7), &json!(false), &rule["name"])
    );
    assert_eq!(admin.get(&path).await.body["rule"], *changed);

    assert_eq!(
        admin.delete(&path).await.body,
        json!({"ok": true, "deleted": true, "id": id})
    );
    for gone in [
        admin.get(&path).await,
        admin.delete(&path).await,
        admin.put(&path, json!({"priority": 1})).await,
    ] {
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
        assert_eq!(gone.body["error"]["code"], "NOT_FOUND");
    }
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_is_a_conflict_also_by_renaming() {
    let lab = lab().await;
    let admin = Client::admin(&lab);
    made(
        &admin,
        RULES,
        "rule",
        json!({"name": "a", "effect": "allow"}),
    )
    .await;
    let b = made(
        &admin,
        RULES,
        "rule",
        json!({"name": "b", "effect": "allow"}),
    )
    .await;
    let again = admin
        .post(RULES, json!({"name": "a", "effect": "block"}))
        .await;
    let renamed = admin
        .put(&format!("{RULES}/{b}"), json!({"name": "a"}))
        .await;
    for reply in [again, renamed] {
        assert_eq!(reply.status, StatusCode::CONFLICT);
        assert_eq!(
            (&reply.body["error"]["code"], &reply.body["error"]["field"]),
            (&json!("CONFLICT"), &json!("name"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_in_a_body_is_named() {
    let lab = lab().await;
    let admin = Client::admin(&lab);
    let snapshot = made(&admin, "/api/snapshots", "snapshot", json!({"name": "s"})).await;
    let posts = [
        (RULES, json!({"effect": "block"}), "name"),
        (RULES, json!({"name": "  ", "effect": "block"}), "name"),
        (RULES, json!({"name": "n"}), "effect"),
        (RULES, json!({"name": "n", "effect": "explode"}), "effect"),
        (
            RULES,
            json!({"name": "n", "effect": "block", "conditions": {"colour": "red"}}),
            "conditions.colour",
        ),
        (
            RULES,
            json!({"name": "n", "effect": "block", "priority": "high"}),
            "priority",
        ),
        (
            RULES,
            json!({"name": "n", "effect": "block", "workspace_id": "none"}),
            "workspace_id",
        ),
        (
            "/api/admin/protection-rules/evaluate",
            json!({}),
            "operation",
        ),
        ("/api/snapshots", json!({"name": "n", "tags": "x"}), "tags"),
        (
            "/api/snapshots",
            json!({"name": "n", "items": [{"key": "k"}]}),
            "items",
        ),
    ];
    for (path, body, field) in posts {
        let reply = admin.post(path, body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert_eq!(reply.body["error"]["field"], field, "{reply:?}");
    }
    let level = admin
        .patch(
            &format!("/api/snapshots/{snapshot}/protection"),
            json!({"protection_level": "iron"}),
        )
        .await;
    assert_eq!(
        (level.status, &level.body["error"]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("protection_level"))
    );
    for (body, status) in [("{", 400), ("[]", 400), (&" ".repeat(70_000), 413)] {
        let reply = admin
            .send(Method::POST, RULES, body.to_owned())
            .await
            .unwrap();
        assert_eq!(reply.status.as_u16(), status);
        assert_eq!(reply.body["ok"], false);
    }
    let refused = Client::nobody(&lab).delete("/health").await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["error"]["code"]),
        (405, &json!("METHOD_NOT_ALLOWED"))
    );
    assert_eq!(
        Client::nobody(&lab).get("/nowhere").await.body["error"]["code"],
        "NOT_FOUND"
    );
    assert_eq!(
        admin.get("/api/snapshots/%FF").await.body["error"]["code"],
        "BAD_REQUEST"
    );
}

#[tokio::test(start_paused = true)]
async fn rules_decide_whether_a_snapshot_may_be_deleted() {
    let lab = lab().await;
    let admin = Client::admin(&lab);
    let snapshot = made(
        &admin,
        "/api/snapshots",
        "snapshot",
        json!({"name": "s", "tags": ["prod"]}),
    )
    .await;
    let path = format!("/api/snapshots/{snapshot}");
    admin
        .patch(
            &format!("{path}/protection"),
            json!({"protection_level": "protected"}),
        )
        .await;
    let guarded = json!({"operation": "delete", "protection_level": ["protected", "critical"]});
    let rule = made(
        &admin,
        RULES,
        "rule",
        json!({"name": "guard", "effect": "block", "conditions": guarded}),
    )
    .await;
    let refused = admin.delete(&path).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.body["error"]["code"], "BLOCKED_BY_RULE");
    assert_eq!(
        refused.body["error"]["rule"],
        json!({"id": rule, "name": "guard"})
    );

    admin
        .put(
            &format!("{RULES}/{rule}"),
            json!({"effect": "require_approval"}),
        )
        .await;
    assert_eq!(
        admin.delete(&path).await.body["error"]["code"],
        "APPROVAL_REQUIRED"
    );

    admin
        .put(
            &format!("{RULES}/{rule}"),
            json!({"effect": "elevate_risk"}),
        )
        .await;
    assert_eq!(
        admin.get(&path).await.status,
        StatusCode::OK,
        "it is still there"
    );
    let gone = admin.delete(&path).await;
    assert_eq!(
        (gone.status, &gone.body["risk"]),
        (StatusCode::OK, &json!("high"))
    );
    assert_eq!(admin.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_keeps_its_tags_level_channel_and_items() {
    let lab = lab().await;
    let admin = Client::admin(&lab);
    let body = json!({"name": "nightly", "tags": ["old"], "items": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]});
    let id = made(&admin, "/api/snapshots", "snapshot", body).await;
    let path = format!("/api/snapshots/{id}");
    let tagged = admin
        .put(
            &format!("{path}/tags"),
            json!({"add": ["staging", "sprint2", "sprint2"], "remove": ["old"]}),
        )
        .await;
    assert_eq!(
        tagged.body["snapshot"]["tags"],
        json!(["sprint2", "staging"])
    );
    admin
        .patch(
            &format!("{path}/protection"),
            json!({"protection_level": "critical"}),
        )
        .await;
    admin
        .patch(
            &format!("{path}/release-channel"),
            json!({"release_channel": "canary"}),
        )
        .await;
    let snapshot = admin.get(&path).await.body["snapshot"].clone();
    assert_eq!(
        (&snapshot["protection_level"], &snapshot["release_channel"]),
        (&json!("critical"), &json!("canary"))
    );
    assert_eq!(snapshot["item_count"], 2);

    let found = admin.get("/api/admin/snapshots?tag=sprint2").await.body;
    assert_eq!(
        (&found["count"], &found["snapshots"][0]),
        (&json!(1), &snapshot)
    );
    assert_eq!(
        admin.get("/api/admin/snapshots?tag=old").await.body["count"],
        0
    );
    assert_eq!(
        admin.get("/api/admin/snapshots").await.body["count"],
        2,
        "with the baseline"
    );
    assert_eq!(
        admin.get("/api/snapshots/stats").await.body["stats"],
        json!({"total": 2, "items": 2, "tags": 3, "by_protection_level": {"normal": 1, "protected": 0, "critical": 1},
            "by_release_channel": {"stable": 1, "canary": 1, "beta": 0, "experimental": 0}})
    );
    for suffix in ["", "/tags", "/protection", "/release-channel"] {
        let (method, body) = match suffix {
            "" => (Method::GET, json!(null)),
            "/tags" => (Method::PUT, json!({"add": ["x"]})),
            "/protection" => (Method::PATCH, json!({"protection_level": "normal"})),
            _ => (Method::PATCH, json!({"release_channel": "beta"})),
        };
        let reply = admin
            .ask(
                method,
                &format!("/api/snapshots/nothing{suffix}"),
                Some(body),
            )
            .await
            .unwrap();
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{suffix}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_eleventh_request_of_a_client_is_refused_and_others_go_on() {
    let lab = lab().await;
    let client = Client::admin(&lab).called("one");
    for remaining in (0..10).rev() {
        let reply = client.get("/api/limits/probe").await;
        assert_eq!(
            (reply.status, reply.header("ratelimit-remaining")),
            (StatusCode::OK, Some(remaining.to_string().as_str()))
        );
        assert_eq!(reply.header("ratelimit-limit"), Some("10"));
    }
    let refused = client.get("/api/limits/probe").await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["error"]["code"]),
        (429, &json!("RATE_LIMITED"))
    );
    assert_eq!(
        (
            refused.header("retry-after"),
            refused.header("ratelimit-reset")
        ),
        (Some("30"), Some("30"))
    );
    assert_eq!(
        client.called("two").get("/api/limits/probe").await.status,
        StatusCode::OK
    );
    tokio::time::advance(std::time::Duration::from_secs(30)).await;
    assert_eq!(
        client.get("/api/limits/probe").await.status,
        StatusCode::OK,
        "after the window"
    );
}

#[tokio::test(start_paused = true)]
async fn received_writes_are_counted_whatever_they_were_answered() {
    let lab = lab().await;
    let admin = Client::admin(&lab);
    made(&admin, "/api/snapshots", "snapshot", json!({"name": "s"})).await;
    made(&admin, "/api/snapshots", "snapshot", json!({"name": "s"})).await;
    Client::nobody(&lab).delete("/api/snapshots/none").await;
    admin
        .post(&format!("{RULES}/evaluate"), json!({"operation": "delete"}))
        .await;
    let writes = Client::nobody(&lab).get("/lab/writes").await.body;
    let expected = json!({"POST /api/snapshots s": 2, "DELETE /api/snapshots/none": 1});
    assert_eq!(
        (&writes["count"], &writes["by_request"]),
        (&json!(3), &expected)
    );
    assert_eq!(lab.write_count(), 3);
}

#[tokio::test(start_paused = true)]
async fn another_process_may_use_the_file_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.sqlite");
    let config = Config {
        database: Database::Sqlite(path.clone()),
        ..Config::new(SECRET, RELEASE)
    };
    let lab = metasheet2::start(config.clone()).await.unwrap();
    assert_eq!(lab.database_url(), format!("sqlite:{}", path.display()));
    let admin = Client::admin(&lab);
    made(
        &admin,
        RULES,
        "rule",
        json!({"name": "block-prod-delete", "effect": "block"}),
    )
    .await;

    let mut other = rusqlite::Connection::open(&path).unwrap();
    let transaction = other.transaction().unwrap();
    let workspace: String = transaction
        .query_row(
            "select id from workspaces where name = $1",
            ["demo"],
            |row| row.get(0),
        )
        .unwrap();
    let insert =
        "insert into protection_rules (workspace_id, name, effect) values ($1, $2, 'block')";
    transaction
        .execute(insert, [&workspace, "another"])
        .unwrap();
    assert_eq!(
        admin.get(RULES).await.body["count"],
        1,
        "readers go on while a transaction is open"
    );
    drop(transaction);
    other.execute(insert, [&workspace, "another"]).unwrap();
    let rules = admin.get(&format!("{RULES}?name=another")).await.body;
    assert_eq!(
        rules["rules"][0]["conditions"],
        json!({"operation": "delete"}),
        "defaults hold for SQL, too"
    );

    lab.stop().await;
    let lab = metasheet2::start(config.clone()).await.unwrap();
    assert_eq!(
        Client::admin(&lab).get(RULES).await.body["count"],
        2,
        "state outlives the process"
    );
    lab.stop().await;
    let lab = metasheet2::start(Config {
        reset: true,
        ..config
    })
    .await
    .unwrap();
    assert_eq!(
        Client::admin(&lab).get(RULES).await.body["count"],
        0,
        "unless it is reset"
    );
}

#[tokio::test(start_paused = true)]
async fn many_systems_in_one_process_know_nothing_of_each_other() {
    let (one, two) = (lab().await, lab().await);
    made(
        &Client::admin(&one),
        RULES,
        "rule",
        json!({"name": "a", "effect": "block"}),
    )
    .await;
    assert_eq!(Client::admin(&two).get(RULES).await.body["count"], 0);
    assert_eq!((one.write_count(), two.write_count()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_system_listens_no_more() {
    let lab = lab().await;
    let addr = lab.addr();
    lab.stop().await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn an_address_that_is_taken_and_a_folder_that_is_not_there_are_errors() {
    let lab = lab().await;
    let taken = metasheet2::start(Config {
        listen: lab.addr(),
        ..Config::new(SECRET, RELEASE)
    })
    .await;
    assert!(
        taken
            .err()
            .unwrap()
            .to_string()
            .starts_with("cannot listen on 127.0.0.1")
    );
    let nowhere = Database::Sqlite("/no/such/folder/lab.sqlite".into());
    let failed = metasheet2::start(Config {
        database: nowhere,
        ..Config::new(SECRET, RELEASE)
    })
    .await;
    assert!(
        failed
            .err()
            .unwrap()
            .to_string()
            .starts_with("cannot open the database")
    );
}

#[test]
fn a_configuration_does_not_print_its_secret() {
    let config = Config {
        database: Database::Postgres("postgres://lab:pw@db/lab".into()),
        ..Config::new(SECRET, RELEASE)
    };
    let text = format!("{config:?}");
    assert!(!text.contains(SECRET) && !text.contains("pw"), "{text}");
}
