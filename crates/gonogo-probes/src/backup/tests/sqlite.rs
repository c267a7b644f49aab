//! Backups of SQLite.

use rusqlite::Connection;

use super::*;

fn made(folder: &Path) -> (PathBuf, Connection) {
    let path = folder.join("app.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "create table t (id integer primary key, note text); create index by_note on t (note); \
             create virtual table words using fts5(w); \
             with recursive n(i) as (select 1 union all select i + 1 from n where i < 500) \
             insert into t select i, hex(randomblob(50)) from n",
        )
        .unwrap();
    (path, connection)
}

#[tokio::test]
async fn a_copy_is_taken_checked_and_compared_while_somebody_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (path, connection) = made(folder.path());
    connection
        .execute_batch("pragma journal_mode = wal; begin immediate; delete from t")
        .unwrap();
    let db = Bench::sqlite(&path);
    let seen = look(&db, json!({"backup": "take"})).await;
    assert_eq!(fact(&seen, "format"), &Value::from("sqlite"));
    assert!(fact(&seen, "tables").to_string().contains("\"t\""));
    let seen = look(&db, json!({"backup": "take", "restore": true})).await;
    assert_eq!(differences(&seen), Vec::<String>::new());
    assert_eq!(fact(&seen, "rows_agree"), &Value::Bool(true));
    assert_eq!(fact(&seen, "schema_agrees"), &Value::Bool(true));
    let rows = fact(&seen, "tables").to_string();
    assert!(
        rows.contains("500"),
        "what is not committed is in neither: {rows}"
    );
}

#[tokio::test]
async fn a_copy_that_is_there_is_read_and_held_against_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let (path, connection) = made(folder.path());
    let copy = folder.path().join("copy ?#%.db");
    std::fs::copy(&path, &copy).unwrap();
    let db = Bench::sqlite(&path);
    let seen = look(&db, at(&copy)).await;
    assert_eq!(
        fact(&seen, "complete"),
        &Value::Bool(true),
        "{:?}",
        seen.facts
    );
    assert!(
        fact(&seen, "engine")
            .as_str()
            .unwrap()
            .starts_with("SQLite 3.")
    );
    let seen = look(&db, restored(&copy)).await;
    assert_eq!(fact(&seen, "rows_agree"), &Value::Bool(true));
    connection
        .execute_batch("delete from t where id > 490; drop index by_note; create table u (a)")
        .unwrap();
    let seen = look(&db, restored(&copy)).await;
    assert_eq!(fact(&seen, "rows_agree"), &Value::Bool(false));
    let told = differences(&seen).join("\n");
    assert!(
        told.contains("table t has 490 rows, and 500 in the backup"),
        "{told}"
    );
    assert!(told.contains("in the backup only: index by_note"), "{told}");
    let mut files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files,
        ["app.db", "copy ?#%.db"],
        "nothing is left beside them"
    );
}

#[tokio::test]
async fn a_copy_cut_within_its_last_page_is_not_complete_even_where_only_zeros_are_missing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, connection) = made(folder.path());
    connection
        .execute_batch("create table z (b); insert into z values (zeroblob(30000))")
        .unwrap();
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(whole.last(), Some(&0), "SQLite alone would not miss it");
    let copy = folder.path().join("copy.db");
    put(&copy, &whole[..whole.len() - 1]);
    let seen = look(&Bench::sqlite(&path), at(&copy)).await;
    assert_eq!(fact(&seen, "complete"), &Value::Bool(false));
    let problem = fact(&seen, "problem").as_str().unwrap();
    assert!(problem.contains("cut short"), "{problem}");
}

#[tokio::test]
async fn a_copy_that_is_cut_short_damaged_or_was_in_use_is_not_complete() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _connection) = made(folder.path());
    let whole = std::fs::read(&path).unwrap();
    let copy = folder.path().join("copy.db");
    let db = Bench::sqlite(&path);
    for length in [
        0,
        50,
        1024,
        4096,
        whole.len() / 2,
        whole.len() - 4096,
        whole.len() - 1,
    ] {
        put(&copy, &whole[..length]);
        let seen = look(&db, at(&copy)).await;
        assert_eq!(
            fact(&seen, "complete"),
            &Value::Bool(false),
            "cut to {length}"
        );
        assert_eq!(seen.absent[0].fact, "tables");
    }
    let mut damaged = whole.clone();
    for byte in &mut damaged[whole.len() - 4096..whole.len() - 4000] {
        *byte = 0xff;
    }
    put(&copy, &damaged);
    let seen = look(&db, at(&copy)).await;
    assert_eq!(fact(&seen, "complete"), &Value::Bool(false));
    put(&copy, &whole);
    put(&folder.path().join("copy.db-wal"), b"changes");
    let seen = look(&db, at(&copy)).await;
    let problem = fact(&seen, "problem").as_str().unwrap();
    assert!(problem.contains("-wal"), "{problem}");
}

#[tokio::test]
async fn a_dump_of_postgresql_is_no_backup_of_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _connection) = made(folder.path());
    let dump = folder.path().join("x.sql");
    put(
        &dump,
        b"--\n-- PostgreSQL database dump\n--\n\n--\n-- PostgreSQL database dump complete\n--\n\n",
    );
    let seen = look(&Bench::sqlite(&path), at(&dump)).await;
    assert_eq!(fact(&seen, "complete"), &Value::Bool(false));
    assert!(
        fact(&seen, "problem")
            .as_str()
            .unwrap()
            .contains("no SQLite database")
    );
}
