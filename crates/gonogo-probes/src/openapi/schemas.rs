//! Schemas of OpenAPI 3.0 and 3.1 as JSON Schema 2020-12: self-contained, without anything that could reach elsewhere.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::document::{At, Documents};
use super::model::Version;

/// Where the schemas are said to be; nothing is ever fetched from there (RFC 2606).
pub(super) const PLACE: &str = "http://gonogo.invalid/";
/// No description has more schemas that others refer to.
const MAX_SCHEMAS: usize = 20_000;
/// A pattern is no longer, and repeats what it repeats no more often.
const MAX_PATTERN: usize = 500;
const MAX_REPEATS: u64 = 100_000;

/// Whether a schema is of what is sent or of what comes back: properties that are only read are no part of a request,
/// those that are only written no part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Direction {
    Request,
    Answer,
}

/// The schemas of a description that references lead to.
pub(super) struct Schemas<'d> {
    documents: &'d Documents,
    version: Version,
    entries: Vec<Entry>,
    numbers: BTreeMap<(usize, String, Direction), usize>,
    queue: Vec<(usize, At<'d>, Direction)>,
}

/// One of them.
struct Entry {
    schema: Json,
    /// Why it is not understood.
    wrong: Option<String>,
    /// The name that its author gave it.
    name: String,
}

/// A schema, ready: what it refers to is in [`Schemas`].
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) schema: Json,
    /// Why it is not understood.
    pub(super) wrong: Option<String>,
}

/// The number that a reference of ours holds.
pub(super) fn number(schema: &Json) -> Option<usize> {
    let reference = schema.get("$ref")?.as_str()?;
    reference.strip_prefix(PLACE)?.parse().ok()
}

impl<'d> Schemas<'d> {
    /// None yet.
    pub(super) fn new(documents: &'d Documents, version: Version) -> Self {
        Self {
            documents,
            version,
            entries: Vec::new(),
            numbers: BTreeMap::new(),
            queue: Vec::new(),
        }
    }

    /// The schema of that number, and why it is not understood.
    pub(super) fn entry(&self, number: usize) -> (&Json, Option<&str>) {
        self.entries
            .get(number)
            .map_or((&Json::Bool(false), None), |e| {
                (&e.schema, e.wrong.as_deref())
            })
    }

    /// The name that its author gave it.
    pub(super) fn name(&self, number: usize) -> &str {
        self.entries.get(number).map_or("", |e| e.name.as_str())
    }

    /// Makes a schema ready, with all that it refers to.
    pub(super) fn ready(&mut self, at: At<'d>, direction: Direction) -> Ready {
        let mut wrong = None;
        let schema = self.converted(at, direction, &mut wrong);
        while let Some((number, at, direction)) = self.queue.pop() {
            let mut wrong = None;
            let schema = self.converted(at, direction, &mut wrong);
            self.entries[number].schema = schema;
            self.entries[number].wrong = wrong;
        }
        Ready { schema, wrong }
    }

    /// The number of what a reference leads to; it is converted when its turn comes.
    fn referred(
        &mut self,
        from: usize,
        reference: &str,
        direction: Direction,
    ) -> Result<usize, String> {
        let (pointer, at) = self.documents.find(from, reference)?;
        let name = pointer.rsplit('/').next().unwrap_or("").to_owned();
        let key = (at.document, pointer, direction);
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        let number = self.entries.len();
        if number >= MAX_SCHEMAS {
            return Err(format!("there are more than {MAX_SCHEMAS} schemas"));
        }
        self.entries.push(Entry {
            schema: Json::Bool(false),
            wrong: None,
            name,
        });
        self.numbers.insert(key, number);
        self.queue.push((number, at, direction));
        Ok(number)
    }

    /// The schema as 2020-12. What is not understood is said, and no answer is valid against it.
    fn converted(&mut self, at: At<'d>, direction: Direction, wrong: &mut Option<String>) -> Json {
        let members = match at.node {
            Json::Bool(all) => return Json::Bool(*all),
            Json::Object(members) => members,
            _ => {
                wrong.get_or_insert_with(|| "a schema is no mapping".to_owned());
                return Json::Bool(false);
            }
        };
        let mut out = Map::new();
        if let Some(reference) = members.get("$ref") {
            let referred = match reference.as_str() {
                Some(text) => self.referred(at.document, text, direction),
                None => Err("a `$ref` is no text".to_owned()),
            };
            match referred {
                Ok(number) => out.insert("$ref".to_owned(), format!("{PLACE}{number}").into()),
                Err(why) => {
                    wrong.get_or_insert(why);
                    return Json::Bool(false);
                }
            };
            // In 3.0 nothing beside a reference counts.
            if self.version == Version::V30 {
                return Json::Object(out);
            }
        }
        for (key, value) in members {
            let below = At { node: value, ..at };
            if let Some(value) = self.keyword(key, below, direction, wrong) {
                out.insert(key.clone(), value);
            }
        }
        self.one_way(&mut out, at, direction);
        if self.version == Version::V30 {
            of_30(&mut out, members);
        }
        Json::Object(out)
    }

    fn keyword(
        &mut self,
        key: &str,
        at: At<'d>,
        direction: Direction,
        wrong: &mut Option<String>,
    ) -> Option<Json> {
        Some(match key {
            "properties" | "patternProperties" | "dependentSchemas" => {
                if !at.node.is_object() {
                    wrong.get_or_insert_with(|| format!("`{key}` is no mapping of schemas"));
                }
                let mut out = Map::new();
                for (name, schema) in at.members() {
                    if key == "patternProperties" {
                        pattern(name, wrong);
                    }
                    out.insert(name.to_owned(), self.converted(schema, direction, wrong));
                }
                Json::Object(out)
            }
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let all = at.items().map(|s| self.converted(s, direction, wrong));
                let all: Vec<Json> = all.collect();
                if all.is_empty() {
                    wrong.get_or_insert_with(|| format!("`{key}` is no list of schemas"));
                }
                Json::Array(all)
            }
            "items"
            | "not"
            | "if"
            | "then"
            | "else"
            | "contains"
            | "propertyNames"
            | "additionalProperties"
            | "unevaluatedItems"
            | "unevaluatedProperties" => self.converted(at, direction, wrong),
            "pattern" => {
                pattern(at.node.as_str().unwrap_or(""), wrong);
                at.node.clone()
            }
            "type" | "enum" | "const" | "multipleOf" | "maximum" | "minimum"
            | "exclusiveMaximum" | "exclusiveMinimum" | "maxLength" | "minLength" | "maxItems"
            | "minItems" | "uniqueItems" | "maxContains" | "minContains" | "maxProperties"
            | "minProperties" | "required" | "dependentRequired" | "format" => at.node.clone(),
            "$dynamicRef" | "$recursiveRef" | "$id" => {
                wrong.get_or_insert_with(|| format!("it uses `{key}`, which is not followed"));
                return None;
            }
            // Names, descriptions, examples and extensions say nothing of what is valid.
            _ => return None,
        })
    }

    /// Takes properties that go the other way only off what is required (OpenAPI 3.0.3, 4.7.24.2).
    fn one_way(&self, out: &mut Map<String, Json>, at: At<'d>, direction: Direction) {
        let other = match direction {
            Direction::Request => "readOnly",
            Direction::Answer => "writeOnly",
        };
        let goes_the_other_way = |name: &str| {
            let property = at.get("properties").and_then(|p| p.get(name));
            let property = property.and_then(|p| self.documents.follow(p).ok());
            property.is_some_and(|p| p.is(other))
        };
        if let Some(Json::Array(required)) = out.get_mut("required") {
            required.retain(|name| !name.as_str().is_some_and(goes_the_other_way));
        }
    }
}

/// What 3.0 says in its own way: `nullable`, and bounds that are exclusive by a truth value.
fn of_30(out: &mut Map<String, Json>, written: &Map<String, Json>) {
    for (exclusive, bound) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        match out.get(exclusive) {
            Some(Json::Bool(true)) => {
                out.remove(exclusive);
                if let Some(value) = out.remove(bound) {
                    out.insert(exclusive.to_owned(), value);
                }
            }
            Some(Json::Bool(false)) => {
                out.remove(exclusive);
            }
            _ => {}
        }
    }
    if written.get("nullable") != Some(&Json::Bool(true)) {
        return;
    }
    if let Some(kind) = out.get_mut("type") {
        *kind = json!([kind.clone(), "null"]);
        return;
    }
    // By the letter of 3.0.3 `nullable` means nothing without `type`; generators write it beside `allOf`, and mean it.
    let other = std::mem::take(out);
    if !other.is_empty() {
        out.insert("anyOf".to_owned(), json!([other, {"type": "null"}]));
    }
}

/// Says where a pattern is one that could take long to make ready.
fn pattern(text: &str, wrong: &mut Option<String>) {
    let mut product: u64 = 1;
    for part in text.split('{').skip(1) {
        let Some((counts, _)) = part.split_once('}') else {
            continue;
        };
        let last = counts.rsplit(',').find(|c| !c.is_empty()).unwrap_or("1");
        if let Ok(count) = last.parse::<u64>() {
            product = product.saturating_mul(count.max(1));
        }
    }
    if text.len() > MAX_PATTERN || product > MAX_REPEATS {
        wrong.get_or_insert_with(|| {
            format!("a pattern has more than {MAX_PATTERN} letters or repeats more than {MAX_REPEATS} times")
        });
    }
}
