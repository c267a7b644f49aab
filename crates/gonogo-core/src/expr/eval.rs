//! Evaluating in the strict profile: every part is looked at, nothing missing is overlooked, nothing runs away.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;

use super::ast::{Compare, Kind, Node, type_constant, type_name};
use super::blame::described;
use super::call::{CallTrouble, call};
use super::functions::Function;
use super::ops::{arithmetic, equal, order};
use super::path::Path;
use super::problem::did_you_mean;
use super::scope::Scope;
use super::stop::{Guard, Stop, TroubleKind};
use crate::value::{Map, Value};

pub(super) type Out<T> = Result<T, Stop>;

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
    pub(super) steps: Cell<u64>,
    /// Questions asked and answered with "not there", by the parts evaluated so far.
    pub(super) guards: RefCell<Vec<Guard>>,
    /// How many `&&` and `||` are around; outside of any, nobody listens to guards.
    pub(super) logic: Cell<u32>,
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
        if let Some(left) = self.steps.get().checked_sub(steps) {
            self.steps.set(left);
            return Ok(());
        }
        self.steps.set(0);
        let message = "the expression took too many steps".to_owned();
        Err(Stop::one(TroubleKind::Exhausted, None, message))
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
    pub(super) fn guard(&self, node: &Node, env: Env<'_>, make: fn(Path) -> Guard) {
        if self.logic.get() > 0
            && let Some(path) = self.path(node, env)
        {
            self.guards.borrow_mut().push(make(path));
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
        if declared != Some(true)
            && let Some(ty) = type_name(name)
        {
            return Ok(Cow::Owned(Value::from(ty)));
        }
        if declared == Some(false) {
            return Err(Stop::error(format!("nothing is called `{name}`")));
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
}

/// Forgets that the whole is contradicted: around this part, false may become true.
pub(super) fn plain(mut stop: Stop) -> Stop {
    stop.contradicted = false;
    stop
}

fn contradicted(mut stop: Stop, contradicted: bool) -> Stop {
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
