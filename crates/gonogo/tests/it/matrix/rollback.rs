//! The row of `rollback`: dry, and where it can go wrong only then, live.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::git::{git_that, made_shallow, released, without_objects};
use super::{Cell, Fault, Kind, NO_CLOCK, PANIC, hold};
use crate::rig::{Scripted, answer};

/// What people write without much thought; true of nothing at all.
const NONE: &str = "size(one_way) == 0";
const BACK: &str = "within_objective";

fn told<E>(case: Case<E>, revision: &str, options: Json) -> Case<E> {
    let folder = case.folder().join("release/db");
    std::fs::create_dir_all(&folder).expect("a folder");
    let case = case.target("release: { repository: release }");
    case.check("rollback", json!(revision), options, &[NONE])
}

fn dry(name: &'static str, ends: &'static str, revision: &str) -> Case<Fails> {
    told(released(Case::new(name, ends)), revision, options())
}

/// Migrations that the release brought, in the folder that all of these look at.
fn with_migration<E>(case: Case<E>, name: &str, text: impl AsRef<[u8]>) -> Case<E> {
    let release = case.folder().join("release");
    std::fs::create_dir_all(release.join("db")).expect("a folder");
    std::fs::write(release.join("db").join(name), text).expect("a file");
    super::git::git(&release, &["add", "."]);
    super::git::git(&release, &["commit", "-qm", "third"]);
    case
}

fn options() -> Json {
    json!({"migrations": "db"})
}

fn pretended(name: &'static str, script: &str) -> Case<Fails> {
    let case = with_migration(released(Case::new(name, "error")), "1_a.sql", "select 1;");
    git_that(told(case, "v1", options()), script)
}

/// A live drill whose commands do this, and whose service is at this address.
fn live<E>(case: Case<E>, commands: Json, url: &str) -> Case<E> {
    let target = format!("release: {{ repository: release }}\n      api: {{ http: '{url}' }}");
    let options = json!({
        "mode": "live",
        "commands": commands,
        "objective": "1s",
        "health": "GET /health",
    });
    released(case)
        .target(target)
        .with(&["--allow", "exec"])
        .check("rollback", json!("v1"), options, &[BACK])
}

fn gone(name: &'static str, ends: &'static str, service: Scripted) -> Case<Fails> {
    let url = service.url();
    live(Case::new(name, ends), json!([["true"]]), &url).keep(service)
}

fn command(name: &'static str, command: Json) -> Case<Fails> {
    let service = Scripted::json(200, "{}");
    let url = service.url();
    live(Case::new(name, "fail"), json!([command]), &url).keep(service)
}

fn cell(fault: Fault) -> Cell {
    Cell::Runs(match fault {
        Fault::NoData => vec![
            dry("no such revision", "error", "v9"),
            told(Case::new("no repository", "error"), "v1", options()),
            dry("the revision that is left", "error", "HEAD"),
            told(
                released(Case::new("no such folder of migrations", "error")),
                "v1",
                json!({"migrations": "absent"}),
            ),
            told(
                with_migration(
                    released(Case::new("nowhere to go", "inconclusive")),
                    "1_a.sql",
                    "select 1;",
                ),
                "HEAD",
                options(),
            ),
        ],
        Fault::NotANumber | Fault::Infinite => {
            return Cell::Cannot(
                "what is found are names, places and times that are measured here",
            );
        }
        Fault::Empty => vec![
            told(
                with_migration(
                    released(Case::new("a migration that cannot be read", "fail")),
                    "1_a.sql",
                    "(",
                ),
                "v1",
                options(),
            ),
            gone("an empty answer", "fail", Scripted::start(vec![Vec::new()])),
        ],
        Fault::Timeout => vec![
            pretended("git hangs", "exec sleep 600").timeout("1s"),
            command(
                "a command hangs",
                json!({"run": ["sleep", "600"], "timeout": "200ms"}),
            ),
        ],
        Fault::Refused => vec![live(
            Case::new("nobody answers", "fail"),
            json!([["true"]]),
            &crate::rig::refusing(),
        )],
        Fault::Dns => vec![live(
            Case::new("no such name", "fail"),
            json!([["true"]]),
            "http://no-such-host.invalid",
        )],
        Fault::Tls => {
            let service = Scripted::json(200, "{}");
            let url = service.url().replace("http:", "https:");
            vec![live(Case::new("no TLS", "fail"), json!([["true"]]), &url).keep(service)]
        }
        Fault::RedirectLoop => {
            let redirect = b"HTTP/1.1 302 X\r\nLocation: /health\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            vec![gone(
                "redirects",
                "fail",
                Scripted::start(vec![redirect.to_vec()]),
            )]
        }
        Fault::Truncated => vec![
            pretended("git is killed", "kill -9 $$"),
            told(
                made_shallow(with_migration(
                    released(Case::new("a shallow clone", "error")),
                    "1_a.sql",
                    "",
                )),
                "v1",
                options(),
            ),
            told(
                without_objects(with_migration(
                    released(Case::new("all objects are lost", "error")),
                    "1_a.sql",
                    "",
                )),
                "v1",
                options(),
            ),
            command("a command is killed", json!(["sh", "-c", "kill -9 $$"])),
        ],
        Fault::WrongType => vec![
            pretended("git says something else", "echo '<html>'"),
            told(
                with_migration(
                    released(Case::new("no text", "fail")),
                    "1_a.sql",
                    [0xff, 0xfe, 0],
                ),
                "v1",
                options(),
            ),
            gone(
                "an error for health",
                "fail",
                Scripted::start(vec![answer(500, "text/html", b"<html>")]),
            ),
        ],
        Fault::Overflow => vec![
            told(
                with_migration(
                    released(Case::new("a migration that is too large", "fail")),
                    "1_a.sql",
                    vec![b' '; 5 << 20],
                ),
                "v1",
                options(),
            ),
            pretended("git never stops", "exec cat /dev/zero"),
        ],
        Fault::ToolAbsent => {
            let case = dry("no git", "error", "v1");
            let nowhere = case.folder().join("nowhere").display().to_string();
            vec![
                case.path(nowhere),
                command("no such program", json!(["no-such-program-here"])),
            ]
        }
        Fault::Denied => vec![command(
            "a program that may not be run",
            json!(["/etc/hostname"]),
        )],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => return NO_CLOCK,
    })
}

#[test]
fn no_fault_of_a_way_back_is_a_pass() {
    let fine = "create table a (id bigint primary key);";
    let healthy = with_migration(released(Case::healthy()), "1_a.sql", fine);
    hold(Kind::Rollback, told(healthy, "v1", options()), cell);
}

#[test]
fn a_live_drill_that_leads_back_passes() {
    let service = Scripted::json(200, "{}");
    let url = service.url();
    let healthy = live(Case::healthy(), json!([["true"]]), &url).keep(service);
    healthy.run().unwrap();
}
