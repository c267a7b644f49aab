use gonogo_core::outcome::{Outcome, Severity};

use super::*;
use crate::fixtures::{self, HOSTILE};

fn places() -> Places {
    Places::called("ops/plan.yaml")
}

#[test]
fn the_annotations_of_each_verdict_read_as_before() {
    for (name, judged) in fixtures::all() {
        insta::assert_snapshot!(name, annotations(&judged, Some(&places())));
    }
}

#[test]
fn a_go_has_no_error_and_anything_else_begins_with_one() {
    for (name, judged) in fixtures::all() {
        let text = annotations(&judged, None);
        if judged.verdict == Verdict::Go {
            assert!(!text.contains("::error "), "{name}: {text}");
            assert!(text.starts_with("::notice "), "{name}: {text}");
        } else {
            assert!(text.starts_with("::error "), "{name}: {text}");
        }
    }
}

#[test]
fn no_more_annotations_of_a_kind_are_written_than_github_shows_and_the_rest_is_counted() {
    let checks = (0..30)
        .map(|n| fixtures::check(&format!("c{n}"), "GET /", Outcome::Fail, "500"))
        .collect();
    let gate = fixtures::gate("gate", "It holds", Severity::Critical, checks);
    let text = annotations(&fixtures::empty(vec![gate]), Some(&places()));
    assert_eq!(
        text.lines().filter(|l| l.starts_with("::error ")).count(),
        MOST
    );
    assert!(text.contains("more, in the job's summary"), "{text}");
}

#[test]
fn nothing_that_a_target_sends_begins_a_command_of_its_own() {
    for hostile in [
        HOSTILE,
        "x\n::set-env name=PATH::/tmp",
        "100%0A::error::y",
        "a,line=3::b",
    ] {
        let check = fixtures::check("one", "GET /", Outcome::Fail, hostile);
        let gate = fixtures::gate(hostile, hostile, Severity::Critical, vec![check]);
        let text = annotations(&fixtures::empty(vec![gate]), Some(&places()));
        for line in text.lines() {
            assert!(
                ["::error ", "::warning ", "::notice "]
                    .iter()
                    .any(|w| line.starts_with(w)),
                "{line}"
            );
            assert!(!line.chars().any(crate::escape::is_hidden), "{line}");
            // Where the properties end, the first `::` after the word stands.
            let properties = line[2..].split("::").next().unwrap();
            assert!(!properties.contains("%0A"), "{line}");
        }
    }
}
