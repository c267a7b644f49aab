//! The probe against real databases, filled by the tests.

mod mysql;

use std::time::Duration;

use gonogo_core::Value;
use gonogo_core::capacity::Snapshot;
use gonogo_core::plan::PlanFile;
use gonogo_core::record::Cause;
use serde_json::json;

use super::*;
use crate::bench::{Bench, postgres_server};
use crate::sql::Sql;
use crate::testing::{PASSWORD_IN_URL, PostgresServer, USER, free_port};

/// A database of its own on the shared server, and who asks it.
async fn database(server: &PostgresServer, name: &str) -> Bench {
    write(
        &Bench::postgres(&server.url()),
        &[&format!("create database {name}")],
    )
    .await;
    Bench::postgres(&server.url_as(USER, PASSWORD_IN_URL, name))
}

async fn write(bench: &Bench, statements: &[&str]) {
    for sql in statements {
        let done = bench.observe(&Sql, json!({"sql": sql, "writes": true}));
        let done = done.await.unwrap();
        assert!(!done.facts.contains_key("error"), "{sql}: {:?}", done.facts);
    }
}

async fn value(bench: &Bench, sql: &str) -> Value {
    let seen = bench.observe(&Sql, json!({"sql": sql})).await.unwrap();
    seen.facts["rows"].as_list().unwrap()[0]
        .as_map()
        .unwrap()
        .values()
        .next()
        .unwrap()
        .clone()
}

async fn look(bench: &Bench) -> Seen {
    let looked = bench.observe(&Capacity, json!({"capacity": "database"}));
    looked.await.unwrap()
}

async fn refused(bench: &Bench, options: Json) -> NotObserved {
    bench.observe(&Capacity, options).await.unwrap_err()
}

fn named<'a>(seen: &'a Seen, list: &str, name: &str) -> &'a Value {
    let items = seen.facts[list].as_list().unwrap();
    let found = items
        .iter()
        .find(|item| item.get("name").and_then(Value::as_str) == Some(name));
    found.unwrap_or_else(|| panic!("no {name} in {items:?}"))
}

fn snapshot(seen: &Seen) -> Snapshot {
    let blob = seen.blobs.iter().find(|b| b.role == SNAPSHOT_ROLE).unwrap();
    Snapshot::read(&blob.bytes).unwrap()
}

/// The same with a file of the plan's.
fn with_baseline(mut bench: Bench, text: &str) -> Bench {
    let file = PlanFile {
        path: "baseline.json".to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    bench.ctx = bench.ctx.clone().with_files(vec![file]);
    bench
}

fn since() -> Json {
    json!({"capacity": "database", "baseline": "baseline.json"})
}

#[tokio::test]
async fn sizes_are_those_that_postgresql_gives_itself() {
    let server = postgres_server();
    let db = database(&server, "capacity_sizes").await;
    write(
        &db,
        &[
            "create schema shop",
            "create table shop.orders (id bigint primary key, note text)",
            "alter table shop.orders alter note set storage external",
            "insert into shop.orders select i, repeat(md5(i::text), 200) from generate_series(1, 300) i",
            "create index by_note on shop.orders (left(note, 8))",
            "create materialized view shop.totals as select count(*) as n from shop.orders",
        ],
    )
    .await;
    let seen = look(&db).await;
    let orders = named(&seen, "tables", "shop.orders");
    let total = value(&db, "select pg_total_relation_size('shop.orders')").await;
    assert_eq!(orders.get("bytes"), Some(&total));
    let part = |key: &str| orders.get(key).unwrap().as_int().unwrap();
    assert!(part("toast_bytes") > 300 * 6000, "{orders}");
    assert!(part("table_bytes") > 0 && part("index_bytes") > 0);
    assert_eq!(
        part("table_bytes") + part("index_bytes") + part("toast_bytes"),
        part("bytes")
    );
    let index = named(&seen, "indexes", "shop.by_note");
    let size = value(&db, "select pg_relation_size('shop.by_note')").await;
    assert_eq!(index.get("bytes"), Some(&size));
    assert_eq!(index.get("table"), Some(&Value::from("shop.orders")));
    assert_eq!(index.get("scans"), Some(&Value::Int(0)));
    named(&seen, "tables", "shop.totals");
    let whole = value(&db, "select pg_database_size(current_database())").await;
    assert_eq!(seen.facts["database"].get("bytes"), Some(&whole));
    assert_eq!(
        seen.facts["database"].get("name").unwrap(),
        &Value::from("capacity_sizes")
    );
    assert_eq!(seen.facts["tables"].as_list().unwrap().len(), 2);
    assert!(
        seen.target
            .unwrap()
            .engine
            .unwrap()
            .starts_with("PostgreSQL ")
    );
}

#[tokio::test]
async fn a_table_that_was_never_analysed_has_no_estimate_and_counts_are_exact() {
    let server = postgres_server();
    let db = database(&server, "capacity_rows").await;
    write(
        &db,
        &[
            "create table \"Odd.\"\"name\" (a int) with (autovacuum_enabled = off)",
            "insert into \"Odd.\"\"name\" select generate_series(1, 1000)",
            "create table parent (a int)",
            "create table child () inherits (parent)",
            "insert into child values (1), (2)",
            "create materialized view unread as select 1 as a with no data",
        ],
    )
    .await;
    let seen = look(&db).await;
    let odd = named(&seen, "tables", "public.\"Odd.\"\"name\"");
    assert_eq!(odd.get("rows_estimate"), Some(&Value::Null));
    assert_eq!(odd.get("rows"), Some(&Value::Null));
    write(&db, &["analyze"]).await;
    let counted = json!({"capacity": "database", "count": true});
    let seen = db.observe(&Capacity, counted).await.unwrap();
    let odd = named(&seen, "tables", "public.\"Odd.\"\"name\"");
    assert_eq!(odd.get("rows_estimate"), Some(&Value::Int(1000)));
    assert_eq!(odd.get("rows"), Some(&Value::Int(1000)));
    let rows = |name: &str| named(&seen, "tables", name).get("rows").unwrap().clone();
    assert_eq!(rows("public.parent"), Value::Int(0));
    assert_eq!(rows("public.child"), Value::Int(2));
    assert_eq!(rows("public.unread"), Value::Null);
}

#[tokio::test]
async fn the_number_of_questions_does_not_grow_with_the_tables() {
    let server = PostgresServer::start_with(&["log_statement = 'all'"]);
    let db = Bench::postgres(&server.url());
    let log = "select pg_read_file(current_setting('unix_socket_directories') || '/log')";
    let mut asked = Vec::new();
    for more in [1, 60] {
        let make = format!(
            "do $$ begin for i in 1..{more} loop \
             execute format('create table t_{more}_%s (id int primary key, b text)', i); end loop; end $$"
        );
        write(&db, &[&make]).await;
        let before = executed(&value(&db, log).await);
        look(&db).await;
        asked.push(executed(&value(&db, log).await) - before);
    }
    // The question for the log itself is one of them.
    assert_eq!(asked, [5, 5]);
}

fn executed(log: &Value) -> usize {
    let log = log.as_str().unwrap();
    log.lines().filter(|line| line.contains("execute ")).count()
}

#[tokio::test]
async fn connections_count_those_in_use_and_leave_out_the_reserved() {
    let server = PostgresServer::start();
    let db = Bench::postgres(&server.url());
    let seen = look(&db).await;
    let connections = &seen.facts["connections"];
    let all = json!({"used": 1, "allowed": 17, "reserved": 3, "share": 1.0 / 17.0});
    assert_eq!(connections.to_json(), all, "gonogo's own is the only one");
    let ratio = &seen.facts["cache_hit_ratio"];
    assert!(
        matches!(ratio, Value::Double(r) if (0.0..=1.0).contains(r)),
        "{ratio}"
    );
}

#[tokio::test]
async fn a_role_without_rights_sees_sizes_and_is_refused_counts() {
    let server = postgres_server();
    let db = database(&server, "capacity_rights").await;
    write(
        &db,
        &[
            "create table t (a int)",
            "create role looker login password 'simple'",
        ],
    )
    .await;
    let looker = Bench::postgres(&server.url_as("looker", "simple", "capacity_rights"));
    let seen = look(&looker).await;
    named(&seen, "tables", "public.t");
    let used = seen.facts["connections"].get("used").unwrap().as_int();
    assert!(used >= Some(1), "{used:?}");
    let counting = refused(&looker, json!({"capacity": "database", "count": true})).await;
    assert_eq!(counting.cause, Cause::Denied);
    assert!(
        counting.message.contains("permission denied"),
        "{counting:?}"
    );
}

#[tokio::test]
async fn growth_within_the_hour_is_shown_and_not_judged() {
    let server = postgres_server();
    let db = database(&server, "capacity_soon").await;
    write(&db, &["create table t (a int)"]).await;
    let then = snapshot(&look(&db).await).text();
    let db = with_baseline(db, &then);
    write(&db, &["insert into t select generate_series(1, 100000)"]).await;
    let seen = db.observe(&Capacity, since()).await.unwrap();
    let t = named(&seen, "growth", "public.t");
    assert_eq!(t.get("from"), Some(&Value::Int(0)));
    assert!(t.get("bytes").unwrap().as_int() > Some(3_000_000));
    assert_eq!(t.get("per_day"), Some(&Value::Null));
    let levels = &seen.facts["levels"];
    assert_eq!(levels.get("level"), Some(&Value::from("NOT JUDGED")));
    assert_eq!(levels.get("growth"), None);
    assert_eq!(seen.absent.len(), 1);
    assert_eq!(seen.absent[0].fact, "levels.growth");
}

#[tokio::test]
async fn growth_since_yesterday_is_held_against_the_thresholds() {
    let server = postgres_server();
    let db = database(&server, "capacity_yesterday").await;
    write(
        &db,
        &[
            "create table t (a int primary key)",
            "insert into t select generate_series(1, 100000)",
        ],
    )
    .await;
    let mut then = snapshot(&look(&db).await);
    then.taken_at -= chrono::TimeDelta::days(1);
    let db = with_baseline(db, &then.text());
    let since = |more: Json| {
        let mut options = since();
        if !more.is_null() {
            options["thresholds"] = more;
        }
        options
    };
    let seen = db.observe(&Capacity, since(Json::Null)).await.unwrap();
    let level = |seen: &Seen| seen.facts["levels"].get("level").unwrap().clone();
    assert_eq!(level(&seen), Value::from("GREEN"));
    assert!(seen.absent.is_empty());
    write(
        &db,
        &["insert into t select generate_series(100001, 200000)"],
    )
    .await;
    let seen = db.observe(&Capacity, since(Json::Null)).await.unwrap();
    assert_eq!(level(&seen), Value::from("RED"));
    let red = seen.facts["levels"].get("red").unwrap().to_string();
    assert!(red.contains("index public.t_pkey grows by +"), "{red}");
    let wide = json!({"growth_per_day_yellow": "1000%", "index_growth_per_week_red": "1000%"});
    let seen = db.observe(&Capacity, since(wide)).await.unwrap();
    assert_eq!(level(&seen), Value::from("GREEN"));
    let small = json!({"table_yellow": "1MB", "table_red": "1 GB", "growth_per_day_yellow": "1000%", "index_growth_per_week_red": "1000%"});
    let seen = db.observe(&Capacity, since(small)).await.unwrap();
    assert_eq!(level(&seen), Value::from("YELLOW"));
}

#[tokio::test]
async fn a_baseline_that_is_none_is_refused_before_the_database_is_asked() {
    let url = format!("postgres://u@127.0.0.1:{}/d", free_port());
    for (text, words) in [
        ("", "line 1"),
        ("{}", "no snapshot"),
        (
            "{\"gonogo_snapshot\": 1, \"kind\": \"schema\"}",
            "kind `schema`",
        ),
    ] {
        assert!(
            Capacity
                .lint_file("baseline", &since(), text.as_bytes())
                .iter()
                .any(|p| !p.warning)
        );
        let failed = refused(&with_baseline(Bench::postgres(&url), text), since()).await;
        assert_eq!(failed.cause, Cause::BadOptions, "{failed:?}");
        assert!(failed.message.contains(words), "{failed:?}");
    }
    let none = refused(&Bench::postgres(&url), since()).await;
    assert_eq!(none.cause, Cause::Missing);
}

#[tokio::test]
async fn a_baseline_of_another_database_is_not_compared() {
    let server = postgres_server();
    let db = database(&server, "capacity_other").await;
    let mut then = snapshot(&look(&db).await);
    then.database = "another".to_owned();
    let failed = refused(&with_baseline(db, &then.text()), since()).await;
    assert_eq!(failed.cause, Cause::BadOptions);
    assert!(failed.message.contains("`another`"), "{failed:?}");
}

#[tokio::test]
async fn a_database_without_tables_is_nothing_to_look_at() {
    let server = postgres_server();
    let db = database(&server, "capacity_empty").await;
    let seen = look(&db).await;
    assert_eq!(seen.absent[0].fact, "tables");
    assert_eq!(seen.facts["tables"], Value::List(Vec::new()));
}

#[tokio::test]
async fn a_lock_that_is_held_ends_in_a_timeout_that_says_so() {
    let server = postgres_server();
    let db = database(&server, "capacity_locked").await;
    write(&db, &["create table t (a int)"]).await;
    let holder =
        Bench::postgres(&server.url_as(USER, PASSWORD_IN_URL, "capacity_locked")).rolled_back();
    let lock = json!({"sql": "alter table t add b int"});
    holder.observe(&Sql, lock).await.unwrap();
    let waits = db.within(Duration::from_secs(2));
    let failed = refused(&waits, json!({"capacity": "database"})).await;
    assert_eq!(failed.cause, Cause::Timeout);
    assert_eq!(
        Sql.end_gate(&holder.scope).await.map(|end| end.confirmed),
        Some(true)
    );
}

#[tokio::test]
async fn a_database_that_cannot_be_asked_is_never_observed() {
    let server = postgres_server();
    let gone = format!("postgres://u@127.0.0.1:{}/d", free_port());
    for (url, cause) in [
        (gone, Cause::Refused),
        (server.url_as(USER, "hunter2", "postgres"), Cause::Denied),
        (
            server.url_as(USER, PASSWORD_IN_URL, "nowhere"),
            Cause::Missing,
        ),
    ] {
        let failed = refused(&Bench::postgres(&url), json!({"capacity": "database"})).await;
        assert_eq!(failed.cause, cause, "{failed:?}");
        assert!(!format!("{failed:?}").contains("hunter2"));
    }
    let folder = tempfile::tempdir().unwrap();
    let none = Bench::sqlite(&folder.path().join("none.db"));
    let failed = refused(&none, json!({"capacity": "database"})).await;
    assert_eq!(failed.cause, Cause::Missing);
    let odd = Bench::sqlite(folder.path());
    let failed = refused(&odd, json!({"capacity": "database"})).await;
    assert_eq!(failed.cause, Cause::Missing);
}

#[tokio::test]
async fn every_page_of_a_sqlite_file_belongs_to_somebody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "create table \"od\"\"d\" (id integer primary key, note text unique); \
             with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) \
             insert into \"od\"\"d\" select i, hex(randomblob(100)) from n; \
             create table plain (a); create virtual table words using fts5(w)",
        )
        .unwrap();
    let db = Bench::sqlite(&path);
    let counted = json!({"capacity": "database", "count": true});
    let seen = db.observe(&Capacity, counted).await.unwrap();
    let odd = named(&seen, "tables", "od\"d");
    assert_eq!(odd.get("rows"), Some(&Value::Int(2000)));
    assert_eq!(odd.get("rows_estimate"), Some(&Value::Null));
    let size = std::fs::metadata(&path).unwrap().len();
    assert_eq!(
        seen.facts["database"].get("bytes"),
        Some(&Value::from(size))
    );
    let tables = seen.facts["tables"].as_list().unwrap();
    let sum: i64 = tables
        .iter()
        .map(|t| t.get("bytes").unwrap().as_int().unwrap())
        .sum();
    // The first pages hold the schema itself.
    assert!(
        sum as u64 <= size && sum as u64 > size * 9 / 10,
        "{sum} of {size}"
    );
    let index = named(&seen, "indexes", "sqlite_autoindex_od\"d_1");
    assert_eq!(index.get("scans"), Some(&Value::Null));
    assert_eq!(seen.facts["connections"], Value::Null);
    connection.execute_batch("analyze").unwrap();
    let seen = look(&db).await;
    let odd = named(&seen, "tables", "od\"d");
    assert_eq!(odd.get("rows_estimate"), Some(&Value::Int(2000)));
}

#[tokio::test]
async fn an_observation_offers_what_its_shape_names_and_reads_well() {
    let server = postgres_server();
    let db = database(&server, "capacity_shape").await;
    write(&db, &["create table t (a int)"]).await;
    let mut then = snapshot(&look(&db).await);
    then.taken_at -= chrono::TimeDelta::days(1);
    let db = with_baseline(db, &then.text());
    let seen = db.observe(&Capacity, since()).await.unwrap();
    let mut shape: Vec<String> = Capacity
        .shape(&json!({}))
        .fields
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    shape.sort();
    let facts: Vec<String> = seen.facts.keys().cloned().collect();
    assert_eq!(facts, shape);
}

#[test]
fn wrong_thresholds_and_paths_are_found_before_anything_runs() {
    let found = |options: Json| {
        let problems = Capacity.lint(&options);
        let keys: Vec<String> = problems.into_iter().map(|p| p.key).collect();
        keys.join(" ")
    };
    let base = |thresholds: Json| json!({"capacity": "database", "baseline": "b.json", "thresholds": thresholds});
    assert_eq!(found(base(json!({"floor": "2MB"}))), "");
    assert_eq!(found(base(json!({"floor": "a lot"}))), "thresholds.floor");
    assert_eq!(
        found(base(json!({"growth_per_day_yellow": "15"}))),
        "thresholds.growth_per_day_yellow"
    );
    assert_eq!(
        found(base(json!({"table_red": "1MB"}))),
        "thresholds.table_red"
    );
    assert_eq!(found(base(json!({"floor": "${inputs.floor}"}))), "");
    assert_eq!(
        found(json!({"capacity": "database", "thresholds": {"floor": "1MB"}})),
        "thresholds"
    );
}

#[test]
fn names_with_points_and_quotes_stay_apart() {
    assert_eq!(postgres::qualified("a", "b"), "a.b");
    assert_eq!(postgres::qualified("a.b", "c"), "\"a.b\".c");
    assert_eq!(postgres::qualified("a", "b.c"), "a.\"b.c\"");
    assert_eq!(postgres::qualified("a", "b\"c"), "a.\"b\"\"c\"");
}
