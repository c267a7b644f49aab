//! The row of `compose`.

use serde_json::{Value as Json, json};

use super::case::{Case, Fails};
use super::files::forbid;
use super::{Cell, Fault, Kind, NO_CLOCK, NO_NETWORK, PANIC, hold};

const FINE: &str = "services: { web: { image: 'shop:1' } }";
const VALID: &str = "valid";
const NONE_LOOSE: &str = "size(unpinned) == 0";

fn held<E>(case: Case<E>, text: &str, options: Json, expect: &str) -> Case<E> {
    let folder = case.folder().join("release");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("compose.yaml"), text).expect("a file");
    case.target("release: { repository: release }").check(
        "compose",
        json!("compose.yaml"),
        options,
        &[expect],
    )
}

fn case(name: &'static str, ends: &'static str, text: &str, expect: &str) -> Case<Fails> {
    held(Case::new(name, ends), text, json!({}), expect)
}

fn cell(fault: Fault) -> Cell {
    Cell::Runs(match fault {
        Fault::NoData => vec![
            Case::new("no such file", "error")
                .target("release: { repository: . }")
                .check("compose", json!("absent.yaml"), json!({}), &[VALID]),
            held(
                Case::new("no such env file", "error"),
                FINE,
                json!({"env_file": "absent.env"}),
                VALID,
            ),
            case("no services", "fail", "name: shop", VALID),
            case(
                "no services, and none is loose",
                "inconclusive",
                "name: shop",
                NONE_LOOSE,
            ),
        ],
        Fault::NotANumber => vec![case(
            "a port",
            "fail",
            "services: { web: { image: 'shop:1', ports: [.nan] } }",
            VALID,
        )],
        Fault::Infinite => vec![case(
            "a port",
            "fail",
            "services: { web: { image: 'shop:1', ports: [-.inf] } }",
            VALID,
        )],
        Fault::Empty => vec![
            case("an empty file", "fail", "", VALID),
            case(
                "no service in it",
                "inconclusive",
                "services: {}",
                NONE_LOOSE,
            ),
            case(
                "none for all",
                "inconclusive",
                "services: {}",
                "services.all(s, s != 'x')",
            ),
            case(
                "an empty image",
                "fail",
                "services: { web: { image: '${NOT_SET}' } }",
                VALID,
            ),
        ],
        Fault::Timeout | Fault::Refused | Fault::Dns | Fault::Tls | Fault::RedirectLoop => {
            return NO_NETWORK;
        }
        Fault::Truncated => vec![
            case(
                "it breaks off",
                "fail",
                "services: { web: { image: 'shop",
                VALID,
            ),
            case(
                "parts stand elsewhere",
                "error",
                "include: [more.yaml]\nservices: { web: { image: 'shop:1' } }",
                VALID,
            ),
        ],
        Fault::WrongType => vec![
            case("a list", "fail", "- services", VALID),
            case("a page", "fail", "<html>maintenance</html>", VALID),
            case("a list of services", "fail", "services: [web]", VALID),
            case(
                "a service that is a text",
                "fail",
                "services: { web: shop }",
                VALID,
            ),
        ],
        Fault::Overflow => {
            let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
            let long = format!(
                "services: {{ web: {{ image: '{}' }} }}",
                "x".repeat(2 << 20)
            );
            vec![
                case("ten thousand levels", "fail", &deep, VALID),
                case("two megabytes", "error", &long, VALID),
                case(
                    "a port beyond all",
                    "fail",
                    "services: { web: { image: 'shop:1', ports: ['99999999999:80'] } }",
                    VALID,
                ),
            ]
        }
        Fault::ToolAbsent => {
            return Cell::Cannot("the file is read by gonogo itself, it needs no tool");
        }
        Fault::Denied => {
            let case =
                held(Case::new("the file", "error"), FINE, json!({}), VALID).by_ordinary_user();
            forbid(&case.folder().join("release/compose.yaml"));
            vec![case]
        }
        Fault::Panic => return PANIC,
        Fault::ClockSkew => return NO_CLOCK,
    })
}

#[test]
fn no_fault_of_a_compose_file_is_a_pass() {
    let healthy = held(Case::healthy(), FINE, json!({}), VALID);
    hold(Kind::Compose, healthy, cell);
}
