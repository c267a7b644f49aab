//! The row of `terraform`.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::files::forbid;
use super::{Cell, Fault, Kind, NO_NETWORK, NO_REDIRECT, PANIC, hold};

const NONE_DESTROYED: &str = "size(destroyed) == 0";

/// A plan with one resource.
fn plan() -> Json {
    json!({
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "configuration": {"root_module": {}},
        "resource_changes": [{
            "address": "terraform_data.a", "mode": "managed", "type": "terraform_data", "name": "a",
            "change": {"actions": ["create"], "before": null, "after": {}, "after_unknown": {}},
        }],
        "timestamp": "2026-01-01T00:00:00Z",
        "applyable": true, "complete": true, "errored": false,
    })
}

/// The plan with another value under a key.
fn with(key: &str, value: Json) -> String {
    let mut plan = plan();
    plan[key] = value;
    plan.to_string()
}

fn held<E>(case: Case<E>, text: &str, expect: &str) -> Case<E> {
    let folder = case.folder().join("release");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("plan.json"), text).expect("a file");
    case.target("release: { repository: release }").check(
        "terraform",
        json!("plan.json"),
        json!({}),
        &[expect],
    )
}

fn case(name: &'static str, ends: &'static str, text: &str, expect: &str) -> Case<Fails> {
    held(Case::new(name, ends), text, expect)
}

/// A program in place of Terraform.
fn asked(case: Case<Fails>, script: Option<&str>) -> Case<Fails> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = case.folder().join("terraform.sh");
    if let Some(script) = script {
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    case.check(
        "terraform",
        json!({"run": "plan", "program": path}),
        json!({}),
        &[NONE_DESTROYED],
    )
}

fn cell(fault: Fault) -> Cell {
    let granted = |name, ends| Case::new(name, ends).with(&["--allow", "exec"]);
    let fine = plan().to_string();
    Cell::Runs(match fault {
        Fault::NoData => vec![
            Case::new("no such file", "error")
                .target("release: { repository: . }")
                .check(
                    "terraform",
                    json!("absent.json"),
                    json!({}),
                    &[NONE_DESTROYED],
                ),
            case("an empty file", "error", "", NONE_DESTROYED),
            case(
                "a state in place of a plan",
                "inconclusive",
                r#"{"format_version": "1.0"}"#,
                NONE_DESTROYED,
            ),
            asked(granted("Terraform prints nothing", "error"), Some("exit 0")),
        ],
        Fault::NotANumber => vec![case(
            "a version",
            "error",
            r#"{"format_version": NaN}"#,
            NONE_DESTROYED,
        )],
        Fault::Infinite => vec![case(
            "a version",
            "error",
            r#"{"format_version": -1e999}"#,
            NONE_DESTROYED,
        )],
        Fault::Empty => vec![
            case(
                "no resource",
                "inconclusive",
                &with("resource_changes", json!([])),
                NONE_DESTROYED,
            ),
            case("an empty mapping", "error", "{}", NONE_DESTROYED),
            case(
                "none for all",
                "inconclusive",
                &with("resource_changes", json!([])),
                "resources.all(r, r.action != 'destroy')",
            ),
        ],
        Fault::Timeout => vec![
            asked(
                granted("Terraform does not end", "error"),
                Some("sleep 600"),
            )
            .timeout("1s"),
        ],
        Fault::Refused => vec![asked(
            Case::new("the power was not granted", "skipped"),
            Some("exit 0"),
        )],
        Fault::Dns | Fault::Tls => return NO_NETWORK,
        Fault::RedirectLoop => return NO_REDIRECT,
        Fault::Truncated => vec![
            case(
                "half a document",
                "error",
                &fine[..fine.len() / 2],
                NONE_DESTROYED,
            ),
            case(
                "planning ended in an error",
                "error",
                &with("errored", json!(true)),
                NONE_DESTROYED,
            ),
            case(
                "a part is left for later",
                "error",
                &with("complete", json!(false)),
                NONE_DESTROYED,
            ),
            case(
                "planning ended in an error, and only a version is asked",
                "inconclusive",
                &with("errored", json!(true)),
                "terraform_version == '1.11.4'",
            ),
        ],
        Fault::WrongType => vec![
            case("a page", "error", "<html>", NONE_DESTROYED),
            case(
                "a mapping for a list",
                "error",
                &with("resource_changes", json!({})),
                NONE_DESTROYED,
            ),
            case(
                "a later major version",
                "error",
                &with("format_version", json!("2.0")),
                NONE_DESTROYED,
            ),
            case(
                "the state of a kind that is not known",
                "error",
                &fine.replace("\"create\"", "\"evaporate\""),
                NONE_DESTROYED,
            ),
        ],
        Fault::Overflow => {
            let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
            vec![
                case(
                    "ten thousand levels",
                    "error",
                    &fine.replace("\"after\":{}", &format!("\"after\":{deep}")),
                    NONE_DESTROYED,
                ),
                case(
                    "33 megabytes",
                    "error",
                    &format!("{fine}{}", " ".repeat(33 << 20)),
                    NONE_DESTROYED,
                ),
            ]
        }
        Fault::ToolAbsent => vec![asked(granted("no such program", "error"), None)],
        Fault::Denied => {
            let case =
                held(Case::new("the file", "error"), &fine, NONE_DESTROYED).by_ordinary_user();
            forbid(&case.folder().join("release/plan.json"));
            vec![
                case,
                asked(
                    granted("Terraform refuses", "error"),
                    Some("echo 'Error: denied' >&2; exit 1"),
                ),
            ]
        }
        Fault::Panic => return PANIC,
        Fault::ClockSkew => vec![case(
            "a plan from the future",
            "error",
            &with("timestamp", json!("2999-01-01T00:00:00Z")),
            NONE_DESTROYED,
        )],
    })
}

#[test]
fn no_fault_of_a_terraform_plan_is_a_pass() {
    let healthy = held(Case::healthy(), &plan().to_string(), NONE_DESTROYED);
    hold(Kind::Terraform, healthy, cell);
}
