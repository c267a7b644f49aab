//! The row of `files`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::{Cell, Fault, Kind, NO_CLOCK, NO_NETWORK, PANIC, hold};

const LARGE: &str = "files.all(f, f.size > 0)";
const BELOW: &str = "json.value < 100.0";

/// Takes away every right to a file or folder, also from its owner.
pub(super) fn forbid(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).expect("permissions");
}

fn held<E>(case: Case<E>, bytes: &[u8], asked: &str, options: Json, expect: &str) -> Case<E> {
    let folder = case.folder().join("release");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("report.json"), bytes).expect("a file");
    case.target("release: { repository: release }")
        .check("files", json!(asked), options, &[expect])
}

fn case(name: &'static str, ends: &'static str, bytes: &[u8], expect: &str) -> Case<Fails> {
    held(
        Case::new(name, ends),
        bytes,
        "report.json",
        json!({}),
        expect,
    )
}

fn pattern(name: &'static str, ends: &'static str, asked: &str) -> Case<Fails> {
    held(Case::new(name, ends), b"{}", asked, json!({}), LARGE)
}

fn cell(fault: Fault) -> Cell {
    Cell::Runs(match fault {
        Fault::NoData => vec![
            pattern("nothing matches", "inconclusive", "*.xml"),
            pattern("no such file", "inconclusive", "absent.json"),
            case("no such key", "fail", b"{\"other\": 1}", BELOW),
            Case::new("no such folder", "error")
                .target("release: { repository: release }")
                .check("files", json!("*"), json!({}), &[LARGE]),
        ],
        Fault::NotANumber => vec![case("a literal", "fail", b"{\"value\": NaN}", BELOW)],
        Fault::Infinite => vec![case("a literal", "fail", b"{\"value\": -Infinity}", BELOW)],
        Fault::Empty => vec![
            case("an empty file", "fail", b"", LARGE),
            case(
                "a list with nothing",
                "inconclusive",
                b"{\"items\": []}",
                "json.items.all(i, i.ok)",
            ),
        ],
        Fault::Timeout => {
            return Cell::Cannot(
                "only plain files of this machine are read; the engine's own time limit holds for a disk that hangs",
            );
        }
        Fault::Refused | Fault::Dns | Fault::Tls => return NO_NETWORK,
        Fault::RedirectLoop => vec![link_to_itself(), link_out()],
        Fault::Truncated => vec![
            held(
                Case::new("cut at our own cap", "error"),
                b"{\"value\": 1.5, \"error\": 1}",
                "report.json",
                json!({"max_size": 10}),
                "!text.contains('error')",
            ),
            case("half a JSON", "fail", b"{\"value\": 1.5", BELOW),
            too_many(),
        ],
        Fault::WrongType => vec![
            case("a text for a number", "fail", b"{\"value\": \"12\"}", BELOW),
            case("a page", "fail", b"<html>", BELOW),
            case("bytes", "fail", b"\xff\xfe{\"value\": 1}", BELOW),
            name_that_is_no_text(),
        ],
        Fault::Overflow => {
            let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
            vec![
                case("beyond a double", "fail", b"{\"value\": -1e999}", BELOW),
                case(
                    "ten thousand levels",
                    "fail",
                    deep.as_bytes(),
                    "json.all(i, size(i) > 0)",
                ),
                gigantic(),
            ]
        }
        Fault::ToolAbsent => {
            return Cell::Cannot("files are read by the program itself, it needs no tool");
        }
        Fault::Denied => vec![unreadable_file(), unreadable_folder()],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => return NO_CLOCK,
    })
}

fn link_to_itself() -> Case<Fails> {
    let case = pattern("a link to itself", "inconclusive", "loop/*.txt");
    let link = case.folder().join("release/loop");
    std::os::unix::fs::symlink(&link, &link).expect("a link");
    case
}

fn link_out() -> Case<Fails> {
    let case = pattern("a link out of the folder", "inconclusive", "out/passwd");
    std::os::unix::fs::symlink("/etc", case.folder().join("release/out")).expect("a link");
    case
}

/// More files than are looked at: the ones beyond might be the bad ones.
fn too_many() -> Case<Fails> {
    let case = pattern("more files than are looked at", "error", "many/*");
    let many = case.folder().join("release/many");
    std::fs::create_dir(&many).expect("a folder");
    for n in 0..10_050 {
        std::fs::write(many.join(n.to_string()), b"x").expect("a file");
    }
    case
}

/// A file whose name is no UTF-8 is a file all the same.
fn name_that_is_no_text() -> Case<Fails> {
    use std::os::unix::ffi::OsStrExt as _;
    let case = pattern("an empty file with a name that is no text", "error", "*");
    let name = std::ffi::OsStr::from_bytes(b"a\xff.json");
    std::fs::write(case.folder().join("release").join(name), b"").expect("a file");
    case
}

fn gigantic() -> Case<Fails> {
    let case = pattern("five gigabytes", "error", "*.bin");
    let file = std::fs::File::create(case.folder().join("release/a.bin")).expect("a file");
    file.set_len(5 << 30).expect("a sparse file");
    case
}

fn unreadable_file() -> Case<Fails> {
    let case = pattern("a file that may not be read", "error", "*.json");
    forbid(&case.folder().join("release/report.json"));
    case.by_ordinary_user()
}

fn unreadable_folder() -> Case<Fails> {
    let case = pattern("a folder that may not be read", "error", "**/*.json");
    let closed = case.folder().join("release/closed");
    std::fs::create_dir(&closed).expect("a folder");
    forbid(&closed);
    case.by_ordinary_user()
}

#[test]
fn no_fault_of_a_file_is_a_pass() {
    let healthy = held(
        Case::healthy(),
        b"{\"value\": 1.5}",
        "*.json",
        json!({}),
        LARGE,
    );
    hold(Kind::Files, healthy, cell);
}
