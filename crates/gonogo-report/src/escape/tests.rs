use proptest::prelude::*;

use super::*;
use crate::fixtures::HOSTILE;

#[test]
fn what_nobody_sees_is_shown_by_its_number() {
    assert_eq!(terminal("\u{1b}[31mred"), "\\u{1b}[31mred");
    assert_eq!(
        terminal("a\u{202e}b\u{2066}c\u{200b}"),
        "a\\u{202e}b\\u{2066}c\\u{200b}"
    );
    assert_eq!(terminal("one\ntwo\r\tthree"), "one\\ntwo\\r\\tthree");
    assert_eq!(
        terminal("C1 \u{9b}2J tag \u{e0041} bom \u{feff}"),
        "C1 \\u{9b}2J tag \\u{e0041} bom \\u{feff}"
    );
    assert_eq!(terminal("naïve 日本語 ✓ – 43 µs"), "naïve 日本語 ✓ – 43 µs");
}

#[test]
fn every_bidirectional_control_is_hidden() {
    let controls = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
    assert!(controls.chars().all(is_hidden));
}

#[test]
fn html_is_text_in_content_and_in_attributes() {
    assert_eq!(
        html("<a href=\"x\" title='y'>&"),
        "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;"
    );
    assert_eq!(html("line\n\tindented\u{0}"), "line\n\tindented\\u{0}");
}

#[test]
fn xml_keeps_line_breaks_through_an_attribute() {
    assert_eq!(xml("a\nb\u{8}]]>"), "a&#10;b\\u{8}]]&gt;");
}

#[test]
fn markdown_makes_no_markup_of_data() {
    assert_eq!(markdown("a | b"), "a &#124; b");
    assert_eq!(
        markdown("**b** _i_ protection_rules `c`"),
        "\\*\\*b\\*\\* \\_i\\_ protection_rules \\`c\\`"
    );
    assert_eq!(markdown("[x](javascript:1)"), "\\[x\\](javascript:1)");
    assert_eq!(markdown("<img src=x>"), "&lt;img src=x&gt;");
    assert_eq!(markdown("# head"), "\\# head");
    assert_eq!(markdown("1. item"), "1\\. item");
    assert_eq!(markdown("see http://evil.test"), "see http&#58;//evil.test");
    assert_eq!(markdown("www.evil.test"), "www&#46;evil.test");
}

#[test]
fn nobody_is_notified_by_what_a_target_sent() {
    assert_eq!(markdown("@everyone #12"), "@&#8203;everyone #&#8203;12");
}

#[test]
fn code_outlasts_the_backticks_in_it() {
    assert_eq!(markdown_code("a `` b"), "```a `` b```");
    assert_eq!(markdown_code("`x`"), "`` `x` ``");
    assert_eq!(markdown_code("a || b"), "<code>a &#124;&#124; b</code>");
    assert_eq!(markdown_code(" "), "–");
    assert_eq!(markdown_block("```\nx", "json"), "````json\n```\nx\n````\n");
}

#[test]
fn text_is_cut_between_characters() {
    assert_eq!(shorten("日本語", 3), "日本語");
    assert_eq!(shorten("日本語", 2), "日…");
}

/// Hostile pieces in any order, between anything at all.
fn hostile() -> impl Strategy<Value = String> {
    let pieces: Vec<String> = HOSTILE.split(' ').map(str::to_owned).collect();
    let piece = prop_oneof![
        proptest::sample::select(pieces),
        any::<String>(),
        proptest::collection::vec(any::<char>(), 0..4).prop_map(|c| c.into_iter().collect()),
        Just("\\".to_owned()),
        Just("`".to_owned()),
        Just("|".to_owned()),
        Just("\n".to_owned()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn nothing_hidden_passes_any_sink(text in hostile()) {
        prop_assert!(!terminal(&text).chars().any(is_hidden));
        let kept = |c: char| is_hidden(c) && c != '\n' && c != '\t';
        prop_assert!(!html(&text).chars().any(kept));
        prop_assert!(!xml(&text).chars().any(is_hidden));
        prop_assert!(!markdown(&text).chars().any(is_hidden));
        prop_assert!(!markdown_code(&text).chars().any(is_hidden));
        prop_assert!(!markdown_block(&text, "").chars().any(kept));
    }

    #[test]
    fn no_text_opens_an_element_or_ends_an_attribute(text in hostile()) {
        for escaped in [html(&text), xml(&text)] {
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            for (at, _) in escaped.match_indices('&') {
                let entity = escaped[at..].split(';').next().unwrap_or("");
                prop_assert!(
                    ["&amp", "&lt", "&gt", "&quot", "&apos", "&#39", "&#10", "&#9"].contains(&entity),
                    "{entity}"
                );
            }
        }
    }

    #[test]
    fn no_text_leaves_its_table_cell(text in hostile()) {
        let cell = markdown(&text);
        prop_assert!(!cell.contains(['|', '\n', '<', '>']));
        let code = markdown_code(&text);
        prop_assert!(!code.contains(['|', '\n']));
    }

    #[test]
    fn no_text_ends_its_code(text in hostile()) {
        let code = markdown_code(&text);
        if code.starts_with('`') {
            let fence: String = code.chars().take_while(|c| *c == '`').collect();
            let inner = &code[fence.len()..code.len() - fence.len()];
            prop_assert!(code.ends_with(&fence));
            prop_assert!(!inner.split(|c| c != '`').any(|run| run == fence));
        }
        let block = markdown_block(&text, "");
        let fence: String = block.chars().take_while(|c| *c == '`').collect();
        let closing = block.lines().filter(|line| line.trim() == fence).count();
        prop_assert_eq!(closing, 2);
    }
}

#[test]
fn no_build_server_takes_what_came_for_a_command() {
    for (text, shown) in [
        ("::error::owned", r"\u{3a}:error::owned"),
        ("  ::add-mask::x", r"  \u{3a}:add-mask::x"),
        (
            "it says\n::set-output name=a::b",
            r"it says\n\u{3a}:set-output name=a::b",
        ),
        (
            "a ##vso[task.setvariable]x",
            r"a \u{23}#vso[task.setvariable]x",
        ),
        ("##[error]x", r"\u{23}#[error]x"),
        ("##teamcity[x]", r"\u{23}#teamcity[x]"),
        (
            "std::io::error::Kind and ::1",
            "std::io::error::Kind and ::1",
        ),
        ("## heading [x]", "## heading [x]"),
    ] {
        let seen = terminal(text);
        if text.contains('\n') {
            // A line break is shown as two signs, so nothing stands at the beginning of a line.
            assert!(!seen.contains('\n'), "{seen}");
        } else {
            assert_eq!(seen, shown);
        }
    }
}
