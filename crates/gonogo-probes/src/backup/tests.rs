//! The probe against real databases, with PostgreSQL's own programs.

mod faults;
mod files;
mod pure;
mod restoring;
mod sqlite;

use std::path::{Path, PathBuf};
use std::process::Command;

use gonogo_core::Value;
use serde_json::json;

use super::*;
use crate::bench::Bench;
use crate::sql::Sql;
use crate::testing::{PASSWORD, PASSWORD_IN_URL, PostgresServer, USER};

/// A database of its own on a server, with three tables.
async fn database(server: &PostgresServer, name: &str) -> Bench {
    let root = Bench::postgres(&server.url());
    write(&root, &[&format!("create database {name}")]).await;
    filled(server, name, SHOP);
    Bench::postgres(&server.url_as(USER, PASSWORD_IN_URL, name))
}

/// Many statements by one program: a connection for each would take most of a test's time.
#[expect(
    clippy::disallowed_methods,
    reason = "a database is filled by a program"
)]
fn filled(server: &PostgresServer, database: &str, statements: &[&str]) {
    let done = Command::new("psql")
        .args([
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-U",
            USER,
        ])
        .args(["-p", &server.port().to_string(), "-d", database])
        .args(statements.iter().flat_map(|sql| ["-c", sql]))
        .env("PGPASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// A schema with what is printed in another way after a dump and its restore.
const SHOP: &[&str] = &[
    "create type state as enum ('new', 'paid')",
    "create domain positive as int check (value > 0)",
    "create table customers (id bigint generated always as identity primary key, name varchar(40) not null unique, \
     kind varchar check (kind in ('a', 'b')), code char(3) check (code in ('x', 'y')))",
    "create table orders (id serial primary key, customer bigint references customers on delete cascade, \
     state state default 'new', amount positive, note text, twice int generated always as (amount * 2) stored, \
     check (length(note) < 100 or (state = 'paid' and amount > 1)))",
    "create index by_lower on orders (lower(note)) where state = 'new'",
    "create view paid as select o.id, c.name from orders o join customers c on c.id = o.customer where o.state = 'paid'",
    "create materialized view totals as select count(*) as n from orders",
    "create function touch() returns trigger language plpgsql as 'begin return new; end'",
    "create trigger touched before update on orders for each row execute function touch()",
    "create table parts (day date not null, n int) partition by range (day)",
    "create table parts_2026 partition of parts for values from ('2026-01-01') to ('2027-01-01')",
    "alter table customers enable row level security",
    "create policy own on customers using (name = current_user)",
    "insert into customers (name, kind, code) select 'c' || i, 'a', 'x' from generate_series(1, 100) i",
    "insert into orders (customer, amount, note) select i, i, md5(i::text) from generate_series(1, 100) i",
    "insert into parts values ('2026-05-05', 1), ('2026-05-06', 2)",
];

async fn write(bench: &Bench, statements: &[&str]) {
    for sql in statements {
        let done = bench.observe(&Sql, json!({"sql": sql, "writes": true}));
        let done = done.await.unwrap();
        assert!(!done.facts.contains_key("error"), "{sql}: {:?}", done.facts);
    }
}

async fn value(bench: &Bench, sql: &str) -> Value {
    let seen = bench.observe(&Sql, json!({"sql": sql})).await.unwrap();
    let row = seen.facts["rows"].as_list().unwrap()[0].as_map().unwrap();
    row.values().next().unwrap().clone()
}

/// The scratch databases that are there.
async fn scratches(server: &PostgresServer) -> i64 {
    let sql = "select count(*) as n from pg_database where datname like 'gonogo_scratch_%'";
    let n = value(&Bench::postgres(&server.url()), sql).await;
    n.as_int().unwrap()
}

async fn look(bench: &Bench, options: Json) -> Seen {
    bench.observe(&Backup, options).await.unwrap()
}

async fn refused(bench: &Bench, options: Json) -> NotObserved {
    bench.observe(&Backup, options).await.unwrap_err()
}

fn fact<'a>(seen: &'a Seen, name: &str) -> &'a Value {
    seen.facts
        .get(name)
        .unwrap_or_else(|| panic!("no {name} in {:?}", seen.facts))
}

fn differences(seen: &Seen) -> Vec<String> {
    let list = fact(seen, "differences").as_list().unwrap();
    list.iter()
        .map(|d| d.get("text").unwrap().as_str().unwrap().to_owned())
        .collect()
}

/// Makes a dump of a database with `pg_dump`; gives its path.
#[expect(clippy::disallowed_methods, reason = "a dump is made by a program")]
fn dumped(server: &PostgresServer, database: &str, folder: &Path, format: &str) -> PathBuf {
    let path = folder.join(format!("{database}.{format}"));
    let done = Command::new("pg_dump")
        .args(["-h", "127.0.0.1", "-U", USER, "-F", format])
        .args(["-p", &server.port().to_string(), "-f"])
        .arg(&path)
        .arg(database)
        .env("PGPASSWORD", PASSWORD)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    path
}

fn at(path: &Path) -> Json {
    json!({"backup": path.to_str().unwrap()})
}

fn restored(path: &Path) -> Json {
    json!({"backup": path.to_str().unwrap(), "restore": true})
}

#[expect(clippy::disallowed_methods, reason = "tests make files")]
fn put(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}
