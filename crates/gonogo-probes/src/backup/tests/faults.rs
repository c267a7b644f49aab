//! What goes wrong: each says so, and leaves nothing behind.

use std::time::Duration;

use gonogo_core::record::Cause;
use tokio::sync::watch;

use super::*;
use crate::bench::postgres_server;
use crate::ctx::{Ctx, GateScope};
use crate::database::{Asking, postgres_dsn};
use crate::testing::free_port;

const TAKE: fn() -> Json = || json!({"backup": "take", "restore": true});

#[tokio::test]
async fn a_role_that_may_make_no_database_is_told_how_it_may() {
    let server = PostgresServer::start();
    let root = Bench::postgres(&server.url());
    write(
        &root,
        &[
            "create role plain login password 'plain-password'",
            "create database plain owner plain",
        ],
    )
    .await;
    let db = Bench::postgres(&server.url_as("plain", "plain-password", "plain"));
    let failed = refused(&db, TAKE()).await;
    assert_eq!(failed.cause, Cause::Denied);
    assert!(failed.help.unwrap().contains("alter role plain createdb"));
}

#[tokio::test]
async fn a_role_that_may_not_read_everything_takes_no_backup() {
    let server = PostgresServer::start();
    let root = Bench::postgres(&server.url());
    write(
        &root,
        &[
            "create role half login createdb password 'half-password'",
            "create table hidden (a int)",
        ],
    )
    .await;
    let db = Bench::postgres(&server.url_as("half", "half-password", "postgres"));
    let failed = refused(&db, json!({"backup": "take"})).await;
    assert_eq!(failed.cause, Cause::Denied);
    assert!(failed.message.contains("permission denied"), "{failed:?}");
    assert!(failed.help.unwrap().contains("pg_read_all_data"));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_gives_no_backup_and_shows_no_password() {
    let server = postgres_server();
    for (url, cause) in [
        (
            format!("postgres://u:hunter2@127.0.0.1:{}/d", free_port()),
            Cause::Refused,
        ),
        (server.url_as(USER, "hunter2", "postgres"), Cause::Denied),
        (
            server.url_as(USER, PASSWORD_IN_URL, "nowhere"),
            Cause::Missing,
        ),
    ] {
        let failed = refused(&Bench::postgres(&url), TAKE()).await;
        assert_eq!(failed.cause, cause, "{failed:?}");
        assert!(!format!("{failed:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn a_full_disk_is_told_as_such() {
    let server = postgres_server();
    let db = database(&server, "backup_full").await;
    let dsn = postgres_dsn(&db.target).unwrap();
    let asking = Asking {
        ctx: &db.ctx,
        target: "db",
        tried: "backup".to_owned(),
        writes: false,
    };
    let way = programs::Way::to(&asking, &dsn).await.unwrap();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let failed = dump::run(&asking, &way, None, full).await.unwrap_err();
    assert!(failed.message.contains("the disk is full"), "{failed:?}");
    assert!(failed.help.unwrap().contains("TMPDIR"));
}

#[tokio::test]
async fn a_table_that_somebody_holds_locked_ends_in_a_timeout_that_says_so() {
    let server = postgres_server();
    let db = database(&server, "backup_locked").await;
    let url = server.url_as(USER, PASSWORD_IN_URL, "backup_locked");
    let holder = Bench::postgres(&url).rolled_back();
    holder
        .observe(&Sql, json!({"sql": "alter table orders add b int"}))
        .await
        .unwrap();
    let waits = db.within(Duration::from_secs(4));
    let failed = refused(&waits, json!({"backup": "take"})).await;
    assert_eq!(failed.cause, Cause::Timeout, "{failed:?}");
    assert_eq!(
        Sql.end_gate(&holder.scope).await.map(|end| end.confirmed),
        Some(true)
    );
}

/// A database whose backup takes for ever to restore: a column is computed by a function that was quick when the rows
/// came in.
const SLOW: &[&str] = &[
    "create function slow(int) returns int immutable language sql as 'select $1'",
    "create table t (a int, b int generated always as (slow(a)) stored)",
    "insert into t values (1)",
    "create or replace function slow(int) returns int immutable language plpgsql as \
     'begin perform pg_sleep(600); return $1; end'",
];

const RESTORING: &str = "select count(*) as n from pg_stat_activity \
    where datname like 'gonogo_scratch_%' and query like 'COPY%' and state = 'active'";

async fn until(bench: &Bench, sql: &str, wanted: i64) {
    while value(bench, sql).await != Value::Int(wanted) {}
}

struct Stoppable {
    ctx: Ctx,
    stop: watch::Sender<bool>,
    bench: Bench,
}

impl Stoppable {
    fn new(server: &PostgresServer) -> Self {
        let (stop, stopped) = watch::channel(false);
        let hosts = vec![("127.0.0.1".to_owned(), server.port())];
        Self {
            ctx: Ctx::new(hosts, "/".into(), Duration::from_mins(2), stopped),
            stop,
            bench: Bench::postgres(&server.url()),
        }
    }

    async fn observe(&self, options: Json) -> Result<Seen, NotObserved> {
        let scope = GateScope::new(false);
        Backup
            .observe(Call {
                options,
                target: Some(&self.bench.target),
                limits: &[],
                statistics: &gonogo_core::plan::StatisticsOptions::default(),
                earlier_samplings: None,
                reads: false,
                scope: &scope,
                ctx: &self.ctx,
            })
            .await
    }
}

#[tokio::test]
async fn a_restore_that_is_stopped_drops_its_scratch_database_before_it_ends() {
    let server = PostgresServer::start();
    let db = Stoppable::new(&server);
    write(&db.bench, SLOW).await;
    let (ended, ()) = tokio::join!(db.observe(TAKE()), async {
        until(&db.bench, RESTORING, 1).await;
        db.stop.send(true).unwrap();
    });
    assert_eq!(ended.unwrap_err().cause, Cause::Interrupted);
    assert_eq!(scratches(&server).await, 0);
    assert_eq!(value(&db.bench, RESTORING).await, Value::Int(0));
}

#[tokio::test]
async fn a_restore_that_is_given_up_from_outside_is_cleaned_up_too() {
    let server = PostgresServer::start();
    let db = Stoppable::new(&server);
    write(&db.bench, SLOW).await;
    tokio::select! {
        ended = db.observe(TAKE()) => panic!("it ended: {ended:?}"),
        () = until(&db.bench, RESTORING, 1) => {}
    }
    while scratches(&server).await > 0 {}
}

#[tokio::test]
async fn a_restore_that_takes_too_long_is_a_timeout_and_leaves_nothing() {
    let server = PostgresServer::start();
    let db = Bench::postgres(&server.url()).within(Duration::from_secs(8));
    write(&db, SLOW).await;
    let failed = refused(&db, TAKE()).await;
    assert_eq!(failed.cause, Cause::Timeout, "{failed:?}");
    assert!(failed.message.contains("pg_restore"), "{failed:?}");
    assert_eq!(scratches(&server).await, 0);
}

#[tokio::test]
async fn a_dump_that_is_given_up_ends_and_its_password_stands_in_no_arguments() {
    let server = PostgresServer::start();
    let db = Stoppable::new(&server);
    write(&db.bench, &["create table t (a int)"]).await;
    let holder = Bench::postgres(&server.url()).rolled_back();
    holder
        .observe(&Sql, json!({"sql": "alter table t add b int"}))
        .await
        .unwrap();
    let waiting = "select count(*) as n from pg_stat_activity where query like 'LOCK TABLE%' and wait_event_type = 'Lock'";
    // All in one branch: the dump is given up when this ends, and not before.
    let seen_at_work = async {
        until(&db.bench, waiting, 1).await;
        loop {
            let programs = programs_on(server.port());
            if !programs.is_empty() {
                return programs;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = db.observe(json!({"backup": "take"})) => panic!("it ended: {ended:?}"),
        programs = tokio::time::timeout(Duration::from_secs(20), seen_at_work) => {
            for arguments in programs.expect("pg_dump is at work") {
                assert!(!arguments.contains(PASSWORD), "{arguments}");
            }
        }
    }
    while !programs_on(server.port()).is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        Sql.end_gate(&holder.scope).await.map(|end| end.confirmed),
        Some(true)
    );
}

/// The arguments of each `pg_dump` of this user that goes to that port.
fn programs_on(port: u16) -> Vec<String> {
    let wanted = format!("PGPORT={port}\0");
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| {
            let bytes = std::fs::read(entry.path().join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let arguments = read("cmdline");
        if arguments.contains("pg_dump") && read("environ").contains(&wanted) {
            found.push(arguments.replace('\0', " "));
        }
    }
    found
}
