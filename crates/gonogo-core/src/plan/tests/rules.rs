//! Rules that need more than a snapshot.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Memory, load_text, registry};
use crate::plan::*;

const SMALL: &str = "
gonogo: 1
name: small
environments:
  local:
    targets: { api: { http: http://127.0.0.1:1 } }
gates:
";

fn with_gates(gates: &str) -> Loaded {
    load_text(&format!("{SMALL}{gates}"))
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnostics.iter().map(|d| d.code).collect()
}

/// The example of `design.md`, as it stands there.
const EXAMPLE: &str = include_str!("example.yaml");

#[test]
fn the_example_of_the_design_loads_and_lints_clean() {
    let files = Memory::of([("plan.yaml", EXAMPLE), ("staging-ca.pem", "PEM")]);
    let loaded = load(&files, "plan.yaml", &registry());
    assert_eq!(crate::diag::render(&loaded.diagnostics), "");
    let plan = loaded.plan.unwrap();
    assert_eq!(plan.gates.len(), 3);
    let token = &plan.gates[0].checks[0];
    assert!(token.save[0].secret, "made from a secret, so a secret");
    assert!(!plan.gates[0].checks[1].save[0].secret);
    assert_eq!(plan.gates[1].checks[0].limits.len(), 3);
    assert!(plan.gates[2].rollback);
    assert_eq!(
        plan.gates[2].checks[1].power, None,
        "a rolled back insert needs no power"
    );
    let identity = plan.subject.as_ref().unwrap().identity.as_ref().unwrap();
    assert_eq!(identity.source(), "body.commit");
    let paths: Vec<&str> = plan.files.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(paths, ["plan.yaml", "staging-ca.pem"]);
    assert!(check_environment(&plan, "staging", &registry()).is_empty());
    assert_eq!(
        check_environment(&plan, "stagin", &registry())[0].code,
        "unknown-environment"
    );
}

#[test]
fn a_bomb_of_aliases_is_refused_before_it_grows() {
    let mut text = "gonogo: 1\nname: x\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let last = format!("*a{}", i - 1);
        let list = vec![last; 10].join(", ");
        let _ = writeln!(text, "a{i}: &a{i} [{list}]");
    }
    assert_eq!(codes(&load_text(&text)), ["alias-bomb"]);
}

#[test]
fn a_bomb_of_long_texts_is_refused() {
    let long = "x".repeat(500_000);
    let text = format!("a: &a {long}\nb: [*a, *a, *a, *a, *a, *a, *a, *a]\n");
    assert_eq!(codes(&load_text(&text)), ["alias-bomb"]);
}

#[test]
fn deep_nesting_is_refused() {
    for text in [
        "[".repeat(100_000),
        "a: {".repeat(60_000),
        "- ".repeat(100_000),
    ] {
        let found = codes(&load_text(&text));
        assert!(
            matches!(found[..], ["too-deep" | "yaml-syntax"]),
            "{found:?}"
        );
    }
}

#[test]
fn a_flood_of_values_and_one_of_problems_are_cut() {
    let values = format!("a: [{}]", "a,".repeat(300_001));
    assert_eq!(codes(&load_text(&values)), ["too-big"]);
    let mut keys = String::new();
    for i in 0..5_000 {
        let _ = writeln!(keys, "k{i}: 1");
    }
    let found = load_text(&format!("{keys}{keys}"));
    assert!(found.diagnostics.len() <= 201);
    assert_eq!(found.diagnostics.last().unwrap().code, "more-problems");
    let large = " ".repeat(5 * 1024 * 1024);
    assert_eq!(codes(&load_text(&large)), ["too-big"]);
}

#[test]
fn bytes_that_are_no_text_are_named_by_their_place() {
    let mut files = Memory::of([]);
    files.0.insert(
        "plan.yaml".to_owned(),
        b"gonogo: 1\nname: \xff\xfe\n".to_vec(),
    );
    let loaded = load(&files, "plan.yaml", &registry());
    assert_eq!(codes(&loaded), ["not-utf8"]);
    let place = loaded.diagnostics[0].place.clone().unwrap();
    assert_eq!((place.line, place.column), (2, 7));
}

#[test]
fn line_ends_of_other_systems_and_a_byte_order_mark_are_fine() {
    let text = format!(
        "\u{feff}{SMALL}  a: {{ title: T, checks: [ {{ http: GET /a, expect: status == 200 }} ] }}\n"
    );
    let text = text.trim_start_matches('\u{feff}').replace('\n', "\r\n");
    let loaded = load_text(&format!("\u{feff}{text}"));
    assert_eq!(codes(&loaded), [""; 0]);
    let wrong = text.replace("status == 200", "statsu == 200");
    let place = load_text(&wrong).diagnostics[0].place.clone().unwrap();
    assert_eq!(place.line, 8);
}

#[test]
fn a_plan_that_is_not_there_is_said_so() {
    let loaded = load(&Memory::of([]), "plans/none.yaml", &registry());
    assert_eq!(codes(&loaded), ["no-plan"]);
}

#[test]
fn files_are_looked_for_beside_the_plan() {
    let plan = format!(
        "{SMALL}  a: {{ title: T, checks: [ {{ http: GET /a, expect: status == 200 }} ] }}\ninclude: more/b.yaml\n"
    );
    let files = Memory::of([
        ("some/folder/plan.yaml", plan.as_str()),
        (
            "some/folder/more/b.yaml",
            "gates: { b: { title: T, checks: [ { http: GET /b, expect: status == 200 } ] } }",
        ),
    ]);
    let loaded = load(&files, "some/folder/plan.yaml", &registry());
    assert_eq!(codes(&loaded), [""; 0]);
    let plan = loaded.plan.unwrap();
    let paths: Vec<&str> = plan.files.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(paths, ["plan.yaml", "more/b.yaml"]);
    assert_eq!(plan.gates[1].place.file, "some/folder/more/b.yaml");
}

#[test]
fn text_is_kept_as_it_is_written() {
    let loaded = with_gates(
        "  a:
    title: 1.10
    checks:
      - http: POST /a
        headers: { X-Version: 1.10, X-No: no, X-Number: 007 }
        json: { n: 1, f: 1.5, t: true, z: null, s: '007' }
        expect: status == 200
",
    );
    assert_eq!(codes(&loaded), [""; 0]);
    let gate = &loaded.plan.unwrap().gates[0];
    assert_eq!(gate.title, "1.10");
    let headers = &gate.checks[0].options["headers"];
    assert_eq!(headers["X-Version"], "1.10");
    assert_eq!(headers["X-No"], "no");
    assert_eq!(headers["X-Number"], "007");
    let json = serde_json::json!({"n": 1, "f": 1.5, "t": true, "z": null, "s": "007"});
    assert_eq!(gate.checks[0].options["json"], json);
}

#[test]
fn the_schema_is_the_same_every_time_and_knows_every_probe() {
    let once = serde_json::to_string(&json_schema(&registry())).unwrap();
    let again = serde_json::to_string(&json_schema(&registry())).unwrap();
    assert_eq!(once, again);
    let schema = json_schema(&registry());
    let of = schema["$defs"]["Check"]["oneOf"].as_array().unwrap();
    let titles: Vec<&str> = of
        .iter()
        .map(|one| one["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, ["http", "load", "sql", "jwt", "uses"]);
    assert!(
        !once.contains("\"null\""),
        "nothing is optional by being null"
    );
    for reference in once.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(schema.pointer(pointer).is_some(), "{pointer}");
    }
}

mod filling {
    use serde_json::json;

    use super::*;
    use crate::expr::Scope;
    use crate::value::{Map, Value};

    fn fill_check(
        probe: &str,
        options: &serde_json::Value,
    ) -> Result<serde_json::Value, FillError> {
        let saved =
            json!({"id": 7, "name": "a b/../c?", "list": [1], "dots": "..", "trap": "${saved.id}"});
        let names = Map::from([("saved".to_owned(), Value::from_json(&saved))]);
        Filler::new(&registry()).check(probe, options, &Scope::new().with(&names))
    }

    #[test]
    fn a_whole_template_keeps_its_type_and_mixed_text_is_text() {
        let options =
            json!({"http": "POST /a", "json": {"id": "${saved.id}", "text": "no. ${saved.id}"}});
        let filled = fill_check("http", &options).unwrap();
        assert_eq!(filled["json"], json!({"id": 7, "text": "no. 7"}));
    }

    #[test]
    fn what_is_put_into_a_request_line_stays_one_segment() {
        let options = json!({"http": "GET /a/${saved.name}/${saved.dots}"});
        let filled = fill_check("http", &options).unwrap();
        assert_eq!(filled["http"], "GET /a/a%20b%2F..%2Fc%3F/%2E%2E");
    }

    #[test]
    fn a_number_becomes_text_where_text_is_due_and_nothing_else_bends() {
        let options =
            json!({"http": "GET /a", "headers": {"X": "${saved.id}"}, "redirects": "${saved.id}"});
        let filled = fill_check("http", &options).unwrap();
        assert_eq!(filled["headers"]["X"], "7");
        assert_eq!(filled["redirects"], 7);
        let options = json!({"http": "GET /a", "redirects": "${saved.name}"});
        let Err(FillError::Bad { message }) = fill_check("http", &options) else {
            panic!("a text is no number");
        };
        assert!(
            message.contains("`redirects` wants a whole number"),
            "{message}"
        );
        assert!(!message.contains("a b"), "values may be secret: {message}");
    }

    #[test]
    fn what_was_filled_in_is_not_filled_again() {
        let options = json!({"http": "GET /a", "redirects": "${saved.trap}"});
        assert!(matches!(
            fill_check("http", &options),
            Err(FillError::Bad { .. })
        ));
        let options = json!({"http": "GET /a", "bearer": "${saved.trap}"});
        assert_eq!(
            fill_check("http", &options).unwrap()["bearer"],
            "${saved.id}"
        );
        let options = json!({"http": "GET /a", "bearer": "$${saved.id}"});
        assert_eq!(
            fill_check("http", &options).unwrap()["bearer"],
            "${saved.id}"
        );
    }

    #[test]
    fn a_missing_value_is_named() {
        let options = json!({"http": "GET /a/${saved.gone}"});
        let Err(FillError::Missing { name, .. }) = fill_check("http", &options) else {
            panic!("it is missing");
        };
        assert_eq!(name, "saved.gone");
    }
}

mod waiving {
    use super::*;

    fn waivers(text: &str) -> LoadedWaivers {
        let plan = with_gates(
            "  a: { title: T, checks: [ { id: one, http: GET /a, expect: status == 200 } ] }\n",
        );
        let file = WaiverFile {
            path: "waivers.yaml".to_owned(),
            named: false,
        };
        let files = Memory::of([("waivers.yaml", text)]);
        load_waivers(&files, "plan.yaml", &file, &plan.plan.unwrap())
    }

    fn said(text: &str) -> Vec<&'static str> {
        waivers(text).diagnostics.iter().map(|d| d.code).collect()
    }

    fn one(line: &str) -> String {
        format!("waivers:\n  - {{ person: Ann, reason: known, {line} }}\n")
    }

    #[test]
    fn a_waiver_holds_until_the_end_of_its_last_day() {
        let text =
            one("check: a/one, given: 2026-11-01, until: 2026-12-01, accepts: status == 503");
        let loaded = waivers(&text);
        assert_eq!(said(&text), [""; 0]);
        let waiver = &loaded.waivers[0];
        assert_eq!(waiver.subject, "a/one");
        assert_eq!(
            waiver.until.to_rfc3339(),
            "2026-12-01T23:59:59.999999999+00:00"
        );
        assert_eq!(loaded.file.unwrap().path, "waivers.yaml");
    }

    #[test]
    fn a_waiver_that_lacks_anything_or_accepts_everything_is_refused() {
        let dates = "given: 2026-11-01, until: 2026-11-20";
        let cases = [
            (format!("gate: a, {dates}"), "missing-key"),
            (
                format!("gate: b, {dates}, accepts: size(checks) == 1"),
                "unknown-gate",
            ),
            (
                format!("check: a/two, {dates}, accepts: status == 1"),
                "unknown-check",
            ),
            (
                format!("gate: a/one, {dates}, accepts: status == 1"),
                "bad-waiver",
            ),
            (
                format!("gate: subject, {dates}, accepts: status == 1"),
                "bad-waiver",
            ),
            (format!("{dates}, accepts: status == 1"), "bad-waiver"),
            (
                format!("gate: a, check: a/one, {dates}, accepts: status == 1"),
                "bad-waiver",
            ),
            (
                format!("gate: a, {dates}, accepts: 'true'"),
                "expects-nothing",
            ),
            (
                "gate: a, given: 2026-11-01, until: 2026-12-02, accepts: status == 1".to_owned(),
                "bad-waiver",
            ),
            (
                "gate: a, given: 2026-11-02, until: 2026-11-01, accepts: status == 1".to_owned(),
                "bad-waiver",
            ),
            (
                "gate: a, given: yesterday, until: 2026-11-01, accepts: status == 1".to_owned(),
                "bad-value",
            ),
        ];
        for (line, code) in cases {
            assert_eq!(said(&one(&line)), [code], "{line}");
            assert!(waivers(&one(&line)).waivers.is_empty());
        }
    }

    #[test]
    fn a_waiver_file_that_the_plan_names_must_be_there() {
        let plan =
            with_gates("  a: { title: T, checks: [ { http: GET /a, expect: status == 200 } ] }\n")
                .plan
                .unwrap();
        let read = |path: &str, named| {
            let file = WaiverFile {
                path: path.to_owned(),
                named,
            };
            let loaded = load_waivers(&Memory::of([]), "plan.yaml", &file, &plan);
            loaded
                .diagnostics
                .iter()
                .map(|d| d.code)
                .collect::<Vec<_>>()
        };
        assert_eq!(read("waivers.yaml", false), [""; 0]);
        assert_eq!(read("w.yaml", true), ["missing-file"]);
        assert_eq!(read("../w.yaml", true), ["bad-path"]);
    }
}

mod environments {
    use super::*;

    const TWO: &str = "
gonogo: 1
name: two
environments:
  local: { targets: { db: { postgres: postgres://a } } }
  staging: { targets: { api: { http: http://a }, db: { postgres: postgres://a } } }
gates:
  rows: { title: T, checks: [ { sql: select 1, expect: size(rows) == 1 } ] }
  calls: { title: T, only: staging, checks: [ { http: GET /a, expect: status == 200 } ] }
  after: { title: T, severity: advisory, needs: calls, checks: [ { http: GET /a, expect: status == 200 } ] }
";

    #[test]
    fn what_an_environment_lacks_is_said_when_it_is_chosen() {
        let loaded = load_text(TWO);
        assert_eq!(codes(&loaded), [""; 0]);
        let plan = loaded.plan.unwrap();
        let said = |name: &str| {
            let found = check_environment(&plan, name, &registry());
            found.iter().map(|d| d.code).collect::<Vec<_>>()
        };
        assert_eq!(said("staging"), [""; 0]);
        assert_eq!(said("local"), ["needs-out-of-scope", "no-target"]);
    }

    #[test]
    fn an_environment_in_which_only_advice_applies_is_refused() {
        let text = TWO.replace("rows: { title: T,", "rows: { title: T, severity: advisory,");
        let plan = load_text(&text).plan.unwrap();
        let found = check_environment(&plan, "local", &registry());
        assert_eq!(found[0].code, "all-advisory");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_loading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut files = Memory::of([]);
        files.0.insert("plan.yaml".to_owned(), bytes);
        let loaded = load(&files, "plan.yaml", &registry());
        prop_assert!(loaded.plan.is_none());
        prop_assert!(loaded.has_errors());
    }

    #[test]
    fn no_change_to_a_plan_makes_loading_panic(at in 0usize..EXAMPLE.len(), cut in 0usize..40, put in "[-\\[\\]{}:!&*#|>'\"$ \na-z0-9\t]{0,8}") {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, put.bytes());
        let mut files = Memory::of([("staging-ca.pem", "PEM")]);
        files.0.insert("plan.yaml".to_owned(), bytes);
        let loaded = load(&files, "plan.yaml", &registry());
        prop_assert_eq!(loaded.plan.is_some(), !loaded.has_errors());
        let _shown = crate::diag::render(&loaded.diagnostics);
    }

    #[test]
    fn a_slug_is_always_a_name(text in "\\PC{0,80}") {
        let slug = crate::plan::build::slug(&text);
        prop_assert!(slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
    }
}

#[test]
fn a_policy_file_speaks_of_counts() {
    let said = |text: &str| match load_policy(&Memory::of([("p.yaml", text)]), "p.yaml") {
        Ok(policy) => vec![format!("{} {}", policy.no_go.len(), policy.hold.len())],
        Err(found) => found.iter().map(|d| d.code.to_owned()).collect(),
    };
    let good = "no_go: important.fail > 0\nhold:\n  - advisory.fail > 2\n  - critical.warn > 0\n";
    assert_eq!(said(good), ["1 2"]);
    assert_eq!(said("no_go: important.failed > 0"), ["expr-unknown-field"]);
    assert_eq!(said("hold: 'true'"), ["expects-nothing"]);
    assert_eq!(said("go: important.fail == 0"), ["unknown-key"]);
}
