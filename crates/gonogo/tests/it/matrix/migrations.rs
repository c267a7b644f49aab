//! The row of `migrations`.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::git::{git, git_that};
use super::{Cell, Fault, Kind, NO_CLOCK, NO_NETWORK, NO_REDIRECT, PANIC, hold};

/// What people write without much thought; true of nothing at all.
const NONE: &str = "size(blocking) == 0";
const FINE: &str = "create table a (id bigint primary key);\n";

fn read<E>(case: Case<E>, below: &str, options: Json) -> Case<E> {
    case.target("release: { repository: release }").check(
        "migrations",
        json!(below),
        options,
        &[NONE],
    )
}

/// A folder with one migration that nothing is to be said against.
fn one<E>(case: Case<E>, options: Json) -> Case<E> {
    write(&case, "1_a.sql", FINE);
    read(case, "db", options)
}

fn write<E>(case: &Case<E>, name: &str, text: impl AsRef<[u8]>) {
    let folder = case.folder().join("release/db");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(name), text).expect("a file");
}

/// Two commits, the second with the migration.
fn in_git<E>(case: Case<E>) -> Case<E> {
    let case = one(case, json!({"from": "HEAD~1"}));
    let folder = case.folder().join("release");
    git(&folder, &["init", "-q"]);
    git(&folder, &["commit", "-qm", "first", "--allow-empty"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "-qm", "second"]);
    case
}

fn pretended(name: &'static str, script: &str) -> Case<Fails> {
    git_that(in_git(Case::new(name, "error")), script)
}

fn cell(fault: Fault) -> Cell {
    const COMMIT: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    Cell::Runs(match fault {
        Fault::NoData => {
            let case = Case::new("no such folder", "error");
            let elsewhere = one(Case::new("no such folder below", "error"), json!({}));
            let nothing_new = in_git(Case::new("nothing is new", "inconclusive"));
            vec![
                read(case, "db", json!({})),
                read(elsewhere, "absent", json!({})),
                read(nothing_new, "db", json!({"from": "HEAD"})),
                read(
                    in_git(Case::new("no such revision", "error")),
                    "db",
                    json!({"from": "v0"}),
                ),
            ]
        }
        Fault::NotANumber | Fault::Infinite => {
            return Cell::Cannot("what is found are places and counts that are made here");
        }
        Fault::Empty => vec![empty_folder(), only_other_files(), empty_way_up()],
        Fault::Timeout => vec![pretended("git hangs", "exec sleep 600").timeout("1s")],
        Fault::Refused | Fault::Dns | Fault::Tls => return NO_NETWORK,
        Fault::RedirectLoop => return NO_REDIRECT,
        Fault::Truncated => vec![
            pretended("git is killed", "kill -9 $$"),
            pretended(
                "git lists and then breaks off",
                &format!(
                    "case \"$*\" in *rev-parse*) echo {COMMIT};; *ls-tree*) printf '100644 blob {COMMIT}\\tdb/1_a.sql\\000'; kill -9 $$;; esac"
                ),
            ),
            lost_object(),
        ],
        Fault::WrongType => vec![
            a_file_for_a_folder(),
            pretended("git says something else", "echo '<html>'"),
            broken("no SQL", b"<html>"),
            broken("no text", &[0xff, 0xfe, 0]),
        ],
        Fault::Overflow => vec![broken("too large", &vec![b' '; 5 << 20]), too_many()],
        Fault::ToolAbsent => {
            let case = in_git(Case::new("no git", "error"));
            let nowhere = case.folder().join("nowhere").display().to_string();
            vec![
                case.path(nowhere),
                one(Case::new("no history", "error"), json!({"from": "HEAD~1"})),
            ]
        }
        Fault::Denied => vec![unreadable()],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => return NO_CLOCK,
    })
}

fn empty_folder() -> Case<Fails> {
    let case = Case::new("an empty folder", "inconclusive");
    std::fs::create_dir_all(case.folder().join("release/db")).expect("a folder");
    read(case, "db", json!({}))
}

fn only_other_files() -> Case<Fails> {
    let case = Case::new("a folder without SQL", "inconclusive");
    write(&case, "readme.md", "none yet");
    read(case, "db", json!({}))
}

/// All of it stands after the mark of the way down.
fn empty_way_up() -> Case<Fails> {
    let case = Case::new("a file that cannot be read", "fail");
    write(
        &case,
        "1_a.sql",
        "-- migrate:up\n(\n-- migrate:down\nselect 1;\n",
    );
    read(case, "db", json!({}))
}

fn lost_object() -> Case<Fails> {
    let case = in_git(Case::new("all objects are lost", "error"));
    let objects = case.folder().join("release/.git/objects");
    for folder in std::fs::read_dir(objects).expect("objects").flatten() {
        std::fs::remove_dir_all(folder.path()).expect("it is gone");
    }
    case
}

fn a_file_for_a_folder() -> Case<Fails> {
    let case = Case::new("a file for a folder", "error");
    std::fs::create_dir(case.folder().join("release")).expect("a folder");
    std::fs::write(case.folder().join("release/db"), "x").expect("a file");
    read(case, "db", json!({}))
}

fn broken(name: &'static str, bytes: &[u8]) -> Case<Fails> {
    let case = one(Case::new(name, "fail"), json!({}));
    write(&case, "2_b.sql", bytes);
    case
}

fn too_many() -> Case<Fails> {
    let case = one(Case::new("more files than are read", "error"), json!({}));
    for n in 0..10_001 {
        write(&case, &format!("{n}_x.sql"), "");
    }
    case
}

fn unreadable() -> Case<Fails> {
    let case = one(Case::new("a file that may not be read", "error"), json!({}));
    super::files::forbid(&case.folder().join("release/db/1_a.sql"));
    case.by_ordinary_user()
}

#[test]
fn no_fault_of_reading_migrations_is_a_pass() {
    hold(Kind::Migrations, in_git(Case::healthy()), cell);
}
