//! On a real MariaDB.

use gonogo_core::Value;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::statement::Statement;
use super::*;
use crate::bench::{Bench, mariadb_server as server};
use crate::probe::Probe as _;
use crate::sql::Sql;
use crate::testing::SshServer;

async fn seen(db: &Bench, options: Json) -> Seen {
    db.observe(&Sql, options).await.unwrap()
}

async fn sql(db: &Bench, sql: &str) -> Seen {
    seen(db, json!({"sql": sql})).await
}

async fn write(db: &Bench, sql: &str) {
    let seen = seen(db, json!({"sql": sql, "writes": true})).await;
    assert!(!seen.facts.contains_key("error"), "{sql}: {:?}", seen.facts);
}

fn only(seen: &Seen) -> Value {
    let rows = seen.facts.get("rows").and_then(Value::as_list);
    let Some([row]) = rows else {
        panic!("one row: {:?}", seen.facts);
    };
    row.as_map().unwrap().values().next().unwrap().clone()
}

async fn value_of(db: &Bench, text: &str) -> Value {
    only(&sql(db, text).await)
}

fn error(seen: &Seen, field: &str) -> Value {
    let error = seen.facts.get("error");
    error
        .and_then(|e| e.get(field))
        .cloned()
        .unwrap_or_else(|| panic!("no error.{field}: {:?}", seen.facts))
}

fn reads(text: &str) -> (String, Vec<usize>) {
    let statement = Statement::read(text).unwrap();
    (statement.sql, statement.order)
}

#[test]
fn parameters_become_the_servers_own_outside_of_texts_names_and_comments() {
    for (text, wanted, order) in [
        ("select $1", "select ?", &[0][..]),
        ("select $2, $1, $2;", "select ?, ?, ?", &[1, 0, 1]),
        (
            "select '$1', \"$1\", `a$1` /* $1 */, $1 -- $1",
            "select '$1', \"$1\", `a$1`  , ?",
            &[0],
        ),
        (
            r"select 'it\'s $1 ''?''', $1 # $2",
            r"select 'it\'s $1 ''?''', ?",
            &[0],
        ),
        ("select a$1, 5--$1", "select a$1, 5--?", &[0]),
        ("select `a``$1`, @x, 'é'", "select `a``$1`, @x, 'é'", &[]),
    ] {
        assert_eq!(reads(text), (wanted.to_owned(), order.to_vec()), "{text}");
    }
    for text in [
        "",
        "; -- nothing",
        "select 1; select 2",
        "select ?",
        "select $",
        "select $0",
        "select 'open",
        "/*! commit */",
        "select 1 /*M!100100 , 2 */",
    ] {
        assert!(Statement::read(text).is_err(), "{text}");
    }
}

#[test]
fn what_a_rollback_would_not_undo_is_not_sent_in_a_rolled_back_gate() {
    let permit = |text: &str, mode: Mode| Statement::read(text).and_then(|s| s.permit(mode));
    for text in [
        "create table t (a int)",
        "ALTER TABLE t add b int",
        "drop table t",
        "truncate t",
        "rename table a to b",
        "grant all on *.* to x",
        "call p()",
        "set @@session.sql_mode = ''",
        "lock tables t write",
        "/* x */ analyze table t",
        "load data infile 'x' into table t",
    ] {
        let why = permit(text, Mode::Gate).unwrap_err().0;
        assert!(why.contains("nothing is undone"), "{text}: {why}");
        assert!(permit(text, Mode::Read).is_err(), "{text}");
        assert_eq!(permit(text, Mode::Write), Ok(()), "{text}");
    }
    for text in [
        "commit",
        "BEGIN",
        "start transaction",
        "rollback",
        "savepoint x",
        "xa start 'x'",
        "set autocommit = 1",
        "set session transaction read write",
        "set @@autocommit=1",
        "select 1 into outfile '/tmp/x'",
        "select 1 into /**/ dumpfile '/tmp/x'",
        "prepare s from 'commit'",
        "execute s",
        "kill 1",
        "handler t open",
        "shutdown",
        "use other",
        "`commit`",
    ] {
        for mode in [Mode::Read, Mode::Gate, Mode::Write] {
            assert!(permit(text, mode).is_err(), "{text} as {mode:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_stumble(text in "\\PC*") {
        drop(Statement::read(&text));
    }

    #[test]
    fn a_text_between_quotes_is_never_read(inside in "[^'\\\\]{0,20}") {
        let text = format!("select '{inside}', $1");
        let statement = Statement::read(&text).unwrap();
        prop_assert_eq!(statement.order, vec![0]);
        prop_assert_eq!(statement.sql, format!("select '{inside}', ?"));
    }
}

#[tokio::test]
async fn every_type_comes_as_what_it_is() {
    let server = server();
    let db = Bench::mysql(&server.url());
    let text = |s: &str| Value::String(s.to_owned());
    let at = |s: &str| Value::Timestamp(s.parse().unwrap());
    write(
        &db,
        "create or replace table typed (a tinyint, b bigint unsigned, c decimal(40, 10), d float, e double, f datetime(6), \
         g timestamp null, h date, i time(3), j year, k bit(5), l enum('sad', 'glad'), m set('x', 'y'), n json, o varchar(20), \
         p text, q varbinary(10), r blob, s char(4), t boolean, u decimal(10, 0), v int null)",
    )
    .await;
    write(
        &db,
        "insert into typed values (-7, 18446744073709551615, 123456789012345678901234567890.0123456789, 0.1, 1.5e300, \
         '2026-11-21 10:04:05.25', '2026-11-21 08:04:05', '2026-02-28', '-100:04:06.5', 2026, b'00101', 'glad', 'x,y', \
         '{\"a\": [1]}', 'é🦀', 'long', x'00ff', x'ff00', 'ab', true, 42, null)",
    )
    .await;
    for (column, wanted) in [
        ("a", Value::Int(-7)),
        ("b", Value::Uint(u64::MAX)),
        ("c", text("123456789012345678901234567890.0123456789")),
        ("d", Value::Double(0.1)),
        ("e", Value::Double(1.5e300)),
        ("f", at("2026-11-21T10:04:05.25Z")),
        ("g", at("2026-11-21T08:04:05Z")),
        ("h", text("2026-02-28")),
        ("i", text("-100:04:06.5")),
        ("j", Value::Int(2026)),
        ("k", text("00101")),
        ("l", text("glad")),
        ("m", text("x,y")),
        ("o", text("é\u{1F980}")),
        ("p", text("long")),
        ("q", Value::Bytes(vec![0, 255])),
        ("r", Value::Bytes(vec![255, 0])),
        ("s", text("ab")),
        ("t", Value::Int(1)),
        ("u", Value::Int(42)),
        ("v", Value::Null),
    ] {
        assert_eq!(
            value_of(&db, &format!("select {column} from typed")).await,
            wanted,
            "{column}"
        );
    }
    // JSON is a text to MariaDB, and a type to MySQL.
    assert_eq!(
        value_of(&db, "select json_value(n, '$.a[0]') from typed").await,
        text("1")
    );
    let seen = sql(&db, "select b, l from typed").await;
    let columns = seen.facts["columns"].as_list().unwrap();
    assert_eq!(columns[0].get("type"), Some(&text("bigint unsigned")));
    assert_eq!(columns[1].get("type"), Some(&text("enum")));
    let engine = seen.target.unwrap().engine.unwrap();
    assert!(engine.starts_with("MariaDB 1"), "{engine}");
}

#[tokio::test]
async fn bound_values_stay_data_and_come_back_as_they_were() {
    let server = server();
    let db = Bench::mysql(&server.url());
    for (bound, wanted) in [
        (
            json!("'; drop table x; -- \\"),
            Value::from("'; drop table x; -- \\"),
        ),
        (json!(42), Value::Int(42)),
        (json!(u64::MAX), Value::Uint(u64::MAX)),
        (json!(null), Value::Null),
        (json!(true), Value::Int(1)),
    ] {
        let seen = seen(&db, json!({"sql": "select $1 as x", "bind": [bound]})).await;
        assert_eq!(only(&seen), wanted, "{bound}");
    }
    let both = seen(
        &db,
        json!({"sql": "select concat($2, $1, $2)", "bind": ["a", "b"]}),
    )
    .await;
    assert_eq!(only(&both), "bab".into());
    for bind in [json!([]), json!([1, 2])] {
        let asked = db
            .observe(&Sql, json!({"sql": "select $1", "bind": bind}))
            .await;
        assert_eq!(asked.unwrap_err().cause, Cause::BadOptions);
    }
}

#[tokio::test]
async fn errors_have_the_names_that_they_have_on_postgresql() {
    let server = server();
    let db = Bench::mysql(&server.url());
    write(&db, "create or replace table parent (id int primary key)").await;
    write(
        &db,
        "create or replace table child (id int primary key, name varchar(5) not null, parent int, n int, \
         constraint one_name unique (name), constraint small check (n < 10), \
         constraint of_parent foreign key (parent) references parent (id))",
    )
    .await;
    let gate = Bench::mysql(&server.url()).rolled_back();
    let good = sql(&gate, "insert into child values (1, 'a', null, 1)").await;
    assert_eq!(good.facts["affected"], Value::Int(1));
    for (text, code, field, name) in [
        (
            "insert into child values (2, 'a', null, 1)",
            "unique_violation",
            "constraint",
            "one_name",
        ),
        (
            "insert into child values (2, 'b', 7, 1)",
            "foreign_key_violation",
            "constraint",
            "of_parent",
        ),
        (
            "insert into child values (2, 'b', null, 10)",
            "check_violation",
            "constraint",
            "small",
        ),
        (
            "insert into child values (2, null, null, 1)",
            "not_null_violation",
            "column",
            "name",
        ),
        (
            "insert into child values (2, 'too long', null, 1)",
            "string_data_right_truncation",
            "sqlstate",
            "22001",
        ),
        (
            "select * from nowhere",
            "undefined_table",
            "sqlstate",
            "42P01",
        ),
        (
            "select nothing from child",
            "undefined_column",
            "sqlstate",
            "42703",
        ),
        ("select from where", "syntax_error", "sqlstate", "42601"),
    ] {
        let seen = sql(&gate, text).await;
        assert_eq!(error(&seen, "code"), code.into(), "{text}");
        assert_eq!(error(&seen, field), name.into(), "{text}");
        assert!(!seen.facts.contains_key("rows"), "{text}");
    }
    // An error undoes itself alone; the end undoes the rest.
    assert_eq!(
        value_of(&gate, "select count(*) from child").await,
        Value::Int(1)
    );
    assert_eq!(
        Sql.end_gate(&gate.scope).await.map(|end| end.confirmed),
        Some(true)
    );
    assert_eq!(
        value_of(&db, "select count(*) from child").await,
        Value::Int(0)
    );
}

#[tokio::test]
async fn without_writes_nothing_is_changed_and_no_file_is_written() {
    let server = server();
    let db = Bench::mysql(&server.url());
    write(&db, "create or replace table kept (a int)").await;
    let seen = sql(&db, "insert into kept values (1)").await;
    assert_eq!(error(&seen, "code"), "read_only_sql_transaction".into());
    assert_eq!(
        value_of(&db, "select count(*) from kept").await,
        Value::Int(0)
    );
    let written = seen_by_writing(&db, "insert into kept values ($1), ($2)").await;
    assert_eq!(written.facts["affected"], Value::Int(2));
    assert_eq!(
        value_of(&db, "select count(*) from kept").await,
        Value::Int(2)
    );
    assert_eq!(Sql.end_gate(&db.scope).await, None);
}

async fn seen_by_writing(db: &Bench, text: &str) -> Seen {
    seen(db, json!({"sql": text, "bind": [1, 2], "writes": true})).await
}

#[tokio::test]
async fn a_table_that_knows_no_rollback_is_not_called_undone() {
    let server = server();
    let db = Bench::mysql(&server.url());
    write(
        &db,
        "create or replace table forever (a int) engine = MyISAM",
    )
    .await;
    let gate = Bench::mysql(&server.url()).rolled_back();
    sql(&gate, "insert into forever values (1)").await;
    assert_eq!(
        Sql.end_gate(&gate.scope).await.map(|end| end.confirmed),
        Some(false)
    );
}

#[tokio::test]
async fn what_takes_too_long_is_ended_on_the_server_and_many_rows_are_cut() {
    let server = server();
    let slow = Bench::mysql(&server.url()).within(Duration::from_millis(1500));
    let slept = slow
        .observe(&Sql, json!({"sql": "select sleep(600)"}))
        .await;
    // MariaDB ends a sleep that is over its limit without an error; then it says 1.
    if let Ok(seen) = &slept {
        assert_ne!(only(seen), Value::Int(0));
    }
    let asked = json!({"sql": "do sleep(600)", "writes": true});
    drop(slow.observe(&Sql, asked).await);
    let busy = "select count(*) from information_schema.processlist where info like '%sleep(600)%' and info not like '%processlist%'";
    while server.sql(busy) != "0" {
        tokio::task::yield_now().await;
    }
    let db = Bench::mysql(&server.url());
    let many = sql(&db, "select seq from seq_1_to_10000000").await;
    assert_eq!(many.facts["rows"].as_list().unwrap().len(), 1000);
    assert_eq!(many.cut.len(), 2);
    assert_eq!(value_of(&db, "select 1").await, Value::Int(1));
}

#[tokio::test]
async fn what_does_not_let_us_in_is_told_apart() {
    let server = server();
    let refused = async |url: &str| {
        let asked = Bench::mysql(url)
            .observe(&Sql, json!({"sql": "select 1"}))
            .await;
        let failed = asked.unwrap_err();
        assert!(!format!("{failed:?}").contains("hunter"), "{failed:?}");
        failed.cause
    };
    let port = server.url().rsplit(':').next().unwrap().replace("/app", "");
    assert_eq!(
        refused(&format!("mysql://gonogo:hunter2@127.0.0.1:{port}/app")).await,
        Cause::Denied
    );
    assert_eq!(
        refused(&server.url().replace("/app", "/nowhere")).await,
        Cause::Missing
    );
    assert_eq!(
        refused(&format!("{}?ssl-mode=REQUIRED", server.url())).await,
        Cause::Tls
    );
    let nobody = format!(
        "mysql://u:hunter2@127.0.0.1:{}/d",
        crate::testing::free_port()
    );
    assert_eq!(refused(&nobody).await, Cause::Refused);
    let postgres = crate::bench::postgres_server();
    let other = format!("mysql://u:hunter2@127.0.0.1:{}/d", postgres.port());
    let asked = Bench::mysql(&other).within(Duration::from_secs(2));
    assert!(
        asked
            .observe(&Sql, json!({"sql": "select 1"}))
            .await
            .is_err()
    );
    let mut elsewhere = Bench::mysql(&server.url());
    elsewhere.target.options = json!({"mysql": server.url_at("127.0.0.2")});
    let asked = elsewhere.observe(&Sql, json!({"sql": "select 1"})).await;
    assert_eq!(asked.unwrap_err().cause, Cause::Forbidden);
}

#[tokio::test]
async fn a_socket_and_an_ssh_host_lead_there_too() {
    let server = server();
    let db = Bench::mysql(&server.socket_url());
    assert_eq!(value_of(&db, "select 7").await, Value::Int(7));
    let sshd = SshServer::start();
    let options = json!({"mysql": server.url(), "ssh": "staging"});
    let db = Bench::new("mysql", options).by_ssh(sshd.config());
    assert_eq!(value_of(&db, "select 7").await, Value::Int(7));
}
