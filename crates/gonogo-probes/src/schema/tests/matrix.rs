//! What cannot be observed is not observed: no fault gives facts that an expectation could be true of.

use super::*;

async fn refused(bench: &Bench, options: Json) -> NotObserved {
    bench.observe(&Schema, options).await.unwrap_err()
}

#[tokio::test]
async fn each_fault_on_postgresql_is_told_with_its_cause() {
    let (url, _server) = database(
        "schema_faults",
        "create table t (a int, b text); create table u (a int);
         create role looker login password 'x'; grant select on u to looker;
         create table schema_version (version int);
         create table guarded (a int); alter table guarded enable row level security; grant select on guarded to looker;",
    )
    .await;
    let bench = Bench::postgres(&url);
    let with = |more: Json| {
        let mut options = json!({"schema": ["public"]});
        options
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        options
    };
    let no = refused(&bench, json!({"schema": ["nowhere"]})).await;
    assert_eq!(no.cause, Cause::Missing);
    assert_eq!(no.message, "there is no schema `nowhere` in this database");
    assert_eq!(no.help.as_deref(), Some("there are: public"));
    let no = refused(&bench, with(json!({"relations": ["t.a -> x.a"]}))).await;
    assert_eq!(
        (no.cause, no.message.contains("there is no table `x`")),
        (Cause::Missing, true)
    );
    let no = refused(&bench, with(json!({"relations": ["t.z -> u.a"]}))).await;
    assert_eq!(
        (no.cause, no.message.contains("no column `z`")),
        (Cause::Missing, true)
    );
    let no = refused(
        &bench,
        with(json!({"duplicates": [{"table": "t", "columns": ["z"]}]})),
    )
    .await;
    assert_eq!(no.cause, Cause::Missing);
    for condition in ["1) or (1=1", "a = 1; drop table t", "a = 1 --", "a ="] {
        let entry = json!({"duplicates": [{"table": "t", "columns": ["a"], "where": condition}]});
        let no = refused(&bench, with(entry)).await;
        assert!(
            matches!(no.cause, Cause::BadOptions | Cause::Denied),
            "{condition}: {no:?}"
        );
    }
    let writes = "(select pg_catalog.setval('s', 1)) > 0";
    make(&url, "create sequence s").await;
    let entry = json!({"duplicates": [{"table": "t", "columns": ["a"], "where": writes}]});
    make(&url, "insert into t values (1)").await;
    let no = refused(&bench, with(entry)).await;
    assert!(no.message.contains("read-only"), "{no:?}");
    let no = refused(&bench, with(json!({"expected": "absent.json"}))).await;
    assert_eq!(no.cause, Cause::Missing);
    // A role that may not read the rows still sees the schema, and is told what it does not see.
    let looker = url.replace(
        &format!(
            "{}:{}",
            crate::testing::USER,
            crate::testing::PASSWORD_IN_URL
        ),
        "looker:x",
    );
    let looker = Bench::postgres(&looker);
    let seen = looker.schema(json!({"schema": ["public"]})).await;
    assert!(seen.facts["tables"].get("t").is_some());
    assert_eq!(
        seen.cut.iter().map(|c| c.fact.as_str()).collect::<Vec<_>>(),
        ["migrations"]
    );
    let no = refused(&looker, with(json!({"relations": ["t.a -> u.a"]}))).await;
    assert_eq!(no.cause, Cause::Denied);
    assert_eq!(no.message, "the role may not read the rows of `t`");
    let no = refused(&looker, with(json!({"relations": ["guarded.a -> u.a"]}))).await;
    assert_eq!(no.cause, Cause::Denied);
    assert!(no.message.contains("row-level security"), "{no:?}");
}

#[tokio::test]
async fn a_lock_held_by_somebody_else_ends_in_time_and_says_so() {
    let (url, _server) = database(
        "schema_lock",
        "create table t (a int); create table u (a int)",
    )
    .await;
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let driven = tokio::spawn(connection);
    client
        .batch_execute("begin; lock table t in access exclusive mode")
        .await
        .unwrap();
    let bench = Bench::postgres(&url).within(std::time::Duration::from_secs(2));
    let no = refused(
        &bench,
        json!({"schema": ["public"], "relations": ["t.a -> u.a"]}),
    )
    .await;
    assert_eq!(no.cause, Cause::Timeout, "{no:?}");
    drop(client);
    driven.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_empty_schema_is_an_absence_and_never_silently_right() {
    let (url, _server) = database("schema_empty", "create schema bare").await;
    let seen = Bench::postgres(&url)
        .schema(json!({"schema": ["bare"]}))
        .await;
    let absent: Vec<&str> = seen.absent.iter().map(|a| a.fact.as_str()).collect();
    assert_eq!(absent, ["tables", "table_names"]);
}

#[tokio::test]
async fn a_snapshot_of_another_product_or_namespace_is_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("create table t (a int)")
        .unwrap();
    let lite = Bench::sqlite(&path);
    let of_sqlite = snapshot(&lite.schema(json!({"schema": ["main"]})).await, &["main"]);
    let (url, _server) = database("schema_product", "create table t (a int)").await;
    let bench = Bench::postgres(&url).with_files(vec![of_sqlite.clone()]);
    let no = refused(
        &bench,
        json!({"schema": ["public"], "expected": "schema.json"}),
    )
    .await;
    assert_eq!(no.cause, Cause::BadOptions);
    assert!(no.message.contains("the snapshot is of SQLite"), "{no:?}");
    let wrong = Schema.lint_file("expected", &json!({"schema": ["a", "b"]}), &of_sqlite.bytes);
    assert_eq!(
        wrong[0].message,
        "the snapshot covers main, and the check looks at a, b"
    );
    let lite = lite.with_files(vec![of_sqlite]);
    let no = refused(
        &lite,
        json!({"schema": ["other"], "expected": "schema.json"}),
    )
    .await;
    assert_eq!(
        (no.cause, no.help.as_deref()),
        (Cause::Missing, Some("there are: main"))
    );
}
