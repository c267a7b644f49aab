//! Backups, as a user sees them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use gonogo_probes::testing::PostgresServer;

use crate::rig::{Ended, command, folder, gonogo, run_plan};

fn plan(folder: &Path, url: &str, allow: &str, checks: &str) -> String {
    std::fs::write(folder.join("dsn"), url).unwrap();
    format!(
        "gonogo: 1\nname: backups\ninputs:\n  dsn: {{ secret: true, file: dsn }}\nenvironments:\n  local:\n    allow: [{allow}]\n    targets:\n      db: {{ postgres: '${{inputs.dsn}}' }}\ngates:\n  backup:\n    title: There is a way back\n    checks:{checks}"
    )
}

const PROVEN: &str = "
      - id: proven
        backup: take
        restore: true
        timeout: 2m
        expect:
          - restored
          - rows_agree
          - schema_agrees
          - size(tables) > 0
";

const TAKEN: &str = "
      - id: taken
        backup: take
        expect: size > 0
";

const THERE: &str = "
      - id: there
        backup: app.dump
        expect:
          - exists
          - age < duration('1d')
";

async fn client(server: &PostgresServer) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    drop(tokio::spawn(connection));
    client
}

fn asked(server: &PostgresServer, statements: &str) -> i64 {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = client(server).await;
        let mut last = 0;
        for message in client.simple_query(statements).await.unwrap() {
            if let tokio_postgres::SimpleQueryMessage::Row(row) = message {
                last = row.get(0).unwrap().parse().unwrap();
            }
        }
        last
    })
}

const SCRATCHES: &str = "select count(*) from pg_database where datname like 'gonogo_scratch_%'";

fn report(folder: &Path, ended: &Ended) -> String {
    std::fs::read_to_string(folder.join(ended.run()).join("report.md")).unwrap()
}

fn with_path(folder: &Path, plan: &str, path: &str) -> Ended {
    std::fs::write(folder.join("plan.yaml"), plan).unwrap();
    let arguments = ["run", "plan.yaml", "--env", "local", "--json"];
    Ended::of(
        command(folder, &arguments)
            .env("PATH", path)
            .output()
            .unwrap(),
    )
}

#[test]
fn a_backup_that_restores_is_go_and_nothing_is_left() {
    let server = PostgresServer::start();
    asked(
        &server,
        "create table t (a int check (a > 0)); insert into t values (1), (2)",
    );
    let folder = folder();
    let proven = run_plan(
        folder.path(),
        &plan(folder.path(), &server.url(), "write", PROVEN),
        &[],
    );
    assert_eq!(
        (proven.code, proven.outcome("backup/proven").as_str()),
        (0, "pass"),
        "{}",
        proven.stderr
    );
    let text = report(folder.path(), &proven);
    assert!(text.contains("custom"), "{text}");
    assert_eq!(asked(&server, SCRATCHES), 0);
    let without = run_plan(
        folder.path(),
        &plan(folder.path(), &server.url(), "load", PROVEN),
        &[],
    );
    assert_eq!(
        (without.code, without.outcome("backup/proven").as_str()),
        (2, "skipped")
    );
}

#[test]
fn a_backup_that_is_cut_short_or_not_there_never_passes() {
    let folder = folder();
    let plan = plan(folder.path(), "postgres://u@127.0.0.1:1/d", "write", THERE);
    let none = run_plan(folder.path(), &plan, &[]);
    assert_eq!(
        (none.code, none.outcome("backup/there").as_str()),
        (1, "fail"),
        "{}",
        none.stderr
    );
    std::fs::write(folder.path().join("app.dump"), b"PGDMP\x01\x0e\x00\x04\x08").unwrap();
    let cut = run_plan(folder.path(), &plan, &[]);
    assert_eq!(
        (cut.code, cut.outcome("backup/there").as_str()),
        (2, "inconclusive"),
        "{}",
        cut.stderr
    );
    assert!(
        report(folder.path(), &cut).contains("end of file"),
        "{}",
        report(folder.path(), &cut)
    );
}

#[test]
fn without_pg_dump_or_with_an_older_one_there_is_no_evidence_but_a_way_on() {
    let server = PostgresServer::start();
    let folder = folder();
    let plan = plan(folder.path(), &server.url(), "write", TAKEN);
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let none = with_path(folder.path(), &plan, empty.to_str().unwrap());
    assert_eq!(
        (none.code, none.outcome("backup/taken").as_str()),
        (2, "error"),
        "{}",
        none.stderr
    );
    assert!(
        none.stdout.contains("`pg_dump` is not installed here"),
        "{}",
        none.stdout
    );

    // Another version than the server's cannot be had from the same packages: a program that says it is one.
    let old = empty.join("pg_dump");
    std::fs::write(&old, "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n").unwrap();
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
    let old = with_path(folder.path(), &plan, empty.to_str().unwrap());
    assert_eq!(
        (old.code, old.outcome("backup/taken").as_str()),
        (2, "error"),
        "{}",
        old.stderr
    );
    assert!(
        old.stdout.contains("`pg_dump` is of version 9"),
        "{}",
        old.stdout
    );
}

#[test]
fn what_a_killed_restore_leaves_is_dropped_by_the_next_one() {
    let server = PostgresServer::start();
    // Quick when the rows came in, and slow when they are restored.
    let slow = |how: &str| {
        format!(
            "create or replace function slow(int) returns int immutable language plpgsql as 'begin {how} return $1; end'"
        )
    };
    asked(&server, &slow(""));
    asked(
        &server,
        "create table t (a int, b int generated always as (slow(a)) stored); insert into t values (1)",
    );
    asked(&server, &slow("perform pg_sleep(600);"));
    let folder = folder();
    std::fs::write(
        folder.path().join("plan.yaml"),
        plan(folder.path(), &server.url(), "write", PROVEN),
    )
    .unwrap();
    let mut killed = command(folder.path(), &["run", "plan.yaml", "--env", "local"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let restoring = "select count(*) from pg_stat_activity where datname like 'gonogo_scratch_%' and query like 'COPY%' and state = 'active'";
    while asked(&server, restoring) == 0 {}
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(asked(&server, SCRATCHES), 1);
    // Its session ends once the server looks at it; until then nobody may drop the database.
    asked(
        &server,
        "select pg_terminate_backend(pid)::int from pg_stat_activity where datname like 'gonogo_scratch_%'",
    );
    while asked(
        &server,
        "select count(*) from pg_stat_activity where datname like 'gonogo_scratch_%'",
    ) > 0
    {}
    // A minute later, as its name says when it was made.
    asked(
        &server,
        "do $$ declare name text; begin select datname into name from pg_database where datname like 'gonogo_scratch_%'; \
         execute format('alter database %I rename to %I', name, regexp_replace(name, '_[0-9]+_', '_1700000000_')); end $$",
    );
    asked(&server, &slow(""));
    let next = run_plan(
        folder.path(),
        &plan(folder.path(), &server.url(), "write", PROVEN),
        &[],
    );
    assert_eq!(next.code, 0, "{}", next.stderr);
    assert!(
        report(folder.path(), &next).contains("gonogo_scratch_1700000000_"),
        "{}",
        report(folder.path(), &next)
    );
    assert_eq!(asked(&server, SCRATCHES), 0);
}

#[test]
fn a_plan_without_a_backup_to_look_at_is_refused() {
    let folder = folder();
    let checks = "\n      - backup: ' '\n        expect: exists\n";
    let path = folder.path().join("plan.yaml");
    std::fs::write(
        path,
        plan(folder.path(), "postgres://u@127.0.0.1:1/d", "write", checks),
    )
    .unwrap();
    let lint = gonogo(folder.path(), &["lint", "plan.yaml"]);
    assert_eq!(lint.code, 64);
    assert!(lint.stderr.contains("backup-path"), "{}", lint.stderr);
}
