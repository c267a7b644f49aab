//! The row of `git`, repositories for all rows that look into one, and programs that only call themselves `git`.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::{Cell, Fault, Kind, NO_CLOCK, NO_NETWORK, NO_REDIRECT, PANIC, hold};
pub(super) use crate::rig::git;

/// What people write without much thought; true of nothing at all.
const CLEAN: &str = "size(dirty) == 0";
const COMPLETE: &str = "files.all(path, files[path].exists)";
const SMALL: &str = "size(changed) < 100";

fn look<E>(case: Case<E>, revision: &str, options: Json, expect: &str) -> Case<E> {
    case.target("release: { repository: release }").check(
        "git",
        json!(revision),
        options,
        &[expect],
    )
}

/// A repository of two commits, the first tagged.
pub(super) fn released<E>(case: Case<E>) -> Case<E> {
    let folder = case.folder().join("release");
    std::fs::create_dir_all(folder.join("docs")).expect("a folder");
    git(&folder, &["init", "-q"]);
    std::fs::write(folder.join("docs/a.md"), "a").expect("a file");
    std::fs::write(folder.join("main.rs"), "fn main() {}").expect("a file");
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "-qm", "first"]);
    git(&folder, &["tag", "v1"]);
    std::fs::write(folder.join("main.rs"), "fn main() { two() }").expect("a file");
    git(&folder, &["commit", "-qam", "second"]);
    case
}

fn case(name: &'static str, ends: &'static str, options: Json, expect: &str) -> Case<Fails> {
    look(released(Case::new(name, ends)), "HEAD", options, expect)
}

fn pretended(name: &'static str, script: &str) -> Case<Fails> {
    git_that(case(name, "error", json!({}), CLEAN), script)
}

fn cell(fault: Fault) -> Cell {
    const COMMIT: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    Cell::Runs(match fault {
        Fault::NoData => vec![
            look(
                Case::new("no such folder", "error"),
                "HEAD",
                json!({}),
                CLEAN,
            ),
            look(
                released(Case::new("no such revision", "error")),
                "v2",
                json!({}),
                CLEAN,
            ),
            case(
                "no such earlier one",
                "error",
                json!({"since": "v0"}),
                SMALL,
            ),
            case(
                "no such file",
                "fail",
                json!({"files": [{"path": "absent"}]}),
                COMPLETE,
            ),
            case(
                "no tag at it",
                "inconclusive",
                json!({}),
                "tags.all(t, t != 'x')",
            ),
        ],
        Fault::NotANumber | Fault::Infinite => {
            return Cell::Cannot("what is found are names, places and counts that are made here");
        }
        Fault::Empty => vec![no_commits(), bare()],
        Fault::Timeout => vec![pretended("git hangs", "exec sleep 600").timeout("1s")],
        Fault::Refused | Fault::Dns | Fault::Tls => return NO_NETWORK,
        Fault::RedirectLoop => return NO_REDIRECT,
        Fault::Truncated => vec![
            pretended("git is killed", "kill -9 $$"),
            pretended(
                "git answers and then breaks off",
                &format!("case \"$*\" in *rev-parse*) echo {COMMIT};; *) kill -9 $$;; esac"),
            ),
            shallow(),
            lost_objects(),
        ],
        Fault::WrongType => vec![
            pretended("git says something else", "echo '<html>'"),
            case(
                "a folder for a file",
                "fail",
                json!({"files": [{"path": "docs"}]}),
                "files['docs'].size < 100",
            ),
        ],
        Fault::Overflow => vec![pretended("git never stops", "exec cat /dev/zero")],
        Fault::ToolAbsent => {
            let case = case("no git", "error", json!({}), CLEAN);
            let nowhere = case.folder().join("nowhere").display().to_string();
            vec![case.path(nowhere)]
        }
        Fault::Denied => vec![unreadable()],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => return NO_CLOCK,
    })
}

fn no_commits() -> Case<Fails> {
    let case = Case::new("a repository without commits", "error");
    let folder = case.folder().join("release");
    std::fs::create_dir(&folder).expect("a folder");
    git(&folder, &["init", "-q"]);
    look(case, "HEAD", json!({}), CLEAN)
}

/// Nothing is checked out, so nothing can be dirty.
fn bare() -> Case<Fails> {
    let case = released(Case::new("a bare repository", "fail"));
    let whole = case.folder().join("whole");
    std::fs::rename(case.folder().join("release"), &whole).expect("another name");
    let from = whole.display().to_string();
    git(case.folder(), &["clone", "-q", "--bare", &from, "release"]);
    look(case, "HEAD", json!({}), CLEAN)
}

pub(super) fn made_shallow<E>(case: Case<E>) -> Case<E> {
    let whole = case.folder().join("whole");
    std::fs::rename(case.folder().join("release"), &whole).expect("another name");
    let from = format!("file://{}", whole.display());
    git(
        case.folder(),
        &["clone", "-q", "--depth", "1", &from, "release"],
    );
    git(&case.folder().join("release"), &["tag", "v1"]);
    case
}

fn shallow() -> Case<Fails> {
    let case = made_shallow(released(Case::new("a shallow clone", "error")));
    look(case, "HEAD", json!({"since": "v1"}), SMALL)
}

pub(super) fn without_objects<E>(case: Case<E>) -> Case<E> {
    let objects = case.folder().join("release/.git/objects");
    for folder in std::fs::read_dir(objects).expect("objects").flatten() {
        std::fs::remove_dir_all(folder.path()).expect("it is gone");
    }
    case
}

fn lost_objects() -> Case<Fails> {
    without_objects(case("all objects are lost", "error", json!({}), CLEAN))
}

fn unreadable() -> Case<Fails> {
    let case = case("objects that may not be read", "error", json!({}), CLEAN);
    super::files::forbid(&case.folder().join("release/.git/objects"));
    case.by_ordinary_user()
}

#[test]
fn no_fault_of_a_revision_is_a_pass() {
    let options = json!({"since": "v1", "files": [{"path": "main.rs", "contains": "two"}]});
    let healthy = released(Case::healthy());
    hold(Kind::Git, look(healthy, "HEAD", options, COMPLETE), cell);
}

/// The case with a program called `git` that does something else.
pub(super) fn git_that(case: Case<Fails>, script: &str) -> Case<Fails> {
    let programs = case.folder().join("programs");
    std::fs::create_dir(&programs).expect("a folder");
    let program = programs.join("git");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = format!("{}:/usr/bin:/bin", programs.display());
    case.path(path)
}
