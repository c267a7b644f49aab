//! A session that only reads, on each kind of database.

use gonogo_core::Value;
use gonogo_core::record::Cause;
use serde_json::json;

use crate::bench::{Bench, postgres_server};
use crate::database::{Database, Kind};
use crate::probe::Call;

fn call<'a>(bench: &'a Bench, statistics: &'a gonogo_core::plan::StatisticsOptions) -> Call<'a> {
    Call {
        options: json!({}),
        target: Some(&bench.target),
        limits: &[],
        statistics,
        earlier_samplings: None,
        reads: false,
        scope: &bench.scope,
        ctx: &bench.ctx,
    }
}

async fn reads_and_does_not_write(bench: &Bench, kind: Kind) {
    let statistics = gonogo_core::plan::StatisticsOptions::default();
    let mut database = Database::open(&call(bench, &statistics), "a test")
        .await
        .unwrap();
    assert_eq!(database.kind(), kind);
    let values = [json!("two"), json!("one")];
    let rows = database
        .rows("select $2 as a, $1 as b", &values)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["a"], Value::from("one"));
    assert_eq!(rows[0]["b"], Value::from("two"));
    assert!(database.place().engine.contains("SQL"));
    let written = database
        .rows("create table reading_written (a int)", &[])
        .await;
    assert!(written.is_err());
    database.close().await;
}

#[tokio::test]
async fn a_look_at_postgresql_reads_and_cannot_write() {
    let server = postgres_server();
    reads_and_does_not_write(&Bench::postgres(&server.url()), Kind::Postgres).await;
}

#[tokio::test]
async fn a_look_at_sqlite_reads_and_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("create table t (a int)")
        .unwrap();
    reads_and_does_not_write(&Bench::sqlite(&path), Kind::Sqlite).await;
}

#[tokio::test]
async fn a_database_that_is_not_there_is_not_observed() {
    let server = postgres_server();
    let url = server
        .url()
        .replace("/postgres?", "/?")
        .replace("/postgres", "/nowhere");
    let bench = Bench::postgres(&url);
    let statistics = gonogo_core::plan::StatisticsOptions::default();
    let refused = Database::open(&call(&bench, &statistics), "a test").await;
    assert_eq!(refused.err().map(|e| e.cause), Some(Cause::Missing));
}
