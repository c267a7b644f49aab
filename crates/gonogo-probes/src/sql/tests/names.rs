//! Names found in a run, put into statements.

use proptest::prelude::*;

use super::*;
use crate::sql::script::{Script, quoted};
use crate::sql::statement::Dialect;

fn read(text: &str) -> Result<Vec<String>, String> {
    let script = Script::read(text, Dialect::Postgres, false).map_err(|wrong| wrong.why)?;
    Ok(script.names().map(str::to_owned).collect())
}

#[test]
fn a_name_stands_only_where_sql_stands() {
    for (text, names) in [
        (
            "select :\"a\", t.:\"b_2\" from :\"a\"",
            &["a", "b_2", "a"][..],
        ),
        ("select ':\"a\"', \":\"\"a\"", &[]),
        ("select $$ :\"a\" $$, $x$ :\"a\" $x$, E'\\':\"a\"'", &[]),
        ("select 1 -- :\"a\"\n /* :\"a\" /* :\"a\" */ :\"a\" */", &[]),
        ("select 'x'::\"char\", x ::\"a\"", &[]),
        ("select a[1 : \"n\"]", &[]),
    ] {
        assert_eq!(read(text).unwrap(), names, "{text}");
    }
    for text in ["select :\"\"", "select :\"a b\"", "select :\"a\"\"b\""] {
        assert!(read(text).unwrap_err().contains("is no name"), "{text}");
    }
}

#[test]
fn names_that_are_not_declared_or_not_used_are_problems() {
    let found = |options: Json| {
        let problems = Sql.lint(&options);
        let each = problems.into_iter().map(|p| (p.code, p.key));
        each.collect::<Vec<_>>()
    };
    let at = |key: &str| vec![("sql-identifier", key.to_owned())];
    let sql = "select :\"col\" from t";
    assert_eq!(found(json!({"sql": sql})), at("sql"));
    assert_eq!(
        found(json!({"sql": sql, "identifiers": {"col": "${saved.c}"}})),
        []
    );
    let unused = json!({"sql": "select 1", "identifiers": {"col": "x"}});
    assert_eq!(found(unused), at("identifiers.col"));
    for impossible in ["", "a\0b", &"x".repeat(64), &"é".repeat(32)] {
        let options = json!({"sql": sql, "identifiers": {"col": impossible}});
        assert_eq!(found(options), at("identifiers.col"), "{impossible:?}");
    }
}

proptest! {
    #[test]
    fn whatever_a_name_is_it_stays_one_identifier(name in "[^\0]{1,40}") {
        let script = Script::read("select :\"n\" from t where a = 1", Dialect::Postgres, false).unwrap();
        let sent = script.parts[0].rendered(|_| Some(&name)).sql;
        let expected = format!("select {} from t where a = 1", quoted(&name));
        prop_assert_eq!(&sent, &expected);
        let inner = &sent["select \"".len()..sent.len() - "\" from t where a = 1".len()];
        prop_assert!(!inner.replace("\"\"", "").contains('"'));
    }
}

/// Names that would be more than a name if they were pasted.
const EVIL: [&str; 6] = [
    "x\"; drop table probe_victim; --",
    "x; drop table probe_victim",
    "a\"\"b",
    "Ünïcode\u{1F980} with blank",
    ":\"other\"",
    "$1",
];

#[tokio::test]
async fn a_name_of_any_spelling_is_a_name_and_nothing_else() {
    let server = server();
    let db = Bench::postgres(&server.url()).rolled_back();
    db.sql("create table probe_victim (a int)").await;
    for name in EVIL {
        let absent = json!({"sql": "select * from :\"t\"", "identifiers": {"t": name}});
        let refused = db.ask(absent.clone()).await.unwrap_err();
        assert_eq!(refused.cause, Cause::Missing, "{name}");
        db.sql(&format!("create table {} (id int)", quoted(name)))
            .await;
        let seen = db.seen(absent).await;
        assert_eq!(rows(&seen).len(), 0, "{name}");
        assert_eq!(seen.facts["columns"].as_list().unwrap().len(), 1, "{name}");
    }
    assert_eq!(
        db.value("select count(*) from probe_victim").await,
        Value::Int(0)
    );
    assert_eq!(db.end().await, Some(true));
}

#[tokio::test]
async fn a_name_is_looked_up_as_it_is_kept_and_the_nearest_is_told() {
    let server = server();
    let db = Bench::postgres(&server.url()).rolled_back();
    db.sql("create schema probe_names").await;
    db.sql("create type probe_names.\"Mood\" as enum ('sad', 'glad')")
        .await;
    db.sql("create table probe_names.orders (id int, \"currentStatus\" probe_names.\"Mood\")")
        .await;
    db.sql("insert into probe_names.orders values (1, 'glad')")
        .await;
    let sql = "select :\"col\"::text as s from :\"schema\".:\"table\" where :\"col\" = $1::probe_names.:\"type\"";
    let with = |column: &str| {
        json!({"sql": sql, "bind": ["glad"], "identifiers": {
            "col": column, "schema": "probe_names", "table": "orders", "type": "Mood",
        }})
    };
    let seen = db.seen(with("currentStatus")).await;
    assert_eq!(only(&seen), "glad".into());
    for (wrong, hint) in [
        ("currentstatus", "did you mean `currentStatus`?"),
        ("currentStatis", "did you mean `currentStatus`?"),
        ("probe_names.orders", "`:\"schema\".:\"table\"`"),
        ("character varying", "`udt_name`"),
    ] {
        let refused = db.ask(with(wrong)).await.unwrap_err();
        assert_eq!(refused.cause, Cause::Missing);
        assert!(
            refused.message.contains(&format!("`{wrong}`")),
            "{}",
            refused.message
        );
        let help = refused.help.unwrap();
        assert!(help.contains(hint), "{help}");
    }
    for impossible in [String::new(), "a\0b".to_owned(), "x".repeat(64)] {
        assert_eq!(
            db.ask(with(&impossible)).await.unwrap_err().cause,
            Cause::BadOptions
        );
    }
    let place = json!({"sql": "select\n:\"col\", nothere from :\"t\"", "identifiers": {"col": "relname", "t": "pg_class"}});
    let seen = db.seen(place).await;
    let position = seen.facts["error"].get("position").unwrap();
    assert_eq!(position.get("line"), Some(&Value::Int(2)));
    assert_eq!(
        position.get("column"),
        Some(&Value::Int(9)),
        "counted in the text that was written"
    );
}

#[tokio::test]
async fn sqlite_knows_its_names_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "create table orders (id int, \"my col\" text); insert into orders values (1, 'x')",
        )
        .unwrap();
    let db = Bench::sqlite(&path);
    let with = |column: &str| json!({"sql": "select :\"c\" as c from :\"t\"", "identifiers": {"c": column, "t": "orders"}});
    assert_eq!(only(&db.seen(with("my col")).await), "x".into());
    let refused = db.ask(with("my cal")).await.unwrap_err();
    assert_eq!(refused.cause, Cause::Missing);
    assert!(refused.help.unwrap().contains("`my col`"));
    for name in EVIL {
        assert_eq!(
            db.ask(with(name)).await.unwrap_err().cause,
            Cause::Missing,
            "{name}"
        );
    }
}
