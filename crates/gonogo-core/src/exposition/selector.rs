//! A series selector, as PromQL writes one: `name{label="x", other=~"re"}`.

use std::fmt;

use regex::Regex;

use super::lexis::{self, LABEL, LABEL_START, METRIC, METRIC_START};
use super::sample::Sample;

/// Which samples are meant.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The name, where one is given outside the braces.
    pub name: Option<String>,
    /// What the labels must be, all of it.
    pub matchers: Vec<Matcher>,
}

/// What one label must be.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The label; `__name__` is the sample's name.
    pub label: String,
    /// How it is compared.
    pub by: By,
    /// With what.
    pub value: String,
    /// The value of `=~` and `!~`, anchored at both ends.
    regex: Option<Regex>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Match,
    /// `!~`
    NotMatch,
}

/// Why a text is not a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct BadSelector {
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

const MAX_MATCHERS: usize = 64;
const MAX_REGEX_BYTES: usize = 1 << 20;

impl Selector {
    /// Parses `name`, `name{…}` or `{…}`.
    pub fn parse(text: &str) -> Result<Self, BadSelector> {
        let mut reader = Reader { text, at: 0 };
        reader.blanks();
        let len = lexis::name_len(reader.rest().as_bytes(), METRIC_START, METRIC);
        let name = (len > 0).then(|| reader.rest()[..len].to_owned());
        reader.at += len;
        reader.blanks();
        let mut matchers = Vec::new();
        if reader.take("{") {
            loop {
                reader.blanks();
                if reader.take("}") {
                    break;
                }
                matchers.push(reader.matcher()?);
                if matchers.len() > MAX_MATCHERS {
                    return Err(reader.bad(format!("more than {MAX_MATCHERS} matchers")));
                }
                reader.blanks();
                if !reader.take(",") && !reader.rest().starts_with('}') {
                    return Err(reader.bad("`,` or `}` is due here"));
                }
            }
        } else if name.is_none() {
            return Err(reader.bad("a metric's name or `{` is due here"));
        }
        reader.blanks();
        if !reader.rest().is_empty() {
            return Err(reader.bad("nothing may follow the selector"));
        }
        // As in PromQL: a selector that every series matches means nothing.
        if name.is_none() && matchers.iter().all(|m| m.matches_text("")) {
            return Err(reader.bad("the selector picks every series; name one"));
        }
        Ok(Self { name, matchers })
    }

    /// Whether a sample is meant.
    pub fn matches(&self, sample: &Sample<'_>) -> bool {
        self.name.as_deref().is_none_or(|n| n == sample.name())
            && self.matchers.iter().all(|m| m.matches(sample))
    }
}

/// As it would be written.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_deref().unwrap_or(""))?;
        if self.matchers.is_empty() {
            return Ok(());
        }
        for (i, matcher) in self.matchers.iter().enumerate() {
            f.write_str(if i == 0 { "{" } else { "," })?;
            write!(f, "{matcher}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            By::Equal => "=",
            By::NotEqual => "!=",
            By::Match => "=~",
            By::NotMatch => "!~",
        };
        let value = self
            .value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        write!(f, "{}{by}\"{value}\"", self.label)
    }
}

impl Matcher {
    /// A matcher; an error where a regular expression is not one, or too large.
    pub fn new(label: &str, by: By, value: &str) -> Result<Self, String> {
        let regex = matches!(by, By::Match | By::NotMatch)
            .then(|| {
                regex::RegexBuilder::new(&format!("^(?s:{value})$"))
                    .size_limit(MAX_REGEX_BYTES)
                    .build()
                    .map_err(|e| format!("`{value}` is not a regular expression: {e}"))
            })
            .transpose()?;
        Ok(Self {
            label: label.to_owned(),
            by,
            value: value.to_owned(),
            regex,
        })
    }

    /// Whether a sample's label is so. A label that is not there is empty.
    pub fn matches(&self, sample: &Sample<'_>) -> bool {
        if self.label == "__name__" {
            return self.matches_text(sample.name());
        }
        self.matches_text(&sample.label(&self.label))
    }

    fn matches_text(&self, text: &str) -> bool {
        let found = match &self.regex {
            Some(regex) => regex.is_match(text),
            None => text == self.value,
        };
        found == matches!(self.by, By::Equal | By::Match)
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn matcher(&mut self) -> Result<Matcher, BadSelector> {
        let start = self.at;
        let len = lexis::name_len(self.rest().as_bytes(), LABEL_START, LABEL);
        if len == 0 {
            return Err(self.bad("a label's name is due here"));
        }
        let label = &self.rest()[..len];
        self.at += len;
        self.blanks();
        let by = [
            ("=~", By::Match),
            ("!~", By::NotMatch),
            ("!=", By::NotEqual),
            ("=", By::Equal),
        ]
        .into_iter()
        .find(|(token, _)| self.take(token))
        .map(|(_, by)| by)
        .ok_or_else(|| self.bad("`=`, `!=`, `=~` or `!~` is due here"))?;
        self.blanks();
        let value = self.quoted()?;
        Matcher::new(label, by, &value).map_err(|message| BadSelector {
            column: self.column(start),
            message,
        })
    }

    /// A text in double or single quotes, with PromQL's common escapes, or in backticks as it stands.
    fn quoted(&mut self) -> Result<String, BadSelector> {
        let Some(quote) = self.rest().chars().next().filter(|c| "\"'`".contains(*c)) else {
            return Err(self.bad("the value stands in quotes: `label=\"value\"`"));
        };
        self.at += 1;
        let mut out = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                _ if c == quote => {
                    self.at += i + 1;
                    return Ok(out);
                }
                '\\' if quote != '`' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, 't')) => out.push('\t'),
                    Some((_, c @ ('\\' | '"' | '\''))) => out.push(c),
                    _ => {
                        self.at += i;
                        return Err(self.bad(
                            "this escape is not known; a backslash is written twice (`\\\\.` in a regular expression)",
                        ));
                    }
                },
                _ => out.push(c),
            }
        }
        Err(self.bad("the quote is not closed"))
    }

    fn bad(&self, message: impl Into<String>) -> BadSelector {
        BadSelector {
            column: self.column(self.at),
            message: message.into(),
        }
    }

    fn column(&self, at: usize) -> usize {
        self.text[..at].chars().count() + 1
    }
}
