//! Taking and restoring.

use super::*;
use crate::bench::postgres_server;

#[tokio::test]
async fn a_backup_that_is_taken_says_what_it_is() {
    let server = postgres_server();
    let db = database(&server, "backup_taken").await;
    let seen = look(&db, json!({"backup": "take"})).await;
    assert_eq!(fact(&seen, "exists"), &Value::Bool(true));
    assert_eq!(fact(&seen, "complete"), &Value::Bool(true));
    assert_eq!(fact(&seen, "format"), &Value::from("custom"));
    assert!(fact(&seen, "size").as_int() > Some(4000));
    let engine = seen.target.as_ref().unwrap().engine.clone().unwrap();
    assert_eq!(fact(&seen, "engine"), &Value::from(engine));
    assert!(matches!(fact(&seen, "took"), Value::Duration(ns) if *ns > 0));
    assert!(!seen.facts.contains_key("restored"), "nobody asked");
    let tables = fact(&seen, "tables").to_string();
    for table in ["public.customers", "public.orders", "public.parts_2026"] {
        assert!(tables.contains(table), "{tables}");
    }
    assert!(seen.absent.is_empty());
}

#[tokio::test]
async fn a_restored_backup_agrees_and_its_scratch_database_is_gone() {
    let server = PostgresServer::start();
    let db = database(&server, "backup_proven").await;
    let seen = look(&db, json!({"backup": "take", "restore": true})).await;
    assert_eq!(differences(&seen), Vec::<String>::new());
    assert_eq!(fact(&seen, "restored"), &Value::Bool(true));
    assert_eq!(fact(&seen, "rows_agree"), &Value::Bool(true));
    assert_eq!(fact(&seen, "schema_agrees"), &Value::Bool(true));
    let tables = fact(&seen, "tables").as_list().unwrap();
    let orders = tables
        .iter()
        .find(|t| t.get("name") == Some(&Value::from("public.orders")))
        .unwrap();
    assert_eq!(orders.get("rows"), Some(&Value::Int(100)));
    assert_eq!(orders.get("restored"), Some(&Value::Int(100)));
    assert_eq!(scratches(&server).await, 0);
}

#[tokio::test]
async fn a_backup_by_the_socket_and_by_a_plain_role_works_alike() {
    let server = PostgresServer::start();
    let socket = Bench::postgres(&server.socket_dsn());
    write(
        &socket,
        &["create table t (a int)", "insert into t values (1)"],
    )
    .await;
    let seen = look(&socket, json!({"backup": "take", "restore": true})).await;
    assert_eq!(fact(&seen, "rows_agree"), &Value::Bool(true));
    write(
        &socket,
        &[
            "create role keeper login createdb password 'keeper-password'",
            "create database kept owner keeper",
        ],
    )
    .await;
    let keeper = Bench::postgres(&server.url_as("keeper", "keeper-password", "kept"));
    write(
        &keeper,
        &["create table t (a int)", "insert into t values (1), (2)"],
    )
    .await;
    let seen = look(&keeper, json!({"backup": "take", "restore": true})).await;
    assert_eq!(differences(&seen), Vec::<String>::new());
    assert_eq!(scratches(&server).await, 0);
}

#[tokio::test]
async fn what_changed_since_a_backup_is_told() {
    let server = PostgresServer::start();
    let db = database(&server, "backup_old").await;
    let folder = tempfile::tempdir().unwrap();
    let dumps: Vec<PathBuf> = ["c", "t", "d"]
        .map(|format| dumped(&server, "backup_old", folder.path(), format))
        .into();
    for dump in &dumps {
        let seen = look(&db, restored(dump)).await;
        assert_eq!(differences(&seen), Vec::<String>::new(), "{dump:?}");
    }
    write(
        &db,
        &[
            "delete from orders where id <= 3",
            "drop table parts cascade",
            "create table added (a int)",
            "alter table customers drop constraint customers_kind_check",
        ],
    )
    .await;
    for dump in &dumps {
        let seen = look(&db, restored(dump)).await;
        assert_eq!(fact(&seen, "restored"), &Value::Bool(true));
        assert_eq!(fact(&seen, "rows_agree"), &Value::Bool(false));
        assert_eq!(fact(&seen, "schema_agrees"), &Value::Bool(false));
        let told = differences(&seen).join("\n");
        for words in [
            "table public.added (0 rows) is not in the backup",
            "table public.orders has 97 rows, and 100 in the backup",
            "table public.parts_2026 (2 rows) is in the backup only",
            "in the backup only: constraint public.customers customers_kind_check",
            "not in the backup: column public.added.a integer",
        ] {
            assert!(told.contains(words), "{words} in {told}");
        }
        let shown = format!("{:?}", seen.shown);
        assert!(shown.contains("97 rows"), "{shown}");
    }
    assert_eq!(scratches(&server).await, 0);
}

/// A dump that every tool takes for good: the rows of one table are checked against another that is restored later.
const NOT_RESTORABLE: &[&str] = &[
    "create table z_known (id int primary key)",
    "create function is_known(int) returns boolean language sql as 'select exists (select from public.z_known where id = $1)'",
    "create table a_items (id int check (is_known(id)))",
    "insert into z_known values (1)",
    "insert into a_items values (1)",
];

#[tokio::test]
async fn a_dump_that_cannot_be_restored_is_seen_by_restoring_it() {
    let server = PostgresServer::start();
    let db = Bench::postgres(&server.url());
    write(&db, NOT_RESTORABLE).await;
    let seen = look(&db, json!({"backup": "take"})).await;
    assert_eq!(fact(&seen, "complete"), &Value::Bool(true));
    let seen = look(&db, json!({"backup": "take", "restore": true})).await;
    assert_eq!(fact(&seen, "restored"), &Value::Bool(false));
    let problem = fact(&seen, "problem").as_str().unwrap();
    assert!(
        problem.contains("a_items") && problem.contains("check constraint"),
        "{problem}"
    );
    assert!(!seen.facts.contains_key("rows_agree"));
    assert_eq!(seen.absent[0].fact, "rows_agree");
    assert_eq!(scratches(&server).await, 0);
}

#[tokio::test]
async fn leftovers_of_killed_runs_are_dropped_and_nothing_else() {
    let server = PostgresServer::start();
    let db = Bench::postgres(&server.url());
    let now = value(&db, "select extract(epoch from now())::int8").await;
    let now = now.as_int().unwrap();
    let old = "gonogo_scratch_1000000000_0123456789abcdef";
    let used = "gonogo_scratch_1000000000_ffffffffffffffff";
    let foreign = "gonogo_scratch_1000000000_eeeeeeeeeeeeeeee";
    let fresh = format!("gonogo_scratch_{now}_0123456789abcdef");
    let other = "gonogo_scratch_of_somebody";
    write(
        &db,
        &["create role other login createdb", "create table t (a int)"],
    )
    .await;
    for name in [old, used, &fresh, other] {
        write(&db, &[&format!("create database {name}")]).await;
    }
    write(&db, &[&format!("create database {foreign} owner other")]).await;
    let inside = Bench::postgres(&server.url_as(USER, PASSWORD_IN_URL, used)).rolled_back();
    inside
        .observe(&Sql, json!({"sql": "select 1"}))
        .await
        .unwrap();
    let seen = look(&db, json!({"backup": "take", "restore": true})).await;
    let leftovers = Value::List(vec![old.into()]);
    assert_eq!(fact(&seen, "leftovers"), &leftovers);
    assert_eq!(scratches(&server).await, 4);
    assert_eq!(
        Sql.end_gate(&inside.scope).await.map(|end| end.confirmed),
        Some(true)
    );
}

#[tokio::test]
async fn a_restore_writes_also_in_a_gate_that_is_rolled_back() {
    let power = |options: Json, rollback: bool| Backup.power(&options, rollback, true);
    assert_eq!(power(json!({"backup": "take"}), false), None);
    assert_eq!(
        power(json!({"backup": "x.dump", "restore": false}), false),
        None
    );
    for rollback in [false, true] {
        let write = Some(Power::Write);
        assert_eq!(
            power(json!({"backup": "take", "restore": true}), rollback),
            write
        );
        let later = json!({"backup": "take", "restore": "${inputs.x}"});
        assert_eq!(power(later, rollback), write);
    }
}
