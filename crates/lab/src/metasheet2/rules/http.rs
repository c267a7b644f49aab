//! The endpoints of protection rules.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
    routing::{get, post},
};
use serde_json::{Map, Value, json};

use super::{Conditions, Effect, Question, Rule, evaluate};
use crate::{
    answer::{self, Problem},
    metasheet2::{Fault, app::App, routes::CutShort},
    store::{Dialect, Row, StoreError, Value as Sql},
};

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/admin/protection-rules", get(list).post(create))
        .route("/api/admin/protection-rules/evaluate", post(dry_run))
        .route(
            "/api/admin/protection-rules/{id}",
            get(read).put(update).delete(remove),
        )
}

async fn list(
    State(app): State<Arc<App>>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = |key: &str| query.get(key).cloned().unwrap_or_default();
    let sql = format!(
        "{} where ($1 = '' or workspace_id = $1) and ($2 = '' or name = $2) order by created_at, name",
        select(app.store.dialect())
    );
    let rows = app
        .store
        .read(
            &sql,
            vec![wanted("workspace_id").into(), wanted("name").into()],
        )
        .await?;
    let rules: Vec<Value> = rows.iter().map(|row| rule(row).json()).collect();
    let mut members = json!({ "count": rules.len(), "rules": rules });
    if app.has(Fault::TokenLeaked) {
        let authorization = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        members["debug"] = json!({ "authorization": authorization });
    }
    Ok(answer::ok(members))
}

async fn create(State(app): State<Arc<App>>, body: Bytes) -> Result<Response, Problem> {
    let body = answer::object(&body)?;
    let name = answer::name(&body)?;
    let effect = effect(&body)?
        .ok_or_else(|| Problem::field("effect", format!("effect is needed: {}", Effect::NAMES)))?;
    let conditions = conditions(&body)?.unwrap_or_else(Conditions::of_delete);
    let priority = priority(&body)?.unwrap_or(100);
    let enabled = enabled(&body)?.unwrap_or(true);
    let workspace = workspace(&app, answer::text(&body, "workspace_id")?).await?;
    let id = app.store.fresh_id().await?;
    let insert = "insert into protection_rules (id, workspace_id, name, effect, conditions, priority, enabled) \
                  values ($1, $2, $3, $4, $5, $6, $7)";
    let params: Vec<Sql> = vec![
        id.as_str().into(),
        workspace.into(),
        name.as_str().into(),
        effect.name().into(),
        conditions.json().to_string().into(),
        priority.into(),
        enabled.into(),
    ];
    app.store
        .write(vec![(insert, params)])
        .await
        .map_err(|error| taken(error, &name))?;
    let rule = find(&app, &id).await?;
    Ok(answer::ok_with(
        StatusCode::CREATED,
        json!({ "rule": rule.json() }),
    ))
}

async fn read(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let rule = find(&app, &id).await?;
    let response = answer::ok(json!({ "rule": rule.json() }));
    if !app.has(Fault::TruncatedBody) {
        return Ok(response);
    }
    let whole = json!({ "ok": true, "rule": rule.json() }).to_string();
    let (mut parts, _) = response.into_parts();
    let announced = whole.len();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(announced));
    let half = Bytes::from(whole).slice(..announced / 2);
    Ok(Response::from_parts(
        parts,
        Body::new(CutShort::after(half)),
    ))
}

async fn update(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let body = answer::object(&body)?;
    let before = find(&app, &id).await?;
    let name = if body.contains_key("name") {
        answer::name(&body)?
    } else {
        before.name
    };
    let effect = effect(&body)?.unwrap_or(before.effect);
    let conditions = conditions(&body)?
        .or(before.conditions)
        .unwrap_or_else(Conditions::of_delete);
    let priority = priority(&body)?.unwrap_or(before.priority);
    let enabled = enabled(&body)?.unwrap_or(before.enabled);
    let sql = format!(
        "update protection_rules set name = $1, effect = $2, conditions = $3, priority = $4, enabled = $5, updated_at = {} where id = $6",
        app.store.dialect().now()
    );
    let params: Vec<Sql> = vec![
        name.as_str().into(),
        effect.name().into(),
        conditions.json().to_string().into(),
        priority.into(),
        enabled.into(),
        id.as_str().into(),
    ];
    app.store
        .write(vec![(&sql, params)])
        .await
        .map_err(|error| taken(error, &name))?;
    let status = if app.has(Fault::WrongStatusCode) {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    Ok(answer::ok_with(
        status,
        json!({ "rule": find(&app, &id).await?.json() }),
    ))
}

async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let gone = app
        .store
        .write(vec![(
            "delete from protection_rules where id = $1 returning id",
            vec![id.as_str().into()],
        )])
        .await?;
    if gone.iter().all(Vec::is_empty) {
        return Err(no_such_rule());
    }
    Ok(answer::ok(json!({ "deleted": true, "id": id })))
}

async fn dry_run(State(app): State<Arc<App>>, body: Bytes) -> Result<Response, Problem> {
    let body = answer::object(&body)?;
    let operation = answer::text(&body, "operation")?.filter(|operation| !operation.is_empty());
    let operation = operation.ok_or_else(|| Problem::field("operation", "operation is needed"))?;
    let empty = Map::new();
    let resource = match body.get("resource") {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(resource)) => resource,
        Some(_) => return Err(Problem::field("resource", "resource must be an object")),
    };
    let owned = |field: &str| answer::text(resource, field).map(|text| text.map(ToOwned::to_owned));
    let question = Question {
        operation: operation.to_owned(),
        resource_type: owned("type")?,
        tags: answer::texts(resource, "tags")?,
        protection_level: owned("protection_level")?,
        release_channel: owned("release_channel")?,
    };
    let rules = match answer::text(&body, "rule_id")? {
        Some(id) => vec![find(&app, id).await?],
        None => {
            rules_of(
                &app,
                &workspace(&app, answer::text(&body, "workspace_id")?).await?,
            )
            .await?
        }
    };
    let evaluation = evaluate(rules, &question, app.faults());
    app.evaluated(&evaluation, &question.operation, true).await;
    Ok(answer::ok(json!({ "evaluation": evaluation.json(true) })))
}

/// All rules of a workspace.
pub(crate) async fn rules_of(app: &App, workspace: &str) -> Result<Vec<Rule>, StoreError> {
    let sql = format!("{} where workspace_id = $1", select(app.store.dialect()));
    Ok(app
        .store
        .read(&sql, vec![workspace.into()])
        .await?
        .iter()
        .map(rule)
        .collect())
}

/// The workspace that is meant: the one named by its id, else `demo`.
pub(crate) async fn workspace(app: &App, id: Option<&str>) -> Result<String, Problem> {
    let (sql, param) = match id {
        Some(id) => ("select id from workspaces where id = $1", id),
        None => ("select id from workspaces where name = $1", "demo"),
    };
    let rows = app.store.read(sql, vec![param.into()]).await?;
    rows.first()
        .map(|row| row.text(0))
        .ok_or_else(|| Problem::field("workspace_id", "no such workspace"))
}

async fn find(app: &App, id: &str) -> Result<Rule, Problem> {
    let sql = format!("{} where id = $1", select(app.store.dialect()));
    app.store
        .read(&sql, vec![id.into()])
        .await?
        .first()
        .map(rule)
        .ok_or_else(no_such_rule)
}

fn no_such_rule() -> Problem {
    Problem::not_found("no such rule")
}

fn select(dialect: Dialect) -> String {
    format!(
        "select id, workspace_id, name, effect, conditions, priority, enabled, {}, {} from protection_rules",
        dialect.read_instant("created_at"),
        dialect.read_instant("updated_at")
    )
}

fn rule(row: &Row) -> Rule {
    Rule {
        id: row.text(0),
        workspace_id: row.text(1),
        name: row.text(2),
        // The CHECK on the column lets nothing else in; the strictest reading is the safe one.
        effect: Effect::parse(&row.text(3)).unwrap_or(Effect::Block),
        conditions: Conditions::stored(&row.text(4)),
        priority: row.int(5),
        enabled: row.bool(6),
        created_at: row.text(7),
        updated_at: row.text(8),
    }
}

fn taken(error: StoreError, name: &str) -> Problem {
    match error {
        StoreError::Unique => {
            let message = format!("a rule named {name:?} is already in this workspace");
            Problem::new(StatusCode::CONFLICT, "CONFLICT", message).with("field", json!("name"))
        }
        other @ StoreError::Other(_) => other.into(),
    }
}

fn effect(body: &Map<String, Value>) -> Result<Option<Effect>, Problem> {
    let wrong = || Problem::field("effect", format!("effect must be one of {}", Effect::NAMES));
    answer::text(body, "effect")?
        .map(|name| Effect::parse(name).ok_or_else(wrong))
        .transpose()
}

fn conditions(body: &Map<String, Value>) -> Result<Option<Conditions>, Problem> {
    body.get("conditions")
        .filter(|value| !value.is_null())
        .map(Conditions::parse)
        .transpose()
}

fn priority(body: &Map<String, Value>) -> Result<Option<i64>, Problem> {
    let given = body.get("priority").filter(|value| !value.is_null());
    given
        .map(|value| {
            value
                .as_i64()
                .ok_or_else(|| Problem::field("priority", "priority must be an integer"))
        })
        .transpose()
}

fn enabled(body: &Map<String, Value>) -> Result<Option<bool>, Problem> {
    let given = body.get("enabled").filter(|value| !value.is_null());
    given
        .map(|value| {
            value
                .as_bool()
                .ok_or_else(|| Problem::field("enabled", "enabled must be true or false"))
        })
        .transpose()
}
