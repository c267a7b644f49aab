//! The routes that change something: tasks, and diagnostic sessions.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    Fault,
    answers::{Refused, created, list, object, ok, one_of, text},
    routes::{issue, run_of},
    state::{CAUSES, Delegated, Item, STATES, Session, Sidecar},
};

/// So many tasks and sessions are kept at most; the oldest that is not of the start goes first.
const KEPT: usize = 1_000;

type Answer = Result<Response, Refused>;

pub(super) fn routes() -> Router<Arc<Sidecar>> {
    Router::new()
        .route("/api/v1/delegate", post(delegate))
        .route("/api/v1/tasks", get(tasks))
        .route("/api/v1/tasks/{task_id}", get(task).patch(move_on))
        .route("/api/v1/explain/{issue_id}/why", post(why))
        .route("/api/v1/diagnostic/start", post(start))
        .route("/api/v1/diagnostic/{session_id}/question", get(question))
        .route(
            "/api/v1/diagnostic/{session_id}/answer",
            post(answer_question),
        )
        .route("/api/v1/diagnostic/{session_id}/summary", get(summary))
        .route("/api/v1/diagnostic/{session_id}/report", get(report))
}

fn shown(id: &str, task: &Delegated) -> Value {
    json!({ "task_id": id, "issue_id": task.issue, "assignee": task.assignee, "status": task.state })
}

async fn delegate(State(sidecar): State<Arc<Sidecar>>, body: Bytes) -> Answer {
    let body = object(&body)?;
    let named = text(&body, "issue_id");
    if named.is_err() && sidecar.has(Fault::FieldNotNamed) {
        return Err(Refused::Mute);
    }
    let id = named?;
    let assignee = match body.get("assignee") {
        None => "unassigned".to_owned(),
        Some(_) => text(&body, "assignee")?,
    };
    issue(&sidecar, &id).await?;
    let task = Delegated {
        issue: id,
        assignee,
        state: STATES[0].to_owned(),
    };
    let mut state = sidecar.state();
    let number = next(state.tasks.keys());
    let id = format!("TASK-{number:04}");
    state.tasks.insert(id.clone(), task.clone());
    if state.tasks.len() > KEPT {
        let oldest = state.tasks.keys().nth(1).cloned();
        oldest.and_then(|oldest| state.tasks.remove(&oldest));
    }
    Ok(created(&shown(&id, &task)))
}

/// The number after the highest that an id ends with.
fn next<'a>(ids: impl Iterator<Item = &'a String>) -> usize {
    let numbers = ids.filter_map(|id| id.rsplit('-').next()?.parse::<usize>().ok());
    numbers.max().unwrap_or_default() + 1
}

async fn tasks(State(sidecar): State<Arc<Sidecar>>) -> Response {
    let state = sidecar.state();
    let list: Vec<Value> = state.tasks.iter().map(|(id, t)| shown(id, t)).collect();
    let count = if sidecar.has(Fault::AnswerAgainstSchema) {
        json!(list.len().to_string())
    } else {
        json!(list.len())
    };
    ok(&json!({ "tasks": list, "count": count }))
}

async fn task(State(sidecar): State<Arc<Sidecar>>, Path(id): Path<String>) -> Answer {
    let state = sidecar.state();
    let task = state.tasks.get(&id);
    let task = task.ok_or_else(|| Refused::unknown("Task", &id))?;
    Ok(ok(&shown(&id, task)))
}

async fn move_on(
    State(sidecar): State<Arc<Sidecar>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let to = one_of(&object(&body)?, "status", &STATES)?;
    let mut state = sidecar.state();
    let task = state.tasks.get_mut(&id);
    let task = task.ok_or_else(|| Refused::unknown("Task", &id))?;
    let mut moved = task.clone();
    moved.state = to;
    if !sidecar.has(Fault::MoveNotKept) {
        *task = moved.clone();
    }
    Ok(ok(&shown(&id, &moved)))
}

async fn why(State(sidecar): State<Arc<Sidecar>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let question = text(&object(&body)?, "question")?;
    let issue = issue(&sidecar, &id).await?;
    let first = issue.number % CAUSES.len();
    let causes = [CAUSES[first], CAUSES[(first + 1) % CAUSES.len()]];
    Ok(ok(
        &json!({ "issue_id": id, "question": question, "causes": causes }),
    ))
}

async fn start(State(sidecar): State<Arc<Sidecar>>, body: Bytes) -> Answer {
    let body = object(&body)?;
    let items = match list(&body, "items") {
        Err(_) if body.is_empty() && sidecar.has(Fault::EmptyBodyAccepted) => Vec::new(),
        items => items?.iter().map(item).collect::<Result<_, _>>()?,
    };
    let session = Session { items };
    let mut state = sidecar.state();
    let id = format!("S-{:04}", next(state.sessions.keys()));
    let said = json!({
        "session_id": id,
        "items": session.items.len(),
        "open_questions": session.open(),
    });
    state.sessions.insert(id, session);
    if state.sessions.len() > KEPT {
        let oldest = state.sessions.keys().nth(1).cloned();
        oldest.and_then(|oldest| state.sessions.remove(&oldest));
    }
    Ok(created(&said))
}

fn item(value: &Value) -> Result<Item, Refused> {
    let wrong = |field: &str, message: &str| {
        Refused::Invalid(vec![json!({
            "type": "missing", "loc": ["body", "items", field], "msg": message, "input": value,
        })])
    };
    let sku = value["sku"].as_str();
    let difference = value["difference"].as_i64();
    Ok(Item {
        sku: sku
            .ok_or_else(|| wrong("sku", "Field required"))?
            .to_owned(),
        difference: difference.ok_or_else(|| wrong("difference", "Field required"))?,
        cause: None,
    })
}

fn session(sidecar: &Sidecar, id: &str) -> Result<Session, Refused> {
    let found = sidecar.state().sessions.get(id).cloned();
    found.ok_or_else(|| Refused::unknown("Session", id))
}

async fn question(State(sidecar): State<Arc<Sidecar>>, Path(id): Path<String>) -> Answer {
    let session = session(&sidecar, &id)?;
    let next = session.next();
    Ok(ok(&json!({
        "session_id": id,
        "sku": next.map(|item| &item.sku),
        "question": next.map(|item| format!("What explains the difference of {} pieces of {}?", item.difference, item.sku)),
        "answered": session.answered(),
        "open": session.open(),
    })))
}

async fn answer_question(
    State(sidecar): State<Arc<Sidecar>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let cause = one_of(&object(&body)?, "answer", &CAUSES)?;
    let mut state = sidecar.state();
    let session = state.sessions.get_mut(&id);
    let session = session.ok_or_else(|| Refused::unknown("Session", &id))?;
    let mut answered = session.clone();
    if let Some(item) = answered.items.iter_mut().find(|item| item.cause.is_none()) {
        item.cause = Some(cause);
    }
    if !sidecar.has(Fault::AnswerLost) {
        *session = answered.clone();
    }
    Ok(ok(&summary_of(&id, &answered)))
}

fn summary_of(id: &str, session: &Session) -> Value {
    json!({
        "session_id": id,
        "answered": session.answered(),
        "open": session.open(),
        "causes": session.causes(),
    })
}

async fn summary(State(sidecar): State<Arc<Sidecar>>, Path(id): Path<String>) -> Answer {
    Ok(ok(&summary_of(&id, &session(&sidecar, &id)?)))
}

async fn report(State(sidecar): State<Arc<Sidecar>>, Path(id): Path<String>) -> Answer {
    let session = session(&sidecar, &id)?;
    let (found, cold) = sidecar.run(false).await;
    let lines: Vec<Value> = session
        .items
        .iter()
        .map(|item| json!({ "sku": item.sku, "difference": item.difference, "cause": item.cause }))
        .collect();
    let causes = session.causes();
    let most = causes.iter().max_by_key(|(_, count)| **count);
    Ok(ok(&json!({
        "session_id": id,
        "complete": session.open() == 0,
        "lines": lines,
        "most_likely": most.map(|(cause, _)| cause),
        "pipeline": run_of(&found, cold),
    })))
}
