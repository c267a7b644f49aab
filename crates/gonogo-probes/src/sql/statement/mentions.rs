//! What a text of SQL or PL/pgSQL mentions, bodies of functions and texts that it executes included.
//!
//! The answer errs to one side only: a name counts wherever it stands, and what cannot be known before it runs counts
//! as an escape.

use std::collections::BTreeSet;

use super::escapes;
use super::piece::{Piece, pieces};

/// What is in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sql) struct Mentions {
    /// Every name, as the server folds it.
    pub(in crate::sql) names: BTreeSet<String>,
    /// The first thing in it that a rollback would not undo, and why.
    pub(in crate::sql) escape: Option<String>,
    /// A statement is put together with a name that is not known before it runs (`format('… %I')`).
    pub(in crate::sql) places_names: bool,
    /// The sequences that it moves.
    pub(in crate::sql) moves: Moves,
}

/// Which sequences are moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sql) enum Moves {
    /// Those of these names.
    Named(BTreeSet<String>),
    /// Which, is not known before.
    Any,
}

impl Default for Moves {
    fn default() -> Self {
        Self::Named(BTreeSet::new())
    }
}

/// Texts stand in texts no deeper than this.
const MAX_DEPTH: usize = 12;
/// A longer text is not read.
const MAX_BYTES: usize = 1 << 20;

/// Reads a text: a statement, or a body in SQL or PL/pgSQL.
pub(in crate::sql) fn mentions(text: &str) -> Mentions {
    let mut found = Mentions::default();
    found.read(text, 0);
    found
}

impl Mentions {
    fn flag(&mut self, why: impl Into<String>) {
        if self.escape.is_none() {
            self.escape = Some(why.into());
        }
    }

    fn read(&mut self, text: &str, depth: usize) {
        if depth > MAX_DEPTH {
            return self.flag("texts stand in texts too deep to be read");
        }
        if text.len() > MAX_BYTES {
            return self.flag("it is longer than is read");
        }
        let pieces = match pieces(text) {
            Ok(pieces) => pieces,
            Err(unreadable) => return self.flag(unreadable.0),
        };
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Word(name) | Piece::Name(name) => self.name(name, &pieces[at + 1..]),
                Piece::Text(text) if text.contains("standard_conforming_strings") => {
                    self.flag("it changes how texts are read");
                }
                Piece::Text(_) | Piece::Sign(_) => {}
            }
        }
        for segment in segments(&pieces) {
            self.segment(segment, depth);
        }
    }

    fn name(&mut self, name: &str, after: &[Piece]) {
        if let Some(why) = escapes::of_function(name) {
            self.flag(format!("`{name}` {why}"));
        }
        if matches!(name, "nextval" | "setval") {
            self.moves(after);
        }
        self.names.insert(name.to_owned());
    }

    /// `nextval('public.orders_id_seq'…)` names its sequence; anything else may be any.
    fn moves(&mut self, after: &[Piece]) {
        let named = match after {
            [Piece::Sign('('), Piece::Text(text), next, ..] if !is_sign(next, '|') => {
                last_name(text)
            }
            _ => None,
        };
        match (named, &mut self.moves) {
            (Some(name), Moves::Named(names)) => {
                names.insert(name);
            }
            (None, moves) => *moves = Moves::Any,
            (Some(_), Moves::Any) => {}
        }
    }

    fn segment(&mut self, segment: &[Piece], depth: usize) {
        let words: Vec<&str> = segment.iter().map_while(as_word).take(8).collect();
        if let Some(why) = escapes::of_beginning(&words) {
            let said: Vec<&str> = words.iter().copied().take(2).collect();
            self.flag(format!("`{}`: {why}", said.join(" ").to_ascii_uppercase()));
        }
        let defines = words.first() == Some(&"create")
            && words.iter().any(|w| matches!(*w, "function" | "procedure"))
            && !words.contains(&"trigger");
        if defines || words.first() == Some(&"do") {
            self.body(segment, depth);
        }
        for (at, piece) in segment.iter().enumerate() {
            if as_word(piece) == Some("execute") {
                self.execute(&segment[..at], &segment[at + 1..], depth);
            }
        }
    }

    /// `DO` and `CREATE FUNCTION`: the body is a text among the others.
    fn body(&mut self, segment: &[Piece], depth: usize) {
        for (at, piece) in segment.iter().enumerate() {
            match piece {
                Piece::Text(text) => self.read(text, depth + 1),
                Piece::Word(word) if word == "language" => {
                    let language = segment.get(at + 1).and_then(|piece| match piece {
                        Piece::Word(name) | Piece::Name(name) | Piece::Text(name) => {
                            Some(name.to_ascii_lowercase())
                        }
                        Piece::Sign(_) => None,
                    });
                    if !matches!(language.as_deref(), Some("sql" | "plpgsql")) {
                        let language = language.unwrap_or_default();
                        self.flag(format!(
                            "a body in the language `{language}` cannot be read"
                        ));
                    }
                }
                _ => {}
            }
        }
    }

    /// `EXECUTE` of a text; `EXECUTE FUNCTION` of a trigger and `GRANT EXECUTE` are none.
    fn execute(&mut self, before: &[Piece], after: &[Piece], depth: usize) {
        let previous = before.last().and_then(as_word);
        let next = after.first().and_then(as_word);
        let of_trigger = before.first().and_then(as_word) == Some("create")
            && matches!(next, Some("function" | "procedure"));
        let of_right = matches!(
            before.first().and_then(as_word),
            Some("grant" | "revoke" | "alter")
        ) && (matches!(next, Some("on"))
            || matches!(previous, Some("grant" | "revoke")));
        if of_trigger || of_right {
            return;
        }
        match text_of(after) {
            Some(text) => {
                self.places_names |= text.contains(PLACED);
                if calls_placed(&text) {
                    self.flag("`EXECUTE` calls a function whose name is not known before it runs");
                }
                self.read(&text, depth + 1);
            }
            None => self.flag("`EXECUTE` of a text that is not known before it runs"),
        }
    }
}

/// Stands where `format('%I')` or `quote_ident()` puts a name.
const PLACED: &str = "gonogo_placed_name";

/// Whether a name that is put in stands where a function is called: before `(`, and not as a table whose columns follow.
fn calls_placed(text: &str) -> bool {
    const BEFORE_TABLES: [&str; 6] = ["into", "table", "exists", "on", "references", "view"];
    let Ok(pieces) = pieces(text) else {
        return true;
    };
    let is_placed = |piece: &Piece| as_word(piece) == Some(PLACED);
    (1..pieces.len()).any(|at| {
        if !is_sign(&pieces[at], '(') || !is_placed(&pieces[at - 1]) {
            return false;
        }
        let mut begin = at - 1;
        while begin >= 2 && is_sign(&pieces[begin - 1], '.') {
            begin -= 2;
        }
        let before = begin.checked_sub(1).and_then(|i| as_word(&pieces[i]));
        !before.is_some_and(|word| BEFORE_TABLES.contains(&word))
    })
}

/// Parts that may each be a statement of their own. More than there are do no harm.
fn segments(pieces: &[Piece]) -> Vec<&[Piece]> {
    const OPENERS: [&str; 5] = ["begin", "then", "else", "loop", "atomic"];
    let mut out = Vec::new();
    let mut from = 0;
    for (at, piece) in pieces.iter().enumerate() {
        let begins = match piece {
            Piece::Sign(';') => true,
            Piece::Word(word) => OPENERS.contains(&word.as_str()),
            // The end of a label.
            Piece::Sign('>') => at > 0 && is_sign(&pieces[at - 1], '>'),
            _ => false,
        };
        // `EXPLAIN` stands before a statement, and `IS` and `AS` in other dialects before a body.
        if begins {
            out.push(&pieces[from..at]);
            from = at + 1;
        }
    }
    out.push(&pieces[from..]);
    out.retain(|segment| !segment.is_empty());
    out
}

/// The text that an `EXECUTE` runs, with [`PLACED`] where a name and a literal where a value is put in.
fn text_of(pieces: &[Piece]) -> Option<String> {
    let end = argument_end(pieces);
    let mut rest = &pieces[..end];
    while let Some(inner) = in_parentheses(rest) {
        rest = inner;
    }
    let mut out = String::new();
    loop {
        let (part, after) = part(rest)?;
        out.push_str(&part);
        match after {
            [] => return Some(out),
            [Piece::Sign('|'), Piece::Sign('|'), more @ ..] => rest = more,
            _ => return None,
        }
    }
}

/// Up to `INTO`, `USING`, `LOOP` outside of parentheses.
fn argument_end(pieces: &[Piece]) -> usize {
    let mut depth = 0_usize;
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Sign('(') => depth += 1,
            Piece::Sign(')') => depth = depth.saturating_sub(1),
            Piece::Word(word)
                if depth == 0 && matches!(word.as_str(), "into" | "using" | "loop") =>
            {
                return at;
            }
            _ => {}
        }
    }
    pieces.len()
}

fn in_parentheses(pieces: &[Piece]) -> Option<&[Piece]> {
    let [Piece::Sign('('), ..] = pieces else {
        return None;
    };
    (closing(pieces)? == pieces.len() - 1).then(|| &pieces[1..pieces.len() - 1])
}

/// Where the parenthesis closes with which the pieces begin.
fn closing(pieces: &[Piece]) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Sign('(') => depth += 1,
            Piece::Sign(')') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// One operand of `||`: a text, a quoted name or value, or `format` of a text with only such in it.
fn part(pieces: &[Piece]) -> Option<(String, &[Piece])> {
    match pieces {
        [Piece::Text(text), after @ ..] => Some((text.clone(), after)),
        [Piece::Word(function), Piece::Sign('('), ..] => {
            let end = closing(&pieces[1..])? + 1;
            let after = &pieces[end + 1..];
            let text = match function.as_str() {
                "quote_ident" => PLACED.to_owned(),
                "quote_literal" | "quote_nullable" => "'?'".to_owned(),
                "format" => formatted(&pieces[2..end])?,
                _ => return None,
            };
            Some((text, after))
        }
        _ => None,
    }
}

fn formatted(arguments: &[Piece]) -> Option<String> {
    let [Piece::Text(format), after @ ..] = arguments else {
        return None;
    };
    if !matches!(after, [] | [Piece::Sign(','), ..]) {
        return None;
    }
    let mut out = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut kind = rest.next()?;
        // `%1$I`, `%-10I`: which argument, and how wide.
        while kind.is_ascii_digit() || matches!(kind, '$' | '-') {
            kind = rest.next()?;
        }
        match kind {
            'I' => out.push_str(PLACED),
            'L' => out.push_str("'?'"),
            '%' => out.push('%'),
            _ => return None,
        }
    }
    Some(out)
}

/// `orders_id_seq` of `public."orders_id_seq"`.
fn last_name(text: &str) -> Option<String> {
    let pieces = pieces(text).ok()?;
    match pieces.last()? {
        Piece::Word(name) | Piece::Name(name) => Some(name.clone()),
        Piece::Text(_) | Piece::Sign(_) => None,
    }
}

fn as_word(piece: &Piece) -> Option<&str> {
    match piece {
        Piece::Word(word) => Some(word),
        _ => None,
    }
}

fn is_sign(piece: &Piece, sign: char) -> bool {
    *piece == Piece::Sign(sign)
}

impl Moves {
    /// Those of both.
    pub(in crate::sql) fn join(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Named(names), Self::Named(more)) => names.extend(more.iter().cloned()),
            _ => *self = Self::Any,
        }
    }
}
