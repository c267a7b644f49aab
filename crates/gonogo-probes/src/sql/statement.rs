//! What a statement is: read by its tokens, so that comments, quotes and case hide nothing.
//!
//! In PostgreSQL and SQLite the first word of a statement decides which kind it is (no kind begins with a name that a
//! user can choose), so a list of the words that are let through is complete; a list of words that are not would
//! have to foresee every spelling. What a function, a trigger or a `DO` block does inside is the server's to refuse.

mod escapes;
pub(super) mod gate;
mod mentions;
mod piece;
mod tree;

#[cfg(test)]
pub(super) use escapes::of_function;
pub(super) use escapes::{HARMLESS, HARMLESS_EXTENSIONS};
pub(super) use mentions::{Mentions, Moves, mentions};

/// The language that a statement is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

/// What a check may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Read.
    Read,
    /// Change what a rollback undoes.
    Gate,
    /// Change for good.
    Write,
}

/// One statement, as far as it must be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its first words, in capitals; `(` where it begins with one.
    words: Vec<String>,
    /// The word that decides what it does: `INSERT` of `WITH … INSERT`.
    verb: String,
    /// The highest `$n`.
    pub(super) highest_parameter: usize,
}

const READING: [&str; 8] = [
    "SELECT", "WITH", "VALUES", "TABLE", "(", "EXPLAIN", "SHOW", "PRAGMA",
];
const CHANGING: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"];
/// Undone by a rollback, as far as the statement itself goes.
const DEFINING: [&str; 19] = [
    "CREATE", "ALTER", "DROP", "TRUNCATE", "COMMENT", "GRANT", "REVOKE", "ANALYZE", "REFRESH",
    "LOCK", "CALL", "DO", "SECURITY", "REASSIGN", "NOTIFY", "SET", "RESET", "REINDEX", "IMPORT",
];
/// Not undone, or not possible in a transaction.
const OUTSIDE: [&str; 3] = ["VACUUM", "CHECKPOINT", "CLUSTER"];
const OUTSIDE_OBJECTS: [&str; 4] = ["DATABASE", "TABLESPACE", "SUBSCRIPTION", "SYSTEM"];
const TRANSACTION: [&str; 8] = [
    "BEGIN",
    "START",
    "COMMIT",
    "END",
    "ROLLBACK",
    "ABORT",
    "SAVEPOINT",
    "RELEASE",
];
/// In place of the verb of a text that begins like no statement; such a text has no words.
const NOTHING: &str = "?";
/// `SET`, `SET LOCAL` and `SET SESSION` of what belongs to the transaction.
const OF_TRANSACTIONS: [&str; 3] = ["TRANSACTION", "CONSTRAINTS", "CHARACTERISTICS"];

impl Statement {
    /// Reads the one statement of a text.
    pub(super) fn read(sql: &str, dialect: Dialect) -> Result<Self, String> {
        let mut lexer = Lexer { rest: sql, dialect };
        let mut found: Option<Self> = None;
        let mut ended = false;
        let mut depth = 0_usize;
        while let Some(token) = lexer.next() {
            if token == Token::Semicolon {
                ended = found.is_some();
                continue;
            }
            if ended {
                return Err(
                    "a check makes one statement, and here are several; write a check for each"
                        .to_owned(),
                );
            }
            let statement = found.get_or_insert_with(Self::nothing);
            statement.add(&token, depth);
            match token {
                Token::Open => depth += 1,
                Token::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let statement = found.ok_or("there is no statement")?;
        if statement.words.is_empty() {
            return Err(format!(
                "`{}` does not begin like a statement",
                shortened(sql)
            ));
        }
        Ok(statement)
    }

    /// None yet.
    pub(super) fn nothing() -> Self {
        Self {
            words: Vec::new(),
            verb: String::new(),
            highest_parameter: 0,
        }
    }

    fn add(&mut self, token: &Token<'_>, depth: usize) {
        let first = self.words.is_empty() && self.verb.is_empty();
        match token {
            Token::Word(word) => {
                let word = word.to_ascii_uppercase();
                let decides = ["SELECT", "VALUES", "TABLE"].contains(&word.as_str())
                    || CHANGING.contains(&word.as_str());
                if first || self.verb == "WITH" && depth == 0 && decides {
                    self.verb.clone_from(&word);
                }
                if self.words.len() < 5 && self.verb != NOTHING {
                    self.words.push(word);
                }
            }
            Token::Open if first => {
                self.words.push("(".to_owned());
                "SELECT".clone_into(&mut self.verb);
            }
            Token::Parameter(number) => {
                self.highest_parameter = self.highest_parameter.max(*number);
            }
            Token::Open | Token::Close | Token::Semicolon | Token::Other => {
                if first {
                    NOTHING.clone_into(&mut self.verb);
                }
            }
        }
    }

    /// Whether it says itself which rows it changes: only then does the server count them.
    pub(super) fn changes_rows(&self) -> bool {
        CHANGING.contains(&self.verb.as_str())
    }

    /// Whether it may be sent by a check of this mode; why not, and what to do, otherwise.
    pub(super) fn permit(&self, mode: Mode) -> Result<(), Refused> {
        let first = self.first();
        let second = self.words.get(1).map_or("", String::as_str);
        if TRANSACTION.contains(&first)
            || first == "PREPARE" && second == "TRANSACTION"
            || first == "SET"
                && self
                    .words
                    .iter()
                    .any(|w| OF_TRANSACTIONS.contains(&w.as_str()))
        {
            return Err(Refused::new(
                format!("`{}` is gonogo's to say, not a check's", self.name()),
                "a gate with `transaction: rollback` opens and ends its transaction by itself",
            ));
        }
        let outside = OUTSIDE.contains(&first)
            || ["CREATE", "ALTER", "DROP"].contains(&first) && OUTSIDE_OBJECTS.contains(&second);
        let allowed = match mode {
            Mode::Read => [&READING[..], &CHANGING[..]].concat().contains(&first),
            Mode::Gate => {
                !outside
                    && [&READING[..], &CHANGING[..], &DEFINING[..]]
                        .concat()
                        .contains(&first)
            }
            Mode::Write => {
                outside
                    || [&READING[..], &CHANGING[..], &DEFINING[..]]
                        .concat()
                        .contains(&first)
            }
        };
        if allowed {
            return Ok(());
        }
        Err(self.refused(mode, outside || DEFINING.contains(&first)))
    }

    fn refused(&self, mode: Mode, would_do: bool) -> Refused {
        let name = self.name();
        match (mode, would_do) {
            (Mode::Gate, true) => Refused::new(
                format!("`{name}` is not undone by a rollback"),
                "put it in a gate without `transaction: rollback`, with `writes: true`",
            ),
            (_, true) => Refused::new(
                format!("`{name}` does more than read"),
                "say `writes: true`, or put it in a gate with `transaction: rollback`",
            ),
            (_, false) if self.first() == "COPY" => Refused::new(
                "`COPY` moves files and streams, which a check does not".to_owned(),
                "write it as `select` or `insert`",
            ),
            (_, false) => Refused::new(
                format!("`{name}` is no statement that a check may make"),
                "a check reads, changes rows or defines objects",
            ),
        }
    }

    fn first(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Its first two words, where the second makes a difference.
    fn name(&self) -> String {
        match (self.first(), self.words.get(1)) {
            (first @ ("PREPARE" | "SET" | "CREATE" | "ALTER" | "DROP"), Some(second)) => {
                format!("{first} {second}")
            }
            (first, _) => first.to_owned(),
        }
    }
}

/// Why a statement is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// Why.
    pub(super) why: String,
    /// What to do.
    pub(super) help: &'static str,
}

impl Refused {
    pub(super) fn new(why: String, help: &'static str) -> Self {
        Self { why, help }
    }
}

/// The beginning of a statement on one line, for a person.
pub(super) fn shortened(sql: &str) -> String {
    const MAX: usize = 100;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX {
        return line;
    }
    let head: String = line.chars().take(MAX - 1).collect();
    format!("{head}…")
}

/// A token, as far as it must be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Word(&'a str),
    Open,
    Close,
    Semicolon,
    Parameter(usize),
    Other,
}

/// Reads tokens.
pub(super) struct Lexer<'a> {
    /// What was not read yet.
    pub(super) rest: &'a str,
    /// The language.
    pub(super) dialect: Dialect,
}

impl<'a> Lexer<'a> {
    /// The next token, after blanks and comments.
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks_and_comments();
        let first = self.rest.chars().next()?;
        Some(match first {
            '(' => self.one(Token::Open),
            ')' => self.one(Token::Close),
            ';' => self.one(Token::Semicolon),
            '\'' => self.quoted('\'', false),
            '"' => self.quoted('"', false),
            '`' if self.dialect == Dialect::Sqlite => self.quoted('`', false),
            '[' if self.dialect == Dialect::Sqlite => {
                self.skip_past("]");
                Token::Other
            }
            '$' => self.dollar(),
            c if is_word_start(c) => self.word(),
            c if c.is_ascii_digit() => {
                self.take_while(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
                Token::Other
            }
            _ => self.one(Token::Other),
        })
    }

    /// Up to the next token.
    pub(super) fn skip_blanks_and_comments(&mut self) {
        loop {
            self.take_while(|c| c.is_ascii_whitespace() || c == '\u{b}');
            if self.rest.starts_with("--") {
                let also_return = self.dialect == Dialect::Postgres;
                self.take_while(|c| c != '\n' && !(also_return && c == '\r'));
            } else if self.rest.starts_with("/*") {
                self.skip_comment();
            } else {
                return;
            }
        }
    }

    /// PostgreSQL's comments stand in one another, SQLite's end at the first end.
    fn skip_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            if self.rest.starts_with("/*") && (depth == 0 || self.dialect == Dialect::Postgres) {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
            } else if self.rest.is_empty() {
                return;
            } else {
                self.take(1);
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn word(&mut self) -> Token<'a> {
        let word = self.take_while(is_inside_word);
        let postgres = self.dialect == Dialect::Postgres;
        if postgres && word.eq_ignore_ascii_case("e") && self.rest.starts_with('\'') {
            return self.quoted('\'', true);
        }
        Token::Word(word)
    }

    fn quoted(&mut self, quote: char, backslashes: bool) -> Token<'a> {
        self.take(1);
        while let Some(c) = self.rest.chars().next() {
            self.take(1);
            if c == '\\' && backslashes {
                self.take(1);
            } else if c == quote {
                if !self.rest.starts_with(quote) {
                    break;
                }
                self.take(1);
            }
        }
        Token::Other
    }

    /// `$1`, or PostgreSQL's `$tag$ … $tag$`.
    fn dollar(&mut self) -> Token<'a> {
        let digits = self.rest[1..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        if digits > 0 {
            let number = self.rest[1..=digits].parse().unwrap_or(usize::MAX);
            self.take(1 + digits);
            return Token::Parameter(number);
        }
        let tag = self.rest[1..]
            .find(|c: char| c == '$' || !is_inside_word(c))
            .unwrap_or(self.rest.len() - 1);
        if self.dialect == Dialect::Postgres && self.rest[1 + tag..].starts_with('$') {
            let (opening, rest) = self.rest.split_at(tag + 2);
            self.rest = rest;
            self.skip_past(opening);
            return Token::Other;
        }
        self.one(Token::Other)
    }

    fn skip_past(&mut self, end: &str) {
        self.rest = self
            .rest
            .find(end)
            .map_or("", |at| &self.rest[at + end.len()..]);
    }

    fn one(&mut self, token: Token<'a>) -> Token<'a> {
        self.take(1);
        token
    }

    fn take(&mut self, count: usize) {
        let mut chars = self.rest.chars();
        for _ in 0..count {
            chars.next();
        }
        self.rest = chars.as_str();
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_inside_word(c: char) -> bool {
    is_word_start(c) || c.is_ascii_digit() || c == '$'
}
