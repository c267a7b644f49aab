use super::*;

fn made(sql: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(sql).unwrap();
    (folder, path)
}

const RULES: &str = "
    pragma journal_mode = wal;
    create table workspaces (id integer primary key, name text not null unique);
    create table rules (
        id integer primary key, workspace_id integer not null references workspaces (id), name text not null,
        effect text check (effect in ('allow', 'block')), enabled boolean, unique (workspace_id, name)
    );
    insert into workspaces values (1, 'demo');
    insert into rules values (1, 1, 'first', 'block', 1);
";

#[tokio::test]
async fn rows_come_with_their_types() {
    let (_folder, path) = made(RULES);
    let db = Bench::sqlite(&path);
    let seen = db
        .seen(json!({
            "sql": "select r.*, 1.5 as ratio, x'00ff' as raw, null as missing, $2 as given from rules r where name = $1",
            "bind": ["first", [1, {"a": 2}]],
        }))
        .await;
    let [row] = rows(&seen) else {
        panic!("one row")
    };
    assert_eq!(row.get("id"), Some(&Value::Int(1)));
    assert_eq!(row.get("enabled"), Some(&Value::Bool(true)));
    assert_eq!(row.get("ratio"), Some(&Value::Double(1.5)));
    assert_eq!(row.get("raw"), Some(&Value::Bytes(vec![0, 255])));
    assert_eq!(row.get("missing"), Some(&Value::Null));
    assert_eq!(row.get("given"), Some(&"[1,{\"a\":2}]".into()));
    assert_eq!(seen.facts["row_count"], Value::Int(1));
    assert_eq!(seen.facts["affected"], Value::Int(0));
    let engine = seen.target.unwrap().engine.unwrap();
    assert!(engine.starts_with("SQLite 3."), "{engine}");
    assert_eq!(seen.facts["engine"], engine.into());
}

#[tokio::test]
async fn an_address_in_a_record_names_no_folder_of_this_machine() {
    let (_folder, path) = made(RULES);
    let seen = Bench::sqlite(&path).sql("select 1 as one").await;
    let address = seen.target.unwrap().address;
    assert!(!address.starts_with('/'), "{address}");
}

#[tokio::test]
async fn errors_have_the_names_of_postgresql() {
    let (_folder, path) = made(RULES);
    let db = Bench::sqlite(&path).rolled_back();
    for (sql, code) in [
        (
            "insert into workspaces (name) values ('demo')",
            "unique_violation",
        ),
        ("insert into workspaces values (1, 'x')", "unique_violation"),
        (
            "insert into workspaces (name) values (null)",
            "not_null_violation",
        ),
        (
            "insert into rules values (9, 7, 'x', 'block', 0)",
            "foreign_key_violation",
        ),
        (
            "insert into rules values (9, 1, 'x', 'maybe', 0)",
            "check_violation",
        ),
        ("select * from nowhere", "undefined_table"),
        ("select nowhere from rules", "undefined_column"),
        ("select nowhere(1)", "undefined_function"),
        ("selec 1", "?"),
        ("select from from", "syntax_error"),
    ] {
        if code == "?" {
            assert_eq!(db.cause(sql).await, Cause::BadOptions, "{sql}");
            continue;
        }
        let seen = db.sql(sql).await;
        assert_eq!(error(&seen, "code"), code, "{sql}");
        assert_only_error(&seen);
    }
    let seen = db
        .sql("insert into workspaces (name) values ('demo')")
        .await;
    assert_eq!(error(&seen, "sqlstate"), "23505");
    assert_eq!(error(&seen, "table"), "workspaces");
    assert_eq!(error(&seen, "column"), "name");
    assert_eq!(db.end().await, Some(true));
}

#[tokio::test]
async fn without_writes_nothing_can_be_changed() {
    let (folder, path) = made(RULES);
    let db = Bench::sqlite(&path);
    let seen = db.sql("delete from rules").await;
    assert_eq!(error(&seen, "code"), "read_only_sql_transaction");
    let other = folder.path().join("other.db");
    for sql in [
        format!("attach '{}' as other", other.display()),
        format!("vacuum into '{}'", other.display()),
        "pragma journal_mode = delete".to_owned(),
        "pragma query_only = off".to_owned(),
        "begin".to_owned(),
        "select load_extension('x')".to_owned(),
    ] {
        assert_eq!(db.cause(&sql).await, Cause::BadOptions, "{sql}");
    }
    assert!(!other.exists());
    assert_eq!(db.value("select count(*) from rules").await, Value::Int(1));
    assert_eq!(db.value("pragma journal_mode").await, "wal".into());
    assert_eq!(rows(&db.sql("pragma table_info(rules)").await).len(), 5);
}

#[tokio::test]
async fn a_write_stays_and_is_counted() {
    let (_folder, path) = made(RULES);
    let db = Bench::sqlite(&path);
    let seen = db
        .seen(json!({
            "sql": "insert into workspaces (name) values ($1), ($2)", "bind": ["a", "b"], "writes": true,
        }))
        .await;
    assert_eq!(seen.facts["affected"], Value::Int(2));
    assert!(
        seen.absent.is_empty(),
        "a statement without columns gives no rows to miss"
    );
    assert_eq!(
        db.value("select count(*) from workspaces").await,
        Value::Int(3)
    );
    db.write("vacuum").await;
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let db = Bench::sqlite(&path);
    assert_eq!(db.cause("select 1").await, Cause::Missing);
    let write = json!({"sql": "create table t (a)", "writes": true});
    assert_eq!(db.ask(write).await.unwrap_err().cause, Cause::Missing);
    assert!(!path.exists());
    assert_eq!(
        Bench::sqlite(folder.path()).cause("select 1").await,
        Cause::Missing
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_not_observed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    std::fs::copy("/proc/self/exe", &path).unwrap();
    assert_eq!(
        Bench::sqlite(&path).cause("select 1 from t").await,
        Cause::Protocol
    );
}

#[tokio::test]
async fn a_statement_that_never_ends_is_ended() {
    let (_folder, path) = made(RULES);
    let endless =
        "with recursive n (i) as (select 1 union all select i + 1 from n) select count(*) from n";
    let db = Bench::sqlite(&path).within(Duration::from_millis(200));
    assert_eq!(db.cause(endless).await, Cause::Timeout);
}

#[tokio::test]
async fn too_many_rows_are_cut_and_said_to_be() {
    let (_folder, path) = made(RULES);
    let endless =
        "with recursive n (i) as (select 1 union all select i + 1 from n) select i from n";
    let db = Bench::sqlite(&path);
    let seen = db.seen(json!({"sql": endless, "max_rows": 3})).await;
    assert_eq!(rows(&seen).len(), 3);
    let cut: Vec<&str> = seen.cut.iter().map(|c| c.fact.as_str()).collect();
    assert_eq!(cut, ["rows", "row_count"]);
    assert!(!seen.facts.contains_key("row_count"));
    let wide = format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n) select i, hex(zeroblob({})) as x from n",
        1 << 20
    );
    let seen = db.sql(&wide).await;
    assert_eq!(rows(&seen).len(), 3, "8 MiB of values");
    assert!(!seen.cut.is_empty());
}

#[tokio::test]
async fn no_rows_are_an_absence() {
    let (_folder, path) = made(RULES);
    let seen = Bench::sqlite(&path)
        .sql("select * from rules where 1 = 0")
        .await;
    assert_eq!(seen.absent.len(), 1);
    assert_eq!(seen.absent[0].fact, "rows");
    assert_eq!(seen.facts["row_count"], Value::Int(0));
    assert_eq!(seen.facts["columns"].as_list().unwrap().len(), 5);
}

#[tokio::test]
async fn a_value_is_data_whatever_it_looks_like() {
    let (_folder, path) = made(RULES);
    let db = Bench::sqlite(&path);
    let bad = "'; drop table rules; --";
    let seen = db
        .seen(json!({"sql": "select $1 as x", "bind": [bad]}))
        .await;
    assert_eq!(only(&seen), bad.into());
    let named = db.ask(json!({"sql": "select :x as x"})).await.unwrap_err();
    assert_eq!(named.cause, Cause::BadOptions);
    let seen = db
        .seen(json!({"sql": "select $2 || $1 as x", "bind": ["a", "b"]}))
        .await;
    assert_eq!(only(&seen), "ba".into(), "numbers, not order of use");
}

#[tokio::test]
async fn two_columns_of_one_name_are_refused() {
    let (_folder, path) = made(RULES);
    let db = Bench::sqlite(&path);
    assert_eq!(db.cause("select 1 as a, 2 as a").await, Cause::BadOptions);
}
