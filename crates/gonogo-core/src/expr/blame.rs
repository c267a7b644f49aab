//! Where a value comes from, and whose fault it is when its type is wrong.

use std::borrow::Cow;

use super::ast::{Kind, Node, Which};
use super::eval::{Env, Evaluator, local};
use super::functions::Function;
use super::ops::Refused;
use super::path::{Path, Step};
use super::stop::{Stop, TroubleKind};
use super::types::Type;
use crate::value::Value;

impl Evaluator<'_> {
    /// Lays a refused comparison or sum at the right door.
    pub(super) fn refused(
        &self,
        refused: Refused,
        ask: &str,
        (left, right): (&Node, &Node),
        env: Env<'_>,
    ) -> Stop {
        match refused {
            Refused::Types {
                at,
                left: l,
                right: r,
            } => {
                let (lt, rt) = (self.text(left), self.text(right));
                let where_ = if at.is_empty() {
                    String::new()
                } else {
                    format!(" (at `{at}`)")
                };
                let message = format!("{ask} {l} and {r}{where_}: `{lt}` and `{rt}`");
                self.blame(&[left, right], message, env)
            }
            Refused::NotANumber => Stop::error(format!(
                "{ask} NaN: `{}` and `{}`",
                self.text(left),
                self.text(right)
            )),
            Refused::Endless => Stop::error(format!(
                "{ask} an infinite number: `{}` and `{}`",
                self.text(left),
                self.text(right)
            )),
            Refused::Impossible(why) => Stop::error(format!(
                "{why}: `{}` and `{}`",
                self.text(left),
                self.text(right)
            )),
        }
    }

    /// A wrong type: `TypeClash` where one of the parts is open to what came back, else `Error`.
    pub(super) fn blame(&self, nodes: &[&Node], message: String, env: Env<'_>) -> Stop {
        match nodes.iter().find_map(|node| self.open(node, env)) {
            Some(path) => Stop::one(TroubleKind::Clash, Some(path), message),
            None => Stop::error(message),
        }
    }

    /// Where the value of a node lies, where it is a part of something named.
    pub(super) fn path(&self, node: &Node, env: Env<'_>) -> Option<Path> {
        match &node.kind {
            Kind::Name(name) => match local(env, name) {
                None => Some(Path::root(name.as_str())),
                Some(local) => {
                    let (range, at) = local.from?;
                    let list = match self.path(range, local.outer) {
                        Some(list) => list,
                        // An element of what was computed from something observed, such as a filtered list.
                        None => self
                            .observed(range, local.outer)
                            .map(|_| Path::root(self.text(range)))?,
                    };
                    Some(list.then(Step::At(at)))
                }
            },
            Kind::Select { on, field } => Some(self.path_to_key(self.path(on, env)?, field)),
            Kind::Index { on, index } => {
                let on = self.path(on, env)?;
                let step = match self.eval(index, env).as_deref() {
                    Ok(Value::String(key)) => return Some(self.path_to_key(on, key)),
                    Ok(Value::Int(i)) => usize::try_from(*i).map_or(Step::Any, Step::At),
                    _ => Step::Any,
                };
                Some(on.then(step))
            }
            Kind::Call {
                function: Function::Dyn,
                args,
                ..
            } => self.path(args.first()?, env),
            _ => None,
        }
    }

    /// The path to a key, in lower case where the map ignores case.
    pub(super) fn path_to_key(&self, map: Path, key: &str) -> Path {
        let key = if self.scope.ignores_case(&map.names()) {
            key.to_ascii_lowercase()
        } else {
            key.to_owned()
        };
        map.then(Step::Key(key))
    }

    /// How a message names a part: its place in what was observed, else its source text.
    pub(super) fn place(&self, node: &Node, env: Env<'_>) -> String {
        self.path(node, env)
            .map_or_else(|| self.text(node).to_owned(), |path| path.to_string())
    }

    /// Where a value comes from that could have come back with another type.
    pub(super) fn open(&self, node: &Node, env: Env<'_>) -> Option<Path> {
        let path = self.observed(node, env)?;
        let Some(types) = self.scope.types() else {
            return Some(path);
        };
        let fixed = types
            .type_at(&path)
            .is_some_and(|ty| !matches!(ty, Type::Dyn));
        (!fixed).then_some(path)
    }

    /// Where a value comes from that was observed: nothing for constants, for what is given, and for what has
    /// one type whatever was observed, such as a size.
    pub(super) fn observed(&self, node: &Node, env: Env<'_>) -> Option<Path> {
        if let Some(path) = self.path(node, env) {
            let known = local(env, &path.root).is_some() || self.scope.get(&path.root).is_some();
            let computed = !super::path::is_name(&path.root);
            return ((known || computed) && !self.scope.is_given(&path.root)).then_some(path);
        }
        match &node.kind {
            Kind::Choose { yes, no, .. } => {
                self.observed(yes, env).or_else(|| self.observed(no, env))
            }
            Kind::Arithmetic { left, right, .. } => self
                .observed(left, env)
                .or_else(|| self.observed(right, env)),
            Kind::Negate(inner) => self.observed(inner, env),
            Kind::List(items) => items.iter().find_map(|item| self.observed(item, env)),
            Kind::Map(entries) => entries.iter().find_map(|(_, v)| self.observed(v, env)),
            Kind::Select { on, .. } | Kind::Index { on, .. } => self.observed(on, env),
            Kind::Each(each) if matches!(each.which, Which::Map | Which::Filter) => {
                self.observed(&each.range, env)
            }
            _ => None,
        }
    }
}

/// `a string ("<html>…")`: type and a short form of the value.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => format!("a bool ({b})"),
        Value::List(_) | Value::Map(_) => described_type(value),
        other => format!("{} ({})", described_type(other), short(other)),
    }
}

pub(super) fn described_type(value: &Value) -> String {
    let name = value.type_name();
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {name}")
}

/// The value in at most about eighty characters.
pub(super) fn short(value: &Value) -> String {
    const LONGEST: usize = 80;
    let value = match value {
        // Cut before it is written out: a body may have megabytes.
        Value::String(s) if s.len() > 4 * LONGEST => {
            Cow::Owned(Value::String(s.chars().take(LONGEST + 1).collect()))
        }
        other => Cow::Borrowed(other),
    };
    let text = told(&value).unwrap_or_else(|| value.to_string());
    if text.chars().count() <= LONGEST {
        return text;
    }
    let cut: String = text.chars().take(LONGEST - 1).collect();
    let quote = if text.starts_with('"') { "\"" } else { "" };
    format!("{cut}…{quote}")
}

/// A list of things that each have a `text` for a person, such as the differences of two schemas: those texts, on one
/// line.
fn told(value: &Value) -> Option<String> {
    let items = value.as_list().filter(|items| !items.is_empty())?;
    let mut texts = Vec::new();
    for item in items {
        let text = item.as_map()?.get("text")?.as_str()?;
        texts.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    Some(format!("{} × ({})", items.len(), texts.join("; ")))
}
