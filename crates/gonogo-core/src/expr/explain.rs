//! Why an expectation does not hold: the parts that matter, with the values they had.

use std::fmt;

use super::Expr;
use super::ast::{Each, Kind, Node, Which};
use super::blame::{described, short};
use super::eval::{Env, Evaluator, Local, weight};
use super::functions::Function;
use super::scope::Scope;
use super::stop::Stop;
use super::types::Type;
use crate::value::Value;

/// Explaining may take as many steps as evaluating by default.
const BUDGET: u64 = super::DEFAULT_BUDGET;
/// More parts than this do not explain.
const MOST: usize = 12;
/// Lists and maps that weigh more are named, not shown.
const HEAVY: u64 = 128;

/// One part of an expression that did not hold, and what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The part: where it lies (`body.status`, `rows[2].id`), else its source text (`size(rows)`).
    pub text: String,
    /// Its value; nothing where there is none, or where it is too big to be shown.
    pub value: Option<Value>,
    /// What else there is to say, such as `is absent`, or of which elements it is the first. May be empty.
    pub note: String,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if let Some(value) = &self.value {
            write!(f, " is {}", short(value))?;
            if !self.note.is_empty() {
                write!(f, " ({})", self.note)?;
            }
        } else if !self.note.is_empty() {
            write!(f, " {}", self.note)?;
        }
        Ok(())
    }
}

/// The parts that explain why a condition is not true, at most a dozen; empty where it is true, and only there.
pub fn explain(expr: &Expr, scope: &Scope<'_>) -> Vec<Part> {
    let evaluator = Evaluator::new(scope, expr.source(), BUDGET);
    let mut explainer = Explainer {
        evaluator: &evaluator,
        parts: Vec::new(),
    };
    if !matches!(evaluator.truth(expr.root(), None), Ok(true)) {
        explainer.condition(expr.root(), true, None);
        if explainer.parts.is_empty() {
            explainer.shown(expr.root(), None);
        }
    }
    explainer.parts
}

struct Explainer<'e> {
    evaluator: &'e Evaluator<'e>,
    parts: Vec<Part>,
}

impl<'e> Explainer<'e> {
    fn push(&mut self, text: String, value: Option<Value>, note: String) {
        let known = self.parts.iter().any(|part| part.text == text);
        if !known && self.parts.len() < MOST {
            self.parts.push(Part { text, value, note });
        }
    }

    /// The parts why a condition is not as wanted.
    fn condition<'v>(&mut self, node: &'v Node, wanted: bool, env: Env<'v>)
    where
        'e: 'v,
    {
        match &node.kind {
            Kind::Not(inner) => self.condition(inner, !wanted, env),
            Kind::Logic { left, right, .. } => {
                for side in [left, right] {
                    if self.evaluator.truth(side, env) != Ok(wanted) {
                        self.condition(side, wanted, env);
                    }
                }
            }
            Kind::Choose { condition, yes, no } => {
                self.operand(condition, env);
                match self.evaluator.truth(condition, env) {
                    Ok(true) => self.condition(yes, wanted, env),
                    Ok(false) => self.condition(no, wanted, env),
                    Err(_) => {}
                }
            }
            Kind::Each(each) => self.each(each, node, wanted, env),
            _ => self.operand(node, env),
        }
    }

    /// The values of the parts of a comparison, a call, a sum.
    fn operand<'v>(&mut self, node: &'v Node, env: Env<'v>)
    where
        'e: 'v,
    {
        if node.is_constant() {
            return;
        }
        match &node.kind {
            Kind::Compare { left, right, .. } | Kind::Logic { left, right, .. } => {
                self.operand(left, env);
                self.operand(right, env);
            }
            Kind::In { item, of } => {
                self.operand(item, env);
                self.operand(of, env);
            }
            Kind::Not(inner) | Kind::Negate(inner) => self.operand(inner, env),
            Kind::Has(inner) => self.shown(inner, env),
            Kind::Arithmetic { left, right, .. } => {
                self.shown(node, env);
                self.operand(left, env);
                self.operand(right, env);
            }
            Kind::Call { function, args, .. } => {
                if answers_bool(*function) {
                    for arg in args {
                        self.operand(arg, env);
                    }
                } else {
                    self.shown(node, env);
                    if !matches!(function, Function::Size) {
                        for arg in args {
                            self.operand(arg, env);
                        }
                    }
                }
            }
            Kind::Choose { condition, yes, no } => {
                self.shown(node, env);
                self.operand(condition, env);
                match self.evaluator.truth(condition, env) {
                    Ok(true) => self.operand(yes, env),
                    Ok(false) => self.operand(no, env),
                    Err(_) => {}
                }
            }
            _ => self.shown(node, env),
        }
    }

    /// One part with its value, or why it has none.
    fn shown<'v>(&mut self, node: &'v Node, env: Env<'v>)
    where
        'e: 'v,
    {
        let place = self.evaluator.place(node, env);
        match self.evaluator.eval(node, env) {
            Ok(value) if weight(&value) > HEAVY && !is_text(&value) => {
                let note = match value.as_ref() {
                    Value::List(items) => format!("is a list of {} elements", items.len()),
                    Value::Map(map) => format!("is a map with {} keys", map.len()),
                    other => format!("is {}", described(other)),
                };
                self.push(place, None, note);
            }
            Ok(value) => self.push(place, Some(value.into_owned()), String::new()),
            Err(stop) => self.trouble(place, stop),
        }
    }

    fn trouble(&mut self, place: String, stop: Stop) {
        let Some(trouble) = stop.worst() else { return };
        let place = trouble.path.map_or(place, |path| path.to_string());
        // The message repeats the place in front.
        let start = format!("`{place}` ");
        let note = match trouble.message.strip_prefix(&start) {
            Some(rest) => rest.to_owned(),
            None => format!("has no value: {}", trouble.message),
        };
        self.push(place, None, note);
    }

    fn each<'v>(&mut self, each: &'v Each, node: &'v Node, wanted: bool, env: Env<'v>)
    where
        'e: 'v,
    {
        let Ok(range) = self.evaluator.eval(&each.range, env) else {
            return self.operand(&each.range, env);
        };
        let list = match range.as_ref() {
            Value::List(items) if !matches!(each.which, Which::Map | Which::Filter) => items,
            _ => return self.operand(node, env),
        };
        let body = self.evaluator.text(&each.body);
        let place = self.evaluator.place(&each.range, env);
        // The first element that is to blame: for `all` the first that fails, for a `!exists` the first that holds.
        let blamed = each.which == Which::All || !wanted;
        for (i, value) in list.iter().enumerate().filter(|_| blamed) {
            let local = Local {
                name: &each.name,
                value,
                from: Some((&each.range, i)),
                outer: env,
            };
            let holds = self.evaluator.truth(&each.body, Some(&local));
            let to_blame = if each.which == Which::All && wanted {
                holds != Ok(true)
            } else {
                holds == Ok(true)
            };
            if !to_blame {
                continue;
            }
            let shown = (weight(value) <= HEAVY || is_text(value)).then(|| value.clone());
            let verb = if holds == Ok(true) {
                "holds"
            } else {
                "does not hold"
            };
            let note = format!("the first of {} for which `{body}` {verb}", list.len());
            self.push(format!("{place}[{i}]"), shown, note);
            self.condition(&each.body, holds != Ok(true), Some(&local));
            return;
        }
        let holding = list
            .iter()
            .enumerate()
            .filter(|(i, value)| {
                let local = Local {
                    name: &each.name,
                    value,
                    from: Some((&each.range, *i)),
                    outer: env,
                };
                self.evaluator.truth(&each.body, Some(&local)) == Ok(true)
            })
            .count();
        let shown = weight(&range) <= HEAVY;
        let note = match list.len() {
            0 => "is empty".to_owned(),
            n => format!("`{body}` holds for {holding} of {n} elements"),
        };
        let value = (shown && !list.is_empty()).then(|| range.clone().into_owned());
        let note = if value.is_none() && !list.is_empty() {
            format!("has {} elements; {note}", list.len())
        } else {
            note
        };
        self.push(place, value, note);
        if let Err(stop) = self.evaluator.eval(node, env) {
            self.trouble(self.evaluator.text(node).to_owned(), stop);
        }
    }
}

fn answers_bool(function: Function) -> bool {
    function.spec().overloads.first().map(|o| o.result.ty()) == Some(Type::Bool)
}

fn is_text(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Bytes(_))
}
