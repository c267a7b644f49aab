//! Several statements in one check.
use gonogo_core::plan::PlanFile;

use super::*;
use crate::sql::script::Script;
use crate::sql::statement::Dialect;

fn texts(text: &str, dialect: Dialect) -> Vec<(usize, String)> {
    let script = Script::read(text, dialect, true).unwrap();
    let parts = script.parts.iter();
    parts
        .map(|part| (part.line, part.rendered(|_| None).sql))
        .collect()
}

#[test]
fn a_script_is_split_where_sql_ends_a_statement_and_nowhere_else() {
    let text = "-- first; comment\nselect 'a;b', \"c;d\", $$e;f$$, $x$g;$$;h$x$ /* ; /* ; */ ; */;\n;;\n\
                insert into t values (1) ;select E'\\';';";
    let texts = texts(text, Dialect::Postgres);
    let lines: Vec<usize> = texts.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines[..2], [2, 4]);
    assert_eq!(texts[1].1, "insert into t values (1) ");
    assert!(texts[0].1.ends_with("; */"), "{}", texts[0].1);
}

#[test]
fn each_statement_numbers_its_values_for_itself() {
    let texts = texts(
        "select $3, $1, $3; select 1; select '$2', $2",
        Dialect::Postgres,
    );
    let sent: Vec<&str> = texts.iter().map(|(_, sql)| sql.as_str()).collect();
    assert_eq!(sent, ["select $1, $2, $1", "select 1", "select '$2', $1"]);
}

#[test]
fn commands_of_psql_and_of_sqlite3_are_refused_with_their_line_and_what_to_do() {
    let refused = |text: &str, dialect| Script::read(text, dialect, true).unwrap_err();
    for (text, line, help) in [
        ("select 1;\n\\set x 1\nselect :x;", 2, "`bind:`"),
        ("\\echo hello", 1, "recorded anyway"),
        ("select 1;\n\n  \\i other.sql", 3, "each file"),
        ("select 1 \\gset", 1, "`save:`"),
        ("\\connect other", 1, "one target"),
        ("\\if true\nselect 1;\n\\endif", 1, "`when:`"),
        ("\\unknown", 1, "take the line out"),
    ] {
        let wrong = refused(text, Dialect::Postgres);
        assert!(
            wrong.why.starts_with(&format!("line {line}: `\\")),
            "{}",
            wrong.why
        );
        assert!(wrong.help.contains(help), "{text}: {}", wrong.help);
    }
    let wrong = refused("select 1;\n.mode csv\n", Dialect::Sqlite);
    assert!(
        wrong.why.contains("line 2") && wrong.why.contains("sqlite3"),
        "{}",
        wrong.why
    );
    assert!(Script::read("select '\\set', 1 -- \\x", Dialect::Postgres, true).is_ok());
    for empty in ["", ";;", "-- nothing\n"] {
        assert!(
            Script::read(empty, Dialect::Postgres, true).is_err(),
            "{empty:?}"
        );
    }
}

#[test]
fn each_statement_of_a_script_is_held_to_the_rules_of_a_single_one() {
    let first = |sql: &str| {
        let problems = Sql.lint(&json!({"sql": sql, "script": true}));
        problems.into_iter().next().map(|p| (p.code, p.message))
    };
    assert_eq!(first("select 1; select 2;"), None);
    let (code, message) = first("select 1;\n/* */ commit;").unwrap();
    assert_eq!(code, "sql-statement");
    assert!(message.starts_with("line 2: `COMMIT`"), "{message}");
    assert_eq!(first("select $1; select $2").unwrap().0, "sql-bind");
    let of_file = |text: &[u8]| Sql.lint_file("sql.file", &json!({"sql": {"file": "a.sql"}}), text);
    assert_eq!(of_file(b"\xef\xbb\xbfselect 1; select 2;"), []);
    let copy = &of_file(b"select 1;\ncopy t from stdin;")[0];
    assert!(copy.message.starts_with("`COPY`"), "{}", copy.message);
    assert_eq!(copy.line, 2);
    let bytes = &of_file(b"select 1;\n\xff")[0];
    assert_eq!((bytes.message.as_str(), bytes.line), ("it is not UTF-8", 2));
    let pasted = of_file(b"select '${saved.x}'");
    assert_eq!((pasted[0].code, pasted[0].warning), ("sql-template", true));
}

fn statements(seen: &Seen) -> &[Value] {
    seen.facts["statements"].as_list().unwrap()
}

#[tokio::test]
async fn a_script_tells_what_each_of_its_statements_gave() {
    let server = server();
    let db = Bench::postgres(&server.url()).rolled_back();
    let seen = db
        .seen(json!({
            "sql": "create table probe_script (id int, name text);\n\
                    insert into probe_script values (1, $2), (2, $1);\n\
                    do $$ begin raise notice 'half; way'; end $$;\n\
                    select name from probe_script where name = $2;",
            "bind": ["b", "a;"],
            "script": true,
        }))
        .await;
    assert_eq!(only(&seen), "a;".into());
    assert_eq!(seen.facts["affected"], Value::Int(0));
    let all = statements(&seen);
    assert_eq!(all.len(), 4);
    assert_eq!(all[1].get("affected"), Some(&Value::Int(2)));
    assert_eq!(all[1].get("line"), Some(&Value::Int(2)));
    assert_eq!(all[2].get("notices").unwrap().as_list().unwrap().len(), 1);
    assert_eq!(seen.facts["notices"].as_list().unwrap().len(), 1);
    assert_eq!(all[3].get("rows").unwrap().as_list().unwrap().len(), 1);
    assert_eq!(
        db.value("select count(*) from probe_script").await,
        Value::Int(2)
    );
    assert_eq!(db.end().await, Some(true));
}

#[tokio::test]
async fn the_first_error_ends_a_script_and_undoes_it_alone() {
    let server = server();
    let db = Bench::postgres(&server.url()).rolled_back();
    db.sql("create table probe_stop (id int primary key)").await;
    let sql = "insert into probe_stop values (1);\n\ninsert into probe_stop\n  values (nothere);\ninsert into probe_stop values (3)";
    let seen = db.seen(json!({"sql": sql, "script": true})).await;
    assert_eq!(error(&seen, "code"), "undefined_column");
    let fact = &seen.facts["error"];
    assert_eq!(fact.get("statement"), Some(&Value::Int(2)));
    assert_eq!(fact.get("line"), Some(&Value::Int(3)));
    let position = fact.get("position").unwrap();
    assert_eq!(position.get("line"), Some(&Value::Int(4)));
    assert_eq!(position.get("column"), Some(&Value::Int(11)));
    assert_eq!(statements(&seen).len(), 2);
    assert!(statements(&seen)[1].get("error").is_some());
    assert!(!seen.facts.contains_key("rows"));
    assert_eq!(
        db.value("select count(*) from probe_stop").await,
        Value::Int(0)
    );
    assert_eq!(db.end().await, Some(true));
}

#[tokio::test]
async fn a_script_that_writes_is_one_change() {
    let server = server();
    let db = Bench::postgres(&server.url());
    db.write("create table probe_one_change (id int primary key deferrable initially deferred)")
        .await;
    let run = |sql: &str| json!({"sql": sql, "script": true, "writes": true});
    let count = "select count(*) from probe_one_change";
    for broken in [
        "insert into probe_one_change values (1); select 1 / 0;",
        "insert into probe_one_change values (1); insert into probe_one_change values (1);",
    ] {
        let seen = db.seen(run(broken)).await;
        assert!(seen.facts.contains_key("error"), "{broken}");
        assert_eq!(db.value(count).await, Value::Int(0), "{broken}");
    }
    db.seen(run(
        "insert into probe_one_change values (1); insert into probe_one_change values (2);",
    ))
    .await;
    assert_eq!(db.value(count).await, Value::Int(2));
    db.write("drop table probe_one_change").await;
}

#[tokio::test]
async fn the_caps_hold_for_all_statements_of_a_script_together() {
    let server = server();
    let db = Bench::postgres(&server.url());
    let sql = "select generate_series(1, 6) as i; select generate_series(1, 6) as i; select generate_series(1, 100000000) as i";
    let seen = db
        .seen(json!({"sql": sql, "script": true, "max_rows": 10}))
        .await;
    let lengths: Vec<usize> = statements(&seen)
        .iter()
        .map(|s| s.get("rows").unwrap().as_list().unwrap().len())
        .collect();
    assert_eq!(lengths, [6, 4, 0]);
    assert_eq!(statements(&seen)[1].get("row_count"), Some(&Value::Int(6)));
    let cut: Vec<&str> = seen.cut.iter().map(|c| c.fact.as_str()).collect();
    assert_eq!(cut, ["statements", "rows", "row_count"]);
    assert!(
        seen.absent.is_empty(),
        "rows that were not kept are not none"
    );
}

#[tokio::test]
async fn a_file_is_a_script_beside_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("create table t (a int unique)")
        .unwrap();
    let script = "\u{feff}insert into t values (1);\ninsert into t values ($1);\nselect count(*) as n from t;\n";
    let file = |bind: Json| json!({"sql": {"file": "seed.sql"}, "bind": bind});
    let bench = || {
        let mut bench = Bench::sqlite(&path).rolled_back();
        bench.ctx = bench.ctx.with_files(vec![PlanFile {
            path: "seed.sql".to_owned(),
            bytes: script.as_bytes().to_vec(),
        }]);
        bench
    };
    let db = bench();
    let seen = db.seen(file(json!([2]))).await;
    assert_eq!(only(&seen), Value::Int(2));
    assert_eq!(statements(&seen).len(), 3);
    assert_eq!(db.end().await, Some(true));
    let again = bench();
    let seen = again.seen(file(json!([1]))).await;
    assert_eq!(error(&seen, "code"), "unique_violation");
    assert_eq!(seen.facts["error"].get("statement"), Some(&Value::Int(2)));
    assert_eq!(again.value("select count(*) from t").await, Value::Int(0));
    let missing = again
        .ask(json!({"sql": {"file": "none.sql"}}))
        .await
        .unwrap_err();
    assert_eq!(missing.cause, Cause::Missing);
    assert!(missing.message.contains("none.sql"));
}
