//! The same statement written in another way: other blanks and comments, other case, other quotes.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::escapes::{ESCAPES, HONEST};
use crate::sql::statement::gate::examine;
use crate::sql::statement::of_function;

/// What stands between two words: each means a blank to the server.
const GAPS: [&str; 10] = [
    " ",
    "\n",
    "\t\u{c}\r\n",
    "/**/",
    " /* select 1; */ ",
    "/* /* in */ ' $$ */",
    "-- ' x\n",
    "--\r",
    "/*--*/",
    "\n-- /*\n",
];

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Gap,
    Word(String),
    Text(String),
    Body(String),
    /// Taken as it is.
    Other(String),
}

/// Cuts a statement that is plainly written.
fn cut(sql: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let prefixed = ["E'", "U&'", "B'"].iter().any(|p| rest.starts_with(p));
        let (part, length) = if first.is_whitespace() {
            let end = rest.find(|c: char| !c.is_whitespace());
            (Part::Gap, end.unwrap_or(rest.len()))
        } else if prefixed {
            let quote = rest.find('\'').unwrap();
            let end = quote + text_end(&rest[quote..], rest.starts_with('E'));
            (Part::Other(rest[..end].to_owned()), end)
        } else if first == '\'' {
            let end = text_end(rest, false);
            (Part::Text(rest[1..end - 1].replace("''", "'")), end)
        } else if let Some(tag) = tag(rest) {
            let end = rest[tag.len()..].find(tag).unwrap();
            let body = rest[tag.len()..][..end].to_owned();
            (Part::Body(body), end + 2 * tag.len())
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let end = end.unwrap_or(rest.len());
            (Part::Word(rest[..end].to_owned()), end)
        } else {
            let is_number = |c: char| c.is_alphanumeric() || c == '_';
            let end = match first {
                '$' | '0'..='9' => 1 + rest[1..].find(|c| !is_number(c)).unwrap_or(rest.len() - 1),
                _ => first.len_utf8(),
            };
            (Part::Other(rest[..end].to_owned()), end)
        };
        parts.push(part);
        rest = &rest[length..];
    }
    parts
}

fn text_end(text: &str, backslashes: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match bytes[at] {
            b'\\' if backslashes => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
}

fn tag(rest: &str) -> Option<&str> {
    let end = rest.strip_prefix('$')?.find('$')? + 2;
    let tag = &rest[..end];
    let inside = &tag[1..end - 1];
    (inside.chars().all(char::is_alphabetic)).then_some(tag)
}

/// Which way each thing is written; the plain one where nothing is left to choose by.
struct Choice<'a>(std::slice::Iter<'a, u8>);

impl Choice<'_> {
    fn of(&mut self, count: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % count
    }
}

/// The statement, written as the choices say.
pub(in crate::sql) fn disguised(sql: &str, choices: &[u8]) -> String {
    let mut choice = Choice(choices.iter());
    written(sql, &mut choice, 0)
}

fn written(sql: &str, choice: &mut Choice<'_>, depth: usize) -> String {
    let parts = cut(sql);
    let mut out = String::new();
    let mut last_word = String::new();
    for (at, part) in parts.iter().enumerate() {
        let is_sign = |part: Option<&Part>| matches!(part, Some(Part::Other(_)));
        let previous = at.checked_sub(1).map(|at| &parts[at]);
        // Two signs may be one operator.
        let joined = previous.is_none()
            || previous == Some(&Part::Gap)
            || *part == Part::Gap
            || is_sign(previous) && is_sign(Some(part));
        if !joined && choice.of(4) == 1 {
            out.push_str(GAPS[choice.of(GAPS.len())]);
        }
        match part {
            Part::Gap => out.push_str(GAPS[choice.of(GAPS.len())]),
            Part::Other(sign) => out.push_str(sign),
            Part::Word(word) => {
                let called = matches!(parts.get(at + 1), Some(Part::Other(sign)) if sign == "(");
                let within = matches!(previous, Some(Part::Other(sign)) if sign == ".");
                out.push_str(&word_written(word, called && !within, choice));
            }
            Part::Text(text) if last_word == "execute" => {
                let inner = written(text, choice, depth + 1);
                out.push_str(&text_written(&inner, choice, depth));
            }
            Part::Text(text) => out.push_str(&text_written(text, choice, depth)),
            Part::Body(body) => {
                let inner = written(body, choice, depth + 1);
                write!(out, "$d{depth}$ {inner}\n$d{depth}$").unwrap();
            }
        }
        match part {
            Part::Word(word) => last_word = word.to_ascii_lowercase(),
            Part::Gap => {}
            _ => last_word.clear(),
        }
    }
    out
}

fn word_written(word: &str, called: bool, choice: &mut Choice<'_>) -> String {
    let own = word.starts_with("pg_") || ["nextval", "setval"].contains(&word);
    if called && (own || word == "spill" || of_function(word).is_some()) {
        match choice.of(5) {
            1 => return format!("\"{word}\""),
            2 => return format!("U&\"{}\"", unicode(word)),
            3 if own => return format!("pg_catalog.{word}"),
            4 if own => return format!("\"pg_catalog\" . \"{word}\""),
            _ => {}
        }
    }
    match choice.of(3) {
        0 => word.to_owned(),
        1 => word.to_ascii_uppercase(),
        _ => {
            let turned = word.chars().enumerate();
            turned
                .map(|(at, c)| {
                    if at % 2 == 0 {
                        c.to_ascii_uppercase()
                    } else {
                        c
                    }
                })
                .collect()
        }
    }
}

fn text_written(text: &str, choice: &mut Choice<'_>, depth: usize) -> String {
    match choice.of(5) {
        1 => format!("$t{depth}${text}$t{depth}$"),
        2 => {
            let mut out = String::from("E'");
            for c in text.chars() {
                write!(out, "\\x{:02x}", u32::from(c)).unwrap();
            }
            out + "'"
        }
        3 => format!("U&'{}'", unicode(text)),
        // In two parts, which the server joins.
        4 => format!("''\n'{}'", text.replace('\'', "''")),
        _ => format!("'{}'", text.replace('\'', "''")),
    }
}

fn unicode(text: &str) -> String {
    let letters = text.chars();
    letters.map(|c| format!("\\{:04x}", u32::from(c))).collect()
}

/// Where a statement may stand.
pub(in crate::sql) fn placed(sql: &str, place: usize) -> String {
    let inside = match sql.strip_prefix("select ") {
        Some(rest) => format!("perform {rest}"),
        None => sql.to_owned(),
    };
    let text = sql.replace('\'', "''");
    match place % 5 {
        0 => sql.to_owned(),
        1 => format!("do $a$ begin {inside}; end $a$"),
        2 => format!("do $a$ begin execute '{text}'; end $a$"),
        3 => format!(
            "create function made() returns int language plpgsql as $a$ begin {inside}; return 1; end $a$"
        ),
        _ => {
            format!("do $a$ begin if true then begin execute '{text}' || ''; end; end if; end $a$")
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn no_way_of_writing_it_turns_a_refused_statement_into_an_allowed_one(
        which in 0..ESCAPES.len(),
        place in 0_usize..5,
        choices in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let plain = placed(ESCAPES[which], place);
        if examine(&plain).is_err() {
            let other = disguised(&plain, &choices);
            prop_assert!(examine(&other).is_err(), "{plain}\n{other}");
        }
    }

    /// Else the other could hold because whatever is written so is refused.
    #[test]
    fn no_way_of_writing_it_turns_an_allowed_statement_into_a_refused_one(
        which in 0..HONEST.len(),
        choices in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let other = disguised(HONEST[which], &choices);
        if let Err(refused) = examine(&other) {
            return Err(TestCaseError::fail(format!("{}\n{other}\n{}", HONEST[which], refused.why)));
        }
    }
}

#[test]
fn every_escape_is_refused_by_itself_or_left_to_the_catalogue() {
    let left: Vec<_> = ESCAPES.iter().filter(|sql| examine(sql).is_ok()).collect();
    assert!(left.len() < 30, "{left:#?}");
    assert_eq!(
        disguised("select  f('a''b', 1)", &[]),
        "select f('a''b', 1)"
    );
}
