//! The row of `secrets`.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::git::{git, git_that};
use super::{Cell, Fault, Kind, NO_CLOCK, NO_NETWORK, NO_REDIRECT, PANIC, hold};

const NONE: &str = "size(findings) == 0";

fn searched<E>(case: Case<E>, options: Json) -> Case<E> {
    let folder = case.folder().join("release");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("main.rs"), "fn main() {}\n").expect("a file");
    looking(case, ".", options)
}

fn looking<E>(case: Case<E>, below: &str, options: Json) -> Case<E> {
    case.target("release: { repository: release }")
        .check("secrets", json!(below), options, &[NONE])
}

fn with_history<E>(case: Case<E>) -> Case<E> {
    let case = searched(case, json!({"history": true}));
    let folder = case.folder().join("release");
    git(&folder, &["init", "-q"]);
    for message in ["first", "second"] {
        std::fs::write(folder.join("notes.txt"), message).expect("a file");
        git(&folder, &["add", "."]);
        git(&folder, &["commit", "-qm", message]);
    }
    case
}

fn pretended(name: &'static str, script: &str) -> Case<Fails> {
    git_that(with_history(Case::new(name, "error")), script)
}

fn cell(fault: Fault) -> Cell {
    Cell::Runs(match fault {
        Fault::NoData => {
            let case = Case::new("no such folder", "error");
            let elsewhere = searched(Case::new("no such folder below", "error"), json!({}));
            let target = case.target("release: { repository: release }");
            vec![
                target.check("secrets", json!("."), json!({}), &[NONE]),
                looking(elsewhere, "absent", json!({})),
            ]
        }
        Fault::NotANumber | Fault::Infinite => {
            return Cell::Cannot(
                "what is found are places and counts that are made here, no numbers of another",
            );
        }
        Fault::Empty => vec![
            empty_folder(),
            searched(
                Case::new("all of it left out", "inconclusive"),
                json!({"exclude": ["**"]}),
            ),
            no_commits(),
        ],
        Fault::Timeout => vec![pretended("git hangs", "exec sleep 600").timeout("1s")],
        Fault::Refused | Fault::Dns | Fault::Tls => return NO_NETWORK,
        Fault::RedirectLoop => return NO_REDIRECT,
        Fault::Truncated => vec![
            pretended("git is killed", "kill -9 $$"),
            pretended(
                "git lists and then breaks off",
                "case \"$*\" in *rev-list*) echo 4b825dc642cb6eb9a060e54bf8d69288fbee4904;; *) exit 0;; esac",
            ),
            shallow(),
            lost_object(),
        ],
        Fault::WrongType => vec![
            a_file_for_a_folder(),
            pretended("git says something else", "echo '<html>'"),
        ],
        Fault::Overflow => vec![too_large()],
        Fault::ToolAbsent => {
            let case = with_history(Case::new("no git", "error"));
            let nowhere = case.folder().join("nowhere").display().to_string();
            vec![
                case.path(nowhere),
                searched(Case::new("no history", "error"), json!({"history": true})),
            ]
        }
        Fault::Denied => vec![unreadable()],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => return NO_CLOCK,
    })
}

fn empty_folder() -> Case<Fails> {
    let case = Case::new("an empty folder", "inconclusive");
    std::fs::create_dir(case.folder().join("release")).expect("a folder");
    looking(case, ".", json!({}))
}

fn no_commits() -> Case<Fails> {
    let case = Case::new("a repository without commits", "error");
    let case = searched(case, json!({"history": true}));
    git(&case.folder().join("release"), &["init", "-q"]);
    case
}

/// What build servers usually have: the history ends after one commit, and the rest was not looked at.
fn shallow() -> Case<Fails> {
    let case = with_history(Case::new("a shallow clone", "error"));
    let whole = case.folder().join("whole");
    std::fs::rename(case.folder().join("release"), &whole).expect("another name");
    let from = format!("file://{}", whole.display());
    git(
        case.folder(),
        &["clone", "-q", "--depth", "1", &from, "release"],
    );
    case
}

fn lost_object() -> Case<Fails> {
    let case = with_history(Case::new("an object is lost", "error"));
    let objects = case.folder().join("release/.git/objects");
    let folders = std::fs::read_dir(objects).expect("objects").flatten();
    let first = folders
        .map(|f| f.path())
        .find(|p| p.file_name().is_some_and(|n| n.len() == 2))
        .expect("an object");
    std::fs::remove_dir_all(first).expect("it is gone");
    case
}

fn a_file_for_a_folder() -> Case<Fails> {
    let case = Case::new("a file for a folder", "error");
    std::fs::write(case.folder().join("release"), "x").expect("a file");
    looking(case, ".", json!({}))
}

fn too_large() -> Case<Fails> {
    let case = searched(Case::new("larger than is looked at", "error"), json!({}));
    let path = case.folder().join("release/image.bin");
    let file = std::fs::File::create(path).expect("a file");
    file.set_len(300 << 20).expect("a sparse file");
    case
}

fn unreadable() -> Case<Fails> {
    let case = searched(Case::new("a file that may not be read", "error"), json!({}));
    super::files::forbid(&case.folder().join("release/main.rs"));
    case.by_ordinary_user()
}

#[test]
fn no_fault_of_a_search_for_secrets_is_a_pass() {
    hold(Kind::Secrets, with_history(Case::healthy()), cell);
}
