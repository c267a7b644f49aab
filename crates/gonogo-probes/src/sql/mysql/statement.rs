//! A statement in MySQL's language: its parameters made into MySQL's own, and what it may do.

use crate::sql::statement::Mode;

/// A statement, ready to be prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its text, each `$n` a `?`, comments taken out.
    pub(super) sql: String,
    /// Which value each `?` takes, from zero.
    pub(super) order: Vec<usize>,
    /// Its first words, in capitals.
    words: Vec<String>,
    /// The word that decides what it does: `INSERT` of `WITH … INSERT`.
    verb: String,
    /// Whether it writes a file on the server.
    into_file: bool,
}

/// Why a statement is not sent, and what to do.
pub(super) type Refused = (String, &'static str);

const READING: [&str; 9] = [
    "SELECT", "WITH", "VALUES", "TABLE", "(", "EXPLAIN", "SHOW", "DESCRIBE", "DESC",
];
const CHANGING: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "REPLACE"];
/// They end the transaction that they stand in (MariaDB, "SQL statements that cause an implicit commit").
const COMMITTING: [&str; 22] = [
    "CREATE",
    "ALTER",
    "DROP",
    "RENAME",
    "TRUNCATE",
    "GRANT",
    "REVOKE",
    "ANALYZE",
    "CHECK",
    "OPTIMIZE",
    "REPAIR",
    "FLUSH",
    "LOCK",
    "UNLOCK",
    "CALL",
    "SET",
    "LOAD",
    "CACHE",
    "RESET",
    "INSTALL",
    "UNINSTALL",
    "DO",
];
const TRANSACTION: [&str; 8] = [
    "BEGIN",
    "START",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "XA",
    "USE",
];

impl Statement {
    /// Reads the one statement of a text.
    pub(super) fn read(sql: &str) -> Result<Self, Refused> {
        let mut statement = Self {
            sql: String::with_capacity(sql.len()),
            order: Vec::new(),
            words: Vec::new(),
            verb: String::new(),
            into_file: false,
        };
        let mut reader = Reader {
            rest: sql,
            depth: 0,
            ended: false,
            last: String::new(),
        };
        while let Some(first) = reader.rest.chars().next() {
            reader.one(first, &mut statement)?;
        }
        if statement.words.is_empty() {
            return Err((
                "there is no statement".to_owned(),
                "such as `sql: select 1`",
            ));
        }
        statement.sql.truncate(statement.sql.trim_end().len());
        Ok(statement)
    }

    /// Whether it says itself which rows it changes.
    pub(super) fn changes_rows(&self) -> bool {
        CHANGING.contains(&self.verb.as_str())
    }

    /// How many values are due.
    pub(super) fn wanted(&self) -> usize {
        self.order.iter().map(|index| index + 1).max().unwrap_or(0)
    }

    /// Whether it may be sent by a check of this mode.
    pub(super) fn permit(&self, mode: Mode) -> Result<(), Refused> {
        let first = self.words.first().map_or("", String::as_str);
        let of_transaction = |word: &String| ["TRANSACTION", "AUTOCOMMIT"].contains(&word.as_str());
        if TRANSACTION.contains(&first)
            || first == "SET" && self.words.iter().any(of_transaction)
            || first == "SET" && self.sql.to_ascii_lowercase().contains("autocommit")
        {
            return Err((
                format!("`{first}` is gonogo's to say, not a check's"),
                "a gate with `transaction: rollback` opens and ends its transaction by itself",
            ));
        }
        if self.into_file {
            return Err((
                "`INTO OUTFILE` writes a file on the server".to_owned(),
                "leave it out: the rows are recorded",
            ));
        }
        let reads = READING.contains(&first) || CHANGING.contains(&first);
        let commits = COMMITTING.contains(&first);
        match mode {
            _ if reads => Ok(()),
            Mode::Write if commits => Ok(()),
            Mode::Gate if commits => Err((
                format!(
                    "`{first}` ends the transaction that it stands in on MySQL and MariaDB, so that nothing is undone"
                ),
                "put it in a gate without `transaction: rollback`, with `writes: true`",
            )),
            Mode::Read if commits => Err((
                format!("`{first}` does more than read"),
                "say `writes: true`",
            )),
            _ => Err((
                format!("`{first}` is no statement that a check may make"),
                "a check reads, changes rows or defines objects",
            )),
        }
    }

    fn word(&mut self, word: &str, depth: usize, last: &str) {
        let word = word.to_ascii_uppercase();
        let decides = word == "SELECT" || CHANGING.contains(&word.as_str());
        if self.words.is_empty() || self.verb == "WITH" && depth == 0 && decides {
            self.verb.clone_from(&word);
        }
        self.into_file |= last == "INTO" && ["OUTFILE", "DUMPFILE"].contains(&word.as_str());
        if self.words.len() < 5 {
            self.words.push(word);
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
    ended: bool,
    last: String,
}

impl Reader<'_> {
    /// Takes one token and adds it to the statement.
    fn one(&mut self, first: char, to: &mut Statement) -> Result<(), Refused> {
        if let Some(length) = self.comment()? {
            self.rest = &self.rest[length..];
            to.sql.push(' ');
            return Ok(());
        }
        if first.is_whitespace() {
            self.copy(first.len_utf8(), to);
            return Ok(());
        }
        if first == ';' {
            self.ended = !to.words.is_empty();
            self.rest = &self.rest[1..];
            return Ok(());
        }
        if self.ended {
            return Err((
                "a check makes one statement, and here are several".to_owned(),
                "write a check for each",
            ));
        }
        match first {
            '\'' | '"' | '`' => {
                let length = self.quoted(first)?;
                if to.words.is_empty() {
                    to.words.push("?".to_owned());
                }
                self.copy(length, to);
            }
            '$' => {
                let digits = self.rest[1..]
                    .bytes()
                    .take_while(u8::is_ascii_digit)
                    .count();
                let number: usize = self.rest[1..=digits].parse().unwrap_or(0);
                if number == 0 || number > 65_535 {
                    return Err((
                        "a `$` stands outside of a text and is no `$1`".to_owned(),
                        "values are `$1`, `$2`, …; a name with `$` is written in backticks",
                    ));
                }
                to.order.push(number - 1);
                to.sql.push('?');
                self.rest = &self.rest[1 + digits..];
            }
            '?' => {
                return Err((
                    "a `?` stands where a value is bound".to_owned(),
                    "write `$1`, `$2`, … as with every database",
                ));
            }
            c if is_word(c) => {
                let length = self
                    .rest
                    .find(|c: char| !is_word(c) && c != '$')
                    .unwrap_or(self.rest.len());
                let word = self.rest[..length].to_owned();
                to.word(&word, self.depth, &self.last);
                self.last = word.to_ascii_uppercase();
                self.copy(length, to);
            }
            c => {
                match c {
                    '(' => self.depth += 1,
                    ')' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                if to.words.is_empty() {
                    to.words.push(c.to_string());
                    "SELECT".clone_into(&mut to.verb);
                }
                self.copy(c.len_utf8(), to);
            }
        }
        Ok(())
    }

    fn copy(&mut self, length: usize, to: &mut Statement) {
        let (taken, rest) = self.rest.split_at(length);
        to.sql.push_str(taken);
        self.rest = rest;
    }

    /// The length of a comment that begins here.
    fn comment(&self) -> Result<Option<usize>, Refused> {
        let rest = self.rest;
        let line = || Some(rest.find('\n').unwrap_or(rest.len()));
        let dashes = rest.strip_prefix("--").is_some_and(|after| {
            after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || c.is_control())
        });
        if rest.starts_with('#') || dashes {
            return Ok(line());
        }
        if rest.starts_with("/*!") || rest.starts_with("/*M!") {
            return Err((
                "`/*! … */` is a comment that the server carries out".to_owned(),
                "write what it says without the comment",
            ));
        }
        if let Some(inside) = rest.strip_prefix("/*") {
            return Ok(Some(inside.find("*/").map_or(rest.len(), |at| at + 4)));
        }
        Ok(None)
    }

    /// The length of a text or name in quotes; a backslash escapes in a text and not in a name.
    fn quoted(&self, quote: char) -> Result<usize, Refused> {
        let mut chars = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && quote != '`' {
                chars.next();
            } else if c == quote {
                if chars.peek().is_some_and(|(_, next)| *next == quote) {
                    chars.next();
                } else {
                    return Ok(at + 1);
                }
            }
        }
        Err((
            format!("a text that opens with `{quote}` does not end"),
            "a quote in a text is written twice",
        ))
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '@'
}
