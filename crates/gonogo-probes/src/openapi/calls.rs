//! The requests that are made of a description: with which values, and how an answer is held against it.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::document::{At, Documents};
use super::model::{Location, Media, Operation, Parameter, Response, is_json, media_type};
use super::schemas::{Direction, Schemas};
use super::valid::{self, Wrong};
use crate::http::{Fetched, percent_encode};

/// A request, as far as the description says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    /// Path and query.
    pub(super) path: String,
    pub(super) headers: BTreeMap<String, String>,
}

/// The values of parameters that the plan gives.
pub(super) struct Examples<'p>(pub(super) &'p BTreeMap<String, Json>);

impl Examples<'_> {
    fn of(&self, operation: &str, parameter: &str) -> Option<&Json> {
        let own = self.0.get(operation).and_then(|all| all.get(parameter));
        own.or_else(|| self.0.get(parameter).filter(|v| !v.is_object()))
    }
}

/// Plans the request of an operation; why it cannot be made.
pub(super) fn planned(
    documents: &Documents,
    operation: &Operation<'_>,
    base: &str,
    examples: &Examples<'_>,
) -> Result<Planned, String> {
    let mut path = operation.path.to_owned();
    let mut query = String::new();
    let mut headers = BTreeMap::new();
    let mut cookies = Vec::new();
    for parameter in &operation.parameters {
        let named = examples.of(&operation.name(), parameter.name);
        let value = match named {
            Some(value) => value.clone(),
            None if !parameter.is_required => continue,
            None => documented_value(documents, parameter).ok_or_else(|| {
                let (place, name) = (parameter.location.word(), parameter.name);
                format!("nothing says which value the {place} parameter `{name}` takes; name one under `examples`")
            })?,
        };
        let unwritable = || {
            format!(
                "the value of `{}` cannot be written as a {} parameter",
                parameter.name,
                parameter.location.word()
            )
        };
        match parameter.location {
            Location::Path => {
                let text = joined(&value).ok_or_else(unwritable)?;
                if matches!(text.as_str(), "" | "." | "..") {
                    return Err(unwritable());
                }
                path = path.replace(&format!("{{{}}}", parameter.name), &percent_encode(&text));
            }
            Location::Query => append(&mut query, parameter, &value).ok_or_else(unwritable)?,
            Location::Header => {
                let name = parameter.name.to_ascii_lowercase();
                // OpenAPI 3.1.1, 4.8.12.2: these are said elsewhere.
                if !matches!(name.as_str(), "accept" | "content-type" | "authorization") {
                    headers.insert(name, joined(&value).ok_or_else(unwritable)?);
                }
            }
            Location::Cookie => {
                let text = joined(&value).ok_or_else(unwritable)?;
                cookies.push(format!(
                    "{}={}",
                    percent_encode(parameter.name),
                    percent_encode(&text)
                ));
            }
        }
    }
    if let Some(left) = super::model::placeholders(&path).next() {
        return Err(format!(
            "the parameter `{left}` of the path is not described"
        ));
    }
    if !cookies.is_empty() {
        headers.insert("cookie".to_owned(), cookies.join("; "));
    }
    Ok(Planned {
        path: format!("{base}{}{query}", encoded(&path)),
        headers,
    })
}

/// Percent-encodes what may not stand in a path; what is encoded already stays.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/%?".contains(letter) {
            out.push(letter);
        } else {
            out.push_str(&percent_encode(letter.encode_utf8(&mut [0; 4])));
        }
    }
    out
}

/// A value as one text: `simple` without `explode` (OpenAPI 3.1.1, 4.8.12.4).
fn joined(value: &Json) -> Option<String> {
    match value {
        Json::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(scalar).collect();
            items.map(|items| items.join(","))
        }
        other => scalar(other),
    }
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Appends a query parameter: style `form`, else nothing.
fn append(query: &mut String, parameter: &Parameter<'_>, value: &Json) -> Option<()> {
    let mut push = |text: &str| {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(&percent_encode(parameter.name));
        query.push('=');
        query.push_str(&percent_encode(text));
    };
    if parameter.object.get("content").is_some() {
        push(&value.to_string());
        return Some(());
    }
    if parameter
        .object
        .text("style")
        .is_some_and(|style| style != "form")
    {
        return None;
    }
    let explodes = parameter.object.node.get("explode") != Some(&Json::Bool(false));
    match value {
        Json::Array(items) if explodes => {
            for item in items {
                push(&scalar(item)?);
            }
        }
        other => push(&joined(other)?),
    }
    Some(())
}

/// The value that the document itself gives.
fn documented_value(documents: &Documents, parameter: &Parameter<'_>) -> Option<Json> {
    let object = parameter.object;
    let schema = || parameter.schema.and_then(|s| documents.follow(s).ok());
    let found = example(documents, object).or_else(|| {
        let schema = schema()?;
        let own = schema
            .get("example")
            .or_else(|| schema.get("examples")?.items().next());
        let chosen = || schema.get("enum")?.items().next();
        let any = own.or_else(|| schema.get("const"));
        let any = any.or_else(|| schema.get("default")).or_else(chosen);
        any.map(|at| at.node.clone())
    })?;
    (!found.is_null()).then_some(found)
}

/// The example of a parameter or of a media type.
pub(super) fn example(documents: &Documents, object: At<'_>) -> Option<Json> {
    if let Some(one) = object.get("example") {
        return Some(one.node.clone());
    }
    let (_, first) = object.get("examples")?.members().next()?;
    let first = documents.follow(first).ok()?;
    Some(first.get("value")?.node.clone())
}

/// What is wrong with an answer, by the description.
pub(super) fn problems<'d>(
    schemas: &mut Schemas<'d>,
    operation: &'d Operation<'d>,
    answer: &Fetched,
) -> Vec<String> {
    let all = all_problems(schemas, operation, answer);
    all.iter().map(|told| valid::shortened(told)).collect()
}

fn all_problems<'d>(
    schemas: &mut Schemas<'d>,
    operation: &'d Operation<'d>,
    answer: &Fetched,
) -> Vec<String> {
    let mut problems = Vec::new();
    let status = answer.status;
    let Some(response) = operation.response(status) else {
        let known: Vec<&str> = operation.responses.keys().map(String::as_str).collect();
        problems.push(format!(
            "the answer is {status} {}, which is not documented ({})",
            answer.reason,
            known.join(", ")
        ));
        return problems;
    };
    let is_bodiless = operation.method == "HEAD" || matches!(status, 204 | 304);
    if is_bodiless {
        return problems;
    }
    if let Some(why) = &answer.cut {
        problems.push(format!("the answer is not whole: {why}"));
        return problems;
    }
    match media(response, answer) {
        Ok(Some((named, media))) => {
            problems.extend(body_problems(schemas, &named, media, &answer.body));
        }
        Ok(None) => {}
        Err(why) => problems.push(why),
    }
    problems
}

/// The documented content that an answer has; `None` where neither has any.
fn media<'d>(
    response: &Response<'d>,
    answer: &Fetched,
) -> Result<Option<(String, Media<'d>)>, String> {
    let is_empty = answer.body.is_empty();
    if response.content.is_empty() {
        let size = answer.body.len();
        if is_empty {
            return Ok(None);
        }
        return Err(format!(
            "a body of {size} bytes came, and none is documented"
        ));
    }
    let known: Vec<&str> = response.content.keys().map(String::as_str).collect();
    let known = known.join(", ");
    if is_empty {
        return Err(format!("the body is empty, and {known} is documented"));
    }
    let Some(named) = answer.header("content-type").map(media_type) else {
        return Err(format!(
            "the answer has no `Content-Type`; {known} is documented"
        ));
    };
    let (kind, _) = named.split_once('/').unwrap_or((&named, ""));
    let ranges = [named.clone(), format!("{kind}/*"), "*/*".to_owned()];
    let found = ranges.iter().find_map(|r| response.content.get(r));
    match found {
        Some(media) => Ok(Some((named, *media))),
        None => Err(format!(
            "the content type is `{named}`; {known} is documented"
        )),
    }
}

fn body_problems<'d>(
    schemas: &mut Schemas<'d>,
    named: &str,
    media: Media<'d>,
    body: &[u8],
) -> Vec<String> {
    if !is_json(named) {
        return Vec::new();
    }
    let value: Json = match crate::json::count(body).and_then(|_| serde_json::from_slice(body)) {
        Ok(value) => value,
        Err(e) => return vec![format!("the body is not JSON: {e}")],
    };
    let Some(schema) = media.schema else {
        return Vec::new();
    };
    let ready = schemas.ready(schema, Direction::Answer);
    match valid::check(schemas, &ready, &value) {
        Ok(()) => Vec::new(),
        Err(Wrong::Invalid(told)) => told,
        Err(Wrong::Schema(why)) => vec![format!(
            "the body could not be held against its schema: {why}"
        )],
    }
}

/// A body that the description forbids, and the fields that the refusal must name one of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Forbidden {
    pub(super) kind: &'static str,
    pub(super) body: Json,
    pub(super) fields: Vec<String>,
}

/// The bodies that an operation must refuse; why there are none.
pub(super) fn forbidden<'d>(
    documents: &'d Documents,
    schemas: &mut Schemas<'d>,
    operation: &'d Operation<'d>,
) -> Result<Vec<Forbidden>, String> {
    let body = operation.body.as_ref().filter(|b| b.is_required);
    let body = body.ok_or("no body is required")?;
    let media = body.content.iter().find(|(name, _)| is_json(name));
    let (_, media) = media.ok_or("the body is not JSON")?;
    let schema = media.schema.ok_or("the body has no schema")?;
    let ready = schemas.ready(schema, Direction::Request);
    match valid::check(schemas, &ready, &json!({})) {
        Err(Wrong::Invalid(_)) => {}
        Ok(()) => return Err("an empty object is a valid body".to_owned()),
        Err(Wrong::Schema(why)) => return Err(format!("its schema is not understood: {why}")),
    }
    let mut required = Vec::new();
    let mut properties = Map::new();
    own_members(schemas, &ready.schema, 0, &mut required, &mut properties);
    if required.is_empty() {
        return Err("no field is required by its name".to_owned());
    }
    let mut all = vec![Forbidden {
        kind: "empty",
        body: json!({}),
        fields: required.clone(),
    }];
    let given = example(documents, media.object).or_else(|| {
        let schema = documents.follow(schema).ok()?;
        Some(schema.get("example")?.node.clone())
    });
    let given = given
        .and_then(|g| g.as_object().cloned())
        .unwrap_or_default();
    let wrong = required.iter().find_map(|field| {
        let property = super::schemas::Ready {
            schema: properties.get(field)?.clone(),
            wrong: None,
        };
        let candidates = [json!({}), json!("gonogo"), json!(1)];
        let value = candidates.into_iter().find(|value| {
            let held = valid::check(schemas, &property, value);
            matches!(held, Err(Wrong::Invalid(_)))
        })?;
        Some((field.clone(), value))
    });
    if let Some((field, value)) = wrong {
        let mut body = given;
        body.insert(field.clone(), value);
        let missing = required.iter().filter(|f| !body.contains_key(*f)).cloned();
        let fields = std::iter::once(field).chain(missing).collect();
        all.push(Forbidden {
            kind: "wrong_type",
            body: Json::Object(body),
            fields,
        });
    }
    Ok(all)
}

/// The required names and the properties of an object's schema, references and `allOf` followed.
fn own_members(
    schemas: &Schemas<'_>,
    schema: &Json,
    depth: usize,
    required: &mut Vec<String>,
    properties: &mut Map<String, Json>,
) {
    if depth > 16 || required.len() > 100 {
        return;
    }
    if let Some(number) = super::schemas::number(schema) {
        own_members(
            schemas,
            schemas.entry(number).0,
            depth + 1,
            required,
            properties,
        );
    }
    let names = schema.get("required").and_then(Json::as_array);
    for name in names.into_iter().flatten().filter_map(Json::as_str) {
        if !required.iter().any(|known| known == name) {
            required.push(name.to_owned());
        }
    }
    let own = schema.get("properties").and_then(Json::as_object);
    for (name, property) in own.into_iter().flatten() {
        properties.entry(name).or_insert_with(|| property.clone());
    }
    let parts = schema.get("allOf").and_then(Json::as_array);
    for part in parts.into_iter().flatten() {
        own_members(schemas, part, depth + 1, required, properties);
    }
}
