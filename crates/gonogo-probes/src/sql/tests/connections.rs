//! What a check finds its session to be set to.

use super::*;
use crate::database::postgres::application_name;

async fn setting(db: &Bench, name: &str, writes: bool) -> String {
    let options = json!({"sql": format!("show {name}"), "writes": writes});
    match only(&db.seen(options).await) {
        Value::String(text) => text,
        other => panic!("{name}: {other:?}"),
    }
}

/// What `current_setting` gives in milliseconds.
async fn limit(db: &Bench, name: &str, writes: bool) -> i64 {
    let sql = format!("select setting::int8 from pg_settings where name = '{name}'");
    let seen = db.seen(json!({"sql": sql, "writes": writes})).await;
    only(&seen).as_int().unwrap()
}

#[tokio::test]
async fn every_session_has_limits_and_a_name() {
    let server = server();
    for (db, writes) in [
        (Bench::postgres(&server.url()), false),
        (Bench::postgres(&server.url()), true),
        (Bench::postgres(&server.url()).rolled_back(), false),
    ] {
        for name in ["statement_timeout", "lock_timeout"] {
            let ms = limit(&db, name, writes).await;
            assert!((1..=20_000).contains(&ms), "{name}: {ms}");
        }
        let idle = limit(&db, "idle_in_transaction_session_timeout", writes).await;
        assert!((1..=3_600_000).contains(&idle), "{idle}");
        assert_eq!(limit(&db, "tcp_keepalives_idle", writes).await, 30);
        assert_eq!(setting(&db, "application_name", writes).await, "gonogo");
    }
}

#[tokio::test]
async fn a_session_only_reads_unless_its_check_says_that_it_writes() {
    let server = server();
    let names = ["default_transaction_read_only", "transaction_read_only"];
    let db = Bench::postgres(&server.url());
    let gate = Bench::postgres(&server.url()).rolled_back();
    for name in names {
        assert_eq!(setting(&db, name, false).await, "on", "{name}");
        assert_eq!(setting(&db, name, true).await, "off", "{name}");
        assert_eq!(setting(&gate, name, false).await, "off", "{name}");
    }
}

#[tokio::test]
async fn what_the_address_sets_holds_but_not_against_the_sessions_own_limits() {
    let server = server();
    let options =
        "-csearch_path%3Dnowhere%20-cstatement_timeout%3D0%20-cdefault_transaction_read_only%3Doff";
    let db = Bench::postgres(&format!("{}?options={options}", server.url()));
    assert_eq!(setting(&db, "search_path", false).await, "nowhere");
    assert_eq!(
        setting(&db, "default_transaction_read_only", false).await,
        "on"
    );
    assert_ne!(limit(&db, "statement_timeout", true).await, 0);
}

#[tokio::test]
async fn a_session_says_which_run_it_belongs_to() {
    let server = server();
    let run = "2026-11-21T1004Z-metasheet2-staging-7f3a";
    let mut db = Bench::postgres(&server.url());
    db.ctx = db.ctx.for_run(Some(run.to_owned()), None);
    assert_eq!(
        setting(&db, "application_name", false).await,
        format!("gonogo {run}")
    );
    let long = Bench::postgres(&server.url());
    let long = long.ctx.for_run(Some("é".repeat(100)), None);
    assert!(application_name(&long).len() <= 63);
}
