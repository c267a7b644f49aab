//! Evaluating in the strict profile: every part is looked at, nothing missing is overlooked, nothing runs away.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;

use super::ast::{Compare, Each, Kind, Node, Which, type_constant, type_name};
use super::blame::{described, described_type};
use super::call::{CallTrouble, call};
use super::functions::Function;
use super::ops::{arithmetic, equal, order};
use super::path::{Path, Step};
use super::problem::did_you_mean;
use super::scope::Scope;
use super::stop::{Guard, Stop, TroubleKind};
use crate::value::{Map, Value};

pub(super) type Out<T> = Result<T, Box<Stop>>;

/// A name that a macro such as `all` gives to an element.
pub(super) struct Local<'v> {
    pub(super) name: &'v str,
    pub(super) value: &'v Value,
    /// Where the element lies: the list, and its place there. Keys of a map lie nowhere.
    pub(super) from: Option<(&'v Node, usize)>,
    pub(super) outer: Option<&'v Local<'v>>,
}

pub(super) type Env<'v> = Option<&'v Local<'v>>;

pub(super) fn local<'v>(mut env: Env<'v>, name: &str) -> Option<&'v Local<'v>> {
    while let Some(found) = env {
        if found.name == name {
            return Some(found);
        }
        env = found.outer;
    }
    None
}

/// One evaluation.
pub(super) struct Evaluator<'s> {
    pub(super) scope: &'s Scope<'s>,
    pub(super) source: &'s str,
    steps: Cell<u64>,
    /// Questions asked and answered with "not there", by the parts evaluated so far.
    guards: RefCell<Vec<Guard>>,
    /// How many `&&` and `||` are around; outside of any, nobody listens to guards.
    logic: Cell<u32>,
}

impl<'s> Evaluator<'s> {
    pub(super) fn new(scope: &'s Scope<'s>, source: &'s str, budget: u64) -> Self {
        Self {
            scope,
            source,
            steps: Cell::new(budget),
            guards: RefCell::default(),
            logic: Cell::new(0),
        }
    }

    pub(super) fn text(&self, node: &Node) -> &'s str {
        &self.source[node.span.clone()]
    }

    /// Takes steps off the budget.
    pub(super) fn spend(&self, steps: u64) -> Out<()> {
        match self.steps.get().checked_sub(steps) {
            Some(left) => {
                self.steps.set(left);
                Ok(())
            }
            None => {
                self.steps.set(0);
                let message = "the expression took too many steps".to_owned();
                Err(Stop::one(TroubleKind::Exhausted, None, message))
            }
        }
    }

    /// The value itself, paying for a copy where one must be made.
    pub(super) fn own(&self, value: Cow<'_, Value>) -> Out<Value> {
        if let Cow::Borrowed(borrowed) = &value {
            self.spend(weight(borrowed))?;
        }
        Ok(value.into_owned())
    }

    pub(super) fn eval<'v>(&'v self, node: &'v Node, env: Env<'v>) -> Out<Cow<'v, Value>> {
        self.spend(1)?;
        match &node.kind {
            Kind::Literal(value) => Ok(Cow::Borrowed(value)),
            Kind::Name(name) => self.name(node, name, env),
            Kind::Select { on, field } => {
                if let Some(name) = self.protobuf_type(node) {
                    return Ok(Cow::Owned(Value::from(name)));
                }
                let value = self.operand(on, env)?;
                self.key(node, on, value, field, env)
            }
            Kind::Index { on, index } => {
                let value = self.operand(on, env)?;
                let index_value = self.operand(index, env)?;
                self.index(node, (on, value), (index, &index_value), env)
            }
            Kind::Choose { condition, yes, no } => {
                let chosen = if self.truth(condition, env).map_err(plain)? {
                    yes
                } else {
                    no
                };
                self.eval(chosen, env)
            }
            Kind::List(items) => {
                let items = items
                    .iter()
                    .map(|item| self.operand(item, env).and_then(|v| self.own(v)))
                    .collect::<Out<Vec<Value>>>()?;
                Ok(Cow::Owned(Value::List(items)))
            }
            Kind::Map(entries) => self.map_literal(entries, env).map(Cow::Owned),
            Kind::Negate(inner) => self.negate(inner, env).map(Cow::Owned),
            Kind::Arithmetic { by, left, right } => {
                let (l, r) = (self.operand(left, env)?, self.operand(right, env)?);
                self.spend((weight_of_text(&l) + weight_of_text(&r)).max(1))?;
                arithmetic(*by, &l, &r).map(Cow::Owned).map_err(|refused| {
                    let ask = format!("`{}` has no meaning for", by.symbol());
                    self.refused(refused, &ask, (left, right), env)
                })
            }
            Kind::Call {
                function,
                args,
                pattern,
            } => self.call(*function, args, pattern.as_ref(), env),
            Kind::Each(each) => self.each(each, env),
            Kind::Has(_)
            | Kind::Not(_)
            | Kind::Logic { .. }
            | Kind::Compare { .. }
            | Kind::In { .. } => self.truth_of(node, env).map(|b| Cow::Owned(Value::Bool(b))),
        }
    }

    /// The value of a part whose truth does not directly become the truth of the whole.
    pub(super) fn operand<'v>(&'v self, node: &'v Node, env: Env<'v>) -> Out<Cow<'v, Value>> {
        self.eval(node, env).map_err(plain)
    }

    /// The truth of a part; anything but a bool is trouble.
    pub(super) fn truth<'v>(&'v self, node: &'v Node, env: Env<'v>) -> Out<bool> {
        match self.eval(node, env)?.as_ref() {
            Value::Bool(b) => Ok(*b),
            other => {
                let message = format!(
                    "`{}` is {} where true or false is due",
                    self.text(node),
                    described(other)
                );
                Err(self.blame(&[node], message, env))
            }
        }
    }

    fn truth_of<'v>(&'v self, node: &'v Node, env: Env<'v>) -> Out<bool> {
        match &node.kind {
            Kind::Has(inner) => self.has(inner, env).map_err(plain),
            Kind::Not(inner) => self.truth(inner, env).map(|b| !b).map_err(plain),
            Kind::Logic { and, left, right } => self.both(*and, left, right, env),
            Kind::Compare { by, left, right } => self.compare(*by, left, right, env),
            Kind::In { item, of } => self.is_in(item, of, env),
            _ => self.truth(node, env),
        }
    }

    /// `&&` and `||`. Both sides are always looked at: what is absent on one side is not hidden by the other,
    /// unless the other asked whether it is there.
    fn both<'v>(&'v self, and: bool, left: &'v Node, right: &'v Node, env: Env<'v>) -> Out<bool> {
        self.logic.set(self.logic.get() + 1);
        let start = self.guards.borrow().len();
        let l = self.truth(left, env);
        let middle = self.guards.borrow().len();
        let r = self.truth(right, env);
        self.logic.set(self.logic.get() - 1);
        // The answer of one side that decides alone: false for `&&`, true for `||`.
        let decisive = !and;
        let mut guards = self.guards.borrow_mut();
        match (l, r) {
            (Ok(l), Ok(r)) => {
                // Only questions that bear on the answer stay.
                if l == decisive && r != decisive {
                    guards.truncate(middle);
                } else if r == decisive && l != decisive {
                    guards.drain(start..middle);
                }
                Ok(if and { l && r } else { l || r })
            }
            (Ok(answer), Err(stop)) if answer == decisive => {
                guards.truncate(middle);
                match stop.without(&guards[start..]) {
                    None => Ok(answer),
                    Some(stop) => Err(contradicted(stop, and)),
                }
            }
            (Err(stop), Ok(answer)) if answer == decisive => {
                guards.drain(start..middle);
                match stop.without(&guards[start..]) {
                    None => Ok(answer),
                    Some(stop) => Err(contradicted(stop, and)),
                }
            }
            (Ok(_), Err(stop)) | (Err(stop), Ok(_)) => Err(stop),
            (Err(l), Err(r)) => Err(l.and_also(r, and)),
        }
    }

    /// Remembers a question that was answered with "not there".
    fn guard(&self, node: &Node, env: Env<'_>, make: fn(Path) -> Guard) {
        if self.logic.get() > 0 {
            if let Some(path) = self.path(node, env) {
                self.guards.borrow_mut().push(make(path));
            }
        }
    }

    fn name<'v>(&'v self, node: &'v Node, name: &'v str, env: Env<'v>) -> Out<Cow<'v, Value>> {
        if let Some(local) = local(env, name) {
            return Ok(Cow::Borrowed(local.value));
        }
        if let Some(value) = self.scope.get(name) {
            return Ok(Cow::Borrowed(value));
        }
        let declared = self.scope.types().map(|types| types.get(name).is_some());
        match (declared, type_name(name)) {
            (Some(true), _) => {}
            (_, Some(ty)) => return Ok(Cow::Owned(Value::from(ty))),
            (Some(false), None) => {
                return Err(Stop::error(format!("nothing is called `{name}`")));
            }
            (None, None) => {}
        }
        let mut message = format!("`{name}` is absent");
        if let Some(hint) = did_you_mean(name, self.scope.names(), "there are") {
            message = format!("{message}; {hint}");
        }
        Err(Stop::one(
            TroubleKind::Absent,
            self.path(node, env),
            message,
        ))
    }

    fn protobuf_type(&self, node: &Node) -> Option<&'static str> {
        type_constant(node).filter(|_| self.scope.get("google").is_none())
    }

    /// A key of a map, or why there is none.
    fn key<'v>(
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

    fn absent_key(&self, node: &Node, on: &Node, map: &Map, key: &str, env: Env<'_>) -> Box<Stop> {
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

    fn not_a_map(&self, on: &Node, value: &Value, env: Env<'_>) -> Box<Stop> {
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

    fn index<'v>(
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

    fn out_of_range(&self, node: &Node, on: &Node, i: i64, len: usize, env: Env<'_>) -> Box<Stop> {
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
        match self.path(on, env) {
            Some(path) => {
                let step = usize::try_from(i).map_or(Step::Any, Step::At);
                Stop::one(TroubleKind::Absent, Some(path.then(step)), message)
            }
            None => {
                let path = self.open(node, env);
                let kind = if path.is_some() {
                    TroubleKind::Absent
                } else {
                    TroubleKind::Error
                };
                Stop::one(kind, path, message)
            }
        }
    }

    fn has<'v>(&'v self, inner: &'v Node, env: Env<'v>) -> Out<bool> {
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

    fn has_key(&self, on: &Node, value: &Value, key: &str, env: Env<'_>) -> Out<bool> {
        let Value::Map(map) = value else {
            return Err(self.not_a_map(on, value, env));
        };
        let folded = self.fold_case(on, key, env);
        Ok(map.contains_key(folded.as_deref().unwrap_or(key)))
    }

    fn compare<'v>(
        &'v self,
        by: Compare,
        left: &'v Node,
        right: &'v Node,
        env: Env<'v>,
    ) -> Out<bool> {
        let (l, r) = (self.operand(left, env)?, self.operand(right, env)?);
        self.spend((weight(&l).min(weight(&r))).max(1))?;
        let result = if by.is_equality() {
            self.asked(left, &l, right, env);
            self.asked(right, &r, left, env);
            equal(&l, &r).map(|same| same == (by == Compare::Equal))
        } else {
            order(&l, &r).map(|order| match by {
                Compare::Less => order == Ordering::Less,
                Compare::LessOrEqual => order != Ordering::Greater,
                Compare::Greater => order == Ordering::Greater,
                _ => order != Ordering::Less,
            })
        };
        result.map_err(|refused| {
            let ask = format!("`{}` cannot compare", by.symbol());
            self.refused(refused, &ask, (left, right), env)
        })
    }

    /// Comparing with `null` or `[]` is a question about what is there.
    fn asked(&self, asked: &Node, value: &Value, with: &Node, env: Env<'_>) {
        match (&with.kind, value) {
            (Kind::Literal(Value::Null), Value::Null) => self.guard(asked, env, Guard::Shape),
            (Kind::List(items), Value::List(_)) if items.is_empty() => {
                self.guard(asked, env, Guard::Size);
            }
            _ => {}
        }
    }

    fn is_in<'v>(&'v self, item: &'v Node, of: &'v Node, env: Env<'v>) -> Out<bool> {
        let (i, o) = (self.operand(item, env)?, self.operand(of, env)?);
        match (i.as_ref(), o.as_ref()) {
            (Value::String(key), Value::Map(map)) => {
                let folded = self.fold_case(of, key, env);
                let there = map.contains_key(folded.as_deref().unwrap_or(key));
                if !there && self.logic.get() > 0 {
                    if let Some(path) = self.path(of, env) {
                        let path = self.path_to_key(path, key);
                        self.guards.borrow_mut().push(Guard::Missing(path));
                    }
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

    fn negate<'v>(&'v self, inner: &'v Node, env: Env<'v>) -> Out<Value> {
        let value = self.operand(inner, env)?;
        let negated = match value.as_ref() {
            Value::Int(i) => i.checked_neg().map(Value::Int),
            Value::Double(d) => Some(Value::Double(-d)),
            Value::Duration(ns) => ns.checked_neg().map(Value::Duration),
            other => {
                let message = format!("`-` has no meaning for {}", described(other));
                return Err(self.blame(&[inner], message, env));
            }
        };
        negated.ok_or_else(|| Stop::error("the result is out of range"))
    }

    fn map_literal<'v>(&'v self, entries: &'v [(Node, Node)], env: Env<'v>) -> Out<Value> {
        let mut map = Map::new();
        for (key_node, value) in entries {
            let key = self.operand(key_node, env)?;
            let Value::String(key) = key.as_ref() else {
                let message = format!("a key of a map is a string, not {}", described(&key));
                return Err(self.blame(&[key_node], message, env));
            };
            let value = self.operand(value, env).and_then(|v| self.own(v))?;
            if map.insert(key.clone(), value).is_some() {
                return Err(Stop::error(format!("the key \"{key}\" occurs twice")));
            }
        }
        Ok(Value::Map(map))
    }

    fn call<'v>(
        &'v self,
        function: Function,
        args: &'v [Node],
        pattern: Option<&regex::Regex>,
        env: Env<'v>,
    ) -> Out<Cow<'v, Value>> {
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            let value = self.operand(arg, env)?;
            self.spend(weight_of_text(&value))?;
            values.push(value);
        }
        match function {
            Function::Size => self.guard(&args[0], env, Guard::Size),
            Function::Type => self.guard(&args[0], env, Guard::Shape),
            Function::Dyn => return Ok(values.swap_remove(0)),
            // Compiling a pattern that is not constant costs far more than matching.
            Function::Matches if pattern.is_none() => {
                self.spend(2_000 + 200 * weight_of_text(&values[1]))?;
            }
            _ => {}
        }
        let result = call(function, &values, pattern);
        match result {
            Ok(value) => {
                self.spend(weight(&value))?;
                Ok(Cow::Owned(value))
            }
            Err(CallTrouble::Impossible(message)) => Err(Stop::error(message)),
            Err(CallTrouble::Types(message)) => {
                let nodes: Vec<&Node> = args.iter().collect();
                Err(self.blame(&nodes, message, env))
            }
            Err(CallTrouble::Content(message)) => {
                let path = args.iter().find_map(|arg| self.observed(arg, env));
                Err(match path {
                    Some(path) => Stop::one(TroubleKind::Clash, Some(path), message),
                    None => Stop::error(message),
                })
            }
        }
    }

    fn each<'v>(&'v self, each: &'v Each, env: Env<'v>) -> Out<Cow<'v, Value>> {
        let range = self.operand(&each.range, env)?;
        let keys: Vec<Value>;
        let (items, is_list) = match range.as_ref() {
            Value::List(items) => (items.as_slice(), true),
            Value::Map(map) => {
                self.spend(map.len() as u64)?;
                keys = map.keys().map(|k| Value::String(k.clone())).collect();
                (keys.as_slice(), false)
            }
            other => {
                let message = format!(
                    "`{}` is {} where a list is due",
                    self.place(&each.range, env),
                    described(other)
                );
                return Err(match self.path(&each.range, env) {
                    Some(path) if !self.scope.is_given(&path.root) => {
                        Stop::one(TroubleKind::Clash, Some(path), message)
                    }
                    _ => Stop::error(message),
                });
            }
        };
        let mark = self.guards.borrow().len();
        let locals = items.iter().enumerate().map(|(i, value)| Local {
            name: &each.name,
            value,
            from: is_list.then_some((&each.range, i)),
            outer: env,
        });
        let result = match each.which {
            Which::All if items.is_empty() => Err(self.nothing(each, env)),
            Which::Map | Which::Filter => self.collect(each, locals),
            _ => self.quantify(each, locals),
        };
        // What the body asked was about its elements.
        self.guards.borrow_mut().truncate(mark);
        result.map(Cow::Owned)
    }

    fn nothing(&self, each: &Each, env: Env<'_>) -> Box<Stop> {
        let place = self.place(&each.range, env);
        let message = format!("`{place}` is empty, and `all` over nothing proves nothing");
        let path = self
            .path(&each.range, env)
            .unwrap_or_else(|| Path::root(place));
        Stop::one(TroubleKind::Inconclusive, Some(path), message)
    }

    /// `all`, `exists`, `exists_one`: every element is looked at, so that their order does not matter.
    fn quantify<'w>(&self, each: &Each, locals: impl Iterator<Item = Local<'w>>) -> Out<Value> {
        let (mut holding, mut failing) = (0u64, 0u64);
        let mut stop: Option<Box<Stop>> = None;
        let and = each.which == Which::All;
        for local in locals {
            match self.truth(&each.body, Some(&local)) {
                Ok(true) => holding += 1,
                Ok(false) => failing += 1,
                Err(more) => {
                    // One trouble of a kind is enough; a thousand rows need not say the same.
                    stop = Some(match stop {
                        None => more,
                        Some(mut so_far) if so_far.troubles.len() >= 8 => {
                            so_far.contradicted = if and {
                                so_far.contradicted || more.contradicted
                            } else {
                                so_far.contradicted && more.contradicted
                            };
                            so_far
                        }
                        Some(so_far) => so_far.and_also(more, and),
                    });
                    if self.steps.get() == 0 {
                        break;
                    }
                }
            }
        }
        match (stop, each.which) {
            (Some(mut stop), which) => {
                stop.contradicted = match which {
                    Which::All => stop.contradicted || failing > 0,
                    Which::Exists => stop.contradicted && holding == 0,
                    _ => false,
                };
                Err(stop)
            }
            (None, Which::All) => Ok(Value::Bool(failing == 0)),
            (None, Which::ExistsOne) => Ok(Value::Bool(holding == 1)),
            (None, _) => Ok(Value::Bool(holding > 0)),
        }
    }

    fn collect<'w>(&self, each: &Each, locals: impl Iterator<Item = Local<'w>>) -> Out<Value> {
        let mut out = Vec::new();
        for local in locals {
            let env = Some(&local);
            if each.which == Which::Filter {
                if self.truth(&each.body, env).map_err(plain)? {
                    out.push(self.own(Cow::Borrowed(local.value))?);
                }
                continue;
            }
            let wanted = match &each.when {
                Some(when) => self.truth(when, env).map_err(plain)?,
                None => true,
            };
            if wanted {
                out.push(self.operand(&each.body, env).and_then(|v| self.own(v))?);
            }
        }
        Ok(Value::List(out))
    }
}

/// Forgets that the whole is contradicted: around this part, false may become true.
pub(super) fn plain(mut stop: Box<Stop>) -> Box<Stop> {
    stop.contradicted = false;
    stop
}

fn contradicted(mut stop: Box<Stop>, contradicted: bool) -> Box<Stop> {
    stop.contradicted = contradicted;
    stop
}

/// What a copy of the value costs, in steps.
pub(super) fn weight(value: &Value) -> u64 {
    match value {
        Value::List(items) => 1 + items.iter().map(weight).sum::<u64>(),
        Value::Map(map) => {
            1 + map
                .iter()
                .map(|(k, v)| 1 + k.len() as u64 / 32 + weight(v))
                .sum::<u64>()
        }
        other => 1 + weight_of_text(other),
    }
}

/// What reading the text costs, in steps; nothing for other values.
fn weight_of_text(value: &Value) -> u64 {
    match value {
        Value::String(s) => s.len() as u64 / 32,
        Value::Bytes(b) => b.len() as u64 / 32,
        Value::List(items) => items.len() as u64,
        _ => 0,
    }
}
