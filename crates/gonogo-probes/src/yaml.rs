//! YAML of others, such as compose files, as a tree that knows its lines: anchors, aliases and merge keys are followed,
//! duplicate keys and bombs refused.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::Value as Json;

const MAX_DEPTH: usize = 64;
/// Aliases included: what a bomb unfolds to is counted, too.
const MAX_NODES: usize = 200_000;

/// One node and the line that it begins on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
    /// Whether it is a scalar without quotes, which may be a number or a truth value.
    pub(crate) plain: bool,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing, `~` or `null` without quotes.
    Null,
    /// Any other scalar, as its text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order of the text; merge keys are followed.
    Map(Vec<(String, Node)>),
}

/// Why a text is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Node {
    /// The text, where it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The members, where it is a mapping.
    pub(crate) fn map(&self) -> Option<&[(String, Node)]> {
        match &self.kind {
            Kind::Map(members) => Some(members),
            _ => None,
        }
    }

    /// The items, where it is a list.
    pub(crate) fn list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The member of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let mut members = self.map()?.iter();
        members.find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// What it is, for a message.
    pub(crate) fn what(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// As JSON, scalars typed by YAML 1.2's core schema; what JSON lacks (`.nan`, `.inf`) stays text.
    pub(crate) fn json(&self) -> Json {
        match &self.kind {
            Kind::Null => Json::Null,
            Kind::Text(text) if self.plain => scalar(text),
            Kind::Text(text) => Json::String(text.clone()),
            Kind::List(items) => items.iter().map(Self::json).collect(),
            Kind::Map(members) => {
                let members = members.iter();
                Json::Object(members.map(|(k, n)| (k.clone(), n.json())).collect())
            }
        }
    }

    fn size(&self) -> usize {
        match &self.kind {
            Kind::Null | Kind::Text(_) => 1,
            Kind::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Kind::Map(members) => 1 + members.iter().map(|(_, n)| n.size()).sum::<usize>(),
        }
    }
}

/// A scalar without quotes (YAML 1.2.2, 10.3.2).
fn scalar(text: &str) -> Json {
    match text {
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let decimal = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if decimal(digits) {
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        let whole = unsigned.parse::<i64>().map(Json::from);
        if let Ok(whole) = whole.or_else(|_| unsigned.parse::<u64>().map(Json::from)) {
            return whole;
        }
    }
    let based = [("0x", 16), ("0o", 8)]
        .into_iter()
        .find_map(|(start, base)| {
            let digits = text.strip_prefix(start)?;
            u64::from_str_radix(digits, base).ok()
        });
    if let Some(whole) = based {
        return whole.into();
    }
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = (decimal(whole) || whole.is_empty() && !part.is_empty())
        && (part.is_empty() || decimal(part))
        && decimal(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    let number = is_number.then(|| text.parse::<f64>().ok()).flatten();
    let number = number.and_then(serde_json::Number::from_f64);
    number.map_or_else(|| Json::String(text.to_owned()), Json::Number)
}

struct Open {
    node: Node,
    anchor: usize,
    key: Option<(String, usize)>,
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

/// Reads one document.
pub(crate) fn read(text: &str) -> Result<Node, Wrong> {
    let mut reader = Reader::default();
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH + 2,
        block_nesting_limit: MAX_DEPTH + 2,
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, at) = event.map_err(|e| Wrong {
            line: e.marker().line(),
            message: format!("this is not YAML: {e}"),
        })?;
        reader.event(event, at.start.line())?;
    }
    Ok(reader.root.unwrap_or(Node {
        line: 1,
        kind: Kind::Null,
        plain: true,
    }))
}

impl Reader {
    fn event(&mut self, event: Event<'_>, line: usize) -> Result<(), Wrong> {
        let wrong = |message: &str| {
            Err(Wrong {
                line,
                message: message.to_owned(),
            })
        };
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return wrong("a second document begins here; one is expected");
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, _) => {
                let kind = match (style, text.as_ref()) {
                    (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Kind::Null,
                    _ => Kind::Text(text.into_owned()),
                };
                let plain = style == ScalarStyle::Plain;
                self.finished(Node { line, kind, plain }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(line, Kind::List(Vec::new()), anchor),
            Event::MappingStart(_, anchor, _) => self.begin(line, Kind::Map(Vec::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.finished(open.node, open.anchor),
                None => wrong("something ends that did not begin"),
            },
            Event::Alias(id) => match self.anchors.get(&id) {
                Some(node) => {
                    let mut node = node.clone();
                    node.line = line;
                    self.nodes += node.size();
                    self.finished(node, 0)
                }
                None => wrong("an alias stands inside of what it names"),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, line: usize, kind: Kind, anchor: usize) -> Result<(), Wrong> {
        if self.open.len() >= MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(Wrong { line, message });
        }
        self.open.push(Open {
            node: Node {
                line,
                kind,
                plain: false,
            },
            anchor,
            key: None,
        });
        Ok(())
    }

    fn finished(&mut self, node: Node, anchor: usize) -> Result<(), Wrong> {
        let line = node.line;
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("more than {MAX_NODES} values, aliases unfolded");
            return Err(Wrong { line, message });
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.node.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(members) => match open.key.take() {
                None => match node.kind {
                    Kind::Text(text) => open.key = Some((text, line)),
                    Kind::Null => open.key = Some((String::new(), line)),
                    Kind::List(_) | Kind::Map(_) => {
                        let message = "a key must be a text".to_owned();
                        return Err(Wrong { line, message });
                    }
                },
                Some((key, at)) => add(members, key, at, node)?,
            },
            Kind::Null | Kind::Text(_) => {}
        }
        Ok(())
    }
}

/// Adds a member; `<<` brings in those of other mappings, which its own go before.
fn add(
    members: &mut Vec<(String, Node)>,
    key: String,
    line: usize,
    node: Node,
) -> Result<(), Wrong> {
    if key != "<<" {
        let known = members.iter_mut().find(|(name, _)| *name == key);
        return match known {
            // What a merge brought in may be replaced once.
            Some((_, old)) if old.line == MERGED => {
                *old = node;
                Ok(())
            }
            Some(_) => Err(Wrong {
                line,
                message: format!("`{key}` stands here twice"),
            }),
            None => {
                members.push((key, node));
                Ok(())
            }
        };
    }
    let sources = match node.kind {
        Kind::Map(_) => vec![node],
        Kind::List(items) => items,
        Kind::Null | Kind::Text(_) => {
            let message = "`<<` takes a mapping or a list of mappings".to_owned();
            return Err(Wrong { line, message });
        }
    };
    for source in sources {
        let Kind::Map(more) = source.kind else {
            let message = "`<<` takes a mapping or a list of mappings".to_owned();
            return Err(Wrong { line, message });
        };
        for (name, mut node) in more {
            if !members.iter().any(|(known, _)| *known == name) {
                node.line = MERGED;
                members.push((name, node));
            }
        }
    }
    Ok(())
}

/// The line of what a merge key brought in.
const MERGED: usize = 0;

#[cfg(test)]
mod tests;
