//! The rows of `schema`, `capacity` and `backup`: healthy on SQLite, and what a network does to PostgreSQL's address.

use std::io::Write as _;

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::target::{NO_SUCH_HOST, Target};
use super::{Cell, Fault, Kind, NO_CLOCK, NO_REDIRECT, PANIC, hold};
use crate::rig::refusing;

/// What a row asks, and what somebody would expect of it without much thought.
#[derive(Clone, Copy)]
struct Row {
    key: &'static str,
    asked: fn() -> Json,
    expect: &'static str,
}

impl Row {
    fn of<E>(self, case: Case<E>, target: String, timeout: &str) -> Case<E> {
        let options = json!({"timeout": timeout});
        case.target(target)
            .check(self.key, (self.asked)(), options, &[self.expect])
    }

    fn file<E>(self, case: Case<E>) -> Case<E> {
        self.of(case, "db: { sqlite: db.sqlite }".to_owned(), "20s")
    }

    fn made<E>(self, case: Case<E>) -> Case<E> {
        let file = Connection::open(case.folder().join("db.sqlite")).expect("a database");
        file.execute_batch("create table numbers (n integer); insert into numbers values (1), (2)")
            .expect("a table");
        drop(file);
        self.file(case)
    }

    fn at(self, name: &'static str, url: &str, timeout: &str) -> Case<Fails> {
        let target = format!("db: {{ postgres: '{url}' }}");
        self.of(Case::new(name, "error"), target, timeout)
    }

    fn meeting(self, name: &'static str, target: &Target, more: &str) -> Case<Fails> {
        let url = format!("postgres://gonogo@{}/postgres{more}", target.address());
        self.at(name, &url, "3s")
    }

    fn cell(self, fault: Fault) -> Cell {
        Cell::Runs(match fault {
            Fault::NoData => vec![self.file(Case::new("no file", "error"))],
            Fault::NotANumber | Fault::Infinite => {
                return Cell::Cannot("what is counted here are whole numbers and names");
            }
            Fault::Empty => {
                let case = Case::new("a folder in place of a file", "error");
                std::fs::create_dir(case.folder().join("db.sqlite")).expect("a folder");
                vec![self.file(case)]
            }
            Fault::Timeout => {
                vec![self.meeting("a server that says nothing", &Target::stuck_after(b""), "")]
            }
            Fault::Refused => {
                let nobody = refusing().replace("http://", "postgres://gonogo@");
                vec![self.at("nobody listens", &nobody, "5s")]
            }
            Fault::Dns => {
                let nowhere = format!("postgres://gonogo@{NO_SUCH_HOST}/postgres");
                vec![self.at("no such name", &nowhere, "3s")]
            }
            Fault::Tls => {
                let plain = Target::always(b"N".to_vec());
                vec![self.meeting("no TLS there", &plain, "?sslmode=require")]
            }
            Fault::RedirectLoop => return NO_REDIRECT,
            Fault::Truncated => {
                // `AuthenticationOk`, and then the connection ends.
                let hung_up = Target::on_connection(|mut stream| {
                    let mut first = [0u8; 8];
                    let _asked = std::io::Read::read(&mut stream, &mut first).is_ok();
                    let _closed = stream.write_all(b"R\0\0\0\x08\0\0\0\0").is_err();
                });
                vec![self.meeting("the sign-in breaks off", &hung_up, "")]
            }
            Fault::WrongType => {
                let page = Target::always(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
                let case = Case::new("no database", "error");
                let html = b"<html>maintenance</html>".repeat(100);
                std::fs::write(case.folder().join("db.sqlite"), html).expect("a file");
                vec![self.meeting("not PostgreSQL", &page, ""), self.file(case)]
            }
            Fault::Overflow => {
                return Cell::Cannot("sizes and counts have 64 bits on both sides");
            }
            Fault::ToolAbsent if self.key == "backup" => {
                return Cell::Elsewhere(
                    "backup::without_pg_dump_or_with_an_older_one_there_is_no_evidence_but_a_way_on",
                );
            }
            Fault::ToolAbsent => return Cell::Cannot("the client is built in, it needs no tool"),
            Fault::Denied => {
                let case = self.made(Case::new("a file that may not be read", "error"));
                super::files::forbid(&case.folder().join("db.sqlite"));
                vec![case.by_ordinary_user()]
            }
            Fault::Panic => return PANIC,
            Fault::ClockSkew => return NO_CLOCK,
        })
    }

    fn hold(self, kind: Kind) {
        hold(kind, self.made(Case::healthy()), |fault| self.cell(fault));
    }
}

#[test]
fn no_fault_of_a_schema_is_a_pass() {
    let row = Row {
        key: "schema",
        asked: || json!("main"),
        expect: "counts.tables < 100",
    };
    row.hold(Kind::Schema);
}

#[test]
fn no_fault_of_the_sizes_of_a_database_is_a_pass() {
    let row = Row {
        key: "capacity",
        asked: || json!("database"),
        expect: "database.bytes < 1000000000",
    };
    row.hold(Kind::Capacity);
}

#[test]
fn no_fault_of_a_backup_is_a_pass() {
    let row = Row {
        key: "backup",
        asked: || json!("take"),
        expect: "size < 1000000000",
    };
    row.hold(Kind::Backup);
}
