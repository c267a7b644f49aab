//! Expressions: CEL in a strict profile, for `expect`, `save`, `when`, policies, and `${ … }` in text.
//!
//! The profile is published in `docs/expressions.md`. In short: an absent key is never overlooked, also behind `||`,
//! unless the expression asks for it with `has()`; `all` over nothing proves nothing; values of different types do
//! not compare; there is no clock. Everything here is pure and bounded: parsing by length, nesting and number of
//! parts, evaluating by a budget of steps.

mod access;
mod ast;
mod blame;
mod call;
mod check;
mod each;
mod eval;
mod explain;
mod functions;
mod lex;
mod ops;
mod parse;
mod path;
mod problem;
mod repair;
mod scope;
mod slips;
mod stop;
mod template;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

pub use check::{Checked, check};
pub use explain::{Part, explain};
pub use lex::{MAX_CHAIN, MAX_LENGTH, MAX_NESTING, MAX_TOKENS};
pub use path::{Path, Step};
pub use problem::{ExprProblem, codes};
pub use repair::{
    quoted, repair_comment, repair_mapping, repair_split, repair_tag, unbalanced_brackets,
};
pub use scope::Scope;
pub use template::{Template, TemplatePart, parse_template};
pub use types::{Field, Type, TypeEnv};

use ast::{Kind, Node};
use eval::Evaluator;
use stop::{Stop, TroubleKind};

use crate::value::Value;

/// Steps that an evaluation may take unless told otherwise: seconds of work at the very most, and thousands of
/// times what an honest expectation over a large observation takes.
pub const DEFAULT_BUDGET: u64 = 5_000_000;

/// A parsed expression. Cheap to clone.
#[derive(Clone)]
pub struct Expr {
    inner: Arc<Parsed>,
}

struct Parsed {
    source: String,
    root: Node,
}

/// Parses an expression, or says everything that is wrong with its text.
pub fn parse(source: &str) -> Result<Expr, Vec<ExprProblem>> {
    let root = parse::tree(source)?;
    let source = source.to_owned();
    Ok(Expr {
        inner: Arc::new(Parsed { source, root }),
    })
}

/// Parses each text once: plans repeat the same expectations, and parsing costs a hundred times what evaluating
/// does.
#[derive(Debug, Default)]
pub struct Memo {
    seen: BTreeMap<String, Expr>,
}

impl Memo {
    /// As [`parse`]; a text that was parsed before is not parsed again.
    pub fn parse(&mut self, source: &str) -> Result<Expr, Vec<ExprProblem>> {
        if let Some(expr) = self.seen.get(source) {
            return Ok(expr.clone());
        }
        let expr = parse(source)?;
        self.seen.insert(source.to_owned(), expr.clone());
        Ok(expr)
    }
}

impl Expr {
    /// The text it was parsed from.
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    fn root(&self) -> &Node {
        &self.inner.root
    }

    /// The names it uses that something outside must give, in order.
    pub fn roots(&self) -> BTreeSet<String> {
        self.paths().into_iter().map(|path| path.root).collect()
    }

    /// The places it looks at, as far as they can be read off the text: `saved.rule`, `body.items[0].id`;
    /// `rows[*].id` for what it looks at in every element.
    pub fn paths(&self) -> BTreeSet<Path> {
        check::paths(self.root())
    }

    /// Whether the expression itself speaks of the fact being empty or absent – `size(rows) == 0`, `rows == []`,
    /// `!has(error)` –, so that nothing observed is an answer and not a lack of evidence.
    pub fn speaks_of_emptiness(&self, fact: &str) -> bool {
        check::speaks_of_emptiness(self.root(), fact)
    }

    /// Whether nothing observed or given is in it: its value is the same for ever.
    pub fn is_constant(&self) -> bool {
        self.roots().is_empty()
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expr({:?})", self.source())
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.source())
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Expr {}

/// What an evaluation ends in.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluated {
    /// A value.
    Value(Value),
    /// A key or element is not there in what was observed: an expectation fails.
    Absent {
        /// Where, such as `body.rule.id`.
        path: String,
        /// What is missing and what is there instead, as a sentence without a full stop.
        message: String,
    },
    /// What came back has another type than the expression needs: an expectation fails.
    TypeClash {
        /// Where the value with the other type lies.
        path: String,
        /// What was found and what was due.
        message: String,
    },
    /// Nothing was there to be judged: `all` over an empty list.
    Inconclusive {
        /// Which list is empty.
        message: String,
    },
    /// The expression itself cannot be decided: a wrong type by the plan's own text, an ordering with NaN or
    /// an infinite number, a division by zero, too many steps.
    Error {
        /// Why.
        message: String,
    },
}

/// Evaluates an expression. Pure: the same expression, scope and budget give the same result for ever.
pub fn evaluate(expr: &Expr, scope: &Scope<'_>, budget: u64) -> Evaluated {
    let evaluator = Evaluator::new(scope, expr.source(), budget);
    let result = evaluator
        .eval(expr.root(), None)
        .and_then(|value| evaluator.own(value));
    match result {
        Ok(value) => Evaluated::Value(value),
        Err(stop) => Evaluated::from_stop(stop),
    }
}

/// Evaluates an expression that must be true or false; any other value is `TypeClash` or `Error`. So a
/// [`Evaluated::Value`] from here always holds a bool.
pub fn evaluate_condition(expr: &Expr, scope: &Scope<'_>, budget: u64) -> Evaluated {
    let evaluator = Evaluator::new(scope, expr.source(), budget);
    match evaluator.truth(expr.root(), None) {
        Ok(truth) => Evaluated::Value(Value::Bool(truth)),
        Err(stop) => Evaluated::from_stop(stop),
    }
}

impl Evaluated {
    fn from_stop(stop: Stop) -> Self {
        let contradicted = stop.contradicted;
        let Some(worst) = stop.worst() else {
            return Self::Error {
                message: "the expression has no value".to_owned(),
            };
        };
        let message = worst.message;
        let path = worst.path.map_or_else(String::new, |path| path.to_string());
        match worst.kind {
            TroubleKind::Absent => Self::Absent { path, message },
            TroubleKind::Clash => Self::TypeClash { path, message },
            // Another part is false, and that alone decides.
            TroubleKind::Error | TroubleKind::Inconclusive if contradicted => {
                Self::Value(Value::Bool(false))
            }
            TroubleKind::Exhausted | TroubleKind::Error => Self::Error { message },
            TroubleKind::Inconclusive => Self::Inconclusive { message },
        }
    }

    /// Whether it is the value true.
    pub fn is_true(&self) -> bool {
        *self == Self::Value(Value::Bool(true))
    }

    /// The value, where there is one.
    pub fn into_value(self) -> Result<Value, Evaluated> {
        match self {
            Self::Value(value) => Ok(value),
            other => Err(other),
        }
    }

    /// Why there is no value; nothing where there is one.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Value(_) => None,
            Self::Absent { message, .. }
            | Self::TypeClash { message, .. }
            | Self::Inconclusive { message }
            | Self::Error { message } => Some(message),
        }
    }
}

/// Whether a node is a name that nothing inside the expression gives.
fn is_fact(node: &Node, fact: &str) -> bool {
    matches!(&node.kind, Kind::Name(name) if name == fact)
}

#[cfg(test)]
mod tests;
