//! The values that templates may use: raw, secrets included. They never leave the engine but through a probe.

use gonogo_core::expr::Scope;
use gonogo_core::{Map, Value};

/// Inputs, saved values, the environment's own values. Holds secrets, so it cannot be printed.
#[derive(Clone)]
pub struct Names {
    inputs: Value,
    env: Value,
    saved: Value,
}

impl Names {
    /// What is there when a run begins.
    pub fn new(inputs: Map, env: Map) -> Self {
        Self {
            inputs: Value::Map(inputs),
            env: Value::Map(env),
            saved: Value::Map(Map::new()),
        }
    }

    /// Keeps a value under `saved`.
    pub(super) fn save(&mut self, name: &str, value: Value) {
        if let Value::Map(saved) = &mut self.saved {
            saved.insert(name.to_owned(), value);
        }
    }

    /// The scope of a template.
    pub fn scope<'a>(&'a self, item: Option<&'a Value>) -> Scope<'a> {
        let scope = Scope::new()
            .with_name("inputs", &self.inputs)
            .with_name("env", &self.env)
            .with_name("saved", &self.saved);
        match item {
            Some(item) => scope.with_name("item", item),
            None => scope,
        }
    }
}
