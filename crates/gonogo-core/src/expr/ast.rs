//! The tree that is checked, evaluated and explained: CEL after macros are recognised, each part with its place.

use std::ops::Range;

use regex::Regex;

use super::functions::Function;
use crate::value::Value;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Bytes of the source.
    pub(super) span: Range<usize>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Literal(Value),
    Name(String),
    Select {
        on: Box<Node>,
        field: String,
    },
    Index {
        on: Box<Node>,
        index: Box<Node>,
    },
    /// Whether a key is there: around a name, a selection, or an index with a text.
    Has(Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Logic {
        and: bool,
        left: Box<Node>,
        right: Box<Node>,
    },
    Choose {
        condition: Box<Node>,
        yes: Box<Node>,
        no: Box<Node>,
    },
    Compare {
        by: Compare,
        left: Box<Node>,
        right: Box<Node>,
    },
    In {
        item: Box<Node>,
        of: Box<Node>,
    },
    Arithmetic {
        by: Arithmetic,
        left: Box<Node>,
        right: Box<Node>,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Each(Box<Each>),
    Call {
        function: Function,
        /// The receiver first, where there is one.
        args: Vec<Node>,
        /// The compiled pattern, where it is a constant.
        pattern: Option<Regex>,
    },
}

/// One of the macros that look at each element of a list or each key of a map.
#[derive(Debug)]
pub(super) struct Each {
    pub(super) which: Which,
    pub(super) range: Node,
    pub(super) name: String,
    /// `map` with three arguments looks only at elements for which this holds.
    pub(super) when: Option<Node>,
    pub(super) body: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    pub(super) fn is_equality(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Arithmetic {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

impl Node {
    /// The parts of a node, in the order of the source.
    pub(super) fn children(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::Literal(_) | Kind::Name(_) => Vec::new(),
            Kind::Select { on, .. } => vec![on],
            Kind::Has(inner) | Kind::Not(inner) | Kind::Negate(inner) => vec![inner],
            Kind::Index { on: a, index: b }
            | Kind::Logic {
                left: a, right: b, ..
            }
            | Kind::Compare {
                left: a, right: b, ..
            }
            | Kind::In { item: a, of: b }
            | Kind::Arithmetic {
                left: a, right: b, ..
            } => vec![a, b],
            Kind::Choose { condition, yes, no } => vec![condition, yes, no],
            Kind::List(items) => items.iter().collect(),
            Kind::Map(entries) => entries.iter().flat_map(|(k, v)| [k, v]).collect(),
            Kind::Each(each) => {
                let mut parts = vec![&each.range];
                parts.extend(&each.when);
                parts.push(&each.body);
                parts
            }
            Kind::Call { args, .. } => args.iter().collect(),
        }
    }

    /// Whether the node is written out: nothing observed is in it.
    pub(super) fn is_constant(&self) -> bool {
        match &self.kind {
            Kind::Literal(_) => true,
            Kind::Name(name) => type_name(name).is_some(),
            Kind::Has(_) | Kind::Each(_) => false,
            Kind::Select { .. } => type_constant(self).is_some(),
            _ => self.children().into_iter().all(Node::is_constant),
        }
    }
}

/// The type that a bare name such as `int` stands for, unless something observed has that name.
pub(super) fn type_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "bool" => "bool",
        "int" => "int",
        "uint" => "uint",
        "double" => "double",
        "string" => "string",
        "bytes" => "bytes",
        "list" => "list",
        "map" => "map",
        "null_type" => "null",
        _ => return None,
    })
}

/// The type that `google.protobuf.Duration` and `google.protobuf.Timestamp` stand for.
pub(super) fn type_constant(node: &Node) -> Option<&'static str> {
    let Kind::Select { on, field } = &node.kind else {
        return None;
    };
    let Kind::Select { on, field: package } = &on.kind else {
        return None;
    };
    if package != "protobuf" || !matches!(&on.kind, Kind::Name(n) if n == "google") {
        return None;
    }
    match field.as_str() {
        "Duration" => Some("duration"),
        "Timestamp" => Some("timestamp"),
        _ => None,
    }
}
