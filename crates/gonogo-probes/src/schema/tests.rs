//! The probe against real databases: SQLite in a file, PostgreSQL started from the machine's packages.

mod large;
mod lint;
mod matrix;
mod mysql;
mod postgres;
mod sqlite;

use gonogo_core::Value;
use gonogo_core::record::Cause;
use gonogo_core::schema_model::{Model, SchemaSnapshot, diff, diff_text};
use serde_json::json;

use super::*;
use crate::bench::{Bench, postgres_server as server};

/// What the tests of this probe ask of a target.
impl Bench {
    async fn schema(&self, options: Json) -> Seen {
        self.observe(&Schema, options).await.unwrap()
    }
}

/// The model that a look kept.
fn model(seen: &Seen) -> Model {
    let blob = seen.blobs.iter().find(|b| b.role == MODEL_BLOB).unwrap();
    serde_json::from_slice(&blob.bytes).unwrap()
}

/// A fact under a path of keys.
fn fact<'a>(seen: &'a Seen, path: &[&str]) -> &'a Value {
    let (first, rest) = path.split_first().unwrap();
    let mut at = seen
        .facts
        .get(*first)
        .unwrap_or_else(|| panic!("no {first}"));
    for key in rest {
        at = match at {
            Value::List(items) => items
                .iter()
                .find(|item| item.get("name").and_then(Value::as_str) == Some(*key))
                .unwrap_or_else(|| panic!("no {key} in {items:?}")),
            other => other
                .get(key)
                .unwrap_or_else(|| panic!("no {key} in {other:?}")),
        };
    }
    at
}

fn text(seen: &Seen, path: &[&str]) -> String {
    match fact(seen, path) {
        Value::String(text) => text.clone(),
        other => panic!("{path:?} is {other:?}"),
    }
}

/// A database of its own on the tests' server, made by these statements.
async fn database(
    name: &str,
    statements: &str,
) -> (String, std::sync::Arc<crate::testing::PostgresServer>) {
    let server = server();
    make(&server.url(), &format!("create database {name}")).await;
    let url = server.url_as(crate::testing::USER, crate::testing::PASSWORD_IN_URL, name);
    make(&url, statements).await;
    (url, server)
}

/// Makes statements that stay.
async fn make(url: &str, statements: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let driven = tokio::spawn(connection);
    client.batch_execute(statements).await.unwrap();
    drop(client);
    driven.await.unwrap().unwrap();
}

/// A snapshot of a model, as a file of the plan.
fn snapshot(seen: &Seen, schemas: &[&str]) -> gonogo_core::plan::PlanFile {
    let snapshot = SchemaSnapshot::new(
        chrono::DateTime::UNIX_EPOCH,
        seen.target.as_ref().unwrap().engine.clone().unwrap(),
        "test".to_owned(),
        schemas.iter().map(|s| (*s).to_owned()).collect(),
        model(seen),
    );
    gonogo_core::plan::PlanFile {
        path: "schema.json".to_owned(),
        bytes: snapshot.to_text().into_bytes(),
    }
}

/// Every fact has the type that the shape promises, down to the last field.
fn assert_in_shape(seen: &Seen, options: &Json) {
    let shape = Schema.shape(options);
    for (name, value) in &seen.facts {
        let field = shape.fields.iter().find(|(n, _)| n == name);
        let (_, field) = field.unwrap_or_else(|| panic!("`{name}` is not in the shape"));
        assert_fits(value, &field.ty, name);
    }
    for (name, _) in &shape.fields {
        let there = seen.facts.contains_key(name) || seen.cut.iter().any(|c| c.fact == *name);
        assert!(there, "`{name}` is in the shape and was not seen");
    }
}

fn assert_fits(value: &Value, ty: &gonogo_core::shape::Type, at: &str) {
    use gonogo_core::shape::Type;
    match (value, ty) {
        (_, Type::Dyn) => {}
        (Value::List(items), Type::List(of)) => {
            for item in items {
                assert_fits(item, of, at);
            }
        }
        (Value::Map(map), Type::Map(of)) => {
            for (key, item) in map {
                assert_fits(item, of, &format!("{at}.{key}"));
            }
        }
        (Value::Map(map), Type::Struct(fields)) => {
            let names: Vec<&String> = fields.keys().collect();
            assert_eq!(map.keys().collect::<Vec<_>>(), names, "{at}");
            for (key, item) in map {
                assert_fits(item, &fields[key].ty, &format!("{at}.{key}"));
            }
        }
        (value, ty) => assert_eq!(Type::of(value), *ty, "{at}"),
    }
}
