//! The row of `exec`.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::{Cell, Fault, Kind, NO_CLOCK, NO_NETWORK, NO_REDIRECT, PANIC, hold};

const BELOW: &str = "json.failed < 1";
const OK: &str = "exit_code == 0";

fn running<E>(case: Case<E>, argv: Json, options: Json, expect: &str) -> Case<E> {
    case.with(&["--allow", "exec"])
        .check("exec", argv, options, &[expect])
}

/// The program prints this.
fn printed(name: &'static str, ends: &'static str, text: &str, expect: &str) -> Case<Fails> {
    running(
        Case::new(name, ends),
        json!(["printf", "%s", text]),
        json!({}),
        expect,
    )
}

fn program(name: &'static str, ends: &'static str, argv: Json, expect: &str) -> Case<Fails> {
    running(Case::new(name, ends), argv, json!({}), expect)
}

fn cell(fault: Fault) -> Cell {
    let every = "json.tests.all(t, t.ok)";
    Cell::Runs(match fault {
        Fault::NoData => vec![
            program("it prints nothing", "fail", json!(["true"]), BELOW),
            printed("no such key", "fail", "{\"passed\": 3}", BELOW),
        ],
        Fault::NotANumber => vec![
            printed("a literal", "fail", "{\"failed\": NaN}", BELOW),
            printed(
                "a text made a number",
                "error",
                "NaN",
                "!(double(stdout) > 1.0)",
            ),
        ],
        Fault::Infinite => vec![
            printed("a literal", "fail", "{\"failed\": -Infinity}", BELOW),
            printed(
                "a text made a number",
                "error",
                "-inf",
                "double(stdout) < 1.0",
            ),
        ],
        Fault::Empty => vec![printed(
            "no tests",
            "inconclusive",
            "{\"tests\": []}",
            every,
        )],
        Fault::Timeout => vec![
            running(
                Case::new("it does not end", "error"),
                json!(["sleep", "600"]),
                json!({"timeout": "1s"}),
                OK,
            ),
            running(
                Case::new("a child keeps its output open", "error"),
                json!(["sleep 600 & echo '{\"failed\": 0}'"]),
                json!({"timeout": "1s", "shell": true}),
                BELOW,
            ),
            running(
                Case::new("it prints without end", "error"),
                json!(["yes"]),
                json!({"timeout": "1s"}),
                OK,
            ),
        ],
        Fault::Refused => vec![Case::new("the power was not granted", "skipped").check(
            "exec",
            json!(["true"]),
            json!({}),
            &[OK],
        )],
        Fault::Dns | Fault::Tls => return NO_NETWORK,
        Fault::RedirectLoop => return NO_REDIRECT,
        Fault::Truncated => vec![
            program(
                "killed by a signal",
                "fail",
                json!(["sh", "-c", "kill -9 $$"]),
                OK,
            ),
            program(
                "killed by a signal, and no failure is wanted",
                "fail",
                json!(["sh", "-c", "kill -9 $$"]),
                "exit_code < 1",
            ),
            printed("half a JSON", "fail", "{\"failed\": 0", BELOW),
            running(
                Case::new("cut at our own cap", "error"),
                json!(["printf", "%s", "fine so far, and then an error"]),
                json!({"max_output": 10}),
                "!stdout.contains('error')",
            ),
        ],
        Fault::WrongType => vec![
            printed("a page", "fail", "<html>", BELOW),
            printed("a text for a number", "fail", "{\"failed\": \"0\"}", BELOW),
            printed("a list for a map", "fail", "[0]", BELOW),
        ],
        Fault::Overflow => {
            let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
            vec![
                printed("beyond a double", "fail", "{\"failed\": -1e999}", BELOW),
                printed(
                    "ten thousand levels",
                    "fail",
                    &deep,
                    "json.all(i, size(i) > 0)",
                ),
            ]
        }
        Fault::ToolAbsent => vec![
            program(
                "no such program",
                "error",
                json!(["no-such-program-here"]),
                OK,
            ),
            running(
                Case::new("no such folder", "error"),
                json!(["true"]),
                json!({"folder": "absent"}),
                OK,
            ),
            program(
                "the shell finds no such program",
                "fail",
                json!(["sh", "-c", "no-such-program-here"]),
                OK,
            ),
        ],
        Fault::Denied => vec![
            not_executable(),
            program("it says no", "fail", json!(["false"]), OK),
        ],
        Fault::Panic => return PANIC,
        Fault::ClockSkew => return NO_CLOCK,
    })
}

fn not_executable() -> Case<Fails> {
    let case = Case::new("it may not be started", "error");
    std::fs::write(case.folder().join("tests.sh"), "#!/bin/sh\n").expect("a file");
    running(case, json!(["./tests.sh"]), json!({}), OK)
}

#[test]
fn no_fault_of_a_program_is_a_pass() {
    let argv = json!(["printf", "%s", "{\"failed\": 0}"]);
    let healthy =
        Case::healthy()
            .with(&["--allow", "exec"])
            .check("exec", argv, json!({}), &[OK, BELOW]);
    hold(Kind::Exec, healthy, cell);
}
