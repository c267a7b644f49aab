//! A catalogue of a thousand tables.

use super::*;
use crate::testing::PostgresServer;

/// A thousand tables of twenty columns, each with a key, an index, a CHECK and a reference to the one before.
fn thousand() -> String {
    let columns: Vec<String> = (1..=18)
        .map(|n| format!("c{n} text not null default 'x'"))
        .collect();
    let mut script = String::new();
    for n in 0..1000 {
        let before = if n == 0 {
            String::new()
        } else {
            format!(" references t{}", n - 1)
        };
        script.push_str(&format_args!(
            "create table t{n} (id bigint primary key, up bigint{before}, {}, check (id > 0)); create index on t{n} (up);",
            columns.join(", ")
        ).to_string());
    }
    script
}

/// How many statements the server was asked in a look, by its own log.
async fn asked(url: &str, at: &str) -> i64 {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    let driven = tokio::spawn(connection);
    let question = format!(
        "select count(*) from regexp_matches(split_part(pg_read_file(current_setting('data_directory') || '/../log'), '{at} begins', 2), \
         'gonogo LOG:  (execute|statement)', 'g')"
    );
    let row = client.query_one(&question, &[]).await.unwrap();
    drop(client);
    driven.await.unwrap().unwrap();
    row.get(0)
}

#[tokio::test]
async fn a_thousand_tables_are_read_whole_with_as_many_questions_as_one() {
    let server = PostgresServer::start_with(&[
        "log_statement = all",
        "log_line_prefix = '%a '",
        "max_locks_per_transaction = 512",
    ]);
    let url = server.url();
    make(
        &url,
        "create schema small; create table small.t (id int primary key)",
    )
    .await;
    make(&url, &thousand()).await;
    let bench = Bench::postgres(&url);
    let mut counts = Vec::new();
    for schema in ["small", "public"] {
        make(&url, &format!("select '{schema} begins'")).await;
        let seen = bench.schema(json!({"schema": [schema]})).await;
        counts.push(asked(&url, schema).await);
        if schema == "public" {
            thousand_seen(&seen);
        }
    }
    let [small, public] = counts[..] else {
        unreachable!()
    };
    assert!((8..=20).contains(&small), "{counts:?}");
    assert_eq!(small, public);
}

fn thousand_seen(seen: &Seen) {
    let count = |name: &str| fact(seen, &["counts", name]).as_int().unwrap();
    assert_eq!(
        (count("tables"), count("columns"), count("foreign_keys")),
        (1000, 20_000, 999)
    );
    assert_eq!((count("indexes"), count("checks")), (2000, 1000));
    assert_eq!(model(seen).counts().columns, 20_000);
    assert!(
        seen.facts["unindexed_foreign_keys"]
            .as_list()
            .unwrap()
            .is_empty()
    );
    // What is too large for the journal is said to be cut, so that an expectation about it is an error.
    assert!(!seen.facts.contains_key("tables"));
    assert_eq!(
        seen.cut.iter().map(|c| c.fact.as_str()).collect::<Vec<_>>(),
        ["tables"]
    );
    let recorded = serde_json::to_vec(&seen.facts).unwrap().len();
    assert!(recorded < 256 * 1024, "{recorded}");
}

#[tokio::test]
async fn the_tables_of_interest_are_kept_of_a_schema_that_is_too_large() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let columns: Vec<String> = (1..=20).map(|n| format!("c{n} text")).collect();
    let script: String = (0..1300)
        .map(|n| format!("create table t{n} ({});", columns.join(", ")))
        .collect();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(&format!("begin; {script} commit"))
        .unwrap();
    let bench = Bench::sqlite(&path);
    let whole = bench.schema(json!({"schema": ["main"]})).await;
    assert_eq!(
        whole
            .cut
            .iter()
            .map(|c| c.fact.as_str())
            .collect::<Vec<_>>(),
        ["tables"]
    );
    assert!(whole.cut[0].why.contains("`tables:`"), "{:?}", whole.cut);
    let options = json!({"schema": ["main"], "tables": ["t7", "t1299", "not_there"]});
    let some = bench.schema(options.clone()).await;
    assert_in_shape(&some, &options);
    let kept: Vec<&String> = some.facts["tables"].as_map().unwrap().keys().collect();
    assert_eq!(kept, ["t1299", "t7"]);
    assert_eq!(fact(&some, &["counts", "tables"]), &Value::from(1300));
    assert_eq!(some.facts["fingerprint"], whole.facts["fingerprint"]);
}
