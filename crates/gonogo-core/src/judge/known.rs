//! What expressions may speak of besides what was observed, and how checks add to it.

use super::expectation::{self, Gap};
use super::secrets;
use crate::expr::{Expr, Scope};
use crate::plan::{Check, Plan, Save};
use crate::record::{Observation, RunStarted};
use crate::value::{Map, Value};

/// Inputs, saved values and the environment, as recorded: a secret is its mask.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    inputs: Value,
    saved: Map,
    saved_value: Value,
    env: Value,
}

impl Known {
    /// What is known when a run starts. Values of the environment may hold templates over the inputs.
    pub fn at_start(plan: &Plan, started: &RunStarted) -> Self {
        let inputs: Map = started
            .inputs
            .iter()
            .filter_map(|(name, seen)| Some((name.clone(), seen.value.clone()?)))
            .collect();
        let mut known = Self {
            inputs: Value::Map(inputs),
            saved: Map::new(),
            saved_value: Value::Map(Map::new()),
            env: Value::Map(Map::new()),
        };
        let mut env = Map::new();
        env.insert("name".to_owned(), started.environment.as_str().into());
        env.insert("kind".to_owned(), kind_word(started).into());
        if let Some(environment) = plan.environments.get(&started.environment) {
            for (name, json) in &environment.values {
                if let Some(value) = known.filled(json) {
                    env.insert(name.clone(), value);
                }
            }
        }
        known.env = Value::Map(env);
        known
    }

    /// The values saved so far.
    pub fn saved(&self) -> &Map {
        &self.saved
    }

    /// Adds what a check saved. Names are set once; the plan's loader sees to that.
    pub fn save(&mut self, values: Map) {
        if values.is_empty() {
            return;
        }
        self.saved.extend(values);
        self.saved_value = Value::Map(self.saved.clone());
    }

    /// Names and values for an expression over these facts.
    pub fn scope<'a>(&'a self, facts: &'a Map, item: Option<&'a Value>) -> Scope<'a> {
        let scope = Scope::new()
            .with_name("inputs", &self.inputs)
            .with_name("saved", &self.saved_value)
            .with_name("env", &self.env)
            .with(facts);
        match item {
            Some(item) => scope.with_name("item", item),
            None => scope,
        }
    }

    /// A value of the plan with its templates filled; nothing where one cannot be.
    fn filled(&self, json: &serde_json::Value) -> Option<Value> {
        let empty = Map::new();
        expectation::filled(json, &self.scope(&empty, None))
    }
}

fn kind_word(started: &RunStarted) -> &'static str {
    use crate::record::EnvironmentKind::{Local, Production, Staging};
    match started.kind {
        Local => "local",
        Staging => "staging",
        Production => "production",
    }
}

/// The bare facts of an observation, `secrets_seen` among them.
pub(super) fn facts(observation: &Observation) -> Map {
    let mut facts = observation.facts.clone();
    let seen = observation.secrets_seen.iter().map(|seen| {
        Value::Map(Map::from([
            ("name".to_owned(), seen.name.as_str().into()),
            ("where".to_owned(), seen.location.as_str().into()),
        ]))
    });
    facts
        .entry("secrets_seen".to_owned())
        .or_insert_with(|| Value::List(seen.collect()));
    facts
}

/// What one `save` of a check yields from what was observed, as it is: the engine asks this before redaction for
/// the secret ones.
///
/// # Errors
/// Why there is no value, for a person.
pub fn save_value(
    save: &Save,
    facts: &Map,
    known: &Known,
    item: Option<&Value>,
) -> Result<Value, String> {
    match expectation::value(&save.from, &known.scope(facts, item)) {
        Ok(Value::Null) => Err(format!("`{}` is null", save.from.source())),
        Ok(value) => Ok(value),
        Err(Gap::Absent(why) | Gap::Clash(why) | Gap::Error(why) | Gap::Empty(why)) => Err(why),
    }
}

/// What the saves of a check yield from a recorded observation; a secret one yields its mask. Those that are not
/// there are left out.
pub fn saves(check: &Check, observation: &Observation, known: &Known, item: Option<&Value>) -> Map {
    let facts = facts(observation);
    check
        .save
        .iter()
        .filter_map(|save| {
            let value = save_value(save, &facts, known, item).ok()?;
            let value = if save.secret {
                Value::String(secrets::mask(&save.name))
            } else {
                value
            };
            Some((save.name.clone(), value))
        })
        .collect()
}

/// The names that an expression starts from, such as `status` and `body`.
pub(super) fn roots(expr: &Expr) -> Vec<String> {
    expectation::roots(expr)
}
