//! YAML as a tree in which every node knows where it stands.
//!
//! Built over parser events, because what a plan needs to refuse (duplicate and merge keys, tags, several documents,
//! bombs) and to explain (what YAML did to an expression) is gone once a value has been made of it.

mod build;
mod scalar;

pub(crate) use build::{Budget, parse};
pub(crate) use scalar::{Resolved, resolve};

use super::source::Span;

/// How a node was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// A scalar without quotes.
    Plain,
    /// A scalar in single or double quotes.
    Quoted,
    /// A scalar in a literal (`|`) or folded (`>`) block.
    Block,
    /// A list or mapping by indentation.
    Indented,
    /// A list in `[ ]` or a mapping in `{ }`.
    Flow,
    /// Nothing was written where a value may stand.
    Missing,
}

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where it stands; from its tag where it has one.
    pub span: Span,
    /// How it was written.
    pub style: Style,
    /// Its tag as written, such as `!!str`.
    pub tag: Option<Box<str>>,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A scalar's text.
    Scalar(Box<str>),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order of the text; keys are unique texts.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key's text.
    pub key: Box<str>,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// A node of nothing, in the place of one that was moved.
    pub(crate) fn nothing() -> Self {
        Self {
            span: Span::default(),
            style: Style::Missing,
            tag: None,
            kind: Kind::Scalar("".into()),
        }
    }

    /// The entries of a mapping; none for anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The entry of a key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|e| &*e.key == key)
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.value)
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a null: nothing, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(resolve(self), Some(Resolved::Null))
    }

    /// What a person calls it: "a list", "the number 5".
    pub(crate) fn called(&self) -> String {
        match &self.kind {
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
            Kind::Scalar(text) => {
                let shown: String = text.chars().take(40).filter(|c| !c.is_control()).collect();
                let more = if text.chars().count() > 40 { "…" } else { "" };
                match resolve(self) {
                    Some(Resolved::Null) if text.is_empty() => "nothing".to_owned(),
                    Some(Resolved::Null) => "null".to_owned(),
                    Some(Resolved::Bool(_)) => format!("the truth value `{shown}`"),
                    Some(Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_)) => {
                        format!("the number {shown}{more}")
                    }
                    _ if text.is_empty() => "an empty text".to_owned(),
                    _ => format!("the text `{shown}{more}`"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
