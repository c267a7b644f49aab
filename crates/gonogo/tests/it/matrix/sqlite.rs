//! The row of `sql` on SQLite.

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::{Cell, Fault, Kind, NO_CLOCK, NO_NETWORK, NO_REDIRECT, PANIC, hold};

const ALL: &str = "rows.all(r, r.n >= 0)";

/// A database with a table of three numbers, an empty table, and a check of a statement.
fn asked<E>(case: Case<E>, sql: &str, options: Json, expect: &str) -> Case<E> {
    let file = Connection::open(case.folder().join("db.sqlite")).expect("a database");
    file.execute_batch(
        "create table numbers (n integer); insert into numbers values (1), (2), (3);
         create table vacant (n integer);",
    )
    .expect("tables");
    drop(file);
    looking(case, sql, options, expect)
}

fn looking<E>(case: Case<E>, sql: &str, options: Json, expect: &str) -> Case<E> {
    case.target("db: { sqlite: db.sqlite }")
        .check("sql", json!(sql), options, &[expect])
}

fn case(name: &'static str, ends: &'static str, sql: &str, expect: &str) -> Case<Fails> {
    asked(Case::new(name, ends), sql, json!({}), expect)
}

/// The file holds these bytes.
fn file(name: &'static str, ends: &'static str, bytes: &[u8]) -> Case<Fails> {
    let case = Case::new(name, ends);
    std::fs::write(case.folder().join("db.sqlite"), bytes).expect("a file");
    looking(case, "select n from numbers", json!({}), ALL)
}

fn cell(fault: Fault) -> Cell {
    let few = "rows.all(r, r.n < 100.0)";
    Cell::Runs(match fault {
        Fault::NoData => vec![
            case(
                "no such row",
                "inconclusive",
                "select n from numbers where n > 9",
                ALL,
            ),
            case(
                "its first row",
                "inconclusive",
                "select n from numbers where n > 9",
                "rows[0].n < 9",
            ),
            case("a null", "fail", "select max(n) as n from vacant", ALL),
            looking(
                Case::new("no file", "error"),
                "select 1 as n",
                json!({}),
                ALL,
            ),
        ],
        // SQLite has no NaN: it becomes null.
        Fault::NotANumber => vec![
            case("0 / 0", "fail", "select 0.0 / 0.0 as n", ALL),
            case(
                "inf - inf",
                "fail",
                "select 9e999 - 9e999 as n",
                "!(rows[0].n > 100.0)",
            ),
            case("a text", "fail", "select 'NaN' as n", ALL),
        ],
        Fault::Infinite => vec![
            case("-inf", "error", "select -9e999 as n", few),
            case("inf", "error", "select 9e999 as n", ALL),
        ],
        Fault::Empty => vec![
            case(
                "an empty table",
                "inconclusive",
                "select n from vacant",
                ALL,
            ),
            file("an empty file", "fail", b""),
        ],
        Fault::Timeout => vec![endless(), locked()],
        Fault::Refused => vec![
            case("no such table", "fail", "select n from absent", ALL),
            case(
                "no such table, and none is wanted",
                "fail",
                "select n from absent",
                "size(rows) == 0",
            ),
        ],
        Fault::Dns | Fault::Tls => return NO_NETWORK,
        Fault::RedirectLoop => return NO_REDIRECT,
        Fault::Truncated => vec![
            cut_in_half(),
            asked(
                Case::new("cut at our own cap", "error"),
                "select n from numbers",
                json!({"max_rows": 2}),
                ALL,
            ),
        ],
        Fault::WrongType => vec![
            case("a text for a number", "fail", "select 'many' as n", ALL),
            case("a blob for a number", "fail", "select x'00ff' as n", ALL),
            file(
                "no database",
                "error",
                &b"<html>maintenance</html>".repeat(100),
            ),
        ],
        Fault::Overflow => vec![
            case(
                "a sum",
                "fail",
                "select sum(x) as n from (select 9223372036854775807 as x union all select 1)",
                ALL,
            ),
            case(
                "an absolute value",
                "fail",
                "select abs(-9223372036854775807 - 1) as n",
                ALL,
            ),
            case(
                "in the expectation",
                "error",
                "select 9223372036854775807 as n",
                "rows[0].n + 1 > 0",
            ),
        ],
        Fault::ToolAbsent => return Cell::Cannot("SQLite is built in, it needs no tool"),
        Fault::Denied => vec![
            unreadable(),
            case(
                "a write where only reading is allowed",
                "error",
                "pragma user_version = 3",
                "size(rows) == 0",
            ),
        ],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => return NO_CLOCK,
    })
}

fn endless() -> Case<Fails> {
    let sql =
        "with recursive c(n) as (select 1 union all select n + 1 from c) select max(n) as n from c";
    asked(
        Case::new("an endless statement", "error"),
        sql,
        json!({"timeout": "1s"}),
        ALL,
    )
}

fn locked() -> Case<Fails> {
    let case = asked(
        Case::new("locked by another", "error"),
        "select n from numbers",
        json!({"timeout": "1s"}),
        ALL,
    );
    let other = Connection::open(case.folder().join("db.sqlite")).expect("a database");
    other.execute_batch("begin exclusive").expect("a lock");
    case.keep(other)
}

fn cut_in_half() -> Case<Fails> {
    let case = Case::new("half a file", "error");
    let path = case.folder().join("db.sqlite");
    let made = Connection::open(&path).expect("a database");
    made.execute_batch(
        "create table numbers (n integer);
         with recursive c(n) as (select 1 union all select n + 1 from c where n < 5000)
         insert into numbers select n from c;",
    )
    .expect("a table");
    drop(made);
    let bytes = std::fs::read(&path).expect("the file");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("half of it");
    looking(
        case,
        "select n from numbers",
        json!({"max_rows": 9999}),
        ALL,
    )
}

fn unreadable() -> Case<Fails> {
    let case = asked(
        Case::new("a file that may not be read", "error"),
        "select n from numbers",
        json!({}),
        ALL,
    );
    super::files::forbid(&case.folder().join("db.sqlite"));
    case.by_ordinary_user()
}

#[test]
fn no_fault_of_a_sqlite_database_is_a_pass() {
    let healthy = asked(Case::healthy(), "select n from numbers", json!({}), ALL);
    hold(Kind::Sqlite, healthy, cell);
}
