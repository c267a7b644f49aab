//! No text makes the reader panic, hang or fall silent.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::guard::too_deep;
use super::super::layout::{Tool, layout};
use super::super::reader::{Manner, read};
use super::super::sections::split;

fn manner() -> Manner {
    Manner::default()
}

/// Pieces of which hostile SQL is made.
fn pieces() -> impl Strategy<Value = String> {
    let words = [
        "select",
        "alter table t",
        "drop table t;",
        "create index i on t(a);",
        "do $$",
        "$$",
        "begin",
        "end",
        ";",
        "(",
        ")",
        "'",
        "\"",
        "E'\\",
        "/*",
        "*/",
        "--",
        "\n",
        "execute",
        "if",
        "then",
        "loop",
        "case",
        "when",
        "$1",
        "$a$",
        "::",
        "[",
        "]",
        ",",
        "\u{0}",
        "\u{feff}",
        "é",
        "\\",
        "`",
        "1e",
        "0x",
        "U&'",
        "uescape",
        "add column",
        "not null",
        "language sql",
        "as",
        "create function f()",
        "returns",
        "union",
        "commit;",
        "squawk-ignore",
        "-- squawk-ignore-file",
        "+",
        "not",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..60).prop_map(|w| w.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in prop_oneof![".{0,300}", pieces()]) {
        let script = read(&text, &manner());
        // A panic of the parser is caught and told in these words.
        prop_assert!(script.hits.iter().all(|hit| hit.reason.as_deref() != Some("It was not read: the parser gave up on it.")), "{text:?}");
        prop_assert!(script.hits.iter().all(|hit| hit.line >= 1 && hit.line <= text.matches('\n').count() + 1));
    }

    #[test]
    fn no_broken_statement_hides_the_drop_after_it(text in pieces()) {
        let script = read(&format!("{text}\n;drop table gone;"), &manner());
        // What swallowed the statement was itself not understood, or is closed text.
        let seen = script.hits.iter().any(|hit| hit.rule == "ban-drop-table" || hit.rule == "not-understood");
        prop_assert!(seen || text.contains("--") || text.contains("/*") || text.contains('$') || text.contains('\'') || text.contains('"'), "{text:?}");
    }

    #[test]
    fn comments_case_and_space_change_no_finding(upper in any::<bool>(), space in "[ \n\t]{1,5}", comment in "[a-z ]{0,9}") {
        let plain = "alter table t drop column a ; truncate t ; create index i on t ( a ) ;";
        let text = if upper { plain.to_uppercase() } else { plain.to_owned() };
        let text = text.replace(' ', &format!("{space}/*{comment}*/{space}"));
        let rules = |text: &str| read(text, &manner()).hits.into_iter().map(|h| h.rule).collect::<Vec<_>>();
        prop_assert_eq!(rules(&text), rules(plain));
    }

    #[test]
    fn sections_keep_every_line_where_it_is(text in "(-- migrate:(up|down)\n|-- \\+goose (Up|Down)\n|[a-z;é ]{0,8}\n){0,12}") {
        let sections = split(&text, Tool::Plain);
        for part in [Some(&sections.up), sections.down.as_ref()].into_iter().flatten() {
            prop_assert_eq!(part.len(), text.len());
            prop_assert_eq!(part.matches('\n').count(), text.matches('\n').count());
        }
    }

    #[test]
    fn every_file_is_a_migration_a_way_down_or_strange(
        paths in prop::collection::btree_set("([a-z0-9_]{1,6}/)?(V1__a|U1__a|R__a|1_a\\.up|1_a\\.down|migration|up|down|x_down|[0-9]{1,3}_a)\\.sql", 0..12)
    ) {
        let paths: BTreeSet<String> = paths;
        let found = layout(&paths, None);
        let mut all: Vec<String> = found.strange.clone();
        for unit in &found.units {
            all.push(unit.up.clone());
            all.extend(unit.down.clone());
        }
        let twice = all.len();
        let all: BTreeSet<String> = all.into_iter().collect();
        prop_assert_eq!(all.len(), twice);
        prop_assert_eq!(all, paths);
    }
}

#[test]
fn a_text_of_any_depth_ends_in_an_answer() {
    let half = "select ".to_owned();
    for piece in [
        "(",
        "not ",
        "- ",
        "case when ",
        "array[",
        "f(",
        "(select ",
        "1 + ",
        "a.",
        "a union select ",
        "b cross join (",
        "exists (select ",
    ] {
        // Just below the limit, and far above.
        for count in [1_900, 200_000] {
            let script = read(&format!("{half}{}", piece.repeat(count)), &manner());
            let told = script.hits.iter().filter_map(|hit| hit.reason.as_ref());
            assert!(
                !told.into_iter().any(|why| why.contains("gave up")),
                "{piece} × {count}"
            );
        }
    }
    for text in [
        format!("do $$ begin {} end $$;", "if a then b; ".repeat(100_000)),
        format!("do $$ begin {} end $$;", "begin x; ".repeat(1_900)),
        format!(
            "create function f() returns int language sql as '{}';",
            "(".repeat(100_000)
        ),
        format!(
            "create function f() returns int language sql as E'{}';",
            "\\050".repeat(100_000)
        ),
        format!(
            "do $$ {}",
            (0..5_000)
                .map(|n| format!("do $a{n}$ "))
                .collect::<String>()
        ),
    ] {
        let script = read(&text, &manner());
        let told = script.hits.iter().filter_map(|hit| hit.reason.as_ref());
        assert!(
            !told.into_iter().any(|why| why.contains("gave up")),
            "{}",
            &text[..60]
        );
    }
}

#[test]
fn many_rows_and_many_statements_are_not_deep() {
    let rows = format!(
        "insert into t values {}(1, 'a');",
        "(1, f(2)), ".repeat(20_000)
    );
    assert_eq!(too_deep(&rows), None);
    let statements = "alter table t add column a int default (1 + 2);\n".repeat(5_000);
    assert_eq!(too_deep(&statements), None);
}
