//! Snapshots: created, tagged, protected, released, queried, counted, and deleted where the rules let them be.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
    routing::{get, patch, post, put},
};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    Fault,
    app::App,
    rules::{Question, evaluate, rules_of, workspace},
    seen::is_one_of,
};
use crate::{
    answer::{self, Problem},
    store::{Row, Statement},
};

const LEVELS: [&str; 3] = ["normal", "protected", "critical"];
const CHANNELS: [&str; 4] = ["stable", "canary", "beta", "experimental"];

/// The first calls that `slow-tail` and `errors-2-percent` spare, as a cache that fills up would.
const SPARED_CALLS: u64 = 100;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/snapshots", post(create))
        .route("/api/snapshots/stats", get(stats))
        .route("/api/snapshots/{id}", get(read).delete(remove))
        .route("/api/snapshots/{id}/tags", put(tag))
        .route("/api/snapshots/{id}/protection", patch(protect))
        .route("/api/snapshots/{id}/release-channel", patch(release))
        .route("/api/admin/snapshots", get(query))
}

struct Snapshot {
    id: String,
    workspace_id: String,
    name: String,
    tags: BTreeSet<String>,
    protection_level: String,
    release_channel: String,
    item_count: i64,
    created_at: String,
    updated_at: String,
}

impl Snapshot {
    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "workspace_id": self.workspace_id,
            "name": self.name,
            "tags": self.tags,
            "protection_level": self.protection_level,
            "release_channel": self.release_channel,
            "item_count": self.item_count,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }
}

async fn create(State(app): State<Arc<App>>, body: Bytes) -> Result<Response, Problem> {
    let body = answer::object(&body)?;
    let name = answer::name(&body)?;
    let tags = answer::texts(&body, "tags")?;
    let items = items(&body)?;
    let workspace = workspace(&app, answer::text(&body, "workspace_id")?).await?;
    let id = app.store.fresh_id().await?;
    let mut statements: Vec<Statement> = vec![(
        "insert into snapshots (id, workspace_id, name) values ($1, $2, $3)",
        vec![id.as_str().into(), workspace.into(), name.into()],
    )];
    statements.extend(tags.iter().map(|tag| add_tag(&id, tag)));
    statements.extend(items.into_iter().map(|(key, value)| {
        let insert = "insert into snapshot_items (snapshot_id, key, value) values ($1, $2, $3)";
        (insert, vec![id.as_str().into(), key.into(), value.into()])
    }));
    app.store.write(statements).await?;
    if !app.has(Fault::MetricNotCounting) {
        app.metrics.count("snapshot_create_total", &[]);
    }
    Ok(answer::ok_with(
        StatusCode::CREATED,
        json!({ "snapshot": find(&app, &id).await?.json() }),
    ))
}

async fn read(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    Ok(answer::ok(
        json!({ "snapshot": find(&app, &id).await?.json() }),
    ))
}

async fn tag(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let body = answer::object(&body)?;
    let (add, remove) = (
        answer::texts(&body, "add")?,
        answer::texts(&body, "remove")?,
    );
    if add.is_empty() && remove.is_empty() {
        return Err(Problem::field("add", "name tags to add or to remove"));
    }
    find(&app, &id).await?;
    let touch = format!(
        "update snapshots set updated_at = {} where id = $1",
        app.store.dialect().now()
    );
    let mut statements: Vec<Statement> = vec![(&touch, vec![id.as_str().into()])];
    statements.extend(add.iter().map(|tag| add_tag(&id, tag)));
    statements.extend(remove.iter().map(|tag| {
        let delete = "delete from snapshot_tags where snapshot_id = $1 and tag = $2";
        (delete, vec![id.as_str().into(), tag.as_str().into()])
    }));
    app.store.write(statements).await?;
    Ok(answer::ok(
        json!({ "snapshot": find(&app, &id).await?.json() }),
    ))
}

async fn protect(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let level = choice(&answer::object(&body)?, "protection_level", &LEVELS)?;
    if app.has(Fault::ProtectionLevelNotSaved) {
        let told = Snapshot {
            protection_level: level,
            ..find(&app, &id).await?
        };
        return Ok(answer::ok(json!({ "snapshot": told.json() })));
    }
    set(&app, &id, "protection_level", &level).await
}

async fn release(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let channel = choice(&answer::object(&body)?, "release_channel", &CHANNELS)?;
    set(&app, &id, "release_channel", &channel).await
}

/// Sets one of the two columns that have a request of their own.
async fn set(app: &App, id: &str, column: &'static str, value: &str) -> Result<Response, Problem> {
    let sql = format!(
        "update snapshots set {column} = $1, updated_at = {} where id = $2",
        app.store.dialect().now()
    );
    app.store
        .write(vec![(&sql, vec![value.into(), id.into()])])
        .await?;
    Ok(answer::ok(
        json!({ "snapshot": find(app, id).await?.json() }),
    ))
}

async fn query(
    State(app): State<Arc<App>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let tag = query
        .get("tag")
        .filter(|_| !app.has(Fault::TagQueryTooMuch));
    let (condition, params) = match tag {
        Some(tag) => (
            "s.id in (select snapshot_id from snapshot_tags where tag = $1)",
            vec![tag.as_str().into()],
        ),
        None => ("true", Vec::new()),
    };
    let found: Vec<Value> = select(&app, condition, params)
        .await?
        .iter()
        .map(Snapshot::json)
        .collect();
    Ok(answer::ok(
        json!({ "count": found.len(), "snapshots": found }),
    ))
}

async fn stats(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let started_at = Instant::now();
    let number = app.seen.stats_call();
    if app.has(Fault::SlowP95) && is_one_of(number, 150) {
        tokio::time::sleep(Duration::from_millis(160 + number % 21)).await;
    }
    let rare = number >= SPARED_CALLS && is_one_of(number, 25);
    if app.has(Fault::SlowTail) && rare {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    if app.has(Fault::ErrorsTwoPercent) && rare {
        return Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL",
            "statistics are not available",
        ));
    }
    let groups = app
        .store
        .read(
            "select protection_level, release_channel, count(*) from snapshots group by 1, 2",
            Vec::new(),
        )
        .await?;
    let sizes = app
        .store
        .read(
            "select (select count(*) from snapshot_items), (select count(*) from snapshot_tags)",
            Vec::new(),
        )
        .await?;
    let sum = |column: usize, value: &str| {
        groups
            .iter()
            .filter(|row| row.text(column) == value)
            .map(|row| row.int(2))
            .sum::<i64>()
    };
    let by = |column: usize, values: &[&str]| {
        values
            .iter()
            .map(|value| ((*value).to_owned(), json!(sum(column, value))))
            .collect::<Map<_, _>>()
    };
    let size = |column: usize| sizes.first().map_or(0, |row| row.int(column));
    let body = json!({
        "total": groups.iter().map(|row| row.int(2)).sum::<i64>(),
        "items": size(0),
        "tags": size(1),
        "by_protection_level": by(0, &LEVELS),
        "by_release_channel": by(1, &CHANNELS),
    });
    app.metrics
        .sample("snapstats_latency_seconds", started_at.elapsed());
    Ok(answer::ok(json!({ "stats": body })))
}

async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let snapshot = find(&app, &id).await?;
    let question = Question {
        operation: "delete".into(),
        resource_type: Some("snapshot".into()),
        tags: snapshot.tags.into_iter().collect(),
        protection_level: Some(snapshot.protection_level),
        release_channel: Some(snapshot.release_channel),
    };
    let evaluation = evaluate(
        rules_of(&app, &snapshot.workspace_id).await?,
        &question,
        app.faults(),
    );
    app.evaluated(&evaluation, &question.operation, false).await;
    if !evaluation.allowed {
        let rule = evaluation
            .matched
            .as_ref()
            .map(|rule| json!({ "id": rule.id, "name": rule.name }));
        let (code, message) = if evaluation.approval_required {
            ("APPROVAL_REQUIRED", "a protection rule demands an approval")
        } else {
            ("BLOCKED_BY_RULE", "a protection rule blocks this")
        };
        return Err(Problem::new(StatusCode::CONFLICT, code, message).with("rule", json!(rule)));
    }
    if !app.has(Fault::DeleteDoesNotDelete) {
        // Items and tags first, for a database whose connection does not cascade.
        let of = |sql| (sql, vec![id.as_str().into()]);
        let statements = vec![
            of("delete from snapshot_items where snapshot_id = $1"),
            of("delete from snapshot_tags where snapshot_id = $1"),
            of("delete from snapshots where id = $1"),
        ];
        app.store.write(statements).await?;
    }
    Ok(answer::ok(
        json!({ "deleted": true, "id": id, "risk": evaluation.risk() }),
    ))
}

async fn find(app: &App, id: &str) -> Result<Snapshot, Problem> {
    let found = select(app, "s.id = $1", vec![id.into()]).await?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| Problem::not_found("no such snapshot"))
}

/// The snapshots for which a condition holds: one row per tag, or one for a snapshot without tags.
async fn select(
    app: &App,
    condition: &str,
    params: Vec<crate::store::Value>,
) -> Result<Vec<Snapshot>, Problem> {
    let dialect = app.store.dialect();
    let sql = format!(
        "select s.id, s.workspace_id, s.name, s.protection_level, s.release_channel, {}, {}, \
         (select count(*) from snapshot_items i where i.snapshot_id = s.id), t.tag \
         from snapshots s left join snapshot_tags t on t.snapshot_id = s.id where {condition} order by s.created_at, s.id",
        dialect.read_instant("s.created_at"),
        dialect.read_instant("s.updated_at")
    );
    let mut found: Vec<Snapshot> = Vec::new();
    for row in app.store.read(&sql, params).await? {
        let tag = row.text(8);
        let known = found.last_mut().filter(|last| last.id == row.text(0));
        let snapshot = if let Some(known) = known {
            known
        } else {
            found.push(snapshot(&row));
            found.last_mut().expect("one was just pushed")
        };
        if !tag.is_empty() {
            snapshot.tags.insert(tag);
        }
    }
    Ok(found)
}

fn snapshot(row: &Row) -> Snapshot {
    Snapshot {
        id: row.text(0),
        workspace_id: row.text(1),
        name: row.text(2),
        tags: BTreeSet::new(),
        protection_level: row.text(3),
        release_channel: row.text(4),
        created_at: row.text(5),
        updated_at: row.text(6),
        item_count: row.int(7),
    }
}

fn add_tag<'a>(id: &str, tag: &str) -> Statement<'a> {
    let insert =
        "insert into snapshot_tags (snapshot_id, tag) values ($1, $2) on conflict do nothing";
    (insert, vec![id.into(), tag.into()])
}

fn choice(body: &Map<String, Value>, field: &str, choices: &[&str]) -> Result<String, Problem> {
    let chosen = answer::text(body, field)?.filter(|value| choices.contains(value));
    chosen.map(ToOwned::to_owned).ok_or_else(|| {
        Problem::field(
            field,
            format!("{field} must be one of {}", choices.join(", ")),
        )
    })
}

fn items(body: &Map<String, Value>) -> Result<Vec<(String, String)>, Problem> {
    let wrong = || {
        Problem::field(
            "items",
            "items must be a list of {\"key\": text, \"value\": text}",
        )
    };
    match body.get("items") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list
            .iter()
            .map(|item| {
                let member = |name: &str| {
                    item.get(name)
                        .and_then(Value::as_str)
                        .map(ToOwned::to_owned)
                };
                member("key").zip(member("value")).ok_or_else(wrong)
            })
            .collect(),
        Some(_) => Err(wrong()),
    }
}
