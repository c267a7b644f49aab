//! The texts that SQLite keeps of its objects, read as far as its pragmas do not tell.

use std::collections::BTreeMap;

use gonogo_core::schema_model::Trigger;

/// What the text of a table says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Written {
    /// CHECK constraints by name; one without a name is called after what stands in it.
    pub(super) checks: BTreeMap<String, String>,
    /// Columns that the text says more of than the pragmas.
    pub(super) columns: BTreeMap<String, WrittenColumn>,
    /// What follows the name of a virtual table.
    pub(super) after_name: String,
}

/// What the text of a column says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct WrittenColumn {
    /// The expression of a generated column.
    pub(super) generated_as: Option<String>,
    /// The collation.
    pub(super) collation: Option<String>,
}

/// A piece of a text: a word, a quoted name or text, a bracket, a sign.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Token<'a> {
    text: &'a str,
    start: usize,
}

impl Token<'_> {
    fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// A name without its quotes.
    fn name(&self) -> String {
        let inner = |open: char, close: char| {
            let inner = self.text.strip_prefix(open)?.strip_suffix(close)?;
            Some(inner.replace(&format!("{close}{close}"), &close.to_string()))
        };
        inner('"', '"')
            .or_else(|| inner('`', '`'))
            .or_else(|| inner('[', ']'))
            .or_else(|| inner('\'', '\''))
            .unwrap_or_else(|| self.text.to_owned())
    }
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let bytes = sql.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b if b.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at = sql[at..].find('\n').map_or(bytes.len(), |n| at + n + 1);
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = sql[at + 2..].find("*/").map_or(bytes.len(), |n| at + n + 4);
                continue;
            }
            quote @ (b'\'' | b'"' | b'`') => at = after_quote(bytes, at, quote),
            b'[' => at = after_quote(bytes, at, b']'),
            b if is_word(b) => {
                while at < bytes.len() && is_word(bytes[at]) {
                    at += 1;
                }
            }
            _ => at += 1,
        }
        out.push(Token {
            text: &sql[start..at],
            start,
        });
    }
    out
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// The byte after a quoted piece, in which the quote itself is written twice.
fn after_quote(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        if bytes[at] == quote {
            if quote != b']' && bytes.get(at + 1) == Some(&quote) {
                at += 2;
                continue;
            }
            return at + 1;
        }
        at += 1;
    }
    at
}

/// The token after the bracket that closes the one at `open`.
fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" => depth += 1,
            ")" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index;
                }
            }
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

/// What stands between the bracket at `open` and the one that closes it.
fn within(sql: &str, tokens: &[Token<'_>], open: usize) -> String {
    let close = closing(tokens, open);
    let text = tokens
        .get(open)
        .zip(tokens.get(close))
        .and_then(|(a, b)| sql.get(a.end()..b.start));
    one_line(text.unwrap_or_default())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The ranges of tokens between the commas of a list in brackets.
fn parts(tokens: &[Token<'_>], open: usize) -> Vec<std::ops::Range<usize>> {
    let close = closing(tokens, open);
    let mut out = Vec::new();
    let (mut depth, mut from) = (0usize, open + 1);
    for (index, token) in tokens.iter().enumerate().take(close).skip(open + 1) {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                out.push(from..index);
                from = index + 1;
            }
            _ => {}
        }
    }
    out.push(from..close);
    out
}

impl Written {
    /// Reads `CREATE TABLE …`.
    pub(super) fn read(sql: &str) -> Self {
        let tokens = tokens(sql);
        let mut written = Self::default();
        if let Some(using) = tokens.iter().find(|t| t.is("using"))
            && tokens.get(1).is_some_and(|t| t.is("virtual"))
        {
            written.after_name = one_line(&sql[using.start..]);
            return written;
        }
        let Some(open) = tokens.iter().position(|t| t.text == "(") else {
            return written;
        };
        for part in parts(&tokens, open) {
            let part = &tokens[part];
            written.part(sql, part);
        }
        written
    }

    fn part(&mut self, sql: &str, part: &[Token<'_>]) {
        const OF_THE_TABLE: [&str; 5] = ["constraint", "primary", "unique", "check", "foreign"];
        let Some(first) = part.first() else { return };
        let of_table = OF_THE_TABLE.iter().any(|word| first.is(word));
        let mut column = WrittenColumn::default();
        let mut depth = 0usize;
        let mut named: Option<String> = None;
        for (index, token) in part.iter().enumerate() {
            match token.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                _ if token.is("constraint") => named = part.get(index + 1).map(Token::name),
                _ if token.is("check") => {
                    let expression = within(sql, part, index + 1);
                    let name = named.take().unwrap_or_else(|| expression.clone());
                    insert_under(&mut self.checks, &name, expression);
                }
                _ if token.is("as") && !of_table && index > 0 => {
                    column.generated_as = Some(within(sql, part, index + 1));
                }
                _ if token.is("collate") && !of_table => {
                    column.collation = part.get(index + 1).map(|t| t.name().to_lowercase());
                }
                _ => {}
            }
        }
        if !of_table && column != WrittenColumn::default() {
            self.columns.insert(first.name(), column);
        }
    }
}

/// Inserts under a name, or under the name with a number where it is taken; gives the name.
pub(super) fn insert_under<T>(map: &mut BTreeMap<String, T>, name: &str, it: T) -> String {
    let mut free = name.to_owned();
    let mut number = 2;
    while map.contains_key(&free) {
        free = format!("{name} #{number}");
        number += 1;
    }
    map.insert(free.clone(), it);
    free
}

/// What follows the first AS of `CREATE VIEW …`.
pub(super) fn after_as(sql: &str) -> String {
    let found = tokens(sql).into_iter().find(|t| t.is("as"));
    found.map_or_else(|| sql.to_owned(), |t| sql[t.end()..].trim().to_owned())
}

/// The list that follows ON table of `CREATE INDEX …`, and all after it.
pub(super) fn after_on(sql: &str) -> String {
    let tokens = tokens(sql);
    let open = tokens.iter().position(|t| t.text == "(");
    open.map_or_else(String::new, |open| {
        format!("btree {}", one_line(&sql[tokens[open].start..]))
    })
}

/// The columns and expressions of `CREATE INDEX …`.
pub(super) fn index_parts(sql: &str) -> Vec<String> {
    let tokens = tokens(sql);
    let Some(open) = tokens.iter().position(|t| t.text == "(") else {
        return Vec::new();
    };
    parts(&tokens, open)
        .into_iter()
        .map(|part| {
            let text = tokens
                .get(part.start)
                .zip(tokens.get(part.end.saturating_sub(1)))
                .and_then(|(a, b)| sql.get(a.start..b.end()));
            one_line(text.unwrap_or_default())
        })
        .collect()
}

/// The WHERE of `CREATE INDEX …`.
pub(super) fn index_predicate(sql: &str) -> Option<String> {
    let tokens = tokens(sql);
    let open = tokens.iter().position(|t| t.text == "(")?;
    let close = closing(&tokens, open);
    let found = tokens.iter().skip(close).find(|t| t.is("where"))?;
    Some(one_line(&sql[found.end()..]))
}

/// `CREATE TRIGGER …`.
pub(super) fn trigger(sql: String) -> Trigger {
    let tokens = tokens(&sql);
    let head: Vec<&Token<'_>> = tokens.iter().take_while(|t| !t.is("begin")).collect();
    let until_on: Vec<&&Token<'_>> = head.iter().take_while(|t| !t.is("on")).collect();
    let timing = if until_on.iter().any(|t| t.is("instead")) {
        "instead of"
    } else if until_on.iter().any(|t| t.is("after")) {
        "after"
    } else {
        "before"
    };
    let events = ["insert", "update", "delete"]
        .iter()
        .filter(|event| until_on.iter().any(|t| t.is(event)))
        .map(|event| (*event).to_owned())
        .collect();
    let body = tokens.iter().find(|t| t.is("begin"));
    let function = body.map_or_else(String::new, |t| one_line(&sql[t.start..]));
    Trigger {
        timing: timing.to_owned(),
        events,
        function,
        enabled: true,
        definition: sql,
    }
}
