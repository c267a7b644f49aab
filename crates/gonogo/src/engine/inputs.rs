//! Where a run's inputs come from: `-i`, else the environment variable of the name in capitals, else the file, else
//! the default of the plan.

use std::collections::BTreeMap;

use gonogo_core::diag::{Diagnostic, nearest};
use gonogo_core::plan::{Input, Plan};
use gonogo_core::record::InputSeen;
use gonogo_core::{Map, Value};

/// The inputs of a run. Holds secrets, so it cannot be printed.
pub struct Inputs {
    /// Values by name; those not given are missing.
    pub values: Map,
    /// How each was found, masked.
    pub seen: BTreeMap<String, InputSeen>,
    /// Secret values by name.
    pub secrets: Vec<(String, String)>,
}

/// Where values may come from besides the plan.
pub struct Sources<'a> {
    /// `-i KEY=VALUE`, in order.
    pub given: &'a [(String, String)],
    /// Reads an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file relative to the plan's folder; nothing where it is not there.
    pub file: &'a dyn Fn(&str) -> Result<Option<String>, String>,
}

/// Finds every input. Unknown names and unreadable files are problems; a missing value is not: what uses it is skipped.
pub fn find(plan: &Plan, sources: &Sources<'_>) -> Result<Inputs, Vec<Diagnostic>> {
    let mut problems = unknown_names(plan, sources.given);
    let mut inputs = Inputs {
        values: Map::new(),
        seen: BTreeMap::new(),
        secrets: Vec::new(),
    };
    for (name, input) in &plan.inputs {
        match look_up(name, input, sources) {
            Ok(found) => inputs.take(name, input, found),
            Err(problem) => problems.push(*problem),
        }
    }
    if problems.is_empty() {
        Ok(inputs)
    } else {
        Err(problems)
    }
}

impl Inputs {
    fn take(&mut self, name: &str, input: &Input, found: Option<(Value, &str)>) {
        let (value, source) = match found {
            Some((value, source)) => (Some(value), source),
            None => (None, "not given"),
        };
        let shown = value.clone().map(|value| {
            if input.secret {
                Value::String(format!("[secret {name}]"))
            } else {
                value
            }
        });
        self.seen.insert(
            name.to_owned(),
            InputSeen {
                value: shown,
                source: source.to_owned(),
                secret: input.secret,
            },
        );
        let Some(value) = value else { return };
        if input.secret {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            self.secrets.push((name.to_owned(), text));
        }
        self.values.insert(name.to_owned(), value);
    }
}

fn unknown_names(plan: &Plan, given: &[(String, String)]) -> Vec<Diagnostic> {
    let names = || plan.inputs.keys().map(String::as_str);
    given
        .iter()
        .filter(|(name, _)| !plan.inputs.contains_key(name))
        .map(|(name, _)| {
            let problem =
                Diagnostic::error("unknown-input", format!("the plan has no input `{name}`"));
            match nearest(name, names()) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!(
                    "its inputs are {}",
                    names().collect::<Vec<_>>().join(", ")
                )),
            }
        })
        .collect()
}

fn look_up<'s>(
    name: &str,
    input: &Input,
    sources: &Sources<'_>,
) -> Result<Option<(Value, &'s str)>, Box<Diagnostic>> {
    if let Some((_, value)) = sources.given.iter().rev().find(|(n, _)| n == name) {
        return Ok(Some((value.as_str().into(), "-i")));
    }
    if let Some(value) = (sources.variable)(&name.to_uppercase()) {
        return Ok(Some((value.into(), "environment variable")));
    }
    if let Some(path) = &input.file {
        let read = (sources.file)(path).map_err(|why| {
            Box::new(Diagnostic::error(
                "input-file",
                format!("input `{name}`: {why}"),
            ))
        })?;
        if let Some(text) = read {
            return Ok(Some((text.trim_end_matches(['\n', '\r']).into(), "file")));
        }
    }
    Ok(input
        .default
        .as_ref()
        .map(|value| (Value::from_json(value), "default")))
}
