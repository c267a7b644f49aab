//! The text of a check: its statements, and the places in them that names and values take.

use std::ops::Range;

use super::statement::{Dialect, Lexer, Statement, Token, shortened};

/// The statements of a text, in order.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// Each statement.
    pub(super) parts: Vec<Part>,
    /// Whether there may be several: then each says its number and line.
    pub(super) many: bool,
}

/// One statement.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Its own text.
    text: String,
    /// The line of the whole text on which it begins, from one.
    pub(super) line: usize,
    /// The characters before it on that line.
    indent: usize,
    /// What it is, its names taken as they stand there.
    pub(super) statement: Statement,
    holes: Vec<Hole>,
    /// The values of `bind` that it takes, from one, in the order of its own parameters.
    pub(super) parameters: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Hole {
    at: Range<usize>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// `:"name"`
    Name(String),
    /// `$7`, which is the so many-th that the statement uses.
    Parameter(usize),
}

/// Why a text is no script of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// In words, with the line where there are several statements.
    pub(super) why: String,
    /// What to do.
    pub(super) help: &'static str,
}

/// A statement as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Rendered {
    /// The text.
    pub(super) sql: String,
    /// Where each piece of it comes from: its first byte there, and in the part's own text.
    marks: Vec<(usize, usize)>,
}

/// A place in a text, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At {
    /// From one.
    pub(super) line: usize,
    /// From one, in characters.
    pub(super) column: usize,
    /// The line and, below it, a caret.
    pub(super) excerpt: String,
}

type Tokens<'a> = Vec<(Token<'a>, Range<usize>)>;

fn tokens(text: &str, dialect: Dialect) -> Tokens<'_> {
    let mut lexer = Lexer {
        rest: text,
        dialect,
    };
    let mut out = Vec::new();
    loop {
        lexer.skip_blanks_and_comments();
        let start = text.len() - lexer.rest.len();
        let Some(token) = lexer.next() else {
            return out;
        };
        out.push((token, start..text.len() - lexer.rest.len()));
    }
}

impl Script {
    /// Reads one statement, or a script of several.
    pub(super) fn read(text: &str, dialect: Dialect, many: bool) -> Result<Self, Wrong> {
        let tokens = tokens(text, dialect);
        let ranges = if many {
            statements(text, &tokens, dialect)?
        } else {
            vec![(0..text.len(), 0..tokens.len())]
        };
        let mut parts = Vec::new();
        for (bytes, tokens_of) in ranges {
            parts.push(part(text, bytes, &tokens[tokens_of], dialect, many)?);
        }
        if parts.is_empty() {
            return Err(Wrong {
                why: "there is no statement".to_owned(),
                help: "a script is SQL, each statement ended by `;`",
            });
        }
        Ok(Self { parts, many })
    }

    /// The names that it uses.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(Part::names)
    }

    /// The highest `$n`.
    pub(super) fn highest_parameter(&self) -> usize {
        let parts = self.parts.iter();
        parts
            .map(|part| part.statement.highest_parameter)
            .max()
            .unwrap_or(0)
    }
}

impl Part {
    /// The names that it uses.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.holes.iter().filter_map(|hole| match &hole.what {
            What::Name(name) => Some(name.as_str()),
            What::Parameter(_) => None,
        })
    }

    /// The text with the names in their places, each quoted.
    pub(super) fn rendered<'n>(&self, value: impl Fn(&str) -> Option<&'n str>) -> Rendered {
        let mut sql = String::new();
        let mut marks = Vec::new();
        let mut from = 0;
        for hole in &self.holes {
            marks.push((sql.len(), from));
            sql.push_str(&self.text[from..hole.at.start]);
            marks.push((sql.len(), hole.at.start));
            match &hole.what {
                What::Name(name) => sql.push_str(&quoted(value(name).unwrap_or(name))),
                What::Parameter(number) => sql.push_str(&format_args!("${number}").to_string()),
            }
            from = hole.at.end;
        }
        marks.push((sql.len(), from));
        sql.push_str(&self.text[from..]);
        Rendered { sql, marks }
    }

    /// The text with the names as they are written, quoted, and parameters numbered as in the check.
    pub(super) fn written(&self) -> String {
        let mut sql = String::new();
        let mut from = 0;
        for hole in &self.holes {
            if let What::Name(name) = &hole.what {
                sql.push_str(&self.text[from..hole.at.start]);
                sql.push_str(&quoted(name));
                from = hole.at.end;
            }
        }
        sql.push_str(&self.text[from..]);
        sql
    }

    /// Its beginning on one line.
    pub(super) fn shortened(&self) -> String {
        shortened(&self.text)
    }

    /// Where a character of the sent text, counted from one, stands in the text that was written.
    pub(super) fn at(&self, sent: &Rendered, character: usize) -> Option<At> {
        let nth = character.checked_sub(1)?;
        let (byte, _) = sent
            .sql
            .char_indices()
            .chain(std::iter::once((sent.sql.len(), ' ')))
            .nth(nth)?;
        let mark = sent.marks.iter().rposition(|(first, _)| *first <= byte)?;
        let (first, own) = sent.marks[mark];
        let end = sent.marks.get(mark + 1).map_or(self.text.len(), |m| m.1);
        let mut byte = (own + byte - first).min(end);
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let before = &self.text[..byte];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let lines = before.matches('\n').count();
        let column = before[line_start..].chars().count() + 1;
        let line = self.text[line_start..].lines().next().unwrap_or("");
        Some(At {
            line: self.line + lines,
            column: column + if lines == 0 { self.indent } else { 0 },
            excerpt: excerpt(self.line + lines, line, column),
        })
    }
}

/// The line, or what of a long one stands around the column, and a caret below.
fn excerpt(number: usize, line: &str, column: usize) -> String {
    const AROUND: usize = 50;
    let chars: Vec<char> = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let column = column.min(chars.len() + 1);
    let from = column.saturating_sub(AROUND + 1);
    let to = (column + AROUND).min(chars.len());
    let shown: String = chars[from..to].iter().collect();
    let (left, right) = (
        if from > 0 { "…" } else { "" },
        if to < chars.len() { "…" } else { "" },
    );
    let number = number.to_string();
    let margin = " ".repeat(number.len());
    let before = " ".repeat(left.chars().count() + column - 1 - from);
    format!("{number} | {left}{shown}{right}\n{margin} | {before}^")
}

/// An identifier as SQL has it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn part(
    text: &str,
    bytes: Range<usize>,
    tokens: &[(Token<'_>, Range<usize>)],
    dialect: Dialect,
    many: bool,
) -> Result<Part, Wrong> {
    let line_start = text[..bytes.start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[..bytes.start].matches('\n').count() + 1;
    let own = &text[bytes.clone()];
    let (holes, parameters) = holes(text, bytes.start, tokens, many)?;
    let mut part = Part {
        text: own.to_owned(),
        line,
        indent: text[line_start..bytes.start].chars().count(),
        statement: Statement::nothing(),
        holes,
        parameters,
    };
    // A script's parameters count by the number that is written.
    let read = Statement::read(&part.written(), dialect);
    part.statement = read.map_err(|why| Wrong {
        why: if many {
            format!("line {line}: {why}")
        } else {
            why
        },
        help: "such as `sql: select 1`",
    })?;
    if !many {
        part.parameters = (1..=part.statement.highest_parameter.min(u16::MAX.into())).collect();
    }
    Ok(part)
}

/// The names, and in a script the parameters, which each statement numbers for itself.
fn holes(
    text: &str,
    start: usize,
    tokens: &[(Token<'_>, Range<usize>)],
    many: bool,
) -> Result<(Vec<Hole>, Vec<usize>), Wrong> {
    let mut holes = Vec::new();
    let mut parameters: Vec<usize> = Vec::new();
    let mut index = 0;
    while let Some((token, at)) = tokens.get(index) {
        let own = at.start - start..at.end - start;
        let next = tokens.get(index + 1).filter(|(_, n)| n.start == at.end);
        let follows = next.and_then(|(_, n)| text[n.clone()].chars().next());
        match (token, follows) {
            (Token::Parameter(number), _) if many => {
                let known = parameters.iter().position(|n| n == number);
                let place = known.unwrap_or_else(|| {
                    parameters.push(*number);
                    parameters.len() - 1
                });
                let what = What::Parameter(place + 1);
                holes.push(Hole { at: own, what });
            }
            // `x::"char"` is a cast.
            (Token::Other, Some(':')) if &text[at.clone()] == ":" => index += 1,
            (Token::Other, Some('"')) if &text[at.clone()] == ":" => {
                let quoted = next.map_or(0..0, |(_, n)| n.clone());
                let name = text[quoted.clone()].trim_matches('"').to_owned();
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if name.is_empty() || !name.chars().all(plain) {
                    let line = text[..at.start].matches('\n').count() + 1;
                    return Err(Wrong {
                        why: format!("line {line}: `:\"{name}\"` is no name of `identifiers:`"),
                        help: "letters, digits and `_`: `:\"column\"`; after an array's `[1:` put a blank",
                    });
                }
                holes.push(Hole {
                    at: own.start..quoted.end - start,
                    what: What::Name(name),
                });
                index += 1;
            }
            _ => {}
        }
        index += 1;
    }
    Ok((holes, parameters))
}

/// The bytes and tokens of each statement, without its semicolon.
fn statements(
    text: &str,
    tokens: &Tokens<'_>,
    dialect: Dialect,
) -> Result<Vec<(Range<usize>, Range<usize>)>, Wrong> {
    let mut out = Vec::new();
    let mut first = 0;
    let mut depth = 0_usize;
    let mut body = Body::default();
    for (index, (token, at)) in tokens.iter().enumerate() {
        if let Some(wrong) = command(text, at, index == first, dialect) {
            return Err(wrong);
        }
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::Word(word) => body.add(word),
            Token::Semicolon if depth == 0 && !body.is_open() => {
                if first < index {
                    out.push((tokens[first].1.start..at.start, first..index));
                }
                first = index + 1;
                body = Body::default();
            }
            _ => {}
        }
    }
    if let (Some((_, begin)), Some((_, end))) = (tokens.get(first), tokens.last()) {
        out.push((begin.start..end.end, first..tokens.len()));
    }
    Ok(out)
}

/// The body of a function in SQL's own form, `begin atomic … end`, and of SQLite's triggers has semicolons of its own.
#[derive(Default)]
struct Body {
    words: Vec<String>,
    depth: usize,
}

impl Body {
    fn add(&mut self, word: &str) {
        let word = word.to_ascii_uppercase();
        match word.as_str() {
            "BEGIN" if self.has_body() => self.depth += 1,
            "CASE" if self.depth > 0 => self.depth += 1,
            "END" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.words.len() < 4 {
            self.words.push(word);
        }
    }

    fn has_body(&self) -> bool {
        let has = |word: &str| self.words.iter().any(|w| w == word);
        has("CREATE") && (has("FUNCTION") || has("PROCEDURE") || has("TRIGGER"))
    }

    fn is_open(&self) -> bool {
        self.depth > 0
    }
}

/// A command to the program that a script was written for.
fn command(text: &str, at: &Range<usize>, begins: bool, dialect: Dialect) -> Option<Wrong> {
    let rest = &text[at.start..];
    let is_psql = rest.starts_with('\\');
    let is_sqlite = dialect == Dialect::Sqlite && begins && rest.starts_with('.');
    if !is_psql && !is_sqlite {
        return None;
    }
    let line = text[..at.start].matches('\n').count() + 1;
    let word = rest.split_whitespace().next().unwrap_or("");
    let program = if is_psql { "psql" } else { "sqlite3" };
    let help = match word.trim_start_matches(['\\', '.']) {
        "set" | "unset" | "gset" | "prompt" | "bind" | "parameter" => {
            "values stand under `bind:` as $1, $2, names under `identifiers:` as :\"name\"; a result is kept with `save:`"
        }
        "echo" | "qecho" | "warn" | "timing" | "pset" | "x" | "a" | "t" | "print" | "mode"
        | "headers" => {
            "take the line out: rows, notices and times of each statement are recorded anyway"
        }
        "i" | "ir" | "include" | "include_relative" | "read" => {
            "write a check for each file, in the order in which they run"
        }
        "c" | "connect" | "open" => "a check has one target: `target: NAME`",
        "if" | "elif" | "else" | "endif" => "conditions stand in the plan: `when:` on a check",
        "." | "" => "the rows of a `copy … from stdin` are data: write them as `insert`",
        _ => {
            "take the line out: it speaks to that program and not to the server; `d`-commands have the `schema` probe"
        }
    };
    Some(Wrong {
        why: format!("line {line}: `{word}` is a command of {program} and no SQL"),
        help,
    })
}
