//! The row of `checklist`.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::files::forbid;
use super::{Cell, Fault, Kind, NO_CLOCK, NO_NETWORK, PANIC, hold};

const FINE: &str = "- { item: Smoke tests, state: complete }";
const DONE: &[&str] = &["size(partial) == 0", "size(missing) == 0"];

fn held<E>(case: Case<E>, text: &str, options: Json, expect: &[&str]) -> Case<E> {
    let folder = case.folder().join("release");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("list.yaml"), text).expect("a file");
    let mut options = options;
    options["target"] = json!("release");
    case.target("release: { repository: release }").check(
        "checklist",
        json!("list.yaml"),
        options,
        expect,
    )
}

fn case(name: &'static str, ends: &'static str, text: &str) -> Case<Fails> {
    held(Case::new(name, ends), text, json!({}), DONE)
}

/// Beside the plan it is known before anything runs.
fn beside(name: &'static str, text: &str) -> Case<Fails> {
    let case = Case::new(name, "refused");
    std::fs::write(case.folder().join("list.yaml"), text).expect("a file");
    case.check("checklist", json!("list.yaml"), json!({}), DONE)
}

fn cell(fault: Fault) -> Cell {
    Cell::Runs(match fault {
        Fault::NoData => vec![
            Case::new("no such file", "error")
                .target("release: { repository: . }")
                .check(
                    "checklist",
                    json!("absent.yaml"),
                    json!({"target": "release"}),
                    DONE,
                ),
            Case::new("no such file beside the plan", "refused").check(
                "checklist",
                json!("absent.yaml"),
                json!({}),
                DONE,
            ),
            case(
                "no evidence",
                "fail",
                "- { item: a, state: complete, evidence: absent.pdf }",
            ),
            held(
                Case::new("a row that must be there", "fail"),
                FINE,
                json!({"rows": ["Restore drill"]}),
                DONE,
            ),
        ],
        Fault::NotANumber => vec![case("a state", "error", "- { item: a, state: .nan }")],
        Fault::Infinite => vec![case("a state", "error", "- { item: a, state: .inf }")],
        Fault::Empty => vec![
            case("an empty file", "inconclusive", ""),
            case("an empty list", "inconclusive", "items: []"),
            held(
                Case::new("none for all", "inconclusive"),
                "items: []",
                json!({}),
                &["items.all(i, i.state == 'complete')"],
            ),
            held(
                Case::new("no row", "inconclusive"),
                "rows: []",
                json!({"columns": ["Scenario"]}),
                &["size(incomplete) == 0"],
            ),
            case("an empty state", "error", "- { item: a, state: '' }"),
        ],
        Fault::Timeout | Fault::Refused | Fault::Dns | Fault::Tls | Fault::RedirectLoop => {
            return NO_NETWORK;
        }
        Fault::Truncated => vec![
            case("it breaks off", "error", "- { item: a, state: complete"),
            beside(
                "it breaks off beside the plan",
                "- { item: a, state: complete",
            ),
            case(
                "an item breaks off",
                "error",
                "- { item: a, state: complete }\n- { item: b }",
            ),
        ],
        Fault::WrongType => vec![
            case("a page", "error", "<html>maintenance</html>"),
            case("a list of texts", "error", "- Smoke tests"),
            case("another word", "error", "- { item: a, state: Excellent }"),
            beside(
                "another word beside the plan",
                "- { item: a, state: Excellent }",
            ),
        ],
        Fault::Overflow => {
            let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
            let long = format!("- {{ item: '{}', state: complete }}", "x".repeat(2 << 20));
            vec![
                case("ten thousand levels", "error", &deep),
                case("two megabytes", "error", &long),
            ]
        }
        Fault::ToolAbsent => {
            return Cell::Cannot("the file is read by gonogo itself, it needs no tool");
        }
        Fault::Denied => {
            let case =
                held(Case::new("the file", "error"), FINE, json!({}), DONE).by_ordinary_user();
            forbid(&case.folder().join("release/list.yaml"));
            vec![case]
        }
        Fault::Panic => return PANIC,
        Fault::ClockSkew => return NO_CLOCK,
    })
}

#[test]
fn no_fault_of_a_checklist_is_a_pass() {
    let healthy = held(Case::healthy(), FINE, json!({}), DONE);
    hold(Kind::Checklist, healthy, cell);
}
