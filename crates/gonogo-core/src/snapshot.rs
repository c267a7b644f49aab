//! Snapshots: one JSON document about a database, taken at a moment, to be compared with another of its kind.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The version of the form that is written.
pub const FORMAT: u32 = 1;

/// What a snapshot is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The schema of a database.
    Schema,
    /// Its sizes.
    Capacity,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Schema, Self::Capacity];

    /// Its word in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Capacity => "capacity",
        }
    }

    /// The kind of a snapshot's text; for a person, why it is none.
    pub fn of(bytes: &[u8]) -> Result<Self, Unreadable> {
        /// What every snapshot begins with.
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            gonogo_snapshot: Option<Json>,
            #[serde(default)]
            kind: Option<Json>,
        }
        let make = "`gonogo snapshot` makes one";
        let head: Head = serde_json::from_slice(bytes).map_err(|e| Unreadable::json(&e))?;
        let Some(version) = head.gonogo_snapshot else {
            return Err(Unreadable::whole(
                "this is no snapshot: it has no `gonogo_snapshot`",
                make,
            ));
        };
        if version != FORMAT {
            return Err(Unreadable::at_key(
                bytes,
                "gonogo_snapshot",
                format!(
                    "this program reads snapshots of version {FORMAT}, and this is version {version}"
                ),
                "take it anew, or read it with the program that wrote it",
            ));
        }
        let word = head
            .kind
            .as_ref()
            .and_then(Json::as_str)
            .unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| {
                let known: Vec<_> = Self::ALL.iter().map(|k| k.word()).collect();
                let message = format!(
                    "`{word}` is no kind of snapshot; there are: {}",
                    known.join(", ")
                );
                Unreadable::at_key(bytes, "kind", message, make)
            })
    }

    /// Says no to a snapshot of another kind.
    pub fn expect_of(self, bytes: &[u8]) -> Result<(), Unreadable> {
        let kind = Self::of(bytes)?;
        if kind == self {
            return Ok(());
        }
        Err(Unreadable::at_key(
            bytes,
            "kind",
            format!(
                "this is a snapshot of kind `{}`, and one of kind `{}` is wanted",
                kind.word(),
                self.word()
            ),
            format!("`gonogo snapshot {}` makes one", self.word()),
        ))
    }
}

/// Why a file is no snapshot, or none of the kind that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// The line, from one.
    pub line: usize,
    /// The column, from one.
    pub column: usize,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (line {}, column {})",
            self.message, self.line, self.column
        )
    }
}

impl Unreadable {
    /// What the JSON reader says, with the place that it names.
    pub fn json(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
        Self {
            message,
            help: "take it anew with `gonogo snapshot`".to_owned(),
            line: error.line().max(1),
            column: error.column().max(1),
        }
    }

    /// About the file as a whole.
    pub fn whole(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
            line: 1,
            column: 1,
        }
    }

    /// About the value of a key, at the first place where the key is written.
    pub fn at_key(
        bytes: &[u8],
        key: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let quoted = format!("\"{key}\"");
        let place = (1..)
            .zip(text.lines())
            .find_map(|(line, it)| Some((line, it[..it.find(&quoted)?].chars().count() + 1)));
        let (line, column) = place.unwrap_or((1, 1));
        Self {
            message: message.into(),
            help: help.into(),
            line,
            column,
        }
    }
}

/// How wide a line of a snapshot may be before what it holds is broken into lines of its own.
const WIDTH: usize = 110;

/// A document's JSON laid out for a person: what fits stands on one line, everything else one entry a line.
pub fn laid_out(document: &impl Serialize) -> String {
    let compact = serde_json::to_string(document).unwrap_or_default();
    let mut layout = Layout {
        bytes: compact.as_bytes(),
        ends: ends(compact.as_bytes()),
        opened: 0,
        at: 0,
        out: String::with_capacity(compact.len() * 2),
        text: &compact,
    };
    layout.value(0);
    layout.out.push('\n');
    layout.out
}

struct Layout<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// Where each bracket closes, in the order in which they open.
    ends: Vec<usize>,
    /// How many brackets were opened so far.
    opened: usize,
    at: usize,
    out: String,
}

impl Layout<'_> {
    fn value(&mut self, depth: usize) {
        let open = self.bytes.get(self.at).copied();
        let (Some(open @ (b'{' | b'[')), Some(end)) = (open, self.ends.get(self.opened).copied())
        else {
            self.scalar();
            return;
        };
        let fits = end - self.at + depth * 2 <= WIDTH && depth > 0;
        let close = if open == b'{' { '}' } else { ']' };
        self.opened += 1;
        self.out.push(char::from(open));
        self.at += 1;
        let mut first = true;
        while self.at < end {
            if self.bytes[self.at] == b',' {
                self.at += 1;
            }
            if !first {
                self.out.push(',');
            }
            match (fits, first) {
                (true, true) => {
                    if open == b'{' {
                        self.out.push(' ');
                    }
                }
                (true, false) => self.out.push(' '),
                (false, _) => self.line(depth + 1),
            }
            first = false;
            if open == b'{' {
                self.scalar();
                self.out.push_str(": ");
                self.at += 1;
            }
            self.value(depth + 1);
        }
        if fits && !first && open == b'{' {
            self.out.push(' ');
        }
        if !fits && !first {
            self.line(depth);
        }
        self.out.push(close);
        self.at = end + 1;
    }

    /// A text, number or word; a key too.
    fn scalar(&mut self) {
        let start = self.at;
        if self.bytes.get(self.at) == Some(&b'"') {
            self.at = after_text(self.bytes, self.at);
        } else {
            while self
                .bytes
                .get(self.at)
                .is_some_and(|b| !matches!(b, b',' | b'}' | b']' | b':'))
            {
                self.at += 1;
            }
        }
        self.out.push_str(&self.text[start..self.at]);
    }

    fn line(&mut self, depth: usize) {
        self.out.push('\n');
        for _ in 0..depth {
            self.out.push_str("  ");
        }
    }
}

/// Where each bracket closes, in the order in which they open.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut open = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = after_text(bytes, at);
                continue;
            }
            b'{' | b'[' => {
                open.push(ends.len());
                ends.push(bytes.len());
            }
            b'}' | b']' => {
                if let Some(index) = open.pop() {
                    ends[index] = at;
                }
            }
            _ => {}
        }
        at += 1;
    }
    ends
}

/// The byte after a quoted text.
fn after_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}
