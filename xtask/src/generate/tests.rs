use std::path::Path;

use serde_json::json;

use super::{coverage, stale, yaml};
use crate::tidy::{House, is_page};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn every_generated_page_is_current() {
    let stale = stale(root()).unwrap();
    assert!(stale.is_empty(), "`cargo xtask gen` writes {stale:?}");
}

#[test]
fn every_part_of_the_plan_has_its_keys_on_the_page() {
    let page = std::fs::read_to_string(root().join("docs/reference/plan.md")).unwrap();
    for part in page.split("\n## ").skip(1) {
        assert!(
            part.contains("\n| `"),
            "no key under {:?}",
            part.lines().next()
        );
    }
}

#[test]
fn every_key_and_fact_of_a_probe_is_described() {
    for probe in gonogo_probes::registry().probes {
        let path = format!("docs/reference/probes/{}.md", probe.key());
        let page = std::fs::read_to_string(root().join(&path)).unwrap();
        for row in page.lines().filter(|line| line.starts_with("| `")) {
            assert!(!row.ends_with("|  |"), "{path}: {row}");
        }
    }
}

#[test]
fn our_own_yaml_is_read() {
    let read = yaml::read("a: [x, 'y z']\nb:\n  - c: >-\n      one\n      two\n").unwrap();
    assert_eq!(read, json!({"a": ["x", "y z"], "b": [{"c": "one two"}]}));
}

#[test]
fn an_alias_is_what_it_names_and_nothing_is_invisible() {
    let read =
        yaml::read("gates:\n  a: &a\n    checks: [{id: &one one}]\n  b: *a\n  c: *one\n").unwrap();
    assert_eq!(read["gates"]["b"], json!({"checks": [{"id": "one"}]}));
    assert_eq!(read["gates"]["c"], "one");
    for (text, why) in [
        ("a: *nothing\n", ""),
        ("a: &a [*a]\n", ""),
        ("a: &a {b: c}\nd:\n  <<: *a\n", "`<<`"),
        ("a: b\na: c\n", "`a` is there twice"),
        ("a: b\n---\nc: d\n", "one document"),
    ] {
        let refused = yaml::read(text).expect_err(text);
        assert!(format!("{refused:#}").contains(why), "{text}: {refused:#}");
    }
}

const PLAN: &str =
    "subject: {http: GET /}\ngates:\n  a:\n    checks:\n      - id: one\n      - id: two\n";
const TEST: (&str, &str) = ("crates/lab/src/tests.rs", "#[test]\nfn a_b_c() {\n");

fn of_case(coverage: &str, faults: &str) -> anyhow::Result<String> {
    coverage::page(&House::of(&[
        ("cases/x/coverage.yaml", coverage),
        ("cases/x/plan.yaml", PLAN),
        ("cases/x/faults.yaml", faults),
        TEST,
    ]))
}

#[test]
fn coverage_goes_from_requirement_to_test() {
    let faults = "faults:\n  - {name: broken, check: a/one}\n  - {name: other, check: a/two}\n";
    let coverage = "title: X\nrequirements:\n\
        - {id: S1.1, text: One., checks: [a/one], tests: [a_b_c]}\n\
        - {id: S1.2, text: Later.}\n";
    let page = of_case(coverage, faults).unwrap();
    assert!(
        page.contains("| **S1.1** One. | `a/one` | `broken` | `a_b_c` |"),
        "{page}"
    );
    assert!(page.contains("Not covered:\n\n- **S1.2** Later."), "{page}");
    assert!(
        page.contains("Checks beyond the requirements: `a/two`, `subject/start`, `subject/end`."),
        "{page}"
    );
}

#[test]
fn coverage_that_claims_what_is_not_there_is_refused() {
    let coverage = "requirements:\n\
        - {id: S1.1, text: One., checks: [a/three, b], tests: [gone_gone_gone]}\n\
        - {id: S1.1, text: Again.}\n";
    let error = of_case(coverage, "faults:\n  - {name: f, check: a/four}\n")
        .unwrap_err()
        .to_string();
    for part in [
        "no gate or check a/three",
        "no gate or check b",
        "no test is called gone_gone_gone",
        "twice",
        "a/four, which is to notice f",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

/// A folder in which every file that a plan may name is there: other blocks of the page, whose first line has the
/// name as a comment.
struct Pretended<'a> {
    plan: &'a str,
    page: &'a str,
}

impl gonogo_core::plan::Files for Pretended<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match path {
            "plan.yaml" => Ok(self.plan.as_bytes().to_vec()),
            // A certificate is only looked for.
            other
                if other
                    .rsplit_once('.')
                    .is_some_and(|(_, kind)| kind == "pem") =>
            {
                Ok(Vec::new())
            }
            other => {
                let names = [format!("# {other}\n"), format!("<!-- {other} -->\n")];
                let is_it = |text: &str| names.iter().any(|name| text.starts_with(name));
                let mut blocks = fenced(self.page).into_iter().map(|(_, text)| text);
                let block = blocks.find(|text| is_it(text));
                block
                    .map(String::into_bytes)
                    .ok_or_else(|| format!("{other} is not there"))
            }
        }
    }
}

/// The fenced blocks of a page: their language and text.
fn fenced(page: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => open = Some((language, String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn every_plan_on_a_page_loads_and_lints_clean() {
    let house = House::read(root()).unwrap();
    let registry = gonogo_probes::registry();
    let mut plans = 0;
    for (path, text) in house.files().filter(|(path, _)| is_page(path)) {
        for (_, block) in fenced(text)
            .iter()
            .filter(|(language, _)| *language == "yaml")
        {
            if !block.starts_with("gonogo: 1\n") {
                continue;
            }
            plans += 1;
            let loaded = gonogo_core::plan::load(
                &Pretended {
                    plan: block,
                    page: text,
                },
                "plan.yaml",
                &registry,
            );
            let said = gonogo_core::diag::render(&loaded.diagnostics);
            assert_eq!(said, "", "{path}:\n{block}");
        }
    }
    assert!(plans >= 6, "only {plans} plans were found");
}
