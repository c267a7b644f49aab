//! The judge's view of expressions: a truth or value, or why there is none.

use crate::expr::{self, DEFAULT_BUDGET, Evaluated, Expr, Scope};
use crate::value::{Map, Value};

/// Why an expression has no value, as the judge tells them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// A key is not there in what was observed: `fail`.
    Absent(String),
    /// What came back has another type: `fail`.
    Clash(String),
    /// Nothing was there to be judged: `inconclusive`.
    Empty(String),
    /// The expression itself cannot be decided: `error`.
    Error(String),
}

/// The value of an expression.
pub(crate) fn value(expr: &Expr, scope: &Scope<'_>) -> Result<Value, Gap> {
    outcome(expr::evaluate(expr, scope, DEFAULT_BUDGET))
}

/// The truth of an expression.
pub(crate) fn truth(expr: &Expr, scope: &Scope<'_>) -> Result<bool, Gap> {
    match outcome(expr::evaluate_condition(expr, scope, DEFAULT_BUDGET))? {
        Value::Bool(truth) => Ok(truth),
        other => Err(Gap::Error(format!(
            "`{}` is neither true nor false but {other}",
            expr.source()
        ))),
    }
}

fn outcome(evaluated: Evaluated) -> Result<Value, Gap> {
    match evaluated {
        Evaluated::Value(value) => Ok(value),
        Evaluated::Absent { message, .. } => Err(Gap::Absent(message)),
        Evaluated::TypeClash { message, .. } => Err(Gap::Clash(message)),
        Evaluated::Inconclusive { message } => Err(Gap::Empty(message)),
        Evaluated::Error { message } => Err(Gap::Error(message)),
    }
}

/// The value of each part that matters, in one line: `body.status is "degraded"`.
pub(crate) fn explain(expr: &Expr, scope: &Scope<'_>) -> String {
    let parts: Vec<String> = expr::explain(expr, scope)
        .iter()
        .map(ToString::to_string)
        .collect();
    if parts.is_empty() {
        return "it is false".to_owned();
    }
    super::words::shorten(&parts.join(", "), 400)
}

/// The value of each part of an expression that holds: `latency is 900ms`.
pub(crate) fn explain_held(expr: &Expr, scope: &Scope<'_>) -> String {
    let held = expr::parse(&format!("!({})", expr.source()));
    held.map_or_else(|_| "it is true".to_owned(), |not| explain(&not, scope))
}

/// Whether the expression itself speaks of a fact being empty.
pub(crate) fn speaks_of_emptiness(expr: &Expr, fact: &str) -> bool {
    expr.speaks_of_emptiness(fact)
}

/// The names that an expression starts from.
pub(crate) fn roots(expr: &Expr) -> Vec<String> {
    expr.roots().into_iter().collect()
}

/// A value of the plan with its templates filled; nothing where one cannot be.
pub(crate) fn filled(json: &serde_json::Value, scope: &Scope<'_>) -> Option<Value> {
    Some(match json {
        serde_json::Value::String(text) => {
            let template = expr::parse_template(text).ok()?;
            template.evaluate(scope, DEFAULT_BUDGET).into_value().ok()?
        }
        serde_json::Value::Array(items) => {
            let items: Option<Vec<Value>> = items.iter().map(|item| filled(item, scope)).collect();
            Value::List(items?)
        }
        serde_json::Value::Object(map) => {
            let entries = map
                .iter()
                .map(|(k, v)| Some((k.clone(), filled(v, scope)?)));
            let map: Option<Map> = entries.collect();
            Value::Map(map?)
        }
        other => Value::from_json(other),
    })
}
