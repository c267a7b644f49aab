//! Whether a value is valid against a schema. Both come from outside, so the work is measured before it is done.

use std::collections::{BTreeMap, BTreeSet};

use boon::{Compiler, UrlLoader};
use serde_json::Value as Json;

use super::schemas::{PLACE, Ready, Schemas, number};

/// No answer is looked at more often than this, schema for value.
const MAX_STEPS: u64 = 200_000;
/// Schemas within schemas, references followed, and values within values.
const MAX_DEPTH: usize = 100;
/// No answer has more problems told.
const MAX_TOLD: usize = 20;

/// Why a value is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is not what the schema asks for: place and reason.
    Invalid(Vec<String>),
    /// The schema is one against which nothing can be held.
    Schema(String),
}

/// Loads nothing.
struct Nothing;

impl UrlLoader for Nothing {
    fn load(&self, url: &str) -> Result<Json, Box<dyn std::error::Error>> {
        Err(format!("`{url}` is not fetched").into())
    }
}

/// Holds a value against a schema.
pub(super) fn check(schemas: &Schemas<'_>, ready: &Ready, value: &Json) -> Result<(), Wrong> {
    if let Some(why) = &ready.wrong {
        return Err(Wrong::Schema(why.clone()));
    }
    let used = reached(schemas, &ready.schema)?;
    let mut steps = Steps {
        schemas,
        known: BTreeMap::new(),
        under_way: BTreeSet::new(),
    };
    steps.count(&ready.schema, value, 0)?;
    let wrong = |e: boon::CompileError| Wrong::Schema(shortened(&format!("{e:#}")));
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(Nothing));
    compiler.enable_format_assertions();
    let root = format!("{PLACE}root");
    compiler
        .add_resource(&root, ready.schema.clone())
        .map_err(wrong)?;
    for number in used {
        let schema = schemas.entry(number).0.clone();
        compiler
            .add_resource(&format!("{PLACE}{number}"), schema)
            .map_err(wrong)?;
    }
    let mut compiled = boon::Schemas::new();
    let index = compiler.compile(&root, &mut compiled).map_err(wrong)?;
    match compiled.validate(value, index) {
        Ok(()) => Ok(()),
        Err(error) => {
            let mut told = Vec::new();
            tell(&error, &mut told);
            Err(Wrong::Invalid(told))
        }
    }
}

/// The schemas that a schema refers to, directly or not; an error where one is not understood.
fn reached(schemas: &Schemas<'_>, schema: &Json) -> Result<BTreeSet<usize>, Wrong> {
    let mut found = BTreeSet::new();
    let mut queue = vec![schema];
    while let Some(node) = queue.pop() {
        if let Some(number) = number(node)
            && found.insert(number)
        {
            let (schema, wrong) = schemas.entry(number);
            if let Some(why) = wrong {
                let name = schemas.name(number);
                return Err(Wrong::Schema(shortened(&format!("`{name}`: {why}"))));
            }
            queue.push(schema);
        }
        match node {
            Json::Object(members) => queue.extend(members.values()),
            Json::Array(items) => queue.extend(items),
            _ => {}
        }
    }
    Ok(found)
}

/// Counts beforehand how often a schema would be held against a value: a dozen schemas that each refer to the next
/// one twice ask for thousands of looks, forty for more than there is time.
struct Steps<'s, 'd> {
    schemas: &'s Schemas<'d>,
    known: BTreeMap<(*const Json, *const Json), u64>,
    under_way: BTreeSet<(*const Json, *const Json)>,
}

impl Steps<'_, '_> {
    fn count(&mut self, schema: &Json, value: &Json, depth: usize) -> Result<u64, Wrong> {
        let key = (std::ptr::from_ref(schema), std::ptr::from_ref(value));
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        if depth > MAX_DEPTH {
            let why = format!("schema and value nest deeper than {MAX_DEPTH} levels");
            return Err(Wrong::Schema(why));
        }
        if !self.under_way.insert(key) {
            let why = "the schema refers to itself without an end".to_owned();
            return Err(Wrong::Schema(why));
        }
        let too_many = || {
            let why = format!("to look at it takes more than {MAX_STEPS} steps");
            Wrong::Schema(why)
        };
        let mut total = alone(schema, value);
        if total > MAX_STEPS {
            return Err(too_many());
        }
        let schemas = self.schemas;
        for (below, value) in applied(schemas, schema, value).ok_or_else(too_many)? {
            total = total.saturating_add(self.count(below, value, depth + 1)?);
            if total > MAX_STEPS {
                return Err(too_many());
            }
        }
        self.under_way.remove(&key);
        self.known.insert(key, total);
        Ok(total)
    }
}

/// What a schema itself costs, without those below it: values that are compared one by one, letters of a text.
fn alone(schema: &Json, value: &Json) -> u64 {
    let compared = schema
        .get("enum")
        .and_then(Json::as_array)
        .map_or(0, Vec::len);
    let size = match value {
        Json::Array(items) if schema.get("uniqueItems") == Some(&Json::Bool(true)) => {
            items.len().saturating_mul(items.len().min(50))
        }
        Json::String(text) if schema.get("pattern").is_some() => text.len() / 16,
        // A list or a mapping may be compared whole with each.
        Json::Array(items) => compared.saturating_mul(items.len()) / 8,
        Json::Object(members) => compared.saturating_mul(members.len()) / 8,
        _ => 0,
    };
    1 + (compared as u64) / 8 + size as u64
}

/// The schemas that a schema holds against a value and against what is in it; `None`: far too many.
fn applied<'a>(
    schemas: &'a Schemas<'_>,
    schema: &'a Json,
    value: &'a Json,
) -> Option<Vec<(&'a Json, &'a Json)>> {
    let mut all = Vec::new();
    let Some(members) = schema.as_object() else {
        return Some(all);
    };
    if let Some(number) = number(schema) {
        all.push((schemas.entry(number).0, value));
    }
    for (key, below) in members {
        match (key.as_str(), below, value) {
            ("allOf" | "anyOf" | "oneOf", Json::Array(some), _) => {
                all.extend(some.iter().map(|s| (s, value)));
            }
            ("not" | "if" | "then" | "else", _, _) => all.push((below, value)),
            ("dependentSchemas", Json::Object(some), _) => {
                all.extend(some.values().map(|s| (s, value)));
            }
            ("properties", Json::Object(some), Json::Object(values)) => {
                let both = some.iter().filter_map(|(k, s)| Some((s, values.get(k)?)));
                all.extend(both);
            }
            ("patternProperties", Json::Object(some), Json::Object(values)) => {
                if some.len().saturating_mul(values.len()) as u64 > MAX_STEPS {
                    return None;
                }
                let each = some.values();
                all.extend(each.flat_map(|s| values.values().map(move |v| (s, v))));
            }
            ("additionalProperties" | "unevaluatedProperties", _, Json::Object(values)) => {
                all.extend(values.values().map(|v| (below, v)));
            }
            ("prefixItems", Json::Array(some), Json::Array(values)) => {
                all.extend(some.iter().zip(values));
            }
            ("items" | "contains" | "unevaluatedItems", _, Json::Array(values)) => {
                all.extend(values.iter().map(|v| (below, v)));
            }
            _ => {}
        }
    }
    Some(all)
}

/// The reasons at the leaves, each with its place.
fn tell(error: &boon::ValidationError<'_, '_>, told: &mut Vec<String>) {
    if told.len() >= MAX_TOLD {
        return;
    }
    let alternatives = matches!(
        error.kind,
        boon::ErrorKind::AnyOf | boon::ErrorKind::OneOf(_) | boon::ErrorKind::Not
    );
    if error.causes.is_empty() || alternatives {
        let place = error.instance_location.to_string();
        let place = if place.is_empty() { "the body" } else { &place };
        let line = match &error.kind {
            // The value first would leave no room for the reason, where it is long.
            boon::ErrorKind::Pattern { want, .. } => format!("does not match the pattern `{want}`"),
            boon::ErrorKind::Format { want, .. } => format!("is not of the format `{want}`"),
            other => other.to_string(),
        };
        let line = shortened(&format!("{place}: {line}"));
        if !told.contains(&line) {
            told.push(line);
        }
        return;
    }
    error.causes.iter().for_each(|cause| tell(cause, told));
}

/// Text from outside, shortened.
pub(super) fn shortened(text: &str) -> String {
    crate::json_api::shortened(text)
}
