//! Documents that nobody should write: cut anywhere, contradicting themselves, meant to exhaust.

use proptest::prelude::*;

use crate::suites::read::{Format, detect, read};
use crate::suites::tally::Reading;

const ALL: [Format; 9] = [
    Format::Junit,
    Format::Tap,
    Format::Cargo,
    Format::Libtest,
    Format::Pytest,
    Format::Jest,
    Format::Go,
    Format::K6,
    Format::Sarif,
];

fn junit(text: &str) -> Reading {
    read(Format::Junit, text, "", "")
}

fn rules(text: &str) -> Vec<&'static str> {
    junit(text).wrong.iter().map(|w| w.rule).collect()
}

/// Whether a document that is read proves that all is well.
fn is_whole(reading: &Reading) -> bool {
    let failed = reading.suites.iter().any(|s| s.counts.bad() > 0);
    let counted = reading.suites.iter().any(|s| s.counts.ran() > 0) || !reading.scans.is_empty();
    reading.wrong.is_empty() && counted && !failed
}

#[test]
fn a_junit_document_that_counts_itself_otherwise_is_told() {
    for attribute in [
        "tests=\"2\"",
        "failures=\"1\"",
        "errors=\"1\"",
        "skipped=\"1\"",
        "tests=\"0\"",
        "tests=\"-1\"",
        "tests=\"NaN\"",
        "tests=\"99999999999999999999\"",
    ] {
        let text = format!("<testsuite name=\"s\" {attribute}><testcase name=\"a\"/></testsuite>");
        assert_eq!(rules(&text), ["counters"], "{attribute}");
    }
    assert_eq!(
        rules("<testsuite name=\"s\" tests=\"1\" failures=\"\"><testcase name=\"a\"/></testsuite>"),
        [""; 0]
    );
}

#[test]
fn no_dtd_no_entity_and_no_second_document_is_read() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><testsuite name=\"&b;\"><testcase name=\"a\"/></testsuite>";
    assert_eq!(rules(bomb), ["dtd"]);
    assert_eq!(
        rules("<testsuite name=\"&b;\"><testcase name=\"a\"/></testsuite>"),
        ["garbled"]
    );
    assert_eq!(
        rules(
            "<testsuite name=\"s\"><testcase name=\"a\"><system-out>&file;</system-out></testcase></testsuite>"
        ),
        ["garbled"]
    );
    assert_eq!(
        rules("<testsuite name=\"s\"><testcase name=\"a\"/></testsuite><testsuite name=\"t\"/>"),
        ["garbled"]
    );
    assert_eq!(
        rules("<testsuite name=\"s\"><testcase name=\"a\"/></testsuite> and more"),
        ["garbled"]
    );
    assert_eq!(
        rules("<testsuite name=\"s\" name=\"t\"><testcase name=\"a\"/></testsuite>"),
        ["garbled"]
    );
    assert_eq!(rules("<html><body>maintenance</body></html>"), ["garbled"]);
    assert_eq!(rules(""), ["garbled"]);
}

#[test]
fn elements_nested_without_end_are_refused() {
    let deep = format!(
        "{}{}",
        "<testsuite name='a'>".repeat(100_000),
        "</testsuite>".repeat(100_000)
    );
    assert_eq!(rules(&deep), ["garbled"]);
}

#[test]
fn a_megabyte_of_brackets_is_refused_in_every_format() {
    let brackets = "[".repeat(1 << 20);
    for format in ALL {
        for begins in [
            "",
            "{\"runs\":",
            "{\"metrics\":{},\"root_group\":",
            "{\"Action\":\"run\",\"Package\":",
        ] {
            let reading = read(format, &format!("{begins}{brackets}"), "", "");
            assert!(!is_whole(&reading), "{format:?}");
        }
    }
}

#[test]
fn names_are_kept_up_to_a_bound_and_the_count_is_whole() {
    let long = "x".repeat(1000);
    let cases = (0..3000).map(|n| format!("<testcase name=\"{long}{n}\"><failure/></testcase>"));
    let cases: String = cases.collect();
    let text = format!("<testsuite name=\"s\">{cases}</testsuite>");
    let reading = junit(&text);
    let suite = &reading.suites[0];
    assert_eq!(
        (
            suite.counts.failed,
            suite.failed.kept.len(),
            suite.failed.more
        ),
        (3000, 1000, 2000)
    );
    assert!(suite.failed.kept.iter().all(|n| n.chars().count() <= 301));
}

#[test]
fn no_recorded_document_that_is_cut_anywhere_proves_anything() {
    let recorded = [
        (
            Format::Junit,
            include_str!("../fixtures/nextest-passed.xml"),
        ),
        (Format::Junit, include_str!("../fixtures/pytest-passed.xml")),
        (Format::Jest, include_str!("../fixtures/jest-passed.json")),
        (
            Format::Sarif,
            include_str!("../fixtures/eslint-clean.sarif"),
        ),
        (Format::Tap, include_str!("../fixtures/perl-passed.tap")),
        (
            Format::Pytest,
            include_str!("../fixtures/pytest-passed.txt"),
        ),
        (
            Format::Libtest,
            include_str!("../fixtures/nextest-libtest.jsonl"),
        ),
    ];
    for (format, text) in recorded {
        assert!(is_whole(&read(format, text, "", "")), "{format:?}");
        let text = text.trim_end();
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let reading = read(format, &text[..at], "", "");
            // The frame of pytest's last line, and comments behind the last test of TAP.
            let rest = &text[at..];
            let is_comment = format == Format::Tap && text[..at].ends_with('\n');
            let is_tail =
                rest.chars().all(|c| "= ".contains(c)) || is_comment && rest.starts_with('#');
            assert!(
                is_tail || !is_whole(&reading),
                "{format:?} cut at {at}: {reading:?}"
            );
        }
    }
}

#[test]
fn output_of_cargo_that_is_cut_within_a_program_is_told() {
    let text = include_str!("../fixtures/cargo-failed.txt");
    let from = text.find("running 2 tests").unwrap();
    let end = from + text[from..].find("test result").unwrap();
    for at in from + 16..end {
        let reading = read(Format::Cargo, &text[..at], "", "");
        assert!(!is_whole(&reading), "cut at {at}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,400}", lines in proptest::collection::vec("(ok|not ok|1\\.\\.|    ok|running|test result: ok\\.|=+|TAP version) ?[0-9]{0,3}( tests?| passed; 0 failed; 0 ignored; 0 measured; 0 filtered out| passed in 1s)?( - \\PC{0,9})?", 0..20)) {
        for text in [text, lines.join("\n")] {
            let _ = detect(&text).map(Format::name);
            for format in ALL {
                let reading = read(format, &text, &text, &text);
                let total: u64 = reading.suites.iter().map(|s| s.counts.total()).sum();
                prop_assert!(total > 0 || !is_whole(&reading) || !reading.scans.is_empty());
            }
        }
    }

    #[test]
    fn any_byte_of_a_junit_document_may_change_and_nothing_panics(at in 0usize..1500, byte in 0u8..128) {
        let mut bytes = include_bytes!("../fixtures/nextest-failed.xml").to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            let reading = junit(&text);
            let failed: u64 = reading.suites.iter().map(|s| s.counts.bad()).sum();
            // The document counts itself twice: a failure does not vanish unseen.
            prop_assert!(failed > 0 || !reading.wrong.is_empty(), "{}", text);
        }
    }
}
