//! The row of `tests`.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::files::forbid;
use super::{Cell, Fault, Kind, NO_NETWORK, NO_REDIRECT, PANIC, hold};

const FINE: &str = r#"<testsuite name="s" tests="1" failures="0"><testcase name="a"/></testsuite>"#;
const NONE_FAILED: &str = "failed == 0 && errors == 0";
const NO_NAMES: &str = "size(failed_names) == 0";

fn collected<E>(case: Case<E>, text: &str, more: Json, expect: &str) -> Case<E> {
    let folder = case.folder().join("release");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("tests.out"), text).expect("a file");
    let mut tests = json!({"collect": "tests.out"});
    for (key, value) in more.as_object().into_iter().flatten() {
        tests[key] = value.clone();
    }
    case.target("release: { repository: release }")
        .check("tests", tests, json!({}), &[expect])
}

fn case(name: &'static str, ends: &'static str, text: &str, expect: &str) -> Case<Fails> {
    collected(Case::new(name, ends), text, json!({}), expect)
}

fn running(name: &'static str, ends: &'static str, argv: Json, expect: &str) -> Case<Fails> {
    Case::new(name, ends).with(&["--allow", "exec"]).check(
        "tests",
        json!({"run": argv}),
        json!({}),
        &[expect],
    )
}

fn counting(counter: &str) -> String {
    FINE.replace("tests=\"1\"", counter)
}

fn missing() -> Vec<Case<Fails>> {
    vec![
        Case::new("no such file", "error")
            .target("release: { repository: . }")
            .check(
                "tests",
                json!({"collect": "absent.xml"}),
                json!({}),
                &[NONE_FAILED],
            ),
        case("an empty file", "error", "", NONE_FAILED),
        case(
            "a scanner that never ran",
            "error",
            r#"{"version": "2.1.0", "runs": []}"#,
            "findings.error == 0",
        ),
        case(
            "no scan, and a finding is asked",
            "fail",
            FINE,
            "findings.error == 0",
        ),
        running("it prints nothing", "error", json!(["true"]), NONE_FAILED),
    ]
}

fn empty() -> Vec<Case<Fails>> {
    vec![
        case(
            "no test in it",
            "inconclusive",
            "<testsuite name='s' tests='0'/>",
            NONE_FAILED,
        ),
        case("no suite in it", "inconclusive", "<testsuites/>", NO_NAMES),
        case(
            "all skipped",
            "inconclusive",
            "<testsuite name='s'><testcase name='a'><skipped/></testcase></testsuite>",
            NONE_FAILED,
        ),
        case(
            "none for all",
            "inconclusive",
            "1..0 # SKIP no\n",
            "suites.all(s, s.failed == 0)",
        ),
        case(
            "a filter that fits nothing",
            "inconclusive",
            "=== 3 deselected in 0.01s ===",
            NONE_FAILED,
        ),
        case(
            "one of two",
            "inconclusive",
            &format!("<testsuites>{FINE}<testsuite name='t' tests='0'/></testsuites>"),
            NONE_FAILED,
        ),
    ]
}

fn broken() -> Vec<Case<Fails>> {
    vec![
        case(
            "half a document",
            "error",
            &FINE[..FINE.len() - 8],
            NONE_FAILED,
        ),
        case(
            "half a document, and no failure in it",
            "error",
            &FINE[..FINE.len() - 8],
            NO_NAMES,
        ),
        case(
            "half a document, and only its age is asked",
            "inconclusive",
            &FINE[..FINE.len() - 8],
            "age < duration('1h')",
        ),
        case(
            "fewer tests than planned",
            "error",
            "1..3\nok 1\nok 2\n",
            NONE_FAILED,
        ),
        case(
            "a program of tests that died",
            "error",
            "running 2 tests\ntest a ... ok\n",
            NONE_FAILED,
        ),
        running(
            "killed by a signal",
            "error",
            json!(["sh", "-c", "printf '1..1\\nok 1\\n'; kill -9 $$"]),
            NONE_FAILED,
        ),
        running(
            "it fails and tells of no failure",
            "error",
            json!(["sh", "-c", "printf '1..1\\nok 1\\n'; exit 1"]),
            NONE_FAILED,
        ),
    ]
}

fn cell(fault: Fault) -> Cell {
    Cell::Runs(match fault {
        Fault::NoData => missing(),
        Fault::NotANumber => vec![case(
            "a counter",
            "error",
            &counting("tests=\"NaN\""),
            NONE_FAILED,
        )],
        Fault::Infinite => vec![case(
            "a counter",
            "error",
            &counting("tests=\"-inf\""),
            NONE_FAILED,
        )],
        Fault::Empty => empty(),
        Fault::Timeout => vec![
            running(
                "it does not end",
                "error",
                json!(["sleep", "600"]),
                NONE_FAILED,
            )
            .timeout("1s"),
        ],
        Fault::Refused => vec![Case::new("the power was not granted", "skipped").check(
            "tests",
            json!({"run": ["true"]}),
            json!({}),
            &[NONE_FAILED],
        )],
        Fault::Dns | Fault::Tls => return NO_NETWORK,
        Fault::RedirectLoop => return NO_REDIRECT,
        Fault::Truncated => broken(),
        Fault::WrongType => vec![
            case("a page", "error", "<html>maintenance</html>", NONE_FAILED),
            case("a list", "error", "[]", NONE_FAILED),
            case(
                "another count than its own",
                "error",
                &counting("tests=\"85\""),
                NONE_FAILED,
            ),
            collected(
                Case::new("another format than is told", "error"),
                FINE,
                json!({"format": "jest"}),
                NONE_FAILED,
            ),
        ],
        Fault::Overflow => {
            let deep = format!(
                "{}{}",
                "<testsuite>".repeat(10_000),
                "</testsuite>".repeat(10_000)
            );
            let long = format!("{FINE}{}", " ".repeat(33 << 20));
            vec![
                case("ten thousand levels", "error", &deep, NONE_FAILED),
                case("33 megabytes", "error", &long, NONE_FAILED),
                case(
                    "a counter beyond all",
                    "error",
                    &counting("tests=\"99999999999999999999\""),
                    NONE_FAILED,
                ),
            ]
        }
        Fault::ToolAbsent => {
            vec![running(
                "no such program",
                "error",
                json!(["no-such-program-here"]),
                NONE_FAILED,
            )]
        }
        Fault::Denied => {
            let case = collected(Case::new("the file", "error"), FINE, json!({}), NONE_FAILED)
                .by_ordinary_user();
            forbid(&case.folder().join("release/tests.out"));
            vec![case]
        }
        Fault::Panic => return PANIC,
        Fault::ClockSkew => vec![case(
            "a document from the future",
            "error",
            &FINE.replace(
                "name=\"s\"",
                "name=\"s\" timestamp=\"2999-01-01T00:00:00Z\"",
            ),
            NONE_FAILED,
        )],
    })
}

#[test]
fn no_fault_of_a_suite_is_a_pass() {
    let healthy = collected(Case::healthy(), FINE, json!({}), NONE_FAILED);
    hold(Kind::Tests, healthy, cell);
}
