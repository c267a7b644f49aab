use unicode_width::UnicodeWidthStr as _;

use super::canvas::wrap;
use super::*;
use crate::escape::is_hidden;
use crate::fixtures;

fn look(colour: bool, width: usize) -> Look {
    Look {
        colour,
        width,
        folder: Some("runs/2026-11-21T1004Z-metasheet2-staging-7f3a".to_owned()),
    }
}

#[test]
fn whole_reports_read_as_before() {
    for (name, judged) in fixtures::all() {
        insta::assert_snapshot!(name, render(&judged, &look(false, 80)));
        insta::assert_snapshot!(format!("{name}_wide"), render(&judged, &look(false, 120)));
    }
}

#[test]
fn no_line_is_wider_than_the_terminal_but_what_is_to_be_copied() {
    for width in [40, 60, 80, 120, 200] {
        for (name, judged) in fixtures::all() {
            for line in render(&judged, &look(false, width)).lines() {
                let is_copied = line.contains(" gonogo ") || line.contains("report.html");
                assert!(
                    line.width() <= width || is_copied,
                    "{name} at {width}: {line:?}"
                );
            }
        }
    }
}

#[test]
fn without_colour_no_byte_of_colour_is_written() {
    for (_, judged) in fixtures::all() {
        let text = render(&judged, &look(false, 80));
        assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)));
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    for (_, judged) in fixtures::all() {
        let coloured = render(&judged, &look(true, 100));
        let mut bare = String::new();
        let mut parts = coloured.split('\u{1b}');
        bare.push_str(parts.next().unwrap());
        for part in parts {
            let (code, text) = part.split_once('m').unwrap();
            assert!(code.chars().all(|c| "[0123456789;".contains(c)), "{code}");
            bare.push_str(text);
        }
        let trimmed = |text: &str| -> Vec<String> {
            text.lines()
                .map(|line| line.trim_end().to_owned())
                .collect()
        };
        assert_eq!(trimmed(&bare), trimmed(&render(&judged, &look(false, 100))));
    }
}

#[test]
fn the_parts_stand_in_their_order() {
    let text = render(&fixtures::no_go(), &look(false, 80));
    let at: Vec<usize> = [
        "NO-GO",
        "service",
        "NO-GO because",
        title::BLOCKERS,
        title::NOT_EVALUATED,
        title::SINCE,
        title::CONDITIONS,
        title::WAY_BACK,
        title::GATES,
        "report.html",
    ]
    .iter()
    .map(|part| text.find(part).unwrap())
    .collect();
    assert!(at.is_sorted(), "{at:?}");
}

#[test]
fn a_rehearsal_says_so() {
    let text = render(&fixtures::go(), &look(false, 80));
    assert!(text.contains("REHEARSAL") && text.contains("GO (rehearsal)"));
    assert!(!text.contains("GO (rehearsal)   release"));
    assert!(!render(&fixtures::no_go(), &look(false, 80)).contains("REHEARSAL"));
}

#[test]
fn long_words_are_broken_and_wide_characters_counted() {
    assert_eq!(wrap("abc defghijkl", 5), ["abc", "defgh", "ijkl"]);
    assert_eq!(wrap("日本語", 4), ["日本", "語"]);
    assert_eq!(wrap("", 4), [""]);
    assert_eq!(wrap("a  b", 9), ["a b"]);
    assert_eq!(wrap("bound 23.1 ms, or", 11), ["bound", "23.1 ms, or"]);
}
