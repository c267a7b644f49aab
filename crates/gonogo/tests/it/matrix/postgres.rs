//! The row of `sql` on PostgreSQL, with a server of the test's own.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::target::{NO_SUCH_HOST, Target};
use super::{Cell, Fault, Kind, NO_CLOCK, NO_REDIRECT, PANIC, hold};
use crate::rig::refusing;

const ALL: &str = "rows.all(r, r.n >= 0)";

/// A server of its own on a free port of loopback, stopped and removed at the end.
struct Server {
    programs: PathBuf,
    folder: String,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let programs = newest_programs().expect(
            "this test needs PostgreSQL: apt-get install -y --no-install-recommends postgresql",
        );
        let folder = out(as_owner("mktemp").args(["-d", "/tmp/gonogo-matrix-XXXXXX"]));
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let server = Self {
            programs,
            folder,
            port,
        };
        let data = format!("{}/data", server.folder);
        out(as_owner(&server.program("initdb")).args([
            "-D", &data, "-U", "gonogo", "-A", "trust", "-N", "-E", "UTF8",
        ]));
        let options = format!(
            "-F -c listen_addresses=127.0.0.1 -p {port} -k {}",
            server.folder
        );
        let log = format!("{}/log", server.folder);
        out(as_owner(&server.program("pg_ctl"))
            .args(["-D", &data, "-w", "-l", &log, "-o", &options, "start"]));
        let setup = "create table numbers (n integer); insert into numbers values (1), (2), (3);
             create table nothing (n integer); create role stranger login;
             create role nologin nologin;";
        let mut psql = Command::new(server.program("psql"));
        psql.args([
            "-qX",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            setup,
            &server.url("gonogo"),
        ]);
        out(&mut psql);
        server
    }

    fn program(&self, name: &str) -> String {
        self.programs.join(name).display().to_string()
    }

    fn url(&self, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/postgres", self.port)
    }

    fn asking<E>(&self, case: Case<E>, sql: &str, options: Json, expect: &str) -> Case<E> {
        asking(case, &self.url("gonogo"), sql, options, expect)
    }

    fn case(&self, name: &'static str, ends: &'static str, sql: &str, expect: &str) -> Case<Fails> {
        self.asking(Case::new(name, ends), sql, json!({}), expect)
    }

    fn cell(&self, fault: Fault) -> Cell {
        let few = "rows.all(r, r.n < 100.0)";
        let least = "rows.all(r, r.n >= 0.0)";
        Cell::Runs(match fault {
            Fault::NoData => vec![
                self.case(
                    "no such row",
                    "inconclusive",
                    "select n from numbers where n > 9",
                    ALL,
                ),
                self.case(
                    "its first row",
                    "inconclusive",
                    "select n from numbers where n > 9",
                    "rows[0].n < 9",
                ),
                self.case("a null", "fail", "select max(n) as n from nothing", ALL),
            ],
            Fault::NotANumber => vec![
                self.case("a double", "error", "select 'NaN'::float8 as n", few),
                self.case("a real", "error", "select 'NaN'::float4 as n", least),
                self.case(
                    "a double, negated",
                    "error",
                    "select 'NaN'::float8 as n",
                    "!(rows[0].n > 100.0)",
                ),
                self.case("a numeric", "error", "select 'NaN'::numeric as n", few),
            ],
            Fault::Infinite => vec![
                self.case("a double", "error", "select '-Infinity'::float8 as n", few),
                self.case(
                    "above a floor",
                    "error",
                    "select 'Infinity'::float8 as n",
                    least,
                ),
                self.case(
                    "a numeric",
                    "error",
                    "select '-Infinity'::numeric as n",
                    few,
                ),
                self.case(
                    "an instant",
                    "fail",
                    "select 'infinity'::timestamptz as n",
                    "rows.all(r, r.n > timestamp('2020-01-01T00:00:00Z'))",
                ),
                self.case(
                    "a day",
                    "fail",
                    "select '-infinity'::date as n",
                    "rows.all(r, r.n < timestamp('2020-01-01T00:00:00Z'))",
                ),
            ],
            Fault::Empty => vec![self.case(
                "an empty table",
                "inconclusive",
                "select n from nothing",
                ALL,
            )],
            Fault::Timeout => vec![
                self.asking(
                    Case::new("a slow statement", "error"),
                    "select pg_sleep(600), 1 as n",
                    json!({"timeout": "1s"}),
                    ALL,
                ),
                at(
                    "a server that says nothing",
                    &Target::stuck_after(b""),
                    json!({"timeout": "1s"}),
                ),
            ],
            Fault::Refused => {
                let nobody = refusing().replace("http://", "postgres://gonogo@");
                vec![
                    asking(
                        Case::new("nobody listens", "error"),
                        &nobody,
                        "select 1 as n",
                        json!({}),
                        ALL,
                    ),
                    asking(
                        Case::new("no socket", "error"),
                        "postgres://gonogo@/postgres?host=/no/such/folder",
                        "select 1 as n",
                        json!({}),
                        ALL,
                    ),
                ]
            }
            Fault::Dns => vec![asking(
                Case::new("no such name", "error"),
                &format!("postgres://gonogo@{NO_SUCH_HOST}/postgres"),
                "select 1 as n",
                json!({"timeout": "3s"}),
                ALL,
            )],
            Fault::Tls => {
                let url = format!("{}?sslmode=require", self.url("gonogo"));
                vec![asking(
                    Case::new("no TLS there", "error"),
                    &url,
                    "select 1 as n",
                    json!({}),
                    ALL,
                )]
            }
            Fault::RedirectLoop => return NO_REDIRECT,
            Fault::Truncated => self.truncated(),
            Fault::WrongType => {
                let page = Target::always(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec());
                vec![
                    at("not PostgreSQL", &page, json!({"timeout": "5s"})),
                    self.case("a text for a number", "fail", "select 'many' as n", ALL),
                    self.case("a truth for a number", "fail", "select true as n", ALL),
                ]
            }
            Fault::Overflow => vec![
                self.case(
                    "a sum",
                    "fail",
                    "select 9223372036854775807 + n as n from numbers",
                    ALL,
                ),
                self.case(
                    "a numeric beyond a double",
                    "fail",
                    "select '1e400'::numeric as n",
                    few,
                ),
                self.case(
                    "in the expectation",
                    "error",
                    "select 9223372036854775807 as n",
                    "rows[0].n + 1 > 0",
                ),
            ],
            Fault::ToolAbsent => vec![asking(
                Case::new("no such database", "error"),
                &self.url("gonogo").replace("/postgres", "/absent"),
                "select 1 as n",
                json!({}),
                ALL,
            )],
            Fault::Denied => vec![
                asking(
                    Case::new("no right to the table", "fail"),
                    &self.url("stranger"),
                    "select n from numbers",
                    json!({}),
                    ALL,
                ),
                asking(
                    Case::new("no right, and no row is wanted", "fail"),
                    &self.url("stranger"),
                    "select n from numbers",
                    json!({}),
                    "size(rows) == 0",
                ),
                asking(
                    Case::new("no such role", "error"),
                    &self.url("nobody"),
                    "select 1 as n",
                    json!({}),
                    ALL,
                ),
                asking(
                    Case::new("a role that may not sign in", "error"),
                    &self.url("nologin"),
                    "select 1 as n",
                    json!({}),
                    ALL,
                ),
            ],
            Fault::Panic => return PANIC,
            Fault::ClockSkew => return NO_CLOCK,
        })
    }

    fn truncated(&self) -> Vec<Case<Fails>> {
        // `AuthenticationOk`, and then the connection ends.
        let hung_up = Target::on_connection(|mut stream| {
            let mut first = [0u8; 8];
            let _asked = std::io::Read::read(&mut stream, &mut first).is_ok();
            let _closed = stream.write_all(b"R\0\0\0\x08\0\0\0\0").is_err();
        });
        vec![
            at("the sign-in breaks off", &hung_up, json!({"timeout": "5s"})),
            self.case(
                "the session is ended from outside",
                "error",
                "select pg_terminate_backend(pg_backend_pid()), 1 as n",
                ALL,
            ),
            self.asking(
                Case::new("cut at our own cap", "error"),
                "select n from numbers",
                json!({"max_rows": 2}),
                ALL,
            ),
        ]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = format!("{}/data", self.folder);
        drop(
            as_owner(&self.program("pg_ctl"))
                .args(["-D", &data, "-m", "immediate", "stop"])
                .output(),
        );
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn asking<E>(case: Case<E>, url: &str, sql: &str, options: Json, expect: &str) -> Case<E> {
    case.target(format!("db: {{ postgres: '{url}' }}"))
        .check("sql", json!(sql), options, &[expect])
}

/// Something else at the server's address.
fn at(name: &'static str, target: &Target, options: Json) -> Case<Fails> {
    let url = format!("postgres://gonogo@{}/postgres", target.address());
    asking(
        Case::new(name, "error"),
        &url,
        "select 1 as n",
        options,
        ALL,
    )
}

fn newest_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let number = |programs: &PathBuf| -> Option<u32> {
        programs.parent()?.file_name()?.to_str()?.parse().ok()
    };
    versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|folder| folder.join("pg_ctl").exists())
        .max_by_key(number)
}

/// A command as somebody whom the server lets be its owner: not root.
fn as_owner(program: &str) -> Command {
    if out(Command::new("id").arg("-u")) != "0" {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command
        .args(["-u", "postgres", "--", program])
        .current_dir("/");
    command
}

fn out(command: &mut Command) -> String {
    let ended = command.output().expect("it starts");
    assert!(
        ended.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
    String::from_utf8_lossy(&ended.stdout).trim().to_owned()
}

#[test]
fn no_fault_of_a_postgresql_database_is_a_pass() {
    let server = Server::start();
    let healthy = server.asking(Case::healthy(), "select n from numbers", json!({}), ALL);
    hold(Kind::Postgres, healthy, |fault| server.cell(fault));
}
