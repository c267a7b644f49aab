use super::*;
use crate::fixtures;

#[test]
fn the_verdict_file_reads_as_before() {
    insta::assert_snapshot!("hold", render(&fixtures::hold()));
}

#[test]
fn the_promised_keys_are_there() {
    for (name, judged) in fixtures::all() {
        let document = document(&judged, Some("/tmp/runs/x"));
        for key in [
            "verdict",
            "rehearsal",
            "run",
            "reasons",
            "counts",
            "gate_counts",
            "gates",
            "findings",
        ] {
            assert!(document.get(key).is_some(), "{name}: {key}");
        }
        let gate = &document["gates"][0];
        for key in ["id", "title", "severity", "outcome", "waived_by", "checks"] {
            assert!(gate.get(key).is_some(), "{name}: gates[].{key}");
        }
        let check = &gate["checks"][0];
        for key in ["id", "outcome", "message"] {
            assert!(check.get(key).is_some(), "{name}: checks[].{key}");
        }
        for finding in document["findings"].as_array().unwrap() {
            for key in [
                "gate", "check", "severity", "expected", "seen", "cause", "next",
            ] {
                assert!(finding.get(key).is_some(), "{name}: findings[].{key}");
            }
            assert!(finding["check"].as_str().unwrap().contains('/'));
        }
    }
}

#[test]
fn the_folder_stands_in_the_printed_document_alone() {
    let judged = fixtures::go();
    assert_eq!(document(&judged, Some("/tmp/runs/x"))["run"], "/tmp/runs/x");
    assert_eq!(document(&judged, None)["run"], judged.run.as_str());
    assert!(!render(&judged).contains("/tmp"));
}

#[test]
fn the_file_and_the_document_are_the_same_data() {
    for (_, judged) in fixtures::all() {
        // Both read back: what a parser loses of a float, it loses of both.
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(
            read(&render(&judged)),
            read(&text(&document(&judged, None)))
        );
    }
}

#[test]
fn printed_json_moves_no_cursor_and_turns_no_text() {
    let judged = fixtures::no_go();
    for text in [render(&judged), text(&document(&judged, None))] {
        assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)));
        assert!(text.contains("\\u202e"));
    }
}

#[test]
fn a_figure_that_is_no_number_is_null() {
    let mut judged = fixtures::hold();
    judged.gates[1].checks[0].limits[0].judgement.estimate = Some(f64::NAN);
    let document = document(&judged, None);
    assert!(document["gates"][1]["checks"][0]["limits"][0]["judgement"]["estimate"].is_null());
}
