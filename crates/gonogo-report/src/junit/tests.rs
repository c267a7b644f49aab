use proptest::prelude::*;

use super::*;
use crate::fixtures::{self, HOSTILE};

#[test]
fn whole_reports_read_as_before() {
    for (name, judged) in fixtures::all() {
        insta::assert_snapshot!(name, render(&judged));
    }
}

/// A strict reader of the XML that stands in these reports: elements, attributes, text, references.
fn well_formed(xml: &str) -> Result<(), String> {
    let forbidden = |c: char| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    if let Some(c) = xml.chars().find(|c| forbidden(*c)) {
        return Err(format!("forbidden {c:?}"));
    }
    let mut open: Vec<String> = Vec::new();
    let mut rest = xml
        .strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        .ok_or("no declaration")?;
    while let Some(start) = rest.find('<') {
        references(&rest[..start])?;
        let inside = &rest[start + 1..];
        let end = inside.find('>').ok_or("an element without an end")?;
        let element = &inside[..end];
        rest = &inside[end + 1..];
        if let Some(name) = element.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let is_empty = element.ends_with('/');
        let element = element.trim_end_matches('/');
        let (name, attributes) = element.split_once(' ').unwrap_or((element, ""));
        let mut pieces = attributes.split('"');
        let mut names = Vec::new();
        while let Some(key) = pieces.next() {
            let Some(value) = pieces.next() else {
                if key.trim().is_empty() {
                    break;
                }
                return Err(format!("{key} without a value"));
            };
            let key = key.trim().strip_suffix('=').ok_or("no =")?;
            if names.contains(&key) || value.contains('<') {
                return Err(format!("attribute {key}"));
            }
            references(value)?;
            names.push(key);
        }
        if !is_empty {
            open.push(name.to_owned());
        }
    }
    references(rest)?;
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("open: {open:?}"))
    }
}

fn references(text: &str) -> Result<(), String> {
    for (at, _) in text.match_indices('&') {
        let name = text[at + 1..].split(';').next().unwrap_or("");
        if !["amp", "lt", "gt", "quot", "apos", "#10", "#9"].contains(&name) {
            return Err(format!("&{name}"));
        }
    }
    if text.contains("]]>") {
        Err("]]>".to_owned())
    } else {
        Ok(())
    }
}

#[test]
fn every_report_is_well_formed() {
    for (name, judged) in fixtures::all() {
        assert_eq!(well_formed(&render(&judged)), Ok(()), "{name}");
    }
    assert!(well_formed("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a><b></a>").is_err());
    assert!(well_formed("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b=\"&x;\"/>").is_err());
}

proptest! {
    #[test]
    fn no_text_of_a_target_breaks_the_xml(text in any::<String>(), id in any::<String>()) {
        let mut judged = fixtures::no_go();
        judged.gates[0].id = format!("{HOSTILE}{id}");
        judged.gates[0].checks[0].message = text.clone();
        judged.because = text;
        prop_assert_eq!(well_formed(&render(&judged)), Ok(()));
    }
}

#[test]
fn a_verdict_that_is_not_go_never_looks_green() {
    for (name, mut judged) in fixtures::all() {
        if judged.verdict == Verdict::Go {
            continue;
        }
        judged.gates.clear();
        judged.subject.start = None;
        judged.subject.end = None;
        let xml = render(&judged);
        assert!(xml.contains("<failure") || xml.contains("<error"), "{name}");
    }
}

#[test]
fn a_required_check_that_is_undecided_is_an_error_and_no_skip() {
    for outcome in [
        Outcome::Error,
        Outcome::Inconclusive,
        Outcome::Skipped,
        Outcome::Pending,
    ] {
        for severity in [Severity::Critical, Severity::Important] {
            let check = fixtures::check("c", "GET /", outcome, "no evidence");
            let judged = fixtures::empty(vec![fixtures::gate("g", "G", severity, vec![check])]);
            let xml = render(&judged);
            assert!(
                xml.contains(&format!("<error type=\"{}\"", outcome.word())),
                "{xml}"
            );
            assert!(!xml.contains("<skipped"), "{xml}");
        }
    }
}

#[test]
fn an_advisory_failure_is_shown_and_fails_nothing() {
    let check = fixtures::check("c", "GET /", Outcome::Fail, "ratio is 0.25");
    let mut judged = fixtures::empty(vec![fixtures::gate(
        "g",
        "G",
        Severity::Advisory,
        vec![check],
    )]);
    judged.verdict = Verdict::Go;
    let xml = render(&judged);
    assert!(!xml.contains("<failure") && !xml.contains("<error"));
    assert!(xml.contains("advisory, fail: ratio is 0.25"));
}

#[test]
fn a_gate_without_checks_is_an_error_unless_out_of_scope() {
    let judged = fixtures::empty(vec![fixtures::gate(
        "g",
        "G",
        Severity::Critical,
        Vec::new(),
    )]);
    let xml = render(&judged);
    assert_eq!(xml.matches("<error").count(), 2);
}
