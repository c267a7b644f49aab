//! A text of PostgreSQL's SQL or PL/pgSQL cut into pieces that hide nothing: names as the server folds them, texts as it
//! decodes them, comments gone.

use std::iter::Peekable;
use std::str::Chars;

/// One piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A word without quotes, in small letters: a keyword or a name.
    Word(String),
    /// A name in quotes, decoded.
    Name(String),
    /// A text in quotes or dollars, decoded.
    Text(String),
    /// Anything else: signs, digits, parameters.
    Sign(char),
}

/// Names are cut here by the server (`NAMEDATALEN`).
const NAME_BYTES: usize = 63;

/// What no server would read either, such as a quote that is not closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) &'static str);

/// Cuts a text.
pub(super) fn pieces(sql: &str) -> Result<Vec<Piece>, Unreadable> {
    let mut cutter = Cutter {
        rest: sql.chars().peekable(),
    };
    let mut out = Vec::new();
    while let Some(piece) = cutter.next()? {
        out.push(piece);
    }
    Ok(out)
}

struct Cutter<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Cutter<'_> {
    fn next(&mut self) -> Result<Option<Piece>, Unreadable> {
        self.skip()?;
        let Some(first) = self.rest.next() else {
            return Ok(None);
        };
        Ok(Some(match first {
            '\'' => Piece::Text(self.quoted('\'', false)?),
            '"' => Piece::Name(named(self.quoted('"', false)?)),
            '$' => self.dollar()?,
            c if is_word_start(c) => self.word(c)?,
            c if c.is_ascii_digit() => {
                while self.rest.next_if(|c| is_inside_word(*c)).is_some() {}
                Piece::Sign('0')
            }
            c => Piece::Sign(c),
        }))
    }

    fn peek_second(&self) -> Option<char> {
        self.rest.clone().nth(1)
    }

    fn skip(&mut self) -> Result<(), Unreadable> {
        loop {
            match self.rest.peek().copied() {
                Some(c) if c.is_ascii_whitespace() || c == '\u{b}' => {
                    self.rest.next();
                }
                Some('-') if self.peek_second() == Some('-') => {
                    while self.rest.next_if(|c| !matches!(c, '\n' | '\r')).is_some() {}
                }
                Some('/') if self.peek_second() == Some('*') => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn comment(&mut self) -> Result<(), Unreadable> {
        let mut depth = 0_usize;
        loop {
            let first = self.rest.next();
            let second = self.rest.peek().copied();
            match (first, second) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                (Some(_), _) => continue,
                (None, _) => return Err(Unreadable("a comment is not closed")),
            }
            self.rest.next();
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn word(&mut self, first: char) -> Result<Piece, Unreadable> {
        let mut word = String::from(first.to_ascii_lowercase());
        while let Some(c) = self.rest.next_if(|c| is_inside_word(*c)) {
            word.push(c.to_ascii_lowercase());
        }
        let next = self.rest.peek().copied();
        match (word.as_str(), next) {
            ("e", Some('\'')) => {
                self.rest.next();
                Ok(Piece::Text(self.quoted('\'', true)?))
            }
            ("b" | "x" | "n", Some('\'')) => {
                self.rest.next();
                Ok(Piece::Text(self.quoted('\'', false)?))
            }
            ("u", Some('&')) if matches!(self.peek_second(), Some('\'' | '"')) => {
                self.rest.next();
                let quote = self.rest.next().unwrap_or('\'');
                let text = unicode(&self.quoted(quote, false)?)?;
                Ok(if quote == '"' {
                    Piece::Name(named(text))
                } else {
                    Piece::Text(text)
                })
            }
            // It gives `U&` texts another sign to escape with; nobody writes it but to hide something.
            ("uescape", _) => Err(Unreadable("`UESCAPE` is not read")),
            _ => Ok(Piece::Word(named(word))),
        }
    }

    /// What stands up to the closing quote. A text that goes on after a line break is one text.
    fn quoted(&mut self, quote: char, backslashes: bool) -> Result<String, Unreadable> {
        let mut out = String::new();
        loop {
            let Some(c) = self.rest.next() else {
                return Err(Unreadable("a quote is not closed"));
            };
            if c == '\\' && backslashes {
                self.escaped(&mut out)?;
            } else if c != quote {
                out.push(c);
            } else if self.rest.next_if_eq(&quote).is_some() {
                out.push(quote);
            } else if quote == '\'' && self.goes_on() {
                self.skip()?;
                self.rest.next();
            } else {
                return Ok(out);
            }
        }
    }

    /// Whether the next thing, behind a line break, is another part of the text.
    fn goes_on(&self) -> bool {
        let mut ahead = Cutter {
            rest: self.rest.clone(),
        };
        let mut broken = false;
        loop {
            match ahead.rest.peek().copied() {
                Some('\n' | '\r') => broken = true,
                Some(c) if c.is_ascii_whitespace() || c == '\u{b}' => {}
                Some('-') if ahead.peek_second() == Some('-') => {
                    if ahead.skip().is_err() {
                        return false;
                    }
                    broken = true;
                    continue;
                }
                Some('\'') => return broken,
                _ => return false,
            }
            ahead.rest.next();
        }
    }

    fn escaped(&mut self, out: &mut String) -> Result<(), Unreadable> {
        let Some(c) = self.rest.next() else {
            return Err(Unreadable("a quote is not closed"));
        };
        let code = match c {
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'x' => self.number(16, 2, 0),
            'u' => self.number(16, 4, 0),
            'U' => self.number(16, 8, 0),
            '0'..='7' => self.number(8, 2, c.to_digit(8).unwrap_or(0)),
            other => u32::from(other),
        };
        // Bytes of several make one letter; which, does not matter: no name of the server's has such.
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    fn number(&mut self, radix: u32, most: usize, begun: u32) -> u32 {
        let mut value = begun;
        for _ in 0..most {
            let Some(c) = self.rest.next_if(|c| c.is_digit(radix)) else {
                break;
            };
            value = value.wrapping_mul(radix) + c.to_digit(radix).unwrap_or(0);
        }
        value
    }

    /// `$1`, or `$tag$ … $tag$`.
    fn dollar(&mut self) -> Result<Piece, Unreadable> {
        let mut ahead = self.rest.clone();
        let mut tag = String::new();
        loop {
            match ahead.next() {
                Some('$') => break,
                Some(c)
                    if c != '$' && (is_word_start(c) || !tag.is_empty() && c.is_ascii_digit()) =>
                {
                    tag.push(c);
                }
                _ => return Ok(Piece::Sign('$')),
            }
        }
        self.rest = ahead;
        let end = format!("${tag}$");
        let mut out = String::new();
        for c in self.rest.by_ref() {
            out.push(c);
            if c == '$' && out.ends_with(&end) {
                out.truncate(out.len() - end.len());
                return Ok(Piece::Text(out));
            }
        }
        Err(Unreadable("a text in dollars is not closed"))
    }
}

/// `\0041` and `\+000041` in `U&"…"`.
fn unicode(text: &str) -> Result<String, Unreadable> {
    let bad = Unreadable("a Unicode escape is not read");
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        if rest.next_if_eq(&'\\').is_some() {
            out.push('\\');
            continue;
        }
        let digits = if rest.next_if_eq(&'+').is_some() {
            6
        } else {
            4
        };
        let mut code = 0;
        for _ in 0..digits {
            let digit = rest.next().and_then(|c| c.to_digit(16));
            code = code * 16 + digit.ok_or_else(|| bad.clone())?;
        }
        out.push(char::from_u32(code).ok_or_else(|| bad.clone())?);
    }
    Ok(out)
}

fn named(mut name: String) -> String {
    let mut end = name.len().min(NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_inside_word(c: char) -> bool {
    is_word_start(c) || c.is_ascii_digit() || c == '$'
}
