//! Looking into values: keys, elements, and whether they are there.

use std::borrow::Cow;

use super::ast::{Kind, Node};
use super::blame::{described, described_type};
use super::eval::{Env, Evaluator, Out, local, weight};
use super::ops::equal;
use super::path::Step;
use super::problem::did_you_mean;
use super::stop::{Guard, Stop, TroubleKind};
use crate::value::{Map, Value};

impl Evaluator<'_> {
    /// A key of a map, or why there is none.
    pub(super) fn key<'v>(
        &'v self,
        node: &Node,
        on: &Node,
        value: Cow<'v, Value>,
        key: &str,
        env: Env<'v>,
    ) -> Out<Cow<'v, Value>> {
        let folded = self.fold_case(on, key, env);
        let key = folded.as_deref().unwrap_or(key);
        match value {
            Cow::Borrowed(Value::Map(map)) => match map.get(key) {
                Some(value) => Ok(Cow::Borrowed(value)),
                None => Err(self.absent_key(node, on, map, key, env)),
            },
            Cow::Owned(Value::Map(mut map)) => match map.remove(key) {
                Some(value) => Ok(Cow::Owned(value)),
                None => Err(self.absent_key(node, on, &map, key, env)),
            },
            other => Err(self.not_a_map(on, &other, env)),
        }
    }

    fn absent_key(&self, node: &Node, on: &Node, map: &Map, key: &str, env: Env<'_>) -> Stop {
        let path = self.path(node, env);
        let place = self.place(node, env);
        let mut message = format!("`{place}` is absent");
        if map.is_empty() {
            message = format!("{message}: `{}` is empty", self.place(on, env));
        } else if let Some(hint) = did_you_mean(
            key,
            map.keys().map(String::as_str),
            &format!("`{}` has", self.place(on, env)),
        ) {
            message = format!("{message}; {hint}");
        }
        let kind = if path.is_some() {
            TroubleKind::Absent
        } else {
            TroubleKind::Error
        };
        Stop::one(kind, path, message)
    }

    fn not_a_map(&self, on: &Node, value: &Value, env: Env<'_>) -> Stop {
        let message = format!(
            "`{}` is {} where a map is due",
            self.place(on, env),
            described(value)
        );
        // Whatever the shape says: a value that was observed is here of the wrong type.
        match self.path(on, env) {
            Some(path) if !self.scope.is_given(&path.root) => {
                Stop::one(TroubleKind::Clash, Some(path), message)
            }
            _ => Stop::error(message),
        }
    }

    /// The key in lower case, where the map ignores case.
    fn fold_case(&self, on: &Node, key: &str, env: Env<'_>) -> Option<String> {
        let last = match &on.kind {
            Kind::Name(name) => name,
            Kind::Select { field, .. } => field,
            _ => return None,
        };
        if !self.scope.may_ignore_case(last) && local(env, last).is_none() {
            return None;
        }
        let names = self.path(on, env)?.names();
        (self.scope.ignores_case(&names) && key.bytes().any(|b| b.is_ascii_uppercase()))
            .then(|| key.to_ascii_lowercase())
    }

    pub(super) fn index<'v>(
        &'v self,
        node: &Node,
        (on, value): (&Node, Cow<'v, Value>),
        (index_node, index): (&Node, &Value),
        env: Env<'v>,
    ) -> Out<Cow<'v, Value>> {
        match (value.as_ref(), index) {
            (Value::Map(_), Value::String(key)) => self.key(node, on, value, key, env),
            (Value::List(items), Value::Int(i)) => {
                let len = items.len();
                let found = usize::try_from(*i).ok().filter(|i| *i < len);
                match (found, value) {
                    (Some(i), Cow::Borrowed(Value::List(items))) => Ok(Cow::Borrowed(&items[i])),
                    (Some(i), Cow::Owned(Value::List(mut items))) => {
                        Ok(Cow::Owned(items.swap_remove(i)))
                    }
                    _ => Err(self.out_of_range(node, on, *i, len, env)),
                }
            }
            (Value::Map(_) | Value::List(_), _) => {
                let message = format!(
                    "`{}` is {} and cannot be indexed with {}",
                    self.place(on, env),
                    described_type(&value),
                    described(index)
                );
                Err(self.blame(&[index_node, on], message, env))
            }
            (other, _) => {
                let due = if matches!(index, Value::String(_)) {
                    "a map"
                } else {
                    "a list"
                };
                let message = format!(
                    "`{}` is {} where {due} is due",
                    self.place(on, env),
                    described(other)
                );
                match self.path(on, env) {
                    Some(path) if !self.scope.is_given(&path.root) => {
                        Err(Stop::one(TroubleKind::Clash, Some(path), message))
                    }
                    _ => Err(Stop::error(message)),
                }
            }
        }
    }

    fn out_of_range(&self, node: &Node, on: &Node, i: i64, len: usize, env: Env<'_>) -> Stop {
        let has = match len {
            0 => "is empty".to_owned(),
            1 => "has 1 element".to_owned(),
            n => format!("has {n} elements"),
        };
        let message = format!(
            "`{}[{i}]` is absent: `{}` {has}",
            self.place(on, env),
            self.place(on, env)
        );
        if let Some(path) = self.path(on, env) {
            let step = usize::try_from(i).map_or(Step::Any, Step::At);
            return Stop::one(TroubleKind::Absent, Some(path.then(step)), message);
        }
        let path = self.open(node, env);
        let kind = if path.is_some() {
            TroubleKind::Absent
        } else {
            TroubleKind::Error
        };
        Stop::one(kind, path, message)
    }

    pub(super) fn has<'v>(&'v self, inner: &'v Node, env: Env<'v>) -> Out<bool> {
        let there = match &inner.kind {
            Kind::Name(name) => {
                let known = local(env, name).is_some() || self.scope.get(name).is_some();
                let declared = self.scope.types().is_none_or(|t| t.get(name).is_some());
                if !known && !declared {
                    return Err(Stop::error(format!("nothing is called `{name}`")));
                }
                known
            }
            Kind::Select { on, field } => {
                let value = self.operand(on, env)?;
                self.has_key(on, &value, field, env)?
            }
            Kind::Index { on, index } => {
                let value = self.operand(on, env)?;
                let index_value = self.operand(index, env)?;
                match (value.as_ref(), index_value.as_ref()) {
                    (Value::List(items), Value::Int(i)) => {
                        usize::try_from(*i).is_ok_and(|i| i < items.len())
                    }
                    (_, Value::String(key)) => self.has_key(on, &value, key, env)?,
                    (_, other) => {
                        let message = format!("{} is not a key", described(other));
                        return Err(self.blame(&[index, on], message, env));
                    }
                }
            }
            _ => return Err(Stop::error("`has` asks about a key")),
        };
        if !there {
            self.guard(inner, env, Guard::Missing);
        }
        Ok(there)
    }

    pub(super) fn has_key(&self, on: &Node, value: &Value, key: &str, env: Env<'_>) -> Out<bool> {
        let Value::Map(map) = value else {
            return Err(self.not_a_map(on, value, env));
        };
        let folded = self.fold_case(on, key, env);
        Ok(map.contains_key(folded.as_deref().unwrap_or(key)))
    }

    pub(super) fn is_in<'v>(&'v self, item: &'v Node, of: &'v Node, env: Env<'v>) -> Out<bool> {
        let (i, o) = (self.operand(item, env)?, self.operand(of, env)?);
        match (i.as_ref(), o.as_ref()) {
            (Value::String(key), Value::Map(map)) => {
                let folded = self.fold_case(of, key, env);
                let there = map.contains_key(folded.as_deref().unwrap_or(key));
                if !there
                    && self.logic.get() > 0
                    && let Some(path) = self.path(of, env)
                {
                    let path = self.path_to_key(path, key);
                    self.guards.borrow_mut().push(Guard::Missing(path));
                }
                Ok(there)
            }
            (wanted, Value::List(items)) => {
                let mut clash = None;
                for candidate in items {
                    self.spend(weight(candidate))?;
                    match equal(wanted, candidate) {
                        Ok(true) => return Ok(true),
                        Ok(false) => {}
                        Err(refused) => clash = clash.or(Some(refused)),
                    }
                }
                match clash {
                    None => Ok(false),
                    Some(refused) => {
                        Err(self.refused(refused, "`in` cannot compare", (item, of), env))
                    }
                }
            }
            (wanted, Value::Map(_)) => {
                let message = format!(
                    "`{}` is {}, and keys are strings",
                    self.text(item),
                    described(wanted)
                );
                Err(self.blame(&[item], message, env))
            }
            (_, other) => {
                let message = format!(
                    "`{}` is {} where a list or a map is due",
                    self.place(of, env),
                    described(other)
                );
                Err(self.blame(&[of], message, env))
            }
        }
    }
}
